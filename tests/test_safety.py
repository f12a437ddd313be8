"""Safety of a whole connector: what is refused never leaves, and what is ours is gone when the block is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.orders import SYMBOL, every_list, resting
from tests._client.world import World, config_of, open_world
from trio_binance import MarketOrder, Side, open_binance
from trio_binance._services.events import OrderLeftOpen, OwnOrdersCancelled
from trio_binance.config import Safety, SandboxSpec
from trio_binance.errors import Outcome, SafetyRefused
from trio_binance.sandbox import Bend, FaultSchedule, OnRequest
from trio_binance.sandbox.serve import Sandbox, open_sandbox


@asynccontextmanager
async def exchange(faults: Any = None) -> AsyncIterator[Sandbox]:
    """Run an exchange that outlives its connectors."""
    config = config_of()
    assert isinstance(config.embedded, SandboxSpec)
    async with open_sandbox(config.embedded, credentials=config.credentials, faults=faults) as sandbox:
        yield sandbox


async def still_open(sandbox: Sandbox) -> list[Any]:
    async with open_binance(config_of(), dialer=sandbox.dialer) as bx:
        await trio.sleep(60)
        return await bx.account.open_orders()


async def test_a_dry_run_changes_nothing_and_tests_everything(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(safety=Safety(dry_run=True)) as world:
        bx, order = world.bx, resting(world)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: bx.trading.place(order),
            lambda: bx.trading.cancel(SYMBOL, order_id=1),
            lambda: bx.trading.cancel_open_orders(SYMBOL),
            lambda: bx.call("POST", "/api/v3/order", {}, signed=True),
        ]
        for refused in calls:
            with pytest.raises(SafetyRefused) as caught:
                await refused()
            assert caught.value.outcome is Outcome.NOT_SENT
        await bx.trading.test(order)
        assert bx.trading.unsettled == ()
        assert await bx.account.open_orders() == []


async def test_what_is_worth_too_much_is_refused_in_every_way_that_places(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(safety=Safety(max_notional={"USDT": "10"})) as world:
        bx = world.bx
        for method, request in every_list(world).items():
            with pytest.raises(SafetyRefused):
                await getattr(bx.trading, method)(request)
        for order in (resting(world), MarketOrder(SYMBOL, Side.SELL, quantity="0.001")):
            with pytest.raises(SafetyRefused, match="USDT, more than 10"):
                await bx.trading.place(order)
            with pytest.raises(SafetyRefused):
                await bx.trading.cancel_replace(order, cancel_order_id=1)
        (await bx.trading.place(MarketOrder(SYMBOL, Side.BUY, quote_order_qty="10"))).unwrap()
        assert await bx.account.open_orders() == []


async def test_the_places_are_taken_and_given_back(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(safety=Safety(max_open_orders=2)) as world:
        bx = world.bx
        first = (await bx.trading.place(resting(world))).unwrap()
        await bx.trading.place(resting(world))
        with pytest.raises(SafetyRefused, match="3 orders of this connector would be open, 2 may be"):
            await bx.trading.place(resting(world))
        await bx.trading.cancel_replace(resting(world, 1100), cancel_order_id=first.order_id)
        with pytest.raises(SafetyRefused):
            await bx.trading.place(resting(world))
        await bx.trading.cancel_open_orders(SYMBOL)
        await trio.sleep(1)
        await bx.trading.place_oco(every_list(world)["place_oco"])  # type: ignore[arg-type]
        with pytest.raises(SafetyRefused):
            await bx.trading.place(resting(world))


async def test_what_is_ours_is_cancelled_at_the_end_and_what_is_not_stays(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with exchange() as sandbox:
        async with open_binance(config_of(), dialer=sandbox.dialer) as other:
            await other.wait_ready()
            world = World(other, sandbox, [])
            theirs = (await other.trading.place(resting(world))).unwrap()
        told: list[Any] = []
        with pytest.raises(ZeroDivisionError):
            config = config_of(safety=Safety(cancel_on_exit=5), hooks=(told.append,), seed=8)
            async with open_binance(config, dialer=sandbox.dialer) as bx:
                await bx.wait_ready()
                world = World(bx, sandbox, [])
                for step in (1000, 1001, 1002):
                    await bx.trading.place(resting(world, step))
                await bx.trading.place_oto(every_list(world)["place_oto"])  # type: ignore[arg-type]
                raise ZeroDivisionError
        [event] = [event for event in told if isinstance(event, OwnOrdersCancelled)]
        assert (event.cancelled, event.ended, event.left) == (4, 0, 0)
        assert [order.order_id for order in await still_open(sandbox)] == [theirs.order_id]


async def test_a_placement_whose_answer_is_lost_is_cancelled_when_the_block_is(
    autojump_clock: trio.testing.MockClock,
) -> None:
    faults = FaultSchedule((OnRequest(1, Bend.lost(executed=True), "/api/v3/order"),))
    async with exchange(faults) as sandbox:
        told: list[Any] = []
        config = config_of(safety=Safety(cancel_on_exit=5), hooks=(told.append,))
        with trio.move_on_after(3):
            async with open_binance(config, dialer=sandbox.dialer) as bx:
                await bx.wait_ready()
                await bx.trading.place(resting(World(bx, sandbox, [])))
                await trio.sleep_forever()
        assert [event for event in told if isinstance(event, OrderLeftOpen)] == []
        assert await still_open(sandbox) == []
