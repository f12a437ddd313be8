"""General operations: is the exchange there, what time is it, what does it trade."""

from __future__ import annotations

from typing import Any

from trio_binance._protocol.operation import Operation, Security, fixed
from trio_binance.models import ExchangeInfo, ServerTime

PING: Operation[Any] = Operation("GET", "/api/v3/ping", "ping", Security.NONE, fixed(1), Any)
TIME: Operation[ServerTime] = Operation("GET", "/api/v3/time", "time", Security.NONE, fixed(1), ServerTime)
EXCHANGE_INFO: Operation[ExchangeInfo] = Operation(
    "GET", "/api/v3/exchangeInfo", "exchangeInfo", Security.NONE, fixed(20), ExchangeInfo
)
