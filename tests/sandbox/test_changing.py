"""Changing: cancelReplace tells its halves, amend keeps the place in the queue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.refusals import Refusal

from .economy import BTCUSDT, START, UNIT, ask, customer, place, quiet_market, user_events

NEW: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}


def opened() -> tuple[Market, Account, Any]:
    market = quiet_market()
    account = customer(market, USDT="1000", BTC="1")
    order = place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    market.take_events()
    return market, account, order


def replace(market: Market, account: Account, mode: str = "STOP_ON_FAILURE", **params: Any) -> Any:
    return ask(market, "POST /api/v3/order/cancelReplace", account, **NEW | {"cancelReplaceMode": mode} | params)


def amend(market: Market, account: Account, **params: Any) -> Any:
    return ask(market, "PUT /api/v3/order/amend/keepPriority", account, symbol="BTCUSDT", **params)


def test_both_halves_succeed_with_the_freed_money() -> None:
    market, account, order = opened()
    done = replace(market, account, cancelOrderId=order["orderId"], cancelNewClientOrderId="stop", quantity="0.015")
    assert list(done) == ["cancelResult", "newOrderResult", "cancelResponse", "newOrderResponse"]
    assert (done["cancelResponse"]["clientOrderId"], done["newOrderResponse"]["status"]) == ("stop", "NEW")


@pytest.mark.parametrize(
    ("mode", "params", "status", "code", "halves"),
    [
        ("STOP_ON_FAILURE", {"cancelOrderId": 999_999}, 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", {"cancelOrderId": 999_999, "quantity": "0.001"}, 409, -2021, ("FAILURE", "SUCCESS")),
        ("ALLOW_FAILURE", {"cancelOrderId": 999_999}, 400, -2022, ("FAILURE", "FAILURE")),
        ("STOP_ON_FAILURE", {"cancelOrigClientOrderId": "mine", "quantity": 1}, 409, -2021, ("SUCCESS", "FAILURE")),
    ],
)
def test_failing_halves_are_told_apart(
    mode: str, params: dict[str, Any], status: int, code: int, halves: tuple[str, str]
) -> None:
    market, account, _ = opened()
    with pytest.raises(Refusal) as caught:
        replace(market, account, mode, **params)
    refusal = caught.value
    assert (refusal.status, refusal.code) == (status, code)
    assert refusal.data is not None
    assert (refusal.data["cancelResult"], refusal.data["newOrderResult"]) == halves
    assert (refusal.data["newOrderResponse"] is None) == (halves[1] == "NOT_ATTEMPTED")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"price": "0.001", "cancelOrigClientOrderId": "mine"}, -1013),
        ({}, -1102),
        ({"cancelReplaceMode": "MAYBE", "cancelOrigClientOrderId": "mine"}, -1130),
    ],
)
def test_what_is_wrong_with_the_request_leaves_the_old_order_alone(params: dict[str, Any], code: int) -> None:
    market, account, _ = opened()
    with pytest.raises(Refusal) as caught:
        replace(market, account, **params)
    assert caught.value.code == code
    assert len(ask(market, "GET /api/v3/openOrders", account)) == 1


def test_an_amended_order_keeps_its_place_and_gives_money_back() -> None:
    market, account, order = opened()
    other = customer(market, "other", USDT="1000")
    place(market, other, quantity="0.01", price=60000)
    done = amend(market, account, orderId=order["orderId"], newQty="0.004", newClientOrderId="less")
    assert list(done) == ["transactTime", "executionId", "amendedOrder"]
    assert (done["amendedOrder"]["origClientOrderId"], done["amendedOrder"]["clientOrderId"]) == ("mine", "less")
    assert account.balance("USDT").locked == 240 * UNIT
    bids = market.book("BTCUSDT").bids
    assert str(dict(bids)[Decimal(60000)]) == "0.01400000"
    above = sum(quantity for price, quantity in bids if price > 60000)
    seller = customer(market, "seller", BTC="100")
    place(market, seller, side="SELL", quantity=above + Decimal("0.004"), price=60000, timeInForce="IOC")
    found = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", origClientOrderId="less")
    assert (found["status"], found["origQty"]) == ("FILLED", "0.00400000")
    assert [order["executedQty"] for order in ask(market, "GET /api/v3/openOrders", other)] == ["0.00000000"]


def test_an_amendment_is_reported_and_recorded() -> None:
    market, account, order = opened()
    done = amend(market, account, origClientOrderId="mine", newQty="0.005")
    report = user_events(market)[0]
    assert (report["x"], report["X"], report["C"], report["w"]) == ("REPLACED", "NEW", "mine", True)
    assert report["c"] == done["amendedOrder"]["clientOrderId"] != "mine"
    amend(market, account, orderId=order["orderId"], newQty="0.004", newClientOrderId=report["c"])
    query: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    first, second = ask(market, "GET /api/v3/order/amendments", account, **query)
    assert (first["origQty"], first["newQty"], first["executionId"]) == (
        "0.01000000",
        "0.00500000",
        done["executionId"],
    )
    assert ask(market, "GET /api/v3/order/amendments", account, **query, limit=1) == [first]
    later = ask(market, "GET /api/v3/order/amendments", account, **query, fromExecutionId=second["executionId"])
    assert later == [second]
    with pytest.raises(Refusal, match="-2013"):
        ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", origClientOrderId="mine")


def test_an_order_filled_beyond_its_new_quantity_expires() -> None:
    market = quiet_market()
    account = customer(market, USDT="100000")
    price, quantity = market.book("BTCUSDT").asks[0]
    order = place(market, account, quantity=quantity + 1, price=price)
    assert order["status"] == "PARTIALLY_FILLED"
    done = amend(market, account, orderId=order["orderId"], newQty=quantity)
    assert done["amendedOrder"]["status"] == "EXPIRED"
    assert account.balance("USDT").locked == 0
    assert ask(market, "GET /api/v3/openOrders", account) == []


@pytest.mark.parametrize(
    ("params", "code", "msg"),
    [
        ({"newQty": "0.02"}, -2038, "Order amend (quantity increase) is not supported."),
        ({"newQty": "0.01"}, -2038, "The requested action would change no state; rejecting"),
        ({"newQty": "0"}, -1013, "Filter failure: LOT_SIZE"),
        ({"newQty": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
        ({}, -1102, "Mandatory parameter 'newQty' was not sent, was empty/null, or malformed."),
        ({"newQty": "0.005", "newClientOrderId": "taken"}, -2038, "Duplicate order sent."),
    ],
)
def test_an_amendment_that_cannot_be_done_is_refused(params: dict[str, Any], code: int, msg: str) -> None:
    market, account, order = opened()
    place(market, account, quantity="0.001", price=60000, newClientOrderId="taken")
    with pytest.raises(Refusal) as caught:
        amend(market, account, orderId=order["orderId"], **params)
    assert (caught.value.code, caught.value.msg) == (code, msg)


def test_unknown_orders_cannot_be_amended_or_looked_up() -> None:
    market, account, _ = opened()
    with pytest.raises(Refusal, match="-2038 Unknown order sent"):
        amend(market, account, orderId=999_999, newQty="0.005")
    with pytest.raises(Refusal, match="-1102"):
        amend(market, account, newQty="0.005")
    with pytest.raises(Refusal, match="-2013"):
        ask(market, "GET /api/v3/order/amendments", account, symbol="BTCUSDT", orderId=999_999)
    with pytest.raises(Refusal, match="-1102"):
        ask(market, "GET /api/v3/order/amendments", account, symbol="BTCUSDT")


def test_an_order_is_amended_ten_times_at_most() -> None:
    market, account, order = opened()
    market.set_rules(attrs.evolve(BTCUSDT, min_notional=1), START)
    for number in range(10):
        amend(market, account, orderId=order["orderId"], newQty=f"0.00{900 - number}")
    with pytest.raises(Refusal, match="-2038 Filter failure: MAX_NUM_ORDER_AMENDS"):
        amend(market, account, orderId=order["orderId"], newQty="0.001")


def test_a_symbol_may_neither_replace_nor_amend() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    order = place(market, account, quantity="0.01", price=60000)
    market.set_rules(attrs.evolve(BTCUSDT, replaces=False, amends=False), START)
    query = {"symbol": "BTCUSDT", "orderId": order["orderId"], "newQty": "0.005"}
    with pytest.raises(Refusal) as caught:
        ask(market, "PUT /api/v3/order/amend/keepPriority", account, **query)
    assert (caught.value.code, caught.value.msg) == (-2038, "Order amend is not supported for this symbol.")
    with pytest.raises(Refusal) as caught:
        ask(market, "POST /api/v3/order/cancelReplace", account, symbol="BTCUSDT")
    assert (caught.value.code, caught.value.msg) == (-2010, "Order cancel-replace is not supported for this symbol.")
