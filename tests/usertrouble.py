"""Trouble with the account's events: what the exchange tells of an account is lost on its way, by will or by chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests._client.world import World
from trio_binance.models import OrderStatus


class Mute:
    """Stands where the exchange tells the owner of an account something, and lets through what it likes."""

    def __init__(self, world: World) -> None:
        exchange = world.sandbox.exchange
        self._tell, self._credit = exchange._tell_owner, exchange._credit
        self.loses: Callable[[dict[str, Any]], bool] = lambda event: False
        self.lost: list[dict[str, Any]] = []
        exchange._tell_owner = self._on_event  # type: ignore[method-assign]

    def _on_event(self, event: Any) -> None:
        if self.loses(event.data):
            self.lost.append(event.data)
            self._credit(event)
        else:
            self._tell(event)

    def on(self) -> None:
        """Lose everything."""
        self.loses = lambda event: True

    def off(self) -> None:
        """Lose nothing."""
        self.loses = lambda event: False


def true_account(world: World) -> Any:
    """Return the account of the connector's key, as the exchange has it."""
    [key] = world.sandbox.exchange.keys.values()
    return key.account


def true_fills(world: World) -> list[tuple[str, int]]:
    """Return the symbol and the id of every fill that there was."""
    return [(name, trade.trade_id) for name, own in true_account(world).blotters.items() for trade in own.trades]


def differences(world: World) -> list[str]:
    """Return in what the mirror is not what the exchange has: orders, open orders and balances."""
    account, mirror = true_account(world), world.bx.account.mirror
    found = []
    for name, own in account.blotters.items():
        for order in own.orders.values():
            kept = mirror.order(name, order_id=order.id)
            if kept is None or (kept.status, kept.executed_qty * 10**8) != (OrderStatus(order.status), order.executed):
                found.append(f"{name} {order.id}: {order.status}, not {kept and kept.status}")
    held = {asset: (account.free(asset), account.locked(asset)) for asset in account.balances}
    told = {asset: (balance.free, balance.locked) for asset, balance in mirror.balances.items()}
    if told != {asset: amounts for asset, amounts in held.items() if any(amounts)}:
        found.append(f"balances: {held}, not {told}")
    opened = {number for own in account.blotters.values() for number in own.open}
    if opened != {order.order_id for order in mirror.open_orders()}:
        found.append("open orders")
    return found
