"""Decimals: exact numbers from text to text, whatever the thread's decimal context says."""

from __future__ import annotations

import re
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    Underflow,
)

from ._util import exact_repr
from .errors import InvalidArgument

MAX_LENGTH = 64
"""No number of the exchange is longer, written out in full; whatever is longer is refused before any arithmetic."""

# Everything is spelled out: what is left out would come from decimal.DefaultContext, which belongs to the user.
CONTEXT = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation],
)
"""Our own arithmetic (IEEE decimal128): call ``CONTEXT.multiply(a, b)``, never ``a * b``, which asks the thread."""

EXACT = CONTEXT.copy()
"""The same, but a result that would have to be rounded raises ``decimal.Inexact``."""
EXACT.traps[Inexact] = True
EXACT.traps[Underflow] = True

# "[0-9]" and not "\d": "١٢" and "１２" are digits to Python, and numbers to Decimal.
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{1,2}")

_QUARTERS = {-1: Decimal("0.25"), 0: Decimal("0.5"), 1: Decimal("0.75")}


class InvalidDecimal(ValueError):
    """A text or a number that is no decimal number of the exchange; the message shows its start."""

    def __init__(self, text: str, reason: str = "not a plain decimal number") -> None:
        shown = text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."
        super().__init__(f"{shown!a}: {reason}")


def parse(text: str) -> Decimal:
    """Return the number that ``text`` writes, with its scale: "1.00" stays 1.00.

    Raises:
        InvalidDecimal: anything but ``-?digits[.digits]`` in ASCII, or more than ``MAX_LENGTH`` characters.
    """
    if len(text) > MAX_LENGTH or not _PLAIN.fullmatch(text):
        raise InvalidDecimal(text)
    return Decimal(text)


def parse_number(text: str) -> Decimal:
    """Return the number that ``text`` writes; a JSON number's exponent is accepted within bounds.

    Raises:
        InvalidDecimal: no number, or one that takes more than ``MAX_LENGTH`` characters when written out.
    """
    if len(text) > MAX_LENGTH or not _SCIENTIFIC.fullmatch(text):
        return parse(text)
    value = Decimal(text)
    to_text(value)
    return value


def to_text(value: Decimal | int) -> str:
    """Return the number as the exchange reads it: plain notation, its scale kept, never an exponent.

    Raises:
        TypeError: a float or a bool.
        InvalidDecimal: NaN, infinity, or more than ``MAX_LENGTH`` characters.
    """
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(_hint(value))
    # The length of an int is bounded before it is written: str() takes quadratic time, and refuses beyond 4300 digits.
    if value.bit_length() > 200:
        raise InvalidDecimal(f"an integer of {value.bit_length()} bits", "too long for a number of the exchange")
    return str(value)


def _plain(value: Decimal) -> str:
    if not value.is_finite():
        raise InvalidDecimal(str(value), "not finite")
    # The exponent is bounded before the number is written out: Decimal("1e999999999") would fill the memory.
    if abs(value.adjusted()) < MAX_LENGTH:
        text = format(value, "f")
        if len(text) <= MAX_LENGTH:
            return text
    raise InvalidDecimal(str(value), "too long for a number of the exchange")


def _hint(value: object) -> str:
    if isinstance(value, float):
        return f'a float is not exact; write Decimal("{value!r}")'
    return f'expected a Decimal, such as Decimal("0.01"), and not {type(value).__name__}'


def check_decimal(field: str, value: object) -> Decimal:
    """Return a caller's number as a Decimal that can be sent.

    Args:
        field: the name that errors show.
        value: a Decimal, an int, or a text in plain notation.

    Raises:
        TypeError: anything else, above all a float.
        InvalidArgument: not finite, too long, or a text that is no number.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(f"{field}={value!r}: {_hint(value)}")
    try:
        if isinstance(value, str):
            return parse(value)
        to_text(value)
    except InvalidDecimal as exc:
        reason = str(exc)
    else:
        return Decimal(value)
    raise InvalidArgument(field, value, reason)


def snap(value: Decimal, step: Decimal, rounding: str = ROUND_DOWN) -> Decimal:
    """Return the multiple of ``step`` next to ``value`` in the direction of ``rounding``, with the step's scale.

    Args:
        value: any finite number.
        step: positive; a symbol's tick or lot size.
        rounding: one of ``decimal``'s modes; ``ROUND_DOWN`` is towards zero.

    Raises:
        InvalidDecimal: the step is not positive, or the result needs more than 34 digits.
    """
    if not value.is_finite() or not step.is_finite() or step <= 0:
        raise InvalidDecimal(
            f"{exact_repr(value)} by {exact_repr(step)}", "expected a finite number and a positive step"
        )
    try:
        count, rest = EXACT.divmod(value, step)
        if rest:
            count = _round(count, rest, step, rounding)
        return EXACT.multiply(count, step)
    except (InvalidOperation, Inexact) as exc:
        raise InvalidDecimal(f"{value:f} by {step:f}", "needs more than 34 digits") from exc


def _round(count: Decimal, rest: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Round ``count`` and the part of a step that is over, without dividing: only its side of a half matters."""
    twice = EXACT.add(rest, rest).copy_abs()
    part = _QUARTERS[(twice > step) - (twice < step)].copy_sign(rest)
    return EXACT.add(count, part).to_integral_value(rounding=rounding, context=EXACT)
