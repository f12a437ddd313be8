"""The pipe: one direction of a connection in memory, bytes in order, each chunk with the moment it arrives.

Whoever reads waits for that moment, so nothing runs in the background and a mock clock rules every delay. A black hole
holds bytes back (TCP would send them again once the hole closes), it never loses some in the middle.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from typing import Protocol, final

import attrs
import trio

_COALESCE = 65536


class Uniform(Protocol):
    """What the network asks of a source of chance; ``random.Random`` has it."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def randint(self, a: int, b: int) -> int:
        """Return an integer in [a, b]."""
        ...


@attrs.frozen
class Link:
    """How one direction of a connection behaves; times in seconds, sizes in bytes."""

    latency: float = 0.0
    jitter: float = 0.0
    """Up to this much is added to the latency of each chunk; order is kept, as TCP keeps it."""
    fragment: int | None = None
    """A read returns between one and this many bytes, by chance."""
    pace: float = 0.0
    """The least time between two reads that return something: a slow drip together with ``fragment``."""
    window: int = 2**20
    """Bytes sent and not yet read, after which the sender waits."""


@final
class Lot:
    """Where one task waits for a pipe to change, or for a moment."""

    __slots__ = ("_lot",)

    def __init__(self) -> None:
        self._lot = trio.lowlevel.ParkingLot()

    async def wait(self, until: float) -> None:
        """Return when woken, or at that moment. Cancelled, nothing is lost."""
        if until == math.inf:
            await self._lot.park()
            return
        with trio.move_on_at(until):
            await self._lot.park()

    def wake(self) -> None:
        """Let whoever waits look again."""
        self._lot.unpark_all()


@final
class Guard:
    """Refuses a second task where only one may be."""

    __slots__ = ("_busy", "_message")

    def __init__(self, message: str) -> None:
        self._busy = False
        self._message = message

    def __enter__(self) -> None:
        if self._busy:
            raise trio.BusyResourceError(self._message)
        self._busy = True

    def __exit__(self, *_: object) -> None:
        self._busy = False


@final
class Pipe:
    """One direction of a connection: bytes in order, each chunk with the moment it arrives."""

    def __init__(self, link: Link, rng: Uniform | None) -> None:
        self.link = link
        self.readable: Lot = Lot()
        self.writable: Lot = Lot()
        self.broken: bool = False
        self.gone_at: float = math.inf
        """When word of the reader's leaving is sent back: the sender learns of it once that arrives."""
        self._rng = rng
        self._chunks: deque[tuple[float, bytes]] = deque()
        self._taken = 0
        self._size = 0
        self._eof_at = math.inf
        self._last_arrival = 0.0
        self._next_read = 0.0
        self._held_until = -math.inf

    @property
    def room(self) -> int:
        """How many bytes more may be sent; not above 0 while the window is full."""
        return self.link.window - self._size

    def arrival(self, now: float) -> float:
        """Return when something sent now arrives; never before what was sent earlier."""
        delay = self.link.latency
        if self.link.jitter and self._rng is not None:
            delay += self.link.jitter * self._rng.random()
        self._last_arrival = max(self._last_arrival, now + delay)
        return self._last_arrival

    def passes_at(self, moment: float) -> float:
        """Return when something that arrives at ``moment`` really does, behind a black hole."""
        return max(moment, self._held_until)

    def put(self, data: bytes, now: float) -> None:
        """Send a chunk now; once the reader has left it only fills the window."""
        self._size += len(data)
        if self.gone_at == math.inf:
            self._chunks.append((self.arrival(now), data))
            self.readable.wake()

    def end(self, now: float) -> None:
        """Send the end now: nothing comes after it."""
        self._eof_at = self.arrival(now)
        self.readable.wake()

    def leave(self, told_at: float) -> None:
        """Forget what was not read; its sender is told at ``told_at``, and fills the window until then."""
        self._chunks.clear()
        self.gone_at = told_at
        self.wake()

    def break_off(self) -> None:
        """Break the line at once; what was on the way is lost."""
        self._chunks.clear()
        self.broken = True
        self.wake()

    def hold(self, until: float) -> None:
        """Let nothing arrive before ``until``: a black hole. ``-inf`` closes it."""
        self._held_until = until

    def wake(self) -> None:
        """Let both ends look again."""
        self.readable.wake()
        self.writable.wake()

    def readable_at(self) -> float:
        """Return from when on a read has something to say: bytes, the end, or that the line broke."""
        if self.broken:
            return 0.0
        if self._chunks:
            return self.passes_at(max(self._chunks[0][0], self._next_read))
        return self.passes_at(self._eof_at)

    def take(self, limit: int | None, now: float) -> bytes:
        """Return what has arrived; ``b""`` at the end. A chunk that fits is handed over as it is, not copied."""
        if self.broken:
            raise trio.BrokenResourceError("connection reset")
        parts = self._arrived(self._most(limit), now)
        self._next_read = now + self.link.pace
        self.writable.wake()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _most(self, limit: int | None) -> int:
        if limit is None:
            limit = max(_COALESCE, len(self._chunks[0][1])) if self._chunks else _COALESCE
        if self.link.fragment is None:
            return limit
        piece = self.link.fragment if self._rng is None else self._rng.randint(1, self.link.fragment)
        return min(limit, piece)

    def _arrived(self, most: int, now: float) -> list[bytes]:
        parts: list[bytes] = []
        while most and self._chunks and self._chunks[0][0] <= now:
            chunk, start = self._chunks[0][1], self._taken
            size = min(len(chunk) - start, most)
            parts.append(chunk[start : start + size])
            most -= size
            self._size -= size
            self._taken += size
            if self._taken == len(chunk):
                self._chunks.popleft()
                self._taken = 0
        return parts


def check_limit(max_bytes: int | None) -> None:
    """Refuse a size that cannot be asked of a read.

    Raises:
        ValueError: it is less than one byte.
    """
    if max_bytes is not None and operator.index(max_bytes) < 1:
        raise ValueError("max_bytes must be >= 1")
