"""The reports: events made of what queries tell, in the place of those that the stream did not bring."""

from __future__ import annotations

from decimal import Decimal

import attrs

from trio_binance._decimals import CONTEXT
from trio_binance.models import (
    AccountFill,
    ExecutionReport,
    ExecutionType,
    OrderRejectReason,
    OrderStatus,
    OrderStatusReport,
    SelfTradePreventionMode,
    is_done,
)

UNKNOWN = -1
"""In the place of an execution id or a trade id that no query tells."""
_ZERO = Decimal(0)


def change_between(told: OrderStatusReport, now: OrderStatusReport) -> ExecutionType | None:
    """Return by what kind of event the one state became the other, fills aside; ``None`` if by none."""
    if is_done(now) and now.status != told.status:
        return _ENDINGS[now.status]
    if now.orig_qty != told.orig_qty or now.client_order_id != told.client_order_id:
        return ExecutionType.REPLACED
    if (now.prevented_quantity or _ZERO) != (told.prevented_quantity or _ZERO):
        return ExecutionType.TRADE_PREVENTION
    # A stop that was triggered, an order of a list whose turn came: a second NEW is no second order.
    begun = now.is_working and not told.is_working
    freed = told.status == OrderStatus.PENDING_NEW and now.status != told.status
    return ExecutionType.NEW if begun or freed else None


_ENDINGS = {
    # Only where the fills that made it so were told before that was known.
    OrderStatus.FILLED: ExecutionType.TRADE,
    OrderStatus.CANCELED: ExecutionType.CANCELED,
    OrderStatus.REJECTED: ExecutionType.REJECTED,
    OrderStatus.EXPIRED: ExecutionType.EXPIRED,
    # "EXPIRED_IN_MATCH: the order was expired by the exchange due to STP"
    OrderStatus.EXPIRED_IN_MATCH: ExecutionType.EXPIRED,
}


def report_of(order: OrderStatusReport, kind: ExecutionType, told: OrderStatusReport | None = None) -> ExecutionReport:
    """Return the event that says that the order has come to stand as it does."""
    old_id = "" if told is None else told.client_order_id
    has_old_id = kind in (ExecutionType.CANCELED, ExecutionType.REPLACED)
    return ExecutionReport(
        event_time=order.update_time,
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        side=order.side,
        order_type=order.type,
        time_in_force=order.time_in_force,
        quantity=order.orig_qty or _ZERO,
        price=order.price,
        stop_price=order.stop_price or _ZERO,
        iceberg_quantity=order.iceberg_qty or _ZERO,
        order_list_id=order.order_list_id,
        original_client_order_id=(old_id or order.client_order_id) if has_old_id else "",
        execution_type=kind,
        order_status=order.status,
        reject_reason=OrderRejectReason.NONE,
        order_id=order.order_id,
        last_executed_quantity=_ZERO,
        cumulative_filled_quantity=order.executed_qty,
        last_executed_price=_ZERO,
        commission=_ZERO,
        commission_asset=None,
        transaction_time=order.update_time,
        trade_id=UNKNOWN,
        execution_id=UNKNOWN,
        is_working=order.is_working and not is_done(order),
        is_maker=False,
        is_best_match=False,
        order_creation_time=order.time,
        cumulative_quote_quantity=order.cummulative_quote_qty,
        last_quote_quantity=_ZERO,
        quote_order_quantity=order.orig_quote_order_qty or _ZERO,
        self_trade_prevention_mode=order.self_trade_prevention_mode or SelfTradePreventionMode.NONE,
        working_time=order.working_time,
        trailing_delta=order.trailing_delta,
        trailing_time=order.trailing_time,
        strategy_id=order.strategy_id,
        strategy_type=order.strategy_type,
        prevented_match_id=order.prevented_match_id,
        prevented_quantity=order.prevented_quantity,
        last_prevented_quantity=_prevented_since(order, told) if kind == ExecutionType.TRADE_PREVENTION else None,
        working_floor=order.working_floor,
        used_sor=order.used_sor,
        peg_price_type=order.peg_price_type,
        peg_offset_type=order.peg_offset_type,
        peg_offset_value=order.peg_offset_value,
        pegged_price=order.pegged_price,
        expiry_reason=order.expiry_reason,
        recovered=True,
    )


def _prevented_since(order: OrderStatusReport, told: OrderStatusReport | None) -> Decimal:
    before = None if told is None else told.prevented_quantity
    return CONTEXT.subtract(order.prevented_quantity or _ZERO, before or _ZERO)


def report_of_fill(order: OrderStatusReport, fill: AccountFill) -> ExecutionReport:
    """Return the event that tells a fill; the order is as it stands with that fill."""
    return attrs.evolve(
        report_of(order, ExecutionType.TRADE),
        event_time=fill.time,
        transaction_time=fill.time,
        last_executed_quantity=fill.quantity,
        last_executed_price=fill.price,
        last_quote_quantity=fill.quote_quantity,
        commission=fill.commission,
        commission_asset=fill.commission_asset,
        trade_id=fill.trade_id,
        allocation_id=fill.allocation_id,
        is_maker=fill.is_maker,
    )


def nameless_fill(told: OrderStatusReport, now: OrderStatusReport) -> AccountFill:
    """Return what was executed between two states as one fill of which only the sums are known."""
    quantity = CONTEXT.subtract(now.executed_qty, told.executed_qty)
    quote = CONTEXT.subtract(now.cummulative_quote_qty, told.cummulative_quote_qty)
    return AccountFill(
        symbol=now.symbol,
        order_id=now.order_id,
        trade_id=UNKNOWN,
        price=CONTEXT.divide(quote, quantity),
        quantity=quantity,
        quote_quantity=quote,
        commission=_ZERO,
        commission_asset=None,
        time=now.update_time,
        side=now.side,
        is_maker=False,
        recovered=True,
    )
