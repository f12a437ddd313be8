"""Records: order lists, allocations, filters and block trades as queries give them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from trio_binance.sandbox import blocks
from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.blocks import Blocks
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.symbols import EXCHANGE_LIMITS, SYMBOLS

from .economy import BTCUSDT, SECOND, START, UNIT, ask, bare_market, customer, place, stream_events

HOUR = 3600 * SECOND


def placed_lists(market: Market, account: Account) -> list[int]:
    """Place three lists an hour apart, the first cancelled, and return their ids."""
    price = int(market.trades("BTCUSDT")[-1].price)
    legs: dict[str, Any] = {
        "aboveType": "LIMIT_MAKER",
        "abovePrice": price + 10,
        "belowType": "STOP_LOSS",
        "belowStopPrice": price - 10,
    }
    ids = []
    for number in range(3):
        now = START + number * HOUR
        params = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1", "listClientOrderId": f"list{number}"}
        ids.append(ask(market, "POST /api/v3/orderList/oco", account, now, **params, **legs)["orderListId"])
        if number == 0:
            ask(market, "DELETE /api/v3/orderList", account, now, symbol="BTCUSDT", listClientOrderId="list0")
    return ids


def test_lists_are_found_by_either_id_and_the_clients_own_decides() -> None:
    market = bare_market()
    account = customer(market, BTC="2")
    ids = placed_lists(market, account)

    def found(**params: Any) -> Any:
        return ask(market, "GET /api/v3/orderList", account, START + 3 * HOUR, **params)["orderListId"]

    assert found(orderListId=ids[1]) == found(origClientOrderId="list1") == ids[1]
    assert found(orderListId=ids[1], origClientOrderId="list2") == ids[2]
    for params, code in (({}, -1102), ({"orderListId": 99}, -2013), ({"origClientOrderId": "none"}, -2013)):
        with pytest.raises(Refusal) as caught:
            found(**params)
        assert caught.value.code == code


def test_lists_come_from_an_id_within_times_or_the_newest() -> None:
    market = bare_market()
    account = customer(market, BTC="2")
    ids = placed_lists(market, account)
    now = START + 3 * HOUR

    def found(**params: Any) -> Any:
        return [row["orderListId"] for row in ask(market, "GET /api/v3/allOrderList", account, now, **params)]

    assert found() == ids
    assert found(limit=1) == ids[-1:]
    assert found(fromId=ids[1]) == ids[1:]
    assert found(fromId=ids[0], limit=2) == ids[:2]
    assert found(startTime=(START + HOUR) // 1000) == ids[1:]
    assert found(endTime=(START + HOUR) // 1000) == ids[:2]
    with pytest.raises(Refusal, match="-1128"):
        found(fromId=1, startTime=1)
    with pytest.raises(Refusal, match="-1127"):
        found(startTime=START // 1000, endTime=(START + 25 * HOUR) // 1000)
    assert [row["orderListId"] for row in ask(market, "GET /api/v3/openOrderList", account, now)] == ids[1:]


def test_allocations_come_of_an_order_from_an_id_or_within_times() -> None:
    market = Market(1, START, 1e-6, SYMBOLS)
    account = customer(market, USDT="500000")
    orders = []
    for number in range(2):
        params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        placed = ask(market, "POST /api/v3/sor/order", account, START + number * HOUR, **params)
        orders.append((placed["orderId"], placed["fills"][0]["allocId"]))

    def found(**params: Any) -> Any:
        rows = ask(market, "GET /api/v3/myAllocations", account, START + 2 * HOUR, symbol="BTCUSDT", **params)
        return [(row["orderId"], row["allocationId"]) for row in rows]

    assert found() == orders
    assert found(orderId=orders[1][0]) == found(fromAllocationId=orders[1][1]) == orders[1:]
    assert found(startTime=(START + HOUR) // 1000) == orders[1:]
    with pytest.raises(Refusal, match="-1128"):
        found(orderId=1, startTime=1)


def test_my_filters_are_those_of_exchange_symbol_and_assets() -> None:
    market = Market(1, START, 1e-6, SYMBOLS)
    account = customer(market, USDT="100000000", SOL="100000")
    told = ask(market, "GET /api/v3/myFilters", account, symbol="SOLUSDT")
    assert told["assetFilters"] == [{"filterType": "MAX_ASSET", "asset": "SOL", "limit": "50000.00000000"}]
    assert {row["filterType"] for row in told["exchangeFilters"]} == {
        "EXCHANGE_MAX_NUM_ORDERS",
        "EXCHANGE_MAX_NUM_ALGO_ORDERS",
        "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
        "EXCHANGE_MAX_NUM_ORDER_LISTS",
    }
    info = ask(market, "GET /api/v3/exchangeInfo", symbol="SOLUSDT")
    assert told["symbolFilters"] == info["symbols"][0]["filters"]
    assert told["exchangeFilters"] == info["exchangeFilters"]
    with pytest.raises(Refusal, match="MAX_ASSET"):
        place(market, account, symbol="SOLUSDT", side="SELL", price="100", quantity="50001")
    assert ask(market, "GET /api/v3/myFilters", account, symbol="BTCUSDT")["assetFilters"] == []


def test_the_whole_exchange_bounds_the_open_orders_of_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXCHANGE_LIMITS, "EXCHANGE_MAX_NUM_ORDERS", 2)
    market = bare_market(1, "ETHUSDT")
    account = customer(market, USDT="100000")
    place(market, account, price=50_000, quantity="0.01")
    place(market, account, symbol="ETHUSDT", price=2_500, quantity="0.1")
    with pytest.raises(Refusal, match="EXCHANGE_MAX_NUM_ORDERS"):
        place(market, account, price=50_000, quantity="0.01")


# ------------------------------------------------------------------------------------------------------ block trades


def test_block_trades_are_rare_large_and_told_as_they_are_listed() -> None:
    market = Market(3, START, 50.0, SYMBOLS[:1])
    before = ask(market, "GET /api/v3/historicalBlockTrades", symbol="BTCUSDT", fromId=0)
    assert len(before) == blocks.PAST
    assert [row["id"] for row in before] == list(range(before[0]["id"], before[0]["id"] + blocks.PAST))
    assert all(row["time"] < START // 1000 for row in before)
    market.wanted = {"btcusdt@blockTrade"}
    market.on_timer(START + 200 * SECOND)
    events = stream_events(market, "btcusdt@blockTrade")
    query = {"symbol": "BTCUSDT", "fromId": before[-1]["id"] + 1}
    rows = ask(market, "GET /api/v3/historicalBlockTrades", None, START + 200 * SECOND, **query)
    assert 0 < len(rows) < 50
    assert [(row["id"], row["price"], row["qty"], row["time"], row["isBuyerMaker"]) for row in rows] == [
        (event["t"], event["p"], event["q"], event["T"], event["m"]) for event in events
    ]
    assert all(event["E"] - event["T"] == 250 for event in events)
    assert min(float(row["quoteQty"]) for row in rows) > 100_000
    with pytest.raises(Refusal, match="'fromId'"):
        ask(market, "GET /api/v3/historicalBlockTrades", symbol="BTCUSDT")


def test_old_block_trades_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "KEPT", 10)
    kept = Blocks(BTCUSDT, Random(1))
    kept.write_past(60_000 * UNIT, START)
    assert len(kept.trades) == 10
    assert kept.since(0, 3) == kept.trades[:3]
    assert kept.since(kept.trades[4].id, 100) == kept.trades[4:]
    assert Blocks(BTCUSDT, Random(1)).since(0, 5) == []
