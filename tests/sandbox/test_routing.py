"""Routing: smart order routing finds the best of several books and allots it, with all money in its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.refusals import Refusal

from .economy import START, ask, bare_market, customer, place, quiet_market, user_events


def two_books() -> tuple[Market, int]:
    """Return a market with an ask on BTCUSDT and a cheaper one on BTCUSDC, and the former's price."""
    market = bare_market(1, "BTCUSDC", "ETHUSDT")
    price = int(market.trades("BTCUSDT")[-1].price)
    maker = customer(market, "maker", BTC="10")
    place(market, maker, side="SELL", price=price, quantity="1")
    place(market, maker, symbol="BTCUSDC", side="SELL", price=price - 50, quantity="0.4")
    market.take_events()
    return market, price


def routed(market: Market, account: Account, **params: Any) -> Any:
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": 1,
    } | params
    sent: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return ask(market, "POST /api/v3/sor/order", account, **sent)


def check_money(market: Market) -> None:
    assert all(amount == 0 for amount in market.audit().values())


def test_an_order_is_allotted_the_best_of_all_books_and_rests_in_its_own() -> None:
    market, price = two_books()
    account = customer(market, USDT="200000")
    order = routed(market, account, quantity="1.5", price=price)
    assert [(fill["price"], fill["qty"]) for fill in order["fills"]] == [
        (f"{price - 50}.00000000", "0.40000000"),
        (f"{price}.00000000", "1.00000000"),
    ]
    assert {(fill["matchType"], fill["tradeId"]) for fill in order["fills"]} == {("ONE_PARTY_TRADE_REPORT", -1)}
    assert [fill["allocId"] for fill in order["fills"]] == [0, 1]
    assert (order["usedSor"], order["workingFloor"], order["status"]) == (True, "EXCHANGE", "PARTIALLY_FILLED")
    assert str(market.book("BTCUSDT").bids[0][1]) == "0.10000000"
    assert account.free("BTC") == Decimal("1.3986")
    assert account.locked("USDT") * 10 == price
    check_money(market)
    events = [
        event for event in user_events(market) if event.get("i") == order["orderId"] and event.get("x") == "TRADE"
    ]
    assert [(event["b"], event["a"], event["t"], event["uS"]) for event in events] == [
        ("ONE_PARTY_TRADE_REPORT", number, -1, True) for number in (0, 1)
    ]
    assert ask(market, "GET /api/v3/myTrades", account, symbol="BTCUSDT") == []
    rows = ask(market, "GET /api/v3/myAllocations", account, symbol="BTCUSDT")
    assert [(row["allocationId"], row["allocationType"], row["qty"]) for row in rows] == [
        (0, "SOR", "0.40000000"),
        (1, "SOR", "1.00000000"),
    ]
    assert {row["commissionAsset"] for row in rows} == {"BTC"}
    place(market, customer(market, BTC="1"), side="SELL", price=price, quantity="0.1")
    assert len(ask(market, "GET /api/v3/myTrades", account, symbol="BTCUSDT")) == 1
    check_money(market)


def test_a_market_order_goes_where_it_is_cheapest_and_expires_when_all_is_gone() -> None:
    market, price = two_books()
    account = customer(market, USDT="200000")
    order = routed(market, account, type="MARKET", timeInForce=None, quantity="2")
    assert (order["status"], order["executedQty"], order["workingFloor"]) == ("EXPIRED", "1.40000000", "EXCHANGE")
    assert Decimal(order["cummulativeQuoteQty"]) == (price - 50) * Decimal("0.4") + price
    check_money(market)


def test_a_seller_is_paid_in_the_quote_asset_of_his_symbol() -> None:
    market, price = two_books()
    bidder = customer(market, USDC="100000")
    place(market, bidder, symbol="BTCUSDC", price=price - 60, quantity="1")
    account = customer(market, BTC="1")
    order = routed(market, account, side="SELL", price=price - 60)
    assert order["status"] == "FILLED"
    assert account.free("USDT") == (price - 60) * Decimal("0.999")
    assert bidder.free("BTC") == Decimal("0.999")
    check_money(market)


@pytest.mark.parametrize(("quantity", "status"), [("1.4", "FILLED"), ("1.5", "EXPIRED")])
def test_fill_or_kill_counts_all_books(quantity: str, status: str) -> None:
    market, price = two_books()
    order = routed(market, customer(market, USDT="200000"), price=price, quantity=quantity, timeInForce="FOK")
    assert order["status"] == status
    check_money(market)


def test_an_order_does_not_meet_its_owner_in_another_book() -> None:
    market, price = two_books()
    account = customer(market, USDT="200000", BTC="1")
    own = place(market, account, symbol="BTCUSDC", side="SELL", price=price - 70, quantity="0.5")
    order = routed(market, account, price=price, quantity="0.4", selfTradePreventionMode="EXPIRE_MAKER")
    assert (order["status"], order["preventedMatches"][0]["makerOrderId"]) == ("FILLED", own["orderId"])
    gone = ask(market, "GET /api/v3/order", account, symbol="BTCUSDC", orderId=own["orderId"])
    assert gone["status"] == "EXPIRED_IN_MATCH"
    assert account.locked("BTC") == 0
    check_money(market)


def test_a_market_buy_never_spends_what_it_has_not() -> None:
    """Self-trade prevention pushes it to prices that the check of its funds did not see."""
    market, price = two_books()
    account = customer(market, USDT=str(price - 60), BTC="1")
    place(market, account, symbol="BTCUSDC", side="SELL", price=price - 60, quantity="1")
    wish: dict[str, Any] = {
        "type": "MARKET",
        "timeInForce": None,
        "quantity": "1",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }
    order = routed(market, account, **wish)
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.40000000")
    assert account.locked("USDT") == 0
    check_money(market)


@pytest.mark.parametrize(
    ("params", "code", "msg"),
    [
        ({"symbol": "ETHUSDT"}, -1013, "This symbol does not support smart order routing."),
        ({"type": "LIMIT_MAKER"}, -1116, "Invalid orderType."),
        ({"quantity": 100}, -2010, "Account has insufficient balance for requested action."),
    ],
)
def test_what_cannot_be_routed_is_refused(params: dict[str, Any], code: int, msg: str) -> None:
    market, price = two_books()
    with pytest.raises(Refusal) as caught:
        routed(market, customer(market, USDT="200000"), **({"price": price} | params))
    assert (caught.value.code, caught.value.msg) == (code, msg)


def test_a_test_order_is_checked_and_forgotten() -> None:
    market, price = two_books()
    account = customer(market, USDT="200000")
    limit: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": 1,
        "price": price,
    }
    assert ask(market, "POST /api/v3/sor/order/test", account, **limit) == {}
    assert account.blotter("BTCUSDT").orders == {}


def test_groups_are_told_when_all_their_symbols_are_here() -> None:
    market, _ = two_books()
    assert ask(market, "GET /api/v3/exchangeInfo")["sors"] == [{"baseAsset": "BTC", "symbols": ["BTCUSDT", "BTCUSDC"]}]
    assert ask(quiet_market(), "GET /api/v3/exchangeInfo", now_us=START)["sors"] == []
