"""Trading operations: orders placed, tested, cancelled, replaced and amended."""

from __future__ import annotations

from trio_binance._protocol.operation import MATCHING_ENGINE, Free, Operation, Security, Shape, by_word
from trio_binance._protocol.parameter import Kind, Need, Param
from trio_binance._protocol.rules import AtMostOne, ByType, OneOf, Rule, stop_price_rule, terms_of
from trio_binance._protocol.weights import fixed, with_param
from trio_binance.models import (
    AmendResult,
    CancelReplaceMode,
    CancelReplaceReport,
    CancelResponse,
    OrderAck,
    OrderFull,
    OrderRateLimitExceededMode,
    OrderResponse,
    OrderResult,
    OrderTestResult,
    ReplacedAck,
    ReplacedFull,
    ReplacedResult,
)

from .params import (
    CANCEL_RESTRICTIONS,
    COMPUTE_COMMISSION_RATES,
    NEW_CLIENT_ORDER_ID,
    ONE_CLIENT_ORDER_ID,
    ONE_ORDER_ID,
    ORDER,
    SOR,
    SYMBOL,
    peg_rules,
)

_TRADE = Security.TRADE
# "newOrderRespType ... MARKET and LIMIT default to FULL, all other orders default to ACK": ours always say which.
_REPORT: Shape = by_word("newOrderRespType", OrderResponse, ACK=OrderAck, RESULT=OrderResult, FULL=OrderFull)
_ORDER_RULES: tuple[Rule, ...] = (
    terms_of(extra="quantity", market="quantity|quoteOrderQty"),
    stop_price_rule(),
    AtMostOne(("quantity", "quoteOrderQty")),
    *peg_rules(),
)
_SOR_RULES = (ByType("type", {"LIMIT": (("timeInForce",), ("price",))}),)

PLACE: Operation[OrderResponse] = Operation(
    "POST",
    "/api/v3/order",
    "order.place",
    _TRADE,
    fixed(1),
    OrderResponse,
    ORDER,
    _ORDER_RULES,
    shape=_REPORT,
    orders=1,
    free=Free.ON_SUCCESS,
    source=MATCHING_ENGINE,
)
TEST: Operation[OrderTestResult] = Operation(
    "POST",
    "/api/v3/order/test",
    "order.test",
    _TRADE,
    with_param("computeCommissionRates", 20, 1),
    OrderTestResult,
    (*ORDER, COMPUTE_COMMISSION_RATES),
    _ORDER_RULES,
)
CANCEL: Operation[CancelResponse] = Operation(
    "DELETE",
    "/api/v3/order",
    "order.cancel",
    _TRADE,
    fixed(1),
    CancelResponse,
    (SYMBOL, ONE_ORDER_ID, ONE_CLIENT_ORDER_ID, NEW_CLIENT_ORDER_ID, CANCEL_RESTRICTIONS),
    (OneOf(("orderId", "origClientOrderId")),),
    free=Free.ON_SUCCESS,
    source=MATCHING_ENGINE,
)
CANCEL_OPEN_ORDERS: Operation[list[CancelResponse]] = Operation(
    "DELETE",
    "/api/v3/openOrders",
    "openOrders.cancelAll",
    _TRADE,
    fixed(1),
    list[CancelResponse],
    (SYMBOL,),
    free=Free.ON_SUCCESS,
    source=MATCHING_ENGINE,
)
CANCEL_REPLACE: Operation[CancelReplaceReport] = Operation(
    "POST",
    "/api/v3/order/cancelReplace",
    "order.cancelReplace",
    _TRADE,
    fixed(1),
    CancelReplaceReport,
    (
        *ORDER,
        Param("cancelReplaceMode", Kind.WORD, Need.MANDATORY, words=CancelReplaceMode),
        Param("cancelOrderId", Kind.WHOLE, Need.ONE_OF),
        Param("cancelOrigClientOrderId", Kind.TEXT, Need.ONE_OF, field="cancel_client_order_id"),
        Param("cancelNewClientOrderId", Kind.TEXT),
        CANCEL_RESTRICTIONS,
        Param("orderRateLimitExceededMode", Kind.WORD, words=OrderRateLimitExceededMode),
    ),
    (OneOf(("cancelOrderId", "cancelOrigClientOrderId")), *_ORDER_RULES),
    # 200 means that both halves were done; whatever else came of them arrives as an error and its report.
    shape=by_word("newOrderRespType", CancelReplaceReport, ACK=ReplacedAck, RESULT=ReplacedResult, FULL=ReplacedFull),
    # A new order that was not attempted still counts. One order too many, the old one cancelled: 429 by the table where
    # the mode is STOP_ON_FAILURE, 409 by the WebSocket API's text. The halves say it, whatever the status.
    orders=1,
    free=Free.ON_SUCCESS,
    source=MATCHING_ENGINE,
)
AMEND_KEEP_PRIORITY: Operation[AmendResult] = Operation(
    "PUT",
    "/api/v3/order/amend/keepPriority",
    "order.amend.keepPriority",
    _TRADE,
    fixed(4),
    AmendResult,
    (
        SYMBOL,
        ONE_ORDER_ID,
        ONE_CLIENT_ORDER_ID,
        NEW_CLIENT_ORDER_ID,
        Param("newQty", Kind.NUMBER, Need.MANDATORY),
    ),
    (OneOf(("orderId", "origClientOrderId")),),
    free=Free.WHEN_EXPIRED,
    source=MATCHING_ENGINE,
)
PLACE_SOR: Operation[OrderResponse] = Operation(
    "POST",
    "/api/v3/sor/order",
    "sor.order.place",
    _TRADE,
    fixed(1),
    OrderResponse,
    SOR,
    _SOR_RULES,
    shape=_REPORT,
    orders=1,
    free=Free.ON_SUCCESS,
    source=MATCHING_ENGINE,
    # REST answers with an object, the WebSocket API's example with a list of one.
    ws_list=True,
)
TEST_SOR: Operation[OrderTestResult] = Operation(
    "POST",
    "/api/v3/sor/order/test",
    "sor.order.test",
    _TRADE,
    with_param("computeCommissionRates", 20, 1),
    OrderTestResult,
    (*SOR, COMPUTE_COMMISSION_RATES),
    _SOR_RULES,
)
