"""The worth: what a request moves at worst, in quote asset, as far as that can be told before it is sent."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from trio_binance.models import OrderType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from trio_binance._pure.filters.legs import Leg


def _is_bounded(leg: Leg) -> bool:
    """Tell whether its own price is the most at which it can be filled: of a BUY, and of what only makes.

    A SELL at a price far below the market is filled at the market's prices, not at its own.
    """
    return leg.price is not None and leg.peg_price_type is None and (leg.buys or leg.type == OrderType.LIMIT_MAKER)


def _is_triggered_at(leg: Leg) -> bool:
    """Tell whether it begins where its stop price is; what trails the market may begin anywhere."""
    return leg.stop_price is not None and leg.trailing_delta is None and leg.peg_price_type is None


def needs_reference(legs: Iterable[Leg]) -> bool:
    """Tell whether the price of the market has to be known to weigh these orders."""
    return any(leg.quote_order_qty is None and not _is_bounded(leg) and not _is_triggered_at(leg) for leg in legs)


def price_of(leg: Leg, reference: Decimal | None) -> Fraction | None:
    """Return the price to weigh an order at, ``None`` where it is not known.

    Its limit where that bounds it, else the higher of limit and stop price where it begins there, else the highest of
    both and the market's (``reference``): so it is with what has no price, is pegged, trails, or may sell for more.
    """
    if _is_bounded(leg):
        assert leg.price is not None
        return Fraction(leg.price)
    own = [Fraction(price) for price in (leg.price, leg.stop_price) if price is not None]
    if _is_triggered_at(leg):
        return max(own)
    return None if reference is None else max([Fraction(reference), *own])


def worth_of(legs: Sequence[Leg], reference: Decimal | None) -> Fraction | None:
    """Return the most that the orders of one request can move together, ``None`` where a price is not known.

    Of a pair that excludes each other the dearer one counts, whether it stands at once or comes later; what comes later
    is filled beside what came first. What an OPO sells later is what came first at most.
    """
    first = legs[0].quantity
    together = Fraction(0)
    for group in ([leg for leg in legs if not leg.waits], [leg for leg in legs if leg.waits]):
        worths = [_worth(leg, first, reference) for leg in group]
        if (known := [worth for worth in worths if worth is not None]) != worths:
            return None
        together += max(known, default=Fraction(0))
    return together


def _worth(leg: Leg, first: Decimal | None, reference: Decimal | None) -> Fraction | None:
    if leg.quote_order_qty is not None:
        return Fraction(leg.quote_order_qty)
    quantity = leg.quantity if leg.quantity is not None else first
    price = price_of(leg, reference)
    return None if price is None or quantity is None else price * Fraction(quantity)
