"""Filters: the rules of a symbol, of the exchange and of assets that every new order is measured by."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from .numbers import cost
from .orders import CONTINGENT, PRICELESS
from .refusals import filter_failure
from .stops import triggers_above
from .symbols import ASSET_LIMITS, EXCHANGE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Collection

    from .accounts import Account
    from .orders import Order
    from .symbols import Symbol
    from .venue import Venue


def check_filters(venue: Venue, order: Order, now_us: int) -> None:
    """Check one order against the filters of its symbol and assets; -1013 names the first that fails."""
    symbol, reference = venue.symbol, venue.filter_price(now_us)
    # "Pegged orders": the pegged price has to pass, and the price that was sent, if any.
    pegged, priceless = order.peg is not None, order.kind in PRICELESS
    prices = {order.price, order.shown_price} - ({0} if pegged or priceless else set())
    for price in prices:
        _check_price(symbol, price)
        _check_percent(symbol, order, price, reference)
    if order.stop_price:
        _check_price(symbol, order.stop_price)
    _check_trail(symbol, order)
    if order.quantity or not order.quote_quantity:
        _check_size(symbol, order, prices or {reference})
        _check_position(symbol, order)
    else:
        _check_notional(symbol, order.quote_quantity, market=True)


# ------------------------------------------------------------------------------------------------------- prices


def _check_price(symbol: Symbol, price: int) -> None:
    if not _within(price, symbol.min_price, symbol.max_price) or (symbol.tick and price % symbol.tick):
        raise filter_failure("PRICE_FILTER")


def _within(value: int, least: int, most: int) -> bool:
    """Return whether a value keeps to bounds that 0 switches off, each on its own."""
    return value >= least and (most == 0 or value <= most)


def _check_percent(symbol: Symbol, order: Order, price: int, reference: int) -> None:
    if symbol.percent is not None and not symbol.percent.allows(price, reference, buys=order.buys):
        raise filter_failure(symbol.percent.name)


def _check_trail(symbol: Symbol, order: Order) -> None:
    if order.trail is None:
        return
    least, most = symbol.trailing_above if triggers_above(order) else symbol.trailing_below
    if not least <= order.trail.delta <= most:
        raise filter_failure("TRAILING_DELTA")


# --------------------------------------------------------------------------------------------------- quantities


def _check_size(symbol: Symbol, order: Order, prices: Collection[int]) -> None:
    check_lot(symbol, order.quantity)
    if order.kind == "MARKET":
        check_market_lot(symbol, order.quantity)
    for price in prices:
        _check_notional(symbol, cost(price, order.quantity), market=order.kind in PRICELESS)
        _check_assets(symbol, order.quantity, cost(price, order.quantity))
    if order.iceberg:
        check_lot(symbol, order.iceberg)
        if -(-order.quantity // order.iceberg) > symbol.iceberg_parts:
            raise filter_failure("ICEBERG_PARTS")


def check_lot(symbol: Symbol, quantity: int) -> None:
    """Check a quantity against LOT_SIZE."""
    if not _within(quantity, symbol.min_quantity, symbol.max_quantity) or (symbol.step and quantity % symbol.step):
        raise filter_failure("LOT_SIZE")


def check_market_lot(symbol: Symbol, quantity: int) -> None:
    """Check the quantity of a MARKET order against MARKET_LOT_SIZE."""
    fits = _within(quantity, symbol.min_market_quantity, symbol.max_market_quantity)
    if not fits or (symbol.market_step and quantity % symbol.market_step):
        raise filter_failure("MARKET_LOT_SIZE")


def lot_step(symbol: Symbol, kind: str) -> int:
    """Return the step that the quantity of an order has to keep to."""
    step = symbol.step or 1
    return lcm(step, symbol.market_step) if kind == "MARKET" and symbol.market_step else step


def check_quantity(symbol: Symbol, price: int, quantity: int) -> None:
    """Check a new quantity of an order that has a price; -1013 names the filter that fails."""
    check_lot(symbol, quantity)
    if price:
        _check_notional(symbol, cost(price, quantity), market=False)


def _check_notional(symbol: Symbol, notional: int, *, market: bool) -> None:
    name = "MIN_NOTIONAL" if symbol.max_notional is None else "NOTIONAL"
    if notional < symbol.min_notional and (symbol.min_to_market or not market):
        raise filter_failure(name)
    if symbol.max_notional is not None and notional > symbol.max_notional and (symbol.max_to_market or not market):
        raise filter_failure(name)


def _check_assets(symbol: Symbol, quantity: int, notional: int) -> None:
    for asset, amount in ((symbol.base, quantity), (symbol.quote, notional)):
        if amount > ASSET_LIMITS.get(asset, amount):
            raise filter_failure("MAX_ASSET")


def _check_position(symbol: Symbol, order: Order) -> None:
    """Check what the account would have of the base asset with all its BUY orders filled: MAX_POSITION.

    The rule counts "the quantity of all open BUY orders"; here it is what is left of them, for what was filled is
    part of the balance already.
    """
    if symbol.max_position is None or not order.buys:
        return
    held, others = order.account.balance(symbol.base), order.account.blotter(symbol.name).open.values()
    coming = sum(other.remaining for other in others if other.buys and other is not order)
    if held.free + held.locked + coming + order.quantity > symbol.max_position:
        raise filter_failure("MAX_POSITION")


# ------------------------------------------------------------------------------------------------------- counts


def check_counts(symbol: Symbol, account: Account, orders: Collection[Order]) -> None:
    """Check how many orders an account would have open with some more; one of a list is an order like any other."""
    here = account.blotter(symbol.name).open.values()
    everywhere = [order for blotter in account.blotters.values() for order in blotter.open.values()]
    _check_count("MAX_NUM_ORDERS", len(here) + len(orders), symbol.max_orders)
    _check_exchange("ORDERS", len(everywhere) + len(orders))
    algos, icebergs = _algos(orders), _icebergs(orders)
    if algos:
        _check_count("MAX_NUM_ALGO_ORDERS", _algos(here) + algos, symbol.max_algo_orders)
        _check_exchange("ALGO_ORDERS", _algos(everywhere) + algos)
    if icebergs:
        _check_count("MAX_NUM_ICEBERG_ORDERS", _icebergs(here) + icebergs, symbol.max_icebergs)
        _check_exchange("ICEBERG_ORDERS", _icebergs(everywhere) + icebergs)


def check_list_count(symbol: Symbol, account: Account) -> None:
    """Check how many order lists an account would have open with one more; a list of three orders is one list."""
    lists = sum(kept.symbol == symbol.name for kept in account.open_lists.values())
    _check_count("MAX_NUM_ORDER_LISTS", lists + 1, symbol.max_order_lists)
    _check_exchange("ORDER_LISTS", len(account.open_lists) + 1)


def _algos(orders: Collection[Order]) -> int:
    return sum(order.kind in CONTINGENT for order in orders)


def _icebergs(orders: Collection[Order]) -> int:
    return sum(order.iceberg is not None for order in orders)


def _check_exchange(what: str, count: int) -> None:
    name = f"EXCHANGE_MAX_NUM_{what}"
    _check_count(name, count, EXCHANGE_LIMITS[name])


def _check_count(name: str, count: int, most: int | None) -> None:
    if most is not None and count > most:
        raise filter_failure(name)
