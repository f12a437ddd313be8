"""The requests for one order: a class a kind, which cannot be built wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, TypeAlias

import attrs

from trio_binance.errors import InvalidArgument
from trio_binance.models.enums import OrderType, SelfTradePreventionMode, Side

from . import checks
from .terms import LimitMakerTerms, LimitTerms, Resting, Terms, Timed, Triggered


@attrs.frozen(slots=False, repr=False)
class Placed(Terms):
    """What makes terms an order: where, and on which side."""

    orders: ClassVar[int] = 1
    """How many unfilled orders it adds to the exchange's count."""

    symbol: str
    side: Side = attrs.field(converter=checks.side)
    self_trade_prevention_mode: SelfTradePreventionMode | None = attrs.field(
        default=None, converter=checks.stp_mode, kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        checks.check_symbol(self.symbol)
        super().__attrs_post_init__()


@attrs.frozen(slots=False, repr=False)
class Sized(Placed):
    """An order of so much of the base asset."""

    quantity: Decimal = attrs.field(converter=checks.quantity, kw_only=True)


@attrs.frozen(slots=False, repr=False)
class SizedResting(Resting, Sized):
    """An order that can rest on the book, of so much of the base asset."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        check_iceberg("iceberg_qty", self, self.quantity)


def check_iceberg(field: str, terms: Terms, quantity: Decimal) -> None:
    """Refuse an iceberg whose tip is larger than the whole: "IcebergQty exceeds QTY."."""
    if isinstance(terms, Resting) and terms.iceberg_qty is not None and terms.iceberg_qty > quantity:
        raise InvalidArgument(field, terms.iceberg_qty, f"exceeds the quantity {quantity:f}")


@attrs.frozen(slots=False, repr=False)
class LimitOrder(LimitTerms, SizedResting):
    """A limit order: ``LimitOrder("BTCUSDT", Side.BUY, quantity="0.01", price="61000")``.

    Good till cancelled unless told otherwise. Instead of a price it may have a peg: ``peg_price_type``, and at most
    100 price levels of ``peg_offset_value`` away. Both may be given ("price is optional" then), though what becomes of
    the price nobody says. ``iceberg_qty`` is how much of it the book shows at a time.
    ``client_order_id`` is made by the connector where it is not given. Numbers are exact: Decimal, int or text.

    Raises:
        TypeError: a float where a Decimal belongs, or another type that cannot be sent; names the field.
        InvalidArgument: what the exchange would refuse by the shape alone; names field and value.
    """


@attrs.frozen(slots=False, repr=False)
class LimitMakerOrder(LimitMakerTerms, SizedResting):
    """A limit order that is refused if it would trade at once. Raises as ``LimitOrder`` does."""


@attrs.frozen(slots=False, repr=False)
class MarketOrder(Placed):
    """A market order: exactly one of ``quantity`` (base) and ``quote_order_qty``. Raises as ``LimitOrder`` does."""

    type: ClassVar[OrderType] = OrderType.MARKET
    quantity: Decimal | None = attrs.field(default=None, converter=checks.quantity_or_none, kw_only=True)
    quote_order_qty: Decimal | None = attrs.field(default=None, converter=checks.quote_order_qty, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.quantity is None and self.quote_order_qty is None:
            raise InvalidArgument("quantity", None, "give quantity or quote_order_qty")
        if self.quantity is not None and self.quote_order_qty is not None:
            raise InvalidArgument("quote_order_qty", self.quote_order_qty, "give quantity or quote_order_qty, not both")


@attrs.frozen(slots=False, repr=False)
class StopLossOrder(Triggered, Sized):
    """A market order that waits until the price turns against it. Raises as ``LimitOrder`` does.

    A BUY waits above the market, a SELL below. With ``trailing_delta`` (basis points: 100 are 1 %) the price that
    triggers follows the market, from the next trade on, or once ``stop_price`` was reached where both are given.
    """

    type: ClassVar[OrderType] = OrderType.STOP_LOSS


@attrs.frozen(slots=False, repr=False)
class StopLossLimitOrder(Timed, Triggered, SizedResting):
    """A limit order that waits until the price turns against it: ``StopLossOrder`` with a price, or a peg."""

    type: ClassVar[OrderType] = OrderType.STOP_LOSS_LIMIT


@attrs.frozen(slots=False, repr=False)
class TakeProfitOrder(Triggered, Sized):
    """A market order that waits for a better price. Raises as ``LimitOrder`` does.

    A BUY waits below the market, a SELL above; trailing is as for ``StopLossOrder``.
    """

    type: ClassVar[OrderType] = OrderType.TAKE_PROFIT


@attrs.frozen(slots=False, repr=False)
class TakeProfitLimitOrder(Timed, Triggered, SizedResting):
    """A limit order that waits for a better price: ``TakeProfitOrder`` with a price, or a peg."""

    type: ClassVar[OrderType] = OrderType.TAKE_PROFIT_LIMIT


OrderRequest: TypeAlias = (
    LimitOrder
    | LimitMakerOrder
    | MarketOrder
    | StopLossOrder
    | StopLossLimitOrder
    | TakeProfitOrder
    | TakeProfitLimitOrder
)
"""Any request for one order."""
