"""The evidence: what was learned of a request that changes something, in plain words and in order."""

from __future__ import annotations

import attrs

from .values import as_datetime


def time_of_day(at_ms: int) -> str:
    """Return a moment's time of day in UTC, to the millisecond."""
    return f"{as_datetime(at_ms):%H:%M:%S.%f}"[:-3]


@attrs.frozen
class Note:
    """Something that was learned, so many times; ``at_ms`` is server time, ``None`` while that is not known."""

    at_ms: int | None
    text: str
    times: int = 1

    def __str__(self) -> str:
        at = "--:--:--.---" if self.at_ms is None else time_of_day(self.at_ms)
        return f"{at}  {self.text}" + (f" ({self.times} times)" if self.times > 1 else "")


@attrs.frozen
class Evidence:
    """What a verdict rests on, oldest first; ``str`` is a line a note, with the time of day in UTC."""

    notes: tuple[Note, ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self.notes))

    def __contains__(self, text: str) -> bool:
        return any(text in note.text for note in self.notes)
