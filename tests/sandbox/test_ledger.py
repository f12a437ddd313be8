"""The ledger: queries of orders, trades and balances, and a replica that lags."""

from __future__ import annotations

from typing import Any

import pytest

from trio_binance.sandbox.refusals import Refusal

from .economy import SECOND, START, ask, customer, place, quiet_market

DAY = 86_400 * SECOND
FIELDS = [
    "symbol",
    "orderId",
    "orderListId",
    "clientOrderId",
    "price",
    "origQty",
    "executedQty",
    "cummulativeQuoteQty",
    "status",
    "timeInForce",
    "type",
    "side",
    "stopPrice",
    "icebergQty",
    "time",
    "updateTime",
    "isWorking",
    "workingTime",
    "origQuoteOrderQty",
    "selfTradePreventionMode",
]


def test_an_order_is_found_by_either_id() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    order = place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    by_id = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert list(by_id) == FIELDS
    assert by_id == ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", origClientOrderId="mine")
    assert (by_id["status"], by_id["isWorking"], by_id["time"]) == ("NEW", True, START // 1000)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"orderId": 1}, -2013),
        ({"origClientOrderId": "nobody"}, -2013),
        ({"orderId": None, "origClientOrderId": "other"}, -2039),
    ],
)
def test_an_order_that_is_not_there_is_refused(params: dict[str, Any], code: int) -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    order = place(market, account, quantity="0.01", price=60000, newClientOrderId="mine")
    sent = {name: order["orderId"] if value is None else value for name, value in params.items()}
    with pytest.raises(Refusal) as caught:
        ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", **sent)
    assert caught.value.code == code


def test_a_reused_client_id_finds_the_newest_order() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    place(market, account, type="MARKET", quantity="0.001", newClientOrderId="mine")
    second = place(market, account, type="MARKET", quantity="0.002", newClientOrderId="mine")
    found = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", origClientOrderId="mine")
    assert found["orderId"] == second["orderId"]


def test_open_orders_are_of_one_symbol_or_of_all() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    place(market, account, quantity="0.01", price=60000)
    place(market, account, symbol="ETHUSDT", quantity="0.1", price=2900)
    assert len(ask(market, "GET /api/v3/openOrders", account)) == 2
    [one] = ask(market, "GET /api/v3/openOrders", account, symbol="ETHUSDT")
    assert one["symbol"] == "ETHUSDT"


def test_all_orders_are_paged_by_id_and_by_time() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    ids = [
        place(market, account, START + number * SECOND, quantity="0.001", price=60000)["orderId"] for number in range(4)
    ]

    def found(**params: Any) -> list[int]:
        rows = ask(market, "GET /api/v3/allOrders", account, START + 9 * SECOND, symbol="BTCUSDT", **params)
        return [ids.index(row["orderId"]) for row in rows]

    ms = START // 1000
    assert found() == [0, 1, 2, 3]
    assert found(limit=2) == [2, 3]
    assert found(orderId=ids[1], limit=2) == [1, 2]
    assert found(startTime=ms + 1000, limit=2) == [1, 2]
    assert found(endTime=ms + 2000, limit=2) == [1, 2]
    assert found(startTime=ms + 1000, endTime=ms + 1000) == [1]
    with pytest.raises(Refusal, match="-1127"):
        found(startTime=ms, endTime=ms + 86_400_001)


def test_my_trades_are_chosen_by_id_order_and_time() -> None:
    market = quiet_market()
    account = customer(market, USDT="1000000")
    orders = [place(market, account, START + n * SECOND, type="MARKET", quantity="0.1") for n in range(2)]
    rows = ask(market, "GET /api/v3/myTrades", account, START + 9 * SECOND, symbol="BTCUSDT")
    assert [row["id"] for row in rows] == [fill["tradeId"] for order in orders for fill in order["fills"]]
    assert list(rows[0]) == [
        "symbol",
        "id",
        "orderId",
        "orderListId",
        "price",
        "qty",
        "quoteQty",
        "commission",
        "commissionAsset",
        "time",
        "isBuyer",
        "isMaker",
        "isBestMatch",
    ]

    def ids(**params: Any) -> list[int]:
        found = ask(market, "GET /api/v3/myTrades", account, START + 9 * SECOND, symbol="BTCUSDT", **params)
        return [row["id"] for row in found]

    everything = [row["id"] for row in rows]
    assert ids(fromId=everything[1], limit=1) == everything[1:2]
    assert ids(limit=1) == everything[-1:]
    second = [fill["tradeId"] for fill in orders[1]["fills"]]
    assert ids(orderId=orders[1]["orderId"]) == second
    assert ids(startTime=START // 1000 + 1) == second
    assert ids(endTime=START // 1000) == everything[: -len(second)]


def test_the_account_shows_its_balances() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    place(market, account, quantity="0.01", price=60000)
    view = ask(market, "GET /api/v3/account", account)
    assert list(view) == [
        "makerCommission",
        "takerCommission",
        "buyerCommission",
        "sellerCommission",
        "commissionRates",
        "canTrade",
        "canWithdraw",
        "canDeposit",
        "brokered",
        "requireSelfTradePrevention",
        "preventSor",
        "updateTime",
        "accountType",
        "balances",
        "permissions",
        "uid",
    ]
    assert view["makerCommission"] == 10
    assert {row["asset"] for row in view["balances"]} == {"BTC", "ETH", "USDT"}
    [only] = ask(market, "GET /api/v3/account", account, omitZeroBalances="true")["balances"]
    assert only == {"asset": "USDT", "free": "9400.00000000", "locked": "600.00000000"}


def test_commissions_are_told_by_symbol() -> None:
    market = quiet_market()
    view = ask(market, "GET /api/v3/account/commission", customer(market), symbol="ETHUSDT")
    assert list(view) == ["symbol", "standardCommission", "specialCommission", "taxCommission", "discount"]
    assert view["standardCommission"]["taker"] == "0.00100000"


def test_a_lagging_replica_knows_nothing_of_what_just_happened() -> None:
    """Both were seen in the field: -2013 just after an order was accepted, and a filled order that still looks open."""
    market = quiet_market()
    market.replica_lag_us = 2 * SECOND
    assert market.replica_lag_us == 2 * SECOND
    account = customer(market, USDT="10000")
    order = place(market, account, quantity="0.01", price=60000)
    query: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    with pytest.raises(Refusal, match="-2013"):
        ask(market, "GET /api/v3/order", account, START + SECOND, **query)
    assert ask(market, "GET /api/v3/openOrders", account, START + SECOND) == []
    ask(market, "DELETE /api/v3/order", account, START + 3 * SECOND, **query)
    assert ask(market, "GET /api/v3/order", account, START + 4 * SECOND, **query)["status"] == "NEW"
    assert len(ask(market, "GET /api/v3/openOrders", account, START + 4 * SECOND)) == 1
    assert ask(market, "GET /api/v3/openOrders", account, START + 5 * SECOND) == []
    assert ask(market, "GET /api/v3/order", account, START + 5 * SECOND, **query)["status"] == "CANCELED"
    place(market, account, START + 6 * SECOND, type="MARKET", quantity="0.01")
    assert ask(market, "GET /api/v3/myTrades", account, START + 7 * SECOND, symbol="BTCUSDT") == []
    assert ask(market, "GET /api/v3/myTrades", account, START + 8 * SECOND, symbol="BTCUSDT") != []
