"""The demo command: an exchange at work, and one order from placement to fill."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import trio

from trio_binance._client.open import open_binance
from trio_binance._pure.decimals import snap
from trio_binance.config import ReplaySpec, SandboxSpec
from trio_binance.models import ExecutionReport, LimitOrder, LotSizeFilter, OrderStatus, PriceFilter, Side
from trio_binance.sandbox.recording import read_session

from .live import LiveView
from .notices import notice
from .output import console, fail, is_watched, write
from .picture import Picture, Story
from .plain import PlainView

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from trio_binance._client.client import Binance
    from trio_binance._services.events import Event
    from trio_binance._services.feed import Feed
    from trio_binance.config import BinanceConfig

KINDS = {"ws": "message", "http": "snapshot", "connect": "connection"}
"""What the records of a recording are, in words."""
SYMBOLS = ("BTCUSDT", "ETHUSDT")
REFRESH = 0.125
PATIENCE = 20.0
"""Seconds that the order is waited for beyond the demo's own: on a slow machine it takes its time."""


async def show_exchange(config: BinanceConfig, seconds: float) -> int:
    """Show the embedded exchange for so long, and longer only if the order has not been filled by then.

    Returns 1 when it never was. Raises what went wrong otherwise.
    """
    seed = config.embedded.seed if isinstance(config.embedded, SandboxSpec) else None
    picture = Picture(f"embedded exchange, seed {seed}: no keys, no network", seconds)
    story = picture.story = Story()
    filled = trio.Event()

    async def watch_it(bx: Binance) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_follow, bx.streams.trades(*SYMBOLS), picture)
            nursery.start_soon(_follow, bx.streams.book_ticker(*SYMBOLS), picture)
            nursery.start_soon(_follow, bx.streams.depth(*SYMBOLS, speed_ms=100), picture)
            nursery.start_soon(_trade, bx, story, filled)
            await trio.sleep(seconds)
            with trio.move_on_after(PATIENCE):
                await filled.wait()
            nursery.cancel_scope.cancel(reason="the demo is over")

    await _show(config, picture, watch_it)
    if not filled.is_set():
        return fail(f"the order was not filled within {seconds + PATIENCE:g} s", 1)
    await write(story.end)
    return 0


async def show_replay(config: BinanceConfig, path: Path, seconds: float | None) -> int:
    """Show a recorded session until it ends, or for so long."""
    session = await read_session(path)
    span = (session.last_ns - session.first_ns) / 1e9
    records = f"{session.records:,} records: {describe_kinds(session.kinds)}"
    picture = Picture(f"recorded session of {span:,.0f} s, {records}", seconds)
    whole = False

    async def watch_it(bx: Binance) -> None:
        nonlocal whole
        with trio.move_on_after(float("inf") if seconds is None else seconds):
            await _follow(bx.streams.subscribe(*sorted(session.streams)), picture)
            whole = True

    await _show(config, picture, watch_it)
    if not whole:
        await write(f"stopped after {seconds:g} s, before the end of the recording")
    return 0


def describe_kinds(kinds: Counter[str]) -> str:
    """Return how many records there are of each kind: "79,743 messages, 1 snapshot"."""
    present = [(kinds[kind], word) for kind, word in KINDS.items() if kinds[kind]]
    return ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in present)


async def _show(config: BinanceConfig, picture: Picture, watch_it: Callable[[Binance], Awaitable[None]]) -> None:
    """Run a connector and what is to be seen of it, and paint it meanwhile; sum up at the end."""

    def note(event: Event) -> None:
        if told := notice(event):
            picture.notices.append(told)

    out = console()
    view = LiveView(picture, out) if is_watched(out) else PlainView(picture)
    if isinstance(view, PlainView):
        await write(picture.title)
    async with open_binance(attrs.evolve(config, hooks=(*config.hooks, note))) as bx:
        with view:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_paint, bx, picture, view)
                await watch_it(bx)
                nursery.cancel_scope.cancel(reason="all was seen")
            _look(bx, picture)
            await view.refresh()
        summary = picture.summary()
    await write(summary)


async def _paint(bx: Binance, picture: Picture, view: LiveView | PlainView) -> None:
    while True:
        _look(bx, picture)
        await view.refresh()
        await trio.sleep(REFRESH)


def _look(bx: Binance, picture: Picture) -> None:
    clock = bx.statistics().clock
    picture.status = bx.status.name
    # A recording's clock says when it was made, not how well this machine's goes.
    told = clock.synced and not isinstance(bx.config.embedded, ReplaySpec)
    picture.offset = f"{clock.offset_us / 1000:+.1f} ms" if told else ""
    picture.mark()


async def _follow(opening: AbstractAsyncContextManager[Feed[Any]], picture: Picture) -> None:
    async with opening as feed:
        async for batch in feed.batches():
            for event in batch:
                picture.take(event)


async def _trade(bx: Binance, story: Story, filled: trio.Event) -> None:
    """Place one order that needs several fills, and follow it to its end by the account's own events."""
    async with bx.account.events() as events:
        order = await _choose(bx)
        story.on_sent(f"{order.side} {order.quantity} {order.symbol}, limit {order.price}")
        placed = (await bx.trading.place(order)).unwrap()
        while True:
            event = await events.receive()
            if isinstance(event, ExecutionReport) and event.order_id == placed.order_id and story.on_report(event):
                break
        if event.order_status == OrderStatus.FILLED:
            filled.set()


async def _choose(bx: Binance) -> LimitOrder:
    """Return an order that fills at once, in several steps.

    It is a little larger than what the best price offers, and its limit one percent beyond: however the market moves
    until it arrives, it meets enough of it, and pays no more than each maker asks.
    """
    info = (await bx.general.exchange_info(symbol=SYMBOLS[0])).symbols[0]
    tick = next(rule.tick_size for rule in info.filters if isinstance(rule, PriceFilter))
    step = next(rule.step_size for rule in info.filters if isinstance(rule, LotSizeFilter))
    asks = (await bx.market.depth(SYMBOLS[0], limit=20)).asks
    quantity = snap(asks[0].quantity + asks[1].quantity / 2, step) + step
    return LimitOrder(SYMBOLS[0], Side.BUY, quantity=quantity, price=snap(asks[0].price * Decimal("1.01"), tick))
