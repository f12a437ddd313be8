"""Kept books held to the exchange's own, at the same update id."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs

from tests._client.world import World
from trio_binance._services.keptbook import KeptBook
from trio_binance.models import BookState
from trio_binance.sandbox.book import Book as TrueBook
from trio_binance.sandbox.numbers import to_decimal

Side = dict[Decimal, Decimal]


@attrs.define(eq=False)
class Tape:
    """Hears of every price that changes on one side of the exchange's book, as its own streams do."""

    witness: Witness
    bid: bool

    def add(self, price: int) -> None:
        self.witness.note(self.bid, price)


class Witness:
    """The whole history of one of the exchange's books: what it was at any update id."""

    def __init__(self, book: TrueBook) -> None:
        self._book = book
        self._id = book.update_id
        bids, asks = book.levels(10**6)
        self._bids, self._asks = ({to_decimal(p): to_decimal(q) for p, q in side} for side in (bids, asks))
        self._changes: deque[tuple[int, bool, Decimal, Decimal]] = deque()
        self.bids, self.asks = Tape(self, True), Tape(self, False)
        watchers: list[Any] = book.watchers
        watchers.append(self)

    @property
    def last(self) -> int:
        """The exchange's update id now."""
        return self._book.update_id

    def note(self, bid: bool, price: int) -> None:
        quantity = self._book.total_at(bid=bid, price=price)
        self._changes.append((self._book.update_id, bid, to_decimal(price), to_decimal(quantity)))

    def at(self, update_id: int) -> tuple[Side, Side]:
        """Return the book at an id; ids asked for never fall."""
        assert self._id <= update_id <= self.last
        self._id = update_id
        while self._changes and self._changes[0][0] <= update_id:
            _, bid, price, quantity = self._changes.popleft()
            side = self._bids if bid else self._asks
            side[price] = quantity
            if not quantity:
                del side[price]
        return self._bids, self._asks


@attrs.define
class Score:
    """What was compared."""

    reads: int = 0
    live: int = 0
    stale: int = 0


def compare(book: KeptBook, witness: Witness, score: Score) -> None:
    """Hold a book to the exchange's at the same id, whatever it says of itself."""
    score.reads += 1
    if not book.update_id:
        assert book.state is BookState.SYNCING
        return
    score.live += book.state is BookState.LIVE
    score.stale += book.state is BookState.STALE
    bids, asks = witness.at(book.update_id)
    kept_bids, kept_asks = book.bids(), book.asks()
    assert kept_bids == tuple(sorted(bids.items(), reverse=True)[: len(kept_bids)])
    assert kept_asks == tuple(sorted(asks.items())[: len(kept_asks)])
    assert dict(book.bids(beyond=True)).items() <= bids.items()
    assert dict(book.asks(beyond=True)).items() <= asks.items()
    if book.bid_horizon is None:
        assert len(kept_bids) == len(bids)
    if kept_bids and kept_asks:
        assert kept_bids[0].price < kept_asks[0].price


def witnesses(world: World, symbols: Sequence[str]) -> dict[str, Witness]:
    return {symbol: Witness(world.sandbox.market._venues[symbol].book) for symbol in symbols}
