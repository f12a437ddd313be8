"""Numbers: amounts as whole counts of 1e-8, the way an engine keeps them; text and Decimal only at the edges."""

from __future__ import annotations

import re
from decimal import Decimal

SCALE = 100_000_000
"""Atoms in one unit: every asset of this exchange has eight decimals."""

DECIMAL_PATTERN = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
INTEGER_PATTERN = "^[0-9]{1,20}$"

_DECIMAL = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?", re.ASCII)
_INTEGER = re.compile(r"[0-9]{1,20}", re.ASCII)


class NotANumber(ValueError):
    """The text is no plain decimal number."""


class TooPrecise(ValueError):
    """The number has more than eight decimals."""


def parse(text: str) -> int:
    """Return the atoms in a plain decimal number, such as ``"0.00100000"``.

    Raises:
        NotANumber: signs, exponents, spaces, other scripts' digits, more than 20 digits.
        TooPrecise: more than eight decimals, be they zeros or not.
    """
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise NotANumber(text[:40])
    whole, decimals = found.group(1), found.group(2) or ""
    if len(decimals) > 8:
        raise TooPrecise(text[:40])
    return int(whole) * SCALE + int(decimals.ljust(8, "0"))


def parse_integer(text: str) -> int:
    """Return a plain unsigned integer; ``NotANumber`` for anything else."""
    if _INTEGER.fullmatch(text) is None:
        raise NotANumber(text[:40])
    return int(text)


def text(atoms: int) -> str:
    """Return atoms as the exchange writes them, always with eight decimals."""
    if atoms < 0:
        return "-" + text(-atoms)
    digits = str(atoms).zfill(9)
    return f"{digits[:-8]}.{digits[-8:]}"


def to_decimal(atoms: int) -> Decimal:
    """Return atoms as an exact ``Decimal`` with eight decimals."""
    return Decimal(text(atoms))


def from_decimal(value: Decimal) -> int:
    """Return the atoms in a finite ``Decimal``; ``TooPrecise`` if it does not fit eight decimals."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise NotANumber(str(value))
    number = int("".join(map(str, digits)))
    shift = exponent + 8
    if shift >= 0:
        number *= int(10**shift)
    else:
        number, rest = divmod(number, int(10**-shift))
        if rest:
            raise TooPrecise(str(value))
    return -number if sign else number


def cost(price: int, quantity: int) -> int:
    """Return ``price * quantity`` in atoms of the quote asset, cut to eight decimals.

    The parts of a whole never cost more than the whole: what is locked for an order pays for all its fills.
    """
    return price * quantity // SCALE


def average(quote: int, quantity: int) -> int:
    """Return ``quote / quantity`` as a price in atoms; 0 for no quantity."""
    return quote * SCALE // quantity if quantity else 0


def percent(change: int, base: int) -> str:
    """Return ``change / base`` in percent with three decimals, rounded half up; ``"0.000"`` for no base."""
    if base == 0:
        return "0.000"
    thousandths = (abs(change) * 200_000 + base) // (2 * base)
    sign = "-" if change < 0 and thousandths else ""
    return f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}"


def milliseconds(us: int) -> int:
    """Return microseconds as the milliseconds that JSON carries."""
    return us // 1000
