"""The rules of quantities."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests._pure.filters.builders import LOTS, TICKS, check, limit, market, only, texts
from trio_binance.models import (
    IcebergPartsFilter,
    LimitLeg,
    LotSizeFilter,
    MarketLeg,
    MarketLotSizeFilter,
    MaxPositionFilter,
    OpoOrder,
    Side,
    StopLossOrder,
)

D = Decimal
MARKET_LOTS = MarketLotSizeFilter(D("0.00000000"), D("120.5"), D("0.00000000"))
POSITION = MaxPositionFilter(D("10.00000000"))
OPO = OpoOrder(
    "BTCUSDT", working_quantity="1", working=LimitLeg(price=100), pending=LimitLeg(price=110, iceberg_qty="0.1")
)
LATER = "the exchange judges it when the working order is filled"


# ---------------------------------------------------------------------------------------------- LOT_SIZE and its kin


@pytest.mark.parametrize(
    "quantity, reason, allowed",
    [
        ("0.0015", "is no multiple of 0.001", ["0.001", "0.002"]),
        ("0.0001", "is below 0.001", ["0.001"]),
        ("9000.001", "is above 9000", ["9000.000"]),
    ],
)
def test_a_quantity_off_the_grid_is_told_with_the_quantities_next_to_it(
    quantity: str, reason: str, allowed: list[str]
) -> None:
    found = only(check(limit(quantity=quantity), LOTS))
    assert (found.filter, found.field, found.value, found.reason) == ("LOT_SIZE", "quantity", D(quantity), reason)
    assert texts(found) == allowed


def test_the_tip_of_an_iceberg_is_a_quantity_too() -> None:
    found = only(check(limit(quantity=5, iceberg_qty="1.0005"), LOTS))
    assert (found.field, texts(found)) == ("iceberg_qty", ["1.000", "1.001"])


def test_steps_are_counted_from_zero_and_not_from_the_least_quantity() -> None:
    odd = LotSizeFilter(D("0.5"), D("100"), D("1"))
    assert not check(limit(quantity="1.5"), odd).ok
    assert check(limit(quantity="2"), odd).ok
    assert texts(only(check(limit(quantity="0.1"), odd))) == ["1"]


def test_a_market_order_keeps_both_grids_at_once() -> None:
    step = MarketLotSizeFilter(D(0), D(100), D("0.0025"))
    found = check(market(quantity="0.004"), LOTS, step)
    assert [(one.filter, texts(one)) for one in found.violations] == [("MARKET_LOT_SIZE", ["0.005"])]
    found = check(market(quantity="0.0075"), LOTS, step)
    assert [(one.filter, texts(one)) for one in found.violations] == [("LOT_SIZE", ["0.005", "0.010"])]
    assert only(check(market(quantity="121"), LOTS, MARKET_LOTS)).reason == "is above 120.5"


def test_the_grid_of_market_orders_concerns_no_other_order() -> None:
    assert check(limit(quantity=121), MARKET_LOTS).ok
    assert check(StopLossOrder("BTCUSDT", Side.SELL, quantity=121, stop_price=5), MARKET_LOTS).ok


def test_an_order_by_its_amount_of_quote_asset_is_made_to_fit_by_the_exchange() -> None:
    found = check(market(quote_order_qty="12.34567"), LOTS, MARKET_LOTS)
    assert (found.violations, found.unchecked) == ((), ())


def test_a_quantity_that_another_order_will_bring_is_left_unchecked() -> None:
    found = check(OPO, LOTS, MARKET_LOTS, IcebergPartsFilter(10))
    assert [(one.filter, one.field, one.reason) for one in found.unchecked] == [
        ("LOT_SIZE", "pending.type", LATER),
        ("ICEBERG_PARTS", "pending.iceberg_qty", LATER),
    ]
    sold = OpoOrder("BTCUSDT", working_quantity="1", working=LimitLeg(price=100), pending=MarketLeg())
    assert [one.filter for one in check(sold, LOTS, MARKET_LOTS).unchecked] == ["LOT_SIZE", "MARKET_LOT_SIZE"]


# ----------------------------------------------------------------------------------------------------- ICEBERG_PARTS


def test_an_iceberg_falls_into_so_many_parts_at_most() -> None:
    parts = IcebergPartsFilter(10)
    assert check(limit(quantity=10, iceberg_qty=1), LOTS, parts).ok
    found = only(check(limit(quantity="10.001", iceberg_qty=1), LOTS, parts))
    assert (found.filter, found.field) == ("ICEBERG_PARTS", "iceberg_qty")
    assert found.reason == "makes 11 parts of 10.001, more than 10"
    assert texts(found) == ["1.001"]


def test_the_least_tip_that_is_proposed_lies_on_the_grid_of_quantities_and_within_the_whole() -> None:
    found = only(check(limit(quantity="1.000", iceberg_qty="0.003"), LOTS, IcebergPartsFilter(3)))
    assert texts(found) == ["0.334"]
    assert only(check(limit(quantity=1, iceberg_qty=1), IcebergPartsFilter(0))).allowed == ()


def test_a_quantity_smaller_than_the_tip_of_its_iceberg_is_not_proposed() -> None:
    held = check(limit(quantity=5, iceberg_qty=3), LOTS, MaxPositionFilter(D(2)), position=D(0))
    assert only(held).allowed == ()


def test_an_order_without_a_tip_has_no_parts() -> None:
    assert check(limit(quantity=9000), IcebergPartsFilter(1)).ok


# ------------------------------------------------------------------------------------------------------ MAX_POSITION


def test_what_is_held_and_on_order_counts_toward_the_most_that_may_be_held() -> None:
    assert check(limit(quantity="2.5"), POSITION, position=D("7.5")).ok
    found = only(check(limit(quantity="2.6"), LOTS, POSITION, position=D("7.5")))
    assert (found.filter, found.field) == ("MAX_POSITION", "quantity")
    assert found.reason == "with 7.5 held or on order is more than 10.00000000"
    assert texts(found) == ["2.500"]
    assert only(check(limit(), POSITION, position=D(10))).allowed == ()


def test_who_sells_is_not_concerned_by_what_is_held() -> None:
    assert check(limit(Side.SELL, quantity=50), POSITION, position=D(10)) == check(limit(Side.SELL))


def test_a_position_that_is_not_known_leaves_the_order_unchecked() -> None:
    found = check(limit(), POSITION)
    assert [one.reason for one in found.unchecked] == ["for want of the account's balance and open buy orders"]
    found = check(market(quote_order_qty=5), POSITION, position=D(0))
    assert [(one.field, one.reason) for one in found.unchecked] == [
        ("quote_order_qty", "what it buys is known when it is executed")
    ]


# --------------------------------------------------------------------------------------------------------- precision


@pytest.mark.parametrize(
    "fields, rule, field, allowed",
    [
        ({"quantity": "1.123456789"}, "base_asset_precision", "quantity", ["1.12345678", "1.12345679"]),
        ({"quantity": "1.000000000"}, "base_asset_precision", "quantity", ["1.00000000"]),
        ({"iceberg_qty": "0.123456789"}, "base_asset_precision", "iceberg_qty", ["0.12345678", "0.12345679"]),
        ({"price": "1.001"}, "quote_asset_precision", "price", ["1.00", "1.01"]),
    ],
)
def test_a_number_with_more_decimals_than_its_asset_is_told(
    fields: Any, rule: str, field: str, allowed: list[str]
) -> None:
    found = only(check(limit(**fields), quote_asset_precision=2))
    assert (found.filter, found.field, texts(found)) == (rule, field, allowed)


def test_the_older_name_of_the_quote_precision_counts_where_there_is_no_newer() -> None:
    assert only(check(limit(price="1.001"), quote_precision=2, quote_asset_precision=None)).field == "price"
    assert check(limit(price="1.001"), quote_precision=2, quote_asset_precision=8).ok


def test_stop_prices_and_amounts_have_the_precision_of_the_quote_asset() -> None:
    stop = StopLossOrder("BTCUSDT", Side.SELL, quantity=1, stop_price="1.001")
    assert only(check(stop, quote_asset_precision=2)).field == "stop_price"
    found = only(check(market(quote_order_qty="10.123"), quote_asset_precision=2))
    assert (found.field, found.reason) == ("quote_order_qty", "is written with 3 decimals, more than 2")
    assert texts(found) == ["10.12", "10.13"]


def test_a_number_may_be_wrong_by_several_rules_and_what_is_proposed_keeps_them_all() -> None:
    found = check(limit(price="61000.005"), TICKS, quote_asset_precision=1)
    assert [(one.filter, texts(one)) for one in found.violations] == [
        ("quote_asset_precision", ["61000.0", "61000.1"]),
        ("PRICE_FILTER", ["61000.0", "61000.1"]),
    ]
