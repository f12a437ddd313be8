"""The surface: every operation of the catalogue answers on both wires, in the documented shape."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trio_binance.sandbox.market import Market
from trio_binance.sandbox.operations import OPERATIONS, Operation
from trio_binance.sandbox.rules import SECOND_US
from trio_binance.sandbox.symbols import SYMBOLS

from .doors import START_US, body, hmac_signed
from .test_doors_market import RealHouse

PAIR = {"aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS_LIMIT", "belowTimeInForce": "GTC"}
WORKING = {"workingType": "LIMIT", "workingSide": "BUY", "workingQuantity": "0.01", "workingTimeInForce": "GTC"}
# What the documents list as conditional, or what their examples leave out (CONTRADICTIONS 25, 47).
CONDITIONAL = {
    "icebergQty",
    "preventedMatchId",
    "preventedQuantity",
    "preventedMatches",
    "stopPrice",
    "strategyId",
    "strategyType",
    "trailingDelta",
    "trailingTime",
    "usedSor",
    "workingFloor",
    "pegPriceType",
    "pegOffsetType",
    "pegOffsetValue",
    "peggedPrice",
    "expiryReason",
    "fills",
    "permissions",
    "specialCommissionForOrder",
    "takerPreventedQuantity",
    "makerPreventedQuantity",
    "origClientOrderId",
}


NEEDED = [symbol for symbol in SYMBOLS if symbol.name in ("BTCUSDT", "BTCUSDC", "BNBUSDT", "SOLUSDT")]


class Scene(RealHouse):
    """A house whose account has an order, a list, a prevented match and an allocation to ask for."""

    def __init__(self) -> None:
        super().__init__(Market(7, START_US, 1.0, NEEDED), weight_per_minute=10**6, orders_per_10_s=10**4)
        ask = self.real.book("BTCUSDT").asks[0][0]
        self.low, self.high = (
            str((ask * share).quantize(Decimal("0.01"))) for share in (Decimal("0.9"), Decimal("1.1"))
        )
        self.params = self.plan()
        self.order_id = self.placed(price=self.low)["orderId"]
        self.filled_id = self.placed(price=self.high)["orderId"]
        own = self.placed(side="SELL", price=self.low, selfTradePreventionMode="EXPIRE_TAKER")
        assert own["status"] in ("FILLED", "EXPIRED_IN_MATCH")
        self.sor_id = body(self.signed("POST /api/v3/sor/order", **self.params["POST /api/v3/sor/order"]))["orderId"]
        oco = body(self.signed("POST /api/v3/orderList/oco", **self.params["POST /api/v3/orderList/oco"]))
        self.list_id = oco["orderListId"]
        self.params |= self.queries()

    def placed(self, **params: Any) -> Any:
        return body(self.order(type="LIMIT", timeInForce="GTC", quantity="0.01", newOrderRespType="FULL", **params))

    def plan(self) -> dict[str, dict[str, Any]]:
        """Return parameters that every request which needs some is glad of."""
        low, high, one = self.low, self.high, {"symbol": "BTCUSDT"}
        limit = one | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": low}
        sell = one | {"side": "SELL", "quantity": "0.01"}
        stop = {"Type": "STOP_LOSS", "StopPrice": low}
        goal = {"Type": "LIMIT_MAKER", "Price": high}
        working = one | WORKING | {"workingPrice": low}
        below = {f"pendingBelow{name}": value for name, value in stop.items()}
        above = {f"pendingAbove{name}": value for name, value in goal.items()}
        commission = {"computeCommissionRates": "true"}
        pending = {"pendingType": "MARKET", "pendingSide": "SELL"}
        return {
            "GET /api/v3/depth": one,
            "GET /api/v3/trades": one,
            "GET /api/v3/historicalTrades": one,
            "GET /api/v3/historicalBlockTrades": one | {"fromId": 1},
            "GET /api/v3/aggTrades": one,
            "GET /api/v3/klines": one | {"interval": "1m"},
            "GET /api/v3/uiKlines": one | {"interval": "1m"},
            "GET /api/v3/avgPrice": one,
            "GET /api/v3/ticker/24hr": one,
            "GET /api/v3/ticker/tradingDay": one,
            "GET /api/v3/ticker/price": one,
            "GET /api/v3/ticker/bookTicker": one,
            "GET /api/v3/ticker": one,
            "GET /api/v3/referencePrice": {"symbol": "BNBUSDT"},
            "GET /api/v3/referencePrice/calculation": {"symbol": "BNBUSDT"},
            "POST /api/v3/order": limit,
            "POST /api/v3/order/test": limit | commission,
            "POST /api/v3/sor/order": limit | {"price": high},
            "POST /api/v3/sor/order/test": limit | commission,
            "POST /api/v3/order/oco": sell | {"price": high, "stopPrice": low},
            "POST /api/v3/orderList/oco": sell
            | PAIR
            | {"abovePrice": high, "belowPrice": low, "belowStopPrice": low, "newOrderRespType": "RESULT"},
            "POST /api/v3/orderList/oto": working | pending | {"pendingQuantity": "0.01"},
            "POST /api/v3/orderList/otoco": working
            | above
            | below
            | {"pendingSide": "SELL", "pendingQuantity": "0.01"},
            "POST /api/v3/orderList/opo": working | pending,
            "POST /api/v3/orderList/opoco": working | above | below | {"pendingSide": "SELL"},
            "GET /api/v3/openOrders": one,
            "GET /api/v3/allOrders": one,
            "GET /api/v3/myTrades": one,
            "GET /api/v3/myAllocations": one,
            "GET /api/v3/account/commission": one,
            "GET /api/v3/myFilters": {"symbol": "SOLUSDT"},
            "DELETE /api/v3/openOrders": one,
        }

    def queries(self) -> dict[str, dict[str, Any]]:
        """Return the parameters of requests about something that is there."""
        order = {"symbol": "BTCUSDT", "orderId": self.order_id}
        replaced = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": self.order_id}
        return {
            "GET /api/v3/order": order,
            "GET /api/v3/order/amendments": order,
            "GET /api/v3/orderList": {"orderListId": self.list_id},
            "GET /api/v3/myPreventedMatches": {"symbol": "BTCUSDT", "preventedMatchId": 0},
            "PUT /api/v3/order/amend/keepPriority": order | {"newQty": "0.005"},
            "POST /api/v3/order/cancelReplace": self.params["POST /api/v3/order"] | replaced,
            "DELETE /api/v3/order": order,
            "DELETE /api/v3/orderList": {"symbol": "BTCUSDT", "orderListId": self.list_id},
        }

    def over_rest(self, operation: Operation) -> Any:
        params, path = self.params.get(operation.name, {}), operation.name.split(" ")[1]
        if operation.signed:
            reply = self.signed(operation.name, **params)
        else:
            reply = self.get(f"{path}?" + "&".join(f"{name}={value}" for name, value in params.items()))
        assert reply.status == 200, (operation.name, reply)
        return body(reply)

    def over_websocket(self, operation: Operation) -> Any:
        params = self.params.get(operation.name, {})
        if operation.signed:
            params = hmac_signed(timestamp=START_US // 1000, **params)
        (answer,) = self.ask(self.dial("ws_api", "/ws-api/v3"), {"id": 1, "method": operation.method, "params": params})
        assert answer["status"] == 200, (operation.name, answer)
        return answer["result"]


@functools.cache
def quiet_scene() -> Scene:
    return Scene()


def scene(operation: Operation) -> Scene:
    """Return a scene for a request: a common one for those that only look."""
    return quiet_scene() if operation.name.startswith("GET") else Scene()


def shape(value: Any) -> Any:
    """Return the kind of every field; numbers as text and missing values count as they are."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in CONDITIONAL}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_answers_the_same_on_both_wires(operation: Operation) -> None:
    over_rest, over_websocket = scene(operation).over_rest(operation), scene(operation).over_websocket(operation)
    if operation.name == "POST /api/v3/sor/order":
        (over_websocket,) = over_websocket
    if operation.name == "GET /api/v3/exchangeInfo":
        over_rest.pop("rateLimits"), over_websocket.pop("rateLimits")
    # Random client ids come from one source in the same order.
    assert over_rest == over_websocket


UNLIKE = {
    "GET /api/v3/exchangeInfo",  # the example of REST is empty
    "DELETE /api/v3/openOrders",  # the example is of orders and lists mixed
    "GET /api/v3/myFilters",  # the example is of one filter of each scope
}


@pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if row.name not in UNLIKE], ids=lambda operation: operation.name
)
def test_answers_have_the_documented_shape(operation: Operation, spec: Path) -> None:
    rows = json.loads((spec / "rest.json").read_text("utf-8"))["endpoints"]
    (row,) = [row for row in rows if f"{row['method']} {row['path']}" == operation.name]
    documented = [shape(example["body"]) for example in row["responses"] if example.get("kind") != "error"]
    answer = shape(scene(operation).over_rest(operation))
    if operation.name == "GET /api/v3/account":
        del answer["tradeGroupId" if "tradeGroupId" in answer else "accountType"], documented[0]["accountType"]
    assert answer in documented or answer == []


def test_a_symbol_without_a_reference_price_is_told_apart_on_the_two_wires() -> None:
    scene = quiet_scene()
    refused = {"code": -2043, "msg": "This symbol doesn't have a reference price."}
    for path, method in (
        ("referencePrice", "referencePrice"),
        ("referencePrice/calculation", "referencePrice.calculation"),
    ):
        reply = scene.get(f"/api/v3/{path}?symbol=BTCUSDT")
        assert (reply.status, body(reply)) == (400, refused)
        answer = scene.call(scene.dial("ws_api", "/ws-api/v3"), method, symbol="BTCUSDT")
        if method == "referencePrice":
            assert (answer["status"], answer["result"]) == (200, refused)
        else:
            assert (answer["status"], answer["error"]) == (400, refused)


@pytest.mark.slow
def test_all_fifteen_kinds_of_streams_speak() -> None:
    house = RealHouse()
    names = [
        "trade",
        "aggTrade",
        "blockTrade",
        "referencePrice",
        "kline_1m",
        "kline_1m@+08:00",
        "miniTicker",
        "ticker",
        "ticker_1h",
        "ticker_4h",
        "ticker_1d",
        "bookTicker",
        "avgPrice",
        "depth5",
        "depth20@100ms",
        "depth",
        "depth@100ms",
    ]
    wanted = [f"{symbol}@{name}" for symbol in ("bnbusdt", "btcusdt") for name in names]
    wanted += ["!miniTicker@arr", "!ticker_1h@arr", "!ticker_4h@arr", "!ticker_1d@arr"]
    wanted.remove("bnbusdt@blockTrade")  # rare as they are
    house.dial("stream", f"/stream?streams={'/'.join(wanted)}")
    heard = {frame["stream"] for frame in house.run(START_US + 200 * SECOND_US)}
    assert heard == set(wanted) - {"btcusdt@referencePrice"}
