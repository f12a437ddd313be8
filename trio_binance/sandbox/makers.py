"""Makers: the seeded crowd that quotes, cancels and takes, so that a symbol trades all the time."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from .numbers import SCALE, cost
from .orders import BUY, SELL, Order

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .accounts import Account
    from .book import Book
    from .matching import Matcher
    from .symbols import Symbol
    from .tape import Tape

LEVELS = 235
"""Price levels that the makers keep up on each side."""
TAKEN = 0.3
"""The share of events that are taking orders; the others keep the book in shape."""
HISTORY = (*range(1500, 120, -5), *range(120, 0, -1))
"""How many minutes before the opening the trades lie that give candles and tickers a past of 25 hours."""
PRECISION = 10**9
MINUTE_STRIDE = 8 * PRECISION // 10_000
"""How far the past walked from trade to trade: eight basis points."""

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


class Makers:
    """Market makers and passers-by of one symbol. Only whole numbers and uniform draws: the same on every machine."""

    def __init__(
        self,
        symbol: Symbol,
        rng: Random,
        activity: float,
        accounts: tuple[Account, Account],
        parts: tuple[Book, Tape, Matcher],
        fair_of: Callable[[str], int],
    ) -> None:
        self._symbol = symbol
        self._rng = rng
        self._maker, self._passer_by = accounts
        self._book, self._tape, self._matcher = parts
        self._fair_of = fair_of
        self._mean_gap_us = int(SECOND_US / activity)
        # About one basis point a root second, whatever the activity: a day moves some three percent.
        self._stride = isqrt(int(10**10 * min(2.0, max(0.05, 1.0 / activity))))
        self._resting: tuple[list[Order], list[Order]] = ([], [])
        start = symbol.start_price
        self._anchor = self._ratio() or start + start * rng.randrange(-5_000, 5_001) // 1_000_000
        self.fair: int = self._anchor
        """The price around which the crowd trades, in atoms."""
        self._spacing = max(symbol.tick, self.fair * 8 // 100_000 // symbol.tick * symbol.tick)

    # -------------------------------------------------------------------------------------------------- opening

    def open(self, start_us: int, on_trade: Callable[[int], None]) -> None:
        """Write the past on the tape and put up the first quotes."""
        self._write_history(start_us, on_trade)
        for side in (BUY, SELL):
            for distance in range(LEVELS):
                self._quote(side, distance, start_us)

    def _write_history(self, start_us: int, on_trade: Callable[[int], None]) -> None:
        # The walk is drawn backwards, so that it ends where the market opens.
        prices = [self.fair]
        for _ in HISTORY[1:]:
            prices.append(self._stepped(prices[-1], MINUTE_STRIDE))
        for number, (minutes, price) in enumerate(zip(HISTORY, reversed(prices), strict=True)):
            time_us = start_us - minutes * MINUTE_US + self._rng.randrange(MINUTE_US)
            quantity = self._quantity(4)
            rounded = self._on_tick(price)
            trade_id = self._tape.add(
                time_us,
                rounded,
                quantity,
                cost(rounded, quantity),
                buyer=-2 * number - 1,
                seller=-2 * number - 2,
                buyer_is_maker=self._rng.random() < 0.5,
            )
            on_trade(trade_id)

    def gap_us(self) -> int:
        """Draw the time until the next event."""
        return 1 + int(self._rng.random() * 2 * self._mean_gap_us)

    # --------------------------------------------------------------------------------------------------- living

    def act(self, now_us: int) -> None:
        """Do one thing: take, quote or cancel."""
        rng = self._rng
        self._drift()
        side = BUY if rng.random() < 0.5 else SELL
        if rng.random() < TAKEN:
            self._take(side, now_us)
            return
        levels = len(self._book.bids if side == BUY else self._book.asks)
        # Below the wished number of levels quote, above it cancel, near it both equally.
        if levels < LEVELS - 10 or (levels < LEVELS + 20 and rng.random() < 0.5):
            self._quote(side, self._distance(), now_us)
        else:
            self._pull(side, now_us)

    def _distance(self) -> int:
        """Draw how many levels from the touch to quote: anywhere at times, near more often than far at others."""
        draw = self._rng.random()
        return int((draw if self._rng.random() < 0.5 else draw * draw) * LEVELS)

    def _drift(self) -> None:
        ratio = self._ratio()
        if ratio is not None:
            self.fair = ratio
            return
        self.fair = self._stepped(self.fair, self._stride)
        # A gentle pull home: no run of luck leads to zero or beyond the price filter.
        self.fair += (self._anchor - self.fair) // 200_000

    def _ratio(self) -> int | None:
        """Return the fair price that one or two other symbols imply, if there are such."""
        crosses = self._symbol.crosses
        if not crosses:
            return None
        fair = self._fair_of(crosses[0])
        return fair if len(crosses) == 1 else fair * SCALE // self._fair_of(crosses[1])

    def _stepped(self, price: int, stride: int) -> int:
        return price + price * int((self._rng.random() - self._rng.random()) * 2.5 * stride) // PRECISION

    def _take(self, side: str, now_us: int) -> None:
        bid, ask = self._book.best_bid(), self._book.best_ask()
        # Who sees a stale quote takes it; else buyers and sellers come as they like.
        if ask is not None and ask < self.fair:
            side = BUY
        elif bid is not None and bid > self.fair:
            side = SELL
        price = self._on_tick(self.fair * 101 // 100 if side == BUY else self.fair * 99 // 100)
        self._submit(self._passer_by, side, "IOC", price, self._quantity(5), now_us)

    def _quote(self, side: str, distance: int, now_us: int) -> None:
        tick, half = self._symbol.tick, max(self._symbol.tick, self._spacing // 2)
        jitter = int(self._rng.random() * self._spacing)
        away = half + distance * self._spacing + jitter
        if side == BUY:
            price = self._on_tick(self.fair - away)
            ask = self._book.best_ask()
            price = min(price, ask - tick) if ask is not None else price
        else:
            price = self._on_tick(self.fair + away)
            bid = self._book.best_bid()
            price = max(price, bid + tick) if bid is not None else price
        order = self._submit(self._maker, side, "GTC", max(price, tick), self._quantity(1), now_us)
        self._resting[side == SELL].append(order)

    def _pull(self, side: str, now_us: int) -> None:
        """Cancel the farther of two quotes drawn at random."""
        first, second = self._draw(side), self._draw(side)
        if first is None or second is None:
            return
        farther = first if abs(first.price - self.fair) >= abs(second.price - self.fair) else second
        self._matcher.cancel(farther, "", now_us)

    def _draw(self, side: str) -> Order | None:
        resting = self._resting[side == SELL]
        while resting:
            at = int(self._rng.random() * len(resting))
            if resting[at].is_open:
                return resting[at]
            resting[at] = resting[-1]
            resting.pop()
        return None

    def _submit(self, account: Account, side: str, tif: str, price: int, quantity: int, now_us: int) -> Order:
        order = Order(account, self._symbol.name, side, "LIMIT", tif, quantity, price)
        self._matcher.submit(order, now_us)
        return order

    def _quantity(self, divisor: int) -> int:
        """Draw a quantity: most are small, the largest is worth the symbol's depth over ``divisor``."""
        draw = self._rng.random()
        largest = self._symbol.depth_notional // divisor * SCALE // self.fair
        step = self._symbol.step
        return max(step, int(largest * draw * draw * draw) // step * step)

    def _on_tick(self, price: int) -> int:
        return price // self._symbol.tick * self._symbol.tick
