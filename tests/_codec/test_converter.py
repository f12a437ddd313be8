"""Every model survives the way to its wire and back, whatever its values."""

from __future__ import annotations

import types
import typing
from decimal import Decimal
from typing import Any, get_args, get_origin

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_binance import models
from trio_binance._codec import jsontext, rest, stream, user
from trio_binance._codec.converter import own_fields
from trio_binance._codec.letters import NAMES
from trio_binance.models import (
    Extra,
    Levels,
    Model,
    OpenEnum,
    PartialDepthEvent,
    RollingTickerEvent,
    RollingWindow,
)

PLAIN = st.decimals(-(10**12), 10**12, allow_nan=False, places=8)
AMOUNTS = st.decimals(0, 10**12, places=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
EXTRA = st.dictionaries(st.text(st.characters(categories=["Ll"]), min_size=8, max_size=9), JSON, max_size=2).map(Extra)
SIMPLE: dict[object, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63), 2**63 - 1),
    str: st.text(max_size=8),
    bool: st.booleans(),
    Decimal: PLAIN,
    Levels: st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=4).map(Levels.of),
    object: JSON,
}

UNKNOWN: dict[type[Model], str] = {
    models.UnknownFilter: "filter_type",
    models.UnknownExecutionRule: "rule_type",
    models.UnknownCalculation: "calculation_type",
}
"""The field whose word none of the known models has."""


def values(kind: Any) -> st.SearchStrategy[Any]:
    if kind in SIMPLE:
        return SIMPLE[kind]
    if get_origin(kind) in (types.UnionType, typing.Union):
        return st.one_of(*[st.none() if part is type(None) else values(part) for part in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(values(get_args(kind)[0]), max_size=3).map(tuple)
    if issubclass(kind, OpenEnum):
        return st.sampled_from(list(kind)) | st.text(max_size=5).map(kind)
    fields = {field.name: values(field.type) for field in own_fields(kind)}
    if kind in UNKNOWN:
        fields[UNKNOWN[kind]] = st.just("NEW_WORD")
    # A candle of REST is an array: what follows its twelfth value is named by its place.
    extra = st.just(models.NO_EXTRA) if kind is models.Kline else EXTRA
    return st.builds(kind, **fields, extra=extra)


EVERY = {found for found in vars(models).values() if isinstance(found, type) and issubclass(found, Model)} - {Model}
OF_STREAMS = {*NAMES, models.UnknownEvent}
OF_ACCOUNTS = {*user._NAMES, models.UnknownUserEvent}
BOTH = {models.Balance, models.ListedOrder}
REST = sorted(EVERY - OF_STREAMS - OF_ACCOUNTS | BOTH, key=lambda kind: kind.__name__)
"""Every model that is no event is one of REST and of the WebSocket API: a new one is tried as soon as it is there."""

UNIONS: dict[str, Any] = {
    "Filter": models.Filter,
    "ExecutionRule": models.ExecutionRule,
    "ReferencePriceCalculation": models.ReferencePriceCalculation,
    "OrderResponse": models.OrderResponse,
    "CancelResponse": models.CancelResponse,
    "CancelHalf": models.CancelHalf,
    "NewOrderHalf": models.NewOrderHalf,
    "AnyTicker24h": models.AnyTicker24h,
    "AnyWindowTicker": models.AnyWindowTicker,
}


@settings(max_examples=8)
@given(st.data())
@pytest.mark.parametrize("kind", REST)
def test_every_model_of_rest_survives(kind: type[Model], data: st.DataObject) -> None:
    model = data.draw(values(kind))
    raw = jsontext.encode(rest.unstructure(model))
    found = rest.structure(raw, kind)
    assert found == model
    assert rest.unstructure(found) == jsontext.decode(raw)


@settings(max_examples=25)
@given(st.data())
@pytest.mark.parametrize("name", UNIONS)
def test_every_union_of_rest_is_told_by_its_shape(name: str, data: st.DataObject) -> None:
    model = data.draw(values(UNIONS[name]))
    found = rest.structure(jsontext.encode(rest.unstructure(model)), UNIONS[name])
    assert found == model
    assert type(found) is type(model)


@settings(max_examples=15)
@given(st.data())
@pytest.mark.parametrize("kind", [kind for kind in user._NAMES if kind not in (models.Balance, models.ListedOrder)])
def test_every_event_of_the_account_survives(kind: type[Any], data: st.DataObject) -> None:
    model = data.draw(values(kind))
    assert user.decode(jsontext.encode(user.unstructure(model))) == model


STREAMS = {
    models.TradeEvent: "x@trade",
    models.AggTradeEvent: "x@aggTrade",
    models.BookTickerEvent: "x@bookTicker",
    models.DepthUpdateEvent: "x@depth",
    models.PartialDepthEvent: "x@depth10",
    models.KlineEvent: "x@kline_1s",
    models.MiniTickerEvent: "x@miniTicker",
    models.TickerEvent: "x@ticker",
    models.RollingTickerEvent: "x@ticker_4h",
    models.AvgPriceEvent: "x@avgPrice",
    models.ReferencePriceEvent: "x@referencePrice",
    models.BlockTradeEvent: "x@blockTrade",
    models.ServerShutdownEvent: "!serverShutdown",
}


@settings(max_examples=15)
@given(st.data())
@pytest.mark.parametrize("kind", STREAMS)
def test_every_event_of_a_stream_survives_with_one_decoder(kind: type[Any], data: st.DataObject) -> None:
    decode = stream.decoder_for(STREAMS[kind])
    for model in data.draw(st.lists(values(kind), min_size=1, max_size=4)):
        if isinstance(model, PartialDepthEvent):
            model = attrs.evolve(model, symbol="X")
        if isinstance(model, RollingTickerEvent):
            model = attrs.evolve(model, window=RollingWindow.HOUR_4)
        raw = jsontext.encode(stream.unstructure(model))
        assert decode(raw) == decode(raw) == model


RECOVERED = {
    models.RecoveredTradeEvent: models.TradeEvent,
    models.RecoveredAggTradeEvent: models.AggTradeEvent,
    models.RecoveredKlineEvent: models.KlineEvent,
}


@settings(max_examples=15)
@given(st.data())
@pytest.mark.parametrize("kind", RECOVERED.values())
def test_what_was_asked_for_is_written_as_if_it_had_come(kind: type[Any], data: st.DataObject) -> None:
    came = data.draw(values(kind))
    fields = {field.name: getattr(came, field.name) for field in attrs.fields(kind)}
    [asked_for] = [recovered(**fields) for recovered, base in RECOVERED.items() if base is kind]
    assert stream.unstructure(asked_for) == stream.unstructure(came)
    assert (asked_for.recovered, came.recovered) == (True, False)
    assert isinstance(asked_for, kind)
    assert asked_for != came


def test_every_event_has_been_tried() -> None:
    """An event that is added to a table of names and to no test here would slip through."""
    assert {*STREAMS, *RECOVERED, models.Candle, models.UnknownEvent} == OF_STREAMS
    assert OF_STREAMS | OF_ACCOUNTS | {*REST} == EVERY
