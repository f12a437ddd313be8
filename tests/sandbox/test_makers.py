"""Makers: a market that lives, by seed, for little money."""

from __future__ import annotations

import time

import attrs
import pytest

from trio_binance.sandbox.market import Market
from trio_binance.sandbox.symbols import SYMBOLS

from .economy import BTCUSDT, SECOND, START, customer, place

HOUR = 3_600 * SECOND


@pytest.mark.parametrize("seed", range(3))
def test_every_symbol_trades_and_keeps_a_deep_uncrossed_book(seed: int) -> None:
    market = Market(seed, START, 5.0)
    before = {symbol: len(market.trades(symbol)) for symbol in market.symbols}
    for minute in range(1, 4):
        market.on_timer(START + minute * 60 * SECOND)
        for symbol in market.symbols:
            book = market.book(symbol)
            assert book.bids[0][0] < book.asks[0][0]
            assert len(book.bids) >= 190
            assert len(book.asks) >= 190
    for symbol in market.symbols:
        assert len(market.trades(symbol)) > before[symbol] + 50


def test_the_same_seed_is_the_same_market_and_another_is_not() -> None:
    def history(seed: int) -> list[object]:
        market = Market(seed, START, 5.0, SYMBOLS[:2])
        market.wanted |= {"btcusdt@depth@100ms", "ethusdt@trade"}
        market.on_timer(START + 30 * SECOND)
        return list(market.take_events())

    assert history(1) == history(1)
    assert history(1) != history(2)


def test_how_the_time_is_cut_up_does_not_matter() -> None:
    whole, cut = Market(1, START, 5.0, SYMBOLS[:1]), Market(1, START, 5.0, SYMBOLS[:1])
    whole.on_timer(START + 20 * SECOND)
    while cut.deadline_us <= START + 20 * SECOND:
        cut.on_timer(cut.deadline_us)
    assert whole.book("BTCUSDT") == cut.book("BTCUSDT")
    assert whole.trades("BTCUSDT") == cut.trades("BTCUSDT")


def test_the_cross_follows_the_two_it_is_made_of() -> None:
    market = Market(4, START, 5.0)
    market.on_timer(START + 300 * SECOND)
    last = {symbol: market.trades(symbol)[-1].price for symbol in market.symbols}
    implied = last["ETHUSDT"] / last["BTCUSDT"]
    assert abs(last["ETHBTC"] / implied - 1) < 0.003


def test_hours_at_low_activity_take_a_second_and_lose_no_money() -> None:
    market = Market(7, START, 0.2)
    began = time.process_time()
    market.on_timer(START + 2 * HOUR)
    assert time.process_time() - began < 3
    assert all(amount == 0 for amount in market.audit().values())
    for symbol in market.symbols:
        prices = [trade.price for trade in market.trades(symbol)]
        assert max(prices) / min(prices) < 1.5


def test_quotes_come_back_after_a_side_was_bought_up() -> None:
    market = Market(2, START, 20.0, SYMBOLS[:1])
    whale = customer(market, USDT="1000000000")
    for _ in range(3):
        place(market, whale, type="MARKET", quantity=100)
    assert market.book("BTCUSDT").asks == ()
    market.on_timer(START + 120 * SECOND)
    assert len(market.book("BTCUSDT").asks) > 150


def test_a_crowd_without_quotes_has_none_to_cancel() -> None:
    """Customers alone can make up all the levels of a side."""
    market = Market(2, START, 20.0, SYMBOLS[:1])
    whale = customer(market, BTC="100000", USDT="1000000000")
    market.set_rules(attrs.evolve(BTCUSDT, max_orders=1000), START)
    for _ in range(3):
        place(market, whale, side="SELL", type="MARKET", quantity=100)
    assert market.book("BTCUSDT").bids == ()
    for number in range(300):
        place(market, whale, quantity=1, price=50_000 + number)
    market.on_timer(START + 5 * SECOND)
    assert len(market.book("BTCUSDT").bids) >= 300
