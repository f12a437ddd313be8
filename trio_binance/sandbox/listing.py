"""Listing: the requests that place and cancel order lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .admission import check_client_id, check_funds, check_open, check_prices
from .filters import check_counts, check_filters, check_list_count
from .legs import Legs, check_sides, legacy_pair, pair, pending, working
from .orderlists import OrderList
from .pegs import pegged_price
from .placing import response_type
from .refusals import not_cancelled, one_of, rejected
from .views import cancelled_list_view, placed_list_view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .accounts import Account
    from .params import Params
    from .trading import Trading
    from .venue import Venue

Answer = Any


class Listing:
    """POST and DELETE of order lists."""

    def __init__(self, venue_of: Callable[[Params], Venue], trading: Trading) -> None:
        self._venue_of = venue_of
        self._trading = trading
        self._next_id = 0
        self.operations: Mapping[str, Callable[[Params, Account, int], Answer]] = {
            "POST /api/v3/order/oco": self._placer(_legacy_oco, "OCO"),
            "POST /api/v3/orderList/oco": self._placer(_oco, "OCO"),
            "POST /api/v3/orderList/oto": self._placer(_oto, "OTO"),
            "POST /api/v3/orderList/otoco": self._placer(_otoco, "OTO", "OCO"),
            "POST /api/v3/orderList/opo": self._placer(_opo, "OTO", "OPO"),
            "POST /api/v3/orderList/opoco": self._placer(_opoco, "OTO", "OPO", "OCO"),
            "DELETE /api/v3/orderList": self.cancel,
        }

    def _placer(
        self, read: Callable[[Venue, Account, Params], Legs], *features: str
    ) -> Callable[[Params, Account, int], Answer]:
        def place(params: Params, account: Account, now_us: int) -> Answer:
            venue = self._venue_of(params)
            for feature in features:
                if feature not in venue.symbol.lists:
                    dot = "" if feature == "OCO" else "."
                    raise rejected(f"{feature} orders are not supported for this symbol{dot}")
            return self._place(venue, account, params, read(venue, account, params), now_us)

        return place

    def _place(self, venue: Venue, account: Account, params: Params, legs: Legs, now_us: int) -> Answer:
        answer_type = response_type(params, "FULL")
        list_client_id = params.client_id("listClientOrderId") or self._trading.random_id()
        _check_api(venue, account, legs, now_us)
        check_open(venue, account)
        _check_ids(venue, account, legs, list_client_id)
        legs.check_relations(venue.tape.last_price())
        for order in legs.first:
            check_prices(venue, order)
        check_funds(venue, *legs.first)
        kept = self._bind(legs, account, list_client_id)
        answer = placed_list_view(kept, answer_type, venue.matcher.submit_list(kept, now_us))
        venue.settle(now_us)
        return answer

    def _bind(self, legs: Legs, account: Account, client_id: str) -> OrderList:
        """Make the list of its orders; who brought no client id gets one."""
        for order in legs.orders:
            order.client_id = order.client_id or self._trading.random_id()
        kept = OrderList(
            self._next_id,
            account,
            legs.orders[0].symbol,
            "OTO" if legs.working else "OCO",
            client_id,
            legs.orders,
            legs.pair,
            legs.working,
            legs.takes_proceeds,
        )
        self._next_id += 1
        for order in kept.orders:
            order.order_list = kept
        return kept

    def cancel(self, params: Params, account: Account, now_us: int) -> Answer:
        """Cancel an order list."""
        venue = self._venue_of(params)
        cancel_id = params.client_id("newClientOrderId") or self._trading.random_id()
        kept = _find_open(account, venue.symbol.name, params)
        cancelled = venue.matcher.cancel_list(kept, cancel_id, now_us)
        venue.settle(now_us)
        return cancelled_list_view(kept, cancelled, cancel_id, now_us)


def _find_open(account: Account, symbol: str, params: Params) -> OrderList:
    """Return the open list that a cancel means: by ``orderListId`` first, whose client id must then match."""
    list_id, client_id = params.integer("orderListId"), params.text("listClientOrderId")
    lists = [kept for kept in account.open_lists.values() if kept.symbol == symbol]
    if list_id is None and client_id is None:
        raise one_of("orderListId", "listClientOrderId")
    if list_id is not None:
        lists = [kept for kept in lists if kept.id == list_id]
    if client_id is not None:
        lists = [kept for kept in lists if kept.client_id == client_id]
    if not lists:
        raise not_cancelled()
    return lists[0]


def _check_api(venue: Venue, account: Account, legs: Legs, now_us: int) -> None:
    """Check what the API checks before the matching engine; orders of an OPO have no quantity yet."""
    for order in legs.orders:
        if order.peg is not None and not order.is_contingent and order in legs.first:
            order.price = pegged_price(venue.book, order)
        if order in legs.first or not (legs.takes_proceeds or order.peg):
            check_filters(venue, order, now_us)
    check_counts(venue.symbol, account, legs.orders)
    check_list_count(venue.symbol, account)


def _check_ids(venue: Venue, account: Account, legs: Legs, list_client_id: str) -> None:
    used = [order.client_id for order in legs.orders if order.client_id]
    lists = (kept.client_id for kept in account.open_lists.values())
    if len(set(used)) < len(used) or list_client_id in lists:
        raise rejected("Duplicate order sent.")
    for order in legs.orders:
        check_client_id(venue, order)


# ------------------------------------------------------------------------------------------------- the six kinds


def _oco(venue: Venue, account: Account, params: Params) -> Legs:
    orders = pair(venue, account, params, "above", "below")
    return Legs(orders, pair=orders)


def _legacy_oco(venue: Venue, account: Account, params: Params) -> Legs:
    orders = legacy_pair(venue, account, params)
    return Legs(orders, pair=orders)


def _oto(venue: Venue, account: Account, params: Params) -> Legs:
    first = working(venue, account, params)
    return Legs((first, pending(venue, account, params)), working=first)


def _otoco(venue: Venue, account: Account, params: Params) -> Legs:
    first = working(venue, account, params)
    orders = pair(venue, account, params, "pendingAbove", "pendingBelow", "pending")
    return Legs((first, *orders), pair=orders, working=first)


def _opo(venue: Venue, account: Account, params: Params) -> Legs:
    first = working(venue, account, params)
    orders = (first, pending(venue, account, params, sized=False))
    check_sides(orders)
    return Legs(orders, working=first, takes_proceeds=True)


def _opoco(venue: Venue, account: Account, params: Params) -> Legs:
    first = working(venue, account, params)
    both = pair(venue, account, params, "pendingAbove", "pendingBelow", "pending", sized=False)
    check_sides((first, *both))
    return Legs((first, *both), pair=both, working=first, takes_proceeds=True)
