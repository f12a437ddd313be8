"""The operations of the exchange: their names on both wires, parameters, security and cost; one row each."""

from __future__ import annotations

from typing import Final

import attrs

from . import weights
from .weights import Weight, fixed


@attrs.frozen
class Operation:
    """One operation. ``name`` is ``METHOD /path`` of REST; ``method`` its name in the WebSocket API."""

    name: str
    method: str
    weight: Weight
    required: tuple[str, ...]
    """Parameters that must be sent."""
    one_of: tuple[tuple[str, str], ...]
    """Pairs of which at least one must be sent."""
    known: frozenset[str]
    """Every parameter it reads."""
    security: str = "NONE"
    orders: int = 0
    """By how much it raises the unfilled order count."""

    @property
    def signed(self) -> bool:
        """Whether it needs a key, a timestamp and a signature."""
        return self.security != "NONE"

    @property
    def free_on_success(self) -> bool:
        """Whether it costs no weight when it succeeds: the 13 trading requests (CHANGELOG 2026-03-27)."""
        return self.security == "TRADE" and not self.name.endswith(("/test", "/keepPriority"))


def _row(name: str, method: str, weight: Weight, text: str = "", security: str = "NONE", orders: int = 0) -> Operation:
    """Read a row: ``symbol!`` must be sent, of ``a|b`` one must be sent, the rest may be."""
    words = text.split()
    if security != "NONE":
        words += ["timestamp!", "recvWindow"]
    pairs = [word.split("|") for word in words if "|" in word]
    names = [name.rstrip("!") for word in words for name in word.split("|")]
    return Operation(
        name,
        method,
        weight,
        tuple(word[:-1] for word in words if word.endswith("!")),
        tuple((first, second) for first, second in pairs),
        frozenset(names),
        security,
        orders,
    )


def _trade(name: str, method: str, text: str, orders: int = 0, weight: Weight | None = None) -> Operation:
    return _row(name, method, weight or fixed(1), text, "TRADE", orders)


def _user(name: str, method: str, weight: Weight, text: str = "") -> Operation:
    return _row(name, method, weight, text, "USER_DATA")


def _leg(prefix: str, must: str = "Type! ") -> str:
    """Return the parameters of one leg of an order list, each starting with ``prefix``."""
    names = (
        must + "ClientOrderId Price StopPrice TrailingDelta IcebergQty TimeInForce StrategyId StrategyType "
        "PegPriceType PegOffsetType PegOffsetValue"
    )
    return " ".join(prefix + name for name in names.split()) + " "


_PEG = "pegPriceType pegOffsetType pegOffsetValue "
_COMMON = "newOrderRespType selfTradePreventionMode "
_ORDER = (
    "symbol! side! type! timeInForce quantity quoteOrderQty price newClientOrderId strategyId strategyType stopPrice "
    "trailingDelta icebergQty " + _COMMON + _PEG
)
_SOR = "symbol! side! type! timeInForce quantity! price newClientOrderId strategyId strategyType icebergQty " + _COMMON
_LIST = "symbol! listClientOrderId " + _COMMON
# The tables say that workingPrice is mandatory; the notes of pegged orders say that a pegged order needs no price.
_WORKING = (
    "workingType! workingSide! workingQuantity! workingPrice|workingPegPriceType workingClientOrderId "
    "workingIcebergQty workingTimeInForce workingStrategyId workingStrategyType workingPegOffsetType "
    "workingPegOffsetValue "
)
_PENDING_PAIR = "pendingSide! " + _leg("pendingAbove") + _leg("pendingBelow", "Type ")
_KLINES = "symbol! interval! startTime endTime timeZone limit"
_TIMES = "startTime endTime limit"

OPERATIONS: Final = (
    _row("GET /api/v3/ping", "ping", fixed(1)),
    _row("GET /api/v3/time", "time", fixed(1)),
    _row(
        "GET /api/v3/exchangeInfo",
        "exchangeInfo",
        fixed(20),
        "symbol symbols permissions showPermissionSets symbolStatus",
    ),
    _row("GET /api/v3/executionRules", "executionRules", weights.execution_rules, "symbol symbols symbolStatus"),
    _row("GET /api/v3/depth", "depth", weights.depth, "symbol! limit symbolStatus"),
    _row("GET /api/v3/trades", "trades.recent", fixed(25), "symbol! limit"),
    _row("GET /api/v3/historicalTrades", "trades.historical", fixed(25), "symbol! limit fromId"),
    _row("GET /api/v3/historicalBlockTrades", "blockTrades.historical", fixed(25), "symbol! fromId! limit"),
    _row("GET /api/v3/aggTrades", "trades.aggregate", fixed(4), "symbol! fromId " + _TIMES),
    _row("GET /api/v3/klines", "klines", fixed(2), _KLINES),
    _row("GET /api/v3/uiKlines", "uiKlines", fixed(2), _KLINES),
    _row("GET /api/v3/avgPrice", "avgPrice", fixed(2), "symbol!"),
    _row("GET /api/v3/ticker/24hr", "ticker.24hr", weights.ticker_24hr, "symbol symbols type symbolStatus"),
    _row(
        "GET /api/v3/ticker/tradingDay",
        "ticker.tradingDay",
        weights.per_symbol,
        "symbol|symbols timeZone type symbolStatus",
    ),
    _row("GET /api/v3/ticker/price", "ticker.price", weights.price_ticker, "symbol symbols symbolStatus"),
    _row("GET /api/v3/ticker/bookTicker", "ticker.book", weights.price_ticker, "symbol symbols symbolStatus"),
    _row("GET /api/v3/ticker", "ticker", weights.per_symbol, "symbol|symbols windowSize type symbolStatus"),
    _row("GET /api/v3/referencePrice", "referencePrice", fixed(2), "symbol!"),
    _row("GET /api/v3/referencePrice/calculation", "referencePrice.calculation", fixed(2), "symbol! symbolStatus"),
    _trade("POST /api/v3/order", "order.place", _ORDER, 1),
    _trade("POST /api/v3/order/test", "order.test", _ORDER + "computeCommissionRates", 0, weights.test_order),
    _trade(
        "DELETE /api/v3/order",
        "order.cancel",
        "symbol! orderId|origClientOrderId newClientOrderId cancelRestrictions",
    ),
    _trade("DELETE /api/v3/openOrders", "openOrders.cancelAll", "symbol!"),
    _trade(
        "POST /api/v3/order/cancelReplace",
        "order.cancelReplace",
        _ORDER + "cancelReplaceMode! cancelOrderId|cancelOrigClientOrderId cancelNewClientOrderId cancelRestrictions "
        "orderRateLimitExceededMode",
        1,
    ),
    _trade(
        "PUT /api/v3/order/amend/keepPriority",
        "order.amend.keepPriority",
        "symbol! orderId|origClientOrderId newClientOrderId newQty!",
        0,
        fixed(4),
    ),
    _trade(
        "POST /api/v3/order/oco",
        "orderList.place",
        _LIST + "side! quantity! price! stopPrice! limitClientOrderId limitStrategyId limitStrategyType "
        "limitIcebergQty trailingDelta stopClientOrderId stopStrategyId stopStrategyType stopLimitPrice "
        "stopIcebergQty stopLimitTimeInForce",
        2,
    ),
    _trade(
        "POST /api/v3/orderList/oco",
        "orderList.place.oco",
        _LIST + "side! quantity! " + _leg("above") + _leg("below"),
        2,
    ),
    _trade(
        "POST /api/v3/orderList/oto",
        "orderList.place.oto",
        _LIST + _WORKING + "pendingSide! pendingQuantity! " + _leg("pending"),
        2,
    ),
    _trade(
        "POST /api/v3/orderList/otoco",
        "orderList.place.otoco",
        _LIST + _WORKING + "pendingQuantity! " + _PENDING_PAIR,
        3,
    ),
    _trade(
        "POST /api/v3/orderList/opo", "orderList.place.opo", _LIST + _WORKING + "pendingSide! " + _leg("pending"), 2
    ),
    _trade("POST /api/v3/orderList/opoco", "orderList.place.opoco", _LIST + _WORKING + _PENDING_PAIR, 3),
    _trade("DELETE /api/v3/orderList", "orderList.cancel", "symbol! orderListId|listClientOrderId newClientOrderId"),
    _trade("POST /api/v3/sor/order", "sor.order.place", _SOR, 1),
    _trade("POST /api/v3/sor/order/test", "sor.order.test", _SOR + "computeCommissionRates", 0, weights.test_order),
    _user("GET /api/v3/account", "account.status", fixed(20), "omitZeroBalances"),
    _user("GET /api/v3/order", "order.status", fixed(4), "symbol! orderId|origClientOrderId"),
    _user("GET /api/v3/openOrders", "openOrders.status", weights.open_orders, "symbol"),
    _user("GET /api/v3/allOrders", "allOrders", fixed(20), "symbol! orderId " + _TIMES),
    _user("GET /api/v3/orderList", "orderList.status", fixed(4), "orderListId|origClientOrderId"),
    _user("GET /api/v3/allOrderList", "allOrderLists", fixed(20), "fromId " + _TIMES),
    _user("GET /api/v3/openOrderList", "openOrderLists.status", fixed(6)),
    _user("GET /api/v3/myTrades", "myTrades", weights.my_trades, "symbol! orderId fromId " + _TIMES),
    _user("GET /api/v3/rateLimit/order", "account.rateLimits.orders", fixed(40)),
    _user(
        "GET /api/v3/myPreventedMatches",
        "myPreventedMatches",
        weights.prevented_matches,
        "symbol! preventedMatchId orderId fromPreventedMatchId limit",
    ),
    _user("GET /api/v3/myAllocations", "myAllocations", fixed(20), "symbol! fromAllocationId orderId " + _TIMES),
    _user("GET /api/v3/account/commission", "account.commission", fixed(20), "symbol!"),
    _user("GET /api/v3/order/amendments", "order.amendments", fixed(4), "symbol! orderId! fromExecutionId limit"),
    _user("GET /api/v3/myFilters", "myFilters", fixed(40), "symbol!"),
)
# The session methods exist in the WebSocket API only.
SESSION_OPERATIONS: Final = (
    _row("session.logon", "session.logon", fixed(2), "", "USER_STREAM"),
    _row("session.status", "session.status", fixed(2)),
    _row("session.logout", "session.logout", fixed(2)),
    _row("session.subscriptions", "session.subscriptions", fixed(2)),
    _row("userDataStream.subscribe", "userDataStream.subscribe", fixed(2)),
    _row("userDataStream.subscribe.signature", "userDataStream.subscribe.signature", fixed(2), "", "USER_STREAM"),
    _row("userDataStream.unsubscribe", "userDataStream.unsubscribe", fixed(2), "subscriptionId"),
)
BY_NAME: Final = {operation.name: operation for operation in OPERATIONS}
BY_METHOD: Final = {operation.method: operation for operation in (*OPERATIONS, *SESSION_OPERATIONS)}
PATHS: Final = frozenset(operation.name.split(" ")[1] for operation in OPERATIONS)
