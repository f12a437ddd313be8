"""The client: what ``open_binance`` hands to its block."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, final

import attrs

from trio_binance._decimals import check_decimal
from trio_binance._protocol.operation import MATCHING_ENGINE, Operation, Security
from trio_binance._protocol.weights import fixed
from trio_binance._services.conditions import Status
from trio_binance._util import NoPublicConstructor
from trio_binance.errors import InvalidArgument

from .checks import check_count, check_text
from .room import staking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._protocol.operation import Value
    from trio_binance._pure.breaker import BreakerStatistics
    from trio_binance._pure.intents import IntentStatistics
    from trio_binance._pure.limits import LimitsStatistics
    from trio_binance._pure.timesync import ClockStatistics
    from trio_binance._services.books import Books as BooksService
    from trio_binance._services.books import BooksStatistics
    from trio_binance._services.clock import Clock
    from trio_binance._services.gapless import Gapless, GaplessStatistics
    from trio_binance._services.guard import Guard
    from trio_binance._services.limiter import Limiter
    from trio_binance._services.mirror import AccountStatistics, Mirror
    from trio_binance._services.orders import Orders
    from trio_binance._services.resolver import Resolver
    from trio_binance._services.router import Router
    from trio_binance._services.status import StatusBoard
    from trio_binance._services.streams import Streams as StreamsService
    from trio_binance._services.streams import StreamsStatistics
    from trio_binance._services.supervisor import Supervisor, SupervisorStatistics
    from trio_binance._services.userdata import UserData, UserDataStatistics
    from trio_binance._services.wsapi import WsApi, WsApiStatistics
    from trio_binance.config import BinanceConfig

    from .account import AccountRoom
    from .books import Books
    from .general import General
    from .market import Market
    from .session import Session
    from .streams import Streams
    from .trading import Trading

_PATH = re.compile(r"/[!\"$->@-~]*")


@attrs.frozen
class Statistics:
    """Counters and states of every part of the connector."""

    clock: ClockStatistics
    limits: LimitsStatistics
    breaker: BreakerStatistics
    ws_api_breaker: BreakerStatistics | None
    streams: StreamsStatistics
    ws_api: WsApiStatistics | None
    ws_api_events: WsApiStatistics | None
    """The connection that is the account's events' own, where calls prefer the WebSocket API."""
    user_data: UserDataStatistics | None
    account: AccountStatistics | None
    books: BooksStatistics
    gapless: GaplessStatistics
    orders: IntentStatistics
    supervisor: SupervisorStatistics


@attrs.frozen
class Engine:
    """The services behind a client, by name."""

    clock: Clock
    limiter: Limiter
    router: Router
    streams: StreamsService
    ws_api: WsApi | None
    ws_api_events: WsApi | None
    user_data: UserData | None
    mirror: Mirror | None
    books: BooksService
    gapless: Gapless
    resolver: Resolver
    orders: Orders
    guard: Guard | None
    supervisor: Supervisor
    board: StatusBoard


@final
class Binance(metaclass=NoPublicConstructor):
    """A connector that runs: its rooms are ``general``, ``market``, ``trading``, ``account``, ``streams``, ``books``.

    Made by ``open_binance``; being inside its block is being started. Methods may be called from any task of the
    same Trio run, also after the body was cancelled, in ``finally`` clauses, until the block is left.
    """

    def __init__(
        self,
        config: BinanceConfig,
        engine: Engine,
        *,
        general: General,
        market: Market,
        trading: Trading,
        account: AccountRoom,
        streams: Streams,
        books: Books,
        session: Session,
    ) -> None:
        self.config = config
        self.general = general
        self.market = market
        self.trading = trading
        self.account = account
        self.streams = streams
        self.books = books
        self.session = session
        self._engine = engine

    def __repr__(self) -> str:
        return f"<Binance {self.config.environment.name}, {self.status.name}>"

    @property
    def status(self) -> Status:
        """STARTING, READY, DEGRADED (see ``status_reasons``) or CLOSED."""
        return self._engine.board.status

    @property
    def status_reasons(self) -> Mapping[str, str]:
        """Why the connector is not READY: the part concerned, and what it lacks."""
        return self._engine.board.reasons

    async def wait_ready(self) -> None:
        """Wait until every part is ready: the clock is synchronised, the key's events flow, the streams are up.

        It needs a network, unlike entering the block, and waits as long as the exchange is not reached: bound it,
        ``with trio.fail_after(15): await bx.wait_ready()``, and look at ``status_reasons`` when that was too short.
        Cancelled: nothing changed.

        Raises:
            AuthError: the exchange refuses the key, which no waiting mends; the connector goes on trying.
            ConnectorClosed: the connector was closed meanwhile.
        """
        await self._engine.board.wait(Status.READY)

    def statistics(self) -> Statistics:
        """Return counters and states of every part, as they are now."""
        engine = self._engine
        breakers = engine.router.statistics()
        return Statistics(
            clock=engine.clock.statistics(),
            limits=engine.limiter.statistics(),
            breaker=breakers["rest"],
            ws_api_breaker=breakers.get("ws_api"),
            streams=engine.streams.statistics(),
            ws_api=None if engine.ws_api is None else engine.ws_api.statistics(),
            ws_api_events=None if engine.ws_api_events is None else engine.ws_api_events.statistics(),
            user_data=None if engine.user_data is None else engine.user_data.statistics(),
            account=None if engine.mirror is None else engine.mirror.statistics(),
            books=engine.books.statistics(),
            gapless=engine.gapless.statistics(),
            orders=engine.resolver.statistics(),
            supervisor=engine.supervisor.statistics(),
        )

    def server_time_ms(self) -> int:
        """Return the exchange's time now, in milliseconds, as well as it is known; no request is made."""
        return self._engine.clock.server_ms()

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Value | list[str]] | None = None,
        *,
        signed: bool = False,
        weight: int = 1,
    ) -> Any:
        """Ask anything of the exchange's REST API: the way out when a method is missing here.

        Goes through the limits (``weight``), the breaker and the signer like every other call, and returns the
        JSON answer with exact decimals; a list among the parameters is sent as a JSON array. Cancelled after the
        request has left, its outcome is unknown.

        Raises:
            InvalidArgument: ``method``, ``path`` or a parameter cannot be sent.
            SafetyRefused: the configured ``safety`` cannot judge it: with rules it may only ask, and cancel.
            BinanceError: as for every call.
        """
        if method not in ("GET", "POST", "PUT", "DELETE"):
            raise InvalidArgument("method", method, "expected GET, POST, PUT or DELETE")
        check_text("path", path, _PATH, 'expected a path such as "/api/v3/ping", without a query')
        check_count("weight", weight, 0)
        if self._engine.guard is not None:
            self._engine.guard.admit_call(method, path)
        security = Security.TRADE if signed and method != "GET" else Security.USER_DATA if signed else Security.NONE
        # What is not a GET may change something: it is never sent twice, and a lost answer leaves it UNKNOWN.
        source = "Memory" if method == "GET" else MATCHING_ENGINE
        operation: Operation[Any] = Operation(method, path, None, security, fixed(weight), Any, source=source)
        values = {name: _sendable(name, value) for name, value in (params or {}).items()}
        with staking(operation):
            return await self._engine.router.call(operation, values)


def _sendable(name: str, value: object) -> Value:
    """Return a parameter of a call that no catalogue knows, or refuse it by its name."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(value, int | Decimal):
        check_decimal(name, value)
        return value
    hint = f'a float is not exact; write Decimal("{value!r}")' if isinstance(value, float) else "cannot be sent"
    raise InvalidArgument(name, value, hint)
