"""Market streams: frames to events and back; examples, documents, recordings, and the limits of the hot path."""

from __future__ import annotations

import gzip
import inspect
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._codec import stream
from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance.errors import DecodeError
from trio_binance.models import (
    NO_EXTRA,
    AggTradeEvent,
    AvgPriceEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    KlineInterval,
    Level,
    MiniTickerEvent,
    Model,
    PartialDepthEvent,
    ServerShutdownEvent,
    TickerEvent,
    TradeEvent,
    UnknownEvent,
)

AGG = {"e": "aggTrade", "E": 1672515782136, "s": "BNBBTC", "a": 12345, "p": "0.001", "q": "100", "f": 100, "l": 105}
AGG |= {"T": 1672515782136, "m": True, "M": True}
TRADE = {"e": "trade", "E": 1, "s": "BNBBTC", "t": 5, "p": "0.001", "q": "100.50", "T": 2, "m": True, "M": False}
BOOK = {"u": 400900217, "s": "BNBUSDT", "b": "25.35190000", "B": "31.2", "a": "25.36520000", "A": "40.66000000"}
DEPTH = {"e": "depthUpdate", "E": 1, "s": "BNBBTC", "U": 157, "u": 160, "b": [["0.0024", "10.0"]], "a": []}
PARTIAL = {"lastUpdateId": 160, "bids": [["0.0024", "10.0"], ["0.0023", "1.0"]], "asks": [["0.0026", "100.00"]]}
CANDLE = {"t": 1672515780000, "T": 1672515839999, "s": "BNBBTC", "i": "1m", "f": 100, "L": 200, "o": "0.0010"}
CANDLE |= {"c": "0.0020", "h": "0.0025", "l": "0.0015", "v": "1000", "n": 100, "x": False, "q": "1.0000", "V": "500"}
CANDLE |= {"Q": "0.500", "B": "123456"}
KLINE = {"e": "kline", "E": 1672515782136, "s": "BNBBTC", "k": CANDLE}
MINI = {
    "e": "24hrMiniTicker",
    "E": 1,
    "s": "A",
    "c": "0.0025",
    "o": "0.0010",
    "h": "0.0025",
    "l": "0.0010",
    "v": "1",
    "q": "18",
}
TICKER = {
    "e": "24hrTicker",
    "E": 1,
    "s": "A",
    "p": "0.0015",
    "P": "250.00",
    "w": "0.0018",
    "x": "0.0009",
    "c": "0.0025",
}
TICKER |= {"Q": "10", "b": "0.0024", "B": "10", "a": "0.0026", "A": "100", "o": "0.0010", "h": "0.0025", "l": "0.0010"}
TICKER |= {"v": "10000", "q": "18", "O": 0, "C": 86400000, "F": 0, "L": 18150, "n": 18151}
AVERAGE = {"e": "avgPrice", "E": 1693907033000, "s": "BTCUSDT", "i": "5m", "w": "25776.86000000", "T": 1693907032213}
SHUTDOWN = {"e": "serverShutdown", "E": 1770123456789}

EXAMPLES: list[tuple[str, dict[str, Any], type[Model]]] = [
    ("btcusdt@aggTrade", AGG, AggTradeEvent),
    ("btcusdt@trade", TRADE, TradeEvent),
    ("btcusdt@bookTicker", BOOK, BookTickerEvent),
    ("btcusdt@depth", DEPTH, DepthUpdateEvent),
    ("btcusdt@depth@100ms", DEPTH, DepthUpdateEvent),
    ("btcusdt@depth5", PARTIAL, PartialDepthEvent),
    ("btcusdt@depth20@100ms", PARTIAL, PartialDepthEvent),
    ("btcusdt@kline_1m", KLINE, KlineEvent),
    ("btcusdt@kline_1M@+08:00", KLINE, KlineEvent),
    ("btcusdt@miniTicker", MINI, MiniTickerEvent),
    ("btcusdt@ticker", TICKER, TickerEvent),
    ("btcusdt@avgPrice", AVERAGE, AvgPriceEvent),
    ("!serverShutdown", SHUTDOWN, ServerShutdownEvent),
]


def text(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def frame(name: str, body: object) -> bytes:
    return b'{"stream":"%b","data":%b}' % (name.encode(), text(body))


def check(decode: stream.Decoder, body: Any) -> Any:
    event = decode(text(body))
    assert stream.unstructure(event) == body
    return event


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


def test_a_candle_is_inside_its_event() -> None:
    decode = decoder_for("bnbbtc@kline_1m")
    for interval, closed in (("1m", False), ("3m", True), ("9m", False), ("1m", True)):
        candle = check(decode, {**KLINE, "k": {**CANDLE, "i": interval, "x": closed}}).candle
        assert candle.interval == KlineInterval(interval)
        assert candle.interval.is_known is (interval != "9m")
        assert candle.is_closed is closed


def test_all_mini_tickers_are_a_tuple() -> None:
    decode = decoder_for("!miniTicker@arr")
    events = check(decode, [MINI, {**MINI, "s": "币安人生USDT", "new": 1}])
    assert isinstance(events, tuple)
    assert [event.symbol for event in events] == ["A", "币安人生USDT"]
    assert events[1].extra == {"new": 1}
    with pytest.raises(DecodeError) as caught:
        decode(text([MINI, {**MINI, "c": "x"}]))
    assert caught.value.path == "[1].close_price"


@pytest.mark.parametrize(
    "name", ["x@referencePrice", "x@blockTrade", "x@depthx", "x", "", "!ticker@arr", "x@kline_", "x@trade2"]
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
    for name in ("x@trade", "x@bookTicker", "x@news"):
        assert check(decoder_for(name), SHUTDOWN) == ServerShutdownEvent(1770123456789)


def test_a_word_with_digits_is_compared_digit_by_digit() -> None:
    decode = decoder_for("x@ticker")
    check(decode, TICKER)
    assert type(check(decode, {**TICKER, "e": "25hrTicker"})) is UnknownEvent
    assert type(check(decode, TICKER)) is TickerEvent


# --------------------------------------------------------------------------------------------------- the hot path


def known(decode: Any) -> dict[bytes, Any]:
    """Return the skeletons that a decoder remembers."""
    found: dict[bytes, Any] = inspect.getclosurevars(decode).nonlocals["known"]
    return found


@pytest.mark.parametrize("name,body,kind", EXAMPLES[:-1])
def test_the_second_message_is_read_quickly(
    monkeypatch: pytest.MonkeyPatch, name: str, body: dict[str, Any], kind: type[Model]
) -> None:
    decode = decoder_for(name)
    expected = decode(text(body))
    monkeypatch.setattr(stream, "_plain_event", None)
    assert decode(text(body)) == expected


def test_levels_of_any_number_have_one_skeleton(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decoder_for("x@depth")
    check(decode, {**DEPTH, "b": [["1.0", "2.0"]], "a": [["1.0", "2.0"]]})
    monkeypatch.setattr(stream, "_plain_event", None)
    for count in (1, 2, 5, 500):
        rows = [[f"{row}.50", "7.00"] for row in range(count)]
        event = check(decode, {**DEPTH, "b": rows, "a": rows[:1]})
        assert len(event.bids) == count


def test_a_new_field_is_kept_and_costs_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decoder_for("x@aggTrade")
    for body in (AGG, {**AGG, "nq": "12.3", "X": {"deep": [1, 1.5]}}, AGG):
        decode(text(body))
    monkeypatch.setattr(stream, "_plain_event", None)
    event: Any = decode(text({**AGG, "nq": "4.56", "X": {"deep": [7, 2.5]}}))
    assert event.extra == {"nq": "4.56", "X": {"deep": [7, Decimal("2.5")]}}
    plain: Any = decode(text(AGG))
    assert plain.extra is NO_EXTRA


def test_a_new_field_inside_a_candle_is_kept_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decoder_for("x@kline_1m")
    body = {**KLINE, "k": {**CANDLE, "nq": 5}, "zz": "1"}
    check(decode, body)
    monkeypatch.setattr(stream, "_plain_event", None)
    event = check(decode, {**KLINE, "k": {**CANDLE, "nq": 6}, "zz": "2"})
    assert (event.candle.extra, event.extra) == ({"nq": 6}, {"zz": "2"})


def test_a_field_that_vanishes_is_missed() -> None:
    decode = decoder_for("x@aggTrade")
    check(decode, AGG)
    with pytest.raises(DecodeError) as caught:
        decode(text({key: value for key, value in AGG.items() if key != "q"}))
    assert caught.value.path == "quantity"


def test_a_key_with_digits_is_not_taken_for_one_without() -> None:
    decode = decoder_for("x@aggTrade")
    check(decode, AGG)
    renamed = {("p1" if key == "p" else key): value for key, value in AGG.items()}
    with pytest.raises(DecodeError) as caught:
        decode(text(renamed))
    assert caught.value.path == "price"
    assert check(decode, {**AGG, "p1": 5}).extra == {"p1": 5}
    assert check(decode, {**AGG, "p2": 5}).extra == {"p2": 5}


def test_messages_that_always_differ_do_not_fill_the_memory() -> None:
    decode = decoder_for("x@aggTrade")
    for number in range(200):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        assert check(decode, {**AGG, "id": word}).extra == {"id": word}
    assert len(known(decode)) <= stream._MOST_SKELETONS


def test_a_longer_message_is_read_with_care_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of any length would pass msgspec: growth beyond a few digits is checked, then known."""
    decode = decoder_for("x@aggTrade")
    check(decode, AGG)
    grown = {**AGG, "p": "1" * 30 + ".5", "q": "2" * 30}
    check(decode, grown)
    monkeypatch.setattr(stream, "_plain_event", None)
    check(decode, grown)
    monkeypatch.undo()
    with pytest.raises(DecodeError) as caught:
        decode(text({**AGG, "p": "1" * 100 + ".5", "q": "2" * 100}))
    assert caught.value.path == "price"


def test_what_the_quick_way_reads_otherwise_is_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> stream.Event:
        raise msgspec.ValidationError("no")

    for reader in (refuse, lambda _: ServerShutdownEvent(1)):
        monkeypatch.setattr(stream, "_reader", lambda *_, reader=reader: reader)
        decode = decoder_for("x@aggTrade")
        for _again in range(2):
            check(decode, AGG)
        assert not known(decode)


@pytest.mark.parametrize("body", [{**AGG, "a": -5}, {**AGG, "p": "-0.5"}, {**AGG, "q": 5}, {**AGG, "s": 'a\\"b'}])
def test_a_message_that_settles_no_form_is_read_with_care_each_time(body: dict[str, object]) -> None:
    decode = decoder_for("x@aggTrade")
    for _again in range(2):
        event: Any = decode(text(body))
        assert event.quantity == Decimal(str(body["q"]))
    assert not known(decode)


def test_levels_without_a_point_are_read_with_care_each_time() -> None:
    decode = decoder_for("x@depth")
    for _again in range(2):
        check(decode, {**DEPTH, "b": [["1", "0"], ["2.0", "3"]]})
    assert not known(decode)


BAD = [
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "1e5",
    "1e999999",
    "1E5",
    " 1 ",
    "1_0",
    "",
    ".",
    "..",
    "1..2",
    "1.2.3",
    "１",
    "٣",
]
BAD += ["0x10", "+1", "--1", "1-", "1,5", "\u0000", "1\n"]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("name,body,_", [example for example in EXAMPLES if example[0] != "!serverShutdown"])
def test_a_text_that_is_no_plain_decimal_is_refused_cold_and_warm(
    name: str, body: dict[str, Any], _: object, warm: bool, bad: str
) -> None:
    for place in decimals_of(body):
        decode = decoder_for(name)
        if warm:
            decode(text(body))
            decode(text(replaced(body, place, "0.5")))
            decode(text(replaced(body, place, "5")))
        for escaped in (False, True):
            raw = json.dumps(replaced(body, place, bad), separators=(",", ":"), ensure_ascii=escaped).encode()
            with pytest.raises(DecodeError) as caught:
                decode(raw)
            assert caught.value.path


def decimals_of(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of the decimal texts of a message, two at most, the first and the last."""
    found: list[tuple[Any, ...]] = []
    for key, value in body.items() if isinstance(body, dict) else enumerate(body):
        if isinstance(value, dict | list):
            found += decimals_of(value, (*path, key))
        elif isinstance(value, str) and key not in ("e", "s", "i") and (*path, key) != ("k", "B"):
            found.append((*path, key))
    return [found[0], found[-1]] if len(found) > 2 else found


def replaced(body: Any, place: tuple[Any, ...], value: object) -> Any:
    if not place:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[place[0]] = replaced(copy[place[0]], place[1:], value)
    return copy


def test_an_exponent_number_is_bounded_cold_and_warm() -> None:
    raw = text(AGG).replace(b'"0.001"', b"1e%d")
    decode = decoder_for("x@aggTrade")
    event: Any = decode(raw % 5)
    assert event.price == Decimal("1E+5")
    for _again in range(2):
        with pytest.raises(DecodeError):
            decode(raw % 999999)
    extended = text(AGG)[:-1] + b',"x":1e%d}'
    event = decode(extended % 5)
    assert event.extra == {"x": Decimal("1E+5")}
    assert decode(extended % 5) == event
    with pytest.raises(DecodeError):
        decode(extended % 999999)


ALPHABET = st.sampled_from([*(b'0123456789.-_"eE+ \\uNa'.decode())])


@given(st.data())
def test_a_warm_decoder_says_what_a_cold_one_says(data: st.DataObject) -> None:
    """Whatever is done to a message, what was learned before changes neither the event nor the error.

    Only a point without a digit on one side ("15." or ".55") passes a warm decoder: an exact number all the same.
    """
    name, body, _ = data.draw(st.sampled_from(EXAMPLES[:12]))
    raw = text(body)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 3)))
    changed = raw[:start] + data.draw(st.text(ALPHABET, max_size=4)).encode() + raw[end:]
    warm = decoder_for(name)
    warm(raw)
    told, expected = outcome(warm, changed), outcome(decoder_for(name), changed)
    if told != expected:
        assert b'".' in changed or b'."' in changed
        assert isinstance(told, Model)
    assert outcome(warm, raw) == decoder_for(name)(raw)


def outcome(decode: stream.Decoder, raw: bytes) -> object:
    try:
        return decode(raw)
    except DecodeError as exc:
        return exc.path


# --------------------------------------------------------------------------------------- documents and recordings


def test_every_stream_of_the_documents_is_known_or_survives(spec: Path) -> None:
    facts = json.loads((spec / "streams.json").read_text())
    kinds = {cls: wire[1] for cls, wire in stream._TAGS.items()}
    for row in facts["streams"]:
        for template in row["templates"]:
            name = template.replace("<symbol>", "bnbbtc").replace("<levels>", "5").replace("<interval>", "1m")
            if row["payload_is_array"]:
                continue
            event = check(decoder_for(name), row["example"]["body"])
            if not isinstance(event, UnknownEvent):
                assert not event.extra
                assert kinds.get(type(event)) == row["event_type"]
    (raw, combined) = [row["body"] for row in facts["server_shutdown"]["examples"]]
    assert check(decoder_for("!serverShutdown"), raw) == ServerShutdownEvent(1770123456789)
    assert split_combined(text(combined)) == ("!serverShutdown", text(combined["data"]))


SESSIONS = [
    "hftbacktest/ethusdt",
    "cryptofeed/r20210405",
    "cryptofeed/r20211012",
    "cryptofeed/us20210814",
    "cryptofeed/us20211012",
]


@pytest.mark.recordings
@pytest.mark.parametrize("session", SESSIONS)
def test_every_recorded_frame_survives_whole(recordings: Path, session: str) -> None:
    decoders: dict[str, stream.Decoder] = {}
    count = 0
    with gzip.open(recordings / f"{session}.session.jsonl.gz") as file:
        for line in file:
            record = msgspec.json.decode(line)
            if record["kind"] != "ws":
                continue
            raw = record["raw"].encode()
            name, data = split_combined(raw)
            decode = decoders.get(name) or decoders.setdefault(name, decoder_for(name))
            event: Any = decode(data)
            assert {"stream": name, "data": stream.unstructure(event)} == msgspec.json.decode(raw)
            assert not event.extra
            assert not isinstance(event, UnknownEvent)
            count += 1
    assert count > 200


def test_the_payloads_that_broke_peers_are_read(recordings: Path) -> None:
    cases = {
        row["id"]: row for row in map(json.loads, (recordings / "edge_cases/issues.jsonl").read_text().splitlines())
    }
    name, data = split_combined(cases["bookTicker-no-event-type"]["raw"].encode())
    assert isinstance(check(decoder_for(name), json.loads(data)), BookTickerEvent)
    assert isinstance(check(decoder_for("x@depth5"), json.loads(cases["partial-depth-raw"]["raw"])), PartialDepthEvent)
    assert split_combined(cases["stream-error"]["raw"].encode())[0] == ""
