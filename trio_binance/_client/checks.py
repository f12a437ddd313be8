"""The checks: arguments that several rooms take, refused before anything waits or is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument

if TYPE_CHECKING:
    import re


def check_count(field: str, value: object, least: int) -> None:
    """Refuse what is no whole number, or one below ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field}={value!r}: expected an int, not {type(value).__name__}")
    if value < least:
        raise InvalidArgument(field, value, f"expected at least {least}")


def check_text(field: str, value: object, form: re.Pattern[str], expected: str) -> None:
    """Refuse what is no text, or not all of this form."""
    if not isinstance(value, str) or not form.fullmatch(value):
        raise InvalidArgument(field, value, expected)


def check_feed(buffer: object, overflow: object) -> None:
    """Refuse a feed's size or policy at the call, and not when the feed is entered."""
    check_count("buffer", buffer, 1)
    if not isinstance(overflow, Overflow):
        raise TypeError(f"overflow={overflow!r}: expected one of {', '.join(map(str, Overflow))}")
