"""Filters: the rules of a symbol, of the exchange and of assets that every new order is measured by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .numbers import cost
from .orders import CONTINGENT, PRICELESS
from .refusals import filter_failure
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
        _check_percent(symbol, price, reference)
    if order.stop_price:
        _check_price(symbol, order.stop_price)
    if order.trail is not None and not symbol.trailing_deltas[0] <= order.trail.delta <= symbol.trailing_deltas[1]:
        raise filter_failure("TRAILING_DELTA")
    if order.quantity or not order.quote_quantity:
        _check_size(symbol, order, prices or {reference})
    else:
        _check_notional(symbol, order.quote_quantity, market=True)


def _check_price(symbol: Symbol, price: int) -> None:
    if not symbol.min_price <= price <= symbol.max_price or price % symbol.tick:
        raise filter_failure("PRICE_FILTER")


def _check_percent(symbol: Symbol, price: int, reference: int) -> None:
    if not reference * symbol.percent_down_tenths <= price * 10 <= reference * symbol.percent_up * 10:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def _check_size(symbol: Symbol, order: Order, prices: Collection[int]) -> None:
    check_lot(symbol, order.quantity)
    if order.kind == "MARKET" and order.quantity > symbol.max_market_quantity:
        raise filter_failure("MARKET_LOT_SIZE")
    for price in prices:
        _check_notional(symbol, cost(price, order.quantity), market=order.kind in PRICELESS)
        _check_assets(symbol, order.quantity, cost(price, order.quantity))
    if order.iceberg:
        check_lot(symbol, order.iceberg)
        if -(-order.quantity // order.iceberg) > symbol.iceberg_parts:
            raise filter_failure("ICEBERG_PARTS")


def check_lot(symbol: Symbol, quantity: int) -> None:
    """Check a quantity against LOT_SIZE."""
    if not symbol.min_quantity <= quantity <= symbol.max_quantity or quantity % symbol.step:
        raise filter_failure("LOT_SIZE")


def check_quantity(symbol: Symbol, price: int, quantity: int) -> None:
    """Check a new quantity of an order that has a price; -1013 names the filter that fails."""
    check_lot(symbol, quantity)
    if price:
        _check_notional(symbol, cost(price, quantity), market=False)


def _check_notional(symbol: Symbol, notional: int, *, market: bool) -> None:
    # applyMinToMarket is true and applyMaxToMarket is false on every symbol here.
    if notional < symbol.min_notional or (notional > symbol.max_notional and not market):
        raise filter_failure("NOTIONAL")


def _check_assets(symbol: Symbol, quantity: int, notional: int) -> None:
    for asset, amount in ((symbol.base, quantity), (symbol.quote, notional)):
        if amount > ASSET_LIMITS.get(asset, amount):
            raise filter_failure("MAX_ASSET")


def check_counts(symbol: Symbol, account: Account, orders: Collection[Order]) -> None:
    """Check how many orders an account would have open with some more; one of a list is an order like any other."""
    here = account.blotter(symbol.name).open.values()
    everywhere = [order for blotter in account.blotters.values() for order in blotter.open.values()]
    algos = sum(order.kind in CONTINGENT for order in orders)
    _check_count("MAX_NUM_ORDERS", len(here) + len(orders), symbol.max_orders)
    _check_count("EXCHANGE_MAX_NUM_ORDERS", len(everywhere) + len(orders), EXCHANGE_LIMITS["EXCHANGE_MAX_NUM_ORDERS"])
    if algos:
        _check_count("MAX_NUM_ALGO_ORDERS", _algos(here) + algos, symbol.max_algo_orders)
        most = EXCHANGE_LIMITS["EXCHANGE_MAX_NUM_ALGO_ORDERS"]
        _check_count("EXCHANGE_MAX_NUM_ALGO_ORDERS", _algos(everywhere) + algos, most)


def check_list_count(symbol: Symbol, account: Account) -> None:
    """Check how many order lists an account would have open on the symbol with one more."""
    lists = sum(kept.symbol == symbol.name for kept in account.open_lists.values())
    _check_count("MAX_NUM_ORDER_LISTS", lists + 1, symbol.max_order_lists)


def _algos(orders: Collection[Order]) -> int:
    return sum(order.kind in CONTINGENT for order in orders)


def _check_count(name: str, count: int, most: int) -> None:
    if count > most:
        raise filter_failure(name)
