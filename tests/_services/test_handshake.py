"""The handshake: whom a URL names, which headers can be sent, and what every answer but a yes means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from tests._protocol.test_frames import HEAD
from trio_binance._protocol.frames import Answer
from trio_binance._services.handshake import Target, encode_header, handshake_error
from trio_binance._services.socket import open_socket
from trio_binance.errors import (
    ApiError,
    Banned,
    Blocked,
    ConnectError,
    InvalidArgument,
    Outcome,
    ProtocolError,
    RateLimited,
    RegionBlocked,
)

from .peers import TUNING, URL, Peer, error_of_opening, exchange_that, polite

if TYPE_CHECKING:
    from trio.testing import MockClock


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("ws://a.test", ("a.test", 80, False)),
        ("wss://A.test/x", ("a.test", 443, True)),
        ("ws://[::1]:8002/x", ("::1", 8002, False)),
    ],
)
async def test_the_url_says_whom_to_call(url: str, called: tuple[str, int, bool], autojump_clock: MockClock) -> None:
    async with exchange_that(polite) as exchange:
        async with open_socket(url, exchange, tuning=TUNING):
            assert exchange.calls == [called]


@pytest.mark.parametrize(
    "url", ["http://a.test/", "ws:///x", "ws://a.test:port/", "ws://key@a.test/", "wss://börse.test/"]
)
async def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="url"):
        async with open_socket(url, trio, tuning=TUNING):  # type: ignore[arg-type]
            raise AssertionError("opened")


async def test_a_header_that_cannot_be_sent_is_refused_without_naming_its_value() -> None:
    with pytest.raises(InvalidArgument, match="X-MBX-APIKEY") as caught:
        async with open_socket(URL, trio, tuning=TUNING, headers=[("X-MBX-APIKEY", "secret\r\n")]):  # type: ignore[arg-type]
            raise AssertionError("opened")
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize(("status", "kind"), [(403, Blocked), (418, Banned), (429, RateLimited), (451, RegionBlocked)])
async def test_w03_a_refused_handshake_says_who_refused_and_for_how_long(
    status: int, kind: type[ApiError], autojump_clock: MockClock
) -> None:
    async def script(peer: Peer) -> None:
        body = b"<html><b>Go   away</b></html>"
        head = b"HTTP/1.1 %d No\r\nRetry-After: 130\r\nContent-Length: %d\r\n\r\n"
        await peer.answer(head % (status, len(body)) + body)

    error = await error_of_opening(script)
    assert type(error) is kind
    assert (error.status, error.message, error.retry_at) == (status, "Go away", 130.0)
    assert "exchange.test" in str(error)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        (b"", 120.0),
        (b"Date: Wed, 22 Jul 2026 12:00:00 GMT\r\nRetry-After: Wed, 22 Jul 2026 12:05:00 GMT\r\n", 300.0),
        (b"Date: yesterday\r\nRetry-After: soon\r\n", 120.0),
    ],
)
async def test_w03_a_ban_without_a_plain_number_of_seconds_still_has_an_end(
    headers: bytes, wait: float, autojump_clock: MockClock
) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 418 No\r\n" + headers + b"Content-Length: 0\r\n\r\n")

    error = await error_of_opening(script)
    assert isinstance(error, Banned)
    assert (error.message, error.retry_at) == ("no explanation", wait)


@pytest.mark.parametrize("status", [100, 200, 301, 404, 500])
async def test_w03_other_statuses_are_failures_to_connect(status: int, autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 %d Odd\r\nContent-Length: 4\r\n\r\nodd!" % status)

    error = await error_of_opening(script)
    assert type(error) is ConnectError
    assert f"HTTP {status}" in str(error)


async def test_w03_a_refusal_cut_short_is_still_that_refusal(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 429 No\r\nRetry-After: 9\r\nContent-Length: 400\r\n\r\n{")
        await peer.stream.aclose()

    error = await error_of_opening(script)
    assert isinstance(error, RateLimited)
    assert error.retry_at == 9


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n", HEAD])
async def test_w04_garbage_instead_of_101(answer: bytes, autojump_clock: MockClock) -> None:
    """The last one is a 101 without the proof that it is meant for us."""
    error = await error_of_opening(lambda peer: peer.answer(answer))
    assert isinstance(error, ProtocolError)
    assert error.outcome is Outcome.NOT_SENT
    assert error.payload == answer


# ---------------------------------------------------------------------------------------------------- the parts


def answer_of(data: bytes) -> Answer:
    answer = Answer()
    answer.feed(data)
    return answer


def test_a_target_is_the_url_in_parts_with_what_no_url_can_carry_encoded() -> None:
    assert Target.parse("wss://A.test:9443/ws/币@trade?x=%20&y=[1]") == Target(
        True, "a.test", 9443, "A.test:9443", "/ws/%E5%B8%81@trade?x=%20&y=[1]"
    )
    assert Target.parse("ws://a.test") == Target(False, "a.test", 80, "a.test", "/")


@pytest.mark.parametrize(("name", "value"), [("X-Ä", "1"), ("X", "schlüssel"), ("X", "1\r\nY: 2"), ("X\n", "1")])
def test_only_printable_ascii_is_a_header(name: str, value: str) -> None:
    assert encode_header("X-MBX-APIKEY", "abc") == (b"X-MBX-APIKEY", b"abc")
    with pytest.raises(InvalidArgument, match="headers"):
        encode_header(name, value)


def test_a_failed_handshake_is_its_answer_if_there_is_one_and_else_its_own_error() -> None:
    crash = ValueError("what h11 said")
    refused = handshake_error(crash, answer_of(b"HTTP/1.1 503 Busy\r\n\r\n"), "a.test")
    assert (type(refused), refused.__cause__) == (ConnectError, crash)
    assert str(refused) == "a.test: handshake refused with HTTP 503: no explanation"
    ours = ConnectError("the line was reset")
    assert handshake_error(ours, answer_of(b"HTTP/1.1"), "a.test") is ours
    assert handshake_error(ours, answer_of(b"HTTP/1.1 101 Yes\r\n\r\n"), "a.test") is ours
    odd = handshake_error(crash, answer_of(b"220 mail.test\r\n\r\n"), "a.test")
    assert isinstance(odd, ProtocolError)
    assert (odd.payload, odd.outcome, odd.__cause__) == (b"220 mail.test\r\n\r\n", Outcome.NOT_SENT, crash)
