"""The disk: what the journal asks of the operating system, a call a method, so that a test can be a bad disk."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


class Disk:
    """The operating system's files. All methods but ``in_thread`` block, and raise ``OSError``."""

    async def in_thread(self, job: Callable[[], T]) -> T:
        """Do in a thread what may block for long. Cancelled: it is done all the same, and waited for."""
        return await trio.to_thread.run_sync(job, limiter=trio.CapacityLimiter(1))

    def open(self, path: Path, *, new: bool = False) -> int:
        """Open a file to read it and to write at its end, no link; make it for its owner alone if it is not there.

        Args:
            path: the file.
            new: refuse one that is there.
        """
        # Not to block, should it be a pipe.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(path, flags | (os.O_EXCL if new else 0), 0o600)

    def lock(self, fd: int) -> None:
        """Take the file for this opening of it alone; ``BlockingIOError`` if another has it."""
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_regular(self, fd: int) -> bool:
        """Tell whether it is a file that keeps what is written."""
        return stat.S_ISREG(os.fstat(fd).st_mode)

    def is_at(self, fd: int, path: Path) -> bool:
        """Tell whether the path still leads to the file that is open."""
        try:
            return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
        except FileNotFoundError:
            return False

    def keep_private(self, fd: int) -> None:
        """Let nobody but its owner read or write it."""
        os.fchmod(fd, 0o600)

    def read(self, fd: int, size: int) -> bytes:
        """Read on, so many bytes at most; none at its end."""
        return os.read(fd, size)

    def write(self, fd: int, data: bytes) -> int:
        """Write at its end; return how much of it was written."""
        return os.write(fd, data)

    def cut(self, fd: int, size: int) -> None:
        """Cut off what is beyond this size."""
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Return when the disk has what was written."""
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync leaves it in the drive's memory there
        else:
            os.fdatasync(fd)

    def sync_folder(self, folder: Path) -> None:
        """Return when the disk has the names in a folder."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file the name of another, which goes: nobody ever sees neither."""
        os.replace(old, new)

    def remove(self, path: Path) -> None:
        """Take a name away, if it is there."""
        path.unlink(missing_ok=True)

    def close(self, fd: int) -> None:
        """Close a file, and let go of its lock."""
        os.close(fd)
