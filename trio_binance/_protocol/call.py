"""The call: an operation and its parameters, written for a wire and signed last.

Signing comes last on purpose: a request that is signed before it waits for the limits ages while it waits, and the
exchange refuses it ("timestamp ... outside of the recvWindow").
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance._codec.jsontext import encode
from trio_binance._pure.decimals import to_text
from trio_binance._pure.signing import encode_query, sign_query, sign_ws_api
from trio_binance.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._pure.signing import Signer

    from .operation import Operation, Value

_FORM = ("Content-Type", "application/x-www-form-urlencoded")


@attrs.frozen
class RestRequest:
    """A REST request, ready to be sent byte for byte."""

    method: str
    target: str = attrs.field(repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen
class Stamp:
    """What a signed request is stamped with: server time and how long it may travel, in milliseconds."""

    timestamp_ms: int
    recv_window_ms: int


def rest_text(name: str, value: Value) -> str:
    """Return a parameter's text for REST: no E-notation, booleans in lower case, lists as JSON arrays."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | int):
        return to_text(value)
    if isinstance(value, str):
        return _writable(name, str(value))
    if isinstance(value, tuple):
        return encode([_writable(name, item) for item in value]).decode()
    raise InvalidArgument(name, value, "cannot be sent")


def ws_value(name: str, value: Value) -> str | int | bool | list[str]:
    """Return a parameter's JSON value for the WebSocket API: decimals as text, lists as arrays."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, tuple):
        return [_writable(name, item) for item in value]
    return rest_text(name, value)


def _writable(name: str, text: str) -> str:
    """Return the text, unless it holds a lone surrogate, which no wire can carry."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return text
    raise InvalidArgument(name, text, "cannot be written in UTF-8")


def given(params: Mapping[str, Value]) -> dict[str, Value]:
    """Return the parameters that are given, in their order."""
    return {name: value for name, value in params.items() if value is not None}


def rest_request(
    operation: Operation[Any], params: Mapping[str, Value], signer: Signer | None = None, stamp: Stamp | None = None
) -> RestRequest:
    """Return the REST request of a call, signed when ``signer`` and ``stamp`` are given.

    "GET: parameters must be sent as a query string"; others may come in the body, and there ours do (rest-api.md,
    "General Information on Endpoints"), so that no log of visited URLs holds an order.
    """
    pairs = [(name, rest_text(name, value)) for name, value in given(params).items()]
    headers: tuple[tuple[str, str], ...] = ()
    if signer is not None and stamp is not None:
        pairs += [("recvWindow", str(stamp.recv_window_ms)), ("timestamp", str(stamp.timestamp_ms))]
        headers = (("X-MBX-APIKEY", signer.api_key),)
    query = encode_query(pairs)
    if signer is not None and stamp is not None:
        query = f"{query}&signature={sign_query(query, signer)}"
    if operation.method in ("POST", "PUT"):
        return RestRequest(operation.method, operation.path, (*headers, _FORM), query.encode("ascii"))
    return RestRequest(operation.method, f"{operation.path}?{query}" if query else operation.path, headers)


def ws_params(
    params: Mapping[str, Value], signer: Signer | None = None, stamp: Stamp | None = None
) -> dict[str, object]:
    """Return the ``params`` object of a WebSocket API request, signed when ``signer`` and ``stamp`` are given.

    With a stamp alone it is a request of a session that is logged on: "you no longer have to specify apiKey and
    signature"; the timestamp stays (web-socket-api.md, "Session Authentication").
    """
    values: dict[str, object] = {name: ws_value(name, value) for name, value in given(params).items()}
    if stamp is None:
        return values
    values |= {"recvWindow": stamp.recv_window_ms, "timestamp": stamp.timestamp_ms}
    return values if signer is None else sign_ws_api(values, signer)
