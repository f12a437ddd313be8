"""The watch command: a stream, one event a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import trio

from trio_binance._client.open import open_binance
from trio_binance._codec import stream as codec
from trio_binance._codec.jsontext import encode
from trio_binance.models import (
    AggTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    TradeEvent,
)

from .output import clock_text, line

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from trio_binance._client.client import Binance
    from trio_binance._services.feed import Feed
    from trio_binance.config import BinanceConfig

StreamName = Literal["trades", "agg_trades", "book_ticker", "klines", "depth"]


async def show(
    config: BinanceConfig,
    symbols: tuple[str, ...],
    stream: StreamName,
    *,
    interval: str,
    json: bool,
    seconds: float | None,
) -> int:
    """Print events until cancelled, or for so many seconds."""
    async with open_binance(config) as bx:
        async with open_stream(bx, symbols, stream, interval) as feed:
            with trio.move_on_after(float("inf") if seconds is None else seconds):
                async for event in feed:
                    line(encode(codec.unstructure(event)).decode() if json else describe(event))
    return 0


def open_stream(
    bx: Binance, symbols: tuple[str, ...], stream: StreamName, interval: str
) -> AbstractAsyncContextManager[Feed[Any]]:
    """Return the feed of a stream by the name people use for it here."""
    match stream:
        case "trades":
            return bx.streams.trades(*symbols)
        case "agg_trades":
            return bx.streams.agg_trades(*symbols)
        case "book_ticker":
            return bx.streams.book_ticker(*symbols)
        case "klines":
            return bx.streams.klines(*symbols, interval=interval)
        case "depth":
            return bx.streams.depth(*symbols)


def describe(event: object) -> str:
    """Return an event as one line for people."""
    match event:
        case TradeEvent() | AggTradeEvent():
            side = "sell" if event.is_buyer_maker else "buy "
            return f"{clock_text(event.trade_time)}  {event.symbol:<10} {side} {event.quantity} @ {event.price}"
        case BookTickerEvent():
            bid, ask = f"{event.bid_quantity} @ {event.bid_price}", f"{event.ask_price} @ {event.ask_quantity}"
            return f"{event.symbol:<10} bid {bid:>28} | ask {ask}"
        case KlineEvent():
            candle = event.candle
            state = "closed" if candle.is_closed else "open"
            prices = f"o {candle.open} h {candle.high} l {candle.low} c {candle.close}"
            return f"{clock_text(candle.open_time)}  {event.symbol:<10} {candle.interval.value} {prices} v {candle.volume} {state}"
        case DepthUpdateEvent():
            ids = f"{event.first_update_id}..{event.final_update_id}"
            return f"{clock_text(event.event_time)}  {event.symbol:<10} {ids}  {len(event.bids)} bids {len(event.asks)} asks changed"
        case _:
            return str(event)
