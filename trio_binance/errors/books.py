"""The errors of books: they were asked for more than they hold, or than they know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .root import BinanceError

if TYPE_CHECKING:
    from decimal import Decimal


class BookTooThin(BinanceError):
    """One side of the book holds less than was asked for: ``available`` of the base asset, down to the last level."""

    def __init__(self, message: str, *, available: Decimal) -> None:
        super().__init__(message)
        self.available = available


class BeyondHorizon(BookTooThin):
    """What was asked for reaches beyond the levels that are known; there may be enough. Open the book deeper.

    ``available`` is what is known, up to the price ``horizon``, which is ``None`` while nothing at all is known.
    """

    def __init__(self, message: str, *, available: Decimal, horizon: Decimal | None) -> None:
        super().__init__(message, available=available)
        self.horizon = horizon
