"""Trading: the requests that place, test and cancel single orders, answered by the matching engine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .admission import check_engine
from .params import Params
from .placing import draft, order_response
from .refusals import bad, not_cancelled, one_of
from .views import cancelled_list_view, cancelled_view, placed_view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from .accounts import Account, Blotter
    from .orders import Order
    from .venue import Venue

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Answer = Any


def tested(venue: Venue, order: Order, params: Params) -> Answer:
    """Return the answer to a test order that passed every check."""
    if not params.flag("computeCommissionRates", default=False):
        return {}
    return order.account.tariff.for_order(venue.symbol, buys=order.buys)


class Trading:
    """POST and DELETE of orders."""

    def __init__(self, venue_of: Callable[[Params], Venue], rng: Random) -> None:
        self._venue_of = venue_of
        self._rng = rng
        self.operations: Mapping[str, Callable[[Params, Account, int], Answer]] = {
            "POST /api/v3/order": self.place,
            "POST /api/v3/order/test": self.test,
            "DELETE /api/v3/order": self.cancel,
            "DELETE /api/v3/openOrders": self.cancel_all,
        }

    def random_id(self) -> str:
        """Return a client id for a request that brought none."""
        return "".join(self._rng.choice(_ALPHABET) for _ in range(22))

    def place(self, params: Params, account: Account, now_us: int) -> Answer:
        """Place an order."""
        venue = self._venue_of(params)
        order = draft(venue, account, params, now_us)
        answer_type = order_response(order.kind, params)
        check_engine(venue, order)
        return self.submit(venue, order, answer_type, now_us)

    def submit(self, venue: Venue, order: Order, answer_type: str, now_us: int) -> dict[str, Any]:
        """Hand an order that passed every check to the matching engine."""
        order.client_id = order.client_id or self.random_id()
        view = placed_view(order, answer_type, venue.matcher.submit(order, now_us))
        venue.settle(now_us)
        return view

    def test(self, params: Params, account: Account, now_us: int) -> Answer:
        """Check an order as far as the API does; the matching engine never hears of it."""
        venue = self._venue_of(params)
        order = draft(venue, account, params, now_us)
        order_response(order.kind, params)
        return tested(venue, order, params)

    def cancel(self, params: Params, account: Account, now_us: int) -> Answer:
        """Cancel one order, and with it the list that it belongs to."""
        venue = self._venue_of(params)
        cancel_id = params.client_id("newClientOrderId") or self.random_id()
        restriction = params.choice(
            "cancelRestrictions",
            ("ONLY_NEW", "ONLY_PARTIALLY_FILLED"),
            lambda: bad(-1145, "Invalid cancelRestrictions"),
        )
        order = self.find_open(account.blotter(venue.symbol.name), params)
        if restriction is not None and restriction != f"ONLY_{order.status}":
            raise not_cancelled("Order was not canceled due to cancel restrictions.")
        answer = self._cancel(venue, order, cancel_id, now_us)
        venue.settle(now_us)
        return answer

    @staticmethod
    def _cancel(venue: Venue, order: Order, cancel_id: str, now_us: int) -> Answer:
        # "Cancel order": cancelling one order of a list cancels all of it.
        if order.order_list is not None:
            cancelled = venue.matcher.cancel_list(order.order_list, cancel_id, now_us)
            return cancelled_list_view(order.order_list, cancelled, cancel_id, now_us)
        venue.matcher.cancel(order, cancel_id, now_us)
        return cancelled_view(order, cancel_id, now_us)

    def cancel_all(self, params: Params, account: Account, now_us: int) -> Answer:
        """Cancel every open order and order list on a symbol; -2011 when there is none."""
        venue = self._venue_of(params)
        orders = list(account.blotter(venue.symbol.name).open.values())
        if not orders:
            raise not_cancelled()
        cancel_id = self.random_id()
        # An order of a list is gone when the first of the list was cancelled.
        answers = [self._cancel(venue, order, cancel_id, now_us) for order in orders if order.is_open]
        venue.settle(now_us)
        return answers

    @staticmethod
    def find_open(blotter: Blotter, params: Params) -> Order:
        """Return the open order that a cancel means: by ``orderId`` first, whose client id must then match.

        Raises:
            Refusal: -1102 without an id, -2011 when there is no such open order or the ids do not belong together.
        """
        order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
        if order_id is not None:
            order = blotter.open.get(order_id)
        elif client_id is not None:
            order = blotter.open_with(client_id)
        else:
            raise one_of("origClientOrderId", "orderId")
        if order is None:
            raise not_cancelled()
        if client_id is not None and order.client_id != client_id:
            raise not_cancelled("Cancel order is invalid. Check origClOrdId and orderId.")
        return order
