"""Hours of trading with a stream that is cut every half hour: each fill is told once, and the mirror is the account."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.world import EPOCH_MS, World, open_world
from tests.usertrouble import Mute, differences, true_fills
from trio_binance._services.events import UserDataSubscribed
from trio_binance.models import ExecutionReport, ExecutionType, LimitOrder, MarketOrder, Side
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.symbols import SYMBOLS

pytestmark = pytest.mark.slow

QUANTITIES = {"BTCUSDT": "0.00100", "ETHUSDT": "0.0100"}
CUT = 1800.0
DARK = 120.0
"""Seconds before each cut in which nothing arrives any more: the line is dying."""
HOURS = float(os.environ.get("TRIO_BINANCE_HOURS", "1.5"))


async def trade(world: World, rng: random.Random, until: float) -> None:
    """Place orders at the best prices, at the market and away from it, and cancel what rests now and then."""
    bx = world.bx
    while trio.current_time() < until:
        await trio.sleep(rng.expovariate(1 / 60))
        name, side = rng.choice(list(QUANTITIES)), rng.choice(tuple(Side))
        book = world.sandbox.market.book(name)
        price = (book.bids if side == Side.BUY else book.asks)[0][0]
        if rng.random() < 0.3:
            await bx.trading.place(MarketOrder(name, side, quantity=QUANTITIES[name]))
        else:
            await bx.trading.place(LimitOrder(name, side, quantity=QUANTITIES[name], price=price))
        if rng.random() < 0.2:
            await bx.trading.cancel_open_orders(name)


async def listen(world: World, told: list[Any], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    async with world.bx.account.events(buffer=10_000) as events:
        task_status.started()
        async for event in events:
            told.append(event)  # noqa: PERF401 - it is read while it grows


def check_reports(told: list[Any]) -> None:
    """Executed quantities only grow, and after an end come only fills that are declared to be late."""
    last: dict[tuple[str, int], ExecutionReport] = {}
    for report in told:
        if not isinstance(report, ExecutionReport):
            continue
        before = last.get((report.symbol, report.order_id))
        if before is not None:
            assert report.cumulative_filled_quantity >= before.cumulative_filled_quantity
            if before.order_status in ("FILLED", "CANCELED", "EXPIRED"):
                assert report.recovered
                assert report.execution_type == ExecutionType.TRADE
        last[report.symbol, report.order_id] = report


async def live_through(hours: float, *, lag: float, loss: float, seed: int = 1) -> Counter[str]:
    """Trade for so many hours and hold what was told to the truth; return what was counted."""
    rng, chance = random.Random(seed), random.Random(f"{seed}:losses")
    told: list[Any] = []
    market = Market(seed, EPOCH_MS * 1000, 0.1, SYMBOLS[:2])
    market.replica_lag_us = int(lag * 1e6)
    async with open_world(market=market) as world, trio.open_nursery() as nursery:
        mute = Mute(world)
        await nursery.start(listen, world, told)
        nursery.start_soon(trade, world, rng, hours * 3600)
        for _ in range(int(hours * 3600 / CUT)):
            mute.loses = lambda event: chance.random() < loss
            await trio.sleep(CUT - DARK)
            mute.on()
            await trio.sleep(DARK)
            assert world.sandbox.network is not None
            world.sandbox.network.reset_all()
        mute.off()
        await trio.sleep(100)
        with trio.fail_after(300):
            while differences(world):
                await world.bx.account.mirror.changed()
            await world.bx.account.mirror.wait_live()
        assert differences(world) == []
        reports = [event for event in told if isinstance(event, ExecutionReport)]
        fills = Counter((one.symbol, one.trade_id) for one in reports if one.execution_type == ExecutionType.TRADE)
        assert fills == Counter(true_fills(world))
        check_reports(told)
        recovered = sum(event.recovered for event in told)
        subscriptions = world.count(UserDataSubscribed)
        nursery.cancel_scope.cancel()
    return Counter(
        fills=len(fills), recovered=recovered, lost=len(mute.lost), events=len(told), subscriptions=subscriptions
    )


async def test_fills_of_hours_with_a_cut_every_30_minutes_are_told_once_each(
    autojump_clock: trio.testing.MockClock,
) -> None:
    counts = await live_through(HOURS, lag=30.0, loss=0.005)
    print(dict(counts))
    assert counts["subscriptions"] == 1 + HOURS * 3600 / CUT
    assert counts["fills"] > 15 * HOURS
    assert counts["recovered"] > 5 < counts["lost"]
