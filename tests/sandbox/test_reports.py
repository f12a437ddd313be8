"""Reports: user data events, every field in the documents' order."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from .economy import START, ask, customer, place, quiet_market, user_events


@pytest.fixture(scope="module")
def documented(spec: Any) -> dict[str, list[str]]:
    events = json.loads((spec / "user_data.json").read_text())["events"]
    return {event["event"]: list(event["example"]["body"]["event"]) for event in events}


def test_reports_have_the_documented_fields_in_order(documented: dict[str, list[str]]) -> None:
    market = quiet_market()
    account = customer(market, USDT="1000")
    place(market, account, quantity="0.01", price=60000)
    market.deposit(account, "BTC", Decimal(1), START + 1_000)
    report, position, after_deposit, update = user_events(market)
    assert list(report) == [field for field in documented["executionReport"] if field != "v"]
    assert list(position) == list(after_deposit) == documented["outboundAccountPosition"]
    assert list(update) == documented["balanceUpdate"]
    assert (update["a"], update["d"], update["E"]) == ("BTC", "1.00000000", START // 1000 + 1)
    assert position["B"] == [
        {"a": "BTC", "f": "0.00000000", "l": "0.00000000"},
        {"a": "USDT", "f": "400.00000000", "l": "600.00000000"},
    ]


def test_a_market_order_that_runs_dry_is_told_as_in_the_documents() -> None:
    market = quiet_market()
    account = customer(market, USDT="900000000")
    place(market, account, type="MARKET", quantity=120)
    events = user_events(market)
    assert [event.get("x", event["e"]) for event in events[:2]] == ["NEW", "TRADE"]
    expired, position = events[-2:]
    assert (expired["x"], expired["X"], expired["eR"]) == ("EXPIRED", "EXPIRED", "INSUFFICIENT_LIQUIDITY")
    assert position["e"] == "outboundAccountPosition"
    numbers = [event["I"] for event in events[:-1]]
    assert numbers == sorted(set(numbers))
    assert [event["w"] for event in events[:2]] == [True, False]


def test_a_fill_tells_price_commission_and_trade() -> None:
    market = quiet_market()
    account = customer(market, BTC="1")
    order = place(market, account, side="SELL", type="MARKET", quantity="0.001")
    [_, trade, position] = user_events(market)
    [fill] = order["fills"]
    assert (trade["x"], trade["X"], trade["t"]) == ("TRADE", "FILLED", fill["tradeId"])
    assert (trade["l"], trade["L"], trade["n"], trade["N"]) == ("0.00100000", fill["price"], fill["commission"], "USDT")
    assert Decimal(trade["Y"]) == Decimal(trade["l"]) * Decimal(trade["L"])
    assert (trade["m"], trade["M"], trade["w"]) == (False, True, False)
    assert Decimal(position["B"][1]["f"]) == Decimal(trade["Y"]) - Decimal(fill["commission"])


def test_a_resting_order_that_is_hit_is_reported_as_maker() -> None:
    market = quiet_market()
    account, other = customer(market, USDT="100000"), customer(market, "other", BTC="1")
    bid = market.book("BTCUSDT").bids[0][0] + 1
    place(market, account, quantity="0.02", price=bid)
    market.take_events()
    for part, status, on_book in (("0.005", "PARTIALLY_FILLED", True), ("0.015", "FILLED", False)):
        place(market, other, side="SELL", type="MARKET", quantity=part)
        mine = [event.data for event in market.take_events() if event.account is account]  # type: ignore[union-attr]
        assert [event["e"] for event in mine] == ["executionReport", "outboundAccountPosition"]
        assert (mine[0]["X"], mine[0]["m"], mine[0]["w"], mine[0]["l"]) == (status, True, on_book, f"{part}00000")


def test_a_cancel_carries_its_own_id_and_the_orders() -> None:
    """ "C" is the order's client id and "c" the cancel's: whoever maps by "c" loses the order."""
    market = quiet_market()
    account = customer(market, USDT="1000")
    place(market, account, quantity="0.01", price=60000, newClientOrderId="mine", strategyId=1, strategyType=1_000_000)
    market.take_events()
    ask(
        market,
        "DELETE /api/v3/order",
        account,
        symbol="BTCUSDT",
        origClientOrderId="mine",
        newClientOrderId="stop",
    )
    report, position = user_events(market)
    assert (report["x"], report["X"], report["c"], report["C"]) == ("CANCELED", "CANCELED", "stop", "mine")
    assert (report["j"], report["J"], report["w"]) == (1, 1_000_000, False)
    assert position["B"][1] == {"a": "USDT", "f": "1000.00000000", "l": "0.00000000"}


def test_prevented_trades_are_told_with_their_conditional_fields(spec: Any) -> None:
    market = quiet_market()
    account = customer(market, USDT="1000000", BTC="1")
    best_ask = market.book("BTCUSDT").asks[0][0]
    sell = place(market, account, side="SELL", quantity="0.01", price=best_ask - 1)
    market.take_events()
    buy = place(market, account, quantity="0.02", price=best_ask - 1, selfTradePreventionMode="DECREMENT")
    reports = [event for event in user_events(market) if event["e"] == "executionReport"]
    assert [event["x"] for event in reports] == ["NEW", "TRADE_PREVENTION", "TRADE_PREVENTION"]
    of_maker, of_taker = reports[1:]
    assert (of_maker["X"], of_taker["X"]) == ("EXPIRED_IN_MATCH", "NEW")
    assert (of_maker["U"], of_taker["U"]) == (buy["orderId"], sell["orderId"])
    assert (of_maker["A"], of_maker["B"], of_maker["pl"]) == ("0.01000000",) * 3
    assert (of_taker["l"], of_taker["L"], of_taker["Y"]) == ("0.00000000",) * 3
    assert Decimal(of_taker["pY"]) == Decimal("0.01") * (best_ask - 1)
    known = {field["key"] for field in _execution_report(spec)["conditional_fields"]}
    assert {"v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY"} <= known & set(of_taker)
    query = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=sell["orderId"])
    assert (query["preventedMatchId"], query["preventedQuantity"]) == (0, "0.01000000")


def _execution_report(spec: Any) -> Any:
    events = json.loads((spec / "user_data.json").read_text())["events"]
    return next(event for event in events if event["event"] == "executionReport")


def test_orders_that_the_exchange_ends_say_so() -> None:
    market = quiet_market()
    account = customer(market, USDT="1000")
    place(market, account, quantity="0.01", price=60000)
    market.take_events()
    market.expire_orders("BTCUSDT", START)
    report, _ = user_events(market)
    assert (report["x"], report["X"], report["eR"]) == ("EXPIRED", "EXPIRED", "EXCHANGE_CANCELED")
