"""The restart plan: after a crash, which services stop, which start, and when it has been once too often."""

from __future__ import annotations

import enum
from collections import deque
from typing import TYPE_CHECKING, final

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence


class Strategy(enum.Enum):
    """What the crash of one service means for its siblings, which are listed in order of need."""

    ONE_FOR_ONE = "one_for_one"
    """Nothing: only the crashed one is started again."""
    REST_FOR_ONE = "rest_for_one"
    """Those after it stand on it: they are stopped, and started again with it."""
    ONE_FOR_ALL = "one_for_all"
    """All stop and start together."""


@attrs.frozen
class Plan:
    """What to do after a crash: first stop, in this order; then start, in this order."""

    stop: tuple[str, ...]
    start: tuple[str, ...]


def restart_plan(strategy: Strategy, children: Sequence[str], crashed: str) -> Plan:
    """Return what to do after ``crashed``, one of ``children`` (listed first to last), has crashed.

    Siblings stop last to first and start first to last; the crashed one has stopped by itself.

    Raises:
        ValueError: ``crashed`` is none of ``children``.
    """
    position = list(children).index(crashed)
    if strategy is Strategy.ONE_FOR_ONE:
        affected: tuple[str, ...] = (crashed,)
    elif strategy is Strategy.REST_FOR_ONE:
        affected = tuple(children[position:])
    else:
        affected = tuple(children)
    return Plan(tuple(name for name in reversed(affected) if name != crashed), affected)


@final
class RestartWindow:
    """A sliding window over the moments of crashes: ``limit`` within ``period`` seconds are forgiven, one more not.

    It does not see a slow crash loop (one crash every ``period / limit`` seconds, for ever): restarts are counted and
    published besides.
    """

    def __init__(self, limit: int = 5, period: float = 10.0) -> None:
        if limit < 0 or not 0 < period < float("inf"):
            raise ValueError(f"limit={limit!r}, period={period!r}: expected a count and a positive number of seconds")
        self.limit = limit
        self.period = period
        self._crashes: deque[float] = deque()

    def allow(self, now: float) -> bool:
        """Note a crash at ``now``; return whether a restart is still allowed."""
        self._crashes.append(now)
        while now - self._crashes[0] > self.period:
            self._crashes.popleft()
        return len(self._crashes) <= self.limit
