"""Tickers: rolling statistics over the last 24 hours, the last five minutes, or any window of minutes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from .candles import DAY_US, MINUTE_US, open_time
from .numbers import average, milliseconds, percent, text

if TYPE_CHECKING:
    from .book import Book
    from .candles import Candle, Candles
    from .tape import Tape


class Window:
    """The trades of the last ``span_us``, exact to the microsecond: sums, extremes and the first and last id."""

    def __init__(self, tape: Tape, span_us: int) -> None:
        self._tape = tape
        self.span_us = span_us
        self.first_id: int = tape.first_id
        self.volume: int = 0
        self.quote: int = 0
        # Candidates for the extreme: prices that no later trade has beaten, oldest first.
        self._highs: deque[tuple[int, int]] = deque()
        self._lows: deque[tuple[int, int]] = deque()

    def add(self, trade_id: int) -> None:
        """Count the newest trade of the tape and forget those that have grown too old."""
        tape = self._tape
        at = trade_id - tape.first_id
        price = tape.prices[at]
        self.volume += tape.quantities[at]
        self.quote += tape.quotes[at]
        highs, lows = self._highs, self._lows
        while highs and highs[-1][0] <= price:
            highs.pop()
        highs.append((price, trade_id))
        while lows and lows[-1][0] >= price:
            lows.pop()
        lows.append((price, trade_id))
        self.advance(tape.times[at])

    def advance(self, now_us: int) -> None:
        """Forget the trades older than the span."""
        tape, oldest = self._tape, now_us - self.span_us
        at = self.first_id - tape.first_id
        if at < len(tape.times) and tape.times[at] < oldest:
            self.forget_before(tape.at_or_after(oldest))

    def forget_before(self, trade_id: int) -> None:
        """Forget the trades with smaller ids."""
        tape = self._tape
        for at in range(self.first_id - tape.first_id, trade_id - tape.first_id):
            self.volume -= tape.quantities[at]
            self.quote -= tape.quotes[at]
        self.first_id = max(self.first_id, trade_id)
        for candidates in (self._highs, self._lows):
            while candidates and candidates[0][1] < self.first_id:
                candidates.popleft()

    @property
    def count(self) -> int:
        """How many trades it holds."""
        return self._tape.next_id - self.first_id

    def average(self) -> int:
        """Return the volume weighted average price; the last price when nothing traded."""
        return average(self.quote, self.volume) if self.volume else self._tape.last_price()

    def prices(self) -> tuple[int, int, int]:
        """Return open, high and low; the last price thrice when nothing traded."""
        if self.count == 0:
            last = self._tape.last_price()
            return last, last, last
        return self._tape.prices[self._tape.index(self.first_id)], self._highs[0][0], self._lows[0][0]


class Tickers:
    """The statistics of one symbol."""

    def __init__(self, symbol: str, tape: Tape, candles: Candles, book: Book) -> None:
        self._symbol = symbol
        self._tape = tape
        self._candles = candles
        self._book = book
        self.day: Window = Window(tape, DAY_US)
        self.five_minutes: Window = Window(tape, 5 * MINUTE_US)

    def add(self, trade_id: int) -> None:
        """Count the newest trade of the tape."""
        self.day.add(trade_id)
        self.five_minutes.add(trade_id)

    def forget_before(self, trade_id: int) -> None:
        """Forget the trades with smaller ids, because the tape does."""
        self.day.forget_before(trade_id)
        self.five_minutes.forget_before(trade_id)

    def average_price(self, now_us: int) -> int:
        """Return the average price of the last five minutes, which filters refer to."""
        self.five_minutes.advance(now_us)
        return self.five_minutes.average()

    def _span(self) -> tuple[int, int, int]:
        """Return first id, last id and count as tickers tell them."""
        day = self.day
        return (day.first_id, self._tape.next_id - 1, day.count) if day.count else (-1, -1, 0)

    def _before(self) -> int:
        """Return the price of the trade just before the 24 hours."""
        tape = self._tape
        return tape.prices[max(0, tape.index(self.day.first_id) - 1)]

    def day_full(self, now_us: int) -> dict[str, Any]:
        """Return GET ticker/24hr of type FULL."""
        self.day.advance(now_us)
        opened, _, _ = self.day.prices()
        last = self._tape.last_price()
        bid, bid_quantity, ask, ask_quantity = self._book.best()
        mini = self.day_mini(now_us)
        return {
            "symbol": self._symbol,
            "priceChange": text(last - opened),
            "priceChangePercent": percent(last - opened, opened),
            "weightedAvgPrice": text(self.day.average()),
            "prevClosePrice": text(self._before()),
            "lastPrice": mini["lastPrice"],
            "lastQty": text(self._tape.quantities[-1]),
            "bidPrice": text(bid),
            "bidQty": text(bid_quantity),
            "askPrice": text(ask),
            "askQty": text(ask_quantity),
            **{name: mini[name] for name in ("openPrice", "highPrice", "lowPrice", "volume", "quoteVolume")},
            **{name: mini[name] for name in ("openTime", "closeTime", "firstId", "lastId", "count")},
        }

    def day_mini(self, now_us: int) -> dict[str, Any]:
        """Return GET ticker/24hr of type MINI."""
        self.day.advance(now_us)
        opened, high, low = self.day.prices()
        first, last, count = self._span()
        return {
            "symbol": self._symbol,
            "openPrice": text(opened),
            "highPrice": text(high),
            "lowPrice": text(low),
            "lastPrice": text(self._tape.last_price()),
            "volume": text(self.day.volume),
            "quoteVolume": text(self.day.quote),
            "openTime": milliseconds(now_us - DAY_US),
            "closeTime": milliseconds(now_us),
            "firstId": first,
            "lastId": last,
            "count": count,
        }

    def day_event(self, now_us: int) -> dict[str, Any]:
        """Return the payload of ``<symbol>@ticker``."""
        full = self.day_full(now_us)
        letters = {
            "p": "priceChange",
            "P": "priceChangePercent",
            "w": "weightedAvgPrice",
            "x": "prevClosePrice",
            "c": "lastPrice",
            "Q": "lastQty",
            "b": "bidPrice",
            "B": "bidQty",
            "a": "askPrice",
            "A": "askQty",
            "o": "openPrice",
            "h": "highPrice",
            "l": "lowPrice",
            "v": "volume",
            "q": "quoteVolume",
            "O": "openTime",
            "C": "closeTime",
            "F": "firstId",
            "L": "lastId",
            "n": "count",
        }
        head = {"e": "24hrTicker", "E": milliseconds(now_us), "s": self._symbol}
        return head | {letter: full[name] for letter, name in letters.items()}

    def mini_event(self, now_us: int) -> dict[str, Any]:
        """Return the payload of ``<symbol>@miniTicker``."""
        mini = self.day_mini(now_us)
        letters = {
            "c": "lastPrice",
            "o": "openPrice",
            "h": "highPrice",
            "l": "lowPrice",
            "v": "volume",
            "q": "quoteVolume",
        }
        head = {"e": "24hrMiniTicker", "E": milliseconds(now_us), "s": self._symbol}
        return head | {letter: mini[name] for letter, name in letters.items()}

    def average_event(self, now_us: int) -> dict[str, Any]:
        """Return the payload of ``<symbol>@avgPrice``."""
        return {
            "e": "avgPrice",
            "E": milliseconds(now_us),
            "s": self._symbol,
            "i": "5m",
            "w": text(self.average_price(now_us)),
            "T": milliseconds(self._tape.times[-1]),
        }

    def _rolling(self, span_us: int, now_us: int) -> Candle:
        # "Rolling window price change statistics": openTime lies on a minute, closeTime is the time of the request,
        # so the window is up to 59999 ms wider than asked for.
        opened = (now_us - span_us) // MINUTE_US * MINUTE_US
        return self._candles.between(opened, now_us // MINUTE_US * MINUTE_US + MINUTE_US)

    def rolling(self, span_us: int, now_us: int, *, full: bool) -> dict[str, Any]:
        """Return GET ticker over a window of that length, of type FULL or MINI."""
        return self._over(self._rolling(span_us, now_us), milliseconds(now_us), full=full)

    def trading_day(self, offset_us: int, now_us: int, *, full: bool) -> dict[str, Any]:
        """Return GET ticker/tradingDay: the calendar day of a time zone, of type FULL or MINI."""
        candle = self._candles.candle("1d", open_time("1d", now_us, offset_us), offset_us)
        return self._over(candle, milliseconds(candle.closes_us) - 1, full=full)

    def _over(self, candle: Candle, close_time: int, *, full: bool) -> dict[str, Any]:
        change = candle.close - candle.open
        extra = {
            "priceChange": text(change),
            "priceChangePercent": percent(change, candle.open),
            "weightedAvgPrice": text(average(candle.quote, candle.volume)),
        }
        return {
            "symbol": self._symbol,
            **(extra if full else {}),
            "openPrice": text(candle.open),
            "highPrice": text(candle.high),
            "lowPrice": text(candle.low),
            "lastPrice": text(candle.close),
            "volume": text(candle.volume),
            "quoteVolume": text(candle.quote),
            "openTime": milliseconds(candle.opened_us),
            "closeTime": close_time,
            "firstId": candle.first_id,
            "lastId": candle.last_id,
            "count": candle.trades,
        }

    def rolling_event(self, window: str, span_us: int, now_us: int) -> dict[str, Any]:
        """Return the payload of ``<symbol>@ticker_<window>``."""
        full = self.rolling(span_us, now_us, full=True)
        letters = {
            "p": "priceChange",
            "P": "priceChangePercent",
            "o": "openPrice",
            "h": "highPrice",
            "l": "lowPrice",
            "c": "lastPrice",
            "w": "weightedAvgPrice",
            "v": "volume",
            "q": "quoteVolume",
            "O": "openTime",
            "C": "closeTime",
            "F": "firstId",
            "L": "lastId",
            "n": "count",
        }
        head = {"e": f"{window}Ticker", "E": milliseconds(now_us), "s": self._symbol}
        return head | {letter: full[name] for letter, name in letters.items()}
