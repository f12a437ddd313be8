"""The terms: what an order and a leg of an order list say alike, and which of it may stand together.

They are mixins of the public classes: an order has terms, a symbol, a side and a quantity; a leg has terms alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import attrs

from trio_binance._util import exact_repr
from trio_binance.errors import InvalidArgument
from trio_binance.models.enums import OrderType, PegOffsetType, PegPriceType, TimeInForce

from . import checks


@attrs.frozen(slots=False, repr=False)
class Request:
    """The root of all requests: frozen, compared by value, shown by what is given."""

    # not slotted: no class can have two bases with slots of their own

    def __attrs_post_init__(self) -> None:
        """Check the fields that attrs converts none of, then those that stand together; each class adds its own."""

    def __repr__(self) -> str:
        fields = sorted(attrs.fields(type(self)), key=lambda field: field.default is not attrs.NOTHING)
        given = [(field, value) for field in fields if (value := getattr(self, field.name)) is not None]
        shown = (f"{field.name}={exact_repr(value)}" if field.kw_only else repr(value) for field, value in given)
        return f"{type(self).__name__}({', '.join(shown)})"


@attrs.frozen(slots=False, repr=False)
class Terms(Request):
    """What every order may carry: its name at the exchange, and the strategy that it belongs to."""

    type: ClassVar[OrderType]
    client_order_id: str | None = attrs.field(default=None, kw_only=True)
    strategy_id: int | None = attrs.field(default=None, kw_only=True)
    strategy_type: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        checks.check_client_id("client_order_id", self.client_order_id)
        checks.check_strategy(self.strategy_id, self.strategy_type)


@attrs.frozen(slots=False, repr=False)
class Resting(Terms):
    """What an order says that can rest on the book: a price or a peg, and how much of it is seen."""

    price: Decimal | None = attrs.field(default=None, converter=checks.price, kw_only=True)
    iceberg_qty: Decimal | None = attrs.field(default=None, converter=checks.iceberg_qty, kw_only=True)
    peg_price_type: PegPriceType | None = attrs.field(default=None, converter=checks.peg_price_type, kw_only=True)
    peg_offset_type: PegOffsetType | None = attrs.field(default=None, converter=checks.peg_offset_type, kw_only=True)
    peg_offset_value: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        # "Pegged orders": price is optional if pegPriceType is sent. The tables of OTO, OTOCO, OPO and OPOCO mark
        # workingPrice as mandatory all the same, beside workingPegPriceType: there the exchange decides.
        if self.price is None and self.peg_price_type is None:
            raise InvalidArgument("price", None, "required, unless peg_price_type is given")
        self._check_offset()

    def _check_offset(self) -> None:
        # pegOffsetType and pegOffsetValue only together, and only with pegPriceType
        if (self.peg_offset_type is None) != (self.peg_offset_value is None):
            missing = "peg_offset_type" if self.peg_offset_type is None else "peg_offset_value"
            raise InvalidArgument(missing, None, "peg_offset_type and peg_offset_value go together")
        if self.peg_offset_value is not None and self.peg_price_type is None:
            raise InvalidArgument("peg_price_type", None, "required with an offset")
        checks.check_peg_offset(self.peg_offset_value)


@attrs.frozen(slots=False, repr=False)
class Timed(Resting):
    """What a resting order says that may also be immediate."""

    time_in_force: TimeInForce = attrs.field(default=TimeInForce.GTC, converter=checks.time_in_force, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        # An order with icebergQty must have timeInForce GTC; in a list -1160 says so too. Which types may have one is
        # told in two ways: LIMIT and the *_LIMIT types, or LIMIT and LIMIT_MAKER; there the exchange decides.
        if self.iceberg_qty is not None and self.time_in_force is not TimeInForce.GTC:
            raise InvalidArgument("time_in_force", self.time_in_force, "an iceberg order is GTC")


@attrs.frozen(slots=False, repr=False)
class LimitTerms(Timed):
    """What a LIMIT order says."""

    type: ClassVar[OrderType] = OrderType.LIMIT

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        # Pegged orders: for LIMIT, PRIMARY_PEG must have timeInForce GTC
        if self.peg_price_type is PegPriceType.PRIMARY_PEG and self.time_in_force is not TimeInForce.GTC:
            raise InvalidArgument("time_in_force", self.time_in_force, "a limit order with PRIMARY_PEG is GTC")


@attrs.frozen(slots=False, repr=False)
class LimitMakerTerms(Resting):
    """What a LIMIT_MAKER order says; it takes no time in force (-1114)."""

    type: ClassVar[OrderType] = OrderType.LIMIT_MAKER

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        # "This price peg cannot be used with this order type.": a maker cannot follow the other side
        if self.peg_price_type is PegPriceType.MARKET_PEG:
            raise InvalidArgument("peg_price_type", self.peg_price_type, "a LIMIT_MAKER follows PRIMARY_PEG only")


@attrs.frozen(slots=False, repr=False)
class Triggered(Terms):
    """What an order says that waits for a price: ``stop_price``, a trailing distance in basis points, or both."""

    stop_price: Decimal | None = attrs.field(default=None, converter=checks.stop_price, kw_only=True)
    trailing_delta: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        checks.check_trailing_delta(self.trailing_delta)
        # -1102 "Param '%s' or '%s' must be sent, but both were empty/null!"
        if self.stop_price is None and self.trailing_delta is None:
            raise InvalidArgument("stop_price", None, "give stop_price, trailing_delta or both")
