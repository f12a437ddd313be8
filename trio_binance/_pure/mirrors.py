"""The mirrors: which of several hosts that serve the same to call, after some could not be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence


@final
class Mirrors:
    """Hosts that stand in for each other, the first being the best.

    One that cannot be reached hands over to the next, the last one to the first. After ``return_after`` seconds away
    from it the first is tried again. What was refused by a host is none of its business: a limit or a ban holds for
    all of them.

    Args:
        urls: the hosts, at least one.
        return_after: seconds.
    """

    def __init__(self, urls: Sequence[str], *, return_after: float) -> None:
        self._urls = tuple(urls)
        self._return_after = return_after
        self._place = 0
        self._left_first_at = 0.0

    def current(self, now: float) -> str:
        """Return the host to call."""
        if self._place and now >= self._left_first_at + self._return_after:
            self._place = 0
        return self._urls[self._place]

    def on_unreachable(self, url: str, now: float) -> str | None:
        """Note that a host could not be reached; return the one to call instead, or ``None`` if there is no other.

        Whoever tells of a host that was given up already is told its successor, and nothing changes: twenty calls
        that failed at once are one failure.
        """
        if len(self._urls) == 1:
            return None
        if url == self._urls[self._place]:
            if self._place == 0:
                self._left_first_at = now
            self._place = (self._place + 1) % len(self._urls)
        return self._urls[self._place]
