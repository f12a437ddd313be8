"""REST: answers to models by one naming rule, camelCase to snake_case."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from trio_binance.models import (
    KNOWN_FILTERS,
    AggTrade,
    AnyTicker24h,
    Filter,
    Kline,
    MiniTicker24h,
    Model,
    OrderAck,
    OrderFull,
    OrderResponse,
    OrderResult,
    Ticker24h,
    UnknownFilter,
)

from . import jsontext
from .converter import Dialect, own_fields
from .jsontext import Json

T = TypeVar("T")

_HUGE = 1_000_000
_FILTERS: Mapping[Json, type[Model]] = {kind.filter_type.value: kind for kind in KNOWN_FILTERS}

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


def _tag_of(cls: type[Model]) -> tuple[str, str] | None:
    return ("filterType", cls.filter_type.value) if issubclass(cls, KNOWN_FILTERS) else None


def _order_response(value: dict[str, Json]) -> type[Model]:
    if "fills" in value:
        return OrderFull
    return OrderResult if "status" in value else OrderAck


_DIALECT = Dialect(_name_of, _tag_of)
_DIALECT.rows(Kline)
_DIALECT.union(Filter, lambda value: _FILTERS.get(value.get("filterType"), UnknownFilter))
_DIALECT.union(OrderResponse, _order_response)
_DIALECT.union(AnyTicker24h, lambda value: Ticker24h if "priceChange" in value else MiniTicker24h)


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
