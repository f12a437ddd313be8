"""The answers: those that were lost, put together from what queries and events tell of the same orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from trio_binance.models import (
    AmendedOrder,
    AmendResult,
    CancelledOrderList,
    CancelResult,
    Fill,
    OrderAck,
    OrderFull,
    OrderListAck,
    OrderListFull,
    OrderListResult,
    OrderResult,
    OrderStatus,
)
from trio_binance.models.lists import OrderList
from trio_binance.models.orders import OrderState, OrderTerms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from trio_binance.models import AccountTrade, OrderStatusReport

L = TypeVar("L", bound=OrderList)

NOT_TOLD = -1
"""In place of an execution id that no query tells."""


def _shared(kind: type, order: object) -> dict[str, Any]:
    return {field.name: getattr(order, field.name) for field in attrs.fields(kind) if field.init}


def _as_answered(order: OrderStatusReport) -> OrderStatusReport:
    """Return an order without what answers leave out where queries and events tell a zero.

    "stopPrice: Appears only for STOP_LOSS, TAKE_PROFIT ..." and "icebergQty: Appears only if the parameter icebergQty
    was sent on the request" (Conditional fields in Order Responses).
    """
    return attrs.evolve(order, stop_price=order.stop_price or None, iceberg_qty=order.iceberg_qty or None)


def _as_placed(order: OrderStatusReport) -> dict[str, Any]:
    """Return what the answer to a placement tells of an order.

    An order that is not on the book yet has the working time -1, which events leave out; and one whose quantity is
    what another order brings (OPO) has none yet.
    """
    told = _shared(OrderState, _as_answered(order))
    told["working_time"] = -1 if order.working_time is None else order.working_time
    if order.status == OrderStatus.PENDING_NEW:
        told["orig_qty"] = order.orig_qty or None
    return told


def ack(order: OrderStatusReport) -> OrderAck:
    """Return the short answer to the placement of an order."""
    return OrderAck(order.symbol, order.order_id, order.order_list_id, order.client_order_id, order.time)


def result(order: OrderStatusReport) -> OrderResult:
    """Return the answer to the placement of an order, with where it stands now."""
    return OrderResult(**_as_placed(order), transact_time=order.time)


def full(order: OrderStatusReport, fills: Iterable[Fill]) -> OrderFull:
    """Return the long answer to the placement of an order, with where it stands now and its fills so far."""
    return OrderFull(**_as_placed(order), transact_time=order.time, fills=tuple(fills))


def fill(trade: AccountTrade) -> Fill:
    """Return a trade of the account as a fill of its order."""
    return Fill(trade.price, trade.qty, trade.commission, trade.commission_asset, trade.id)


def are_all(fills: Iterable[Fill], executed_qty: Decimal) -> bool:
    """Tell whether these fills are all that was executed."""
    return sum((each.qty for each in fills), start=executed_qty - executed_qty) >= executed_qty


def cancelled(order: OrderStatusReport, cancel_id: str) -> CancelResult:
    """Return the answer to the cancellation of an order; ``cancel_id`` is the cancellation's own client id."""
    told = _shared(OrderState, _as_answered(order))
    told["client_order_id"] = cancel_id or order.client_order_id
    told["working_time"] = None  # of the answers this one alone does not tell it
    return CancelResult(**told, orig_client_order_id=order.client_order_id, transact_time=order.update_time)


def amended(order: OrderStatusReport, old_name: str | None, execution_id: int = NOT_TOLD) -> AmendResult:
    """Return the answer to an amendment; what was prevented counts as nothing where nothing tells it."""
    zero = order.executed_qty - order.executed_qty
    changed = AmendedOrder(
        **_shared(OrderTerms, _as_answered(order)),
        orig_client_order_id=old_name,
        qty=zero if order.orig_qty is None else order.orig_qty,
        prevented_qty=order.prevented_quantity or zero,
        quote_order_qty=order.orig_quote_order_qty or zero,
        cumulative_quote_qty=order.cummulative_quote_qty,
    )
    return AmendResult(order.update_time, execution_id, changed)


def list_cancelled(order_list: OrderList, reports: Sequence[CancelResult]) -> CancelledOrderList:
    """Return the answer to the cancellation of a list, all of whose orders have ended."""
    # "transactionTime" is that of the cancellation; a query tells that of the list.
    at = max((report.transact_time for report in reports if report.transact_time is not None), default=None)
    found = order_list if at is None else attrs.evolve(order_list, transaction_time=at)
    return listed(CancelledOrderList, found, reports)


def listed(kind: type[L], order_list: OrderList, reports: Sequence[Any]) -> L:
    """Return the answer to what was done to a list, with a report of each of its orders."""
    answer: Any = kind
    return answer(**_shared(OrderList, order_list), order_reports=tuple(reports))  # type: ignore[no-any-return]


LISTS: dict[type, type[OrderList]] = {
    OrderAck: OrderListAck,
    OrderResult: OrderListResult,
    OrderFull: OrderListFull,
}
"""The answers to the placement of lists, by the reports that they hold."""
