"""The rules of quantities: their grids, into how many parts an iceberg falls, how much an account may hold."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil

from trio_binance.models import (
    IcebergPartsFilter,
    LotSizeFilter,
    MarketLotSizeFilter,
    MaxPositionFilter,
    OrderType,
    SymbolInfo,
)
from trio_binance.models.checks import plain

from .findings import Demand, Doubt, Findings, demand, lacking, later
from .grid import NOTHING, Grid
from .legs import Leg
from .scene import Need, Scene


def lot_size(rule: LotSizeFilter, leg: Leg, _scene: Scene) -> Findings:
    """LOT_SIZE: ``quantity`` and ``icebergQty`` lie between the bounds, in whole steps.

    Bought or sold for an amount of quote asset, the quantity is made to fit by the exchange.
    """
    grid = Grid.of(rule.min_qty, rule.max_qty, rule.step_size)
    if leg.quantity is not None:
        yield demand(rule.filter_type, leg.quantity_field, leg.quantity, grid)
    elif leg.deferred:
        yield later(rule.filter_type, leg.name("type"))
    if leg.iceberg_qty is not None:
        yield demand(rule.filter_type, leg.name("iceberg_qty"), leg.iceberg_qty, grid)


def market_lot_size(rule: MarketLotSizeFilter, leg: Leg, _scene: Scene) -> Findings:
    """MARKET_LOT_SIZE: the same for the quantity of a MARKET order, beside LOT_SIZE."""
    if leg.type != OrderType.MARKET:
        return
    if leg.quantity is not None:
        grid = Grid.of(rule.min_qty, rule.max_qty, rule.step_size)
        yield demand(rule.filter_type, leg.quantity_field, leg.quantity, grid)
    elif leg.deferred:
        yield later(rule.filter_type, leg.name("type"))


def iceberg_parts(rule: IcebergPartsFilter, leg: Leg, _scene: Scene) -> Findings:
    """ICEBERG_PARTS: ``ceil(quantity / icebergQty) <= limit``."""
    name, field = rule.filter_type, leg.name("iceberg_qty")
    if leg.iceberg_qty is None:
        return
    if leg.quantity is None:
        yield later(name, field)
        return
    parts = ceil(Fraction(leg.quantity) / Fraction(leg.iceberg_qty))
    fault = f"makes {parts} parts of {plain(leg.quantity)}, more than {rule.limit}" if parts > rule.limit else None
    # ceil(q / i) <= n is q / i <= n for a whole n
    grid = Grid.of(Fraction(leg.quantity) / rule.limit) if rule.limit else NOTHING
    yield Demand(name, field, leg.iceberg_qty, grid, fault)


def max_position(rule: MaxPositionFilter, leg: Leg, scene: Scene) -> Findings:
    """MAX_POSITION: what is held and what open orders would buy, this one included, is not above the maximum."""
    name, field = rule.filter_type, leg.quantity_field
    if not leg.buys:
        return
    if leg.quantity is None:
        yield Doubt(name, leg.name("quote_order_qty"), "what it buys is known when it is executed")
    elif scene.position is None:
        yield lacking(name, field, Need.POSITION)
    else:
        yield _held(name, field, leg.quantity, scene.position, rule.max_position)


def _held(name: str, field: str, quantity: Decimal, position: Decimal, most: Decimal) -> Demand:
    room = Fraction(most) - Fraction(position)
    fault = f"with {plain(position)} held or on order is more than {plain(most)}" if quantity > room else None
    return Demand(name, field, quantity, Grid(most=room), fault)


def whole(leg: Leg) -> Findings:
    """Keep the tip of an iceberg within the whole: the request sees to it, and what is proposed must do so too."""
    if leg.quantity is not None and leg.iceberg_qty is not None:
        yield Demand("iceberg_qty", leg.quantity_field, leg.quantity, Grid.of(leg.iceberg_qty))
        yield Demand("quantity", leg.name("iceberg_qty"), leg.iceberg_qty, Grid.of(most=leg.quantity))


def precision(leg: Leg, scene: Scene) -> Findings:
    """-1111: no number has more decimals than its asset, written zeros included."""
    base = ("base_asset_precision", scene.symbol.base_asset_precision)
    money = ("quote_asset_precision", quote_places(scene.symbol))
    for field, value, (rule, places) in (
        (leg.quantity_field, leg.quantity, base),
        (leg.name("iceberg_qty"), leg.iceberg_qty, base),
        (leg.name("price"), leg.price, money),
        (leg.name("stop_price"), leg.stop_price, money),
        (leg.name("quote_order_qty"), leg.quote_order_qty, money),
    ):
        if value is not None:
            yield _fitting(rule, field, value, places)


def quote_places(symbol: SymbolInfo) -> int:
    """Return how many decimals the quote asset has; ``quotePrecision`` is its older name, to be dropped one day."""
    return symbol.quote_precision if symbol.quote_asset_precision is None else symbol.quote_asset_precision


def _fitting(rule: str, field: str, value: Decimal, places: int) -> Demand:
    written = -int(value.as_tuple().exponent)
    fault = f"is written with {written} decimals, more than {places}" if written > places else None
    return Demand(rule, field, value, Grid(step=Fraction(1, 10**places)), fault)
