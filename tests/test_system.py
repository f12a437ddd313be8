"""The whole connector against the whole embedded exchange, on a mock clock: hours in seconds."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from trio_binance._client.client import Binance
from trio_binance._client.open import open_binance
from trio_binance._services.events import ConnectionRenewed, Event, Reconnected
from trio_binance._services.conditions import Status
from trio_binance.config import BinanceConfig, Tuning
from trio_binance.errors import BinanceError, CancelRejected, ServiceCrashed
from trio_binance.models import ExecutionReport, LimitOrder, MarketOrder, OrderFull, OrderStatus, Side
from trio_binance.sandbox.serve import Sandbox, open_sandbox

EPOCH_MS = 1_790_000_000_000


@attrs.define
class World:
    """A connector, the exchange it talks to, and everything it told."""

    bx: Binance
    sandbox: Sandbox
    events: list[Event]

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


@asynccontextmanager
async def open_world(*, seed: int = 7, activity: float = 2.0, **settings: Any) -> AsyncIterator[World]:
    events: list[Event] = []
    config = BinanceConfig.sandbox(
        seed=seed, activity=activity, epoch_ms=EPOCH_MS, hooks=(events.append,), **settings
    )
    assert config.embedded is not None
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:  # type: ignore[arg-type]
        async with open_binance(config, dialer=sandbox.dialer) as bx:
            await bx.wait_ready()
            yield World(bx, sandbox, events)
        await trio.testing.wait_all_tasks_blocked()
        assert sandbox.network is not None
        assert sandbox.network.open_streams == ()


async def test_an_order_goes_from_placement_to_fill(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world, world.bx.account.events() as events:
        book = await world.bx.market.depth("BTCUSDT", limit=5)
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"), price=book.asks[4].price)
        placed = await world.bx.trading.place(order)
        assert isinstance(placed, OrderFull)
        assert placed.status is OrderStatus.FILLED
        assert placed.executed_qty == Decimal("0.001")
        reports = []
        while not reports or reports[-1].order_status is not OrderStatus.FILLED:
            event = await events.receive()
            if isinstance(event, ExecutionReport):
                reports.append(event)
        assert reports[0].order_status is OrderStatus.NEW
        assert sum((report.last_executed_quantity for report in reports), Decimal(0)) == Decimal("0.001")
        fills = await world.bx.account.my_trades("BTCUSDT", order_id=placed.order_id)
        assert [fill.id for fill in fills] == [fill.trade_id for fill in placed.fills]
        world.sandbox.market.audit()


async def test_a_resting_order_can_be_found_and_cancelled_even_in_a_finally_clause(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        bx = world.bx
        price = (await bx.market.depth("BTCUSDT", limit=5)).bids[0].price - 1000
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.001"), price=price, client_order_id="mine-1")
        placed = await bx.trading.place(order)
        assert [found.order_id for found in await bx.account.open_orders("BTCUSDT")] == [placed.order_id]
        found = await bx.account.order("BTCUSDT", client_order_id="mine-1")
        assert found.status is OrderStatus.NEW
        with trio.CancelScope() as scope:
            try:
                scope.cancel()
                await trio.sleep_forever()
            finally:
                with trio.move_on_after(5, shield=True):
                    cancelled = await bx.trading.cancel_open_orders("BTCUSDT")
        assert [report.order_id for report in cancelled] == [placed.order_id]
        assert await bx.trading.cancel_open_orders("BTCUSDT") == []
        with pytest.raises(CancelRejected):
            await bx.trading.cancel("BTCUSDT", client_order_id="mine-1")


async def test_both_wires_give_the_same(autojump_clock: trio.testing.MockClock) -> None:
    reports = []
    for prefer in ("rest", "ws_api"):
        async with open_world(prefer=prefer) as world:
            order = MarketOrder("ETHUSDT", Side.SELL, quantity=Decimal("0.1"), client_order_id="same")
            placed = await world.bx.trading.place(order)
            assert isinstance(placed, OrderFull)
            reports.append((placed.symbol, placed.status, placed.executed_qty, placed.client_order_id))
            assert world.bx.statistics().ws_api is not None
    assert reports[0] == reports[1]


async def test_the_body_of_the_block_outlives_the_services(autojump_clock: trio.testing.MockClock) -> None:
    pinged = False
    with trio.CancelScope() as outer:
        async with open_binance(BinanceConfig.sandbox(seed=7, epoch_ms=EPOCH_MS)) as bx:
            await bx.wait_ready()
            try:
                outer.cancel()
                await trio.sleep_forever()
            finally:
                with trio.move_on_after(5, shield=True):
                    await bx.general.ping()
                    assert await bx.trading.cancel_open_orders("BTCUSDT") == []
                    pinged = True
    assert pinged
    assert outer.cancelled_caught


class Mine(Exception):
    """An error of the user's own."""


async def test_a_users_own_error_leaves_the_block_as_itself(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(Mine) as caught:
        async with open_world():
            raise Mine("mine")
    assert caught.value.__context__ is None


async def test_an_error_of_ours_leaves_the_block_as_itself(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(BinanceError, match="Invalid symbol"):
        async with open_world() as world:
            await world.bx.market.depth("NOPE")


async def crash(world: World, times: int) -> None:
    """Make the clock's service crash so often, a second and a half apart."""
    clock = world.bx._engine.clock
    healthy = type(clock).on_sample
    for _ in range(times):
        with pytest.MonkeyPatch.context() as patch:

            def crash_once(*sample: Any, patch: pytest.MonkeyPatch = patch) -> None:
                patch.setattr(type(clock), "on_sample", healthy)
                raise ZeroDivisionError("a bug")

            patch.setattr(type(clock), "on_sample", crash_once)
            clock._sync.demand(trio.current_time())
            clock._demand.set()
            await trio.sleep(1.5)


async def test_a_service_that_crashes_five_times_in_ten_seconds_is_restarted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        await crash(world, 5)
        assert await world.bx.general.time()
        restarts = {child.name: child.restarts for child in world.bx.statistics().supervisor.children}
        assert restarts["clock"] == 5


async def test_the_sixth_crash_ends_the_block_with_its_cause(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(ServiceCrashed) as caught:
        async with open_world() as world:
            await crash(world, 6)
            await trio.sleep_forever()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def follow(opening: Any, counts: Counter[str], name: str) -> None:
    async with opening as feed:
        async for batch in feed.batches():
            counts[name] += len(batch)


async def test_24_hours_with_a_reset_every_30_minutes_and_the_24_hour_cut(
    autojump_clock: trio.testing.MockClock,
) -> None:
    counts: Counter[str] = Counter()
    async with open_world(activity=0.05) as world:
        bx, network = world.bx, world.sandbox.network
        assert network is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, bx.streams.trades("BTCUSDT", "ETHUSDT"), counts, "trades")
            nursery.start_soon(follow, bx.streams.depth("BTCUSDT"), counts, "depth")
            nursery.start_soon(follow, bx.account.events(), counts, "account")
            for _ in range(48):
                await trio.sleep(1800)
                network.reset_all()
                await trio.sleep(90)
                assert bx.status is Status.READY, bx.status_reasons
                assert bx.statistics().streams.shards[0].confirmed == 3
            nursery.cancel_scope.cancel()
        assert world.count(Reconnected) == 2 * 48
        assert counts["trades"] > 1000
    gc.collect()


async def test_a_connection_is_renewed_before_the_exchange_cuts_it(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(activity=0.02) as world, world.bx.streams.trades("BTCUSDT"):
        await trio.sleep(24.2 * 3600)
        assert world.count(ConnectionRenewed) == 2
        assert world.bx.status is Status.READY


async def test_the_exchanges_own_cut_after_24_hours_is_survived(autojump_clock: trio.testing.MockClock) -> None:
    tuning = Tuning(connection_lifetime=48 * 3600)
    async with open_world(activity=0.02, tuning=tuning) as world, world.bx.streams.trades("BTCUSDT"):
        await trio.sleep(24.2 * 3600)
        assert world.count(Reconnected) == 2
        assert world.bx.statistics().streams.shards[0].confirmed == 1
