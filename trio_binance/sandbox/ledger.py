"""The ledger: the requests by which customers look at their orders, trades, balances and commissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from .candles import DAY_US
from .numbers import milliseconds, text
from .orders import OPEN
from .refusals import bad, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .accounts import Account, Blotter
    from .orders import Order
    from .params import Params
    from .venue import Venue

Answer = Any
T = TypeVar("T")
_BASIS = 10_000
"""Atoms in a basis point, in which the account shows its rates as of old."""


class Ledger:
    """Queries of accounts. They read a replica that may lag behind the matching engine (REST, Data sources)."""

    def __init__(self, venue_of: Callable[[Params], Venue], venues: Mapping[str, Venue]) -> None:
        self._venue_of = venue_of
        self._venues = venues
        self.lag_us = 0
        """How far behind the matching engine the queries of orders and trades are."""
        self.operations: Mapping[str, Callable[[Params, Account, int], Answer]] = {
            "GET /api/v3/order": self.order,
            "GET /api/v3/openOrders": self.open_orders,
            "GET /api/v3/allOrders": self.all_orders,
            "GET /api/v3/myTrades": self.my_trades,
            "GET /api/v3/account": self.account,
            "GET /api/v3/account/commission": self.commission,
        }

    def _seen(self, order: Order, now_us: int) -> dict[str, Any] | None:
        """Return the order as the replica knows it, ``None`` if it has not heard of it yet."""
        known = now_us - self.lag_us
        return next((view for time_us, view in reversed(order.history) if time_us <= known), None)

    def _rows(self, orders: Iterable[Order], now_us: int) -> list[dict[str, Any]]:
        views = (self._seen(order, now_us) for order in orders)
        return [view for view in views if view is not None]

    def order(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET order."""
        blotter = account.blotter(self._venue_of(params).symbol.name)
        view = self._seen_or_none(blotter, params, now_us)
        if view is None:
            raise bad(-2013, "Order does not exist.")
        return view

    def _seen_or_none(self, blotter: Blotter, params: Params, now_us: int) -> dict[str, Any] | None:
        order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
        if order_id is None and client_id is None:
            raise one_of("origClientOrderId", "orderId")
        order = blotter.orders.get(order_id) if order_id is not None else blotter.newest.get(client_id or "")
        if order is None:
            return None
        if client_id is not None and order.client_id != client_id:
            raise bad(-2039, "Client order ID is not correct for this order ID.")
        return self._seen(order, now_us)

    def open_orders(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET openOrders: of one symbol, or of all."""
        one = params.symbol() is not None
        names = [self._venue_of(params).symbol.name] if one else list(self._venues)
        orders = [order for name in names for order in self._maybe_open(account.blotter(name), now_us)]
        return [view for view in self._rows(orders, now_us) if view["status"] in OPEN]

    def _maybe_open(self, blotter: Blotter, now_us: int) -> Iterable[Order]:
        """Return the orders that the replica may believe open: those that are, and those that ended within its lag."""
        if self.lag_us == 0:
            return blotter.open.values()
        return [order for order in blotter.orders.values() if order.is_open or order.updated_us > now_us - self.lag_us]

    def all_orders(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET allOrders: from an id, within times of the last update, or the newest."""
        blotter = account.blotter(self._venue_of(params).symbol.name)
        limit = params.limit(500, 1000)
        start, end = params.times_us(DAY_US)
        order_id = params.integer("orderId")
        orders = list(blotter.orders.values())
        if start is not None or end is not None:
            orders = [order for order in orders if within(order.updated_us, start, end)]
            return self._rows(page(orders, limit, oldest=start is not None), now_us)
        if order_id is not None:
            orders = [order for order in orders if order.id >= order_id]
        return self._rows(page(orders, limit, oldest=order_id is not None), now_us)

    def my_trades(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET myTrades: from a trade id, of one order, within times, or the newest."""
        trades = account.blotter(self._venue_of(params).symbol.name).trades
        limit = params.limit(500, 1000)
        start, end = params.times_us(DAY_US)
        from_id, order_id = params.integer("fromId"), params.integer("orderId")
        known = now_us - self.lag_us
        found = [
            trade
            for trade in trades
            if trade.time_us <= known
            and within(trade.time_us, start, end)
            and (from_id is None or trade.trade_id >= from_id)
            and (order_id is None or trade.order_id == order_id)
        ]
        return [trade.view for trade in page(found, limit, oldest=from_id is not None or start is not None)]

    def account(self, params: Params, account: Account, _now_us: int) -> Answer:
        """Answer GET account."""
        omit = params.flag("omitZeroBalances", default=False)
        held = [(asset, held) for asset, held in account.balances.items() if held.free or held.locked or not omit]
        rates = account.tariff.standard
        return {
            **{f"{name}Commission": rate // _BASIS for name, rate in attrs.asdict(rates).items()},
            "commissionRates": rates.view(),
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": milliseconds(account.updated_us),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": text(balance.free), "locked": text(balance.locked)} for asset, balance in held
            ],
            "permissions": ["SPOT"],
            "uid": account.uid,
            **({} if account.trade_group < 0 else {"tradeGroupId": account.trade_group}),
        }

    def commission(self, params: Params, account: Account, _now_us: int) -> Answer:
        """Answer GET account/commission."""
        symbol = self._venue_of(params).symbol
        return {"symbol": symbol.name, **account.tariff.view(symbol)}


def within(time_us: int, start_us: int | None, end_us: int | None) -> bool:
    """Return whether a time lies between two that may be missing, both included."""
    return (start_us is None or time_us >= start_us) and (end_us is None or time_us // 1000 * 1000 <= end_us)


def page(rows: Sequence[T], limit: int, *, oldest: bool) -> Sequence[T]:
    """Return the first or the last ``limit`` of some rows."""
    return rows[:limit] if oldest else rows[-limit:]
