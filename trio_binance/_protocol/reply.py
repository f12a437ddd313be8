"""The reply: what an answer means: the value, or the error that says what became of the request.

A table of evidence stands behind it: an error with a number of the exchange is REJECTED, and definite; a lost, cut
or unreadable answer, and every 5xx, is UNKNOWN for whatever changes state.
"""

from __future__ import annotations

import re
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from trio_binance._codec import rest as codec
from trio_binance._codec.jsontext import decode
from trio_binance._codes import CLASS_BY_CODE, api_error_class
from trio_binance._pure.limits import LimitKind, Rule
from trio_binance.errors import (
    ApiError,
    Blocked,
    DecodeError,
    Outcome,
    PartialFailure,
    ProtocolError,
    RateLimited,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_binance.models import RateLimit

    from .operation import Operation, Value

INTERVAL_MS = {"S": 1_000, "M": 60_000, "H": 3_600_000, "D": 86_400_000}
_INTERVAL_BY_NAME = {"SECOND": "S", "MINUTE": "M", "HOUR": "H", "DAY": "D"}
_USAGE = re.compile(r"x-mbx-(used-weight|order-count)-(\d{1,6})([smhd])", re.ASCII)
_KIND = {"used-weight": LimitKind.REQUEST_WEIGHT, "order-count": LimitKind.ORDERS}

MIN_WAIT, MAX_WAIT = 1.0, 3 * 86_400.0
"""Bans last "from 2 minutes to 3 days" (rest-api.md, "IP Limits"); anything outside is a slip of the peer's."""
_WAITS = {418: 120.0, 403: 300.0}

_OUR_OWN_WORDS = re.compile(r"""(?ia)((?:signature|api-?key)["']?\s*[=:]\s*["']?)[^\s"'&,;<>}]+""")
"""What a page of a proxy or a firewall may repeat of our request, and no error may show."""


@attrs.frozen
class Usage:
    """How much of a limit is used, as the exchange counts it."""

    kind: LimitKind
    interval_ms: int
    used: int


def usage_from_headers(headers: Mapping[str, str]) -> list[Usage]:
    """Return what ``X-MBX-USED-WEIGHT-*`` and ``X-MBX-ORDER-COUNT-*`` tell; unreadable ones are passed over."""
    found = []
    for name, value in headers.items():
        match = _USAGE.fullmatch(name.lower())
        if match and value.isascii() and value.isdigit() and len(value) < 10:
            found.append(Usage(_KIND[match[1]], int(match[2]) * INTERVAL_MS[match[3].upper()], int(value)))
    return found


class _RateLimit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: int
    count: int


def usage_from_rate_limits(items: object) -> list[Usage]:
    """Return what ``rateLimits`` of a WebSocket API answer tells; whatever is unknown or odd is passed over."""
    found = []
    for item in items if isinstance(items, list) else ():
        with suppress(msgspec.ValidationError):
            limit = msgspec.convert(item, _RateLimit)
            letter = _INTERVAL_BY_NAME.get(limit.interval)
            if letter and limit.rateLimitType in LimitKind.__members__ and limit.intervalNum > 0:
                interval_ms = limit.intervalNum * INTERVAL_MS[letter]
                found.append(Usage(LimitKind[limit.rateLimitType], interval_ms, limit.count))
    return found


def rules_from(rate_limits: Iterable[RateLimit]) -> list[Rule]:
    """Return the rules that ``exchangeInfo`` tells; kinds and intervals we do not know are passed over."""
    return [
        Rule(LimitKind[item.rate_limit_type], item.interval_ms, item.limit)
        for item in rate_limits
        if item.rate_limit_type in LimitKind.__members__ and item.interval_ms and item.limit > 0
    ]


def wait_from_retry_after(text: str | None, status: int, server_ms: int) -> float:
    """Return for how many seconds to stay away after a 429 or 418.

    REST says seconds; RFC 9110 also allows a date. Missing or unreadable, a ban counts as two minutes, the
    firewall's block as five, and a 429 as the rest of the minute.
    """
    wait = _WAITS.get(status, 60.0 - server_ms % 60_000 / 1000)
    if text is not None and re.fullmatch(r"\s*\d{1,12}\s*", text, re.ASCII):
        wait = 1.0 * int(text)
    elif text is not None:
        with suppress(ValueError, OverflowError):
            wait = parsedate_to_datetime(text).timestamp() - server_ms / 1000
    return min(max(wait, MIN_WAIT), MAX_WAIT)


def wait_from_retry_at(retry_at_ms: object, status: int, server_ms: int) -> float:
    """Return the same for the WebSocket API, whose ``retryAfter`` is a moment in epoch milliseconds."""
    if not isinstance(retry_at_ms, int):
        return wait_from_retry_after(None, status, server_ms)
    # Clamped before it is divided: a whole number of JSON's may be too large for a float.
    return min(max(retry_at_ms - server_ms, int(MIN_WAIT * 1000)), int(MAX_WAIT * 1000)) / 1000


def api_error(
    operation: Operation[Any], status: int, body: object, *, wait: float | None = None, now: float = 0.0
) -> ApiError:
    """Return the typed error of an error answer; ``body`` is its JSON object, or the raw text of anything else."""
    code, message, data = _read_error(body, status)
    cls = api_error_class(status, code, message)
    if cls in (ApiError, PartialFailure) and code is None and operation.changes_state:
        # 408 and other answers without a number of the exchange say nothing about the matching engine.
        return cls(message, status=status, operation=operation.name, outcome=Outcome.UNKNOWN)
    error = cls(message, status=status, code=code, operation=operation.name, data=data)
    if issubclass(cls, RateLimited | Blocked) and wait is not None:
        error.retry_at = now + wait
    if any(map(_is_unknown_half, data.values())):
        error.outcome = Outcome.UNKNOWN
    if not operation.changes_state and error.outcome is Outcome.UNKNOWN:
        error.outcome = Outcome.REJECTED
    return error


def _is_unknown_half(half: object) -> bool:
    """Tell whether one half of a cancel-replace ended in an error that leaves it unknown."""
    code = half.get("code") if isinstance(half, dict) else None
    return isinstance(code, int) and CLASS_BY_CODE.get(code) is ServerError


def _read_error(body: object, status: int) -> tuple[int | None, str, Mapping[str, object]]:
    if isinstance(body, dict) and type(body.get("code")) is int:
        data = body.get("data", {key: value for key, value in body.items() if key not in ("code", "msg")})
        message = _OUR_OWN_WORDS.sub(r"\1***", str(body.get("msg", "")))
        return body["code"], message, data if isinstance(data, dict) else {"data": data}
    text = _OUR_OWN_WORDS.sub(r"\1***", body if isinstance(body, str) else "")
    text = re.sub(r"<[^>]*>|\s+", " ", text).strip()
    return None, text[:120] or f"no explanation given with status {status}", {}


def read_rest(
    operation: Operation[Any],
    params: Mapping[str, Value],
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    server_ms: int,
    now: float,
) -> Any:
    """Return the value of a REST answer.

    Raises:
        ApiError: the exchange said no, or failed.
        ProtocolError: the answer cannot be read; for whatever changes state the outcome is UNKNOWN.
    """
    if status == 200:
        return read_result(operation, params, body)
    if 200 <= status < 400:
        # Never follow: another host must not see the key (a redirect of the exchange is not documented).
        raise ProtocolError(f"{operation.name}: unexpected status {status}", outcome=_unread(operation))
    wait = wait_from_retry_after(headers.get("retry-after"), status, server_ms) if status in (403, 418, 429) else None
    raise api_error(operation, status, _error_body(body), wait=wait, now=now)


def _error_body(body: bytes) -> object:
    try:
        return decode(body)
    except DecodeError:
        return body[:2000].decode("utf-8", "replace")


def read_result(operation: Operation[Any], params: Mapping[str, Value], raw: bytes) -> Any:
    """Return the decoded result of a success, checked to be the answer to *this* request."""
    try:
        result = codec.structure(raw, operation.result)
    except DecodeError as exc:
        exc.outcome = _unread(operation)
        start = exc.payload if isinstance(exc.payload, str) else exc.payload.decode("utf-8", "replace")
        exc.payload = _OUR_OWN_WORDS.sub(r"\1***", start)
        raise
    check_echo(operation, params, result)
    return result


def _unread(operation: Operation[Any]) -> Outcome:
    return Outcome.UNKNOWN if operation.changes_state else Outcome.REJECTED


def check_echo(operation: Operation[Any], params: Mapping[str, Value], result: object) -> None:
    """Refuse an answer that belongs to another request.

    On a connection that carries one answer too many, every later answer is off by one; an order's answer must name
    the order's own client id and symbol.
    """
    for param, field in _ECHOES.get(operation.name, ()):
        sent, got = params.get(param), getattr(result, field, None)
        if sent is not None and got is not None and sent != got:
            raise ProtocolError(
                f"{operation.name}: asked with {param}={sent!r}, answered with {got!r}", outcome=_unread(operation)
            )


_ECHOES: Mapping[str, Iterable[tuple[str, str]]] = {
    "POST /api/v3/order": (("newClientOrderId", "client_order_id"), ("symbol", "symbol")),
    "GET /api/v3/order": (("orderId", "order_id"), ("symbol", "symbol")),
    "DELETE /api/v3/order": (("orderId", "order_id"), ("symbol", "symbol")),
}
