"""The legs of a request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests._pure.filters.builders import limit, market
from tests._pure.filters.test_counts import OCO, OTOCO
from tests._pure.filters.test_permissions import LEGACY, OPO, OPOCO, OTO
from trio_binance._pure.filters.legs import ALGO_TYPES, legs_of
from trio_binance.models import OrderType, Side, StopLossLimitOrder

D = Decimal


def test_an_order_is_one_leg_with_its_own_names() -> None:
    (leg,) = legs_of(limit(quantity=3, iceberg_qty=1))
    assert (leg.quantity, leg.iceberg_qty, leg.price, leg.buys) == (D(3), D(1), D("100.00"), True)
    assert (leg.name("price"), leg.quantity_field, leg.waits, leg.deferred) == ("price", "quantity", False, False)
    (leg,) = legs_of(market(Side.SELL, quote_order_qty=5))
    assert (leg.quantity, leg.quote_order_qty, leg.price, leg.buys, leg.deferred) == (None, D(5), None, False, False)
    (leg,) = legs_of(StopLossLimitOrder("BTCUSDT", Side.SELL, quantity=1, price=9, stop_price=10, trailing_delta=50))
    assert (leg.stop_price, leg.trailing_delta, leg.is_algo) == (D(10), 50, True)


@pytest.mark.parametrize(
    "request_, paths, quantities, waits",
    [
        (OCO, ["above.", "below."], ["quantity", "quantity"], [False, False]),
        (LEGACY, ["limit.", "stop."], ["quantity", "quantity"], [False, False]),
        (OTO, ["working.", "pending."], ["working_quantity", "pending_quantity"], [False, True]),
        (
            OTOCO,
            ["working.", "above.", "below."],
            ["working_quantity", "pending_quantity", "pending_quantity"],
            [False, True, True],
        ),
    ],
)
def test_the_legs_of_a_list_are_found_by_their_places(
    request_: Any, paths: list[str], quantities: list[str], waits: list[bool]
) -> None:
    legs = legs_of(request_)
    assert [leg.path for leg in legs] == paths
    assert [leg.quantity_field for leg in legs] == quantities
    assert [leg.waits for leg in legs] == waits
    for leg in legs:
        assert getattr(request_, leg.quantity_field) == leg.quantity
        terms = getattr(request_, leg.path.rstrip("."))
        assert (terms.type, getattr(terms, "price", None)) == (leg.type, leg.price)
        assert not leg.deferred


@pytest.mark.parametrize("request_", [OPO, OPOCO])
def test_what_an_opo_will_sell_is_not_known_yet(request_: Any) -> None:
    working, *pending = legs_of(request_)
    assert (working.deferred, working.waits, working.side) == (False, False, Side.BUY)
    assert all(leg.deferred and leg.waits and leg.quantity is None and not leg.buys for leg in pending)


def test_orders_that_wait_for_a_stop_price_are_algo_orders() -> None:
    assert {kind for kind in OrderType if kind in ALGO_TYPES} == {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    }
