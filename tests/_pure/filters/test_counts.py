"""The rules that count."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests._pure.filters.builders import check, limit, only
from trio_binance._pure.filters import OpenCounts, counts_of, position_of
from trio_binance.models import (
    Balance,
    ExchangeMaxNumAlgoOrdersFilter,
    ExchangeMaxNumIcebergOrdersFilter,
    ExchangeMaxNumOrderListsFilter,
    ExchangeMaxNumOrdersFilter,
    LimitLeg,
    LimitMakerLeg,
    MaxNumAlgoOrdersFilter,
    MaxNumIcebergOrdersFilter,
    MaxNumOrderAmendsFilter,
    MaxNumOrderListsFilter,
    MaxNumOrdersFilter,
    OcoOrder,
    OrderStatus,
    OrderStatusReport,
    OrderType,
    OtocoOrder,
    Side,
    StopLossLeg,
    StopLossLimitLeg,
    TakeProfitOrder,
    TimeInForce,
)

D = Decimal
ALGO = TakeProfitOrder("BTCUSDT", Side.SELL, quantity=1, stop_price=100)
ICEBERG = limit(quantity=2, iceberg_qty=1)
OCO = OcoOrder(
    "BTCUSDT", Side.SELL, quantity=1, above=LimitMakerLeg(price=110), below=StopLossLimitLeg(price=89, stop_price=90)
)
OTOCO = OtocoOrder(
    "BTCUSDT",
    working_side=Side.BUY,
    working_quantity=1,
    working=LimitLeg(price=100),
    pending_side=Side.SELL,
    pending_quantity=1,
    above=LimitMakerLeg(price=110),
    below=StopLossLeg(stop_price=90),
)
OPEN = OpenCounts(orders=5, algo=5, iceberg=5, lists=5)


@pytest.mark.parametrize("request_, orders, algo, lists", [(limit(), 1, 0, 0), (OCO, 2, 1, 1), (OTOCO, 3, 1, 1)])
def test_a_list_opens_all_its_orders_and_is_one_list(request_: Any, orders: int, algo: int, lists: int) -> None:
    for new, filter, other in (
        (orders, MaxNumOrdersFilter, ExchangeMaxNumOrdersFilter),
        (algo, MaxNumAlgoOrdersFilter, ExchangeMaxNumAlgoOrdersFilter),
        (lists, MaxNumOrderListsFilter, ExchangeMaxNumOrderListsFilter),
    ):
        facts: Any = {"on_symbol": OPEN, "on_exchange": OPEN}
        assert check(request_, filter(5 + new), **facts).ok
        assert check(request_, exchange_filters=(other(5 + new),), **facts).ok
        if new:
            found = only(check(request_, filter(4 + new), **facts))
            assert (found.value, found.allowed) == (5 + new, (4 + new,))
            assert found.reason == f"with this one, more than {4 + new}"
            assert not check(request_, exchange_filters=(other(4 + new),), **facts).ok


def test_icebergs_are_counted_by_themselves() -> None:
    for order, ok in ((ICEBERG, False), (limit(), True)):
        assert check(order, MaxNumIcebergOrdersFilter(5), on_symbol=OPEN).ok is ok
        assert check(order, exchange_filters=(ExchangeMaxNumIcebergOrdersFilter(5),), on_exchange=OPEN).ok is ok


def test_the_names_tell_what_is_counted_and_where() -> None:
    request = ICEBERG
    filters: Any = (MaxNumOrdersFilter(5), MaxNumIcebergOrdersFilter(5))
    everywhere: Any = (ExchangeMaxNumOrdersFilter(3), ExchangeMaxNumIcebergOrdersFilter(3))
    found = check(request, *filters, exchange_filters=everywhere, on_symbol=OPEN, on_exchange=OPEN)
    assert [(one.field, one.allowed) for one in found.violations] == [
        ("open_orders", (5,)),
        ("open_iceberg_orders", (5,)),
        ("exchange_open_orders", (3,)),
        ("exchange_open_iceberg_orders", (3,)),
    ]


def test_counts_that_are_not_known_leave_the_filter_unchecked() -> None:
    filters: Any = (MaxNumOrdersFilter(5), MaxNumAlgoOrdersFilter(5), MaxNumOrderListsFilter(5))
    found = check(limit(), *filters, exchange_filters=(ExchangeMaxNumOrdersFilter(5),))
    assert [(one.filter, one.reason) for one in found.unchecked] == [
        ("MAX_NUM_ORDERS", "for want of the account's open orders on the symbol"),
        ("EXCHANGE_MAX_NUM_ORDERS", "for want of all open orders of the account"),
    ]


def test_what_is_too_much_by_itself_needs_no_count() -> None:
    found = only(check(OTOCO, MaxNumOrdersFilter(2)))
    assert (found.value, found.allowed) == (3, (2,))
    assert only(check(limit(), MaxNumOrdersFilter(0))).allowed == ()


def test_a_placement_is_not_concerned_by_the_number_of_amendments() -> None:
    assert check(limit(), MaxNumOrderAmendsFilter(0)) == check(limit())


def report(**fields: Any) -> OrderStatusReport:
    own: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "order_id": 1,
        "client_order_id": "mine",
        "price": D("100"),
        "orig_qty": D("1"),
        "executed_qty": D("0"),
        "cummulative_quote_qty": D("0"),
        "status": OrderStatus.NEW,
        "time_in_force": TimeInForce.GTC,
        "type": OrderType.LIMIT,
        "side": Side.BUY,
        "time": 1,
        "update_time": 1,
        "is_working": True,
    }
    return OrderStatusReport(**own | fields)


def test_open_orders_are_counted_from_their_reports() -> None:
    orders = [
        report(),
        report(iceberg_qty=D("0.00000000")),
        report(iceberg_qty=D("0.1"), order_list_id=7),
        report(type=OrderType.TAKE_PROFIT_LIMIT, order_list_id=7),
        report(type=OrderType.STOP_LOSS, order_list_id=8),
    ]
    assert counts_of(orders) == OpenCounts(orders=5, algo=2, iceberg=1, lists=2)


def test_a_position_is_what_is_held_and_what_open_orders_would_buy() -> None:
    balances = [Balance("USDT", D(9), D(9)), Balance("BTC", D("1.5"), D("0.25"))]
    orders = [
        report(orig_qty=D("2"), executed_qty=D("1")),
        report(side=Side.SELL, orig_qty=D(5)),
        report(orig_qty=None),
    ]
    assert position_of("BTC", balances, orders) == D("3.75")
    assert position_of("ETH", balances, []) == 0
