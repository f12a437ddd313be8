"""Records: the queries of order lists, prevented matches, allocations and of the filters that bind an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .candles import DAY_US
from .ledger import page, within
from .orderlists import EXECUTING
from .refusals import bad, one_of
from .symbols import asset_filters, exchange_filters, filters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .accounts import Account
    from .params import Params
    from .replica import Replica
    from .venue import Venue

Answer = Any


class Records:
    """GET of what an account has besides orders and trades."""

    def __init__(self, venue_of: Callable[[Params], Venue], replica: Replica) -> None:
        self._venue_of = venue_of
        self._replica = replica
        self.operations: Mapping[str, Callable[[Params, Account, int], Answer]] = {
            "GET /api/v3/orderList": self.order_list,
            "GET /api/v3/allOrderList": self.all_lists,
            "GET /api/v3/openOrderList": self.open_lists,
            "GET /api/v3/myPreventedMatches": self.prevented_matches,
            "GET /api/v3/myAllocations": self.allocations,
            "GET /api/v3/myFilters": self.filters,
        }

    def _seen(self, account: Account, now_us: int) -> list[dict[str, Any]]:
        """Return the order lists that the replica knows, as it knows them."""
        known = self._replica.known_us(now_us)
        views = (kept.history.at(known) for kept in account.lists.values())
        return [view for view in views if view is not None]

    def order_list(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET orderList; with both ids the client's own decides (WebSocket API, orderList.status)."""
        list_id, client_id = params.integer("orderListId"), params.text("origClientOrderId")
        if list_id is None and client_id is None:
            raise one_of("orderListId", "origClientOrderId")
        name, value = ("orderListId", list_id) if client_id is None else ("listClientOrderId", client_id)
        found = next((view for view in reversed(self._seen(account, now_us)) if view[name] == value), None)
        if found is None:
            raise bad(-2013, "Order list does not exist.")
        return found

    def all_lists(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET allOrderList: from an id, within times, or the newest."""
        limit, from_id = params.limit(500, 1000), params.integer("fromId")
        start, end = params.times_us(DAY_US)
        if from_id is not None and (start is not None or end is not None):
            raise bad(-1128, "Combination of optional parameters invalid.")
        lists = [
            view
            for view in self._seen(account, now_us)
            if (from_id is None or view["orderListId"] >= from_id)
            and within(view["transactionTime"] * 1000, start, end)
        ]
        return page(lists, limit, oldest=from_id is not None or start is not None)

    def open_lists(self, _params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET openOrderList."""
        return [view for view in self._seen(account, now_us) if view["listOrderStatus"] == EXECUTING]

    def prevented_matches(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET myPreventedMatches: one by its id, or those of an order."""
        own = account.blotter(self._venue_of(params).symbol.name).prevented
        match_id, order_id = params.integer("preventedMatchId"), params.integer("orderId")
        from_id, limit = params.integer("fromPreventedMatchId"), params.limit(500, 1000)
        if match_id is None and order_id is None:
            raise one_of("preventedMatchId", "orderId")
        if match_id is not None and (order_id is not None or from_id is not None):
            raise bad(-1128, "Combination of optional parameters invalid.")
        known = self._replica.known_us(now_us)
        found = [
            match.view
            for match in own
            if match.time_us <= known
            and (
                match.id == match_id
                or (order_id in (match.taker_id, match.maker_id) and (from_id is None or match.id >= from_id))
            )
        ]
        return found[:limit]

    def allocations(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET myAllocations: within times, of an order, from an id, or the newest."""
        own = account.blotter(self._venue_of(params).symbol.name).allocations
        limit, from_id, order_id = (
            params.limit(500, 1000),
            params.integer("fromAllocationId"),
            params.integer("orderId"),
        )
        start, end = params.times_us(DAY_US)
        timed = start is not None or end is not None
        if timed and (from_id is not None or order_id is not None):
            raise bad(-1128, "Combination of optional parameters invalid.")
        known = self._replica.known_us(now_us)
        found = [
            allocation
            for allocation in own
            if allocation.time_us <= known
            and within(allocation.time_us, start, end)
            and (from_id is None or allocation.id >= from_id)
            and (order_id is None or allocation.order_id == order_id)
        ]
        return [row.view for row in page(found, limit, oldest=from_id is not None or start is not None)]

    def filters(self, params: Params, _account: Account, _now_us: int) -> Answer:
        """Answer GET myFilters: the only place that shows the limits of assets."""
        symbol = self._venue_of(params).symbol
        return {
            "exchangeFilters": exchange_filters(),
            "symbolFilters": filters(symbol),
            "assetFilters": asset_filters(symbol),
        }
