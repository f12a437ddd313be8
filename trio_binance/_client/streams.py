"""The streams room of the facade: one method a kind of stream, each a feed to enter with ``async with``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, final

from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument
from trio_binance.models import RollingWindow

from .checks import check_text
from .names import known_word, stream_names
from .series import Series, subject

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.feed import Feed
    from trio_binance.models import (
        AvgPriceEvent,
        BlockTradeEvent,
        BookTickerEvent,
        DepthUpdateEvent,
        MiniTickerEvent,
        PartialDepthEvent,
        ReferencePriceEvent,
        RollingTickerEvent,
        StreamEvent,
        TickerEvent,
    )

_STREAM = re.compile(r"\S+")


@final
class Streams(Series):
    """``bx.streams``. Each method returns a feed to enter with ``async with``; entering waits for the exchange's word.

    It waits as long as the exchange is not reached. Bound it, and lift the bound when the feed is open::

        with trio.fail_after(15) as limit:
            async with bx.streams.trades("BTCUSDT") as feed:
                limit.deadline = math.inf

    The exchange accepts any name of a stream, also that of a symbol that does not exist: such a feed stays silent.
    Check a symbol that you have not made sure of with ``bx.general.exchange_info(symbol=...)``. A gapless feed asks by
    itself when nothing comes, and fails with ``UnknownSymbol``.

    A feed is a ``trio.abc.ReceiveChannel``: ``async for``, ``receive()``, and ``batches()`` for the fastest. Streams
    come back by themselves after a lost connection; a feed ends with an error only when the exchange refuses its
    stream, when its own overflow policy says so, or when the connector crashes. A connection that has to be replaced
    (after a day, or because its host goes down) goes on until the new one carries everything: of trades, books and
    all else that has ids nothing is missed, repeated or out of order, and of what has but a time every message comes
    once. ``add`` and ``remove`` change what an open feed brings.

    **A slow consumer.** What comes waits in a buffer of 1000 items (``buffer``); ``overflow`` says what happens when it
    is full. Nobody else is held up, and ``feed.statistics()`` counts. By default the oldest items are dropped, whatever
    the kind; what suits a kind best:

    - trades, aggregate trades, candles: ``gapless=True``, which loses nothing;
    - book tickers, partial depth, tickers, average and reference prices, of which an older one is worth nothing:
      ``LATEST``, the newest of each symbol;
    - depth, where one missing change spoils the book: ``FAIL``; or ``bx.books``, which get over it;
    - block trades, and the arrays of all symbols: ``DROP_OLDEST``, and ``feed.telling()`` to hear of it: it gives a
      ``Dropped`` in the place of what is missing.

    **Gapless.** Every trade, aggregate trade or closed candle of a symbol comes exactly once and in order. What a lost
    connection, a lost message or a full buffer left out is asked for before the next item of that symbol is given;
    such an item says so (``trade.recovered``). What cannot be had is told by a ``Gap`` in its place. The first item is
    the first that comes, or the one asked for. Symbols do not wait for each other. ``Tuning.gapless_*`` bounds the
    time, the number and the memory that a hole may cost; a quarter of the request weight is left to others, and
    ``bx.statistics().gapless`` counts what was recovered, came twice or is missing.
    ``overflow`` is ``FAIL``, or else what finds no room is asked for again when there is room.
    """

    def book_ticker(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[BookTickerEvent]]:
        """Open every change of the best bid and ask, in real time. Source: <symbol>@bookTicker.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(stream_names(symbols, "bookTicker"), buffer, overflow)

    def depth(
        self,
        *symbols: str,
        speed_ms: int = 1000,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[DepthUpdateEvent]]:
        """Open the changes of the order book, every 1000 or 100 ms. Source: <symbol>@depth, <symbol>@depth@100ms.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(stream_names(symbols, f"depth{_speed(speed_ms)}"), buffer, overflow)

    def partial_depth(
        self,
        *symbols: str,
        levels: int = 20,
        speed_ms: int = 1000,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[PartialDepthEvent]]:
        """Open the best 5, 10 or 20 levels, every 1000 or 100 ms. Source: <symbol>@depth<levels>.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        if levels not in (5, 10, 20) or not isinstance(levels, int):
            raise InvalidArgument("levels", levels, "expected 5, 10 or 20")
        return self._open(stream_names(symbols, f"depth{levels}{_speed(speed_ms)}"), buffer, overflow)

    def mini_ticker(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[MiniTickerEvent]]:
        """Open the short statistics of the last 24 hours, every second. Source: <symbol>@miniTicker.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(stream_names(symbols, "miniTicker"), buffer, overflow)

    def ticker(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[TickerEvent]]:
        """Open the statistics of the last 24 hours, every second. Source: <symbol>@ticker.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(stream_names(symbols, "ticker"), buffer, overflow)

    def rolling_ticker(
        self,
        *symbols: str,
        window: RollingWindow | str,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[RollingTickerEvent]]:
        """Open the statistics of the last "1h", "4h" or "1d", every second. Source: <symbol>@ticker_<window_size>.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(
            stream_names(symbols, f"ticker_{known_word('window', window, RollingWindow)}"), buffer, overflow
        )

    def avg_price(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[AvgPriceEvent]]:
        """Open the average price of the last minutes, every second. Source: <symbol>@avgPrice.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(stream_names(symbols, "avgPrice"), buffer, overflow)

    def reference_price(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[ReferencePriceEvent]]:
        """Open the reference price of symbols that may have one, every second. Source: <symbol>@referencePrice.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(stream_names(symbols, "referencePrice"), buffer, overflow)

    def block_trades(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[BlockTradeEvent]]:
        """Open the trades that were agreed on beside the book, in real time. Source: <symbol>@blockTrade.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(stream_names(symbols, "blockTrade"), buffer, overflow)

    def all_mini_tickers(
        self, *, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[tuple[MiniTickerEvent, ...]]]:
        """Open the short statistics of every symbol that has changed, all in one, every second.

        An item is a tuple: one that is dropped (``Overflow``) takes what it alone tells of its symbols with it.
        Source: !miniTicker@arr.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(("!miniTicker@arr",), buffer, overflow)

    def all_rolling_tickers(
        self, *, window: RollingWindow | str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[tuple[RollingTickerEvent, ...]]]:
        """Open the statistics of the last "1h", "4h" or "1d" of every symbol that has changed, every second.

        An item is a tuple, as with ``all_mini_tickers``. Source: !ticker_<window-size>@arr.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open((f"!ticker_{known_word('window', window, RollingWindow)}@arr",), buffer, overflow)

    def subscribe(
        self, *names: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[StreamEvent]]:
        """Open streams by the exchange's own names; each brings the events of its kind.

        A kind that this version does not know comes as ``UnknownEvent``. Under ``Overflow.LATEST``, streams whose
        events look alike (candles of both time zones, a book at two depths) replace one another's events.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        _check_names(names)
        return self._open(names, buffer, overflow, subject)

    async def add(self, feed: Feed[Any], *names: str) -> None:
        """Have an open feed bring more streams, by the exchange's own names; return once the exchange confirms them.

        A feed of one kind takes streams of its kind; one opened with ``subscribe`` takes any. Gapless feeds stay as
        they were opened. Refused or cancelled: the feed brings none of them, and goes on as before.
        """
        _check_names(names)
        await self._service.add(feed, names)

    def remove(self, feed: Feed[Any], *names: str) -> None:
        """Have an open feed bring some of its streams no more, by the exchange's own names; see ``feed.streams``.

        What waits in the feed stays. A feed without streams is silent until some are added.
        """
        _check_names(names)
        self._service.remove(feed, names)


def _check_names(names: tuple[str, ...]) -> None:
    if not names:
        raise InvalidArgument("names", names, "give at least one stream")
    for name in names:
        check_text("names", name, _STREAM, 'expected a stream such as "btcusdt@trade"')


def _speed(speed_ms: object) -> str:
    if speed_ms not in (100, 1000) or not isinstance(speed_ms, int):
        raise InvalidArgument("speed_ms", speed_ms, "expected 1000 or 100")
    return "@100ms" if speed_ms == 100 else ""
