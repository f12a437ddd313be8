"""Reference: mean prices, prices from outside, and the range that a taker may not leave."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.market import Market
from trio_binance.sandbox.reference import ArithmeticMean, PriceRange
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.symbols import SYMBOLS
from trio_binance.sandbox.tape import Tape

from .economy import QUIET, SECOND, START, ask, clear, customer, place, stream_events

BNB = [symbol for symbol in SYMBOLS if symbol.name in ("BNBUSDT", "SOLUSDT")]
MEAN = ArithmeticMean(10, SECOND)


def tape_of(*trades: tuple[int, int]) -> Tape:
    tape = Tape(1, 1)
    for number, (time_us, price) in enumerate(trades):
        tape.add(time_us, price, 1, 1, buyer=number, seller=-number, buyer_is_maker=True)
    return tape


def test_the_mean_prorates_the_oldest_bucket() -> None:
    now = START + 250_000  # a quarter into a bucket: three quarters of the oldest are left
    assert START % SECOND == 0
    tape = tape_of((START - 10 * SECOND, 100), (START - SECOND, 200))
    assert MEAN.price(tape, now) == (100 * 3 + 200 * 4) // 7
    assert MEAN.price(tape_of((START - 11 * SECOND, 100)), now) == 100  # nothing within: the last price


@given(st.lists(st.tuples(st.integers(0, 12_000_000), st.integers(1, 10**12)), min_size=1), st.integers(0, 12_000_000))
def test_the_mean_lies_between_the_prices_that_it_is_of(trades: list[tuple[int, int]], at: int) -> None:
    ordered = sorted((START + time, price) for time, price in trades)
    mean = MEAN.price(tape_of(*ordered), START + 12_000_000 + at)
    assert min(price for _, price in ordered) <= mean <= max(price for _, price in ordered)


def test_a_range_lies_around_the_reference_price_of_its_side() -> None:
    rule = PriceRange(10_500, 9_900, 10_100, 9_500)
    assert rule.around(1_001, buys=True) == (991, 1_051)
    assert rule.around(1_000, buys=False) == (950, 1_010)
    assert rule.row() == {
        "ruleType": "PRICE_RANGE",
        "bidLimitMultUp": "1.0500",
        "bidLimitMultDown": "0.9900",
        "askLimitMultUp": "1.0100",
        "askLimitMultDown": "0.9500",
    }


def reference_market() -> tuple[Market, int]:
    """Return a market of BNBUSDT, its book empty, and its reference price in whole dollars."""
    market = Market(1, START, QUIET, BNB)
    clear(market, "BNBUSDT")
    return market, int(Decimal(ask(market, "GET /api/v3/referencePrice", symbol="BNBUSDT")["referencePrice"]))


def sell(market: Market, price: int, **params: Any) -> Any:
    return place(
        market, customer(market, BNB="100"), symbol="BNBUSDT", side="SELL", price=price, quantity="1", **params
    )


def test_a_taker_trades_within_the_range_and_expires_at_its_edge() -> None:
    market, price = reference_market()
    sell(market, price * 102 // 100)
    sell(market, price * 107 // 100)
    order = place(market, customer(market, USDT="10000"), symbol="BNBUSDT", price=price * 110 // 100, quantity="2")
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "1.00000000")
    assert order["expiryReason"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    assert all(amount == 0 for amount in market.audit().values())


def test_fill_or_kill_is_killed_by_the_range() -> None:
    market, price = reference_market()
    sell(market, price * 102 // 100)
    sell(market, price * 107 // 100)
    wish: dict[str, Any] = {"price": price * 110 // 100, "quantity": "2", "timeInForce": "FOK"}
    order = place(market, customer(market, USDT="10000"), symbol="BNBUSDT", **wish)
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.00000000")


def test_rules_are_told_of_those_that_have_any() -> None:
    market, _ = reference_market()
    rules = ask(market, "GET /api/v3/executionRules")["symbolRules"]
    assert [(row["symbol"], row["rules"][0]["ruleType"]) for row in rules] == [("BNBUSDT", "PRICE_RANGE")]
    assert ask(market, "GET /api/v3/executionRules", symbol="SOLUSDT") == {"symbolRules": []}
    assert ask(market, "GET /api/v3/executionRules", symbolStatus="HALT") == {"symbolRules": []}
    assert ask(market, "GET /api/v3/executionRules", symbols='["BNBUSDT"]')["symbolRules"] == rules
    with pytest.raises(Refusal, match="-1128"):
        ask(market, "GET /api/v3/executionRules", symbol="BNBUSDT", symbolStatus="TRADING")


def test_a_price_from_outside_comes_and_goes() -> None:
    market, _ = reference_market()
    calculation = ask(market, "GET /api/v3/referencePrice/calculation", symbol="SOLUSDT")
    assert calculation == {"symbol": "SOLUSDT", "calculationType": "EXTERNAL", "externalCalculationId": 0}
    query: dict[str, Any] = {"symbol": "SOLUSDT"}
    assert ask(market, "GET /api/v3/referencePrice", **query)["referencePrice"] is None
    market.wanted = {"solusdt@referencePrice"}
    market.on_timer(START + SECOND)
    market.set_reference_price("SOLUSDT", Decimal("140.5"), START + SECOND)
    told = ask(market, "GET /api/v3/referencePrice", None, START + SECOND, **query)
    assert told == {**query, "referencePrice": "140.50000000", "timestamp": START // 1000 + 1000}
    market.on_timer(START + 2 * SECOND)
    events = stream_events(market, "solusdt@referencePrice")
    assert [(event["r"], event["t"]) for event in events] == [
        (None, START // 1000 + 1000),
        ("140.50000000", START // 1000 + 2000),
    ]
    assert list(events[0]) == ["e", "s", "r", "t"]
    with pytest.raises(ValueError, match="BNBUSDT"):
        market.set_reference_price("BNBUSDT", Decimal(1), START)


def test_filters_refer_to_the_reference_price_where_there_is_one() -> None:
    market, _ = reference_market()
    account = customer(market, USDT="10000")
    bid: dict[str, Any] = {"symbol": "SOLUSDT", "price": "100", "quantity": "1"}
    market.set_reference_price("SOLUSDT", Decimal(1000), START)
    with pytest.raises(Refusal, match="PERCENT_PRICE_BY_SIDE"):
        place(market, account, **bid)
    market.set_reference_price("SOLUSDT", None, START)
    assert place(market, account, **bid)["status"] == "NEW"


def test_a_calculation_is_asked_for_by_status_too() -> None:
    market, _ = reference_market()
    with pytest.raises(Refusal, match="-1220"):
        ask(market, "GET /api/v3/referencePrice/calculation", symbol="BNBUSDT", symbolStatus="HALT")
    told = ask(market, "GET /api/v3/referencePrice/calculation", symbol="BNBUSDT")
    assert (told["calculationType"], told["bucketCount"], told["bucketWidthMs"]) == ("ARITHMETIC_MEAN", 10, 1000)


def test_a_rule_without_a_reference_price_binds_nobody() -> None:
    symbol = attrs.evolve(BNB[1], price_range=PriceRange(10_001, 9_999, 10_001, 9_999))
    market = Market(1, START, QUIET, [symbol])
    order = place(market, customer(market, USDT="1000000"), symbol="SOLUSDT", type="MARKET", quantity="1000")
    assert order["status"] == "FILLED"
    market.set_reference_price("SOLUSDT", Decimal(1), START)
    order = place(market, customer(market, USDT="1000000"), symbol="SOLUSDT", type="MARKET", quantity="1000")
    assert order["expiryReason"] == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
