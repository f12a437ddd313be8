"""Requests become the parameters of the documents, and parameters become requests again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import requests as made
from trio_binance._codec import params
from trio_binance._codec.params import (
    list_from_params,
    list_params,
    order_from_params,
    order_params,
    sor_params,
    with_client_ids,
)
from trio_binance._protocol.catalogue import orderlists, trading
from trio_binance._pure.decimals import to_text
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LegacyOcoOrder,
    LimitLeg,
    LimitMakerLeg,
    LimitMakerOrder,
    LimitOrder,
    MarketLeg,
    MarketOrder,
    OcoOrder,
    OpocoOrder,
    OrderListRequest,
    OrderRequest,
    OtoOrder,
    Side,
    StopLossLimitLeg,
    StopLossOrder,
    TakeProfitLimitLeg,
)

PATHS = {kind: path for path, (kind, _) in params._LISTS.items()}
PLACES_LIST = (
    *(orderlists.PLACE_OCO, orderlists.PLACE_OTO, orderlists.PLACE_OTOCO),
    *(orderlists.PLACE_OPO, orderlists.PLACE_OPOCO, orderlists.PLACE_LEGACY_OCO),
)
MAKER = LimitMakerLeg(price="70000", client_order_id="gain")
STOP = StopLossLimitLeg(stop_price="55000", price="54900", client_order_id="loss")
WORKING = LimitLeg(price="60000", client_order_id="first")


def text(value: str | int | Decimal) -> str:
    return value if isinstance(value, str) else to_text(value)


# ------------------------------------------------------------------------------------------------------- one order


def test_the_parameters_of_a_limit_order_stand_in_the_order_of_the_documents() -> None:
    order = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.01"), price=Decimal(61000))
    assert list(order_params(order).items()) == [
        ("symbol", "BTCUSDT"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", Decimal("0.01")),
        ("price", Decimal(61000)),
    ]


def test_every_parameter_of_an_order_has_its_name() -> None:
    order = LimitMakerOrder(
        "A",
        "SELL",
        quantity=Decimal("1.50"),
        price=Decimal("1E-8"),
        iceberg_qty=Decimal("1.50"),
        client_order_id="id-1",
        strategy_id=0,
        strategy_type=1_000_000,
        self_trade_prevention_mode="NONE",
        peg_price_type="PRIMARY_PEG",
        peg_offset_type="PRICE_LEVEL",
        peg_offset_value=3,
    )
    assert order_params(order) == {
        "symbol": "A",
        "side": "SELL",
        "type": "LIMIT_MAKER",
        "quantity": Decimal("1.50"),
        "price": Decimal("0.00000001"),
        "newClientOrderId": "id-1",
        "strategyId": 0,
        "strategyType": 1_000_000,
        "icebergQty": Decimal("1.50"),
        "selfTradePreventionMode": "NONE",
        "pegPriceType": "PRIMARY_PEG",
        "pegOffsetValue": 3,
        "pegOffsetType": "PRICE_LEVEL",
    }
    stop = StopLossOrder("A", "SELL", quantity=1, stop_price="2.0", trailing_delta=100)
    assert list(order_params(stop))[-2:] == ["stopPrice", "trailingDelta"]


@given(made.orders | made.order_lists)
def test_words_are_plain_texts_and_numbers_keep_their_scale(request_: OrderRequest | OrderListRequest) -> None:
    found = order_params(request_) if isinstance(request_, OrderRequest) else list_params(request_)
    assert {type(value) for value in found.values()} <= {str, int, Decimal}


def test_a_market_order_sends_one_quantity() -> None:
    assert list(order_params(MarketOrder("A", Side.BUY, quote_order_qty=Decimal("10.50")))) == [
        "symbol",
        "side",
        "type",
        "quoteOrderQty",
    ]


# --------------------------------------------------------------------------------------------- smart order routing


@pytest.mark.parametrize(
    "order", [LimitOrder("A", "BUY", quantity=1, price=2, iceberg_qty=1), MarketOrder("A", "SELL", quantity=1)]
)
def test_limit_and_market_orders_go_by_smart_routing_as_they_are(order: OrderRequest) -> None:
    assert sor_params(order) == order_params(order)


@pytest.mark.parametrize(
    "field,order",
    [
        ("type", LimitMakerOrder("A", "BUY", quantity=1, price=2)),
        ("type", StopLossOrder("A", "BUY", quantity=1, stop_price=2)),
        ("quote_order_qty", MarketOrder("A", "BUY", quote_order_qty=1)),
        ("peg_price_type", LimitOrder("A", "BUY", quantity=1, peg_price_type="PRIMARY_PEG")),
    ],
)
def test_what_smart_routing_does_not_take_is_refused_by_name(field: str, order: OrderRequest) -> None:
    with pytest.raises(InvalidArgument) as caught:
        sor_params(order)
    assert caught.value.field == field


# ----------------------------------------------------------------------------------------------------- order lists


def test_the_parameters_of_an_oco_stand_in_the_order_of_the_documents() -> None:
    order = OcoOrder(
        "BTCUSDT",
        Side.BUY,
        quantity="0.010",
        above=StopLossLimitLeg(stop_price="1.50", price="1.6", iceberg_qty="0.001", trailing_delta=7),
        below=TakeProfitLimitLeg(stop_price="1.4", price="1.3", time_in_force="IOC", strategy_id=1),
        list_client_order_id="list",
        self_trade_prevention_mode="DECREMENT",
    )
    assert list(list_params(order).items()) == [
        ("symbol", "BTCUSDT"),
        ("listClientOrderId", "list"),
        ("side", "BUY"),
        ("quantity", Decimal("0.010")),
        ("aboveType", "STOP_LOSS_LIMIT"),
        ("aboveIcebergQty", Decimal("0.001")),
        ("abovePrice", Decimal("1.6")),
        ("aboveStopPrice", Decimal("1.50")),
        ("aboveTrailingDelta", 7),
        ("aboveTimeInForce", "GTC"),
        ("belowType", "TAKE_PROFIT_LIMIT"),
        ("belowPrice", Decimal("1.3")),
        ("belowStopPrice", Decimal("1.4")),
        ("belowTimeInForce", "IOC"),
        ("belowStrategyId", 1),
        ("selfTradePreventionMode", "DECREMENT"),
    ]


def test_an_oto_tells_side_and_quantity_of_both_orders() -> None:
    order = OtoOrder(
        "A",
        working_side="BUY",
        working_quantity="1.0",
        working=LimitLeg(peg_price_type="PRIMARY_PEG"),
        pending_side="SELL",
        pending_quantity=2,
        pending=MarketLeg(client_order_id="p"),
    )
    assert list(list_params(order).items()) == [
        ("symbol", "A"),
        ("workingType", "LIMIT"),
        ("workingSide", "BUY"),
        ("workingQuantity", Decimal("1.0")),
        ("workingTimeInForce", "GTC"),
        ("workingPegPriceType", "PRIMARY_PEG"),
        ("pendingType", "MARKET"),
        ("pendingSide", "SELL"),
        ("pendingClientOrderId", "p"),
        ("pendingQuantity", Decimal(2)),
    ]


def test_an_opoco_sends_its_sides_and_no_pending_quantity() -> None:
    order = OpocoOrder("A", working_quantity=1, working=LimitMakerLeg(price=5), above=MAKER, below=STOP)
    assert list(list_params(order).items()) == [
        ("symbol", "A"),
        ("workingType", "LIMIT_MAKER"),
        ("workingSide", "BUY"),
        ("workingPrice", Decimal(5)),
        ("workingQuantity", Decimal(1)),
        ("pendingSide", "SELL"),
        ("pendingAboveType", "LIMIT_MAKER"),
        ("pendingAboveClientOrderId", "gain"),
        ("pendingAbovePrice", Decimal(70000)),
        ("pendingBelowType", "STOP_LOSS_LIMIT"),
        ("pendingBelowClientOrderId", "loss"),
        ("pendingBelowPrice", Decimal(54900)),
        ("pendingBelowStopPrice", Decimal(55000)),
        ("pendingBelowTimeInForce", "GTC"),
    ]


def test_the_deprecated_oco_names_no_types() -> None:
    order = LegacyOcoOrder("A", "SELL", quantity=1, limit=MAKER, stop=STOP)
    assert list(list_params(order).items()) == [
        ("symbol", "A"),
        ("side", "SELL"),
        ("quantity", Decimal(1)),
        ("limitClientOrderId", "gain"),
        ("price", Decimal(70000)),
        ("stopClientOrderId", "loss"),
        ("stopPrice", Decimal(55000)),
        ("stopLimitPrice", Decimal(54900)),
        ("stopLimitTimeInForce", "GTC"),
    ]


# --------------------------------------------------------------------------------------------------- the catalogue


@given(made.orders)
def test_the_catalogue_takes_every_order(order: OrderRequest) -> None:
    trading.PLACE.check(order_params(order))
    trading.TEST.check(order_params(order))
    trading.CANCEL_REPLACE.check({**order_params(order), "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 1})


@given(made.orders_of(LimitOrder).filter(lambda order: order.peg_price_type is None))
def test_the_catalogue_takes_every_order_by_smart_routing(order: LimitOrder) -> None:
    trading.PLACE_SOR.check(sor_params(order))
    trading.TEST_SOR.check(sor_params(order))


@given(made.order_lists)
def test_the_catalogue_takes_every_list(order: OrderListRequest) -> None:
    {row.path: row for row in PLACES_LIST}[PATHS[type(order)]].check(list_params(order))


# ----------------------------------------------------------------------------------------------------------- back


@pytest.mark.parametrize("kind", get_args(OrderRequest))
@given(data=st.data())
def test_an_order_comes_back_from_its_parameters(kind: Any, data: st.DataObject) -> None:
    order = data.draw(made.orders_of(kind))
    written = order_params(order)
    assert order_from_params(written) == order
    assert order_params(order_from_params({name: text(value) for name, value in written.items()})) == written


@pytest.mark.parametrize("kind", get_args(OrderListRequest))
@given(data=st.data())
def test_an_order_list_comes_back_from_its_parameters(kind: Any, data: st.DataObject) -> None:
    order = data.draw(made.lists_of(kind))
    written = list_params(order)
    assert list_from_params(PATHS[kind], written) == order
    again = list_from_params(PATHS[kind], {name: text(value) for name, value in written.items()})
    assert again == order
    assert list(map(text, list_params(again).values())) == list(map(text, written.values()))


def test_what_belongs_to_the_call_is_no_part_of_the_order() -> None:
    order = MarketOrder("A", "BUY", quantity=1)
    beside = {"newOrderRespType": "FULL", "timestamp": 1, "recvWindow": 5000, "apiKey": "k", "signature": "s"}
    assert order_from_params({**order_params(order), **beside, "price": None}) == order


ORDER = {"symbol": "A", "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "2"}
OPO = {"symbol": "A", "workingType": "LIMIT", "workingPrice": 1, "workingQuantity": 1, "pendingType": "MARKET"}


@pytest.mark.parametrize(
    "field,build",
    [
        ("type", lambda: order_from_params({})),
        ("type", lambda: order_from_params({**ORDER, "type": "ICEBERG"})),
        ("symbol", lambda: order_from_params({**ORDER, "symbol": None})),
        ("side", lambda: order_from_params({**ORDER, "side": None})),
        ("quantity", lambda: order_from_params({**ORDER, "quantity": None})),
        ("price", lambda: order_from_params({**ORDER, "price": None})),
        ("cancelReplaceMode", lambda: order_from_params({**ORDER, "cancelReplaceMode": "ALLOW_FAILURE"})),
        ("stop_price", lambda: order_from_params({**ORDER, "stopPrice": "1"})),
        ("operation_path", lambda: list_from_params("/api/v3/order", ORDER)),
        ("working.type", lambda: list_from_params("/api/v3/orderList/opo", {**OPO, "workingType": "MARKET"})),
        ("pending.type", lambda: list_from_params("/api/v3/orderList/opo", {**OPO, "pendingType": None})),
        ("workingStopPrice", lambda: order_list(workingStopPrice=1)),
        ("working.price", lambda: order_list(workingPrice=0)),
        ("pending.price", lambda: order_list(pendingPrice=1)),
        ("working_side", lambda: order_list(workingSide="SELL")),
        ("pending_side", lambda: order_list(pendingSide="BUY")),
        ("pending_quantity", lambda: order_list(pendingQuantity=1)),
        ("working_quantity", lambda: order_list(workingQuantity=None)),
    ],
)
def test_parameters_that_make_no_request_are_refused_by_name(field: str, build: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        build()
    assert caught.value.field == field


def order_list(**changes: object) -> object:
    return list_from_params("/api/v3/orderList/opo", {**OPO, **changes})


# ------------------------------------------------------------------------------------------------------ client ids


def test_an_order_without_a_client_id_is_given_one() -> None:
    numbers = count(1)
    order = with_client_ids(MarketOrder("A", "BUY", quantity=1), lambda: f"id-{next(numbers)}")
    assert order == MarketOrder("A", "BUY", quantity=1, client_order_id="id-1")
    assert with_client_ids(order, lambda: f"id-{next(numbers)}") is order


@given(made.order_lists)
def test_a_list_is_given_every_id_that_it_lacks_and_keeps_those_it_has(order: OrderListRequest) -> None:
    numbers = count(1)
    named = with_client_ids(order, lambda: f"new.{next(numbers)}".replace(".", "-" * 30))
    before = [order.list_client_order_id, *(leg.client_order_id for _, leg, *_ in order.legs)]
    after = [named.list_client_order_id, *(leg.client_order_id for _, leg, *_ in named.legs)]
    assert None not in after
    assert [old or new for old, new in zip(before, after, strict=True)] == after
    assert before.count(None) == next(numbers) - 1
    assert type(named) is type(order)
