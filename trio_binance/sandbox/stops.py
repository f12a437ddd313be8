"""Stops: orders that wait until the market reaches a price, or falls back or recovers from its best."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections import deque

    from .orderlists import OrderList
    from .orders import Order

BASIS = 10_000
"""Trailing deltas count hundredths of a percent."""


def triggers_above(order: Order) -> bool:
    """Return whether the stop price lies above the market: of a BUY stop loss and of a SELL take profit."""
    return order.kind.startswith("STOP_LOSS") == order.buys


def reached(order: Order, price: int) -> bool:
    """Return whether a price meets the stop price."""
    return price >= order.stop_price if triggers_above(order) else price <= order.stop_price


def would_trigger(order: Order, last_price: int) -> bool:
    """Return whether a stop price is on the wrong side of the market; a trailing order merely starts at once."""
    return order.trail is None and order.stop_price > 0 and reached(order, last_price)


def _follows(order: Order, price: int, now_us: int) -> bool:
    """Let a trailing order see a price; return whether it has come back from the extreme by its delta."""
    trail = order.trail
    assert trail is not None
    if trail.since_us is None:
        if not order.stop_price or reached(order, price):
            trail.since_us, trail.extreme = now_us, price
        return False
    if order.buys:
        trail.extreme = min(trail.extreme, price)
        return price * BASIS >= trail.extreme * (BASIS + trail.delta)
    trail.extreme = max(trail.extreme, price)
    return price * BASIS <= trail.extreme * (BASIS - trail.delta)


@final
class Stops:
    """The waiting orders of one symbol. Every trade price counts, the market's inner steps too."""

    def __init__(self, due: deque[Order | OrderList]) -> None:
        self.waiting: dict[int, Order] = {}
        self._due = due

    def add(self, order: Order, last_price: int, now_us: int) -> None:
        """Let an order wait; a trailing one whose stop price is reached already starts from the last price."""
        self.waiting[order.id] = order
        if order.trail is not None and order.stop_price and reached(order, last_price):
            _follows(order, last_price, now_us)

    def remove(self, order: Order) -> None:
        """Forget an order that is triggered or over."""
        self.waiting.pop(order.id, None)

    def on_price(self, price: int, now_us: int) -> list[Order]:
        """Show the waiting orders a trade price: who is hit becomes due. Return those that began to trail."""
        began: list[Order] = []
        for order in list(self.waiting.values()):
            trail = order.trail
            before = trail is not None and trail.since_us is None
            if reached(order, price) if trail is None else _follows(order, price, now_us):
                self.remove(order)
                self._due.append(order)
            elif before and trail is not None and trail.since_us is not None:
                began.append(order)
        return began
