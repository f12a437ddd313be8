"""A series: the items of one symbol in order, and what is known of those that are missing.

    handed out | ready: wait for room | edge .. hole .. | wait behind it | .. hole .. | ...             head

``edge`` is the first place that is missing, ``head`` the last that is known to exist.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, final

from sortedcontainers import SortedDict

from trio_binance.models import Gap, GapReason

from .patience import Patience

E = TypeVar("E")


@final
class Series(Generic[E]):
    """The items of one symbol. ``edge`` is -1 until the first of them, or a wish, says where it begins."""

    __slots__ = ("edge", "head", "last", "noted", "patience", "stride", "symbol", "told", "update", "waiting")

    def __init__(self, symbol: str, edge: int = -1) -> None:
        self.symbol = symbol
        self.edge = edge
        self.head = -1
        """The last place known to exist; behind the edge it is not kept up to date."""
        self.stride = 1
        """Places that an item covers."""
        self.waiting: Any = SortedDict()
        """By its first place, the last place of each item and the item itself; or a gap in place of items."""
        self.update: tuple[int, E] | None = None
        """The newest state of an item that is not final, and the place where it begins."""
        self.told = -1
        """When the newest such state was sent."""
        self.last: E | None = None
        """The item handed out last."""
        self.noted = -1
        """The edge when somebody last looked whether anything happens here."""
        self.patience = Patience()

    @property
    def hole(self) -> tuple[int, int] | None:
        """The first places that are missing, from the edge up to what waits behind, or up to what is known."""
        index = self.waiting.bisect_left(self.edge)
        last = self.waiting.peekitem(index)[0] - 1 if index < len(self.waiting) else self.head
        return (self.edge, last) if last >= self.edge else None

    @property
    def is_ready(self) -> bool:
        """Whether an item waits for nothing but room."""
        return bool(self.waiting) and self.waiting.peekitem(0)[0] < self.edge

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing and nothing waits."""
        return not self.waiting and self.update is None and self.head < self.edge

    # ---------------------------------------------------------------------------------------------- what comes

    def put(self, first: int, last: int, item: E, most: float = float("inf")) -> bool:
        """Keep an item until it can be handed out; return whether it is news.

        With ``most`` items kept already it is not kept; that it exists is remembered, and so it is missing.
        """
        if first < self.edge or first in self.waiting:
            return False
        self.head = max(self.head, last)
        self.stride = last - first + 1
        if len(self.waiting) < most:
            self._keep(first, last, item)
        return True

    def _keep(self, first: int, last: int, item: E | Gap) -> None:
        self.waiting[first] = last, item
        self._advance()

    def _advance(self) -> None:
        while (entry := self.waiting.get(self.edge)) is not None:
            self.edge = entry[0] + 1

    def skip_to(self, first: int) -> None:
        """Take a later place for the first that matters: there are no items before it."""
        self.edge = max(self.edge, first)
        self._advance()

    def join(self, last: int, item: E) -> None:
        """Take note of an item that comes next and is handed out at once."""
        self.edge = last + 1
        self.last = item

    def put_update(self, first: int, last: int, item: E, moment: int) -> bool:
        """Keep the state of an item that is not final, in place of an earlier one; return whether it is news.

        All before it must be final by now.
        """
        if first < self.edge or moment <= self.told:
            return False
        self.told = moment
        self.stride = last - first + 1
        self.head = max(self.head, first - 1)
        self.update = first, item
        return True

    def give_up(self, last: int, reason: GapReason) -> Gap:
        """Put a gap in place of the items from the edge to ``last``."""
        gap = Gap(self.symbol, self.edge, last, reason)
        self._keep(self.edge, last, gap)
        return gap

    # ---------------------------------------------------------------------------------------------- what goes

    def take(self, room: int) -> list[E | Gap]:
        """Return what is ready, in order, up to ``room`` items."""
        taken: list[E | Gap] = []
        while len(taken) < room and self.is_ready:
            _, (_, item) = self.waiting.popitem(0)
            taken.append(item)
            if not isinstance(item, Gap):
                self.last = item
        if self.update is not None:
            self._take_update(taken, room)
        return taken

    def _take_update(self, taken: list[E | Gap], room: int) -> None:
        assert self.update is not None
        first, item = self.update
        if first == self.edge and len(taken) < room:
            taken.append(item)
            self.update = None
        elif first < self.edge:
            self.update = None
