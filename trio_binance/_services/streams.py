"""The streams: names spread over sockets, and the feeds that are opened on them.

feed ──wants──> Streams ──places──> Shard (one socket, up to 1024 streams) ──> Link
  ^                                   │ frames, a list per socket read
  └───────── a batch per wake-up ─────┘ decode once, append to each outlet
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance.errors import ConnectorClosed, InvalidArgument

from .feed import open_feed
from .link import first_of
from .route import Outlet
from .shard import Shard as Shard
from .shard import ShardStatistics as ShardStatistics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Sequence

    from trio_binance.config import Overflow, Tuning
    from trio_binance.errors import BinanceError

    from .feed import Feed
    from .route import Route, Sink
    from .supervisor import Supervisor

LONGEST_NAME = 256
"""Characters of a stream's name; the longest known have some thirty."""


@attrs.frozen
class StreamsStatistics:
    """What the streams have carried so far, socket by socket."""

    shards: tuple[ShardStatistics, ...]
    feeds: int
    dropped: int


@final
class Streams:
    """The handle behind ``bx.streams``: places streams on sockets and opens feeds; and the service that runs them.

    Args:
        make_shard: makes a socket of this name.
        supervisor: runs the sockets, one_for_one.
        tuning: how many streams one socket carries.
    """

    name = "streams"

    def __init__(self, make_shard: Callable[[str], Shard], supervisor: Supervisor, tuning: Tuning) -> None:
        self._make_shard = make_shard
        self._supervisor = supervisor
        self._tuning = tuning
        self._shards: list[Shard] = []
        self._numbers = count(1)
        self._placing = trio.Lock()
        self._feeds = 0
        self._closed = False

    def statistics(self) -> StreamsStatistics:
        """Return counters, socket by socket."""
        dropped = sum(shard.dropped for shard in self._shards)
        return StreamsStatistics(tuple(shard.statistics() for shard in self._shards), self._feeds, dropped)

    @asynccontextmanager
    async def open(
        self, names: Sequence[str], *, buffer: int, overflow: Overflow, key: Callable[[Any], Hashable]
    ) -> AsyncIterator[Feed[Any]]:
        """Return a feed of these streams' events; entered once the exchange has confirmed every one of them.

        Cancelled at any moment: nothing stays subscribed for it.

        Raises:
            InvalidArgument: a name that no stream can have.
            SubscriptionRefused: the exchange does not know one of the streams.
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        sink, feed = open_feed(buffer=buffer, overflow=overflow, key=key, streams=tuple(names))
        async with self.feeding(names, sink), feed:
            yield feed

    @asynccontextmanager
    async def feeding(self, names: Sequence[str], sink: Sink) -> AsyncIterator[None]:
        """Have streams lead to a sink while the block lasts; entered once the exchange has confirmed every one of them.

        The sink is ended when the block is left, also one that was never entered. Otherwise as ``open``.
        """
        label = names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"
        self._feeds += 1
        try:
            for name in names:
                _check_name(name)
            async with self.carry(Outlet(label, tuple(dict.fromkeys(names)), sink)) as routes:
                for route in routes:
                    await _wait_confirmed(route)
                self._check_open()
                yield
        finally:
            self._feeds -= 1
            sink.end(None)

    @asynccontextmanager
    async def carry(self, *outlets: Outlet) -> AsyncIterator[list[Route]]:
        """Have the streams of outlets carried while the block lasts; yields without waiting for the exchange's word.

        Cancelled at any moment: nothing stays subscribed for them.

        Raises:
            ConnectorClosed: the connector is closed.
        """
        self._check_open()
        try:
            yield [route for outlet in outlets for route in await self._place(outlet)]
        finally:
            for shard in self._shards:
                for outlet in outlets:
                    shard.detach(outlet)

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectorClosed("the connector is closed")

    async def _place(self, outlet: Outlet) -> list[Route]:
        """Attach each name to the socket that carries it already, or to one with room, or to a new one."""
        routes: list[Route] = []
        missing = outlet.names
        # One at a time: feeds opened at the same moment share a new socket instead of making one each.
        async with self._placing:
            for shard in self._living():
                routes += shard.attach([name for name in missing if name in shard.routes], outlet)
                missing = tuple(name for name in missing if name not in shard.routes)
            while missing:
                shard, room = await self._shard_with_room()
                routes += shard.attach(missing[:room], outlet)
                missing = missing[room:]
        return routes

    def _living(self) -> list[Shard]:
        return [shard for shard in self._shards if not shard.finished]

    async def _shard_with_room(self) -> tuple[Shard, int]:
        limit = self._tuning.streams_per_connection
        for shard in self._living():
            if len(shard.routes) < limit:
                return shard, limit - len(shard.routes)
        shard = self._make_shard(f"streams:{next(self._numbers)}")
        await self._supervisor.add(shard)
        self._shards.append(shard)
        return shard, limit

    def end(self, error: BinanceError | None) -> None:
        """End every feed: the connector is closing, or has crashed."""
        self._closed = True
        for shard in self._shards:
            shard.end(error)

    # ---------------------------------------------------------------------------------------- the service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the sockets until cancelled; those of an earlier run come back, with the feeds that hang on them."""
        started = _Started()
        await first_of(
            lambda: self._supervisor.run(task_status=started),
            lambda: self._revive(started, task_status),
        )

    async def _revive(self, started: _Started, task_status: trio.TaskStatus[None]) -> None:
        await started.event.wait()
        for shard in self._living():
            await self._supervisor.add(shard)
        task_status.started()
        await trio.sleep_forever()


def _check_name(name: str) -> None:
    """Refuse what could not be sent, or would cost its socket, and every other stream on it, the connection."""
    if not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidArgument("names", name, f"expected at most {LONGEST_NAME} printable characters")


async def _wait_confirmed(route: Route) -> None:
    await route.settled.wait()
    if route.refused is not None:
        raise route.refusal(route.refused)


@final
class _Started:
    """A task status that others can wait for."""

    def __init__(self) -> None:
        self.event = trio.Event()

    def started(self, value: None = None) -> None:
        """Tell that the service has set up (``trio.TaskStatus``)."""
        del value
        self.event.set()
