"""The tape: every trade of a symbol by id, in columns, and the aggregate trades over them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

import attrs

from .numbers import to_decimal

if TYPE_CHECKING:
    from decimal import Decimal

KEPT = 1_000_000
"""Trades kept a symbol; older ones are forgotten, a tenth of them at once."""


@attrs.frozen
class Trade:
    """A trade as tests and oracles want it, exact."""

    id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    time_us: int
    buyer_is_maker: bool
    buyer_order_id: int
    seller_order_id: int


class Tape:
    """Trades with ids that rise by one. Prices, quantities and quotes in atoms, times in microseconds."""

    def __init__(self, first_id: int, first_agg_id: int) -> None:
        self.first_id: int = first_id
        self.first_agg_id: int = first_agg_id
        self.times: array[int] = array("q")
        self.prices: array[int] = array("q")
        self.quantities: array[int] = array("q")
        self.quotes: array[int] = array("q")
        self.buyer_is_maker: array[int] = array("b")
        self.buyers: array[int] = array("q")
        self.sellers: array[int] = array("q")
        self.agg_starts: array[int] = array("q")
        """For every aggregate trade the id of its first trade; it ends where the next begins."""
        self._taker = 0

    def __len__(self) -> int:
        return len(self.times)

    @property
    def next_id(self) -> int:
        """The id that the next trade will get."""
        return self.first_id + len(self.times)

    @property
    def next_agg_id(self) -> int:
        """The id that the next aggregate trade will get."""
        return self.first_agg_id + len(self.agg_starts)

    def add(
        self, now_us: int, price: int, quantity: int, quote: int, *, buyer: int, seller: int, buyer_is_maker: bool
    ) -> int:
        """Append a trade between two orders and return its id.

        "Aggregate trades": fills of one taker order at one price (and so on one side) are one aggregate trade.
        """
        trade_id = self.next_id
        taker = seller if buyer_is_maker else buyer
        if not self.prices or taker != self._taker or self.prices[-1] != price:
            self.agg_starts.append(trade_id)
            self._taker = taker
        self.times.append(now_us)
        self.prices.append(price)
        self.quantities.append(quantity)
        self.quotes.append(quote)
        self.buyer_is_maker.append(buyer_is_maker)
        self.buyers.append(buyer)
        self.sellers.append(seller)
        return trade_id

    def index(self, trade_id: int) -> int:
        """Return the position in the columns of a trade, or of the nearest one kept."""
        return min(max(0, trade_id - self.first_id), len(self.times))

    def at_or_after(self, time_us: int) -> int:
        """Return the id of the first trade not before ``time_us``."""
        return self.first_id + bisect_left(self.times, time_us)

    def agg_of(self, trade_id: int) -> int:
        """Return the id of the first aggregate trade that does not begin before ``trade_id``."""
        return self.first_agg_id + bisect_left(self.agg_starts, trade_id)

    def agg_range(self, agg_id: int) -> tuple[int, int]:
        """Return the first and last trade id of an aggregate trade."""
        position = agg_id - self.first_agg_id
        following = self.agg_starts[position + 1] if position + 1 < len(self.agg_starts) else self.next_id
        return self.agg_starts[position], following - 1

    def trade(self, trade_id: int) -> Trade:
        """Return one trade."""
        at = trade_id - self.first_id
        return Trade(
            trade_id,
            to_decimal(self.prices[at]),
            to_decimal(self.quantities[at]),
            to_decimal(self.quotes[at]),
            self.times[at],
            bool(self.buyer_is_maker[at]),
            self.buyers[at],
            self.sellers[at],
        )

    def last_price(self) -> int:
        """Return the price of the newest trade; 0 before the first."""
        return self.prices[-1] if self.prices else 0

    def excess(self) -> int | None:
        """Return the id of the first trade to keep once there are a tenth too many, else ``None``."""
        if len(self.times) < KEPT * 11 // 10:
            return None
        return self.agg_starts[bisect_left(self.agg_starts, self.next_id - KEPT)]

    def forget_before(self, trade_id: int) -> None:
        """Drop the trades before ``trade_id``, which begins an aggregate trade."""
        cut = trade_id - self.first_id
        for column in (self.times, self.prices, self.quantities, self.quotes, self.buyers, self.sellers):
            del column[:cut]
        del self.buyer_is_maker[:cut]
        aggs = bisect_left(self.agg_starts, trade_id)
        del self.agg_starts[:aggs]
        self.first_id += cut
        self.first_agg_id += aggs
