"""Symbols: rules that hang together, told as documented."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from trio_binance.sandbox.numbers import SCALE
from trio_binance.sandbox.symbols import (
    KINDS,
    SYMBOLS,
    Symbol,
    asset_filters,
    exchange_filters,
    exchange_info,
    filters,
)


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda symbol: symbol.name)
def test_the_rules_of_a_symbol_hang_together(symbol: Symbol) -> None:
    assert symbol.name == symbol.base + symbol.quote
    for price in (symbol.start_price, symbol.min_price, symbol.max_price):
        assert price % symbol.tick == 0
    assert symbol.min_price < symbol.start_price < symbol.max_price
    assert symbol.min_quantity % symbol.step == symbol.max_quantity % symbol.step == 0
    # A crowd that quotes nothing but the smallest lot would be no market.
    assert symbol.depth_notional // symbol.start_price * SCALE // symbol.step > 100 or symbol.depth_notional > 100


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda symbol: symbol.name)
def test_filters_have_the_documented_fields(symbol: Symbol, spec: Any) -> None:
    documented = {row["filterType"]: row for row in json.loads((spec / "filters.json").read_text())["filters"]}
    told = filters(symbol)
    for row in told:
        example = documented[str(row["filterType"])]["example"]["body"]
        assert list(row) == list(example)
        assert [type(value) for value in row.values()] == [type(value) for value in example.values()]
    assert {
        "PRICE_FILTER",
        "LOT_SIZE",
        "ICEBERG_PARTS",
        "MARKET_LOT_SIZE",
        "TRAILING_DELTA",
        "PERCENT_PRICE_BY_SIDE",
        "NOTIONAL",
        "MAX_NUM_ORDERS",
        "MAX_NUM_ALGO_ORDERS",
    } <= {row["filterType"] for row in told}


def test_a_symbol_promises_what_the_exchange_has_and_no_more() -> None:
    flags = ("icebergAllowed", "ocoAllowed", "otoAllowed", "opoAllowed", "allowTrailingStop", "pegInstructionsAllowed")
    told = exchange_info(SYMBOLS[0], "TRADING")
    assert told["orderTypes"] == list(KINDS)
    assert all(told[name] for name in (*flags, "cancelReplaceAllowed", "amendAllowed"))
    assert told["defaultSelfTradePreventionMode"] in told["allowedSelfTradePreventionModes"]  # type: ignore[operator]
    poor = attrs.evolve(
        SYMBOLS[0], kinds=("LIMIT",), icebergs=False, lists=frozenset(), trailing=False, pegs=False, amends=False
    )
    told = exchange_info(poor, "TRADING")
    assert told["orderTypes"] == ["LIMIT"]
    assert not any(told[name] for name in (*flags, "amendAllowed"))


def test_limits_of_the_exchange_and_of_assets_have_the_documented_fields(spec: Any) -> None:
    documented = {row["filterType"]: row for row in json.loads((spec / "filters.json").read_text())["filters"]}
    rows = [*exchange_filters(), *(row for symbol in SYMBOLS for row in asset_filters(symbol))]
    assert {"EXCHANGE_MAX_NUM_ORDERS", "MAX_ASSET"} <= {row["filterType"] for row in rows}
    for row in rows:
        assert list(row) == list(documented[str(row["filterType"])]["example"]["body"])
