"""The fills: one form for a fill that the stream told and for one that was asked for."""

from __future__ import annotations

from typing import NamedTuple

from trio_binance.models import (
    AccountFill,
    AccountTrade,
    Allocation,
    ExecutionReport,
    ExecutionType,
    Side,
)


class FillKey(NamedTuple):
    """What tells a fill from every other of its symbol: a trade's id, or the id of an allocation."""

    is_allocation: bool
    number: int


def key_of(fill: AccountFill) -> FillKey:
    """Return what tells the fill from others of its symbol."""
    return FillKey(True, fill.allocation_id) if fill.allocation_id is not None else FillKey(False, fill.trade_id)


def fill_of_report(report: ExecutionReport) -> AccountFill | None:
    """Return the fill that an event tells, if it tells one."""
    # A fill by SOR is an allocation: its trade id is -1, and "a" tells its own.
    is_trade = report.trade_id >= 0 or report.allocation_id is not None
    if report.execution_type != ExecutionType.TRADE or not is_trade:
        return None
    return AccountFill(
        symbol=report.symbol,
        order_id=report.order_id,
        trade_id=report.trade_id,
        price=report.last_executed_price,
        quantity=report.last_executed_quantity,
        quote_quantity=report.last_quote_quantity,
        commission=report.commission,
        commission_asset=report.commission_asset,
        time=report.transaction_time,
        side=report.side,
        is_maker=report.is_maker,
        allocation_id=report.allocation_id,
        recovered=report.recovered,
    )


def fill_of_row(row: AccountTrade | Allocation) -> AccountFill:
    """Return the fill that a query tells."""
    return AccountFill(
        symbol=row.symbol,
        order_id=row.order_id,
        trade_id=row.id if isinstance(row, AccountTrade) else -1,
        price=row.price,
        quantity=row.qty,
        quote_quantity=row.quote_qty,
        commission=row.commission,
        commission_asset=row.commission_asset,
        time=row.time,
        side=Side.BUY if row.is_buyer else Side.SELL,
        is_maker=row.is_maker,
        allocation_id=None if isinstance(row, AccountTrade) else row.allocation_id,
        recovered=True,
    )
