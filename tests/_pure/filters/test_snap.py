"""Snapping a request onto the grids of its symbol."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.filters.builders import LOTS, TICKS, limit, market, scene, symbol
from tests._pure.filters.requests import grids, orders, requests
from tests._pure.filters.test_counts import OCO, OTOCO
from tests._pure.filters.test_permissions import LEGACY, OPO, OPOCO, OTO, PEGGED, TRAILING
from trio_binance._pure.filters import check_order, check_rounding, snap_order
from trio_binance._pure.filters.legs import legs_of
from trio_binance._pure.filters.snap import ROUNDINGS
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LimitMakerLeg,
    LotSizeFilter,
    MarketLeg,
    MarketLotSizeFilter,
    OcoOrder,
    OtoOrder,
    PriceFilter,
    Side,
    StopLossLimitLeg,
    StopLossLimitOrder,
)

D = Decimal
BTC = symbol(TICKS, LOTS, MarketLotSizeFilter(D(0), D("120"), D("0.0025")))


def numbers(request: Any) -> dict[str, str]:
    """Return the numbers of an order or a leg, as they would be sent."""
    fields = ("price", "stop_price", "quantity", "quote_order_qty", "iceberg_qty")
    found = ((name, getattr(request, name, None)) for name in fields)
    return {name: str(value) for name, value in found if value is not None}


def test_numbers_are_moved_onto_the_grid_and_written_with_the_decimals_of_the_step() -> None:
    order = snap_order(limit(quantity="1.23456", price="61000.0099", iceberg_qty="0.5"), BTC)
    assert numbers(order) == {"price": "61000.00", "quantity": "1.234", "iceberg_qty": "0.500"}
    assert numbers(snap_order(limit(quantity=2, price=61000), BTC)) == {"price": "61000.00", "quantity": "2.000"}


def test_a_price_is_never_rounded_to_the_worse() -> None:
    assert snap_order(limit(Side.BUY, price="100.009"), BTC).price == D("100.00")
    assert snap_order(limit(Side.SELL, price="100.001"), BTC).price == D("100.01")


def test_a_stop_is_never_moved_to_trigger_a_dearer_buy_or_a_cheaper_sale() -> None:
    sell = StopLossLimitOrder("BTCUSDT", Side.SELL, quantity=1, price="99.001", stop_price="100.001")
    assert numbers(snap_order(sell, BTC)) == {"price": "99.01", "stop_price": "100.01", "quantity": "1.000"}
    buy = StopLossLimitOrder("BTCUSDT", Side.BUY, quantity=1, price="101.009", stop_price="100.009")
    assert numbers(snap_order(buy, BTC)) == {"price": "101.00", "stop_price": "100.00", "quantity": "1.000"}


def test_the_caller_may_choose_how_prices_are_rounded_but_not_quantities() -> None:
    order = limit(quantity="1.2349", price="100.006")
    assert numbers(snap_order(order, BTC, rounding=ROUND_UP)) == {"price": "100.01", "quantity": "1.234"}
    assert snap_order(limit(price="100.005"), BTC, rounding=ROUND_HALF_EVEN).price == D("100.00")


def test_a_market_order_is_moved_onto_both_grids_at_once() -> None:
    assert numbers(snap_order(market(quantity="0.0149"), BTC)) == {"quantity": "0.010"}
    with pytest.raises(InvalidArgument, match=r"it is above 120: 121\.000; what would pass is 120\.000"):
        snap_order(market(quantity="121"), BTC)


def test_an_amount_of_quote_asset_loses_the_decimals_it_cannot_have() -> None:
    order = market(quote_order_qty="10.129")
    assert numbers(snap_order(order, attrs.evolve(BTC, quote_asset_precision=2))) == {"quote_order_qty": "10.12"}
    assert numbers(snap_order(order, BTC)) == {"quote_order_qty": "10.129"}


def test_without_a_step_a_number_keeps_its_digits_but_those_too_many() -> None:
    free = symbol(PriceFilter(D(0), D(0), D(0)))
    assert numbers(snap_order(limit(price="1.5", quantity="2"), free)) == {"price": "1.5", "quantity": "2"}
    assert numbers(snap_order(limit(price="1.123456789"), free))["price"] == "1.12345678"
    assert snap_order(limit(), symbol()) == limit()


@pytest.mark.parametrize(
    "fields, field, reason",
    [
        ({"quantity": "0.0009"}, "quantity", "it is zero: 0.000; what would pass is 0.001"),
        ({"price": "0.009"}, "price", "it is zero: 0.00; what would pass is 0.01"),
        ({"price": "2000000"}, "price", "it is above 1000000: 2000000.00; what would pass is 1000000.00"),
        ({"iceberg_qty": "0.0001"}, "iceberg_qty", "it is zero: 0.000; what would pass is 0.001"),
    ],
)
def test_nothing_becomes_zero_or_leaves_its_bounds_in_silence(fields: Any, field: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        snap_order(limit(**fields), BTC)
    assert (caught.value.field, caught.value.value) == (field, D(fields[field]))
    assert caught.value.reason == f"rounded to the grid of BTCUSDT {reason}"


def test_below_the_least_quantity_the_least_is_named() -> None:
    coarse = symbol(LotSizeFilter(D("5"), D("100"), D("1")))
    with pytest.raises(InvalidArgument, match="it is below 5: 4; what would pass is 5"):
        snap_order(limit(quantity="4.9"), coarse)
    impossible = symbol(LotSizeFilter(D("5"), D("5.5"), D("10")))
    with pytest.raises(InvalidArgument, match="what would pass is nothing"):
        snap_order(limit(quantity="4.9"), impossible)


def test_a_number_with_more_digits_than_can_be_computed_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="needs more than 34 digits"):
        snap_order(limit(quantity="1" * 38), BTC)


def test_the_legs_of_a_list_are_moved_where_they_stand() -> None:
    oco = OcoOrder(
        "BTCUSDT",
        Side.SELL,
        quantity="1.23456",
        above=LimitMakerLeg(price="110.001", iceberg_qty="0.5555"),
        below=StopLossLimitLeg(price="89.001", stop_price="90.001", client_order_id="mine"),
        list_client_order_id="list",
    )
    moved = snap_order(oco, BTC)
    assert numbers(moved) == {"quantity": "1.234"}
    assert numbers(moved.above) == {"price": "110.01", "iceberg_qty": "0.555"}
    assert numbers(moved.below) == {"price": "89.01", "stop_price": "90.01"}
    assert (moved.below.client_order_id, moved.list_client_order_id) == ("mine", "list")


def test_a_quantity_keeps_the_grids_of_the_leg_that_it_belongs_to() -> None:
    oto = OtoOrder(
        "BTCUSDT",
        working_side=Side.BUY,
        working_quantity="1.0019",
        working=OTO.working,
        pending_side=Side.SELL,
        pending_quantity="1.0019",
        pending=MarketLeg(),
    )
    moved = snap_order(oto, BTC)
    assert (str(moved.working_quantity), str(moved.pending_quantity)) == ("1.001", "1.000")


@pytest.mark.parametrize("request_", [OCO, OTO, OTOCO, OPO, OPOCO, LEGACY, PEGGED, TRAILING])
def test_what_is_on_the_grid_stays_where_it_is(request_: Any) -> None:
    assert snap_order(request_, BTC) == request_


# -------------------------------------------------------------------------------------------------------- properties

GRIDS = {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "base_asset_precision", "quote_asset_precision"}


@given(requests, grids)
def test_whatever_is_snapped_passes_the_grids_and_stays_there(request_: Any, filters: Any) -> None:
    known = symbol(*filters)
    try:
        moved = snap_order(request_, known)
    except InvalidArgument:
        return  # beyond a bound, or a pair whose prices have come to stand on each other
    assert not {str(one.filter) for one in check_order(moved, scene(*filters)).violations} & GRIDS
    assert numbers(snap_order(moved, known)) == numbers(moved)
    for before, after in zip(legs_of(request_), legs_of(moved), strict=True):
        for name in ("quantity", "iceberg_qty", "quote_order_qty"):
            assert (getattr(after, name) or 0) <= (getattr(before, name) or 0)
        for name in ("price", "stop_price"):
            was, now = getattr(before, name), getattr(after, name)
            assert was == now or (now < was) is before.buys


@given(orders, grids, st.sampled_from([ROUND_UP, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_CEILING]))
def test_however_prices_are_rounded_they_end_on_the_grid(order: Any, filters: Any, rounding: str) -> None:
    known = symbol(*filters)
    try:
        moved = snap_order(order, known, rounding=rounding)
    except InvalidArgument:
        return
    assert not {str(one.filter) for one in check_order(moved, scene(*filters)).violations} & GRIDS
    assert numbers(snap_order(moved, known, rounding=rounding)) == numbers(moved)


@pytest.mark.parametrize("mode", ["half_even", "", 3, "ROUND_SIDEWAYS", Decimal])
def test_a_mode_that_decimal_does_not_have_is_refused(mode: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^rounding=.*: expected one of ROUND_FLOOR, "):
        check_rounding(mode)


@pytest.mark.parametrize("mode", [None, *ROUNDINGS])
def test_every_mode_of_decimal_snaps(mode: str | None) -> None:
    check_rounding(mode)
    price = snap_order(limit(price="100.005"), symbol(TICKS), rounding=mode).price
    assert price in (Decimal("100.00"), Decimal("100.01"))
