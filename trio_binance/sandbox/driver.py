"""The driver: runs a sans-IO exchange inside Trio, gives it the time and carries its output to the WebSockets.

Every input is fed synchronously and what came of it is put into outboxes before anything else runs, so the exchange
never sees two inputs at once and nothing is said out of order. One task sleeps until the exchange's next deadline.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, assert_never, final

import trio

from .frames import Close, Cut, Ping, RestReply, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .frames import Output, RestRequest
    from .injector import Injector

Kind: TypeAlias = Literal["stream", "ws_api"]

OUTBOX_LIMIT = 16 * 2**20
"""Bytes that may wait for a peer that does not read, before a live exchange cuts it."""

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_HEADER_16 = struct.Struct("!BBH")
_HEADER_64 = struct.Struct("!BBQ")


class Doors(Protocol):
    """A sans-IO exchange: ``sandbox.exchange.Exchange``, or a player of recordings. Times are server time in us."""

    @property
    def deadline_us(self) -> int:
        """When ``on_timer`` wants to be called, at the latest."""
        ...

    def rest(
        self, request: RestRequest, now_us: int, *, received_us: int | None = None, forwarded_us: int | None = None
    ) -> RestReply:
        """Answer a REST request that came in at ``received_us``, was forwarded then, and is executed now."""
        ...

    def connect(self, kind: Kind, target: str, address: str, now_us: int) -> int | RestReply:
        """Return the number of a new connection, or the HTTP answer that refuses its handshake."""
        ...

    def on_text(self, connection: int, text: str, now_us: int) -> None:
        """Take a text message."""
        ...

    def on_ping(self, connection: int, payload: bytes, now_us: int) -> None:
        """Count a ping; its pong is sent by the wire."""
        ...

    def on_pong(self, connection: int, payload: bytes, now_us: int) -> None:
        """Take a pong."""
        ...

    def on_closed(self, connection: int, now_us: int) -> None:
        """Forget a connection; one it has closed or cut itself is told again."""
        ...

    def on_timer(self, now_us: int) -> None:
        """Do what is due."""
        ...

    def take_output(self) -> list[Output]:
        """Return what is to be sent, once."""
        ...


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a whole, final, unmasked frame, as a server sends it (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return _HEADER_16.pack(0x80 | opcode, 126, size) + payload
    return _HEADER_64.pack(0x80 | opcode, 127, size) + payload


def text_frame(payload: bytes) -> bytes:
    """Return a text frame of bytes that are UTF-8 already."""
    return frame(_TEXT, payload)


@final
class Socket:
    """A WebSocket on the server's side: what waits to be sent on it, and whether it still lives.

    All methods but the ``wait_`` ones are synchronous and may be called at any time; after the close frame nothing more
    is taken. More than ``limit`` bytes waiting cut the connection, as a live exchange does to a reader too slow for it.
    """

    def __init__(self, number: int, kind: Kind, target: str, address: str, limit: int = OUTBOX_LIMIT) -> None:
        self.number = number
        self.kind: Kind = kind
        self.target = target
        self.address = address
        self.waiting: int = 0
        self.peer_closed = False
        self.scope: trio.CancelScope = trio.CancelScope()
        """Of the tasks that serve it."""
        self.reset_line: Callable[[], None] = self.scope.cancel
        """Resets the connection beneath; ends it where that cannot be."""
        self._limit = limit
        self._frames: list[bytes] = []
        self._closing = False
        self._ended = False
        self._muted = False
        self._lose_every = self._events = 0
        self._filled = trio.lowlevel.ParkingLot()
        self._emptied = trio.lowlevel.ParkingLot()

    @property
    def closing(self) -> bool:
        """Whether its close frame is sent or waits."""
        return self._closing

    def lose(self, every: int) -> None:
        """Lose every n-th event of market streams from now on; with 0 none."""
        self._lose_every = every

    def text(self, text: str) -> None:
        """Send a text message."""
        if self._lose_every and text.startswith('{"stream"'):
            self._events += 1
            if self._events % self._lose_every == 0:
                return
        self.send_raw(frame(_TEXT, text.encode()))

    def ping(self, payload: bytes) -> None:
        """Send a ping."""
        self.send_raw(frame(_PING, payload))

    def pong(self, payload: bytes) -> None:
        """Send a pong."""
        self.send_raw(frame(_PONG, payload))

    def close(self, code: int | None, reason: str = "") -> None:
        """Send a close frame after all that waits; ``None`` sends one without a code."""
        text = reason.encode()[:123].decode(errors="ignore")
        payload = b"" if code is None else struct.pack("!H", code) + text.encode()
        self.send_raw(frame(_CLOSE, payload))
        self._closing = True

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, whole frames or not."""
        if self._closing or self._ended or self._muted:
            return
        self._frames.append(data)
        self.waiting += len(data)
        self._filled.unpark_all()
        if self.waiting > self._limit:
            self.cut()

    def mute(self) -> None:
        """Say nothing any more; the connection stays open."""
        self._muted = True

    def reset(self) -> None:
        """Reset the connection; what waits is lost."""
        self.end()
        self.reset_line()

    def cut(self) -> None:
        """End the connection without a close frame; what waits is lost."""
        self.end()
        self.scope.cancel(reason="connection cut by the sandbox")

    def end(self) -> None:
        """Take nothing more: the connection is gone."""
        self._ended = True
        self._frames.clear()
        self.waiting = 0
        self._filled.unpark_all()
        self._emptied.unpark_all()

    def take(self) -> bytes:
        """Return all that waits, in one piece."""
        data = b"".join(self._frames)
        self._frames.clear()
        return data

    def sent(self, size: int) -> None:
        """Note that so many bytes have left."""
        self.waiting = max(0, self.waiting - size)
        self._emptied.unpark_all()

    async def wait_filled(self) -> None:
        """Wait until something waits to be sent or the connection is gone."""
        while not self._frames and not self._ended:
            await self._filled.park()

    async def wait_below(self, size: int) -> None:
        """Wait until at most ``size`` bytes wait, those being sent included, or the connection is gone."""
        while self.waiting > size and not self._ended:
            await self._emptied.park()


@final
class Driver:
    """Runs an exchange: feeds it, wakes it at its deadlines and hands its output to the sockets.

    Args:
        exchange: the sans-IO exchange.
        start_us: server time at ``started_at``, in microseconds; it goes on with the Trio clock.
        started_at: a ``trio.current_time()``; now by default. Making a market takes a moment that counts too.
        faults: what goes wrong with requests and handshakes.
        outbox_limit: bytes that may wait for a socket's peer before it is cut.
        keep_alive: seconds after which an idle HTTP connection is closed.
        send_timeout: seconds after which an HTTP answer that nobody reads is given up.
        close_timeout: seconds that a WebSocket's peer has to answer a close frame.
    """

    def __init__(
        self,
        exchange: Doors,
        *,
        start_us: int,
        started_at: float | None = None,
        faults: Injector | None = None,
        outbox_limit: int = OUTBOX_LIMIT,
        keep_alive: float = 60.0,
        send_timeout: float = 60.0,
        close_timeout: float = 5.0,
    ) -> None:
        self.faults = faults
        self.keep_alive = keep_alive
        self.send_timeout = send_timeout
        self.close_timeout = close_timeout
        self._exchange = exchange
        self._start_us = start_us
        self._start = trio.current_time() if started_at is None else started_at
        self._outbox_limit = outbox_limit
        self._sockets: dict[int, Socket] = {}
        self._armed_us = 0
        self._rearm = trio.Event()

    @property
    def sockets(self) -> Sequence[Socket]:
        """The WebSockets that are open, oldest first."""
        return tuple(self._sockets.values())

    def socket(self, number: int) -> Socket | None:
        """Return an open WebSocket by its connection's number."""
        return self._sockets.get(number)

    def now_us(self) -> int:
        """Return server time in microseconds."""
        return self._start_us + round((trio.current_time() - self._start) * 1e6)

    def advance_us(self, by: int) -> None:
        """Let the exchange's clock jump forward, as its operators' does now and then; never backward."""
        if by < 0:
            raise ValueError(f"by={by}: the exchange's clock never goes back")
        self._start_us += by
        self._rearm.set()

    def rest(
        self, request: RestRequest, *, received_us: int | None = None, forwarded_us: int | None = None
    ) -> RestReply:
        """Answer a REST request that came in at ``received_us``, now if it did not have to wait."""
        now_us = self.now_us()
        reply = self._exchange.rest(request, now_us, received_us=received_us, forwarded_us=forwarded_us)
        self.flush()
        return reply

    def open_socket(self, kind: Kind, target: str, address: str) -> Socket | RestReply:
        """Return a new WebSocket, to be given back to ``closed``, or the HTTP answer that refuses it."""
        number = self._exchange.connect(kind, target, address, self.now_us())
        if isinstance(number, RestReply):
            self.flush()
            return number
        socket = self._sockets[number] = Socket(number, kind, target, address, self._outbox_limit)
        self.flush()
        return socket

    def on_text(self, socket: Socket, text: str) -> None:
        """Feed a text message."""
        self._exchange.on_text(socket.number, text, self.now_us())
        self.flush()

    def on_ping(self, socket: Socket, payload: bytes) -> None:
        """Answer a ping, as soon as what waits before it has left, and feed it."""
        socket.pong(payload)
        self._exchange.on_ping(socket.number, payload, self.now_us())
        self.flush()

    def on_pong(self, socket: Socket, payload: bytes) -> None:
        """Feed a pong."""
        self._exchange.on_pong(socket.number, payload, self.now_us())
        self.flush()

    def closed(self, socket: Socket) -> None:
        """Forget a WebSocket whose connection is gone."""
        del self._sockets[socket.number]
        socket.end()
        self._exchange.on_closed(socket.number, self.now_us())
        self.flush()

    def settle(self) -> None:
        """Pass on what somebody did to the market besides the exchange."""
        self._exchange.on_timer(self.now_us())
        self.flush()

    def flush(self) -> None:
        """Hand out what the exchange has to say, and wake the timer when its deadline has come nearer."""
        for output in self._exchange.take_output():
            socket = self._sockets.get(output.connection)
            if socket is not None:
                _hand_over(socket, output)
        if self._exchange.deadline_us < self._armed_us:
            self._rearm.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Call the exchange at its deadlines, for ever. Cancelled, nothing is half done."""
        task_status.started()
        while True:
            self._rearm = trio.Event()
            self._armed_us = self._exchange.deadline_us
            with trio.move_on_at(self._start + (self._armed_us - self._start_us) / 1e6):
                await self._rearm.wait()
            now_us = self.now_us()
            if now_us >= self._exchange.deadline_us:
                self._exchange.on_timer(now_us)
                self.flush()


def _hand_over(socket: Socket, output: Output) -> None:
    match output:
        case Text(text=text):
            socket.text(text)
        case Ping(payload=payload):
            socket.ping(payload)
        case Close(code=code, reason=reason):
            socket.close(code, reason)
        case Cut():
            socket.cut()
        case never:
            assert_never(never)
