"""Trading: answers, client ids, cancels, and the unkind rules of the real exchange."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trio_binance.sandbox.refusals import Refusal

from .economy import START, ask, customer, place, quiet_market

ACK = ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"]
RESULT = [
    *ACK,
    "price",
    "origQty",
    "executedQty",
    "origQuoteOrderQty",
    "cummulativeQuoteQty",
    "status",
    "timeInForce",
    "type",
    "side",
    "workingTime",
    "selfTradePreventionMode",
]
CANCEL = [
    "symbol",
    "origClientOrderId",
    "orderId",
    "orderListId",
    "clientOrderId",
    "transactTime",
    *RESULT[5:14],
    "selfTradePreventionMode",
]


def rich(market: Any, key: str = "key") -> Any:
    return customer(market, key, USDT="10000000", BTC="100")


@pytest.mark.parametrize(
    ("kind", "wished", "fields"),
    [
        ("LIMIT", None, [*RESULT, "fills"]),
        ("LIMIT", "RESULT", RESULT),
        ("LIMIT", "ACK", ACK),
        ("LIMIT_MAKER", None, ACK),
        ("LIMIT_MAKER", "FULL", [*RESULT, "fills"]),
    ],
)
def test_answers_have_the_fields_of_their_type_in_order(kind: str, wished: str | None, fields: list[str]) -> None:
    market = quiet_market()
    more: dict[str, Any] = {} if wished is None else {"newOrderRespType": wished}
    assert list(place(market, rich(market), type=kind, quantity="0.01", price=60000, **more)) == fields


def test_a_market_order_answers_with_its_fills() -> None:
    market = quiet_market()
    order = place(market, rich(market), type="MARKET", quantity="0.5")
    assert order["status"] == "FILLED"
    assert sum(round(float(fill["qty"]) * 10**5) for fill in order["fills"]) == 50_000
    assert list(order["fills"][0]) == ["price", "qty", "commission", "commissionAsset", "tradeId"]
    assert order["fills"][0]["commissionAsset"] == "BTC"


def test_strategy_fields_appear_when_sent() -> None:
    market = quiet_market()
    order = place(market, rich(market), quantity="0.01", price=60000, strategyId=7, strategyType=1_000_001)
    assert (order["strategyId"], order["strategyType"]) == (7, 1_000_001)


def test_what_expired_says_why() -> None:
    market = quiet_market()
    order = place(market, rich(market), quantity="0.01", price=60000, timeInForce="IOC")
    assert (order["status"], order["expiryReason"]) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    """The same id after a fill is accepted and filled a second time: that is the exchange's rule, unkind as it is."""
    market = quiet_market()
    account = rich(market)
    place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    with pytest.raises(Refusal, match=re.escape("400 -2010 Duplicate order sent.")):
        place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", origClientOrderId="mine")
    first = place(market, account, type="MARKET", quantity="0.01", newClientOrderId="mine")
    second = place(market, account, type="MARKET", quantity="0.01", newClientOrderId="mine")
    assert first["status"] == second["status"] == "FILLED"
    assert first["orderId"] != second["orderId"]


def test_client_ids_are_made_up_by_seed_where_none_is_sent() -> None:
    ids = [place(m := quiet_market(), rich(m), quantity="0.01", price=60000)["clientOrderId"] for _ in range(2)]
    assert ids[0] == ids[1]
    assert re.fullmatch(r"[0-9A-Za-z]{22}", ids[0])


def test_a_cancel_has_an_id_of_its_own() -> None:
    market = quiet_market()
    account = rich(market)
    order = place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    cancelled = ask(
        market,
        "DELETE /api/v3/order",
        account,
        START + 5_000,
        symbol="BTCUSDT",
        orderId=order["orderId"],
        newClientOrderId="stop",
    )
    assert list(cancelled) == CANCEL
    assert (cancelled["origClientOrderId"], cancelled["clientOrderId"]) == ("mine", "stop")
    assert (cancelled["status"], cancelled["transactTime"]) == ("CANCELED", START // 1000 + 5)
    assert account.balance("USDT").locked == 0


@pytest.mark.parametrize(
    ("params", "code", "msg"),
    [
        ({}, -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"),
        ({"orderId": 999_999}, -2011, "Unknown order sent."),
        ({"origClientOrderId": "nobody"}, -2011, "Unknown order sent."),
        (
            {"origClientOrderId": "mine", "cancelRestrictions": "ONLY_PARTIALLY_FILLED"},
            -2011,
            "Order was not canceled due to cancel restrictions.",
        ),
        ({"origClientOrderId": "mine", "cancelRestrictions": "NEVER"}, -1145, "Invalid cancelRestrictions"),
    ],
)
def test_a_cancel_that_cannot_be_done_is_refused(params: dict[str, Any], code: int, msg: str) -> None:
    market = quiet_market()
    account = rich(market)
    place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    with pytest.raises(Refusal) as caught:
        ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", **params)
    assert (caught.value.code, caught.value.msg) == (code, msg)


def test_ids_of_a_cancel_must_belong_together() -> None:
    market = quiet_market()
    account = rich(market)
    order = place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    with pytest.raises(Refusal, match="Check origClOrdId and orderId"):
        ask(
            market,
            "DELETE /api/v3/order",
            account,
            symbol="BTCUSDT",
            orderId=order["orderId"],
            origClientOrderId="other",
        )
    done = ask(
        market,
        "DELETE /api/v3/order",
        account,
        symbol="BTCUSDT",
        orderId=order["orderId"],
        origClientOrderId="mine",
        cancelRestrictions="ONLY_NEW",
    )
    assert done["status"] == "CANCELED"


def test_nobody_cancels_the_orders_of_another() -> None:
    market = quiet_market()
    order = place(market, rich(market), quantity="0.01", price=60000)
    with pytest.raises(Refusal, match="-2011"):
        ask(market, "DELETE /api/v3/order", rich(market, "other"), symbol="BTCUSDT", orderId=order["orderId"])


def test_all_open_orders_go_at_once_and_none_is_an_error() -> None:
    market = quiet_market()
    account = rich(market)
    for price in (60000, 60001):
        place(market, account, quantity="0.01", price=price)
    gone = ask(market, "DELETE /api/v3/openOrders", account, symbol="BTCUSDT")
    assert [order["status"] for order in gone] == ["CANCELED"] * 2
    assert gone[0]["clientOrderId"] == gone[1]["clientOrderId"]
    with pytest.raises(Refusal, match="Unknown order sent"):
        ask(market, "DELETE /api/v3/openOrders", account, symbol="BTCUSDT")


def test_a_test_order_reaches_nothing() -> None:
    market = quiet_market()
    account = rich(market)
    base: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    assert ask(market, "POST /api/v3/order/test", account, **base) == {}
    rates = ask(market, "POST /api/v3/order/test", account, computeCommissionRates="true", **base)
    assert list(rates) == [
        "standardCommissionForOrder",
        "specialCommissionForOrder",
        "taxCommissionForOrder",
        "discount",
    ]
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert market.take_events() == []
    with pytest.raises(Refusal, match="NOTIONAL"):
        ask(market, "POST /api/v3/order/test", account, **base | {"quantity": "0.00001"})


@pytest.mark.parametrize(
    ("mode", "status", "quantities"),
    [
        ("EXPIRE_MAKER", "EXPIRED", {"makerPreventedQuantity": "0.01000000"}),
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", {"takerPreventedQuantity": "0.02000000"}),
    ],
)
def test_prevented_matches_are_told(mode: str, status: str, quantities: dict[str, str]) -> None:
    market = quiet_market()
    account = rich(market)
    ask_price = market.book("BTCUSDT").asks[0][0]
    mine = place(market, account, side="SELL", quantity="0.01", price=ask_price - 1)
    taken = place(
        market,
        account,
        quantity="0.02",
        price=ask_price - 1,
        timeInForce="IOC",
        selfTradePreventionMode=mode,
    )
    assert taken["status"] == status
    assert taken["preventedMatches"] == [
        {"preventedMatchId": 0, "makerOrderId": mine["orderId"], "price": f"{ask_price - 1:.8f}"} | quantities
    ]
    assert taken["fills"] == []
    assert ("preventedQuantity" in taken) == (mode == "EXPIRE_TAKER")
