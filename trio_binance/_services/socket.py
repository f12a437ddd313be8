"""The socket: one WebSocket connection, from dialling to the closed transport; the only file with trio-websocket.

What trio-websocket leaves to its user is done here. It waits for ever when the line ends before the handshake's
answer, when a ping is not answered, or when the peer says goodbye and does not hang up; it leaves the transport open
whenever the peer closes first; it raises whatever happens inside the nursery it was given; and its queue, when full,
stops the answering of pings. So every connection has a nursery of its own inside a task that never raises once the
handshake is done, every wait has a deadline, ``FrameTap`` takes the messages, and the transport is closed in
``finally``.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast, final

import trio
import trio_websocket

from trio_binance._util import raise_saving_context
from trio_binance.errors import ConnectError, ConnectionLost, DeadlineExceeded, InvalidArgument, Outcome

from .frametap import FrameTap, Inbox
from .handshake import Target, encode_header, handshake_error
from .service import exit_request, leaves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from trio_binance.config import Tuning

    from .dialer import Dialer
    from .frametap import SocketStatistics

WAITING_BYTES: Final = 16 * 2**20
"""How much may wait for a slow consumer before reading, and with it the answering of pings, pauses."""


@final
class Socket:
    """An open connection. Made by ``open_socket``, and of no use after its block."""

    def __init__(
        self, link: _Link, tap: FrameTap, inbox: Inbox, connection: trio_websocket.WebSocketConnection
    ) -> None:
        self._link = link
        self._tap = tap
        self._inbox = inbox
        self._connection = connection
        self._ping_timeout = link.tuning.ping_timeout
        self._pings_sent = 0
        self._waiting: set[trio.CancelScope] = set()

    @property
    def last_heard(self) -> float:
        """When the peer's last byte came, a ping's included; a ``trio.current_time()``."""
        return self._tap.last_heard

    @property
    def last_data(self) -> float:
        """When the peer's last message came, or the connection was made; a ``trio.current_time()``."""
        return self._tap.last_data

    async def receive(self) -> list[bytes]:
        """Return all messages of one read, in order, at least one.

        What came before the end of the connection is handed over before the end is told. Cancelled, it loses nothing.

        Raises:
            ConnectionLost: the connection has ended, and why: ``code`` is the close frame's, 1005 if that had none,
                1006 if there was no close frame; or the one that we closed with.
            trio.BusyResourceError: another task is receiving.
        """
        batch = await self._inbox.take()
        if batch is None:
            self._link.raise_lost()
        return batch

    def receive_nowait(self) -> list[bytes]:
        """Return every message that has come and was not received yet, in order; none after ``hang_up``."""
        return self._inbox.take_nowait()

    @property
    def has_waiting(self) -> bool:
        """Whether messages have come that were not received yet."""
        return self._inbox.waiting_bytes > 0

    async def send(self, text: str) -> None:
        """Send one text message, within the deadline for writes.

        Cancelled in the middle of a frame, when the peer has stopped reading, it breaks the connection: no other
        frame can follow half a one.

        Raises:
            ConnectionLost: the connection has ended, or the peer has stopped reading. NOT_SENT if it had ended before.
            InvalidArgument: the text cannot be written in UTF-8.
        """
        self._check_open()
        try:
            await self._connection.send_message(text)
        except trio_websocket.ConnectionClosed:
            self._link.raise_lost()
        except UnicodeEncodeError as exc:
            raise InvalidArgument("text", text[:40], "cannot be written in UTF-8") from exc

    async def ping(self, payload: bytes | None = None) -> float:
        """Ask for a sign of life; return the seconds it took to come.

        Only the pong with the same payload counts, or one to a later ping.

        Raises:
            DeadlineExceeded: it did not come within ``tuning.ping_timeout``.
            ConnectionLost: the connection has ended, or ended meanwhile.
            InvalidArgument: the payload is longer than 125 bytes, or still under way.
        """
        self._check_open()
        self._pings_sent += 1
        payload = self._pings_sent.to_bytes(4, "big") if payload is None else payload
        if len(payload) > 125:
            raise InvalidArgument("payload", payload[:20], "a control frame carries at most 125 bytes")
        started = trio.current_time()
        with trio.move_on_after(self._ping_timeout) as scope:
            self._waiting.add(scope)
            try:
                await self._connection.ping(payload)
                return trio.current_time() - started
            except trio_websocket.ConnectionClosed:
                self._link.raise_lost()
            except ValueError as exc:
                raise InvalidArgument("payload", payload, "such a ping is still under way") from exc
            finally:
                self._waiting.discard(scope)
        if self._connection.closed is not None or self._inbox.ended:
            self._link.raise_lost()
        raise DeadlineExceeded(f"{self._link.name}: no answer to a ping within {self._ping_timeout:g} s")

    def statistics(self) -> SocketStatistics:
        """Return what went over it so far."""
        return self._tap.statistics()

    def _check_open(self) -> None:
        if self._connection.closed is not None or self._inbox.ended:
            self._link.raise_lost(Outcome.NOT_SENT)

    def stop_waiting(self) -> None:
        """Wake whoever waits for a pong that cannot come any more; trio-websocket would let them wait."""
        for scope in self._waiting:
            scope.cancel()


@final
class _Link:
    """The life of one connection: the task around trio-websocket's, and what became of it."""

    def __init__(
        self,
        target: Target,
        dialer: Dialer,
        tuning: Tuning,
        headers: list[tuple[bytes, bytes]],
        on_message: Callable[[], None] | None,
    ) -> None:
        self.tuning = tuning
        self.name: str = target.authority
        self.scope: trio.CancelScope = trio.CancelScope()
        self.fatal: BaseException | None = None
        """An interrupt that hit the connection's tasks; the only thing that leaves them once it is open."""
        self._target = target
        self._dialer = dialer
        self._headers = headers
        self._on_message = on_message
        self._inbox = Inbox(WAITING_BYTES)
        self._leave = trio.Event()
        self._left = False
        self._tap: FrameTap | None = None
        self._socket: Socket | None = None
        self._crash: BaseException | None = None
        self._connection: trio_websocket.WebSocketConnection | None = None

    async def run(self, *, task_status: trio.TaskStatus[Socket]) -> None:
        """Dial, shake hands, start with the socket, and keep it until ``hang_up`` or the connection's end.

        Raises only before it has started. Whatever happens, the transport is closed when it returns.
        """
        with self.scope:
            give_up_at = trio.current_time() + self.tuning.connect_timeout
            transport = await self._dial(give_up_at)
            try:
                tap = self._tap = self._put_tap_on(transport)
                async with trio.open_nursery() as nursery:
                    connection = self._connection = await self._shake_hands(nursery, tap, give_up_at)
                    self._socket = Socket(self, tap, self._inbox, connection)
                    nursery.start_soon(self._wait_closed, connection)
                    task_status.started(self._socket)
                    await self._leave.wait()
                    await self._say_goodbye(connection, tap)
                    nursery.cancel_scope.cancel()
            except BaseExceptionGroup as group:
                self._judge(group)
            finally:
                self._inbox.end()
                if self._socket is not None:
                    self._socket.stop_waiting()
                with suppress(trio.BrokenResourceError):
                    await trio.aclose_forcefully(transport)

    async def _dial(self, give_up_at: float) -> trio.abc.Stream:
        target = self._target
        with trio.move_on_at(give_up_at):
            return await self._dialer.connect(target.host, target.port, tls=target.tls)
        raise ConnectError(f"{self.name}: no connection within {self.tuning.connect_timeout:g} s")

    def _put_tap_on(self, transport: trio.abc.Stream) -> FrameTap:
        return FrameTap(
            transport,
            self._inbox,
            max_message_bytes=self.tuning.max_message_bytes,
            write_timeout=self.tuning.ping_timeout,
            on_frame_sent=self._on_message,
            on_violation=self._leave.set,
        )

    async def _shake_hands(
        self, nursery: trio.Nursery, tap: FrameTap, give_up_at: float
    ) -> trio_websocket.WebSocketConnection:
        with trio.move_on_at(give_up_at):
            return await trio_websocket.wrap_client_stream(
                nursery,
                cast("Any", tap),  # annotated with Trio's two concrete streams; documented for any
                self._target.authority,
                self._target.resource,
                extra_headers=self._headers,
                max_message_size=self.tuning.max_message_bytes,
                receive_buffer_size=None,
            )
        raise ConnectError(f"{self.name}: handshake not answered within {self.tuning.connect_timeout:g} s")

    async def _wait_closed(self, connection: trio_websocket.WebSocketConnection) -> None:
        # No message ever comes this way: the tap has them all. What comes is the end.
        with suppress(trio_websocket.ConnectionClosed):
            await connection.get_message()
        self._leave.set()

    async def _say_goodbye(self, connection: trio_websocket.WebSocketConnection, tap: FrameTap) -> None:
        """Send a close frame and wait for the peer's, unless it sent its own; for ``close_timeout`` at most."""
        violation = tap.violation
        tap.begin_closing()
        self.scope.deadline = trio.current_time() + self.tuning.close_timeout
        if violation is None:
            await connection.aclose()
        else:
            await connection.aclose(violation.code, violation.reason)

    def hang_up(self) -> None:
        """End it from our side; what waits in the inbox is of no interest any more."""
        if not self._inbox.ended:
            self._left = True
        self._inbox.discard()
        self._leave.set()

    # ----------------------------------------------------------------------------------------- what went wrong

    def _judge(self, group: BaseExceptionGroup[BaseException]) -> None:
        """Raise what belongs to the opener; keep for the socket's user what happened to an open connection."""
        causes = list(leaves(group))
        crash = next((exc for exc in causes if not isinstance(exc, trio.Cancelled)), None)
        self.fatal = exit_request(group)
        if self.fatal is not None or crash is None:
            raise_saving_context(self.fatal or causes[0])
        if self._socket is None:
            assert self._tap is not None
            raise_saving_context(handshake_error(crash, self._tap.answer, self.name))
        self._crash = crash

    def raise_lost(self, outcome: Outcome = Outcome.UNKNOWN) -> NoReturn:
        """Raise what became of the connection."""
        code, reason, words = self._end()
        raise ConnectionLost(f"{self.name}: {words}", code=code, reason=reason, outcome=outcome) from self._crash

    def _end(self) -> tuple[int, str | None, str]:
        assert self._tap is not None
        if (violation := self._tap.violation) is not None:
            return violation.code, violation.reason, f"the peer broke the WebSocket protocol: {violation.reason}"
        if self._left:
            return 1000, None, "closed by us"
        if self._crash is not None:
            return 1006, None, f"the connection's task failed: {self._crash!r}"
        closed = self._connection.closed if self._connection is not None else None
        if closed is None or closed.code == 1006:
            return 1006, None, self._tap.trouble or "the connection broke"
        said = f"{int(closed.code)} {closed.reason or ''}".strip()
        return int(closed.code), closed.reason, f"closed by the peer: {said}"


@asynccontextmanager
async def open_socket(
    url: str,
    dialer: Dialer,
    *,
    tuning: Tuning,
    headers: Iterable[tuple[str, str]] = (),
    on_message: Callable[[], None] | None = None,
) -> AsyncIterator[Socket]:
    """Open a WebSocket connection for the time of a block.

    Dialling and handshake together take ``tuning.connect_timeout`` at most. At the end of the block, cancelled or
    not, a close frame is sent and the peer's awaited for ``tuning.close_timeout`` at most; then the transport is
    closed whatever happened. What the block raises leaves as it is, never in a group.

    Args:
        url: ``ws://`` or ``wss://``.
        dialer: the way to the network.
        tuning: every deadline and size.
        headers: sent with the handshake, ``X-MBX-APIKEY`` for instance.
        on_message: called, without waiting, for every frame of ours, pongs and pings included: the exchange counts
            them all towards its limit of messages a second.

    Raises:
        ConnectError: no connection, no answer in time, or one with a status of no special meaning.
        ApiError: the handshake was refused with 403, 418, 429 (then ``retry_at`` is set) or 451.
        ProtocolError: what answered speaks no WebSocket. As with the others, nothing was sent.
        InvalidArgument: the URL or a header cannot be sent.
    """
    link = _Link(Target.parse(url), dialer, tuning, [encode_header(*each) for each in headers], on_message)
    body_error: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            socket = await nursery.start(link.run)
            # The connection outlives the block by the closing handshake, which a cancellation of the caller must not
            # cut off. `hang_up` gives it a deadline.
            link.scope.shield = True
            try:
                yield socket
            except BaseException as exc:
                body_error = exc
                raise
            finally:
                link.hang_up()
    except BaseExceptionGroup as group:
        # By identity and not from the group: Trio copies groups within its own.
        raise_saving_context(link.fatal or body_error or next(leaves(group)))
