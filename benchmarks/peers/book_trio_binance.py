"""Ours: the decoder of the stream, the synchroniser, and the book as ``bx.books`` shows it; all but the socket."""

from __future__ import annotations

from importlib.metadata import version
from random import Random

import ledger

from trio_binance._codec.rest import structure
from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance._pure.backoff import Backoff
from trio_binance._pure.books.book import Book
from trio_binance._pure.books.depthsync import DepthSync
from trio_binance.models import BookState, Depth, Level

STREAM = "btcusdt@depth@100ms"


class Kept:
    """A synchroniser that is live."""

    def __init__(self, snapshot: bytes) -> None:
        self._decode = decoder_for(STREAM)
        self._sync = DepthSync(Backoff(Random(7)), limit=6000, low=0, rhythm=0.1)
        self._sync.on_carried(0.0)
        self._sync.on_timer(self._sync.deadline)
        self._sync.on_snapshot(structure(snapshot, Depth), 5.0)
        assert self._sync.state is BookState.LIVE

    def take(self, frame: bytes) -> None:
        """Decode an event and apply it."""
        _, data = split_combined(frame)
        self._sync.on_event(self._decode(data), 5.0)  # type: ignore[arg-type]

    @property
    def book(self) -> Book:
        """The book as it is."""
        assert self._sync.book is not None
        return self._sync.book

    def best(self) -> tuple[Level | None, Level | None]:
        """Return both levels, exact."""
        book = self.book
        return book.bids.best_level, book.asks.best_level

    def prices(self) -> tuple[str, str]:
        """Return the best prices as plain numbers."""
        bid, ask = self.best()
        assert bid is not None
        assert ask is not None
        return f"{bid.price.normalize():f}", f"{ask.price.normalize():f}"


if __name__ == "__main__":
    ledger.main(Kept, version("trio-binance-connector"))
