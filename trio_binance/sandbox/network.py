"""The network: TCP in memory, with latency, fragments, windows, resets and black holes, on the Trio clock.

A connection is two pipes; nothing here runs in the background. Faults are those of a real line.
"""

from __future__ import annotations

import enum
import errno
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, final

import attrs
import trio

from trio_binance.errors import ConnectError, TLSError

from .pipe import Guard, Link, Pipe, check_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from .pipe import Uniform

Direction = Literal["in", "out", "both"]

_BACKLOG = 128


class DialFault(enum.Enum):
    """What can become of a dial that does not succeed."""

    REFUSE = "refuse"
    """The host answers that nobody listens."""
    HANG = "hang"
    """Nobody answers at all: only the caller's deadline ends it."""
    DNS = "dns"
    """The name does not resolve."""
    TLS = "tls"
    """The connection is made, the TLS handshake fails."""


@final
class MemoryStream(trio.abc.HalfCloseableStream):
    """One end of a connection in memory. ``number`` counts the network's dials, ``side`` says whose end it is.

    ``host`` and ``port`` are what was dialled, ``address`` the caller's, ``tls`` what the caller asked for: the bytes
    are plain all the same.
    """

    def __init__(self, network: MemoryNetwork, dial: Dial, side: str, inbound: Pipe, outbound: Pipe) -> None:
        self.dial = dial
        self.side = side
        self._network = network
        self._in = inbound
        self._out = outbound
        self._closed = False
        self._ended = False
        self._sending = Guard("another task is sending on this stream")
        self._receiving = Guard("another task is receiving from this stream")

    def __repr__(self) -> str:
        state = "closed" if self._closed else "reset" if self._in.broken else "open"
        return f"<MemoryStream {self.dial.number} {self.side} {self.dial.host}:{self.dial.port} {state}>"

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it, waiting while the window is full. Cancelled, an unknown part of it was sent."""
        with self._sending:
            self._check_sendable()
            await trio.lowlevel.checkpoint()
            self._check_sendable()
            if len(data) <= self._out.room:
                self._put(bytes(data))
                return
            with memoryview(data) as view:
                await self._send_slowly(view)

    async def _send_slowly(self, view: memoryview) -> None:
        start = 0
        while start < len(view):
            await self._wait_room()
            piece = bytes(view[start : start + self._out.room])
            self._put(piece)
            start += len(piece)

    def _put(self, data: bytes) -> None:
        if data:
            if self._network.tap is not None:
                self._network.tap(self, data)
            self._out.put(data, trio.current_time())

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room in the window."""
        with self._sending:
            self._check_sendable()
            await trio.lowlevel.checkpoint()
            self._check_sendable()
            await self._wait_room()

    async def _wait_room(self) -> None:
        while self._out.room <= 0:
            await self._out.writable.wait(self._told_gone_at())
            self._check_sendable()

    def _told_gone_at(self) -> float:
        """Word that the peer has left comes back on the other pipe, and a hole there holds it."""
        return self._in.passes_at(self._out.gone_at)

    def _check_sendable(self) -> None:
        if self._closed or self._ended:
            raise trio.ClosedResourceError("this end is closed for sending")
        if self._out.broken or self._told_gone_at() <= trio.current_time():
            raise trio.BrokenResourceError("the peer is gone")

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return bytes that have arrived, or ``b""`` at the end. Cancelled, nothing is lost."""
        check_limit(max_bytes)
        with self._receiving:
            await self._wait_readable()
            return self._in.take(max_bytes, trio.current_time())

    async def _wait_readable(self) -> None:
        self._check_open()
        slept = False
        while (moment := self._in.readable_at()) > trio.current_time():
            await self._in.readable.wait(moment)
            self._check_open()
            slept = True
        if not slept:
            await trio.lowlevel.checkpoint()
            self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this end is closed")

    async def send_eof(self) -> None:
        """Say that nothing more will be sent; receiving goes on."""
        with self._sending:
            self._check_open()
            if not self._ended:
                self._ended = True
                self._out.end(trio.current_time())
            await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Close this end: the peer reads what was sent and then the end. Cancelled, it is closed all the same."""
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Close this end at once."""
        if self._closed:
            return
        self._closed = True
        now = trio.current_time()
        if not self._ended:
            self._out.end(now)
        self._in.leave(self._out.arrival(now))
        self._out.wake()
        self._network._forget(self)

    # ------------------------------------------------------------------------------------------------- faults

    def reset(self) -> None:
        """Break the connection for both ends at once: what was on the way is lost, every call raises."""
        self._in.break_off()
        self._out.break_off()

    def blackhole(self, direction: Direction = "both", until: float = math.inf) -> None:
        """Let nothing pass until then, as this end sees it: ``in`` is what it would receive, ``out`` what it sends.

        Neither end is told; the window fills up. ``until`` is a ``trio.current_time()``; ``-inf`` closes the hole.
        """
        for pipe in self._pipes(direction):
            pipe.hold(until)
        self._in.wake()
        self._out.wake()

    def shape(self, link: Link, direction: Direction = "both") -> None:
        """Change how the connection behaves from now on; what is on the way keeps its time."""
        for pipe in self._pipes(direction):
            pipe.link = link
            pipe.wake()

    def _pipes(self, direction: Direction) -> tuple[Pipe, ...]:
        return {"in": (self._in,), "out": (self._out,), "both": (self._in, self._out)}[direction]


@attrs.frozen
class Dial:
    """One attempt to connect; ``number`` counts from 1 over the whole network."""

    number: int
    host: str
    port: int
    tls: bool
    address: str


@final
class MemoryListener(trio.abc.Listener[MemoryStream]):
    """Where a server waits for connections in memory."""

    def __init__(self, network: MemoryNetwork, host: str, port: int) -> None:
        self._network = network
        self._key = (host, port)
        self._backlog, self._arrivals = trio.open_memory_channel[MemoryStream](_BACKLOG)

    async def accept(self) -> MemoryStream:
        """Return the next connection's server end. Cancelled, none is lost."""
        return await self._arrivals.receive()

    async def aclose(self) -> None:
        """Stop listening: connections that nobody accepted are closed, dials that wait are refused."""
        self._network._unlisten(*self._key)
        self._backlog.close()
        with suppress(trio.EndOfChannel, trio.ClosedResourceError):
            while True:
                self._arrivals.receive_nowait().close()
        self._arrivals.close()
        await trio.lowlevel.checkpoint()

    async def _offer(self, stream: MemoryStream) -> None:
        try:
            await self._backlog.send(stream)
        except trio.ClosedResourceError:
            raise _refused(stream.dial) from None


@final
class MemoryNetwork:
    """A network in memory; it is also a dialer.

    Args:
        rng: draws jitter and the sizes of fragments; without it there is no jitter and fragments are of full size.
        link: how both directions of a new connection behave; ``network.link`` may be changed at any time.

    ``dial_fault`` strikes every dial while it is set; ``dial_gate`` is asked for each dial; ``tap`` sees every chunk
    that is sent, by the stream that sends it.
    """

    def __init__(self, rng: Uniform | None = None, *, link: Link | None = None) -> None:
        self.link: Link = Link() if link is None else link
        self.dial_fault: DialFault | None = None
        self.dial_gate: Callable[[Dial], DialFault | None] | None = None
        self.tap: Callable[[MemoryStream, bytes], None] | None = None
        self.dials: int = 0
        self._rng = rng
        self._listeners: dict[tuple[str, int], MemoryListener] = {}
        self._streams: dict[MemoryStream, None] = {}

    @property
    def open_streams(self) -> tuple[MemoryStream, ...]:
        """The ends that nobody has closed, oldest first: empty when nothing leaked."""
        return tuple(self._streams)

    def listen(self, host: str, port: int) -> MemoryListener:
        """Return a listener on an address that nobody listens on.

        Raises:
            OSError: the address is in use.
        """
        key = (host.lower(), port)
        if key in self._listeners:
            raise OSError(errno.EADDRINUSE, f"{host}:{port}: address in use")
        listener = self._listeners[key] = MemoryListener(self, *key)
        return listener

    def dialer(self, address: str) -> MemoryDialer:
        """Return a dialer of a machine with this address."""
        return MemoryDialer(self, address)

    async def connect(self, host: str, port: int, *, tls: bool) -> MemoryStream:
        """Return a connection to a listener, after one round trip. Cancelled, none is made.

        Raises:
            ConnectError: nobody listens there, or a fault was asked for.
            TLSError: a fault was asked for.
        """
        return await self._connect(host.lower(), port, tls, "127.0.0.1")

    async def _connect(self, host: str, port: int, tls: bool, address: str) -> MemoryStream:
        self.dials += 1
        dial = Dial(self.dials, host, port, tls, address)
        fault = self.dial_gate(dial) if self.dial_gate is not None else None
        await self._suffer(fault or self.dial_fault, dial)
        listener = self._listeners.get((host, port))
        if listener is None:
            raise _refused(dial)
        return await self._join(listener, dial)

    async def _suffer(self, fault: DialFault | None, dial: Dial) -> None:
        if fault is DialFault.HANG:
            await trio.sleep_forever()
        if fault is DialFault.DNS:
            await trio.lowlevel.checkpoint()
            raise ConnectError(f"{dial.host}: name does not resolve")
        await trio.sleep(2 * self.link.latency)
        if fault is DialFault.REFUSE:
            raise _refused(dial)
        if fault is DialFault.TLS:
            raise TLSError(f"{dial.host}:{dial.port}: TLS handshake failed")

    async def _join(self, listener: MemoryListener, dial: Dial) -> MemoryStream:
        up, down = Pipe(self.link, self._rng), Pipe(self.link, self._rng)
        client = MemoryStream(self, dial, "client", down, up)
        server = MemoryStream(self, dial, "server", up, down)
        self._streams[client] = self._streams[server] = None
        try:
            await listener._offer(server)
        except BaseException:
            client.close()
            server.close()
            raise
        return client

    def reset_all(self, predicate: Callable[[MemoryStream], bool] | None = None) -> int:
        """Reset every connection one of whose open ends the predicate accepts; return how many ends that were."""
        chosen = [stream for stream in self._streams if predicate is None or predicate(stream)]
        for stream in chosen:
            stream.reset()
        return len(chosen)

    def _forget(self, stream: MemoryStream) -> None:
        del self._streams[stream]

    def _unlisten(self, host: str, port: int) -> None:
        self._listeners.pop((host, port), None)


@final
@attrs.frozen
class MemoryDialer:
    """A machine on the network: the address that its connections come from."""

    network: MemoryNetwork
    address: str

    async def connect(self, host: str, port: int, *, tls: bool) -> MemoryStream:
        """Return a connection to a listener, as ``MemoryNetwork.connect`` does."""
        return await self.network._connect(host.lower(), port, tls, self.address)


def _refused(dial: Dial) -> ConnectError:
    return ConnectError(f"{dial.host}:{dial.port}: connection refused")
