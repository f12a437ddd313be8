"""The gapless feeds: opened like any other, and each seen to by a task that gets what its streams did not bring.

Streams ──events──> Mender (hands on what is in order) ──> Feed
                      ^  │ what is missing
                      │  v
                    Backfill (one kind of items) ──> Router
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, final

import attrs
import trio

from trio_binance.config import Overflow

from .backfill import Desk
from .feed import open_feed
from .mender import Mender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from trio_binance._pure.contiguity import ContiguityStatistics
    from trio_binance.models import Gap
    from trio_binance.tuning import Tuning

    from .backfill import Backfill
    from .clock import Clock
    from .feed import Feed, FeedSink
    from .limiter import Limiter
    from .observe import Observer
    from .router import Router
    from .streams import Streams

E = TypeVar("E")


@attrs.frozen
class FeedContiguity:
    """The figures of one gapless feed; ``name`` is its first stream, and a number where several have that."""

    name: str
    figures: ContiguityStatistics


@attrs.frozen
class GaplessStatistics:
    """The gapless feeds that are open."""

    feeds: tuple[FeedContiguity, ...]


@final
class Gapless:
    """The handle that opens gapless feeds; and the service that gets what is missing in them.

    Args:
        streams: carries what the feeds are made of.
        router: asks for what is missing.
        limiter: tells when there is weight to spare for that.
        clock: tells when a candle must have closed.
        tuning: how much is spent on a hole.
        observer: told what became of holes.
    """

    name = "gapless"

    def __init__(
        self, streams: Streams, router: Router, limiter: Limiter, clock: Clock, tuning: Tuning, observer: Observer
    ) -> None:
        self._streams = streams
        self._desk = Desk(router, limiter, clock)
        self._tuning = tuning
        self._observer = observer
        self._menders: dict[Mender[Any], str] = {}
        self._nursery: trio.Nursery | None = None

    def statistics(self) -> GaplessStatistics:
        """Return what came of the holes in each feed."""
        return GaplessStatistics(
            tuple(FeedContiguity(name, mender.statistics()) for mender, name in self._menders.items())
        )

    @asynccontextmanager
    async def open(
        self,
        streams: Mapping[str, str],
        make: Callable[[Desk], Backfill[E]],
        *,
        buffer: int,
        overflow: Overflow,
        starts: Mapping[str, int],
        exact: bool = True,
    ) -> AsyncIterator[Feed[E | Gap]]:
        """Return a gapless feed; entered once the exchange has confirmed its streams. Otherwise as ``Streams.open``.

        It fails with ``UnknownSymbol`` soon after, where the exchange does not know one of the symbols.

        Args:
            streams: the streams' names, by symbol.
            make: makes what the exchange is asked by.
            buffer: the most items that may wait.
            overflow: ``FAIL``, or anything else: what finds no room is asked for again later.
            starts: where to begin, by symbol; where nothing is said, with the first item that comes.
            exact: whether that is the place of an item; otherwise the first item from there on is the first.
        """
        names = tuple(streams.values())
        policy = Overflow.FAIL if overflow is Overflow.FAIL else Overflow.DROP_OLDEST
        ends: tuple[FeedSink[E | Gap], Feed[E | Gap]] = open_feed(buffer=buffer, overflow=policy, streams=names)
        sink, feed = ends
        mender = Mender(
            sink,
            make(self._desk),
            streams,
            first_unknown=self._desk.first_unknown,
            tuning=self._tuning,
            observer=self._observer,
            overflow=overflow,
            starts=starts,
            exact=exact,
        )
        async with self._streams.feeding(names, mender):
            # Asked for only now: whatever happens after the answer comes by the stream.
            self._menders[mender] = self._name(names[0])
            if self._nursery is not None:
                self._nursery.start_soon(mender.tend)
            try:
                async with feed:
                    yield feed
            finally:
                del self._menders[mender]
                mender.leave()

    def _name(self, stream: str) -> str:
        names = (stream if number == 1 else f"{stream} #{number}" for number in count(1))
        return next(name for name in names if name not in self._menders.values())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """See to the feeds until cancelled; those of an earlier run are seen to on."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for mender in self._menders:
                nursery.start_soon(mender.tend)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None
