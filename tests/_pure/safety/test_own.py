"""Our own orders: none is forgotten before it has ended, and none is counted that cannot be open."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.safety.makers import intent, intent_of
from tests.strategies.requests import order_lists
from trio_binance._codec.params import with_client_ids
from trio_binance._pure.intents import (
    Absent,
    Accepted,
    Intent,
    ListSighting,
    NotSent,
    OrderSighting,
    Part,
    Rejected,
    Settle,
    Unresolved,
    Verdict,
)
from trio_binance._pure.safety import OwnOrders, places_of
from trio_binance.models import Evidence, ListOrderStatus, OrderStatus

WHY = Evidence(())
NO: list[Verdict] = [NotSent("no", WHY), Rejected(-2010, "no", None, WHY), Absent(None, WHY)]
REPLACE = "POST /api/v3/order/cancelReplace"


def accepted(sighting: Any = None, intent_id: str = "i1", part: Part = Part.WHOLE) -> Settle:
    return Settle(intent_id, part, Accepted(sighting, WHY))


def order(number: int = 7, status: OrderStatus | None = OrderStatus.NEW) -> OrderSighting:
    return OrderSighting("BTCUSDT", number, ("name of i1",), status)


def finding(status: OrderStatus, *keys: Any) -> Any:
    """Return somebody who knows some orders, all of which stand like that."""

    @attrs.frozen
    class Order:
        status: OrderStatus

    return lambda _symbol, number, name: Order(status) if (name if number is None else number) in keys else None


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 1),
        ({"timeInForce": "IOC"}, 0),
        ({"timeInForce": "FOK"}, 0),
        ({"type": "MARKET"}, 0),
        ({"type": "STOP_LOSS"}, 1),
        ({"type": "STOP_LOSS_LIMIT", "timeInForce": "IOC"}, 1),
        ({"operation": REPLACE}, 1),
        ({"operation": "POST /api/v3/sor/order"}, 1),
        ({"operation": "DELETE /api/v3/order"}, 0),
        ({"operation": "PUT /api/v3/order/amend/keepPriority"}, 0),
    ],
    ids=str,
)
def test_only_what_may_stay_open_is_counted(params: dict[str, Any], count: int) -> None:
    asked = intent(**params)
    own = OwnOrders()
    own.reserve(asked)
    assert places_of(asked) == own.count == count


@given(order_lists)
def test_of_a_list_every_leg_is_counted(request: Any) -> None:
    ids = iter(range(100))
    asked = intent_of(with_client_ids(attrs.evolve(request), lambda: f"leg-{next(ids)}"))
    own = OwnOrders()
    own.reserve(asked)
    assert own.count == len(request.legs)


@pytest.mark.parametrize("verdict", NO, ids=lambda verdict: verdict.word)
def test_what_was_not_placed_gives_its_place_back(verdict: Any) -> None:
    own = OwnOrders()
    own.reserve(intent())
    own.on_settled(intent(), Settle("i1", Part.WHOLE, verdict))
    assert own.all() == ()


def test_what_is_in_doubt_counts_as_open() -> None:
    own = OwnOrders()
    own.reserve(intent())
    own.on_settled(intent(), Settle("i1", Part.WHOLE, Unresolved("who knows", WHY)))
    own.look(finding(OrderStatus.FILLED, "name of i1"))
    assert own.count == 1
    [one] = own.all()
    assert (one.is_certain, one.number, one.left) == (False, None, ("name of i1",))


def test_what_was_accepted_is_open_until_it_has_ended() -> None:
    own = OwnOrders()
    own.reserve(intent())
    own.on_settled(intent(), accepted(order()))
    assert own.get("i1") == own.all()[0]
    assert (own.all()[0].is_certain, own.all()[0].number) == (True, 7)
    own.look(finding(OrderStatus.PARTIALLY_FILLED, 7))
    own.look(finding(OrderStatus.FILLED, 8))
    assert own.count == 1
    own.look(finding(OrderStatus.CANCELED, 7))
    assert own.count == 0


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.EXPIRED])
def test_what_ended_at_once_is_not_open(status: OrderStatus) -> None:
    own = OwnOrders()
    own.reserve(intent())
    own.on_settled(intent(), accepted(order(status=status)))
    assert own.count == 0


def test_an_acceptance_that_shows_no_order_leaves_its_name() -> None:
    own = OwnOrders()
    own.reserve(intent())
    own.on_settled(intent(), accepted())
    assert own.accepted() == ((own.all()[0], "name of i1"),)
    own.on_order("i1", "name of i1")
    assert own.count == 0
    own.on_order("i1", "name of i1")


def test_what_was_ruled_out_and_stands_all_the_same_is_taken_up_again() -> None:
    own = OwnOrders()
    own.reserve(intent())
    own.on_settled(intent(), Settle("i1", Part.WHOLE, NO[2]))
    own.on_settled(intent(), accepted(order()))
    assert own.count == 1


def test_what_an_earlier_run_left_in_doubt_is_taken_up() -> None:
    own = OwnOrders()
    own.on_settled(intent(), Settle("i1", Part.WHOLE, Unresolved("who knows", WHY)))
    assert own.count == 1


def test_of_a_cancel_replace_only_the_new_order_counts() -> None:
    own, asked = OwnOrders(), intent(operation=REPLACE)
    own.reserve(asked)
    own.on_settled(asked, accepted(order(5, OrderStatus.CANCELED), part=Part.CANCEL))
    assert own.count == 1
    own.on_settled(asked, Settle("i1", Part.NEW_ORDER, NO[1]))
    assert own.count == 0


def test_the_verdict_on_a_cancellation_takes_up_nothing() -> None:
    own = OwnOrders()
    own.on_settled(intent(operation="DELETE /api/v3/order"), accepted(order()))
    assert own.count == 0


def oco(own: OwnOrders) -> Any:
    params = {"listClientOrderId": "list", "aboveClientOrderId": "a", "belowClientOrderId": "b"}
    asked = Intent("i1", "POST /api/v3/orderList/oco", {"symbol": "BTCUSDT", **params})
    own.reserve(asked)
    return asked


def test_a_list_is_one_thing_to_cancel_and_several_to_count() -> None:
    own = OwnOrders()
    asked = oco(own)
    assert own.count == 2
    seen = ListSighting("BTCUSDT", 3, "list", ListOrderStatus.EXECUTING, (11, 12))
    own.on_settled(asked, accepted(seen))
    [one] = own.all()
    assert (one.is_list, one.name, one.number, one.left) == (True, "list", 3, (11, 12))
    own.look(finding(OrderStatus.EXPIRED, 11))
    assert own.count == 1
    own.look(finding(OrderStatus.FILLED, 12))
    assert own.count == 0


@pytest.mark.parametrize(
    ("seen", "left"),
    [
        (ListSighting("BTCUSDT", 3, "list", ListOrderStatus.ALL_DONE, (11, 12)), 0),
        (ListSighting("BTCUSDT", 3, "list", ListOrderStatus.EXECUTING), 2),
        (order(11), 2),
        (None, 2),
    ],
    ids=str,
)
def test_a_list_is_as_open_as_it_was_seen(seen: Any, left: int) -> None:
    own = OwnOrders()
    asked = oco(own)
    own.on_settled(asked, accepted(seen))
    assert own.count == left


def test_an_order_is_known_as_ours_by_its_id_or_its_name() -> None:
    own = OwnOrders()
    oco(own)
    own.reserve(intent("i2"))
    own.on_settled(intent("i2"), accepted(order(7), "i2"))
    assert own.is_own("BTCUSDT", 7, None)
    assert own.is_own("BTCUSDT", None, "name of i2")
    assert not own.is_own("ETHUSDT", 7, None)
    assert not own.is_own("BTCUSDT", 8, "name of i2")
    assert not own.is_own("BTCUSDT", None, "list")


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("paruE")), max_size=40))
def test_the_count_is_that_of_the_orders_that_may_be_open(steps: list[tuple[int, str]]) -> None:
    own = OwnOrders()
    model: dict[str, str] = {}
    for number, step in steps:
        asked = intent(name := f"i{number}")
        if step == "p" and name not in model:
            own.reserve(asked)
            model[name] = "reserved"
        elif step == "a" and name in model:
            own.on_settled(asked, accepted(order(number), name))
            model[name] = "open"
        elif step == "r" and model.get(name) == "reserved":
            own.on_settled(asked, Settle(name, Part.WHOLE, NO[0]))
            del model[name]
        elif step == "u" and model.get(name) == "reserved":
            own.on_settled(asked, Settle(name, Part.WHOLE, Unresolved("?", WHY)))
        elif step == "E" and model.get(name) == "open":
            own.look(finding(OrderStatus.FILLED, number))
            del model[name]
        assert own.count == len(model)
        assert {one.intent_id for one in own.all()} == model.keys()
