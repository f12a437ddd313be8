"""The connection: one stream that HTTP/1.1 calls go over one after the other, h11 telling where on it we are.

What arrives is bounded as it arrives: the head by bytes and by headers, the body by ``max_body_bytes``. Nothing that a
peer sends is repeated in an error but the start of its own answer, without what it may have echoed of our request.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import final

import attrs
import h11
import httpx
import trio

from trio_binance.errors import ConnectionLost, ProtocolError

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 256
RECEIVE_BYTES = 64 * 1024

_OUR_OWN_WORDS = re.compile(rb"(?i)signature=|x-mbx-apikey")


@attrs.define(eq=False)
class Call:
    """One request on its way: what goes out, and how far it got."""

    label: str
    head: h11.Request = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    sent_at: float | None = None
    """When its first byte was handed to a stream; ``None`` means that not one byte left."""
    heard: bool = False
    """A byte of an answer has arrived."""


@final
class Connection:
    """A stream, and h11's idea of where on it we are.

    Args:
        stream: the connection.
        max_body_bytes: the most that an answer may have.
        authority: whom it leads to, where that is not the host that the calls name.
    """

    def __init__(self, stream: trio.abc.Stream, max_body_bytes: int, authority: bytes | None = None) -> None:
        self.stream = stream
        self._max_body_bytes = max_body_bytes
        self._authority = authority
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._start = b""
        self._ended = False

    async def exchange(self, call: Call) -> httpx.Response:
        """Send the call and return its answer. On any exception, Cancelled included, the stream is of no more use."""
        events = (self._addressed(call.head), h11.Data(data=call.body), h11.EndOfMessage())
        data = b"".join(filter(None, map(self._h11.send, events)))
        call.sent_at = trio.current_time()
        try:
            await self.stream.send_all(data)
            return await self._receive(call)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise ConnectionLost(f"{call.label}: the connection broke") from exc

    def _addressed(self, head: h11.Request) -> h11.Request:
        """Return the head with the host that this connection leads to."""
        if self._authority is None:
            return head
        headers = [(name, self._authority if name == b"host" else value) for name, value in head.headers]
        return h11.Request(method=head.method, target=head.target, headers=headers)

    def rearm(self) -> bool:
        """Make ready for another call and return True, unless either side is done or something is left over."""
        if (self._h11.our_state, self._h11.their_state) != (h11.DONE, h11.DONE) or any(self._h11.trailing_data):
            return False
        self._h11.start_next_cycle()
        self._start = b""
        return True

    async def _receive(self, call: Call) -> httpx.Response:
        head = await self._next_event(call)
        while isinstance(head, h11.InformationalResponse):
            head = await self._next_event(call)
        assert isinstance(head, h11.Response)  # h11 raises where anything else comes first
        self._check_head(call, head)
        body = await self._receive_body(call)
        times = {"sent_at": call.sent_at, "received_at": trio.current_time()}
        words = {"http_version": b"HTTP/" + head.http_version, "reason_phrase": bytes(head.reason)}
        headers = list(head.headers)
        return httpx.Response(
            head.status_code, headers=headers, stream=httpx.ByteStream(body), extensions=times | words
        )

    async def _receive_body(self, call: Call) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while isinstance(event := await self._next_event(call), h11.Data):
            size += len(event.data)
            self._check_size(call, size)
            chunks.append(event.data)
        return b"".join(chunks)

    async def _next_event(self, call: Call) -> h11.Event:
        while not isinstance(event := self._parse(call), h11.Event):
            data = bytes(await self.stream.receive_some(RECEIVE_BYTES))
            call.heard = call.heard or bool(data)
            self._ended = not data
            self._start = self._start or data[:1000]
            self._h11.receive_data(data)
        return event

    def _parse(self, call: Call) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        with suppress(h11.RemoteProtocolError):
            return self._h11.next_event()
        # h11's own words quote what arrived, which from a peer that merely echoes is our signed request: they are
        # neither repeated nor kept as the cause.
        if not self._ended:
            raise self._broken(call, "the answer is not HTTP/1.1")
        when = "in the middle of the answer" if call.heard else "without an answer"
        raise ConnectionLost(f"{call.label}: the peer closed the connection {when}")

    def _check_head(self, call: Call, head: h11.Response) -> None:
        size = sum(len(name) + len(value) for name, value in head.headers)
        if len(head.headers) > MAX_HEADERS or size > MAX_HEAD_BYTES:
            raise self._broken(call, f"more than {MAX_HEADERS} headers or {MAX_HEAD_BYTES} bytes of them")
        for name, value in head.headers:
            if name == b"content-encoding" and value.lower() != b"identity":
                raise self._broken(call, "the body is compressed, which was not asked for")
            if name == b"content-length":
                self._check_size(call, int(value))

    def _check_size(self, call: Call, size: int) -> None:
        if size > self._max_body_bytes:
            raise self._broken(call, f"the body is larger than max_body_bytes={self._max_body_bytes}")

    def _broken(self, call: Call, what: str) -> ProtocolError:
        return ProtocolError(f"{call.label}: {what}", payload=_OUR_OWN_WORDS.split(self._start)[0])
