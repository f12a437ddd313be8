"""The WebSocket API: a connection that is kept up and replaced before it is cut, and the user's events in their order.

Two connections stand while one replaces the other. Requests go out on one of them, the ``line``: the old one until the
new one is up and logged on, and from then on the new one, while the answers on the old one come in.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_binance._protocol.catalogue.session import SUBSCRIBE_SIGNATURE
from trio_binance._protocol.wsapi import Event, SessionError, Shutdown
from trio_binance.errors import AuthError, BinanceError, ConnectionLost, Outcome, ProtocolError

from .conditions import Degraded, Ready
from .race import first_of
from .wsline import UNBOUNDED, Line, refusal
from .wsnews import Item, LinkDown, LinkUp, Pinged, SessionLost, Unread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from trio_binance.config import Tuning

    from .link import Link
    from .logon import Logon
    from .socket import Socket
    from .status import StatusBoard


EVENTS = 10_000
"""The most that may wait for the listener; it does nothing but hand them on, so that many wait only if it hangs."""


@attrs.frozen
class WsApiStatistics:
    """What the WebSocket API has done so far."""

    connects: int
    requests: int
    events: int
    strays: int
    """Messages that answered nothing we wait for, or that we could not read."""
    in_flight: int
    logged_on: bool
    """The connection that requests go out on is logged on."""


async def _nothing() -> None:
    await trio.sleep_forever()


@final
class _Ids:
    """A counter that knows how far it has come."""

    def __init__(self) -> None:
        self.given = 0

    def __iter__(self) -> _Ids:
        return self

    def __next__(self) -> int:
        self.given += 1
        return self.given


@final
class WsApi:
    """The handle: ``wait_line`` for calls, ``listen`` for whoever takes the user's events in their order.

    Args:
        link: brings the connections, which overlap, and the name.
        logon: logs each of them on, if that is wanted.
        tuning: how long to wait for what.
        board: told how it is.
        eager: connect at once, and not only on ``demand``.
    """

    def __init__(self, link: Link, logon: Logon, tuning: Tuning, board: StatusBoard, *, eager: bool = True) -> None:
        self.name: str = link.name
        self._link = link
        self._logon = logon
        self._tuning = tuning
        self._board = board
        self.look_after: Callable[[], Awaitable[None]] = _nothing
        """Done beside it while it runs, such as the pings that close its circuit breaker; never ends."""
        self.on_key_lost: Callable[[AuthError], None] = self.tell_key_lost
        """Called when the exchange has said on one of its connections that it no longer accepts the key."""
        # One for all connections, so that an answer never meets the request of another.
        self._ids = _Ids()
        self._lines: dict[Socket, Line] = {}
        self._line: Line | None = None
        """Where requests go out."""
        self._told: Line | None = None
        """Of which the listener knows."""
        self._demanded = trio.Event()
        if eager:
            self._demanded.set()
        self._changed = trio.Event()
        self._missing_since = float("-inf")
        self._news: trio.MemorySendChannel[Item] | None = None
        self._events = self._strays = 0

    # -------------------------------------------------------------------------------------------- for calls

    @property
    def connected(self) -> bool:
        """Whether a request would be sent."""
        return self._line is not None

    @property
    def usable(self) -> bool:
        """Whether a request would find a connection that is not silent since one that was not answered."""
        return self._line is not None and not self._line.is_doubtful

    @property
    def line(self) -> Line:
        """The connection that requests go out on.

        Raises:
            ConnectionLost: there is none; nothing was sent.
        """
        if self._line is None:
            raise ConnectionLost("the WebSocket API is not connected", outcome=Outcome.NOT_SENT)
        return self._line

    def demand(self) -> None:
        """Have a connection made if none was wanted so far."""
        if not self._demanded.is_set():
            self._missing_since = trio.current_time()
            self._demanded.set()

    async def wait_line(self) -> Line:
        """Return the connection that requests go out on, waiting for one that is being made.

        It waits for ``tuning.replacement_wait`` at most, counted from when there was none, so that only the first
        calls after a loss do.

        Raises:
            ConnectionLost: there is none, or it is silent since a request that was not answered; nothing was sent.
        """
        await trio.lowlevel.checkpoint()
        since = self._missing_since if self._line is None else self._line.doubted_since
        with trio.move_on_at(since + self._tuning.replacement_wait):
            while not self.usable:
                await self._changed.wait()
        if self.line.is_doubtful:
            raise ConnectionLost("the WebSocket API does not answer", outcome=Outcome.NOT_SENT)
        return self.line

    def statistics(self) -> WsApiStatistics:
        """Return counters and how many requests are in flight."""
        in_flight = sum(line.in_flight for line in self._lines.values())
        logged_on = self._line is not None and self._line.logged_on_as is not None
        return WsApiStatistics(self._link.connects, self._ids.given, self._events, self._strays, in_flight, logged_on)

    # -------------------------------------------------------------------------------------------- the listener

    async def ping_listener(self, epoch: int) -> None:
        """Ping the connection that the listener is told of, and tell it ``Pinged`` after all that came before the pong.

        Nothing is told of another connection. Cancelled: the listener may be told all the same.

        Raises:
            DeadlineExceeded, ConnectionLost: there is no pong.
        """
        line = self._told
        if line is None or line.epoch != epoch:
            return
        asked_at = trio.current_time()
        await line.socket.ping()
        # Its reader was woken: all that came before the pong is in hand.
        while line.socket.has_waiting:  # noqa: ASYNC110 - it takes a step or two
            await trio.lowlevel.checkpoint()
        if self._told is line:
            self._tell(Pinged(epoch, asked_at))

    @contextmanager
    def listen(self) -> Iterator[trio.MemoryReceiveChannel[Item]]:
        """Take everything that happens from now on, in order; if connected, that comes first. One at a time.

        Of two connections the listener is told of one: of the new one when the old one is gone.
        """
        send, receive = trio.open_memory_channel[Item](UNBOUNDED)
        with send, receive:
            self._news = send
            try:
                if self._told is not None:
                    self._tell(LinkUp(self._told.epoch))
                yield receive
            finally:
                self._news = None

    def tell_key_lost(self, error: AuthError) -> None:
        """Tell the listener that the key is no longer accepted, wherever that was said: a key is one."""
        if self._told is not None:
            self._tell(SessionLost(self._told.epoch, error))

    def renew(self, line: Line) -> None:
        """Have a connection replaced, on which something can no longer be had."""
        self._link.renew(line.socket, "of no more use")

    def _tell(self, item: Item) -> None:
        if self._news is not None:
            self._news.send_nowait(item)

    def _tell_of(self, line: Line) -> None:
        self._told = line
        self._tell(LinkUp(line.epoch))

    def _hand_on(self, item: Event | Unread) -> None:
        if self._news is not None and self._news.statistics().current_buffer_used >= EVENTS:
            # Better a gap that is told of than events that are lost in silence.
            raise ConnectionLost(f"{EVENTS} account events wait and nobody takes them")
        self._tell(item)

    # ----------------------------------------------------------------------------- the service and its link

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connection up until cancelled; requests in flight then fail as UNKNOWN."""
        self._missing_since = trio.current_time()
        task_status.started()
        await self._demanded.wait()
        try:
            await first_of(lambda: self._link.run(self), self.look_after)
        finally:
            for socket in tuple(self._lines):
                self._drop(socket, "its service was stopped")

    async def serve(self, socket: Socket) -> None:
        """Take every message of one connection until it breaks."""
        line = Line(socket, self._link.connects, self._ids, self._tuning.request_timeout)
        self._lines[socket] = line
        self._board.set(self.name, Ready())
        if self._told is None:
            self._tell_of(line)
        if self._line is None:
            self._switch_to(line)
        try:
            await first_of(lambda: self._listen(line), line.talk, lambda: self._attend(line))
        finally:
            self._take_last(line)

    def _switch_to(self, line: Line | None) -> None:
        """Have requests go out on another connection, or on none."""
        if line is None and self._line is not None:
            self._missing_since = trio.current_time()
        self._line = line
        self._poke()

    def _poke(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _listen(self, line: Line) -> None:
        while True:
            await line.receive()
            for frame in line.waiting():
                self._take(line, frame)

    def _take_last(self, line: Line) -> None:
        """Take what had come before the end: an answer in hand beats the news that the connection is gone."""
        for frame in line.waiting():
            with suppress(BinanceError):
                self._take(line, frame)

    async def _attend(self, line: Line) -> None:
        """Log it on, then send the requests its way; do both again when it becomes necessary."""
        await self._log_on_in_time(line)
        while True:
            await first_of(line.disowned.wait, line.doubted.wait)
            if line.doubted.is_set():
                await line.prove()
                self._poke()
            else:
                line.disowned = trio.Event()
                # Once: it shows whether the key is gone for good, or the session alone.
                await self._logon.log_on(line)

    async def _log_on_in_time(self, line: Line) -> None:
        """Log a successor on before it takes the requests; but not for long, for the old one may be cut any moment."""
        in_haste = self._tuning.replacement_wait if self._line is not line else float("inf")
        with trio.move_on_after(in_haste) as scope:
            await self._logon.log_on(line)
        if self._line is not line:
            self._switch_to(line)
        if scope.cancelled_caught:
            await self._logon.log_on(line)  # requests are signed meanwhile

    async def retire(self, socket: Socket) -> None:
        """Return when the requests go elsewhere and every one that is in flight here has come to its end.

        However long the successor takes: what is in flight has its time from the switch on.
        """
        line = self._lines.get(socket)
        while line is not None and self._line is line:
            await self._changed.wait()
        if line is not None:
            with trio.move_on_after(self._tuning.request_timeout):
                await line.drain()

    def should_speak(self) -> bool:
        """Tell that silence of data means nothing here: a quiet account has no events."""
        return False

    def on_lost(self, reason: str, socket: Socket | None) -> None:
        """Fail what was in flight on a connection: whether it was executed is not known."""
        if socket is not None:
            self._drop(socket, reason)
        if not self._lines:
            self._board.set(self.name, Degraded(f"WebSocket API not connected: {reason}"))

    def _drop(self, socket: Socket, reason: str) -> None:
        line = self._lines.pop(socket, None)
        if line is None:
            return
        others = list(self._lines.values())
        self._take_last(line)
        line.fail(reason)
        if line is self._line:
            self._switch_to(others[-1] if others else None)
        if line is self._told:
            self._told = None
            self._tell(LinkDown(line.epoch, reason, line.socket.last_heard))
            if others:
                self._tell_of(others[-1])

    # ----------------------------------------------------------------------------------------------- messages

    def _take(self, line: Line, frame: bytes) -> None:
        try:
            incoming = line.take(frame)
        except ProtocolError as exc:
            self._strays += 1
            # Nobody can say that it was no event: an order's must not be lost in silence.
            self._hand_on(Unread(line.epoch, exc.message))
            return
        match incoming:
            case None:
                pass  # an answer: its caller has it
            case Event():
                self._events += 1
                self._hand_on(incoming)
            case SessionError():
                self._on_session_error(line, incoming)
            case Shutdown():
                self._link.renew(line.socket)
            case _:
                self._strays += 1

    def _on_session_error(self, line: Line, problem: SessionError) -> None:
        """Heed an error that answers no request: a revoked key, or a ban, after which the exchange hangs up."""
        error = refusal(SUBSCRIBE_SIGNATURE, problem.status, problem.error, name="session")
        if error.retry_at is not None:
            raise error
        if isinstance(error, AuthError):
            self._logon.on_disowned(line, error)
            self.on_key_lost(error)
        else:
            self._strays += 1
