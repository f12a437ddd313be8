"""Makers of what the exchange tells of an account, with as little said as possible."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance.models import (
    Account,
    AccountPosition,
    AccountTrade,
    AccountType,
    Allocation,
    AllocationType,
    Balance,
    ContingencyType,
    ExecutionReport,
    ExecutionType,
    ListOrderStatus,
    ListStatus,
    ListStatusType,
    OrderList,
    OrderRejectReason,
    OrderStatus,
    OrderStatusReport,
    OrderType,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
)

EPOCH_MS = 1_790_000_000_000
BTC = "BTCUSDT"
ZERO = Decimal(0)
PRICE = Decimal("100.00")


def order(**fields: Any) -> OrderStatusReport:
    """Return an order of 1 at 100 that was placed a second after the epoch and has not changed since."""
    known: dict[str, Any] = {
        "symbol": BTC,
        "order_id": 1,
        "client_order_id": "mine",
        "price": PRICE,
        "orig_qty": Decimal("1.0"),
        "executed_qty": Decimal("0.0"),
        "cummulative_quote_qty": Decimal("0.00"),
        "orig_quote_order_qty": ZERO,
        "status": OrderStatus.NEW,
        "time_in_force": TimeInForce.GTC,
        "type": OrderType.LIMIT,
        "side": Side.BUY,
        "self_trade_prevention_mode": SelfTradePreventionMode.NONE,
        "stop_price": ZERO,
        "iceberg_qty": ZERO,
        "working_time": EPOCH_MS + 1000,
        "time": EPOCH_MS + 1000,
        "update_time": EPOCH_MS + 1000,
        "is_working": True,
        **fields,
    }
    return OrderStatusReport(**known)


def event(of: OrderStatusReport, execution_id: int, kind: ExecutionType, **fields: Any) -> ExecutionReport:
    """Return the event that says how an order has come to stand."""
    known: dict[str, Any] = {
        "event_time": of.update_time,
        "symbol": of.symbol,
        "client_order_id": of.client_order_id,
        "side": of.side,
        "order_type": of.type,
        "time_in_force": of.time_in_force,
        "quantity": of.orig_qty,
        "price": of.price,
        "stop_price": of.stop_price,
        "iceberg_quantity": of.iceberg_qty,
        "order_list_id": of.order_list_id,
        "original_client_order_id": "",
        "execution_type": kind,
        "order_status": of.status,
        "reject_reason": OrderRejectReason.NONE,
        "order_id": of.order_id,
        "last_executed_quantity": ZERO,
        "cumulative_filled_quantity": of.executed_qty,
        "last_executed_price": ZERO,
        "commission": ZERO,
        "commission_asset": None,
        "transaction_time": of.update_time,
        "trade_id": -1,
        "execution_id": execution_id,
        "is_working": of.is_working,
        "is_maker": False,
        "is_best_match": False,
        "order_creation_time": of.time,
        "cumulative_quote_quantity": of.cummulative_quote_qty,
        "last_quote_quantity": ZERO,
        "quote_order_quantity": ZERO,
        "self_trade_prevention_mode": SelfTradePreventionMode.NONE,
        "working_time": of.working_time,
        "prevented_quantity": of.prevented_quantity,
        "expiry_reason": of.expiry_reason,
        **fields,
    }
    return ExecutionReport(**known)


def after(of: OrderStatusReport, ms: int = 1000, **fields: Any) -> OrderStatusReport:
    """Return the order so much later."""
    return attrs.evolve(of, update_time=of.update_time + ms, **fields)


def filled(of: OrderStatusReport, quantity: str, ms: int = 1000) -> OrderStatusReport:
    """Return the order so much later with so much more executed."""
    executed = of.executed_qty + Decimal(quantity)
    return after(
        of,
        ms,
        executed_qty=executed,
        cummulative_quote_qty=executed * PRICE,
        status=OrderStatus.FILLED if executed == of.orig_qty else OrderStatus.PARTIALLY_FILLED,
    )


def trade_event(of: OrderStatusReport, execution_id: int, trade_id: int, quantity: str, **more: Any) -> ExecutionReport:
    """Return the event of the fill that brought an order where it stands."""
    return event(
        of,
        execution_id,
        ExecutionType.TRADE,
        trade_id=trade_id,
        last_executed_quantity=Decimal(quantity),
        last_executed_price=PRICE,
        last_quote_quantity=Decimal(quantity) * PRICE,
        commission=Decimal("0.001"),
        commission_asset="BTC",
        **more,
    )


def row(of: OrderStatusReport, trade_id: int, quantity: str) -> AccountTrade:
    """Return what a query tells of that fill."""
    return AccountTrade(
        symbol=of.symbol,
        id=trade_id,
        order_id=of.order_id,
        order_list_id=-1,
        price=PRICE,
        qty=Decimal(quantity),
        quote_qty=Decimal(quantity) * PRICE,
        commission=Decimal("0.001"),
        commission_asset="BTC",
        time=of.update_time,
        is_buyer=of.side == Side.BUY,
        is_maker=False,
        is_best_match=True,
    )


def allocation(of: OrderStatusReport, allocation_id: int, quantity: str) -> Allocation:
    """Return what a query tells of a part that smart order routing gave."""
    return Allocation(
        symbol=of.symbol,
        allocation_id=allocation_id,
        allocation_type=AllocationType.SOR,
        order_id=of.order_id,
        order_list_id=-1,
        price=PRICE,
        qty=Decimal(quantity),
        quote_qty=Decimal(quantity) * PRICE,
        commission=ZERO,
        commission_asset="BTC",
        time=of.update_time,
        is_buyer=True,
        is_maker=False,
        is_allocator=False,
    )


def position(at_ms: int, **free: str) -> AccountPosition:
    """Return an event of balances, all of them free."""
    balances = tuple(Balance(asset, Decimal(amount), ZERO) for asset, amount in free.items())
    return AccountPosition(at_ms, at_ms, balances)


def account(at_ms: int, **free: str) -> Account:
    """Return what a query tells of balances."""
    balances = tuple(Balance(asset, Decimal(amount), ZERO) for asset, amount in free.items() if Decimal(amount))
    return Account(0, 0, 0, 0, True, True, True, at_ms, AccountType.SPOT, balances, ())


def list_event(at_ms: int, status: ListOrderStatus, kind: ListStatusType, number: int = 1) -> ListStatus:
    """Return an event of an order list."""
    return ListStatus(at_ms, BTC, number, ContingencyType.OCO, kind, status, OrderRejectReason.NONE, "list", at_ms, ())


def list_row(at_ms: int, status: ListOrderStatus, number: int = 1) -> OrderList:
    """Return what a query tells of an order list."""
    return OrderList(number, ContingencyType.OCO, ListStatusType.EXEC_STARTED, status, "list", at_ms, BTC, ())
