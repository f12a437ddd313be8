"""The rules of worth: price times quantity, in quote asset."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from trio_binance.models import MaxAssetFilter, MinNotionalFilter, NotionalFilter, OrderType
from trio_binance.models.checks import plain

from .findings import Demand, Doubt, Findings, lacking, later
from .grid import Grid, decimal_of
from .legs import Leg
from .prices import pegged_price
from .scene import Need, Scene

_NO_PRICE = "the documents do not say which price stands in for that of an order which has none"


def min_notional(rule: MinNotionalFilter, leg: Leg, scene: Scene) -> Findings:
    """MIN_NOTIONAL: ``price * quantity >= minNotional``; MARKET orders only where ``applyToMarket`` says so."""
    # Before 2019 there was no applyToMarket: the filter held for orders with a price.
    if leg.type == OrderType.MARKET and not rule.apply_to_market:
        return
    yield from _worth(rule.filter_type, leg, scene, Grid.of(rule.min_notional), rule.avg_price_mins or 0)


def notional(rule: NotionalFilter, leg: Leg, scene: Scene) -> Findings:
    """NOTIONAL: ``minNotional <= price * quantity <= maxNotional``; MARKET orders where the two switches say so."""
    least, most = rule.min_notional, rule.max_notional
    if leg.type == OrderType.MARKET:
        least = least if rule.apply_min_to_market else Decimal(0)
        most = most if rule.apply_max_to_market else Decimal(0)
    yield from _worth(rule.filter_type, leg, scene, Grid.of(least, most), rule.avg_price_mins)


def max_asset(rule: MaxAssetFilter, leg: Leg, scene: Scene) -> Findings:
    """MAX_ASSET: one order moves no more of the asset; as the quote asset it is ``price * quantity`` that counts."""
    name, grid = rule.filter_type, Grid(most=Fraction(rule.limit))
    if rule.asset == scene.symbol.quote_asset:
        yield from _worth(name, leg, scene, grid, None)
    elif rule.asset == scene.symbol.base_asset:
        if leg.quantity is not None:
            yield Demand(name, leg.quantity_field, leg.quantity, grid, grid.fault(leg.quantity))
        elif leg.deferred:
            yield later(name, leg.name("type"))
        else:
            yield Doubt(name, leg.name("quote_order_qty"), "what it moves is known when it is executed")


def _worth(name: str, leg: Leg, scene: Scene, grid: Grid, avg_price_mins: int | None) -> Findings:
    """Judge what an order is worth at each price that counts: its own, that of its peg, the market's."""
    if grid == Grid():
        return
    if leg.quote_order_qty is not None:
        fault = grid.fault(leg.quote_order_qty)
        yield Demand(name, leg.name("quote_order_qty"), leg.quote_order_qty, grid, fault)
    elif leg.quantity is None:
        yield later(name, leg.name("type"))
    else:
        for price in _prices(leg, scene, avg_price_mins):
            yield _at(name, leg, leg.quantity, grid, price)


def _prices(leg: Leg, scene: Scene, avg_price_mins: int | None) -> list[Decimal | Need | None]:
    """Return the prices that count; ``None`` where the documents name none."""
    pegged = pegged_price(leg, scene)
    found: list[Decimal | Need | None] = [price for price in (leg.price, pegged) if price is not None]
    if found:
        return found
    if leg.type == OrderType.MARKET and avg_price_mins is not None:
        # "Since MARKET orders have no price", the reference or average price is theirs
        return [scene.reference_price(avg_price_mins)]
    return [None]


def _at(name: str, leg: Leg, quantity: Decimal, grid: Grid, price: Decimal | Need | None) -> Demand | Doubt:
    field = leg.quantity_field
    if price is None:
        return Doubt(name, field, _NO_PRICE)
    if isinstance(price, Need):
        return lacking(name, field, price)
    worth = Fraction(price) * Fraction(quantity)
    fault = grid.fault(worth)
    told = fault and f"at {plain(price)} is worth {plain(decimal_of(worth))}, which {fault}"
    return Demand(name, field, quantity, _per(grid, price), told)


def _per(grid: Grid, price: Decimal) -> Grid:
    """Return the quantities whose worth the grid holds."""
    least, most = (None if bound is None else bound / Fraction(price) for bound in (grid.least, grid.most))
    return Grid(least, most)
