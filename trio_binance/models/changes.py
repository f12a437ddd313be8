"""The changes of orders that stand: amended in place, or cancelled and replaced in one request."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import attrs

from .enums import CancelReplaceResult, ContingencyType, ListOrderStatus
from .lists import CancelledOrderList, CancelResponse, ListedOrder
from .orders import CancelResult, OrderAck, OrderFull, OrderResult, OrderTerms
from .values import Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False, kw_only=True)
class AmendedOrder(OrderTerms):
    """An order after its quantity was lowered: ``client_order_id`` is its new id, ``orig_client_order_id`` the old.

    SBE allows the old id to be absent.
    """

    orig_client_order_id: str | None = None
    qty: Decimal
    prevented_qty: Decimal
    quote_order_qty: Decimal
    cumulative_quote_qty: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class AmendedOrderList(Model):
    """The list of an order that was amended, with the order's new client id."""

    order_list_id: int
    contingency_type: ContingencyType
    list_order_status: ListOrderStatus
    list_client_order_id: str
    symbol: str
    orders: tuple[ListedOrder, ...]


@attrs.frozen(weakref_slot=False, repr=False)
class AmendResult(Model):
    """What an amendment answers; ``list_status`` is there when the order is part of a list."""

    transact_time: Timestamp
    execution_id: int
    amended_order: AmendedOrder
    list_status: AmendedOrderList | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class OrderAmendment(Model):
    """One amendment of an order, as a query tells it."""

    symbol: str
    order_id: int
    execution_id: int
    orig_client_order_id: str
    new_client_order_id: str
    orig_qty: Decimal
    new_qty: Decimal
    time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class ErrorReport(Model):
    """An error in the place of an answer: the exchange's number and its words."""

    code: int
    msg: str


CancelHalf: TypeAlias = CancelResult | CancelledOrderList | ErrorReport | None
"""What became of the order to cancel; ``None`` if nothing was tried."""

NewOrderHalf: TypeAlias = OrderAck | OrderResult | OrderFull | ErrorReport | None
"""What became of the order to place; ``None`` if nothing was tried."""


@attrs.frozen(weakref_slot=False, repr=False)
class CancelReplaceReport(Model):
    """Both halves of a cancel-and-replace, each done, failed or not tried.

    It is the answer where both were done; otherwise the error that is raised carries it as ``report``.
    """

    cancel_result: CancelReplaceResult
    new_order_result: CancelReplaceResult
    cancel_response: CancelHalf
    new_order_response: NewOrderHalf


@attrs.frozen(weakref_slot=False, repr=False)
class ReplacedAck(CancelReplaceReport):
    """One order was cancelled and another accepted."""

    cancel_response: CancelResponse
    new_order_response: OrderAck


@attrs.frozen(weakref_slot=False, repr=False)
class ReplacedResult(CancelReplaceReport):
    """One order was cancelled and another accepted, which stands as told."""

    cancel_response: CancelResponse
    new_order_response: OrderResult


@attrs.frozen(weakref_slot=False, repr=False)
class ReplacedFull(CancelReplaceReport):
    """One order was cancelled and another accepted, which stands as told, with its fills so far."""

    cancel_response: CancelResponse
    new_order_response: OrderFull


Replaced: TypeAlias = ReplacedAck | ReplacedResult | ReplacedFull
"""What a cancel-and-replace answers where both halves were done, by the ``new_order_resp_type`` that was asked for."""
