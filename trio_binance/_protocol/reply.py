"""The reply: what an answer means: the value, or the error that says what became of the request.

The body decides, whatever type the headers call it: an answer that fits its model and names what was asked for is the
answer; a cut or unreadable one leaves UNKNOWN whatever changes state.
"""

from __future__ import annotations

import re
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import attrs
import msgspec

from trio_binance._codec import rest as codec
from trio_binance._codec.jsontext import decode
from trio_binance._decimals import to_text
from trio_binance._pure.limits import LimitKind, Rule
from trio_binance.errors import DecodeError, Outcome, ProtocolError
from trio_binance.models import CancelReplaceReport, OrderFull, as_milliseconds

from .echo import mismatch
from .refusal import api_error, error_body, half_outcome, masked, replace_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_binance.errors import ApiError
    from trio_binance.models import RateLimit

    from .operation import Operation, Value

INTERVAL_MS = {"S": 1_000, "M": 60_000, "H": 3_600_000, "D": 86_400_000}
_INTERVAL_BY_NAME = {"SECOND": "S", "MINUTE": "M", "HOUR": "H", "DAY": "D"}
_USAGE = re.compile(r"x-mbx-(used-weight|order-count)-(\d{1,6})([smhd])", re.ASCII)
_KIND = {"used-weight": LimitKind.REQUEST_WEIGHT, "order-count": LimitKind.ORDERS}

MIN_WAIT, MAX_WAIT = 1.0, 3 * 86_400.0
"""Bans last "from 2 minutes to 3 days" (rest-api.md, "IP Limits"); anything outside is a slip of the peer's."""
_WAITS = {418: 120.0, 403: 300.0}
SENT_AWAY = (403, 418, 429)
"""The statuses that ask to come back later."""


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


_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=10**9)]
"""As in the headers: what is larger is a slip of the peer's, and would stop us for as long as the interval lasts."""


class _RateLimit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: _Count
    count: _Count


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


def wait_from_error(error: object, status: int, server_ms: int) -> float | None:
    """Return the same for an error of the WebSocket API, ``None`` where its status sends nobody away.

    Its ``retryAfter`` is a moment in epoch milliseconds, beside the server's own time in ``serverTime`` (for -1003;
    -1015 has no ``serverTime``: then ``server_ms`` is what it is measured from, 0 if that is not known).
    """
    if status not in SENT_AWAY:
        return None
    data = error.get("data") if isinstance(error, dict) else None
    told = data if isinstance(data, dict) else {}
    now, retry_at = told.get("serverTime", server_ms), told.get("retryAfter")
    if type(now) is not int or type(retry_at) is not int or not now:
        return wait_from_retry_after(None, status, server_ms)
    wait = as_milliseconds(retry_at) - as_milliseconds(now)
    # Clamped before it is divided: a whole number of JSON's may be too large for a float.
    return min(max(wait, int(MIN_WAIT * 1000)), int(MAX_WAIT * 1000)) / 1000


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
    wait = wait_from_retry_after(headers.get("retry-after"), status, server_ms) if status in SENT_AWAY else None
    raise api_error(operation, status, error_body(body), wait=wait, now=now)


def read_result(operation: Operation[Any], params: Mapping[str, Value], raw: bytes, *, name: str | None = None) -> Any:
    """Return the decoded result of a success, on either wire, checked to be the answer to *this* request.

    ``name`` is what the operation is called on the wire that brought it, as with ``api_error``.

    Raises:
        ApiError: what came under the name of a success is an error, or half of one.
        ProtocolError: it cannot be read, or answers another request.
    """
    try:
        result = _structure(operation, params, raw)
        _check_fills(result)
    except DecodeError as exc:
        if error := _error_as_result(operation, raw, name):
            raise error from None
        raise _unreadable(operation, exc, raw) from None
    if difference := mismatch(operation, params, result):
        raise ProtocolError(f"{name or operation.name}: {difference}", outcome=_unread(operation))
    if isinstance(result, CancelReplaceReport) and not _both_done(result):
        raise replace_error(operation, 200, result, name=name)
    return result


def _structure(operation: Operation[Any], params: Mapping[str, Value], raw: bytes) -> Any:
    wanted = operation.result_of(params)
    if not operation.ws_list:
        return codec.structure(raw, wanted)
    value = decode(raw)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return codec.from_json(value, wanted)


def _check_fills(result: object) -> None:
    """Refuse a full report that tells of a quantity that was executed, and of no fill: it is less than was asked for.

    Where nothing was executed, a list of fills that is left out says the same as an empty one.
    """
    for report in (result, getattr(result, "new_order_response", None), *getattr(result, "order_reports", ())):
        if isinstance(report, OrderFull) and report.executed_qty > 0 and not report.fills:
            reason = f"none, though {to_text(report.executed_qty)} was executed"
            raise DecodeError(f"OrderFull at fills: {reason}", path="fills", model="OrderFull")


def _error_as_result(operation: Operation[Any], raw: bytes, name: str | None) -> ApiError | None:
    """Return the error that the exchange told as a result, with status 200.

    "referencePrice ... never set" (web-socket-api.md) is told so. Of a request that changes state it would be against
    every document, and proves nothing; but the halves of a cancel-replace speak for themselves.
    """
    if operation.result is CancelReplaceReport:
        with suppress(DecodeError):
            report = codec.structure(raw, CancelReplaceReport)
            return None if _both_done(report) else replace_error(operation, 200, report, name=name)
    if operation.changes_state:
        return None
    body = error_body(raw)
    is_error = isinstance(body, dict) and body.keys() == {"code", "msg"}
    return api_error(operation, 200, body, name=name) if is_error else None


def _both_done(report: CancelReplaceReport) -> bool:
    return all(
        half_outcome(*half) is Outcome.DONE
        for half in (
            (report.cancel_result, report.cancel_response),
            (report.new_order_result, report.new_order_response),
        )
    )


def _unreadable(operation: Operation[Any], exc: DecodeError, raw: bytes) -> DecodeError:
    """Return the error of a success that cannot be read: for whatever changes state, the outcome is UNKNOWN."""
    return DecodeError(
        masked(exc.message),
        path=exc.path,
        model=exc.model,
        payload=masked(raw[:2000].decode("utf-8", "replace")),
        outcome=_unread(operation),
    )


def _unread(operation: Operation[Any]) -> Outcome:
    return Outcome.UNKNOWN if operation.changes_state else Outcome.REJECTED
