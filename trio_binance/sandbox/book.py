"""The book: resting orders by price and time, and the numbered changes of its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs
from sortedcontainers import SortedDict

from .numbers import cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .orders import Order


@final
@attrs.define(eq=False)
class Level:
    """The orders at one price, oldest first, and their sum."""

    total: int = 0
    queue: dict[int, Order] = attrs.field(factory=dict)


@final
@attrs.define(eq=False)
class Changes:
    """The prices that changed since update ``since``: what a diff stream has to tell."""

    since: int
    bids: set[int] = attrs.field(factory=set)
    asks: set[int] = attrs.field(factory=set)

    def restart(self, update_id: int) -> None:
        """Forget everything up to and including ``update_id``."""
        self.since = update_id
        self.bids.clear()
        self.asks.clear()


class Book:
    """Both sides of a symbol. Each change of a level gets the next update id, without holes."""

    def __init__(self) -> None:
        self.bids: Any = SortedDict()  # which has no types of its own
        self.asks: Any = SortedDict()
        self.update_id: int = 0
        self.watchers: list[Changes] = []

    def best_bid(self) -> int | None:
        """Return the highest price bid."""
        return self.bids.keys()[-1] if self.bids else None

    def best_ask(self) -> int | None:
        """Return the lowest price asked."""
        return self.asks.keys()[0] if self.asks else None

    def best(self) -> tuple[int, int, int, int]:
        """Return best bid, its quantity, best ask, its quantity; zeros for an empty side."""
        bid, ask = self.best_bid() or 0, self.best_ask() or 0
        return bid, self.total_at(bid=True, price=bid), ask, self.total_at(bid=False, price=ask)

    def best_against(self, order: Order) -> int | None:
        """Return the best price that ``order`` could trade with."""
        return self.best_ask() if order.buys else self.best_bid()

    def first_at(self, price: int, order: Order) -> Order:
        """Return the oldest order at ``price`` on the side that ``order`` trades with."""
        level = (self.asks if order.buys else self.bids)[price]
        oldest: Order = next(iter(level.queue.values()))
        return oldest

    def facing_levels(self, order: Order) -> Iterator[tuple[int, Level]]:
        """Return the levels that ``order`` may trade with, best first."""
        side = self.asks if order.buys else self.bids
        for price in side if order.buys else reversed(side):
            if not order.crosses(price):
                return
            yield price, side[price]

    def facing(self, order: Order) -> Iterator[Order]:
        """Return the resting orders that ``order`` may trade with, hidden parts and all, in price-time priority."""
        for _, level in self.facing_levels(order):
            yield from level.queue.values()

    def price_of(self, order: Order) -> int:
        """Return what the order would pay or earn if it were matched now, in atoms of the quote asset."""
        left, quote = order.remaining, 0
        for maker in self.facing(order):
            quantity = min(left, maker.remaining)
            quote += cost(maker.price, quantity)
            left -= quantity
            if left == 0:
                break
        return quote

    def rest(self, order: Order) -> None:
        """Put ``order`` last in the queue of its price."""
        side = self.bids if order.buys else self.asks
        level = side.get(order.price)
        if level is None:
            level = side[order.price] = Level()
        level.queue[order.id] = order
        if order.iceberg:
            order.slice = min(order.iceberg, order.remaining)
        level.total += order.shown
        self._touch(order)

    def shrink(self, order: Order, quantity: int) -> None:
        """Take ``quantity`` off a resting order whose counters were lowered already; remove it when none is left.

        An iceberg whose slice is used up shows the next one, last in the queue.
        """
        level = (self.bids if order.buys else self.asks)[order.price]
        if order.iceberg:
            level.total -= order.slice
            order.slice = max(0, order.slice - quantity)
            if order.slice == 0 and order.remaining:
                order.slice = min(order.iceberg, order.remaining)
                level.queue[order.id] = level.queue.pop(order.id)
            level.total += order.slice
        else:
            level.total -= quantity
        self._tidy(level, order)

    def amend(self, order: Order, quantity: int) -> None:
        """Take ``quantity`` off a resting order where it stands; an iceberg gives up what it hides first."""
        level = (self.bids if order.buys else self.asks)[order.price]
        if order.iceberg:
            shown = min(order.slice, order.remaining)
            quantity, order.slice = order.slice - shown, shown
        level.total -= quantity
        self._tidy(level, order)

    def remove(self, order: Order) -> None:
        """Take a resting order off the book with all that is left of it."""
        level = (self.bids if order.buys else self.asks)[order.price]
        level.total -= order.shown
        self._drop(level, order)
        self._touch(order)

    def _tidy(self, level: Level, order: Order) -> None:
        if order.remaining == 0:
            self._drop(level, order)
        self._touch(order)

    def _drop(self, level: Level, order: Order) -> None:
        del level.queue[order.id]
        if not level.queue:
            del (self.bids if order.buys else self.asks)[order.price]

    def levels(self, limit: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return up to ``limit`` (price, quantity) of the bids, best first, and of the asks, best first."""
        bids, asks = self.bids, self.asks
        return (
            [(price, bids[price].total) for price in bids.islice(max(0, len(bids) - limit), reverse=True)],
            [(price, asks[price].total) for price in asks.islice(0, limit)],
        )

    def total_at(self, *, bid: bool, price: int) -> int:
        """Return the quantity at a price; 0 where there is no level."""
        level = (self.bids if bid else self.asks).get(price)
        return level.total if level is not None else 0

    def _touch(self, order: Order) -> None:
        self.update_id += 1
        for watcher in self.watchers:
            (watcher.bids if order.buys else watcher.asks).add(order.price)
