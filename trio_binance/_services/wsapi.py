"""The WebSocket API: one kept connection, many requests in flight, and the user's events in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._protocol.wsapi import Answer, Conversation, Event, SessionError, Shutdown, Stray
from trio_binance.errors import BinanceError, ConnectionLost, DeadlineExceeded, Outcome, ProtocolError

from .link import Renewal
from .status import Degraded, Ready

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """The connection is gone; what happens until the next one is subscribed will not be told."""

    epoch: int
    reason: str


@attrs.frozen
class SessionLost:
    """The exchange no longer accepts the key of this connection."""

    error: Any


Item = LinkUp | LinkDown | SessionLost | Event

EVENTS = 10_000
"""Events that may wait for the user data service; it does nothing but hand them on."""


@attrs.define(eq=False)
class _Pending:
    done: trio.Event = attrs.field(factory=trio.Event)
    answer: Answer | None = None
    error: BinanceError | None = None


@attrs.frozen
class WsApiStatistics:
    """What the WebSocket API has done so far."""

    connects: int
    requests: int
    events: int
    strays: int
    in_flight: int


@final
class WsApi:
    """The handle: ``request`` for calls, ``events`` for whoever takes the user's events in their order."""

    def __init__(self, link: Link, tuning: Tuning, board: StatusBoard) -> None:
        self._link = link
        self._tuning = tuning
        self._board = board
        self._socket: Socket | None = None
        self._conversation = Conversation()
        self._pending: dict[int, _Pending] = {}
        self._send_event, self.events = trio.open_memory_channel[Item](EVENTS)
        self._requests = self._events = self._strays = 0

    name = "wsapi"

    @property
    def usable(self) -> bool:
        """Whether a request would find a connection."""
        return self._socket is not None

    @property
    def epoch(self) -> int:
        """Which connection this is, counted from one."""
        return self._link.connects

    def statistics(self) -> WsApiStatistics:
        """Return counters and how many requests are in flight."""
        return WsApiStatistics(self._link.connects, self._requests, self._events, self._strays, len(self._pending))

    async def request(self, method: str, params: Mapping[str, object]) -> Answer:
        """Send a request and return its answer.

        Cancelled: the answer, if one comes, is dropped; a request that changes state may have been executed.

        Raises:
            ConnectionLost: no connection (NOT_SENT), or it broke before the answer (UNKNOWN).
            DeadlineExceeded: no answer in time (UNKNOWN).
        """
        socket, conversation = self._socket, self._conversation
        if socket is None:
            raise ConnectionLost(f"{method}: the WebSocket API is not connected", outcome=Outcome.NOT_SENT)
        number, text = conversation.request(method, params)
        pending = self._pending[number] = _Pending()
        self._requests += 1
        try:
            await socket.send(text)
            with trio.move_on_after(self._tuning.request_timeout) as scope:
                await pending.done.wait()
            if scope.cancelled_caught:
                raise DeadlineExceeded(f"{method}: no answer within {self._tuning.request_timeout:g} s")
        finally:
            conversation.give_up(number)
            self._pending.pop(number, None)
        if pending.error is not None:
            raise pending.error
        assert pending.answer is not None
        return pending.answer

    # ----------------------------------------------------------------------------- the service and its link

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connection up until cancelled; requests in flight then fail as UNKNOWN."""
        task_status.started()
        try:
            await self._link.run(self)
        finally:
            self._fail_pending("the connector is closing")

    def should_speak(self, connected_at: float) -> bool:  # noqa: ARG002 - a quiet account is not suspicious
        """Tell that silence of data means nothing here: a quiet account has no events."""
        return False

    def on_lost(self, reason: str) -> None:
        """Fail what was in flight: whether it was executed is not known."""
        self._socket = None
        self._board.set(self.name, Degraded(f"WebSocket API not connected: {reason}"))
        self._fail_pending(reason)

    def _fail_pending(self, reason: str) -> None:
        for pending in self._pending.values():
            pending.error = ConnectionLost(f"the WebSocket API connection was lost: {reason}")
            pending.done.set()

    async def serve(self, socket: Socket) -> None:
        """Take every message of one connection until it breaks."""
        self._conversation = Conversation()
        self._socket = socket
        self._board.set(self.name, Ready())
        await self._send_event.send(LinkUp(self.epoch))
        try:
            while True:
                for frame in await socket.receive():
                    await self._take(frame)
        except ConnectionLost as exc:
            await self._send_event.send(LinkDown(self.epoch, exc.message))
            raise

    async def _take(self, frame: bytes) -> None:
        try:
            incoming = self._conversation.on_frame(frame)
        except ProtocolError:
            self._strays += 1
            return
        match incoming:
            case Answer():
                self._settle(incoming)
            case Event():
                self._events += 1
                await self._send_event.send(incoming)
            case SessionError():
                await self._send_event.send(SessionLost(incoming.error))
            case Shutdown():
                await self._send_event.send(LinkDown(self.epoch, "serverShutdown"))
                raise Renewal("serverShutdown")
            case Stray():
                self._strays += 1

    def _settle(self, answer: Answer) -> None:
        pending = self._pending.get(answer.id)
        if pending is None:
            self._strays += 1
            return
        pending.answer = answer
        pending.done.set()
