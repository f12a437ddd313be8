"""The pulse: tells who waits which books have changed; what is not read in time is told once, as it is by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_STRIDE = 64
"""So many books at most are handed out without a checkpoint: others, and cancellation, must have their turn."""


@final
class Pulse(Generic[T]):
    """The order in which things last changed. It holds each of them once, however often it changes."""

    __slots__ = ("_changed", "_order", "count")

    def __init__(self) -> None:
        self.count = 0
        """Changes so far."""
        self._order: dict[T, int] = {}
        self._changed: trio.Event | None = None

    def beat(self, thing: T) -> None:
        """Note a change, and wake who waits."""
        self.count += 1
        self._order.pop(thing, None)
        self._order[thing] = self.count
        self.wake()

    def wake(self) -> None:
        """Let all who wait look again."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def since(self, count: int) -> list[T]:
        """Return what has changed after the first ``count`` changes, the latest first."""
        found: list[T] = []
        for thing in reversed(self._order):
            if self._order[thing] <= count:
                break
            found.append(thing)
        return found

    async def wait(self) -> None:
        """Wait for the next change, or to be woken. Cancelled: nothing happened."""
        if self._changed is None:
            self._changed = trio.Event()
        await self._changed.wait()


@final
class Changes(Generic[T]):
    """An iterator over what changes: each thing comes once for all its changes since it came last.

    A checkpoint is made when nothing has changed and after every 64 things, not at each step.

    Args:
        pulse: where the changes are noted.
        check: raises what there is to raise when nothing more will change.
    """

    def __init__(self, pulse: Pulse[T], check: Callable[[], None]) -> None:
        self._pulse = pulse
        self._check = check
        self._seen = pulse.count
        self._waiting: list[T] = []
        self._budget = 0

    def __aiter__(self) -> Changes[T]:
        return self

    async def __anext__(self) -> T:
        if not self._waiting or not self._budget:
            await trio.lowlevel.checkpoint()
            self._budget = _STRIDE
        while not self._waiting:
            self._waiting = self._pulse.since(self._seen)
            self._seen = self._pulse.count
            if self._waiting:
                break
            try:
                self._check()
            except trio.EndOfChannel:
                raise StopAsyncIteration from None
            await self._pulse.wait()
        self._budget -= 1
        return self._waiting.pop()
