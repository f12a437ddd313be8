"""The orders: one form for all that the exchange tells of an order, by the stream, by an answer or by a query.

That form is the ``OrderStatusReport`` of a query. ``known`` is what was known of the same order before: it lends what
the new report does not tell.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance.models import (
    AmendedOrder,
    AmendResult,
    CancelResult,
    ExecutionReport,
    ExecutionType,
    OrderResult,
    OrderState,
    OrderStatus,
    OrderStatusReport,
    OrderTerms,
    Timestamp,
)

_TERMS = tuple(field.name for field in attrs.fields(OrderTerms) if field.name != "extra")
_STATE = tuple(field.name for field in attrs.fields(OrderState) if field.name != "extra")
_LENT = tuple(field.name for field in attrs.fields(OrderState) if field.default is None)
"""What a report may leave out."""


def order_from_report(report: ExecutionReport, known: OrderStatusReport | None = None) -> OrderStatusReport:
    """Return the order as an event of the stream tells it."""
    order = OrderStatusReport(
        symbol=report.symbol,
        order_id=report.order_id,
        order_list_id=report.order_list_id,
        client_order_id=client_order_id(report),
        price=report.price,
        orig_qty=report.quantity,
        executed_qty=report.cumulative_filled_quantity,
        cummulative_quote_qty=report.cumulative_quote_quantity,
        orig_quote_order_qty=report.quote_order_quantity,
        status=report.order_status,
        time_in_force=report.time_in_force,
        type=report.order_type,
        side=report.side,
        working_time=report.working_time,
        self_trade_prevention_mode=report.self_trade_prevention_mode,
        stop_price=report.stop_price,
        iceberg_qty=report.iceberg_quantity,
        strategy_id=report.strategy_id,
        strategy_type=report.strategy_type,
        trailing_delta=report.trailing_delta,
        trailing_time=report.trailing_time,
        used_sor=report.used_sor,
        working_floor=report.working_floor,
        prevented_match_id=report.prevented_match_id,
        prevented_quantity=report.prevented_quantity,
        expiry_reason=report.expiry_reason,
        peg_price_type=report.peg_price_type,
        peg_offset_type=report.peg_offset_type,
        peg_offset_value=report.peg_offset_value,
        pegged_price=report.pegged_price,
        time=report.order_creation_time,
        update_time=report.transaction_time,
        # The event says whether the order is on the book now, a query whether it ever was.
        is_working=report.is_working or _has_worked(report.working_time),
    )
    return lend(order, known)


def client_order_id(report: ExecutionReport) -> str:
    """Return the order's own client id.

    "C": "Original client order ID; This is the ID of the order being canceled". "c" is then the cancellation's; of an
    amendment "c" is the order's new id, and "C" the one it had.
    """
    if report.execution_type == ExecutionType.REPLACED:
        return report.client_order_id
    return report.original_client_order_id or report.client_order_id


def order_from_result(result: OrderResult, known: OrderStatusReport | None = None) -> OrderStatusReport:
    """Return the order as the answer to its placement tells it (RESULT, and FULL but for its fills)."""
    return _of_answer(result, _STATE, result.transact_time, known)


def order_from_cancel(cancel: CancelResult, known: OrderStatusReport | None = None) -> OrderStatusReport:
    """Return the order as the answer to its cancellation tells it; 0 stands for times that it leaves out."""
    order = _of_answer(cancel, _STATE, cancel.transact_time, known)
    # "clientOrderId" is then the cancellation's
    return attrs.evolve(order, client_order_id=cancel.orig_client_order_id or cancel.client_order_id)


def order_from_amendment(amendment: AmendResult, known: OrderStatusReport | None = None) -> OrderStatusReport:
    """Return the order as the answer to its amendment tells it, under its new client id."""
    amended: AmendedOrder = amendment.amended_order
    return _of_answer(
        amended,
        _TERMS,
        amendment.transact_time,
        known,
        orig_qty=amended.qty,
        cummulative_quote_qty=amended.cumulative_quote_qty,
        orig_quote_order_qty=amended.quote_order_qty,
        prevented_quantity=amended.prevented_qty or amended.prevented_quantity,
    )


def _of_answer(
    answer: OrderTerms, names: tuple[str, ...], at: Timestamp | None, known: OrderStatusReport | None, **more: Any
) -> OrderStatusReport:
    moment = at or (0 if known is None else known.update_time)
    order = OrderStatusReport(
        **{**{name: getattr(answer, name) for name in names}, **more},
        # The answer to a placement tells when the order was made; every other comes later.
        time=moment if known is None else known.time,
        update_time=moment,
        is_working=_has_worked(answer.working_time),
    )
    return lend(order, known)


def lend(order: OrderStatusReport, known: OrderStatusReport | None) -> OrderStatusReport:
    """Return the order with what only ``known`` tells of it."""
    if known is None:
        return order
    lent = {name: getattr(known, name) for name in _LENT if getattr(order, name) is None}
    return attrs.evolve(order, is_working=order.is_working or known.is_working, **lent)


def _has_worked(working_time: Timestamp | None) -> bool:
    # "workingTime": -1 while the order waits for its trigger
    return working_time is not None and working_time > 0


def newborn(order: OrderStatusReport) -> OrderStatusReport:
    """Return the order as it was when it was accepted, as far as its later state tells."""
    pending = order.status == OrderStatus.PENDING_NEW
    return attrs.evolve(
        order,
        executed_qty=_zero(order.executed_qty),
        cummulative_quote_qty=_zero(order.cummulative_quote_qty),
        status=OrderStatus.PENDING_NEW if pending else OrderStatus.NEW,
        update_time=order.time,
        expiry_reason=None,
        prevented_match_id=None,
        prevented_quantity=None,
    )


def _zero(number: Decimal) -> Decimal:
    """Return zero in the scale of a number."""
    exponent = number.as_tuple().exponent
    return Decimal((0, (0,), exponent)) if isinstance(exponent, int) else Decimal(0)
