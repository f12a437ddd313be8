"""What every keeper of a book measures itself with; of the standard library alone, for it runs beside any peer.

A keeper is run as ``python book_x.py FILE --warm W --way WAY``. The first line of the file is a snapshot, every other
one an event as it comes from the socket. Each event is decoded, applied, and the best bid and ask are read, unless the
way is ``unread``. Processor time is taken over all but the first ``W`` events; no event is seen twice.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

BOOKS = 8
"""So many books are made to see how much memory one takes."""


class Keeper(Protocol):
    """A book of a peer."""

    def take(self, frame: bytes) -> None:
        """Decode an event and apply it."""

    def best(self) -> tuple[object, object]:
        """Return the best bid and the best ask, as the peer gives them."""
        ...

    def prices(self) -> tuple[str, str]:
        """Return the best prices as plain numbers, to see that all keepers have kept the same book."""
        ...


def main(make: Callable[[bytes], Keeper], version: str) -> None:
    """Measure a keeper and tell its figures in a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--warm", type=int, required=True)
    parser.add_argument("--way", choices=("read", "unread", "memory"), default="read")
    job = parser.parse_args()
    snapshot, *frames = job.file.read_bytes().splitlines()
    result: dict[str, object] = {"version": version, "python": ".".join(map(str, sys.version_info[:3]))}
    if job.way == "memory":
        result["kib"] = _memory(make, snapshot, frames[: job.warm])
    else:
        keeper = make(snapshot)
        _run(keeper, frames[: job.warm], read=job.way == "read")
        gc.collect()
        started = time.process_time()
        _run(keeper, frames[job.warm :], read=job.way == "read")
        result["us"] = (time.process_time() - started) / len(frames[job.warm :]) * 1e6
        result["prices"] = keeper.prices()
    print(json.dumps(result), flush=True)


def _run(keeper: Keeper, frames: Sequence[bytes], *, read: bool) -> None:
    take, best = keeper.take, keeper.best
    for frame in frames:
        take(frame)
        if read:
            best()


def _memory(make: Callable[[bytes], Keeper], snapshot: bytes, frames: Sequence[bytes]) -> float:
    """Return KiB a book; each is made of texts of its own, as it would be of its own symbol."""
    kept = [make(snapshot)]
    gc.collect()
    before = _resident()
    for _ in range(BOOKS):
        kept.append(make(snapshot))
        _run(kept[-1], frames, read=True)
    gc.collect()
    return (_resident() - before) / BOOKS


def _resident() -> float:
    """Return the KiB that the process has in memory now; where that is not told, the most that it ever had."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return pages * resource.getpagesize() / 1024
