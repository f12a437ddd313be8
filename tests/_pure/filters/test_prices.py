"""The rules of prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests._pure.filters.builders import TICKS, check, limit, market, only, texts
from trio_binance._pure.filters import Prices
from trio_binance.models import (
    LimitMakerOrder,
    PegOffsetType,
    PegPriceType,
    PercentPriceBySideFilter,
    PercentPriceFilter,
    PriceFilter,
    PriceRangeRule,
    Side,
    StopLossLimitOrder,
    StopLossOrder,
    TimeInForce,
    UnknownExecutionRule,
)

D = Decimal
PERCENT = PercentPriceFilter(D("1.3000"), D("0.7000"), 5)
BY_SIDE = PercentPriceBySideFilter(D("1.2"), D("0.2"), D("5"), D("0.8"), 1)
RANGE = PriceRangeRule(D("1.1"), D("0.9"), D("1.2"), D("0.8"))


# ------------------------------------------------------------------------------------------------------ PRICE_FILTER


@pytest.mark.parametrize(
    "price, reason, allowed",
    [
        ("61000.005", "is no multiple of 0.01", ["61000.00", "61000.01"]),
        ("0.001", "is below 0.01", ["0.01"]),
        ("1000000.01", "is above 1000000", ["1000000.00"]),
    ],
)
def test_a_price_off_the_grid_is_told_with_the_prices_next_to_it(price: str, reason: str, allowed: list[str]) -> None:
    found = only(check(limit(price=price), TICKS))
    assert (found.filter, found.field, found.value, found.reason) == ("PRICE_FILTER", "price", D(price), reason)
    assert texts(found) == allowed


def test_a_stop_price_is_a_price_too() -> None:
    order = StopLossOrder("BTCUSDT", Side.SELL, quantity=1, stop_price="100.001")
    assert only(check(order, TICKS)).field == "stop_price"
    both = StopLossLimitOrder("BTCUSDT", Side.SELL, quantity=1, price="99.999", stop_price="100.001")
    assert [one.field for one in check(both, TICKS).violations] == ["price", "stop_price"]


def test_a_market_order_has_no_price_to_judge() -> None:
    assert check(market(quantity=1), TICKS, PERCENT, BY_SIDE).violations == ()


def test_zero_switches_each_part_of_the_filter_off() -> None:
    free = PriceFilter(D(0), D(0), D("0.00000000"))
    assert check(limit(price="123456789.12345678"), free).ok


# ----------------------------------------------------------------------------------------------------- PERCENT_PRICE


@pytest.mark.parametrize(
    "price, reason, allowed",
    [
        ("130.01", "is above 130, which is measured by 100 times 0.7000 to 1.3000", ["130.00"]),
        ("69.99", "is below 70, which is measured by 100 times 0.7000 to 1.3000", ["70.00"]),
    ],
)
def test_a_price_far_from_the_average_is_told_with_the_bound(price: str, reason: str, allowed: list[str]) -> None:
    found = only(check(limit(price=price), TICKS, PERCENT, prices=Prices(averages={5: D(100)})))
    assert (found.filter, found.reason, texts(found)) == ("PERCENT_PRICE", reason, allowed)


def test_what_is_proposed_lies_on_the_grid_of_prices() -> None:
    prices = Prices(averages={5: D("99.999")})
    assert texts(only(check(limit(price="200.00"), TICKS, PERCENT, prices=prices))) == ["129.99"]
    assert texts(only(check(limit(price="20.00"), TICKS, PERCENT, prices=prices))) == ["70.00"]


@pytest.mark.parametrize(
    "side, price, ok",
    [
        (Side.BUY, "120", True),
        (Side.BUY, "120.01", False),
        (Side.BUY, "20", True),
        (Side.BUY, "19.99", False),
        (Side.SELL, "500", True),
        (Side.SELL, "500.01", False),
        (Side.SELL, "80", True),
        (Side.SELL, "79.99", False),
    ],
)
def test_each_side_has_multipliers_of_its_own(side: Side, price: str, ok: bool) -> None:
    assert check(limit(side, price=price), BY_SIDE, prices=Prices(averages={1: D(100)})).ok is ok


def test_the_reference_price_comes_before_the_average_and_the_average_before_the_last() -> None:
    known = Prices(reference=D(1000), averages={5: D(100)}, last=D(10))
    assert not check(limit(price=100), PERCENT, prices=known).ok
    known = Prices(averages={5: D(100)}, last=D(10))
    assert check(limit(price=100), PERCENT, prices=known).ok
    last = PercentPriceFilter(D("1.3"), D("0.7"), 0)
    assert not check(limit(price=100), last, prices=known).ok
    assert check(limit(price=10), last, prices=known).ok


@pytest.mark.parametrize(
    "filter, prices, lacking",
    [
        (PERCENT, None, "for want of the symbol's reference price"),
        (PERCENT, Prices(), "for want of the average price"),
        (PERCENT, Prices(averages={1: D(100)}), "for want of the average price"),
        (PERCENT, Prices(averages={5: D(0)}), "for want of the average price"),
        (PercentPriceFilter(D(2), D(1), 0), Prices(averages={5: D(100)}), "for want of the last price"),
    ],
)
def test_a_measure_that_is_not_known_leaves_the_price_unchecked(filter: Any, prices: Any, lacking: str) -> None:
    found = check(limit(), filter, prices=prices)
    assert [(one.filter, one.field, one.reason) for one in found.unchecked] == [("PERCENT_PRICE", "price", lacking)]
    assert found.ok


def test_a_multiplier_of_zero_is_no_bound() -> None:
    assert check(limit(price=10**9), PercentPriceFilter(D(0), D(0), 0), prices=Prices(last=D(1))).ok


# -------------------------------------------------------------------------------------------------------------- pegs


def test_a_pegged_order_is_judged_at_the_price_it_would_get() -> None:
    own = limit(price=None, peg_price_type=PegPriceType.PRIMARY_PEG)
    other = limit(price=None, peg_price_type=PegPriceType.MARKET_PEG)
    facts: Any = {"prices": Prices(averages={5: D(100)}), "best_bid": D(60), "best_ask": D(140)}
    assert only(check(own, PERCENT, **facts)).value == D(60)
    found = only(check(other, PERCENT, **facts))
    assert (found.field, found.value, found.allowed) == ("peg_price_type", D(140), ())
    assert found.reason == "as the pegged price is above 130"
    selling = limit(Side.SELL, price=None, peg_price_type=PegPriceType.PRIMARY_PEG)
    assert only(check(selling, PERCENT, **facts)).value == D(140)


def test_a_price_that_is_sent_beside_a_peg_is_judged_too() -> None:
    order = limit(price=200, peg_price_type=PegPriceType.PRIMARY_PEG)
    found = check(order, TICKS, PERCENT, prices=Prices(averages={5: D(100)}), best_bid=D(100))
    assert only(found).field == "price"


def test_a_peg_whose_price_is_not_known_is_left_unchecked() -> None:
    offset: Any = {"peg_offset_type": PegOffsetType.PRICE_LEVEL, "peg_offset_value": 2}
    far = limit(price=None, peg_price_type=PegPriceType.PRIMARY_PEG, **offset)
    near = limit(price=None, peg_price_type=PegPriceType.PRIMARY_PEG)
    for found in (check(far, TICKS, best_bid=D(100)), check(near, TICKS)):
        assert [one.reason for one in found.unchecked] == ["for want of the best prices of the book"]


# ------------------------------------------------------------------------------------------------------- PRICE_RANGE


def advised(order: Any, reference: str | None = "100", **facts: Any) -> list[tuple[str, str]]:
    prices = Prices(reference=None if reference is None else D(reference))
    found = check(order, TICKS, execution_rules=(RANGE,), prices=prices, **facts)
    assert found.ok
    return [(one.field, one.reason) for one in found.advice]


def test_a_taker_that_could_execute_nowhere_in_the_range_is_warned_of_but_not_refused() -> None:
    assert advised(limit(price="89.99")) == [("price", "is below 90: as a taker it would expire")]
    assert advised(limit(Side.SELL, price="120.01")) == [("price", "is above 120: as a taker it would expire")]
    assert advised(limit(price=90)) == advised(limit(Side.SELL, price=120)) == []


def test_the_book_tells_whether_it_would_take_and_at_what() -> None:
    assert advised(limit(price="89.99"), best_ask=D("89.99")) != []
    assert advised(limit(price="89.99"), best_ask=D(90)) == []
    assert advised(limit(Side.SELL, price=121), best_bid=D(120)) == []
    assert advised(limit(price=200), best_ask=D(120)) == [
        ("type", "finds 120 at best, which is above 110: it would expire")
    ]
    assert advised(limit(price=200), best_ask=D(105)) == []


def test_a_market_order_is_judged_by_the_best_price_it_would_find() -> None:
    assert advised(market(quantity=1), best_ask=D(110)) == []
    assert advised(market(quantity=1), best_ask=D(111)) != []
    assert advised(market(Side.SELL, quantity=1), best_bid=D(79)) == [
        ("type", "finds 79 at best, which is below 80: it would expire")
    ]
    found = check(market(quantity=1), execution_rules=(RANGE,), prices=Prices(reference=D(100)))
    assert [one.reason for one in found.unchecked] == ["for want of the best prices of the book"]


def test_advice_names_what_could_execute() -> None:
    found = check(limit(price=5), TICKS, execution_rules=(RANGE,), prices=Prices(reference=D("99.999")))
    assert [texts(one) for one in found.advice] == [["90.00"]]


@pytest.mark.parametrize(
    "order",
    [
        LimitMakerOrder("BTCUSDT", Side.BUY, quantity=1, price=1),
        limit(price=None, peg_price_type=PegPriceType.PRIMARY_PEG),
    ],
)
def test_who_never_takes_is_not_concerned(order: Any) -> None:
    assert advised(order, best_bid=D(1), best_ask=D(2)) == []


def test_without_a_reference_price_or_a_multiplier_nothing_is_enforced() -> None:
    assert advised(limit(price=1), None) == []
    free = PriceRangeRule(bid_limit_mult_up=D("1.1"))
    assert check(limit(price=1), execution_rules=(free,), prices=Prices(reference=D(100))).advice == ()


def test_what_cannot_be_known_of_the_range_is_told() -> None:
    waiting = StopLossOrder("BTCUSDT", Side.SELL, quantity=1, stop_price=90)
    found = check(waiting, execution_rules=(RANGE,), prices=Prices(reference=D(100)))
    assert [(one.filter, one.reason) for one in found.unchecked] == [
        ("PRICE_RANGE", "the range is that of the moment in which it comes to the book")
    ]
    found = check(limit(), execution_rules=(RANGE,))
    assert [one.reason for one in found.unchecked] == ["for want of the symbol's reference price"]
    found = check(limit(), execution_rules=None)
    assert [(one.filter, one.reason) for one in found.unchecked] == [
        ("PRICE_RANGE", "for want of the symbol's execution rules")
    ]
    found = check(limit(), execution_rules=(UnknownExecutionRule("SPEED"),))
    assert [one.filter for one in found.unchecked] == ["SPEED"]


def test_an_immediate_order_with_a_market_peg_is_judged_by_the_book() -> None:
    order = limit(price=None, peg_price_type=PegPriceType.MARKET_PEG, time_in_force=TimeInForce.IOC)
    assert advised(order, best_ask=D(105)) == []
    assert [field for field, _ in advised(order, best_ask=D(111))] == ["type"]
