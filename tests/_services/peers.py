"""The peers: far ends of WebSocket lines in memory that do what a test's script says, and the lines themselves."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Request

from trio_binance._services.socket import Socket, open_socket
from trio_binance.config import Tuning
from trio_binance.errors import BinanceError, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Script = Callable[["Peer"], Awaitable[None]]

URL = "ws://exchange.test/stream?streams=btcusdt@trade"
TUNING = Tuning(connect_timeout=5.0, close_timeout=2.0, ping_timeout=10.0, max_message_bytes=1000)


class Line(trio.abc.Stream):
    """Our end of a line in memory that can be reset, or whose peer can stop reading."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.reset = False
        self.stuck = False
        self.closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.stuck and not self.closed:
            await trio.sleep_forever()
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self.reset and not self.closed:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        self.closed = True
        await self._stream.aclose()


class Peer:
    """The far end of one line: does what a test's script says."""

    def __init__(self, stream: trio.abc.Stream, line: Line) -> None:
        self.stream = stream
        self.line = line
        self.request: Request | None = None
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._events: list[Event] = []

    async def next_event(self) -> Event | None:
        """Return what the client sent next, ``None`` when it has hung up."""
        while not self._events:
            data = await self.stream.receive_some()
            if not data:
                return None
            self._protocol.receive_data(bytes(data))
            self._events.extend(self._protocol.events())
        return self._events.pop(0)

    async def accept(self, first: bytes = b"") -> None:
        """Answer the handshake, with ``first`` in the same bytes."""
        request = await self.next_event()
        assert isinstance(request, Request)
        self.request = request
        await self.stream.send_all(self._protocol.send(AcceptConnection()) + first)

    async def answer(self, data: bytes) -> None:
        """Read the request and answer it with these bytes."""
        await self.next_event()
        await self.stream.send_all(data)

    async def send(self, *frames: bytes) -> None:
        await self.stream.send_all(b"".join(frames))

    async def close_after(self, seconds: float) -> None:
        await trio.sleep(seconds)
        await self.stream.aclose()

    async def be_polite(self) -> list[Event]:
        """Answer a close frame, as a good peer does; return what came before it."""
        before = []
        while (event := await self.next_event()) is not None:
            before.append(event)
            if isinstance(event, CloseConnection):
                await self.stream.send_all(self._protocol.send(event.response()))
                break
        return before


class Exchange:
    """A dialer to scripted peers."""

    def __init__(self, nursery: trio.Nursery, script: Script) -> None:
        self._nursery = nursery
        self._script = script
        self.calls: list[tuple[str, int, bool]] = []
        self.lines: list[Line] = []
        self.peers: list[Peer] = []

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.calls.append((host, port, tls))
        near, far = trio.testing.memory_stream_pair()
        line = Line(near)
        peer = Peer(far, line)
        self.lines.append(line)
        self.peers.append(peer)
        self._nursery.start_soon(self._script, peer)
        return line


@asynccontextmanager
async def exchange_that(script: Script) -> AsyncIterator[Exchange]:
    """Run peers by this script; whatever happens, no line of ours is open at the end."""
    error: Exception | None = None
    async with trio.open_nursery() as nursery:
        exchange = Exchange(nursery, script)
        try:
            yield exchange
        except Exception as exc:  # to leave without the nursery's group
            error = exc
        nursery.cancel_scope.cancel()
    assert all(line.closed for line in exchange.lines)
    if error is not None:
        raise error


@asynccontextmanager
async def connected_to(
    script: Script, *, tuning: Tuning = TUNING, on_message: Callable[[], None] | None = None
) -> AsyncIterator[tuple[Socket, Line]]:
    async with exchange_that(script) as exchange:
        async with open_socket(URL, exchange, tuning=tuning, on_message=on_message) as socket:
            yield socket, exchange.lines[0]


async def polite(peer: Peer) -> None:
    await peer.accept()
    await peer.be_polite()


async def error_of_opening(script: Script, *, url: str = URL) -> BinanceError:
    """Return the error that opening raises; it must be bare, and have been raised in time."""
    async with exchange_that(script) as exchange:
        with pytest.raises(BinanceError) as caught:
            async with open_socket(url, exchange, tuning=TUNING):
                raise AssertionError("opened")
    assert trio.current_time() <= TUNING.connect_timeout
    return caught.value


async def loss_told_by(script: Script, *, tuning: Tuning = TUNING) -> tuple[ConnectionLost, list[bytes]]:
    """Return the error that ends the receiving, and the messages before it."""
    messages: list[bytes] = []
    async with connected_to(script, tuning=tuning) as (socket, _):
        caught: ConnectionLost | None = None
        while caught is None:
            try:
                messages += await socket.receive()
            except ConnectionLost as exc:
                caught = exc
        with pytest.raises(ConnectionLost) as again:
            await socket.receive()
        assert again.value.code == caught.code
    return caught, messages
