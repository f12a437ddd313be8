"""Prevention: accounts and trade groups do not trade with themselves, and both parties can look it up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from trio_binance.sandbox.orders import BUY, SELL, Order
from trio_binance.sandbox.prevention import effective_mode, is_self_trade, losses
from trio_binance.sandbox.refusals import Refusal

from .economy import START, UNIT, ask, bare_market, customer, empty_venue, limit, place, trader, user_events


def order(stp: str, quantity: int = 1) -> Order:
    return limit(trader(1), BUY, 100, quantity, stp=stp)


@pytest.mark.parametrize(
    ("taker", "maker", "mode"),
    [
        ("TRANSFER", "TRANSFER", "TRANSFER"),
        ("TRANSFER", "EXPIRE_MAKER", "DECREMENT"),
        ("EXPIRE_BOTH", "TRANSFER", "EXPIRE_BOTH"),
        ("DECREMENT", "NONE", "DECREMENT"),
    ],
)
def test_a_transfer_needs_both(taker: str, maker: str, mode: str) -> None:
    assert effective_mode(order(taker), order(maker)) == mode


def test_a_transfer_stays_on_one_symbol() -> None:
    maker = order("TRANSFER")
    maker.symbol = "BTCUSDC"
    assert effective_mode(order("TRANSFER"), maker) == "DECREMENT"


def test_losses_follow_the_mode() -> None:
    taker, maker = order("NONE", 5), order("NONE", 2)
    told = {mode: losses(mode, taker, maker) for mode in ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "TRANSFER")}
    assert told == {
        "EXPIRE_TAKER": (5 * UNIT, 0),
        "EXPIRE_MAKER": (0, 2 * UNIT),
        "EXPIRE_BOTH": (5 * UNIT, 2 * UNIT),
        "TRANSFER": (2 * UNIT, 2 * UNIT),
    }


def test_accounts_of_one_trade_group_are_one_self() -> None:
    one, other = order("EXPIRE_MAKER"), order("NONE")
    assert not is_self_trade(one, other)
    one.account.trade_group = 3
    assert not is_self_trade(one, other)
    other.account.trade_group = 3
    assert is_self_trade(one, other)
    assert not is_self_trade(other, one)  # the taker's mode is NONE


def test_a_transfer_moves_the_money_between_the_accounts_of_a_group() -> None:
    market = bare_market()
    price = int(market.trades("BTCUSDT")[-1].price)
    seller, buyer = customer(market, "a", BTC="2"), customer(market, "b", USDT="100000")
    market.set_trade_group(7, seller, buyer)
    transfer: dict[str, Any] = {"selfTradePreventionMode": "TRANSFER"}
    resting = place(market, seller, side="SELL", price=price, quantity="0.4", **transfer)
    market.take_events()
    taken = place(market, buyer, price=price, quantity="1", **transfer)
    assert (taken["status"], taken["executedQty"], taken["preventedQuantity"]) == ("NEW", "0.00000000", "0.40000000")
    assert taken["tradeGroupId"] == 7
    assert taken["preventedMatches"] == [
        {
            "preventedMatchId": 0,
            "makerSymbol": "BTCUSDT",
            "makerOrderId": resting["orderId"],
            "price": f"{price}.00000000",
            "takerPreventedQuantity": "0.40000000",
            "makerPreventedQuantity": "0.40000000",
        }
    ]
    assert (buyer.free("BTC"), seller.free("USDT")) == (Decimal("0.4"), price * Decimal("0.4"))
    assert buyer.locked("USDT") == price * Decimal("0.6")
    assert seller.locked("BTC") == 0
    assert all(amount == 0 for amount in market.audit().values())
    events = [event for event in user_events(market) if event.get("x") == "TRADE_PREVENTION"]
    assert [(event["u"], event["A"], event["B"], event["X"]) for event in events] == [
        (7, "0.40000000", "0.40000000", "EXPIRED_IN_MATCH"),
        (7, "0.40000000", "0.40000000", "NEW"),
    ]
    for account in (seller, buyer):
        [row] = ask(market, "GET /api/v3/myPreventedMatches", account, symbol="BTCUSDT", preventedMatchId=0)
        assert (row["tradeGroupId"], row["selfTradePreventionMode"]) == (7, "TRANSFER")
    assert ask(market, "GET /api/v3/account", buyer)["tradeGroupId"] == 7


def test_a_market_buy_of_a_group_moves_no_more_than_it_locked() -> None:
    venue, _, _ = empty_venue()
    poor, rich = trader(1, quote=150), trader(2)
    poor.trade_group = rich.trade_group = 1
    venue.matcher.submit(limit(rich, SELL, 200, 1, stp="TRANSFER"), START)
    taker = Order(poor, "BTCUSDT", BUY, "MARKET", "GTC", UNIT, client_id="id", stp="TRANSFER")
    venue.matcher.submit(taker, START)
    assert (taker.status, taker.prevented) == ("EXPIRED", 0)
    assert poor.balance("USDT").free == 150 * UNIT


def test_an_order_of_a_pair_that_meets_its_owner_ends_the_other() -> None:
    market = bare_market()
    account = customer(market, BTC="2", USDT="100000")
    price = int(market.trades("BTCUSDT")[-1].price)
    goal: dict[str, Any] = {"aboveType": "LIMIT_MAKER", "abovePrice": price + 10}
    stop: dict[str, Any] = {"belowType": "STOP_LOSS", "belowStopPrice": price - 10}
    ask(market, "POST /api/v3/orderList/oco", account, symbol="BTCUSDT", side="SELL", quantity=1, **goal, **stop)
    place(market, account, price=price + 10, quantity="0.1", selfTradePreventionMode="DECREMENT")
    waiting, resting = list(account.blotter("BTCUSDT").orders.values())[:2]
    assert (waiting.expiry_reason, resting.status) == ("OCO_TRIGGER", "NEW")
    assert account.locked("BTC") == Decimal("0.9")
    place(market, account, price=price + 10, quantity="0.1", selfTradePreventionMode="EXPIRE_BOTH")
    assert resting.status == "EXPIRED_IN_MATCH"
    assert account.open_lists == {}
    assert account.locked("BTC") == 0


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"preventedMatchId": 0, "orderId": 1}, -1128),
        ({"preventedMatchId": 0, "fromPreventedMatchId": 0}, -1128),
        ({"symbol": "NOPE", "orderId": 1}, -1121),
    ],
)
def test_prevented_matches_are_asked_for_by_their_own_id_or_an_order(params: dict[str, Any], code: int) -> None:
    market = bare_market()
    with pytest.raises(Refusal) as caught:
        ask(market, "GET /api/v3/myPreventedMatches", customer(market), **({"symbol": "BTCUSDT"} | params))
    assert caught.value.code == code


def test_prevented_matches_of_an_order_come_page_by_page() -> None:
    market = bare_market()
    account = customer(market, BTC="2", USDT="200000")
    price = int(market.trades("BTCUSDT")[-1].price)
    for _ in range(3):
        place(market, account, side="SELL", price=price, quantity="0.1")
    taker = place(market, account, price=price, quantity="1", selfTradePreventionMode="EXPIRE_MAKER")
    query = {"symbol": "BTCUSDT", "orderId": taker["orderId"]}

    def ids(**params: Any) -> list[int]:
        rows = ask(market, "GET /api/v3/myPreventedMatches", account, **query, **params)
        return [row["preventedMatchId"] for row in rows]

    assert ids() == [0, 1, 2]
    assert ids(fromPreventedMatchId=1) == [1, 2]
    assert ids(limit=1) == [0]
    assert ids(fromPreventedMatchId=9) == []
