"""The errors of the journal of intents: it cannot be kept, or cannot be believed; so nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .root import BinanceError

if TYPE_CHECKING:
    from pathlib import Path


class JournalFailed(BinanceError):
    """The journal cannot be opened, or not be written any more; what was to be noted in it was not sent.

    From then on nothing is sent that places or amends, until the connector is opened anew; cancellations are.
    ``reason`` says what to do.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"journal {path}: {reason}")
        self.path: Path | None = path
        self.reason = reason


class JournalBroken(JournalFailed):
    """The journal cannot be believed; ``line`` is the number of the line, from 1. Nothing must be placed on it.

    What its intact lines say is still true: look at them, and at the account, before it is put aside.
    """

    def __init__(self, line: int, reason: str, path: Path | None = None) -> None:
        where = "journal" if path is None else f"journal {path}"
        advice = "put the file aside, and look at the open orders: it may have known of one whose fate is not known"
        BinanceError.__init__(self, f"{where}, line {line}: {reason}; {advice}")
        self.path = path
        self.line = line
        self.reason = reason
