"""Time units: answers and events have milliseconds; whoever asked for microseconds gets a copy with those."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from .refusals import bad

if TYPE_CHECKING:
    from .events import Json

_ANSWER_TIMES: Final = frozenset(
    {
        "serverTime",
        "time",
        "updateTime",
        "transactTime",
        "transactionTime",
        "workingTime",
        "trailingTime",
        "openTime",
        "closeTime",
        "T",
        "timestamp",
        "authorizedSince",
        "connectedSince",
    }
)
# A letter means different things in different events: only these are times.
_EVENT_TIMES: Final = {
    "kline": frozenset("EtT"),
    "referencePrice": frozenset("Et"),
    "executionReport": frozenset("ETOWD"),
    "outboundAccountPosition": frozenset("Eu"),
}
_TICKER_TIMES: Final = frozenset("EOC")
_OTHER_TIMES: Final = frozenset("ET")


def wants_microseconds(text: str | None) -> bool:
    """Return whether a ``timeUnit`` or ``X-MBX-TIME-UNIT`` asks for microseconds, or raise -1194."""
    if text in (None, "MILLISECOND", "millisecond"):
        return False
    if text in ("MICROSECOND", "microsecond"):
        return True
    raise bad(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")


def answer_in_us(operation: str, result: Json) -> Json:
    """Return a copy of an answer with its times in microseconds."""
    if operation.endswith(("/klines", "/uiKlines")):
        return [[row[0] * 1000, *row[1:6], row[6] * 1000, *row[7:]] for row in result]
    return _convert(result, _ANSWER_TIMES)


def event_in_us(data: Json) -> Json:
    """Return a copy of an event with its times in microseconds."""
    if isinstance(data, list):
        return [event_in_us(item) for item in data]
    kind = str(data.get("e", ""))
    times = _TICKER_TIMES if kind.endswith("Ticker") else _EVENT_TIMES.get(kind, _OTHER_TIMES)
    return _convert(data, times)


def _convert(value: Json, times: Collection[str]) -> Json:
    if isinstance(value, list):
        return [_convert(item, times) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _unit(item) if key in times else _convert(item, times) for key, item in value.items()}


def _unit(value: Json) -> Json:
    # -1 and null stand for "no time"; a dict or a list under the same name is not a time.
    return value * 1000 if type(value) is int and value > 0 else value
