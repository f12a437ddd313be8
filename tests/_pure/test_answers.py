"""Answers that were lost, put together: field by field what the exchange would have said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from trio_binance._pure import answers
from trio_binance._pure.intents.owner import Owner
from trio_binance.models import (
    AccountTrade,
    CancelledOrderList,
    CancelResult,
    ContingencyType,
    Fill,
    ListedOrder,
    ListOrderStatus,
    ListStatusType,
    OrderAck,
    OrderFull,
    OrderList,
    OrderListAck,
    OrderListFull,
    OrderListResult,
    OrderResult,
    OrderStatus,
    OrderStatusReport,
    OrderType,
    Side,
    TimeInForce,
)

ZERO = Decimal("0.00000000")
ORDER = OrderStatusReport(
    symbol="BTCUSDT",
    order_id=7,
    client_order_id="mine",
    price=Decimal("61000.00000000"),
    executed_qty=Decimal("0.00300000"),
    status=OrderStatus.PARTIALLY_FILLED,
    time_in_force=TimeInForce.GTC,
    type=OrderType.LIMIT,
    side=Side.BUY,
    working_time=1_000,
    stop_price=ZERO,
    iceberg_qty=ZERO,
    orig_qty=Decimal("0.01000000"),
    cummulative_quote_qty=Decimal("183.00000000"),
    orig_quote_order_qty=ZERO,
    time=1_000,
    update_time=2_000,
    is_working=True,
)
TRADE = AccountTrade(
    "BTCUSDT", 55, 7, -1, Decimal("61000.00"), Decimal("0.003"), Decimal("183.00"), Decimal("0.000003"), "BTC", 1_500,
    True, False, True,
)  # fmt: skip
FILL = Fill(Decimal("61000.00"), Decimal("0.003"), Decimal("0.000003"), "BTC", 55)
LIST = OrderList(
    3,
    ContingencyType.OCO,
    ListStatusType.EXEC_STARTED,
    ListOrderStatus.EXECUTING,
    "pair",
    1_000,
    "BTCUSDT",
    (ListedOrder("BTCUSDT", 7, "mine"),),
)


def order(**changes: Any) -> OrderStatusReport:
    return attrs.evolve(ORDER, **changes)


def test_a_short_answer_names_the_order_and_its_moment() -> None:
    assert answers.ack(ORDER) == OrderAck("BTCUSDT", 7, -1, "mine", 1_000)


def test_an_answer_tells_where_the_order_stands_and_keeps_its_scale() -> None:
    told = answers.result(ORDER)
    assert type(told) is OrderResult
    assert (told.order_id, told.status, told.transact_time) == (7, OrderStatus.PARTIALLY_FILLED, 1_000)
    assert f"{told.executed_qty} {told.cummulative_quote_qty}" == "0.00300000 183.00000000"


def test_a_long_answer_has_the_fills() -> None:
    told = answers.full(ORDER, [answers.fill(TRADE)])
    assert type(told) is OrderFull
    assert told.fills == (FILL,)


def test_what_only_orders_with_a_stop_or_a_tip_are_told_is_left_out_of_others() -> None:
    assert (answers.result(ORDER).stop_price, answers.result(ORDER).iceberg_qty) == (None, None)
    told = answers.result(order(stop_price=Decimal(60000), iceberg_qty=Decimal("0.001")))
    assert (told.stop_price, told.iceberg_qty) == (Decimal(60000), Decimal("0.001"))


@pytest.mark.parametrize(
    ("status", "quantity", "told"),
    [
        (OrderStatus.PENDING_NEW, ZERO, None),
        (OrderStatus.PENDING_NEW, Decimal("0.01"), Decimal("0.01")),
        (OrderStatus.NEW, ZERO, ZERO),
    ],
)
def test_an_order_that_waits_for_another_has_no_working_time_and_perhaps_no_quantity(
    status: OrderStatus, quantity: Decimal, told: Decimal | None
) -> None:
    pending = answers.result(order(status=status, orig_qty=quantity, working_time=None))
    assert (pending.orig_qty, pending.working_time) == (told, -1)


def test_fills_are_all_when_they_come_to_what_was_executed() -> None:
    assert answers.are_all([], ZERO)
    assert not answers.are_all([], Decimal("0.003"))
    assert answers.are_all([FILL], Decimal("0.00300000"))
    assert not answers.are_all([FILL], Decimal("0.004"))


def test_a_cancellation_goes_by_its_own_name_where_it_has_one() -> None:
    told = answers.cancelled(order(status=OrderStatus.CANCELED), "cancel-1")
    assert type(told) is CancelResult
    assert (told.client_order_id, told.orig_client_order_id, told.transact_time) == ("cancel-1", "mine", 2_000)
    assert told.working_time is None
    assert answers.cancelled(ORDER, "").client_order_id == "mine"


def test_an_amendment_tells_the_old_name_and_what_is_left() -> None:
    told = answers.amended(ORDER, "older", 99)
    assert (told.execution_id, told.transact_time) == (99, 2_000)
    amended = told.amended_order
    assert (amended.orig_client_order_id, amended.client_order_id) == ("older", "mine")
    assert (amended.qty, amended.prevented_qty, amended.cumulative_quote_qty) == (ORDER.orig_qty, ZERO, Decimal(183))
    unknown = answers.amended(order(orig_qty=None, prevented_quantity=Decimal("0.002")), None)
    assert (unknown.execution_id, unknown.amended_order.qty) == (answers.NOT_TOLD, ZERO)
    assert unknown.amended_order.prevented_qty == Decimal("0.002")


@pytest.mark.parametrize(
    ("report", "kind"),
    [
        (answers.ack(ORDER), OrderListAck),
        (answers.result(ORDER), OrderListResult),
        (answers.full(ORDER, ()), OrderListFull),
    ],
)
def test_a_list_has_a_report_of_each_of_its_orders(report: Any, kind: Any) -> None:
    assert answers.LISTS[type(report)] is kind
    told: Any = answers.listed(kind, LIST, [report])
    assert (told.order_list_id, told.list_client_order_id, told.order_reports) == (3, "pair", (report,))
    assert type(told) is kind


def test_a_cancelled_list_has_the_moment_of_its_cancellation() -> None:
    report = answers.cancelled(ORDER, "")
    told = answers.list_cancelled(LIST, [report])
    assert type(told) is CancelledOrderList
    assert told.transaction_time == 2_000
    assert answers.list_cancelled(LIST, []).transaction_time == LIST.transaction_time


def test_the_owner_of_a_journal_is_known_by_a_digest_of_the_key_alone() -> None:
    owner = Owner.of("testnet", "k" * 64)
    assert "kkkk" not in f"{owner} {owner!r}"
    assert len(owner.key) == 12
    assert owner != Owner.of("testnet", "l" * 64)
    assert Owner.of("testnet", None) == Owner("testnet", "")
    assert owner.adopts(Owner.of("testnet", "l" * 64))
    assert not Owner.of("testnet", None).adopts(owner)
