"""The opening: a configuration becomes a running connector, and leaves nothing behind when its block ends.

open_binance
└─ (the embedded exchange, when the configuration asks for one)
   └─ root: rest_for_one, transient, 5 restarts in 10 s
      rest, streams (one_for_one, a child per socket), clock, wsapi (or one_for_one: wsapi, wsapi:events), userdata,
      mirror, books, gapless, journal, orders: each stands on those before it
"""

from __future__ import annotations

import math
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn, final

import attrs
import trio

from trio_binance import _util
from trio_binance._protocol.operation import Lane
from trio_binance._protocol.units import stream_url, ws_api_url
from trio_binance._pure.ids import ClientOrderIds
from trio_binance._pure.intents import Owner
from trio_binance._pure.keys import signer_for
from trio_binance._pure.limits import Cost, Limits
from trio_binance._pure.restart import Strategy
from trio_binance._pure.timesync import ClockSync
from trio_binance._services.backfill import Desk
from trio_binance._services.books import Books as BooksService
from trio_binance._services.clock import Clock, ClockService
from trio_binance._services.dialer import TcpDialer
from trio_binance._services.gapless import Gapless
from trio_binance._services.guard import Guard
from trio_binance._services.journal import open_journal
from trio_binance._services.leaving import Leaving, leaving_clean
from trio_binance._services.limiter import DEFAULT_RULES, Limiter
from trio_binance._services.link import Link
from trio_binance._services.logon import Logon, wants_logon
from trio_binance._services.mirror import Mirror
from trio_binance._services.observe import Observer
from trio_binance._services.orders import Orders
from trio_binance._services.proxydialer import ProxyDialer
from trio_binance._services.resolver import Resolver
from trio_binance._services.router import RestService, Router
from trio_binance._services.rulebook import Rulebook
from trio_binance._services.scope import open_service_scope
from trio_binance._services.status import StatusBoard
from trio_binance._services.streams import Shard
from trio_binance._services.streams import Streams as StreamsService
from trio_binance._services.supervisor import Supervisor
from trio_binance._services.userdata import UserData
from trio_binance._services.wsapi import WsApi
from trio_binance._util import shown
from trio_binance.config import BinanceConfig, ReplaySpec, SandboxSpec
from trio_binance.environments import Environment
from trio_binance.errors import ConfigError, ServiceCrashed

from .account import AccountRoom
from .books import Books
from .client import Binance, Engine
from .general import General
from .market import Market
from .session import Session
from .streams import Streams
from .trading import Trading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from trio_binance._services.dialer import Dialer
    from trio_binance._services.journal import Journal
    from trio_binance._services.service import Service


_GRACE = 2.5
"""Seconds a recording waits for further feeds: the pace of a socket lets one go by between bursts of SUBSCRIBEs."""

_EVENTS = "wsapi:events"
"""The connection that is the account's events' own."""


def open_binance(config: BinanceConfig, *, dialer: Dialer | None = None) -> AbstractAsyncContextManager[Binance]:
    """Run a connector for the length of an ``async with`` block.

    Yields as soon as its services run; that needs no network (``await bx.wait_ready()`` does). The body outlives the
    services: a ``finally`` clause in the block may still cancel orders. One error leaves the block as itself, so
    ``except BinanceError`` works; an error of yours passes through untouched. Cancelled: the body ends first, then
    the services, last to first, within ``tuning.shutdown_timeout``; no task and no connection is left.

    Args:
        config: which exchange, whose key, how careful.
        dialer: the way to the network, used for REST and WebSocket alike; by default TCP and TLS, through the proxy
            if there is one, or straight into the embedded exchange. Anything with its ``connect`` will do, such as
            an ``open_sandbox`` of yours.

    Raises:
        TypeError: ``config`` is something else.
        ConfigError: the credentials cannot sign; a SOCKS proxy without the extra ``proxy``, or one beside ``dialer``.
        ServiceCrashed: a part of the connector crashed more often than its supervisor allows; ``__cause__`` is why.
    """
    _check(config)
    return _Opening(_running(config, dialer))


def _check(config: object) -> None:
    if not isinstance(config, BinanceConfig):
        hint = "; write BinanceConfig(environment)" if isinstance(config, Environment) else ""
        raise TypeError(f"config={shown(config)}: expected a BinanceConfig, not {type(config).__name__}{hint}")


@final
class _Opening(AbstractAsyncContextManager["Binance"]):
    """What ``open_binance`` returns: there is nothing to do with it but to enter it."""

    def __init__(self, connector: AbstractAsyncContextManager[Binance]) -> None:
        self._connector = connector

    async def __aenter__(self) -> Binance:
        return await self._connector.__aenter__()

    async def __aexit__(self, *raised: Any) -> bool | None:
        return await self._connector.__aexit__(*raised)  # noqa: ASYNC102 - it shields what must end by itself

    # Type checkers must not see it: they tell the same mistake by themselves.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say what is missing, to whom takes it for the connector itself."""
            raise AttributeError(
                f"{name}: the connector does not run yet; enter it: async with open_binance(config) as bx: ..."
            )


@asynccontextmanager
async def _running(config: BinanceConfig, dialer: Dialer | None) -> AsyncIterator[Binance]:
    """Run a connector for the length of a block."""
    signer = None if config.credentials is None else signer_for(config.credentials)
    owner = Owner.of(config.environment.name, None if config.credentials is None else config.credentials.api_key)
    anchor = _Anchor(_util.wall_time_ns() // 1000, trio.current_time())
    async with (
        _open_exchange(config, dialer, anchor) as way,
        open_journal(config.journal, owner=owner, at_ms=anchor.wall_us // 1000) as journal,
    ):
        builder = _Builder(config, way, anchor, journal)
        engine, root = builder.build(signer)
        bx = Binance._create(
            config,
            engine,
            general=General(engine.router),
            market=Market(engine.router),
            trading=Trading(
                engine.router,
                engine.orders,
                builder.ids("tb"),
                builder.rulebook,
                engine.mirror,
            ),
            account=AccountRoom(engine.router, engine.mirror),
            streams=Streams(engine.streams, config.tuning, engine.gapless, config.time_unit),
            books=Books(engine.books),
            session=Session(engine.router),
        )
        try:
            async with open_service_scope(root), leaving_clean(builder.leaving(engine)):
                yield bx
        except ServiceCrashed as exc:
            # An error of the block's own is none of the feeds' that other tasks read: theirs end in order.
            _end(engine, exc)
            raise
        finally:
            _end(engine, None)
            builder.observer.flush()


def _end(engine: Engine, error: ServiceCrashed | None) -> None:
    """End every feed and refuse every call, those that wait included: nobody is left to answer them."""
    engine.router.close()
    engine.resolver.close()
    engine.streams.end(error)
    engine.books.end(error)
    if engine.user_data is not None:
        engine.user_data.end()
    if engine.mirror is not None:
        engine.mirror.end(error)
    engine.board.close()


@asynccontextmanager
async def _open_exchange(config: BinanceConfig, dialer: Dialer | None, anchor: _Anchor) -> AsyncIterator[Dialer]:
    """Return the way to the exchange: the network, or an exchange run in this process, by this machine's clock."""
    # Only who asks for the embedded exchange pays for importing it.
    if dialer is not None:
        if config.proxy is not None:
            raise ConfigError("proxy: a dialer was given as well; there is one way to the network")
        yield dialer
    elif isinstance(config.embedded, SandboxSpec):
        from trio_binance.sandbox.serve import open_sandbox

        epoch_ms = anchor.wall_us // 1000 if config.embedded.epoch_ms is None else config.embedded.epoch_ms
        spec = attrs.evolve(config.embedded, epoch_ms=epoch_ms)
        async with open_sandbox(spec, credentials=config.credentials) as sandbox:
            yield sandbox.dialer
    elif isinstance(config.embedded, ReplaySpec):
        from trio_binance.sandbox.serve import open_replay

        async with open_replay(config.embedded, grace=_GRACE) as player:
            yield player.dialer
    elif config.proxy is not None:
        yield ProxyDialer(config.proxy, connect_timeout=config.tuning.connect_timeout)
    else:
        yield TcpDialer(connect_timeout=config.tuning.connect_timeout)


@attrs.frozen
class _Anchor:
    """The one reading of the wall clock, in microseconds, and the ``trio.current_time()`` at which it was made."""

    wall_us: int
    at: float


class _Builder:
    """Puts the services of one connector together."""

    def __init__(self, config: BinanceConfig, dialer: Dialer, anchor: _Anchor, journal: Journal) -> None:
        self.seed = config.embedded.seed if isinstance(config.embedded, SandboxSpec) else _util.fresh_seed()
        self._config = config
        self._dialer = dialer
        self._anchor = anchor
        self._journal = journal
        self._tuning = config.tuning
        self.observer = Observer(config.hooks, credentials=config.credentials, proxy=config.proxy)
        self._board = StatusBoard(self.observer, _services_of(config))

    def build(self, signer: Any) -> tuple[Engine, Supervisor]:
        """Return the engine and the supervisor that runs it."""
        tuning = self._tuning
        sync = ClockSync(
            self._anchor.wall_us,
            self._anchor.at,
            interval=tuning.clock_interval,
            samples=tuning.clock_samples,
        )
        clock = Clock(sync, self.observer)
        limiter = Limiter(Limits(DEFAULT_RULES), clock, self.observer)
        router = Router(
            self._config, clock=clock, limiter=limiter, signer=signer, observer=self.observer, board=self._board
        )
        self._limiter, self._router, self._clock = limiter, router, clock
        stream_sockets = self._supervisor("streams", (), Strategy.ONE_FOR_ONE)
        streams = StreamsService(self._make_shard, stream_sockets, tuning)
        ws_api = self._make_ws_api(eager=signer is not None or self._config.prefer == "ws_api")
        ws_api_events = None if ws_api is None or signer is None else self._make_ws_api_events(ws_api)
        user_data = None if ws_api is None or signer is None else self._make_user_data(ws_api_events or ws_api)
        mirror = None if user_data is None else self._make_mirror(user_data)
        services: list[Service] = [
            RestService(router, self._config, self._dialer, self._board, self.observer),
            streams,
            ClockService(clock, router, tuning, self._board),
        ]
        books = BooksService(streams, router, limiter, self.observer, self._rng("books"))
        gapless = Gapless(streams, router, limiter, clock, tuning, self.observer)
        self.next_id = next_id = self.ids("op").next_id
        self.rulebook = Rulebook(router, tuning)
        guard = self._make_guard(router, mirror)
        resolver = Resolver(
            router,
            self._journal,
            user_data,
            clock=clock,
            probe=self._config.resolve_by_cancel,
            observer=self.observer,
            next_id=next_id,
            guard=guard,
        )
        orders = Orders(router, resolver, resolve_timeout=tuning.resolve_timeout, next_id=next_id, guard=guard)
        line: Service | None = ws_api
        if ws_api is not None and ws_api_events is not None:
            # Peers: neither breaks because the other crashed.
            line = self._supervisor("connections", (ws_api, ws_api_events), Strategy.ONE_FOR_ONE)
        services += [service for service in (line, user_data, mirror, books, gapless) if service is not None]
        services += [self._journal, resolver]
        root = self._supervisor("root", services, Strategy.REST_FOR_ONE)
        engine = Engine(
            clock,
            limiter,
            router,
            streams,
            ws_api,
            ws_api_events,
            user_data,
            mirror,
            books,
            gapless,
            resolver,
            orders,
            guard,
            root,
            self._board,
        )
        return engine, root

    def _make_guard(self, router: Router, mirror: Mirror | None) -> Guard | None:
        safety = self._config.safety
        return None if safety is None else Guard(safety, router, symbol_of=self.rulebook.symbol, mirror=mirror)

    def leaving(self, engine: Engine) -> Leaving | None:
        """Return what cancels our orders at the end, if the configuration asks for it."""
        safety = self._config.safety
        if engine.guard is None or safety is None or safety.cancel_on_exit is None:
            return None
        return Leaving(
            engine.guard,
            engine.orders.change,
            next_id=self.next_id,
            grace=safety.cancel_on_exit,
            observer=self.observer,
        )

    def _supervisor(self, name: str, services: Any, strategy: Strategy) -> Supervisor:
        return Supervisor(
            services,
            strategy=strategy,
            restart_limit=self._tuning.restart_limit,
            restart_period=self._tuning.restart_period,
            # Half for who stands below another, so that the upper one is not overdue because of it.
            shutdown_timeout=self._tuning.shutdown_timeout / (1 if name == "root" else 2),
            observer=self.observer,
            name=name,
        )

    def ids(self, prefix: str) -> ClientOrderIds:
        """Return a source of ids which no other run has; also of the embedded exchange, which outlives connectors."""
        return ClientOrderIds(prefix, boot=Random(f"{self.seed}:{prefix}:{self._anchor.at}").getrandbits(64))

    def _rng(self, purpose: str) -> Random:
        """Return a generator of its own for each purpose, so that one more draw here shifts nothing there."""
        return Random(f"{self.seed}:{purpose}")

    def _make_link(
        self, name: str, urls: Sequence[str], cost: Cost, lane: Lane, *, patience: float | None = None
    ) -> Link:
        return Link(
            name,
            urls,
            cost=cost,
            lane=lane,
            dialer=self._dialer,
            limiter=self._limiter,
            tuning=self._tuning,
            observer=self.observer,
            rng=self._rng(name),
            ping_exchange=self._router.ping_exchange,
            overlaps=True,
            patience=patience,
            ends=isinstance(self._config.embedded, ReplaySpec),
        )

    def _make_shard(self, name: str) -> Shard:
        urls = [stream_url(base, self._config.time_unit) for base in self._config.environment.stream_urls]
        return Shard(
            # An old connection may go on for as long as the new one does not carry everything.
            self._make_link(name, urls, Cost(raw=0, connections=1), Lane.MARKET, patience=math.inf),
            tuning=self._tuning,
            observer=self.observer,
            board=self._board,
            lossless=isinstance(self._config.embedded, ReplaySpec),
        )

    def _make_ws_api(self, *, eager: bool) -> WsApi | None:
        if self._config.environment.ws_api_url is None:
            return None
        logon = self._make_logon(wanted=wants_logon(self._config))
        ws_api = WsApi(self._make_ws_api_link("wsapi"), logon, self._tuning, self._board, eager=eager)
        self._router.attach(ws_api, logon)
        return ws_api

    def _make_ws_api_events(self, ws_api: WsApi) -> WsApi | None:
        """Return a connection that is the account's events' own, if calls are on the other one.

        What breaks an order's connection must not silence whoever could tell what became of it.
        """
        if not _splits(self._config):
            return None
        # What subscribes is signed: nobody has to be logged on.
        logon = self._make_logon(wanted=False)
        events = WsApi(self._make_ws_api_link(_EVENTS), logon, self._tuning, self._board)
        ws_api.on_key_lost = events.tell_key_lost
        return events

    def _make_ws_api_link(self, name: str) -> Link:
        config = self._config
        urls = [
            ws_api_url(base, config.time_unit, rate_limits=config.return_rate_limits)
            for base in config.environment.ws_api_urls
        ]
        # "connecting costs 2 weight" (web-socket-api.md, "General Information on rate limits")
        cost = Cost(raw=0, weight=2, connections=1)
        # It sees itself to it that nobody waits for long once its successor serves.
        return self._make_link(name, urls, cost, Lane.ACCOUNT, patience=math.inf)

    def _make_logon(self, *, wanted: bool) -> Logon:
        return Logon(
            self._router.seal,
            wanted=wanted,
            clock=self._clock,
            limiter=self._limiter,
            observer=self.observer,
            timeout=self._tuning.request_timeout,
        )

    def _make_user_data(self, ws_api: WsApi) -> UserData:
        return UserData(
            ws_api,
            self._router.seal,
            clock=self._clock,
            limiter=self._limiter,
            tuning=self._tuning,
            observer=self.observer,
            board=self._board,
            rng=self._rng("userdata"),
        )

    def _make_mirror(self, user_data: UserData) -> Mirror:
        return Mirror(
            user_data,
            Desk(self._router, self._limiter, self._clock),
            clock=self._clock,
            tuning=self._tuning,
            observer=self.observer,
            board=self._board,
            rng=self._rng("mirror"),
        )


def _splits(config: BinanceConfig) -> bool:
    """Tell whether the account's events have a connection of their own."""
    return config.prefer == "ws_api" and config.credentials is not None


def _services_of(config: BinanceConfig) -> list[str]:
    """Return who has to report before the connector is READY."""
    has_ws_api = config.environment.ws_api_url is not None
    names = ["rest", "clock"]
    if has_ws_api and (config.credentials is not None or config.prefer == "ws_api"):
        names.append("wsapi")
    if has_ws_api and _splits(config):
        names.append(_EVENTS)
    if has_ws_api and config.credentials is not None:
        names.append("userdata")
    return names
