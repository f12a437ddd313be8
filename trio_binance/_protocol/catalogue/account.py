"""Account operations: orders, fills, balances, commissions; all answered from memory or a database that may lag."""

from __future__ import annotations

from trio_binance._protocol.operation import Operation, Security, fixed, with_param
from trio_binance.models import Account, AccountCommission, AccountTrade, OrderStatusReport, RateLimitUsage

_USER_DATA = Security.USER_DATA
_MEMORY_FIRST = "Memory => Database"

ACCOUNT: Operation[Account] = Operation(
    "GET", "/api/v3/account", "account.status", _USER_DATA, fixed(20), Account, source=_MEMORY_FIRST
)
ORDER: Operation[OrderStatusReport] = Operation(
    "GET", "/api/v3/order", "order.status", _USER_DATA, fixed(4), OrderStatusReport, source=_MEMORY_FIRST
)
OPEN_ORDERS: Operation[list[OrderStatusReport]] = Operation(
    "GET",
    "/api/v3/openOrders",
    "openOrders.status",
    _USER_DATA,
    with_param("symbol", 6, 80),
    list[OrderStatusReport],
    source=_MEMORY_FIRST,
)
ALL_ORDERS: Operation[list[OrderStatusReport]] = Operation(
    "GET", "/api/v3/allOrders", "allOrders", _USER_DATA, fixed(20), list[OrderStatusReport], source="Database"
)
MY_TRADES: Operation[list[AccountTrade]] = Operation(
    "GET",
    "/api/v3/myTrades",
    "myTrades",
    _USER_DATA,
    with_param("orderId", 5, 20),
    list[AccountTrade],
    source=_MEMORY_FIRST,
)
COMMISSION: Operation[AccountCommission] = Operation(
    "GET",
    "/api/v3/account/commission",
    "account.commission",
    _USER_DATA,
    fixed(20),
    AccountCommission,
    source="Database",
)
ORDER_RATE_LIMITS: Operation[list[RateLimitUsage]] = Operation(
    "GET", "/api/v3/rateLimit/order", "account.rateLimits.orders", _USER_DATA, fixed(40), list[RateLimitUsage]
)
