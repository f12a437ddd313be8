"""The order lists: OCO, OTO and their kin, as they are placed, asked for and cancelled."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from .enums import ContingencyType, ListOrderStatus, ListStatusType
from .orders import CancelResult, OrderAck, OrderFull, OrderResult
from .values import Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class ListedOrder(Model):
    """One order of a list."""

    symbol: str
    order_id: int
    client_order_id: str


@attrs.frozen(weakref_slot=False, repr=False)
class OrderList(Model):
    """An order list: ``contingency_type`` is OCO, or OTO for every list with a working order (OTOCO, OPO, OPOCO)."""

    order_list_id: int
    contingency_type: ContingencyType
    list_status_type: ListStatusType
    list_order_status: ListOrderStatus
    list_client_order_id: str
    transaction_time: Timestamp
    symbol: str
    orders: tuple[ListedOrder, ...]


@attrs.frozen(weakref_slot=False, repr=False)
class OrderListAck(OrderList):
    """The list was accepted, and so were its orders."""

    order_reports: tuple[OrderAck, ...]


@attrs.frozen(weakref_slot=False, repr=False)
class OrderListResult(OrderList):
    """The list was accepted and its orders stand as told; the working order comes first, an OCO's stop leg too."""

    order_reports: tuple[OrderResult, ...]


@attrs.frozen(weakref_slot=False, repr=False)
class OrderListFull(OrderList):
    """The list was accepted, its orders stand as told, with their fills so far."""

    order_reports: tuple[OrderFull, ...]


OrderListResponse: TypeAlias = OrderListAck | OrderListResult | OrderListFull
"""What the placement of a list answers, by the ``new_order_resp_type`` that was asked for."""


@attrs.frozen(weakref_slot=False, repr=False)
class CancelledOrderList(OrderList):
    """A list that was cancelled, with each of its orders."""

    order_reports: tuple[CancelResult, ...]


CancelResponse: TypeAlias = CancelResult | CancelledOrderList
"""What a cancellation answers: whoever cancels one order of a list cancels the list."""
