"""What an adversary tried on orders: names used again, two at once, times that are none, questions asked late."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.orders import account_of, resting
from tests._client.world import World, open_world
from trio_binance._services import findings
from trio_binance.config import Tuning
from trio_binance.errors import InvalidArgument, OrderAbsent, OrderUnresolved, Outcome
from trio_binance.models import Accepted, Unresolved
from trio_binance.sandbox import Answer, Bend, FaultSchedule, OnRequest, ReplicaLag, Timed

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
