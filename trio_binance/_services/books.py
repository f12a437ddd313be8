"""The books: each kept by a stream of its own and by snapshots, which are asked for when the weight allows it.

Streams ──events──> Keeper (applied at once) <──snapshots── Books (a task a book, few requests at a time) ──> Router
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple, final

import attrs
import trio

from trio_binance._protocol.catalogue import market
from trio_binance._pure.backoff import Backoff
from trio_binance._pure.books.depthsync import DepthSync
from trio_binance.errors import BinanceError, ConnectorClosed, RequestError, UsageError

from .keeper import BookStatistics, Keeper
from .keptbook import KeptBook
from .route import Outlet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from random import Random

    from trio_binance.models import Depth

    from .limiter import Limiter
    from .observe import Observer
    from .router import Router
    from .streams import Streams

AT_ONCE = 8
"""So many snapshots are asked for at the same time: who asks for anything else meanwhile waits for no more of them."""
LIMITS = (100, 500, 1000, 5000)
"""Levels a side that a snapshot may have at the same weight: 5, 25, 50, 250 (rest-api.md, "Order book")."""
BACKOFF_BASE, BACKOFF_CAP, BACKOFF_STABLE = 0.5, 30.0, 60.0


class Key(NamedTuple):
    """What tells one kept book from another."""

    symbol: str
    depth: int
    speed_ms: int

    @property
    def stream(self) -> str:
        """The name of its stream: symbols are in lower case there, and updates come every second by default."""
        return f"{self.symbol.lower()}@depth{'@100ms' if self.speed_ms == 100 else ''}"

    @property
    def limit(self) -> int:
        """So many levels are asked for: as many as cost no more than ``depth``."""
        return next(limit for limit in LIMITS if self.depth <= limit)

    @property
    def low(self) -> int:
        """So few known levels are too few: as many as are to be seen, but not so many that it is always so."""
        return min(max(self.depth, self.limit // 10), self.limit // 4)


@attrs.frozen
class BooksStatistics:
    """The books that are kept."""

    kept: tuple[BookStatistics, ...]
    live: int


@final
class Books:
    """The handle behind ``bx.books``; and the service that sees to the snapshots.

    Args:
        streams: carries the changes.
        router: asks for the snapshots.
        limiter: tells when there is weight to spare for them.
        observer: told when a book becomes live, and when it is not any more.
        rng: draws the jitter.
    """

    name = "books"

    def __init__(self, streams: Streams, router: Router, limiter: Limiter, observer: Observer, rng: Random) -> None:
        self._streams = streams
        self._router = router
        self._limiter = limiter
        self._observer = observer
        self._rng = rng
        self._keepers: dict[Key, Keeper] = {}
        self._turns = trio.Semaphore(AT_ONCE)
        self._nursery: trio.Nursery | None = None
        self._closed = False

    def statistics(self) -> BooksStatistics:
        """Return how the books are and what they have been through."""
        kept = tuple(keeper.statistics() for keeper in self._keepers.values())
        return BooksStatistics(kept, sum(book.live for book in kept))

    @asynccontextmanager
    async def open(self, keys: Sequence[Key]) -> AsyncIterator[list[KeptBook]]:
        """Keep books while the block lasts; what is kept already is shared. It does not wait for the exchange.

        Cancelled at any moment: nothing is kept for it any more.

        Raises:
            ConnectorClosed: the connector is closed.
        """
        if self._closed:
            raise ConnectorClosed("the connector is closed")
        keepers = [self._hold(key) for key in keys]
        books = [KeptBook._create(keeper) for keeper in keepers]
        try:
            await trio.lowlevel.checkpoint()
            yield books
        finally:
            for key, keeper, book in zip(keys, keepers, books, strict=True):
                book.close()
                self._release(key, keeper)

    def _hold(self, key: Key) -> Keeper:
        keeper = self._keepers.get(key)
        if keeper is None or keeper.ended:
            backoff = Backoff(self._rng, base=BACKOFF_BASE, cap=BACKOFF_CAP, stable=BACKOFF_STABLE)
            sync = DepthSync(backoff, limit=key.limit, low=key.low, rhythm=key.speed_ms / 1000)
            keeper = self._keepers[key] = Keeper(key.symbol, sync, self._observer)
            if self._nursery is not None:
                self._nursery.start_soon(self._keep, key, keeper)
        keeper.users += 1
        return keeper

    def _release(self, key: Key, keeper: Keeper) -> None:
        keeper.users -= 1
        if keeper.users:
            return
        keeper.scope.cancel(reason="nobody keeps this book any more")
        keeper.end()
        if self._keepers.get(key) is keeper:
            del self._keepers[key]

    def end(self, error: BinanceError | None) -> None:
        """End every book: the connector is closing, or has crashed."""
        self._closed = True
        for keeper in self._keepers.values():
            keeper.end(error)

    # ---------------------------------------------------------------------------------------- the service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the books until cancelled; those of an earlier run are kept on."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for key, keeper in self._keepers.items():
                keeper.scope = trio.CancelScope()
                nursery.start_soon(self._keep, key, keeper)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    async def _keep(self, key: Key, keeper: Keeper) -> None:
        """Keep one book until it ends or nobody wants it."""
        try:
            with keeper.scope:
                async with self._streams.carry(Outlet(key.stream, (key.stream,), keeper)):
                    await self._tend(key, keeper)
        finally:
            keeper.on_lost("nobody keeps it")

    async def _tend(self, key: Key, keeper: Keeper) -> None:
        while not keeper.ended:
            if keeper.sync.asks:
                await self._fetch(key, keeper)
                continue
            with trio.move_on_at(keeper.sync.deadline):
                await keeper.moved.wait()
            keeper.on_timer()

    async def _fetch(self, key: Key, keeper: Keeper) -> None:
        """Ask for a snapshot, unless the book needs none any more before it is there."""
        answer: Depth | BinanceError | None = None
        with trio.CancelScope() as scope:
            keeper.fetching = scope
            try:
                async with self._turns:
                    answer = await self._ask(key)
            except BinanceError as exc:
                answer = exc
        keeper.fetching = None
        if answer is not None and not scope.cancel_called:
            self._on_answer(keeper, answer)

    async def _ask(self, key: Key) -> Depth:
        params = market.DEPTH.write(symbol=key.symbol, limit=key.limit)
        market.DEPTH.check(params)
        async with self._limiter.spare(market.DEPTH.weight(params)):
            return await self._router.call(market.DEPTH, params)

    def _on_answer(self, keeper: Keeper, answer: Depth | BinanceError) -> None:
        if not isinstance(answer, BinanceError):
            keeper.on_snapshot(answer)
        elif isinstance(answer, RequestError | UsageError):
            keeper.end(answer)  # It would be refused again: there is no such symbol.
        else:
            keeper.on_failed(str(answer))
