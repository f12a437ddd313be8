"""Tickers: windows that are exact to the microsecond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.book import Book
from trio_binance.sandbox.candles import DAY_US, HOUR_US, MINUTE_US, Candles
from trio_binance.sandbox.tape import Tape
from trio_binance.sandbox.tickers import Tickers, Window

from .economy import UNIT


def traded(moments: list[tuple[int, int]]) -> tuple[Tape, Window]:
    tape = Tape(10, 0)
    window = Window(tape, 100)
    for time_us, price in moments:
        window.add(tape.add(time_us, price, 2, 2 * price, buyer=1, seller=time_us, buyer_is_maker=False))
    return tape, window


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 50)), min_size=1, max_size=40).map(sorted),
    st.integers(0, 300),
)
def test_a_window_equals_the_trades_inside_it(moments: list[tuple[int, int]], later: int) -> None:
    tape, window = traded(moments)
    now = moments[-1][0] + later
    window.advance(now)
    inside = [price for time_us, price in moments if time_us >= now - 100]
    assert window.count == len(inside)
    assert (window.volume, window.quote) == (2 * len(inside), 2 * sum(inside))
    last = tape.last_price()
    assert window.prices() == ((inside[0], max(inside), min(inside)) if inside else (last, last, last))
    if not inside:
        assert window.average() == last


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 50)), min_size=2, max_size=20).map(sorted), st.data())
def test_what_the_tape_forgets_leaves_the_window(moments: list[tuple[int, int]], data: st.DataObject) -> None:
    _, window = traded(moments)
    gone = data.draw(st.integers(0, len(moments) - 1))
    window.forget_before(10 + gone)
    left = [price for _, price in moments[gone:]]
    assert (window.count, window.volume) == (len(left), 2 * len(left))
    assert window.prices() == (left[0], max(left), min(left))


def some_tickers(moments: list[tuple[int, int]]) -> Tickers:
    tape = Tape(10, 0)
    candles = Candles(tape)
    tickers = Tickers("BTCUSDT", tape, candles, Book())
    for time_us, price in moments:
        trade_id = tape.add(time_us, price * UNIT, UNIT, price * UNIT, buyer=1, seller=time_us, buyer_is_maker=False)
        candles.add(trade_id)
        tickers.add(trade_id)
    return tickers


def test_the_day_ticker_tells_change_extremes_and_ids() -> None:
    now = 2 * DAY_US
    full = some_tickers([(0, 90), (now - DAY_US, 100), (now - 5, 130), (now - 1, 110)]).day_full(now)
    assert full["priceChange"] == "10.00000000"
    assert full["priceChangePercent"] == "10.000"
    assert full["prevClosePrice"] == "90.00000000"
    assert (full["openPrice"], full["highPrice"], full["lowPrice"]) == ("100.00000000", "130.00000000", "100.00000000")
    assert (full["firstId"], full["lastId"], full["count"]) == (11, 13, 3)
    assert (full["bidPrice"], full["askQty"]) == ("0.00000000", "0.00000000")


def test_a_day_without_trades_has_no_ids() -> None:
    mini = some_tickers([(0, 90)]).day_mini(3 * DAY_US)
    assert (mini["firstId"], mini["lastId"], mini["count"], mini["volume"]) == (-1, -1, 0, "0.00000000")
    assert mini["lastPrice"] == mini["openPrice"] == "90.00000000"


def test_a_rolling_window_opens_on_a_minute() -> None:
    tickers = some_tickers([(0, 90), (10 * MINUTE_US, 100), (70 * MINUTE_US + 5, 110)])
    now = 70 * MINUTE_US + 30_000_000
    full = tickers.rolling(HOUR_US, now, full=True)
    assert (full["openTime"], full["closeTime"]) == (600_000, 4_230_000)
    assert (full["openPrice"], full["lastPrice"], full["count"]) == ("100.00000000", "110.00000000", 2)
    assert full["weightedAvgPrice"] == "105.00000000"
    assert "priceChange" not in tickers.rolling(HOUR_US, now, full=False)


def test_the_average_is_over_five_minutes() -> None:
    tickers = some_tickers([(0, 90), (1, 110)])
    assert tickers.average_price(MINUTE_US) == 100 * UNIT
    assert tickers.average_price(5 * MINUTE_US + 1) == 110 * UNIT
    event = tickers.average_event(60 * MINUTE_US)
    assert (event["w"], event["T"]) == ("110.00000000", 0)
