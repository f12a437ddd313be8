"""The socket: every way a WebSocket can go wrong, against a scripted peer over lines in memory and virtual time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from tests._protocol.test_frames import BINARY, CLOSE, PING, PONG, TEXT, frame
from trio_binance._services.socket import open_socket
from trio_binance.config import Tuning
from trio_binance.errors import ConnectError, ConnectionLost, DeadlineExceeded, InvalidArgument, Outcome

from .peers import TUNING, URL, Peer, connected_to, error_of_opening, exchange_that, loss_told_by, polite

if TYPE_CHECKING:
    from trio.testing import MockClock


# --------------------------------------------------------------------------------------------------- opening


async def test_a_socket_asks_for_the_resource_with_the_headers_and_hears_what_comes_with_the_handshake(
    autojump_clock: MockClock,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(TEXT, b"1") + frame(BINARY, b"2"))
        await peer.be_polite()

    async with exchange_that(script) as exchange:
        url = "wss://exchange.test:9443/ws/币安usdt@trade?timeUnit=MICROSECOND"
        async with open_socket(url, exchange, tuning=TUNING, headers=[("X-MBX-APIKEY", "key")]) as socket:
            assert await socket.receive() == [b"1", b"2"]
        request = exchange.peers[0].request
    assert exchange.calls == [("exchange.test", 9443, True)]
    assert request is not None
    assert request.host == "exchange.test:9443"
    assert request.target == "/ws/%E5%B8%81%E5%AE%89usdt@trade?timeUnit=MICROSECOND"
    assert (b"x-mbx-apikey", b"key") in request.extra_headers


async def test_a_dialer_that_hangs_is_given_up(autojump_clock: MockClock) -> None:
    class Hanging:
        async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            await trio.sleep_forever()
            raise AssertionError

    with pytest.raises(ConnectError, match=r"exchange\.test: no connection within 5 s") as caught:
        async with open_socket(URL, Hanging(), tuning=TUNING):
            raise AssertionError("opened")
    assert caught.value.outcome is Outcome.NOT_SENT
    assert trio.current_time() == 5


async def test_w01_tcp_closed_before_101(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.next_event()
        await peer.stream.aclose()

    error = await error_of_opening(script)
    assert isinstance(error, ConnectError)
    assert trio.current_time() == 0


async def test_w01_tcp_closed_before_we_could_ask(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.stream.aclose()

    assert isinstance(await error_of_opening(script), ConnectError)


async def test_w02_handshake_never_answered(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.next_event()
        await trio.sleep_forever()

    error = await error_of_opening(script)
    assert isinstance(error, ConnectError)
    assert "handshake not answered within 5 s" in str(error)
    assert trio.current_time() == 5


async def test_w02_503_with_an_endless_body(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await trio.sleep(0.1)
            await peer.send(b"4\r\nbusy\r\n")

    error = await error_of_opening(script)
    assert isinstance(error, ConnectError)
    assert "HTTP 503" in str(error)


# -------------------------------------------------------------------------------------------------- liveness


async def test_w09_w10_pings_are_answered_at_once_while_the_consumer_sleeps_for_an_hour(
    autojump_clock: MockClock,
) -> None:
    late: list[float] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        for number in range(180):
            await trio.sleep(20)
            payload = b"%d" % number
            asked_at = trio.current_time()
            await peer.send(frame(TEXT, b"trade"), frame(PING, payload), frame(TEXT, b"trade"))
            event = await peer.next_event()
            assert isinstance(event, Pong)
            assert bytes(event.payload) == payload
            late.append(trio.current_time() - asked_at)
        await peer.be_polite()

    async with connected_to(script) as (socket, _):
        await trio.sleep(3601)
        statistics = socket.statistics()
        assert (statistics.pings, statistics.pings_answered, statistics.messages) == (180, 180, 360)
        assert statistics.frames_sent == 180
        assert statistics.waiting_bytes == statistics.peak_bytes == 360 * (5 + 64)
        assert await socket.receive() == [b"trade", b"trade"]
        assert (socket.last_heard, socket.last_data, statistics.last_heard) == (3600, 3600, 3600)
    assert len(late) == 180
    assert max(late) <= 1.0


async def test_every_frame_of_ours_is_told_to_the_pacer_pongs_included(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(PING, b"1") + frame(PING, b"2"))
        await peer.be_polite()

    told: list[float] = []
    async with connected_to(script, on_message=lambda: told.append(trio.current_time())) as (socket, _):
        await socket.send("hello")
        await trio.testing.wait_all_tasks_blocked()
        assert len(told) == socket.statistics().frames_sent == 3
    assert len(told) == 4  # the close frame


async def test_w11_silence_shows_and_a_ping_tells_whether_it_is_death(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        event = await peer.next_event()
        assert isinstance(event, Ping)
        await trio.sleep(0.25)
        await peer.send(frame(PONG, b"unasked for"), frame(PONG, bytes(event.payload)))
        assert isinstance(await peer.next_event(), Ping)
        await peer.stream.aclose()

    async with connected_to(script) as (socket, _):
        await trio.sleep(60)
        assert (socket.last_heard, socket.last_data) == (0, 0)
        assert await socket.ping() == 0.25
        assert (socket.last_heard, socket.last_data, socket.statistics().pongs) == (60.25, 0, 2)
        with pytest.raises(ConnectionLost):  # at once, without waiting for the deadline
            await socket.ping(b"own payload")
        assert trio.current_time() == 60.25
        with pytest.raises(ConnectionLost) as caught:
            await socket.ping()
        assert caught.value.outcome is Outcome.NOT_SENT


async def test_a_ping_cut_off_by_the_end_of_the_line_does_not_wait_for_its_deadline(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        assert isinstance(await peer.next_event(), Ping)
        peer.line.reset = True
        await peer.send(frame(TEXT, b"wakes the reader"))

    async with connected_to(script) as (socket, _):
        with pytest.raises(ConnectionLost, match="reset"):
            await socket.ping()
    assert trio.current_time() == 0


async def test_an_unsolicited_pong_is_no_answer(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.next_event()
        await peer.send(frame(PONG), frame(PONG, b"another"))
        await peer.be_polite()

    async with connected_to(script) as (socket, _):
        with pytest.raises(DeadlineExceeded):
            await socket.ping()


async def test_a_ping_that_cannot_be_sent_is_refused(autojump_clock: MockClock) -> None:
    async with connected_to(polite) as (socket, _):
        with pytest.raises(InvalidArgument, match="125"):
            await socket.ping(b"x" * 126)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.ping, b"same")
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(InvalidArgument, match="under way"):
                await socket.ping(b"same")
            nursery.cancel_scope.cancel()


# -------------------------------------------------------------------------------------------- hostile frames


@pytest.mark.parametrize(
    ("row", "raw", "code"),
    [
        ("W24 invalid UTF-8", frame(TEXT, b"\xff\xfe"), 1007),
        ("W25 masked", frame(TEXT, b"x", mask=True), 1002),
        ("W25 reserved opcode", frame(3), 1002),
        ("W25 reserved bit", frame(TEXT, b"x", rsv=4), 1002),
        ("W25 ping of 126 bytes", frame(PING, b"x" * 126), 1002),
        ("W26 message over the limit", frame(TEXT, b"x" * 1001), 1009),
        ("W27 a frame of 2^62 bytes", b"\x82\x7f" + (2**62).to_bytes(8, "big"), 1009),
        ("W28 data inside of a fragmented message", frame(TEXT, fin=False) + frame(TEXT), 1002),
    ],
)
async def test_a_peer_that_breaks_the_protocol_is_told_so_and_left(
    row: str, raw: bytes, code: int, autojump_clock: MockClock
) -> None:
    seen: list[Event | None] = []

    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(TEXT, b"good") + raw + frame(TEXT, b"after"))
        seen.append(await peer.next_event())
        seen.append(await peer.next_event())

    error, messages = await loss_told_by(script)
    assert messages == [b"good"], row
    assert error.code == code
    assert isinstance(seen[0], CloseConnection)
    assert int(seen[0].code) == code
    assert seen[0].reason == error.reason
    assert seen[1] is None
    assert trio.current_time() == 0


async def test_w24_binary_and_undecodable_json_are_handed_over_as_they_came(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(BINARY, b"\x00\xff") + frame(TEXT, b'{"e":'))
        await peer.be_polite()

    async with connected_to(script) as (socket, _):
        assert await socket.receive() == [b"\x00\xff", b'{"e":']


async def test_w26_large_messages_within_the_limit_arrive(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(frame(TEXT, b"x" * (2 * 2**20)))
        await peer.be_polite()

    async with connected_to(script, tuning=Tuning()) as (socket, _):
        assert [len(message) for message in await socket.receive()] == [2 * 2**20]


async def test_w28_fragments_with_pings_between_are_one_message(autojump_clock: MockClock) -> None:
    euro = "€".encode()

    async def script(peer: Peer) -> None:
        await peer.accept()
        for raw in (frame(TEXT, euro[:1], fin=False), frame(PING, b"1"), frame(0, euro[1:], fin=False), frame(0, b"!")):
            await peer.send(raw)
            await trio.sleep(0.1)
        assert isinstance(await peer.next_event(), Pong)
        await peer.be_polite()

    async with connected_to(script) as (socket, _):
        assert await socket.receive() == [euro + b"!"]


# ------------------------------------------------------------------------------------------------------ sending


async def test_sent_text_arrives_masked_and_whole(autojump_clock: MockClock) -> None:
    heard: list[Event] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        heard.extend(await peer.be_polite())

    async with connected_to(script) as (socket, _):
        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(socket.send, f'{{"id":{number},"symbol":"币安"}}' + "x" * 200)
        with pytest.raises(InvalidArgument, match="UTF-8"):
            await socket.send("\ud800")
        await socket.send("last")
    texts = [event.data for event in heard if isinstance(event, TextMessage)]
    assert sorted(text[:7] for text in texts[:-1]) == [f'{{"id":{number},'[:7] for number in range(5)]
    assert texts[-1] == "last"
    assert not any(isinstance(event, BytesMessage) for event in heard)
    assert isinstance(heard[-1], CloseConnection)
    assert int(heard[-1].code) == 1000


async def test_sending_after_the_end_says_that_nothing_was_sent(autojump_clock: MockClock) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(first=frame(CLOSE, struct.pack("!H", 1001)))

    async with connected_to(script) as (socket, _):
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ConnectionLost) as caught:
            await socket.send("x")
        assert (caught.value.outcome, caught.value.code) == (Outcome.NOT_SENT, 1001)


@pytest.mark.parametrize("pinging", [False, True])
async def test_sending_on_a_line_that_turns_out_broken_leaves_the_outcome_unknown(
    pinging: bool, autojump_clock: MockClock
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.stream.receive_stream.aclose()  # type: ignore[attr-defined]

    async with connected_to(script) as (socket, _):
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ConnectionLost) as caught:
            await (socket.ping() if pinging else socket.send("x"))
        assert (caught.value.outcome, caught.value.code) == (Outcome.UNKNOWN, 1006)
