"""The kept book: what a user reads a book through that the connector keeps in step, and waits for it with."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import trio

from trio_binance._util import NoPublicConstructor
from trio_binance.errors import InvalidArgument
from trio_binance.models import BookReader, BookState, BookView
from trio_binance.models.books import check_count

from .pulse import Changes, Pulse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from decimal import Decimal

    from trio_binance._pure.books.ladder import Ladder
    from trio_binance.errors import BinanceError
    from trio_binance.models import Level, Timestamp

    from .keeper import BookStatistics, Keeper


class _Meta(NoPublicConstructor, ABCMeta):
    pass


@final
class KeptBook(BookReader, metaclass=_Meta):
    """A book that is kept in step with the exchange. Nothing read from it waits.

    Between two awaits of yours it does not change, so that whatever you read belongs together; ``snapshot()`` is for
    what must last longer. Look at ``state``: LIVE is the exchange's own book at ``update_id``; when anything is or may
    be missing it is STALE before you can read it, and the old book can be read until the new one takes its place.
    """

    __slots__ = ("__weakref__", "_keeper", "_left", "_pulse", "_sync")

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._sync = keeper.sync
        self._pulse: Pulse[KeptBook] | None = None
        self._left = False

    def __repr__(self) -> str:
        return f"<KeptBook {self.symbol}: {self.state.value} at {self.update_id}>"

    # ----------------------------------------------------------------------------------------- how it is

    @property
    def symbol(self) -> str:
        """Whose book it is."""
        return self._keeper.symbol

    @property
    def state(self) -> BookState:
        """How far it can be trusted."""
        return BookState.CLOSED if self._left else self._sync.state

    @property
    def reason(self) -> str:
        """Why it is in this state, for people to read."""
        return self._keeper.reason

    @property
    def error(self) -> BinanceError | None:
        """What it failed of: the exchange refused its stream or its snapshot. ``None`` for any other end."""
        return self._keeper.error

    @property
    def update_id(self) -> int:
        """The exchange's number of the last update in it; 0 before there is any."""
        book = self._sync.book
        return 0 if book is None else book.update_id

    @property
    def event_time(self) -> Timestamp | None:
        """When the exchange sent the last event that is in it; ``None`` until one came after the snapshot."""
        book = self._sync.book
        return None if book is None else book.event_time

    def statistics(self) -> BookStatistics:
        """Return what the book has been through; blocks that keep the same book share it."""
        return self._keeper.statistics()

    # -------------------------------------------------------------------------------------- what it holds

    @property
    def best_bid(self) -> Level | None:
        """The highest bid; ``None`` if there is none, or none is known."""
        book = self._sync.book
        return None if book is None else book.bids.best_level

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask; ``None`` if there is none, or none is known."""
        book = self._sync.book
        return None if book is None else book.asks.best_level

    def bids(self, count: int | None = None, *, beyond: bool = False) -> tuple[Level, ...]:
        """Return the best bids, all by default; fewer than ``count`` when no more are known.

        With ``beyond`` also those below the horizon: each is right, but others may lie between them.
        """
        book = self._sync.book
        return () if book is None else _read(book.bids, count, beyond)

    def asks(self, count: int | None = None, *, beyond: bool = False) -> tuple[Level, ...]:
        """Return the best asks, all by default; fewer than ``count`` when no more are known.

        With ``beyond`` also those above the horizon: each is right, but others may lie between them.
        """
        book = self._sync.book
        return () if book is None else _read(book.asks, count, beyond)

    @property
    def bid_horizon(self) -> Decimal | None:
        """The price down to which every bid is known; ``None`` when all are."""
        book = self._sync.book
        return None if book is None else book.bids.horizon

    @property
    def ask_horizon(self) -> Decimal | None:
        """The price up to which every ask is known; ``None`` when all are."""
        book = self._sync.book
        return None if book is None else book.asks.horizon

    def snapshot(self, depth: int | None = None) -> BookView:
        """Return a picture of the book as it is now, which nothing that comes later changes.

        Args:
            depth: so many levels a side at most, and the last of them is the picture's horizon. By default all there
                are, also those beyond the horizon.
        """
        if depth is not None and depth < 1:
            raise InvalidArgument("depth", depth, "expected at least 1")
        book = self._sync.book
        bids, bid_horizon = ((), None) if book is None else book.bids.cut(depth)
        asks, ask_horizon = ((), None) if book is None else book.asks.cut(depth)
        return BookView(
            symbol=self.symbol,
            state=self.state,
            update_id=self.update_id,
            event_time=self.event_time,
            bid_levels=bids,
            ask_levels=asks,
            bid_horizon=bid_horizon,
            ask_horizon=ask_horizon,
        )

    # ------------------------------------------------------------------------------------------- waiting

    async def wait_live(self) -> None:
        """Wait until the book is LIVE; it may be live already, and may be stale again when you look.

        It waits as long as the exchange is not reached: bound it with ``trio.fail_after``. Cancelled: nothing happened.

        Raises:
            BinanceError: the exchange refused the stream or the snapshot, or the connector crashed; see ``error``.
            trio.EndOfChannel: the stream has ended in order: the connector is closed, or a recording is over.
            trio.ClosedResourceError: the block in which the book was opened was left.
        """
        await self.wait_state(BookState.LIVE)

    async def wait_state(self, state: BookState) -> None:
        """Wait until the book is in a state, or has been since the call. Raises and cancels as ``wait_live``."""
        keeper = self._keeper
        before = keeper.times[state]
        await trio.lowlevel.checkpoint()
        while self.state is not state and keeper.times[state] == before:
            self._check()
            await keeper.moved.wait()

    async def changed(self) -> None:
        """Wait for the next change, of the book or of its state. Raises and cancels as ``wait_live``.

        What changes while you do something else is not waited for again: use ``changes()`` in a loop that awaits.
        """
        pulse = self._own_pulse()
        before = pulse.count
        self._check()
        await trio.lowlevel.checkpoint()
        while pulse.count == before:
            await pulse.wait()
            self._check()

    def changes(self) -> AsyncIterator[KeptBook]:
        """Iterate over the changes from now on: ``async for kept in kept.changes()``.

        It gives the book itself whenever it has changed since it gave it last, once for all that happened meanwhile:
        whoever is slow misses what lay between, never the latest, and nothing piles up. It ends when the book's stream
        has ended in order, and raises as ``wait_live`` otherwise.
        """
        return Changes(self._own_pulse(), self._check)

    def _own_pulse(self) -> Pulse[KeptBook]:
        if self._pulse is None:
            self._pulse = Pulse()
            self._keeper.pulses.append((self._pulse, self))
        return self._pulse

    def _check(self) -> None:
        """Raise what there is to raise when nothing will change any more."""
        if self._left:
            raise trio.ClosedResourceError("the block in which this book was opened was left")
        self._keeper.check()

    def close(self) -> None:
        """Leave the book, as the end of its block does: it can be read as it was last, and nothing is waited for."""
        self._left = True
        self._keeper.pulses = [(pulse, name) for pulse, name in self._keeper.pulses if name is not self]
        self._keeper.wake()
        if self._pulse is not None:
            self._pulse.wake()


def _read(ladder: Ladder, count: int | None, beyond: bool) -> tuple[Level, ...]:
    check_count(count)
    if beyond:
        return ladder.all()[:count]
    return ladder.top(ladder.known if count is None else count)


@final
class KeptBooks(Mapping[str, KeptBook], metaclass=_Meta):
    """Many kept books by symbol: ``books["BTCUSDT"].best_bid``, ``for book in books.values()``."""

    def __init__(self, books: Mapping[str, KeptBook]) -> None:
        self._books = dict(books)
        self._pulse: Pulse[KeptBook] | None = None
        self._left = False

    def __getitem__(self, symbol: str) -> KeptBook:
        return self._books[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._books)

    def __len__(self) -> int:
        return len(self._books)

    def __repr__(self) -> str:
        live = sum(book.state is BookState.LIVE for book in self._books.values())
        return f"<KeptBooks: {len(self)}, {live} of them live>"

    async def wait_live(self) -> None:
        """Wait until all books are LIVE at the same time. Raises and cancels as that of a book."""
        await trio.lowlevel.checkpoint()
        while waiting := [book for book in self._books.values() if book.state is not BookState.LIVE]:
            await waiting[0].wait_live()

    def changes(self) -> AsyncIterator[KeptBook]:
        """Iterate over the books that change from now on: ``async for book in books.changes()``.

        Each comes once for all that happened since it came last, in the order of those changes; one of them may have
        failed, see its ``state``. It ends when all are closed.
        """
        if self._pulse is None:
            self._pulse = Pulse()
            for book in self._books.values():
                book._keeper.pulses.append((self._pulse, book))
        return Changes(self._pulse, self._check)

    def _check(self) -> None:
        if self._left:
            raise trio.ClosedResourceError("the block in which these books were opened was left")
        if all(book.state is BookState.CLOSED for book in self._books.values()):
            raise trio.EndOfChannel

    def close(self) -> None:
        """Leave the books, as the end of their block does."""
        self._left = True
        for book in self._books.values():
            book.close()
        if self._pulse is not None:
            self._pulse.wake()
