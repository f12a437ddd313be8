"""The requests for orders: they cannot be built wrong."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar, TypeAlias, TypeVar

import attrs

from trio_binance._decimals import check_decimal
from trio_binance.errors import InvalidArgument

from .enums import (
    NewOrderRespType,
    OpenEnum,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
)

E = TypeVar("E", bound=OpenEnum)

_CLIENT_ORDER_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
_MOST_DIGITS = 40
_LEAST_STRATEGY_TYPE = 1_000_000
_MOST_PEG_OFFSET = 100


def _positive(field: str, value: object) -> Decimal:
    number = check_decimal(field, value)
    if number <= 0:
        raise InvalidArgument(field, value, "must be greater than 0")
    if abs(number.adjusted()) > _MOST_DIGITS or len(number.as_tuple().digits) > _MOST_DIGITS:
        raise InvalidArgument(field, value, "no number of the exchange has that many digits")
    return number


def _quantity(value: Decimal | int | str) -> Decimal:
    return _positive("quantity", value)


def _quantity_or_none(value: Decimal | int | str | None) -> Decimal | None:
    return None if value is None else _positive("quantity", value)


def _quote_order_qty(value: Decimal | int | str | None) -> Decimal | None:
    return None if value is None else _positive("quote_order_qty", value)


def _price(value: Decimal | int | str | None) -> Decimal | None:
    return None if value is None else _positive("price", value)


def _iceberg_qty(value: Decimal | int | str | None) -> Decimal | None:
    return None if value is None else _positive("iceberg_qty", value)


def _known(field: str, value: object, kind: type[E]) -> E:
    """Return the enum's member: a word that is sent must be right, other than one that is received."""
    if not isinstance(value, str):
        raise TypeError(f"{field}={value!r}: expected a {kind.__name__}, not {type(value).__name__}")
    member = kind(str(value))
    if not member.is_known:
        raise InvalidArgument(field, str(value), f"expected one of {', '.join(kind)}")
    return member


def _check_int(field: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field}={value!r}: expected an int, not {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidArgument(field, value, f"must be from {least} to {most}")


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{field}={value!r}: expected a str, not {type(value).__name__}")
    if not value or not value.isprintable() or " " in value:
        raise InvalidArgument(field, value, "expected a name without spaces")


def _side(value: Side | str) -> Side:
    return _known("side", value, Side)


def _time_in_force(value: TimeInForce | str) -> TimeInForce:
    return _known("time_in_force", value, TimeInForce)


def _resp_type(value: NewOrderRespType | str | None) -> NewOrderRespType | None:
    return None if value is None else _known("new_order_resp_type", value, NewOrderRespType)


def _stp_mode(value: SelfTradePreventionMode | str | None) -> SelfTradePreventionMode | None:
    return None if value is None else _known("self_trade_prevention_mode", value, SelfTradePreventionMode)


def _peg_price_type(value: PegPriceType | str | None) -> PegPriceType | None:
    return None if value is None else _known("peg_price_type", value, PegPriceType)


def _peg_offset_type(value: PegOffsetType | str | None) -> PegOffsetType | None:
    return None if value is None else _known("peg_offset_type", value, PegOffsetType)


# --------------------------------------------------------------------------------------------------- the requests


@attrs.frozen(weakref_slot=False)
class _Request:
    """What all requests for an order have in common."""

    symbol: str
    side: Side = attrs.field(converter=_side)
    client_order_id: str | None = attrs.field(default=None, kw_only=True)
    strategy_id: int | None = attrs.field(default=None, kw_only=True)
    strategy_type: int | None = attrs.field(default=None, kw_only=True)
    new_order_resp_type: NewOrderRespType | None = attrs.field(default=None, converter=_resp_type, kw_only=True)
    self_trade_prevention_mode: SelfTradePreventionMode | None = attrs.field(
        default=None, converter=_stp_mode, kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        _check_text("symbol", self.symbol)
        if self.client_order_id is not None:
            _check_text("client_order_id", self.client_order_id)
            # fix-api.md states this form, the other documents none; the SQL words of the firewall are not its matter
            if not _CLIENT_ORDER_ID.fullmatch(self.client_order_id):
                raise InvalidArgument("client_order_id", self.client_order_id, "expected 1 to 36 of A-Z a-z 0-9 - _")
        if self.strategy_id is not None:
            _check_int("strategy_id", self.strategy_id, 0, 2**63 - 1)
        if self.strategy_type is not None:
            # "The value cannot be less than 1000000."
            _check_int("strategy_type", self.strategy_type, _LEAST_STRATEGY_TYPE, 2**31 - 1)


@attrs.frozen(weakref_slot=False)
class _Resting(_Request):
    """What the requests for an order that can rest on the book have in common: price or peg, iceberg."""

    quantity: Decimal = attrs.field(converter=_quantity, kw_only=True)
    price: Decimal | None = attrs.field(default=None, converter=_price, kw_only=True)
    iceberg_qty: Decimal | None = attrs.field(default=None, converter=_iceberg_qty, kw_only=True)
    peg_price_type: PegPriceType | None = attrs.field(default=None, converter=_peg_price_type, kw_only=True)
    peg_offset_type: PegOffsetType | None = attrs.field(default=None, converter=_peg_offset_type, kw_only=True)
    peg_offset_value: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.iceberg_qty is not None and self.iceberg_qty > self.quantity:
            raise InvalidArgument("iceberg_qty", self.iceberg_qty, f"exceeds the quantity {self.quantity}")
        self._check_peg()

    def _check_peg(self) -> None:
        # "Pegged orders": price is optional if pegPriceType is sent; type and value of the offset only together
        if self.price is None and self.peg_price_type is None:
            raise InvalidArgument("price", None, "required, unless peg_price_type is given")
        if (self.peg_offset_type is None) != (self.peg_offset_value is None):
            missing = "peg_offset_type" if self.peg_offset_type is None else "peg_offset_value"
            raise InvalidArgument(missing, None, "peg_offset_type and peg_offset_value go together")
        if self.peg_offset_value is None:
            return
        if self.peg_price_type is None:
            raise InvalidArgument("peg_price_type", None, "required with an offset")
        _check_int("peg_offset_value", self.peg_offset_value, 1, _MOST_PEG_OFFSET)


@attrs.frozen(weakref_slot=False)
class LimitOrder(_Resting):
    """A limit order: ``LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.01"), price=Decimal("61000"))``.

    Good till cancelled unless told otherwise. Instead of a price it may have a peg. ``client_order_id`` is made by the
    connector where it is not given.

    Raises:
        TypeError: a float where a Decimal belongs, or another type that cannot be sent; names the field.
        InvalidArgument: a value that the exchange cannot accept; names field and value.
    """

    type: ClassVar[OrderType] = OrderType.LIMIT
    time_in_force: TimeInForce = attrs.field(default=TimeInForce.GTC, converter=_time_in_force, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.time_in_force is TimeInForce.GTC:
            return
        # "Any LIMIT or LIMIT_MAKER type order can be made an iceberg order": with timeInForce GTC only
        if self.iceberg_qty is not None:
            raise InvalidArgument("time_in_force", self.time_in_force, "an iceberg order is GTC")
        if self.peg_price_type is PegPriceType.PRIMARY_PEG:
            raise InvalidArgument("time_in_force", self.time_in_force, "a limit order with PRIMARY_PEG is GTC")


@attrs.frozen(weakref_slot=False)
class LimitMakerOrder(_Resting):
    """A limit order that is refused if it would trade at once. Raises as ``LimitOrder`` does."""

    type: ClassVar[OrderType] = OrderType.LIMIT_MAKER

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.peg_price_type is PegPriceType.MARKET_PEG:
            raise InvalidArgument("peg_price_type", self.peg_price_type, "a LIMIT_MAKER follows PRIMARY_PEG only")


@attrs.frozen(weakref_slot=False)
class MarketOrder(_Request):
    """A market order: exactly one of ``quantity`` (base) and ``quote_order_qty``. Raises as ``LimitOrder`` does."""

    type: ClassVar[OrderType] = OrderType.MARKET
    quantity: Decimal | None = attrs.field(default=None, converter=_quantity_or_none, kw_only=True)
    quote_order_qty: Decimal | None = attrs.field(default=None, converter=_quote_order_qty, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.quantity is None and self.quote_order_qty is None:
            raise InvalidArgument("quantity", None, "give quantity or quote_order_qty")
        if self.quantity is not None and self.quote_order_qty is not None:
            raise InvalidArgument("quote_order_qty", self.quote_order_qty, "give quantity or quote_order_qty, not both")


OrderRequest: TypeAlias = LimitOrder | LimitMakerOrder | MarketOrder
"""Any request for an order."""
