"""The conversation on the WebSocket API: requests and answers matched by id, events told apart, sans-IO."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any, final

import attrs
import msgspec

from trio_binance._codec.jsontext import decode, encode
from trio_binance.errors import DecodeError, ProtocolError

from .refusal import error_body
from .stream import is_shutdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@attrs.frozen
class Answer:
    """The answer to one of our requests: ``result`` as raw JSON, ``error`` as ``error_body`` reads it."""

    id: int
    status: int
    result: bytes = attrs.field(repr=False)
    error: Any = attrs.field(repr=False)
    rate_limits: Any = attrs.field(repr=False)


@attrs.frozen
class Event:
    """An event of a user data subscription, as raw JSON; of which subscription, where that can be read."""

    subscription_id: int | None
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class SessionError:
    """An error that answers no request: it concerns the whole connection (``id`` is null).

    "status 401 ... -2015": the session's key is no longer valid (web-socket-api.md, "Session Authentication").
    """

    status: int
    error: Any = attrs.field(repr=False)


@attrs.frozen
class Shutdown:
    """``serverShutdown``: the server goes away; connect anew at once."""


@attrs.frozen
class Stray:
    """An answer to nothing we wait for, e.g. one that came after its deadline, or one that cannot be read."""

    id: object


Incoming = Answer | Event | SessionError | Shutdown | Stray


_ABSENT = msgspec.Raw(b"null")
_STATUS = re.compile(rb"[1-9][0-9]{2}")
_SUBSCRIPTION = re.compile(rb"[0-9]{1,18}")


class _Frame(msgspec.Struct):
    """A message, whose fields are read one by one: what is odd in one of them spoils none of the others."""

    id: msgspec.Raw = _ABSENT
    status: msgspec.Raw = _ABSENT
    result: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT
    rateLimits: msgspec.Raw = _ABSENT
    subscriptionId: msgspec.Raw = _ABSENT
    event: msgspec.Raw = _ABSENT
    e: msgspec.Raw = _ABSENT


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
            ProtocolError: it is no JSON object.
        """
        try:
            message = self._decoder.decode(frame)
        except (ValueError, RecursionError) as exc:
            raise ProtocolError("not a message of the WebSocket API", payload=frame) from exc
        if event := _event_of(message, frame):
            return Shutdown() if is_shutdown(event) else Event(_subscription_of(message), event)
        number, status = _value(message.id), _status_of(message)
        if status is None:
            return Stray(number)
        if number is None:
            return SessionError(status, _error_of(message))
        if type(number) is not int or number not in self._open:  # true is no 1
            return Stray(number)
        self._open.discard(number)
        return Answer(number, status, bytes(message.result), _error_of(message), _value(message.rateLimits))


def _event_of(message: _Frame, frame: bytes) -> bytes:
    """Return the event that a message brings, also one that lacks its envelope: an order's must never be lost."""
    if message.event != _ABSENT:
        return bytes(message.event)
    is_bare = message.status == _ABSENT and bytes(message.e).startswith(b'"')
    return frame if is_bare else b""


def _subscription_of(message: _Frame) -> int | None:
    told = bytes(message.subscriptionId)
    return int(told) if _SUBSCRIPTION.fullmatch(told) else None


def _status_of(message: _Frame) -> int | None:
    told = bytes(message.status)
    return int(told) if _STATUS.fullmatch(told) else None


def _error_of(message: _Frame) -> object:
    return None if message.error == _ABSENT else error_body(bytes(message.error))


def _value(raw: msgspec.Raw) -> object:
    """Return what a field says, or its text where that cannot be read."""
    try:
        return decode(bytes(raw))
    except DecodeError:
        return bytes(raw)[:40]
