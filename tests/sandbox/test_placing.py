"""Placing: parameters, filters and the engine's own checks, each with the documented number and words."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from trio_binance.sandbox.refusals import Refusal

from .economy import BTCUSDT, START, UNIT, ask, customer, place, quiet_market

FUNDS = {"USDT": "1000000", "BTC": "200"}


@pytest.mark.parametrize(
    ("params", "code", "msg"),
    [
        ({"symbol": "NOPE", "quantity": 1, "price": 1}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "STOP"}, -1116, "Invalid orderType."),
        (
            {"type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "quantity": 1, "price": 60000},
            -1102,
            "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!",
        ),
        ({"timeInForce": "GTX", "quantity": 1, "price": 60000}, -1115, "Invalid timeInForce."),
        (
            {"price": 60000},
            -1102,
            "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.",
        ),
        ({"quantity": 1}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        (
            {"type": "MARKET"},
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
        ),
        (
            {"type": "MARKET", "quantity": 1, "quoteOrderQty": 1},
            -1106,
            "Parameter 'quoteOrderQty' sent when not required.",
        ),
        ({"type": "MARKET", "quantity": 1, "price": 1}, -1106, "Parameter 'price' sent when not required."),
        (
            {"type": "MARKET", "quantity": 1, "timeInForce": "GTC"},
            -1106,
            "Parameter 'timeInForce' sent when not required.",
        ),
        ({"quantity": 1, "price": 1, "quoteOrderQty": 1}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
        ({"quantity": 1, "price": 1, "stopPrice": 1}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"quantity": 1, "price": 60000, "icebergQty": 2}, -2010, "IcebergQty exceeds QTY."),
        ({"quantity": 1, "price": 60000, "icebergQty": "0.001"}, -1013, "Filter failure: ICEBERG_PARTS"),
        (
            {"quantity": 1, "price": 60000, "icebergQty": "0.1", "timeInForce": "IOC"},
            -1106,
            "Parameter 'icebergQty' sent when not required.",
        ),
        ({"quantity": 1, "pegPriceType": "SECONDARY_PEG"}, -1210, "Invalid pegPriceType."),
        (
            {"quantity": 1, "pegPriceType": "PRIMARY_PEG", "pegOffsetType": "TICKS", "pegOffsetValue": 1},
            -1211,
            "Invalid pegOffsetType.",
        ),
        (
            {"quantity": 1, "pegPriceType": "PRIMARY_PEG", "pegOffsetValue": 1},
            -1128,
            None,
        ),
        ({"quantity": 1, "price": 60000, "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 1}, -1102, None),
        (
            {"quantity": 1, "pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 101},
            -1130,
            "Data sent for parameter 'pegOffsetValue' is not valid.",
        ),
        (
            {"type": "MARKET", "quantity": 1, "pegPriceType": "PRIMARY_PEG"},
            -2010,
            "This order type may not use pegged price.",
        ),
        (
            {"type": "LIMIT_MAKER", "quantity": 1, "pegPriceType": "MARKET_PEG"},
            -2010,
            "This price peg cannot be used with this order type.",
        ),
        (
            {"quantity": 1, "pegPriceType": "PRIMARY_PEG", "timeInForce": "IOC"},
            -2010,
            "This price peg cannot be used with this order type.",
        ),
        ({"type": "STOP_LOSS", "quantity": 1, "stopPrice": 0}, -1013, "Filter failure: PRICE_FILTER"),
        ({"type": "STOP_LOSS", "quantity": 1, "stopPrice": "70000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"type": "STOP_LOSS", "quantity": 1, "stopPrice": 50000}, -2010, "Order would trigger immediately."),
        ({"type": "TAKE_PROFIT", "quantity": 1, "stopPrice": 70000}, -2010, "Order would trigger immediately."),
        (
            {"type": "STOP_LOSS", "quantity": 1, "stopPrice": 70000, "price": 1},
            -1106,
            "Parameter 'price' sent when not required.",
        ),
        ({"type": "STOP_LOSS", "quantity": 1, "trailingDelta": 9}, -1013, "Filter failure: TRAILING_DELTA"),
        ({"type": "STOP_LOSS", "quantity": 1, "trailingDelta": 2001}, -1013, "Filter failure: TRAILING_DELTA"),
        (
            {"type": "STOP_LOSS", "quantity": 16, "stopPrice": 70000},
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        ({"quantity": "0.000000001", "price": 60000}, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "-1", "price": 60000}, -1100, None),
        ({"quantity": 1, "price": 60000, "newClientOrderId": "a b"}, -1100, None),
        ({"quantity": 1, "price": 60000, "strategyType": 5}, -1134, "`strategyType` was less than 1000000."),
        (
            {"quantity": 1, "price": 60000, "selfTradePreventionMode": "SOMETIMES"},
            -1013,
            "This symbol does not allow the specified self-trade prevention mode.",
        ),
        ({"quantity": 1, "price": 60000, "newOrderRespType": "LONG"}, -1130, None),
        ({"quantity": 1, "price": 0}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": 1, "price": "60000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": 1, "price": "1000000.01"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": 1, "price": "12000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": 1, "price": "320000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": 0, "price": 60000}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.000015", "price": 60000}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": 9001, "price": 60000}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.00008", "price": 60000}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": 200, "price": 60000}, -1013, "Filter failure: NOTIONAL"),
        ({"type": "MARKET", "quantity": "0.00007"}, -1013, "Filter failure: NOTIONAL"),
        ({"type": "MARKET", "quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"type": "MARKET", "quantity": 0}, -1013, None),
        ({"type": "MARKET", "quoteOrderQty": "4.99"}, -1013, "Filter failure: NOTIONAL"),
        ({"type": "MARKET", "quantity": 121}, -1013, "Filter failure: MARKET_LOT_SIZE"),
        ({"type": "LIMIT_MAKER", "quantity": 1, "price": 63000}, -2010, "Order would immediately match and take."),
        ({"type": "LIMIT_MAKER", "quantity": 1, "price": 60000, "timeInForce": "GTC"}, -1106, None),
        (
            {"quantity": 20, "price": 60000},
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        (
            {"side": "SELL", "quantity": 201, "price": 40000},
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        (
            {"type": "MARKET", "quantity": 20},
            -2010,
            "Account has insufficient balance for requested action.",
        ),
    ],
)
def test_a_bad_order_is_refused_and_changes_nothing(params: dict[str, Any], code: int, msg: str | None) -> None:
    market = quiet_market()
    account = customer(market, **FUNDS)
    before = market.book("BTCUSDT")
    with pytest.raises(Refusal) as caught:
        place(market, account, **params)
    assert caught.value.code == code
    assert msg is None or caught.value.msg == msg
    assert market.book("BTCUSDT") == before
    assert market.take_events() == []
    assert account.balance("USDT").locked == 0


@pytest.mark.parametrize(
    ("rules", "params", "msg"),
    [
        (
            {"kinds": ("LIMIT",)},
            {"type": "STOP_LOSS_LIMIT", "quantity": 1},
            "Stop loss limit orders are not supported for this symbol.",
        ),
        ({"kinds": ("LIMIT",)}, {"type": "MARKET"}, "Market orders are not supported for this symbol."),
        (
            {"icebergs": False},
            {"quantity": 1, "price": 60000, "icebergQty": 1},
            "Iceberg orders are not supported for this symbol.",
        ),
        (
            {"trailing": False},
            {"type": "STOP_LOSS", "quantity": 1, "trailingDelta": 100},
            "Trailing stop orders are not supported for this symbol.",
        ),
        (
            {"pegs": False},
            {"quantity": 1, "pegPriceType": "PRIMARY_PEG"},
            "Pegged orders are not supported for this symbol.",
        ),
    ],
)
def test_what_a_symbol_does_not_allow_is_refused_in_its_own_words(
    rules: dict[str, Any], params: dict[str, Any], msg: str
) -> None:
    market = quiet_market()
    market.set_rules(attrs.evolve(BTCUSDT, **rules), START)
    with pytest.raises(Refusal) as caught:
        place(market, customer(market, **FUNDS), **params)
    assert (caught.value.code, caught.value.msg) == (-2010, msg)


def test_mandatory_words_come_before_everything() -> None:
    market = quiet_market()
    with pytest.raises(Refusal, match="'side'"):
        ask(market, "POST /api/v3/order", customer(market), symbol="BTCUSDT", type="LIMIT")


def test_no_more_open_orders_than_the_filter_allows() -> None:
    market = quiet_market()
    account = customer(market, **FUNDS)
    market.set_rules(attrs.evolve(BTCUSDT, max_orders=2), START)
    for _ in range(2):
        place(market, account, quantity="0.001", price=50000)
    with pytest.raises(Refusal, match="MAX_NUM_ORDERS"):
        place(market, account, quantity="0.001", price=50000)


def test_changed_rules_are_enforced_and_shown() -> None:
    market = quiet_market()
    account = customer(market, **FUNDS)
    place(market, account, quantity="0.001", price="50000.01")
    market.set_rules(attrs.evolve(BTCUSDT, tick=UNIT), START)
    with pytest.raises(Refusal, match="PRICE_FILTER"):
        place(market, account, quantity="0.001", price="50000.01")
    [symbol] = ask(market, "GET /api/v3/exchangeInfo", symbol="BTCUSDT")["symbols"]
    assert symbol["filters"][0]["tickSize"] == "1.00000000"


def test_a_halted_symbol_takes_no_orders_but_cancels() -> None:
    market = quiet_market()
    account = customer(market, **FUNDS)
    order = place(market, account, quantity="0.001", price=50000)
    market.set_status("BTCUSDT", "HALT", START)
    with pytest.raises(Refusal, match="Market is closed"):
        place(market, account, quantity="0.001", price=50000)
    cancelled = ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", orderId=order["orderId"])
    assert cancelled["status"] == "CANCELED"


def test_quote_quantity_buys_whole_steps_for_no_more_than_it_says() -> None:
    market = quiet_market()
    account = customer(market, **FUNDS)
    order = place(market, account, type="MARKET", quoteOrderQty="25000")
    spent = float(order["cummulativeQuoteQty"])
    assert order["status"] == "FILLED"
    assert order["origQuoteOrderQty"] == "25000.00000000"
    assert 25_000 - 0.7 < spent <= 25_000
    assert order["origQty"] == order["executedQty"]


def test_quote_quantity_too_small_for_a_step_is_refused() -> None:
    market = quiet_market()
    account = customer(market, **FUNDS)
    market.set_rules(attrs.evolve(BTCUSDT, min_notional=1), START)
    with pytest.raises(Refusal, match="Order book liquidity is less than LOT_SIZE filter minimum quantity"):
        place(market, account, type="MARKET", quoteOrderQty="0.5")


def test_quote_quantity_takes_all_there_is_and_expires() -> None:
    """CHANGELOG 2023-03-13: FILLED only if the order was completely filled."""
    market = quiet_market()
    market.set_rules(attrs.evolve(BTCUSDT, max_market_quantity=0), START)
    account = customer(market, USDT="100000000")
    order = place(market, account, type="MARKET", quoteOrderQty="50000000")
    assert (order["status"], order["expiryReason"]) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    assert 0 < float(order["executedQty"]) < float(order["origQty"])
    assert market.book("BTCUSDT").asks == ()
    assert account.balance("USDT").locked == 0
    with pytest.raises(Refusal, match="Order book liquidity is less than LOT_SIZE filter minimum quantity"):
        place(market, account, type="MARKET", quoteOrderQty="50000")
    assert place(market, account, type="MARKET", quantity="1")["status"] == "EXPIRED"
