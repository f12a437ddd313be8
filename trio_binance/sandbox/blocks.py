"""Blocks: large trades agreed outside the book, rare and with ids of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .numbers import SCALE, cost, milliseconds, text

if TYPE_CHECKING:
    from random import Random

    from .symbols import Symbol

RARITY = 1_000
"""One in so many events of the crowd is followed by a block trade."""
KEPT = 10_000
PAST = 25
MINUTE_US = 60_000_000
SETTLEMENT_US = 250_000
"""How long after the deal it is told."""


@attrs.frozen
class BlockTrade:
    """A block trade; price and quantities in atoms."""

    id: int
    price: int
    quantity: int
    time_us: int
    buyer_is_maker: bool

    def row(self) -> dict[str, Any]:
        """Return the trade as GET historicalBlockTrades lists it."""
        return {
            "id": self.id,
            "price": text(self.price),
            "qty": text(self.quantity),
            "quoteQty": text(cost(self.price, self.quantity)),
            "time": milliseconds(self.time_us),
            "isBuyerMaker": self.buyer_is_maker,
        }

    def event(self, symbol: str) -> dict[str, Any]:
        """Return the payload of ``<symbol>@blockTrade``."""
        return {
            "e": "blockTrade",
            "E": milliseconds(self.time_us + SETTLEMENT_US),
            "s": symbol,
            "t": self.id,
            "p": text(self.price),
            "q": text(self.quantity),
            "T": milliseconds(self.time_us),
            "m": self.buyer_is_maker,
        }


@final
class Blocks:
    """The block trades of one symbol, between institutions that are nobody's customers here: no balance moves."""

    def __init__(self, symbol: Symbol, rng: Random) -> None:
        self._symbol = symbol
        self._rng = rng
        self.trades: list[BlockTrade] = []
        self._next_id = rng.randrange(100, 1_000)

    def write_past(self, fair: int, now_us: int) -> None:
        """Put some trades before the opening."""
        times = sorted(now_us - 1 - self._rng.randrange(24 * 60 * MINUTE_US) for _ in range(PAST))
        for time_us in times:
            self._deal(fair, time_us)

    def maybe(self, fair: int, now_us: int) -> BlockTrade | None:
        """Return a block trade, or mostly none."""
        return self._deal(fair, now_us - SETTLEMENT_US) if self._rng.random() * RARITY < 1 else None

    def _deal(self, fair: int, time_us: int) -> BlockTrade:
        tick, step = self._symbol.tick, self._symbol.step
        price = max(tick, fair * self._rng.randrange(9_950, 10_051) // 10_000 // tick * tick)
        size = self._symbol.depth_notional * self._rng.randrange(10, 100) * SCALE // price
        trade = BlockTrade(self._next_id, price, max(step, size // step * step), time_us, self._rng.random() < 0.5)
        self._next_id += 1
        self.trades.append(trade)
        if len(self.trades) > KEPT:
            del self.trades[0]
        return trade

    def since(self, trade_id: int, limit: int) -> list[BlockTrade]:
        """Return trades from an id on."""
        start = max(0, trade_id - self.trades[0].id) if self.trades else 0
        return self.trades[start : start + limit]
