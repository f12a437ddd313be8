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


def ack(order: OrderStatusReport) -> OrderAck:
    """Return the short answer to the placement of an order."""
    return OrderAck(order.symbol, order.order_id, order.order_list_id, order.client_order_id, order.time)


def result(order: OrderStatusReport) -> OrderResult:
    """Return the answer to the placement of an order, with where it stands now."""
    return OrderResult(**_shared(OrderState, order), transact_time=order.time)


def full(order: OrderStatusReport, fills: Iterable[Fill]) -> OrderFull:
    """Return the long answer to the placement of an order, with where it stands now and its fills so far."""
    return OrderFull(**_shared(OrderState, order), transact_time=order.time, fills=tuple(fills))


def fill(trade: AccountTrade) -> Fill:
    """Return a trade of the account as a fill of its order."""
    return Fill(trade.price, trade.qty, trade.commission, trade.commission_asset, trade.id)


def are_all(fills: Iterable[Fill], executed_qty: Decimal) -> bool:
    """Tell whether these fills are all that was executed."""
    return sum((each.qty for each in fills), start=executed_qty - executed_qty) >= executed_qty


def cancelled(order: OrderStatusReport, cancel_id: str) -> CancelResult:
    """Return the answer to the cancellation of an order; ``cancel_id`` is the cancellation's own client id."""
    told = _shared(OrderState, order) | {"client_order_id": cancel_id or order.client_order_id}
    return CancelResult(**told, orig_client_order_id=order.client_order_id, transact_time=order.update_time)


def amended(order: OrderStatusReport, old_name: str | None, execution_id: int = NOT_TOLD) -> AmendResult:
    """Return the answer to an amendment; what was prevented counts as nothing where nothing tells it."""
    zero = order.executed_qty - order.executed_qty
    changed = AmendedOrder(
        **_shared(OrderTerms, order),
        orig_client_order_id=old_name,
        qty=zero if order.orig_qty is None else order.orig_qty,
        prevented_qty=order.prevented_quantity or zero,
        quote_order_qty=order.orig_quote_order_qty or zero,
        cumulative_quote_qty=order.cummulative_quote_qty,
    )
    return AmendResult(order.update_time, execution_id, changed)


def listed(kind: type[L], order_list: OrderList, reports: Sequence[Any]) -> L:
    """Return the answer to the placement or the cancellation of a list, with a report of each of its orders."""
    answer: Any = kind
    return answer(**_shared(OrderList, order_list), order_reports=tuple(reports))  # type: ignore[no-any-return]


LISTS: dict[type, type[OrderList]] = {
    OrderAck: OrderListAck,
    OrderResult: OrderListResult,
    OrderFull: OrderListFull,
    CancelResult: CancelledOrderList,
}
"""The answers of lists, by the reports that they hold."""
