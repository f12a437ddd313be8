"""The rules that count: how many orders and order lists an account may have open, how often one may be amended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import attrs

from trio_binance.models import (
    Balance,
    ExchangeMaxNumAlgoOrdersFilter,
    ExchangeMaxNumIcebergOrdersFilter,
    ExchangeMaxNumOrderListsFilter,
    ExchangeMaxNumOrdersFilter,
    Filter,
    MaxNumAlgoOrdersFilter,
    MaxNumIcebergOrdersFilter,
    MaxNumOrderAmendsFilter,
    MaxNumOrderListsFilter,
    MaxNumOrdersFilter,
    Side,
)
from trio_binance.models.orders import OrderState

from .findings import Demand, Findings, lacking
from .grid import Grid, decimal_of
from .legs import ALGO_TYPES, Leg
from .scene import Need, OpenCounts, Scene


@attrs.frozen
class Counter:
    """How a filter counts: the name of its limit, the kind of what is counted, and whether everywhere or on the symbol.

    ``kind`` is a field of ``OpenCounts``.
    """

    limit: str
    kind: str
    everywhere: bool = False

    @property
    def field(self) -> str:
        """What the number is called in a violation."""
        name = {"orders": "open_orders", "lists": "open_order_lists"}.get(self.kind, f"open_{self.kind}_orders")
        return f"exchange_{name}" if self.everywhere else name


COUNTERS: Mapping[type[Filter], Counter] = {
    MaxNumOrdersFilter: Counter("max_num_orders", "orders"),
    MaxNumAlgoOrdersFilter: Counter("max_num_algo_orders", "algo"),
    MaxNumIcebergOrdersFilter: Counter("max_num_iceberg_orders", "iceberg"),
    MaxNumOrderListsFilter: Counter("max_num_order_lists", "lists"),
    ExchangeMaxNumOrdersFilter: Counter("max_num_orders", "orders", everywhere=True),
    ExchangeMaxNumAlgoOrdersFilter: Counter("max_num_algo_orders", "algo", everywhere=True),
    ExchangeMaxNumIcebergOrdersFilter: Counter("max_num_iceberg_orders", "iceberg", everywhere=True),
    ExchangeMaxNumOrderListsFilter: Counter("max_num_order_lists", "lists", everywhere=True),
}


def opened_by(legs: Sequence[Leg], *, as_list: bool) -> OpenCounts:
    """Return what a request would open: an OCO, OTO or OPO two orders, an OTOCO three; each of them is one list."""
    return OpenCounts(
        orders=len(legs),
        algo=sum(leg.is_algo for leg in legs),
        iceberg=sum(leg.iceberg_qty is not None for leg in legs),
        lists=int(as_list),
    )


def counts_of(orders: Iterable[OrderState]) -> OpenCounts:
    """Return what is open, from the reports of all open orders."""
    found = list(orders)
    return OpenCounts(
        orders=len(found),
        algo=sum(order.type in ALGO_TYPES for order in found),
        iceberg=sum(bool(order.iceberg_qty) for order in found),
        lists=len({order.order_list_id for order in found} - {-1}),
    )


def position_of(base_asset: str, balances: Iterable[Balance], orders: Iterable[OrderState]) -> Decimal:
    """Return the position as MAX_POSITION means it.

    "The sum of the account's free balance of the base asset, its locked balance of the base asset, and the quantity of
    all open BUY orders", whatever of these is filled already.
    """
    held = [amount for one in balances if one.asset == base_asset for amount in (one.free, one.locked)]
    bought = [order.orig_qty for order in orders if order.side == Side.BUY and order.orig_qty is not None]
    return decimal_of(sum(map(Fraction, (*held, *bought)), Fraction(0)))


def count(rule: Filter, counter: Counter, opened: OpenCounts, scene: Scene) -> Findings:
    """MAX_NUM_* and EXCHANGE_MAX_NUM_*: what is open and what the request would open are together within the limit."""
    new: int = getattr(opened, counter.kind)
    known = scene.on_exchange if counter.everywhere else scene.on_symbol
    limit: int = getattr(rule, counter.limit)
    total = new + (0 if known is None else getattr(known, counter.kind))
    if not new:
        return
    if total <= limit and known is None:
        need = Need.OPEN_ON_EXCHANGE if counter.everywhere else Need.OPEN_ON_SYMBOL
        yield lacking(str(rule.filter_type), counter.field, need)
    else:
        yield _total(str(rule.filter_type), counter.field, total, limit)


def amendments(rule: MaxNumOrderAmendsFilter, scene: Scene) -> Findings:
    """MAX_NUM_ORDER_AMENDS: one order is amended so many times at most; the exchange refuses one more with -2038."""
    if scene.amendments is None:
        yield lacking(rule.filter_type, "amendments", Need.AMENDMENTS)
    else:
        yield _total(rule.filter_type, "amendments", scene.amendments + 1, rule.max_num_order_amends)


def _total(name: str, field: str, total: int, limit: int) -> Demand:
    fault = f"with this one, more than {limit}" if total > limit else None
    return Demand(name, field, total, Grid(most=Fraction(limit), step=Fraction(1)), fault)
