"""A disk in memory that tells what would be left of it: were the program killed now, or the machine without power."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from trio_binance._services.disk import Disk

T = TypeVar("T")


@attrs.define(eq=False)
class Inode:
    data: bytearray = attrs.field(factory=bytearray)
    kept: bytes = b""
    """What the disk has, after a sync."""
    locked_by: int | None = None


@attrs.define
class Opening:
    inode: Inode
    offset: int = 0


class MemoryDisk(Disk):
    """Files in memory. ``before`` is called with the name of every call before it is made, and may raise.

    ``in_thread`` gives way as a thread does, and does the job at once: no clock runs on meanwhile.
    """

    def __init__(self) -> None:
        self.names: dict[Path, Inode] = {}
        self.kept_names: dict[Path, Inode] = {}
        self.open_files: dict[int, Opening] = {}
        self.before: Callable[[str], None] = lambda _call: None
        self.short: int | None = None
        """Should be written so little of what is written next."""
        self._fds = count(3)

    async def in_thread(self, job: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint_if_cancelled()
        await trio.lowlevel.cancel_shielded_checkpoint()
        done = job()
        await trio.lowlevel.cancel_shielded_checkpoint()
        return done

    def open(self, path: Path, *, new: bool = False) -> int:
        self.before("open")
        if new and path in self.names:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        fd = next(self._fds)
        self.open_files[fd] = Opening(self.names.setdefault(path, Inode()))
        return fd

    def lock(self, fd: int) -> None:
        self.before("lock")
        inode = self.open_files[fd].inode
        if inode.locked_by not in (None, fd):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        inode.locked_by = fd

    def is_regular(self, fd: int) -> bool:
        self.before("is_regular")
        return fd in self.open_files

    def is_at(self, fd: int, path: Path) -> bool:
        self.before("is_at")
        return self.names.get(path) is self.open_files[fd].inode

    def keep_private(self, fd: int) -> None:
        self.before("keep_private")
        assert fd in self.open_files

    def read(self, fd: int, size: int) -> bytes:
        self.before("read")
        opening = self.open_files[fd]
        piece = bytes(opening.inode.data[opening.offset : opening.offset + size])
        opening.offset += len(piece)
        return piece

    def write(self, fd: int, data: bytes) -> int:
        self.before("write")
        data, self.short = data[: self.short], None
        self.open_files[fd].inode.data += data
        return len(data)

    def cut(self, fd: int, size: int) -> None:
        self.before("cut")
        del self.open_files[fd].inode.data[size:]

    def sync(self, fd: int) -> None:
        self.before("sync")
        inode = self.open_files[fd].inode
        inode.kept = bytes(inode.data)

    def sync_folder(self, folder: Path) -> None:
        self.before("sync_folder")
        self.kept_names = {path: inode for path, inode in self.names.items() if path.parent == folder}

    def rename(self, old: Path, new: Path) -> None:
        self.before("rename")
        self.names[new] = self.names.pop(old)

    def remove(self, path: Path) -> None:
        self.before("remove")
        self.names.pop(path, None)

    def close(self, fd: int) -> None:
        opening = self.open_files.pop(fd)
        if opening.inode.locked_by == fd:
            opening.inode.locked_by = None
        self.before("close")  # it is closed, whatever the disk says to that

    # --------------------------------------------------------------------------------------------- what would be left

    def after_kill(self) -> MemoryDisk:
        """Return the disk as the next program finds it, were this one killed now."""
        return _with({path: bytes(inode.data) for path, inode in self.names.items()})

    def after_power_cuts(self) -> Iterator[MemoryDisk]:
        """Give what the disk may be, were the power cut now: what is not synced is there, or not, or a part."""
        for names in (self.names, self.kept_names):
            for part in (0.0, 0.7, 1.0):
                yield _with({path: _remains(inode, part) for path, inode in names.items()})


def _remains(inode: Inode, part: float) -> bytes:
    beyond = inode.data[len(inode.kept) :] if inode.data.startswith(inode.kept) else b""
    return inode.kept + bytes(beyond[: int(len(beyond) * part)])


def _with(files: dict[Path, bytes]) -> MemoryDisk:
    disk = MemoryDisk()
    disk.names = {path: Inode(bytearray(data), data) for path, data in files.items()}
    disk.kept_names = dict(disk.names)
    return disk
