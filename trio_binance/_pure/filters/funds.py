"""The funds: whether the account can pay for an order; no filter says so, and the exchange refuses it all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

import attrs

from trio_binance.models import Balance, OrderType, SymbolInfo
from trio_binance.models.checks import plain

from .findings import Demand, Doubt, Finding, Findings, lacking, later
from .grid import Grid, decimal_of
from .legs import Leg
from .prices import pegged_price
from .scene import Free, Need, Scene

RULE = "balance"
"""What the rule is called: -2010 "Account has insufficient balance for requested action."."""


@attrs.frozen
class _Price:
    """What a unit of a field costs, in which asset, and how much of that is free."""

    field: str
    amount: Decimal
    unit: Decimal
    asset: str
    free: Decimal


def funds(legs: Sequence[Leg], scene: Scene, *, replaces: bool = False) -> Findings:
    """Judge each order by what is free: a BUY needs quote asset, a SELL base asset.

    Of two orders that cancel each other the dearer counts, so each is judged alone. What waits for another order is
    paid for when that is filled. ``replaces``: what the order that goes has locked comes free, which is not known.
    """
    for leg in legs:
        if leg.waits or leg.deferred:
            yield later(RULE, leg.name("type"))
        elif scene.free is None:
            yield lacking(RULE, _field(leg), Need.BALANCES)
        else:
            yield from _judged(leg, scene, scene.free, replaces=replaces)


def free_of(symbol: SymbolInfo, balances: Iterable[Balance]) -> Free:
    """Return what is free of a symbol's assets; one that is not told is not held."""
    free = {balance.asset: balance.free for balance in balances}
    return Free(base=free.get(symbol.base_asset, Decimal(0)), quote=free.get(symbol.quote_asset, Decimal(0)))


def _field(leg: Leg) -> str:
    return leg.quantity_field if leg.quote_order_qty is None else leg.name("quote_order_qty")


def _judged(leg: Leg, scene: Scene, free: Free, *, replaces: bool) -> Findings:
    cost = _cost(leg, scene, free)
    if not isinstance(cost, _Price):
        yield cost
        return
    found = _compared(cost)
    if replaces and found.fault is not None:
        yield Doubt(RULE, found.field, f"{found.fault}, and what the replaced order has locked")
        return
    yield found
    if found.fault is None and leg.buys and leg.price is None and leg.type == OrderType.MARKET and leg.quantity:
        yield Doubt(RULE, found.field, "what it costs is known when it is executed")


def _cost(leg: Leg, scene: Scene, free: Free) -> _Price | Finding:
    """Return what an order costs at least, or why that is not known."""
    symbol, field = scene.symbol, _field(leg)
    if leg.quote_order_qty is not None:
        if leg.buys:
            return _Price(field, leg.quote_order_qty, Decimal(1), symbol.quote_asset, free.quote)
        return Doubt(RULE, field, "what it sells is known when it is executed")
    assert leg.quantity is not None  # or else it is deferred
    if not leg.buys:
        return _Price(field, leg.quantity, Decimal(1), symbol.base_asset, free.base)
    price = leg.price or pegged_price(leg, scene)
    if price is None and leg.type == OrderType.MARKET:
        price = scene.best_ask or Need.BOOK
    if price is None:
        return Doubt(RULE, field, "the documents do not say what is locked for an order without a price")
    if isinstance(price, Need):
        return lacking(RULE, field, price)
    return _Price(field, leg.quantity, price, symbol.quote_asset, free.quote)


def _compared(cost: _Price) -> Demand:
    needed = Fraction(cost.amount) * Fraction(cost.unit)
    short = needed > Fraction(cost.free)
    fault = f"needs {plain(decimal_of(needed))} {cost.asset}, free {plain(cost.free)}" if short else None
    return Demand(RULE, cost.field, cost.amount, Grid(most=Fraction(cost.free) / Fraction(cost.unit)), fault)
