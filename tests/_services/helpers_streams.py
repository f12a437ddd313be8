"""The laboratory: the services around streams and account events, on an embedded exchange and in virtual time."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from trio_binance._protocol.operation import Lane
from trio_binance._pure.keys import signer_for
from trio_binance._pure.limits import Cost, Limits, Rule
from trio_binance._pure.restart import Strategy
from trio_binance._pure.timesync import ClockSync
from trio_binance._services.backfill import Desk
from trio_binance._services.clock import Clock, ClockService
from trio_binance._services.conditions import Status
from trio_binance._services.limiter import DEFAULT_RULES, Limiter
from trio_binance._services.link import Link
from trio_binance._services.logon import Logon, wants_logon
from trio_binance._services.mirror import Mirror
from trio_binance._services.observe import Observer
from trio_binance._services.router import RestService, Router
from trio_binance._services.scope import open_service_scope
from trio_binance._services.status import StatusBoard
from trio_binance._services.streams import Shard, Streams
from trio_binance._services.supervisor import Supervisor
from trio_binance._services.userdata import UserData
from trio_binance._services.wsapi import WsApi
from trio_binance.config import BinanceConfig, Overflow, SandboxSpec, Tuning
from trio_binance.sandbox.faults import FaultSchedule
from trio_binance.sandbox.network import MemoryNetwork
from trio_binance.sandbox.serve import open_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.feed import Feed
    from trio_binance._services.service import Service
    from trio_binance.sandbox.driver import Socket as ServerSocket
    from trio_binance.sandbox.faults import Fault
    from trio_binance.sandbox.network import MemoryStream
    from trio_binance.sandbox.rules import Rules
    from trio_binance.sandbox.serve import Sandbox

E = TypeVar("E")

EPOCH_MS = 1_790_000_000_000
NO_PINGS = {"ping_every_us": 10**15}
"""Rules of an exchange that never pings, so that a quiet connection is really silent."""


class Highest(Random):
    """Draws the highest number each time: jitter without chance."""

    def uniform(self, a: float, b: float) -> float:
        del a
        return b


class _Dialer:
    """The way to the network of one link; remembers when it was gone, and its latest line."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab = lab
        self._name = name

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        self._lab.dialled.append(trio.current_time())
        line = self._lab.lines[self._name] = await self._lab.network.connect(host, port, tls=tls)
        return line


class Lab:
    """Makes the services, and looks into the exchange behind them."""

    def __init__(self, config: BinanceConfig, sandbox: Sandbox, network: MemoryNetwork, rules: Sequence[Rule]) -> None:
        self.config = config
        self.tuning = config.tuning
        self.sandbox = sandbox
        self.network = network
        self.events: list[Any] = []
        self.dialled: list[float] = []
        self.lines: dict[str, MemoryStream] = {}
        self._happened = trio.Event()
        self.observer = Observer((self._on_event,), credentials=config.credentials)
        self.board = StatusBoard(self.observer)
        self.clock = Clock(ClockSync(EPOCH_MS * 1000, trio.current_time()), self.observer)
        self.limiter = Limiter(Limits(rules), self.clock, self.observer)
        assert config.credentials is not None
        self.router = Router(
            config,
            clock=self.clock,
            limiter=self.limiter,
            signer=signer_for(config.credentials),
            observer=self.observer,
            board=self.board,
        )
        self.sockets = self.supervisor((), Strategy.ONE_FOR_ONE, "sockets")
        self.streams = Streams(self.make_shard, self.sockets, self.tuning)
        self.shards: list[Shard] = []
        self.rng: Random = Random(7)
        self.ping_exchange: Callable[[], Awaitable[bool]] = self.router.ping_exchange
        self.lossless = False
        self.ws_api = self.make_ws_api()
        self.user_data = UserData(
            self.ws_api,
            self.router.seal,
            clock=self.clock,
            limiter=self.limiter,
            tuning=self.tuning,
            observer=self.observer,
            board=self.board,
            rng=self.rng,
        )
        self.mirror = Mirror(
            self.user_data,
            Desk(self.router, self.limiter, self.clock),
            clock=self.clock,
            tuning=self.tuning,
            observer=self.observer,
            board=self.board,
            rng=self.rng,
        )

    # -------------------------------------------------------------------------------------- our side

    def supervisor(self, services: Sequence[Service], strategy: Strategy, name: str) -> Supervisor:
        return Supervisor(services, observer=self.observer, strategy=strategy, name=name)

    def make_link(self, name: str = "link", path: str = "/stream", **settings: Any) -> Link:
        url = self.config.environment.ws_api_url if path == "ws-api" else self.config.environment.stream_url + path
        assert url is not None
        return Link(
            name,
            [url],
            cost=Cost(raw=0, connections=1),
            lane=Lane.MARKET,
            dialer=_Dialer(self, name),
            limiter=self.limiter,
            tuning=self.tuning,
            observer=self.observer,
            rng=self.rng,
            ping_exchange=self.ping_exchange,
            **settings,
        )

    def make_shard(self, name: str) -> Shard:
        shard = Shard(
            self.make_link(name, overlaps=True, patience=math.inf, ends=self.lossless),
            tuning=self.tuning,
            observer=self.observer,
            board=self.board,
            lossless=self.lossless,
        )
        self.shards.append(shard)
        return shard

    def make_ws_api(self) -> WsApi:
        link = self.make_link("wsapi", "ws-api", overlaps=True, patience=math.inf)
        logon = Logon(
            self.router.seal,
            wanted=wants_logon(self.config),
            clock=self.clock,
            limiter=self.limiter,
            observer=self.observer,
            timeout=self.tuning.request_timeout,
        )
        ws_api = WsApi(link, logon, self.tuning, self.board)
        self.router.attach(ws_api, logon)
        return ws_api

    def open(
        self, *names: str, buffer: int = 1000, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[Any]]:
        return self.streams.open(names, buffer=buffer, overflow=overflow, key=lambda event: event.symbol)

    def _on_event(self, event: Any) -> None:
        self.events.append(event)
        self._happened.set()
        self._happened = trio.Event()

    def seen(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind: type[E], count: int = 1, *, within: float = 300.0) -> E:
        """Wait until so many events of a kind have been told of; return the last of them."""
        with trio.fail_after(within):
            while len(self.seen(kind)) < count:
                await self._happened.wait()
        return self.seen(kind)[count - 1]

    # ------------------------------------------------------------------------------------ their side

    def server(self, kind: str = "stream") -> ServerSocket:
        """Return the exchange's end of the youngest WebSocket of a kind."""
        return [socket for socket in self.sandbox.driver.sockets if socket.kind == kind][-1]

    def line(self, name: str = "streams:1") -> MemoryStream:
        """Return our end of the latest line of a link."""
        return self.lines[name]

    def status(self) -> Status:
        """Return how it all is."""
        return self.board.status

    def carried(self) -> set[str]:
        """Return every stream that the exchange sends to anyone."""
        return set(self.sandbox.market.wanted)


@asynccontextmanager
async def open_lab(
    *faults: Fault,
    rules: Rules | None = None,
    tuning: Tuning | None = None,
    limits: Sequence[Rule] = DEFAULT_RULES,
    activity: float = 20.0,
    run: str = "",
    prepare: Callable[[Lab], None] | None = None,
    **settings: Any,
) -> AsyncIterator[Lab]:
    """Run an exchange and those of the services that ``run`` names; nothing may be left open at the end."""
    tuning = tuning or Tuning()
    config = BinanceConfig.sandbox(seed=7, epoch_ms=EPOCH_MS, activity=activity, tuning=tuning, **settings)
    assert isinstance(config.embedded, SandboxSpec)
    network = MemoryNetwork()
    async with open_sandbox(
        config.embedded,
        credentials=config.credentials,
        network=network,
        rules=rules,
        faults=FaultSchedule(faults) if faults else None,
    ) as sandbox:
        lab = Lab(config, sandbox, network, limits)
        if prepare is not None:
            prepare(lab)
        known: dict[str, Service] = {
            "rest": RestService(lab.router, config, network, lab.board, lab.observer),
            "clock": ClockService(lab.clock, lab.router, lab.tuning, lab.board),
            "streams": lab.streams,
            "wsapi": lab.ws_api,
            "userdata": lab.user_data,
            "mirror": lab.mirror,
        }
        root = lab.supervisor([known[name] for name in run.split()], Strategy.REST_FOR_ONE, "root")
        async with open_service_scope(root):
            yield lab
        lab.streams.end(None)
        lab.user_data.end()
        lab.mirror.end(None)
    assert not [stream for stream in network.open_streams if stream.side == "client"]
