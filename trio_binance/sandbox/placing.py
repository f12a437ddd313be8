"""Placing: from the parameters of a new order to an order that the matching engine may take, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .numbers import SCALE, cost
from .orders import BUY, SELL, Order
from .refusals import bad, filter_failure, needless, one_of, rejected
from .symbols import STP_MODES

if TYPE_CHECKING:
    from .accounts import Account
    from .params import Params
    from .refusals import Refusal
    from .symbols import Symbol
    from .venue import Venue

KINDS = ("LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
RESPONSES = ("ACK", "RESULT", "FULL")

_NEEDS = {"LIMIT": ("timeInForce", "quantity", "price"), "LIMIT_MAKER": ("quantity", "price"), "MARKET": ()}
_NEEDLESS = {
    "LIMIT": ("quoteOrderQty", "stopPrice", "trailingDelta"),
    "LIMIT_MAKER": ("timeInForce", "quoteOrderQty", "stopPrice", "trailingDelta"),
    "MARKET": ("timeInForce", "price", "icebergQty", "stopPrice", "trailingDelta"),
}
_UNSUPPORTED_KINDS = {
    "STOP_LOSS": "Stop loss orders are not supported for this symbol.",
    "STOP_LOSS_LIMIT": "Stop loss limit orders are not supported for this symbol.",
    "TAKE_PROFIT": "Take profit orders are not supported for this symbol.",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders are not supported for this symbol.",
}


def draft(venue: Venue, account: Account, params: Params, now_us: int) -> Order:
    """Return the order that the parameters describe, checked as the API checks it before the matching engine.

    Raises:
        Refusal: -11xx for parameters, -1013 for filters and self-trade prevention, -2010 for what no order may do here.
    """
    side = _word(params, "side", (BUY, SELL), bad(-1117, "Invalid side."))
    kind = _word(params, "type", KINDS, bad(-1116, "Invalid orderType."))
    if kind in _UNSUPPORTED_KINDS:
        raise rejected(_UNSUPPORTED_KINDS[kind])
    _check_composition(kind, params)
    order = Order(
        account,
        venue.symbol.name,
        side,
        kind,
        params.choice("timeInForce", TIMES_IN_FORCE, lambda: bad(-1115, "Invalid timeInForce.")) or "GTC",
        params.amount("quantity") or 0,
        params.amount("price") or 0,
        params.client_id("newClientOrderId") or "",
        params.amount("quoteOrderQty") or 0,
        _self_trade_prevention(params),
        params.integer("strategyId"),
        _strategy_type(params),
    )
    check_filters(venue, order, now_us)
    return order


def _word(params: Params, name: str, allowed: tuple[str, ...], refusal: Refusal) -> str:
    params.need(name)
    word = params.choice(name, allowed, lambda: refusal)
    assert word is not None
    return word


def _check_composition(kind: str, params: Params) -> None:
    """Check that the order has what its type needs and nothing that it does not take.

    The rules: New order, "Additional mandatory parameters based on type".
    """
    if params.text("pegPriceType") is not None:
        raise rejected("Pegged orders are not supported for this symbol.")
    for name in _NEEDS[kind]:
        params.need(name)
    for name in _NEEDLESS[kind]:
        if params.text(name) is not None:
            raise needless(name)
    if params.text("icebergQty") is not None:
        raise rejected("Iceberg orders are not supported for this symbol.")
    if kind == "MARKET":
        by_base, by_quote = params.text("quantity") is not None, params.text("quoteOrderQty") is not None
        if not by_base and not by_quote:
            raise one_of("quantity", "quoteOrderQty")
        if by_base and by_quote:
            raise needless("quoteOrderQty")


def _self_trade_prevention(params: Params) -> str:
    refusal = bad(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return params.choice("selfTradePreventionMode", STP_MODES, lambda: refusal) or "EXPIRE_MAKER"


def _strategy_type(params: Params) -> int | None:
    value = params.integer("strategyType")
    if value is not None and value < 1_000_000:
        raise bad(-1134, "`strategyType` was less than 1000000.")
    return value


def response_type(kind: str, params: Params) -> str:
    """Return how much the answer tells: FULL for MARKET and LIMIT by default, ACK for the rest."""
    default = "FULL" if kind in ("MARKET", "LIMIT") else "ACK"
    refusal = bad(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return params.choice("newOrderRespType", RESPONSES, lambda: refusal) or default


# ---------------------------------------------------------------------------------------------------------- filters


def check_filters(venue: Venue, order: Order, now_us: int) -> None:
    """Check an order against the symbol's filters; -1013 names the first that fails."""
    symbol = venue.symbol
    reference = venue.tickers.average_price(now_us)
    if order.kind != "MARKET":
        _check_price(symbol, order, reference)
        check_quantity(symbol, order.price, order.quantity)
    elif order.quote_quantity or not order.quantity:
        _check_notional(symbol, order.quote_quantity, market=True)
    else:
        _check_lot(symbol, order.quantity)
        if order.quantity > symbol.max_market_quantity:
            raise filter_failure("MARKET_LOT_SIZE")
        _check_notional(symbol, cost(reference, order.quantity), market=True)
    if len(order.account.blotter(symbol.name).open) >= symbol.max_orders:
        raise filter_failure("MAX_NUM_ORDERS")


def _check_price(symbol: Symbol, order: Order, reference: int) -> None:
    price = order.price
    if not symbol.min_price <= price <= symbol.max_price or price % symbol.tick:
        raise filter_failure("PRICE_FILTER")
    if not reference * symbol.percent_down_tenths <= price * 10 <= reference * symbol.percent_up * 10:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def check_quantity(symbol: Symbol, price: int, quantity: int) -> None:
    """Check the quantity of an order that has a price; -1013 names the filter that fails."""
    _check_lot(symbol, quantity)
    _check_notional(symbol, cost(price, quantity), market=False)


def _check_lot(symbol: Symbol, quantity: int) -> None:
    if not symbol.min_quantity <= quantity <= symbol.max_quantity or quantity % symbol.step:
        raise filter_failure("LOT_SIZE")


def _check_notional(symbol: Symbol, notional: int, *, market: bool) -> None:
    # applyMinToMarket is true and applyMaxToMarket is false on every symbol here.
    if notional < symbol.min_notional or (notional > symbol.max_notional and not market):
        raise filter_failure("NOTIONAL")


# ------------------------------------------------------------------------------------------ the engine's own checks


def check_engine(venue: Venue, order: Order) -> None:
    """Check what only the matching engine knows: the phase, open client ids, liquidity, prices, funds.

    Raises:
        Refusal: -2010.
    """
    if venue.status != "TRADING":
        raise rejected("Market is closed.")
    if order.client_id and order.account.blotter(venue.symbol.name).open_with(order.client_id) is not None:
        raise rejected("Duplicate order sent.")
    if order.quote_quantity:
        order.quantity = quantity_for_quote(venue, order)
    best = venue.book.best_against(order)
    if order.kind == "LIMIT_MAKER" and best is not None and order.crosses(best):
        raise rejected("Order would immediately match and take.")
    asset = venue.symbol.quote if order.buys else venue.symbol.base
    if _needed(venue, order) > order.account.balance(asset).free:
        raise rejected("Account has insufficient balance for requested action.")


def _needed(venue: Venue, order: Order) -> int:
    if not order.buys:
        return order.quantity
    return cost(order.price, order.quantity) if order.price else venue.matcher.price_of(order)


def quantity_for_quote(venue: Venue, order: Order) -> int:
    """Return the quantity of whole steps that comes closest to spending or earning ``quoteOrderQty``, not above it.

    Raises:
        Refusal: -2010 when the book cannot fill the smallest quantity.
    """
    step, left, quantity = venue.symbol.step, order.quote_quantity, 0
    for maker in venue.book.facing(order):
        affordable = left * SCALE // maker.price // step * step
        taken = min(affordable, maker.remaining)
        quantity += taken
        left -= cost(maker.price, taken)
        if taken < maker.remaining:
            break
    if quantity < venue.symbol.min_quantity:
        raise rejected("Order book liquidity is less than LOT_SIZE filter minimum quantity.")
    return quantity
