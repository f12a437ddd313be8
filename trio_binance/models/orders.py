"""The orders: everything that the exchange answers about one."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import attrs

from .enums import (
    ExpiryReason,
    MatchType,
    OrderCapacity,
    OrderStatus,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
    WorkingFloor,
)
from .values import Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class OrderAck(Model):
    """The order was accepted. ``order_list_id`` is -1 unless it is part of a list."""

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False, kw_only=True)
class OrderTerms(Model):
    """What every report of an order tells. Optional fields: rest-api.md, "Conditional fields in Order Responses".

    ``order_list_id`` is -1 unless it is part of a list, and in answers older than order lists. ``working_time`` is -1
    while the order waits for a trigger; an amendment of such an order does not tell it. ``prevented_match_id`` and
    ``prevented_quantity`` are told of an order that self-trade prevention ended, ``expiry_reason`` of one that expired,
    ``order_capacity`` in SBE alone. ``self_trade_prevention_mode`` was added later and is missing in some examples of
    the documents: an order that was placed must not be lost for its sake.
    """

    symbol: str
    order_id: int
    order_list_id: int = -1
    client_order_id: str
    price: Decimal
    executed_qty: Decimal
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    working_time: Timestamp | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None
    stop_price: Decimal | None = None
    iceberg_qty: Decimal | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    trailing_delta: int | None = None
    trailing_time: Timestamp | None = None
    used_sor: bool | None = None
    working_floor: WorkingFloor | None = None
    order_capacity: OrderCapacity | None = None
    prevented_match_id: int | None = None
    prevented_quantity: Decimal | None = None
    expiry_reason: ExpiryReason | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_type: PegOffsetType | None = None
    peg_offset_value: int | None = None
    pegged_price: Decimal | None = None


@attrs.frozen(weakref_slot=False, repr=False, kw_only=True)
class OrderState(OrderTerms):
    """An order and how much of it was done; the base of the reports of a placement, a query and a cancellation.

    ``orig_qty`` is ``None`` for the pending orders of an OPO or OPOCO list, whose quantity is what the working order
    brings. ``orig_quote_order_qty`` came in 2024.
    """

    orig_qty: Decimal | None = None
    cummulative_quote_qty: Decimal
    orig_quote_order_qty: Decimal | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class PreventedMatch(Model):
    """A match that self-trade prevention stopped while the order was placed.

    Which of the quantities is told depends on the mode: the maker's, the taker's or both; ``maker_symbol`` with
    TRANSFER. The documents of SBE allow ``maker_order_id`` and ``price`` to be absent.
    """

    prevented_match_id: int
    maker_order_id: int | None = None
    price: Decimal | None = None
    maker_prevented_quantity: Decimal | None = None
    taker_prevented_quantity: Decimal | None = None
    maker_symbol: str | None = None


@attrs.frozen(weakref_slot=False, repr=False, kw_only=True)
class OrderResult(OrderState):
    """The order was accepted and stands as told.

    ``prevented_matches``, and ``trade_group_id`` where the account is in a group, are told when self-trade prevention
    stopped a match (faqs/stp_faq.md).
    """

    transact_time: Timestamp
    trade_group_id: int | None = None
    prevented_matches: tuple[PreventedMatch, ...] | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class Fill(Model):
    """A trade of the order that was just placed. An allocation by SOR has ``trade_id`` -1 and an ``alloc_id``."""

    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    trade_id: int
    match_type: MatchType | None = None
    alloc_id: int | None = None


@attrs.frozen(weakref_slot=False, repr=False, kw_only=True)
class OrderFull(OrderResult):
    """The order was accepted, stands as told, and these are its fills so far.

    None of them only where nothing was executed: an answer that leaves out what was is refused as too short.
    """

    fills: tuple[Fill, ...] = ()


OrderResponse: TypeAlias = OrderAck | OrderResult | OrderFull
"""What a placement answers, by the ``new_order_resp_type`` that was asked for."""


@attrs.frozen(weakref_slot=False, repr=False, kw_only=True)
class OrderStatusReport(OrderState):
    """An order as a query tells it. Queries lag behind the matching engine."""

    time: Timestamp
    update_time: Timestamp
    is_working: bool


@attrs.frozen(weakref_slot=False, repr=False, kw_only=True)
class CancelResult(OrderState):
    """A cancelled order: ``client_order_id`` is the cancellation's, ``orig_client_order_id`` the order's.

    The WebSocket API leaves ``orig_client_order_id`` out where a list is cancelled, says its example; there
    ``client_order_id`` is still the order's. ``transact_time`` came in 2023.
    """

    orig_client_order_id: str | None = None
    transact_time: Timestamp | None = None
