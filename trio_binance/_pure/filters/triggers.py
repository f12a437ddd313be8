"""The rule of trailing stops: how far the trigger may trail behind the market."""

from __future__ import annotations

from trio_binance.models import OrderType, TrailingDeltaFilter

from .findings import Findings, demand
from .grid import Grid
from .legs import Leg
from .scene import Scene

_STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)


def trailing_delta(rule: TrailingDeltaFilter, leg: Leg, _scene: Scene) -> Findings:
    """TRAILING_DELTA: basis points, by bounds of their own above and below the market.

    A BUY that stops losses and a SELL that takes profits wait above the market, the others below.
    """
    if leg.trailing_delta is None:
        return
    if leg.buys is (leg.type in _STOPS):
        least, most = rule.min_trailing_above_delta, rule.max_trailing_above_delta
    else:
        least, most = rule.min_trailing_below_delta, rule.max_trailing_below_delta
    grid = Grid.of(least, most, 1)
    yield demand(rule.filter_type, leg.name("trailing_delta"), leg.trailing_delta, grid)
