"""The wire: one connection of a client, HTTP/1.1 until it asks for a WebSocket, byte by byte as the exchange speaks.

h11 reads and writes HTTP, wsproto does the handshake and reads frames; the driver writes frames, several in one send.
A peer that vanishes, breaks the protocol or stops reading ends its own connection and nothing else.
"""

from __future__ import annotations

from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, final

import attrs
import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import RemoteProtocolError

from .bending import bent_reply, forwarded, framed, reset_stream, swallow
from .driver import Socket
from .faults.bends import Ending
from .frames import RestReply, RestRequest

if TYPE_CHECKING:
    from .driver import Driver, Kind
    from .faults.bends import Bend

_BODY_LIMIT = 2**20
_MESSAGE_LIMIT = 2**20
_PLAIN = (("content-type", "text/plain"),)
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


async def serve_connection(stream: trio.abc.Stream, driver: Driver, *, address: str) -> None:
    """Serve a client until it leaves, is cut, or breaks the protocol; the stream is closed in every case.

    Args:
        stream: the connection.
        driver: the exchange it talks to.
        address: the client's, for limits that go by address.
    """
    try:
        upgrade = await _Http(stream, driver, address).serve()
        if upgrade is not None:
            await _serve_socket(stream, driver, upgrade)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    finally:
        await trio.aclose_forcefully(stream)


@attrs.frozen
class _Request:
    head: h11.Request
    body: bytes

    @property
    def method(self) -> str:
        return self.head.method.decode("ascii")

    @property
    def target(self) -> str:
        # A target that was not percent-encoded keeps its bytes.
        return self.head.target.decode("utf-8", "surrogateescape")

    @property
    def wants_websocket(self) -> bool:
        return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in self.head.headers)

    def for_exchange(self, address: str) -> RestRequest:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.head.headers}
        return RestRequest(self.method, self.target, headers, self.body, address)


@attrs.frozen
class _Upgrade:
    """A handshake that the exchange has accepted, and its answer to the client."""

    socket: Socket
    protocol: WSConnection
    answer: bytes


@final
class _Http:
    """The HTTP part of a connection: one request after another, each answered before the next is read."""

    def __init__(self, stream: trio.abc.Stream, driver: Driver, address: str) -> None:
        self._stream = stream
        self._driver = driver
        self._address = address
        self._http = h11.Connection(h11.SERVER)
        self._has_body = True

    async def serve(self) -> _Upgrade | None:
        """Answer requests until the connection is over, or return the handshake that turns it into a WebSocket."""
        while True:
            try:
                request = await self._next_request()
            except h11.RemoteProtocolError as exc:
                await self._send_reply(RestReply(exc.error_status_hint, _PLAIN, str(exc).encode()))
                return None
            if request is None:
                return None
            if request.wants_websocket:
                return await self._handshake(request)
            await self._answer(request)
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return None
            self._http.start_next_cycle()

    async def _next_request(self) -> _Request | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Request):
                head = event
                self._has_body = event.method != b"HEAD"
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _BODY_LIMIT:
                    raise h11.RemoteProtocolError("body too large", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _Request(head, bytes(body))
            else:
                return None

    async def _next_event(self) -> h11.Event | None:
        """Return the next event, ``None`` when the client says nothing for too long."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                await self._send(self._http.send(go_on) or b"")
            data: bytes | bytearray | None = None
            with trio.move_on_after(self._driver.keep_alive):
                data = await self._stream.receive_some()
            if data is None:
                return None
            self._http.receive_data(bytes(data))
        assert isinstance(event, h11.Event)
        return event

    async def _answer(self, request: _Request) -> None:
        faults = self._driver.faults
        bend = None if faults is None else faults.on_request(request.method, request.target)
        received_us = self._driver.now_us()
        asked = request.for_exchange(self._address)
        if faults is None or bend is None:
            await self._send_reply(self._driver.rest(asked, received_us=received_us))
            return
        execute = partial(self._execute, bend, asked, received_us)
        if bend.answered_after is None:
            await trio.sleep(bend.waits)
            await self._send_bent(bend, execute())
        else:
            faults.later(bend.waits, execute)
            await trio.sleep(bend.answered_after)
            await self._send_bent(bend, RestReply(503))

    def _execute(self, bend: Bend, request: RestRequest, received_us: int) -> RestReply:
        """Execute a request as often as it arrives, if at all, and return the last reply."""
        forwarded_us = forwarded(bend, self._driver.now_us())
        replies = [
            self._driver.rest(request, received_us=received_us, forwarded_us=forwarded_us)
            for _ in range(bend.executions if bend.executed else 0)
        ]
        return replies[-1] if replies else RestReply(503)

    async def _send_bent(self, bend: Bend, reply: RestReply) -> None:
        """Send what a fault makes of a reply."""
        await trio.sleep(bend.delay)
        data = (self._bent_bytes(bend, reply) * bend.times)[: bend.cut_at]
        if bend.before + data:
            await self._send(bend.before + data)
        await self._end(bend.ending)

    def _bent_bytes(self, bend: Bend, reply: RestReply) -> bytes:
        if bend.raw is not None:
            return bend.raw
        reply = bent_reply(bend, reply)
        return self._encode(reply) if bend.framing == "length" else framed(reply, bend.framing)

    async def _end(self, ending: Ending) -> None:
        if ending is Ending.SILENCE:
            await swallow(self._stream)
        if ending is Ending.RESET:
            reset_stream(self._stream)
        if ending is not Ending.KEEP:
            raise trio.ClosedResourceError("ended by a fault")

    async def _send_reply(self, reply: RestReply) -> None:
        await self._send(self._encode(reply))

    def _encode(self, reply: RestReply) -> bytes:
        headers = [*reply.headers, ("content-length", str(len(reply.body)))]
        if reply.header("date") is None:
            headers.append(("date", formatdate(self._driver.now_us() / 1e6, usegmt=True)))
        pieces = [
            self._http.send(
                h11.Response(status_code=reply.status, headers=headers, reason=_REASONS.get(reply.status, b""))
            )
        ]
        if self._has_body:
            pieces.append(self._http.send(h11.Data(data=reply.body)))
        pieces.append(self._http.send(h11.EndOfMessage()))
        return b"".join(piece or b"" for piece in pieces)

    async def _send(self, data: bytes) -> None:
        with trio.move_on_after(self._driver.send_timeout) as scope:
            await self._stream.send_all(data)
        if scope.cancelled_caught:
            raise trio.ClosedResourceError("the peer does not read")

    # ----------------------------------------------------------------------------------------------- upgrade

    async def _handshake(self, request: _Request) -> _Upgrade | None:
        protocol = WSConnection(ConnectionType.SERVER)
        try:
            protocol.initiate_upgrade_connection(list(request.head.headers), request.head.target)
        except RemoteProtocolError as exc:
            status = getattr(exc.event_hint, "status_code", 400)
            await self._send_reply(RestReply(status, _PLAIN, str(exc).encode()))
            return None
        faults = self._driver.faults
        bend = None if faults is None else faults.on_handshake(request.target)
        if bend is not None:
            await trio.sleep(bend.hold)
            if not bend.executed or bend.answer or bend.raw or bend.cut_at is not None:
                await self._send_bent(bend, RestReply(503))
                return None
            await trio.sleep(bend.delay)
        return await self._accept(request.target, protocol)

    async def _accept(self, target: str, protocol: WSConnection) -> _Upgrade | None:
        kind: Kind = "ws_api" if target.startswith("/ws-api") else "stream"
        socket = self._driver.open_socket(kind, target, self._address)
        if isinstance(socket, RestReply):
            await self._send_reply(socket)
            return None
        answer = protocol.send(AcceptConnection())
        protocol.receive_data(self._http.trailing_data[0])
        return _Upgrade(socket, protocol, answer)


# ------------------------------------------------------------------------------------------------- WebSocket


async def _serve_socket(stream: trio.abc.Stream, driver: Driver, upgrade: _Upgrade) -> None:
    socket = upgrade.socket
    socket.reset_line = partial(_reset, stream, socket)
    try:
        with socket.scope:
            await stream.send_all(upgrade.answer)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write_socket, stream, driver, socket)
                await _Reader(stream, driver, upgrade).run()
                await _finish(driver, socket)
                socket.scope.cancel(reason="the peer has left")
    finally:
        driver.closed(socket)


def _reset(stream: trio.abc.Stream, socket: Socket) -> None:
    reset_stream(stream)
    socket.scope.cancel(reason="connection reset by the sandbox")


async def _finish(driver: Driver, socket: Socket) -> None:
    """Give the answer to the peer's close frame time to leave."""
    if socket.peer_closed:
        with trio.move_on_after(driver.close_timeout):
            await socket.wait_below(0)


async def _write_socket(stream: trio.abc.Stream, driver: Driver, socket: Socket) -> None:
    """Send what waits, all of it at once, until the close frame is out; then give the peer time to answer it."""
    try:
        while not (socket.closing and not socket.waiting):
            await socket.wait_filled()
            data = socket.take()
            await stream.send_all(data)
            socket.sent(len(data))
        if not socket.peer_closed:
            await trio.sleep(driver.close_timeout)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    socket.scope.cancel(reason="nothing more can be sent")


@final
class _Reader:
    """Reads frames and feeds them to the exchange."""

    def __init__(self, stream: trio.abc.Stream, driver: Driver, upgrade: _Upgrade) -> None:
        self._stream = stream
        self._driver = driver
        self._socket = upgrade.socket
        self._protocol = upgrade.protocol
        self._parts: list[str] = []
        self._size = 0

    async def run(self) -> None:
        """Return when the peer has closed, left or broken the protocol."""
        while not any(self._take(event) for event in self._protocol.events()):
            try:
                data = await self._stream.receive_some()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not data:
                return
            self._protocol.receive_data(bytes(data))

    def _take(self, event: Event) -> bool:
        """Feed one event; return whether it was the last one."""
        match event:
            case TextMessage():
                return self._take_text(event)
            case Ping(payload=payload):
                self._driver.on_ping(self._socket, bytes(payload))
            case Pong(payload=payload):
                self._driver.on_pong(self._socket, bytes(payload))
            case CloseConnection(code=code, reason=reason):
                return self._leave(None if code == 1005 else int(code), reason or "")
            case BytesMessage():
                return self._leave(1003, "only text is understood")
        return False

    def _take_text(self, event: TextMessage) -> bool:
        self._parts.append(event.data)
        self._size += len(event.data)
        if self._size > _MESSAGE_LIMIT:
            return self._leave(1009, "message too big")
        if event.message_finished:
            text = "".join(self._parts)
            self._parts.clear()
            self._size = 0
            faults = self._driver.faults
            if faults is None or not faults.on_frame(self._socket, text):
                self._driver.on_text(self._socket, text)
        return False

    def _leave(self, code: int | None, reason: str) -> bool:
        """Close from our side if that is not done yet. A parse error comes here as the close frame it deserves."""
        self._socket.peer_closed = True
        self._socket.close(code, reason)
        return True
