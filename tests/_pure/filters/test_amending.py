"""The rules for making an open order smaller."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests._pure.filters.builders import LOTS, TICKS, only, scene, texts
from tests._pure.filters.test_counts import report
from trio_binance._pure.filters import Need, amendment_needs, check_amendment
from trio_binance.models import (
    Filter,
    IcebergPartsFilter,
    MaxNumOrderAmendsFilter,
    MaxNumOrdersFilter,
    MinNotionalFilter,
    NotionalFilter,
    OrderCheck,
    SymbolStatus,
)

D = Decimal
AMENDS = MaxNumOrderAmendsFilter(10)
LEAST = MinNotionalFilter(D(50), apply_to_market=True, avg_price_mins=5)


def amend(new_qty: str, *filters: Filter, order: Any = None, **facts: Any) -> OrderCheck:
    """Return what these filters say of making an order of 1 at 100 so large."""
    return check_amendment(order or report(), D(new_qty), scene(*filters, **facts))


def test_an_order_that_becomes_smaller_on_the_grid_passes() -> None:
    assert amend("0.5", TICKS, LOTS, LEAST, AMENDS, amendments=9) == OrderCheck()


@pytest.mark.parametrize("new_qty", ["1", "1.5"])
def test_an_order_can_only_become_smaller(new_qty: str) -> None:
    found = only(amend(new_qty, LOTS))
    assert (found.filter, found.field, texts(found)) == ("orig_qty", "new_qty", ["0.999"])
    assert found.reason == "is not smaller than 1"


def test_a_smaller_quantity_keeps_the_grid_and_the_least_worth() -> None:
    found = only(amend("0.5005", LOTS))
    assert (found.filter, found.field, texts(found)) == ("LOT_SIZE", "new_qty", ["0.500", "0.501"])
    assert texts(only(amend("0.4", LOTS, LEAST))) == ["0.500"]
    assert only(amend("0.4", LOTS, NotionalFilter(D(50), True, D(0), False, 5))).filter == "NOTIONAL"
    assert only(amend("0.123456789")).filter == "base_asset_precision"


def test_the_price_of_a_pegged_order_is_that_of_its_peg() -> None:
    pegged = report(price=D("0.00000000"), pegged_price=D(200))
    assert amend("0.25", LEAST, order=pegged).ok
    assert not amend("0.24", LEAST, order=pegged).ok
    unpriced = amend("0.5", LEAST, order=report(price=D(0)))
    assert [one.filter for one in unpriced.unchecked] == ["MIN_NOTIONAL"]


def test_an_order_is_amended_so_many_times_at_most() -> None:
    found = only(amend("0.5", AMENDS, amendments=10))
    assert (found.filter, found.field, found.value, found.allowed) == ("MAX_NUM_ORDER_AMENDS", "amendments", 11, (10,))
    lacking = amend("0.5", AMENDS)
    assert [one.reason for one in lacking.unchecked] == ["for want of the amendments of the order so far"]
    assert amendment_needs(report(), D("0.5"), scene(AMENDS)) == {Need.AMENDMENTS}


def test_an_amendment_opens_no_order_and_makes_no_more_parts() -> None:
    order = report(iceberg_qty=D("0.01"))
    assert amend("0.5", MaxNumOrdersFilter(0), IcebergPartsFilter(1), order=order) == OrderCheck()


def test_orders_are_amended_where_the_symbol_lets_them_be() -> None:
    assert amend("0.5", status=SymbolStatus.CANCEL_ONLY).ok
    assert only(amend("0.5", status=SymbolStatus.HALT)).reason == "is in HALT, and not in TRADING or CANCEL_ONLY"
    assert only(amend("0.5", amend_allowed=False)).filter == "amend_allowed"
    assert [one.filter for one in amend("0.5", amend_allowed=None).unchecked] == ["amend_allowed"]


def test_a_pending_order_whose_quantity_another_will_bring_cannot_be_amended() -> None:
    found = only(amend("0.5", order=report(orig_qty=None)))
    assert (found.filter, found.reason) == ("orig_qty", "cannot be set before the working order is filled")
