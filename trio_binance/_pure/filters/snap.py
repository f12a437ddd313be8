"""Snapping: a request with its prices and quantities moved onto the grids of its symbol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import (
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from fractions import Fraction
from typing import Any, TypeVar

import attrs

from trio_binance._pure.decimals import InvalidDecimal, snap
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LotSizeFilter,
    MarketLotSizeFilter,
    OrderListRequest,
    OrderRequest,
    OrderType,
    PriceFilter,
    SymbolInfo,
)
from trio_binance.models.checks import plain

from .grid import Grid, decimal_of
from .legs import Leg, legs_of
from .quantities import quote_places

R = TypeVar("R", bound=OrderRequest | OrderListRequest)

ROUNDINGS = (
    ROUND_FLOOR,
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_UP,
    ROUND_HALF_DOWN,
    ROUND_HALF_UP,
    ROUND_HALF_EVEN,
    ROUND_05UP,
)


@attrs.frozen
class _Target:
    """A number to move: onto which grid, and which way. Without a step it keeps its digits, but for those too many."""

    value: Decimal
    grid: Grid
    places: int
    rounding: str

    def merged(self, other: _Target) -> _Target:
        """Return the target of a number that two legs share."""
        return attrs.evolve(self, grid=self.grid & other.grid)


def snap_order(request: R, symbol: SymbolInfo, *, rounding: str | None = None) -> R:
    """Return the request with every number on the grid of its symbol, written with the decimals of the step.

    Quantities and icebergs are rounded down, those of MARKET orders to LOT_SIZE and MARKET_LOT_SIZE at once. Prices
    are never rounded to the worse: those of a BUY down, those of a SELL up, so that nothing is bought dearer or sold
    cheaper than asked for. So are stop prices: a BUY is triggered at no higher price than asked for, a SELL at no
    lower, which lets a stop loss strike a little earlier, and a profit be taken a little later. ``rounding``, one of
    ``decimal``'s modes, rounds prices and stop prices otherwise. What is on the grid stays where it is.

    Raises:
        InvalidArgument: rounded, a number would be zero or beyond a bound; the reason names what would pass.
    """
    targets: dict[str, _Target] = {}
    for leg in legs_of(request):
        for path, target in _targets(leg, symbol, rounding):
            targets[path] = targets[path].merged(target) if path in targets else target
    return _with(request, {path: _moved(path, target, symbol) for path, target in targets.items()})


def check_rounding(rounding: object) -> None:
    """Refuse what is none of ``decimal``'s modes of rounding."""
    if rounding is not None and rounding not in ROUNDINGS:
        raise InvalidArgument("rounding", rounding, f"expected one of {', '.join(ROUNDINGS)}, or None")


def _targets(leg: Leg, symbol: SymbolInfo, rounding: str | None) -> Iterator[tuple[str, _Target]]:
    towards = rounding or (ROUND_FLOOR if leg.buys else ROUND_CEILING)
    prices, lots, base, money = (
        _price_grid(symbol),
        _lot_grid(symbol),
        symbol.base_asset_precision,
        quote_places(symbol),
    )
    amounts = lots & _market_grid(symbol) if leg.type == OrderType.MARKET else lots
    for path, value, grid, places, mode in (
        (leg.name("price"), leg.price, prices, money, towards),
        (leg.name("stop_price"), leg.stop_price, prices, money, towards),
        (leg.quantity_field, leg.quantity, amounts, base, ROUND_DOWN),
        (leg.name("iceberg_qty"), leg.iceberg_qty, lots, base, ROUND_DOWN),
        (leg.name("quote_order_qty"), leg.quote_order_qty, Grid(), money, ROUND_DOWN),
    ):
        if value is not None:
            yield path, _Target(value, grid, places, mode)


def _price_grid(symbol: SymbolInfo) -> Grid:
    found = symbol.filter(PriceFilter)
    return Grid() if found is None else Grid.of(found.min_price, found.max_price, found.tick_size)


def _lot_grid(symbol: SymbolInfo) -> Grid:
    found = symbol.filter(LotSizeFilter)
    return Grid() if found is None else Grid.of(found.min_qty, found.max_qty, found.step_size)


def _market_grid(symbol: SymbolInfo) -> Grid:
    found = symbol.filter(MarketLotSizeFilter)
    return Grid() if found is None else Grid.of(found.min_qty, found.max_qty, found.step_size)


def _moved(path: str, target: _Target, symbol: SymbolInfo) -> Decimal:
    finest = Fraction(1, 10**target.places)
    grid = target.grid & Grid(step=finest)
    moved = target.value
    if target.grid.step is not None or -int(moved.as_tuple().exponent) > target.places:
        moved = _rounded(path, moved, grid, target.rounding)
    fault = grid.fault(moved) if moved > 0 else "is zero"
    if fault is not None:
        found = " or ".join(map(plain, grid.nearest(moved or decimal_of(finest)))) or "nothing"
        reason = f"rounded to the grid of {symbol.symbol} it {fault}: {plain(moved)}; what would pass is {found}"
        raise InvalidArgument(path, target.value, reason)
    return moved


def _rounded(path: str, value: Decimal, grid: Grid, rounding: str) -> Decimal:
    assert grid.step is not None
    try:
        return snap(value, decimal_of(grid.step), rounding)
    except InvalidDecimal as exc:
        raise InvalidArgument(path, value, str(exc)) from exc


def _with(request: R, values: Mapping[str, Decimal]) -> R:
    """Return the request with other numbers at these paths."""
    changes: dict[str, dict[str, Any]] = {"": {}}
    for path, value in values.items():
        place, _, field = path.rpartition(".")
        changes.setdefault(place, {})[field] = value
    own = changes.pop("")
    legs = {place: attrs.evolve(getattr(request, place), **changed) for place, changed in changes.items()}
    return attrs.evolve(request, **own, **legs)
