"""The world of a router: both wires answer by a script, and everything that leaves is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs
import trio

from trio_binance._protocol.operation import Value
from trio_binance._protocol.wsapi import Answer
from trio_binance._pure.keys import signer_for
from trio_binance._pure.limits import LimitKind, Limits
from trio_binance._pure.timesync import ClockSync
from trio_binance._services.clock import Clock
from trio_binance._services.events import Event
from trio_binance._services.http import HttpReply
from trio_binance._services.limiter import DEFAULT_RULES, Limiter
from trio_binance._services.logon import Logon
from trio_binance._services.observe import Observer
from trio_binance._services.router import Router
from trio_binance._services.status import StatusBoard
from trio_binance.config import BinanceConfig, Credentials, Environment
from trio_binance.errors import BinanceError, ConnectionLost, Outcome

WALL_US = 1_700_000_070_000_000
OK = b'{"serverTime":1700000070000}'
ACK = b'{"symbol":"BTCUSDT","orderId":1,"orderListId":-1,"clientOrderId":"mine","transactTime":1507725176595}'
ORDER: Mapping[str, Value] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": Decimal("1.00"),
    "newClientOrderId": "mine",
    "newOrderRespType": "ACK",
}
CANCEL: Mapping[str, Value] = {"symbol": "BTCUSDT", "orderId": 1}
CANCELLED = (
    b'{"symbol":"BTCUSDT","origClientOrderId":"mine","orderId":1,"orderListId":-1,"clientOrderId":"x",'
    b'"transactTime":1,"price":"1","origQty":"1","executedQty":"0","origQuoteOrderQty":"0","cummulativeQuoteQty":"0",'
    b'"status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY","selfTradePreventionMode":"NONE"}'
)
KEY = "k" * 64
PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
"""The Ed25519 key of the first test of RFC 8032; it is nobody's."""


@attrs.define
class Sent:
    method: str
    target: str
    body: bytes
    headers: Mapping[str, str]
    at: float


Step = tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | BinanceError


class ScriptedHttp:
    """Answers each request with the next step of a script; the last step stays."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.sent: list[Sent] = []
        self.latency = 0.0

    async def request(
        self, method: str, target: str, *, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
    ) -> HttpReply:
        sent_at = trio.current_time()
        self.sent.append(Sent(method, target, body, dict(headers), sent_at))
        await trio.sleep(self.latency)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, BinanceError):
            raise step
        extra = step[2] if len(step) == 3 else {}
        return HttpReply(step[0], extra, step[1], sent_at, trio.current_time())


def answer(status: int = 200, result: bytes = OK, error: object = None, rate_limits: object = None) -> Answer:
    return Answer(1, status, result, error, rate_limits)


@attrs.define(eq=False, slots=False)
class ScriptedLine:
    """A connection that answers each request with the next step of a script; the last step stays."""

    script: list[Answer | BinanceError]
    requests: list[tuple[str, Mapping[str, Any], bool]] = attrs.field(factory=list)
    logged_on_as: str | None = None
    epoch: int = 1
    latency: float = 0.0
    latest: int = 0
    session_as_of: int = 0

    def on_disowned(self, error: BinanceError) -> None:
        self.logged_on_as = None

    def on_logged_on(self) -> None:
        """As the real one; nothing is in doubt here."""

    async def request(
        self, method: str, params: Mapping[str, object], *, by_session: bool = False, changes_state: bool = True
    ) -> Answer:
        self.requests.append((method, params, by_session))
        self.latest += 1
        number = self.latest
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        await trio.sleep(self.latency)
        if isinstance(step, BinanceError):
            raise step
        return attrs.evolve(step, id=number)


class ScriptedWsApi:
    """A WebSocket API with one connection, which is there or comes back at a certain time."""

    def __init__(self, line: ScriptedLine) -> None:
        self.scripted = line
        self.usable = True
        self.back_at = float("inf")
        self.demanded = 0
        self.look_after: Any = None

    def demand(self) -> None:
        self.demanded += 1

    async def wait_line(self) -> ScriptedLine:
        await trio.lowlevel.checkpoint()
        if not self.usable and self.back_at < trio.current_time() + 5:
            await trio.sleep_until(self.back_at)
            self.usable = True
        if not self.usable:
            raise ConnectionLost("not connected", outcome=Outcome.NOT_SENT)
        return self.scripted


class World:
    """A router on scripted wires; without steps for the WebSocket API there is none."""

    def __init__(
        self,
        *script: Step,
        ws: Sequence[Answer | BinanceError] = (),
        key: Credentials | None = Credentials.hmac(KEY, "secret"),  # noqa: B008 - frozen
        synced: bool = True,
        environment: Environment = Environment.PRODUCTION,
        **settings: Any,
    ) -> None:
        self.events: list[Event] = []
        observer = Observer((self.events.append,))
        self.sync = ClockSync(WALL_US, trio.current_time())
        self.clock = Clock(self.sync, observer)
        if synced:
            now = trio.current_time()
            self.clock.on_sample(now, now, WALL_US)
        self.limiter = Limiter(Limits(DEFAULT_RULES), self.clock, observer)
        self.board = StatusBoard(observer, ["rest"])
        self.config = BinanceConfig(environment, key, **settings)
        self.router = Router(
            self.config,
            clock=self.clock,
            limiter=self.limiter,
            signer=None if key is None else signer_for(key),
            observer=observer,
            board=self.board,
        )
        self.http = ScriptedHttp(*(script or [(200, OK)]))
        self.router.rest.http = self.http  # type: ignore[assignment]
        self.line = ScriptedLine(list(ws))
        self.ws_api = ScriptedWsApi(self.line)
        if ws:
            self.logon = Logon(
                self.router.seal,
                wanted=False,
                clock=self.clock,
                limiter=self.limiter,
                observer=observer,
                timeout=15.0,
            )
            self.router.attach(self.ws_api, self.logon)  # type: ignore[arg-type]

    def used(self, kind: LimitKind) -> int:
        return max(rule.used for rule in self.limiter.statistics().rules if rule.rule.kind is kind)

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def wires(self) -> str:
        """Return which wires were asked, without their order: R for REST, W for the WebSocket API."""
        return "R" * len(self.http.sent) + "W" * len(self.line.requests)
