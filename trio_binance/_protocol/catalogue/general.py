"""General operations: is the exchange there, what time is it, what does it trade, and by which rules."""

from __future__ import annotations

from typing import Any

from trio_binance._protocol.operation import Operation, Security
from trio_binance._protocol.parameter import Kind, Param
from trio_binance._protocol.rules import AtMostOne, Bars
from trio_binance._protocol.weights import fixed, per_symbol
from trio_binance.models import ExchangeInfo, ExecutionRules, ServerTime

from .params import ANY_SYMBOL, ANY_SYMBOLS, SYMBOL_STATUS

PING: Operation[Any] = Operation("GET", "/api/v3/ping", "ping", Security.NONE, fixed(1), Any)
TIME: Operation[ServerTime] = Operation("GET", "/api/v3/time", "time", Security.NONE, fixed(1), ServerTime)
EXCHANGE_INFO: Operation[ExchangeInfo] = Operation(
    "GET",
    "/api/v3/exchangeInfo",
    "exchangeInfo",
    Security.NONE,
    fixed(20),
    ExchangeInfo,
    (
        ANY_SYMBOL,
        ANY_SYMBOLS,
        # REST calls it "ENUM or ARRAY", the WebSocket API an array: an array is understood by both.
        Param("permissions", Kind.TEXTS),
        Param("showPermissionSets", Kind.FLAG),
        SYMBOL_STATUS,
    ),
    (AtMostOne(("symbol", "symbols", "permissions")), Bars("symbolStatus", ("symbol", "symbols"))),
)
EXECUTION_RULES: Operation[ExecutionRules] = Operation(
    "GET",
    "/api/v3/executionRules",
    "executionRules",
    Security.NONE,
    per_symbol(2, 40),
    ExecutionRules,
    (ANY_SYMBOL, ANY_SYMBOLS, SYMBOL_STATUS),
    (AtMostOne(("symbol", "symbols", "symbolStatus")),),
)
