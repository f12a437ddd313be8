"""The notebook: evidence as it is gathered, and never too much of it."""

from __future__ import annotations

from typing import final

from trio_binance.models import Evidence, Note

_FIRST, _LAST = 8, 24
"""So many notes are kept of the beginning and of the end."""
_LONGEST = 240


@final
class Notebook:
    """Evidence that is being gathered. The same thing learned again is counted; the middle of much is left out."""

    def __init__(self, evidence: Evidence | None = None) -> None:
        notes = () if evidence is None else evidence.notes
        self._first = list(notes[:_FIRST])
        self._last = list(notes[_FIRST:])
        self._left_out = 0

    def add(self, at_ms: int | None, text: str) -> None:
        """Note something."""
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        notes = self._last or self._first
        if notes and notes[-1].text == text:
            notes[-1] = Note(at_ms, text, notes[-1].times + 1)
            return
        (self._first if len(self._first) < _FIRST else self._last).append(Note(at_ms, text))
        if len(self._last) > _LAST:
            del self._last[0]
            self._left_out += 1

    def read(self) -> Evidence:
        """Return the evidence so far."""
        middle = [Note(None, f"... {self._left_out} more ...")] if self._left_out else []
        return Evidence((*self._first, *middle, *self._last))
