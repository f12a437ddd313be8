"""Pegs: the price of a pegged order, taken from the book at the moment it enters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .refusals import rejected

if TYPE_CHECKING:
    from .book import Book
    from .orders import Order


def pegged_price(book: Book, order: Order) -> int:
    """Return the price in the book that the order is pegged to.

    Raises:
        Refusal: -2010 when the book has not so many levels.
    """
    peg = order.peg
    assert peg is not None
    own_side = peg.kind == "PRIMARY_PEG"
    bids, asks = book.levels((peg.offset or 0) + 1)
    levels = bids if own_side == order.buys else asks
    if len(levels) <= (peg.offset or 0):
        raise rejected("Order book liquidity is too low for this pegged order.")
    return levels[peg.offset or 0][0]
