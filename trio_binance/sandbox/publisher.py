"""The publisher: turns what happens on one symbol into the market streams that somebody wants, and only those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .book import Changes
from .candles import DAY_US, HOUR_US, INTERVALS, Candle, flat, next_open, open_time
from .numbers import milliseconds, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .blocks import BlockTrade
    from .book import Book
    from .candles import Candles
    from .events import Outlet
    from .reference import Reference
    from .tape import Tape
    from .tickers import Tickers

SECOND_US = 1_000_000
FAST_US = 100_000
EAST_8_US = 8 * HOUR_US
WINDOWS = {"1h": HOUR_US, "4h": 4 * HOUR_US, "1d": DAY_US}
DEPTHS = (5, 10, 20)


def rows(levels: Iterable[tuple[int, int]]) -> list[list[str]]:
    """Return levels as the exchange writes them."""
    return [[text(price), text(quantity)] for price, quantity in levels]


class DiffStream:
    """``@depth`` and ``@depth@100ms``: the levels that changed, with update ids that join without holes."""

    def __init__(self, name: str, symbol: str, book: Book) -> None:
        self.name = name
        self._symbol = symbol
        self._book = book
        self._changes: Changes | None = None

    def stop(self) -> None:
        """Stop listening to the book: nobody wants the stream any more."""
        if self._changes is not None:
            self._book.watchers.remove(self._changes)
            self._changes = None

    def pulse(self, outlet: Outlet, now_us: int) -> None:
        """Tell what changed since the last pulse; the first one only begins to listen."""
        book, changes = self._book, self._changes
        if changes is None:
            self._changes = Changes(book.update_id)
            book.watchers.append(self._changes)
        elif book.update_id > changes.since:
            outlet.stream(self.name, self._event(changes, now_us))
            changes.restart(book.update_id)

    def _event(self, changes: Changes, now_us: int) -> dict[str, Any]:
        book = self._book
        return {
            "e": "depthUpdate",
            "E": milliseconds(now_us),
            "s": self._symbol,
            "U": changes.since + 1,
            "u": book.update_id,
            "b": rows((price, book.total_at(bid=True, price=price)) for price in sorted(changes.bids, reverse=True)),
            "a": rows((price, book.total_at(bid=False, price=price)) for price in sorted(changes.asks)),
        }


class PartialStream:
    """``@depth5`` and kin: the best levels whenever the book has changed."""

    def __init__(self, name: str, limit: int, book: Book) -> None:
        self.name = name
        self._limit = limit
        self._book = book
        self._seen = -1

    def stop(self) -> None:
        """Forget what was told: the next listener gets the levels at once."""
        self._seen = -1

    def pulse(self, outlet: Outlet, _now_us: int) -> None:
        """Tell the best levels if anything changed since the last pulse."""
        if self._book.update_id != self._seen:
            self._seen = self._book.update_id
            outlet.stream(self.name, depth_view(self._book, self._limit))


def depth_view(book: Book, limit: int) -> dict[str, Any]:
    """Return the book as GET depth and the partial depth streams show it."""
    bids, asks = book.levels(limit)
    return {"lastUpdateId": book.update_id, "bids": rows(bids), "asks": rows(asks)}


class KlineStream:
    """``@kline_<interval>``: the running candle as it grows, and every candle once, final, when it closes."""

    def __init__(self, name: str, symbol: str, interval: str, offset_us: int, sources: tuple[Tape, Candles]) -> None:
        self.name = name
        self._symbol = symbol
        self._interval = interval
        self._offset_us = offset_us
        self._tape, self._candles = sources
        self._candle: Candle | None = None
        self._next_id = 0
        self._grown = False

    def stop(self) -> None:
        """Forget the running candle: nobody wants the stream any more."""
        self._candle = None

    def pulse(self, outlet: Outlet, now_us: int) -> None:
        """Close what has ended and, every second for 1s and every other second for the rest, tell how it grew."""
        if self._candle is None:
            self._begin(now_us)
        self._grow(outlet, now_us)
        if self._grown and (self._interval == "1s" or now_us % (2 * SECOND_US) == 0):
            self._tell(outlet, now_us, closed=False)

    def _begin(self, now_us: int) -> None:
        """Take the running candle up to now from the store; the stream carries on from there."""
        # A pulse belongs to the time before it: at the very moment of a close the old candle is still to be told.
        opened = open_time(self._interval, now_us - 1, self._offset_us)
        self._candle = self._candles.candle(self._interval, opened, self._offset_us)
        self._next_id = self._tape.next_id
        self._grown = True

    def _grow(self, outlet: Outlet, now_us: int) -> None:
        # Candles close on whole seconds and every whole second has a pulse: no trade lies beyond the running candle.
        candle, tape = self._running(), self._tape
        for at in range(self._next_id - tape.first_id, len(tape)):
            candle.add(tape, at)
            self._grown = True
        self._next_id = tape.next_id
        while now_us >= candle.closes_us:
            candle = self._close(outlet, now_us)

    def _close(self, outlet: Outlet, now_us: int) -> Candle:
        """Tell the running candle as final and begin the next."""
        self._tell(outlet, now_us, closed=True)
        ended = self._running()
        closes = next_open(self._interval, ended.closes_us, self._offset_us)
        self._candle = flat(ended.closes_us, closes, ended.close)
        return self._candle

    def _tell(self, outlet: Outlet, now_us: int, *, closed: bool) -> None:
        self._grown = False
        update = self._running().update(self._symbol, self._interval, closed=closed)
        outlet.stream(self.name, {"e": "kline", "E": milliseconds(now_us), "s": self._symbol, "k": update})

    def _running(self) -> Candle:
        candle = self._candle
        assert candle is not None
        return candle


class Publisher:
    """All market streams of one symbol."""

    def __init__(
        self,
        symbol: str,
        outlet: Outlet,
        book: Book,
        tape: Tape,
        candles: Candles,
        tickers: Tickers,
        reference: Reference | None = None,
    ) -> None:
        self._symbol = symbol
        self._reference = reference
        self._outlet = outlet
        self._book, self._tape, self._tickers = book, tape, tickers
        self.prefix: str = symbol.lower()
        self._trade = f"{self.prefix}@trade"
        self._agg_trade = f"{self.prefix}@aggTrade"
        self._book_ticker = f"{self.prefix}@bookTicker"
        self._mini = f"{self.prefix}@miniTicker"
        self._ticker = f"{self.prefix}@ticker"
        self._average = f"{self.prefix}@avgPrice"
        self._block = f"{self.prefix}@blockTrade"
        self._reference_price = f"{self.prefix}@referencePrice"
        self._rolling = {window: f"{self.prefix}@ticker_{window}" for window in WINDOWS}
        self._fast = self._depth_streams("@100ms")
        self._slow = (*self._depth_streams(""), *self._kline_streams((tape, candles)))
        self._told_id, self._told_agg = tape.next_id, tape.next_agg_id
        self._told_best = book.best()
        self._fast_seen = -1
        self._fast_heard: list[DiffStream | PartialStream] = []
        self._slow_heard: list[DiffStream | PartialStream | KlineStream] = []
        self._seen: dict[str, tuple[int, int]] = {}
        self._silent = False
        self._klines_shown = True

    def _depth_streams(self, speed: str) -> tuple[DiffStream | PartialStream, ...]:
        diff = DiffStream(f"{self.prefix}@depth{speed}", self._symbol, self._book)
        return diff, *(PartialStream(f"{self.prefix}@depth{limit}{speed}", limit, self._book) for limit in DEPTHS)

    def _kline_streams(self, sources: tuple[Tape, Candles]) -> list[KlineStream]:
        return [
            KlineStream(f"{self.prefix}@kline_{interval}{suffix}", self._symbol, interval, offset, sources)
            for interval in INTERVALS
            for suffix, offset in (("", 0), ("@+08:00", EAST_8_US))
        ]

    def names(self) -> set[str]:
        """Return every stream of this symbol; the reference price of a symbol that has none stays silent."""
        plain = {self._trade, self._agg_trade, self._book_ticker, self._mini, self._ticker, self._average}
        plain |= {self._block, self._reference_price}
        return plain | set(self._rolling.values()) | {stream.name for stream in (*self._fast, *self._slow)}

    def show(self, *, data: bool, klines: bool) -> None:
        """Say whether there is any market data from now on, and whether there are klines.

        What happened meanwhile is told as soon as there is data again, but for klines, which begin anew.
        """
        self._silent = not data
        self._klines_shown = klines
        for stream in self._slow if not klines else ():
            if isinstance(stream, KlineStream):
                stream.stop()

    # ----------------------------------------------------------------------------------------------- at each event

    def after_event(self, now_us: int) -> None:
        """Tell the trades and the new best prices that one order or cancel has brought."""
        wanted = self._outlet.wanted
        if self._silent:
            return
        if self._told_id != self._tape.next_id:
            if self._trade in wanted:
                for trade_id in range(self._told_id, self._tape.next_id):
                    self._outlet.stream(self._trade, self._trade_event(trade_id, now_us))
            if self._agg_trade in wanted:
                for agg_id in range(self._told_agg, self._tape.next_agg_id):
                    self._outlet.stream(self._agg_trade, self._agg_event(agg_id, now_us))
            self._told_id, self._told_agg = self._tape.next_id, self._tape.next_agg_id
        if self._book_ticker in wanted:
            self._tell_best()

    def _tell_best(self) -> None:
        best = self._book.best()
        if best != self._told_best:
            self._told_best = best
            names = ("b", "B", "a", "A")
            prices = {name: text(value) for name, value in zip(names, best, strict=True)}
            self._outlet.stream(self._book_ticker, {"u": self._book.update_id, "s": self._symbol} | prices)

    def _trade_event(self, trade_id: int, now_us: int) -> dict[str, Any]:
        tape, at = self._tape, trade_id - self._tape.first_id
        return {
            "e": "trade",
            "E": milliseconds(now_us),
            "s": self._symbol,
            "t": trade_id,
            "p": text(tape.prices[at]),
            "q": text(tape.quantities[at]),
            "T": milliseconds(tape.times[at]),
            "m": bool(tape.buyer_is_maker[at]),
            "M": True,
        }

    def _agg_event(self, agg_id: int, now_us: int) -> dict[str, Any]:
        head = {"e": "aggTrade", "E": milliseconds(now_us), "s": self._symbol}
        return head | agg_view(self._tape, agg_id)

    # -------------------------------------------------------------------------------------------------- at a pulse

    def retune(self) -> None:
        """Take note of which streams are wanted; called before a pulse when that has changed."""
        wanted = self._outlet.wanted
        for stream in (*self._fast, *self._slow):
            if stream.name not in wanted:
                stream.stop()
        self._fast_heard = [stream for stream in self._fast if stream.name in wanted]
        self._slow_heard = [stream for stream in self._slow if stream.name in wanted]

    def needs_fast_pulse(self) -> bool:
        """Return whether a stream at 100 ms has something to tell."""
        return bool(self._fast_heard) and not self._silent and self._book.update_id != self._fast_seen

    def fast_pulse(self, now_us: int) -> None:
        """Tell the streams that run at 100 ms."""
        self._fast_seen = self._book.update_id
        for stream in () if self._silent else self._fast_heard:
            stream.pulse(self._outlet, now_us)

    def slow_pulse(self, now_us: int) -> None:
        """Tell the streams that run at a second or two."""
        if self._silent:
            return
        for stream in self._slow_heard:
            if self._klines_shown or not isinstance(stream, KlineStream):
                stream.pulse(self._outlet, now_us)
        outlet = self._outlet
        if self._average in outlet.wanted:
            outlet.stream(self._average, self._tickers.average_event(now_us))
        if self._reference is not None and self._reference_price in outlet.wanted:
            outlet.stream(self._reference_price, self._reference.event(now_us))

    def tell_block(self, block: BlockTrade) -> None:
        """Tell a block trade."""
        if self._block in self._outlet.wanted:
            self._outlet.stream(self._block, block.event(self._symbol))

    def ticker_name(self, kind: str) -> str:
        """Return the stream of a kind of ticker: ``mini``, ``full``, or the length of a rolling window."""
        return self._mini if kind == "mini" else self._ticker if kind == "full" else self._rolling[kind]

    def tickers(self, kind: str, to_all: str, now_us: int) -> dict[str, Any] | None:
        """Return a ticker that has changed since the last pulse if anybody wants it, after telling its own stream."""
        own = self.ticker_name(kind)
        wanted = self._outlet.wanted
        state = (self._tape.next_id, self._book.update_id if kind == "full" else 0)
        if self._silent or (own not in wanted and to_all not in wanted) or self._seen.get(kind) == state:
            return None
        self._seen[kind] = state
        event = self._ticker_event(kind, now_us)
        if own in wanted:
            self._outlet.stream(own, event)
        return event

    def _ticker_event(self, kind: str, now_us: int) -> dict[str, Any]:
        if kind == "mini":
            return self._tickers.mini_event(now_us)
        if kind == "full":
            return self._tickers.day_event(now_us)
        return self._tickers.rolling_event(kind, WINDOWS[kind], now_us)


def agg_view(tape: Tape, agg_id: int) -> dict[str, Any]:
    """Return an aggregate trade as GET aggTrades lists it."""
    first, last = tape.agg_range(agg_id)
    at = first - tape.first_id
    return {
        "a": agg_id,
        "p": text(tape.prices[at]),
        "q": text(sum(tape.quantities[at : last - tape.first_id + 1])),
        "f": first,
        "l": last,
        "T": milliseconds(tape.times[at]),
        "m": bool(tape.buyer_is_maker[at]),
        "M": True,
    }
