"""A venue: everything that belongs to one symbol, wired together."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from .admission import recheck
from .blocks import Blocks
from .book import Book
from .candles import Candles
from .funds import Funds
from .makers import Makers
from .matching import Matcher
from .publisher import Publisher
from .reference import External, Reference
from .reports import Reports
from .tape import Tape
from .tickers import Tickers

if TYPE_CHECKING:
    from collections.abc import Callable

    from .accounts import Account
    from .commission import Price
    from .events import Outlet
    from .matching import Range
    from .orders import Order
    from .symbols import Symbol


def _no_price(_asset: str) -> None:
    """Return no price of BNB: nobody pays in it."""


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
        bnb_price: Price = _no_price,
    ) -> None:
        ids = Random(f"{seed}:ids:{symbol.name}")
        self.symbol: Symbol = symbol
        self.house: tuple[Account, Account] = house
        """Who makes the market, and who passes by."""
        self.status: str = "TRADING"
        self.book: Book = Book()
        self.tape: Tape = Tape(ids.randrange(10**6, 10**7), ids.randrange(10**5, 10**6))
        self.candles: Candles = Candles(self.tape)
        self.tickers: Tickers = Tickers(symbol.name, self.tape, self.candles, self.book)
        self.reports: Reports = Reports(symbol.name, symbol.base, symbol.quote, outlet.user)
        self.reference: Reference | None = self._make_reference()
        self.matcher: Matcher = Matcher(
            self.book,
            self.tape,
            self.reports,
            Funds(symbol, fees, bnb_price),
            self._on_trade,
            self._recheck,
            self._range,
        )
        rng = Random(f"{seed}:makers:{symbol.name}")
        self.makers: Makers = Makers(symbol, rng, activity, house, (self.book, self.tape, self.matcher), fair_of)
        self.blocks: Blocks = Blocks(symbol, Random(f"{seed}:blocks:{symbol.name}"))
        self.publisher: Publisher = Publisher(
            symbol.name, outlet, self.book, self.tape, self.candles, self.tickers, self.reference
        )

    def open(self, start_us: int) -> None:
        """Write the past and put up the first quotes."""
        self.makers.open(start_us, self._on_trade)
        self.blocks.write_past(self.makers.fair, start_us)
        self.settle(start_us)

    def act(self, now_us: int) -> int:
        """Let the crowd do one thing, unless trading is halted; return when it acts next."""
        if self.status == "TRADING":
            self.makers.act(now_us)
            self.settle(now_us)
            block = self.blocks.maybe(self.makers.fair, now_us)
            if block is not None:
                self.publisher.tell_block(block)
        return now_us + self.makers.gap_us()

    def settle(self, now_us: int) -> None:
        """Let happen what the last order or cancel has set off, and tell the world and the customers of all."""
        self.matcher.run_due(now_us)
        self.reports.flush(now_us)
        self.publisher.after_event(now_us)
        cut = self.tape.excess()
        if cut is not None:
            self.tickers.forget_before(cut)
            self.tape.forget_before(cut)

    def set_status(self, status: str) -> None:
        """Halt the symbol or let it trade again; any word is a status.

        In BREAK there is no market data at all, in CANCEL_ONLY there are no klines, else all goes on (Spot glossary).
        """
        self.status = status
        self.publisher.show(data=status != "BREAK", klines=status not in ("BREAK", "CANCEL_ONLY"))

    @property
    def takes_amendments(self) -> bool:
        """Whether orders may be amended: "only cancel and amend" in CANCEL_ONLY, else while it trades."""
        return self.status in ("TRADING", "CANCEL_ONLY")

    def set_symbol(self, symbol: Symbol) -> None:
        """Change the rules; resting orders stay as they are."""
        self.symbol = self.matcher.funds.symbol = symbol

    def filter_price(self, now_us: int) -> int:
        """Return the price that filters refer to.

        Since 2026-05-08 the reference price, if there is one; else the average of the last minutes, or the last price.
        """
        price = None if self.reference is None else self.reference.price(now_us)
        if price is not None:
            return price
        return self.tickers.average_price(now_us) if self.symbol.average_minutes else self.tape.last_price()

    def _make_reference(self) -> Reference | None:
        symbol = self.symbol
        if symbol.mean is not None:
            return Reference(symbol.name, self.tape, symbol.mean)
        return None if symbol.external is None else Reference(symbol.name, self.tape, External(symbol.external))

    def _range(self, order: Order, now_us: int) -> Range:
        """Return within which prices a taker may trade (Price range execution rule); ``None`` for any."""
        rule = self.symbol.price_range
        if rule is None or self.reference is None:
            return None
        price = self.reference.price(now_us)
        return None if price is None else rule.around(price, buys=order.buys)

    def _recheck(self, order: Order, now_us: int) -> None:
        recheck(self, order, now_us)

    def _on_trade(self, trade_id: int) -> None:
        self.candles.add(trade_id)
        self.tickers.add(trade_id)
