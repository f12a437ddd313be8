"""The watermarks: up to where the orders and fills of a symbol are all known, and where to ask on."""

from __future__ import annotations

from typing import TypeVar, final

from .asks import AskOrders, AskTrades

A = TypeVar("A", bound=AskOrders | AskTrades)

DAY_MS = 24 * 3600 * 1000
"""'The time between startTime and endTime can't be longer than 24 hours.'"""


@final
class Watermark:
    """Where a series of rising ids is complete: up to a moment, and up to the highest id of before it.

    Args:
        since_us: what was before is of no interest.
    """

    def __init__(self, since_us: int) -> None:
        self.complete_us: int = since_us
        self.number: int | None = None
        self._known: dict[int, int] = {}
        """The moments of the ids that are known and lie above."""

    def knows(self, number: int) -> bool:
        """Tell whether an id lies below, where nothing new can be."""
        return self.number is not None and number <= self.number

    def note(self, number: int, at_us: int) -> None:
        """Note an id that is known."""
        if not self.knows(number):
            self._known[number] = at_us

    def first(self, kind: type[A], symbol: str, now_ms: int) -> A:
        """Return what to ask first."""
        if self.number is not None:
            return kind(symbol, from_id=self.number + 1)
        return _window(kind, symbol, self.complete_us // 1000, now_ms)

    def following(self, asked: A, last: int | None, now_ms: int) -> A | None:
        """Return what to ask after an answer: ``last`` is the highest id of a full page. ``None`` at the end."""
        if last is not None:
            return type(asked)(asked.symbol, from_id=last + 1)
        if asked.end_ms is None or asked.end_ms >= now_ms:
            return None
        return _window(type(asked), asked.symbol, asked.end_ms, now_ms)

    def on_complete(self, known_us: int) -> None:
        """Note that all that happened up to a moment is known."""
        self.complete_us = max(self.complete_us, known_us)
        below = [number for number, at_us in self._known.items() if at_us <= self.complete_us]
        self.number = max(below, default=self.number)
        self._known = {number: at_us for number, at_us in self._known.items() if not self.knows(number)}


def _window(kind: type[A], symbol: str, start_ms: int, now_ms: int) -> A:
    # Without an end a question whose answer is cut could not be told from one that is not.
    end_ms = start_ms + DAY_MS
    return kind(symbol, start_ms=start_ms, end_ms=end_ms if end_ms < now_ms else None)
