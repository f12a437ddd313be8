"""REST: answers to models by one naming rule, camelCase to snake_case."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar, overload

from trio_binance.models import (
    KNOWN_CALCULATIONS,
    KNOWN_EXECUTION_RULES,
    KNOWN_FILTERS,
    AggTrade,
    AnyTicker24h,
    AnyWindowTicker,
    CancelHalf,
    CancelledOrderList,
    CancelResponse,
    CancelResult,
    ErrorReport,
    ExecutionRule,
    Filter,
    Kline,
    MiniTicker,
    Model,
    NewOrderHalf,
    OrderAck,
    OrderFull,
    OrderListAck,
    OrderListFull,
    OrderListResponse,
    OrderListResult,
    OrderResponse,
    OrderResult,
    ReferencePriceCalculation,
    Ticker24h,
    UnknownCalculation,
    UnknownExecutionRule,
    UnknownFilter,
    WindowTicker,
)

from . import jsontext
from .converter import Dialect, own_fields
from .jsontext import Json

T = TypeVar("T")

_HUGE = 1_000_000

_TAGS: Mapping[type[Model], tuple[str, str]] = {
    **{kind: ("filterType", kind.filter_type.value) for kind in KNOWN_FILTERS},
    **{kind: ("ruleType", kind.rule_type.value) for kind in KNOWN_EXECUTION_RULES},
    **{kind: ("calculationType", kind.calculation_type.value) for kind in KNOWN_CALCULATIONS},
}
"""The key and the word by which a class is told from its kin."""

_EXCEPTIONS: Mapping[type[Model], Mapping[str, str]] = {
    # "Compressed/Aggregate trades list" alone is written in letters
    AggTrade: {
        "agg_trade_id": "a",
        "price": "p",
        "quantity": "q",
        "first_trade_id": "f",
        "last_trade_id": "l",
        "trade_time": "T",
        "is_buyer_maker": "m",
        "is_best_match": "M",
    },
    # "Kline/Candlestick data": an array each
    Kline: {field.name: str(place) for place, field in enumerate(own_fields(Kline))},
}


def camel(name: str) -> str:
    """Return the exchange's spelling of a field: ``"order_list_id"`` is ``"orderListId"``."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _name_of(cls: type[Model], name: str) -> str:
    return _EXCEPTIONS[cls][name] if cls in _EXCEPTIONS else camel(name)


# ------------------------------------------------------------------------------------------- unions, told by shape

_Choice: TypeAlias = Callable[[dict[str, Json]], type[Model]]


def _by_word(key: str, unknown: type[Model]) -> _Choice:
    """Return the choice by the word under ``key``, which one class alone has; ``unknown`` takes any other."""
    kinds: Mapping[Json, type[Model]] = {word: kind for kind, (tag, word) in _TAGS.items() if tag == key}
    return lambda value: kinds.get(value.get(key), unknown)


def _order_response(value: dict[str, Json]) -> type[Model]:
    if "fills" in value:
        return OrderFull
    return OrderResult if "status" in value else OrderAck


def _list_response(value: dict[str, Json]) -> type[Model]:
    """One report with fills, or with a status, tells what was asked for; not every report needs to have them."""
    reports = value.get("orderReports")
    told = (
        {key for report in reports if isinstance(report, dict) for key in report} if isinstance(reports, list) else ()
    )
    if "fills" in told:
        return OrderListFull
    return OrderListResult if "status" in told else OrderListAck


def _cancel_response(value: dict[str, Json]) -> type[Model]:
    return CancelledOrderList if "contingencyType" in value else CancelResult


def _or_error(choose: _Choice) -> _Choice:
    return lambda value: ErrorReport if "code" in value else choose(value)


_DIALECT = Dialect(_name_of, _TAGS.get)
_DIALECT.rows(Kline)
_DIALECT.union(Filter, _by_word("filterType", UnknownFilter))
_DIALECT.union(ExecutionRule, _by_word("ruleType", UnknownExecutionRule))
_DIALECT.union(ReferencePriceCalculation, _by_word("calculationType", UnknownCalculation))
_DIALECT.union(OrderResponse, _order_response)
_DIALECT.union(OrderListResponse, _list_response)
_DIALECT.union(CancelResponse, _cancel_response)
_DIALECT.union(CancelHalf, _or_error(_cancel_response))
_DIALECT.union(NewOrderHalf, _or_error(_order_response))
_DIALECT.union(AnyTicker24h, lambda value: Ticker24h if "priceChange" in value else MiniTicker)
_DIALECT.union(AnyWindowTicker, lambda value: WindowTicker if "priceChange" in value else MiniTicker)


# ---------------------------------------------------------------------------------------------------------- answers


@overload
def structure(raw: bytes, kind: type[T]) -> T: ...
@overload
def structure(raw: bytes, kind: object) -> Any: ...
def structure(raw: bytes, kind: object) -> Any:
    """Return the answer ``raw`` as ``kind``: a model, a ``list`` of models, or a union told by shape.

    Raises ``DecodeError``: no JSON, or ``path`` names the field that does not fit. ``OrderResponse`` becomes
    ``OrderFull`` where fills are told, ``OrderResult`` where a status is, and otherwise ``OrderAck``.
    """
    with _collector_off(len(raw) > _HUGE):
        return _DIALECT.structure(jsontext.decode(raw), kind)


def from_json(value: Json, kind: Any) -> Any:
    """Return a parsed answer as ``kind``; like ``structure``, for what came inside another message."""
    return _DIALECT.structure(value, kind)


def unstructure(model: object) -> Any:
    """Return what the exchange writes for ``model`` (or a list of models), the exact inverse of ``structure``."""
    return _DIALECT.unstructure(model)


@contextmanager
def _collector_off(wanted: bool) -> Iterator[None]:
    """Keep the garbage collector from counting the thousands of models of one answer again and again."""
    if not wanted or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
