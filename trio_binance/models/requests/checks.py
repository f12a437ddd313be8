"""The checks: a value that a caller gives, as it will be sent, or refused with the name of its field."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TypeAlias, TypeVar

from trio_binance._decimals import check_decimal
from trio_binance.errors import InvalidArgument
from trio_binance.models.enums import (
    OpenEnum,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
)

E = TypeVar("E", bound=OpenEnum)

Number: TypeAlias = Decimal | int | str
"""How a caller may write a number: exact, its scale kept; a float is none."""

_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
_MOST_DIGITS = 40
_LEAST_STRATEGY_TYPE = 1_000_000
_MOST_PEG_OFFSET = 100
_MOST_INT = 2**31 - 1
_MOST_LONG = 2**63 - 1


def _positive(field: str, value: object) -> Decimal:
    number = check_decimal(field, value)
    if number <= 0:
        raise InvalidArgument(field, value, "must be greater than 0")
    if abs(number.adjusted()) > _MOST_DIGITS or len(number.as_tuple().digits) > _MOST_DIGITS:
        raise InvalidArgument(field, value, "no number of the exchange has that many digits")
    return number


def _known(field: str, value: object, kind: type[E]) -> E:
    """Return the enum's member: a word that is sent must be right, other than one that is received."""
    if not isinstance(value, str):
        raise TypeError(f"{field}={value!r}: expected a {kind.__name__}, not {type(value).__name__}")
    member = kind(str(value))
    if not member.is_known:
        raise InvalidArgument(field, str(value), f"expected one of {', '.join(kind)}")
    return member


# ------------------------------------------------- converters: attrs tells them no name, so each field has its own


def quantity(value: Number) -> Decimal:
    """Return a quantity of the base asset."""
    return _positive("quantity", value)


def quantity_or_none(value: Number | None) -> Decimal | None:
    """Return a quantity of the base asset, if it is given."""
    return None if value is None else _positive("quantity", value)


def working_quantity(value: Number) -> Decimal:
    """Return the quantity of the order that comes first."""
    return _positive("working_quantity", value)


def pending_quantity(value: Number) -> Decimal:
    """Return the quantity of what follows."""
    return _positive("pending_quantity", value)


def quote_order_qty(value: Number | None) -> Decimal | None:
    """Return an amount of the quote asset, if it is given."""
    return None if value is None else _positive("quote_order_qty", value)


def price(value: Number | None) -> Decimal | None:
    """Return a price, if it is given."""
    return None if value is None else _positive("price", value)


def stop_price(value: Number | None) -> Decimal | None:
    """Return the price that triggers, if it is given."""
    return None if value is None else _positive("stop_price", value)


def iceberg_qty(value: Number | None) -> Decimal | None:
    """Return the visible quantity of an iceberg, if it is given."""
    return None if value is None else _positive("iceberg_qty", value)


def side(value: Side | str) -> Side:
    """Return the side of an order."""
    return _known("side", value, Side)


def working_side(value: Side | str) -> Side:
    """Return the side of the order that comes first."""
    return _known("working_side", value, Side)


def pending_side(value: Side | str) -> Side:
    """Return the side of what follows."""
    return _known("pending_side", value, Side)


def time_in_force(value: TimeInForce | str) -> TimeInForce:
    """Return how long an order lives."""
    return _known("time_in_force", value, TimeInForce)


def stp_mode(value: SelfTradePreventionMode | str | None) -> SelfTradePreventionMode | None:
    """Return which of two orders of one owner gives way, if it is given."""
    return None if value is None else _known("self_trade_prevention_mode", value, SelfTradePreventionMode)


def peg_price_type(value: PegPriceType | str | None) -> PegPriceType | None:
    """Return what a pegged price follows, if it is given. "-1210 Invalid pegPriceType."."""
    return None if value is None else _known("peg_price_type", value, PegPriceType)


def peg_offset_type(value: PegOffsetType | str | None) -> PegOffsetType | None:
    """Return the unit of a peg's distance, if it is given. "-1211 Invalid pegOffsetType."."""
    return None if value is None else _known("peg_offset_type", value, PegOffsetType)


# ------------------------------------------------------------------------------------------------ checks by name


def check_symbol(value: object) -> None:
    """Refuse what cannot be the name of a symbol; symbols may be written in any script."""
    text = _check_text("symbol", value)
    # "Illegal characters found in parameter 'symbol'" (-1100); names in scripts without capitals are what they are
    if any("a" <= letter <= "z" for letter in text):
        raise InvalidArgument("symbol", value, f"symbols are written in capitals: {text.upper()}")


def check_client_id(field: str, value: object) -> None:
    """Refuse what cannot be a client id of an order or of a list."""
    if value is None:
        return
    text = _check_text(field, value)
    # fix-api.md states this form, the other documents none; the SQL words of the firewall are not its matter
    if not _CLIENT_ID.fullmatch(text):
        raise InvalidArgument(field, value, "expected 1 to 36 of A-Z a-z 0-9 - _")


def _check_text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{field}={value!r}: expected a str, not {type(value).__name__}")
    if not value or not value.isprintable() or " " in value:
        raise InvalidArgument(field, value, "expected a name without spaces")
    return value


def check_strategy(strategy_id: object, strategy_type: object) -> None:
    """Refuse what cannot name a strategy."""
    _check_int("strategy_id", strategy_id, 0, _MOST_LONG)
    # -1134 "strategyType was less than 1000000."
    _check_int("strategy_type", strategy_type, _LEAST_STRATEGY_TYPE, _MOST_INT)


def check_trailing_delta(value: object) -> None:
    """Refuse what cannot be a distance in basis points; how far is far enough says the filter TRAILING_DELTA."""
    # The documents type it LONG, INT and DECIMAL by turns; "basis points" are whole in every example.
    _check_int("trailing_delta", value, 1, _MOST_LONG)


def check_peg_offset(value: object) -> None:
    """Refuse what cannot be a distance in price levels."""
    _check_int("peg_offset_value", value, 1, _MOST_PEG_OFFSET)


def _check_int(field: str, value: object, least: int, most: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field}={value!r}: expected an int, not {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidArgument(field, value, f"must be from {least} to {most}")
