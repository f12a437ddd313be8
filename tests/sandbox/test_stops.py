"""Stops: which prices trigger an order that waits, and how a trailing one follows the market."""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.market import Market
from trio_binance.sandbox.orders import BUY, SELL, Order, Trail
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.stops import Stops, would_trigger
from trio_binance.sandbox.symbols import SYMBOLS

from .economy import BTCUSDT, START, UNIT, ask, bare_market, customer, held, place, reports, strike, trader, user_events

FUNDS = {"USDT": "200000", "BTC": "5"}


def stop(side: str, kind: str, stop_price: int = 0, delta: int | None = None) -> Order:
    trail = None if delta is None else Trail(delta)
    return Order(trader(1), "BTCUSDT", side, kind, "GTC", UNIT, stop_price=stop_price, trail=trail, id=1)


def hit_at(order: Order, prices: list[int]) -> int | None:
    """Return at which of the prices the order becomes due."""
    due: deque[Any] = deque()
    stops = Stops(due)
    stops.add(order, 0, START)
    for price in prices:
        stops.on_price(price, START)
        if due:
            assert not stops.waiting
            return price
    return None


@pytest.mark.parametrize(
    ("side", "kind", "hits", "misses"),
    [
        (BUY, "STOP_LOSS", 100, 99),
        (SELL, "STOP_LOSS_LIMIT", 100, 101),
        (BUY, "TAKE_PROFIT_LIMIT", 100, 101),
        (SELL, "TAKE_PROFIT", 100, 99),
    ],
)
def test_a_stop_price_is_reached_from_the_side_of_the_type(side: str, kind: str, hits: int, misses: int) -> None:
    assert hit_at(stop(side, kind, 100), [misses, hits]) == hits
    assert would_trigger(stop(side, kind, 100), hits)
    assert not would_trigger(stop(side, kind, 100), misses)
    assert not would_trigger(stop(side, kind, 100, delta=10), hits)


@pytest.mark.parametrize(
    ("side", "delta", "prices", "trigger"),
    [
        # The examples of the trailing stop FAQ: up 5 % from 42,000, down 10 % from 41,000.
        (BUY, 500, [43_000, 42_000, 44_099, 44_100], 44_100),
        (SELL, 1_000, [40_000, 41_000, 36_901, 36_900], 36_900),
    ],
)
def test_a_trailing_order_turns_with_the_market(side: str, delta: int, prices: list[int], trigger: int) -> None:
    assert hit_at(stop(side, "STOP_LOSS", delta=delta), prices) == trigger


def test_a_trailing_order_with_a_stop_price_begins_there() -> None:
    order = stop(SELL, "TAKE_PROFIT", 100, delta=1_000)
    assert hit_at(order, [90, 50, 100, 120, 109, 108]) == 108
    assert order.trail is not None
    assert order.trail.extreme == 120


@given(st.sampled_from([BUY, SELL]), st.integers(1, 2_000), st.lists(st.integers(1, 10_000), min_size=1))
def test_a_trailing_order_triggers_at_the_first_price_that_came_back_far_enough(
    side: str, delta: int, prices: list[int]
) -> None:
    def back(number: int) -> bool:
        so_far = prices[: number + 1]
        if side == BUY:
            return prices[number] >= min(so_far) * (1 + delta / 10_000)
        return prices[number] <= max(so_far) * (1 - delta / 10_000)

    expected = next((prices[number] for number in range(1, len(prices)) if back(number)), None)
    assert hit_at(stop(side, "STOP_LOSS", delta=delta), prices) == expected


# ----------------------------------------------------------------------------------------------------- in the market


def last(market: Market) -> int:
    return int(market.trades("BTCUSDT")[-1].price)


def test_a_stop_loss_sells_when_the_price_falls_to_it() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    order = place(market, account, type="STOP_LOSS", side="SELL", quantity="1", stopPrice=price - 100)
    assert order == {
        name: order[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
    }
    [new, _] = user_events(market)
    assert (new["x"], new["w"], new["P"], "W" in new) == ("NEW", False, f"{price - 100}.00000000", False)
    assert held(account, "BTC") == (4, 1)
    query = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    shown = ask(market, "GET /api/v3/order", account, **query)
    assert (shown["status"], shown["isWorking"], shown["workingTime"]) == ("NEW", False, -1)
    place(market, customer(market, USDT="100000"), price=price - 150, quantity="1")
    market.take_events()
    strike(market, price - 99)
    assert reports(market)[-1][2] != order["orderId"]
    strike(market, price - 100, START + 5_000)
    mine = [e for e in user_events(market) if e.get("i") == order["orderId"] and e["e"] == "executionReport"]
    assert [(e["x"], e["X"], e["w"]) for e in mine] == [("NEW", "NEW", True), ("TRADE", "FILLED", False)]
    assert [e["W"] for e in mine] == [START // 1000 + 5] * 2
    assert mine[1]["L"] == f"{price - 150}.00000000"
    shown = ask(market, "GET /api/v3/order", account, START + 5_000, **query)
    assert (shown["status"], shown["isWorking"], shown["workingTime"]) == ("FILLED", True, START // 1000 + 5)
    assert account.locked("BTC") == 0


def test_a_triggered_limit_rests_on_the_book() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    order = place(
        market,
        account,
        type="TAKE_PROFIT_LIMIT",
        quantity="0.5",
        timeInForce="GTC",
        price=price - 200,
        stopPrice=price - 100,
        newOrderRespType="FULL",
    )
    assert (order["stopPrice"], order["workingTime"], order["fills"]) == (f"{price - 100}.00000000", -1, [])
    assert account.locked("USDT") == (price - 200) / 2
    assert market.book("BTCUSDT").bids == ()
    strike(market, price - 100)
    assert [(int(level[0]), str(level[1])) for level in market.book("BTCUSDT").bids] == [(price - 200, "0.50000000")]


def test_one_sweep_triggers_all_it_passes_and_they_trigger_more() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    for step in (1, 2, 3):
        place(market, account, type="STOP_LOSS", side="SELL", quantity="0.1", stopPrice=price - 10 * step)
        place(market, customer(market, USDT="50000"), price=price - 10 * step, quantity="0.05")
        place(market, customer(market, USDT="50000"), price=price - 10 * step - 5, quantity="0.05")
    market.take_events()
    place(market, account, type="MARKET", side="SELL", quantity="0.001")
    assert not account.blotter("BTCUSDT").open
    statuses = [order.status for order in account.blotter("BTCUSDT").orders.values()]
    assert statuses.count("FILLED") == 3  # the third finds half of what it wants
    assert statuses.count("EXPIRED") == 1
    assert all(amount == 0 for amount in market.audit().values())


def test_the_answer_to_an_order_tells_nothing_of_what_it_triggers() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    place(market, account, type="STOP_LOSS", side="SELL", quantity="1", stopPrice=price - 10, newClientOrderId="stop")
    place(market, customer(market, USDT="100000"), price=price - 10, quantity="0.1")
    sold = place(market, customer(market, BTC="1"), side="SELL", price=price - 10, quantity="1")
    assert (sold["executedQty"], len(sold["fills"])) == ("0.10000000", 1)
    stopped = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", origClientOrderId="stop")
    assert (stopped["status"], stopped["expiryReason"]) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")


def test_a_stop_whose_owner_cannot_pay_any_more_expires_rejected() -> None:
    market = bare_market()
    account, price = customer(market, USDT="100000"), last(market)
    order = place(market, account, type="STOP_LOSS", quantity="1", stopPrice=price + 100)
    assert account.locked("USDT") == price + 100
    place(market, customer(market, BTC="1"), side="SELL", price=price + 50_000, quantity="1")
    market.take_events()
    strike(market, price + 100)
    events = [e for e in user_events(market) if e.get("i") == order["orderId"] and e["e"] == "executionReport"]
    assert [(e["x"], e["r"], e["eR"]) for e in events] == [("EXPIRED", "INSUFFICIENT_BALANCES", "REJECTED")]
    assert held(account, "USDT") == (100_000, 0)


def test_a_stop_that_breaks_a_filter_when_it_is_triggered_expires_rejected() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    order = place(
        market, account, type="STOP_LOSS_LIMIT", timeInForce="GTC", price=price, stopPrice=price + 100, quantity="1"
    )
    market.set_rules(attrs.evolve(BTCUSDT, min_price=(price + 1) * UNIT), START)
    strike(market, price + 100)
    shown = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert (shown["status"], shown["expiryReason"], shown["isWorking"]) == ("EXPIRED", "REJECTED", False)
    assert account.locked("USDT") == 0


def test_a_waiting_order_is_cancelled_and_never_triggers() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    order = place(market, account, type="STOP_LOSS", side="SELL", quantity="1", stopPrice=price - 100)
    cancelled = ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert (cancelled["status"], cancelled["stopPrice"]) == ("CANCELED", f"{price - 100}.00000000")
    market.take_events()
    strike(market, price - 100)
    assert order["orderId"] not in [number for _, _, number in reports(market)]
    assert account.free("BTC") == 5


def test_a_trailing_order_tells_when_it_began_to_follow() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    order = place(
        market, account, type="STOP_LOSS", side="SELL", quantity="1", trailingDelta=100, newOrderRespType="RESULT"
    )
    assert (order["trailingDelta"], order["trailingTime"], order["stopPrice"]) == (100, -1, "0.00000000")
    report = user_events(market)[0]
    assert (report["d"], report["D"]) == (100, -1)
    strike(market, price + 1_000, START + 7_000)
    shown = ask(market, "GET /api/v3/order", account, START + 7_000, symbol="BTCUSDT", orderId=order["orderId"])
    assert (shown["trailingTime"], shown["status"]) == (START // 1000 + 7, "NEW")
    strike(market, (price + 1_000) * 99 // 100 + 1, START + 8_000)
    assert order["orderId"] in account.blotter("BTCUSDT").open
    market.take_events()
    strike(market, (price + 1_000) * 99 // 100, START + 9_000)
    mine = [e for e in user_events(market) if e.get("i") == order["orderId"] and e["e"] == "executionReport"]
    assert [(e["x"], e["D"]) for e in mine] == [("NEW", START // 1000 + 7), ("EXPIRED", START // 1000 + 7)]


def test_a_trailing_order_whose_stop_price_is_met_begins_at_once() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    order = place(
        market,
        account,
        type="STOP_LOSS",
        side="SELL",
        quantity="1",
        stopPrice=price + 100,
        trailingDelta=100,
        newOrderRespType="RESULT",
    )
    assert order["trailingTime"] == user_events(market)[0]["D"] == START // 1000


def test_no_more_waiting_orders_than_the_filter_allows() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    for _ in range(SYMBOLS[0].max_algo_orders):
        place(market, account, type="STOP_LOSS", side="SELL", quantity="0.01", stopPrice=price - 100)
    with pytest.raises(Refusal, match="MAX_NUM_ALGO_ORDERS"):
        place(market, account, type="STOP_LOSS", side="SELL", quantity="0.01", stopPrice=price - 100)
    place(market, account, side="SELL", quantity="0.01", price=price + 100)
