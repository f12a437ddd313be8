"""The orders: everything that the exchange answers about one."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import attrs

from .enums import (
    ExpiryReason,
    MatchType,
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


@attrs.frozen(weakref_slot=False)
class OrderAck(Model):
    """The order was accepted. ``order_list_id`` is -1 unless it is part of a list."""

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: Timestamp


@attrs.frozen(weakref_slot=False)
class PreventedMatch(Model):
    """A match that self-trade prevention stopped while the order was placed."""

    prevented_match_id: int
    maker_order_id: int
    price: Decimal
    maker_prevented_quantity: Decimal


@attrs.frozen(weakref_slot=False)
class OrderResult(Model):
    """The order was accepted and stands as told. Optional fields: rest-api.md, "Conditional fields in Order Responses".

    ``self_trade_prevention_mode`` and ``orig_quote_order_qty`` were added later and are missing in some examples of
    the documents: an order that was placed must not be lost for their sake.
    """

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: Timestamp
    price: Decimal
    orig_qty: Decimal
    executed_qty: Decimal
    cummulative_quote_qty: Decimal
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    orig_quote_order_qty: Decimal | None = None
    working_time: Timestamp | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None
    iceberg_qty: Decimal | None = None
    prevented_match_id: int | None = None
    prevented_quantity: Decimal | None = None
    stop_price: Decimal | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    trailing_delta: int | None = None
    trailing_time: Timestamp | None = None
    used_sor: bool | None = None
    working_floor: WorkingFloor | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_type: PegOffsetType | None = None
    peg_offset_value: int | None = None
    pegged_price: Decimal | None = None
    expiry_reason: ExpiryReason | None = None
    trade_group_id: int | None = None
    prevented_matches: tuple[PreventedMatch, ...] | None = None


@attrs.frozen(weakref_slot=False)
class Fill(Model):
    """A trade of the order that was just placed. An allocation by SOR has ``trade_id`` -1 and an ``alloc_id``."""

    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    trade_id: int
    match_type: MatchType | None = None
    alloc_id: int | None = None


@attrs.frozen(weakref_slot=False)
class OrderFull(OrderResult):
    """The order was accepted, stands as told, and these are its fills so far."""

    fills: tuple[Fill, ...] = attrs.field(kw_only=True)


OrderResponse: TypeAlias = OrderAck | OrderResult | OrderFull
"""What a placement answers, by the ``new_order_resp_type`` that was asked for."""


@attrs.frozen(weakref_slot=False)
class OrderStatusReport(Model):
    """An order as a query tells it. Queries lag behind the matching engine.

    ``order_list_id`` is -1 unless it is part of a list, and in answers older than order lists.
    """

    symbol: str
    order_id: int
    client_order_id: str
    price: Decimal
    orig_qty: Decimal
    executed_qty: Decimal
    cummulative_quote_qty: Decimal
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    time: Timestamp
    update_time: Timestamp
    is_working: bool
    order_list_id: int = -1
    orig_quote_order_qty: Decimal | None = None
    working_time: Timestamp | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None
    stop_price: Decimal | None = None
    iceberg_qty: Decimal | None = None
    prevented_match_id: int | None = None
    prevented_quantity: Decimal | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    trailing_delta: int | None = None
    trailing_time: Timestamp | None = None
    used_sor: bool | None = None
    working_floor: WorkingFloor | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_type: PegOffsetType | None = None
    peg_offset_value: int | None = None
    pegged_price: Decimal | None = None
    expiry_reason: ExpiryReason | None = None


@attrs.frozen(weakref_slot=False)
class CancelResult(Model):
    """A cancelled order: ``client_order_id`` is the cancellation's, ``orig_client_order_id`` the order's.

    ``order_list_id`` is -1 unless it is part of a list, and in answers older than order lists.
    """

    symbol: str
    orig_client_order_id: str
    order_id: int
    client_order_id: str
    price: Decimal
    orig_qty: Decimal
    executed_qty: Decimal
    cummulative_quote_qty: Decimal
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    order_list_id: int = -1
    transact_time: Timestamp | None = None
    orig_quote_order_qty: Decimal | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None
    stop_price: Decimal | None = None
    iceberg_qty: Decimal | None = None
    prevented_match_id: int | None = None
    prevented_quantity: Decimal | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    trailing_delta: int | None = None
    trailing_time: Timestamp | None = None
    used_sor: bool | None = None
    working_floor: WorkingFloor | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_type: PegOffsetType | None = None
    peg_offset_value: int | None = None
    pegged_price: Decimal | None = None
    expiry_reason: ExpiryReason | None = None
