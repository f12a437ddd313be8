"""Order list operations: two or three orders placed together, of which one cancels or triggers the others."""

from __future__ import annotations

from trio_binance._protocol.operation import MATCHING_ENGINE, Free, Operation, Security, Shape, by_word
from trio_binance._protocol.parameter import Kind, Need, Param
from trio_binance._protocol.rules import Needs, OneOf, Rule, price_rule, stop_price_rule, terms_of
from trio_binance._protocol.weights import fixed
from trio_binance.models import (
    CancelledOrderList,
    OrderListAck,
    OrderListFull,
    OrderListResponse,
    OrderListResult,
    TimeInForce,
)

from .params import (
    CONDITIONAL,
    LIST,
    NEW_CLIENT_ORDER_ID,
    ONE_ORDER_LIST_ID,
    OPTIONAL,
    QUANTITY,
    SIDE,
    SYMBOL,
    leg,
    peg_rules,
    prefixed,
    working,
)

_TRADE = Security.TRADE
_REPORT: Shape = by_word(
    "newOrderRespType", OrderListResponse, ACK=OrderListAck, RESULT=OrderListResult, FULL=OrderListFull
)


def _working() -> tuple[Rule, ...]:
    return terms_of("working", "LIMIT", "LIMIT_MAKER"), *peg_rules("working")


def _leg(prefix: str) -> tuple[Rule, ...]:
    return terms_of(prefix), price_rule(prefix), stop_price_rule(prefix), *peg_rules(prefix)


def _placement(
    path: str, ws_method: str, params: tuple[Param, ...], rules: tuple[Rule, ...], orders: int
) -> Operation[OrderListResponse]:
    return Operation(
        "POST",
        path,
        ws_method,
        _TRADE,
        fixed(1),
        OrderListResponse,
        (*LIST, *params),
        rules,
        shape=_REPORT,
        orders=orders,
        free=Free.ON_SUCCESS,
        source=MATCHING_ENGINE,
    )


PLACE_LEGACY_OCO = _placement(
    "/api/v3/order/oco",
    "orderList.place",
    (
        SIDE,
        QUANTITY,
        Param("limitClientOrderId", Kind.TEXT),
        Param("price", Kind.NUMBER, Need.MANDATORY),
        Param("limitStrategyId", Kind.WHOLE),
        Param("limitStrategyType", Kind.WHOLE),
        Param("limitIcebergQty", Kind.NUMBER),
        # REST marks stopPrice mandatory; the WebSocket API says "either stopPrice or trailingDelta, or both".
        Param("trailingDelta", Kind.WHOLE, CONDITIONAL),
        Param("stopClientOrderId", Kind.TEXT),
        Param("stopPrice", Kind.NUMBER, CONDITIONAL),
        Param("stopStrategyId", Kind.WHOLE),
        Param("stopStrategyType", Kind.WHOLE),
        Param("stopLimitPrice", Kind.NUMBER, CONDITIONAL),
        Param("stopIcebergQty", Kind.NUMBER, CONDITIONAL),
        Param("stopLimitTimeInForce", Kind.WORD, CONDITIONAL, words=TimeInForce),
    ),
    (OneOf(("stopPrice", "trailingDelta")), Needs("stopLimitPrice", "stopLimitTimeInForce")),
    # REST says 2; the WebSocket API says 1, but its own example counts 2.
    orders=2,
)
"""The OCO of old, deprecated since 2024-04-02."""

PLACE_OCO = _placement(
    "/api/v3/orderList/oco",
    "orderList.place.oco",
    (SIDE, QUANTITY, *leg("above"), *leg("below")),
    (*_leg("above"), *_leg("below")),
    orders=2,
)
PLACE_OTO = _placement(
    "/api/v3/orderList/oto",
    "orderList.place.oto",
    (*working(CONDITIONAL), *prefixed("pending", SIDE, QUANTITY), *leg("pending", need=CONDITIONAL)),
    (*_working(), *_leg("pending")),
    orders=2,
)
# The documents mark pendingBelowType as optional, although an OTOCO or OPOCO has three orders. It is left so: the
# requests have all three, and the exchange is the judge of the rest.
_PENDING_PAIR_TYPE = Need.OPTIONAL

PLACE_OTOCO = _placement(
    "/api/v3/orderList/otoco",
    "orderList.place.otoco",
    (
        *working(CONDITIONAL),
        *prefixed("pending", SIDE, QUANTITY),
        *leg("pendingAbove", need=CONDITIONAL),
        *leg("pendingBelow", need=CONDITIONAL, kind=_PENDING_PAIR_TYPE),
    ),
    (*_working(), *_leg("pendingAbove"), *_leg("pendingBelow")),
    orders=3,
)
# OPO and OPOCO have no pendingQuantity: it is what the working order brings. Their documents have no table of
# conditional parameters, those of OTO and OTOCO hold.
PLACE_OPO = _placement(
    "/api/v3/orderList/opo",
    "orderList.place.opo",
    (*working(OPTIONAL), *prefixed("pending", SIDE), *leg("pending")),
    (*_working(), *_leg("pending")),
    orders=2,
)
# Of OPOCO the WebSocket API alone tells the source.
PLACE_OPOCO = _placement(
    "/api/v3/orderList/opoco",
    "orderList.place.opoco",
    (
        *working(OPTIONAL),
        *prefixed("pending", SIDE),
        *leg("pendingAbove"),
        *leg("pendingBelow", kind=_PENDING_PAIR_TYPE),
    ),
    (*_working(), *_leg("pendingAbove"), *_leg("pendingBelow")),
    orders=3,
)
CANCEL_ORDER_LIST: Operation[CancelledOrderList] = Operation(
    "DELETE",
    "/api/v3/orderList",
    "orderList.cancel",
    _TRADE,
    fixed(1),
    CancelledOrderList,
    (SYMBOL, ONE_ORDER_LIST_ID, Param("listClientOrderId", Kind.TEXT, Need.ONE_OF), NEW_CLIENT_ORDER_ID),
    (OneOf(("orderListId", "listClientOrderId")),),
    free=Free.ON_SUCCESS,
    source=MATCHING_ENGINE,
)
