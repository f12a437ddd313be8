"""Accounts: who owns what, what of it is locked in orders, and which orders and trades were theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .numbers import to_decimal

if TYPE_CHECKING:
    from decimal import Decimal

    from .orders import Order


@final
@attrs.define(eq=False)
class Balance:
    """An asset's free and locked atoms."""

    free: int = 0
    locked: int = 0


@attrs.frozen
class OwnTrade:
    """A fill of one of the account's orders, with the JSON that myTrades shows."""

    trade_id: int
    order_id: int
    time_us: int
    view: dict[str, Any]


@final
@attrs.define(eq=False)
class Blotter:
    """An account's orders and fills on one symbol."""

    orders: dict[int, Order] = attrs.field(factory=dict)
    """Every order ever placed, by rising id."""
    open: dict[int, Order] = attrs.field(factory=dict)
    newest: dict[str, Order] = attrs.field(factory=dict)
    """The latest order that used a client id. "Orders with the same newClientOrderID can be accepted only when the
    previous one is filled" (REST, New order): an id may come again."""
    trades: list[OwnTrade] = attrs.field(factory=list)

    def add(self, order: Order) -> None:
        """Remember an order that the matching engine accepted."""
        self.orders[order.id] = order
        self.open[order.id] = order
        self.newest[order.client_id] = order

    def open_with(self, client_id: str) -> Order | None:
        """Return the open order that uses ``client_id``."""
        order = self.newest.get(client_id)
        return order if order is not None and order.id in self.open else None


@final
@attrs.define(eq=False)
class OrderCount:
    """Unfilled orders in the fixed windows of the ORDERS limits (Unfilled order count)."""

    counts: dict[int, tuple[int, int]] = attrs.field(factory=dict)
    """Window length in us -> (number of the window, orders in it)."""

    def get(self, window_us: int, now_us: int) -> int:
        """Return the count in the running window of that length."""
        window, count = self.counts.get(window_us, (0, 0))
        return count if window == now_us // window_us else 0

    def add(self, window_us: int, now_us: int, orders: int) -> None:
        """Count ``orders`` more; a negative number gives credit, never below zero."""
        self.counts[window_us] = (now_us // window_us, max(0, self.get(window_us, now_us) + orders))


ORDER_WINDOWS_US = (10_000_000, 86_400_000_000)
"""The ORDERS limits run over 10 seconds and a day."""


@final
@attrs.define(eq=False, repr=False)
class Account:
    """A customer, or the house (a market maker: no fees, no events, no memory of its orders)."""

    api_key: str
    uid: int
    house: bool = False
    maker_rate: int = 100_000
    """Commission for adding liquidity in atoms, 0.1 percent."""
    taker_rate: int = 100_000
    updated_us: int = 0
    balances: dict[str, Balance] = attrs.field(factory=dict)
    blotters: dict[str, Blotter] = attrs.field(factory=dict)
    order_count: OrderCount = attrs.field(factory=OrderCount)

    def __repr__(self) -> str:
        return f"<Account {self.uid}{' house' if self.house else ''}>"

    def balance(self, asset: str) -> Balance:
        """Return the balance of ``asset``, made empty if the account never had any."""
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found

    def blotter(self, symbol: str) -> Blotter:
        """Return the account's orders on ``symbol``."""
        found = self.blotters.get(symbol)
        if found is None:
            found = self.blotters[symbol] = Blotter()
        return found

    def free(self, asset: str) -> Decimal:
        """Return what can be spent of ``asset``."""
        return to_decimal(self.balance(asset).free)

    def locked(self, asset: str) -> Decimal:
        """Return what is locked in orders of ``asset``."""
        return to_decimal(self.balance(asset).locked)

    def count_order(self, now_us: int, orders: int = 1) -> None:
        """Count an order against the ORDERS limits, or give credit for a filled one (``orders=-1``)."""
        for window_us in ORDER_WINDOWS_US:
            self.order_count.add(window_us, now_us, orders)
