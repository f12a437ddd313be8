"""The replica: the copy of the exchange that answers queries, and how far it is behind the matching engine."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LONGEST_LAG_US = 600_000_000
"""How far a replica may be behind, ten minutes: what is older is forgotten. The longest seen in the field is 40 s."""


@final
class History(Generic[T]):
    """Values and the times from which they held, newest last; one that no replica can be behind is forgotten."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: deque[tuple[int, T]] = deque()

    def note(self, value: T, now_us: int) -> None:
        """Remember a value that holds from now on."""
        entries = self._entries
        entries.append((now_us, value))
        while len(entries) > 1 and entries[1][0] <= now_us - LONGEST_LAG_US:
            entries.popleft()

    def at(self, known_us: int) -> T | None:
        """Return the value that held then, ``None`` before the first."""
        return next((value for time_us, value in reversed(self._entries) if time_us <= known_us), None)

    def first(self) -> T | None:
        """Return the oldest value that is remembered."""
        return self._entries[0][1] if self._entries else None


@final
class Replica:
    """Answers of "Memory" and "Database" come from it, those of "Matching Engine" never do (REST, Data sources).

    No document bounds how far it is behind. Two queries may be answered by two copies, so that the second sees less
    than the first: ``drawn`` decides it for each.
    """

    def __init__(self) -> None:
        self._lag_us = 0
        self.drawn: Callable[[str], int] | None = None
        """How far, in microseconds, the copy is behind that answers a query of this operation, ``"GET /api/v3/..."``.

        The larger one of it and ``lag_us`` counts; ``None`` for ``lag_us`` alone.
        """
        self.behind_us: int = 0
        """How far the copy is behind that answers the present query."""

    @property
    def lag_us(self) -> int:
        """How far every copy is behind at least."""
        return self._lag_us

    @lag_us.setter
    def lag_us(self, lag_us: int) -> None:
        self._lag_us = _checked(lag_us)

    def turn_to(self, operation: str) -> None:
        """Choose the copy that answers a query."""
        drawn = 0 if self.drawn is None else _checked(self.drawn(operation))
        self.behind_us = max(self._lag_us, drawn)

    def known_us(self, now_us: int) -> int:
        """Return up to which moment the copy knows what has happened."""
        return now_us - self.behind_us


def _checked(lag_us: int) -> int:
    if not 0 <= lag_us <= LONGEST_LAG_US:
        raise ValueError(f"lag_us={lag_us}: expected 0 to {LONGEST_LAG_US}")
    return lag_us
