"""Cancelled or interrupted at any step of the scheduler: nothing is left, nothing unexpected is raised."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.world import config_of, settle
from trio_binance._client.client import Binance
from trio_binance._client.open import open_binance
from trio_binance._services.events import Event
from trio_binance._services.orderevents import OutcomeFound, OutcomeInDoubt
from trio_binance.config import SandboxSpec
from trio_binance.models import Accepted, LimitOrder, MarketOrder, Side
from trio_binance.sandbox.serve import Sandbox, open_sandbox

pytestmark = pytest.mark.slow  # many small runs, together half a minute

ACTIVITY = 0.2
LIMIT = int(os.environ.get("TRIO_BINANCE_STEPS", "6"))
"""How many steps of each scenario are sampled, spread evenly from the first to the last."""


@attrs.define(eq=False)
class StepCounter(trio.abc.Instrument):
    """Counts the steps of all tasks while armed, and acts at one of them."""

    act_at: int = -1
    act: Callable[[], object] = lambda: None
    armed: bool = False
    steps: int = 0
    acted: bool = False

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.armed:
            self.steps += 1
            if self.steps == self.act_at:
                self.acted = True
                self.act()


Scenario = Callable[[Binance], Awaitable[object]]


async def place(bx: Binance) -> None:
    (await bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100")))).unwrap()


async def place_and_cancel(bx: Binance) -> None:
    price = (await bx.market.depth("BTCUSDT", limit=5)).bids[0].price - 1000
    placed = (
        await bx.trading.place(LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"), price=price))
    ).unwrap()
    await bx.trading.cancel("BTCUSDT", order_id=placed.order_id)


async def read_trades(bx: Binance) -> None:
    async with bx.streams.trades("BTCUSDT", "ETHUSDT") as feed:
        for _ in range(3):
            await feed.receive()


async def read_gapless(bx: Binance) -> None:
    [last] = await bx.market.trades("BTCUSDT", limit=1)
    async with bx.streams.trades("BTCUSDT", gapless=True, from_id=last.id - 5) as feed:
        for _ in range(8):
            await feed.receive()


async def read_in_batches(bx: Binance) -> None:
    async with bx.streams.book_ticker("BTCUSDT") as feed:
        async for _ in feed.batches():
            break


async def read_account(bx: Binance) -> None:
    async with bx.account.events() as events:
        await place(bx)
        await events.receive()


async def track(bx: Binance) -> None:
    async with bx.trading.track("BTCUSDT", client_order_id="tracked") as tracked:
        order = MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"), client_order_id="tracked")
        (await bx.trading.place(order)).unwrap()
        await tracked.wait_done()
        async for _ in tracked:
            pass


async def wait_for_mirror(bx: Binance) -> None:
    await bx.account.mirror.wait_live()
    await place(bx)
    await bx.account.mirror.changed()


async def read_depth(bx: Binance) -> None:
    await bx.market.depth("BTCUSDT", limit=100)


async def be_ready(bx: Binance) -> None:
    await bx.wait_ready()


SCENARIOS = (
    place,
    place_and_cancel,
    read_trades,
    read_gapless,
    read_in_batches,
    read_account,
    track,
    wait_for_mirror,
    read_depth,
    be_ready,
)


def sampled(total: int, limit: int) -> list[int]:
    """Return so many step numbers from 1 to ``total``, the first, the last and evenly between."""
    if total <= limit:
        return list(range(1, total + 1))
    return sorted({1 + round(index * (total - 1) / (limit - 1)) for index in range(limit)})


def nothing_left(bx: Binance, sandbox: Sandbox) -> None:
    """The connector still runs, but of the cancelled call nothing is left."""
    told = bx.statistics()
    assert bx._engine.limiter.waiting == 0
    assert told.streams.feeds == 0
    assert told.gapless.feeds == ()
    assert told.ws_api is not None
    assert told.ws_api.in_flight == 0
    assert told.account is not None
    assert told.account.feeds == 0
    assert bx._engine.mirror is not None
    assert bx._engine.mirror.ledger.records.wanted == set()
    assert sandbox.market.wanted == set()
    assert set(sandbox.market.audit().values()) == {Decimal(0)}


async def run_inside(scenario: Scenario, prefer: str, act_at: int) -> int:
    """Run a scenario in a connector that is ready, cancel it at a step, look round; return how many steps it took."""
    config = config_of(activity=ACTIVITY, prefer=prefer)
    assert isinstance(config.embedded, SandboxSpec)
    counter = StepCounter()
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:
        assert sandbox.network is not None
        async with open_binance(config, dialer=sandbox.dialer) as bx:
            await bx.wait_ready()
            await settle()
            before = len(trio.lowlevel.current_task().parent_nursery.child_tasks)  # type: ignore[union-attr]
            with trio.CancelScope() as scope:
                counter.act, counter.act_at = scope.cancel, act_at
                trio.lowlevel.add_instrument(counter)
                counter.armed = True
                try:
                    await scenario(bx)
                finally:
                    counter.armed = False
                    trio.lowlevel.remove_instrument(counter)
            assert counter.acted == (act_at > 0)
            await trio.sleep(5)
            nothing_left(bx, sandbox)
            assert len(trio.lowlevel.current_task().parent_nursery.child_tasks) == before  # type: ignore[union-attr]
            await bx.general.ping()
        await settle()
        assert sandbox.network.open_streams == ()
    return counter.steps


async def run_around(scenario: Scenario, act_at: int) -> int:
    """Open a connector, run the scenario and close it, cancelled from outside at a step."""
    config = config_of(activity=ACTIVITY)
    assert isinstance(config.embedded, SandboxSpec)
    counter = StepCounter()
    bx: Binance | None = None
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:
        assert sandbox.network is not None
        with trio.CancelScope() as scope:
            counter.act, counter.act_at = scope.cancel, act_at
            trio.lowlevel.add_instrument(counter)
            counter.armed = True
            try:
                async with open_binance(config, dialer=sandbox.dialer) as bx:
                    await bx.wait_ready()
                    await scenario(bx)
            finally:
                counter.armed = False
                trio.lowlevel.remove_instrument(counter)
        await settle()
        assert sandbox.network.open_streams == ()
        assert set(sandbox.market.audit().values()) == {Decimal(0)}
        if bx is not None:
            assert bx._engine.limiter.waiting == 0
            assert not any(child.running for child in bx.statistics().supervisor.children)
    return counter.steps


def run(function: Callable[..., Awaitable[int]], *arguments: Any) -> int:
    """Run a scenario to its end, with a clock of its own and tasks in the same order each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
        trio._core._run._r.seed(7)
        return int(trio.run(function, *arguments, clock=trio.testing.MockClock(autojump_threshold=0)))


def test_a_scenario_takes_the_same_steps_each_time() -> None:
    """Else a step number would not name a moment."""
    assert run(run_around, read_account, -1) == run(run_around, read_account, -1)


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_call_cancelled_at_any_step_leaves_nothing(scenario: Scenario, prefer: str) -> None:
    total = run(run_inside, scenario, prefer, -1)
    assert total > 0
    for step in sampled(total, LIMIT):
        run(run_inside, scenario, prefer, step)


async def place_once(prefer: str, act_at: int) -> int:
    """Place an order, cancelled at a step; look whether it was told, in the end, what became of it."""
    events: list[Event] = []
    config = config_of(activity=ACTIVITY, prefer=prefer, hooks=(events.append,))
    counter = StepCounter()
    async with open_binance(config) as bx:
        await bx.wait_ready()
        outcome = None
        with trio.CancelScope() as scope:
            counter.act, counter.act_at = scope.cancel, act_at
            trio.lowlevel.add_instrument(counter)
            counter.armed = True
            try:
                order = MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"), client_order_id="mine")
                outcome = await bx.trading.place(order)
            finally:
                counter.armed = False
                trio.lowlevel.remove_instrument(counter)
        in_doubt = [event for event in events if isinstance(event, OutcomeInDoubt)]
        assert len(in_doubt) >= len(bx.trading.unsettled)
        with trio.fail_after(60):
            await bx.trading.wait_settled()
        assert bx.trading.unsettled == ()
        found = [event.verdict for event in events if isinstance(event, OutcomeFound)]
        placed = [each.client_order_id for each in await bx.account.all_orders("BTCUSDT")]
        if outcome is not None:
            assert isinstance(outcome, Accepted)
            assert placed == ["mine"]
        else:
            assert len(found) == len(in_doubt) <= 1
            assert placed == ["mine"] * (found == ["accepted"])
    return counter.steps


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
def test_of_a_placement_cancelled_at_any_step_it_is_told_what_became_of_it(prefer: str) -> None:
    total = run(place_once, prefer, -1)
    for step in sampled(total, 4 * LIMIT):
        run(place_once, prefer, step)


@pytest.mark.parametrize("scenario", [read_trades, read_account, track])
def test_a_connector_cancelled_at_any_step_leaves_nothing(scenario: Scenario) -> None:
    total = run(run_around, scenario, -1)
    for step in sampled(total, 2 * LIMIT):
        run(run_around, scenario, step)


async def interrupted(scenario: Scenario, act_at: int) -> int:
    """As ``run_around``, with Ctrl-C in place of the cancellation."""
    config = config_of(activity=ACTIVITY)
    assert isinstance(config.embedded, SandboxSpec)
    counter = StepCounter(act_at, lambda: signal.raise_signal(signal.SIGINT))
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:
        assert sandbox.network is not None
        try:
            trio.lowlevel.add_instrument(counter)
            counter.armed = True
            async with open_binance(config, dialer=sandbox.dialer) as bx:
                await bx.wait_ready()
                await scenario(bx)
        finally:
            counter.armed = False
            trio.lowlevel.remove_instrument(counter)
            with trio.CancelScope(shield=True):
                await settle()
            assert sandbox.network.open_streams == ()
    return counter.steps


@pytest.mark.parametrize("scenario", [read_trades, read_account])
def test_ctrl_c_at_any_step_ends_the_block_as_keyboard_interrupt(scenario: Scenario) -> None:
    total = run(interrupted, scenario, -1)
    for step in sampled(total, 2 * LIMIT):
        with pytest.raises(KeyboardInterrupt):
            run(interrupted, scenario, step)


def test_the_counter_itself_finds_a_leak() -> None:
    """A check that cannot fail shows nothing: here is a feed that stays open."""

    async def leak(bx: Binance) -> None:
        kept.append(bx.streams.trades("BTCUSDT"))
        await kept[0].__aenter__()

    kept: list[Any] = []
    with pytest.raises((AssertionError, BaseExceptionGroup)):  # noqa: ASYNC401 - either shows it
        run(run_inside, leak, "rest", -1)
