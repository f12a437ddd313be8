"""Changing: requests that replace an order or make it smaller, and the record of the latter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .admission import check_engine
from .filters import check_quantity
from .numbers import milliseconds
from .orders import PENDING_NEW
from .placing import draft, order_response
from .refusals import Refusal, bad, filter_failure, missing, rejected
from .views import amended_list_view, amended_view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .accounts import Account
    from .orders import Order
    from .params import Params
    from .replica import Replica
    from .trading import Trading
    from .venue import Venue

Answer = Any

MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
EXCEEDED_MODES = ("DO_NOTHING", "CANCEL_ONLY")
_INVALID_EXCEEDED_MODE = "Data sent for parameter 'orderRateLimitExceededMode' is not valid."
CANCEL_HALF = {
    "orderId": "cancelOrderId",
    "origClientOrderId": "cancelOrigClientOrderId",
    "newClientOrderId": "cancelNewClientOrderId",
}


class Changing:
    """cancelReplace and amend."""

    def __init__(self, venue_of: Callable[[Params], Venue], trading: Trading, replica: Replica) -> None:
        self._venue_of = venue_of
        self._trading = trading
        self._replica = replica
        self.operations: Mapping[str, Callable[[Params, Account, int], Answer]] = {
            "POST /api/v3/order/cancelReplace": self.cancel_replace,
            "PUT /api/v3/order/amend/keepPriority": self.amend,
            "GET /api/v3/order/amendments": self.amendments,
        }

    # -------------------------------------------------------------------------------------------- cancel, replace

    def cancel_replace(self, params: Params, account: Account, now_us: int) -> Answer:
        """Cancel an order and place another; the two are not one transaction.

        Raises:
            Refusal: 409 -2021 when one half was done, 400 -2022 when none was; ``data`` tells each half. Filters are
                evaluated before both, and refuse plainly. A new order that was rejected after the cancel succeeded
                is told as REJECTED (Execution types), under an order id that no query knows.
        """
        venue = self._venue_of(params)
        if not venue.symbol.replaces:
            raise rejected("Order cancel-replace is not supported for this symbol.")
        params.need("cancelReplaceMode")
        invalid = bad(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        mode = params.choice("cancelReplaceMode", MODES, lambda: invalid)
        # The doors have acted on it before the request came here: within the limits it makes no difference.
        params.choice("orderRateLimitExceededMode", EXCEEDED_MODES, lambda: bad(-1130, _INVALID_EXCEEDED_MODE))
        order = draft(venue, account, params, now_us)
        answer_type = order_response(order.kind, params)
        halves: dict[str, Any] = {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS"}
        cancel: Answer
        placed: Answer = None
        try:
            cancel = self._trading.cancel(params.renamed(CANCEL_HALF), account, now_us)
        except Refusal as refusal:
            if refusal.code != -2011:
                raise
            halves["cancelResult"], cancel = "FAILURE", _told(refusal)
        if halves["cancelResult"] == "FAILURE" and mode == "STOP_ON_FAILURE":
            halves["newOrderResult"] = "NOT_ATTEMPTED"
        else:
            try:
                check_engine(venue, order)
                placed = self._trading.submit(venue, order, answer_type, now_us)
            except Refusal as refusal:
                halves["newOrderResult"], placed = "FAILURE", _told(refusal)
                if halves["cancelResult"] == "SUCCESS":
                    order.client_id = order.client_id or self._trading.random_id()
                    venue.matcher.reject(order, refusal, now_us)
                    venue.settle(now_us)
        return _both({**halves, "cancelResponse": cancel, "newOrderResponse": placed})

    # ------------------------------------------------------------------------------------------------------ amend

    def amend(self, params: Params, account: Account, now_us: int) -> Answer:
        """Make an order smaller without losing its place in the queue (Order amend keep priority).

        Raises:
            Refusal: -2038 when the order is not open, would not shrink, or was amended too often; -1013 for filters.
        """
        venue = self._venue_of(params)
        if not venue.takes_amendments:
            raise bad(-2038, "Market is closed.")
        order = self._open_order(venue, account, params)
        quantity = params.amount("newQty")
        if quantity is None:
            raise missing("newQty")
        _check_amendment(venue, order, quantity)
        client_id = params.client_id("newClientOrderId") or self._trading.random_id()
        original, blotter = order.client_id, account.blotter(venue.symbol.name)
        if blotter.open_with(client_id) not in (None, order):
            raise bad(-2038, "Duplicate order sent.")
        execution_id = venue.matcher.amend(order, quantity, client_id, now_us)
        answer = {
            "transactTime": milliseconds(now_us),
            "executionId": execution_id,
            "amendedOrder": amended_view(order, original),
        }
        if order.order_list is not None:
            answer["listStatus"] = amended_list_view(order.order_list)
        venue.settle(now_us)
        return answer

    def _open_order(self, venue: Venue, account: Account, params: Params) -> Order:
        try:
            return self._trading.find_open(account.blotter(venue.symbol.name), params)
        except Refusal as refusal:
            raise bad(-2038 if refusal.code == -2011 else refusal.code, refusal.msg) from None

    def amendments(self, params: Params, account: Account, now_us: int) -> Answer:
        """Answer GET order/amendments, as far as the replica knows."""
        blotter = account.blotter(self._venue_of(params).symbol.name)
        order_id, first, limit = params.integer("orderId"), params.integer("fromExecutionId"), params.limit(500, 1000)
        if order_id is None:
            raise missing("orderId")
        order, known = blotter.orders.get(order_id), self._replica.known_us(now_us)
        if order is None or order.history.at(known) is None:
            raise bad(-2013, "Order does not exist.")
        views = [view for view in order.amendments if view["time"] <= milliseconds(known)]
        return [view for view in views if first is None or view["executionId"] >= first][:limit]


def _told(refusal: Refusal) -> dict[str, Any]:
    return {"code": refusal.code, "msg": refusal.msg}


def _both(data: dict[str, Any]) -> Answer:
    done = [data["cancelResult"], data["newOrderResult"]].count("SUCCESS")
    if done == 2:
        return data
    if done == 1:
        raise Refusal(409, -2021, "Order cancel-replace partially failed.", data)
    raise Refusal(400, -2022, "Order cancel-replace failed.", data)


def _check_amendment(venue: Venue, order: Order, quantity: int) -> None:
    if not venue.symbol.amends:
        raise bad(-2038, "Order amend is not supported for this symbol.")
    if order.status == PENDING_NEW and order.order_list is not None and order.order_list.takes_proceeds:
        raise bad(-2038, "Order amend (pending OPO order) is not supported.")
    if quantity > order.quantity:
        raise bad(-2038, "Order amend (quantity increase) is not supported.")
    if quantity == order.quantity:
        raise bad(-2038, "The requested action would change no state; rejecting")
    check_quantity(venue.symbol, order.price, quantity)
    if len(order.amendments) >= venue.symbol.max_amendments:
        failure = filter_failure("MAX_NUM_ORDER_AMENDS")
        raise bad(-2038, failure.msg)
