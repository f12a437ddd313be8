"""The frames: what a peer sends over a WebSocket, from its answer to the handshake on, read out of bytes.

    bytes --> Answer (the handshake's end) --> FrameCutter --> messages, whole, for us
                                                         \\--> control frames for trio-websocket

Sans-IO; every byte of the peer is checked here, against RFC 6455.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, final

import attrs

_ANSWER_BODY: Final = 2000
"""How much of a refusal's body is kept, to be quoted."""

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL: Final = 0x80
_WHOLE_TEXT: Final = _FINAL | TEXT
_WHOLE: Final = (_WHOLE_TEXT, _FINAL | BINARY)
_OPCODES: Final = frozenset((0, TEXT, BINARY, CLOSE, PING, PONG))
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
            if opcode == CLOSE or not self.closing:
                through += frame
        elif (message := self._fragment(opcode, payload, last=bool(first & _FINAL))) is not None:
            messages.append(message)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.pings += 1
        elif opcode == PONG:
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
            self._decoder = codecs.getincrementaldecoder("utf-8")() if opcode == TEXT else None
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
        self.status: int = 0
        """0 until the head is complete, and for what is no HTTP."""
        self.headers: dict[str, str] = {}
        self.complete: bool = False
        self.body: bytes = b""

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
