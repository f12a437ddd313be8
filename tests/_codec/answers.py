"""What each operation answers, and how the tests see that nothing of an answer is lost."""

from __future__ import annotations

import json
import types
from typing import Any, get_origin

import attrs

from trio_binance._codec import rest
from trio_binance.models import (
    Account,
    AccountCommission,
    AccountFilters,
    AccountPreventedMatch,
    AccountTrade,
    AggTrade,
    Allocation,
    AmendResult,
    AnyTicker24h,
    AnyWindowTicker,
    AveragePrice,
    BlockTrade,
    BookTicker,
    CancelledOrderList,
    CancelReplaceReport,
    CancelResponse,
    Depth,
    ExchangeInfo,
    ExecutionRules,
    Kline,
    Model,
    OrderAmendment,
    OrderList,
    OrderListResponse,
    OrderResponse,
    OrderStatusReport,
    OrderTestResult,
    PriceTicker,
    RateLimitUsage,
    ReferencePrice,
    ReferencePriceCalculation,
    ServerTime,
    SessionStatus,
    Subscription,
    Trade,
)

ANSWERS: dict[str, Any] = {
    "GET /api/v3/ping": Any,
    "GET /api/v3/time": ServerTime,
    "GET /api/v3/exchangeInfo": ExchangeInfo,
    "GET /api/v3/executionRules": ExecutionRules,
    "GET /api/v3/depth": Depth,
    "GET /api/v3/trades": list[Trade],
    "GET /api/v3/historicalTrades": list[Trade],
    "GET /api/v3/historicalBlockTrades": list[BlockTrade],
    "GET /api/v3/aggTrades": list[AggTrade],
    "GET /api/v3/klines": list[Kline],
    "GET /api/v3/uiKlines": list[Kline],
    "GET /api/v3/avgPrice": AveragePrice,
    "GET /api/v3/ticker/24hr": AnyTicker24h,
    "GET /api/v3/ticker/tradingDay": AnyWindowTicker,
    "GET /api/v3/ticker/price": PriceTicker,
    "GET /api/v3/ticker/bookTicker": BookTicker,
    "GET /api/v3/ticker": AnyWindowTicker,
    "GET /api/v3/referencePrice": ReferencePrice,
    "GET /api/v3/referencePrice/calculation": ReferencePriceCalculation,
    "POST /api/v3/order": OrderResponse,
    "POST /api/v3/order/test": OrderTestResult,
    "DELETE /api/v3/order": CancelResponse,
    "DELETE /api/v3/openOrders": list[CancelResponse],
    "POST /api/v3/order/cancelReplace": CancelReplaceReport,
    "PUT /api/v3/order/amend/keepPriority": AmendResult,
    "POST /api/v3/order/oco": OrderListResponse,
    "POST /api/v3/orderList/oco": OrderListResponse,
    "POST /api/v3/orderList/oto": OrderListResponse,
    "POST /api/v3/orderList/otoco": OrderListResponse,
    "POST /api/v3/orderList/opo": OrderListResponse,
    "POST /api/v3/orderList/opoco": OrderListResponse,
    "DELETE /api/v3/orderList": CancelledOrderList,
    "POST /api/v3/sor/order": OrderResponse,
    "POST /api/v3/sor/order/test": OrderTestResult,
    "GET /api/v3/account": Account,
    "GET /api/v3/order": OrderStatusReport,
    "GET /api/v3/openOrders": list[OrderStatusReport],
    "GET /api/v3/allOrders": list[OrderStatusReport],
    "GET /api/v3/orderList": OrderList,
    "GET /api/v3/allOrderList": list[OrderList],
    "GET /api/v3/openOrderList": list[OrderList],
    "GET /api/v3/myTrades": list[AccountTrade],
    "GET /api/v3/rateLimit/order": list[RateLimitUsage],
    "GET /api/v3/myPreventedMatches": list[AccountPreventedMatch],
    "GET /api/v3/myAllocations": list[Allocation],
    "GET /api/v3/account/commission": AccountCommission,
    "GET /api/v3/order/amendments": list[OrderAmendment],
    "GET /api/v3/myFilters": AccountFilters,
}
"""What REST answers; a ticker is one or many, as was asked for."""

SESSION_ANSWERS: dict[str, Any] = {
    "session.logon": SessionStatus,
    "session.status": SessionStatus,
    "session.logout": SessionStatus,
    "session.subscriptions": list[Subscription],
    "userDataStream.subscribe": Subscription,
    "userDataStream.subscribe.signature": Subscription,
    "userDataStream.unsubscribe": Any,
}
"""What the methods answer that only the WebSocket API has."""


def kind_of(kind: Any, body: object) -> Any:
    """Return ``kind``, or a list of it for an array of tickers."""
    many = isinstance(body, list) and get_origin(kind) is not list and kind is not Any
    return types.GenericAlias(list, (kind,)) if many else kind


def check(body: Any, kind: Any) -> Any:
    """Assert that nothing of ``body`` is lost on the way to models and back; return the models."""
    found = rest.structure(json.dumps(body).encode(), kind)
    assert rest.unstructure(found) == body
    return found


def extras(found: Any) -> list[dict[str, object]]:
    """Return what no model knows by name, at every depth."""
    if isinstance(found, list | tuple):
        return [extra for item in found for extra in extras(item)]
    if not isinstance(found, Model):
        return []
    names = [field.name for field in attrs.fields(type(found)) if field.name != "extra"]
    inner = [extra for name in names for extra in extras(getattr(found, name))]
    return [dict(found.extra), *inner] if found.extra else inner
