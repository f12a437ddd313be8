"""The frame tap: takes whole data frames out of a WebSocket's byte stream before trio-websocket parses them.

trio-websocket spends two task switches and some 20 us of parsing on every message. Given a ``FrameTap`` as its
transport it still does what it is good at - the handshake, pings, pongs and the close - while messages leave the
stream in batches, all of one socket read at once, for under a microsecond each.

    transport --64 KiB--> Answer (the handshake's end) --> FrameCutter --messages--> Inbox --> the consumer
                                   \\-- HTTP --------------------\\------- control frames --> trio-websocket

``Answer`` and ``FrameCutter`` are sans-IO; every byte of the peer is checked here, against RFC 6455.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from typing import TYPE_CHECKING, Final, final

import attrs
import trio

from trio_binance.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES: Final = 2**16
"""Measured: 64 KiB is best; 4 KiB halves the speed, 256 KiB costs 13 %."""
_MESSAGE_OVERHEAD: Final = 64
"""What a ``bytes`` object and its place in a list cost beside the payload, so that a flood of empty ones is bounded."""
_ANSWER_BODY: Final = 2000
"""How much of a refusal's body is kept, to be quoted."""

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL: Final = 0x80
_WHOLE_TEXT: Final = _FINAL | _TEXT
_WHOLE: Final = (_WHOLE_TEXT, _FINAL | _BINARY)
_OPCODES: Final = frozenset((0, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_CLOSE_CODES: Final = frozenset((1000, 1001, 1002, 1003, *range(1007, 1014), *range(3000, 5000)))

PROTOCOL_ERROR: Final = 1002
INVALID_PAYLOAD: Final = 1007
TOO_BIG: Final = 1009


@attrs.frozen
class Violation:
    """How the peer broke the protocol: the close code that RFC 6455 (7.4.1) has for it, and in words."""

    code: int
    reason: str


class _Broken(Exception):
    """Carries a violation from where it is seen to where the cutting stops."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.violation = Violation(code, reason)


@final
class FrameCutter:
    """Cuts a server's frames out of bytes: whole messages for us, control frames for trio-websocket.

    Sans-IO. Fragmented messages are put together here. What comes after a close frame is ignored, and so is
    everything after ``violation`` has been set.

    Args:
        max_message_bytes: a larger message is refused when its header says so, before any of it is kept.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self._limit = max_message_bytes
        self._held = bytearray()  # the start of a frame, until `_need` bytes of it are there
        self._need = 0
        self._fragments: bytearray | None = None  # a fragmented message, as far as it has come
        self._decoder: codecs.IncrementalDecoder | None = None
        self.violation: Violation | None = None
        self.closed = False
        self.closing = False
        """Set once our own close frame is on its way: then pings and pongs are nobody's business any more."""
        self.pings = 0
        self.pongs = 0

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Return the messages that ``data`` completes, and the control frames, whole and in order."""
        messages: list[bytes] = []
        if self.violation is not None or self.closed:
            return messages, b""
        if self._held:
            if len(self._held) + len(data) < self._need:
                self._held += data  # a growing frame is copied once when it is complete, not with every read
                return messages, b""
            data = b"".join((self._held, data))
            self._held = bytearray()
        through = bytearray()
        try:
            at = self._cut(data, messages, through)
        except _Broken as broken:
            self.violation = broken.violation
        else:
            self._held += data[at:]
        return messages, bytes(through)

    def _cut(self, data: bytes, messages: list[bytes], through: bytearray) -> int:
        """Cut frame after frame; return where the incomplete one begins. The hot loop: no calls for whole messages."""
        at, end, limit, whole = 0, len(data), self._limit, self._fragments is None
        self._need = 2
        while end - at >= 2:
            first, size = data[at], data[at + 1]
            if size < 126:
                start = at + 2
            elif size == 126 and end - at >= 4:
                start, size = at + 4, data[at + 2] << 8 | data[at + 3]
                if size < 126:
                    raise _Broken(PROTOCOL_ERROR, "length not in its shortest form")
            else:
                start, size = self._long_size(data, at)
                if not start:
                    break
            stop = start + size
            plain = whole and size <= limit and first in _WHOLE
            if not plain:
                self._check_header(first, size)
            if stop > end:
                self._need = stop - at
                break
            payload = data[start:stop]
            if plain:
                if first == _WHOLE_TEXT and not payload.isascii():
                    _check_utf8(payload)
                messages.append(payload)
            else:
                self._special(first, data[at:stop], payload, messages, through)
                if self.closed:
                    return end
                whole = self._fragments is None
            at = stop
        return at

    def _long_size(self, data: bytes, at: int) -> tuple[int, int]:
        """Return where the payload starts and its size; a start of 0 says that more of the header is needed."""
        if data[at + 1] > 127:
            # RFC 6455, 5.1: "A client MUST close a connection if it detects a masked frame."
            raise _Broken(PROTOCOL_ERROR, "masked frame from the server")
        if data[at] & 0x08:
            raise _Broken(PROTOCOL_ERROR, "control frame over 125 bytes")
        self._need = 4 if data[at + 1] == 126 else 10
        if len(data) - at < self._need:
            return 0, 0
        size = int.from_bytes(data[at + 2 : at + 10], "big")
        if size < 2**16 or size >= 2**63:
            raise _Broken(PROTOCOL_ERROR, "length not in its shortest form" if size < 2**16 else "negative length")
        return at + 10, size

    def _check_header(self, first: int, size: int) -> None:
        """Refuse what a header alone gives away, before any payload is kept."""
        opcode = first & 0x0F
        if first & 0x70 or opcode not in _OPCODES:
            raise _Broken(PROTOCOL_ERROR, f"reserved bits or opcode: {first:#04x}")
        if opcode & 0x08:
            if not first & _FINAL:
                raise _Broken(PROTOCOL_ERROR, "fragmented control frame")
            if size > 125:
                raise _Broken(PROTOCOL_ERROR, "control frame over 125 bytes")
            return
        if (opcode == 0) != (self._fragments is not None):
            # RFC 6455, 5.4: fragments of one message "MUST NOT be interleaved" with those of another.
            raise _Broken(PROTOCOL_ERROR, f"opcode {opcode} {'outside' if opcode == 0 else 'inside'} of a message")
        if size + len(self._fragments or b"") > self._limit:
            raise _Broken(TOO_BIG, f"message over {self._limit} bytes")

    def _special(self, first: int, frame: bytes, payload: bytes, messages: list[bytes], through: bytearray) -> None:
        opcode = first & 0x0F
        if opcode & 0x08:
            self._control(opcode, payload)
            if opcode == _CLOSE or not self.closing:
                through += frame
        elif (message := self._fragment(opcode, payload, last=bool(first & _FINAL))) is not None:
            messages.append(message)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self.pings += 1
        elif opcode == _PONG:
            self.pongs += 1
        else:
            self.closed = True
            if payload and int.from_bytes(payload[:2], "big") not in _CLOSE_CODES:
                raise _Broken(PROTOCOL_ERROR, "close frame with an invalid code")
            _check_utf8(payload[2:])

    def _fragment(self, opcode: int, payload: bytes, *, last: bool) -> bytes | None:
        """Add to the fragmented message; return it when it is whole."""
        if self._fragments is None:
            self._fragments = bytearray()
            self._decoder = codecs.getincrementaldecoder("utf-8")() if opcode == _TEXT else None
        if self._decoder is not None:
            try:
                self._decoder.decode(payload, last)
            except UnicodeDecodeError as exc:
                raise _Broken(INVALID_PAYLOAD, "text that is not UTF-8") from exc
        self._fragments += payload
        if not last:
            return None
        message, self._fragments = bytes(self._fragments), None
        return message


def _check_utf8(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError as exc:
        raise _Broken(INVALID_PAYLOAD, "text that is not UTF-8") from exc


@final
class Answer:
    """The HTTP answer to our handshake: where it ends, and what it said. Sans-IO."""

    # The same line ends as h11 takes them: where we saw the end elsewhere, frames would be lost between the two.
    _END = re.compile(rb"\n\r?\n")
    _STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})\b")

    def __init__(self) -> None:
        self._head = bytearray()
        self.status = 0
        """0 until the head is complete, and for what is no HTTP."""
        self.headers: dict[str, str] = {}
        self.complete = False
        self.body = b""

    @property
    def start(self) -> bytes:
        """The first bytes of the answer, to be quoted."""
        return bytes(self._head[:200])

    @property
    def upgraded(self) -> bool:
        """Whether frames follow."""
        return self.status == 101

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what of ``data`` is HTTP, and the rest, which are frames."""
        if self.complete:
            self.body = (self.body + data)[:_ANSWER_BODY]
            return data, b""
        searched = max(0, len(self._head) - 2)
        self._head += data
        found = self._END.search(self._head, searched)
        if found is None:
            return data, b""
        self.complete = True
        rest = bytes(self._head[found.end() :])
        del self._head[found.end() :]
        self._read_head()
        if self.upgraded:
            return data[: len(data) - len(rest)], rest
        self.body = rest[:_ANSWER_BODY]
        return data, b""

    def _read_head(self) -> None:
        first, *lines = bytes(self._head).split(b"\n")
        if found := self._STATUS.match(first):
            self.status = int(found[1])
        for line in lines:
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.strip().lower()] = value.strip()


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
        self.ended = False
        self.waiting_bytes = 0
        self.peak_bytes = 0

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
            else:
                await self._arrived.park()
        finally:
            self._taking = False
        if not self._batches:
            return None
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
        self._on_frame_sent = on_frame_sent
        self._on_violation = on_violation
        self._cutter = FrameCutter(max_message_bytes)
        self._through = bytearray()  # for trio-websocket
        self._close_sent = trio.Event()
        self._requested = False
        self.answer = Answer()
        self.last_heard = self.last_data = trio.current_time()
        self.trouble: str | None = None
        """Why the line broke, if it did; the first cause."""
        self.messages = 0
        self.bytes_received = 0
        self.frames_sent = 0
        self.pongs_sent = 0

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
            with trio.fail_after(self._write_timeout):
                await self._transport.send_all(data)
        except (trio.TooSlowError, trio.Cancelled) as exc:
            slow = isinstance(exc, trio.TooSlowError)
            cause = (
                f"the peer took nothing for {self._write_timeout:g} s" if slow else "cancelled in the middle of a frame"
            )
            self.trouble = self.trouble or cause
            with trio.move_on_after(0, shield=True):  # forcefully, and without a cancellation of its own
                await self._transport.aclose()
            if slow:
                raise trio.BrokenResourceError(cause) from None
            raise
        except trio.BrokenResourceError as exc:
            self._give_up("the line was reset", exc)
            raise
        if self._requested and data[0] & 0x0F == _CLOSE:
            self._close_sent.set()
        self._requested = True

    def _note_sent(self, data: bytes | bytearray | memoryview) -> None:
        if not self._requested:
            return
        self.frames_sent += 1
        self.pongs_sent += data[0] & 0x0F == _PONG
        if self._on_frame_sent is not None:
            self._on_frame_sent()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the transport takes bytes."""
        await self._transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the transport. Cancelled, it closes it all the same."""
        await self._transport.aclose()
