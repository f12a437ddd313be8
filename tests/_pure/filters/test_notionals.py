"""The rules of worth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests._pure.filters.builders import LOTS, check, limit, market, only, texts
from trio_binance._pure.filters import Prices
from trio_binance.models import (
    LimitLeg,
    MaxAssetFilter,
    MinNotionalFilter,
    NotionalFilter,
    OpoOrder,
    PegPriceType,
    Side,
    StopLossOrder,
)

D = Decimal
LEAST = MinNotionalFilter(D("5"), apply_to_market=True, avg_price_mins=5)
BOTH = NotionalFilter(D("10.00000000"), True, D("10000.00000000"), True, 5)
NEITHER = NotionalFilter(D("10"), False, D("10000"), False, 5)
KNOWN: Any = {"prices": Prices(averages={5: D("3")})}


def test_an_order_of_too_little_worth_is_told_with_the_least_quantity_that_is_worth_enough() -> None:
    found = only(check(limit(price=3, quantity="1.666"), LOTS, LEAST))
    assert (found.filter, found.field, found.value) == ("MIN_NOTIONAL", "quantity", D("1.666"))
    assert found.reason == "at 3 is worth 4.998, which is below 5"
    assert texts(found) == ["1.667"]


def test_an_order_of_too_much_worth_is_told_with_the_greatest_quantity_that_passes() -> None:
    found = only(check(limit(price=3, quantity=4000), LOTS, BOTH))
    assert (found.filter, found.reason) == ("NOTIONAL", "at 3 is worth 12000, which is above 10000")
    assert texts(found) == ["3333.333"]


def test_a_bound_of_zero_is_none() -> None:
    free = NotionalFilter(D(0), True, D("0.0"), True, 5)
    assert check(limit(price=D("0.00000001"), quantity=1), free) == check(limit())


@pytest.mark.parametrize("rule", [LEAST, BOTH])
def test_a_market_order_is_worth_what_the_reference_says(rule: Any) -> None:
    assert check(market(quantity=4), rule, **KNOWN).ok
    assert only(check(market(quantity=1), rule, **KNOWN)).reason.startswith("at 3 is worth 3, which is below")
    found = check(market(quantity=1), rule)
    assert [one.reason for one in found.unchecked] == ["for want of the symbol's reference price"]


def test_market_orders_are_exempt_where_the_filter_says_so() -> None:
    quiet: Any = MinNotionalFilter(D("5"), apply_to_market=False, avg_price_mins=5)
    ancient: Any = MinNotionalFilter(D("5"))
    found = check(market(quantity=1), NEITHER, quiet, ancient)
    assert (found.violations, found.unchecked) == ((), ())
    for rule in (NEITHER, quiet, ancient):
        assert not check(limit(price=1, quantity=1), rule).ok


def test_the_two_switches_are_two() -> None:
    least = NotionalFilter(D(10), True, D(100), False, 5)
    most = NotionalFilter(D(10), False, D(100), True, 5)
    assert not check(market(quantity=1), least, **KNOWN).ok
    assert check(market(quantity=100), least, **KNOWN).ok
    assert check(market(quantity=1), most, **KNOWN).ok
    assert not check(market(quantity=100), most, **KNOWN).ok


def test_an_amount_of_quote_asset_is_its_own_worth() -> None:
    found = only(check(market(quote_order_qty="9.99"), BOTH))
    assert (found.field, found.reason, texts(found)) == ("quote_order_qty", "is below 10", ["10.00000000"])
    assert check(market(quote_order_qty=10), BOTH).ok


def test_an_order_that_is_pegged_is_worth_what_it_would_be_at_its_peg() -> None:
    pegged = limit(price=None, quantity=1, peg_price_type=PegPriceType.PRIMARY_PEG)
    assert only(check(pegged, LEAST, best_bid=D(4))).reason == "at 4 is worth 4, which is below 5"
    assert check(pegged, LEAST, best_bid=D(5)).ok
    assert [one.reason for one in check(pegged, LEAST).unchecked] == ["for want of the best prices of the book"]
    both = limit(price=1, quantity=2, peg_price_type=PegPriceType.PRIMARY_PEG)
    found = check(both, LOTS, LEAST, best_bid=D(2))
    assert [(one.reason, texts(one)) for one in found.violations] == [
        ("at 1 is worth 2, which is below 5", ["5.000"]),
        ("at 2 is worth 4, which is below 5", ["5.000"]),
    ]


def test_an_order_without_a_price_that_is_none_of_market_is_left_unchecked() -> None:
    stop = StopLossOrder("BTCUSDT", Side.SELL, quantity=1, stop_price=1)
    found = check(stop, LEAST, **KNOWN)
    assert [(one.filter, one.field) for one in found.unchecked] == [("MIN_NOTIONAL", "quantity")]
    assert "do not say which price" in found.unchecked[0].reason


OPO = OpoOrder("BTCUSDT", working_quantity="4", working=LimitLeg(price=3), pending=LimitLeg(price=4))


def test_a_worth_that_another_order_will_decide_is_left_unchecked() -> None:
    found = check(OPO, LEAST)
    assert [(one.filter, one.field) for one in found.unchecked] == [("MIN_NOTIONAL", "pending.type")]
    assert found.ok


# --------------------------------------------------------------------------------------------------------- MAX_ASSET


def test_one_order_moves_no_more_of_an_asset_than_the_account_may() -> None:
    base, quote, neither = (MaxAssetFilter(asset, D("42.00000000")) for asset in ("BTC", "USDT", "JPY"))
    found = only(check(limit(price=1, quantity="42.001"), LOTS, asset_filters=(base, neither)))
    assert (found.filter, found.reason, texts(found)) == ("MAX_ASSET", "is above 42", ["42.000"])
    found = only(check(limit(price=5, quantity=9), LOTS, asset_filters=(quote,)))
    assert (found.reason, texts(found)) == ("at 5 is worth 45, which is above 42", ["8.400"])
    assert not check(market(quote_order_qty=43), asset_filters=(quote,)).ok
    assert check(limit(price=42, quantity=1), asset_filters=(base, quote, neither)).ok


def test_what_an_order_moves_when_it_is_executed_is_left_unchecked() -> None:
    base, quote = MaxAssetFilter("BTC", D(1)), MaxAssetFilter("USDT", D(1))
    assert [one.field for one in check(market(quote_order_qty=43), asset_filters=(base,)).unchecked] == [
        "quote_order_qty"
    ]
    assert [one.field for one in check(market(quantity=43), asset_filters=(quote,)).unchecked] == ["quantity"]
    assert [one.field for one in check(OPO, asset_filters=(base, quote)).unchecked] == ["pending.type"]


def test_filters_that_only_the_account_is_told_are_left_unchecked_without_it() -> None:
    found = check(limit(), asset_filters=None)
    assert [(one.filter, one.reason) for one in found.unchecked] == [
        ("MAX_ASSET", "for want of the account's own filters")
    ]
