"""The unfilled order count: the tables of the documents, step by step (Spot unfilled order count rules)."""

from __future__ import annotations

from typing import Any

import pytest

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.exchange import Exchange
from trio_binance.sandbox.keys import Key
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.rules import DAY_US

from .doors import SECRET, House, body
from .economy import START, ask, bare_market, customer, place, quiet_market

MIDNIGHT = START // DAY_US * DAY_US + DAY_US
SECOND = 1_000_000


class Desk(House):
    """A customer of a bare market, whose orders count, and somebody else, whose do not."""

    def __init__(self) -> None:
        super().__init__()
        self.real = bare_market()
        self.alice = customer(self.real, "hmac-key", USDT="1000000")
        self.other = customer(self.real, "other", BTC="100")
        self.at = START // (10 * SECOND) * 10 * SECOND + 10 * SECOND
        keys = {"hmac-key": Key.hmac("hmac-key", SECRET, self.alice)}
        self.exchange = Exchange(self.real, keys=keys, start_us=self.at)

    def buy(self, price: int = 60_000, quantity: str = "0.01", tif: str = "GTC", **params: object) -> int:
        """Place an order of the customer and return its id."""
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": price, "quantity": quantity}
        found: int = body(self.order(self.at, **order | {"timeInForce": tif} | params))["orderId"]
        return found

    def offer(self, quantity: str, price: int = 60_000) -> None:
        """Let somebody offer something, or sell it to the customer who waits for it."""
        place(self.real, self.other, self.at, side="SELL", price=price, quantity=quantity)
        self.exchange.on_timer(self.at)

    def counts(self) -> int:
        short, _ = body(self.signed("GET /api/v3/rateLimit/order", self.at))
        return int(short["count"])

    def day_count(self) -> int:
        _, day = body(self.signed("GET /api/v3/rateLimit/order", self.at))
        return int(day["count"])


def test_a_taker_that_is_filled_does_not_count() -> None:
    """Example 1."""
    desk, seen = Desk(), []
    desk.buy(50_000)
    seen.append(desk.counts())
    desk.offer("0.004")
    desk.buy()  # B, partially filled at once
    seen.append(desk.counts())
    desk.buy(50_000)
    seen.append(desk.counts())
    for _ in range(2):
        desk.offer("0.003")
        seen.append(desk.counts())
    desk.offer("0.01")
    desk.order(desk.at, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    seen.append(desk.counts())
    assert seen == [1, 1, 2, 2, 2, 2]


def test_the_first_fill_of_a_resting_order_gives_more_and_later_ones_nothing() -> None:
    """Example 2."""
    desk, seen = Desk(), []
    for price in (60_000, 59_000, 50_000, 50_000, 50_000):
        desk.buy(price)
    seen.append(desk.counts())
    desk.offer("0.004")  # A, partially filled
    seen.append(desk.counts())
    for _ in range(2):
        desk.buy(50_000)
    seen.append(desk.counts())
    for _ in range(2):
        desk.offer("0.003")
        seen.append(desk.counts())
    desk.offer("0.004", 59_000)  # B, partially filled
    seen.append(desk.counts())
    desk.buy(50_000)
    seen.append(desk.counts())
    assert seen == [5, 0, 2, 2, 2, 0, 1]


def test_cancels_and_expiries_change_nothing() -> None:
    desk, seen = Desk(), []
    first = desk.buy()
    desk.signed("DELETE /api/v3/order", desk.at, symbol="BTCUSDT", orderId=first)
    seen.append(desk.counts())
    desk.buy(50_000)
    desk.offer("0.01")
    desk.buy(tif="FOK")
    seen.append(desk.counts())
    desk.buy(tif="FOK")  # finds nothing
    seen.append(desk.counts())
    assert seen == [1, 2, 3]


def test_a_fill_lowers_the_count_of_today_whenever_its_order_was_placed() -> None:
    desk = Desk()
    desk.at = MIDNIGHT - 5 * SECOND
    for price in (60_000, 59_000):
        desk.buy(price)
    desk.at = MIDNIGHT + 5 * SECOND
    assert desk.day_count() == 0
    for _ in range(7):
        desk.buy(50_000)
    desk.offer("0.01")
    assert (desk.day_count(), desk.counts()) == (2, 2)
    desk.offer("0.01", 59_000)
    assert (desk.day_count(), desk.counts()) == (0, 0)
    desk.buy(50_000)
    assert desk.day_count() == 1  # there is no credit


def ended(how: str, account: Account, market: Any) -> None:
    """End an order of the client id ``mine`` in some way."""
    order: dict[str, Any] = {"quantity": "0.01", "newClientOrderId": "mine"}
    if how == "FILLED":
        place(market, account, type="MARKET", **order)
    elif how == "EXPIRED":
        place(market, account, price=60_000, **order | {"timeInForce": "IOC"})
    else:
        place(market, account, price=60_000, **order)
        ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", origClientOrderId="mine")


@pytest.mark.parametrize("how", ["FILLED", "EXPIRED", "CANCELED"])
def test_a_client_id_may_be_used_again_once_its_order_has_ended(how: str) -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    ended(how, account, market)
    [row] = ask(market, "GET /api/v3/allOrders", account, symbol="BTCUSDT")
    assert row["status"] == how
    again = place(market, account, price=60_000, quantity="0.01", newClientOrderId="mine")
    assert again["orderId"] != row["orderId"]


@pytest.mark.parametrize("sold", ["0", "0.004"])
def test_a_client_id_may_not_be_used_again_while_its_order_is_open(sold: str) -> None:
    market = bare_market()
    account, other = customer(market, USDT="10000"), customer(market, BTC="1")
    place(market, account, price=60_000, quantity="0.01", newClientOrderId="mine")
    if sold != "0":
        place(market, other, side="SELL", price=60_000, quantity=sold)
    with pytest.raises(Refusal, match=r"-2010 Duplicate order sent\."):
        place(market, account, price=60_000, quantity="0.01", newClientOrderId="mine")
    place(market, other, side="SELL", price=70_000, quantity="0.01", newClientOrderId="mine")  # his own ids are his own


def test_the_id_of_a_pending_order_is_taken_too() -> None:
    market = bare_market()
    account = customer(market, USDT="10000", BTC="1")
    oto: dict[str, Any] = {"symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": 60_000}
    oto |= {"workingQuantity": "0.01", "workingTimeInForce": "GTC", "pendingType": "LIMIT", "pendingSide": "SELL"}
    oto |= {"pendingPrice": 70_000, "pendingQuantity": "0.01", "pendingTimeInForce": "GTC"}
    ask(market, "POST /api/v3/orderList/oto", account, pendingClientOrderId="mine", **oto)
    with pytest.raises(Refusal, match=r"-2010 Duplicate order sent\."):
        place(market, account, price=60_000, quantity="0.01", newClientOrderId="mine")
