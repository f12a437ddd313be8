"""Order lists: orders whose fates hang together, and what becomes of the others when something happens to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, final

import attrs

from .orders import FILLED, NEW
from .refusals import Refusal, rejected
from .replica import History

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from .accounts import Account
    from .funds import Funds
    from .orders import Fill, Order
    from .reports import Reports

EXECUTING = "EXECUTING"
ALL_DONE = "ALL_DONE"


@final
@attrs.define(eq=False)
class OrderList:
    """An OCO, OTO, OTOCO, OPO or OPOCO of an account. It is done when none of its orders is open any more."""

    id: int
    account: Account
    symbol: str
    contingency: str
    """OCO, or OTO for every list with a working order."""
    client_id: str
    orders: tuple[Order, ...]
    pair: tuple[Order, ...] = ()
    """The two orders of which one ends the other, as long as neither has begun to trade."""
    working: Order | None = None
    takes_proceeds: bool = False
    """Whether the pending orders sell what the working one received (OPO)."""
    received: int = 0
    commission: int = 0
    """What the working order of an OPO received and paid of it."""
    updated_us: int = 0
    status: str = EXECUTING
    history: History[dict[str, Any]] = attrs.field(factory=History)
    """The list as queries show it: what a replica reads."""

    @property
    def pending(self) -> tuple[Order, ...]:
        """The orders that enter the book after the working one."""
        return tuple(order for order in self.orders if order is not self.working) if self.working else ()

    def partner(self, order: Order) -> Order | None:
        """Return the open order that ends with ``order``, or that ``order`` ends."""
        if order not in self.pair:
            return None
        return next((other for other in self.pair if other is not order and other.is_open), None)


def check_relations(pair: tuple[Order, ...], last_price: int) -> None:
    """Check that the market lies between the two orders of a pair, the stop loss first (New order list, OCO).

    Raises:
        Refusal: -2010.
    """
    stop, goal = pair
    sign = -1 if stop.buys else 1
    aim = goal.stop_price if goal.kind == "TAKE_PROFIT" else goal.price
    too_near = aim and aim * sign <= last_price * sign
    if too_near or (stop.stop_price and stop.stop_price * sign >= last_price * sign):
        raise rejected("The relationship of the prices for the orders is not correct.")


class Engine(Protocol):
    """What order lists ask of the matching engine."""

    def expire(self, order: Order, reason: str, now_us: int) -> None:
        """End an open order for the exchange's own reasons."""

    def start(self, order: Order, now_us: int) -> None:
        """Let an order that was pending work, or wait for its trigger."""

    def refuse(self, order: Order, refusal: Refusal, now_us: int) -> None:
        """End an order that may not enter the book."""

    def recheck(self, order: Order, now_us: int) -> None:
        """Raise the refusal of an order that may not enter the book now."""


@final
class Lists:
    """Keeps the order lists of one symbol together."""

    def __init__(
        self,
        engine: Engine,
        funds: Funds,
        reports: Reports,
        due: deque[Order | OrderList],
        last_price: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._funds = funds
        self._reports = reports
        self._due = due
        self._last_price = last_price

    def before_work(self, order: Order, now_us: int) -> None:
        """End the other order of the pair: this one starts to trade. Its locked funds pass over."""
        kept = order.order_list
        partner = None if kept is None else kept.partner(order)
        if kept is not None and partner is not None:
            kept.pair = ()
            order.locked, partner.locked = order.locked + partner.locked, 0
            self._engine.expire(partner, "OCO_TRIGGER", now_us)

    def after_fill(self, order: Order, fill: Fill) -> None:
        """Lock what the working order of an OPO received, for the orders that will sell it."""
        kept = order.order_list
        if kept is None or order is not kept.working or not kept.takes_proceeds:
            return
        fee = self._funds.in_base(fill.fee_of(order))
        kept.received += fill.quantity
        kept.commission += fee
        self._funds.lock_more(kept.pending[0], fill.quantity - fee)

    def after_end(self, order: Order, now_us: int) -> None:
        """Draw the consequences of an order that has ended for the rest of its list."""
        kept = order.order_list
        if kept is None or kept.status == ALL_DONE:
            return
        if order is kept.working:
            if order.status == FILLED:
                self._due.append(kept)
                return
            kept.pair = ()
            for pending in kept.pending:
                if pending.is_open:
                    self._engine.expire(pending, "OTO_PHASE_ONE_EXPIRED", now_us)
        partner = kept.partner(order)
        if partner is not None:
            self._engine.expire(partner, "OCO_TRIGGER", now_us)
        self.conclude(kept, now_us)

    def conclude(self, kept: OrderList, now_us: int) -> None:
        """Call a list done, and say so, when none of its orders is open."""
        if kept.status != ALL_DONE and not any(order.is_open for order in kept.orders):
            kept.status = ALL_DONE
            kept.account.open_lists.pop(kept.id, None)
            self._reports.listed(kept, "ALL_DONE", now_us)

    def activate(self, kept: OrderList, now_us: int) -> None:
        """Let the pending orders in: their working order is filled.

        "OPO": the funds received are theirs. Whoever may not enter the book expires, and its partner with it.
        """
        pending = kept.pending
        if kept.takes_proceeds:
            self._hand_over(kept, pending)
        if not self._admits(kept, pending, now_us):
            return
        if not kept.takes_proceeds:
            self._funds.lock(*pending)
        kept.updated_us = now_us
        for order in pending:
            order.status = NEW
        self._reports.listed(kept, "EXEC_STARTED", now_us)
        for order in pending:
            self._engine.start(order, now_us)

    def _admits(self, kept: OrderList, pending: tuple[Order, ...], now_us: int) -> bool:
        """Return whether all pending orders may enter; the first that may not is refused."""
        for order in pending:
            try:
                self._engine.recheck(order, now_us)
                if kept.pair and order is pending[-1]:
                    check_relations(kept.pair, self._last_price())
            except Refusal as refusal:
                self._engine.refuse(order, refusal, now_us)
                return False
        return True

    def _hand_over(self, kept: OrderList, pending: tuple[Order, ...]) -> None:
        """Give the pending orders the quantity that was received, in whole steps, and lock just that."""
        holder = pending[0]
        quantity = self._funds.proceeds(kept)
        for order in pending:
            order.quantity = self._funds.in_steps(order, quantity)
        self._funds.lock_more(holder, max(order.quantity for order in pending) - holder.locked)
