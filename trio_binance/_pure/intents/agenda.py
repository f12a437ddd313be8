"""The agenda: which of many claims is due next."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, final

from .terms import NEVER

if TYPE_CHECKING:
    from .claim import Claim

_SPARE = 64


@final
class Agenda:
    """Claims by when they are due; one that is planned anew leaves its old entry behind, which is skipped."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Claim]] = []
        self._numbers = count()
        self._planned = 0

    def plan(self, claim: Claim, due: float) -> None:
        """Let a claim be due then, and no more when it was."""
        if due == claim.due:
            return
        self._planned += (due < NEVER) - (claim.due < NEVER)
        claim.due = due
        if due < NEVER:
            heappush(self._heap, (due, next(self._numbers), claim))
        if len(self._heap) > 2 * self._planned + _SPARE:
            self._heap = [entry for entry in self._heap if entry[0] == entry[2].due]
            heapify(self._heap)

    @property
    def deadline(self) -> float:
        """When the first of them is due."""
        while self._heap and self._heap[0][0] != self._heap[0][2].due:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else NEVER

    def take(self, now: float) -> list[Claim]:
        """Return those that are due; they are to be planned anew."""
        due: list[Claim] = []
        while self.deadline <= now:
            claim = heappop(self._heap)[2]
            self._planned -= 1
            claim.due = NEVER
            due.append(claim)
        return due
