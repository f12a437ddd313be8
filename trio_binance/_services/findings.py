"""The findings: orders as queries and events have shown them, while it is being found out what became of requests."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, final

from trio_binance.models import ExecutionType, Fill, OrderList, OrderStatusReport

if TYPE_CHECKING:
    from trio_binance.models import ExecutionReport, ListStatus

_MOST = 2_000
"""So many orders are kept; the oldest are asked for again."""


@final
class Findings:
    """What was seen lately, by order id: what moved further replaces what lags behind."""

    def __init__(self) -> None:
        self._orders: OrderedDict[tuple[str, int], OrderStatusReport] = OrderedDict()
        self._fills: OrderedDict[tuple[str, int], dict[tuple[int, int], Fill]] = OrderedDict()
        """By trade and allocation: what smart order routing took elsewhere has an allocation, and no trade (-1)."""
        self._lists: OrderedDict[int, OrderList] = OrderedDict()
        self._cancel_ids: OrderedDict[tuple[str, int], str] = OrderedDict()

    def order(self, symbol: str, order_id: int) -> OrderStatusReport | None:
        """Return an order as it was seen furthest, if it was."""
        return self._orders.get((symbol, order_id))

    def fills(self, symbol: str, order_id: int) -> tuple[Fill, ...]:
        """Return the fills of an order that the account's events told of, in their order."""
        told = self._fills.get((symbol, order_id), {})
        return tuple(told[number] for number in sorted(told))

    def order_list(self, order_list_id: int) -> OrderList | None:
        """Return a list as it was seen last, if it was."""
        return self._lists.get(order_list_id)

    def cancel_id(self, symbol: str, order_id: int) -> str:
        """Return the client id of the cancellation that ended an order, if the account's events told it."""
        return self._cancel_ids.get((symbol, order_id), "")

    def on_order(self, report: OrderStatusReport) -> None:
        """Take an order from a query."""
        key = report.symbol, report.order_id
        known = self._orders.get(key)
        if known is None or (known.update_time, known.executed_qty) <= (report.update_time, report.executed_qty):
            _keep(self._orders, key, report)

    def on_report(self, report: ExecutionReport, order: OrderStatusReport) -> None:
        """Take an account event, and what it says of where its order stands."""
        self.on_order(order)
        key = report.symbol, report.order_id
        if report.execution_type == ExecutionType.CANCELED:
            _keep(self._cancel_ids, key, report.client_order_id)  # "C" is then the order's own
        if report.execution_type == ExecutionType.TRADE:
            fills = self._fills.get(key, {})
            fills[report.trade_id, report.allocation_id or 0] = Fill(
                report.last_executed_price,
                report.last_executed_quantity,
                report.commission,
                report.commission_asset or "",
                report.trade_id,
                report.match_type,
                report.allocation_id,
            )
            _keep(self._fills, key, fills)

    def on_list(self, order_list: OrderList) -> None:
        """Take a list from a query."""
        _keep(self._lists, order_list.order_list_id, order_list)

    def on_list_status(self, event: ListStatus) -> None:
        """Take what an account event says of a list."""
        order_list = OrderList(
            event.order_list_id,
            event.contingency_type,
            event.list_status_type,
            event.list_order_status,
            event.list_client_order_id,
            event.transaction_time,
            event.symbol,
            event.orders,
        )
        self.on_list(order_list)


def _keep(kept: OrderedDict, key: object, value: object) -> None:  # type: ignore[type-arg]
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST:
        kept.popitem(last=False)
