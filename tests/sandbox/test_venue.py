"""A venue: its parts hear of each other."""

from __future__ import annotations

from .economy import SECOND, START, empty_venue, limit, trader


def test_a_trade_reaches_candles_tickers_and_streams() -> None:
    venue, outlet, _ = empty_venue()
    outlet.wanted.add("btcusdt@trade")
    venue.matcher.submit(limit(trader(1), "SELL", 100, 1), START)
    venue.matcher.submit(limit(trader(2), "BUY", 100, 1), START)
    venue.settle(START)
    assert venue.candles.minutes[-1].trades == 1
    assert venue.tickers.day.count == venue.tickers.five_minutes.count == 1
    assert [type(event).__name__ for event in outlet.waiting].count("StreamEvent") == 1


def test_a_closed_venue_lets_its_crowd_sleep() -> None:
    venue, _, _ = empty_venue()
    venue.set_status("BREAK")
    assert venue.act(START) > START + SECOND
    assert venue.book.update_id == 0
