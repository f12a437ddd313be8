"""The wire and the driver: HTTP and WebSocket as the exchange speaks them, whatever the peer does."""

from __future__ import annotations

import os
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import h11
import pytest
import trio
import trio.testing
import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.events import Ping as PingEvent
from wsproto.events import Pong as PongEvent
from wsproto.frame_protocol import CloseReason

from trio_binance.sandbox.driver import Driver, Socket, frame
from trio_binance.sandbox.faults import FaultSchedule
from trio_binance.sandbox.frames import Close, Cut, Output, Ping, RestReply, RestRequest, Text
from trio_binance.sandbox.injector import Injector
from trio_binance.sandbox.network import MemoryNetwork, MemoryStream
from trio_binance.sandbox.pipe import Link
from trio_binance.sandbox.wire import serve_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START_US = 1_700_000_000_000_000


class FakeExchange:
    """The doors of an exchange that echoes, pings every 20 s and cuts whoever has not answered for 60 s."""

    def __init__(self) -> None:
        self.requests: list[tuple[RestRequest, int, int | None]] = []
        self.heard: list[tuple[object, ...]] = []
        self.open: dict[int, int] = {}
        self.reply = RestReply(200, (("content-type", "application/json"),), b'{"ok":true}')
        self.refusal: RestReply | None = None
        self.pongs = 0
        self.pings = False
        self.output: list[Output] = []
        self._next_ping = START_US + 20_000_000
        self._numbers = 0

    @property
    def deadline_us(self) -> int:
        return self._next_ping if self.pings else 2**62

    def rest(
        self, request: RestRequest, now_us: int, *, received_us: int | None = None, forwarded_us: int | None = None
    ) -> RestReply:
        self.requests.append((request, now_us, received_us))
        return self.reply

    def connect(self, kind: str, target: str, address: str, now_us: int) -> int | RestReply:
        self.heard.append(("connect", kind, target, address))
        if self.refusal is not None:
            return self.refusal
        self._numbers += 1
        self.open[self._numbers] = now_us
        return self._numbers

    def on_text(self, connection: int, text: str, now_us: int) -> None:
        self.heard.append(("text", connection, text))
        if text == "cut":
            self.output.append(Cut(connection))
        elif text == "bye":
            self.output += [Text(connection, "first this"), Close(connection, 1008, "too many requests")]
        else:
            self.output.append(Text(connection, f"echo {text}"))

    def on_ping(self, connection: int, payload: bytes, now_us: int) -> None:
        self.heard.append(("ping", connection, payload))

    def on_pong(self, connection: int, payload: bytes, now_us: int) -> None:
        self.pongs += 1
        self.open[connection] = now_us

    def on_closed(self, connection: int, now_us: int) -> None:
        self.heard.append(("closed", connection))
        del self.open[connection]

    def on_timer(self, now_us: int) -> None:
        assert now_us == self._next_ping, "neither early nor late"
        self._next_ping += 20_000_000
        for connection, last in self.open.items():
            overdue = now_us - last > 60_000_000
            self.output.append(Cut(connection) if overdue else Ping(connection, str(now_us).encode()))

    def take_output(self) -> list[Output]:
        output, self.output = self.output, []
        return output


@attrs.frozen
class House:
    exchange: FakeExchange
    driver: Driver
    network: MemoryNetwork

    async def dial(self) -> MemoryStream:
        return await self.network.connect("exchange", 80, tls=False)

    async def web_socket(self, target: str = "/stream") -> Peer:
        peer = Peer(await self.dial())
        await peer.shake_hands(target)
        return peer


@asynccontextmanager
async def open_house(
    *, link: Link | None = None, faults: FaultSchedule | None = None, outbox_limit: int = 2**20
) -> AsyncIterator[House]:
    network = MemoryNetwork(link=link)
    exchange = FakeExchange()
    injector = None if faults is None else Injector(faults, network)
    driver = Driver(exchange, start_us=START_US, faults=injector, outbox_limit=outbox_limit)

    async def handle(stream: MemoryStream) -> None:
        await serve_connection(stream, driver, address=stream.dial.address)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        nursery.start_soon(trio.serve_listeners, handle, [network.listen("exchange", 80)])
        if injector is not None:
            nursery.start_soon(injector.run, driver)
        await trio.testing.wait_all_tasks_blocked()
        yield House(exchange, driver, network)
        nursery.cancel_scope.cancel()
    assert [stream for stream in network.open_streams if stream.side == "server"] == [], "a connection leaked"
    assert driver.sockets == ()


class Peer:
    """A WebSocket client that shows every frame."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._events: deque[Event] = deque()
        self._text = ""

    async def shake_hands(self, target: str) -> None:
        await self.send(Request(host="exchange", target=target))
        assert isinstance(await self.event(), AcceptConnection)

    async def send(self, *events: Event) -> None:
        await self.stream.send_all(b"".join(self.protocol.send(event) for event in events))

    async def event(self) -> Event:
        while not self._events:
            self.feed(await self.stream.receive_some())
        return self._events.popleft()

    def feed(self, data: bytes | bytearray) -> None:
        self.protocol.receive_data(bytes(data) or None)
        self._events.extend(self.protocol.events())

    async def text(self) -> str:
        while True:
            event = await self.event()
            assert isinstance(event, Message), event
            self._text += str(event.data)
            if event.message_finished:
                text, self._text = self._text, ""
                return text

    async def closed(self) -> tuple[int, str | None]:
        event = await self.event()
        assert isinstance(event, CloseConnection), event
        return int(event.code), event.reason


async def ask(stream: trio.abc.Stream, *requests: bytes, count: int | None = None) -> list[tuple[h11.Response, bytes]]:
    """Send requests as bytes and return the answers, their bodies whole."""
    await stream.send_all(b"".join(requests))
    replies = []
    client = h11.Connection(h11.CLIENT)
    for _ in range(len(requests) if count is None else count):
        client.send(h11.Request(method="GET", target="/", headers=[("host", "exchange")]))
        client.send(h11.EndOfMessage())
        replies.append(await answer(stream, client))
        if client.our_state is h11.DONE and client.their_state is h11.DONE:
            client.start_next_cycle()
    return replies


async def answer(stream: trio.abc.Stream, client: h11.Connection) -> tuple[h11.Response, bytes]:
    head, body = None, b""
    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            return head, body


def get(target: str = "/api/v3/ping", *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: exchange", *headers, "", ""]).encode()


# ------------------------------------------------------------------------------------------------------ HTTP


async def test_a_request_reaches_the_exchange_as_it_was_sent(autojump_clock: trio.testing.MockClock) -> None:
    async with open_house() as house:
        stream = await house.dial()
        body = b"symbol=BTCUSDT&signature=%2B"
        head = b"POST /api/v3/order?a=%%20b HTTP/1.1\r\nHost: e\r\nX-MBX-APIKEY: key\r\nContent-Length: %d\r\n\r\n"
        [(response, answered)] = await ask(stream, head % len(body) + body)
    request, now_us, received_us = house.exchange.requests[0]
    assert (request.method, request.target, request.body) == ("POST", "/api/v3/order?a=%20b", body)
    assert request.headers["x-mbx-apikey"] == "key"
    assert request.address == "127.0.0.1"
    assert now_us == received_us == START_US
    assert (response.status_code, answered) == (200, b'{"ok":true}')
    headers = dict(response.headers)
    assert headers[b"content-length"] == b"11"
    assert headers[b"date"] == b"Tue, 14 Nov 2023 22:13:20 GMT"


async def test_one_connection_serves_many_requests_and_answers_pipelined_ones_in_order() -> None:
    async with open_house() as house:
        stream = await house.dial()
        await ask(stream, get("/1"))
        replies = await ask(stream, get("/2"), get("/3"), get("/4"))
    assert [response.status_code for response, _ in replies] == [200, 200, 200]
    assert [request.target for request, _, _ in house.exchange.requests] == ["/1", "/2", "/3", "/4"]
    assert house.network.dials == 1


async def test_the_exchanges_own_date_is_kept() -> None:
    async with open_house() as house:
        house.exchange.reply = RestReply(418, (("Date", "some day"),), b"")
        [(response, body)] = await ask(await house.dial(), get())
    assert response.status_code == 418
    assert (b"date", b"some day") in response.headers
    assert body == b""


async def test_a_head_request_gets_headers_only() -> None:
    async with open_house() as house:
        stream = await house.dial()
        await stream.send_all(b"HEAD / HTTP/1.1\r\nHost: e\r\n\r\n")
        answered = await stream.receive_some()
    assert b"content-length: 11" in answered
    assert answered.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"garbage\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: e\r\nContent-Length: 2000000\r\n\r\n" + bytes(1_100_000), 413),
        (get("/ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"), 400),
        (get("/ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8"), 426),
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_closed(data: bytes, status: int) -> None:
    async with open_house() as house:
        stream = await house.dial()
        [(response, _)] = await ask(stream, data)
        assert response.status_code == status
        assert await stream.receive_some() == b""
    assert house.exchange.requests == []


async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async with open_house() as house:
        stream = await house.dial()
        await stream.send_all(b"POST / HTTP/1.1\r\nHost: e\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(b"ok")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
    assert house.exchange.requests[0][0].body == b"ok"


async def test_a_connection_asked_to_close_is_closed_after_the_answer() -> None:
    async with open_house() as house:
        stream = await house.dial()
        await ask(stream, get("/", "Connection: close"))
        assert await stream.receive_some() == b""


async def test_an_idle_connection_is_closed_after_a_minute(autojump_clock: trio.testing.MockClock) -> None:
    async with open_house() as house:
        stream = await house.dial()
        await ask(stream, get())
        assert await stream.receive_some() == b""
        assert trio.current_time() == pytest.approx(60)


@pytest.mark.parametrize("part", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: e\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_client_that_leaves_early_leaks_nothing(part: bytes) -> None:
    async with open_house() as house:
        for leave in (MemoryStream.close, MemoryStream.reset):
            stream = await house.dial()
            await stream.send_all(part)
            await trio.testing.wait_all_tasks_blocked()
            leave(stream)
            await stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert house.network.open_streams == ()


async def test_an_answer_that_nobody_reads_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    async with open_house(link=Link(window=1000)) as house:
        house.exchange.reply = RestReply(200, (), bytes(5000))
        stream = await house.dial()
        await stream.send_all(get())
        await trio.sleep(59)
        assert len(house.network.open_streams) == 2
        await trio.sleep(2)
        assert list(house.network.open_streams) == [stream]


# ------------------------------------------------------------------------------------------------- WebSocket


async def test_a_message_is_fed_and_its_answer_sent() -> None:
    async with open_house() as house:
        peer = await house.web_socket("/ws-api/v3?x=1")
        await peer.send(TextMessage("one"), TextMessage("t", message_finished=False), TextMessage("wo €"))
        assert [await peer.text(), await peer.text()] == ["echo one", "echo two €"]
    assert house.exchange.heard[0] == ("connect", "ws_api", "/ws-api/v3?x=1", "127.0.0.1")
    assert house.exchange.heard[-1] == ("closed", 1)


async def test_frames_sent_with_the_handshake_are_not_lost() -> None:
    async with open_house() as house:
        peer = Peer(await house.dial())
        handshake = peer.protocol.send(Request(host="exchange", target="/ws"))
        await peer.stream.send_all(handshake + masked(0x1, b"early"))
        assert isinstance(await peer.event(), AcceptConnection)
        assert await peer.text() == "echo early"


async def test_a_refused_handshake_is_an_http_answer() -> None:
    async with open_house() as house:
        house.exchange.refusal = RestReply(429, (("retry-after", "3"),), b"slow down")
        peer = Peer(await house.dial())
        await peer.send(Request(host="exchange", target="/ws"))
        event = await peer.event()
        assert isinstance(event, RejectConnection)
        assert event.status_code == 429
        assert (b"retry-after", b"3") in event.headers


async def test_a_ping_is_answered_with_its_payload_and_counted() -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        await peer.send(PingEvent(b"payload"))
        assert await peer.event() == PongEvent(b"payload")
    assert ("ping", 1, b"payload") in house.exchange.heard


async def test_a_close_frame_is_echoed_and_the_connection_ended() -> None:
    async with open_house() as house:
        for code, reason in ((1000, "done"), (4001, ""), (CloseReason.NO_STATUS_RCVD, "")):
            peer = await house.web_socket()
            await peer.send(CloseConnection(code, reason))
            assert await peer.closed() == (code, reason)
            assert await peer.stream.receive_some() == b""
        assert house.driver.sockets == ()


async def test_the_exchange_closes_after_what_it_said_before(autojump_clock: trio.testing.MockClock) -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        await peer.send(TextMessage("bye"))
        assert await peer.text() == "first this"
        assert await peer.closed() == (1008, "too many requests")
        await peer.send(peer_answer(1008))
        assert await peer.stream.receive_some() == b""
        assert trio.current_time() < 1


def peer_answer(code: int) -> CloseConnection:
    return CloseConnection(code)


async def test_a_peer_that_never_answers_a_close_frame_is_left_after_a_while(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        await peer.send(TextMessage("bye"))
        await peer.text()
        await peer.closed()
        assert await peer.stream.receive_some() == b""
        assert trio.current_time() == pytest.approx(5)


async def test_a_cut_ends_the_connection_without_a_close_frame() -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        await peer.send(TextMessage("cut"))
        assert await peer.stream.receive_some() == b""


def masked(opcode: int, payload: bytes) -> bytes:
    key = os.urandom(4)
    body = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    return bytes((0x80 | opcode, 0x80 | len(payload))) + key + body


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(0x1, b"not masked"), 1002),
        (masked(0x3, b"reserved opcode"), 1002),
        (masked(0x1, b"\xff\xfe"), 1007),
        (masked(0x0, b"continues nothing"), 1002),
        (masked(0x2, b"binary"), 1003),
    ],
    ids=["not masked", "reserved opcode", "not UTF-8", "continues nothing", "binary"],
)
async def test_a_peer_that_breaks_the_protocol_is_told_why_and_closed(data: bytes, code: int) -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        await peer.stream.send_all(data)
        assert (await peer.closed())[0] == code
        assert await peer.stream.receive_some() == b""


async def test_a_message_without_end_is_refused() -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        for _ in range(17):
            await peer.send(TextMessage("x" * 2**16, message_finished=False))
        assert (await peer.closed())[0] == 1009


async def test_binary_from_a_client_is_refused() -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        await peer.send(BytesMessage(b"\x00"))
        assert await peer.closed() == (1003, "only text is understood")


@pytest.mark.parametrize("leave", [MemoryStream.close, MemoryStream.reset])
async def test_a_peer_that_vanishes_is_forgotten(leave: object) -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        assert isinstance(peer.stream, MemoryStream)
        leave(peer.stream)  # type: ignore[operator]
        await trio.testing.wait_all_tasks_blocked()
        assert house.exchange.heard[-1] == ("closed", 1)
        assert house.driver.socket(1) is None


async def test_a_peer_that_vanishes_while_it_is_sent_to_is_forgotten() -> None:
    async with open_house(link=Link(window=1000)) as house:
        peer = await house.web_socket()
        house.driver.sockets[0].text("x" * 5000)
        await trio.testing.wait_all_tasks_blocked()
        await peer.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert house.exchange.heard[-1] == ("closed", 1)


async def test_a_reader_too_slow_for_a_live_exchange_is_cut() -> None:
    async with open_house(link=Link(window=1000), outbox_limit=10_000) as house:
        peer = await house.web_socket()
        [socket] = house.driver.sockets
        for _ in range(100):
            socket.text("x" * 90)
        await trio.testing.wait_all_tasks_blocked()
        assert list(house.driver.sockets) == [socket]
        for _ in range(20):
            socket.text("x" * 90)
        await trio.testing.wait_all_tasks_blocked()
        assert not list(house.driver.sockets)
        assert len(await drain(peer.stream)) == 1000, "what the window held, then the end without a close frame"


async def drain(stream: trio.abc.Stream) -> bytes:
    data = b""
    while part := await stream.receive_some():
        data += part
    return data


async def test_many_messages_leave_in_one_send() -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        sends: list[bytes] = []
        house.network.tap = lambda stream, data: sends.append(data)
        [socket] = house.driver.sockets
        for number in range(1000):
            socket.text(str(number))
        assert [await peer.text() for _ in range(1000)] == [str(number) for number in range(1000)]
        assert len(sends) == 1


async def test_back_pressure_is_felt_until_the_reader_reads() -> None:
    async with open_house(link=Link(window=1000)) as house:
        peer = await house.web_socket()
        [socket] = house.driver.sockets
        socket.send_raw(bytes(5000))
        with trio.move_on_after(0.01) as scope:
            await socket.wait_below(100)
        assert scope.cancelled_caught
        async with trio.open_nursery() as nursery:
            nursery.start_soon(socket.wait_below, 100)
            await trio.testing.wait_all_tasks_blocked()
            size = 0
            while size < 5000:
                size += len(await peer.stream.receive_some())


async def test_nothing_is_taken_after_a_close_frame_nor_after_the_end() -> None:
    socket = Socket(1, "stream", "/ws", "here")
    socket.close(None)
    socket.text("late")
    assert socket.take() == b"\x88\x00"
    socket.end()
    socket.ping(b"")
    await socket.wait_filled()
    await socket.wait_below(0)
    assert socket.take() == b""


@pytest.mark.parametrize(("size", "head"), [(125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_frames_are_as_rfc_6455_writes_them(size: int, head: int) -> None:
    data = frame(0x1, bytes(size))
    assert len(data) == head + size
    client = wsproto.connection.Connection(wsproto.ConnectionType.CLIENT)
    client.receive_data(data)
    assert sum(len(event.data) for event in client.events() if isinstance(event, TextMessage)) == size


def test_a_close_reason_is_cut_between_characters() -> None:
    socket = Socket(1, "stream", "/ws", "here")
    socket.close(1000, "€" * 60)
    assert len(socket.take()) == 2 + 2 + 41 * 3


# ---------------------------------------------------------------------------------------------------- timer


@pytest.mark.slow
async def test_a_day_of_pings_passes_in_virtual_time(autojump_clock: trio.testing.MockClock) -> None:
    async with open_house() as house:
        house.exchange.pings = True
        peer = await house.web_socket()
        house.driver.flush()
        with trio.move_on_after(86_410):
            while True:
                event = await peer.event()
                assert isinstance(event, PingEvent)
                await peer.send(event.response())
        assert house.exchange.pongs == 86_400 // 20
        assert house.driver.now_us() == START_US + 86_410_000_000


async def test_behind_a_black_hole_the_exchange_cuts_after_a_minute_and_the_client_hears_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_house() as house:
        house.exchange.pings = True
        peer = await house.web_socket()
        house.driver.flush()
        assert isinstance(peer.stream, MemoryStream)
        peer.stream.blackhole()
        with trio.move_on_after(100) as scope:
            await peer.event()
        assert scope.cancelled_caught
        assert house.exchange.heard[-1] == ("closed", 1)
        assert house.driver.sockets == ()


async def test_the_exchanges_clock_can_jump_forward_only(autojump_clock: trio.testing.MockClock) -> None:
    async with open_house() as house:
        house.exchange.pings = True
        peer = await house.web_socket()
        house.driver.flush()
        await trio.sleep(5)
        house.driver.advance_us(15_000_000)
        assert isinstance(await peer.event(), PingEvent)
        assert trio.current_time() == pytest.approx(5)
        with pytest.raises(ValueError, match="never goes back"):
            house.driver.advance_us(-1)


async def test_cancelling_the_house_at_any_moment_leaks_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async def scenario(house: House) -> None:
        await ask(await house.dial(), get())
        peer = await house.web_socket()
        await peer.send(TextMessage("one"))
        await peer.text()
        await peer.send(TextMessage("bye"))
        await peer.text()
        await peer.closed()
        await peer.send(CloseConnection(1000))

    for moment in range(60):
        async with open_house(link=Link(latency=0.1, fragment=60, pace=0.05)) as house:
            with trio.move_on_after(moment * 0.1):
                await scenario(house)
        for stream in house.network.open_streams:
            assert stream.side == "client"


async def test_what_the_exchange_says_to_somebody_gone_is_dropped() -> None:
    async with open_house() as house:
        peer = await house.web_socket()
        house.exchange.output += [Text(99, "nobody"), Text(1, "somebody")]
        house.driver.flush()
        assert await peer.text() == "somebody"
