"""Every filter of symbols, of the exchange and of assets, at its bounds."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.orders import BUY, SELL
from trio_binance.sandbox.reference import PercentPrice
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.symbols import ASSET_LIMITS, EXCHANGE_LIMITS

from .economy import BTCUSDT, START, UNIT, ask, bare_market, customer, place, strike

NEAR = {"percent": PercentPrice(11_000, 9_000, 12_000, 8_000)}
PLAIN = {"percent": PercentPrice(11_000, 9_000, by_side=False)}
STOP: dict[str, Any] = {"type": "STOP_LOSS", "side": "SELL", "quantity": 1}
GOAL: dict[str, Any] = {"type": "TAKE_PROFIT", "side": "SELL", "quantity": 1}
ICEBERG: dict[str, Any] = {"price": 60_000, "quantity": "0.1", "icebergQty": "0.05"}
MARKET: dict[str, Any] = {"type": "MARKET", "quantity": "0.1"}


def filtered(rules: dict[str, Any]) -> tuple[Market, Account]:
    """Return a market whose last price, and average of five minutes, is about 60,000, with other rules."""
    market = bare_market()
    strike(market, 60_000)
    place(market, customer(market, "maker", BTC="1"), side="SELL", price=60_100, quantity=1)
    place(market, customer(market, "maker", USDT="60000"), side="BUY", price=59_900, quantity=1)
    market.set_rules(attrs.evolve(BTCUSDT, average_minutes=0, **rules), START)
    return market, customer(market, USDT="1000000", BTC="10")


def verdict(rules: dict[str, Any], *orders: dict[str, Any]) -> str | None:
    """Place orders, of which all but the last must be taken; return the filter that the last one fails."""
    market, account = filtered(rules)
    *first, last = orders
    for order in first:
        place(market, account, **order)
    try:
        place(market, account, **last)
    except Refusal as refusal:
        if refusal.code != -1013:
            raise
        return refusal.msg.removeprefix("Filter failure: ")
    return None


def limit(price: object, quantity: object = "0.1", side: str = BUY) -> dict[str, Any]:
    return {"price": price, "quantity": quantity, "side": side}


@pytest.mark.parametrize(
    ("rules", "order", "name"),
    [
        ({"min_price": 50_000 * UNIT}, limit("49999.99"), "PRICE_FILTER"),
        ({"min_price": 50_000 * UNIT}, limit(50_000), None),
        ({"min_price": 0, "percent": None}, limit("0.01", 1_000), None),
        ({"max_price": 70_000 * UNIT}, limit("70000.01"), "PRICE_FILTER"),
        ({"max_price": 70_000 * UNIT}, limit(70_000), None),
        ({"max_price": 0}, limit(200_000), None),
        ({"tick": UNIT}, limit("59000.5"), "PRICE_FILTER"),
        ({"tick": 0}, limit("59000.12345678"), None),
        ({"max_price": 70_000 * UNIT}, {**GOAL, "stopPrice": 70_001}, "PRICE_FILTER"),
        (NEAR, limit("53999.99"), "PERCENT_PRICE_BY_SIDE"),
        (NEAR, limit(54_000), None),
        (NEAR, limit(66_000), None),
        (NEAR, limit("66000.01"), "PERCENT_PRICE_BY_SIDE"),
        (NEAR, limit("47999.99", side=SELL), "PERCENT_PRICE_BY_SIDE"),
        (NEAR, limit(48_000, side=SELL), None),
        (NEAR, limit(72_000, side=SELL), None),
        (NEAR, limit("72000.01", side=SELL), "PERCENT_PRICE_BY_SIDE"),
        (PLAIN, limit("66000.01", side=SELL), "PERCENT_PRICE"),
        (PLAIN, limit(54_000, side=SELL), None),
        ({"min_quantity": UNIT // 10}, limit(59_000, "0.09"), "LOT_SIZE"),
        ({"max_quantity": UNIT}, limit(59_000, "1.1"), "LOT_SIZE"),
        ({"max_quantity": 0}, limit(59_000, "1.1"), None),
        ({"step": UNIT // 10}, limit(59_000, "0.15"), "LOT_SIZE"),
        ({"step": 0, "min_quantity": 0}, limit(59_000, "0.00012345"), None),
        ({"min_market_quantity": UNIT // 5}, MARKET, "MARKET_LOT_SIZE"),
        ({"max_market_quantity": UNIT // 20}, MARKET, "MARKET_LOT_SIZE"),
        ({"market_step": UNIT * 3 // 100}, MARKET, "MARKET_LOT_SIZE"),
        ({"market_step": UNIT * 5 // 100}, MARKET, None),
        ({"max_market_quantity": UNIT // 20}, limit(59_000), None),
        ({"min_notional": 6_000 * UNIT}, limit("59999.99"), "NOTIONAL"),
        ({"min_notional": 6_000 * UNIT}, limit(60_000), None),
        ({"min_notional": 6_001 * UNIT}, MARKET, "NOTIONAL"),
        ({"min_notional": 6_001 * UNIT, "min_to_market": False}, MARKET, None),
        ({"max_notional": 6_000 * UNIT}, limit("60000.01"), "NOTIONAL"),
        ({"max_notional": 5_999 * UNIT}, MARKET, None),
        ({"max_notional": 5_999 * UNIT, "max_to_market": True}, MARKET, "NOTIONAL"),
        ({"max_notional": None, "min_notional": 6_000 * UNIT}, limit(59_000), "MIN_NOTIONAL"),
        ({"max_notional": None}, limit(59_000, 10), None),
        ({"iceberg_parts": 2}, limit(59_000) | {"icebergQty": "0.04"}, "ICEBERG_PARTS"),
        ({"iceberg_parts": 2}, limit(59_000) | {"icebergQty": "0.05"}, None),
        ({"trailing_above": (50, 60)}, {**GOAL, "trailingDelta": 49}, "TRAILING_DELTA"),
        ({"trailing_above": (50, 60)}, {**GOAL, "trailingDelta": 50}, None),
        ({"trailing_above": (50, 60)}, {**STOP, "side": "BUY", "trailingDelta": 61}, "TRAILING_DELTA"),
        ({"trailing_above": (50, 60)}, {**STOP, "trailingDelta": 61}, None),
        ({"trailing_below": (50, 60)}, {**STOP, "trailingDelta": 61}, "TRAILING_DELTA"),
        ({"trailing_below": (50, 60)}, {**GOAL, "side": "BUY", "trailingDelta": 49}, "TRAILING_DELTA"),
        ({"max_position": 10 * UNIT + UNIT // 10}, limit(59_000), None),
        ({"max_position": 10 * UNIT + UNIT // 10 - 1}, limit(59_000), "MAX_POSITION"),
        ({"max_position": UNIT}, limit(61_000, side=SELL), None),
    ],
)
def test_an_order_passes_up_to_the_bound_and_no_further(
    rules: dict[str, Any], order: dict[str, Any], name: str | None
) -> None:
    assert verdict(rules, order) == name


@pytest.mark.parametrize(
    ("rules", "order", "name"),
    [
        ({"max_orders": 1}, limit(59_000), "MAX_NUM_ORDERS"),
        ({"max_algo_orders": 1}, {**STOP, "stopPrice": 50_000}, "MAX_NUM_ALGO_ORDERS"),
        ({"max_icebergs": 1}, {**ICEBERG, "price": 59_000}, "MAX_NUM_ICEBERG_ORDERS"),
        ({"max_position": 10 * UNIT + UNIT // 5 - 1}, limit(59_000), "MAX_POSITION"),
    ],
)
def test_open_orders_are_counted(rules: dict[str, Any], order: dict[str, Any], name: str) -> None:
    assert verdict(rules, order, order) == name
    assert verdict({}, order, order) is None


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("EXCHANGE_MAX_NUM_ORDERS", limit(59_000)),
        ("EXCHANGE_MAX_NUM_ALGO_ORDERS", {**STOP, "stopPrice": 50_000}),
        ("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", {**ICEBERG, "price": 59_000}),
    ],
)
def test_the_exchange_counts_open_orders_on_all_symbols(
    monkeypatch: pytest.MonkeyPatch, name: str, order: dict[str, Any]
) -> None:
    monkeypatch.setitem(EXCHANGE_LIMITS, name, 1)
    assert verdict({}, order, order) == name


def test_the_exchange_counts_order_lists_on_all_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXCHANGE_LIMITS, "EXCHANGE_MAX_NUM_ORDER_LISTS", 1)
    market, account = filtered({})
    oco: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": 1,
        "aboveType": "LIMIT_MAKER",
        "abovePrice": 70_000,
    }
    oco |= {"belowType": "STOP_LOSS", "belowStopPrice": 50_000}
    ask(market, "POST /api/v3/orderList/oco", account, **oco)
    with pytest.raises(Refusal, match="EXCHANGE_MAX_NUM_ORDER_LISTS"):
        ask(market, "POST /api/v3/orderList/oco", account, **oco)


def test_no_order_moves_more_of_an_asset_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ASSET_LIMITS, "USDT", 60_100 * UNIT)
    assert verdict({}, limit(60_100, 1)) is None
    assert verdict({}, limit("60100.01", 1)) == "MAX_ASSET"


def test_a_market_order_by_quote_quantity_keeps_to_the_filters_of_both() -> None:
    order: dict[str, Any] = {"type": "MARKET", "quoteOrderQty": 6_010}
    market, account = filtered({"market_step": UNIT * 3 // 100})
    assert place(market, account, **order)["executedQty"] == "0.09000000"
    assert verdict({"max_market_quantity": UNIT // 20}, order) == "MARKET_LOT_SIZE"
    market, account = filtered({"min_market_quantity": 2 * UNIT})
    with pytest.raises(Refusal, match=r"-2010 Order book liquidity is less than MARKET_LOT_SIZE filter minimum"):
        place(market, account, **order)
    market, account = filtered({"min_quantity": 0, "step": 0})
    place(market, account, **MARKET | {"quantity": 1})
    with pytest.raises(Refusal, match=r"-2010 Order book liquidity is less than symbol minimum quantity"):
        place(market, account, **order)


def test_a_price_times_a_quantity_that_comes_to_nothing_is_refused() -> None:
    market, account = filtered({"min_notional": 0, "min_quantity": 0, "step": 0, "percent": None})
    with pytest.raises(Refusal, match=r"-2010 Price \* QTY is zero or less\."):
        place(market, account, price="0.01", quantity="0.00000001")


def test_the_filters_that_bind_are_told() -> None:
    rules: dict[str, Any] = {
        "max_icebergs": 3,
        "max_position": 7 * UNIT,
        "max_notional": None,
        "average_minutes": 0,
        **PLAIN,
    }
    market, _ = filtered({})
    market.set_rules(attrs.evolve(BTCUSDT, **rules), START)
    [symbol] = ask(market, "GET /api/v3/exchangeInfo", symbol="BTCUSDT")["symbols"]
    rows = {row["filterType"]: row for row in symbol["filters"]}
    assert rows["PERCENT_PRICE"] == {
        "filterType": "PERCENT_PRICE",
        "multiplierUp": "1.1000",
        "multiplierDown": "0.9000",
        "avgPriceMins": 0,
    }
    assert rows["MIN_NOTIONAL"]["applyToMarket"] is True
    assert rows["MAX_NUM_ICEBERG_ORDERS"]["maxNumIcebergOrders"] == 3
    assert rows["MAX_POSITION"]["maxPosition"] == "7.00000000"
    assert not {"NOTIONAL", "PERCENT_PRICE_BY_SIDE"} & rows.keys()
