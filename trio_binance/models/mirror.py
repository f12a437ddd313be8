"""The mirror's words: how far it can be trusted, and the account's fills as it keeps them."""

from __future__ import annotations

import enum
from decimal import Decimal

import attrs

from trio_binance._decimals import CONTEXT
from trio_binance._util import fields_repr

from .enums import OrderStatus, Side
from .orders import OrderState
from .values import Timestamp

DONE = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
        OrderStatus.EXPIRED_IN_MATCH,
    }
)
"""The states after which nothing becomes of an order; one that is not known yet is none of them."""


class MirrorState(enum.Enum):
    """How far the mirror of the account can be trusted."""

    SYNCING = "syncing"
    """It has never been complete."""
    LIVE = "live"
    """It is the account as the exchange told it up to ``as_of``, and every change comes by the stream."""
    STALE = "stale"
    """Something was missed, or may have been. It can be read as it was told last; what is missing is asked for."""


@attrs.frozen(kw_only=True, repr=False)
class AccountFill:
    """A fill of one of the account's orders, told by the stream or by a query; numbers as the exchange wrote them.

    ``trade_id`` is -1 for what smart order routing gave, which has an ``allocation_id``. ``commission_asset`` is
    ``None`` where no commission was taken.
    """

    symbol: str
    order_id: int
    trade_id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str | None
    time: Timestamp
    side: Side
    is_maker: bool
    allocation_id: int | None = None
    recovered: bool = False
    """It was asked for: the stream did not bring it."""

    def __repr__(self) -> str:
        return fields_repr(self)


def is_done(order: OrderState) -> bool:
    """Tell whether nothing becomes of an order any more."""
    return order.status in DONE


def average_price(order: OrderState) -> Decimal | None:
    """Return the average price of what was executed: quote quantity by quantity, rounded half even to 34 digits.

    The two are exact, ``cummulative_quote_qty`` and ``executed_qty``; their ratio need not have an end. ``None`` while
    nothing was executed, and for old orders whose quote quantity is not known: "< 0 means the data is not available".
    """
    if not order.executed_qty or order.cummulative_quote_qty < 0:
        return None
    return CONTEXT.divide(order.cummulative_quote_qty, order.executed_qty)


def remaining(order: OrderState) -> Decimal | None:
    """Return what is still to be executed: the quantity less what was executed and what self-trade prevention took.

    Zero once the order is done. ``None`` for a pending order of an OPO list, whose quantity is not known yet, and for
    one by ``quote_order_qty``, which has none.
    """
    if is_done(order):
        return Decimal(0)
    if not order.orig_qty:
        return None
    left = CONTEXT.subtract(order.orig_qty, order.executed_qty)
    return left if order.prevented_quantity is None else CONTEXT.subtract(left, order.prevented_quantity)
