"""The building: the services of one connector, made of its configuration and put together."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance import _util
from trio_binance._protocol.operation import Lane
from trio_binance._protocol.units import stream_url, ws_api_url
from trio_binance._pure.ids import ClientOrderIds
from trio_binance._pure.limits import Cost, Limits
from trio_binance._pure.restart import Strategy
from trio_binance._pure.timesync import ClockSync
from trio_binance._services.backfill import Desk
from trio_binance._services.books import Books as BooksService
from trio_binance._services.clock import Clock, ClockService
from trio_binance._services.gapless import Gapless
from trio_binance._services.guard import Guard
from trio_binance._services.leaving import Leaving
from trio_binance._services.limiter import DEFAULT_RULES, Limiter
from trio_binance._services.link import Link
from trio_binance._services.logon import Logon, wants_logon
from trio_binance._services.mirror import Mirror
from trio_binance._services.observe import Observer
from trio_binance._services.orders import Orders
from trio_binance._services.resolver import Resolver
from trio_binance._services.router import RestService, Router
from trio_binance._services.rulebook import Rulebook
from trio_binance._services.status import StatusBoard
from trio_binance._services.streams import Shard
from trio_binance._services.streams import Streams as StreamsService
from trio_binance._services.supervisor import Supervisor
from trio_binance._services.userdata import UserData
from trio_binance._services.wsapi import WsApi
from trio_binance.config import BinanceConfig, ReplaySpec, SandboxSpec

from .client import Engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_binance._services.dialer import Dialer
    from trio_binance._services.journal import Journal
    from trio_binance._services.service import Service

_EVENTS = "wsapi:events"
"""The connection that is the account's events' own."""


@attrs.frozen
class Anchor:
    """The one reading of the wall clock, in microseconds, and the ``trio.current_time()`` at which it was made."""

    wall_us: int
    at: float


class Builder:
    """Puts the services of one connector together."""

    def __init__(self, config: BinanceConfig, dialer: Dialer, anchor: Anchor, journal: Journal) -> None:
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
            board=self._board,
            next_id=next_id,
            is_unique=self.ids("tb").owns,
            guard=guard,
        )
        if mirror is not None:
            mirror.on_recovered = resolver.on_recovered
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
