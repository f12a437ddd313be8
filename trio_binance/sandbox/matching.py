"""Matching: price-time priority, order types, self-trade prevention, triggers, and the settlement of each fill."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from .numbers import cost
from .orderlists import Lists, OrderList
from .orders import (
    CANCELED,
    EXPIRED,
    FILLED,
    PENDING_NEW,
    PRICELESS,
    REJECTED,
    WAITING,
    WORKING,
    Fill,
    Order,
)
from .pegs import pegged_price
from .prevention import BLOCKING, Prevention, is_self_trade
from .refusals import REJECT_REASONS, Refusal
from .stops import Stops

if TYPE_CHECKING:
    from collections.abc import Callable

    from .book import Book
    from .funds import Funds
    from .orders import PreventedMatch
    from .reports import Reports
    from .tape import Tape

Outcome: TypeAlias = "tuple[list[Fill], list[PreventedMatch]]"
Range: TypeAlias = tuple[int, int] | None


class Matcher:
    """The matching engine of one symbol; it decides nothing but what happens to orders that were let in.

    What an event sets off (stops that are reached, lists whose working order is filled) waits in a queue until
    ``run_due``: the answer to a request tells only of the request.
    """

    def __init__(
        self,
        book: Book,
        tape: Tape,
        reports: Reports,
        funds: Funds,
        on_trade: Callable[[int], None],
        recheck: Callable[[Order, int], None],
        range_of: Callable[[Order, int], Range],
    ) -> None:
        self._book = book
        self._tape = tape
        self._reports = reports
        self.funds = funds
        self._on_trade = on_trade
        self._recheck = recheck
        self._range_of = range_of
        self._due: deque[Order | OrderList] = deque()
        self.stops: Stops = Stops(self._due)
        self.lists: Lists = Lists(self, funds, reports, self._due, tape.last_price)
        self.prevention: Prevention = Prevention(book, funds, reports, self.lists)
        self._order_id = 0

    # ------------------------------------------------------------------------------------------------ the verbs

    def submit(self, order: Order, now_us: int, work: Callable[[Order, int], Outcome] | None = None) -> Outcome:
        """Take an order in, match it, and rest, fill or expire what is left. The account can pay for it.

        ``work`` matches and finishes it elsewhere: smart order routing.
        """
        self._accept(order, now_us)
        self.funds.lock(order)
        self._reports.accepted(order, now_us)
        return self._enter(order, now_us) if work is None else work(order, now_us)

    def submit_list(self, kept: OrderList, now_us: int) -> dict[int, Outcome]:
        """Take the orders of a list in and return by order id what each of those that work at once brought about."""
        for order in kept.orders:
            if order in kept.pending:
                order.status = PENDING_NEW
            self._accept(order, now_us)
        kept.updated_us = now_us
        self.funds.lock(*((kept.working,) if kept.working else kept.pair))
        for order in kept.orders:
            self._reports.accepted(order, now_us)
        kept.account.lists[kept.id] = kept.account.open_lists[kept.id] = kept
        self._reports.listed(kept, "EXEC_STARTED", now_us)
        return {order.id: self._enter(order, now_us) for order in kept.orders}

    def _accept(self, order: Order, now_us: int) -> None:
        """Number an order and say in which phase of its life it is."""
        self._order_id += 1
        order.id = self._order_id
        order.created_us = order.updated_us = now_us
        if order.status == PENDING_NEW:
            return
        if order.is_contingent:
            self._wait(order, now_us)
        else:
            order.phase, order.working_us = WORKING, now_us

    def _enter(self, order: Order, now_us: int) -> Outcome:
        """Let an accepted order match and rest, if it works already."""
        return self._work(order, now_us) if order.phase == WORKING else ([], [])

    def _wait(self, order: Order, now_us: int) -> None:
        order.phase = WAITING
        self.stops.add(order, self._tape.last_price(), now_us)

    def cancel(self, order: Order, cancel_id: str, now_us: int) -> None:
        """Take an open order away on its owner's wish."""
        self._take_off(order)
        order.status = CANCELED
        self.funds.release(order)
        self._reports.canceled(order, cancel_id, now_us)

    def cancel_list(self, kept: OrderList, cancel_id: str, now_us: int) -> list[Order]:
        """Take all open orders of a list away on their owner's wish, and return them."""
        orders = [order for order in kept.orders if order.is_open]
        for order in orders:
            self.cancel(order, cancel_id, now_us)
        kept.updated_us = now_us
        self.lists.conclude(kept, now_us)
        return orders

    def amend(self, order: Order, quantity: int, client_id: str, now_us: int) -> int:
        """Make an open order smaller where it stands in its queue, and return the execution id.

        An order that was filled beyond its new quantity already has nothing left and expires. The other order of a
        pair becomes as small.
        """
        partner = None if order.order_list is None else order.order_list.partner(order)
        renamed = client_id != order.client_id
        execution_id = self._resize(order, quantity, client_id, now_us)
        if partner is not None and partner.is_open:
            self._resize(partner, quantity, partner.client_id, now_us)
        self._settle_amendment(order, partner, now_us, renamed=renamed)
        return execution_id

    def _resize(self, order: Order, quantity: int, client_id: str, now_us: int) -> int:
        before, original = order.quantity, order.client_id
        order.quantity = max(quantity, order.executed + order.prevented)
        order.client_id = client_id
        if order.remaining == 0:
            order.status = EXPIRED
        if order.phase == WORKING:
            self._book.amend(order, before - order.quantity)
        return self._reports.replaced(order, original, before, now_us)

    def _settle_amendment(self, order: Order, partner: Order | None, now_us: int, *, renamed: bool) -> None:
        """Give back what the smaller orders lock no more; pending orders lock nothing yet."""
        if order.status == EXPIRED:
            self.funds.release(order)
        elif order.status != PENDING_NEW:
            holder, other = (order, partner) if partner is None or order.locked else (partner, order)
            self.funds.lock(*(holder,) if other is None else (holder, other))
        if order.order_list is not None:
            if renamed:
                # "If the client order ID has changed": List status type UPDATED (Order amend keep priority).
                self._reports.listed(order.order_list, "UPDATED", now_us)
            if not order.is_open:
                self.lists.after_end(order, now_us)

    def reject(self, order: Order, refusal: Refusal, now_us: int) -> None:
        """Tell the owner of an order that it was not accepted."""
        self._order_id += 1
        order.id, order.created_us, order.status = self._order_id, now_us, REJECTED
        order.reject_reason = REJECT_REASONS.get(refusal.msg, "NONE")
        self._reports.rejected(order, now_us)

    def expire(self, order: Order, reason: str, now_us: int) -> None:
        """Take an open order away for the exchange's own reasons."""
        self._take_off(order)
        self._end(order, EXPIRED, reason, now_us)

    def run_due(self, now_us: int) -> None:
        """Let everything happen that events have set off, and what that sets off in turn."""
        while self._due:
            due = self._due.popleft()
            if isinstance(due, OrderList):
                self.lists.activate(due, now_us)
            elif due.is_open:
                self._trigger(due, now_us)

    def fillable(self, order: Order, now_us: int) -> int:
        """Return how much of the order could be filled at once, leaving out what self-trade prevention would stop."""
        left, bounds = order.remaining, self._range_of(order, now_us)
        for price, level in self._book.facing_levels(order):
            if left == 0 or (bounds is not None and not bounds[0] <= price <= bounds[1]):
                break
            queue = level.queue.values()
            blocked = order.stp in BLOCKING and any(is_self_trade(order, maker) for maker in queue)
            for maker in queue:
                if not is_self_trade(order, maker):
                    # The hidden part of an iceberg comes after the order that blocks.
                    left -= min(left, maker.shown if blocked else maker.remaining)
                elif blocked:
                    return order.remaining - left
        return order.remaining - left

    # ------------------------------------------------------------------------------------- what orders wait for

    def _trigger(self, order: Order, now_us: int) -> None:
        """Let a contingent order work: its trigger was reached."""
        self.lists.before_work(order, now_us)
        order.estimate = 0
        self._admit(order, now_us)

    def start(self, order: Order, now_us: int) -> None:
        """Let an order that was pending work, or wait for its trigger."""
        if order.is_contingent:
            self._wait(order, now_us)
            self._reports.activated(order, now_us)
        else:
            self._admit(order, now_us)

    def _admit(self, order: Order, now_us: int) -> None:
        """Let a late order into the book, if price, filters and funds still allow it."""
        try:
            self.recheck(order, now_us)
        except Refusal as refusal:
            self.refuse(order, refusal, now_us)
            return
        if _is_alone(order):
            self.funds.lock(order)
        order.phase, order.working_us = WORKING, now_us
        self._reports.activated(order, now_us)
        self._work(order, now_us)

    def recheck(self, order: Order, now_us: int) -> None:
        """Raise the refusal of an order that may not enter the book now; a pegged one gets its price."""
        if order.peg is not None and (order.phase == WAITING or not order.is_contingent):
            order.price = pegged_price(self._book, order)
        self._recheck(order, now_us)

    def refuse(self, order: Order, refusal: Refusal, now_us: int) -> None:
        """End an order that may not enter the book."""
        order.reject_reason = REJECT_REASONS.get(refusal.msg, "NONE")
        self.expire(order, "REJECTED", now_us)

    def _take_off(self, order: Order) -> None:
        """Take an order from where it is: the book, the waiting, or an order list that has not begun."""
        if order.phase == WORKING:
            self._book.remove(order)
        else:
            self.stops.remove(order)

    # ------------------------------------------------------------------------------------------------- the loop

    def _work(self, order: Order, now_us: int) -> Outcome:
        fills: list[Fill] = []
        prevented: list[PreventedMatch] = []
        # "Fill or kill": all at once or nothing at all.
        if order.tif != "FOK" or self.fillable(order, now_us) >= order.remaining:
            self._match(order, now_us, fills, prevented)
        self.finish(order, now_us)
        return fills, prevented

    def _match(self, taker: Order, now_us: int, fills: list[Fill], prevented: list[PreventedMatch]) -> None:
        book = self._book
        price = book.best_against(taker)
        # "Price range": the limits are those of the moment when the order begins to take.
        bounds = None if price is None or not taker.crosses(price) else self._range_of(taker, now_us)
        while taker.remaining and taker.is_open:
            price = book.best_against(taker)
            if price is None or not taker.crosses(price):
                return
            if bounds is not None and not bounds[0] <= price <= bounds[1]:
                self._end(taker, EXPIRED, "EXECUTION_RULE_PRICE_RANGE_EXCEEDED", now_us)
                return
            maker = book.first_at(price, taker)
            quantity = min(taker.remaining, maker.shown)
            prevents = is_self_trade(taker, maker)
            if (not prevents or taker.stp == "TRANSFER") and not self.funds.affordable(taker, price, quantity):
                return
            if prevents:
                prevented.append(self.prevention.stop(taker, maker, now_us))
            else:
                fills.append(self._fill(taker, maker, quantity, now_us))

    def _fill(self, taker: Order, maker: Order, quantity: int, now_us: int) -> Fill:
        price, funds = maker.price, self.funds
        quote = cost(price, quantity)
        for order in (maker, taker):
            if order.order_list is not None:
                self.lists.before_work(order, now_us)
        buyer, seller = (taker, maker) if taker.buys else (maker, taker)
        trade_id = self._tape.add(
            now_us, price, quantity, quote, buyer=buyer.id, seller=seller.id, buyer_is_maker=buyer is maker
        )
        taker_fee = funds.pay(taker, quantity, quote, maker=False)
        maker_fee = funds.pay(maker, quantity, quote, maker=True)
        fill = Fill(trade_id, price, quantity, quote, taker, maker, taker_fee, maker_fee)
        self._book.shrink(maker, quantity)
        self._on_trade(trade_id)
        for order in (taker, maker):
            self.settle_fill(order, fill, now_us)
        if self.stops.waiting:
            for began in self.stops.on_price(price, now_us):
                self._reports.noted(began, now_us)
        return fill

    def settle_fill(self, order: Order, fill: Fill, now_us: int) -> None:
        """Draw the consequences of a fill that was paid: funds, reports, and the rest of a list."""
        if order.status == FILLED or order is fill.maker:
            self.funds.release_excess(order)
        self._reports.filled(order, fill, now_us)
        if order.order_list is not None:
            self.lists.after_fill(order, fill)
            if order.status == FILLED:
                self.lists.after_end(order, now_us)

    def finish(self, order: Order, now_us: int) -> None:
        """Rest what a GTC order has left after its match, expire what any other has left."""
        if not order.is_open:
            return
        if order.kind in PRICELESS:
            self._end(order, EXPIRED, "INSUFFICIENT_LIQUIDITY", now_us)
        elif order.tif == "IOC":
            self._end(order, EXPIRED, "UNFILLED_IOC_QUANTITY_EXPIRED", now_us)
        elif order.tif == "FOK":
            self._end(order, EXPIRED, "UNFILLED_FOK_ORDER_EXPIRED", now_us)
        else:
            self.rest(order)

    def rest(self, order: Order) -> None:
        """Put what is left of an order on the book."""
        if _is_alone(order):
            self.funds.release_excess(order)
        self._book.rest(order)

    def _end(self, order: Order, status: str, reason: str, now_us: int) -> None:
        order.status = status
        order.expiry_reason = reason
        self.funds.release(order)
        self._reports.ended(order, now_us)
        if order.order_list is not None:
            self.lists.after_end(order, now_us)


def _is_alone(order: Order) -> bool:
    """Return whether an order locks its own funds: no partner shares them."""
    return order.order_list is None or order.order_list.partner(order) is None
