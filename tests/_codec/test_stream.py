"""The market streams: frames are cut, letters become words, and whatever is unknown survives."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._codec.frames import (
    AGG,
    ARRAYS,
    BLOCK,
    CANDLE,
    EXAMPLES,
    KLINE,
    MINI,
    PARTIAL,
    REFERENCE,
    ROLLING,
    SHUTDOWN,
    TRADE,
    check,
    frame,
    text,
)
from trio_binance._codec import stream
from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance.errors import DecodeError
from trio_binance.models import (
    NO_EXTRA,
    BlockTradeEvent,
    KlineInterval,
    Level,
    Model,
    ReferencePriceEvent,
    RollingWindow,
    ServerShutdownEvent,
    UnknownEvent,
)

# ------------------------------------------------------------------------------------------------------ the frame


@pytest.mark.parametrize("name,body,_", EXAMPLES)
def test_a_frame_is_cut(name: str, body: object, _: object) -> None:
    for _again in range(2):
        assert split_combined(frame(name, body)) == (name, text(body))


@pytest.mark.parametrize(
    "raw,name,data",
    [
        (b'{"data":{"a":1},"stream":"x@trade"}', "x@trade", b'{"a":1}'),
        (b' { "stream" : "x@trade" , "data" : {"a":1} } ', "x@trade", b'{"a":1}'),
        (b'{"stream":"x@trade","data":{"a":1},"more":{"b":2}}', "x@trade", b'{"a":1}'),
        (b'{"stream":"x@trade","data":{"a":{}},"more":1}', "x@trade", b'{"a":{}}'),
        (b'{"stream":"x@trade","data":{"a":"}"}}', "x@trade", b'{"a":"}"}'),
        (b'{"stream":"x@trade","data":{"a":{"b":1},"c":2}}', "x@trade", b'{"a":{"b":1},"c":2}'),
        (b'{"stream":"!miniTicker@arr","data":[{"a":1},{"a":2}]}', "!miniTicker@arr", b'[{"a":1},{"a":2}]'),
        (b'{"stream":"\\u0078@trade","data":{"a":1}}', "x@trade", b'{"a":1}'),
        ('{"stream":"币安人生usdt@trade","data":{"a":1}}'.encode(), "币安人生usdt@trade", b'{"a":1}'),
        (b'{"stream":"x@trade","stream":"y@trade","data":{"a":1}}', "y@trade", b'{"a":1}'),
    ],
)
def test_a_frame_of_another_shape_is_parsed(raw: bytes, name: str, data: bytes) -> None:
    for _again in range(2):
        assert split_combined(raw) == (name, data)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"result":null,"id":1}',
        b'{"error":{"code":2,"msg":"x"},"id":5}',
        b'{"stream":"","data":{}}',
        b'{"stream":"x"}',
    ],
)
def test_a_frame_of_no_stream_is_handed_back(raw: bytes) -> None:
    assert split_combined(raw) == ("", raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"stream":"x@trade","data":{"a":1}',
        b'{"stream":5,"data":{}}',
        b'{"stream":"\xff","data":{}}',
    ],
)
def test_what_is_no_frame_is_refused(raw: bytes) -> None:
    split_combined(b'{"stream":"x@trade","data":{"a":1}}')
    with pytest.raises(DecodeError):
        split_combined(raw)


def test_ever_new_names_do_not_fill_the_memory() -> None:
    for number in range(stream._MOST_HEADS + 2):
        split_combined(frame(f"x{number}@trade", {"a": 1}))
    assert len(stream._names) <= stream._MOST_HEADS


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.dictionaries(st.text(), st.text())))
def test_whatever_the_data_the_cut_is_that_of_a_parser(body: dict[str, object]) -> None:
    raw = json.dumps({"stream": "x@trade", "data": body}, separators=(",", ":"), ensure_ascii=False).encode()
    name, data = split_combined(raw)
    assert name == "x@trade"
    assert json.loads(data) == body


# ------------------------------------------------------------------------------------------------------ the events


@pytest.mark.parametrize("name,body,kind", EXAMPLES)
def test_an_event_survives_whole_slowly_and_quickly(name: str, body: dict[str, Any], kind: type[Model]) -> None:
    decode = decoder_for(name)
    first = check(decode, body)
    assert type(first) is kind
    assert first.extra is NO_EXTRA
    second = check(decode, body)
    assert second == first
    assert type(second) is kind
    assert hash(second) == hash(first)
    assert second.extra is NO_EXTRA
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        second.extra = {}


def test_an_aggregate_trade_has_words_for_letters() -> None:
    event = check(decoder_for("bnbbtc@aggTrade"), AGG)
    assert (event.agg_trade_id, event.first_trade_id, event.last_trade_id) == (12345, 100, 105)
    assert (event.price, event.quantity, event.is_buyer_maker) == (Decimal("0.001"), Decimal(100), True)


def test_partial_depth_takes_its_symbol_from_the_name() -> None:
    decode = decoder_for("bnbbtc@depth5@100ms")
    for _again in range(2):
        event = check(decode, PARTIAL)
        assert event.symbol == "BNBBTC"
        assert event.bids[1] == Level(Decimal("0.0023"), Decimal(1))


def test_a_field_of_the_name_of_one_that_is_given_is_an_unknown_one() -> None:
    decode = decoder_for("bnbbtc@depth5")
    for _again in range(2):
        event = check(decode, {**PARTIAL, "symbol": "other", "@": 1, "@x": 2})
        assert (event.symbol, event.extra) == ("BNBBTC", {"symbol": "other", "@": 1, "@x": 2})


def test_a_word_where_none_is_expected_is_an_unknown_field() -> None:
    assert check(decoder_for("bnbbtc@depth5"), {**PARTIAL, "e": "depth"}).extra == {"e": "depth"}


def test_a_candle_is_inside_its_event() -> None:
    decode = decoder_for("bnbbtc@kline_1m")
    for interval, closed in (("1m", False), ("3m", True), ("9m", False), ("1m", True)):
        candle = check(decode, {**KLINE, "k": {**CANDLE, "i": interval, "x": closed}}).candle
        assert candle.interval == KlineInterval(interval)
        assert candle.interval.is_known is (interval != "9m")
        assert candle.is_closed is closed


TIMES = ("E", "T", "t", "O", "C")


def in_microseconds(body: dict[str, Any]) -> dict[str, Any]:
    """Return a message with its times a thousand times as large: ``timeUnit=MICROSECOND``."""
    return {
        key: in_microseconds(value)
        if isinstance(value, dict)
        else value * 1000 + 789
        if key in TIMES and type(value) is int and value > 10**12
        else value
        for key, value in body.items()
    }


@pytest.mark.parametrize("name,body,kind", EXAMPLES)
def test_an_event_is_as_exact_in_microseconds(name: str, body: dict[str, Any], kind: type[Model]) -> None:
    decode = decoder_for(name)
    for told in (body, in_microseconds(body), body, in_microseconds(body)):
        event = check(decode, told)
        assert type(event) is kind
        assert not event.extra


def test_a_reference_price_may_be_none() -> None:
    decode = decoder_for("bazusd@referencePrice")
    for price in ("1.00", None, "1.01", None):
        event = check(decode, {**REFERENCE, "r": price})
        assert event == ReferencePriceEvent("BAZUSD", None if price is None else Decimal(price), 1770313263917)
        assert not event.extra
    with pytest.raises(DecodeError, match="missing") as caught:
        decode(text({"e": "referencePrice", "s": "BAZUSD", "t": 1}))
    assert caught.value.path == "reference_price"


def test_a_block_trade_has_ids_of_its_own() -> None:
    event = check(decoder_for("bnbbtc@blockTrade"), BLOCK)
    assert event == BlockTradeEvent(1772506983582, "BNBBTC", 582, Decimal("0.052"), Decimal("58.38"), 3, True)


@pytest.mark.parametrize("window", ["1h", "4h", "1d", "12h"])
def test_a_rolling_ticker_knows_its_window_that_of_tomorrow_too(window: str) -> None:
    decode = decoder_for(f"bnbbtc@ticker_{window}")
    for change in ("-0.0015", "0.0015", "-12.5"):
        event = check(decode, {**ROLLING, "e": f"{window}Ticker", "p": change})
        assert (event.window, event.price_change) == (RollingWindow(window), Decimal(change))
        assert event.window.is_known is (window != "12h")
        assert not event.extra


def test_a_ticker_of_another_window_survives_as_unknown() -> None:
    decode = decoder_for("bnbbtc@ticker_1h")
    for body in (ROLLING, {**ROLLING, "e": "4hTicker"}, {**ROLLING, "e": "2hTicker"}):
        assert (type(check(decode, body)) is UnknownEvent) is (body is not ROLLING)


@pytest.mark.parametrize("name,body,kind", ARRAYS)
def test_all_symbols_at_once_are_a_tuple(name: str, body: dict[str, Any], kind: type[Model]) -> None:
    decode = decoder_for(name)
    for _again in range(2):
        events = check(decode, [body, {**body, "s": "币安人生USDT", "new": 1}])
        assert [type(event) for event in events] == [kind, kind]
        assert [event.symbol for event in events] == [body["s"], "币安人生USDT"]
        assert [event.extra for event in events] == [{}, {"new": 1}]
    assert check(decode, []) == ()


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("bad", ["x", "1-", "NaN", 5, None])
def test_what_does_not_fit_in_an_array_is_named_with_its_place(bad: object, warm: bool) -> None:
    decode = decoder_for("!miniTicker@arr")
    if warm:
        decode(text([MINI, {**MINI, "c": "5"}]))
    with pytest.raises(DecodeError) as caught:
        decode(text([MINI, {**MINI, "c": bad}]) if bad != 5 else text([MINI, {**MINI, "c": True}]))
    assert caught.value.path == "[1].close_price"


@pytest.mark.parametrize("body", [[MINI, {**MINI, "e": "news"}], [MINI, SHUTDOWN], [5], [[]], {"e": "news"}, 5, None])
def test_an_array_of_something_else_survives_whole(body: Any) -> None:
    decode = decoder_for("!miniTicker@arr")
    check(decode, [MINI])
    assert check(decode, body) == UnknownEvent("!miniTicker@arr", "news" if isinstance(body, dict) else None, body)


@pytest.mark.parametrize("raw", [b"", b"[", b"[1", b'[{"a":\xff}]', b"[" * 100_000])
def test_an_array_that_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        decoder_for("!miniTicker@arr")(raw)


@pytest.mark.parametrize(
    "name",
    [
        "x@depthx",
        "x",
        "",
        "x@kline_",
        "x@trade2",
        "x@ticker_",
        "x@ticker_h1",
        "x@miniTicker@arr",
        "!ticker@arr",
        "!ticker_1h",
        "!ticker_@arr",
        "!ticker_h@arr",
        "!trade@arr",
        "!bookTicker",
    ],
)
def test_the_event_of_an_unknown_stream_survives(name: str) -> None:
    event = check(decoder_for(name), {"e": "news", "v": "1.0"})
    assert event == UnknownEvent(name, "news", {"e": "news", "v": "1.0"})


@pytest.mark.parametrize("body", [[1, 2], "x", 5, None, {"a": 1}, {"e": 5}])
def test_a_payload_of_another_shape_survives(body: object) -> None:
    assert check(decoder_for("x@trade"), body) == UnknownEvent("x@trade", None, body)


def test_an_unknown_event_in_a_known_stream_survives() -> None:
    decode = decoder_for("x@trade")
    check(decode, TRADE)
    assert check(decode, {**TRADE, "e": "trade2"}) == UnknownEvent("x@trade", "trade2", {**TRADE, "e": "trade2"})


def test_a_shutdown_is_heard_in_any_stream() -> None:
    for name in ("x@trade", "x@bookTicker", "x@ticker_1h", "x@news", "!miniTicker@arr", "!serverShutdown"):
        assert check(decoder_for(name), SHUTDOWN) == ServerShutdownEvent(1770123456789)
