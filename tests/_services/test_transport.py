"""The transport over streams in memory, with a peer that does exactly what each test's script says."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from trio_binance._services.transport import IDLE_LIMIT, MAX_HEADERS, DialerTransport
from trio_binance.config import Tuning
from trio_binance.errors import (
    BinanceError,
    ConnectError,
    ConnectionLost,
    ConnectorClosed,
    DeadlineExceeded,
    InvalidArgument,
    Outcome,
    ProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

URL = "http://exchange.test"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def reply(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Line(trio.abc.Stream):
    """The client's end of a connection in memory, which knows whether it was closed."""

    def __init__(self, inner: trio.abc.Stream) -> None:
        self.inner = inner
        self.closed = False
        self.was_reset = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self.inner.receive_some(max_bytes)
        if not data and self.was_reset:
            raise trio.BrokenResourceError from ConnectionResetError(104, "Connection reset by peer")
        return data

    async def aclose(self) -> None:
        self.closed = True
        await self.inner.aclose()


class StuckLine(Line):
    """A connection whose peer never makes room for our bytes (its window is full)."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.sleep_forever()


class Peer:
    """The server's end of a connection."""

    def __init__(self, stream: trio.abc.Stream, line: Line) -> None:
        self.stream = stream
        self.line = line
        self.received = b""

    async def request(self) -> bytes:
        """Wait for one whole request and return its bytes; ``b""`` when the client is gone."""
        while (whole := self._whole()) is None:
            data = await self.stream.receive_some()
            if not data:
                return b""
            self.received += data
        request, self.received = self.received[:whole], self.received[whole:]
        return request

    def _whole(self) -> int | None:
        head, end, _ = self.received.partition(b"\r\n\r\n")
        _, _, rest = head.lower().partition(b"content-length: ")
        whole = len(head + end) + int(rest.split(b"\r\n")[0] or 0)
        return whole if end and len(self.received) >= whole else None

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def answer(self, data: bytes = OK) -> bytes:
        request = await self.request()
        await self.send(data)
        return request

    async def end(self) -> None:
        await self.stream.aclose()

    async def reset(self) -> None:
        self.line.was_reset = True
        await self.stream.aclose()


async def serve(peer: Peer) -> None:
    """Answer every request."""
    while await peer.request():
        await peer.send(OK)


async def hang(peer: Peer) -> None:
    """Take the request and say nothing."""
    await peer.request()
    await trio.sleep_forever()


class Dialer:
    """Gives connection after connection in memory, each with its own script for the peer; refuses when none is left."""

    def __init__(self, nursery: trio.Nursery, *scripts: Callable[[Peer], Awaitable[object]], line: type[Line] = Line):
        self.nursery = nursery
        self.scripts = list(scripts)
        self.line = line
        self.lines: list[Line] = []
        self.dialled: list[tuple[str, int, bool]] = []

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        self.dialled.append((host, port, tls))
        await trio.lowlevel.checkpoint()
        if not self.scripts:
            raise ConnectError(f"{host}:{port}: Connection refused")
        ours, theirs = memory_stream_pair()
        line = self.line(ours)
        self.lines.append(line)
        self.nursery.start_soon(self._run, self.scripts.pop(0), Peer(theirs, line))
        return line

    async def _run(self, script: Callable[[Peer], Awaitable[object]], peer: Peer) -> None:
        with suppress(trio.BrokenResourceError):
            await script(peer)

    @property
    def open(self) -> int:
        return sum(not line.closed for line in self.lines)


@asynccontextmanager
async def transport_over(dialer: Any, url: str = URL, **tuning: Any) -> AsyncIterator[DialerTransport]:
    async with trio.open_nursery() as nursery:
        transport = DialerTransport(httpx.URL(url), dialer, Tuning(**tuning), nursery)
        try:
            yield transport
        finally:
            await transport.aclose()


async def send(transport: DialerTransport, method: str = "GET", path: str = "/x", body: bytes = b"") -> httpx.Response:
    response = await transport.handle_async_request(httpx.Request(method, URL + path, content=body))
    await response.aread()
    return response


async def fails(transport: DialerTransport, method: str = "GET") -> BinanceError:
    with pytest.raises(BinanceError) as caught:
        await send(transport, method)
    return caught.value


# ------------------------------------------------------------------------------------------------- what goes right


async def test_a_request_goes_out_and_its_answer_comes_in(nursery: trio.Nursery) -> None:
    """Method, target, headers and body as httpx has them; status, headers, body and times of the answer."""
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.answer(reply(b'{"a":1}', "X-MBX-USED-WEIGHT-1M: 20", status="418 I'm a teapot")))

    async with transport_over(Dialer(nursery, script)) as transport:
        request = httpx.Request("POST", URL + "/api/v3/order?a=1", headers={"X-MBX-APIKEY": "k"}, content=b"b=2")
        response = await transport.handle_async_request(request)
        await response.aread()
    assert seen == [
        b"POST /api/v3/order?a=1 HTTP/1.1\r\nHost: exchange.test\r\nX-MBX-APIKEY: k\r\nContent-Length: 3\r\n\r\nb=2"
    ]
    assert (response.status_code, response.reason_phrase, response.http_version) == (418, "I'm a teapot", "HTTP/1.1")
    assert response.headers["x-mbx-used-weight-1m"] == "20"
    assert response.content == b'{"a":1}'


async def test_the_answer_tells_when_it_was_sent_and_received(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    """Times are Trio's: the first byte out, after the wait for a connection, and the last byte in."""

    class SlowDialer(Dialer):
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            await trio.sleep(1)
            return await super().connect(host, port, tls=tls)

    async def script(peer: Peer) -> None:
        await peer.request()
        await trio.sleep(2)
        await peer.send(OK[:-1])
        await trio.sleep(3)
        await peer.send(OK[-1:])

    async with transport_over(SlowDialer(nursery, script)) as transport:
        begun = trio.current_time()
        times = (await send(transport)).extensions
    assert [times["sent_at"] - begun, times["received_at"] - begun] == pytest.approx([1, 6])


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("http://exchange.test", ("exchange.test", 80, False)),
        ("https://exchange.test", ("exchange.test", 443, True)),
        ("https://exchange.test:9443", ("exchange.test", 9443, True)),
    ],
)
async def test_it_dials_what_the_url_says(url: str, dialled: tuple[str, int, bool], nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer, url) as transport:
        await transport.handle_async_request(httpx.Request("GET", url + "/x"))
    assert dialer.dialled == [dialled]


async def test_a_connection_is_used_again(nursery: trio.Nursery) -> None:
    """Two requests one after the other take one connection, closed at the end."""
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        for _ in range(3):
            await send(transport, "POST", body=b"x")
        statistics = transport.statistics()
        assert attrs.asdict(statistics) == {
            "requests": 3,
            "open": 1,
            "idle": 1,
            "opened": 1,
            "reused": 2,
            "failures": 0,
        }
    assert dialer.open == 0


async def test_the_newest_connection_is_used_first(nursery: trio.Nursery) -> None:
    """Last in, first out: the others are left to grow old and be closed."""
    used: list[int] = []

    def numbered(number: int) -> Callable[[Peer], Awaitable[None]]:
        async def script(peer: Peer) -> None:
            while await peer.request():
                used.append(number)
                await trio.sleep(0)
                await peer.send(OK)

        return script

    dialer = Dialer(nursery, numbered(0), numbered(1), numbered(2))
    async with transport_over(dialer) as transport:
        async with trio.open_nursery() as requests:
            for _ in range(3):
                requests.start_soon(send, transport)
        newest = dialer.lines.index(transport._idle[-1].connection.stream)  # type: ignore[arg-type]
        used.clear()
        for _ in range(3):
            await send(transport)
    assert used == [newest] * 3


async def test_no_more_connections_than_tuned_and_nobody_is_forgotten(nursery: trio.Nursery) -> None:
    """Requests beyond the limit wait for one another and are all answered."""
    dialer = Dialer(nursery, *[serve] * 30)
    async with transport_over(dialer, rest_connections=3) as transport:
        async with trio.open_nursery() as requests:
            for _ in range(30):
                requests.start_soon(send, transport)
        assert transport.statistics().opened <= 3
        assert transport.statistics().requests == 30


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_in_single_bytes_is_whole(chunked: bool, nursery: trio.Nursery) -> None:
    """However the network cuts it, and with a chunked body too."""
    body = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    data = b"HTTP/1.1 200 OK\r\n" + body if chunked else reply(b"hello world")

    async def script(peer: Peer) -> None:
        for _ in range(2):
            await peer.request()
            for index in range(len(data)):
                await peer.send(data[index : index + 1])

    async with transport_over(Dialer(nursery, script)) as transport:
        for _ in range(2):
            response = await send(transport)
            assert response.content == b"hello world"
            assert ("content-length" in response.headers) is not chunked


async def test_h24_informational_answers_are_passed_over(nursery: trio.Nursery) -> None:
    """100 and 103 precede the answer and are not it."""

    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)

    async with transport_over(Dialer(nursery, script)) as transport:
        assert (await send(transport)).status_code == 200
        assert transport.statistics().idle == 1


@pytest.mark.parametrize(
    "data",
    [
        reply(b"{}", "Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: Close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    ids=["Connection: close", "HTTP/1.0", "chunked and close"],
)
async def test_h24_a_connection_the_peer_will_close_is_not_kept(data: bytes, nursery: trio.Nursery) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(data)
        await trio.sleep_forever()

    dialer = Dialer(nursery, script, serve)
    async with transport_over(dialer) as transport:
        assert (await send(transport)).content == b"{}"
        assert dialer.open == 0
        assert (await send(transport, "POST")).content == b"{}"
        assert transport.statistics().opened == 2


async def test_h17_a_body_without_a_length_ends_with_the_connection(nursery: trio.Nursery) -> None:
    """HTTP cannot tell it from one cut short; the answer is given as it came, for its reader to judge."""

    async def script(peer: Peer) -> None:
        await peer.answer(b'HTTP/1.1 200 OK\r\n\r\n{"cut":')
        await peer.end()

    dialer = Dialer(nursery, script)
    async with transport_over(dialer) as transport:
        assert (await send(transport)).content == b'{"cut":'
        assert dialer.open == 0


# ---------------------------------------------------------------------------- what goes wrong before the first byte


async def test_n01_a_refused_connection_is_not_sent(nursery: trio.Nursery) -> None:
    async with transport_over(Dialer(nursery)) as transport:
        error = await fails(transport, "POST")
        assert isinstance(error, ConnectError)
        assert error.outcome is Outcome.NOT_SENT
        assert transport.statistics().failures == 1


async def test_waiting_for_a_free_connection_ends_with_the_deadline_and_is_not_sent(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """With every connection busy the request never leaves, and its error says so."""
    async with transport_over(Dialer(nursery, hang), rest_connections=1, request_timeout=10) as transport:
        begun = trio.current_time()
        nursery.start_soon(fails, transport)
        await wait_all_tasks_blocked()
        error = await fails(transport, "POST")
    assert isinstance(error, DeadlineExceeded)
    assert error.outcome is Outcome.NOT_SENT
    assert trio.current_time() - begun == pytest.approx(10)


async def test_a_dial_that_hangs_ends_with_the_deadline_and_is_not_sent(autojump_clock: MockClock) -> None:
    class Hanging:
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            await trio.sleep_forever()

    async with transport_over(Hanging(), request_timeout=10) as transport:
        error = await fails(transport, "POST")
    assert isinstance(error, DeadlineExceeded)
    assert error.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("url", ["http://other.test/x", "https://exchange.test/x", "http://exchange.test:81/x"])
async def test_z07_a_request_for_another_host_is_refused(url: str, nursery: trio.Nursery) -> None:
    """A key of this host is never sent to another, nor in plain text where TLS was meant."""
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        with pytest.raises(InvalidArgument, match="not the host"):
            await transport.handle_async_request(httpx.Request("GET", url + "?signature=CANARY"))
    assert dialer.dialled == []


async def test_what_http_cannot_carry_is_refused_without_repeating_it(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        request = httpx.Request("GET", URL + "/x", headers={"X-MBX-APIKEY": "CANARY\r\nX: y"})
        with pytest.raises(InvalidArgument, match="cannot be written") as caught:
            await transport.handle_async_request(request)
    assert "CANARY" not in repr((caught.value, caught.value.__cause__, caught.value.__context__, vars(caught.value)))
    assert dialer.dialled == []


async def test_after_its_end_nothing_is_sent(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        await transport.aclose()
        error = await fails(transport)
    assert isinstance(error, ConnectorClosed)
    assert error.outcome is Outcome.NOT_SENT
    assert dialer.dialled == []


async def test_a_connection_that_comes_after_the_end_is_closed(nursery: trio.Nursery) -> None:
    """Closed while a request dials: it is not sent and its fresh connection does not stay."""

    class ClosingDialer(Dialer):
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            line = await super().connect(host, port, tls=tls)
            await transport.aclose()
            return line

    dialer = ClosingDialer(nursery, serve)
    async with transport_over(dialer) as transport:
        error = await fails(transport, "POST")
        assert isinstance(error, ConnectorClosed)
        assert error.outcome is Outcome.NOT_SENT
        assert dialer.open == 0


# ------------------------------------------------------------------------------- what goes wrong after the first byte

CUTS = {
    "H16 body shorter than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
    "H18 chunk cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "H18 last chunk missing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "N07 headers cut": b"HTTP/1.1 200 OK\r\nContent-Le",
    "status line cut": b"HTTP/1.",
    "only informational": b"HTTP/1.1 100 Continue\r\n\r\n",
    "N08 nothing": b"",
}


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("data", CUTS.values(), ids=CUTS.keys())
async def test_an_answer_cut_short_is_a_lost_connection(data: bytes, how: str, nursery: trio.Nursery) -> None:
    """EOF or RST, before, in or after the head: UNKNOWN, whatever had come."""

    async def script(peer: Peer) -> None:
        await peer.answer(data)
        await getattr(peer, how)()

    dialer = Dialer(nursery, script)
    async with transport_over(dialer) as transport:
        error = await fails(transport, "POST")
        assert isinstance(error, ConnectionLost)
        assert error.outcome is Outcome.UNKNOWN
        assert str(error).startswith("POST /x: ")
        assert dialer.open == transport.statistics().idle == 0


async def test_n06_a_reset_before_the_request_is_through_is_unknown(nursery: trio.Nursery) -> None:
    """The first byte was handed over; nobody can say whether the rest arrived."""

    class BreakingLine(Line):
        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            raise trio.BrokenResourceError

    async with transport_over(Dialer(nursery, serve, line=BreakingLine)) as transport:
        error = await fails(transport, "POST")
    assert isinstance(error, ConnectionLost)
    assert error.outcome is Outcome.UNKNOWN


GARBAGE = {
    "status line": b"HTTP/1.1 abc OK\r\n\r\n",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x28\n\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00\x00\x05\r\n\r\n",
    "HTTP/2 status": b"HTTP/2 200\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
    "H20 gzip that was not asked for": reply(b"not gzip", "Content-Encoding: gzip"),
    "upgrade that was not asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + OK,
    "H23 endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 150_000,
    "H23 headers too large": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "H23 one header too many": reply(b"", *["X: y"] * MAX_HEADERS),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
async def test_h24_garbage_is_a_protocol_error(data: bytes, nursery: trio.Nursery) -> None:
    """What is not HTTP/1.1 as we take it ends the connection at once, though the peer keeps it open; UNKNOWN."""

    async def script(peer: Peer) -> None:
        await peer.answer(data)
        await trio.sleep_forever()

    dialer = Dialer(nursery, script)
    async with transport_over(dialer) as transport:
        error = await fails(transport, "POST")
        assert isinstance(error, ProtocolError)
        assert error.outcome is Outcome.UNKNOWN
        assert error.payload == data[:200]
        assert dialer.open == 0


async def test_the_payload_of_an_error_is_the_start_of_its_own_answer(nursery: trio.Nursery) -> None:
    """Not of an earlier one on the same connection."""

    async def script(peer: Peer) -> None:
        await peer.answer()
        await peer.answer(b"garbage\r\n\r\n")

    async with transport_over(Dialer(nursery, script)) as transport:
        await send(transport)
        error = await fails(transport, "POST")
        assert isinstance(error, ProtocolError)
        assert error.payload == b"garbage\r\n\r\n"


async def test_the_greatest_head_is_still_taken(nursery: trio.Nursery) -> None:
    """The caps lie where they are said to lie."""

    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"", *["X: y"] * (MAX_HEADERS - 1)))
        await peer.answer(reply(b"", "Content-Encoding: Identity", "X: " + "x" * 60_000))

    async with transport_over(Dialer(nursery, script)) as transport:
        assert len((await send(transport)).headers.raw) == MAX_HEADERS
        assert len((await send(transport)).headers["x"]) == 60_000


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 101\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n65\r\n", b"\r\n"],
    ids=["length", "chunked", "until close"],
)
async def test_h25_a_body_larger_than_the_cap_is_refused(head: bytes, nursery: trio.Nursery) -> None:
    """A declared one before it is read, any other as soon as it grows too large."""

    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\n" + head + b"x" * (0 if b"Length" in head else 101))
        await trio.sleep_forever()

    dialer = Dialer(nursery, script)
    async with transport_over(dialer, max_body_bytes=100) as transport:
        error = await fails(transport, "POST")
        assert isinstance(error, ProtocolError)
        assert error.outcome is Outcome.UNKNOWN
        assert "max_body_bytes=100" in str(error)
        assert dialer.open == 0


async def test_h25_a_body_too_large_in_small_pieces_is_refused(nursery: trio.Nursery) -> None:
    """The cap is on the whole, not on one read."""

    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(3):
            await wait_all_tasks_blocked()
            await peer.send(b"x" * 50)
        await trio.sleep_forever()

    async with transport_over(Dialer(nursery, script), max_body_bytes=100) as transport:
        assert isinstance(await fails(transport, "POST"), ProtocolError)


async def test_h25_a_body_as_large_as_the_cap_is_taken(nursery: trio.Nursery) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"x" * 100))

    async with transport_over(Dialer(nursery, script), max_body_bytes=100) as transport:
        assert len((await send(transport)).content) == 100


async def drip(peer: Peer) -> None:
    await peer.request()
    for byte in reply(b"x" * 100):
        await trio.sleep(1)
        await peer.send(bytes([byte]))
    await peer.end()


@pytest.mark.parametrize(
    ("script", "line"),
    [(drip, Line), (hang, Line), (hang, StuckLine)],
    ids=["N11 drip", "N09 silence", "N12 no window"],
)
async def test_one_deadline_covers_the_whole_request(
    script: Callable[[Peer], Awaitable[None]], line: type[Line], nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """A byte a second keeps no request alive, nor does a window that stays shut; UNKNOWN, connection closed."""
    dialer = Dialer(nursery, script, line=line)
    async with transport_over(dialer, request_timeout=15) as transport:
        begun = trio.current_time()
        error = await fails(transport, "POST")
        assert trio.current_time() - begun == pytest.approx(15)
        assert isinstance(error, DeadlineExceeded)
        assert error.outcome is Outcome.UNKNOWN
        assert str(error) == "POST /x: no answer within 15 s"
        assert dialer.open == 0


async def test_a_request_in_flight_when_the_transport_is_closed_is_unknown(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, hang)
    async with transport_over(dialer) as transport:
        errors: list[BinanceError] = []

        async def request() -> None:
            errors.append(await fails(transport, "POST"))

        nursery.start_soon(request)
        await wait_all_tasks_blocked()
        await transport.aclose()
        await wait_all_tasks_blocked()
    [error] = errors
    assert isinstance(error, ConnectionLost)
    assert error.outcome is Outcome.UNKNOWN
    assert dialer.open == 0


async def test_an_answer_that_comes_as_the_transport_closes_is_given_all_the_same(nursery: trio.Nursery) -> None:
    """A whole answer is never thrown away, and its connection not kept."""

    class ClosingLine(Line):
        async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
            data = await super().receive_some(max_bytes)
            await transport.aclose()
            return data

    dialer = Dialer(nursery, serve, line=ClosingLine)
    async with transport_over(dialer) as transport:
        assert (await send(transport, "POST")).content == b"{}"
        assert dialer.open == transport.statistics().idle == 0


async def test_a_stream_that_cannot_even_be_closed_spoils_no_answer(nursery: trio.Nursery) -> None:
    """What goes wrong when closing concerns nobody any more."""

    class UnclosableLine(Line):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError(5, "Input/output error")

    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"{}", "Connection: close"))

    async with transport_over(Dialer(nursery, script, hang, line=UnclosableLine)) as transport:
        assert (await send(transport, "POST")).content == b"{}"
        nursery.start_soon(fails, transport)
        await wait_all_tasks_blocked()


# ------------------------------------------------------------------------------------------- connections at rest


async def test_an_idle_connection_is_closed_before_the_server_does(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """After 20 s by Trio's clock, counted anew from each use, without any request to make it happen."""
    dialer = Dialer(nursery, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        await trio.sleep(IDLE_LIMIT - 1)
        await send(transport)
        await trio.sleep(IDLE_LIMIT - 1)
        assert dialer.open == 1
        await trio.sleep(2)
        assert dialer.open == transport.statistics().open == transport.statistics().idle == 0


@pytest.mark.parametrize("how", ["end", "reset"])
async def test_h22_a_connection_closed_at_rest_is_dropped_before_it_costs_a_request(
    how: str, nursery: trio.Nursery
) -> None:
    """The next POST goes out on a fresh one, once."""

    async def script(peer: Peer) -> None:
        await peer.answer()
        await getattr(peer, how)()

    dialer = Dialer(nursery, script, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        await wait_all_tasks_blocked()
        assert dialer.open == transport.statistics().open == 0
        assert (await send(transport, "POST")).status_code == 200


async def closes_on_second(peer: Peer) -> None:
    await peer.answer()
    await peer.request()
    await peer.end()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_h22_a_trading_request_that_meets_the_close_is_unknown_and_not_repeated(
    method: str, nursery: trio.Nursery
) -> None:
    dialer = Dialer(nursery, closes_on_second, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        error = await fails(transport, method)
        assert isinstance(error, ConnectionLost)
        assert error.outcome is Outcome.UNKNOWN
        assert len(dialer.lines) == 1


async def test_h22_a_get_that_meets_the_close_is_sent_once_more_on_a_fresh_connection(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, closes_on_second, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        assert (await send(transport)).status_code == 200
        assert len(dialer.lines) == 2
        assert transport.statistics().failures == 0


async def test_h22_a_get_is_repeated_only_once(nursery: trio.Nursery) -> None:
    """A fresh connection that dies as well is an error."""

    async def closes(peer: Peer) -> None:
        await peer.request()
        await peer.end()

    dialer = Dialer(nursery, closes_on_second, closes, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        error = await fails(transport)
        assert isinstance(error, ConnectionLost)
        assert error.__context__ is None
        assert len(dialer.lines) == 2


async def test_h22_a_get_whose_repetition_cannot_connect_was_sent_all_the_same(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, closes_on_second)
    async with transport_over(dialer) as transport:
        await send(transport)
        assert (await fails(transport)).outcome is Outcome.UNKNOWN


async def test_h22_a_get_half_answered_is_not_repeated(nursery: trio.Nursery) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer()
        await peer.answer(OK[:-1])
        await peer.end()

    dialer = Dialer(nursery, script, serve)
    async with transport_over(dialer) as transport:
        await send(transport)
        assert isinstance(await fails(transport), ConnectionLost)
        assert len(dialer.lines) == 1


class CrowdedLine(Line):
    """A connection on which a second segment has arrived by the time the first is read."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await super().receive_some(max_bytes)
        if b"first" in data:
            inner: Any = self.inner
            inner.receive_stream.put_data(reply(b"stolen"))
        return data


@pytest.mark.parametrize(
    ("line", "behind"), [(Line, b"x"), (Line, reply(b"stolen")), (CrowdedLine, b"")], ids=["a byte", "along", "behind"]
)
async def test_h21_a_second_answer_nobody_asked_for_never_meets_the_next_request(
    line: type[Line], behind: bytes, nursery: trio.Nursery
) -> None:
    """Both the one that came along with the first and the one that comes right behind it."""

    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"first") + behind)
        await trio.sleep_forever()

    async def next_script(peer: Peer) -> None:
        await peer.answer(reply(b"second"))

    dialer = Dialer(nursery, script, next_script, line=line)
    async with transport_over(dialer) as transport:
        assert (await send(transport)).content == b"first"
        assert (await send(transport, "POST")).content == b"second"
        assert dialer.open == 1


async def test_h21_a_late_second_answer_drops_the_connection_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer()
        await trio.sleep(5)
        await peer.send(OK)
        await trio.sleep_forever()

    dialer = Dialer(nursery, script)
    async with transport_over(dialer) as transport:
        await send(transport)
        await trio.sleep(5.5)
        assert dialer.open == transport.statistics().idle == 0


class HoldingStream(Line):
    """Sends nothing until told, then all at once: several TLS records in one segment."""

    held: bytes | None = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.held is None:
            await super().send_all(data)
        else:
            self.held += bytes(data)


async def test_h21_a_second_answer_hidden_in_tls_is_seen(nursery: trio.Nursery) -> None:
    """Two records in one segment: the second lies decrypted by nobody in our TLS buffer, and no socket is readable."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("exchange.test").configure_cert(server)
    authority.configure_trust(client)

    async def script(peer: Peer) -> None:
        wire = HoldingStream(peer.stream)
        peer.stream = trio.SSLStream(wire, server, server_side=True, https_compatible=True)
        await peer.request()
        wire.held = b""
        await peer.send(reply(b"first"))
        await peer.send(reply(b"stolen"))
        await wire.inner.send_all(wire.held)
        await trio.sleep_forever()

    async def next_script(peer: Peer) -> None:
        peer.stream = trio.SSLStream(peer.stream, server, server_side=True, https_compatible=True)
        for _ in range(2):
            await peer.answer(reply(b"second"))

    class TlsDialer(Dialer):
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            line = await super().connect(host, port, tls=tls)
            return trio.SSLStream(line, client, server_hostname=host, https_compatible=True)

    dialer = TlsDialer(nursery, script, next_script)
    async with transport_over(dialer, "https://exchange.test") as transport:
        bodies = []
        for _ in range(3):
            response = await transport.handle_async_request(httpx.Request("POST", "https://exchange.test/x"))
            bodies.append(await response.aread())
        assert bodies == [b"first", b"second", b"second"]
        assert transport.statistics().reused == 1


async def test_closing_waits_for_no_stream(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    """A stream that does not wake its reader when closed keeps nobody waiting."""

    class DeafLine(Line):
        async def aclose(self) -> None:
            self.closed = True

    dialer = Dialer(nursery, serve, line=DeafLine)
    async with transport_over(dialer) as transport:
        await send(transport)
        begun = trio.current_time()
    assert trio.current_time() == begun
    assert dialer.open == 0


async def test_n18_where_one_connection_died_the_resting_ones_go_too(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """A route that swallows everything costs one request, not one for each connection."""

    async def once(peer: Peer) -> None:
        await peer.request()
        await trio.sleep(1)
        await peer.send(OK)
        await peer.request()
        await trio.sleep_forever()

    dialer = Dialer(nursery, once, once, once, serve)
    async with transport_over(dialer) as transport:
        async with trio.open_nursery() as requests:
            for _ in range(3):
                requests.start_soon(send, transport)
        assert transport.statistics().idle == 3
        assert isinstance(await fails(transport, "POST"), DeadlineExceeded)
        await wait_all_tasks_blocked()
        assert dialer.open == 0
        assert (await send(transport, "POST")).status_code == 200


async def test_a_block_that_is_being_cancelled_can_still_use_and_reuse_connections(nursery: trio.Nursery) -> None:
    """``finally: await cancel_orders()``, shielded, must work as well as before."""
    dialer = Dialer(nursery, serve)
    with trio.CancelScope() as scope:
        async with transport_over(dialer) as transport:
            await send(transport)
            try:
                scope.cancel()
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    for _ in range(3):
                        await send(transport, "DELETE")
                    assert transport.statistics().reused == 3
    assert dialer.open == 0


# ------------------------------------------------------------------------------------------------------ everything


class Canceller(trio.abc.Instrument):
    """Cancels ``scope`` just before the ``steps``-th step of ``task``."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.scope = trio.CancelScope()
        self.task: trio.lowlevel.Task | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self.task:
            self.left -= 1
            if self.left == 0:
                self.scope.cancel()


async def goes_away(peer: Peer) -> None:
    await peer.answer()
    await peer.answer(reply(b"{}", "Connection: close"))


async def steals(peer: Peer) -> None:
    await peer.answer(OK + OK)


SCENARIOS: dict[str, tuple[list[Callable[[Peer], Awaitable[object]]], list[str]]] = {
    "fresh": ([serve], ["POST"]),
    "reused": ([serve], ["GET", "POST", "GET"]),
    "retried": ([closes_on_second, serve], ["GET", "GET", "POST"]),
    "closed by the peer": ([goes_away, serve], ["GET", "GET", "POST"]),
    "disturbed": ([steals, serve], ["GET", "POST"]),
    "dripping": ([drip], ["GET"]),
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_cancelled_at_any_step_it_leaks_nothing_and_goes_on_working(
    scenario: tuple[list[Callable[[Peer], Awaitable[object]]], list[str]],
) -> None:
    """Cancel at the first step, the second, ...: no connection stays open half-read, and the next request is right."""
    scripts, methods = scenario

    async def run(canceller: Canceller) -> bool:
        async with trio.open_nursery() as nursery:
            dialer = Dialer(nursery, *scripts, *[serve] * 3)
            async with transport_over(dialer, rest_connections=1, request_timeout=10_000) as transport:
                canceller.task = trio.lowlevel.current_task()
                with canceller.scope:
                    for method in methods:
                        await send(transport, method)
                canceller.task = None
                assert transport.statistics().open == transport.statistics().idle == dialer.open
                assert (await send(transport)).content in (b"{}", b"x" * 100)
                assert dialer.open <= 1
            assert dialer.open == 0
            nursery.cancel_scope.cancel()
        return canceller.scope.cancelled_caught

    steps = 1
    while True:
        canceller = Canceller(steps)
        caught = trio.run(run, canceller, instruments=[canceller], clock=MockClock(autojump_threshold=0))
        if canceller.left > 0:
            break
        assert caught or steps > 1
        steps += 1 if steps < 60 else 31
    assert steps > 5


PIECES = st.sampled_from(
    (
        *(
            b"HTTP/1.1 200 OK\r\n",
            b"\r\n",
            b"Content-Length: 5\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"5\r\n",
            b"hello",
        ),
        *(b"0\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"Connection: close\r\n", b": \r\n", b"\x00", OK),
    )
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=12))
def test_whatever_a_peer_sends_is_an_answer_or_an_error_of_ours(pieces: list[bytes]) -> None:
    """No bytes of a peer raise anything but this package's errors, hang, or leave a connection open."""

    async def run() -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            for piece in pieces:
                await peer.send(piece)
            await peer.end()

        async with trio.open_nursery() as nursery:
            dialer = Dialer(nursery, script)
            async with transport_over(dialer) as transport:
                with suppress(ConnectionLost, ProtocolError):
                    assert (await send(transport, "POST")).status_code >= 100
                await wait_all_tasks_blocked()
                assert dialer.open == 0

    trio.run(run)
