"""The streams room of the facade: one method a kind of stream, each a feed to enter with ``async with``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeVar, final

from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument
from trio_binance.models import KlineInterval, OpenEnum, RollingWindow

from .checks import check_feed, check_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.feed import Feed
    from trio_binance._services.streams import Streams as StreamsService
    from trio_binance.config import Tuning
    from trio_binance.models import (
        AggTradeEvent,
        AvgPriceEvent,
        BlockTradeEvent,
        BookTickerEvent,
        DepthUpdateEvent,
        KlineEvent,
        MiniTickerEvent,
        PartialDepthEvent,
        ReferencePriceEvent,
        RollingTickerEvent,
        StreamEvent,
        TickerEvent,
        TradeEvent,
    )

_E = TypeVar("_E", bound=OpenEnum)

# Symbols may be of any script (CHANGELOG 2025-12-15).
_SYMBOL = re.compile(r"[^\s@/?]+")
_STREAM = re.compile(r"\S+")


@final
class Streams:
    """``bx.streams``. Each method returns a feed to enter with ``async with``; entering waits for the exchange's word.

    It waits as long as the exchange is not reached. Bound it, and lift the bound when the feed is open::

        with trio.fail_after(15) as limit:
            async with bx.streams.trades("BTCUSDT") as feed:
                limit.deadline = math.inf

    The exchange accepts any name of a stream, also that of a symbol that does not exist: such a feed stays silent.
    Check a symbol that you have not made sure of with ``bx.general.exchange_info(symbol=...)``.

    A feed is a ``trio.abc.ReceiveChannel``: ``async for``, ``receive()``, and ``batches()`` for the fastest. ``buffer``
    is its size in items (1000 by default) and ``overflow`` says what happens when the consumer is slower than the
    stream. Streams come back by themselves after a lost connection; a feed ends with an error only when the exchange
    refuses its stream, when its own overflow policy says so, or when the connector crashes.
    """

    def __init__(self, service: StreamsService, tuning: Tuning) -> None:
        self._service = service
        self._tuning = tuning

    def trades(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[TradeEvent]]:
        """Open every single trade, in real time. Source: <symbol>@trade.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "trade"), buffer, overflow)

    def agg_trades(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[AggTradeEvent]]:
        """Open trades aggregated by taker order and price, in real time. Source: <symbol>@aggTrade.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "aggTrade"), buffer, overflow)

    def book_ticker(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[BookTickerEvent]]:
        """Open every change of the best bid and ask, in real time. Source: <symbol>@bookTicker.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "bookTicker"), buffer, overflow)

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
        return self._open(_names(symbols, f"depth{_speed(speed_ms)}"), buffer, overflow)

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
        return self._open(_names(symbols, f"depth{levels}{_speed(speed_ms)}"), buffer, overflow)

    def klines(
        self,
        *symbols: str,
        interval: KlineInterval | str,
        time_zone: Literal["+08:00"] | None = None,
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[KlineEvent]]:
        """Open candles while they form, every second for "1s" and every 2 s otherwise, and once when they close.

        With ``time_zone="+08:00"`` they begin with the days of UTC+8, and their times are those of UTC all the same.
        Source: <symbol>@kline_<interval>, <symbol>@kline_<interval>@+08:00.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        kind = f"kline_{_known('interval', interval, KlineInterval)}"
        if time_zone not in (None, "+08:00"):
            raise InvalidArgument("time_zone", time_zone, 'expected "+08:00", or None for UTC')
        return self._open(_names(symbols, kind if time_zone is None else f"{kind}@{time_zone}"), buffer, overflow)

    def mini_ticker(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[MiniTickerEvent]]:
        """Open the short statistics of the last 24 hours, every second. Source: <symbol>@miniTicker.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "miniTicker"), buffer, overflow)

    def ticker(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[TickerEvent]]:
        """Open the statistics of the last 24 hours, every second. Source: <symbol>@ticker.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "ticker"), buffer, overflow)

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
        return self._open(_names(symbols, f"ticker_{_known('window', window, RollingWindow)}"), buffer, overflow)

    def avg_price(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[AvgPriceEvent]]:
        """Open the average price of the last minutes, every second. Source: <symbol>@avgPrice.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "avgPrice"), buffer, overflow)

    def reference_price(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[ReferencePriceEvent]]:
        """Open the reference price of symbols that may have one, every second. Source: <symbol>@referencePrice.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "referencePrice"), buffer, overflow)

    def block_trades(
        self, *symbols: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[BlockTradeEvent]]:
        """Open the trades that were agreed on beside the book, in real time. Source: <symbol>@blockTrade.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        return self._open(_names(symbols, "blockTrade"), buffer, overflow)

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
        return self._open((f"!ticker_{_known('window', window, RollingWindow)}@arr",), buffer, overflow)

    def subscribe(
        self, *names: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[StreamEvent]]:
        """Open streams by the exchange's own names; each brings the events of its kind.

        A kind that this version does not know comes as ``UnknownEvent``. Under ``Overflow.LATEST``, streams whose
        events look alike (candles of both time zones, a book at two depths) replace one another's events.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        if not names:
            raise InvalidArgument("names", names, "give at least one stream")
        for name in names:
            check_text("names", name, _STREAM, 'expected a stream such as "btcusdt@trade"')
        return self._open(names, buffer, overflow)

    def _open(self, names: Iterable[str], buffer: int | None, overflow: Overflow) -> AbstractAsyncContextManager[Any]:
        size = self._tuning.buffer if buffer is None else buffer
        check_feed(size, overflow)
        return self._service.open(tuple(names), buffer=size, overflow=overflow, key=_subject)


def _subject(event: Any) -> Hashable:
    """Return what an event is about: a trade never replaces a candle, nor a minute's candle an hour's."""
    if isinstance(event, tuple):
        # One of the arrays that tell of all symbols.
        return tuple, *((type(one), getattr(one, "window", None)) for one in event[:1])
    name = getattr(event, "symbol", None) or getattr(event, "stream", None)
    length = getattr(event, "window", None) or getattr(getattr(event, "candle", None), "interval", None)
    return type(event), name, length


def _names(symbols: tuple[str, ...], kind: str) -> list[str]:
    """Return stream names: "All symbols for streams are lowercase" (web-socket-streams.md, "General information")."""
    if not symbols:
        raise InvalidArgument("symbols", symbols, "give at least one symbol")
    for symbol in symbols:
        check_text("symbols", symbol, _SYMBOL, 'expected a symbol such as "BTCUSDT"')
    return [f"{symbol.lower()}@{kind}" for symbol in symbols]


def _known(field: str, value: object, kind: type[_E]) -> _E:
    """Return the word of the exchange; a stream of a word that it does not know would be silent for ever."""
    word = kind(value) if isinstance(value, str) else None
    if word is None or not word.is_known:
        raise InvalidArgument(field, value, f"expected one of {', '.join(kind)}")
    return word


def _speed(speed_ms: object) -> str:
    if speed_ms not in (100, 1000) or not isinstance(speed_ms, int):
        raise InvalidArgument("speed_ms", speed_ms, "expected 1000 or 100")
    return "@100ms" if speed_ms == 100 else ""
