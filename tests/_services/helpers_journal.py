"""Records to fill journals with; programs that are to be killed import it, so it imports little."""

from __future__ import annotations

from pathlib import Path

from tests._pure.intents.makers import START_MS, placement
from trio_binance._pure.intents import NotSent, Part, Record, Settle, records
from trio_binance.models import Evidence, Note

PATH = Path("/there/a.journal")


def opened(name: str) -> Record:
    return records.opened(placement(name), START_MS)


def settled(name: str, words: str = "") -> Record:
    return records.settled(
        Settle(f"i-{name}", Part.WHOLE, NotSent("no line", Evidence((Note(None, words),)))), START_MS
    )
