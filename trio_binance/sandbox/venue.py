"""A venue: everything that belongs to one symbol, wired together."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from .book import Book
from .candles import Candles
from .makers import Makers
from .matching import Matcher
from .publisher import Publisher
from .reports import Reports
from .tape import Tape
from .tickers import Tickers

if TYPE_CHECKING:
    from collections.abc import Callable

    from .accounts import Account
    from .events import Outlet
    from .symbols import Symbol


class Venue:
    """One symbol's book, tape, candles, tickers, engine, crowd and streams."""

    def __init__(
        self,
        symbol: Symbol,
        seed: int,
        activity: float,
        house: tuple[Account, Account],
        outlet: Outlet,
        fees: dict[str, int],
        fair_of: Callable[[str], int],
    ) -> None:
        ids = Random(f"{seed}:ids:{symbol.name}")
        self.symbol = symbol
        self.status = "TRADING"
        self.book = Book()
        self.tape = Tape(ids.randrange(10**6, 10**7), ids.randrange(10**5, 10**6))
        self.candles = Candles(self.tape)
        self.tickers = Tickers(symbol.name, self.tape, self.candles, self.book)
        self.reports = Reports(symbol.name, symbol.base, symbol.quote, outlet.user)
        self.matcher = Matcher(symbol, self.book, self.tape, self.reports, fees, self._on_trade)
        rng = Random(f"{seed}:makers:{symbol.name}")
        self.makers = Makers(symbol, rng, activity, house, (self.book, self.tape, self.matcher), fair_of)
        self.publisher = Publisher(symbol.name, outlet, self.book, self.tape, self.candles, self.tickers)

    def open(self, start_us: int) -> None:
        """Write the past and put up the first quotes."""
        self.makers.open(start_us, self._on_trade)
        self.settle(start_us)

    def act(self, now_us: int) -> int:
        """Let the crowd do one thing, unless trading is halted; return when it acts next."""
        if self.status == "TRADING":
            self.makers.act(now_us)
            self.settle(now_us)
        return now_us + self.makers.gap_us()

    def settle(self, now_us: int) -> None:
        """Tell the world and the customers what the last order or cancel has brought."""
        self.reports.flush(now_us)
        self.publisher.after_event(now_us)
        cut = self.tape.excess()
        if cut is not None:
            self.tickers.forget_before(cut)
            self.tape.forget_before(cut)

    def _on_trade(self, trade_id: int) -> None:
        self.candles.add(trade_id)
        self.tickers.add(trade_id)
