"""The demo command: an exchange at work, and one order from placement to fill."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import trio

from trio_binance._client.open import open_binance
from trio_binance._pure.decimals import snap
from trio_binance.config import Overflow
from trio_binance.errors import BinanceError
from trio_binance.models import ExecutionReport, LimitOrder, OrderStatus, Side
from trio_binance.sandbox.replay import read_session

from .live import Picture, View
from .output import console, fail, line

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from trio_binance._client.client import Binance
    from trio_binance._services.feed import Feed
    from trio_binance.config import BinanceConfig

SYMBOLS = ("BTCUSDT", "ETHUSDT")
REFRESH = 0.25


async def show_exchange(config: BinanceConfig, seconds: float) -> int:
    """Show the embedded exchange for so long; return 1 when the order was not filled."""
    picture = Picture(f"embedded exchange, seed {getattr(config.embedded, 'seed', 0)}: no keys, no network")
    filled = trio.Event()
    async with open_binance(config) as bx:
        with View(picture, console()) as view:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_follow, bx.streams.trades(*SYMBOLS), picture.on_trade)
                nursery.start_soon(_follow, bx.streams.book_ticker(*SYMBOLS), picture.on_top)
                nursery.start_soon(_follow, bx.streams.depth(*SYMBOLS, speed_ms=100), picture.on_depth)
                nursery.start_soon(_trade, bx, picture, filled)
                nursery.start_soon(_paint, bx, picture, view)
                await trio.sleep(seconds)
                nursery.cancel_scope.cancel(reason="the demo is over")
        _sum_up(picture, seconds)
    return 0 if filled.is_set() else fail("the order was not filled in time; give it more --seconds", 1)


async def show_replay(config: BinanceConfig, path: Path, seconds: float) -> int:
    """Show a recorded session until it ends, or for so long."""
    streams = sorted((await read_session(path)).streams)
    picture = Picture(f"recorded session {path.name}")
    by_kind: dict[str, Callable[[Any], None]] = {
        "trade": picture.on_trade,
        "bookTicker": picture.on_top,
        "depth": picture.on_depth,
    }
    started = trio.current_time()
    async with open_binance(config) as bx:
        with View(picture, console()) as view, trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_paint, bx, picture, view)
                async with trio.open_nursery() as feeds:
                    for kind, take in by_kind.items():
                        names = [name for name in streams if name.partition("@")[2].split("@")[0] == kind]
                        if names:
                            feeds.start_soon(_follow, bx.streams.subscribe(*names), take)
                nursery.cancel_scope.cancel(reason="the recording has ended")
        _sum_up(picture, trio.current_time() - started)
    return 0


async def _follow(opening: AbstractAsyncContextManager[Feed[Any]], take: Callable[[Any], None]) -> None:
    async with opening as feed:
        async for batch in feed.batches():
            for event in batch:
                take(event)


async def _paint(bx: Binance, picture: Picture, view: View) -> None:
    before = 0
    while True:
        await trio.sleep(REFRESH)
        rate = (picture.totals.messages - before) / REFRESH
        before = picture.totals.messages
        offset = bx.statistics().clock.offset_us / 1000
        picture.state = f"{bx.status.name}   {rate:,.0f} messages/s   clock offset {offset:.1f} ms"
        view.refresh()


async def _trade(bx: Binance, picture: Picture, filled: trio.Event) -> None:
    """Place one order that needs several fills, and follow it to its end by the account's own events."""
    try:
        async with bx.account.events(overflow=Overflow.FAIL) as events:
            order = await _choose(bx)
            told = f"{order.side.value} {order.quantity:f} {order.symbol} at {order.price:f} or better"
            picture.story.append(f"placing: {told}")
            started = trio.current_time()
            placed = await bx.trading.place(order)
            elapsed = (trio.current_time() - started) * 1000
            picture.story.append(f"accepted as order {placed.order_id} after {elapsed:.1f} ms")
            await _follow_order(placed.order_id, events, picture)
            filled.set()
    except BinanceError as exc:
        picture.story.append(f"failed: {exc}")


async def _follow_order(order_id: int, events: Feed[Any], picture: Picture) -> None:
    async for event in events:
        if not isinstance(event, ExecutionReport) or event.order_id != order_id:
            continue
        done = f"{event.cumulative_filled_quantity:f} of {event.quantity:f}"
        trade = f", {event.last_executed_quantity:f} @ {event.last_executed_price:f}" if event.trade_id > 0 else ""
        picture.story.append(f"{event.order_status.value}: {done}{trade}")
        if event.order_status is OrderStatus.FILLED:
            return


async def _choose(bx: Binance) -> LimitOrder:
    """Return an order a little larger than what is offered at the best price, so that it fills in several steps."""
    book = await bx.market.depth(SYMBOLS[0], limit=20)
    best, deeper = book.asks[0], book.asks[min(5, len(book.asks) - 1)]
    quantity = snap(best.quantity + book.asks[1].quantity / 2, Decimal("0.001")) + Decimal("0.001")
    return LimitOrder(SYMBOLS[0], Side.BUY, quantity=quantity, price=deeper.price)


def _sum_up(picture: Picture, seconds: float) -> None:
    totals = picture.totals
    line(
        f"{totals.trades:,} trades, {totals.book_tickers:,} changes of the best prices, {totals.depth_events:,} book "
        f"events in {seconds:.1f} s: {totals.messages / max(seconds, 0.001):,.0f} messages/s"
    )
    if picture.story:
        line(f"order: {picture.story[-1]}")
