"""The refusal: an error answer as a typed error, which says what became of the request and of each of its halves.

A table of evidence stands behind it: an error with a number of the exchange is REJECTED, and definite, unless the
number says that the outcome is not known; whatever something on the way has answered, and every 5xx, is UNKNOWN for
a request that changes state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance._codec import rest as codec
from trio_binance._codec.jsontext import decode, encode
from trio_binance._codes import CLASS_BY_CODE, api_error_class, filter_named_by
from trio_binance.errors import ApiError, DecodeError, Outcome, PartialFailure
from trio_binance.models import CancelReplaceReport, CancelReplaceResult, ErrorReport, FilterType

if TYPE_CHECKING:
    from .operation import Operation

_OUR_OWN_WORDS = re.compile(r"""(?ia)((?:signature|api-?key)["']?\s*[=:]\s*["']?)[^\s"'&,;<>}]+""")
"""What a page of a proxy or a firewall may repeat of our request, and no error may show."""

_LONG_WORD = re.compile(r"[A-Za-z0-9+/=%_-]{60,}")
"""Signatures and keys have 64 characters and more; nothing that is worth showing is as long in one piece."""

_HALF = "cancelResult"
"""In the data of an error it says that the request had two halves."""

_FAILED, _PARTLY_FAILED = -2022, -2021

_ONE_OF_TWO = 409
"""The status that says that one half of a cancel-replace was done, and the other was not."""


def masked(text: str) -> str:
    """Return a text of the peer without what it may repeat of our key and signature."""
    return _LONG_WORD.sub("***", _OUR_OWN_WORDS.sub(r"\1***", text))


def error_body(raw: bytes) -> object:
    """Return the body of an error: what its JSON says, its numbers exactly, or the start of whatever else it is."""
    try:
        return decode(raw)
    except DecodeError:
        return masked(raw[:2000].decode("utf-8", "replace"))


_DEPTH = 16
"""The most levels that are kept of an error; those of the exchange have six. Beyond, a walk could end in a crash."""

_LARGEST = 2**256


def _shown(value: object, depth: int = _DEPTH) -> object:
    """Return a body without what must not be shown, and in plain values: whatever it is, it can be shown and kept."""
    if isinstance(value, str):
        return masked(value)
    if depth and isinstance(value, dict):
        return {masked(str(key)): _shown(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list):
        return [_shown(item, depth - 1) for item in value]
    if value is None or isinstance(value, bool | Decimal) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value
    return "..." if isinstance(value, dict | list | int) else masked(repr(value))


def api_error(
    operation: Operation[Any],
    status: int,
    body: object,
    *,
    wait: float | None = None,
    now: float = 0.0,
    name: str | None = None,
) -> ApiError:
    """Return the typed error of an error answer.

    Args:
        operation: what was asked.
        status: the HTTP status, or the WebSocket API's.
        body: the JSON object of the error, or the raw text of anything else.
        wait: for how many seconds to stay away, if the answer says so.
        now: ``trio.current_time()``.
        name: what the operation is called on the wire that brought the answer; by default its own name.
    """
    code, message, data = _read(body, status)
    report = _report(data)
    if report is not None:
        error = replace_error(operation, status, report, code=code, message=message, data=data, name=name)
    else:
        told = _PARTLY_FAILED if _hides_halves(operation, status, code, data) else code
        cls = api_error_class(status, told, message)
        error = cls(message, status=status, code=code, operation=name or operation.name, data=data)
        if _says_nothing(error) or _may_hide_halves(operation, status, code):
            error.outcome = Outcome.UNKNOWN
    if wait is not None:
        error.retry_at = now + wait
    words = getattr(report.new_order_response, "msg", "") if report is not None else message
    if name := filter_named_by(words):
        error.filter = FilterType(name)
    if not operation.changes_state and error.outcome is Outcome.UNKNOWN:
        error.outcome = Outcome.REJECTED
    return error


def _hides_halves(operation: Operation[Any], status: int, code: int | None, data: Mapping[str, object]) -> bool:
    """Tell whether there are halves which cannot be read: which was done is not known, whatever the number says."""
    halved = operation.result is CancelReplaceReport
    return _HALF in data or code == _FAILED or (halved and status == _ONE_OF_TWO)


def _may_hide_halves(operation: Operation[Any], status: int, code: int | None) -> bool:
    """Tell whether a 429 without a number that is known may come from a cancel-replace that did cancel.

    CANCEL_ONLY cancels although the order count is exceeded, and is answered so (rest-api.md, the table of
    "Cancel an Existing Order and Send a New Order").
    """
    return operation.result is CancelReplaceReport and status == 429 and code not in CLASS_BY_CODE


def _says_nothing(error: ApiError) -> bool:
    """Tell whether neither the number nor the status tells if the request was executed.

    "HTTP 4XX" is a refusal, but for 409: one half of a cancel-replace was done, and nothing tells which.
    """
    if type(error) is ApiError:
        return not 400 <= error.status < 500
    return isinstance(error, PartialFailure)


def _read(body: object, status: int) -> tuple[int | None, str, Mapping[str, object]]:
    """Return number, words and the rest of a body, whatever it is: an error must not be lost to an odd explanation."""
    told = _shown(body)
    if isinstance(told, dict) and type(told.get("code")) is int:
        data = told.get("data", {key: item for key, item in told.items() if key not in ("code", "msg")})
        return told["code"], str(told.get("msg", "")), data if isinstance(data, dict) else {"data": data}
    text = re.sub(r"<[^>]*>|\s+", " ", _text(told)).strip()
    return None, text[:120] or f"no explanation given with status {status}", {}


def _text(told: object) -> str:
    if isinstance(told, str) or not told:
        return told if isinstance(told, str) else ""
    with suppress(TypeError, ValueError):
        return masked(encode(told).decode())
    return masked(repr(told))


# ------------------------------------------------------------------------------------ the halves of a cancel-replace


def _report(data: Mapping[str, object]) -> CancelReplaceReport | None:
    """Return both halves, where they are told and can be read."""
    if _HALF not in data:
        return None
    try:
        report: CancelReplaceReport = codec.from_json(dict(data), CancelReplaceReport)  # type: ignore[arg-type]
    except DecodeError:
        return None
    return report


def replace_error(
    operation: Operation[Any],
    status: int,
    report: CancelReplaceReport,
    *,
    code: int | None = None,
    message: str = "not both halves were done",
    data: Mapping[str, object] | None = None,
    name: str | None = None,
) -> ApiError:
    """Return the error of a cancel-replace whose halves are told: they say what became of it, never the status.

    "A 409 ... one succeeded, the other failed" (rest-api.md), but the table of the same section has 429 for that too,
    and a half that timed out (-1007) is not known to have failed.
    """
    cancel = half_outcome(report.cancel_result, report.cancel_response)
    new_order = half_outcome(report.new_order_result, report.new_order_response)
    whole = _outcome_of_both(cancel, new_order)
    cls = api_error_class(status, _FAILED if whole is Outcome.REJECTED else _PARTLY_FAILED)
    error = cls(message, status=status, code=code, operation=name or operation.name, data=data)
    error.report, error.cancel_outcome, error.new_order_outcome = report, cancel, new_order
    if error.outcome is not Outcome.UNKNOWN:
        error.outcome = whole
    return error


def half_outcome(result: CancelReplaceResult, response: object) -> Outcome:
    """Return what became of one half: DONE, REJECTED or UNKNOWN."""
    refusal = response if isinstance(response, ErrorReport) else None
    if result == CancelReplaceResult.NOT_ATTEMPTED:
        return Outcome.REJECTED
    if result == CancelReplaceResult.SUCCESS and refusal is None:
        return Outcome.DONE
    if result == CancelReplaceResult.FAILURE and refusal is not None:
        return api_error_class(400, refusal.code, refusal.msg).outcome
    # A failure without a reason may have timed out; a word that the documents do not know says nothing.
    return Outcome.UNKNOWN


def _outcome_of_both(cancel: Outcome, new_order: Outcome) -> Outcome:
    both = {cancel, new_order}
    if Outcome.UNKNOWN in both:
        return Outcome.UNKNOWN
    if both == {Outcome.REJECTED}:
        return Outcome.REJECTED
    # Both done, and yet an error: the answer contradicts itself.
    return Outcome.PARTIAL if len(both) == 2 else Outcome.UNKNOWN
