"""Matching: price-time priority, order types, self-trade prevention, and the settlement of each fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .numbers import SCALE, cost
from .orders import CANCELED, EXPIRED, EXPIRED_IN_MATCH, FILLED, PARTIALLY_FILLED, Fill, PreventedMatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from .book import Book
    from .orders import Order
    from .reports import Reports
    from .symbols import Symbol
    from .tape import Tape


class Matcher:
    """The matching engine of one symbol; it decides nothing but what happens to orders that were let in."""

    def __init__(
        self,
        symbol: Symbol,
        book: Book,
        tape: Tape,
        reports: Reports,
        fees: dict[str, int],
        on_trade: Callable[[int], None],
    ) -> None:
        self._base = symbol.base
        self._quote = symbol.quote
        self._book = book
        self._tape = tape
        self._reports = reports
        self._fees = fees
        self._on_trade = on_trade
        self._order_id = 0
        self._prevented_id = -1

    # ------------------------------------------------------------------------------------------------ the verbs

    def submit(self, order: Order, now_us: int) -> tuple[list[Fill], list[PreventedMatch]]:
        """Take an order in, match it, and rest, fill or expire what is left. The account can pay for it."""
        self._order_id += 1
        order.id = self._order_id
        order.created_us = order.updated_us = now_us
        self._lock(order)
        self._reports.accepted(order, now_us)
        fills: list[Fill] = []
        prevented: list[PreventedMatch] = []
        # "Fill or kill": all at once or nothing at all.
        if order.tif != "FOK" or self.fillable(order) >= order.quantity:
            self._match(order, now_us, fills, prevented)
        if order.is_open:
            self._settle_rest(order, now_us)
        return fills, prevented

    def cancel(self, order: Order, cancel_id: str, now_us: int) -> None:
        """Take an open order off the book on its owner's wish."""
        self._book.remove(order)
        order.status = CANCELED
        self._release(order)
        self._reports.canceled(order, cancel_id, now_us)

    def amend(self, order: Order, quantity: int, client_id: str, now_us: int) -> int:
        """Make an open order smaller where it stands in its queue, and return the execution id.

        An order that was filled beyond its new quantity already has nothing left and expires.
        """
        before, original = order.quantity, order.client_id
        order.quantity = max(quantity, order.executed + order.prevented)
        order.client_id = client_id
        if order.remaining == 0:
            order.status = EXPIRED
        self._book.shrink(order, before - order.quantity)
        self._release_excess(order)
        return self._reports.replaced(order, original, before, now_us)

    def expire(self, order: Order, reason: str, now_us: int) -> None:
        """Take an open order off the book for the exchange's own reasons."""
        self._book.remove(order)
        self._end(order, EXPIRED, reason, now_us)

    def fillable(self, order: Order) -> int:
        """Return how much of the order could be filled at once, leaving out what self-trade prevention would stop."""
        left = order.quantity
        for maker in self._book.facing(order):
            if maker.account is not order.account or order.stp == "NONE":
                left -= min(left, maker.remaining)
            elif order.stp != "EXPIRE_MAKER":
                break
            if left == 0:
                break
        return order.quantity - left

    def price_of(self, order: Order) -> int:
        """Return what the order would pay or earn if it were matched now, in atoms of the quote asset."""
        left, quote = order.quantity, 0
        for maker in self._book.facing(order):
            quantity = min(left, maker.remaining)
            quote += cost(maker.price, quantity)
            left -= quantity
            if left == 0:
                break
        return quote

    # ------------------------------------------------------------------------------------------------- the loop

    def _match(self, taker: Order, now_us: int, fills: list[Fill], prevented: list[PreventedMatch]) -> None:
        book = self._book
        while taker.remaining and taker.is_open:
            price = book.best_against(taker)
            if price is None or not taker.crosses(price):
                return
            maker = book.first_at(price, taker)
            if maker.account is taker.account and taker.stp != "NONE":
                prevented.append(self._prevent(taker, maker, now_us))
                continue
            quantity = min(taker.remaining, maker.remaining)
            if taker.buys and cost(price, quantity) > taker.locked:
                return
            fills.append(self._fill(taker, maker, quantity, now_us))

    def _fill(self, taker: Order, maker: Order, quantity: int, now_us: int) -> Fill:
        price = maker.price
        quote = cost(price, quantity)
        buyer, seller = (taker, maker) if taker.buys else (maker, taker)
        trade_id = self._tape.add(
            now_us, price, quantity, quote, buyer=buyer.id, seller=seller.id, buyer_is_maker=buyer is maker
        )
        taker_fee = self._pay(taker, taker.account.taker_rate, quantity, quote)
        maker_fee = self._pay(maker, maker.account.maker_rate, quantity, quote)
        fill = Fill(trade_id, price, quantity, quote, taker, maker, taker_fee, maker_fee)
        self._book.shrink(maker, quantity)
        self._on_trade(trade_id)
        for order in (taker, maker):
            if order.status == FILLED or order is maker:
                self._release_excess(order)
            self._reports.filled(order, fill, now_us)
        return fill

    def _pay(self, order: Order, rate: int, quantity: int, quote: int) -> tuple[int, str]:
        """Move one party's money for a fill and return its commission, taken from the asset received (Commission)."""
        account = order.account
        base_balance, quote_balance = account.balance(self._base), account.balance(self._quote)
        order.executed += quantity
        order.spent += quote
        order.status = PARTIALLY_FILLED if order.remaining else FILLED
        if order.buys:
            fee = quantity * rate // SCALE
            order.locked -= quote
            quote_balance.locked -= quote
            base_balance.free += quantity - fee
            asset = self._base
        else:
            fee = quote * rate // SCALE
            order.locked -= quantity
            base_balance.locked -= quantity
            quote_balance.free += quote - fee
            asset = self._quote
        if fee:
            self._fees[asset] = self._fees.get(asset, 0) + fee
        return fee, asset

    def _settle_rest(self, order: Order, now_us: int) -> None:
        """Rest what a GTC order has left, expire what any other has left."""
        if order.kind == "MARKET":
            self._end(order, EXPIRED, "INSUFFICIENT_LIQUIDITY", now_us)
        elif order.tif == "IOC":
            self._end(order, EXPIRED, "UNFILLED_IOC_QUANTITY_EXPIRED", now_us)
        elif order.tif == "FOK":
            self._end(order, EXPIRED, "UNFILLED_FOK_ORDER_EXPIRED", now_us)
        else:
            self._release_excess(order)
            self._book.rest(order)

    def _end(self, order: Order, status: str, reason: str, now_us: int) -> None:
        order.status = status
        order.expiry_reason = reason
        self._release(order)
        self._reports.ended(order, now_us)

    # ------------------------------------------------------------------------------------ self-trade prevention

    def _prevent(self, taker: Order, maker: Order, now_us: int) -> PreventedMatch:
        """Stop a match of an account with itself, by the taker's mode (Self-trade prevention FAQ)."""
        self._prevented_id += 1
        both = min(taker.remaining, maker.remaining)
        losses = {
            "EXPIRE_TAKER": (taker.remaining, 0),
            "EXPIRE_MAKER": (0, maker.remaining),
            "EXPIRE_BOTH": (taker.remaining, maker.remaining),
            "DECREMENT": (both, both),
        }
        of_taker, of_maker = losses[taker.stp]
        match = PreventedMatch(self._prevented_id, taker.stp, maker.price, taker, maker, of_taker, of_maker)
        if of_maker:
            self._take_away(maker, of_maker, match)
            self._book.shrink(maker, of_maker)
            self._reports.prevented(maker, match, now_us)
        if of_taker:
            self._take_away(taker, of_taker, match)
            self._reports.prevented(taker, match, now_us)
        return match

    def _take_away(self, order: Order, quantity: int, match: PreventedMatch) -> None:
        order.prevented += quantity
        order.prevented_match_id = match.id
        if order.remaining == 0:
            order.status = EXPIRED_IN_MATCH
            self._release(order)
        elif order is match.maker:
            self._release_excess(order)

    # --------------------------------------------------------------------------------------------- locked funds

    def _lock(self, order: Order) -> None:
        """Lock what the order may cost: the base asset of a SELL, price times quantity of a BUY.

        A MARKET BUY has no price: it may use all that is free, and gives back the rest at its end.
        """
        balance = order.account.balance(self._quote if order.buys else self._base)
        if not order.buys:
            amount = order.quantity
        else:
            amount = cost(order.price, order.quantity) if order.price else balance.free
        balance.free -= amount
        balance.locked += amount
        order.locked = amount

    def _release_excess(self, order: Order) -> None:
        """Give back what better prices saved: a LIMIT locks what its rest can cost, a filled MARKET order nothing."""
        if order.price:
            needed = cost(order.price, order.remaining) if order.buys else order.remaining
            self._unlock(order, order.locked - needed)
        else:
            self._release(order)

    def _release(self, order: Order) -> None:
        self._unlock(order, order.locked)

    def _unlock(self, order: Order, amount: int) -> None:
        if amount:
            balance = order.account.balance(self._quote if order.buys else self._base)
            balance.locked -= amount
            balance.free += amount
            order.locked -= amount
