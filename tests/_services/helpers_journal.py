"""Records to fill journals with; programs that are to be killed import it, so it imports little."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests._pure.intents.makers import OWNER, START_MS, placement
from trio_binance._pure.intents import NotSent, Owner, Part, Record, Settle, records
from trio_binance._services import journal
from trio_binance.config import JournalSpec
from trio_binance.models import Evidence, Note

PATH = Path("/there/a.journal")


@asynccontextmanager
async def open_journal(
    spec: JournalSpec | None, *, owner: Owner = OWNER, **more: Any
) -> AsyncIterator[journal.Journal]:
    """Open a journal, by default as the one who has all journals of these tests."""
    async with journal.open_journal(spec, owner=owner, **more) as opened:
        yield opened


def opened(name: str) -> Record:
    return records.opened(placement(name), START_MS)


def settled(name: str, words: str = "") -> Record:
    return records.settled(
        Settle(f"i-{name}", Part.WHOLE, NotSent("no line", Evidence((Note(None, words),)))), START_MS
    )
