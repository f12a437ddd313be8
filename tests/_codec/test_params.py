"""Requests become the parameters of the documents, and parameters become requests again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from pathlib import Path
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
from trio_binance._codec.rest import camel
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


# --------------------------------------------------------------------------------------- documents and recordings

PLACING = {"/api/v3/order": params._ORDER, **{path: rows for path, (_, rows) in params._LISTS.items()}}
OF_A_CALL = params._OF_THE_CALL | {
    *("cancelReplaceMode", "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId"),
    *("cancelRestrictions", "orderRateLimitExceededMode"),
}


@pytest.mark.parametrize("path", PLACING)
def test_names_and_order_are_those_of_the_documents(path: str, spec: Path) -> None:
    rows = json.loads((spec / "rest.json").read_text())["endpoints"]
    (row,) = [row for row in rows if (row["method"], row["path"]) == ("POST", path)]
    theirs = [param["name"] for param in row["params"] if param["name"] not in OF_A_CALL]
    ours = [wire for wire, _ in PLACING[path]]
    assert [name for name in ours if name in theirs] == theirs
    assert set(ours) - set(theirs) == ({"pendingQuantity"} if path.endswith(("opo", "opoco")) else set())


def test_every_endpoint_that_places_has_its_parameters_here(spec: Path) -> None:
    rows = json.loads((spec / "rest.json").read_text())["endpoints"]
    places = {row["path"] for row in rows if row["method"] == "POST" and "rder" in row["path"]}
    same = {"/api/v3/order/test", "/api/v3/order/cancelReplace", "/api/v3/sor/order", "/api/v3/sor/order/test"}
    assert places == PLACING.keys() | same


def rebuilt(path: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the request that is built of these."""
    if path.startswith("/api/v3/orderList/") or path == "/api/v3/order/oco":
        return dict(list_params(list_from_params(path, sent)))
    request_ = order_from_params(sent)
    return dict(sor_params(request_) if "/sor/" in path else order_params(request_))


def test_every_example_of_a_placement_becomes_a_request_and_the_same_parameters(spec: Path) -> None:
    methods = json.loads((spec / "ws_api.json").read_text(), parse_float=Decimal)["methods"]
    placing = [row for row in methods if row["security"] == "TRADE" and row["rest_endpoint"].startswith("POST ")]
    assert len(placing) == 11
    for row in placing:
        example = row["request_example"]["body"]["params"]
        sent = {name: value for name, value in example.items() if name not in OF_A_CALL}
        found = rebuilt(row["rest_endpoint"].removeprefix("POST "), sent)
        assert {name: text(value) for name, value in found.items()} == {name: text(v) for name, v in sent.items()}


METHODS = {
    "order_place": "/api/v3/order",
    "order_test": "/api/v3/order",
    "order_cancel_replace": "/api/v3/order",
    "sor_order_place": "/api/v3/sor/order",
    "sor_order_test": "/api/v3/sor/order",
    "order_list_place": "/api/v3/order/oco",
    "order_list_oco": "/api/v3/orderList/oco",
    "order_list_place_oto": "/api/v3/orderList/oto",
    "order_list_otoco": "/api/v3/orderList/otoco",
    "order_list_place_opo": "/api/v3/orderList/opo",
    "order_list_opoco": "/api/v3/orderList/opoco",
}
"""What the official connector's tests place, by the names of the tests."""


def connector_cases(recordings: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Return test, path and parameters, by the wire's names, of what the official connector places."""
    lines = gzip.decompress((recordings / "connector_python" / "spot.jsonl.gz").read_bytes()).splitlines()
    cases = []
    for row in map(json.loads, lines):
        name, params_ = row["test"].removeprefix("test_"), row.get("params") or {}
        if (path := METHODS.get(name.partition("_success")[0])) is not None:
            named = {camel(word): value for word, value in params_.items() if word != "id"}
            cases.append((name, path, {wire: value for wire, value in named.items() if wire not in OF_A_CALL}))
    return cases


def test_every_parameter_of_the_official_connector_has_its_place(recordings: Path) -> None:
    cases = connector_cases(recordings)
    assert {path for _, path, _ in cases} == {*METHODS.values()}
    for _, path, sent in cases:
        assert sent.keys() <= {wire for wire, _ in PLACING[path.replace("/sor/", "/")]}


# Its tests fill in every parameter at once, which no order takes, or those alone that are mandatory for every type.
STOP_LIMIT = {"type": "STOP_LOSS_LIMIT", "quoteOrderQty": None}
MENDED: dict[str, dict[str, Any]] = {
    "order_place_success": {"quantity": 1},
    "order_place_success_with_optional_params": STOP_LIMIT,
    "order_test_success": {"quoteOrderQty": 1},
    "order_test_success_with_optional_params": STOP_LIMIT,
    "order_cancel_replace_success": {"quantity": 1},
    "order_cancel_replace_success_with_optional_params": STOP_LIMIT,
    "sor_order_place_success_with_optional_params": {"type": "LIMIT"},
    "sor_order_test_success_with_optional_params": {"type": "LIMIT"},
    "order_list_place_success": {"stopPrice": 2},
    "order_list_place_success_with_optional_params": {"stopPrice": 2},
    "order_list_oco_success": {"aboveStopPrice": 2, "abovePrice": 2, "belowType": "TAKE_PROFIT", "belowStopPrice": 1}
    | {"aboveTimeInForce": "GTC"},
    "order_list_oco_success_with_optional_params": {"belowType": "TAKE_PROFIT_LIMIT"},
    "order_list_otoco_success": {"workingTimeInForce": "GTC"}
    | {"pendingAboveType": "STOP_LOSS", "pendingAboveStopPrice": 2}
    | {"pendingBelowType": "LIMIT_MAKER", "pendingBelowPrice": 1},
    "order_list_otoco_success_with_optional_params": {"pendingBelowType": "TAKE_PROFIT_LIMIT"},
    "order_list_opoco_success": {"workingTimeInForce": "GTC", "pendingSide": "SELL"}
    | {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": 2}
    | {"pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": 1},
    "order_list_opoco_success_with_optional_params": {"pendingSide": "SELL"}
    | {"pendingAboveType": "TAKE_PROFIT_LIMIT", "pendingBelowType": "STOP_LOSS_LIMIT"},
    "order_list_place_oto_success": {"workingTimeInForce": "GTC", "pendingTimeInForce": "GTC", "pendingPrice": 1},
    "order_list_place_oto_success_with_optional_params": {"pendingType": "STOP_LOSS_LIMIT"},
    "order_list_place_opo_success": {"workingTimeInForce": "GTC", "pendingTimeInForce": "GTC", "pendingPrice": 1}
    | {"pendingSide": "SELL"},
    "order_list_place_opo_success_with_optional_params": {"pendingType": "TAKE_PROFIT_LIMIT", "pendingSide": "SELL"},
}


def test_what_the_official_connector_places_is_refused_as_it_stands_and_taken_when_mended(recordings: Path) -> None:
    for name, path, sent in connector_cases(recordings):
        if name in MENDED:
            with pytest.raises(InvalidArgument):
                rebuilt(path, sent)
        mended = sent | {wire: 1_000_000 for wire in sent if wire.endswith("trategyType")} | MENDED.get(name, {})
        valid = {wire: text(value) for wire, value in mended.items() if value is not None}
        assert {wire: text(value) for wire, value in rebuilt(path, valid).items()} == valid
