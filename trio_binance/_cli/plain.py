"""The plain view: a readable series of lines where nobody looks at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

from trio_binance._pure.decimals import to_text

from .output import clock_text, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_binance.models import AggTradeEvent, BlockTradeEvent, BookTickerEvent, TradeEvent

    from .picture import Picture

MARKET_EVERY = 1.0
"""Seconds between two looks at the market; the order's steps are told as they come."""


@final
class PlainView:
    """Writes what is new: at once of the order, once a second of the market."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._told_steps = self._told_notices = 0
        self._market_at = 0.0
        self._last_trade: object = None
        self._last_tops: dict[str, BookTickerEvent] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """There is nothing to restore."""

    async def refresh(self) -> None:
        """Write what is new."""
        if lines := [*self._market(), *self._order(), *self._notices()]:
            await write(*lines)

    def _market(self) -> Iterator[str]:
        picture = self._picture
        if not picture.counts or picture.elapsed < self._market_at:
            return
        self._market_at = picture.elapsed + MARKET_EVERY
        if picture.trades and picture.trades[-1] is not self._last_trade:
            self._last_trade = picture.trades[-1]
            yield f"trade  {describe_trade(picture.trades[-1])}"
        for symbol, top in sorted(picture.tops.items()):
            if self._last_tops.get(symbol) is not top:
                self._last_tops[symbol] = top
                yield f"book   {describe_top(top)}"

    def _order(self) -> Iterator[str]:
        steps = self._picture.story.steps if self._picture.story is not None else []
        for step in steps[self._told_steps :]:
            yield f"order  {step.after_ms:7.1f} ms  {step.word:<8}  {step.told:<28}  {step.done}".rstrip()
        self._told_steps = len(steps)

    def _notices(self) -> Iterator[str]:
        for told in self._picture.notices[self._told_notices :]:
            yield f"notice {told}"
        self._told_notices = len(self._picture.notices)


def side_of(trade: TradeEvent | AggTradeEvent | BlockTradeEvent) -> str:
    """Return which side came to take: a buyer who was the maker had his bid sold into."""
    return "sell" if trade.is_buyer_maker else "buy"


def describe_trade(trade: TradeEvent | AggTradeEvent | BlockTradeEvent) -> str:
    """Return a trade as one line."""
    quantity, price = to_text(trade.quantity), to_text(trade.price)
    return f"{clock_text(trade.trade_time)}  {trade.symbol:<10}  {side_of(trade):<4}  {quantity:>14} @ {price}"


def describe_top(top: BookTickerEvent) -> str:
    """Return the best bid and ask as one line."""
    bid, ask = to_text(top.bid_price), to_text(top.ask_price)
    sizes = to_text(top.bid_quantity), to_text(top.ask_quantity)
    return f"{top.symbol:<10}  {sizes[0]:>14} @ {bid:<14} | {ask:>14} @ {sizes[1]}"
