"""The check: every rule of a symbol, of the exchange and of the account, applied to a request; nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trio_binance.models import (
    Filter,
    IcebergPartsFilter,
    LotSizeFilter,
    MarketLotSizeFilter,
    MaxAssetFilter,
    MaxNumOrderAmendsFilter,
    MaxPositionFilter,
    MinNotionalFilter,
    NotionalFilter,
    OrderCheck,
    OrderListRequest,
    OrderRequest,
    PercentPriceBySideFilter,
    PercentPriceFilter,
    PriceFilter,
    PriceRangeRule,
    TrailingDeltaFilter,
    UnknownFilter,
)

from .counts import COUNTERS, count, opened_by
from .findings import Doubt, Findings, lacking, needs_of
from .funds import funds
from .legs import Leg, legs_of
from .notionals import max_asset, min_notional, notional
from .permissions import permissions
from .prices import percent_price, percent_price_by_side, price_filter, price_range
from .quantities import iceberg_parts, lot_size, market_lot_size, max_position, precision, whole
from .scene import Need, Scene
from .triggers import trailing_delta
from .verdict import verdict

LEG_RULES: Mapping[type[Filter], Callable[[Any, Leg, Scene], Findings]] = {
    PriceFilter: price_filter,
    PercentPriceFilter: percent_price,
    PercentPriceBySideFilter: percent_price_by_side,
    LotSizeFilter: lot_size,
    MarketLotSizeFilter: market_lot_size,
    MinNotionalFilter: min_notional,
    NotionalFilter: notional,
    IcebergPartsFilter: iceberg_parts,
    MaxPositionFilter: max_position,
    TrailingDeltaFilter: trailing_delta,
    MaxAssetFilter: max_asset,
}
"""The filters that look at each order by itself; ``COUNTERS`` are those that count, the rest concerns amendments."""

_WHOLE = "order"
"""The field of a rule that was not even looked at."""


def check_order(request: OrderRequest | OrderListRequest, scene: Scene, *, replaces: bool = False) -> OrderCheck:
    """Return what the rules say of a request: an order, or an order list leg by leg.

    Args:
        request: what would be sent.
        scene: the symbol with its filters, and what is known of the market and of the account.
        replaces: whether it takes the place of another order (cancelReplace, whose filters come before the cancel).

    The filters of orders that wait are checked now, and by the exchange again when they are triggered. Those of the
    pending orders of an OPO it checks only when the working order is filled: what is sure to fail then is told now.
    """
    return verdict(findings(request, scene, replaces=replaces))


def needs(request: OrderRequest | OrderListRequest, scene: Scene) -> frozenset[Need]:
    """Return what would have to be found out before every rule of a request can be judged."""
    return needs_of(findings(request, scene))


def findings(request: OrderRequest | OrderListRequest, scene: Scene, *, replaces: bool = False) -> Findings:
    """Say all that there is to say of a request."""
    legs = legs_of(request)
    yield from permissions(request, legs, scene.symbol, replaces=replaces)
    for leg in legs:
        yield from precision(leg, scene)
        yield from whole(leg)
    opened = opened_by(legs, as_list=isinstance(request, OrderListRequest))
    for rule in _filters(scene):
        if type(rule) in COUNTERS:
            yield from count(rule, COUNTERS[type(rule)], opened, scene)
        else:
            yield from _by_leg(rule, legs, scene)
    if scene.asset_filters is None:
        yield lacking(MaxAssetFilter.filter_type, _WHOLE, Need.ACCOUNT_FILTERS)
    yield from _execution_rules(legs, scene)
    yield from funds(legs, scene, replaces=replaces)


def _filters(scene: Scene) -> Iterator[Filter]:
    yield from scene.symbol.filters
    yield from scene.exchange_filters
    yield from scene.asset_filters or ()


def _by_leg(rule: Filter, legs: Sequence[Leg], scene: Scene) -> Findings:
    if isinstance(rule, UnknownFilter):
        yield Doubt(rule.filter_type, _WHOLE, "this version does not know the filter")
    elif not isinstance(rule, MaxNumOrderAmendsFilter):
        for leg in legs:
            yield from LEG_RULES[type(rule)](rule, leg, scene)


def _execution_rules(legs: Sequence[Leg], scene: Scene) -> Findings:
    if scene.execution_rules is None:
        yield lacking(PriceRangeRule.rule_type, _WHOLE, Need.EXECUTION_RULES)
    for rule in scene.execution_rules or ():
        if isinstance(rule, PriceRangeRule):
            for leg in legs:
                yield from price_range(rule, leg, scene)
        else:
            yield Doubt(rule.rule_type, _WHOLE, "this version does not know the execution rule")
