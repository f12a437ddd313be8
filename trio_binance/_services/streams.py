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

from trio_binance._pure.shards import place
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

    from .feed import Feed, FeedSink
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


@attrs.frozen
class _Opened:
    """A feed that is open."""

    outlet: Outlet
    sink: FeedSink[Any]
    kinds: frozenset[str] | None
    """What its streams may be; ``None``: anything."""

    def rename(self, names: tuple[str, ...]) -> None:
        self.outlet.names = self.sink.streams = names


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
        self._opened: dict[Feed[Any], _Opened] = {}
        self._closed = False

    def statistics(self) -> StreamsStatistics:
        """Return counters, socket by socket."""
        dropped = sum(shard.dropped for shard in self._shards)
        return StreamsStatistics(tuple(shard.statistics() for shard in self._shards), self._feeds, dropped)

    @asynccontextmanager
    async def open(
        self,
        names: Sequence[str],
        *,
        buffer: int,
        overflow: Overflow,
        key: Callable[[Any], Hashable],
        mixed: bool = False,
    ) -> AsyncIterator[Feed[Any]]:
        """Return a feed of these streams' events; entered once the exchange has confirmed every one of them.

        Cancelled at any moment: nothing stays subscribed for it. A ``mixed`` feed may bring several kinds.

        Raises:
            InvalidArgument: a name that no stream can have.
            SubscriptionRefused: the exchange does not know one of the streams.
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        sink, feed = open_feed(buffer=buffer, overflow=overflow, key=key, streams=tuple(names))
        async with self.feeding(names, sink) as outlet, feed:
            self._opened[feed] = _Opened(outlet, sink, None if mixed else frozenset(map(_kind, names)))
            try:
                yield feed
            finally:
                del self._opened[feed]

    @asynccontextmanager
    async def feeding(self, names: Sequence[str], sink: Sink) -> AsyncIterator[Outlet]:
        """Have streams lead to a sink while the block lasts; entered once the exchange has confirmed every one of them.

        The sink is ended when the block is left, also one that was never entered. Otherwise as ``open``.
        """
        label = names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"
        self._feeds += 1
        try:
            for name in names:
                _check_name(name)
            outlet = Outlet(label, tuple(dict.fromkeys(names)), sink)
            async with self.carry(outlet) as routes:
                for route in routes:
                    await _wait_confirmed(route)
                self._check_open()
                yield outlet
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
            yield [route for outlet in outlets for route in await self._place(outlet, outlet.names)]
        finally:
            for shard in self._shards:
                for outlet in outlets:
                    shard.detach(outlet)
            for outlet in outlets:
                outlet.names = ()  # An addition that still waits for its turn finds nothing to place.

    # ------------------------------------------------------------------------------------ a feed that is open

    async def add(self, feed: Feed[Any], names: Sequence[str]) -> None:
        """Have a feed bring more streams; returns once the exchange has confirmed every one of them.

        Refused or cancelled: it brings none of them, and goes on as before.

        Raises:
            InvalidArgument: the feed was not opened here, or is closed or closes meanwhile; or a name that no stream
                can have, or one of another kind than the feed's streams.
            SubscriptionRefused: the exchange does not know one of the streams.
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        opened = self._find(feed)
        outlet = opened.outlet
        for name in names:
            _check_name(name)
            _check_kind(name, opened)
        while not outlet.joining.isdisjoint(names):
            await outlet.joined.wait()  # Somebody else is adding one of them, and may fail.
        self._check_open()
        self._find(feed)
        new = [name for name in dict.fromkeys(names) if name not in outlet.names]
        opened.rename((*outlet.names, *new))
        outlet.joining.update(new)
        try:
            for route in await self._place(outlet, new):
                await _wait_confirmed(route)
            self._check_open()
            self._find(feed)
        except BaseException:
            self._release(opened, new)
            raise
        finally:
            outlet.joining.difference_update(new)
            outlet.joined.set()
            outlet.joined = trio.Event()

    def remove(self, feed: Feed[Any], names: Sequence[str]) -> None:
        """Have a feed bring some of its streams no more; what waits in it stays. It may have none left.

        Raises:
            InvalidArgument: the feed was not opened here or is closed, or a name is not one of its streams.
        """
        opened = self._find(feed)
        for name in names:
            if name not in opened.outlet.names:
                raise InvalidArgument("names", name, "expected one of the feed's streams")
        self._release(opened, names)

    def _find(self, feed: Feed[Any]) -> _Opened:
        opened = self._opened.get(feed)
        if opened is None:
            raise InvalidArgument("feed", feed, "expected an open feed of bx.streams, and not a gapless one")
        return opened

    def _release(self, opened: _Opened, names: Sequence[str]) -> None:
        for shard in self._shards:
            shard.release(opened.outlet, names)
        if opened.outlet.names:
            opened.rename(tuple(name for name in opened.outlet.names if name not in names))

    # ------------------------------------------------------------------------------------------- its sockets

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectorClosed("the connector is closed")

    async def _place(self, outlet: Outlet, names: Sequence[str]) -> list[Route]:
        """Attach each name to the socket that carries it already, or to one with room, or to a new one."""
        routes: list[Route] = []
        # One at a time: feeds opened at the same moment share a new socket instead of making one each.
        async with self._placing:
            shards = self._living()
            places = place(names, [shard.routes for shard in shards], limit=self._tuning.streams_per_connection)
            for number, there in enumerate(places):
                if number == len(shards):
                    shards.append(await self._make_socket())
                # Some may have been removed from a feed while it was waited here.
                if there := [name for name in there if name in outlet.names]:
                    routes += shards[number].attach(there, outlet)
        return routes

    def _living(self) -> list[Shard]:
        return [shard for shard in self._shards if not shard.finished]

    async def _make_socket(self) -> Shard:
        shard = self._make_shard(f"streams:{next(self._numbers)}")
        await self._supervisor.add(shard)
        self._shards.append(shard)
        return shard

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


def _check_kind(name: str, opened: _Opened) -> None:
    """Refuse what the items of a feed of one kind could not be."""
    if opened.kinds is not None and _kind(name) not in opened.kinds:
        raise InvalidArgument("names", name, f"expected streams of the feed's kind, {', '.join(sorted(opened.kinds))}")


def _kind(name: str) -> str:
    """Return what a stream brings; one of all symbols is of a kind of its own."""
    return name if name.startswith("!") else f"<symbol>@{name.partition('@')[2]}"


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
