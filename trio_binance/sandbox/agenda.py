"""The agenda: what is to be done later, in order, by one task."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING, final

import attrs
import trio

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.define(order=True)
class _Entry:
    moment: float
    number: int
    step: Callable[[], object] = attrs.field(order=False)
    ends: bool = attrs.field(order=False)


@final
class Agenda:
    """Steps and the moments at which they are due; ``run`` does them."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._numbers = itertools.count()
        self._woken = trio.Event()

    def later(self, seconds: float, step: Callable[[], object], *, ends: bool = False) -> None:
        """Do a step after some seconds, or at once for 0. ``ends``: it ends something that lasts."""
        if seconds <= 0:
            step()
            return
        heapq.heappush(self._entries, _Entry(trio.current_time() + seconds, next(self._numbers), step, ends))
        self._woken.set()

    def cut_short(self) -> None:
        """Forget all that has not begun, and end now what lasts."""
        entries, self._entries = sorted(self._entries), []
        for entry in entries:
            if entry.ends:
                entry.step()

    async def run(self) -> None:
        """Do everything in time, for ever. Cancelled, the rest is left undone."""
        while True:
            self._woken = trio.Event()
            with trio.move_on_at(self._entries[0].moment if self._entries else math.inf):
                await self._woken.wait()
            while self._entries and self._entries[0].moment <= trio.current_time():
                heapq.heappop(self._entries).step()
