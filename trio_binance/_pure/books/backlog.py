"""The backlog: the events of a book that wait for its snapshot; one run without holes, and no more than it may hold."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from trio_binance.models import DepthUpdateEvent


@final
class Backlog:
    """Events in order, each beginning where the one before it ended.

    A snapshot is newer than the request for it, so what is older than the request is of no use: when there are too
    many, the oldest go.

    Args:
        most: events that may wait.
        most_levels: levels that may wait, in all of them together.
    """

    __slots__ = ("_events", "_levels", "_most", "_most_levels")

    def __init__(self, most: int, most_levels: int) -> None:
        self._most = most
        self._most_levels = most_levels
        self._events: deque[DepthUpdateEvent] = deque()
        self._levels = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def room(self) -> int:
        """How many events can be added before the oldest go."""
        return self._most - len(self._events) if self._levels < self._most_levels else 0

    def clear(self) -> None:
        """Forget all of them."""
        self._events.clear()
        self._levels = 0

    def add(self, event: DepthUpdateEvent) -> None:
        """Add an event that is newer than all others; where something is missing before it, they are of no use."""
        if self._events and event.first_update_id > self._events[-1].last_update_id + 1:
            self.clear()
        self._events.append(event)
        self._levels += _size(event)
        while len(self._events) > self._most or (self._levels > self._most_levels and len(self._events) > 1):
            self._levels -= _size(self._events.popleft())

    def after(self, update_id: int) -> list[DepthUpdateEvent] | None:
        """Return the events that carry on a book at ``update_id``; ``None`` if something is missing in between.

        web-socket-streams.md lets the first of them straddle the snapshot ("should now have lastUpdateId within its
        [U;u] range"), but the events up to the snapshot were dropped before: mostly the first begins one after it.
        """
        newer = [event for event in self._events if event.last_update_id > update_id]
        if newer and newer[0].first_update_id > update_id + 1:
            return None
        return newer


def _size(event: DepthUpdateEvent) -> int:
    return len(event.bids) + len(event.asks)
