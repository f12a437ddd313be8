"""The market streams' hot path: a decoder that has learned says what one that has not would say."""

from __future__ import annotations

import inspect
import json
import pickle
from copy import deepcopy
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._codec.frames import AGG, ARRAYS, CANDLE, DEPTH, EXAMPLES, KLINE, TICKER, check, text
from trio_binance._codec import stream
from trio_binance._codec.stream import decoder_for
from trio_binance.errors import DecodeError
from trio_binance.models import NO_EXTRA, Levels, Model, ServerShutdownEvent, StreamEvent, TickerEvent, UnknownEvent


def test_a_word_with_digits_is_compared_digit_by_digit() -> None:
    decode = decoder_for("x@ticker")
    check(decode, TICKER)
    assert type(check(decode, {**TICKER, "e": "25hrTicker"})) is UnknownEvent
    assert type(check(decode, TICKER)) is TickerEvent


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
    monkeypatch.setattr(stream, "event_of", None)
    assert decode(text(body)) == expected


def test_levels_of_any_number_have_one_skeleton(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decoder_for("x@depth")
    check(decode, {**DEPTH, "b": [["1.0", "2.0"]], "a": [["1.0", "2.0"]]})
    monkeypatch.setattr(stream, "event_of", None)
    for count in (1, 2, 5, 500):
        rows = [[f"{row}.50", "7.00"] for row in range(count)]
        event = check(decode, {**DEPTH, "b": rows, "a": rows[:1]})
        assert len(event.bids) == count


def test_a_new_field_is_kept_and_costs_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decoder_for("x@aggTrade")
    for body in (AGG, {**AGG, "nq": "12.3", "X": {"deep": [1, 1.5]}}, AGG):
        decode(text(body))
    monkeypatch.setattr(stream, "event_of", None)
    event: Any = decode(text({**AGG, "nq": "4.56", "X": {"deep": [7, 2.5]}}))
    assert event.extra == {"nq": "4.56", "X": {"deep": [7, Decimal("2.5")]}}
    plain: Any = decode(text(AGG))
    assert plain.extra is NO_EXTRA


def test_a_new_field_inside_a_candle_is_kept_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decoder_for("x@kline_1m")
    body = {**KLINE, "k": {**CANDLE, "nq": 5}, "zz": "1"}
    check(decode, body)
    monkeypatch.setattr(stream, "event_of", None)
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
    monkeypatch.setattr(stream, "event_of", None)
    check(decode, grown)
    monkeypatch.undo()
    with pytest.raises(DecodeError) as caught:
        decode(text({**AGG, "p": "1" * 100 + ".5", "q": "2" * 100}))
    assert caught.value.path == "price"


def test_what_the_quick_way_reads_otherwise_is_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> StreamEvent:
        raise msgspec.ValidationError("no")

    for reader in (refuse, lambda _: ServerShutdownEvent(1)):
        monkeypatch.setattr(stream, "_reader", lambda *_, reader=reader: reader)
        decode = decoder_for("x@aggTrade")
        for _again in range(2):
            check(decode, AGG)
        assert not known(decode)


@pytest.mark.parametrize("body", [{**AGG, "q": 5}, {**AGG, "s": 'a\\"b'}])
def test_a_message_that_settles_no_form_is_read_with_care_each_time(body: dict[str, object]) -> None:
    decode = decoder_for("x@aggTrade")
    for _again in range(2):
        event: Any = decode(text(body))
        assert event.quantity == Decimal(str(body["q"]))
    assert not known(decode)


def test_a_number_below_zero_is_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decoder_for("x@ticker")
    fallen = {**TICKER, "p": "-0.0015", "P": "-2.50", "F": -1}
    check(decode, fallen)
    monkeypatch.setattr(stream, "event_of", None)
    event = check(decode, {**fallen, "p": "-12.25"})
    assert (event.price_change, event.first_trade_id) == (Decimal("-12.25"), -1)


@pytest.mark.parametrize("bad", ["5-", "1-.5", ".-5", "--.5", "-.", "- .5"])
def test_a_sign_in_another_place_is_refused(bad: str) -> None:
    decode = decoder_for("x@ticker")
    for change in ("-0.5", "-5", "0.5", "5"):
        check(decode, {**TICKER, "p": change})
    with pytest.raises(DecodeError) as caught:
        decode(text({**TICKER, "p": bad}))
    assert caught.value.path == "price_change"


def test_a_sign_among_levels_is_read_with_care_each_time() -> None:
    decode = decoder_for("x@depth")
    for _again in range(2):
        check(decode, {**DEPTH, "b": [["-1.5", "2.0"]]})
    assert not known(decode)


def test_streams_of_a_kind_share_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder_for("x@aggTrade")(text(AGG))
    monkeypatch.setattr(stream, "_make_reader", None)
    decode = decoder_for("y@aggTrade")
    decode(text(AGG))
    monkeypatch.setattr(stream, "event_of", None)
    check(decode, AGG)


def test_ever_new_shapes_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_readers", {})
    monkeypatch.setattr(stream, "_MOST_READERS", 3)
    decode = decoder_for("x@aggTrade")
    for letter in "bcdgh":
        assert check(decode, {**AGG, letter: 5}).extra == {letter: 5}
        assert len(stream._readers) <= 3


@pytest.mark.parametrize("name,body,kind", ARRAYS)
def test_the_second_array_is_read_quickly_in_any_order(
    monkeypatch: pytest.MonkeyPatch, name: str, body: dict[str, Any], kind: type[Model]
) -> None:
    decode = decoder_for(name)
    rows = [{**body, "s": symbol, "o": price} for symbol in ("A", "1INCHUSDT", "币安") for price in ("1.5", "-1.5")]
    check(decode, rows)
    monkeypatch.setattr(stream, "event_of", None)
    events = check(decode, [{**row, "v": "123456"} for row in reversed(rows)] + rows[:2])
    assert {type(event) for event in events} == {kind}
    assert len(events) == 8


def test_levels_without_a_point_are_read_with_care_each_time() -> None:
    decode = decoder_for("x@depth")
    for _again in range(2):
        check(decode, {**DEPTH, "b": [["1", "0"], ["2.0", "3"]]})
    assert not known(decode)


@pytest.mark.parametrize(
    "rows",
    [
        '[["1.0","2.0"],[["1.0","2.0"],"1.0","2.0"]]',
        '[[["1.0","2.0"],"1.0","2.0"]]',
        '[["1.0","2.0"],["1.0","2.0"],]',
        '[["1.0","2.0"]["1.0","2.0"]]',
        '[["1.0","2.0"],["1.0"]]',
        '[["1.0","2.0","3.0"]]',
        '[["1.0","2.0"],[]]',
        '[["1.0",2.0]]',
        '[["1.","2.0"]]',
        f'[["1.0","{"1" * 65}.0"]]',
        '["1.0","2.0"]',
        '"1.0"',
        "1.0",
        "null",
    ],
)
def test_levels_of_any_other_form_are_refused_cold_and_warm(rows: str) -> None:
    for warm in (False, True):
        decode = decoder_for("x@depth")
        if warm:
            for levels in ([], [["1.0", "2.0"]], [["1.0", "2.0"]] * 3):
                check(decode, {**DEPTH, "b": levels})
        with pytest.raises(DecodeError):
            decode(text({**DEPTH, "b": "rows"}).replace(b'"rows"', rows.encode()))


def test_levels_stay_bytes_until_somebody_looks_and_can_be_taken_elsewhere_before() -> None:
    decode = decoder_for("x@depth")
    rows = [["1.50", "2.0"], ["1.40", "0.0"]]
    for look in (len, list, repr, hash, Levels.pairs, Levels.to_wire, pickle.dumps, deepcopy):
        check(decode, DEPTH)
        event: Any = decode(text({**DEPTH, "b": rows}))
        look(event.bids)
        assert event.bids == Levels(rows)
    other: Any = decode(text({**DEPTH, "b": rows}))
    assert pickle.loads(pickle.dumps(other)) == event == other


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


@st.composite
def changes(draw: st.DrawFn, raw: bytes) -> bytes:
    """Return a message in which a few characters are others."""
    start = draw(st.integers(0, len(raw)))
    end = draw(st.integers(start, min(len(raw), start + 3)))
    return raw[:start] + draw(st.text(ALPHABET, max_size=4)).encode() + raw[end:]


@given(st.data())
def test_a_warm_decoder_says_what_a_cold_one_says(data: st.DataObject) -> None:
    """Whatever is done to a message, what was learned before changes neither the event nor the error.

    Only a point without a digit on one side ("15." or ".55") passes a warm decoder: an exact number all the same.
    """
    if data.draw(st.booleans()):
        name, body, _ = data.draw(st.sampled_from(EXAMPLES[:-1]))
        raw = text(body)
    else:
        name, body, _ = data.draw(st.sampled_from(ARRAYS))
        raw = text([body, {**body, "c": "-1.5"}])
    changed = data.draw(changes(raw))
    warm = decoder_for(name)
    warm(raw)
    told, expected = outcome(warm, changed), outcome(decoder_for(name), changed)
    if told != expected:
        assert any(mark in changed for mark in (b'".', b'."', b'"-.'))
        assert isinstance(told, Model | tuple)
    assert outcome(warm, raw) == decoder_for(name)(raw)


def outcome(decode: stream.Decoder, raw: bytes) -> object:
    try:
        return decode(raw)
    except DecodeError as exc:
        return exc.path
