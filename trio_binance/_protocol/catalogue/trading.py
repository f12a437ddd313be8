"""Trading operations: place, test, cancel."""

from __future__ import annotations

from trio_binance._protocol.operation import MATCHING_ENGINE, Operation, Security, fixed, with_param
from trio_binance.models import CancelResult, OrderAck, OrderFull, OrderResult, OrderTestResult

_TRADE = Security.TRADE

PLACE: Operation[OrderAck | OrderResult | OrderFull] = Operation(
    "POST",
    "/api/v3/order",
    "order.place",
    _TRADE,
    fixed(1),
    OrderAck | OrderResult | OrderFull,
    orders=1,
    free_on_success=True,
    source=MATCHING_ENGINE,
)
TEST: Operation[OrderTestResult] = Operation(
    "POST",
    "/api/v3/order/test",
    "order.test",
    _TRADE,
    with_param("computeCommissionRates", 20, 1),
    OrderTestResult,
)
CANCEL: Operation[CancelResult] = Operation(
    "DELETE",
    "/api/v3/order",
    "order.cancel",
    _TRADE,
    fixed(1),
    CancelResult,
    free_on_success=True,
    source=MATCHING_ENGINE,
)
CANCEL_OPEN_ORDERS: Operation[list[CancelResult]] = Operation(
    "DELETE",
    "/api/v3/openOrders",
    "openOrders.cancelAll",
    _TRADE,
    fixed(1),
    list[CancelResult],
    free_on_success=True,
    source=MATCHING_ENGINE,
)
