"""Proxies on the loopback interface: CONNECT and SOCKS5, with a login if wanted, and their own idea of names."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import attrs
import trio

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

Speech = Literal["http", "https", "socks5"]


@attrs.define(eq=False)
class LoopbackProxy:
    """A proxy that runs; ``asked`` has the hosts that it was asked for, ``names`` where those really are."""

    speech: Speech
    names: dict[str, tuple[str, int]]
    login: tuple[str, str] | None = None
    context: ssl.SSLContext | None = None
    refuse_with: bytes = b""
    """What it answers instead of connecting."""
    granted: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    piece: int = 65536
    """How many bytes of its own answer it sends at a time."""
    port: int = 0
    asked: list[tuple[str, int]] = attrs.field(factory=list)
    open: int = 0

    def url(self, login: str = "") -> str:
        """Return its URL, with a login of ours."""
        return f"{self.speech}://{login and login + '@'}127.0.0.1:{self.port}"

    async def serve(self, raw: trio.SocketStream) -> None:
        self.open += 1
        stream: trio.abc.Stream = raw
        try:
            if self.speech == "https":
                assert self.context is not None
                stream = trio.SSLStream(raw, self.context, server_side=True, https_compatible=True)
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError, EOFError):
                await (self._socks(stream) if self.speech == "socks5" else self._http(stream))
        finally:
            self.open -= 1
            await trio.aclose_forcefully(raw)

    # ------------------------------------------------------------------------------------------------- speeches

    async def _http(self, stream: trio.abc.Stream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await _some(stream)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        assert method == "CONNECT"
        assert f"Host: {target}".lower() in (line.lower() for line in lines)
        host, _, port = target.rpartition(":")
        self.asked.append((host.strip("[]"), int(port)))
        if self.login is not None:
            wanted = base64.b64encode(":".join(self.login).encode()).decode()
            if f"Proxy-Authorization: Basic {wanted}" not in lines:
                await stream.send_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        await self._answer(stream, self.refuse_with or self.granted)
        if not self.refuse_with:
            await self._join(stream)

    async def _socks(self, stream: trio.abc.Stream) -> None:
        version, count = await _exactly(stream, 2)
        methods = await _exactly(stream, count)
        assert version == 5
        method = 0 if self.login is None else 2
        if method not in methods:
            await stream.send_all(b"\x05\xff")
            return
        await self._answer(stream, bytes((5, method)))
        if self.login is not None and not await self._may_enter(stream):
            return
        _, command, _, kind = await _exactly(stream, 4)
        assert command == 1
        if kind == 3:
            host = (await _exactly(stream, (await _exactly(stream, 1))[0])).decode("ascii")
        else:
            host = ".".join(map(str, await _exactly(stream, 4)))
        self.asked.append((host, int.from_bytes(await _exactly(stream, 2), "big")))
        await self._answer(stream, self.refuse_with or b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        if not self.refuse_with:
            await self._join(stream)

    async def _may_enter(self, stream: trio.abc.Stream) -> bool:
        await _exactly(stream, 1)
        user = await _exactly(stream, (await _exactly(stream, 1))[0])
        password = await _exactly(stream, (await _exactly(stream, 1))[0])
        known = (user.decode(), password.decode()) == self.login
        await self._answer(stream, b"\x01\x00" if known else b"\x01\x01")
        return known

    async def _answer(self, stream: trio.abc.Stream, data: bytes) -> None:
        for start in range(0, len(data), self.piece):
            await stream.send_all(data[start : start + self.piece])
            await trio.sleep(0)

    async def _join(self, stream: trio.abc.Stream) -> None:
        host, port = self.names.get(self.asked[-1][0], self.asked[-1])
        far = await trio.open_tcp_stream(host, port)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_pump, stream, far, nursery.cancel_scope)
            nursery.start_soon(_pump, far, stream, nursery.cancel_scope)
        await trio.aclose_forcefully(far)


async def _some(stream: trio.abc.Stream) -> bytes:
    data = await stream.receive_some()
    if not data:
        raise EOFError
    return bytes(data)


async def _exactly(stream: trio.abc.Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


async def _pump(source: trio.abc.Stream, sink: trio.abc.Stream, scope: trio.CancelScope) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while data := await source.receive_some():
            await sink.send_all(data)
    scope.cancel()


@asynccontextmanager
async def open_proxy(
    speech: Speech, *, names: dict[str, int] | None = None, **settings: Any
) -> AsyncIterator[LoopbackProxy]:
    """Run a proxy that finds these names on ports of this machine; at the end nobody may be connected to it."""
    places = {name: ("127.0.0.1", port) for name, port in (names or {}).items()}
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    proxy = LoopbackProxy(speech, places, port=listener.socket.getsockname()[1], **settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, proxy.serve, [listener])
        try:
            yield proxy
            with trio.fail_after(5):
                while proxy.open:
                    await trio.sleep(0.01)
        finally:
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_tls_front(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Put TLS in front of a plain server of this machine; gives the port."""

    async def serve(raw: trio.SocketStream) -> None:
        stream = trio.SSLStream(raw, context, server_side=True, https_compatible=True)
        try:
            far = await trio.open_tcp_stream("127.0.0.1", port)
            async with trio.open_nursery() as inner:
                inner.start_soon(_pump, stream, far, inner.cancel_scope)
                inner.start_soon(_pump, far, stream, inner.cancel_scope)
            await trio.aclose_forcefully(far)
        finally:
            await trio.aclose_forcefully(raw)

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()
