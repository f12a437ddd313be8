"""A connection to the market streams: what it subscribed to, its properties, and the answers to its requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, final
from urllib.parse import parse_qsl, unquote

import attrs

from .frames import dump
from .refusals import Refusal
from .timeunits import wants_microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .events import Json
    from .lifeline import Lifeline

METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_LONGEST_ID: Final = 36


@attrs.frozen
class StreamTarget:
    """What the URL of a stream connection asks for."""

    streams: tuple[str, ...]
    combined: bool
    microseconds: bool


def read_target(target: str) -> StreamTarget:
    """Return what a URL asks for: ``/ws``, ``/ws/<name>``, ``/stream?streams=<name>/<name>``, with ``timeUnit``.

    Raises:
        Refusal: another path (404), or an unknown time unit (-1194).
    """
    path, _, query = target.partition("?")
    # A plus in a URL is a plus, as in kline_1d@+08:00; only forms write spaces so.
    options = dict(parse_qsl(query.replace("+", "%2B")))
    microseconds = wants_microseconds(options.get("timeUnit"))
    head, _, names = path.lstrip("/").partition("/")
    if head == "ws":
        return StreamTarget(_names(unquote(names)), False, microseconds)
    if head == "stream" and not names:
        return StreamTarget(_names(options.get("streams", "")), True, microseconds)
    raise Refusal(404, 0, "Not Found")


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in text.split("/") if name))


class RequestError(Exception):
    """The exchange's answer to a request on a stream connection that it cannot follow."""

    def __init__(self, code: int, msg: str, **echo: Json) -> None:
        super().__init__(msg)
        self.answer: dict[str, Json] = {"code": code, "msg": msg, **echo}


def _invalid(text: str) -> RequestError:
    return RequestError(2, f"Invalid request: {text}")


@final
class StreamSession:
    """One connection to the market streams, sans-IO. Names it never heard of are accepted and stay silent."""

    def __init__(self, connection: int, target: StreamTarget, lifeline: Lifeline, limit: int) -> None:
        self.connection = connection
        self.lifeline = lifeline
        self.combined: bool = target.combined
        self.microseconds: bool = target.microseconds
        self.streams: dict[str, None] = dict.fromkeys(target.streams)
        self._limit = limit

    @property
    def crowded(self) -> bool:
        """Whether it has more streams than a connection may have."""
        return len(self.streams) > self._limit

    def answer(self, text: str) -> str:
        """Return the answer to a request; the session's streams and properties are changed already."""
        try:
            request = _parse(text)
            result = self._follow(_method(request, text), _params(request), _request_id(request))
        except RequestError as error:
            return dump(error.answer)
        return dump({"result": result, "id": request["id"]})

    def _follow(self, method: str, params: list[Json], request_id: Json) -> Json:
        if method == "SUBSCRIBE":
            return self._subscribe(_stream_names(params), request_id)
        if method == "UNSUBSCRIBE":
            for name in _stream_names(params):
                self.streams.pop(name, None)
            return None
        if method == "LIST_SUBSCRIPTIONS":
            _at_most(params, 0)
            return list(self.streams)
        return self._property(method, params, request_id)

    def _subscribe(self, names: Sequence[str], request_id: Json) -> None:
        wanted = {**self.streams, **dict.fromkeys(names)}
        if len(wanted) > self._limit:
            raise RequestError(4, "Too many subscriptions", id=request_id)
        self.streams = wanted

    def _property(self, method: str, params: list[Json], request_id: Json) -> Json:
        _at_most(params, 1 if method == "GET_PROPERTY" else 2)
        if not params or not isinstance(params[0], str):
            raise _invalid("property name must be a string")
        if params[0] != "combined":
            raise RequestError(0, "Unknown property", id=request_id)
        if method == "GET_PROPERTY":
            return self.combined
        if len(params) < 2 or not isinstance(params[1], bool):
            raise RequestError(1, "Invalid value type: expected Boolean")
        self.combined = params[1]
        return None


def _parse(text: str) -> dict[str, Json]:
    try:
        request = json.loads(text)
    except json.JSONDecodeError as error:
        raise RequestError(3, f"Invalid JSON: expected value at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise RequestError(3, "Invalid JSON: recursion limit exceeded at line 1 column 128") from None
    if not isinstance(request, dict):
        raise _invalid("expected an object at line 1 column 1")
    return request


def _method(request: dict[str, Json], text: str) -> str:
    if "method" not in request:
        raise _invalid(f"missing field `method` at line 1 column {len(text)}")
    method = request["method"]
    if method not in METHODS:
        expected = ", ".join(f"`{name}`" for name in METHODS)
        column = text.find(str(method)) + len(str(method)) + 1
        raise _invalid(f"unknown variant `{method}`, expected one of {expected} at line 1 column {column}")
    return str(method)


def _request_id(request: dict[str, Json]) -> Json:
    # The message still says "unsigned integer" although signed ones, text and null are taken since 2023-12.
    value = request.get("id", 0.0)
    if value is None or (type(value) is int and -(2**63) <= value < 2**63):
        return value
    if isinstance(value, str) and len(value) <= _LONGEST_ID and value.isascii() and value.isprintable():
        return value
    raise _invalid("request ID must be an unsigned integer")


def _params(request: dict[str, Json]) -> list[Json]:
    params = request.get("params") or []
    if not isinstance(params, list):
        raise _invalid("streams must be an array")
    return params


def _stream_names(params: list[Json]) -> list[str]:
    if not params or not all(isinstance(name, str) for name in params):
        raise _invalid("streams must be an array")
    return params


def _at_most(params: list[Json], number: int) -> None:
    if len(params) > number:
        raise _invalid("too many parameters")
