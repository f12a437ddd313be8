"""The journal: the intents of one account, kept so that they outlive this process, or for as long as it lasts.

What is in it, and how it is read, is the ledger's (``_pure.intents.journal``); the file is ``JournalFile``'s. Here is
who waits for the disk, and that it is asked once for all who wait.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio_binance._pure.intents import Record, Remembered
    from trio_binance.journals import JournalSpec


@final
class Journal:
    """One account's journal; made by ``open_journal``. ``run`` is a service, to be run beside whoever notes."""

    name = "journal"
    remembered: tuple[Remembered, ...]
    """What the file said when it was opened: the intents of earlier runs that are not over, oldest first."""

    def note(self, *records: Record) -> int:
        """Append lines, all at once and in this order; return their position, for ``wait_durable``.

        Instantaneous. When it returns, a file holds them as far as the operating system is concerned: they are read
        again however this process ends.

        Raises:
            JournalFailed: they could not be written, or it has failed before: fail closed, nothing may be sent. Some
                of them may be read again all the same.
        """
        raise NotImplementedError

    async def wait_durable(self, position: int) -> None:
        """Return when all up to this position is as durable as the configuration asks for.

        In memory, and with ``fsync="os"``, that is one checkpoint. With "always" it is one call of the disk for all
        that is noted by then, whoever waits for it.

        Cancelled: it may be durable or not; it stays noted.

        Raises:
            JournalFailed: the disk did not take it, now or before. That is final: what a disk has refused once may
                be gone from the machine's memory, so that it would only seem to succeed if asked again.
        """
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled: write the file anew whenever most of it is about what is over.

        Without it the file only grows, until the next time that it is opened.
        """
        raise NotImplementedError


@asynccontextmanager
async def open_journal(spec: JournalSpec | None, *, run: str = "", at_ms: int = 0) -> AsyncIterator[Journal]:
    """Open the journal, in memory if there is no file for it, and close it at the end of the block.

    Args:
        spec: its file; it is made if it is not there, and what was torn at its end is cut off.
        run: names this run in the file, for the eye.
        at_ms: now, in milliseconds of the exchange's clock as it is known, or of the machine's.

    Raises:
        JournalFailed: the file cannot be opened, or another connector has it; the message says what to do.
        JournalBroken: it is damaged; it is left as it is.
    """
    raise NotImplementedError
    yield
