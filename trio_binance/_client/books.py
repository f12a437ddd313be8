"""The books room of the facade: order books that are kept in step with the exchange."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, final

from trio_binance._services.books import LIMITS, Key
from trio_binance._services.keptbook import KeptBook, KeptBooks
from trio_binance._services.streams import LONGEST_NAME
from trio_binance.errors import InvalidArgument

from .checks import check_count
from .names import check_symbol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.books import Books as BooksService


@final
class Books:
    """``bx.books``: each method returns something to enter with ``async with``; entering does not wait for anything.

    A book is made of a snapshot and of the changes that come by a stream, and every change is proved to follow the one
    before it. ``await kept.wait_live()`` waits for the first moment at which it is the exchange's own; bound it, for it
    waits as long as the exchange is not reached::

        async with bx.books.open("BTCUSDT") as kept:
            with trio.fail_after(15):
                await kept.wait_live()
            async for kept in kept.changes():
                if kept.state is BookState.LIVE:
                    print(kept.best_bid, kept.best_ask)

    ``depth`` is how many levels a side you want to see: as many as cost the same weight are asked for (100, 500, 1000
    or 5000 levels at a weight of 5, 25, 50 or 250), and again when the market has moved so far that few of them are
    left. A level beyond what was asked for is not claimed to be there or not to be there: see ``BookReader``. Hundreds
    of books may be opened at once: their snapshots leave a quarter of the weight to everything else, so that with 1000
    levels some 90 of them become live in a minute.

    ``speed`` is how often the exchange sends changes, in milliseconds: 100 or 1000. Source: <symbol>@depth@100ms or
    <symbol>@depth, and GET /api/v3/depth. Blocks that keep the same book share one.
    """

    def __init__(self, service: BooksService) -> None:
        self._service = service

    def open(
        self, symbol: str, *, depth: int = 1000, speed: Literal[100, 1000] = 100
    ) -> AbstractAsyncContextManager[KeptBook]:
        """Keep the book of a symbol."""
        return self._open_one(_key(symbol, depth, speed))

    def open_many(
        self, *symbols: str, depth: int = 1000, speed: Literal[100, 1000] = 100
    ) -> AbstractAsyncContextManager[KeptBooks]:
        """Keep the books of many symbols, by symbol: a mapping, with ``wait_live`` and ``changes`` for all of them."""
        if not symbols:
            raise InvalidArgument("symbols", symbols, "give at least one symbol")
        return self._open_many([_key(symbol, depth, speed) for symbol in dict.fromkeys(symbols)])

    @asynccontextmanager
    async def _open_one(self, key: Key) -> AsyncIterator[KeptBook]:
        async with self._service.open([key]) as [book]:
            yield book

    @asynccontextmanager
    async def _open_many(self, keys: list[Key]) -> AsyncIterator[KeptBooks]:
        async with self._service.open(keys) as books:
            many: KeptBooks = KeptBooks._create({book.symbol: book for book in books})
            try:
                yield many
            finally:
                many.close()


def _key(symbol: str, depth: int, speed: int) -> Key:
    check_symbol(symbol)
    check_count("depth", depth, 1)
    if depth > LIMITS[-1]:
        raise InvalidArgument("depth", depth, f"expected at most {LIMITS[-1]}")
    if speed not in (100, 1000) or not isinstance(speed, int):
        raise InvalidArgument("speed", speed, "expected 100 or 1000")
    key = Key(symbol, depth, speed)
    if not symbol.isprintable() or len(key.stream) > LONGEST_NAME:
        # It would cost its socket, and every other stream on it, the connection.
        raise InvalidArgument("symbols", symbol, f"expected printable characters, some {LONGEST_NAME} at most")
    return key
