"""The journal's file: opened by one connector at a time, appended to, and written anew without a moment between.

Written anew
============

While a file is written anew there are two: the one that has the name, and its heir beside it, ``<name>.heir``. The heir
gets all that matters of what was noted, and from that moment whatever is noted is written to both. It is synced, takes
the name by one ``rename``, and the folder is synced. So whichever of the two a crash leaves under the name, everything
that was noted is in it; an heir that is left over never had the name, and is thrown away.

The lock
========

It is on the file itself (``flock``), and no file beside it, which people delete: an heir is locked before it can have
the name. Who opens a file and gets its lock must look whether the file still has the name, or else it has just been
written anew, and the one that has the name is another's.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, final

from trio_binance._pure.intents import Ledger
from trio_binance.errors import JournalBroken, JournalFailed
from trio_binance.journals import HEIR

if TYPE_CHECKING:
    from pathlib import Path

    from trio_binance._pure.intents import Owner
    from trio_binance.journals import JournalSpec

    from .disk import Disk

_CAN_LOCK = os.name == "posix"
_PIECE = 65_536
_TRIES = 100
"""So often a file may be written anew by its owner while it is being opened."""

_ADVICE = {
    errno.ENOENT: "make its folder first",
    errno.ELOOP: "it is a symbolic link: name the file itself",
    errno.EISDIR: "name a file in it",
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room on the disk",
    errno.EIO: "look at the disk",
}


def reason_of(exc: OSError) -> str:
    """Return what the operating system says, and what can be done about it."""
    advice = _ADVICE.get(exc.errno or 0)
    return (exc.strerror or str(exc)) + (f"; {advice}" if advice else "")


@final
class JournalFile:
    """An open file. Its methods block and raise ``OSError``, where nothing else is said."""

    def __init__(self, disk: Disk, path: Path, fd: int) -> None:
        self._disk = disk
        self._path = path
        self._heir_path = path.with_name(path.name + HEIR)
        self._fd = fd
        self._heir: int | None = None

    # ------------------------------------------------------------------------------------------------------- opening

    @classmethod
    def open(cls, disk: Disk, spec: JournalSpec, owner: Owner) -> tuple[JournalFile, Ledger]:
        """Open a file, make it if it is not there, cut off what is torn; return it and what it says.

        Raises:
            JournalFailed: it cannot be opened, another connector has it, or it remembers intents of another owner,
                and was left as it is.
            JournalBroken: it is damaged; it was left as it is.
        """
        if not _CAN_LOCK:
            raise JournalFailed(spec.path, "on this system no file can be had for oneself; leave it out")
        try:
            file = cls(disk, spec.path, _open_alone(disk, spec.path))
            try:
                ledger = file._read()
                _refuse_others(spec, ledger, owner)
                file._take_over(ledger, durably=spec.fsync == "always")
                return file, ledger
            except BaseException:
                file.close()
                raise
        except OSError as exc:
            raise JournalFailed(spec.path, reason_of(exc)) from exc

    def _read(self) -> Ledger:
        try:
            return Ledger.read(iter(partial(self._disk.read, self._fd, _PIECE), b""))
        except JournalBroken as exc:
            raise JournalBroken(exc.line, exc.reason, self._path) from None

    def _take_over(self, ledger: Ledger, *, durably: bool) -> None:
        self._disk.keep_private(self._fd)
        self._disk.remove(self._heir_path)
        if ledger.torn:
            self._disk.cut(self._fd, ledger.size)
        if durably:
            # also what an earlier run has written and not waited for: what is concluded from it must not be undone
            self._disk.sync(self._fd)
            self._disk.sync_folder(self._path.parent)

    # ------------------------------------------------------------------------------------------------------- writing

    def append(self, data: bytes) -> None:
        """Write at the end, of the heir as well if there is one; what is written in part only is an error."""
        self._write(self._fd, data)
        if self._heir is not None:
            self._write(self._heir, data)

    def _write(self, fd: int, data: bytes) -> None:
        written = self._disk.write(fd, data)
        if written != len(data):
            raise OSError(errno.ENOSPC, f"{written} of {len(data)} bytes were written")

    def sync(self) -> None:
        """Return when the disk has it."""
        self._disk.sync(self._fd)

    # ------------------------------------------------------------------------------------------------- written anew

    def make_heir(self) -> int:
        """Return an heir that is empty, and ours alone."""
        self._disk.remove(self._heir_path)
        fd = self._disk.open(self._heir_path, new=True)
        try:
            self._disk.lock(fd)
            self._disk.keep_private(fd)
        except BaseException:
            self.throw_away(fd)
            raise
        return fd

    def begin(self, heir: int, text: bytes) -> None:
        """Write all that matters to the heir; from now on it gets whatever the file gets."""
        self._write(heir, text)
        self._heir = heir

    def inherit(self, heir: int) -> None:
        """Let the heir take the name."""
        self._disk.sync(heir)
        self._disk.rename(self._heir_path, self._path)
        self._disk.sync_folder(self._path.parent)

    def succeed(self, heir: int) -> int:
        """Let the heir, which has the name, be the file; return the one that was, to be put away. Instantaneous."""
        old, self._fd, self._heir = self._fd, heir, None
        return old

    def disown(self) -> None:
        """Write to the file alone again. Instantaneous."""
        self._heir = None

    def throw_away(self, heir: int) -> None:
        """Have done with an heir that never had the name, and is not written to."""
        self.put_away(heir)
        with suppress(OSError):  # the next one to come this way throws it away
            self._disk.remove(self._heir_path)

    def close(self) -> None:
        """Close it, and let others have it."""
        self.put_away(self._fd)
        if self._heir is not None:
            self.put_away(self._heir)

    def put_away(self, fd: int) -> None:
        """Close what is not written to any more; what the disk says to that changes nothing."""
        with suppress(OSError):
            self._disk.close(fd)


def _open_alone(disk: Disk, path: Path) -> int:
    """Open the file that has the name, and lock it."""
    for _ in range(_TRIES):
        fd = disk.open(path)
        try:
            _lock(disk, fd, path)
            if disk.is_at(fd, path):
                return fd
        except BaseException:
            disk.close(fd)
            raise
        disk.close(fd)
    raise JournalFailed(path, "it is replaced again and again; leave it to one connector")


def _lock(disk: Disk, fd: int, path: Path) -> None:
    if not disk.is_regular(fd):
        raise JournalFailed(path, "it is no file; name one, or a name that is free")
    try:
        disk.lock(fd)
    except BlockingIOError:
        reason = "another connector has it open; end that one, or give each a journal of its own"
        raise JournalFailed(path, reason) from None


def _refuse_others(spec: JournalSpec, ledger: Ledger, owner: Owner) -> None:
    """Refuse what another account remembers: asked for in this one, its orders would be called absent."""
    found, count = ledger.owner, len(ledger.remembered)
    if found is None or found == owner or not count:
        return
    exchanged = owner.adopts(found)
    if exchanged and spec.adopt:
        return
    reason = f"it remembers {count} open or undecided requests of {found}, and this is {owner}"
    advice = "; use a journal of its own for each account"
    if exchanged:
        advice += ", or JournalSpec(path, adopt=True) if this key has replaced that one of the same account"
    raise JournalFailed(spec.path, reason + advice)
