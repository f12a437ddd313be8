"""What a request moves at worst: never less than what it would, at the prices that are known."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.safety.makers import leg
from tests.strategies.requests import numbers, order_lists, orders
from trio_binance._pure.filters.legs import legs_of
from trio_binance._pure.safety import needs_reference, price_of, worth_of
from trio_binance.models import OrderType, PegPriceType, Side

MARKET = Decimal(100)


@pytest.mark.parametrize(
    ("order", "price"),
    [
        (leg(price=90), 90),
        (leg(price=110), 110),
        (leg(Side.SELL, price=110), 110),
        (leg(Side.SELL, price=1), 100),
        (leg(Side.SELL, OrderType.LIMIT_MAKER, price=90), 90),
        (leg(Side.SELL, OrderType.MARKET), 100),
        (leg(Side.BUY, OrderType.MARKET), 100),
        (leg(Side.BUY, OrderType.STOP_LOSS, stop_price=120), 120),
        (leg(Side.SELL, OrderType.STOP_LOSS, stop_price=80), 80),
        (leg(Side.SELL, OrderType.STOP_LOSS_LIMIT, price=1, stop_price=80), 80),
        (leg(Side.SELL, OrderType.TAKE_PROFIT_LIMIT, price=130, stop_price=120), 130),
        (leg(Side.BUY, OrderType.STOP_LOSS_LIMIT, price=70, stop_price=120), 70),
        (leg(Side.SELL, OrderType.TAKE_PROFIT, trailing_delta=100), 100),
        (leg(Side.SELL, OrderType.TAKE_PROFIT, stop_price=150, trailing_delta=100), 150),
        (leg(Side.SELL, OrderType.TAKE_PROFIT, stop_price=50, trailing_delta=100), 100),
        (leg(Side.BUY, OrderType.TAKE_PROFIT_LIMIT, price=70, trailing_delta=100), 70),
        (leg(Side.BUY, peg_price_type=PegPriceType.PRIMARY_PEG), 100),
        (leg(Side.BUY, price=140, peg_price_type=PegPriceType.PRIMARY_PEG), 140),
        (leg(Side.SELL, OrderType.LIMIT_MAKER, price=1, peg_price_type=PegPriceType.PRIMARY_PEG), 100),
        (leg(Side.SELL, OrderType.STOP_LOSS_LIMIT, stop_price=80, peg_price_type=PegPriceType.MARKET_PEG), 100),
    ],
    ids=str,
)
def test_an_order_is_weighed_at_the_worst_price_that_is_plain(order: Any, price: int) -> None:
    assert price_of(order, MARKET) == price
    assert worth_of([order], MARKET) == price


def test_what_has_its_own_amount_is_worth_that() -> None:
    assert worth_of([leg(kind=OrderType.MARKET, quantity=None, quote_order_qty="12.5")], None) == Fraction(25, 2)


def test_of_a_pair_the_dearer_one_counts() -> None:
    pair = [leg(Side.SELL, OrderType.LIMIT_MAKER, price=110), leg(Side.SELL, OrderType.STOP_LOSS, stop_price=90)]
    assert worth_of(pair, None) == 110


def test_what_comes_later_counts_beside_what_came_first() -> None:
    first, above = leg(price=100, quantity=2), leg(Side.SELL, OrderType.LIMIT_MAKER, price=110, waits=True)
    below = leg(Side.SELL, OrderType.STOP_LOSS, stop_price=90, waits=True)
    assert worth_of([first, above], None) == 310
    assert worth_of([first, above, below], None) == 310


def test_what_an_opo_sells_later_is_what_it_has_bought() -> None:
    later = leg(Side.SELL, OrderType.LIMIT_MAKER, quantity=None, price=110, waits=True, deferred=True)
    assert worth_of([leg(price=100, quantity=2), later], None) == 420


def test_the_digits_of_a_number_are_never_lost() -> None:
    quantity = "12345678901234567890.12345678"
    assert worth_of([leg(price="1.00000001", quantity=quantity)], None) == Fraction(quantity) * Fraction("1.00000001")


@given(orders | order_lists)
def test_the_price_of_the_market_is_asked_for_exactly_where_it_is_lacking(request: Any) -> None:
    legs = legs_of(request)
    assert (worth_of(legs, None) is None) == needs_reference(legs)
    assert worth_of(legs, MARKET) is not None


@given(orders | order_lists, numbers(), numbers())
def test_a_dearer_market_never_makes_an_order_cheaper(request: Any, price: Decimal, other: Decimal) -> None:
    legs = legs_of(request)
    low, high = sorted((price, other))
    low_worth, high_worth = worth_of(legs, low), worth_of(legs, high)
    assert low_worth is not None
    assert high_worth is not None
    assert 0 < low_worth <= high_worth


@given(orders | order_lists)
def test_no_order_of_a_request_is_worth_more_than_the_whole(request: Any) -> None:
    legs = legs_of(request)
    whole = worth_of(legs, MARKET)
    assert whole is not None
    for one in legs:
        alone = worth_of([one], MARKET)
        assert alone is None or alone <= whole  # of what an OPO sells later nobody knows the quantity alone


@given(numbers(), numbers(), st.sampled_from([Side.BUY, Side.SELL]))
def test_an_order_that_crosses_the_market_is_worth_what_it_would_be_filled_for(
    price: Decimal, quantity: Decimal, side: Side
) -> None:
    worth = worth_of([leg(side, price=price, quantity=quantity)], MARKET)
    assert worth is not None
    crosses = price >= MARKET if side is Side.BUY else price <= MARKET
    assert not crosses or worth >= Fraction(quantity) * Fraction(MARKET)
