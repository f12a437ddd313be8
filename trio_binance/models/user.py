"""The events of the account: what became of orders and balances."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, TypeAlias

import attrs

from .account import Balance
from .enums import (
    ContingencyType,
    ExecutionType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    MatchType,
    OrderRejectReason,
    OrderStatus,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
    WorkingFloor,
)
from .lists import ListedOrder
from .streams import ServerShutdownEvent
from .values import Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class ExecutionReport(Model):
    """Something happened to an order: ``execution_type`` says what, ``order_status`` where the order stands now.

    ``trade_id`` is -1 when nothing was traded, ``order_list_id`` -1 unless the order is part of a list,
    ``original_client_order_id`` empty unless an order is being cancelled. ``is_best_match`` is told to be ignored.
    ``prevented_quantity`` adds up over the life of the order, ``last_prevented_quantity`` is that of this report; of a
    TRADE_PREVENTION the last quantity, price and quote quantity are 0 and the ``prevented_execution_...`` tell them.

    A ``recovered`` one did not come by the stream and was made of what queries tell, or tells of a fill that came late:
    what it says of the order is how it stands now. It cannot know its ``execution_id`` (-1), the id of a cancellation
    (``client_order_id`` is the order's), the reason of a rejection, who was on the other side of a prevented match;
    several changes that followed each other are told as the last of them. Its times are those of the fill or of the
    order's last update. A fill that nobody knows by itself has a ``trade_id`` of -1 and no commission, and its price is
    the average.
    """

    event_time: Timestamp
    symbol: str
    client_order_id: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    stop_price: Decimal
    iceberg_quantity: Decimal
    order_list_id: int
    original_client_order_id: str
    execution_type: ExecutionType
    order_status: OrderStatus
    reject_reason: OrderRejectReason
    order_id: int
    last_executed_quantity: Decimal
    cumulative_filled_quantity: Decimal
    last_executed_price: Decimal
    commission: Decimal
    commission_asset: str | None
    transaction_time: Timestamp
    trade_id: int
    execution_id: int
    is_working: bool
    is_maker: bool
    is_best_match: bool
    order_creation_time: Timestamp
    cumulative_quote_quantity: Decimal
    last_quote_quantity: Decimal
    quote_order_quantity: Decimal
    self_trade_prevention_mode: SelfTradePreventionMode
    # user-data-stream.md, "Conditional Fields in Execution Report": these come only with an order
    # that stands on the book,
    working_time: Timestamp | None = None
    # that is a trailing stop,
    trailing_delta: int | None = None
    trailing_time: Timestamp | None = None
    # that was placed with a strategy,
    strategy_id: int | None = None
    strategy_type: int | None = None
    # that met an order of the same owner: TRADE_PREVENTION, or ended by it,
    prevented_match_id: int | None = None
    prevented_quantity: Decimal | None = None
    last_prevented_quantity: Decimal | None = None
    trade_group_id: int | None = None
    counter_order_id: int | None = None
    counter_symbol: str | None = None
    prevented_execution_quantity: Decimal | None = None
    prevented_execution_price: Decimal | None = None
    prevented_execution_quote_quantity: Decimal | None = None
    # that has allocations, may have some, or went through smart order routing,
    match_type: MatchType | None = None
    allocation_id: int | None = None
    working_floor: WorkingFloor | None = None
    used_sor: bool | None = None
    # whose price is pegged,
    peg_price_type: PegPriceType | None = None
    peg_offset_type: PegOffsetType | None = None
    peg_offset_value: int | None = None
    pegged_price: Decimal | None = None
    # that has expired.
    expiry_reason: ExpiryReason | None = None
    # It did not come by the stream; the wire says nothing of it.
    recovered: bool = attrs.field(default=False, kw_only=True)


@attrs.frozen(weakref_slot=False, repr=False)
class AccountPosition(Model):
    """Balances that an event may have changed, and only those."""

    event_time: Timestamp
    last_update_time: Timestamp
    balances: tuple[Balance, ...]
    recovered: bool = attrs.field(default=False, kw_only=True)
    """It did not come by the stream: these balances were found to be others than those last told."""


@attrs.frozen(weakref_slot=False, repr=False)
class BalanceUpdate(Model):
    """A deposit, withdrawal or transfer changed a balance by ``delta``."""

    recovered: ClassVar[bool] = False

    event_time: Timestamp
    asset: str
    delta: Decimal
    clear_time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class ListStatus(Model):
    """Something happened to an order list; comes beside the execution reports of its orders."""

    event_time: Timestamp
    symbol: str
    order_list_id: int
    contingency_type: ContingencyType
    list_status_type: ListStatusType
    list_order_status: ListOrderStatus
    list_reject_reason: OrderRejectReason
    list_client_order_id: str
    transaction_time: Timestamp
    orders: tuple[ListedOrder, ...]
    recovered: bool = attrs.field(default=False, kw_only=True)
    """It did not come by the stream; then ``list_reject_reason`` is not known, and NONE."""


@attrs.frozen(weakref_slot=False, repr=False)
class ExternalLockUpdate(Model):
    """A part of the balance was locked (positive ``delta``) or unlocked by a system outside the spot market."""

    recovered: ClassVar[bool] = False

    event_time: Timestamp
    asset: str
    delta: Decimal
    transaction_time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class EventStreamTerminated(Model):
    """The subscription ended: unsubscribed, logged out, or its token expired. No further event comes."""

    recovered: ClassVar[bool] = False

    event_time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class UnknownUserEvent(Model):
    """An event of the account that this version has no model for; ``payload`` is what the exchange sent, parsed.

    Numbers with a fraction are ``Decimal``, never ``float``.
    """

    recovered: ClassVar[bool] = False

    event_type: str | None
    payload: object = attrs.field(hash=False)


UserEvent: TypeAlias = (
    ExecutionReport
    | AccountPosition
    | BalanceUpdate
    | ListStatus
    | ExternalLockUpdate
    | EventStreamTerminated
    | ServerShutdownEvent
    | UnknownUserEvent
)
"""Any event of the account's stream; a ``ServerShutdownEvent`` concerns its connection."""
