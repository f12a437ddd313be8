"""The journal: the intents of one account, kept so that they outlive this process, or for as long as it lasts.

What is in it, and how it is read, is the ledger's (``_pure.intents.journal``); how it lies on the disk, the file's
(``journalfile``). Here is who waits for the disk, and that it is asked once for all who wait.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_binance._pure.intents import records
from trio_binance.errors import JournalFailed

from .disk import Disk
from .journalfile import JournalFile, reason_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from trio_binance._pure.intents import Ledger, Owner, Record, Remembered
    from trio_binance.journals import JournalSpec

_STEP = 16_384
"""Every so many bytes it is looked whether the file is worth to be written anew."""


@attrs.frozen
class JournalStatistics:
    """What a journal has seen since it was opened; without a ``path`` it is in memory, and has no size."""

    path: Path | None
    size: int
    noted: int
    """Calls of ``note``."""
    synced: int
    """Times that the disk was asked to keep it; many waiters share one."""
    written_anew: int
    kept_long: int
    """Times that it should have been written anew, and the disk would not; the file goes on growing."""
    failed: str | None
    """Why it takes nothing any more."""


@final
class _Kept:
    """The file of a journal that has one, what is in it, and how much of that the disk is known to have."""

    def __init__(self, disk: Disk, spec: JournalSpec, file: JournalFile, ledger: Ledger) -> None:
        self.disk = disk
        self.path: Path = spec.path
        self.waits: bool = spec.fsync == "always"
        self.file = file
        self.ledger = ledger
        self.durable = self.synced = self.written_anew = self.kept_long = 0
        self.busy: trio.Event | None = None
        """Set when whoever has the disk do something is done."""
        self.bloated: trio.Event = trio.Event()
        self._next_look = 0

    def append(self, some: tuple[Record, ...]) -> None:
        """Write lines. Raises ``OSError`` where the file lacks any of what the ledger has."""
        before = self.ledger.size
        try:
            lines = b"".join(map(self.ledger.put, some))
        except Exception as exc:
            if self.ledger.size == before:
                raise
            raise OSError(f"a record cannot be written: {exc}") from exc
        self.file.append(lines)
        if self.ledger.size >= self._next_look:
            self.look()

    def look(self) -> None:
        """Call for whoever writes it anew if that is worth it."""
        self._next_look = self.ledger.size + _STEP
        if self.ledger.is_bloated:
            self.bloated.set()

    def compact(self) -> bytes:
        """Return the file to write in the old one's place, and look when that has grown."""
        text = self.ledger.compact()
        self.look()
        return text

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the file's durability to oneself; nobody may have it at the moment."""
        self.busy = done = trio.Event()
        try:
            yield
        finally:
            self.busy = None
            done.set()


@final
class Journal:
    """One account's journal; made by ``open_journal``. ``run`` is a service, to be run beside whoever notes."""

    name = "journal"

    def __init__(self, kept: _Kept | None = None) -> None:
        self._kept = kept
        self._noted = 0
        self._failed: JournalFailed | None = None
        self.remembered: tuple[Remembered, ...] = () if kept is None else kept.ledger.remembered
        """What the file said when it was opened: the intents of earlier runs that are not over, oldest first."""

    def statistics(self) -> JournalStatistics:
        """Return the counts so far."""
        failed = None if self._failed is None else self._failed.reason
        if (kept := self._kept) is None:
            return JournalStatistics(None, 0, self._noted, 0, 0, 0, failed)
        counts = kept.synced, kept.written_anew, kept.kept_long
        return JournalStatistics(kept.path, kept.ledger.size, self._noted, *counts, failed)

    def note(self, *some: Record) -> int:
        """Append lines, all at once and in this order; return their position, for ``wait_durable``.

        Instantaneous. When it returns, a file holds them as far as the operating system is concerned: they are read
        again however this process ends.

        Raises:
            JournalFailed: they could not be written, or it has failed before: fail closed, nothing may be sent. Some
                of them may be read again all the same.
        """
        self._refuse_if_failed()
        if self._kept is not None:
            try:
                self._kept.append(some)
            except OSError as exc:
                raise self._fail(self._kept, exc) from exc
        self._noted += 1
        return self._noted

    async def wait_durable(self, position: int) -> None:
        """Return when all up to this position is as durable as the configuration asks for.

        In memory, and with ``fsync="os"``, that is one checkpoint. With "always" it is one call of the disk for all
        that is noted by then, whoever waits for it.

        Cancelled: it may be durable or not; it stays noted. Who has asked the disk waits until it has answered.

        Raises:
            JournalFailed: the disk did not take it, now or before. That is final: what a disk has refused once may
                be gone from the machine's memory, so that it would only seem to succeed if asked again.
        """
        await trio.lowlevel.checkpoint()
        if self._kept is None or not self._kept.waits:
            return
        while self._kept.durable < position:
            self._refuse_if_failed()
            if self._kept.busy is not None:
                await self._kept.busy.wait()
            else:
                await self._sync(self._kept)

    async def _sync(self, kept: _Kept) -> None:
        noted = self._noted
        with kept.turn():
            try:
                await kept.disk.in_thread(kept.file.sync)
            except OSError as exc:
                raise self._fail(kept, exc) from exc
            kept.durable = noted
            kept.synced += 1

    def _fail(self, kept: _Kept, exc: OSError) -> JournalFailed:
        """Take nothing any more: the ledger is ahead of the file, or the file of the disk."""
        fate = "until the connector is opened anew nothing is placed or amended; cancellations are sent"
        reason = f"{reason_of(exc)}; {fate}"
        self._failed = self._failed or JournalFailed(kept.path, reason)
        return copy(self._failed)

    def _refuse_if_failed(self) -> None:
        if self._failed is not None:
            # each gets an exception of its own: a traceback grows with every task that raises it
            raise copy(self._failed)

    # -------------------------------------------------------------------------------------------------- written anew

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled: write the file anew whenever most of it is about what is over.

        Without it the file only grows, until the next time that there is one. It must have ended before the journal is
        closed. Cancelled: the file is the old one or the new one, and nothing is beside it.
        """
        task_status.started()
        if (kept := self._kept) is None:
            await trio.sleep_forever()
        kept.look()
        while True:
            await kept.bloated.wait()
            kept.bloated = trio.Event()
            if self._failed is None and kept.ledger.is_bloated:
                await self._write_anew(kept)

    async def _write_anew(self, kept: _Kept) -> None:
        try:
            heir = await kept.disk.in_thread(kept.file.make_heir)
            if await self._prepare(kept, heir):
                await self._inherit(kept, heir)
        except OSError:
            kept.kept_long += 1

    async def _prepare(self, kept: _Kept, heir: int) -> bool:
        """Make the heir equal to the file; return whether it is, and nobody has the disk do something now."""
        ready = False
        try:
            kept.file.begin(heir, kept.compact())
            await kept.disk.in_thread(partial(kept.disk.sync, heir))
            while kept.busy is not None:
                await kept.busy.wait()
            ready = self._failed is None
        finally:
            if not ready:
                kept.file.disown()
                with trio.CancelScope(shield=True):
                    await kept.disk.in_thread(partial(kept.file.throw_away, heir))
        return ready

    async def _inherit(self, kept: _Kept, heir: int) -> None:
        """Let the heir take the name, behind a shield: done by half it would be two files."""
        noted = self._noted
        with kept.turn(), trio.CancelScope(shield=True):
            try:
                await kept.disk.in_thread(partial(kept.file.inherit, heir))
            except OSError as exc:
                # it is not known which of the two has the name: both have all that was noted, and get no more
                self._fail(kept, exc)
                return
            kept.durable = noted
            kept.written_anew += 1
            await kept.disk.in_thread(partial(kept.file.put_away, kept.file.succeed(heir)))

    async def _close(self, kept: _Kept) -> None:
        self._failed = self._failed or JournalFailed(kept.path, "it is closed")
        while kept.busy is not None:
            await kept.busy.wait()
        await kept.disk.in_thread(kept.file.close)


@asynccontextmanager
async def open_journal(
    spec: JournalSpec | None, *, owner: Owner, run: str = "", at_ms: int = 0, disk: Disk | None = None
) -> AsyncIterator[Journal]:
    """Open the journal, in memory if there is no file for it, and close it at the end of the block.

    Args:
        spec: its file; it is made if it is not there, and what was torn at its end is cut off.
        owner: whose intents are noted, and alone remembered.
        run: names this run in the file, for the eye.
        at_ms: now, in milliseconds of the exchange's clock as it is known, or of the machine's.
        disk: another disk than the machine's.

    Raises:
        JournalFailed: the file cannot be opened, another connector has it, or it remembers intents of another owner
            that ``spec`` does not adopt; the message says what to do.
        JournalBroken: it is damaged; it is left as it is.
    """
    if spec is None:
        yield Journal()
        return
    disk = disk or Disk()
    file, ledger = await disk.in_thread(partial(JournalFile.open, disk, spec, owner))
    kept = _Kept(disk, spec, file, ledger)
    journal = Journal(kept)
    try:
        journal.note(records.started(run, owner, at_ms))
        yield journal
    finally:
        with trio.CancelScope(shield=True):
            await journal._close(kept)
