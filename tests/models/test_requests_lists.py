"""Requests for order lists cannot be built wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given

from tests.strategies import requests as made
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LegacyOcoOrder,
    LimitLeg,
    LimitMakerLeg,
    LimitOrder,
    MarketLeg,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderListRequest,
    OrderType,
    OtocoOrder,
    OtoOrder,
    SelfTradePreventionMode,
    Side,
    StopLossLeg,
    StopLossLimitLeg,
    TakeProfitLeg,
    TakeProfitLimitLeg,
)

BUY, SELL = Side.BUY, Side.SELL
KINDS: tuple[Any, ...] = get_args(OrderListRequest)
WORKING = LimitLeg(price="60000", client_order_id="first")
GAIN = LimitMakerLeg(price="70000", client_order_id="gain")
LOSS = StopLossLimitLeg(stop_price="55000", price="54900", client_order_id="loss")
SEATS = [(kind, place) for kind in KINDS for place in kind.seats]


def order(kind: Any, **changes: Any) -> Any:
    """Return a list of this kind that buys first where it may, and sells dear or cheap."""
    fields: dict[str, Any] = {"symbol": "BTCUSDT", "side": SELL, "quantity": "0.010"}
    fields |= {"working_side": BUY, "working_quantity": "0.010", "pending_side": SELL, "pending_quantity": "0.020"}
    fields |= {"working": WORKING, "pending": MarketLeg(), "above": GAIN, "below": LOSS, "limit": GAIN, "stop": LOSS}
    return kind(**{name: value for name, value in fields.items() if name in attrs.fields_dict(kind)} | changes)


def oco(side: Side, above: Any, below: Any) -> OcoOrder:
    return OcoOrder("BTCUSDT", side, quantity=1, above=above, below=below)


def refused(field: str, build: Callable[[], object]) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        build()
    assert caught.value.field == field
    return caught.value


# ----------------------------------------------------------------------------------------------------- all of them


def test_lists_are_typed_as_they_are_thought() -> None:
    assert OcoOrder(
        "BTCUSDT",
        Side.SELL,
        quantity="0.01",
        above=LimitMakerLeg(price="70000"),
        below=StopLossLimitLeg(stop_price="55000", price="54900"),
    ).legs == (
        ("above", LimitMakerLeg(price="70000"), SELL, Decimal("0.01")),
        ("below", StopLossLimitLeg(stop_price="55000", price="54900"), SELL, Decimal("0.01")),
    )


def test_every_leg_is_told_with_its_side_and_its_quantity() -> None:
    one, two = Decimal("0.010"), Decimal("0.020")
    working, market = ("working", WORKING, BUY, one), MarketLeg()
    assert order(OtoOrder).legs == (working, ("pending", market, SELL, two))
    assert order(OtocoOrder).legs == (working, ("above", GAIN, SELL, two), ("below", LOSS, SELL, two))
    assert order(OpoOrder).legs == (working, ("pending", market, SELL, None))
    assert order(OpocoOrder).legs == (working, ("above", GAIN, SELL, None), ("below", LOSS, SELL, None))
    assert order(LegacyOcoOrder).legs == (("limit", GAIN, SELL, one), ("stop", LOSS, SELL, one))


def test_each_leg_adds_one_unfilled_order() -> None:
    counts = {OcoOrder: 2, OtoOrder: 2, OtocoOrder: 3, OpoOrder: 2, OpocoOrder: 3, LegacyOcoOrder: 2}
    assert {kind: order(kind).orders for kind in KINDS} == counts


@given(made.order_lists)
def test_a_list_is_a_frozen_value(request_: OrderListRequest) -> None:
    assert pickle.loads(pickle.dumps(request_)) == request_
    assert hash(attrs.evolve(request_)) == hash(request_)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        request_.symbol = "B"  # type: ignore[misc]


def test_a_list_is_shown_by_what_is_given() -> None:
    assert repr(OpoOrder("A", working_quantity=1, working=LimitMakerLeg(price=2), pending=MarketLeg())) == (
        "OpoOrder('A', working_quantity=Decimal('1'), working=LimitMakerLeg(price=Decimal('2')), pending=MarketLeg())"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_has_a_name_and_a_way_with_self_trades(kind: Any) -> None:
    named = order(kind, list_client_order_id="my-list", self_trade_prevention_mode="DECREMENT")
    assert named.list_client_order_id == "my-list"
    assert named.self_trade_prevention_mode is SelfTradePreventionMode.DECREMENT


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "field,value", [("symbol", ""), ("list_client_order_id", "a b"), ("self_trade_prevention_mode", "MAYBE")]
)
def test_a_wrong_value_of_a_list_is_refused_by_name(kind: Any, field: str, value: str) -> None:
    assert refused(field, lambda: order(kind, **{field: value})).value == value


QUANTITIES = [
    *((kind, "quantity") for kind in (OcoOrder, LegacyOcoOrder)),
    *((kind, "working_quantity") for kind in (OtoOrder, OtocoOrder, OpoOrder, OpocoOrder)),
    *((kind, "pending_quantity") for kind in (OtoOrder, OtocoOrder)),
]


@pytest.mark.parametrize("kind,field", QUANTITIES)
def test_a_quantity_is_exact_and_positive(kind: Any, field: str) -> None:
    refused(field, lambda: order(kind, **{field: "0"}))
    with pytest.raises(TypeError, match=f"^{field}=0.5.*Decimal"):
        order(kind, **{field: 0.5})
    assert str(getattr(order(kind, **{field: "1.500"}), field)) == "1.500"


@pytest.mark.parametrize(
    "kind,field",
    [
        *((kind, "side") for kind in (OcoOrder, LegacyOcoOrder)),
        *((kind, field) for kind in (OtoOrder, OtocoOrder) for field in ("working_side", "pending_side")),
    ],
)
def test_a_side_is_one_of_two(kind: Any, field: str) -> None:
    refused(field, lambda: order(kind, **{field: "BUX"}))
    assert order(OtoOrder, pending_side="BUY").pending_side is BUY


# ------------------------------------------------------------------------------------------------------------ legs


@pytest.mark.parametrize("kind,place", SEATS)
def test_a_whole_order_is_no_leg(kind: Any, place: str) -> None:
    with pytest.raises(TypeError, match=f"^{place}: expected one of .*Leg, not LimitOrder"):
        order(kind, **{place: LimitOrder("A", BUY, quantity=1, price=2)})


LEGS: dict[OrderType, Any] = {
    OrderType.LIMIT: LimitLeg(price=60000),
    OrderType.LIMIT_MAKER: LimitMakerLeg(price=60000),
    OrderType.MARKET: MarketLeg(),
    OrderType.STOP_LOSS: StopLossLeg(stop_price=60000),
    OrderType.STOP_LOSS_LIMIT: StopLossLimitLeg(stop_price=60000, price=60000),
    OrderType.TAKE_PROFIT: TakeProfitLeg(stop_price=60000),
    OrderType.TAKE_PROFIT_LIMIT: TakeProfitLimitLeg(stop_price=60000, price=60000),
}
TAKEN: dict[str, set[Any]] = {
    "working": {"LIMIT", "LIMIT_MAKER"},
    "pending": set(OrderType),
    "above": set(OrderType) - {"LIMIT", "MARKET"},
    "below": set(OrderType) - {"LIMIT", "MARKET"},
    "limit": {"LIMIT_MAKER"},
    "stop": {"STOP_LOSS", "STOP_LOSS_LIMIT"},
}


def test_a_leg_is_of_its_type() -> None:
    assert {type_: leg.type for type_, leg in LEGS.items()} == {type_: type_ for type_ in OrderType}


@pytest.mark.parametrize("kind,place", SEATS)
def test_a_leg_of_a_type_that_does_not_stand_there_is_refused_by_its_place(kind: Any, place: str) -> None:
    # -1158 "Order type not supported in OCO."; working orders are LIMIT or LIMIT_MAKER
    for type_, leg in LEGS.items():
        if type_ not in TAKEN[place]:
            assert refused(place, lambda leg=leg: order(kind, **{place: leg})).value is leg  # type: ignore[misc]


@pytest.mark.parametrize("type_", OrderType)
def test_a_pending_order_is_of_any_type(type_: OrderType) -> None:
    assert order(OtoOrder, pending=LEGS[type_]).pending.type is type_
    assert order(OpoOrder, pending=LEGS[type_]).pending.type is type_


def test_no_list_takes_a_market_order_by_its_amount() -> None:
    with pytest.raises(TypeError, match="quote_order_qty"):
        MarketLeg(quote_order_qty=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "field,build",
    [
        ("price", lambda: LimitLeg()),
        ("price", lambda: LimitMakerLeg(price=-1)),
        ("time_in_force", lambda: LimitLeg(price=1, iceberg_qty=1, time_in_force="IOC")),
        ("time_in_force", lambda: LimitLeg(peg_price_type="PRIMARY_PEG", time_in_force="IOC")),
        ("peg_price_type", lambda: LimitMakerLeg(peg_price_type="MARKET_PEG")),
        ("client_order_id", lambda: MarketLeg(client_order_id="a b")),
        ("strategy_type", lambda: MarketLeg(strategy_type=1)),
        ("stop_price", lambda: StopLossLeg()),
        ("trailing_delta", lambda: TakeProfitLeg(trailing_delta=0)),
        ("price", lambda: StopLossLimitLeg(stop_price=1)),
        ("stop_price", lambda: TakeProfitLimitLeg(price=1)),
        # -1160: an iceberg of a list is GTC
        ("time_in_force", lambda: StopLossLimitLeg(stop_price=1, price=1, iceberg_qty=1, time_in_force="FOK")),
    ],
)
def test_a_leg_cannot_be_built_wrong_either(field: str, build: Callable[[], object]) -> None:
    refused(field, build)


@pytest.mark.parametrize("kind,place", [(kind, place) for kind, place in SEATS if kind.seats[place].quantity])
def test_a_leg_shows_no_more_of_it_than_its_quantity(kind: Any, place: str) -> None:
    leg: Any = LOSS if place in ("below", "stop") else GAIN if place in ("above", "limit") else LimitLeg(price=60000)
    quantity = {leg.place: leg.quantity for leg in order(kind).legs}[place]
    order(kind, **{place: attrs.evolve(leg, iceberg_qty=quantity)})
    too_much = quantity + Decimal("0.001")
    value = refused(f"{place}.iceberg_qty", lambda: order(kind, **{place: attrs.evolve(leg, iceberg_qty=too_much)}))
    assert value.value == too_much


def test_an_iceberg_of_a_quantity_that_is_not_known_is_left_to_the_exchange() -> None:
    assert order(OpoOrder, pending=LimitLeg(price=1, iceberg_qty=10**6)).pending.iceberg_qty == 10**6


@pytest.mark.parametrize("kind", KINDS)
def test_two_legs_of_a_list_have_two_client_ids(kind: Any) -> None:
    first, *_, last = kind.seats
    name = getattr(order(kind), first).client_order_id
    twin = attrs.evolve(getattr(order(kind), last), client_order_id=name)
    assert refused(f"{last}.client_order_id", lambda: order(kind, **{last: twin})).value == name
    assert order(kind, list_client_order_id=name).list_client_order_id == name


# ----------------------------------------------------------------------------------------------------------- pairs

PROFITS = [
    LimitMakerLeg(price=70000),
    TakeProfitLeg(stop_price=70000),
    TakeProfitLimitLeg(stop_price=71000, price=70000),
]
STOPS = [StopLossLeg(stop_price=60000), StopLossLimitLeg(stop_price=60000, price=80000)]


@pytest.mark.parametrize("profit", PROFITS)
@pytest.mark.parametrize("stop", STOPS)
def test_the_stop_loss_of_a_sell_stands_below(profit: Any, stop: Any) -> None:
    assert oco(SELL, profit, stop).below is stop
    # -1197 for the stop loss, -1166 for the limit, -1199 for the take profit
    assert refused("above", lambda: oco(SELL, stop, profit)).value is stop


@pytest.mark.parametrize("profit", PROFITS)
@pytest.mark.parametrize("stop", STOPS)
def test_the_stop_loss_of_a_buy_stands_above(profit: Any, stop: Any) -> None:
    stop = attrs.evolve(stop, stop_price=80000)
    assert oco(BUY, stop, profit).above is stop
    # -1196 for the stop loss, -1165 for the limit, -1198 for the take profit
    assert refused("below", lambda: oco(BUY, profit, stop)).value is stop


@pytest.mark.parametrize("kind", [OcoOrder, OtocoOrder, OpocoOrder])
@pytest.mark.parametrize("role", [PROFITS, STOPS])
def test_one_of_a_pair_takes_the_profit_and_the_other_stops_the_loss(kind: Any, role: list[Any]) -> None:
    # -1168 "At least one OCO order must be contingent." for two limits
    for first in role:
        for second in role:
            refused("below", lambda one=first, two=second: order(kind, above=one, below=two))  # type: ignore[misc]


@pytest.mark.parametrize("profit", PROFITS)
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("distance", [0, 1])
def test_between_the_prices_of_a_pair_there_is_room_for_the_market(profit: Any, stop: Any, distance: int) -> None:
    field = "stop_price" if isinstance(profit, TakeProfitLeg) else "price"
    crossed = attrs.evolve(stop, stop_price=70000 + distance)
    for kind in (OcoOrder, OtocoOrder, OpocoOrder):
        error = refused(f"above.{field}", lambda kind=kind: order(kind, above=profit, below=crossed))  # type: ignore[misc]
        assert error.value == 70000
        assert f"the stop price of the stop loss, {70000 + distance}" in error.reason
    crossed = attrs.evolve(stop, stop_price=70000 - distance)
    refused(f"below.{field}", lambda: oco(BUY, crossed, profit))


def test_the_deprecated_oco_has_its_prices_in_order_too() -> None:
    dear, cheap = StopLossLeg(stop_price=70000), LimitMakerLeg(price=50000)
    refused("limit.price", lambda: order(LegacyOcoOrder, stop=dear))
    refused("limit.price", lambda: order(LegacyOcoOrder, limit=cheap))
    assert order(LegacyOcoOrder, side=BUY, limit=cheap).stop is LOSS


@pytest.mark.parametrize(
    "above,below",
    [
        (LimitMakerLeg(price=1, peg_price_type="PRIMARY_PEG"), StopLossLeg(stop_price=2)),
        (LimitMakerLeg(peg_price_type="PRIMARY_PEG"), StopLossLeg(stop_price=2)),
        (TakeProfitLimitLeg(stop_price=1, price=1, peg_price_type="MARKET_PEG"), StopLossLeg(stop_price=2)),
        (TakeProfitLeg(trailing_delta=5), StopLossLeg(stop_price=2)),
        (LimitMakerLeg(price=1), StopLossLeg(trailing_delta=5)),
    ],
)
def test_prices_that_only_the_market_tells_are_left_to_the_exchange(above: Any, below: Any) -> None:
    assert oco(SELL, above, below).above is above


def test_which_pending_leg_stands_above_is_left_to_the_exchange() -> None:
    # in the documents' example of an OTOCO a stop loss stands above a SELL
    upside_down = order(OtocoOrder, above=StopLossLeg(stop_price="0.5"), below=LimitMakerLeg(price=5))
    assert [leg.leg.type for leg in upside_down.legs] == ["LIMIT", "STOP_LOSS", "LIMIT_MAKER"]


@pytest.mark.parametrize("place", ["limit", "stop"])
def test_the_deprecated_oco_has_no_pegs(place: str) -> None:
    pegged = attrs.evolve(GAIN if place == "limit" else LOSS, peg_price_type="PRIMARY_PEG")
    refused(f"{place}.peg_price_type", lambda: order(LegacyOcoOrder, **{place: pegged}))


def test_the_deprecated_oco_takes_a_trailing_stop_without_a_limit() -> None:
    assert order(LegacyOcoOrder, stop=StopLossLeg(trailing_delta=100)).stop.stop_price is None


# ------------------------------------------------------------------------------------------------------ OPO, OPOCO


@pytest.mark.parametrize("kind", [OpoOrder, OpocoOrder])
@pytest.mark.parametrize("field", ["working_side", "pending_side", "pending_quantity"])
def test_what_is_no_choice_of_an_order_that_pays_for_another_has_no_field(kind: Any, field: str) -> None:
    # -1222 "Working order in an OPO list must be a bid.", -1223 "Pending orders in an OPO list must be asks."
    assert (order(kind).working_side, order(kind).pending_side) == (BUY, SELL)
    with pytest.raises(TypeError, match=field):
        order(kind, **{field: 1})
