"""Requests for one order cannot be built wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import requests as made
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LimitMakerOrder,
    LimitOrder,
    MarketOrder,
    OrderRequest,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    StopLossLimitOrder,
    StopLossOrder,
    TakeProfitLimitOrder,
    TakeProfitOrder,
    TimeInForce,
)

KINDS: tuple[Any, ...] = get_args(OrderRequest)
PRICED = [LimitOrder, LimitMakerOrder, StopLossLimitOrder, TakeProfitLimitOrder]
TIMED = [LimitOrder, StopLossLimitOrder, TakeProfitLimitOrder]
WAITING = [StopLossOrder, StopLossLimitOrder, TakeProfitOrder, TakeProfitLimitOrder]


def order(kind: Any, **changes: Any) -> Any:
    """Return an order of this kind; what is not said is as plain as can be."""
    fields = {"quantity": Decimal("0.01")}
    if kind in PRICED:
        fields["price"] = Decimal(61000)
    if kind in WAITING:
        fields["stop_price"] = Decimal(60000)
    return kind("BTCUSDT", Side.BUY, **{**fields, **changes})


def limit(**changes: Any) -> LimitOrder:
    made_: LimitOrder = order(LimitOrder, **changes)
    return made_


def market(**fields: Any) -> MarketOrder:
    return MarketOrder("BTCUSDT", Side.SELL, **fields)


def refused(field: str, build: Callable[[], object]) -> InvalidArgument:
    with pytest.raises(InvalidArgument, match=f"^{field}=") as caught:
        build()
    assert caught.value.field == field
    return caught.value


# ----------------------------------------------------------------------------------------------------- all of them


def test_a_limit_order_is_good_till_cancelled() -> None:
    plain = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.01"), price=Decimal(61000))
    assert plain.time_in_force is TimeInForce.GTC
    assert plain.type is OrderType.LIMIT
    assert (plain.symbol, plain.side) == ("BTCUSDT", Side.BUY)


def test_each_kind_is_one_type_and_adds_one_unfilled_order() -> None:
    assert {kind.type for kind in KINDS} == set(OrderType)
    assert {kind.orders for kind in KINDS} == {1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_is_by_keyword(kind: Any) -> None:
    with pytest.raises(TypeError):
        kind("BTCUSDT", Side.BUY, Decimal("0.01"))


@given(made.orders)
def test_an_order_is_a_frozen_value(request_: OrderRequest) -> None:
    assert pickle.loads(pickle.dumps(request_)) == request_
    assert hash(attrs.evolve(request_)) == hash(request_)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        request_.symbol = "B"  # type: ignore[misc]


def test_orders_of_two_kinds_are_never_equal() -> None:
    assert order(StopLossOrder) != order(TakeProfitOrder)


def test_an_order_is_shown_as_it_is_typed_by_what_is_given() -> None:
    assert repr(order(LimitMakerOrder, client_order_id="mine")) == (
        "LimitMakerOrder('BTCUSDT', Side.BUY, quantity=Decimal('0.01'), client_order_id='mine', price=Decimal('61000'))"
    )


def test_a_copy_is_checked_again() -> None:
    refused("price", lambda: attrs.evolve(limit(), price=Decimal(-1)))


def test_words_may_be_given_as_text_and_numbers_as_text_or_int() -> None:
    plain = LimitOrder("A", "SELL", quantity="1.50", price=2, time_in_force="IOC")
    assert plain.side is Side.SELL
    assert plain.time_in_force is TimeInForce.IOC
    assert str(plain.quantity) == "1.50"
    assert plain.price == Decimal(2)


@given(st.decimals(min_value=Decimal("1E-12"), max_value=10**12, places=12))
def test_numbers_are_kept_with_their_scale(number: Decimal) -> None:
    assert str(limit(price=number).price) == str(number)


def test_every_optional_field_can_be_given() -> None:
    full = order(
        StopLossLimitOrder,
        client_order_id="a-B_9",
        strategy_id=1,
        strategy_type=1_000_000,
        self_trade_prevention_mode="DECREMENT",
        iceberg_qty=Decimal("0.01"),
        price=None,
        trailing_delta=250,
        peg_price_type="PRIMARY_PEG",
        peg_offset_type="PRICE_LEVEL",
        peg_offset_value=100,
    )
    assert full.self_trade_prevention_mode is SelfTradePreventionMode.DECREMENT
    assert full.peg_price_type is PegPriceType.PRIMARY_PEG
    assert full.peg_offset_type is PegOffsetType.PRICE_LEVEL
    assert full.trailing_delta == 250


def test_a_symbol_may_be_written_in_any_script() -> None:
    assert LimitOrder("币安人生USDT", Side.BUY, quantity=1, price=1).symbol == "币安人生USDT"


# --------------------------------------------------------------------------------------------------- wrong values

NUMBERS = [
    *((kind, "quantity") for kind in KINDS),
    (MarketOrder, "quote_order_qty"),
    *((kind, field) for kind in PRICED for field in ("price", "iceberg_qty")),
    *((kind, "stop_price") for kind in WAITING),
]


def with_number(kind: Any, field: str, value: object) -> Any:
    return market(quote_order_qty=value) if field == "quote_order_qty" else order(kind, **{field: value})


@pytest.mark.parametrize("kind,field", NUMBERS)
@pytest.mark.parametrize("value", [0.1, True, 1j, b"1", [1]])
def test_a_float_or_another_type_is_refused_by_name(kind: Any, field: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{field}="):
        with_number(kind, field, value)


def test_a_float_is_a_mistake_for_type_checkers_too() -> None:
    with pytest.raises(TypeError, match=r"^price=0.5.*Decimal"):
        LimitOrder("A", Side.BUY, quantity=1, price=0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^stop_price="):
        StopLossOrder("A", Side.BUY, quantity=1, stop_price=0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^quantity="):
        MarketOrder("A", Side.BUY, quantity=0.5)  # type: ignore[arg-type]


BAD_NUMBERS = [0, -1, "0", "-1", "", "1e5", "NaN", " 1", "1_0", "１", ".5", Decimal("NaN"), Decimal("sNaN")]
BAD_NUMBERS += [Decimal("Infinity"), Decimal("1E+99"), Decimal("1E-99"), "1" * 50]


@pytest.mark.parametrize("kind,field", NUMBERS)
@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_a_number_that_cannot_be_sent_is_refused_with_field_and_value(kind: Any, field: str, value: object) -> None:
    assert refused(field, lambda: with_number(kind, field, value)).value is value


WRONG = [
    *((kind, field, value) for kind in KINDS for field, value in [("symbol", ""), ("side", "BUX")]),
    *((kind, "self_trade_prevention_mode", "MAYBE") for kind in KINDS),
    *((kind, "strategy_type", 999_999) for kind in KINDS),
    *((kind, "client_order_id", "a.b") for kind in KINDS),
    *((kind, "time_in_force", "GTX") for kind in TIMED),
    *((kind, "peg_price_type", "PRIMARY") for kind in PRICED),
    *((kind, "peg_offset_type", "TICKS") for kind in PRICED),
    *((kind, "iceberg_qty", Decimal("0.02")) for kind in PRICED),
    *((kind, "trailing_delta", 0) for kind in WAITING),
    (LimitOrder, "symbol", "BTC USDT"),
    (LimitOrder, "symbol", "BTC\n"),
    (LimitOrder, "client_order_id", ""),
    (LimitOrder, "client_order_id", "x" * 37),
    (LimitOrder, "client_order_id", "ü"),
    (LimitOrder, "strategy_id", -1),
    (StopLossOrder, "trailing_delta", 2**63),
]


@pytest.mark.parametrize("kind,field,value", WRONG)
def test_a_wrong_value_is_refused_with_field_and_value(kind: Any, field: str, value: object) -> None:
    names = {"symbol": "BTCUSDT", "side": Side.BUY, field: value}
    fields = {field.name: getattr(order(kind), field.name) for field in attrs.fields(kind)}
    assert refused(field, lambda: kind(**{**fields, **names})).value == value


@pytest.mark.parametrize(
    "field,value",
    [("side", 1), ("symbol", None), ("client_order_id", 5), ("strategy_id", "1"), ("strategy_id", True)],
)
def test_a_wrong_type_is_refused_by_name(field: str, value: object) -> None:
    names = {"symbol": "BTCUSDT", "side": Side.BUY, "quantity": Decimal("0.01"), "price": Decimal(1), field: value}
    with pytest.raises(TypeError, match=f"^{field}="):
        LimitOrder(**names)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["5", 5.0, True, Decimal(5)])
def test_a_trailing_delta_is_an_int(value: object) -> None:
    with pytest.raises(TypeError, match=r"^trailing_delta="):
        order(TakeProfitOrder, trailing_delta=value)


# ------------------------------------------------------------------- what goes together, and what each type demands


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not MarketOrder])
def test_every_order_but_that_at_market_needs_its_quantity(kind: Any) -> None:
    with pytest.raises(TypeError, match="quantity"):
        kind("A", Side.BUY, price=1) if kind in PRICED else kind("A", Side.BUY, stop_price=1)


@pytest.mark.parametrize("kind", PRICED)
def test_a_limit_needs_a_price_or_a_peg(kind: Any) -> None:
    refused("price", lambda: order(kind, price=None))
    assert order(kind, price=None, peg_price_type="PRIMARY_PEG").price is None
    assert order(kind, peg_price_type="PRIMARY_PEG").price == 61000


@pytest.mark.parametrize("kind", WAITING)
def test_an_order_that_waits_needs_a_stop_price_a_trailing_delta_or_both(kind: Any) -> None:
    refused("stop_price", lambda: order(kind, stop_price=None))
    assert order(kind, stop_price=None, trailing_delta=100).stop_price is None
    assert order(kind, trailing_delta=100).stop_price == 60000


@pytest.mark.parametrize("kind", PRICED)
@pytest.mark.parametrize(
    "field,changes",
    [
        ("peg_offset_value", {"peg_price_type": "PRIMARY_PEG", "peg_offset_type": "PRICE_LEVEL"}),
        ("peg_offset_type", {"peg_price_type": "PRIMARY_PEG", "peg_offset_value": 1}),
        ("peg_price_type", {"peg_offset_type": "PRICE_LEVEL", "peg_offset_value": 1}),
        *(
            (
                "peg_offset_value",
                {"peg_price_type": "PRIMARY_PEG", "peg_offset_type": "PRICE_LEVEL", "peg_offset_value": value},
            )
            for value in (0, 101)
        ),
    ],
)
def test_an_offset_is_whole_and_within_a_hundred_levels_of_a_peg(kind: Any, field: str, changes: Any) -> None:
    refused(field, lambda: order(kind, **changes))


@pytest.mark.parametrize("kind", TIMED)
@pytest.mark.parametrize("word", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_iceberg_is_good_till_cancelled(kind: Any, word: TimeInForce) -> None:
    refused("time_in_force", lambda: order(kind, iceberg_qty="0.001", time_in_force=word))
    assert order(kind, time_in_force=word).iceberg_qty is None
    assert order(kind, iceberg_qty="0.010").iceberg_qty == Decimal("0.01")


@pytest.mark.parametrize("word", [TimeInForce.IOC, TimeInForce.FOK])
def test_a_limit_order_pegged_to_its_own_side_is_good_till_cancelled(word: TimeInForce) -> None:
    refused("time_in_force", lambda: limit(peg_price_type="PRIMARY_PEG", time_in_force=word))
    assert limit(peg_price_type="MARKET_PEG", time_in_force=word).price == 61000
    assert order(StopLossLimitOrder, peg_price_type="PRIMARY_PEG", time_in_force=word).time_in_force is word


def test_a_maker_follows_its_own_side_only() -> None:
    refused("peg_price_type", lambda: order(LimitMakerOrder, peg_price_type="MARKET_PEG"))


def test_a_market_order_is_of_one_quantity() -> None:
    refused("quantity", market)
    refused("quote_order_qty", lambda: market(quantity="1", quote_order_qty="1"))
    assert market(quantity=1).quote_order_qty is None
    assert market(quote_order_qty=Decimal("10.5")).quantity is None


@pytest.mark.parametrize(
    "kind,field",
    [
        *((kind, "stop_price") for kind in KINDS if kind not in WAITING),
        *((kind, "trailing_delta") for kind in KINDS if kind not in WAITING),
        *((kind, "price") for kind in KINDS if kind not in PRICED),
        *((kind, "iceberg_qty") for kind in KINDS if kind not in PRICED),
        *((kind, "peg_price_type") for kind in KINDS if kind not in PRICED),
        *((kind, "time_in_force") for kind in KINDS if kind not in TIMED),
        *((kind, "quote_order_qty") for kind in KINDS if kind is not MarketOrder),
    ],
)
def test_what_a_type_does_not_take_has_no_field(kind: Any, field: str) -> None:
    with pytest.raises(TypeError, match=field):
        order(kind, **{field: 1})


def test_a_symbol_is_written_in_capitals() -> None:
    for name in ("btcusdt", "BTCusdT"):
        with pytest.raises(InvalidArgument, match=f"symbol='{name}': symbols are written in capitals: BTCUSDT"):
            LimitOrder(name, "BUY", quantity=1, price=1)
    assert LimitOrder("币安USDT", Side.BUY, quantity=1, price=1).symbol == "币安USDT"


def test_a_request_and_its_refusal_show_numbers_without_an_exponent() -> None:
    order = LimitOrder("A", Side.BUY, quantity=Decimal("1E-8"), price=Decimal("1E+3"))
    shown = repr(order)
    assert "quantity=Decimal('0.00000001')" in shown
    assert "price=Decimal('1000')" in shown
    with pytest.raises(InvalidArgument, match=r"price=Decimal\('0\.00000000'\): must be greater than 0"):
        LimitOrder("A", Side.BUY, quantity=1, price=Decimal("0E-8"))
