"""The pipe: what waits between a feed's sink and its consumer, and the rule by which items are lost when it is full."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, final

import attrs
import trio

from trio_binance._util import raise_saving_context

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence, Sized
    from types import TracebackType

    from trio_binance.errors import BinanceError

T = TypeVar("T")

_STRIDE = 64
"""So many items at most are handed out without a checkpoint: others, and cancellation, must have their turn."""


@attrs.frozen
class FeedStatistics:
    """A feed's figures: all of them count items, but for ``lag``, which is in seconds."""

    delivered: int
    """Handed to the consumer."""
    dropped: int
    """Lost to the overflow policy, or left behind at closing."""
    replaced: int
    """Gave way to a newer item of the same key, under ``Overflow.LATEST``."""
    waiting: int
    """In the buffer now."""
    peak: int
    """The most items that ever waited at once since the feed was opened; ``buffer`` once it has been full."""
    buffer: int
    """The most that can wait."""
    lag: float
    """Seconds since the oldest waiting item arrived here; 0.0 when none waits. The network's share is not in it."""


# ----------------------------------------------------------------------------------------------- storage


class Store(Protocol[T]):
    """Where items wait. ``items`` and ``pop`` are taken out once: the hot path asks them without a call between."""

    @property
    def items(self) -> Sized:
        """All that waits."""
        ...

    def pop(self) -> T:
        """Take out the first item."""
        ...

    def put(self, batch: Sequence[T]) -> tuple[int, int, int]:
        """Take a batch; return how many found no place, replaced an item in its place, and fell out in front."""
        ...

    def take_all(self) -> tuple[T, ...]:
        """Take out all of them."""
        ...


@final
class Queue(Generic[T]):
    """All items in order; the oldest fall out, or with ``refuse`` the newest find no place."""

    def __init__(self, buffer: int, *, refuse: bool) -> None:
        self.items: deque[T] = deque(maxlen=buffer)
        self.pop = self.items.popleft
        self._buffer = buffer
        self._refuse = refuse

    def put(self, batch: Sequence[T]) -> tuple[int, int, int]:
        excess = len(self.items) + len(batch) - self._buffer
        if excess <= 0:
            self.items.extend(batch)
            return 0, 0, 0
        if self._refuse:
            self.items.extend(batch[: len(batch) - excess])
            return excess, 0, 0
        self.items.extend(batch)
        return 0, 0, excess

    def take_all(self) -> tuple[T, ...]:
        taken = tuple(self.items)
        self.items.clear()
        return taken


@final
class Latest(Generic[T]):
    """The newest item of each key. A key keeps its place in the queue, or a busy one would wait for ever."""

    def __init__(self, buffer: int, key: Callable[[T], Hashable]) -> None:
        self.items: OrderedDict[Hashable, T] = OrderedDict()
        self._buffer = buffer
        self._key = key

    def pop(self) -> T:
        return self.items.popitem(last=False)[1]

    def put(self, batch: Sequence[T]) -> tuple[int, int, int]:
        items, key = self.items, self._key
        before = len(items)
        for item in batch:
            items[key(item)] = item
        fresh = len(items) - before
        excess = max(0, len(items) - self._buffer)
        for _ in range(excess):
            items.popitem(last=False)
        return 0, len(batch) - fresh, excess

    def take_all(self) -> tuple[T, ...]:
        taken = tuple(self.items.values())
        self.items.clear()
        return taken


# -------------------------------------------------------------------------------------------------- the pipe


@final
class Pipe(Generic[T]):
    """What a sink and its feed share. Everything but ``wait`` is instantaneous."""

    __slots__ = (
        "arrived",
        "budget",
        "buffer",
        "closed",
        "end_reason",
        "error",
        "fallen",
        "homeless",
        "left",
        "marks",
        "parked",
        "peak",
        "pop",
        "receiving",
        "refill",
        "replaced",
        "room_wanted",
        "store",
        "streams",
        "told",
        "traceback",
        "waiting",
    )

    def __init__(self, store: Store[T], buffer: int, streams: Sequence[str]) -> None:
        self.store: Store[T] = store
        self.waiting: Sized = store.items
        self.pop: Callable[[], T] = store.pop
        self.buffer: int = buffer
        self.streams: tuple[str, ...] = tuple(streams)
        self.budget: int = 0
        """Items that may still be handed out before the next checkpoint."""
        self.closed: bool = False
        self.end_reason: str | None = None
        self.error: BinanceError | None = None
        self.traceback: TracebackType | None = None
        self.parked: trio.lowlevel.Task | None = None
        self.receiving: bool = False
        self.room_wanted: trio.Event | None = None
        """Set once an item fits."""
        self.refill: tuple[trio.Event, int] | None = None
        """Whom to wake once so many items fit."""
        self.arrived: int = 0
        """Items that had a place in the buffer, since the beginning; they leave it in the order of arrival."""
        self.homeless: int = 0
        self.replaced: int = 0
        self.fallen: int = 0
        self.told: int = 0
        """Of those that fell out, so many were told of in their place."""
        self.left: int = 0
        self.peak: int = 0
        self.marks: deque[tuple[int, float]] = deque()
        """When each batch arrived, and ``arrived`` after it; of those of which something still waits."""

    @property
    def over(self) -> bool:
        return self.end_reason is not None

    @property
    def room(self) -> int:
        return self.buffer - len(self.waiting)

    def deliver(self, batch: Sequence[T]) -> int:
        if self.over:
            return len(batch)
        if not batch:
            return 0
        homeless, replaced, fallen = self.store.put(batch)
        self.arrived += len(batch) - homeless - replaced
        self.homeless += homeless
        self.replaced += replaced
        self.fallen += fallen
        waiting = len(self.waiting)
        self.peak = max(self.peak, waiting)
        self._forget_marks(waiting)
        self.marks.append((self.arrived, trio.current_time()))
        if self.parked is not None:
            self.wake()
        return homeless + fallen

    def _forget_marks(self, waiting: int) -> None:
        gone = self.arrived - waiting
        while self.marks and self.marks[0][0] <= gone:
            self.marks.popleft()

    def statistics(self) -> FeedStatistics:
        waiting = len(self.waiting)
        self._forget_marks(waiting)
        lag = trio.current_time() - self.marks[0][1] if waiting else 0.0
        return FeedStatistics(
            delivered=self.arrived - self.fallen - self.left - waiting,
            dropped=self.homeless + self.fallen + self.left,
            replaced=self.replaced,
            waiting=waiting,
            peak=self.peak,
            buffer=self.buffer,
            lag=lag,
        )

    def wake(self) -> None:
        task, self.parked = self.parked, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    def wake_producer(self) -> None:
        if self.room_wanted is not None:
            self.room_wanted.set()
            self.room_wanted = None
        if self.refill is not None and (self.room >= self.refill[1] or self.over):
            self.refill[0].set()
            self.refill = None

    def want_room(self, event: trio.Event, least: int) -> None:
        """Have the event set once so many items fit, or nothing is taken any more; the last wish counts."""
        self.budget = 0  # The next item is taken by the slow way, which looks after us.
        self.refill = event, least
        if self.room >= least or self.over:
            self.wake_producer()

    def end(self, error: BinanceError | None, reason: str) -> None:
        if self.over:
            return
        self.end_reason = reason
        self.error = error
        self.traceback = None if error is None else error.__traceback__
        self.wake()
        self.wake_producer()

    def close(self) -> None:
        self.end(None, "closed by the consumer")
        self.closed = True
        self.left += len(self.store.take_all())
        self.wake()
        self.wake_producer()

    def take(self) -> T:
        """Return the first item after a checkpoint; there must be one."""
        self.budget = _STRIDE - 1
        item = self.pop()
        self.wake_producer()
        return item

    def take_all(self) -> tuple[T, ...]:
        taken = self.store.take_all()
        self.wake_producer()
        return taken

    def take_loss(self) -> int:
        """Return how many items fell out in front since the last call."""
        loss, self.told = self.fallen - self.told, self.fallen
        return loss

    def check(self) -> None:
        """Raise what there is to raise when nothing waits."""
        if self.closed:
            raise trio.ClosedResourceError("this feed was closed")
        if self.error is not None:
            # The same error may be raised many times: it must not gather a longer traceback with each.
            raise_saving_context(self.error.with_traceback(self.traceback))
        if self.over:
            raise trio.EndOfChannel

    async def wait(self) -> None:
        """Make a checkpoint and return when an item waits; only one task may."""
        if self.receiving:
            raise trio.BusyResourceError("another task is receiving from this feed")
        self.receiving = True
        self.budget = 0  # Whoever iterates meanwhile comes here, and is told.
        try:
            if self.waiting or self.over:
                await trio.lowlevel.checkpoint()
            while not self.waiting:
                self.check()
                self.wake_producer()
                self.parked = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(self._unpark)
        finally:
            self.receiving = False

    def _unpark(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self.parked = None
        return trio.lowlevel.Abort.SUCCEEDED
