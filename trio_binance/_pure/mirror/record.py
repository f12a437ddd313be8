"""The record: one order, as it was told, and what queries know of it beyond that.

Whatever comes, by the stream or by queries, late, twice or in another order, three things hold of what is told: each
fill once, executed quantities only grow, and after the end of an order nothing but fills that had been missing, which
say by ``recovered`` that they come late.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, final

import attrs

from trio_binance._decimals import CONTEXT
from trio_binance.models import ExecutionType, OrderStatus, OrderStatusReport, as_microseconds, is_done

from .fills import FillKey, fill_of_report, key_of
from .orders import client_order_id, lend, newborn, order_from_report
from .reports import change_between, nameless_fill, report_of, report_of_fill

if TYPE_CHECKING:
    from trio_binance.models import AccountFill, ExecutionReport

_ZERO = Decimal(0)
_FOREVER = float("inf")


@final
class Record:
    """One order. Moments of the exchange are in microseconds; ``due`` and ``now`` are ours, in seconds.

    Args:
        order: as it is known first.
        base: how much of it was executed before our time: those fills need not be known.
        execution_id: of the event that told of it, if one did.
    """

    def __init__(self, order: OrderStatusReport, *, base: Decimal = _ZERO, execution_id: int = -1) -> None:
        self.order: OrderStatusReport = order
        """As it was told."""
        self.fills: dict[FillKey, AccountFill] = {}
        """Told, or of before our time."""
        self.found: OrderStatusReport | None = None
        """As a query knows it, where that is more than was told."""
        self.missing: dict[FillKey, AccountFill] = {}
        """Fills that a query knows and that were not told."""
        self.due: float = _FOREVER
        """When what is not told is told: until then the stream may still bring it."""
        self.is_untold: bool = False
        """Not even its acceptance was told."""
        self._base = base
        self._covered = _ZERO
        self._execution_id = execution_id
        self._queried_us = 0
        """Up to then the stream can tell nothing of it that a query has not told."""

    @property
    def at_us(self) -> int:
        """When it last changed, as told."""
        return as_microseconds(self.order.update_time)

    @property
    def is_heard(self) -> bool:
        """Whether the stream has told of it."""
        return self._execution_id >= 0

    @property
    def is_whole(self) -> bool:
        """Whether every fill that was executed in our time is known."""
        target = self.order if self.found is None else self.found
        return self._known >= target.executed_qty

    @property
    def _known(self) -> Decimal:
        """What was executed by all that is known of it."""
        waiting = sum((fill.quantity for fill in self.missing.values()), _ZERO)
        return CONTEXT.add(CONTEXT.add(self._base, self._covered), waiting)

    @property
    def has_all_fills(self) -> bool:
        """Whether every fill that was told is known, also those of before our time."""
        return self._covered >= self.order.executed_qty

    @property
    def is_settled(self) -> bool:
        """Whether all that is known of it was told, and nothing is known to be missing."""
        return not self.is_untold and self.found is None and not self.missing and self.is_whole

    @classmethod
    def of_report(cls, report: ExecutionReport, since_us: int) -> Record:
        """Return the record of an order of which this event is the first that is heard."""
        order = order_from_report(report)
        is_ours = as_microseconds(order.time) > since_us
        before = CONTEXT.subtract(order.executed_qty, report.last_executed_quantity)
        record = cls(order, base=_ZERO if is_ours else before, execution_id=report.execution_id)
        fill = fill_of_report(report)
        if fill is not None:
            record._cover(fill)
        return record

    @classmethod
    def of_query(cls, order: OrderStatusReport, since_us: int, due: float) -> Record:
        """Return the record of an order of which a query told first: made in our time, it is told from its birth on."""
        if as_microseconds(order.time) <= since_us:
            record = cls(order, base=order.executed_qty)
            record._queried_us = record.at_us
            return record
        record = cls(newborn(order))
        record.is_untold = True
        record.due = due
        record.on_query(order, due, is_late=True)
        return record

    # ----------------------------------------------------------------------------------------- the stream

    def on_report(self, report: ExecutionReport) -> ExecutionReport | None:
        """Take an event of the stream; return what is to be told, if it is news."""
        fill = fill_of_report(report)
        is_new_fill = fill is not None and key_of(fill) not in self.fills
        if self._is_behind(report):
            return self._correct(report, fill) if fill is not None and is_new_fill else None
        if not is_new_fill and self._is_told(report):
            return None
        self._execution_id = report.execution_id
        self.is_untold = False
        if fill is not None and not is_new_fill:
            return self._restate(report)
        self._move_to(order_from_report(report, self.order))
        if fill is not None:
            self._cover(fill)
        return report

    def _is_behind(self, report: ExecutionReport) -> bool:
        """Tell whether more is known of the order than this event says."""
        order, at_us = self.order, as_microseconds(report.transaction_time)
        return (
            report.execution_id < self._execution_id
            or report.cumulative_filled_quantity < order.executed_qty
            or is_done(order)
            or at_us < self.at_us
        )

    def _is_told(self, report: ExecutionReport) -> bool:
        """Tell whether this very event was told, or a query told the same before it."""
        if report.execution_id == self._execution_id:
            return True
        if as_microseconds(report.transaction_time) > self._queried_us or self.is_untold:
            return False
        order = self.order
        return (
            report.order_status == order.status
            and report.cumulative_filled_quantity == order.executed_qty
            and report.quantity == order.orig_qty
            and client_order_id(report) == order.client_order_id
            and (order.is_working or not report.is_working)
        )

    def _correct(self, report: ExecutionReport, fill: AccountFill) -> ExecutionReport:
        """Tell a fill that comes after the order has moved on; of the order it says how it stands now."""
        self._tell_late(fill)
        order = self.order
        return attrs.evolve(
            report,
            client_order_id=order.client_order_id,
            quantity=order.orig_qty or report.quantity,
            order_status=order.status,
            cumulative_filled_quantity=order.executed_qty,
            cumulative_quote_quantity=order.cummulative_quote_qty,
            recovered=True,
        )

    def _restate(self, report: ExecutionReport) -> ExecutionReport | None:
        """Tell what else an event says whose fill was told already."""
        told = self.order
        self._move_to(order_from_report(report, told))
        kind = change_between(told, self.order)
        return None if kind is None else report_of(self.order, kind, told)

    def _move_to(self, order: OrderStatusReport) -> None:
        self.order = order
        if self.found is not None and not self._is_ahead(self.found):
            self.found = None

    # ---------------------------------------------------------------------------------------- the queries

    def on_query(self, order: OrderStatusReport, due: float, *, is_late: bool) -> bool:
        """Take what a query knows; return whether it fits what was told, or may simply be older.

        Args:
            order: the answer.
            due: when it is told, unless the stream tells it before.
            is_late: the question was asked so late that the answer knows all that was told.
        """
        order = lend(order, self.order)
        if not self._is_ahead(order, is_late=is_late):
            if not self._differs(order):
                self._queried_us = max(self._queried_us, as_microseconds(order.update_time))
                return True
            return not is_late
        if self.found is None or not _is_older(order, self.found):
            self.found = order
            self.due = min(self.due, due)
        return True

    def _is_ahead(self, order: OrderStatusReport, *, is_late: bool = False) -> bool:
        told = self.order
        if order.executed_qty != told.executed_qty or is_done(told):
            return order.executed_qty > told.executed_qty
        if is_done(order):
            return True
        is_newer = is_late or as_microseconds(order.update_time) > self.at_us
        return is_newer and (self.is_untold or change_between(told, order) is not None)

    def _differs(self, order: OrderStatusReport) -> bool:
        return (order.status, order.executed_qty) != (self.order.status, self.order.executed_qty)

    def on_fill(self, fill: AccountFill, due: float, since_us: int) -> None:
        """Take a fill that a query knows; one of before ``since_us`` is not told."""
        key = key_of(fill)
        if key in self.fills or key in self.missing:
            return
        if as_microseconds(fill.time) <= since_us:
            self._cover(fill)
            return
        self.missing[key] = fill
        self.due = min(self.due, due)

    def adopt(self, order: OrderStatusReport) -> None:
        """Take what a query knows as something that was so before our time: nothing is told of it."""
        self._move_to(lend(order, self.order))
        self._queried_us = max(self._queried_us, as_microseconds(order.update_time))
        self._base = max(CONTEXT.subtract(order.executed_qty, self._covered), _ZERO)

    # ------------------------------------------------------------------------------------------- telling

    def settle(self, now: float, *, gives_up: bool = False) -> list[ExecutionReport]:
        """Return what is due to be told. ``gives_up``: fills that nobody knows are told as one without a name."""
        if now < self.due:
            return []
        told: list[ExecutionReport] = []
        if self.is_untold:
            self.is_untold = False
            told.append(report_of(self.order, ExecutionType.NEW))
        if self.found is not None and self._known > self.found.executed_qty:
            self.found = None  # it is older than the fills that were found since
        is_whole = self.is_whole
        if self.found is not None and (is_whole or gives_up):
            told += self._tell_amendment(self.found)
        for key in sorted(self.missing):
            fill = self.missing[key]
            self._tell_late(fill)
            told.append(report_of_fill(self.order, fill))
        if self.found is not None and (is_whole or gives_up):
            told += self._tell_found(self.found)
        if gives_up and not self.is_whole:
            self._base = CONTEXT.subtract(self.order.executed_qty, self._covered)
        self.due = _FOREVER
        return told

    def _tell_amendment(self, found: OrderStatusReport) -> list[ExecutionReport]:
        """Tell that the order is smaller, or has another client id, before the fills that it had since."""
        before = self.order
        if is_done(before) or (found.orig_qty, found.client_order_id) == (before.orig_qty, before.client_order_id):
            return []
        moment = min((fill.time for fill in self.missing.values()), default=found.update_time)
        self.order = attrs.evolve(
            before,
            orig_qty=found.orig_qty,
            client_order_id=found.client_order_id,
            status=_status_of(before, before.executed_qty, found) if before.executed_qty else before.status,
            update_time=max(before.update_time, moment),
        )
        return [report_of(self.order, ExecutionType.REPLACED, before)]

    def _tell_found(self, found: OrderStatusReport) -> list[ExecutionReport]:
        told: list[ExecutionReport] = []
        if found.executed_qty > self.order.executed_qty:
            fill = nameless_fill(self.order, found)
            self._base = CONTEXT.add(self._base, fill.quantity)
            self.order = attrs.evolve(
                self.order,
                executed_qty=found.executed_qty,
                cummulative_quote_qty=found.cummulative_quote_qty,
                status=_status_of(self.order, found.executed_qty, found),
            )
            told.append(report_of_fill(self.order, fill))
        before, self.found = self.order, None
        if not is_done(before):
            kind = change_between(before, found)
            self.order = found
            if kind is not None:
                told.append(report_of(found, kind, before))
        elif found.status == before.status:
            self.order = found
        self._queried_us = max(self._queried_us, as_microseconds(found.update_time))
        return told

    def _cover(self, fill: AccountFill) -> None:
        """Note a fill; of what was executed before our time it is a part if it was executed already as told."""
        key = key_of(fill)
        self.missing.pop(key, None)
        self.fills[key] = fill
        self._covered = CONTEXT.add(self._covered, fill.quantity)
        if as_microseconds(fill.time) <= self.at_us:
            rest = CONTEXT.subtract(self.order.executed_qty, self._covered)
            self._base = min(self._base, max(rest, _ZERO))

    def _tell_late(self, fill: AccountFill) -> None:
        """Note a fill that is told only now, in the order as well unless that has it already."""
        self._cover(fill)
        order, executed = self.order, CONTEXT.add(self._base, self._covered)
        if executed <= order.executed_qty:
            return
        self.order = attrs.evolve(
            order,
            executed_qty=executed,
            cummulative_quote_qty=CONTEXT.add(order.cummulative_quote_qty, fill.quote_quantity),
            status=_status_of(order, executed, self.found),
            update_time=max(order.update_time, fill.time),
        )


def _status_of(order: OrderStatusReport, executed: Decimal, found: OrderStatusReport | None) -> OrderStatus:
    """Return the state of an order of which so much is executed, before anything else becomes of it."""
    if is_done(order):
        return order.status
    quantity = (order if found is None else found).orig_qty
    is_full = quantity is not None and quantity > 0 and executed >= quantity
    is_last = found is not None and found.status == OrderStatus.FILLED and executed >= found.executed_qty
    return OrderStatus.FILLED if is_full or is_last else OrderStatus.PARTIALLY_FILLED


def _is_older(order: OrderStatusReport, other: OrderStatusReport) -> bool:
    one, two = as_microseconds(order.update_time), as_microseconds(other.update_time)
    return (one, order.executed_qty) < (two, other.executed_qty)
