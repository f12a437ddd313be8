"""The frame tap: takes whole data frames out of a WebSocket's byte stream before trio-websocket parses them.

trio-websocket spends two task switches and some 20 us of parsing on every message. Given a ``FrameTap`` as its
transport it still does what it is good at - the handshake, pings, pongs and the close - while messages leave the
stream in batches, all of one socket read at once, for under a microsecond each.

    transport --64 KiB--> Answer (the handshake's end) --> FrameCutter --messages--> Inbox --> the consumer
                                   \\-- HTTP --------------------\\------- control frames --> trio-websocket

``Answer`` and ``FrameCutter`` are of ``_protocol.frames``; here are the hand-over, the deadlines and the closing.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

import attrs
import trio

from trio_binance._protocol.frames import CLOSE, PONG, Answer, FrameCutter, Violation
from trio_binance.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES: Final = 2**16
"""Measured: 64 KiB is best; 4 KiB halves the speed, 256 KiB costs 13 %."""
_MESSAGE_OVERHEAD: Final = 64
"""What a ``bytes`` object and its place in a list cost beside the payload, so that a flood of empty ones is bounded."""


@attrs.frozen
class SocketStatistics:
    """What went over one connection so far."""

    messages: int
    bytes_received: int
    pings: int
    """Pings of the peer."""
    pings_answered: int
    pongs: int
    """Pongs of the peer, asked for or not."""
    frames_sent: int
    """Ours, pings and pongs included: what the limit of messages a second counts."""
    waiting_bytes: int
    peak_bytes: int
    last_heard: float


@final
class Inbox:
    """The bounded hand-over between the task that drains a socket and the one that consumes: a batch a read.

    Args:
        limit: in bytes, overhead included; at the limit ``wait_room`` waits. One read may go beyond it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._batches: deque[tuple[list[bytes], int]] = deque()
        self._arrived = trio.lowlevel.ParkingLot()
        self._taken = trio.lowlevel.ParkingLot()
        self._taking = False
        self.ended: bool = False
        self.waiting_bytes: int = 0
        self.peak_bytes: int = 0

    def put(self, batch: list[bytes]) -> None:
        """Hand over the messages of one read. After the end they are dropped: nobody is there."""
        if self.ended:
            return
        size = sum(map(len, batch)) + _MESSAGE_OVERHEAD * len(batch)
        self._batches.append((batch, size))
        self.waiting_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.waiting_bytes)
        self._arrived.unpark()

    async def take(self) -> list[bytes] | None:
        """Return the next batch, or ``None`` when all are taken and no more will come.

        Cancelled, it takes nothing.

        Raises:
            trio.BusyResourceError: another task is taking.
        """
        if self._taking:
            raise trio.BusyResourceError("another task is receiving from this socket")
        self._taking = True
        try:
            if self._batches or self.ended:
                await trio.lowlevel.checkpoint()
            while not self._batches and not self.ended:  # what it was woken for may have been taken by then
                await self._arrived.park()
        finally:
            self._taking = False
        if not self._batches:
            return None
        return self._pop()

    def take_nowait(self) -> list[bytes]:
        """Return the messages of all batches that wait; also while another task waits for the next one."""
        return [message for _ in range(len(self._batches)) for message in self._pop()]

    def _pop(self) -> list[bytes]:
        batch, size = self._batches.popleft()
        self.waiting_bytes -= size
        self._taken.unpark_all()
        return batch

    async def wait_room(self) -> None:
        """Return when there is room, at once if there is; then it is no checkpoint."""
        while self.waiting_bytes >= self._limit and not self.ended:
            await self._taken.park()

    def end(self) -> None:
        """No more will come; what waits can still be taken."""
        self.ended = True
        self._arrived.unpark_all()
        self._taken.unpark_all()

    def discard(self) -> None:
        """No more will come, and what waits is dropped: the consumer has left."""
        self._batches.clear()
        self.waiting_bytes = 0
        self.end()


@final
class FrameTap(trio.abc.Stream):
    """The transport that trio-websocket is given; messages go to ``inbox`` instead of through it.

    Messages that came before a close frame, or before the line broke, are in the inbox before trio-websocket learns
    of it. When the inbox is full, reading waits - and with it the answering of pings: there is no third way between
    that, unbounded memory and losing messages. The exchange cuts a line that owes a pong for a minute.

    Args:
        transport: an open stream, closed by ``aclose``.
        inbox: where messages go.
        max_message_bytes: larger messages are a violation.
        write_timeout: seconds for one frame; a peer that takes longer has stopped reading, and the line is closed.
        on_frame_sent: called for every frame of ours, pongs included, as it goes out.
        on_violation: called once if the peer breaks the protocol. Reading then stops until a close frame of ours has
            left, and ends: RFC 6455 (7.1.7) forbids to go on with what such a peer says.
    """

    def __init__(
        self,
        transport: trio.abc.Stream,
        inbox: Inbox,
        *,
        max_message_bytes: int,
        write_timeout: float,
        on_frame_sent: Callable[[], None] | None = None,
        on_violation: Callable[[], None] | None = None,
    ) -> None:
        self._transport = transport
        self._inbox = inbox
        self._write_timeout = write_timeout
        self._slowness = f"the peer took nothing for {write_timeout:g} s"
        self._on_frame_sent = on_frame_sent
        self._on_violation = on_violation
        self._cutter = FrameCutter(max_message_bytes)
        self._through = bytearray()  # for trio-websocket
        self._close_sent = trio.Event()
        self._requested = False
        self.answer: Answer = Answer()
        self.last_heard: float = trio.current_time()
        self.last_data: float = self.last_heard
        self.trouble: str | None = None
        """Why the line broke, if it did; the first cause."""
        self.messages: int = 0
        self.bytes_received: int = 0
        self.frames_sent: int = 0
        self.pongs_sent: int = 0

    @property
    def violation(self) -> Violation | None:
        """How the peer broke the protocol, if it did."""
        return self._cutter.violation

    @property
    def pings(self) -> int:
        """Pings of the peer so far."""
        return self._cutter.pings

    @property
    def pongs(self) -> int:
        """Pongs of the peer so far."""
        return self._cutter.pongs

    def begin_closing(self) -> None:
        """Keep pings and pongs from trio-websocket from now on: once it has closed, a ping makes it fail."""
        self._cutter.closing = True

    def statistics(self) -> SocketStatistics:
        """Return what went over it so far, and what waits in the inbox."""
        return SocketStatistics(
            messages=self.messages,
            bytes_received=self.bytes_received,
            pings=self.pings,
            pings_answered=self.pongs_sent,
            pongs=self.pongs,
            frames_sent=self.frames_sent,
            waiting_bytes=self._inbox.waiting_bytes,
            peak_bytes=self._inbox.peak_bytes,
            last_heard=self.last_heard,
        )

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return HTTP or control frames for trio-websocket; messages go to the inbox meanwhile.

        Raises:
            ConnectError: the line ended before the handshake's answer; trio-websocket would wait for ever.
            trio.BrokenResourceError: it broke later.

        Cancelled, it loses nothing.
        """
        if self._through:
            await trio.lowlevel.checkpoint()
        while not self._through:
            if self._cutter.violation is not None:
                await self._close_sent.wait()
                return b""
            await self._inbox.wait_room()
            data = await self._read()
            if not data:
                return b""
            self._take(data)
        chunk = bytes(self._through[:max_bytes])
        del self._through[:max_bytes]
        return chunk

    async def _read(self) -> bytes:
        try:
            data = await self._transport.receive_some(READ_BYTES)
        except trio.BrokenResourceError as exc:
            self._give_up("the line was reset", exc)
            raise
        if not data:
            self._give_up("the line ended without a close frame", None)
        return bytes(data)

    def _give_up(self, trouble: str, cause: BaseException | None) -> None:
        self.trouble = self.trouble or trouble
        if not self.answer.upgraded:
            raise ConnectError(f"{trouble}, before the handshake was answered") from cause

    def _take(self, data: bytes) -> None:
        self.last_heard = trio.current_time()
        self.bytes_received += len(data)
        if not self.answer.upgraded:
            http, data = self.answer.feed(data)
            self._through += http
            if not data:
                return
        messages, control = self._cutter.feed(data)
        self._through += control
        if messages:
            self.messages += len(messages)
            self.last_data = self.last_heard
            self._inbox.put(messages)
        if self._cutter.violation is not None and self._on_violation is not None:
            self._on_violation()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send the handshake or one frame, which is what trio-websocket calls it with.

        Raises:
            ConnectError: the line broke before the handshake was sent.
            trio.BrokenResourceError: it broke, or ``write_timeout`` passed.

        Cancelled before the first byte, nothing was sent. Cancelled later, half a frame may be on the wire: no
        other can follow it, so the transport is closed.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._note_sent(data)
        try:
            await self._write(data)
        except trio.TooSlowError:
            raise trio.BrokenResourceError(self._slowness) from None
        except trio.BrokenResourceError as exc:
            self._give_up("the line was reset", exc)
            raise
        if self._requested and data[0] & 0x0F == CLOSE:
            self._close_sent.set()
        self._requested = True

    async def _write(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of it within the deadline, or close the transport."""
        try:
            with trio.fail_after(self._write_timeout):
                await self._transport.send_all(data)
        except (trio.TooSlowError, trio.Cancelled) as exc:
            cause = self._slowness if isinstance(exc, trio.TooSlowError) else "cancelled in the middle of a frame"
            self.trouble = self.trouble or cause
            with trio.move_on_after(0, shield=True):  # forcefully, and without a cancellation of its own
                await self._transport.aclose()
            raise

    def _note_sent(self, data: bytes | bytearray | memoryview) -> None:
        if not self._requested:
            return
        self.frames_sent += 1
        self.pongs_sent += data[0] & 0x0F == PONG
        if self._on_frame_sent is not None:
            self._on_frame_sent()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the transport takes bytes."""
        await self._transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the transport. Cancelled, it closes it all the same."""
        await self._transport.aclose()
