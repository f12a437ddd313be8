"""The words of the catalogue: parameters that many operations share, and those of orders and of a list's legs."""

from __future__ import annotations

from trio_binance._protocol.parameter import Kind, Need, Param
from trio_binance._protocol.rules import Needs, Rule, with_prefix
from trio_binance.models import (
    CancelRestriction,
    KlineInterval,
    NewOrderRespType,
    OpenEnum,
    OrderType,
    PegOffsetType,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    SymbolStatus,
    TickerType,
    TimeInForce,
)

TEXT, WHOLE, MOMENT, NUMBER, FLAG, WORD, TEXTS = Kind
MANDATORY, OPTIONAL, CONDITIONAL, ONE_OF = Need

SYMBOL = Param("symbol", TEXT, MANDATORY)
ANY_SYMBOL = Param("symbol", TEXT)
ANY_SYMBOLS = Param("symbols", TEXTS)
ONE_SYMBOL = Param("symbol", TEXT, ONE_OF)
SOME_SYMBOLS = Param("symbols", TEXTS, ONE_OF)
# The documents name TRADING, HALT and BREAK only; the others are words of the same enum, the exchange may judge them.
SYMBOL_STATUS = Param("symbolStatus", WORD, words=SymbolStatus)
TICKER_TYPE = Param("type", WORD, words=TickerType)
LIMIT = Param("limit", WHOLE)
FROM_ID = Param("fromId", WHOLE)
START_TIME = Param("startTime", MOMENT)
END_TIME = Param("endTime", MOMENT)
TIME_ZONE = Param("timeZone", TEXT)
INTERVAL = Param("interval", WORD, MANDATORY, words=KlineInterval)

SIDE = Param("side", WORD, MANDATORY, words=Side)
QUANTITY = Param("quantity", NUMBER, MANDATORY)
ORDER_ID = Param("orderId", WHOLE)
ONE_ORDER_ID = Param("orderId", WHOLE, ONE_OF)
ONE_CLIENT_ORDER_ID = Param("origClientOrderId", TEXT, ONE_OF, field="client_order_id")
ONE_ORDER_LIST_ID = Param("orderListId", WHOLE, ONE_OF)
NEW_CLIENT_ORDER_ID = Param("newClientOrderId", TEXT)
CANCEL_RESTRICTIONS = Param("cancelRestrictions", WORD, words=CancelRestriction)
COMPUTE_COMMISSION_RATES = Param("computeCommissionRates", FLAG)
ANSWER = (
    Param("newOrderRespType", WORD, words=NewOrderRespType),
    Param("selfTradePreventionMode", WORD, words=SelfTradePreventionMode),
)
LIST = (SYMBOL, Param("listClientOrderId", TEXT), *ANSWER)

_STRATEGY = (Param("strategyId", WHOLE), Param("strategyType", WHOLE))
_PEG = (
    Param("pegPriceType", WORD, words=PegPriceType),
    Param("pegOffsetType", WORD, words=PegOffsetType),
    Param("pegOffsetValue", WHOLE),
)

ORDER = (
    SYMBOL,
    SIDE,
    Param("type", WORD, MANDATORY, words=OrderType),
    Param("timeInForce", WORD, CONDITIONAL, words=TimeInForce),
    Param("quantity", NUMBER, CONDITIONAL),
    Param("quoteOrderQty", NUMBER, CONDITIONAL),
    Param("price", NUMBER, CONDITIONAL),
    NEW_CLIENT_ORDER_ID,
    *_STRATEGY,
    Param("stopPrice", NUMBER, CONDITIONAL),
    Param("trailingDelta", WHOLE, CONDITIONAL),
    Param("icebergQty", NUMBER),
    *ANSWER,
    *_PEG,
)
"""The parameters of "New order"."""

SOR = (
    SYMBOL,
    SIDE,
    Param("type", WORD, MANDATORY, words=OrderType),
    Param("timeInForce", WORD, words=TimeInForce),
    QUANTITY,
    Param("price", NUMBER),
    NEW_CLIENT_ORDER_ID,
    *_STRATEGY,
    Param("icebergQty", NUMBER),
    *ANSWER,
)
"""The parameters of "New order using SOR": no stops, no pegs, no quoteOrderQty."""


def peg_rules(prefix: str = "") -> tuple[Rule, ...]:
    """Return the rules of a peg: "pegOffsetType and pegOffsetValue" go together ("Pegged orders")."""
    kind, value = with_prefix(prefix, "pegOffsetType"), with_prefix(prefix, "pegOffsetValue")
    return Needs(kind, value), Needs(value, kind)


def leg(prefix: str, *, need: Need = OPTIONAL, kind: Need = MANDATORY) -> tuple[Param, ...]:
    """Return the parameters of one leg of a list, all of which start with ``prefix``.

    ``need`` is that of prices and times: the documents mark them conditional in some lists and optional in others,
    where the same conditions hold. ``kind`` is that of the type.
    """
    terms = (
        _word("type", OrderType, kind),
        Param("clientOrderId", TEXT),
        Param("price", NUMBER, need),
        Param("stopPrice", NUMBER, need),
        Param("trailingDelta", WHOLE, need),
        Param("icebergQty", NUMBER),
        _word("timeInForce", TimeInForce, need),
        *_STRATEGY,
        *_PEG,
    )
    return prefixed(prefix, *terms)


def working(time_in_force: Need) -> tuple[Param, ...]:
    """Return the parameters of a list's working order, which is a LIMIT or a LIMIT_MAKER.

    The tables say that ``workingPrice`` is mandatory, and the notes on pegged orders that a peg stands for it.
    """
    terms = (
        _word("type", OrderType, MANDATORY),
        SIDE,
        Param("clientOrderId", TEXT),
        Param("price", NUMBER, CONDITIONAL),
        QUANTITY,
        Param("icebergQty", NUMBER),
        _word("timeInForce", TimeInForce, time_in_force),
        *_STRATEGY,
        *_PEG,
    )
    return prefixed("working", *terms)


def _word(name: str, words: type[OpenEnum], need: Need) -> Param:
    return Param(name, WORD, need, words=words)


def prefixed(prefix: str, *params: Param) -> tuple[Param, ...]:
    """Return the parameters under the names that they have on one leg."""
    return tuple(Param(with_prefix(prefix, one.name), one.kind, one.need, words=one.words) for one in params)
