"""What an adversary tried on orders: names used again, two at once, times that are none, questions asked late."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.orders import account_of, resting
from tests._client.world import World, open_world
from tests.usertrouble import Mute, true_fills
from trio_binance._services import findings
from trio_binance._services.disk import Disk
from trio_binance._services.orderevents import OutcomeRevised
from trio_binance.config import Safety, Tuning
from trio_binance.errors import InvalidArgument, OrderAbsent, OrderUnresolved, Outcome, PartialFailure
from trio_binance.models import (
    Absent,
    Accepted,
    ExecutionReport,
    ExecutionType,
    MarketOrder,
    MirrorState,
    Side,
    Unresolved,
)
from trio_binance.sandbox import Answer, Bend, FaultSchedule, OnRequest, ReplicaLag, Timed, wire
from trio_binance.sandbox.bending import forwarded
from trio_binance.sandbox.faults import Ending, Spell

PLACING = "POST /api/v3/order"
CANCELLING = "DELETE /api/v3/order"


def orders_named(world: World, name: str) -> list[Any]:
    return [order for order in account_of(world).blotter("BTCUSDT").orders.values() if order.client_id == name]


def methods_of(world: World) -> list[str]:
    """Return the methods of all requests from now on; it grows."""
    http = world.bx._engine.router.rest.http
    assert http is not None
    sent, request = [], http.request

    async def watched(method: str, target: str, **more: Any) -> Any:
        sent.append(method)
        return await request(method, target, **more)

    http.request = watched  # type: ignore[method-assign]
    return sent


async def test_a_cancellation_by_a_name_is_not_taken_for_done_because_an_earlier_order_of_it_was_cancelled(
    autojump_clock: trio.testing.MockClock,
) -> None:
    lost = OnRequest(2, Bend.lost(executed=False), CANCELLING)
    async with open_world(faults=FaultSchedule((lost, Timed(100.0, ReplicaLag(40.0, 600.0))))) as world:
        for _ in range(2):
            (await world.bx.trading.place(resting(world, client_order_id="grid"))).unwrap()
            with pytest.raises(OrderAbsent) if len(orders_named(world, "grid")) == 2 else trio.CancelScope():
                await world.bx.trading.cancel("BTCUSDT", client_order_id="grid")
            await trio.sleep(150)
        assert [order.is_open for order in orders_named(world, "grid")] == [False, True]


async def test_two_placements_of_one_name_at_once_are_one(autojump_clock: trio.testing.MockClock) -> None:
    never = OnRequest(2, Bend.lost(executed=False), PLACING)
    told: list[object] = []

    async def place() -> None:
        try:
            told.append(await world.bx.trading.place(resting(world, client_order_id="twin")))
        except InvalidArgument as exc:
            told.append(exc.outcome)

    async with open_world(faults=FaultSchedule((never,))) as world:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(place)
            nursery.start_soon(place)
        assert len(orders_named(world, "twin")) == sum(isinstance(each, Accepted) for each in told) == 1
        assert Outcome.NOT_SENT in told


@pytest.mark.parametrize("within", ["30", Decimal(30), float("nan"), -1.0, True])
async def test_what_is_no_time_to_resolve_within_is_refused_before_anything_is_sent(
    within: Any, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world() as world:
        with pytest.raises(InvalidArgument, match="resolve_within"):
            await world.bx.trading.place(resting(world, client_order_id="mine"), resolve_within=within)
        assert orders_named(world, "mine") == []


async def test_an_outcome_that_was_not_known_can_be_asked_for_long_after_it_was_found(
    autojump_clock: trio.testing.MockClock,
) -> None:
    lost = OnRequest(1, Bend.lost(executed=True), PLACING)
    busy = [OnRequest(n, Bend.say(Answer.error(503, -1008, "busy")), "GET /api/v3/order") for n in (1, 2, 3)]
    deaf = Timed(0.5, ReplicaLag(5.0, 60.0))
    async with open_world(faults=FaultSchedule((lost, *busy, deaf))) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="late"), resolve_within=0)
        assert isinstance(outcome, Unresolved)
        await trio.sleep(600)
        assert world.bx.trading.unsettled == ()
        assert isinstance(await world.bx.trading.wait_resolved(outcome), Accepted)


async def test_no_cancellation_is_sent_again_when_its_caller_was_told_that_it_is_not_known(
    autojump_clock: trio.testing.MockClock,
) -> None:
    never = [OnRequest(n, Bend.lost(executed=False), CANCELLING) for n in range(1, 9)]
    async with open_world(faults=FaultSchedule(tuple(never)), tuning=Tuning(resolve_timeout=1.0)) as world:
        placed = (await world.bx.trading.place(resting(world))).unwrap()
        sent = methods_of(world)
        with pytest.raises(OrderUnresolved):
            await world.bx.trading.cancel("BTCUSDT", order_id=placed.order_id)
        before = list(sent)
        await trio.sleep(600)
        assert ("DELETE" in before, "DELETE" in sent[len(before) :]) == (True, False)


async def test_what_was_found_long_ago_and_cannot_be_read_is_said_so_and_can_be_waited_for_anew(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "_MOST", 1)
    lost = OnRequest(1, Bend.lost(executed=True), PLACING)
    busy = (OnRequest(n, Bend.say(Answer.error(503, -1008, "busy")), "GET /api/v3/order") for n in range(1, 90))
    async with open_world(faults=FaultSchedule((lost, *busy))) as world:
        outcome = await world.bx.trading.place(resting(world), resolve_within=0)
        assert isinstance(outcome, Unresolved)
        await world.bx.trading.wait_settled()
        await world.bx.trading.place(resting(world))
        await trio.sleep(1)  # its report has come, and taken the place of the first one's
        with trio.fail_after(90):
            again = await world.bx.trading.wait_resolved(outcome)
        assert isinstance(again, Unresolved)
        assert "it was done" in again.reason
        await trio.sleep(60)
        assert isinstance(await world.bx.trading.wait_resolved(again), Accepted)


# ------------------------------------------------------------------------------------------- nothing leaves too late

WAITS_TOO_LONG = OnRequest(1, Bend(hold=14), PLACING)
"""It waits at the gateway until its timestamp is too old: -1021, after which it is stamped anew."""
NO_TIME = Spell(1.0, 19.5, Bend.say(Answer.error(503, -1008, "busy")), "GET /api/v3/time")
"""What the exchange's clock shows cannot be had for so long."""


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_what_was_called_absent_is_not_stamped_anew_and_sent(
    prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    lost = Bend.given_up(0.1, 0, None, Ending.RESET, matching=8)
    faults = FaultSchedule((WAITS_TOO_LONG, NO_TIME, OnRequest(2, lost, PLACING)))
    async with open_world(prefer=prefer, faults=faults) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="mine"))
        assert isinstance(outcome, Absent)
        await trio.sleep(60)
        assert orders_named(world, "mine") == []


async def test_a_disk_that_takes_longer_than_an_order_may_sends_nothing_and_raises_no_alarm(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalls = [0.0]

    async def in_thread(_disk: Disk, work: Any) -> Any:
        if getattr(work, "__name__", "") == "sync":
            await trio.sleep(stalls.pop() if stalls else 0)
        return work()

    monkeypatch.setattr(Disk, "in_thread", in_thread)
    async with open_world(journal=tmp_path / "journal") as world:
        stalls[:] = [25.0]
        outcome = await world.bx.trading.place(resting(world, client_order_id="mine"))
        assert isinstance(outcome, Absent)
        await trio.sleep(60)
        assert orders_named(world, "mine") == []
        assert world.count(OutcomeRevised) == 0


# --------------------------------------------------------------------------------------- the exchange's clock is set


def step(world: World, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Set the exchange's clock; what it let in before has been let in."""
    by_us = seconds * 1_000_000
    world.sandbox.driver._start_us += by_us
    world.sandbox.driver._rearm.set()

    def earlier(bend: Any, now_us: int) -> int | None:
        moment = forwarded(bend, now_us)
        return None if moment is None else moment - by_us

    monkeypatch.setattr(wire, "forwarded", earlier)


@pytest.mark.parametrize(("seconds", "matching"), [(25, 9.0), (-2, 0.9), (-30, 0.5)])
@pytest.mark.parametrize("name", ["mine", None])
async def test_an_order_in_doubt_is_not_called_absent_because_the_exchanges_clock_was_set(
    seconds: int, matching: float, name: str | None, autojump_clock: trio.testing.MockClock, monkeypatch: Any
) -> None:
    lost = OnRequest(1, Bend.given_up(0.1, 0, None, Ending.RESET, matching=matching), PLACING)
    async with open_world(faults=FaultSchedule((lost,))) as world:
        told: list[object] = []

        async def place() -> None:
            told.append(await world.bx.trading.place(resting(world, client_order_id=name), resolve_within=120))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(place)
            await trio.sleep(0.2)
            step(world, monkeypatch, seconds)
        await trio.sleep(200)
        [outcome] = told
        assert isinstance(outcome, Accepted)
        assert [order.is_open for order in orders_named(world, outcome.client_order_id)] == [True]


# ------------------------------------------------------------------------------------------------ who knows, and tells


async def test_what_the_mirror_recovers_revises_what_was_called_absent(
    autojump_clock: trio.testing.MockClock,
) -> None:
    faults = (OnRequest(1, Bend.lost(executed=True), PLACING), Timed(0.0, ReplicaLag(38.0, 600.0)))
    async with open_world(faults=FaultSchedule(faults)) as world:
        await world.bx.account.mirror.wait_live()
        mute = Mute(world)
        mute.on()
        outcome = await world.bx.trading.place(resting(world, client_order_id="mine"))
        mute.off()
        assert isinstance(outcome, Absent)
        await trio.sleep(400)
        assert [order.client_order_id for order in world.bx.account.mirror.open_orders()] == ["mine"]
        assert world.count(OutcomeRevised) == 1


async def test_the_exit_cancels_what_a_half_done_replacement_placed_whatever_it_is_called_by_then(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(safety=Safety(cancel_on_exit=20)) as world:
        new = resting(world, client_order_id="new")
        with pytest.raises(PartialFailure):
            await world.bx.trading.cancel_replace(new, cancel_order_id=999_999, cancel_replace_mode="ALLOW_FAILURE")
        await trio.sleep(1)
        await world.bx.trading.amend_keep_priority("BTCUSDT", client_order_id="new", new_qty="0.00050")
    assert [order.is_open for order in account_of(world).blotter("BTCUSDT").orders.values()] == [False]


async def test_a_placement_that_was_done_but_told_as_unknown_can_be_waited_for_hours_later(
    autojump_clock: trio.testing.MockClock,
) -> None:
    lost = OnRequest(1, Bend.lost(executed=True), PLACING)
    async with open_world(prefer="ws_api", faults=FaultSchedule((lost,))) as world:
        outcome = await world.bx.trading.place(resting(world), resolve_within=0)
        assert isinstance(outcome, Unresolved)
        await trio.sleep(7_200)
        assert isinstance(await world.bx.trading.wait_resolved(outcome), Accepted)


@pytest.mark.parametrize("bend", [Bend.late(150), Bend.lost(executed=True, ending=Ending.SILENCE)])
async def test_however_long_a_call_may_take_its_order_is_not_forgotten_meanwhile(
    bend: Bend, autojump_clock: trio.testing.MockClock
) -> None:
    faults = FaultSchedule((OnRequest(1, bend, PLACING),))
    async with open_world(tuning=Tuning(request_timeout=200), faults=faults) as world:
        assert isinstance(await world.bx.trading.place(resting(world)), Accepted)


# ----------------------------------------------------------------------------------------------- the account's mirror


@pytest.mark.parametrize("cut", [False, True])
async def test_each_fill_is_told_once_however_short_the_history_is(
    cut: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(tuning=Tuning(account_history=5), activity=0.1) as world, trio.open_nursery() as nursery:
        told: list[int] = []

        async def listen(task_status: trio.TaskStatus[None]) -> None:
            async with world.bx.account.events(buffer=10_000) as events:
                task_status.started()
                async for event in events:
                    if isinstance(event, ExecutionReport) and event.execution_type == ExecutionType.TRADE:
                        told.append(event.trade_id)  # noqa: PERF401 - it is read while it grows

        await nursery.start(listen)
        await world.bx.account.mirror.wait_live()
        for number in range(30):
            await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity="0.00100"))
            if cut and number == 15:
                assert world.sandbox.network is not None
                world.sandbox.network.reset_all()
            await trio.sleep(1)
        await trio.sleep(200)
        nursery.cancel_scope.cancel()
        assert sorted(told) == sorted(trade_id for _, trade_id in true_fills(world))


async def test_an_order_that_is_followed_is_not_forgotten(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(tuning=Tuning(account_history=5), activity=0.1) as world:
        order = (await world.bx.trading.place(resting(world))).unwrap()
        async with world.bx.trading.track("BTCUSDT", order_id=order.order_id) as tracked:
            await world.bx.trading.cancel("BTCUSDT", order_id=order.order_id)
            for _ in range(8):
                await trio.sleep(120)
                await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity="0.00100"))
            with trio.fail_after(600):
                assert (await tracked.wait_done()).status == "CANCELED"


@pytest.mark.parametrize("operation", ["GET /api/v3/openOrders", "GET /api/v3/account", "GET /api/v3/openOrderList"])
async def test_the_mirror_is_not_live_where_its_question_was_refused(
    operation: str, autojump_clock: trio.testing.MockClock
) -> None:
    refusal = Spell(0.0, 9_999.0, Bend.say(Answer.error(400, -1102, "no")), operation)
    async with open_world(faults=FaultSchedule((refusal,))) as world:
        await world.bx.trading.place(resting(world))
        with trio.move_on_after(200):
            await world.bx.account.mirror.wait_live()
        assert world.bx.account.mirror.state is not MirrorState.LIVE
        assert "-1102" in world.bx.account.mirror.reason
