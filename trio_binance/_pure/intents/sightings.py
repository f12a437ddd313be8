"""The sightings: an order, or an order list, as somebody has seen it, whoever that was."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import attrs

from trio_binance.models import (
    AmendResult,
    CancelledOrderList,
    CancelResult,
    ExecutionReport,
    ExecutionType,
    ListOrderStatus,
    ListStatus,
    OrderAck,
    OrderList,
    OrderResult,
    OrderStatus,
    OrderStatusReport,
    as_milliseconds,
)
from trio_binance.models.mirror import DONE


@attrs.frozen
class OrderSighting:
    """An order was seen.

    ``names`` are all client ids that it goes by, or went by before; ``status`` is ``None`` where the exchange told
    none (ACK); ``quantity`` what it is of; ``created_ms`` when it was placed, if that was told, and ``moment_ms`` when
    something last happened to it; ``cancel_id`` is the client id of what cancelled it.
    """

    symbol: str
    order_id: int
    names: tuple[str, ...]
    status: OrderStatus | None = None
    quantity: Decimal | None = None
    created_ms: int | None = None
    order_list_id: int = -1
    cancel_id: str = ""
    moment_ms: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in DONE

    def __str__(self) -> str:
        return f"order {self.order_id} ({self.names[0]}) is {self.status or 'there'}"


@attrs.frozen
class ListSighting:
    """An order list was seen. ``moment_ms`` is when something last happened to it, ``orders`` are their ids."""

    symbol: str
    order_list_id: int
    name: str
    status: ListOrderStatus
    orders: tuple[int, ...] = ()
    moment_ms: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status != ListOrderStatus.EXECUTING

    def __str__(self) -> str:
        return f"order list {self.order_list_id} ({self.name}) is {self.status}"


Sighting: TypeAlias = OrderSighting | ListSighting


def of_report(report: ExecutionReport) -> OrderSighting:
    """Return what an execution report shows.

    After a cancellation ``c`` is the cancellation's id and ``C`` the order's; after an amendment they are the order's
    new id and its old one (user-data-stream.md, "Order Update").
    """
    name, old = report.client_order_id, report.original_client_order_id
    cancelled = report.execution_type == ExecutionType.CANCELED and old != ""
    return OrderSighting(
        report.symbol,
        report.order_id,
        (old,) if cancelled else (name, old) if old else (name,),
        report.order_status,
        report.quantity,
        as_milliseconds(report.order_creation_time),
        report.order_list_id,
        name if cancelled else "",
        as_milliseconds(report.transaction_time),
    )


def of_list_status(event: ListStatus | OrderList) -> ListSighting:
    """Return what an event of a list, the answer to its placement, or a query of it shows."""
    return ListSighting(
        event.symbol,
        event.order_list_id,
        event.list_client_order_id,
        event.list_order_status,
        tuple(order.order_id for order in event.orders),
        as_milliseconds(event.transaction_time),
    )


def of_query(report: OrderStatusReport) -> OrderSighting:
    """Return what a query of an order shows."""
    return OrderSighting(
        report.symbol,
        report.order_id,
        (report.client_order_id,),
        report.status,
        report.orig_qty,
        as_milliseconds(report.time),
        report.order_list_id,
        moment_ms=as_milliseconds(report.update_time),
    )


def of_answer(answer: OrderAck | OrderResult | OrderList | CancelResult | AmendResult) -> Sighting:
    """Return what the answer to a placement, a cancellation or an amendment shows."""
    if isinstance(answer, OrderList):
        return of_list_status(answer)
    if isinstance(answer, AmendResult):
        order = answer.amended_order
        names = (order.client_order_id, order.orig_client_order_id or order.client_order_id)
        return OrderSighting(
            order.symbol, order.order_id, names, order.status, order.qty, order_list_id=order.order_list_id
        )
    if isinstance(answer, CancelResult):
        return _of_cancel(answer)
    status, quantity = (answer.status, answer.orig_qty) if isinstance(answer, OrderResult) else (None, None)
    return OrderSighting(
        answer.symbol,
        answer.order_id,
        (answer.client_order_id,),
        status,
        quantity,
        as_milliseconds(answer.transact_time),
        answer.order_list_id,
    )


def of_cancelled_list(answer: CancelledOrderList) -> tuple[OrderSighting, ...]:
    """Return the orders that a cancellation of their list shows."""
    return tuple(map(_of_cancel, answer.order_reports))


def _of_cancel(answer: CancelResult) -> OrderSighting:
    name = answer.client_order_id
    old = answer.orig_client_order_id
    return OrderSighting(
        answer.symbol,
        answer.order_id,
        (old or name,),
        answer.status,
        answer.orig_qty,
        order_list_id=answer.order_list_id,
        cancel_id=name if old else "",
    )
