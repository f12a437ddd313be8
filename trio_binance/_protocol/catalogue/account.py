"""Account operations: orders, fills, balances, commissions; all answered from memory or a database that may lag."""

from __future__ import annotations

from trio_binance._protocol.operation import Operation, Security
from trio_binance._protocol.parameter import Kind, Need, Param
from trio_binance._protocol.rules import Bars, OneOf
from trio_binance._protocol.weights import fixed, with_param
from trio_binance.models import (
    Account,
    AccountCommission,
    AccountFilters,
    AccountPreventedMatch,
    AccountTrade,
    Allocation,
    OrderAmendment,
    OrderList,
    OrderStatusReport,
    RateLimitUsage,
)

from .params import (
    ANY_SYMBOL,
    END_TIME,
    FROM_ID,
    LIMIT,
    ONE_CLIENT_ORDER_ID,
    ONE_ORDER_ID,
    ONE_ORDER_LIST_ID,
    ORDER_ID,
    START_TIME,
    SYMBOL,
)

_USER_DATA = Security.USER_DATA
_DATABASE = "Database"
_MEMORY_FIRST = "Memory => Database"

ACCOUNT: Operation[Account] = Operation(
    "GET",
    "/api/v3/account",
    "account.status",
    _USER_DATA,
    fixed(20),
    Account,
    (Param("omitZeroBalances", Kind.FLAG),),
    source=_MEMORY_FIRST,
)
ORDER: Operation[OrderStatusReport] = Operation(
    "GET",
    "/api/v3/order",
    "order.status",
    _USER_DATA,
    fixed(4),
    OrderStatusReport,
    (SYMBOL, ONE_ORDER_ID, ONE_CLIENT_ORDER_ID),
    (OneOf(("orderId", "origClientOrderId")),),
    source=_MEMORY_FIRST,
)
OPEN_ORDERS: Operation[list[OrderStatusReport]] = Operation(
    "GET",
    "/api/v3/openOrders",
    "openOrders.status",
    _USER_DATA,
    with_param("symbol", 6, 80),
    list[OrderStatusReport],
    (ANY_SYMBOL,),
    source=_MEMORY_FIRST,
)
ALL_ORDERS: Operation[list[OrderStatusReport]] = Operation(
    "GET",
    "/api/v3/allOrders",
    "allOrders",
    _USER_DATA,
    fixed(20),
    list[OrderStatusReport],
    # REST: orderId is not required with times; the WebSocket API: it is ignored then.
    (SYMBOL, ORDER_ID, START_TIME, END_TIME, LIMIT),
    source=_DATABASE,
)
ORDER_LIST: Operation[OrderList] = Operation(
    "GET",
    "/api/v3/orderList",
    "orderList.status",
    _USER_DATA,
    fixed(4),
    OrderList,
    # The id of the list is meant, although the wire calls it an order's. With both ids the WebSocket API looks at that
    # one alone, other than the general rule of both wires since 2025-04-24.
    (ONE_ORDER_LIST_ID, Param("origClientOrderId", Kind.TEXT, Need.ONE_OF, field="list_client_order_id")),
    (OneOf(("orderListId", "origClientOrderId")),),
    source=_DATABASE,
)
ALL_ORDER_LISTS: Operation[list[OrderList]] = Operation(
    "GET",
    "/api/v3/allOrderList",
    "allOrderLists",
    _USER_DATA,
    fixed(20),
    list[OrderList],
    (FROM_ID, START_TIME, END_TIME, LIMIT),
    # REST forbids them together, the WebSocket API ignores fromId: nobody means that.
    (Bars("fromId", ("startTime", "endTime")),),
    source=_DATABASE,
)
OPEN_ORDER_LISTS: Operation[list[OrderList]] = Operation(
    "GET",
    "/api/v3/openOrderList",
    "openOrderLists.status",
    _USER_DATA,
    fixed(6),
    list[OrderList],
    source=_MEMORY_FIRST,
)
MY_TRADES: Operation[list[AccountTrade]] = Operation(
    "GET",
    "/api/v3/myTrades",
    "myTrades",
    _USER_DATA,
    with_param("orderId", 5, 20),
    list[AccountTrade],
    (SYMBOL, ORDER_ID, START_TIME, END_TIME, FROM_ID, LIMIT),
    source=_MEMORY_FIRST,
)
ORDER_RATE_LIMITS: Operation[list[RateLimitUsage]] = Operation(
    "GET", "/api/v3/rateLimit/order", "account.rateLimits.orders", _USER_DATA, fixed(40), list[RateLimitUsage]
)
MY_PREVENTED_MATCHES: Operation[list[AccountPreventedMatch]] = Operation(
    "GET",
    "/api/v3/myPreventedMatches",
    "myPreventedMatches",
    _USER_DATA,
    # 2 by preventedMatchId (or for a symbol that does not exist), 20 by orderId; by neither is not told.
    lambda params: 2 if params.get("preventedMatchId") is not None and params.get("orderId") is None else 20,
    list[AccountPreventedMatch],
    (
        SYMBOL,
        Param("preventedMatchId", Kind.WHOLE),
        ORDER_ID,
        Param("fromPreventedMatchId", Kind.WHOLE),
        LIMIT,
    ),
    source=_DATABASE,
)
MY_ALLOCATIONS: Operation[list[Allocation]] = Operation(
    "GET",
    "/api/v3/myAllocations",
    "myAllocations",
    _USER_DATA,
    fixed(20),
    list[Allocation],
    (SYMBOL, START_TIME, END_TIME, Param("fromAllocationId", Kind.WHOLE), LIMIT, ORDER_ID),
    source=_DATABASE,
)
# REST lists no timestamp for it, although it is signed like all of USER_DATA.
COMMISSION: Operation[AccountCommission] = Operation(
    "GET",
    "/api/v3/account/commission",
    "account.commission",
    _USER_DATA,
    fixed(20),
    AccountCommission,
    (SYMBOL,),
    source=_DATABASE,
)
ORDER_AMENDMENTS: Operation[list[OrderAmendment]] = Operation(
    "GET",
    "/api/v3/order/amendments",
    "order.amendments",
    _USER_DATA,
    fixed(4),
    list[OrderAmendment],
    (SYMBOL, Param("orderId", Kind.WHOLE, Need.MANDATORY), Param("fromExecutionId", Kind.WHOLE), LIMIT),
    source=_DATABASE,
)
MY_FILTERS: Operation[AccountFilters] = Operation(
    "GET", "/api/v3/myFilters", "myFilters", _USER_DATA, fixed(40), AccountFilters, (SYMBOL,)
)
