"""The feed: what a user receives a stream through, and the sink into which a service puts it.

A task switch costs as much as decoding several messages. So the service delivers what one socket read brought at once,
the consumer wakes once for it and takes the items one by one without giving way, except when nothing is left and after
every 64. Items never leave the common buffer before the very moment they are returned: a cancelled ``receive`` loses
nothing, and what was dropped, delivered or still waits always adds up.
"""

from __future__ import annotations

from abc import ABCMeta
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, TypeVar, cast, final

import trio

from trio_binance._util import NoPublicConstructor
from trio_binance.config import Overflow
from trio_binance.errors import FeedOverflow, InvalidArgument
from trio_binance.models import Dropped

from .pipe import FeedStatistics, Latest, Pipe, Queue, Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Sequence

    from trio_binance.errors import BinanceError

T = TypeVar("T")


@final
class FeedSink(Generic[T]):
    """The end that a service holds. Use it from the thread Trio runs in."""

    __slots__ = ("_overflow", "_pipe")

    def __init__(self, pipe: Pipe[T], overflow: Overflow) -> None:
        self._pipe = pipe
        self._overflow = overflow

    @property
    def closed(self) -> bool:
        """Whether the consumer has left: unsubscribe."""
        return self._pipe.closed

    @property
    def ended(self) -> bool:
        """Whether nothing is taken any more: ended from this side, overflown, or closed by the consumer."""
        return self._pipe.over

    @property
    def room(self) -> int:
        """How many items fit without any being dropped."""
        pipe = self._pipe
        return pipe.buffer - len(pipe.waiting)

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams."""
        return self._pipe.streams

    @streams.setter
    def streams(self, names: tuple[str, ...]) -> None:
        self._pipe.streams = names

    def statistics(self) -> FeedStatistics:
        """Return the figures of the feed."""
        return self._pipe.statistics()

    def deliver(self, batch: Sequence[T]) -> int:
        """Put a batch into the feed and wake its consumer once; return how many items were dropped, of any age.

        An ended feed takes nothing: all of the batch counts in the answer, and nothing is raised, since whoever
        serves many feeds learns of the end of one at the next look.
        """
        dropped = self._pipe.deliver(batch)
        if dropped and self._overflow is Overflow.FAIL and not self._pipe.over:
            self.overflow()
        return dropped

    def overflow(self) -> None:
        """End the feed because its consumer is too slow."""
        buffer, streams = self._pipe.buffer, self._pipe.streams
        what = ", ".join(streams) or "the feed"
        self.end(FeedOverflow(f"{what}: the consumer is slower than its buffer of {buffer} items", streams=streams))

    def on_carried(self) -> None:
        """Do nothing: a feed tells what came, and its ids tell the rest."""

    def on_lost(self, reason: str) -> None:
        """Do nothing: a feed tells what came, and its ids tell the rest."""

    def end(self, error: BinanceError | None = None) -> None:
        """End the feed: the consumer gets what waits, then ``EndOfChannel`` or the error. The first end counts."""
        self._pipe.end(error, "ended" if error is None else str(error))

    async def wait_room(self) -> None:
        """Wait until an item fits, or the feed has ended; for a source that can wait, such as a recording.

        Cancelled: nothing changed.
        """
        pipe = self._pipe
        await trio.lowlevel.checkpoint()
        while pipe.room <= 0 and not pipe.over:
            pipe.budget = 0  # The next item is taken by the slow way, which looks after us.
            if pipe.room_wanted is None:
                pipe.room_wanted = trio.Event()
            await pipe.room_wanted.wait()

    def want_room(self, event: trio.Event, least: int) -> None:
        """Have the event set once so many items fit, or the feed has ended; the last wish counts."""
        self._pipe.want_room(event, least)


class _Meta(NoPublicConstructor, ABCMeta):
    pass


@final
class Feed(trio.abc.ReceiveChannel[T], metaclass=_Meta):
    """A stream's items, in order: ``async for item in feed``.

    Iteration makes a checkpoint when nothing waits and after every 64 items, not at each step. It ends when the stream
    was ended in order, and raises a ``BinanceError`` when it failed, in both cases after the last item that had come.
    One task at a time may receive; leaving the ``async with`` block unsubscribes.
    """

    __slots__ = ("__weakref__", "_pipe")

    def __init__(self, pipe: Pipe[T]) -> None:
        self._pipe = pipe

    def __repr__(self) -> str:
        figures = self.statistics()
        state = self.end_reason or "open"
        what = ", ".join(self._pipe.streams[:3]) + (", ..." if len(self._pipe.streams) > 3 else "")
        return f"<Feed [{what}]: {figures.waiting} waiting, {figures.dropped} dropped, {state}>"

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams."""
        return self._pipe.streams

    @property
    def end_reason(self) -> str | None:
        """Why the feed has ended, or ``None`` while it has not; items may still wait."""
        return self._pipe.end_reason

    def statistics(self) -> FeedStatistics:
        """Return how many items were delivered, were dropped, wait, and for how long."""
        return self._pipe.statistics()

    async def receive(self) -> T:
        """Return the next item; a checkpoint each time. Cancelled: nothing is lost.

        Raises:
            trio.EndOfChannel: the stream has ended in order.
            BinanceError: it has failed; ``FeedOverflow`` if by our own slowness.
            trio.ClosedResourceError: this feed was closed.
            trio.BusyResourceError: another task is receiving.
        """
        await self._pipe.wait()
        return self._pipe.take()

    def receive_nowait(self) -> T:
        """Return the next item if one waits.

        Raises:
            trio.WouldBlock: none waits.
            BaseException: as ``receive``.
        """
        if not self._pipe.waiting:
            self._pipe.check()
            raise trio.WouldBlock
        item = self._pipe.pop()
        self._pipe.wake_producer()
        return item

    def __aiter__(self) -> Feed[T]:
        return self

    async def __anext__(self) -> T:
        pipe = self._pipe
        if pipe.budget and pipe.waiting:
            pipe.budget -= 1
            return pipe.pop()
        try:
            await pipe.wait()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        return pipe.take()

    def batches(self) -> AsyncIterator[tuple[T, ...]]:
        """Iterate over all that waits at once, as tuples that are never empty: the fastest way. A checkpoint each."""
        return _Batches(self._pipe)

    def telling(self) -> TellingFeed[T]:
        """Return the same feed, which tells of what its full buffer dropped: a ``Dropped`` where the items were.

        Under ``DROP_OLDEST`` that is before the oldest item that was kept, under ``LATEST`` before whatever comes
        next: there symbols are lost when there are more than places, and an item that was replaced is no loss.
        """
        return cast("TellingFeed[T]", TellingFeed._create(self._pipe))

    def close(self) -> None:
        """Leave: what waits is given up, the sink knows at once. Closing again does nothing."""
        self._pipe.close()

    async def aclose(self) -> None:
        """Leave, as ``close``, and make a checkpoint. Cancelled: it is closed all the same."""
        self._pipe.close()
        await trio.lowlevel.checkpoint()


@final
class TellingFeed(trio.abc.ReceiveChannel[T | Dropped], metaclass=_Meta):
    """A feed that tells of what was dropped; see ``Feed.telling``. To close it is to close the feed."""

    __slots__ = ("_pipe",)

    def __init__(self, pipe: Pipe[T]) -> None:
        self._pipe = pipe

    async def receive(self) -> T | Dropped:
        """Return the next item, or how many were dropped before it; as ``Feed.receive``."""
        await self._pipe.wait()
        return Dropped(loss) if (loss := self._pipe.take_loss()) else self._pipe.take()

    def __aiter__(self) -> TellingFeed[T]:
        return self

    async def __anext__(self) -> T | Dropped:
        pipe = self._pipe
        if pipe.budget and pipe.waiting and pipe.fallen == pipe.told:
            pipe.budget -= 1
            return pipe.pop()
        try:
            return await self.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Leave, as ``Feed.aclose``."""
        self._pipe.close()
        await trio.lowlevel.checkpoint()


@final
class _Batches(Generic[T]):
    """The iterator of ``Feed.batches``."""

    def __init__(self, pipe: Pipe[T]) -> None:
        self._pipe = pipe

    def __aiter__(self) -> _Batches[T]:
        return self

    async def __anext__(self) -> tuple[T, ...]:
        try:
            await self._pipe.wait()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        return self._pipe.take_all()


def open_feed(
    *,
    buffer: int = 1000,
    overflow: Overflow = Overflow.DROP_OLDEST,
    key: Callable[[T], Hashable] | None = None,
    streams: Sequence[str] = (),
) -> tuple[FeedSink[T], Feed[T]]:
    """Return the two ends of a new feed.

    Args:
        buffer: the most items that may wait.
        overflow: what happens to one more.
        key: tells which items replace one another under ``LATEST``; by default their attribute ``symbol``.
        streams: the names of the streams, for errors and ``repr``.

    Raises:
        InvalidArgument: ``buffer`` is less than one.
    """
    if buffer < 1:
        raise InvalidArgument("buffer", buffer, "expected at least 1")
    store: Store[T]
    if overflow is Overflow.LATEST:
        store = Latest(buffer, attrgetter("symbol") if key is None else key)
    else:
        store = Queue[T](buffer, refuse=overflow is Overflow.FAIL)
    pipe = Pipe(store, buffer, streams)
    return FeedSink(pipe, overflow), cast("Feed[T]", Feed._create(pipe))
