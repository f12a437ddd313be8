"""The weight of a request: what each operation costs, by its parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

Params: TypeAlias = Mapping[str, str]
Weight: TypeAlias = Callable[[Params], int]


def fixed(weight: int) -> Weight:
    """Return the rule of an operation that always costs the same."""
    return lambda _params: weight


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else default


def depth(params: Params) -> int:
    """Weight of the order book: 5, 25, 50 or 250 for up to 100, 500, 1000 or 5000 levels."""
    limit = _number(params.get("limit"), 100)
    return next((weight for most, weight in ((100, 5), (500, 25), (1000, 50)) if limit <= most), 250)


def symbols(params: Params) -> int | None:
    """Return how many symbols the parameter ``symbols`` names: ``None`` without it, 1 when it is not a list."""
    text = params.get("symbols")
    if text is None:
        return None
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return 1
    return max(len(names), 1) if isinstance(names, list) else 1


def ticker_24hr(params: Params) -> int:
    """Weight of the 24 h tickers: 2 up to 20 symbols, 40 up to 100, 80 for more and for all."""
    if "symbol" in params:
        return 2
    count = symbols(params)
    if count is None or count > 100:
        return 80
    return 2 if count <= 20 else 40


def price_ticker(params: Params) -> int:
    """Weight of price and book tickers: 2 for one symbol, 4 for several or all."""
    return 2 if "symbol" in params else 4


def per_symbol(params: Params) -> int:
    """Weight of the rolling and trading day tickers: 4 a symbol, 200 at most."""
    return min(4 * (symbols(params) or 1), 200)


def execution_rules(params: Params) -> int:
    """Weight of the execution rules: 2 a symbol, 40 at most and for all."""
    if "symbol" in params:
        return 2
    count = symbols(params)
    return 40 if count is None else min(2 * count, 40)


def test_order(params: Params) -> int:
    """Weight of a test order: 1, or 20 with commission rates."""
    return 20 if params.get("computeCommissionRates") == "true" else 1


def open_orders(params: Params) -> int:
    """Weight of the open orders: 6 of one symbol, 80 of all."""
    return 6 if "symbol" in params else 80


def my_trades(params: Params) -> int:
    """Weight of own trades: 5 of one order, 20 otherwise."""
    return 5 if "orderId" in params else 20


def prevented_matches(params: Params) -> int:
    """Weight of prevented matches: 20 by order, 2 by their own id."""
    return 20 if "orderId" in params else 2
