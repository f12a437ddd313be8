"""The phases of a symbol and of an account: what may be done, what is told, and what the exchange itself ends."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from trio_binance.sandbox.market import Market, StreamEvent
from trio_binance.sandbox.refusals import Refusal

from .economy import BTCUSDT, SECOND, START, UNIT, ask, bare_market, customer, place, quiet_market, strike, user_events

CLOSED = ("HALT", "BREAK", "END_OF_DAY", "A_WORD_OF_TOMORROW")
OTO: dict[str, Any] = {"symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": 60_000}
OTO |= {"workingQuantity": "0.01", "workingTimeInForce": "GTC", "pendingType": "LIMIT", "pendingSide": "SELL"}
OTO |= {"pendingPrice": 70_000, "pendingQuantity": "0.01", "pendingTimeInForce": "GTC"}


@pytest.mark.parametrize("status", [*CLOSED, "CANCEL_ONLY"])
def test_orders_need_a_symbol_that_trades_and_cancels_do_not(status: str) -> None:
    market = bare_market(1, "BTCUSDC")
    account = customer(market, USDT="10000", BTC="1")
    order = place(market, account, price=60_000, quantity="0.01")
    market.set_status("BTCUSDT", status, START)
    requests: tuple[tuple[str, dict[str, Any]], ...] = (
        ("POST /api/v3/order", {"type": "MARKET", "side": "SELL", "quantity": "0.01"}),
        ("POST /api/v3/orderList/oto", OTO),
        ("POST /api/v3/sor/order", {"type": "MARKET", "side": "SELL", "quantity": "0.01"}),
    )
    for operation, params in requests:
        with pytest.raises(Refusal, match=r"-2010 Market is closed\."):
            ask(market, operation, account, **{"symbol": "BTCUSDT", **params})
    cancelled = ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert cancelled["status"] == "CANCELED"
    [shown] = ask(market, "GET /api/v3/exchangeInfo", symbol="BTCUSDT")["symbols"]
    assert shown["status"] == status


@pytest.mark.parametrize("status", CLOSED)
def test_orders_are_amended_in_cancel_only_but_not_while_the_symbol_rests(status: str) -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    order = place(market, account, price=60_000, quantity="0.01")
    amend: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    market.set_status("BTCUSDT", status, START)
    with pytest.raises(Refusal, match=r"-2038 Market is closed\."):
        ask(market, "PUT /api/v3/order/amend/keepPriority", account, newQty="0.008", **amend)
    market.set_status("BTCUSDT", "CANCEL_ONLY", START)
    done = ask(market, "PUT /api/v3/order/amend/keepPriority", account, newQty="0.008", **amend)
    assert done["amendedOrder"]["qty"] == "0.00800000"


def streams(market: Market, until_us: int) -> set[str]:
    """Let time pass, and return which streams have spoken."""
    market.take_events()
    market.on_timer(until_us)
    return {event.stream.partition("@")[2] for event in market.take_events() if isinstance(event, StreamEvent)}


def told_in(status: str) -> set[str]:
    """Return which streams speak while an order is cancelled in a phase."""
    market = bare_market()
    market.wanted = {f"btcusdt@{name}" for name in ("kline_1s", "depth@100ms", "bookTicker", "avgPrice", "ticker")}
    account = customer(market, USDT="10000")
    order = place(market, account, price=60_000, quantity="0.01")
    streams(market, START + SECOND)
    market.set_status("BTCUSDT", status, START + SECOND)
    query: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    ask(market, "DELETE /api/v3/order", account, START + SECOND + 1, **query)
    told = {event.stream.partition("@")[2] for event in market.take_events() if isinstance(event, StreamEvent)}
    return told | streams(market, START + 4 * SECOND)


def test_a_halt_leaves_market_data_alone_a_break_stops_it_and_cancel_only_stops_klines() -> None:
    everything = {"kline_1s", "depth@100ms", "bookTicker", "avgPrice", "ticker"}
    assert told_in("HALT") == told_in("TRADING") == everything
    assert told_in("CANCEL_ONLY") == everything - {"kline_1s"}
    assert told_in("BREAK") == set()


def test_after_a_break_the_depth_goes_on_without_a_hole_and_klines_begin_anew() -> None:
    market = bare_market()
    market.wanted = {"btcusdt@depth@100ms", "btcusdt@kline_1s", "btcusdt@trade"}
    account = customer(market, USDT="10000")
    market.on_timer(START + SECOND)
    order = place(market, account, START + SECOND, price=60_000, quantity="0.01")
    market.on_timer(START + 2 * SECOND)
    before = [
        event.data for event in market.take_events() if isinstance(event, StreamEvent) and "depth" in event.stream
    ]
    market.set_status("BTCUSDT", "BREAK", START + 2 * SECOND)
    ask(market, "DELETE /api/v3/order", account, START + 3 * SECOND, symbol="BTCUSDT", orderId=order["orderId"])
    market.set_status("BTCUSDT", "TRADING", START + 60 * SECOND)
    strike(market, 60_000, START + 60 * SECOND)
    market.on_timer(START + 62 * SECOND)
    events = [event for event in market.take_events() if isinstance(event, StreamEvent)]
    after = [event.data for event in events if "depth" in event.stream]
    assert after[0]["U"] == before[-1]["u"] + 1
    assert len([event for event in events if "kline" in event.stream]) <= 3
    assert len([event for event in events if "trade" in event.stream]) == 1


def test_the_exchange_ends_orders_in_maintenance_and_says_why() -> None:
    market = bare_market()
    account = customer(market, USDT="10000")
    order = place(market, account, price=60_000, quantity="0.01")
    market.set_status("BTCUSDT", "BREAK", START)
    market.take_events()
    market.expire_orders("BTCUSDT", START + SECOND)
    report, position = user_events(market)
    assert (report["x"], report["X"], report["eR"]) == ("EXPIRED", "EXPIRED", "EXCHANGE_CANCELED")
    assert {row["a"]: row["l"] for row in position["B"]} == {"BTC": "0.00000000", "USDT": "0.00000000"}
    found = ask(market, "GET /api/v3/order", account, START + SECOND, symbol="BTCUSDT", orderId=order["orderId"])
    assert found["expiryReason"] == "EXCHANGE_CANCELED"


def test_an_account_may_be_barred_from_trading_or_from_a_symbol_but_not_from_cancelling() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    order = place(market, account, price=60_000, quantity="0.01")
    account.forbidden.add("BTCUSDT")
    with pytest.raises(Refusal, match=r"-2010 This symbol is not permitted for this account\."):
        place(market, account, price=60_000, quantity="0.01")
    account.can_trade = False
    with pytest.raises(Refusal, match=r"-2010 This action is disabled on this account\."):
        place(market, account, price=60_000, quantity="0.01")
    assert ask(market, "GET /api/v3/account", account)["canTrade"] is False
    assert ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])


def test_a_symbol_allows_some_modes_of_self_trade_prevention_and_has_a_default() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    rules = attrs.evolve(BTCUSDT, stp_modes=("NONE", "EXPIRE_TAKER"), stp_default="NONE")
    market.set_rules(rules, START)
    order: dict[str, Any] = {"price": 60_000, "quantity": "0.01"}
    message = r"-1013 This symbol does not allow the specified self-trade prevention mode\."
    with pytest.raises(Refusal, match=message):
        place(market, account, selfTradePreventionMode="EXPIRE_MAKER", **order)
    assert place(market, account, **order, newOrderRespType="RESULT")["selfTradePreventionMode"] == "NONE"
    [shown] = ask(market, "GET /api/v3/exchangeInfo", symbol="BTCUSDT")["symbols"]
    assert shown["defaultSelfTradePreventionMode"] == "NONE"
    assert shown["allowedSelfTradePreventionModes"] == ["NONE", "EXPIRE_TAKER"]


@pytest.mark.parametrize(
    ("name", "told"), [({"newClientOrderId": "first"}, 0), ({"newClientOrderId": "other"}, 1), ({}, 1)]
)
def test_a_list_is_told_as_updated_when_the_client_id_of_an_order_has_changed(name: dict[str, Any], told: int) -> None:
    market = quiet_market()
    account = customer(market, USDT="10000")
    placed = ask(market, "POST /api/v3/orderList/oto", account, workingClientOrderId="first", **OTO)
    market.take_events()
    amend: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": placed["orders"][0]["orderId"], "newQty": "0.008"}
    ask(market, "PUT /api/v3/order/amend/keepPriority", account, **amend, **name)
    lists = [event for event in user_events(market) if event["e"] == "listStatus"]
    assert [event["l"] for event in lists] == ["UPDATED"] * told
    assert account.balance("USDT").locked == 480 * UNIT
