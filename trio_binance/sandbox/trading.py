"""Trading: the requests that change orders, answered by the matching engine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .numbers import SCALE, milliseconds, text
from .params import Params
from .placing import check_engine, draft, response_type
from .refusals import bad, not_cancelled, one_of
from .reports import conditional_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from .accounts import Account, Blotter
    from .orders import Fill, Order, PreventedMatch
    from .venue import Venue

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Answer = Any


def commission_rates(account: Account) -> dict[str, str]:
    """Return the account's standard commission for an order."""
    return {"maker": text(account.maker_rate), "taker": text(account.taker_rate)}


NO_RATES = {"maker": text(0), "taker": text(0)}
DISCOUNT = {"enabledForAccount": False, "enabledForSymbol": True, "discountAsset": "BNB", "discount": text(SCALE // 4)}


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
        answer_type = response_type(order.kind, params)
        check_engine(venue, order)
        return self.submit(venue, order, answer_type, now_us)

    def submit(self, venue: Venue, order: Order, answer_type: str, now_us: int) -> dict[str, Any]:
        """Hand an order that passed every check to the matching engine."""
        order.client_id = order.client_id or self.random_id()
        order.account.count_order(now_us)
        fills, prevented = venue.matcher.submit(order, now_us)
        venue.settle(now_us)
        return placed_view(order, answer_type, fills, prevented)

    def test(self, params: Params, account: Account, now_us: int) -> Answer:
        """Check an order as far as the API does; the matching engine never hears of it."""
        order = draft(self._venue_of(params), account, params, now_us)
        response_type(order.kind, params)
        if not params.flag("computeCommissionRates", default=False):
            return {}
        return {
            "standardCommissionForOrder": commission_rates(account),
            "specialCommissionForOrder": NO_RATES,
            "taxCommissionForOrder": NO_RATES,
            "discount": DISCOUNT,
        }

    def cancel(self, params: Params, account: Account, now_us: int) -> Answer:
        """Cancel one order."""
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
        venue.matcher.cancel(order, cancel_id, now_us)
        venue.settle(now_us)
        return cancelled_view(order, cancel_id, now_us)

    def cancel_all(self, params: Params, account: Account, now_us: int) -> Answer:
        """Cancel every open order on a symbol; -2011 when there is none."""
        venue = self._venue_of(params)
        orders = list(account.blotter(venue.symbol.name).open.values())
        if not orders:
            raise not_cancelled()
        cancel_id = self.random_id()
        for order in orders:
            venue.matcher.cancel(order, cancel_id, now_us)
        venue.settle(now_us)
        return [cancelled_view(order, cancel_id, now_us) for order in orders]

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


def _fill_view(order: Order, fill: Fill) -> dict[str, Any]:
    fee, asset = fill.fee_of(order)
    return {
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "commission": text(fee),
        "commissionAsset": asset,
        "tradeId": fill.trade_id,
    }


_PREVENTED_TAKER = ("EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT")
_PREVENTED_MAKER = ("EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")


def _prevented_view(match: PreventedMatch) -> dict[str, Any]:
    view: dict[str, Any] = {
        "preventedMatchId": match.id,
        "makerOrderId": match.maker.id,
        "price": text(match.price),
    }
    if match.mode in _PREVENTED_TAKER:
        view["takerPreventedQuantity"] = text(match.taker_quantity)
    if match.mode in _PREVENTED_MAKER:
        view["makerPreventedQuantity"] = text(match.maker_quantity)
    return view


def placed_view(order: Order, answer_type: str, fills: list[Fill], prevented: list[PreventedMatch]) -> dict[str, Any]:
    """Return the answer to a new order: ACK, RESULT or FULL (New order, newOrderRespType)."""
    view: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": milliseconds(order.created_us),
    }
    if answer_type == "ACK":
        return view
    view |= _result_fields(order)
    view["workingTime"] = milliseconds(order.created_us)
    view["selfTradePreventionMode"] = order.stp
    if answer_type == "FULL":
        view["fills"] = [_fill_view(order, fill) for fill in fills]
        if prevented:
            view["preventedMatches"] = [_prevented_view(match) for match in prevented]
    return view | conditional_fields(order)


def _result_fields(order: Order) -> dict[str, Any]:
    return {
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": text(order.quote_quantity),
        "cummulativeQuoteQty": text(order.spent),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.kind,
        "side": order.side,
    }


def cancelled_view(order: Order, cancel_id: str, now_us: int) -> dict[str, Any]:
    """Return the answer to a cancel: ``clientOrderId`` is the cancel's own id (Cancel order)."""
    view: dict[str, Any] = {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": milliseconds(now_us),
        **_result_fields(order),
        "selfTradePreventionMode": order.stp,
    }
    return view | conditional_fields(order)
