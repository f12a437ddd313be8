"""Patience: when the exchange is asked for what is missing, how often, and when that is given up."""

from __future__ import annotations

from typing import final

import attrs

_NEVER = float("inf")
_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between two questions for the same; the exchange's replica is seldom further behind than the first few."""
_SURE_AFTER = 2
"""Told so often that later items are there and these are not, one believes it."""


@attrs.frozen
class Ask:
    """A question to the exchange: the items of a symbol from place ``first`` on, up to ``last``, until ``give_up_at``.

    ``count`` is about how many these are. Without both it asks for whatever is there.
    """

    symbol: str
    first: int
    last: int | None
    count: int | None
    give_up_at: float


@attrs.frozen
class Bounds:
    """What is spent on a hole.

    Args:
        grace: seconds in which what is missing may still come by itself, late or by another connection.
        timeout: seconds for which the exchange is asked for the same item.
        items: the most items that are asked for to fill a hole; the newest of them.
        waiting: the most items of a symbol that wait behind a hole, or for room.
        questions: the most questions at the same time.
    """

    grace: float
    timeout: float
    items: int
    waiting: int
    questions: int


@final
@attrs.define(eq=False)
class Patience:
    """What is done about the hole at a series' edge. All times are ``trio.current_time()``."""

    looking: bool = False
    """Whether there may be more than is known of: ask until the exchange has no more."""
    resuming: bool = False
    """Whether the user named where to begin, so that any number of items is asked for."""
    asked: Ask | None = None
    """The question under way."""
    ask_at: float = _NEVER
    give_up_at: float = _NEVER
    recovered: int = 0
    """Items that came by asking since the trouble began."""
    _tries: int = 0

    @property
    def is_sure(self) -> bool:
        """Whether the exchange was asked often enough to believe what it does not have."""
        return self._tries >= _SURE_AFTER

    def want(self, at: float) -> None:
        """Ask then, unless there is a plan already."""
        if self.asked is None and self.ask_at == _NEVER:
            self.ask_at = at

    def rest(self) -> None:
        """Ask no more: nothing is missing."""
        self.ask_at, self.give_up_at, self._tries = _NEVER, _NEVER, 0

    def ask(self, symbol: str, first: int, last: int | None, count: int | None, now: float, timeout: float) -> Ask:
        """Return the question to ask now."""
        # What lies between two questions beyond the end was the consumer's time, not the exchange's.
        if self.give_up_at == _NEVER or self.give_up_at <= now:
            self.give_up_at = now + timeout
        self.ask_at = _NEVER
        self.asked = Ask(symbol, first, last, count, self.give_up_at)
        return self.asked

    def progress(self, now: float, *, more: bool) -> None:
        """Note that items came: the next question is a new one, asked at once if the exchange has ``more``."""
        self.give_up_at = _NEVER
        self._tries = 0
        if more:
            self.ask_at = now
        else:
            self.retry(now)

    def retry(self, now: float) -> bool:
        """Ask again after a while, for the last time shortly before the end; return whether there is time for that."""
        delay = _DELAYS[min(self._tries, len(_DELAYS) - 1)]
        self._tries += 1
        self.ask_at = min(now + delay, self.give_up_at - _DELAYS[0])
        return self.ask_at > now
