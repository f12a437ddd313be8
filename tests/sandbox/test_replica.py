"""Queries are answered by a copy that may be behind; the matching engine never is."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.ledger import ARCHIVED_AFTER_US
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.replica import LONGEST_LAG_US, History, Replica

from .economy import SECOND, START, ask, bare_market, customer, place, quiet_market

BUY: dict[str, Any] = {"symbol": "BTCUSDT", "quantity": "0.01", "price": 60_000}
OTO: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": 60_000,
    "workingQuantity": "0.01",
    "workingTimeInForce": "GTC",
    "pendingType": "LIMIT",
    "pendingSide": "SELL",
    "pendingPrice": 70_000,
    "pendingQuantity": "0.01",
    "pendingTimeInForce": "GTC",
}


@given(st.lists(st.tuples(st.integers(0, 3 * LONGEST_LAG_US), st.integers())), st.integers(0, LONGEST_LAG_US))
def test_a_history_knows_what_held_at_any_moment_that_a_replica_can_be_behind(
    notes: list[tuple[int, int]], lag: int
) -> None:
    history = History[int]()
    notes.sort(key=lambda note: note[0])
    for time_us, value in notes:
        history.note(value, time_us)
        held = [other for earlier, other in notes if earlier <= time_us - lag]
        if held and time_us != notes[-1][0]:
            assert history.at(time_us - lag) == held[-1]
    assert history.first() is None or notes


def test_a_history_forgets_what_no_replica_can_know() -> None:
    history = History[int]()
    for value in range(100):
        history.note(value, value * SECOND * 60)
    assert history.first() == 100 - 1 - LONGEST_LAG_US // (60 * SECOND)


@pytest.mark.parametrize("lag", [-1, LONGEST_LAG_US + 1])
def test_no_replica_is_ahead_or_further_behind_than_is_remembered(lag: int) -> None:
    replica = Replica()
    with pytest.raises(ValueError, match="expected 0 to"):
        replica.lag_us = lag
    replica.drawn = lambda _: lag
    with pytest.raises(ValueError, match="expected 0 to"):
        replica.turn_to("GET /api/v3/order")


def test_each_query_may_be_answered_by_another_copy() -> None:
    """The second sees less than the first: an order that was there is not there any more."""
    market = quiet_market()
    account = customer(market, USDT="10000")
    order = place(market, account, **BUY)
    lags = cycle((0, 40 * SECOND))
    market.replica.drawn = lambda operation: next(lags) if operation == "GET /api/v3/order" else 0
    query: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    for _ in range(2):
        assert ask(market, "GET /api/v3/order", account, START + SECOND, **query)["status"] == "NEW"
        assert ask(market, "GET /api/v3/openOrders", account, START + SECOND) != []
        with pytest.raises(Refusal, match="-2013"):
            ask(market, "GET /api/v3/order", account, START + SECOND, **query)
    market.replica_lag_us = 50 * SECOND  # the larger one counts
    with pytest.raises(Refusal, match="-2013"):
        ask(market, "GET /api/v3/order", account, START + 45 * SECOND, **query)


def test_what_the_matching_engine_answers_is_never_behind() -> None:
    market = quiet_market()
    market.replica_lag_us = 40 * SECOND
    account = customer(market, USDT="10000")
    place(market, account, newClientOrderId="mine", **BUY)
    mine: dict[str, Any] = {"symbol": "BTCUSDT", "origClientOrderId": "mine"}
    with pytest.raises(Refusal, match="-2013"):
        ask(market, "GET /api/v3/order", account, **mine)
    with pytest.raises(Refusal, match=r"-2010 Duplicate order sent\."):
        place(market, account, newClientOrderId="mine", **BUY)
    assert ask(market, "DELETE /api/v3/order", account, **mine)["status"] == "CANCELED"
    with pytest.raises(Refusal, match="-2011"):
        ask(market, "DELETE /api/v3/order", account, **mine)


def test_a_filled_order_looks_open_and_its_money_locked_for_as_long_as_the_copy_is_behind() -> None:
    market = bare_market()
    account, other = customer(market, USDT="10000"), customer(market, BTC="1")
    order = place(market, account, START, **BUY)
    place(market, other, START + SECOND, side="SELL", **BUY)
    market.replica_lag_us = 40 * SECOND

    def seen(seconds: int) -> tuple[int, int, str, str]:
        now = START + seconds * SECOND
        [row] = ask(market, "GET /api/v3/allOrders", account, now, symbol="BTCUSDT")
        view = ask(market, "GET /api/v3/account", account, now)
        [usdt] = [held for held in view["balances"] if held["asset"] == "USDT"]
        trades = ask(market, "GET /api/v3/myTrades", account, now, symbol="BTCUSDT")
        assert row["orderId"] == order["orderId"]
        return len(ask(market, "GET /api/v3/openOrders", account, now)), len(trades), row["status"], usdt["locked"]

    assert seen(40) == (1, 0, "NEW", "600.00000000")
    assert seen(41) == (0, 1, "FILLED", "0.00000000")


def test_an_account_that_the_copy_does_not_know_yet_has_what_it_began_with() -> None:
    market = quiet_market()
    market.replica_lag_us = 40 * SECOND
    account = customer(market, USDT="10000")
    place(market, account, **BUY)
    view = ask(market, "GET /api/v3/account", account, omitZeroBalances="true")
    assert view["balances"] == [{"asset": "USDT", "free": "10000.00000000", "locked": "0.00000000"}]


def test_a_client_id_that_was_used_again_finds_the_older_order_on_a_copy_that_knows_no_other() -> None:
    market = bare_market()
    account, other = customer(market, USDT="10000"), customer(market, BTC="1")
    first = place(market, account, START, newClientOrderId="again", **BUY)
    place(market, other, START, side="SELL", **BUY)
    second = place(market, account, START + 60 * SECOND, newClientOrderId="again", **BUY)
    market.replica_lag_us = 40 * SECOND
    query: dict[str, Any] = {"symbol": "BTCUSDT", "origClientOrderId": "again"}
    seen = [ask(market, "GET /api/v3/order", account, START + at * SECOND, **query)["orderId"] for at in (99, 100)]
    assert seen == [first["orderId"], second["orderId"]]


def test_an_amended_order_has_its_old_id_on_a_copy_that_knows_no_other() -> None:
    market = bare_market()
    account = customer(market, USDT="10000")
    order = place(market, account, START, newClientOrderId="old", **BUY)
    amend: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": order["orderId"], "newQty": "0.005"}
    ask(market, "PUT /api/v3/order/amend/keepPriority", account, START + SECOND, newClientOrderId="new", **amend)
    market.replica_lag_us = 10 * SECOND

    def quantity(client_id: str, seconds: int) -> Any:
        query: dict[str, Any] = {"symbol": "BTCUSDT", "origClientOrderId": client_id}
        return ask(market, "GET /api/v3/order", account, START + seconds * SECOND, **query)["origQty"]

    history: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert quantity("old", 10) == "0.01000000"
    assert ask(market, "GET /api/v3/order/amendments", account, START + 10 * SECOND, **history) == []
    assert quantity("new", 11) == "0.00500000"
    assert len(ask(market, "GET /api/v3/order/amendments", account, START + 11 * SECOND, **history)) == 1
    for client_id, seconds in (("new", 10), ("old", 11)):
        with pytest.raises(Refusal, match="-2013"):
            quantity(client_id, seconds)
    with pytest.raises(Refusal, match="-2013"):
        ask(market, "GET /api/v3/order/amendments", account, START + 9 * SECOND, **history)


def test_an_order_list_is_not_there_then_open_then_done() -> None:
    market = bare_market()
    account = customer(market, USDT="10000")
    placed = ask(market, "POST /api/v3/orderList/oto", account, START, **OTO)
    cancel: dict[str, Any] = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
    ask(market, "DELETE /api/v3/orderList", account, START + 5 * SECOND, **cancel)
    market.replica_lag_us = 10 * SECOND

    def seen(seconds: int) -> tuple[int, int, Any]:
        now = START + seconds * SECOND
        lists = [ask(market, f"GET /api/v3/{path}", account, now) for path in ("openOrderList", "allOrderList")]
        one = ask(market, "GET /api/v3/orderList", account, now, orderListId=placed["orderListId"])
        return len(lists[0]), len(lists[1]), one["listOrderStatus"]

    with pytest.raises(Refusal, match="-2013"):
        seen(9)
    assert seen(10) == (1, 1, "EXECUTING")
    assert seen(15) == (0, 1, "ALL_DONE")


def test_prevented_matches_and_allocations_come_late_too() -> None:
    market = bare_market(1, "BTCUSDC")
    account, other = customer(market, USDT="10000", BTC="1"), customer(market, BTC="1")
    place(market, account, START, **BUY)
    mine = place(market, account, START, side="SELL", selfTradePreventionMode="EXPIRE_BOTH", **BUY)
    place(market, other, START, side="SELL", **BUY)
    routed = {**BUY, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    ask(market, "POST /api/v3/sor/order", account, START, **routed)
    market.replica_lag_us = 10 * SECOND

    def seen(seconds: int) -> tuple[int, int]:
        now = START + seconds * SECOND
        matches: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": mine["orderId"]}
        return (
            len(ask(market, "GET /api/v3/myPreventedMatches", account, now, **matches)),
            len(ask(market, "GET /api/v3/myAllocations", account, now, symbol="BTCUSDT")),
        )

    assert [seen(9), seen(10)] == [(0, 0), (1, 1)]


def test_what_came_to_nothing_is_archived_after_ninety_days() -> None:
    market = quiet_market()
    account = customer(market, USDT="10000", BTC="1")
    nothing = place(market, account, START, **BUY)
    ask(market, "DELETE /api/v3/openOrders", account, START, symbol="BTCUSDT")
    filled = place(market, account, START, type="MARKET", quantity="0.01")
    at_last = START + ARCHIVED_AFTER_US
    for order, now in ((filled, at_last + 1), (nothing, at_last)):
        view = ask(market, "GET /api/v3/order", account, now, symbol="BTCUSDT", orderId=order["orderId"])
        assert view["orderId"] == order["orderId"]
    with pytest.raises(Refusal, match="-2026 Order was canceled or expired with no executed qty over 90 days ago"):
        ask(market, "GET /api/v3/order", account, at_last + 1, symbol="BTCUSDT", orderId=nothing["orderId"])
    rows = ask(market, "GET /api/v3/allOrders", account, at_last + 1, symbol="BTCUSDT")
    assert [row["orderId"] for row in rows] == [filled["orderId"]]
