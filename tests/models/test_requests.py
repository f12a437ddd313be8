"""Requests for orders cannot be built wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LimitMakerOrder,
    LimitOrder,
    MarketOrder,
    NewOrderRespType,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
)


def limit(**changes: Any) -> LimitOrder:
    return LimitOrder("BTCUSDT", Side.BUY, **{"quantity": Decimal("0.01"), "price": Decimal(61000), **changes})


def market(**given: Any) -> MarketOrder:
    return MarketOrder("BTCUSDT", Side.SELL, **given)


def test_a_limit_order_is_good_till_cancelled() -> None:
    order = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.01"), price=Decimal(61000))
    assert order.time_in_force is TimeInForce.GTC
    assert order.type is OrderType.LIMIT
    assert (order.symbol, order.side) == ("BTCUSDT", Side.BUY)


def test_the_rest_is_by_keyword() -> None:
    with pytest.raises(TypeError):
        LimitOrder("BTCUSDT", Side.BUY, Decimal("0.01"))  # type: ignore[call-arg, arg-type]


def test_an_order_is_a_frozen_value() -> None:
    assert limit() == limit()
    assert hash(limit()) == hash(limit())
    assert pickle.loads(pickle.dumps(limit())) == limit()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        limit().price = Decimal(1)  # type: ignore[misc]


def test_a_copy_is_checked_again() -> None:
    with pytest.raises(InvalidArgument):
        attrs.evolve(limit(), price=Decimal(-1))


def test_words_may_be_given_as_text() -> None:
    order = LimitOrder("A", "SELL", quantity="1.50", price=2, time_in_force="IOC")
    assert order.side is Side.SELL
    assert order.time_in_force is TimeInForce.IOC
    assert str(order.quantity) == "1.50"
    assert order.price == Decimal(2)


def test_every_optional_field_can_be_given() -> None:
    order = limit(
        client_order_id="a-B_9",
        strategy_id=1,
        strategy_type=1_000_000,
        new_order_resp_type="ACK",
        self_trade_prevention_mode="DECREMENT",
        iceberg_qty=Decimal("0.01"),
        price=None,
        peg_price_type="PRIMARY_PEG",
        peg_offset_type="PRICE_LEVEL",
        peg_offset_value=100,
    )
    assert order.new_order_resp_type is NewOrderRespType.ACK
    assert order.self_trade_prevention_mode is SelfTradePreventionMode.DECREMENT
    assert order.peg_price_type is PegPriceType.PRIMARY_PEG
    assert order.peg_offset_type is PegOffsetType.PRICE_LEVEL


@pytest.mark.parametrize("field", ["quantity", "price", "iceberg_qty"])
@pytest.mark.parametrize("value", [0.1, True, 1j, b"1", [1]])
def test_a_float_or_another_type_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{field}="):
        limit(**{field: value})


@pytest.mark.parametrize("field", ["quantity", "quote_order_qty"])
def test_a_float_is_refused_in_a_market_order(field: str) -> None:
    with pytest.raises(TypeError, match=f"^{field}=0.5.*Decimal"):
        market(**{field: 0.5})


BAD_NUMBERS = [0, -1, "0", "-1", "", "1e5", "NaN", " 1", "1_0", "１", ".5", Decimal("NaN"), Decimal("sNaN")]
BAD_NUMBERS += [Decimal("Infinity"), Decimal("1E+99"), Decimal("1E-99"), "1" * 50]


@pytest.mark.parametrize("field", ["quantity", "price", "iceberg_qty"])
@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_a_number_that_cannot_be_sent_is_refused_with_field_and_value(field: str, value: object) -> None:
    with pytest.raises(InvalidArgument, match=f"^{field}=") as caught:
        limit(**{field: value})
    assert caught.value.field == field
    assert caught.value.value is value


@pytest.mark.parametrize(
    "field,value",
    [
        ("side", "BUX"),
        ("time_in_force", "GTX"),
        ("new_order_resp_type", "SOME"),
        ("self_trade_prevention_mode", "MAYBE"),
        ("peg_price_type", "PRIMARY"),
        ("peg_offset_type", "TICKS"),
        ("symbol", ""),
        ("symbol", "BTC USDT"),
        ("symbol", "BTC\n"),
        ("client_order_id", ""),
        ("client_order_id", "x" * 37),
        ("client_order_id", "ü"),
        ("client_order_id", "a.b"),
        ("strategy_id", -1),
        ("strategy_type", 999_999),
        ("iceberg_qty", Decimal("0.02")),
        ("price", None),
    ],
)
def test_a_wrong_value_is_refused_with_field_and_value(field: str, value: object) -> None:
    names = {"symbol": "BTCUSDT", "side": Side.BUY, "quantity": Decimal("0.01"), "price": Decimal(1), field: value}
    with pytest.raises(InvalidArgument) as caught:
        LimitOrder(**names)  # type: ignore[arg-type]
    assert (caught.value.field, caught.value.value) == (field, value)


@pytest.mark.parametrize(
    "field,value",
    [("side", 1), ("symbol", None), ("client_order_id", 5), ("strategy_id", "1"), ("strategy_id", True)],
)
def test_a_wrong_type_is_refused_by_name(field: str, value: object) -> None:
    names = {"symbol": "BTCUSDT", "side": Side.BUY, "quantity": Decimal("0.01"), "price": Decimal(1), field: value}
    with pytest.raises(TypeError, match=f"^{field}="):
        LimitOrder(**names)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "field,build",
    [
        ("peg_offset_value", lambda: limit(peg_price_type="PRIMARY_PEG", peg_offset_type="PRICE_LEVEL")),
        ("peg_offset_type", lambda: limit(peg_price_type="PRIMARY_PEG", peg_offset_value=1)),
        ("peg_price_type", lambda: limit(peg_offset_type="PRICE_LEVEL", peg_offset_value=1)),
        (
            "peg_offset_value",
            lambda: limit(peg_price_type="PRIMARY_PEG", peg_offset_type="PRICE_LEVEL", peg_offset_value=101),
        ),
        ("time_in_force", lambda: limit(peg_price_type="PRIMARY_PEG", time_in_force=TimeInForce.IOC)),
        ("time_in_force", lambda: limit(iceberg_qty="0.001", time_in_force=TimeInForce.FOK)),
        (
            "peg_price_type",
            lambda: LimitMakerOrder("A", Side.BUY, quantity=Decimal(1), peg_price_type=PegPriceType.MARKET_PEG),
        ),
        ("quantity", lambda: market()),
        ("quote_order_qty", lambda: market(quantity="1", quote_order_qty="1")),
    ],
)
def test_fields_that_do_not_go_together_are_refused(field: str, build: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        build()
    assert caught.value.field == field


def test_fields_that_go_together_are_accepted() -> None:
    assert limit(time_in_force=TimeInForce.IOC).iceberg_qty is None
    assert limit(peg_price_type=PegPriceType.MARKET_PEG, time_in_force=TimeInForce.IOC).price == 61000
    maker = LimitMakerOrder("A", Side.BUY, quantity=Decimal(1), peg_price_type=PegPriceType.PRIMARY_PEG)
    assert maker.type is OrderType.LIMIT_MAKER
    assert market(quantity=1).type is OrderType.MARKET
    assert market(quote_order_qty=Decimal("10.5")).quantity is None


def test_a_symbol_may_be_written_in_any_script() -> None:
    assert LimitOrder("币安人生USDT", Side.BUY, quantity=1, price=1).symbol == "币安人生USDT"


@given(st.decimals(min_value=Decimal("1E-12"), max_value=10**12, places=12))
def test_numbers_are_kept_with_their_scale(number: Decimal) -> None:
    assert str(limit(price=number).price) == str(number)
