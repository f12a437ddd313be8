"""The rounds: a round asks everything once; it is over when nothing more follows from the answers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .asks import Ask


@final
class Round:
    """One round of questions.

    Args:
        asks: what to begin with.
        started_us: the exchange's time; what happened a lag before is known to every answer.
        is_full: everything is asked, and not only what shows cheaply that something is missing.
    """

    def __init__(self, asks: Iterable[Ask], started_us: int, *, is_full: bool) -> None:
        self.started_us = started_us
        self.is_full = is_full
        self.contradictions: list[str] = []
        """What the exchange says of orders that cannot be true of what it told before."""
        self._asked: set[Ask] = set()
        self._waiting: deque[Ask] = deque()
        for ask in asks:
            self.add(ask)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def ask(self) -> Ask | None:
        """What to ask now."""
        return self._waiting[0] if self._waiting else None

    def add(self, ask: Ask) -> None:
        """Ask this too, unless it was asked in this round already."""
        if ask not in self._asked:
            self._asked.add(ask)
            self._waiting.append(ask)

    def done(self, ask: Ask) -> bool:
        """Take note of an answer; return whether the question was of this round."""
        if self.ask != ask:
            return False
        self._waiting.popleft()
        return True
