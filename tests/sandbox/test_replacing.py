"""cancelReplace: the whole matrix of its outcomes, and what the stream tells of a new order that was rejected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trio_binance.sandbox.exchange import Exchange
from trio_binance.sandbox.keys import Key
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.rules import Rules

from .doors import SECRET, House, body
from .economy import START, ask, bare_market, customer, place, user_events

OPERATION = "POST /api/v3/order/cancelReplace"
GOOD: dict[str, Any] = {"type": "LIMIT", "timeInForce": "GTC", "price": 60_000}
BAD: dict[str, Any] = {"type": "LIMIT_MAKER", "price": 62_000}
"""It would take the offer at 61,000."""
ROWS = [
    (stop, exceeded, within, cancel, new, status)
    for stop, exceeded, within, cancel, new, status in (
        ("STOP_ON_FAILURE", "DO_NOTHING", True, "SUCCESS", "SUCCESS", 200),
        ("STOP_ON_FAILURE", "DO_NOTHING", True, "FAILURE", "NOT_ATTEMPTED", 400),
        ("STOP_ON_FAILURE", "DO_NOTHING", True, "SUCCESS", "FAILURE", 409),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", True, "SUCCESS", "SUCCESS", 200),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", True, "FAILURE", "NOT_ATTEMPTED", 400),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", True, "SUCCESS", "FAILURE", 409),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", False, "FAILURE", "NOT_ATTEMPTED", 429),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", False, "SUCCESS", "FAILURE", 429),
        ("ALLOW_FAILURE", "DO_NOTHING", True, "SUCCESS", "SUCCESS", 200),
        ("ALLOW_FAILURE", "DO_NOTHING", True, "FAILURE", "FAILURE", 400),
        ("ALLOW_FAILURE", "DO_NOTHING", True, "FAILURE", "SUCCESS", 409),
        ("ALLOW_FAILURE", "DO_NOTHING", True, "SUCCESS", "FAILURE", 409),
        ("ALLOW_FAILURE", "CANCEL_ONLY", True, "SUCCESS", "SUCCESS", 200),
        ("ALLOW_FAILURE", "CANCEL_ONLY", True, "FAILURE", "FAILURE", 400),
        ("ALLOW_FAILURE", "CANCEL_ONLY", True, "FAILURE", "SUCCESS", 409),
        ("ALLOW_FAILURE", "CANCEL_ONLY", True, "SUCCESS", "FAILURE", 409),
        ("ALLOW_FAILURE", "CANCEL_ONLY", False, "FAILURE", "FAILURE", 400),
        ("ALLOW_FAILURE", "CANCEL_ONLY", False, "SUCCESS", "FAILURE", 409),
    )
]


class Shop(House):
    """The doors around a real market with one offer, and an account with one open order."""

    def __init__(self, orders_per_10_s: int) -> None:
        super().__init__()
        market = bare_market()
        self.alice = customer(market, "hmac-key", USDT="100000")
        keys = {"hmac-key": Key.hmac("hmac-key", SECRET, self.alice)}
        place(market, customer(market, "maker", BTC="1"), side="SELL", price=61_000, quantity=1)
        self.exchange = Exchange(market, keys=keys, rules=Rules(orders_per_10_s=orders_per_10_s), start_us=START)
        placed = self.signed("POST /api/v3/order", START, symbol="BTCUSDT", side="BUY", quantity="0.01", **GOOD)
        self.order_id: int = body(placed)["orderId"]

    def replace(self, order_id: int, **params: object) -> Any:
        chosen: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "cancelOrderId": order_id}
        return self.signed(OPERATION, START, **(chosen | params))

    def open_orders(self) -> int:
        return len(body(self.signed("GET /api/v3/openOrders", START, symbol="BTCUSDT")))


def test_the_rows_are_those_of_the_documents(spec: Path) -> None:
    """All of them but those that the table says cannot happen."""
    matrix = json.loads((spec / "rest.json").read_text())["cancel_replace_status_matrix"]
    names = (
        "cancelReplaceMode",
        "orderRateLimitExceededMode",
        "unfilled_order_count",
        "cancelResult",
        "newOrderResult",
    )
    told = {(*(row[name] for name in names), row["status"]) for row in matrix if row["status"] is not None}
    counts = {True: "within limits", False: "exceeds limits"}
    assert told == {(stop, mode, counts[within], *rest) for stop, mode, within, *rest in ROWS}


@pytest.mark.parametrize(("stop", "mode", "within", "cancel", "new", "status"), ROWS)
def test_each_row_of_the_matrix_has_its_status_and_its_halves(
    stop: str, mode: str, within: bool, cancel: str, new: str, status: int
) -> None:
    shop = Shop(50 if within else 1)
    order_id = shop.order_id if cancel == "SUCCESS" else 999_999
    order = BAD if new == "FAILURE" and within else GOOD
    reply = shop.replace(order_id, cancelReplaceMode=stop, orderRateLimitExceededMode=mode, **order)
    told = body(reply)
    halves = told.get("data", told)
    assert (reply.status, halves["cancelResult"], halves["newOrderResult"]) == (status, cancel, new)
    codes = {200: None, 409: -2021, 400: -2022, 429: -2021 if cancel == "SUCCESS" else -2022}
    assert told.get("code") == codes[status]
    assert (halves["newOrderResponse"] is None) == (new == "NOT_ATTEMPTED")
    assert shop.open_orders() == (cancel == "FAILURE") + (new == "SUCCESS")


@pytest.mark.parametrize("stop", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
def test_beyond_the_limit_nothing_happens_unless_it_is_wished(stop: str) -> None:
    shop = Shop(1)
    reply = shop.replace(shop.order_id, cancelReplaceMode=stop, **GOOD)
    assert (reply.status, body(reply)["code"]) == (429, -1015)
    assert shop.open_orders() == 1


def test_a_new_order_that_was_not_attempted_counts_all_the_same() -> None:
    shop = Shop(50)
    shop.replace(999_999, cancelReplaceMode="STOP_ON_FAILURE", **GOOD)
    short, _ = body(shop.signed("GET /api/v3/rateLimit/order", START))
    assert short["count"] == 2


def test_an_odd_mode_is_refused() -> None:
    shop = Shop(50)
    modes = {"cancelReplaceMode": "ALLOW_FAILURE", "orderRateLimitExceededMode": "MAYBE"}
    reply = shop.replace(shop.order_id, **modes, **GOOD)
    assert body(reply)["code"] == -1130
    assert shop.open_orders() == 1


def test_the_new_order_that_was_rejected_after_the_cancel_is_told_as_rejected() -> None:
    market = bare_market()
    place(market, customer(market, "maker", BTC="1"), side="SELL", price=61_000, quantity=1)
    account = customer(market, USDT="100000")
    old = place(market, account, price=60_000, quantity="0.01", newClientOrderId="old")
    market.take_events()
    params: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "cancelOrigClientOrderId": "old"}
    params |= {"cancelReplaceMode": "STOP_ON_FAILURE", "newClientOrderId": "new", **BAD}
    with pytest.raises(Refusal, match="-2021"):
        ask(market, OPERATION, account, **params)
    canceled, rejected = (event for event in user_events(market) if event["e"] == "executionReport")
    assert (canceled["x"], canceled["i"]) == ("CANCELED", old["orderId"])
    assert (rejected["x"], rejected["X"], rejected["r"]) == ("REJECTED", "REJECTED", "WOULD_MATCH_IMMEDIATELY")
    assert (rejected["c"], rejected["w"], rejected["z"]) == ("new", False, "0.00000000")
    assert rejected["i"] not in (old["orderId"], None)
    for query in ({"origClientOrderId": "new"}, {"orderId": rejected["i"]}):
        with pytest.raises(Refusal, match="-2013"):
            ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", **query)
    assert account.balance("USDT").locked == 0


def test_nothing_is_told_as_rejected_when_the_cancel_failed_too() -> None:
    market = bare_market()
    place(market, customer(market, "maker", BTC="1"), side="SELL", price=61_000, quantity=1)
    account = customer(market, USDT="100000")
    market.take_events()
    params: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "cancelOrderId": 7, **BAD}
    with pytest.raises(Refusal, match="-2022"):
        ask(market, OPERATION, account, cancelReplaceMode="ALLOW_FAILURE", **params)
    assert user_events(market) == []


def test_a_duplicate_of_a_replacement_is_rejected_under_the_id_of_an_order_that_lives_on() -> None:
    """A duplicate client id is rejected by the engine, under that very id, whose open order lives on."""
    market = bare_market()
    account = customer(market, USDT="100000")
    for name in ("old", "twin"):
        place(market, account, price=60_000, quantity="0.01", newClientOrderId=name)
    market.take_events()
    params: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "quantity": "0.01",
        "cancelOrigClientOrderId": "old",
        **GOOD,
    }
    with pytest.raises(Refusal, match="-2021"):
        ask(market, OPERATION, account, cancelReplaceMode="STOP_ON_FAILURE", newClientOrderId="twin", **params)
    reports = [event for event in user_events(market) if event["e"] == "executionReport"]
    assert [(event["x"], event["c"] == "twin", event["r"]) for event in reports] == [
        ("CANCELED", False, "NONE"),
        ("REJECTED", True, "NONE"),
    ]
    [alive] = ask(market, "GET /api/v3/openOrders", account)
    assert (alive["clientOrderId"], alive["status"]) == ("twin", "NEW")
