"""The rules that count: how many orders and order lists an account may have open, how often one may be amended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from trio_binance.models import (
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
)

from .findings import Demand, Findings, lacking
from .grid import Grid
from .legs import Leg
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
    return Demand(name, field, total, Grid.of(most=limit, step=1), fault)
