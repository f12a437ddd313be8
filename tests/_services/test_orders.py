"""What becomes of requests that change state: the service that finds it out, in whole runs."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.orders import QUANTITY, account_of, resting
from tests._client.world import World, open_world
from tests.disk import MemoryDisk
from trio_binance._client import open as opening
from trio_binance._services.conditions import Status
from trio_binance._services.journal import open_journal
from trio_binance._services.orderevents import (
    JournalLost,
    OutcomeFound,
    OutcomeInDoubt,
    OutcomeRevised,
    OutcomeUnresolved,
)
from trio_binance.config import JournalSpec, Tuning
from trio_binance.errors import (
    AmendRejected,
    ConnectorClosed,
    InvalidArgument,
    JournalFailed,
    LimitExceeded,
    NothingToCancel,
    OrderUnresolved,
    Outcome,
    PartialFailure,
)
from trio_binance.models import Absent, Accepted, CancelResult, MarketOrder, Rejected, Side, Unresolved
from trio_binance.sandbox import (
    Answer,
    Bend,
    BlackHole,
    CutSockets,
    Edit,
    Fault,
    FaultSchedule,
    OnRequest,
    ReplicaLag,
    Timed,
)

PLACING = "POST /api/v3/order"
CHANGES = ("DELETE /api/v3/order", "PUT /api/v3/order/amend/keepPriority")
LOST = OnRequest(1, Bend.lost(executed=True), PLACING)
NEVER = OnRequest(1, Bend.lost(executed=False), PLACING)


@asynccontextmanager
async def amid(*faults: Fault, **settings: Any) -> AsyncIterator[World]:
    async with open_world(faults=FaultSchedule(faults), **settings) as world:
        yield world


def there(world: World, name: str) -> int:
    return sum(order.client_id == name for order in account_of(world).blotter("BTCUSDT").orders.values())


# ------------------------------------------------------------------------------------------------- a single order


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_an_order_is_journalled_sent_once_and_settled(
    prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with amid(prefer=prefer) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="plain"))
        assert isinstance(outcome, Accepted)
        assert outcome.answered
        assert "accepted: it took effect" in outcome.evidence
        told = world.bx.statistics().orders
        assert (told.verdicts, told.doubtful, told.questions) == ({"accepted": 1}, 0, 0)
        assert world.count(OutcomeInDoubt) == world.count(OutcomeFound) == 0


async def test_a_sighting_on_the_stream_ends_the_doubt_before_any_query_does(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with amid(LOST, Timed(0.0, ReplicaLag(40.0, 600.0))) as world:
        started = trio.current_time()
        outcome = await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY))
        assert isinstance(outcome, Accepted)
        assert trio.current_time() - started < 1.0
        assert "the user stream shows" in outcome.evidence
        assert sum(fill.qty for fill in outcome.order.fills) == QUANTITY


async def test_without_a_stream_a_query_finds_the_order_however_far_the_copies_lag(
    autojump_clock: trio.testing.MockClock,
) -> None:
    faults = (LOST, Timed(0.0, ReplicaLag(25.0, 600.0)), Timed(0.5, CutSockets("ws_api")))
    async with amid(*faults) as world:
        await trio.sleep(0.5)
        outcome = await world.bx.trading.place(resting(world, client_order_id="slow"), resolve_within=120)
        assert isinstance(outcome, Accepted)
        assert there(world, "slow") == 1


async def test_an_order_that_was_executed_after_it_was_called_absent_is_told_loudly_and_counts(
    autojump_clock: trio.testing.MockClock,
) -> None:
    late = OnRequest(1, Bend.given_up(0.5, matching=60.0, answer=Answer.error(503, -1007, "Timeout.")), PLACING)
    async with amid(late) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="undead"))
        assert isinstance(outcome, Absent)
        assert there(world, "undead") == 0
        await trio.sleep(60)
        assert there(world, "undead") == 1
        [alarm] = [event for event in world.events if isinstance(event, OutcomeRevised)]
        assert (alarm.client_order_id, alarm.was) == ("undead", "absent")
        assert world.bx.statistics().orders.alarms == 1
        again = await world.bx.trading.wait_resolved(Unresolved("", outcome.evidence, "undead", outcome.intent_id))
        assert isinstance(again, Accepted)


async def test_what_nobody_can_say_is_unresolved_and_told_when_it_is_known(
    autojump_clock: trio.testing.MockClock,
) -> None:
    busy = Bend.say(Answer.error(503, -1008, "busy"))
    mute = [OnRequest(number, busy, "GET /api/v3/order") for number in range(1, 9)]
    async with amid(LOST, *mute, Timed(1.0, BlackHole("in", 60.0)), fallback=False) as world:
        await trio.sleep(1.5)
        outcome = await world.bx.trading.place(resting(world, client_order_id="who-knows"), resolve_within=3)
        assert isinstance(outcome, Unresolved)
        with pytest.raises(OrderUnresolved) as caught:
            outcome.unwrap()
        assert (caught.value.outcome, caught.value.client_order_id) == (Outcome.UNKNOWN, "who-knows")
        assert [request.client_order_id for request in world.bx.trading.unsettled] == ["who-knows"]
        known = await world.bx.trading.wait_resolved(outcome)
        assert isinstance(known, Accepted)
        assert world.bx.trading.unsettled == ()


async def test_a_missing_witness_makes_an_honest_unresolved_and_a_late_one_does_not_change_the_facts(
    autojump_clock: trio.testing.MockClock,
) -> None:
    cut = [Timed(2.0 + 5 * number, CutSockets("ws_api")) for number in range(12)]
    async with amid(NEVER, *cut, tuning=Tuning(backoff_base=0.1, backoff_cap=0.5)) as world:
        await trio.sleep(1.0)
        outcome = await world.bx.trading.place(resting(world, client_order_id="gone"), resolve_within=200)
        assert isinstance(outcome, Unresolved)
        assert "the user stream broke" in outcome.evidence
        assert world.count(OutcomeUnresolved) == 1


async def test_a_name_in_doubt_is_not_placed_again(autojump_clock: trio.testing.MockClock) -> None:
    async with amid(NEVER) as world:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.bx.trading.place, resting(world, client_order_id="one"))
            await trio.sleep(2)
            with pytest.raises(InvalidArgument, match="not known yet"):
                await world.bx.trading.place(resting(world, client_order_id="one"))
        assert there(world, "one") == 0


async def test_a_duplicate_is_adopted_where_it_is_ours_and_refused_where_it_is_older(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with amid() as world:
        first = (await world.bx.trading.place(resting(world, client_order_id="twin"))).unwrap()
        await trio.sleep(5)
        second = await world.bx.trading.place(resting(world, client_order_id="twin"))
        assert isinstance(second, Rejected)
        assert (second.error.outcome, getattr(second.error, "code", None)) == (Outcome.REJECTED, -2010)
        assert [order.order_id for order in await world.bx.account.open_orders()] == [first.order_id]
    twice = OnRequest(1, Bend(executions=2, cut_at=0), PLACING)
    async with amid(twice) as world:
        outcome = await world.bx.trading.place(resting(world, client_order_id="twin"))
        assert isinstance(outcome, Accepted)
        assert there(world, "twin") == 1


async def test_too_many_in_doubt_stop_placements_but_no_cancellation(autojump_clock: trio.testing.MockClock) -> None:
    async with amid() as world:
        placed = (await world.bx.trading.place(resting(world))).unwrap()
        world.bx._engine.resolver._docket._terms = _with(world, most=0)
        with pytest.raises(LimitExceeded, match="not known what became of them"):
            await world.bx.trading.place(resting(world, 1500))
        await world.bx.trading.cancel("BTCUSDT", order_id=placed.order_id)


def _with(world: World, **terms: Any) -> Any:
    return attrs.evolve(world.bx._engine.resolver._docket._terms, **terms)


# ----------------------------------------------------------------------------------------------------- the changes


async def test_a_cancellation_that_came_too_late_says_how_the_order_has_ended(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with amid() as world:
        filled = (await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY))).unwrap()
        with pytest.raises(NothingToCancel, match=rf"-2011 .*order {filled.order_id} is FILLED") as caught:
            await world.bx.trading.cancel("BTCUSDT", order_id=filled.order_id)
        assert caught.value.order is not None
        assert caught.value.order.executed_qty == QUANTITY
        with pytest.raises(NothingToCancel) as caught:
            await world.bx.trading.cancel("BTCUSDT", order_id=filled.order_id + 1)
        assert caught.value.order is None


@pytest.mark.parametrize(("request_", "error"), [("cancel", NothingToCancel), ("amend", AmendRejected)])
async def test_a_change_that_was_lost_and_came_too_late_says_so(
    request_: str, error: type[Exception], autojump_clock: trio.testing.MockClock
) -> None:
    lost = [OnRequest(n, Bend.lost(executed=False), where) for n in range(1, 5) for where in CHANGES]
    async with amid(*lost) as world:
        filled = (await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY))).unwrap()
        with pytest.raises(error, match="the answer was lost; the order had ended before"):
            if request_ == "cancel":
                await world.bx.trading.cancel("BTCUSDT", order_id=filled.order_id)
            else:
                less = Decimal("0.00050")
                await world.bx.trading.amend_keep_priority("BTCUSDT", order_id=filled.order_id, new_qty=less)


async def test_an_answer_about_another_order_is_no_answer(autojump_clock: trio.testing.MockClock) -> None:
    stolen = Bend.edited(Edit("orderId", "999"), Edit("origClientOrderId", '"not-mine"'))
    async with amid(OnRequest(1, stolen, "DELETE /api/v3/order")) as world:
        placed = (await world.bx.trading.place(resting(world))).unwrap()
        cancelled = await world.bx.trading.cancel("BTCUSDT", order_id=placed.order_id)
        assert isinstance(cancelled, CancelResult)
        assert (cancelled.order_id, cancelled.orig_client_order_id) == (placed.order_id, placed.client_order_id)
        assert world.count(OutcomeInDoubt) == 1


# ------------------------------------------------------------------------------------------------------ the caller


async def test_a_caller_that_leaves_before_the_order_does_takes_it_along(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with amid() as world:
        with trio.CancelScope() as scope:
            scope.cancel()
            await world.bx.trading.place(resting(world, client_order_id="stayed"))
        await trio.sleep(5)
        assert there(world, "stayed") == 0
        assert world.bx.trading.unsettled == ()
        assert world.count(OutcomeInDoubt) == 0


async def test_a_caller_that_leaves_after_the_order_has_is_told_by_the_hooks(
    autojump_clock: trio.testing.MockClock,
) -> None:
    slow = OnRequest(1, Bend.given_up(10.0, hold=3.0), PLACING)
    async with amid(slow) as world:
        with trio.move_on_after(1) as scope:
            await world.bx.trading.place(resting(world, client_order_id="left"))
        assert scope.cancelled_caught
        assert [request.client_order_id for request in world.bx.trading.unsettled] == ["left"]
        await world.bx.trading.wait_settled()
        [found] = [event for event in world.events if isinstance(event, OutcomeFound)]
        assert (found.client_order_id, found.verdict) == ("left", "accepted")
        assert there(world, "left") == 1


async def test_whoever_waits_for_an_outcome_when_the_connector_closes_is_told_that_it_is_open(
    autojump_clock: trio.testing.MockClock,
) -> None:
    outcomes: list[Any] = []
    async with trio.open_nursery() as nursery:
        async with amid(NEVER) as world:
            bx = world.bx

            async def place() -> None:
                outcomes.append(await bx.trading.place(resting(world, client_order_id="last"), resolve_within=1e6))

            nursery.start_soon(place)
            await trio.sleep(3)
            closed_at = trio.current_time()
        assert trio.current_time() - closed_at < 5
    [outcome] = outcomes
    assert isinstance(outcome, Unresolved)
    for wait in (partial(bx.trading.wait_resolved, outcome), bx.trading.wait_settled):
        with pytest.raises(ConnectorClosed):
            await wait()


# ----------------------------------------------------------------------------------------------------- the journal


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> MemoryDisk:
    made = MemoryDisk()
    monkeypatch.setattr(opening, "open_journal", partial(open_journal, disk=made))
    return made


def full(call: str) -> Callable[[str], None]:
    def before(made: str) -> None:
        if made == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return before


@pytest.mark.parametrize("call", ["write", "sync"])
async def test_what_cannot_be_recorded_is_not_sent_but_may_be_cancelled(
    call: str, disk: MemoryDisk, autojump_clock: trio.testing.MockClock
) -> None:
    async with amid(journal=JournalSpec(Path("/journal"))) as world:
        placed = (await world.bx.trading.place(resting(world, client_order_id="before"))).unwrap()
        disk.before = full(call)
        with pytest.raises(JournalFailed) as caught:
            await world.bx.trading.place(resting(world, 1500, client_order_id="after"))
        assert caught.value.outcome is Outcome.NOT_SENT
        disk.before = lambda _call: None
        with pytest.raises(JournalFailed):
            await world.bx.trading.place(resting(world, 1500, client_order_id="after"))
        assert there(world, "after") == 0
        await world.bx.trading.cancel("BTCUSDT", order_id=placed.order_id)
        assert await world.bx.account.open_orders() == []
        assert world.count(JournalLost) >= 1


@pytest.mark.parametrize("call", ["write", "sync"])
async def test_the_cancellation_that_finds_the_disk_full_is_sent_all_the_same(
    call: str, disk: MemoryDisk, autojump_clock: trio.testing.MockClock
) -> None:
    async with amid(journal=JournalSpec(Path("/journal"))) as world:
        placed = (await world.bx.trading.place(resting(world, client_order_id="before"))).unwrap()
        disk.before = full(call)
        told = await world.bx.trading.cancel("BTCUSDT", order_id=placed.order_id)
        assert isinstance(told, CancelResult)
        assert await world.bx.account.open_orders() == []
        assert world.count(JournalLost) >= 1
        assert world.bx.status is Status.DEGRADED
        assert "cancellations are sent" in world.bx.status_reasons["journal"]


async def test_an_intent_is_on_the_disk_before_its_first_byte_leaves(
    disk: MemoryDisk, autojump_clock: trio.testing.MockClock
) -> None:
    async with amid(journal=JournalSpec(Path("/journal"))) as world:
        kept: list[bytes] = []
        http = world.bx._engine.router.rest.http
        assert http is not None
        request = http.request

        async def watched(method: str, target: str, **more: Any) -> Any:
            if target == "/api/v3/order":
                kept.append(disk.names[Path("/journal")].kept)
            return await request(method, target, **more)

        http.request = watched  # type: ignore[method-assign]
        await world.bx.trading.place(resting(world, client_order_id="kept"))
        [before] = kept
        assert b'"kind":"opened"' in before
        assert b'"newClientOrderId":"kept"' in before
        assert b'"kind":"sending"' in before


async def test_the_next_run_goes_on_finding_out_and_tells_of_it(
    disk: MemoryDisk, autojump_clock: trio.testing.MockClock
) -> None:
    slow = OnRequest(1, Bend.given_up(60.0, hold=4.0), PLACING)
    spec = JournalSpec(Path("/journal"))
    async with amid(slow, journal=spec) as world:
        with trio.move_on_after(1):
            await world.bx.trading.place(resting(world, client_order_id="older"))
        config = world.bx.config
        left = disk.after_kill()
        await trio.sleep(10)
        disk.names, disk.kept_names = left.names, left.kept_names
        events: list[Any] = []
        other = attrs.evolve(config, hooks=(events.append,))
        async with opening.open_binance(other, dialer=world.sandbox.dialer) as bx:
            assert [request.client_order_id for request in bx.trading.unsettled] == ["older"]
            await bx.trading.wait_settled()
            assert bx.trading.unsettled == ()
        [found] = [event for event in events if isinstance(event, OutcomeFound)]
        assert (found.client_order_id, found.verdict) == ("older", "accepted")


async def test_what_the_events_told_before_the_answer_came_is_not_taken_for_told_by_the_next_run(
    disk: MemoryDisk, autojump_clock: trio.testing.MockClock
) -> None:
    spec = JournalSpec(Path("/journal"))
    async with amid(OnRequest(1, Bend.late(5.0), PLACING), journal=spec) as world:
        async with trio.open_nursery() as nursery:
            order = resting(world, client_order_id="seen")
            nursery.start_soon(world.bx.trading.place, order)
            await trio.sleep(1)
            assert world.bx.trading.unsettled == ()  # an event has told of it
            left, config = disk.after_kill(), world.bx.config
            await trio.sleep(30)
        assert disk.after_kill().names[spec.path].kept.count(b'"kind":"settled"') == 1
        disk.names, disk.kept_names = left.names, left.kept_names
        async with opening.open_binance(config, dialer=world.sandbox.dialer) as bx:
            [request] = bx.trading.inherited
            assert (request.client_order_id, request.client_order_ids) == ("seen", ("seen",))
            assert (request.operation, request.symbol) == (PLACING, "BTCUSDT")
            outcome = await bx.trading.wait_resolved(request)
            assert isinstance(outcome, Accepted)
            assert (outcome.order.client_order_id, outcome.answered) == ("seen", False)
            assert "an earlier run was about to send it" in outcome.evidence
            assert bx.trading.inherited == (request,)
    assert there(world, "seen") == 1


async def test_the_error_of_a_change_can_be_waited_for_too(autojump_clock: trio.testing.MockClock) -> None:
    never = [OnRequest(n, Bend.lost(executed=False), where) for where in CHANGES for n in range(1, 5)]
    async with amid(*never, tuning=Tuning(resolve_timeout=0.001)) as world:
        trading = world.bx.trading
        placed = (await trading.place(resting(world))).unwrap()
        with pytest.raises(OrderUnresolved) as lost:
            await trading.cancel("BTCUSDT", order_id=placed.order_id)
        [request] = trading.unsettled
        assert (request.client_order_id, request.client_order_ids, request.symbol) == ("", (), "BTCUSDT")
        for of in (lost.value, request):
            assert isinstance(await trading.wait_resolved(of), Absent)


async def test_of_a_replacement_of_which_one_half_was_done_the_error_tells_which(
    autojump_clock: trio.testing.MockClock,
) -> None:
    faults = (OnRequest(1, Bend.lost(executed=True), "POST /api/v3/order/cancelReplace"),)
    async with amid(*faults, tuning=Tuning(resolve_timeout=0.001)) as world:
        filled = (await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=QUANTITY))).unwrap()
        with pytest.raises(OrderUnresolved) as lost:
            await world.bx.trading.cancel_replace(
                resting(world), cancel_order_id=filled.order_id, cancel_replace_mode="ALLOW_FAILURE"
            )
        told = await world.bx.trading.wait_resolved(lost.value)
        assert isinstance(told, Rejected)
        assert isinstance(told.error, PartialFailure)
        assert (told.error.cancel_outcome, told.error.new_order_outcome) == (Outcome.REJECTED, Outcome.DONE)
