"""HTTP/1.1 in memory: a dialer of connections whose peer does exactly what each test's script says."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
from trio.testing import memory_stream_pair

from trio_binance._services.transport import DialerTransport
from trio_binance.config import Tuning
from trio_binance.errors import BinanceError, ConnectError

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


async def drip(peer: Peer) -> None:
    await peer.request()
    for byte in reply(b"x" * 100):
        await trio.sleep(1)
        await peer.send(bytes([byte]))
    await peer.end()


async def closes_on_second(peer: Peer) -> None:
    await peer.answer()
    await peer.request()
    await peer.end()
