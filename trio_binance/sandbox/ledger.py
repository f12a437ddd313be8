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
    from .replica import Replica
    from .venue import Venue

Answer = Any
T = TypeVar("T")
ARCHIVED_AFTER_US = 90 * DAY_US
_ARCHIVED = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
_BASIS = 10_000
"""Atoms in a basis point, in which the account shows its rates as of old."""


class Ledger:
    """Queries of accounts. They read a replica that may lag behind the matching engine (REST, Data sources)."""

    def __init__(self, venue_of: Callable[[Params], Venue], venues: Mapping[str, Venue], replica: Replica) -> None:
        self._venue_of = venue_of
        self._venues = venues
        self._replica = replica
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
        return order.history.at(self._replica.known_us(now_us))

    def _rows(self, orders: Iterable[Order], now_us: int) -> list[dict[str, Any]]:
        views = (self._seen(order, now_us) for order in orders)
        return [view for view in views if view is not None]

    def order(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET order."""
        blotter = account.blotter(self._venue_of(params).symbol.name)
        order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
        if order_id is not None:
            found = [order for order in (blotter.orders.get(order_id),) if order is not None]
        elif client_id is not None:
            found = blotter.named.get(client_id, [])
        else:
            raise one_of("origClientOrderId", "orderId")
        return self._newest(found, order_id, client_id, now_us)

    def _newest(self, found: list[Order], order_id: int | None, client_id: str | None, now_us: int) -> dict[str, Any]:
        """Return the newest of some orders that the replica knows, which has this client id as far as it knows."""
        for order in reversed(found):
            view = self._seen(order, now_us)
            if view is None:
                continue
            if client_id is None or view["clientOrderId"] == client_id:
                if is_archived(order, now_us):
                    raise bad(-2026, _ARCHIVED)
                return view
            if order_id is not None:
                raise bad(-2039, "Client order ID is not correct for this order ID.")
        raise bad(-2013, "Order does not exist.")

    def open_orders(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET openOrders: of one symbol, or of all."""
        one = params.symbol() is not None
        names = [self._venue_of(params).symbol.name] if one else list(self._venues)
        orders = [order for name in names for order in self._maybe_open(account.blotter(name), now_us)]
        return [view for view in self._rows(orders, now_us) if view["status"] in OPEN]

    def _maybe_open(self, blotter: Blotter, now_us: int) -> Iterable[Order]:
        """Return the orders that the replica may believe open: those that are, and those that ended within its lag."""
        if self._replica.behind_us == 0:
            return blotter.open.values()
        known = self._replica.known_us(now_us)
        return [order for order in blotter.orders.values() if order.is_open or order.updated_us > known]

    def all_orders(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET allOrders: from an id, within times of the last update, or the newest."""
        blotter = account.blotter(self._venue_of(params).symbol.name)
        limit = params.limit(500, 1000)
        start, end = params.times_us(DAY_US)
        order_id = params.integer("orderId")
        rows = self._rows((order for order in blotter.orders.values() if not is_archived(order, now_us)), now_us)
        if start is not None or end is not None:
            rows = [row for row in rows if within(row["updateTime"] * 1000, start, end)]
            return page(rows, limit, oldest=start is not None)
        if order_id is not None:
            rows = [row for row in rows if row["orderId"] >= order_id]
        return page(rows, limit, oldest=order_id is not None)

    def my_trades(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET myTrades: from a trade id, of one order, within times, or the newest."""
        trades = account.blotter(self._venue_of(params).symbol.name).trades
        limit = params.limit(500, 1000)
        start, end = params.times_us(DAY_US)
        from_id, order_id = params.integer("fromId"), params.integer("orderId")
        known = self._replica.known_us(now_us)
        found = [
            trade
            for trade in trades
            if trade.time_us <= known
            and within(trade.time_us, start, end)
            and (from_id is None or trade.trade_id >= from_id)
            and (order_id is None or trade.order_id == order_id)
        ]
        return [trade.view for trade in page(found, limit, oldest=from_id is not None or start is not None)]

    def account(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET account."""
        omit = params.flag("omitZeroBalances", default=False)
        seen = account.holdings(self._replica.known_us(now_us))
        held = [(asset, holding) for asset, holding in seen.items() if holding.free or holding.locked or not omit]
        rates = account.tariff.standard
        return {
            **{f"{name}Commission": rate // _BASIS for name, rate in attrs.asdict(rates).items()},
            "commissionRates": rates.view(),
            "canTrade": account.can_trade,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": milliseconds(max((holding.since_us for holding in seen.values()), default=0)),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": text(holding.free), "locked": text(holding.locked)} for asset, holding in held
            ],
            "permissions": ["SPOT"],
            "uid": account.uid,
            **({} if account.trade_group < 0 else {"tradeGroupId": account.trade_group}),
        }

    def commission(self, params: Params, account: Account, _now_us: int) -> Answer:
        """Answer GET account/commission."""
        symbol = self._venue_of(params).symbol
        return {"symbol": symbol.name, **account.tariff.view(symbol)}


def is_archived(order: Order, now_us: int) -> bool:
    """Return whether an order that came to nothing is so old that queries do not tell of it any more (-2026)."""
    return not order.is_open and order.executed == 0 and now_us - order.updated_us > ARCHIVED_AFTER_US


def within(time_us: int, start_us: int | None, end_us: int | None) -> bool:
    """Return whether a time lies between two that may be missing, both included."""
    return (start_us is None or time_us >= start_us) and (end_us is None or time_us // 1000 * 1000 <= end_us)


def page(rows: Sequence[T], limit: int, *, oldest: bool) -> Sequence[T]:
    """Return the first or the last ``limit`` of some rows."""
    return rows[:limit] if oldest else rows[-limit:]
