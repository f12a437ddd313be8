"""What is returned or raised where the answer of a request that changes something is lost: all of them, on both wires.

A rebuilt answer is held to the answer that the same request gets in another world, where nothing is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.orders import QUANTITY, SYMBOL, below, every_list, resting
from tests._client.world import World, open_world
from trio_binance._codec.params import with_client_ids
from trio_binance.errors import NothingToCancel, OrderAbsent, OrderUnresolved, Outcome, PartialFailure
from trio_binance.models import (
    Absent,
    Accepted,
    CancelReplaceMode,
    CancelResult,
    LimitOrder,
    MarketOrder,
    OrderStatus,
    Side,
    Unresolved,
)
from trio_binance.sandbox.faults import Bend, Ending, FaultSchedule, FillOrders, OnRequest, Reset, Timed

WIRES = ("rest", "ws_api")
WAYS = (("rest", Ending.RESET), ("ws_api", Ending.KEEP), ("ws_api", Ending.RESET))
"""A connection that breaks, an answer that does not come, and a connection that breaks and takes the events with it."""
LOSING = dict(WAYS[:2])
"""How an answer is lost, but not the account's events."""


@attrs.frozen
class Case:
    """One request that changes something, and what has to be there before."""

    operation: str
    act: Callable[[World], Awaitable[Any]]
    prepare: Callable[[World], Awaitable[Any]] | None = None


async def an_order(world: World) -> None:
    (await world.bx.trading.place(resting(world, client_order_id="old"))).unwrap()


async def a_list(world: World) -> None:
    await place_list("place_oco")(world)


async def much(world: World) -> None:
    await an_order(world)
    (await world.bx.trading.place(resting(world, 900, client_order_id="older"))).unwrap()
    await a_list(world)


def named_list(world: World, method: str) -> Any:
    """Return a list with client ids for each of its orders, so that two worlds name them alike."""
    ids = iter(f"leg-{number}" for number in range(9))
    return with_client_ids(every_list(world, list_client_order_id="list")[method], lambda: next(ids))


def place_list(method: str, **options: Any) -> Callable[[World], Awaitable[Any]]:
    return lambda world: getattr(world.bx.trading, method)(named_list(world, method), **options)


def place(order: Callable[[World], Any], **options: Any) -> Callable[[World], Awaitable[Any]]:
    return lambda world: world.bx.trading.place(order(world), **options)


def buy(world: World) -> MarketOrder:
    return MarketOrder(SYMBOL, Side.BUY, quantity=QUANTITY, client_order_id="new")


def half_filled(world: World) -> LimitOrder:
    asks = world.sandbox.market.book(SYMBOL).asks
    return LimitOrder(
        SYMBOL, Side.BUY, quantity=asks[0][1] + QUANTITY, price=asks[0][0], client_order_id="new", time_in_force="GTC"
    )


async def id_of_old(world: World) -> int:
    [order_id] = [
        report.order_id for report in await world.bx.account.open_orders(SYMBOL) if report.client_order_id == "old"
    ]
    return order_id


async def cancel_by_id(world: World) -> Any:
    order_id = await id_of_old(world)
    return await world.bx.trading.cancel(SYMBOL, order_id=order_id, new_client_order_id="c")


def replace(**options: Any) -> Callable[[World], Awaitable[Any]]:
    return lambda world: world.bx.trading.cancel_replace(
        resting(world, 900, client_order_id="new"),
        cancel_client_order_id="old",
        cancel_new_client_order_id="c",
        **options,
    )


PLACE = "POST /api/v3/order"
LISTS = {
    "place_oco": "POST /api/v3/orderList/oco",
    "place_oto": "POST /api/v3/orderList/oto",
    "place_otoco": "POST /api/v3/orderList/otoco",
    "place_opo": "POST /api/v3/orderList/opo",
    "place_opoco": "POST /api/v3/orderList/opoco",
    "place_legacy_oco": "POST /api/v3/order/oco",
}
PLACEMENTS = {
    "place": Case(PLACE, place(lambda world: resting(world, client_order_id="new"))),
    "place in short": Case(
        PLACE, place(lambda world: resting(world, client_order_id="new"), new_order_resp_type="RESULT")
    ),
    "place in shortest": Case(
        PLACE, place(lambda world: resting(world, client_order_id="new"), new_order_resp_type="ACK")
    ),
    "place what is filled": Case(PLACE, place(buy)),
    "place what is filled in part": Case(PLACE, place(half_filled)),
    "place_sor": Case("POST /api/v3/sor/order", lambda world: world.bx.trading.place_sor(buy(world))),
    **{method: Case(operation, place_list(method)) for method, operation in LISTS.items()},
    "place_oco in shortest": Case(LISTS["place_oco"], place_list("place_oco", new_order_resp_type="ACK")),
}
CANCELLATIONS = {
    "cancel by id": Case("DELETE /api/v3/order", cancel_by_id, an_order),
    "cancel by name": Case(
        "DELETE /api/v3/order",
        lambda world: world.bx.trading.cancel(SYMBOL, client_order_id="old", new_client_order_id="c"),
        an_order,
    ),
    "cancel one of a list": Case(
        "DELETE /api/v3/order",
        lambda world: world.bx.trading.cancel(SYMBOL, client_order_id="leg-0", new_client_order_id="c"),
        a_list,
    ),
    "cancel_order_list": Case(
        "DELETE /api/v3/orderList",
        lambda world: world.bx.trading.cancel_order_list(SYMBOL, list_client_order_id="list", new_client_order_id="c"),
        a_list,
    ),
    "cancel_open_orders": Case(
        "DELETE /api/v3/openOrders", lambda world: world.bx.trading.cancel_open_orders(SYMBOL), much
    ),
}
REPLACEMENTS = {
    "cancel_replace": Case("POST /api/v3/order/cancelReplace", replace(), an_order),
    "cancel_replace in short": Case(
        "POST /api/v3/order/cancelReplace", replace(new_order_resp_type="RESULT"), an_order
    ),
    "cancel_replace in shortest": Case(
        "POST /api/v3/order/cancelReplace", replace(new_order_resp_type="ACK"), an_order
    ),
}
AMENDMENTS = {
    "amend_keep_priority": Case(
        "PUT /api/v3/order/amend/keepPriority",
        lambda world: world.bx.trading.amend_keep_priority(
            SYMBOL, client_order_id="old", new_qty="0.0006", new_client_order_id="new"
        ),
        an_order,
    ),
}
ALL = PLACEMENTS | CANCELLATIONS | REPLACEMENTS | AMENDMENTS


async def open_and_sent(world: World) -> tuple[dict[str, OrderStatus], int]:
    """Return what is open in the end, and how often the request arrived."""
    reports = await world.bx.account.open_orders(SYMBOL)
    return {report.client_order_id: report.status for report in reports}, len(world.sandbox.faults.struck)


async def run(
    case: Case,
    prefer: Any,
    *bends: Bend,
    deeds: tuple[Timed, ...] = (),
    then: Callable[[World], Awaitable[Any]] | None = None,
) -> Any:
    """Return what a request comes to in a world of its own, where it meets this; and what ``then`` finds there.

    Should it arrive more often than it is to be bent, that is counted all the same.
    """
    many = (*bends, *(Bend(),) * 3)
    faults = [OnRequest(number, bend, case.operation) for number, bend in enumerate(many, 1)]
    faults[0] = attrs.evolve(faults[0], deeds=deeds)
    symbols = None if "sor" in case.operation else 2
    async with open_world(faults=FaultSchedule(tuple(faults)), symbols=symbols, prefer=prefer, activity=1e-6) as world:
        if case.prepare is not None:
            await case.prepare(world)
        await trio.sleep_until(trio.current_time() + 1)
        try:
            outcome = await case.act(world)
        except Exception as exc:
            outcome = exc
        return outcome if then is None else (outcome, await then(world))


def differences(told: Any, found: Any, where: str = "") -> list[str]:
    """Return where two answers differ, be it in a number's scale."""
    if type(told) is not type(found):
        return [f"{where}: {told!r} and {found!r}"]
    parts: list[tuple[str, Any, Any]]
    if attrs.has(type(told)):
        names = [field.name for field in attrs.fields(type(told))]
        parts = [(f"{where}.{name}", getattr(told, name), getattr(found, name)) for name in names]
    elif isinstance(told, list | tuple) and len(told) == len(found):
        parts = [(f"{where}[{number}]", *pair) for number, pair in enumerate(zip(told, found, strict=True))]
    else:
        return [] if told == found and str(told) == str(found) else [f"{where}: {told} and {found}"]
    return [each for part, one, other in parts for each in differences(one, other, part)]


@pytest.mark.parametrize(("prefer", "ending"), WAYS)
@pytest.mark.parametrize("name", ALL)
async def test_a_rebuilt_answer_is_the_one_that_was_lost(
    name: str, prefer: str, ending: Ending, autojump_clock: trio.testing.MockClock
) -> None:
    case = ALL[name]
    told = await run(case, prefer)
    lost = Bend.lost(executed=True, ending=ending)
    found, (unsettled, arrived) = await run(case, prefer, lost, then=unsettled_and_arrived)
    if isinstance(told, Accepted):
        assert isinstance(found, Accepted)
        assert (told.answered, found.answered) == (True, False)
        told, found = told.order, found.order
    assert (unsettled, arrived) == ((), 1)
    assert differences(told, found) == []


async def unsettled_and_arrived(world: World) -> tuple[tuple[Any, ...], int]:
    return world.bx.trading.unsettled, len(world.sandbox.faults.struck)


@pytest.mark.parametrize("prefer", WIRES)
@pytest.mark.parametrize("name", PLACEMENTS)
async def test_a_placement_that_never_arrived_is_absent_and_nothing_stands(
    name: str, prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    never = Bend.lost(executed=False, ending=LOSING[prefer])
    outcome, there = await run(PLACEMENTS[name], prefer, never, then=orders_of)
    assert isinstance(outcome, Absent)
    assert there == []
    with pytest.raises(OrderAbsent) as caught:
        outcome.unwrap()
    assert (caught.value.outcome, caught.value.client_order_id) == (Outcome.REJECTED, outcome.client_order_id)


@pytest.mark.parametrize("name", PLACEMENTS)
async def test_a_placement_whose_witness_is_lost_with_it_is_unresolved(
    name: str, autojump_clock: trio.testing.MockClock
) -> None:
    async def wait_longer(world: World) -> Any:
        await trio.sleep(120)
        return await orders_of(world), world.bx.trading.unsettled

    deeds = (Timed(0.0, Reset()),)
    outcome, (there, unsettled) = await run(
        PLACEMENTS[name], "rest", Bend.lost(executed=False), deeds=deeds, then=wait_longer
    )
    assert isinstance(outcome, Unresolved)
    with pytest.raises(OrderUnresolved) as caught:
        outcome.unwrap()
    assert (caught.value.outcome, caught.value.client_order_id) == (Outcome.UNKNOWN, outcome.client_order_id)
    assert there == []
    assert [request.client_order_id for request in unsettled] == [outcome.client_order_id]


async def orders_of(world: World) -> list[Any]:
    return list(await world.bx.account.all_orders(SYMBOL))


@pytest.mark.parametrize("prefer", WIRES)
@pytest.mark.parametrize("name", [*CANCELLATIONS, *AMENDMENTS])
async def test_a_change_that_never_arrived_left_all_as_it_was_and_only_one_by_order_id_is_sent_again(
    name: str, prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    case = ALL[name]
    never = Bend.lost(executed=False, ending=LOSING[prefer])
    outcome, (there, sent) = await run(case, prefer, never, then=open_and_sent)
    if name == "cancel by id":
        assert isinstance(outcome, CancelResult)
        assert (there, sent) == ({}, 2)
    else:
        assert isinstance(outcome, OrderAbsent)
        assert outcome.outcome is Outcome.REJECTED
        assert set(there.values()) == {OrderStatus.NEW}
        assert sent == 1


# ------------------------------------------------------------------------------------------------- the two halves


@pytest.mark.parametrize("prefer", WIRES)
@pytest.mark.parametrize("name", REPLACEMENTS)
async def test_a_replacement_that_never_arrived_had_no_half(
    name: str, prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    never = Bend.lost(executed=False, ending=LOSING[prefer])
    outcome, (there, sent) = await run(REPLACEMENTS[name], prefer, never, then=open_and_sent)
    assert isinstance(outcome, OrderAbsent)
    assert (outcome.cancel_outcome, outcome.new_order_outcome) == (Outcome.REJECTED, Outcome.REJECTED)
    assert (outcome.outcome, outcome.client_order_id) == (Outcome.REJECTED, "new")
    assert (there, sent) == ({"old": OrderStatus.NEW}, 1)


async def replace_too_much(world: World) -> Any:
    """Replace an order by one that cannot be paid for."""
    return await world.bx.trading.cancel_replace(
        LimitOrder(SYMBOL, Side.BUY, quantity=50, price=below(world), client_order_id="new"),
        cancel_client_order_id="old",
        cancel_new_client_order_id="c",
    )


async def replace_nothing(world: World) -> Any:
    """Place an order, whether another can be cancelled or not."""
    return await world.bx.trading.cancel_replace(
        resting(world, client_order_id="new"),
        cancel_client_order_id="nobody",
        cancel_new_client_order_id="c",
        cancel_replace_mode=CancelReplaceMode.ALLOW_FAILURE,
    )


@pytest.mark.parametrize("prefer", WIRES)
async def test_of_a_replacement_only_the_first_half_was_done(
    prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    case = Case("POST /api/v3/order/cancelReplace", replace_too_much, an_order)
    lost = Bend.lost(executed=True, ending=LOSING[prefer])
    outcome, (there, sent) = await run(case, prefer, lost, then=open_and_sent)
    assert isinstance(outcome, PartialFailure)
    assert (outcome.cancel_outcome, outcome.new_order_outcome) == (Outcome.DONE, Outcome.REJECTED)
    assert outcome.outcome is Outcome.PARTIAL
    assert (there, sent) == ({}, 1)


@pytest.mark.parametrize("prefer", WIRES)
async def test_of_a_replacement_only_the_second_half_was_done(
    prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    case = Case("POST /api/v3/order/cancelReplace", replace_nothing, an_order)
    lost = Bend.lost(executed=True, ending=LOSING[prefer])
    outcome, (there, sent) = await run(case, prefer, lost, then=open_and_sent)
    assert isinstance(outcome, PartialFailure)
    assert (outcome.cancel_outcome, outcome.new_order_outcome) == (Outcome.REJECTED, Outcome.DONE)
    assert outcome.outcome is Outcome.PARTIAL
    assert (there, sent) == ({"old": OrderStatus.NEW, "new": OrderStatus.NEW}, 1)


# ------------------------------------------------------------------------------------------- what was filled meanwhile


CANCELS_OF_ONE = {name: CANCELLATIONS[name] for name in ("cancel by id", "cancel by name")}


@pytest.mark.parametrize("prefer", WIRES)
@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("name", CANCELS_OF_ONE)
async def test_an_order_that_was_filled_meanwhile_leaves_nothing_to_cancel(
    name: str, executed: bool, prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    """Whether its refusal is lost or the cancellation itself."""
    case = CANCELS_OF_ONE[name]
    fill = (Timed(0.0, FillOrders(SYMBOL)),)
    lost = OnRequest(1, Bend.lost(executed=executed, ending=LOSING[prefer]), case.operation, deeds=fill)
    async with open_world(faults=FaultSchedule((lost,)), prefer=prefer, activity=1e-6) as world:
        await an_order(world)
        with pytest.raises(NothingToCancel) as caught:
            await case.act(world)
        assert caught.value.outcome is Outcome.REJECTED
        assert caught.value.order is not None
        assert caught.value.order.status == OrderStatus.FILLED


@pytest.mark.parametrize("name", [*CANCELLATIONS, *REPLACEMENTS, *AMENDMENTS])
async def test_a_change_whose_witness_is_lost_with_it_is_unresolved_unless_it_may_be_sent_again(
    name: str, autojump_clock: trio.testing.MockClock
) -> None:
    deeds = (Timed(0.0, Reset()),)
    outcome, (there, sent) = await run(ALL[name], "rest", Bend.lost(executed=False), deeds=deeds, then=open_and_sent)
    if name == "cancel by id":
        assert isinstance(outcome, CancelResult)
        assert (there, sent) == ({}, 2)
        return
    assert isinstance(outcome, OrderUnresolved)
    assert outcome.outcome is Outcome.UNKNOWN
    if name in REPLACEMENTS:
        assert (outcome.cancel_outcome, outcome.new_order_outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)
    assert set(there.values()) == {OrderStatus.NEW}
    assert sent == 1
