"""The terms: how long things may take, the moment at which something is judged, and the pace of the questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import attrs

NEVER = float("inf")

ENGINE_MS = 10_000
"""The exchange waits so long for its matching engine: "if ... exceeds this limit ... Timeout waiting for response"."""
AHEAD_MS = 1_000
"""So far a timestamp may be ahead of the exchange's clock: "timestamp < serverTime + 1 second"."""

_DOUBTING = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_WATCHING = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds between two questions for the same, in the time in which it matters, and afterwards."""
_UNANSWERED = 60.0
"""A question that nobody has answered for so long is asked again."""


@attrs.frozen
class Terms:
    """What the machine goes by.

    Args:
        margin_ms: added to every fence, for what nobody has documented.
        patience_ms: how long after the fence something is looked for, before it is called unresolved.
        lag_ms: no copy of the exchange lags so much; three times what was ever seen.
        watch_ms: how long an intent is remembered that had no effect, is unresolved, or was ever in doubt.
        linger_ms: how long any other is, for what may come late.
        probe: whether to cancel what may stand of an intent, where no other witness is left. That an order lives
            is then found out by ending it.
        most: so many may be in doubt or unresolved at once; then ``Intents.room`` is 0 and nothing should be placed.
        resends: how often the cancellation of an order by its id is sent again.
        is_unique: tells whether a client id was made by us, so that no other order can have it.
    """

    margin_ms: int = 5_000
    patience_ms: int = 60_000
    lag_ms: int = 120_000
    watch_ms: int = 86_400_000
    linger_ms: int = 120_000
    probe: bool = False
    most: int = 100
    resends: int = 3
    is_unique: Callable[[str], bool] = lambda _name: False


@attrs.frozen
class Scene:
    """A moment: Trio's time, and what is known of the exchange's.

    ``server_ms`` is a lower bound of the exchange's clock, ``None`` while nothing is known of it; ``connection`` is
    the one that the user stream has stood on without a break, 0 if it does not stand, and ``watch`` numbers that time.
    """

    now: float
    server_ms: float | None
    watch: int = 0
    connection: int = 0

    def has_passed(self, moment_ms: float, after: float = -NEVER) -> bool:
        """Tell whether a moment of the exchange's clock has passed for certain, and one of Trio's as well."""
        return self.server_ms is not None and self.server_ms > moment_ms and self.now > after

    def at(self, moment_ms: float, after: float = -NEVER) -> float:
        """Return when, in Trio's time, a moment of the exchange's clock, and one of Trio's, will have passed."""
        # A millisecond more: what is due then must have passed then.
        if self.server_ms is None:
            return NEVER
        return max(self.now + (moment_ms - self.server_ms + 1) / 1000, after + 0.001)

    def moment_ms(self, at: float) -> float:
        """Return a lower bound of the exchange's clock at an earlier time of Trio's."""
        return -NEVER if self.server_ms is None else self.server_ms - (self.now - at) * 1000

    @property
    def stamp_ms(self) -> int | None:
        """The exchange's time for a note."""
        return None if self.server_ms is None else int(self.server_ms)


@final
class Pace:
    """When a question is asked: one at a time, soon at first, seldom in the end."""

    def __init__(self) -> None:
        self.ask_at: float = NEVER
        self._delays: tuple[float, ...] = _DOUBTING
        self._asked = 0

    def start(self, now: float, *, slowly: bool = False) -> None:
        """Begin to ask."""
        self._delays = _WATCHING if slowly else _DOUBTING
        self._asked = 0
        self.on_answer(now)

    def on_asked(self, now: float) -> None:
        """Note that the question is on its way."""
        self._asked += 1
        self.ask_at = now + _UNANSWERED

    def on_answer(self, now: float) -> None:
        """Note that it was answered, or was not: it is asked again after a while."""
        self.ask_at = now + self._delays[min(self._asked, len(self._delays) - 1)]

    def by(self, moment: float) -> None:
        """Ask then at the latest."""
        self.ask_at = min(self.ask_at, moment)
