"""Accounts: who owns what, what of it is locked in orders, and which orders and trades were theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .commission import Tariff
from .numbers import to_decimal

if TYPE_CHECKING:
    from decimal import Decimal

    from .orderlists import OrderList
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


@attrs.frozen
class Allocation:
    """What smart order routing brought one of the account's orders, with the JSON that myAllocations shows."""

    id: int
    order_id: int
    time_us: int
    view: dict[str, Any]


@attrs.frozen
class OwnMatch:
    """A prevented match of the account's orders, with the JSON that myPreventedMatches shows."""

    id: int
    taker_id: int
    maker_id: int
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
    allocations: list[Allocation] = attrs.field(factory=list)
    prevented: list[OwnMatch] = attrs.field(factory=list)

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
@attrs.define(eq=False, repr=False)
class Account:
    """A customer, or the house (a market maker: no fees, no events, no memory of its orders)."""

    api_key: str
    uid: int
    house: bool = False
    tariff: Tariff = Tariff()
    """What it pays for its fills."""
    updated_us: int = 0
    balances: dict[str, Balance] = attrs.field(factory=dict)
    blotters: dict[str, Blotter] = attrs.field(factory=dict)
    lists: dict[int, OrderList] = attrs.field(factory=dict)
    """Every order list ever placed, by rising id."""
    open_lists: dict[int, OrderList] = attrs.field(factory=dict)
    outside: dict[str, int] = attrs.field(factory=dict)
    """What of each asset is locked by a system outside the spot exchange."""
    trade_group: int = -1
    """Accounts of one trade group do not trade with each other (Self-trade prevention); -1 for none."""

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
