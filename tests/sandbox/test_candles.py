"""Candles: boundaries, offsets, folding, and no holes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.candles import (
    DAY_US,
    HOUR_US,
    INTERVALS,
    MINUTE_US,
    SECOND_US,
    Candle,
    Candles,
    flat,
    next_open,
    open_time,
    parse_offset_us,
)
from trio_binance.sandbox.tape import Tape

from .economy import UNIT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
times = st.integers(1_483_228_800_000_000, 2_000_000_000_000_000)


def utc(time_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=time_us)


@pytest.mark.parametrize("interval", INTERVALS)
@given(time_us=times, offset=st.sampled_from([0, 8 * HOUR_US, -12 * HOUR_US, 345 * MINUTE_US]))
def test_every_moment_lies_in_exactly_one_candle(interval: str, time_us: int, offset: int) -> None:
    opened = open_time(interval, time_us, offset)
    closes = next_open(interval, opened, offset)
    assert opened <= time_us < closes
    assert open_time(interval, closes - 1, offset) == opened
    assert open_time(interval, closes, offset) == closes


@given(times)
def test_weeks_begin_on_monday_and_months_on_the_first(time_us: int) -> None:
    monday, first = utc(open_time("1w", time_us)), utc(open_time("1M", time_us))
    assert (monday.weekday(), monday.hour) == (0, 0)
    assert (first.day, first.hour, first.month) == (1, 0, utc(time_us).month)
    in_the_east = utc(open_time("1M", time_us, 8 * HOUR_US) + 8 * HOUR_US)
    assert (in_the_east.day, in_the_east.hour) == (1, 0)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("0", 0), ("8", 480), ("-1:00", -60), ("05:45", 345), ("14", 840), ("-12", -720), ("14:01", None), ("x", None)],
)
def test_time_zones_are_hours_or_hours_and_minutes(text: str, minutes: int | None) -> None:
    assert parse_offset_us(text) == (None if minutes is None else minutes * MINUTE_US)


def small_tape(moments: list[tuple[int, int]]) -> tuple[Tape, Candles]:
    tape = Tape(500, 0)
    candles = Candles(tape)
    for number, (time_us, price) in enumerate(moments):
        maker = number % 2 == 0
        candles.add(tape.add(time_us, price * UNIT, UNIT, price * UNIT, buyer=1, seller=number, buyer_is_maker=maker))
    return tape, candles


moments = st.lists(st.tuples(st.integers(0, 4 * HOUR_US), st.integers(1, 99)), min_size=1, max_size=40).map(sorted)


@given(moments, st.sampled_from(["1s", "1m", "3m", "1h", "1d"]))
def test_candles_equal_the_trades_they_cover(trades: list[tuple[int, int]], interval: str) -> None:
    _, candles = small_tape(trades)
    for time_us, _ in trades:
        opened = open_time(interval, time_us)
        candle = candles.candle(interval, opened)
        inside = [(n, price) for n, (at, price) in enumerate(trades) if opened <= at < candle.closes_us]
        prices = [price * UNIT for _, price in inside]
        assert (candle.open, candle.close) == (prices[0], prices[-1])
        assert (candle.high, candle.low) == (max(prices), min(prices))
        assert (candle.trades, candle.volume, candle.quote) == (len(prices), len(prices) * UNIT, sum(prices))
        assert (candle.first_id, candle.last_id) == (500 + inside[0][0], 500 + inside[-1][0])
        bought = [price * UNIT for n, price in inside if n % 2]
        assert (candle.taker_volume, candle.taker_quote) == (len(bought) * UNIT, sum(bought))


def test_a_candle_without_trades_stands_at_the_close_before_it() -> None:
    _, candles = small_tape([(0, 5), (10 * MINUTE_US, 7)])
    row = candles.candle("1m", 3 * MINUTE_US).row()
    assert row[1:6] == ["5.00000000"] * 4 + ["0.00000000"]
    assert row[8] == 0
    assert candles.candle("1s", 5 * SECOND_US).row()[1] == "5.00000000"
    assert candles.candle("1s", 0).first_id == 500
    assert candles.between(-MINUTE_US, 0).open == 5 * UNIT


def test_folding_an_empty_candle_changes_nothing() -> None:
    candle = flat(0, MINUTE_US, 3)
    candle.fold(flat(MINUTE_US, 2 * MINUTE_US, 9))
    assert (candle.close, candle.trades) == (3, 0)


def opens(found: list[Candle]) -> list[int]:
    return [candle.opened_us // MINUTE_US for candle in found]


def test_klines_are_paged_as_documented() -> None:
    _, candles = small_tape([(0, 5), (10 * MINUTE_US, 7)])
    now = 10 * MINUTE_US + 1
    assert opens(candles.klines("1m", 0, None, None, 500, now)) == list(range(11))
    assert opens(candles.klines("1m", 0, None, None, 3, now)) == [8, 9, 10]
    assert opens(candles.klines("1m", 0, 2 * MINUTE_US, None, 3, now)) == [2, 3, 4]
    assert opens(candles.klines("1m", 0, 2 * MINUTE_US + 1, None, 2, now)) == [3, 4]
    assert opens(candles.klines("1m", 0, None, 6 * MINUTE_US + 5, 2, now)) == [5, 6]
    assert opens(candles.klines("1m", 0, 9 * MINUTE_US, 9 * MINUTE_US, 9, now)) == [9]
    assert opens(candles.klines("1m", 0, -9 * DAY_US, None, 2, now)) == [0, 1]
    assert candles.klines("1m", 0, 11 * MINUTE_US, None, 9, now) == []


def test_rows_have_the_twelve_fields_of_the_documents() -> None:
    _, candles = small_tape([(0, 5), (1, 6)])
    assert candles.klines("1m", 0, None, None, 1, 5)[0].row() == [
        0,
        "5.00000000",
        "6.00000000",
        "5.00000000",
        "6.00000000",
        "2.00000000",
        59_999,
        "11.00000000",
        2,
        "1.00000000",
        "6.00000000",
        "0",
    ]
