"""The truth: an exchange's book in plain dictionaries, with its whole history, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from trio_binance.models import Depth, DepthUpdateEvent, Level, Levels

Side = dict[Decimal, Decimal]
START_MS = 1_790_000_000_000


def levels(*rows: tuple[str, str]) -> Levels:
    return Levels(rows)


def event(
    first: int,
    last: int,
    bids: Sequence[tuple[str, str]] = (),
    asks: Sequence[tuple[str, str]] = (),
    *,
    time: int = START_MS,
) -> DepthUpdateEvent:
    return DepthUpdateEvent(time, "ABCD", first, last, Levels(bids), Levels(asks))


def snapshot(last: int, bids: Sequence[tuple[str, str]] = (), asks: Sequence[tuple[str, str]] = ()) -> Depth:
    return Depth(last, Levels(bids), Levels(asks))


def exact(rows: Iterable[tuple[str, str]]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in rows)


class TrueBook:
    """A book whose every change has a number; it remembers what it was at each of them."""

    def __init__(self, bids: Side, asks: Side, decimals: int = 2) -> None:
        self.bids, self.asks = dict(bids), dict(asks)
        self.decimals = decimals
        self.update_id = 100
        self.told = 100
        self.time = START_MS
        self.changed: tuple[set[Decimal], set[Decimal]] = (set(), set())
        self.history: dict[int, tuple[Side, Side]] = {}
        self._remember()

    def _remember(self) -> None:
        self.history[self.update_id] = dict(self.bids), dict(self.asks)

    def change(self, bid: bool, price: Decimal, quantity: Decimal) -> None:
        """Set a level; whoever it would cross is taken first, one update each."""
        own, other = (self.bids, self.asks) if bid else (self.asks, self.bids)
        if quantity:
            for crossed in [p for p in other if (p <= price if bid else p >= price)]:
                self._set(not bid, crossed, Decimal(0))
        if quantity or price in own:
            self._set(bid, price, quantity)

    def _set(self, bid: bool, price: Decimal, quantity: Decimal) -> None:
        side = self.bids if bid else self.asks
        if quantity:
            side[price] = quantity
        else:
            del side[price]
        self.changed[0 if bid else 1].add(price)
        self.update_id += 1
        self._remember()

    def tell(self) -> DepthUpdateEvent | None:
        """Return an event of what changed since the last one."""
        self.time += 100
        if self.update_id == self.told:
            return None
        bids = [self._row(price, self.bids) for price in self.changed[0]]
        asks = [self._row(price, self.asks) for price in self.changed[1]]
        told = event(self.told + 1, self.update_id, bids, asks, time=self.time)
        self.told = self.update_id
        self.changed = (set(), set())
        return told

    def _row(self, price: Decimal, side: Side) -> tuple[str, str]:
        return f"{price:.{self.decimals}f}", f"{side.get(price, Decimal(0)):f}"

    def look(self, limit: int, update_id: int | None = None) -> Depth:
        """Return a snapshot as it is now, or as it was."""
        update_id = self.update_id if update_id is None else update_id
        bids, asks = self.history[update_id]
        return snapshot(
            update_id,
            [self._row(price, bids) for price in sorted(bids, reverse=True)[:limit]],
            [self._row(price, asks) for price in sorted(asks)[:limit]],
        )

    def at(self, update_id: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return what the book was, best levels first."""
        bids, asks = self.history[update_id]
        return (
            tuple(Level(price, bids[price]) for price in sorted(bids, reverse=True)),
            tuple(Level(price, asks[price]) for price in sorted(asks)),
        )
