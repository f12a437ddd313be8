"""The market streams: frames are cut, letters become words, and whatever is unknown survives."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._codec.frames import AGG, CANDLE, EXAMPLES, KLINE, MINI, PARTIAL, SHUTDOWN, TRADE, check, frame, text
from trio_binance._codec import letters, stream
from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance.errors import DecodeError
from trio_binance.models import (
    NO_EXTRA,
    BookTickerEvent,
    KlineInterval,
    Level,
    Model,
    PartialDepthEvent,
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


# --------------------------------------------------------------------------------------- documents and recordings


def test_every_stream_of_the_documents_is_known_or_survives(spec: Path) -> None:
    facts = json.loads((spec / "streams.json").read_text())
    kinds = {cls: wire[1] for cls, wire in letters.TAGS.items()}
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
