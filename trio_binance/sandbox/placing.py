"""Placing: from the parameters of a new order to an order that the matching engine may take, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .filters import check_counts, check_filters
from .orders import BUY, CONTINGENT, PRICELESS, SELL, Order, Peg, Trail
from .pegs import pegged_price
from .refusals import bad, filter_failure, missing, needless, one_of, rejected
from .symbols import KINDS

if TYPE_CHECKING:
    from .accounts import Account
    from .params import Params
    from .refusals import Refusal
    from .symbols import Symbol
    from .venue import Venue

TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
RESPONSES = ("ACK", "RESULT", "FULL")
PEGS = ("PRIMARY_PEG", "MARKET_PEG")
_FARTHEST_PEG = 100

_NEEDS = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT": ("quantity",),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
_NO_TRIGGER = ("stopPrice", "trailingDelta")
_NO_PRICE = ("timeInForce", "price", "icebergQty")
_NEEDLESS = {
    "LIMIT": ("quoteOrderQty", *_NO_TRIGGER),
    "LIMIT_MAKER": ("timeInForce", "quoteOrderQty", *_NO_TRIGGER),
    "MARKET": (*_NO_PRICE, *_NO_TRIGGER),
    "STOP_LOSS": ("quoteOrderQty", *_NO_PRICE),
    "STOP_LOSS_LIMIT": ("quoteOrderQty",),
    "TAKE_PROFIT": ("quoteOrderQty", *_NO_PRICE),
    "TAKE_PROFIT_LIMIT": ("quoteOrderQty",),
}
_WORDS = {
    "LIMIT_MAKER": "Limit maker",
    "MARKET": "Market",
    "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit",
    "TAKE_PROFIT_LIMIT": "Take profit limit",
}


def draft(venue: Venue, account: Account, params: Params, now_us: int) -> Order:
    """Return the order that the parameters describe, checked as the API checks it before the matching engine.

    Raises:
        Refusal: -11xx for parameters, -1013 for filters and self-trade prevention, -2010 for what no order may do here.
    """
    order = compose(venue, account, params)
    if order.peg is not None and not order.is_contingent:
        order.price = pegged_price(venue.book, order)
    check_filters(venue, order, now_us)
    check_counts(venue.symbol, account, (order,))
    return order


def compose(venue: Venue, account: Account, params: Params, *, sized: bool = True) -> Order:
    """Return the order that the parameters describe; nothing is checked but how it is put together.

    Orders that sell what another will have bought are not ``sized``: they say no quantity.

    Raises:
        Refusal: -11xx for parameters, -1013 for self-trade prevention, -2010 for what no order may do on the symbol.
    """
    side = word(params, "side", (BUY, SELL), bad(-1117, "Invalid side."))
    kind = word(params, "type", KINDS, bad(-1116, "Invalid orderType."))
    symbol = venue.symbol
    if kind not in symbol.kinds:
        raise rejected(f"{_WORDS[kind]} orders are not supported for this symbol.")
    peg = _peg(symbol, kind, params)
    _check_composition(kind, params, sized=sized, pegged=peg is not None)
    order = Order(
        account,
        symbol.name,
        side,
        kind,
        params.choice("timeInForce", TIMES_IN_FORCE, lambda: bad(-1115, "Invalid timeInForce.")) or "GTC",
        params.amount("quantity") or 0,
        params.amount("price") or 0,
        params.client_id("newClientOrderId") or "",
        params.amount("quoteOrderQty") or 0,
        _self_trade_prevention(symbol, params),
        params.integer("strategyId"),
        _strategy_type(params),
        params.amount("stopPrice") or 0,
        _trail(symbol, params),
        params.amount("icebergQty"),
        peg,
    )
    _check_shape(venue, order, params, sized=sized)
    return order


def word(params: Params, name: str, allowed: tuple[str, ...], refusal: Refusal) -> str:
    """Return a mandatory parameter that must be one of a few words."""
    params.need(name)
    found = params.choice(name, allowed, lambda: refusal)
    assert found is not None
    return found


def _check_composition(kind: str, params: Params, *, sized: bool, pegged: bool) -> None:
    """Check that the order has what its type needs and nothing that it does not take.

    The rules: New order, "Additional mandatory parameters based on type".
    """
    spared = {"price"} if pegged else set()
    spared |= set() if sized else {"quantity"}
    for name in _NEEDS[kind]:
        if name not in spared:
            params.need(name)
    for name in _NEEDLESS[kind]:
        if params.text(name) is not None:
            raise needless(params.wire(name))
    if kind in CONTINGENT and all(params.text(name) is None for name in _NO_TRIGGER):
        raise one_of(params.wire("stopPrice"), params.wire("trailingDelta"))
    if kind == "MARKET" and sized:
        _check_market(params)


def _check_market(params: Params) -> None:
    by_base, by_quote = params.text("quantity") is not None, params.text("quoteOrderQty") is not None
    if params.wire("quoteOrderQty") == "":
        params.need("quantity")
    elif not by_base and not by_quote:
        raise one_of("quantity", "quoteOrderQty")
    elif by_base and by_quote:
        raise needless("quoteOrderQty")


def _check_shape(venue: Venue, order: Order, params: Params, *, sized: bool) -> None:
    """Check icebergs, and price the triggers; what a trigger without a price costs is estimated."""
    if order.iceberg is not None:
        if not venue.symbol.icebergs:
            raise rejected("Iceberg orders are not supported for this symbol.")
        # "Any LIMIT or LIMIT_MAKER order can be an iceberg; it must have timeInForce GTC" (New order).
        if order.tif != "GTC":
            raise needless(params.wire("icebergQty"))
        if sized and order.iceberg > order.quantity:
            raise rejected("IcebergQty exceeds QTY.")
    if order.is_contingent:
        if order.trail is None and not order.stop_price:
            raise filter_failure("PRICE_FILTER")
        order.estimate = order.price or order.stop_price or venue.tape.last_price()
    if order.peg is not None:
        order.price = 0


# ------------------------------------------------------------------------------------------------ special parameters


def _peg(symbol: Symbol, kind: str, params: Params) -> Peg | None:
    """Return where in the book the order wants its price (Pegged orders)."""
    peg_kind = params.choice("pegPriceType", PEGS, lambda: bad(-1210, "Invalid pegPriceType."))
    offset_kind = params.choice("pegOffsetType", ("PRICE_LEVEL",), lambda: bad(-1211, "Invalid pegOffsetType."))
    offset = params.integer("pegOffsetValue")
    names = [params.wire(name) for name in ("pegPriceType", "pegOffsetType", "pegOffsetValue")]
    if (offset_kind is None) != (offset is None):
        advice = f"Recommendation: '{names[1]}' and '{names[2]}' must both be sent."
        raise bad(-1128, f"Combination of optional fields invalid. {advice}")
    if peg_kind is None:
        if offset is not None:
            raise missing(names[0])
        return None
    if not symbol.pegs:
        raise rejected("Pegged orders are not supported for this symbol.")
    if kind in PRICELESS:
        raise rejected("This order type may not use pegged price.")
    takes = peg_kind == "MARKET_PEG"
    if (kind == "LIMIT_MAKER" and takes) or (kind == "LIMIT" and not takes and params.text("timeInForce") != "GTC"):
        raise rejected("This price peg cannot be used with this order type.")
    if offset is not None and not 1 <= offset <= _FARTHEST_PEG:
        raise bad(-1130, f"Data sent for parameter '{names[2]}' is not valid.")
    return Peg(peg_kind, params.amount("price") or 0, offset_kind, offset)


def _trail(symbol: Symbol, params: Params) -> Trail | None:
    delta = params.integer("trailingDelta")
    if delta is None:
        return None
    if not symbol.trailing:
        raise rejected("Trailing stop orders are not supported for this symbol.")
    return Trail(delta)


def _self_trade_prevention(symbol: Symbol, params: Params) -> str:
    refusal = bad(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return params.choice("selfTradePreventionMode", symbol.stp_modes, lambda: refusal) or symbol.stp_default


def _strategy_type(params: Params) -> int | None:
    value = params.integer("strategyType")
    if value is not None and value < 1_000_000:
        raise bad(-1134, "`strategyType` was less than 1000000.")
    return value


def response_type(params: Params, default: str) -> str:
    """Return how much the answer tells."""
    refusal = bad(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return params.choice("newOrderRespType", RESPONSES, lambda: refusal) or default


def order_response(kind: str, params: Params) -> str:
    """Return how much the answer to an order tells: FULL for MARKET and LIMIT by default, ACK for the rest."""
    return response_type(params, "FULL" if kind in ("MARKET", "LIMIT") else "ACK")
