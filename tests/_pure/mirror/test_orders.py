"""One form for an order, whoever tells of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance._pure.mirror import (
    order_from_amendment,
    order_from_cancel,
    order_from_report,
    order_from_result,
)
from trio_binance._pure.mirror.orders import newborn
from trio_binance.models import (
    AmendedOrder,
    AmendResult,
    CancelResult,
    ExecutionType,
    ExpiryReason,
    OrderFull,
    OrderState,
    OrderStatus,
    OrderStatusReport,
    average_price,
    is_done,
    remaining,
)

from .makers import EPOCH_MS, after, event, filled, order

ORDER = order()
STATE = {field.name: getattr(ORDER, field.name) for field in attrs.fields(OrderState)}


def test_an_event_tells_the_order_as_a_query_would() -> None:
    assert order_from_report(event(ORDER, 1, ExecutionType.NEW)) == ORDER


def test_after_a_cancellation_the_order_keeps_its_own_client_id() -> None:
    gone = after(ORDER, status=OrderStatus.CANCELED)
    told = event(
        gone, 2, ExecutionType.CANCELED, client_order_id="cancel-1", original_client_order_id="mine", is_working=False
    )
    assert order_from_report(told, ORDER) == gone
    assert order_from_report(told).client_order_id == "mine"


def test_after_an_amendment_the_order_has_its_new_client_id() -> None:
    less = after(ORDER, orig_qty=Decimal("0.5"), client_order_id="newer")
    told = event(less, 2, ExecutionType.REPLACED, original_client_order_id="mine")
    assert order_from_report(told).client_order_id == "newer"


def test_what_a_report_leaves_out_is_lent_by_what_was_known() -> None:
    stop = attrs.evolve(ORDER, trailing_delta=100, is_working=True, working_time=None)
    told = event(stop, 2, ExecutionType.TRADE, is_working=False)
    assert order_from_report(told, stop).trailing_delta == 100
    assert order_from_report(told, stop).is_working
    assert not order_from_report(told).is_working


def test_the_answer_to_a_placement_tells_the_order() -> None:
    answer = OrderFull(**{**STATE, "transact_time": ORDER.time})
    assert order_from_result(answer) == ORDER
    waiting = attrs.evolve(answer, working_time=-1)
    assert not order_from_result(waiting).is_working
    assert order_from_result(attrs.evolve(answer, transact_time=ORDER.time + 5), ORDER).time == ORDER.time


def test_the_answer_to_a_cancellation_tells_the_order_under_its_own_id() -> None:
    fields: dict[str, Any] = {**STATE, "status": OrderStatus.CANCELED, "client_order_id": "cancel-1"}
    gone = order_from_cancel(
        CancelResult(**fields, orig_client_order_id="mine", transact_time=ORDER.time + 1000), ORDER
    )
    assert gone == after(ORDER, status=OrderStatus.CANCELED)
    # The WebSocket API leaves it out where a list is cancelled; then the id is the order's.
    bare = order_from_cancel(CancelResult(**{**fields, "client_order_id": "mine"}))
    assert (bare.client_order_id, bare.time, bare.update_time) == ("mine", 0, 0)
    assert order_from_cancel(CancelResult(**fields), ORDER).update_time == ORDER.update_time


def test_the_answer_to_an_amendment_tells_the_order() -> None:
    names = {name: STATE[name] for name in STATE if name in {field.name for field in attrs.fields(AmendedOrder)}}
    amended = AmendedOrder(
        **{**names, "client_order_id": "newer"},
        orig_client_order_id="mine",
        qty=Decimal("0.5"),
        prevented_qty=Decimal("0.1"),
        quote_order_qty=Decimal(0),
        cumulative_quote_qty=Decimal("0.00"),
    )
    told = order_from_amendment(AmendResult(ORDER.time + 1000, 7, amended), ORDER)
    expected = after(ORDER, client_order_id="newer", orig_qty=Decimal("0.5"), prevented_quantity=Decimal("0.1"))
    assert told == expected


def test_a_newborn_order_is_what_it_was_when_it_was_accepted() -> None:
    later = attrs.evolve(filled(ORDER, "1.0"), expiry_reason=ExpiryReason.NONE)
    assert newborn(later) == ORDER
    assert str(newborn(later).executed_qty) == "0.0"
    assert newborn(attrs.evolve(ORDER, status=OrderStatus.PENDING_NEW)).status == OrderStatus.PENDING_NEW
    assert newborn(attrs.evolve(ORDER, executed_qty=Decimal("NaN"))).executed_qty == 0


def test_the_average_price_is_the_ratio_of_two_exact_sums() -> None:
    third: OrderStatusReport = attrs.evolve(ORDER, executed_qty=Decimal(3), cummulative_quote_qty=Decimal(1))
    assert average_price(third) == Decimal("0." + "3" * 34)
    assert average_price(ORDER) is None
    # "cummulativeQuoteQty < 0 means the data is not available at this time"
    assert average_price(attrs.evolve(third, cummulative_quote_qty=Decimal(-1))) is None


def test_what_remains_is_neither_executed_nor_prevented() -> None:
    assert remaining(ORDER) == Decimal("1.0")
    assert remaining(filled(ORDER, "0.25")) == Decimal("0.75")
    assert remaining(attrs.evolve(ORDER, prevented_quantity=Decimal("0.4"))) == Decimal("0.6")
    assert remaining(attrs.evolve(ORDER, orig_qty=None)) is None
    gone = attrs.evolve(ORDER, status=OrderStatus.EXPIRED_IN_MATCH)
    assert (remaining(gone), is_done(gone), is_done(ORDER)) == (Decimal(0), True, False)
    assert not is_done(attrs.evolve(ORDER, status=OrderStatus("BRAND_NEW")))
    assert ORDER.time == EPOCH_MS + 1000
