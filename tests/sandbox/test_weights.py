"""The weight of each operation by its parameters."""

from __future__ import annotations

import json

import pytest

from trio_binance.sandbox.operations import BY_NAME


def weigh(name: str, **params: str) -> int:
    return BY_NAME[name].weight(params)


@pytest.mark.parametrize(
    ("limit", "weight"),
    [
        (None, 5),
        ("1", 5),
        ("100", 5),
        ("101", 25),
        ("500", 25),
        ("501", 50),
        ("1000", 50),
        ("1001", 250),
        ("9999", 250),
    ],
)
def test_the_weight_of_a_book_grows_with_its_depth(limit: str | None, weight: int) -> None:
    params = {"symbol": "BTCUSDT"} if limit is None else {"symbol": "BTCUSDT", "limit": limit}
    assert BY_NAME["GET /api/v3/depth"].weight(params) == weight


def test_a_limit_that_is_no_number_weighs_like_the_default() -> None:
    assert weigh("GET /api/v3/depth", limit="many") == 5
    assert weigh("GET /api/v3/depth", limit="٣٣٣٣") == 5


@pytest.mark.parametrize(("count", "weight"), [(1, 2), (20, 2), (21, 40), (100, 40), (101, 80)])
def test_the_weight_of_day_tickers_grows_with_the_number_of_symbols(count: int, weight: int) -> None:
    assert weigh("GET /api/v3/ticker/24hr", symbols=json.dumps(["A"] * count)) == weight


def test_day_tickers_of_one_symbol_are_cheap_and_of_all_dear() -> None:
    assert weigh("GET /api/v3/ticker/24hr", symbol="A") == 2
    assert weigh("GET /api/v3/ticker/24hr") == 80


@pytest.mark.parametrize("path", ["price", "bookTicker"])
def test_price_tickers_cost_two_for_one_symbol_and_four_otherwise(path: str) -> None:
    name = f"GET /api/v3/ticker/{path}"
    assert (weigh(name, symbol="A"), weigh(name, symbols='["A"]'), weigh(name)) == (2, 4, 4)


@pytest.mark.parametrize(
    ("text", "weight"), [('["A","B"]', 8), (json.dumps(["A"] * 60), 200), ("{", 4), ("7", 4), ("[]", 4)]
)
def test_rolling_tickers_cost_four_a_symbol_up_to_a_cap(text: str, weight: int) -> None:
    assert weigh("GET /api/v3/ticker", symbols=text) == weight
    assert weigh("GET /api/v3/ticker/tradingDay", symbol="A") == 4


def test_execution_rules_cost_two_a_symbol_up_to_forty() -> None:
    name = "GET /api/v3/executionRules"
    assert (weigh(name, symbol="A"), weigh(name, symbols='["A","B"]'), weigh(name)) == (2, 4, 40)
    assert weigh(name, symbols=json.dumps(["A"] * 30)) == 40


def test_own_data_costs_by_what_is_asked() -> None:
    assert (weigh("GET /api/v3/openOrders", symbol="A"), weigh("GET /api/v3/openOrders")) == (6, 80)
    assert (weigh("GET /api/v3/myTrades", orderId="1"), weigh("GET /api/v3/myTrades")) == (5, 20)
    prevented = "GET /api/v3/myPreventedMatches"
    assert (weigh(prevented, orderId="1"), weigh(prevented, preventedMatchId="1")) == (20, 2)
    assert (weigh("POST /api/v3/order/test"), weigh("POST /api/v3/order/test", computeCommissionRates="true")) == (
        1,
        20,
    )
