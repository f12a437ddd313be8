"""The checks: arguments that several rooms take, refused before anything waits or is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


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
        raise TypeError(f"overflow={overflow!r}: expected an Overflow, not {type(overflow).__name__}")


def names_of(field: str, names: Iterable[object] | None) -> tuple[str, ...] | None:
    """Return several names as a parameter; ``None`` stands for all of them, which is not what an empty list means."""
    if names is None:
        return None
    # A lone text is a sequence as well, of its letters.
    if isinstance(names, str):
        raise InvalidArgument(field, names, "expected a list of names, not one name")
    given = tuple(names)
    found = tuple(name for name in given if isinstance(name, str) and name)
    if not found or len(found) < len(given):
        raise InvalidArgument(field, names, "expected at least one name, and no empty one")
    return found
