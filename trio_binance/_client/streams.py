"""The streams room of the facade: one method a kind of stream, each a feed to enter with ``async with``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, final

from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument

from .checks import check_feed, check_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.feed import Feed
    from trio_binance._services.streams import Streams as StreamsService
    from trio_binance.config import Tuning
    from trio_binance.models import (
        AggTradeEvent,
        BookTickerEvent,
        DepthUpdateEvent,
        KlineEvent,
        KlineInterval,
        MiniTickerEvent,
        PartialDepthEvent,
        TickerEvent,
        TradeEvent,
    )


_WORD = re.compile(r"[0-9A-Za-z]+")
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
        buffer: int | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Feed[KlineEvent]]:
        """Open candles while they form, and once when they close. Source: <symbol>@kline_<interval>.

        Entering waits as long as the exchange is not reached: bound it with ``trio.fail_after``, see ``Streams``.
        """
        check_text("interval", interval, _WORD, 'expected an interval such as "1m"')
        return self._open(_names(symbols, f"kline_{interval!s}"), buffer, overflow)

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

    def subscribe(
        self, *names: str, buffer: int | None = None, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Feed[Any]]:
        """Open streams by the exchange's own names; a kind we do not know comes as ``UnknownEvent``.

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
    name = getattr(event, "symbol", None) or getattr(event, "stream", None)
    return type(event), name, getattr(getattr(event, "candle", None), "interval", None)


def _names(symbols: tuple[str, ...], kind: str) -> list[str]:
    """Return stream names: "All symbols for streams are lowercase" (web-socket-streams.md, "General information")."""
    if not symbols:
        raise InvalidArgument("symbols", symbols, "give at least one symbol")
    for symbol in symbols:
        check_text("symbols", symbol, _SYMBOL, 'expected a symbol such as "BTCUSDT"')
    return [f"{symbol.lower()}@{kind}" for symbol in symbols]


def _speed(speed_ms: int) -> str:
    if speed_ms not in (100, 1000):
        raise InvalidArgument("speed_ms", speed_ms, "expected 1000 or 100")
    return "@100ms" if speed_ms == 100 else ""
