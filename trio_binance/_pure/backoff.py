"""The backoff: how long to wait before the next attempt at a connection.

Full jitter ("uniform between nothing and the exponential ceiling") spreads the return of many connections that were
lost at the same moment; only a connection that proved itself makes the next trouble start from the beginning, or an
exchange that accepts and drops at once would be dialled for ever at full speed.
"""

from __future__ import annotations

from typing import Protocol, final

_MOST_DOUBLINGS = 64
"""Beyond this the ceiling is any cap a person would write; it also keeps ``2.0**n`` far from overflowing."""


class Uniform(Protocol):
    """The part of ``random.Random`` that a backoff uses."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between ``a`` and ``b``."""
        ...


@final
class Backoff:
    """The delays of one connection, in seconds.

    Args:
        rng: where the jitter comes from.
        base: the ceiling of the first delay.
        cap: the highest ceiling.
        stable: a connection that lived at least this long resets the ceiling.
    """

    def __init__(self, rng: Uniform, *, base: float = 1.0, cap: float = 60.0, stable: float = 60.0) -> None:
        if not 0 < base < float("inf") or not 0 < cap < float("inf") or not 0 <= stable < float("inf"):
            raise ValueError(f"base={base!r}, cap={cap!r}, stable={stable!r}: expected positive numbers of seconds")
        self._rng = rng
        self._base = base
        self._cap = cap
        self._stable = stable
        self._connected_at: float | None = None
        self.attempt: int = 0
        """Attempts since the last stable connection."""

    @property
    def ceiling(self) -> float:
        """The longest that the next delay can be."""
        return min(self._cap, self._base * 2.0 ** min(self.attempt, _MOST_DOUBLINGS))

    @property
    def floor(self) -> float:
        """The shortest that any delay can be: a twentieth of ``base``, so that no draw makes a busy loop."""
        return min(0.05 * self._base, self._cap)

    def next_delay(self) -> float:
        """Return how long to wait before the next attempt, and count it."""
        delay = max(self.floor, self._rng.uniform(0.0, self.ceiling))
        self.attempt += 1
        return delay

    def on_connected(self, now: float) -> None:
        """Note that an attempt succeeded."""
        self._connected_at = now

    def on_lost(self, now: float) -> None:
        """Note that the connection broke; one that was stable makes the delays start from the beginning."""
        if self._connected_at is not None and now - self._connected_at >= self._stable:
            self.attempt = 0
        self._connected_at = None
