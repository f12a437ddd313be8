"""Verdicts: whatever is done to a placement, what the connector says of it is what the exchange did."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests._client.world import EPOCH_MS, World, open_world
from trio_binance._services.orderevents import OutcomeRevised
from trio_binance.models import Absent, Accepted, LimitOrder, MarketOrder, OrderRequest, Rejected, Side, Unresolved
from trio_binance.sandbox import Bend, Ending, Fault, FaultSchedule, Market, OnRequest
from trio_binance.sandbox.orders import Order
from trio_binance.sandbox.symbols import SYMBOLS

of = FaultSchedule.of
PLACE = "POST /api/v3/order"
SYMBOL = "BTCUSDT"
BY_ORDER = ["O01", "O02", "O03", "O04", "O05", "O06", "O08", "O09", "O19", "O22", "O23", "O24", "O25", "O26"]
BY_HTTP = [f"H{number:02}" for number in range(1, 30) if number not in (6, 28)]
CASES: list[tuple[str, FaultSchedule]] = [
    *((name, of(name)) for name in BY_ORDER),
    *((name, of(name, on=PLACE, **({"size": 10**6} if name == "H25" else {}))) for name in BY_HTTP),
    *((f"{name} executed", of(name, on=PLACE, executed=True)) for name in ("H05", "H13", "H14", "H22")),
    ("O01 silence", of("O01", ending=Ending.SILENCE)),
    ("O05 not", of("O05", executed=False)),
    ("O06 not", of("O06", executed=False)),
    ("O04 timeout", of("O04", after=10.0, matching=9.0, hold=4.0)),
    ("H30 missing", of("H30", on=PLACE, missing="orderId")),
    ("H30 null", of("H30", on=PLACE, null="price")),
    ("H30 double", of("H30", on=PLACE, double="clientOrderId")),
    ("A03", of("A03", on=PLACE)),
    ("A05", of("A05", on=PLACE)),
    ("A06", of("A06", on=PLACE)),
    ("somebody else's", FaultSchedule((OnRequest(1, Bend.misaddressed(), PLACE),))),
    ("nobody's", FaultSchedule((OnRequest(1, Bend.misaddressed("null"), PLACE),))),
]


def one_symbol() -> Market:
    return Market(7, EPOCH_MS * 1000, 1.0, SYMBOLS[:1])


def ours(world: World, client_id: str) -> list[Order]:
    """Return the orders that there really are under an id."""
    [key] = world.sandbox.exchange.keys.values()
    return [order for order in key.account.blotter(SYMBOL).orders.values() if order.client_id == client_id]


def resting(world: World) -> OrderRequest:
    return LimitOrder(SYMBOL, Side.BUY, quantity="0.001", price=world.sandbox.market.book(SYMBOL).bids[0][0] - 1000)


async def verdict(world: World, order: OrderRequest, *faults: FaultSchedule | Fault) -> tuple[Any, list[Order]]:
    """Place an order amid faults; return the verdict, and the orders once everything has come to rest."""
    world.sandbox.faults.add(*faults)
    with trio.fail_after(120):
        outcome = await world.bx.trading.place(order)
    await trio.sleep(90)
    return outcome, ours(world, outcome.client_order_id)


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
@pytest.mark.parametrize("name, faults", CASES, ids=[name for name, _ in CASES])
async def test_what_is_said_of_an_order_is_what_became_of_it(
    name: str, faults: FaultSchedule, prefer: str, autojump_clock: MockClock
) -> None:
    async with open_world(prefer=prefer, market=one_symbol()) as world:
        outcome, found = await verdict(world, resting(world), faults)
        if isinstance(outcome, Accepted):
            assert len(found) == 1
            assert outcome.order.order_id == found[0].id
        elif isinstance(outcome, Unresolved):
            assert prefer == "ws_api", "the one witness broke with the connection that the order went out on"
            assert len(found) <= 1
        else:
            assert isinstance(outcome, Rejected)
            assert found == []
        assert world.sandbox.faults.struck or (prefer == "rest" and name.startswith("A"))


@pytest.mark.parametrize("executed", [True, False])
async def test_an_order_that_is_executed_later_than_all_patience_is_never_said_to_be_absent_before_its_fence(
    executed: bool, autojump_clock: MockClock
) -> None:
    """The engine took it in time and had no hurry: 14 s after, when its window has long passed."""
    late = Bend.given_up(0.5, matching=14.0, ending=Ending.RESET)
    lost = Bend.lost(executed=False)
    async with open_world(market=one_symbol()) as world:
        outcome, found = await verdict(world, resting(world), OnRequest(1, late if executed else lost, PLACE))
        assert isinstance(outcome, Accepted if executed else Absent)
        assert len(found) == executed


async def test_a_duplicate_of_an_order_that_was_filled_is_the_exchanges_and_one_of_two_is_told(
    autojump_clock: MockClock,
) -> None:
    """O07: nobody can keep a request from arriving twice; what is said is true of an order that is there."""
    async with open_world(market=one_symbol()) as world:
        outcome, found = await verdict(world, MarketOrder(SYMBOL, Side.BUY, quantity="0.001"), of("O07"))
        assert isinstance(outcome, Accepted)
        assert outcome.order.order_id in {order.id for order in found}
        assert len(found) == 2


async def test_an_order_that_comes_when_nobody_expects_it_any_more_is_told_loudly(autojump_clock: MockClock) -> None:
    """Nobody bounds the engine: a verdict of absence is well founded and no proof."""
    late = Bend.given_up(0.5, matching=60.0, ending=Ending.RESET)
    async with open_world(market=one_symbol()) as world:
        outcome, found = await verdict(world, resting(world), OnRequest(1, late, PLACE))
        assert isinstance(outcome, Absent)
        assert len(found) == 1
        [revised] = [event for event in world.events if isinstance(event, OutcomeRevised)]
        assert revised.client_order_id == outcome.client_order_id
