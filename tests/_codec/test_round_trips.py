"""Round trips: every model to its wire and back, digit for digit, and every message of the wire to its model and back.

The classes are those that the package defines: a new model is covered, or fails here, from the day it is written.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import trio_binance.models
from tests.strategies.models import every_model, every_union, json_values, models, texts
from trio_binance._codec import kinds, letters, rest, stream, user
from trio_binance._codec.converter import Dialect, own_fields
from trio_binance._codec.jsontext import Json
from trio_binance.models import (
    AggTradeEvent,
    AvgPriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    MiniTickerEvent,
    Model,
    OrderListAck,
    OrderListFull,
    OrderListResult,
    PartialDepthEvent,
    ReferencePriceEvent,
    RollingTickerEvent,
    RollingWindow,
    ServerShutdownEvent,
    StreamEvent,
    TickerEvent,
    TradeEvent,
    UnknownEvent,
    UnknownUserEvent,
    UserEvent,
)

some = settings(
    # A quarter of the usual examples for each of some hundred classes, which are made of the same few fields.
    max_examples=max(settings().max_examples // 4, 1),
    phases=[phase for phase in Phase if phase is not Phase.explain],
)

# ---------------------------------------------------------------------------------------------------------- the wire


def text_of(value: object) -> str:
    """Return the JSON text of parsed values, compact as the exchange writes it; a Decimal is a bare number."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{text_of(str(key))}:{text_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def digits_of(text: str) -> Any:
    """Return what a JSON text says, every number as it is written: equal only where every digit is."""
    return json.loads(text, parse_float=lambda number: ("number", number), parse_int=lambda number: ("number", number))


def upside_down(value: Json) -> Json:
    """Return the same with the fields of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: upside_down(item) for key, item in reversed(value.items())}
    return [upside_down(item) for item in value] if isinstance(value, list) else value


# -------------------------------------------------------------------------------------------------- who is on which

_EVENTS = (*get_args(StreamEvent), *get_args(UserEvent))
ON_REST = [cls for cls in every_model() if cls not in {*letters.NAMES, *_EVENTS}]
ON_STREAMS = [cls for cls in get_args(StreamEvent) if isinstance(cls, type) and cls is not UnknownEvent]
OF_USERS = [cls for cls in get_args(UserEvent) if cls is not UnknownUserEvent]

STREAMS: dict[type[Model], tuple[str, dict[str, Any]]] = {
    AggTradeEvent: ("btcusdt@aggTrade", {}),
    TradeEvent: ("btcusdt@trade", {}),
    BlockTradeEvent: ("btcusdt@blockTrade", {}),
    BookTickerEvent: ("btcusdt@bookTicker", {}),
    DepthUpdateEvent: ("btcusdt@depth@100ms", {}),
    PartialDepthEvent: ("btcusdt@depth5", {"symbol": "BTCUSDT"}),
    KlineEvent: ("btcusdt@kline_1m", {}),
    MiniTickerEvent: ("btcusdt@miniTicker", {}),
    TickerEvent: ("btcusdt@ticker", {}),
    RollingTickerEvent: ("btcusdt@ticker_1h", {"window": RollingWindow("1h")}),
    AvgPriceEvent: ("btcusdt@avgPrice", {}),
    ReferencePriceEvent: ("btcusdt@referencePrice", {}),
    ServerShutdownEvent: ("!serverShutdown", {}),
}
"""A stream of each kind of event, and the fields that its name settles."""


def event_of(cls: type[Model]) -> st.SearchStrategy[Any]:
    return models(cls, **{name: st.just(value) for name, value in STREAMS[cls][1].items()})


def test_every_model_is_on_some_wire() -> None:
    inside = {cls for cls in letters.NAMES if cls not in _EVENTS}
    assert {*ON_REST, *_EVENTS, *inside} >= {*every_model()}
    assert {*STREAMS} == {*ON_STREAMS}
    assert {cls for cls in every_model() if getattr(trio_binance.models, cls.__name__, None) is not cls} == set()


# -------------------------------------------------------------------------------------------------------- REST


@pytest.mark.parametrize("cls", ON_REST)
@some
@given(data=st.data())
def test_a_result_survives_the_wire_and_the_wire_survives_the_result(cls: type[Model], data: st.DataObject) -> None:
    model = data.draw(models(cls))
    wire = rest.unstructure(model)
    text = text_of(wire)
    found = rest.structure(text.encode(), cls)
    assert found == model
    assert text_of(rest.unstructure(found)) == text
    turned = text_of(upside_down(wire))
    assert digits_of(text_of(rest.unstructure(rest.structure(turned.encode(), cls)))) == digits_of(turned)


REST_UNIONS = {
    name: kinds
    for name, kinds in every_union().items()
    # The parameters of the request tell which of "Replaced" the answer is.
    if {*kinds} <= {*ON_REST} and name != "Replaced"
}


def test_unions_of_results_are_found() -> None:
    assert {"Filter", "ExecutionRule", "OrderResponse", "OrderListResponse", "AnyTicker24h"} <= {*REST_UNIONS}


@pytest.mark.parametrize("name", REST_UNIONS)
@some
@given(data=st.data())
def test_the_wire_tells_which_of_a_union_it_is(name: str, data: st.DataObject) -> None:
    model = data.draw(st.one_of([models(cls) for cls in REST_UNIONS[name]]))
    # A list of orders tells by its reports what was asked for: without a report it says nothing.
    assume(not isinstance(model, OrderListAck | OrderListResult | OrderListFull) or model.order_reports)
    wire = text_of(rest.unstructure(model)).encode()
    found = rest.structure(wire, getattr(trio_binance.models, name))
    assert type(found) is type(model)
    assert found == model


# ----------------------------------------------------------------------------------------------------- market streams


@pytest.mark.parametrize("cls", ON_STREAMS)
@some
@given(data=st.data())
def test_an_event_survives_its_stream_and_the_stream_its_event_at_any_speed(
    cls: type[Model], data: st.DataObject
) -> None:
    events = data.draw(st.lists(event_of(cls), min_size=1, max_size=3))
    decode = stream.decoder_for(STREAMS[cls][0])
    texts = [text_of(stream.unstructure(event)) for event in events]
    # The second time a message is read as it was learned, and so are others that look like it.
    for text, event in (*zip(texts, events, strict=True), *zip(texts, events, strict=True)):
        found = decode(text.encode())
        assert type(found) is cls
        assert found == event
        assert text_of(stream.unstructure(found)) == text


@pytest.mark.parametrize("cls", ON_STREAMS)
@some
@given(data=st.data())
def test_the_order_of_an_event_s_fields_does_not_matter(cls: type[Model], data: st.DataObject) -> None:
    event = data.draw(event_of(cls))
    turned = text_of(upside_down(stream.unstructure(event)))
    decode = stream.decoder_for(STREAMS[cls][0])
    for _ in range(2):
        found = decode(turned.encode())
        assert found == event
        assert digits_of(text_of(stream.unstructure(found))) == digits_of(turned)


ARRAYS: dict[str, tuple[type[Model], dict[str, Any]]] = {
    "!miniTicker@arr": (MiniTickerEvent, {}),
    "!ticker_4h@arr": (RollingTickerEvent, {"window": RollingWindow("4h")}),
}


@pytest.mark.parametrize("name", ARRAYS)
@some
@given(data=st.data())
def test_an_array_of_events_survives_its_stream(name: str, data: st.DataObject) -> None:
    cls, settled = ARRAYS[name]
    one = models(cls, **{field: st.just(value) for field, value in settled.items()})
    events = data.draw(st.lists(one, max_size=3).map(tuple))
    decode = stream.decoder_for(name)
    text = text_of(stream.unstructure(events))
    for _ in range(2):
        found = decode(text.encode())
        assert found == events
        assert text_of(stream.unstructure(found)) == text


@given(name=texts.filter(lambda name: kinds.kind_of(name) is None), payload=json_values)
def test_what_no_model_is_made_for_survives_its_stream(name: str, payload: Any) -> None:
    assume(not isinstance(payload, dict) or payload.get("e") != "serverShutdown")
    text = text_of(payload)
    found = stream.decoder_for(name)(text.encode())
    assert type(found) is UnknownEvent
    assert (found.stream, found.payload) == (name, payload)
    assert text_of(stream.unstructure(found)) == text


# ---------------------------------------------------------------------------------------------------------- user data


@pytest.mark.parametrize("cls", OF_USERS)
@some
@given(data=st.data())
def test_an_event_of_the_account_survives_the_wire_and_the_wire_survives_the_event(
    cls: type[Model], data: st.DataObject
) -> None:
    event = data.draw(models(cls))
    wire = user.unstructure(event)
    text = text_of(wire)
    found = user.decode(text.encode())
    assert type(found) is cls
    assert found == event
    assert text_of(user.unstructure(found)) == text
    turned = text_of(upside_down(wire))
    assert digits_of(text_of(user.unstructure(user.decode(turned.encode())))) == digits_of(turned)


@given(event=models(UnknownUserEvent))
def test_an_event_of_the_account_that_no_model_is_made_for_survives(event: UnknownUserEvent) -> None:
    assume(event.event_type not in {"executionReport", "balanceUpdate"})
    text = text_of(user.unstructure(event))
    found = user.decode(text.encode())
    assert found == event
    assert text_of(user.unstructure(found)) == text


# --------------------------------------------------------------------------------------------------- absent and null


def nulls_of(dialect: Dialect, cls: type[Model]) -> set[str]:
    """Return the names on the wire of what may be absent."""
    return {dialect.name_of(cls, field.name) for field in own_fields(cls) if field.default is None}


@pytest.mark.parametrize("cls", [cls for cls in ON_REST if nulls_of(rest._DIALECT, cls)])
@some
@given(data=st.data())
def test_a_null_in_the_place_of_what_may_be_absent_is_kept(cls: type[Model], data: st.DataObject) -> None:
    wire = rest.unstructure(data.draw(models(cls)))
    nulls = data.draw(st.sets(st.sampled_from(sorted(nulls_of(rest._DIALECT, cls))), min_size=1))
    text = text_of(wire | dict.fromkeys(nulls))
    found = rest.structure(text.encode(), cls)
    assert {name for name in nulls if name in found.extra} == nulls
    assert digits_of(text_of(rest.unstructure(found))) == digits_of(text)
