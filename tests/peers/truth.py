"""The truth: what the exchange itself knows of an account, beside what a client was told of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.numbers import to_decimal

from .clients.scenario import ASSETS, SYMBOL

Row = dict[str, Any]


def differences(account: Account, facts: Row) -> Iterator[str]:
    """Return what a client saw otherwise than it is: orders, fills with their fees, balances, by query and by event."""
    blotter = account.blotter(SYMBOL)
    true_orders = {
        order.id: (order.client_id, order.status, to_decimal(order.executed), to_decimal(order.spent))
        for order in blotter.orders.values()
    }
    yield from _compare("orders", true_orders, {row["id"]: _order(row) for row in facts["orders"]})
    answers = {row["id"]: _order(row) for row in facts["answered"]}
    yield from _compare("answers", {id: order for id, order in true_orders.items() if id in answers}, answers)
    true_fills = {
        trade.trade_id: (
            trade.order_id,
            *(Decimal(trade.view[name]) for name in ("price", "qty", "commission")),
            trade.view["commissionAsset"],
        )
        for trade in blotter.trades
    }
    told = facts["told"]
    for name, rows in (("fills", facts["fills"]), ("events of fills", told["fills"])):
        yield from _compare(name, true_fills, {row["id"]: _fill(row) for row in rows})
        if len(rows) != len({row["id"] for row in rows}):
            yield f"{name}: one came twice"
    statuses = {id: order[1] for id, order in true_orders.items()}
    yield from _compare("events of orders", statuses, {int(id): status for id, status in told["statuses"].items()})
    true_balances = {asset: (account.free(asset), account.locked(asset)) for asset in ASSETS}
    for name, balances in (("balances", facts["balances"]), ("events of balances", told["balances"])):
        seen = {asset: tuple(map(Decimal, balances[asset])) for asset in ASSETS if asset in balances}
        yield from _compare(name, true_balances, seen)


def _compare(name: str, true: dict[Any, Any], seen: dict[Any, Any]) -> Iterator[str]:
    for key in true.keys() | seen.keys():
        if true.get(key) != seen.get(key):
            yield f"{name}: {key} is {_shown(true.get(key))}, told as {_shown(seen.get(key))}"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{part:f}" if isinstance(part, Decimal) else str(part) for part in value)
    return str(value)


def _order(row: Row) -> tuple[object, ...]:
    return row["client_id"], row["status"], Decimal(row["executed"]), Decimal(row["spent"])


def _fill(row: Row) -> tuple[object, ...]:
    numbers = (Decimal(row[name]) for name in ("price", "quantity", "fee"))
    return row["order_id"], *numbers, row["fee_asset"]
