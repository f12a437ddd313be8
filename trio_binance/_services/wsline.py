"""The line: one connection of the WebSocket API: its requests in flight, each answered, given up or told lost."""

from __future__ import annotations

import copy
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._protocol.refusal import api_error
from trio_binance._protocol.reply import wait_from_error
from trio_binance._protocol.wsapi import Answer, Conversation, Stray
from trio_binance.errors import ApiError, AuthError, BinanceError, ConnectionLost, DeadlineExceeded, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trio_binance._protocol.operation import Operation
    from trio_binance._protocol.wsapi import Incoming

    from .socket import Socket

UNBOUNDED = sys.maxsize
"""Of channels bounded elsewhere: each request has a caller who waits, events are counted."""

_FORGET = 60.0
"""Seconds after which no answer is expected any more."""


@attrs.define(eq=False)
class _Pending:
    method: str
    text: str = attrs.field(repr=False)
    changes_state: bool
    suspect: bool
    """An error without an id may be meant for it."""
    sent_at: float | None = None
    done: trio.Event = attrs.field(factory=trio.Event)
    answer: Answer | None = None
    error: BinanceError | None = None

    @property
    def outcome(self) -> Outcome:
        """What is known of a request that has no answer."""
        return Outcome.NOT_SENT if self.sent_at is None else Outcome.UNKNOWN

    @property
    def outcome_of_refusal(self) -> Outcome:
        """What is known of a request that an error without an id may have been meant for."""
        return Outcome.REJECTED if self.sent_at is not None and not self.changes_state else self.outcome

    def end(self, error: BinanceError) -> None:
        self.error = error
        self.done.set()


@final
class Line:
    """A connection that stands. ``talk`` sends, ``take`` is given what comes; ``fail`` ends all that is in flight.

    Args:
        socket: the connection.
        epoch: its number.
        ids: the counter of request ids, shared by connections that overlap.
        timeout: seconds that an answer may take.
    """

    def __init__(self, socket: Socket, epoch: int, ids: Iterator[int], timeout: float) -> None:
        self.socket = socket
        self.epoch = epoch
        self.logged_on_as: str | None = None
        """The key that the exchange takes requests without a signature for."""
        self.latest: int = 0
        """The number of the latest request."""
        self.session_as_of: int = 0
        """The request that ``logged_on_as`` is known from: what was asked before it is told too late."""
        self.disowned: trio.Event = trio.Event()
        """The exchange has said that the session's key is no longer valid, since this was last looked at."""
        self.doubted: trio.Event = trio.Event()
        """A request was not answered in time, and nothing else was heard meanwhile."""
        self.doubted_since: float = float("-inf")
        self._doubted_at: float | None = None
        self._timeout = timeout
        self._conversation = Conversation(ids)
        self._pending: dict[int, _Pending] = {}
        self._outgoing, self._waiting = trio.open_memory_channel[int](UNBOUNDED)
        self._session = _SessionRequests()
        self._received: deque[bytes] = deque()
        self._ended = ""

    @property
    def in_flight(self) -> int:
        """How many requests wait for an answer."""
        return len(self._pending)

    @property
    def is_doubtful(self) -> bool:
        """Whether it is silent since a request that was not answered: the next one must not be lost as well."""
        return self._doubted_at is not None and self.socket.last_heard <= self._doubted_at

    async def request(
        self, method: str, params: Mapping[str, object], *, by_session: bool = False, changes_state: bool = True
    ) -> Answer:
        """Send a request and return its answer.

        Cancelled: before it was its turn, it is not sent; later the answer, if one comes, is dropped, and a request
        that changes state may have been executed.

        Args:
            method: of the WebSocket API.
            params: signed, if it has to be.
            by_session: it has no signature, for the session is logged on.
            changes_state: it is no mere question.

        Raises:
            ConnectionLost: the connection is gone (NOT_SENT), or broke before the answer (UNKNOWN).
            AuthError: the session's key is no longer valid, and this request has most likely been refused for that
                (UNKNOWN; REJECTED for a question).
            DeadlineExceeded: no answer in time (UNKNOWN).
        """
        if self._ended:
            raise ConnectionLost(f"{method}: the connection was lost: {self._ended}", outcome=Outcome.NOT_SENT)
        # What has a signature of its own needs no session, and is refused by its own id.
        suspect = by_session or (self.logged_on_as is not None and "signature" not in params)
        number, text = self._conversation.request(method, params)
        self.latest = number
        pending = self._pending[number] = _Pending(method, text, changes_state, suspect)
        # Sent by another task: a caller cancelled in the middle of a frame would break the connection for everyone.
        self._outgoing.send_nowait(number)
        try:
            return await self._wait_answer(method, pending)
        finally:
            self._conversation.give_up(number)
            self._pending.pop(number, None)
            pending.done.set()

    async def _wait_answer(self, method: str, pending: _Pending) -> Answer:
        with trio.move_on_after(self._timeout):
            await pending.done.wait()
        if pending.answer is not None:  # whatever else happened meanwhile
            return pending.answer
        if pending.error is not None:
            raise pending.error
        self._doubted_at = pending.sent_at
        if self.is_doubtful:
            self.doubted_since = trio.current_time()
            self.doubted.set()
        raise DeadlineExceeded(f"{method}: no answer within {self._timeout:g} s", outcome=pending.outcome)

    async def talk(self) -> None:
        """Send what callers ask for, one after the other, until the connection breaks."""
        async for number in self._waiting:
            pending = self._pending.get(number)
            if pending is None:
                continue  # its caller has given up meanwhile
            pending.sent_at = trio.current_time()
            if pending.suspect:
                self._session.on_sent(number, pending)
            try:
                await self.socket.send(pending.text)
            except ConnectionLost as exc:
                if exc.outcome is Outcome.NOT_SENT:
                    pending.sent_at = None
                raise

    async def prove(self) -> None:
        """Return when the connection has shown that it lives.

        Raises:
            DeadlineExceeded, ConnectionLost: it has not.
        """
        await self.socket.ping()
        self.doubted = trio.Event()

    async def receive(self) -> None:
        """Wait for messages; ``waiting`` then gives them. Raises ``ConnectionLost`` when no more will come."""
        self._received.extend(await self.socket.receive())

    def waiting(self) -> Iterator[bytes]:
        """Give one after the other every message that has come and was not given yet."""
        while True:
            self._received.extend(self.socket.receive_nowait())
            if not self._received:
                return
            yield self._received.popleft()

    def take(self, frame: bytes) -> Incoming | None:
        """Take one message; give an answer to its caller, and return whatever else it is.

        Raises:
            ProtocolError: it is none of the documented kinds.
        """
        incoming = self._conversation.on_frame(frame)
        if isinstance(incoming, Answer):
            pending = self._pending.pop(incoming.id)
            pending.answer = incoming
            pending.done.set()
            self._session.on_answered(incoming.id)
            return None
        if isinstance(incoming, Stray):
            self._session.on_answered(incoming.id)
        return incoming

    def on_disowned(self, error: AuthError) -> None:
        """Note that the exchange no longer takes the session's key; it has refused one request with these words."""
        self.logged_on_as = None
        self._session.on_refused(error)
        self.disowned.set()

    def on_logged_on(self) -> None:
        """Note that a new session has begun: what was refused before is no business of its requests."""
        self._session.forget_refusals()

    async def drain(self) -> None:
        """Wait until nothing is in flight: a lost order is a question for hours. Nothing new is stopped by this."""
        while self._pending:
            await next(iter(self._pending.values())).done.wait()

    def fail(self, reason: str) -> None:
        """End all that is in flight: whether it was executed is not known. Nothing more is sent."""
        self._ended = reason
        while self._pending:
            number, pending = self._pending.popitem()
            self._conversation.give_up(number)
            message = f"the WebSocket API connection was lost: {reason}"
            pending.end(ConnectionLost(message, outcome=pending.outcome))
        self._outgoing.close()
        self._waiting.close()


@final
class _SessionRequests:
    """The requests without a signature on a connection that is logged on: who is meant by an error without an id?

    "When the API key of the session becomes invalid, the next request is answered with id null": nobody says which
    one that was, and the next one may as well be one that needs no session, a ping for instance. When no other is
    left without an answer, its caller need not wait any longer; but an error that names nobody proves nothing, for it
    may be meant for none. So whoever is ended by it is told UNKNOWN, never that nothing was executed; unless it was
    a question.
    """

    def __init__(self) -> None:
        self._unanswered: dict[int, _Pending] = {}
        self._refusals: list[AuthError] = []

    def on_sent(self, number: int, pending: _Pending) -> None:
        """Expect an answer to this one."""
        old = trio.current_time() - _FORGET
        for other in [key for key, each in self._unanswered.items() if (each.sent_at or 0.0) < old]:
            del self._unanswered[other]
        if not self._unanswered:
            self._refusals.clear()  # whoever they meant is forgotten: they must not fall on who comes later
        self._unanswered[number] = pending

    def on_answered(self, number: object) -> None:
        """Note an answer, whether or not somebody still waits for it."""
        if type(number) is int and self._unanswered.pop(number, None) is not None:
            self._convict()

    def on_refused(self, error: AuthError) -> None:
        """Note that one of them was refused, and nobody says which."""
        self._refusals.append(error)
        self._convict()

    def forget_refusals(self) -> None:
        """Blame nobody for what was refused so far; who was sent before may still be meant by what is to come."""
        self._refusals.clear()

    def _convict(self) -> None:
        """End those that must be the ones refused: as many are left as were refused."""
        if len(self._unanswered) > len(self._refusals):
            return
        refusals, self._refusals = self._refusals, []
        for pending, error in zip(self._unanswered.values(), refusals, strict=False):
            # Each is raised in another task: one error for all would collect their tracebacks.
            told = copy.copy(error)
            told.operation, told.outcome = pending.method, pending.outcome_of_refusal
            pending.end(told)
        self._unanswered.clear()


def refusal(
    operation: Operation[Any], status: int, error: object, server_ms: int = 0, *, name: str | None = None
) -> ApiError:
    """Return the typed error of an answer that says no, with the moment to come back if it tells one.

    ``server_ms`` is the server's time as far as we know it: some errors tell the moment, but not their own time.
    ``name`` is for what was asked under another name.
    """
    wait = wait_from_error(error, status, server_ms)
    called = name or operation.ws_method
    return api_error(operation, status, error, wait=wait, now=trio.current_time(), name=called)
