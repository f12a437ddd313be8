"""Accounts: who owns what, what of it is locked in orders, and which orders and trades were theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .commission import Tariff
from .numbers import to_decimal
from .replica import History

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
class Holding:
    """What queries show of an asset, and when it came to be so."""

    free: int
    locked: int
    since_us: int


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
    time_us: int
    view: dict[str, Any]


@final
@attrs.define(eq=False)
class Blotter:
    """An account's orders and fills on one symbol."""

    orders: dict[int, Order] = attrs.field(factory=dict)
    """Every order ever accepted, by rising id."""
    open: dict[int, Order] = attrs.field(factory=dict)
    named: dict[str, list[Order]] = attrs.field(factory=dict)
    """The orders that ever had a client id, newest last. "Orders with the same newClientOrderID can be accepted only
    when the previous one is filled" (REST, New order), "filled or expired" (WebSocket API): an id may come again."""
    trades: list[OwnTrade] = attrs.field(factory=list)
    allocations: list[Allocation] = attrs.field(factory=list)
    prevented: list[OwnMatch] = attrs.field(factory=list)

    def add(self, order: Order) -> None:
        """Remember an order that the matching engine accepted."""
        self.orders[order.id] = order
        self.open[order.id] = order
        self.named.setdefault(order.client_id, []).append(order)

    def rename(self, order: Order) -> None:
        """Remember that an amended order has its client id now."""
        named = self.named.setdefault(order.client_id, [])
        if order in named:
            named.remove(order)
        named.append(order)

    def open_with(self, client_id: str) -> Order | None:
        """Return the open order that uses ``client_id``: there is one at most, and none came to use it later."""
        named = self.named.get(client_id)
        order = named[-1] if named else None
        return order if order is not None and order.id in self.open and order.client_id == client_id else None


@final
@attrs.define(eq=False, repr=False)
class Account:
    """A customer, or the house (a market maker: no fees, no events, no memory of its orders)."""

    api_key: str
    uid: int
    house: bool = False
    tariff: Tariff = attrs.field(factory=Tariff)
    """What it pays for its fills."""
    updated_us: int = 0
    balances: dict[str, Balance] = attrs.field(factory=dict)
    blotters: dict[str, Blotter] = attrs.field(factory=dict)
    lists: dict[int, OrderList] = attrs.field(factory=dict)
    """Every order list ever placed, by rising id."""
    open_lists: dict[int, OrderList] = attrs.field(factory=dict)
    past: dict[str, History[Holding]] = attrs.field(factory=dict)
    """How each asset stood, and since when: what a replica reads."""
    brought: dict[str, int] = attrs.field(factory=dict)
    """What of each asset came to it otherwise than by fills: deposits, and transfers within its trade group."""
    outside: dict[str, int] = attrs.field(factory=dict)
    """What of each asset is locked by a system outside the spot exchange."""
    can_trade: bool = True
    """Whether it may place orders; it may always cancel."""
    forbidden: set[str] = attrs.field(factory=set)
    """The symbols that it may not trade."""
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

    def bring(self, asset: str, atoms: int) -> None:
        """Credit what no fill has brought, or debit it by a negative amount."""
        self.balance(asset).free += atoms
        self.brought[asset] = self.brought.get(asset, 0) + atoms

    def note(self, asset: str, now_us: int) -> None:
        """Let queries see how an asset stands now."""
        held = self.balance(asset)
        self.past.setdefault(asset, History()).note(Holding(held.free, held.locked, now_us), now_us)

    def holdings(self, known_us: int) -> dict[str, Holding]:
        """Return every asset as it stood then, or as it stood first."""
        seen = {asset: history.at(known_us) or history.first() for asset, history in self.past.items()}
        return {asset: holding for asset, holding in seen.items() if holding is not None}

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
