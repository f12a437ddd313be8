"""The refusals of orders: placed, cancelled or amended; each says what the next step can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .api import ApiError
from .root import BinanceError, Outcome

if TYPE_CHECKING:
    from trio_binance.models import OrderStatusReport


class OrderRejected(ApiError):
    """The order was refused, mostly by the matching engine; nothing was executed."""

    advice = "the message says why"


class InsufficientBalance(OrderRejected):
    """The account lacks the funds."""

    advice = "less of it, or more funds"


class DuplicateOrder(OrderRejected):
    """An *open* order has this client order id. Query it: your order may well be the one that is open."""

    outcome = Outcome.UNKNOWN
    advice = "query the order by its client id; do not send it again"


class MarketClosed(OrderRejected):
    """The symbol does not trade at the moment, or takes no order of this kind in its present phase."""

    advice = "wait until exchange_info says that the symbol trades"


class WouldMatch(OrderRejected):
    """An order that was to make only would have matched at once, and taken."""

    advice = "price it further from the other side of the book"


class WouldTrigger(OrderRejected):
    """The price has reached the order's stop price already: it would trigger at once."""

    advice = "move the stop price, or place what it was to trigger"


class NoLiquidity(OrderRejected):
    """The book holds less than the least that may be traded, or too little to peg a price to."""

    advice = "wait for the book to fill, or place a limit order"


class InvalidOrder(OrderRejected):
    """The order contradicts itself, or the ids name no one order."""

    advice = "change the order: sent again as it is, it will be refused again"


class NotSupported(OrderRejected):
    """The symbol does not take orders (or changes of orders) of this kind."""

    advice = "use another kind of order; exchange_info tells what the symbol takes"


class NotPermitted(OrderRejected):
    """The account may not do this: not at all, not with this symbol, or not through this API."""

    advice = "look at the account's permissions; trying again will not help"


class CancelRejected(OrderRejected):
    """The order was not cancelled."""

    advice = "query the order to learn where it stands"


class NothingToCancel(CancelRejected):
    """No such order is open: filled, cancelled or never placed.

    ``order`` is the order as it was found to have ended, ``None`` where that could not be told: query it then.
    """

    order: OrderStatusReport | None = None

    def _words(self) -> str:
        ended = f" [order {self.order.order_id} is {self.order.status}]" if self.order is not None else ""
        return f"{super()._words()}{ended}"


class CancelRestricted(CancelRejected):
    """The order is open, but not in the state that ``cancel_restrictions`` asks for."""

    advice = "it lives: cancel it without the restriction, or leave it"


class AmendRejected(OrderRejected):
    """The amendment was refused: the order stands as it did, or is no longer open."""

    advice = "query the order; cancel it and place another where an amendment cannot be"


class TooManyAmends(AmendRejected):
    """The order was amended as often as an order of this symbol may be (``MAX_NUM_ORDER_AMENDS``)."""

    advice = "cancel it and place another"


class NothingToAmend(AmendRejected):
    """The order already is as asked for: after a lost answer, the sign that the amendment took effect."""

    advice = "query the order to be sure; there is nothing to change"


class OrderUnresolved(BinanceError):
    """It is not known what became of a request, for a witness was missing: it may stand. ``evidence`` says all.

    Look at the order by its client id, or wait with ``bx.trading.wait_resolved(error)``; do not send it again.
    """

    outcome = Outcome.UNKNOWN

    def __init__(
        self, reason: str, *, client_order_id: str | None = None, evidence: str = "", intent_id: str = ""
    ) -> None:
        super().__init__(f"what became of it is not known yet: {reason}")
        self.reason = reason
        self.client_order_id = client_order_id
        self.evidence = evidence
        self.intent_id = intent_id


class OrderAbsent(BinanceError):
    """The answer was lost, and the request had no effect, nor can it have any more; ``evidence`` says why.

    It may be sent anew, under another client id.
    """

    outcome = Outcome.REJECTED

    def __init__(self, *, client_order_id: str | None = None, evidence: str = "") -> None:
        super().__init__("the answer was lost, and it had no effect, as three witnesses agree")
        self.client_order_id = client_order_id
        self.evidence = evidence
