"""The WebSocket API: one kept connection, many requests in flight, and the user's events in their order."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._protocol.catalogue.session import SUBSCRIBE_SIGNATURE
from trio_binance._protocol.refusal import api_error
from trio_binance._protocol.reply import wait_from_error
from trio_binance._protocol.wsapi import Answer, Conversation, Event, SessionError, Shutdown
from trio_binance.errors import (
    ApiError,
    AuthError,
    ConnectionLost,
    DeadlineExceeded,
    Outcome,
    ProtocolError,
)

from .conditions import Degraded, Ready
from .link import first_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trio_binance._protocol.operation import Operation
    from trio_binance.config import Tuning

    from .link import Link
    from .socket import Socket
    from .status import StatusBoard


@attrs.frozen
class LinkUp:
    """A new connection, the ``epoch``-th, is up: nothing is subscribed on it yet."""

    epoch: int


@attrs.frozen
class LinkDown:
    """The connection is gone; what happened after ``silent_since``, when its last byte came, was not told."""

    epoch: int
    reason: str
    silent_since: float


@attrs.frozen
class SessionLost:
    """The exchange no longer accepts the key of this connection."""

    epoch: int
    error: AuthError


Item = LinkUp | LinkDown | SessionLost | Event

EVENTS = 10_000
"""The most that may wait for the listener; it does nothing but hand them on, so that many wait only if it hangs."""

UNBOUNDED = sys.maxsize
"""Of channels bounded elsewhere: events are counted against ``EVENTS``, each request has a caller who waits."""


@attrs.define(eq=False)
class _Pending:
    text: str
    sent_at: float | None = None
    done: trio.Event = attrs.field(factory=trio.Event)
    answer: Answer | None = None
    error: ConnectionLost | None = None

    @property
    def outcome(self) -> Outcome:
        """What is known of a request that has no answer."""
        return Outcome.NOT_SENT if self.sent_at is None else Outcome.UNKNOWN


@attrs.frozen
class WsApiStatistics:
    """What the WebSocket API has done so far."""

    connects: int
    requests: int
    events: int
    strays: int
    """Messages that answered nothing we wait for, or that we could not read."""
    in_flight: int


def refusal(operation: Operation[Any], status: int, error: object, server_ms: int = 0) -> ApiError:
    """Return the typed error of an answer that says no, with the moment to come back if it tells one.

    ``server_ms`` is the server's time as far as we know it: some errors tell the moment, but not their own time.
    """
    wait = wait_from_error(error, status, server_ms)
    return api_error(operation, status, error, wait=wait, now=trio.current_time())


@final
class WsApi:
    """The handle: ``request`` for calls, ``listen`` for whoever takes the user's events in their order."""

    name = "wsapi"

    def __init__(self, link: Link, tuning: Tuning, board: StatusBoard) -> None:
        self._link = link
        self._tuning = tuning
        self._board = board
        self._socket: Socket | None = None
        self._retiring = False
        self._doubted_at: float | None = None
        """When a request left that was not answered in time."""
        # One for all connections, so that the ids of two connections never meet in `_pending`.
        self._conversation = Conversation()
        self._pending: dict[int, _Pending] = {}
        self._outgoing: trio.MemorySendChannel[int] | None = None
        self._news: trio.MemorySendChannel[Item] | None = None
        self._requests = self._events = self._strays = 0

    @property
    def usable(self) -> bool:
        """Whether a request would find a connection that is not silent since one that was not answered."""
        return self.connected and not self._is_doubtful()

    @property
    def connected(self) -> bool:
        """Whether a request would be sent."""
        return self._outgoing is not None and not self._retiring

    def _is_doubtful(self) -> bool:
        socket = self._socket
        return self._doubted_at is not None and socket is not None and socket.last_heard <= self._doubted_at

    @property
    def epoch(self) -> int:
        """Which connection this is, counted from one."""
        return self._link.connects

    def statistics(self) -> WsApiStatistics:
        """Return counters and how many requests are in flight."""
        return WsApiStatistics(self._link.connects, self._requests, self._events, self._strays, len(self._pending))

    async def request(self, method: str, params: Mapping[str, object]) -> Answer:
        """Send a request and return its answer.

        Cancelled: before it was its turn, it is not sent; later the answer, if one comes, is dropped, and a request
        that changes state may have been executed.

        Raises:
            ConnectionLost: no connection (NOT_SENT), or it broke before the answer (UNKNOWN).
            DeadlineExceeded: no answer in time (UNKNOWN).
        """
        if self._outgoing is None or self._retiring:
            raise ConnectionLost(f"{method}: the WebSocket API is not connected", outcome=Outcome.NOT_SENT)
        number, text = self._conversation.request(method, params)
        pending = self._pending[number] = _Pending(text)
        self._requests += 1
        # Sent by another task: a caller cancelled in the middle of a frame would break the connection for everyone.
        self._outgoing.send_nowait(number)
        try:
            return await self._wait_answer(method, pending)
        finally:
            self._conversation.give_up(number)
            self._pending.pop(number, None)
            pending.done.set()

    async def _wait_answer(self, method: str, pending: _Pending) -> Answer:
        seconds = self._tuning.request_timeout
        with trio.move_on_after(seconds):
            await pending.done.wait()
        if pending.error is not None:
            raise pending.error
        if pending.answer is None:
            # Should the connection be dead, the next request must not be lost on it as well.
            self._doubted_at = pending.sent_at
            raise DeadlineExceeded(f"{method}: no answer within {seconds:g} s", outcome=pending.outcome)
        return pending.answer

    # -------------------------------------------------------------------------------------------- the listener

    @contextmanager
    def listen(self) -> Iterator[trio.MemoryReceiveChannel[Item]]:
        """Take everything that happens from now on, in order; if connected, that comes first. One at a time."""
        send, receive = trio.open_memory_channel[Item](UNBOUNDED)
        with send, receive:
            self._news = send
            try:
                if self.connected:
                    self._tell(LinkUp(self.epoch))
                yield receive
            finally:
                self._news = None

    def _tell(self, item: Item) -> None:
        if self._news is not None:
            self._news.send_nowait(item)

    def _on_event(self, event: Event) -> None:
        if self._news is not None and self._news.statistics().current_buffer_used >= EVENTS:
            # Better a gap that is told of than events that are lost in silence.
            raise ConnectionLost(f"{EVENTS} account events wait and nobody takes them")
        self._events += 1
        self._tell(event)

    # ----------------------------------------------------------------------------- the service and its link

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connection up until cancelled; requests in flight then fail as UNKNOWN."""
        task_status.started()
        try:
            await self._link.run(self)
        finally:
            self._disconnect("its service was stopped")

    async def serve(self, socket: Socket) -> None:
        """Take every message of one connection until it breaks."""
        outgoing, waiting = trio.open_memory_channel[int](UNBOUNDED)
        with outgoing, waiting:
            self._socket, self._outgoing = socket, outgoing
            self._retiring = False
            self._board.set(self.name, Ready())
            self._tell(LinkUp(self.epoch))
            try:
                await first_of(lambda: self._listen(socket), lambda: self._talk(socket, waiting))
            finally:
                self._outgoing = None

    async def _listen(self, socket: Socket) -> None:
        while True:
            for frame in await socket.receive():
                self._take(frame)

    async def _talk(self, socket: Socket, waiting: trio.MemoryReceiveChannel[int]) -> None:
        async for number in waiting:
            pending = self._pending.get(number)
            if pending is not None:  # Otherwise its caller has given up meanwhile.
                pending.sent_at = trio.current_time()
                await socket.send(pending.text)

    async def retire(self) -> None:
        """Take no new requests and wait for the answers to those in flight: a lost order is a question for hours."""
        self._retiring = True
        for pending in tuple(self._pending.values()):
            await pending.done.wait()

    def should_speak(self) -> bool:
        """Tell that silence of data means nothing here: a quiet account has no events."""
        return False

    def on_lost(self, reason: str) -> None:
        """Fail what was in flight: whether it was executed is not known."""
        self._board.set(self.name, Degraded(f"WebSocket API not connected: {reason}"))
        self._disconnect(reason)

    def _disconnect(self, reason: str) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            self._tell(LinkDown(self.epoch, reason, socket.last_heard))
        while self._pending:
            _, pending = self._pending.popitem()
            message = f"the WebSocket API connection was lost: {reason}"
            pending.error = ConnectionLost(message, outcome=pending.outcome)
            pending.done.set()

    # ----------------------------------------------------------------------------------------------- messages

    def _take(self, frame: bytes) -> None:
        try:
            incoming = self._conversation.on_frame(frame)
        except ProtocolError:
            self._strays += 1
            return
        match incoming:
            case Answer():
                pending = self._pending.pop(incoming.id)
                pending.answer = incoming
                pending.done.set()
            case Event():
                self._on_event(incoming)
            case SessionError():
                self._on_session_error(incoming)
            case Shutdown():
                self._link.renew()
            case _:
                self._strays += 1

    def _on_session_error(self, problem: SessionError) -> None:
        """Heed an error that answers no request: a revoked key, or a ban, after which the exchange hangs up."""
        error = refusal(SUBSCRIBE_SIGNATURE, problem.status, problem.error)
        if error.retry_at is not None:
            raise error
        if isinstance(error, AuthError):
            self._tell(SessionLost(self.epoch, error))
        else:
            self._strays += 1
