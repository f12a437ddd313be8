"""The rules of prices: their grid, and how far they may lie from where the market is."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from trio_binance.models import (
    OrderType,
    PegPriceType,
    PercentPriceBySideFilter,
    PercentPriceFilter,
    PriceFilter,
    PriceRangeRule,
)
from trio_binance.models.checks import plain

from .findings import Demand, Doubt, Findings, demand, lacking, later
from .grid import Grid
from .legs import Leg
from .scene import Need, Scene


def pegged_price(leg: Leg, scene: Scene) -> Decimal | Need | None:
    """Return the price that a peg would give now, what is needed to know it, or ``None`` without a peg."""
    if leg.peg_price_type is None:
        return None
    # An offset counts levels of the book, of which the best alone are known here.
    if leg.peg_offset_value is not None:
        return Need.BOOK
    return scene.pegged_price(leg.peg_price_type, leg.side)


def price_filter(rule: PriceFilter, leg: Leg, scene: Scene) -> Findings:
    """PRICE_FILTER: ``price`` and ``stopPrice`` lie between the bounds, on whole ticks; so does a pegged price."""
    grid = Grid.of(rule.min_price, rule.max_price, rule.tick_size)
    for field, value in (("price", leg.price), ("stop_price", leg.stop_price)):
        if value is not None:
            yield demand(rule.filter_type, leg.name(field), value, grid)
    yield from _at_peg(rule.filter_type, leg, scene, grid)


def percent_price(rule: PercentPriceFilter, leg: Leg, scene: Scene) -> Findings:
    """PERCENT_PRICE: ``refPrice * multiplierDown <= price <= refPrice * multiplierUp``."""
    factors = (rule.multiplier_down, rule.multiplier_up)
    return _percent(rule, leg, scene, factors)


def percent_price_by_side(rule: PercentPriceBySideFilter, leg: Leg, scene: Scene) -> Findings:
    """PERCENT_PRICE_BY_SIDE: the same, with the multipliers of the order's side."""
    bid = (rule.bid_multiplier_down, rule.bid_multiplier_up)
    ask = (rule.ask_multiplier_down, rule.ask_multiplier_up)
    return _percent(rule, leg, scene, bid if leg.buys else ask)


def _percent(
    rule: PercentPriceFilter | PercentPriceBySideFilter, leg: Leg, scene: Scene, factors: tuple[Decimal, Decimal]
) -> Findings:
    name, field = rule.filter_type, leg.name("price")
    if leg.price is None and leg.peg_price_type is None:
        return
    if leg.deferred:
        yield later(name, field)
        return
    reference = scene.reference_price(rule.avg_price_mins)
    if isinstance(reference, Need):
        yield lacking(name, field, reference)
        return
    grid = _around(reference, *factors)
    because = f", which is measured by {plain(reference)} times {plain(factors[0])} to {plain(factors[1])}"
    if leg.price is not None:
        fault = grid.fault(leg.price)
        yield Demand(name, field, leg.price, grid, fault and fault + because)
    yield from _at_peg(name, leg, scene, grid)


def _around(reference: Decimal, down: Decimal | None, up: Decimal | None) -> Grid:
    return Grid.of(*(Fraction(reference) * Fraction(factor or 0) for factor in (down, up)))


def _at_peg(name: str, leg: Leg, scene: Scene, grid: Grid) -> Findings:
    """Judge the price that a peg would give: the exchange checks it beside a price that is sent."""
    price, field = pegged_price(leg, scene), leg.name("peg_price_type")
    if isinstance(price, Need):
        yield lacking(name, field, price)
    elif price is not None:
        fault = grid.fault(price)
        yield Demand(name, field, price, None, fault and f"as the pegged price {fault}")


# --------------------------------------------------------------------------------------------------- execution rules


def price_range(rule: PriceRangeRule, leg: Leg, scene: Scene) -> Findings:
    """PRICE_RANGE: a taker executes between the reference price times two factors, or expires.

    No filter: the order is accepted. Told is an order that could execute nowhere else. One that does not take is not
    concerned, and none is while the symbol has no reference price.
    """
    name, field = rule.rule_type, leg.name("type")
    if leg.type == OrderType.LIMIT_MAKER or leg.peg_price_type == PegPriceType.PRIMARY_PEG:
        return
    if leg.is_algo or leg.waits:
        # "limits are fixed at the start of the taker phase of the order" (faqs/price_range_execution_rules.md)
        yield Doubt(name, field, "the range is that of the moment in which it comes to the book")
    elif scene.prices is None:
        yield lacking(name, field, Need.REFERENCE_PRICE)
    elif scene.prices.reference:
        grid = _around(scene.prices.reference, *_range_of(rule, leg))
        yield from _in_range(name, leg, scene, grid)


def _range_of(rule: PriceRangeRule, leg: Leg) -> tuple[Decimal | None, Decimal | None]:
    if leg.buys:
        return rule.bid_limit_mult_down, rule.bid_limit_mult_up
    return rule.ask_limit_mult_down, rule.ask_limit_mult_up


def _in_range(name: str, leg: Leg, scene: Scene, grid: Grid) -> Findings:
    """Compare what the order could execute at, from the best price it would find to its own, with the range."""
    best = scene.best_ask if leg.buys else scene.best_bid
    if leg.price is None and best is None:
        yield lacking(name, leg.name("type"), Need.BOOK)
    elif leg.price is not None and best is not None and (leg.price < best if leg.buys else leg.price > best):
        return  # it would rest
    elif best is not None and _beyond(grid, best, up=leg.buys):
        fault = f"finds {plain(best)} at best, which {grid.fault(best)}: it would expire"
        yield Demand(name, leg.name("type"), leg.type, None, fault, advises=True)
    elif leg.price is not None and _beyond(grid, leg.price, up=not leg.buys):
        fault = f"{grid.fault(leg.price)}: as a taker it would expire"
        yield Demand(name, leg.name("price"), leg.price, grid, fault, advises=True)


def _beyond(grid: Grid, price: Decimal, *, up: bool) -> bool:
    bound = grid.most if up else grid.least
    return bound is not None and (price > bound if up else price < bound)
