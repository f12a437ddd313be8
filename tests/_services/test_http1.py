"""HTTP/1.1 on one connection: whatever a peer sends is an answer or an error of ours."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests._services.helpers_http import OK, URL, Dialer, Line, Peer, fails, reply, send, serve, transport_over
from trio_binance._services.http1 import MAX_HEADERS
from trio_binance.errors import ConnectionLost, Outcome, ProtocolError

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


async def test_h17_a_body_without_a_length_ends_with_the_connection(nursery: trio.Nursery) -> None:
    """HTTP cannot tell it from one cut short; the answer is given as it came, for its reader to judge."""

    async def script(peer: Peer) -> None:
        await peer.answer(b'HTTP/1.1 200 OK\r\n\r\n{"cut":')
        await peer.end()

    dialer = Dialer(nursery, script)
    async with transport_over(dialer) as transport:
        assert (await send(transport)).content == b'{"cut":'
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
