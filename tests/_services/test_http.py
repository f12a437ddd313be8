"""The HTTP client: the very bytes that were signed go out, and no secret shows anywhere, whatever goes wrong."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st

from tests._services.helpers_http import OK, Dialer, Peer, StuckLine, closes_on_second, hang, reply, serve
from trio_binance._services.dialer import TcpDialer
from trio_binance._services.http import HttpClient, HttpReply, open_http
from trio_binance.config import Tuning
from trio_binance.errors import (
    BinanceError,
    ConfigError,
    ConnectError,
    ConnectionLost,
    ConnectorClosed,
    DeadlineExceeded,
    InvalidArgument,
    Outcome,
    ProtocolError,
    TLSError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from trio.testing import MockClock

URL = "http://exchange.test"
KEY, SECRET = "CANARYKEY0123456789", "CANARYSIGNATURE9876543210"
SIGNED = f"/api/v3/order?symbol=BTCUSDT&timestamp=1&signature={SECRET}"
KEY_HEADER = (("X-MBX-APIKEY", KEY),)


@asynccontextmanager
async def http_over(dialer: Any, **tuning: Any) -> AsyncIterator[HttpClient]:
    async with open_http(URL, dialer, Tuning(**tuning)) as http:
        yield http


def assert_clean(error: BaseException | None) -> None:
    """Nothing that hangs on the error, however deep, holds the key or the signature."""
    assert error is not None
    texts = ["".join(traceback.format_exception(error))]
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        texts += [str(each), repr(each), repr(each.args), repr(vars(each))]
        assert not isinstance(each, (httpx.HTTPError, httpx.InvalidURL))
        waiting += [each.__cause__, each.__context__]
        waiting += getattr(each, "exceptions", ())
    for text in texts:
        assert KEY not in text
        assert SECRET not in text
        assert "signature=" not in text


async def fails(http: HttpClient, target: str = SIGNED, method: str = "POST", **more: Any) -> BinanceError:
    with pytest.raises(BinanceError) as caught:
        await http.request(method, target, headers=KEY_HEADER, **more)
    assert_clean(caught.value)
    return caught.value


# ------------------------------------------------------------------------------------------------- what goes right


async def test_a_request_and_its_reply(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    """Status, lower-case headers, body and times come back; compression is declined."""
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await trio.sleep(0.5)
        await peer.send(reply(b"[]", "X-MBX-USED-WEIGHT-1M: 7", "X-Twice: a", "x-twice: b", status="429 Too Many"))

    async with http_over(Dialer(nursery, script)) as http:
        begun = trio.current_time()
        got = await http.request("DELETE", SIGNED, headers=KEY_HEADER)
    assert (got.status, got.body) == (429, b"[]")
    assert got.headers == {"content-length": "2", "x-mbx-used-weight-1m": "7", "x-twice": "a, b"}
    assert [got.sent_at - begun, got.received_at - begun] == pytest.approx([0, 0.5])
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"DELETE {SIGNED} HTTP/1.1"
    assert set(lines[1:]) == {
        "Host: exchange.test",
        "User-Agent: trio-binance-connector",
        "Accept: application/json",
        "Accept-Encoding: identity",
        f"X-MBX-APIKEY: {KEY}",
    }
    assert body == b""


async def test_a_body_goes_out_with_its_length(nursery: trio.Nursery) -> None:
    """POST without a body says so, for some servers wait for one otherwise."""
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            seen.append(request)
            await peer.send(OK)

    async with http_over(Dialer(nursery, script)) as http:
        await http.request("POST", "/x", body=b"symbol=BTC&price=1.00")
        await http.request("POST", "/x")
    assert b"Content-Length: 21\r\n" in seen[0]
    assert seen[0].endswith(b"\r\n\r\nsymbol=BTC&price=1.00")
    assert b"Content-Length: 0\r\n" in seen[1]


def target_of(target: str) -> bytes:
    """Send one request and return the target as it stood on the wire."""

    async def run() -> bytes:
        async with trio.open_nursery() as nursery:
            lines: list[bytes] = []

            async def script(peer: Peer) -> None:
                lines.append((await peer.answer()).split(b"\r\n")[0])

            async with http_over(Dialer(nursery, script)) as http:
                await http.request("GET", target)
            return lines[0].removeprefix(b"GET ").removesuffix(b" HTTP/1.1")

    return trio.run(run)


@pytest.mark.parametrize(
    "target",
    [
        "/api/v3/order?symbol=%EF%BC%91%EF%BC%92&signature=a%2Bb%2Fc%3D",
        "/api/v3/order?symbols=[%22BTCUSDT%22]&x='|{}`^\\\"<>",
        "/x?lower=%e4%bd%a0&upper=%E4%BD%A0&plus=a+b&broken=%zz&empty=&&=?/",
        "/x?",
        "/x",
        "/a/../b/./c//d?x=../y",
        "//other.test/x?y=http://z",
        "/%41%2f?~",
        "/" + "x" * 65_000,
    ],
)
def test_the_target_goes_out_byte_for_byte(target: str) -> None:
    """httpx would rewrite several of these, and the signature would not fit any more."""
    assert target_of(target) == target.encode()


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=40))
def test_any_target_goes_out_byte_for_byte(text: str) -> None:
    assert target_of("/" + text) == f"/{text}".encode()


@pytest.mark.parametrize(
    "status", ["200 OK", "301 Moved", "400 Bad Request", "403 Forbidden", "418 x", "503 Unavailable"]
)
async def test_h19_whatever_the_status_and_body_it_is_a_reply(status: str, nursery: trio.Nursery) -> None:
    """HTML, and nothing at all, come back as they are; what they mean is for the floor above to say."""

    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"<html>", "Content-Type: text/html", status=status))
        await peer.answer(reply(b"", status=status))

    async with http_over(Dialer(nursery, script)) as http:
        assert [(await http.request("GET", "/x")).body for _ in range(2)] == [b"<html>", b""]


async def test_h15_a_redirect_is_a_reply_and_the_key_goes_nowhere(nursery: trio.Nursery) -> None:
    """httpx would send X-MBX-APIKEY to whatever host the answer names."""

    async def script(peer: Peer) -> None:
        await peer.answer(reply(b"", "Location: http://thief.test/x", status="302 Found"))

    dialer = Dialer(nursery, script, serve)
    async with http_over(dialer) as http:
        got = await http.request("GET", SIGNED, headers=KEY_HEADER)
    assert (got.status, got.headers["location"]) == (302, "http://thief.test/x")
    assert dialer.dialled == [("exchange.test", 80, False)]


async def test_cookies_are_neither_kept_nor_sent(nursery: trio.Nursery) -> None:
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        for _ in range(2):
            requests[:] = [await peer.answer(reply(b"", "Set-Cookie: a=b; Path=/"))]

    async with http_over(Dialer(nursery, script)) as http:
        await http.request("GET", "/x")
        await http.request("GET", "/x")
        http._client.cookies = {"c": "d"}
        assert len(http._client.cookies) == 0
    assert b"ookie" not in requests[0]


async def test_n19_the_environment_has_no_say(nursery: trio.Nursery, monkeypatch: Any) -> None:
    """Proxy variables and .netrc are for other programs."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.test:3128")
    dialer = Dialer(nursery, serve)
    async with http_over(dialer) as http:
        await http.request("GET", "/x")
    assert dialer.dialled == [("exchange.test", 80, False)]


async def test_statistics_count_requests_and_connections(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with http_over(dialer) as http:
        for _ in range(3):
            await http.request("GET", "/x")
        seen = http.statistics()
        assert (seen.requests, seen.open, seen.idle, seen.opened, seen.reused, seen.failures) == (3, 1, 1, 1, 2, 0)
    assert dialer.open == 0


def test_a_reply_shows_the_size_of_its_body_only() -> None:
    assert "<5000000 bytes>" in repr(HttpReply(200, {}, b"x" * 5_000_000, 0.0, 0.0))


# ------------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("get", "/x", ()),
        ("GET /y", "/x", ()),
        ("", "/x", ()),
        ("GET", "x", ()),
        ("GET", "", ()),
        ("GET", f"/x?a=b c&signature={SECRET}", ()),
        ("GET", f"/x?signature={SECRET}\r\nHost: thief", ()),
        ("GET", f"/x?signature={SECRET}#fragment", ()),
        ("GET", f"/x?a=ü&signature={SECRET}", ()),
        ("GET", "/x?" + "a" * 65_000, ()),
        ("GET", "/" + "x" * 70_000, ()),
        ("GET", "/x", (("X-MBX-APIKEY", KEY + "\r\nX: y"),)),
        ("GET", "/x", (("X-MBX-APIKEY", KEY + "ü"),)),
        ("GET", "/x", (("X-MBX-APIKEY", ""),)),
        ("GET", "/x", (("X MBX", KEY),)),
        ("GET", "/x", (("Host", "thief.test"),)),
        ("GET", "/x", (("content-length", "5"),)),
        ("GET", "/x", (("Transfer-Encoding", "chunked"),)),
        ("GET", "/x", (("Accept-Encoding", "gzip"),)),
    ],
)
async def test_z02_what_cannot_be_sent_is_refused_without_showing_it(
    method: str, target: str, headers: tuple[tuple[str, str], ...], nursery: trio.Nursery
) -> None:
    """No injection through method, target or header, and no secret in the refusal."""
    dialer = Dialer(nursery, serve)
    async with http_over(dialer) as http:
        with pytest.raises(InvalidArgument) as caught:
            await http.request(method, target, headers=headers)
        assert_clean(caught.value)
        assert caught.value.outcome is Outcome.NOT_SENT
    assert dialer.dialled == []


@pytest.mark.parametrize(
    "url",
    ["ftp://exchange.test", "exchange.test", "https://", "https://a.test/api", "https://k:s@a.test", "http://a:b", ""],
)
async def test_a_base_url_with_anything_but_a_host_is_refused(url: str, nursery: trio.Nursery) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        async with open_http(url, Dialer(nursery), Tuning()):
            pytest.fail("opened")


async def test_after_the_block_it_is_closed(nursery: trio.Nursery) -> None:
    dialer = Dialer(nursery, serve)
    async with http_over(dialer) as http:
        pass
    assert isinstance(await fails(http), ConnectorClosed)
    assert dialer.dialled == []


async def test_an_error_of_the_block_leaves_it_as_itself(nursery: trio.Nursery) -> None:
    """Not in a group, and with no context but its own."""
    dialer = Dialer(nursery, serve)

    async def use() -> None:
        async with http_over(dialer) as http:
            await http.request("GET", "/x")
            raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        await use()
    assert caught.value.__context__ is None
    assert dialer.open == 0


async def test_cancelling_the_block_closes_it_cleanly(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    dialer = Dialer(nursery, serve, hang)
    with trio.move_on_after(1) as scope:
        async with http_over(dialer) as http:
            await http.request("GET", "/x")
            nursery.start_soon(_expect_loss, http)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    await trio.testing.wait_all_tasks_blocked()
    assert dialer.open == 0


async def _expect_loss(http: HttpClient) -> None:
    async def other() -> None:
        assert isinstance(await fails(http), (ConnectionLost, ConnectorClosed))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await http.request("GET", "/x")


BROKEN: dict[str, bytes] = {
    "H16 cut": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
    "H18 chunk cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "H20 gzip lie": reply(b"not gzip", "Content-Encoding: gzip"),
    "H20 unknown coding": reply(b"???", "Content-Encoding: zstd, br"),
    "H23 head too large": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 150_000,
    "H24 garbage": b"\x16\x03\x01garbage\r\n\r\n",
    "H25 too large": b"HTTP/1.1 200 OK\r\nContent-Length: 100000001\r\n\r\n",
    "N08 nothing": b"",
    "H15 a place that is no URL": reply(b"", "Location: http://thief:port/", status="301 Moved"),
    "H15 a place whose name is none": reply(b"", "Location: http://\xad/", status="301 Moved"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
async def test_z01_a_broken_answer_is_an_error_of_ours_that_shows_no_secret(
    data: bytes, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    """UNKNOWN, since the request went out; neither the chain of exceptions nor any log tells what was in it."""
    caplog.set_level(logging.DEBUG)

    async def script(peer: Peer) -> None:
        await peer.answer(data)
        await peer.end()

    dialer = Dialer(nursery, script)
    async with http_over(dialer, max_body_bytes=100_000_000) as http:
        error = await fails(http)
        assert isinstance(error, (ConnectionLost, ProtocolError))
        assert error.outcome is Outcome.UNKNOWN
        assert dialer.open == http.statistics().idle
    assert_silent(caplog)


def assert_silent(caplog: pytest.LogCaptureFixture) -> None:
    for record in caplog.records:
        assert SECRET not in f"{record.getMessage()} {vars(record)!r}"
        assert KEY not in f"{record.getMessage()} {vars(record)!r}"


async def test_z01_a_peer_that_echoes_shows_no_secret(nursery: trio.Nursery) -> None:
    """The wrong port may well be an echo; the payload kept with the error ends where our own words begin."""

    async def echo(peer: Peer) -> None:
        await peer.send(await peer.request())

    async with http_over(Dialer(nursery, *[echo] * 2)) as http:
        error = await fails(http)
        assert isinstance(error, ProtocolError)
        assert error.payload == b"POST /api/v3/order?symbol=BTCUSDT&timestamp=1&"
        error = await fails(http, "/x")
        assert isinstance(error, ProtocolError)
        assert isinstance(error.payload, bytes)
        assert KEY.encode() not in error.payload


async def test_z01_h22_a_get_sent_twice_shows_no_secret(nursery: trio.Nursery) -> None:
    async with http_over(Dialer(nursery, closes_on_second)) as http:
        await http.request("GET", SIGNED, headers=KEY_HEADER)
        assert isinstance(await fails(http, method="GET"), ConnectError)


async def test_z01_a_deadline_shows_no_secret(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    async with http_over(Dialer(nursery, hang, line=StuckLine)) as http:
        error = await fails(http)
    assert isinstance(error, DeadlineExceeded)
    assert str(error) == "POST /api/v3/order: no answer within 15 s"


async def test_z01_no_log_at_any_level_shows_the_query_or_the_key(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    """httpx logs a line with the URL for each request at INFO: for ours it holds the path alone."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "h11"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with http_over(Dialer(nursery, serve)) as http:
        await http.request("POST", SIGNED, headers=KEY_HEADER, body=f"signature={SECRET}".encode())
    assert_silent(caplog)
    assert [record.getMessage() for record in caplog.records if record.name == "httpx"] == [
        'HTTP Request: POST http://exchange.test/api/v3/order "HTTP/1.1 200 OK"'
    ]


async def test_the_logs_of_others_who_use_httpx_are_left_alone(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    """We install no filter and change no level: another client's line is whole, while ours is open."""
    caplog.set_level(logging.INFO, logger="httpx")
    async with http_over(Dialer(nursery, serve)):
        async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as other:
            await other.get("http://other.test/x?signature=theirs")
    assert "http://other.test/x?signature=theirs" in caplog.text


# ------------------------------------------------------------------------------------------------ over real sockets

AUTHORITY = trustme.CA()


def contexts(*names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server with these names and of a client that trusts it."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    AUTHORITY.issue_cert(*names).configure_cert(server)
    AUTHORITY.configure_trust(client)
    return server, client


@asynccontextmanager
async def loopback(
    script: Callable[[Peer], Awaitable[object]], *names: str, wrap: bool = True
) -> AsyncIterator[HttpClient]:
    """Serve the script on 127.0.0.1 over TLS with these names, and open a client for it."""
    server, client = contexts(*names)

    async def handler(raw: trio.SocketStream) -> None:
        stream: Any = trio.SSLStream(raw, server, server_side=True, https_compatible=True) if wrap else raw
        peer: Any = Peer(stream, stream)
        try:
            await script(peer)
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(raw)

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handler, [listener])
        url = f"https://127.0.0.1:{listener.socket.getsockname()[1]}"
        async with open_http(url, TcpDialer(connect_timeout=5, ssl_context=client), Tuning()) as http:
            yield http
        nursery.cancel_scope.cancel()


async def test_over_tls_requests_go_through_and_reuse_one_connection() -> None:
    """Twenty at once and then one after the other, over a real handshake."""
    async with loopback(serve, "127.0.0.1") as http:
        async with trio.open_nursery() as requests:
            for _ in range(20):
                requests.start_soon(http.request, "POST", SIGNED)
        opened = http.statistics().opened
        for _ in range(5):
            assert (await http.request("POST", SIGNED)).body == b"{}"
        assert http.statistics().opened == opened <= 20


async def test_over_tls_a_large_body_arrives_whole() -> None:
    """Five megabytes, as exchangeInfo has them."""
    body = bytes(range(256)) * 20_000

    async def script(peer: Peer) -> None:
        await peer.answer(reply(body))
        await peer.answer(b"HTTP/1.1 200 OK\r\n\r\n" + body)

    async with loopback(script, "127.0.0.1") as http:
        assert (await http.request("GET", "/x")).body == body
        assert (await http.request("GET", "/x")).body == body


async def test_over_tls_a_wrong_name_is_refused_and_nothing_is_sent() -> None:
    async with loopback(serve, "other.test") as http:
        error = await fails(http)
    assert isinstance(error, TLSError)
    assert error.outcome is Outcome.NOT_SENT


async def test_over_tls_a_reset_in_the_handshake_is_not_sent() -> None:
    async def script(peer: Peer) -> None:
        stream: Any = peer.stream
        await stream.receive_some()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with loopback(script, "127.0.0.1", wrap=False) as http:
        error = await fails(http)
    assert isinstance(error, TLSError)
    assert error.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("reset", [False, True])
async def test_over_tls_a_peer_that_leaves_mid_answer_is_a_lost_connection(reset: bool) -> None:
    """Without close_notify, and with RST: the length tells that the body was cut."""

    async def script(peer: Peer) -> None:
        await peer.answer(OK[:-1])
        if reset:
            stream: Any = peer.stream
            stream.transport_stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with loopback(script, "127.0.0.1") as http:
        error = await fails(http)
        assert isinstance(error, ConnectionLost)
        assert error.outcome is Outcome.UNKNOWN
        assert http.statistics().open == 0
