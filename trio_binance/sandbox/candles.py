"""Candles: klines of every interval and offset, kept by the minute and folded on demand."""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import date
from typing import TYPE_CHECKING, Any, final

import attrs

from .numbers import milliseconds, text

if TYPE_CHECKING:
    from .tape import Tape

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

FIXED_INTERVALS = {
    "1s": SECOND_US,
    "1m": MINUTE_US,
    "3m": 3 * MINUTE_US,
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "30m": 30 * MINUTE_US,
    "1h": HOUR_US,
    "2h": 2 * HOUR_US,
    "4h": 4 * HOUR_US,
    "6h": 6 * HOUR_US,
    "8h": 8 * HOUR_US,
    "12h": 12 * HOUR_US,
    "1d": DAY_US,
    "3d": 3 * DAY_US,
    "1w": 7 * DAY_US,
}
INTERVALS = (*FIXED_INTERVALS, "1M")

_MONDAY_US = 4 * DAY_US
_EPOCH = date(1970, 1, 1).toordinal()
_TIME_ZONE = re.compile(r"(-?)([0-9]{1,2})(?::([0-5][0-9]))?", re.ASCII)


def parse_offset_us(time_zone: str) -> int | None:
    """Return the offset of a ``timeZone`` such as ``8``, ``-1:00`` or ``05:45``; ``None`` outside -12:00..+14:00."""
    found = _TIME_ZONE.fullmatch(time_zone)
    if found is None:
        return None
    minutes = int(found.group(2)) * 60 + int(found.group(3) or 0)
    minutes = -minutes if found.group(1) else minutes
    return minutes * MINUTE_US if -12 * 60 <= minutes <= 14 * 60 else None


def open_time(interval: str, time_us: int, offset_us: int = 0) -> int:
    """Return when the kline that contains ``time_us`` opens: UTC microseconds, boundaries moved by the offset."""
    local = time_us + offset_us
    if interval == "1M":
        day = date.fromordinal(_EPOCH + local // DAY_US)
        return (day.replace(day=1).toordinal() - _EPOCH) * DAY_US - offset_us
    # Weeks begin on Monday; the epoch was a Thursday.
    shift = _MONDAY_US if interval == "1w" else 0
    length = FIXED_INTERVALS[interval]
    return (local - shift) // length * length + shift - offset_us


def next_open(interval: str, opened_us: int, offset_us: int = 0) -> int:
    """Return when the kline after the one that opened then opens."""
    if interval == "1M":
        return open_time(interval, opened_us + 31 * DAY_US, offset_us)
    return opened_us + FIXED_INTERVALS[interval]


@final
@attrs.define
class Candle:
    """Open, high, low, close and volumes over ``[opened_us, closes_us)``, in atoms. ``trades == 0``: nothing traded."""

    opened_us: int
    closes_us: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote: int = 0
    trades: int = 0
    taker_volume: int = 0
    taker_quote: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, tape: Tape, at: int) -> None:
        """Count the trade at a position of the tape."""
        trade_id, price, quantity, quote = tape.first_id + at, tape.prices[at], tape.quantities[at], tape.quotes[at]
        if self.trades == 0:
            self.open = self.high = self.low = price
            self.first_id = trade_id
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.last_id = trade_id
        self.trades += 1
        self.volume += quantity
        self.quote += quote
        if not tape.buyer_is_maker[at]:
            self.taker_volume += quantity
            self.taker_quote += quote

    def fold(self, later: Candle) -> None:
        """Count all trades of a candle that follows."""
        if later.trades == 0:
            return
        if self.trades == 0:
            self.open, self.high, self.low, self.first_id = later.open, later.high, later.low, later.first_id
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.last_id = later.last_id
        self.trades += later.trades
        self.volume += later.volume
        self.quote += later.quote
        self.taker_volume += later.taker_volume
        self.taker_quote += later.taker_quote

    def row(self) -> list[Any]:
        """Return the candle as GET klines lists it."""
        return [
            milliseconds(self.opened_us),
            text(self.open),
            text(self.high),
            text(self.low),
            text(self.close),
            text(self.volume),
            milliseconds(self.closes_us) - 1,
            text(self.quote),
            self.trades,
            text(self.taker_volume),
            text(self.taker_quote),
            "0",
        ]

    def update(self, symbol: str, interval: str, *, closed: bool) -> dict[str, Any]:
        """Return the candle as the ``k`` of a kline event."""
        return {
            "t": milliseconds(self.opened_us),
            "T": milliseconds(self.closes_us) - 1,
            "s": symbol,
            "i": interval,
            "f": self.first_id,
            "L": self.last_id,
            "o": text(self.open),
            "c": text(self.close),
            "h": text(self.high),
            "l": text(self.low),
            "v": text(self.volume),
            "n": self.trades,
            "x": closed,
            "q": text(self.quote),
            "V": text(self.taker_volume),
            "Q": text(self.taker_quote),
            "B": "0",
        }


def flat(opened_us: int, closes_us: int, price: int) -> Candle:
    """Return a candle in which nothing traded: it stands at the close before it."""
    return Candle(opened_us, closes_us, price, price, price, price)


class Candles:
    """A candle for every minute in which something traded, and any other interval folded from them."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.minutes: list[Candle] = []
        self._opens: list[int] = []

    def add(self, trade_id: int) -> None:
        """Count the newest trade of the tape."""
        tape = self._tape
        at = trade_id - tape.first_id
        opened = tape.times[at] // MINUTE_US * MINUTE_US
        if not self._opens or self._opens[-1] != opened:
            self._opens.append(opened)
            self.minutes.append(flat(opened, opened + MINUTE_US, tape.prices[at]))
        self.minutes[-1].add(tape, at)

    @property
    def first_us(self) -> int:
        """When the oldest minute opened."""
        return self._opens[0]

    def between(self, from_us: int, to_us: int) -> Candle:
        """Return one candle over ``[from_us, to_us)``, both on minutes."""
        start, end = bisect_left(self._opens, from_us), bisect_left(self._opens, to_us)
        before = self.minutes[start - 1].close if start else self.minutes[0].open
        candle = flat(from_us, to_us, before)
        for minute in self.minutes[start:end]:
            candle.fold(minute)
        return candle

    def candle(self, interval: str, opened_us: int, offset_us: int = 0) -> Candle:
        """Return the kline that opens at ``opened_us``, as far as it has come."""
        closes = next_open(interval, opened_us, offset_us)
        return self._second(opened_us) if interval == "1s" else self.between(opened_us, closes)

    def _second(self, opened_us: int) -> Candle:
        closes = opened_us + SECOND_US
        return self.part(flat(opened_us, closes, 0), closes)

    def part(self, candle: Candle, until_us: int) -> Candle:
        """Return a candle as it stood at a moment while it was running, from the trades before that."""
        tape = self._tape
        start = tape.index(tape.at_or_after(candle.opened_us))
        stood = flat(candle.opened_us, candle.closes_us, tape.prices[start - 1] if start else tape.prices[0])
        for at in range(start, tape.index(tape.at_or_after(until_us))):
            stood.add(tape, at)
        return stood

    def klines(
        self, interval: str, offset_us: int, start_us: int | None, end_us: int | None, limit: int, now_us: int
    ) -> list[Candle]:
        """Return klines by open time, oldest first, without holes.

        "Kline/Candlestick data": without times the newest; from ``startTime`` the oldest; up to ``endTime`` the newest.
        """
        last = open_time(interval, min(now_us, end_us if end_us is not None else now_us), offset_us)
        first = open_time(interval, self.first_us, offset_us)
        if start_us is not None:
            opened = open_time(interval, max(start_us, first), offset_us)
            opened = next_open(interval, opened, offset_us) if opened < start_us else opened
            return self._forward(interval, offset_us, opened, last, limit)
        opens: list[int] = []
        opened = last
        while opened >= first and len(opens) < limit:
            opens.append(opened)
            opened = open_time(interval, opened - 1, offset_us)
        return [self.candle(interval, opened, offset_us) for opened in reversed(opens)]

    def _forward(self, interval: str, offset_us: int, opened: int, last: int, limit: int) -> list[Candle]:
        found: list[Candle] = []
        while opened <= last and len(found) < limit:
            found.append(self.candle(interval, opened, offset_us))
            opened = next_open(interval, opened, offset_us)
        return found
