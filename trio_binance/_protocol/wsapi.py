"""The conversation on the WebSocket API: requests and answers matched by id, events told apart, sans-IO."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, final

import attrs
import msgspec

from trio_binance._codec.jsontext import encode
from trio_binance.errors import ProtocolError

from .stream import is_shutdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@attrs.frozen
class Answer:
    """The answer to one of our requests: ``result`` or ``error`` as raw JSON."""

    id: int
    status: int
    result: bytes = attrs.field(repr=False)
    error: Any
    rate_limits: Any


@attrs.frozen
class Event:
    """An event of a user data subscription, as raw JSON."""

    subscription_id: int | None
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class SessionError:
    """An error that answers no request: it concerns the whole connection (``id`` is null).

    "status 401 ... -2015": the session's key is no longer valid (web-socket-api.md, "Session Authentication").
    """

    status: int
    error: Any


@attrs.frozen
class Shutdown:
    """``serverShutdown``: the server goes away; connect anew at once."""


@attrs.frozen
class Stray:
    """An answer to nothing we wait for, e.g. one that came after its deadline."""

    id: object


Incoming = Answer | Event | SessionError | Shutdown | Stray


class _Frame(msgspec.Struct):
    id: Any = None
    status: int = 0
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None
    rateLimits: Any = None
    subscriptionId: int | None = None
    event: msgspec.Raw = msgspec.Raw(b"")


@final
class Conversation:
    """The open requests of one connection.

    Args:
        ids: a counter, so that two requests in flight never share one; connections that overlap share the counter.
    """

    def __init__(self, ids: Iterator[int] | None = None) -> None:
        self._ids = count(1) if ids is None else ids
        self._open: set[int] = set()
        self._decoder = msgspec.json.Decoder(_Frame)

    @property
    def in_flight(self) -> int:
        """How many requests wait for an answer."""
        return len(self._open)

    def request(self, method: str, params: Mapping[str, object]) -> tuple[int, str]:
        """Return the id and the text of a new request."""
        number = next(self._ids)
        self._open.add(number)
        message: dict[str, object] = {"id": number, "method": method}
        if params:
            message["params"] = dict(params)
        return number, encode(message).decode()

    def give_up(self, number: int) -> None:
        """Stop waiting for an answer; one that still comes is a ``Stray``."""
        self._open.discard(number)

    def on_frame(self, frame: bytes) -> Incoming:
        """Take one message of the exchange and return what it is.

        Raises:
            ProtocolError: it is no message of the documented kinds.
        """
        try:
            message = self._decoder.decode(frame)
        except (msgspec.DecodeError, RecursionError) as exc:
            raise ProtocolError("not a message of the WebSocket API", payload=frame) from exc
        if event := bytes(message.event):
            return Shutdown() if is_shutdown(event) else Event(message.subscriptionId, event)
        if not message.status:
            raise ProtocolError("neither an answer nor an event", payload=frame)
        if message.id is None:
            return SessionError(message.status, message.error)
        if type(message.id) is not int or message.id not in self._open:  # true is no 1
            return Stray(message.id)
        self._open.discard(message.id)
        return Answer(message.id, message.status, bytes(message.result), message.error, message.rateLimits)
