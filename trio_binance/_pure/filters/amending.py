"""The amendment: the rules for making an open order smaller without losing its place in the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from trio_binance.models import (
    Filter,
    LotSizeFilter,
    MaxNumOrderAmendsFilter,
    MinNotionalFilter,
    NotionalFilter,
    OrderCheck,
    SymbolStatus,
    Violation,
)
from trio_binance.models.checks import plain
from trio_binance.models.orders import OrderState

from .counts import amendments
from .findings import Demand, Findings, needs_of
from .grid import Grid
from .legs import Leg
from .notionals import min_notional, notional
from .permissions import is_open, switch
from .quantities import lot_size, precision
from .scene import Need, Scene
from .verdict import verdict

_RULES: Mapping[type[Filter], Callable[[Any, Leg, Scene], Findings]] = {
    LotSizeFilter: lot_size,
    MinNotionalFilter: min_notional,
    NotionalFilter: notional,
}
"""What a smaller quantity can break: an iceberg of it has no more parts, and a position no less room."""


def check_amendment(order: OrderState, new_qty: Decimal, scene: Scene) -> OrderCheck:
    """Return what the rules say of making an open order smaller; ``scene`` is that of its symbol.

    It counts as no new order. Amending one leg of an OCO amends the other to the same quantity.
    """
    return verdict(_findings(order, new_qty, scene))


def amendment_needs(order: OrderState, new_qty: Decimal, scene: Scene) -> frozenset[Need]:
    """Return what would have to be found out before every rule of an amendment can be judged."""
    return needs_of(_findings(order, new_qty, scene))


def _findings(order: OrderState, new_qty: Decimal, scene: Scene) -> Findings:
    leg = Leg(
        side=order.side,
        type=order.type,
        quantity=new_qty,
        price=order.price or order.pegged_price or None,
        quantity_field="new_qty",
    )
    # "CANCEL_ONLY: orders can be cancelled and amended"
    yield from is_open(scene.symbol, SymbolStatus.TRADING, SymbolStatus.CANCEL_ONLY)
    yield from switch(scene.symbol, "amend_allowed", "new_qty", new_qty)
    yield from _smaller(order, new_qty, scene)
    yield from precision(leg, scene)
    for rule in scene.symbol.filters:
        if type(rule) in _RULES:
            yield from _RULES[type(rule)](rule, leg, scene)
        elif isinstance(rule, MaxNumOrderAmendsFilter):
            yield from amendments(rule, scene)


def _smaller(order: OrderState, new_qty: Decimal, scene: Scene) -> Findings:
    """-2038: "0 < newQty < order quantity"; a pending OPO order has no quantity yet, and cannot be amended."""
    if order.orig_qty is None:
        reason = "cannot be set before the working order is filled"
        yield Violation("orig_qty", "new_qty", new_qty, reason)
        return
    step = Fraction(1, 10**scene.symbol.base_asset_precision)
    fault = f"is not smaller than {plain(order.orig_qty)}" if new_qty >= order.orig_qty else None
    yield Demand("orig_qty", "new_qty", new_qty, Grid(most=Fraction(order.orig_qty) - step), fault)
