"""Prevention: which matches of an account with itself are stopped, and what each of the two orders loses."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .orders import EXPIRED_IN_MATCH, PreventedMatch

if TYPE_CHECKING:
    from .book import Book
    from .funds import Funds
    from .orderlists import Lists
    from .orders import Order
    from .reports import Reports

BLOCKING = frozenset({"EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"})
"""The modes in which a taker loses something at an order of its own."""


def is_self_trade(taker: Order, maker: Order) -> bool:
    """Return whether a match has to be prevented: one account, or two of a trade group, and a mode that cares."""
    one, other = taker.account, maker.account
    return taker.stp != "NONE" and (one is other or (one.trade_group == other.trade_group != -1))


def effective_mode(taker: Order, maker: Order) -> str:
    """Return the mode of a prevented match: the taker's, but TRANSFER needs both and is DECREMENT else (STP FAQ)."""
    if taker.stp == "TRANSFER" and (maker.stp != "TRANSFER" or maker.symbol != taker.symbol):
        return "DECREMENT"
    return taker.stp


def losses(mode: str, taker: Order, maker: Order) -> tuple[int, int]:
    """Return how much of the taker and of the maker a prevented match takes away."""
    both = min(taker.remaining, maker.remaining)
    return {
        "EXPIRE_TAKER": (taker.remaining, 0),
        "EXPIRE_MAKER": (0, maker.remaining),
        "EXPIRE_BOTH": (taker.remaining, maker.remaining),
        "DECREMENT": (both, both),
        "TRANSFER": (both, both),
    }[mode]


@final
class Prevention:
    """Stops the self-trades of one symbol (Self-trade prevention FAQ)."""

    def __init__(self, book: Book, funds: Funds, reports: Reports, lists: Lists) -> None:
        self._book = book
        self._funds = funds
        self._reports = reports
        self._lists = lists
        self._next_id = 0

    def stop(self, taker: Order, maker: Order, now_us: int, makers: Prevention | None = None) -> PreventedMatch:
        """Take away from the two orders what their effective mode demands; they do not trade.

        ``makers`` looks after the maker when it stands in the book of another symbol (smart order routing).
        """
        mode = effective_mode(taker, maker)
        of_taker, of_maker = losses(mode, taker, maker)
        match = PreventedMatch(self._next_id, mode, maker.price, taker, maker, of_taker, of_maker)
        self._next_id += 1
        sides = ((maker, of_maker, makers or self), (taker, of_taker, self))
        for order, lost, keeper in sides:
            if lost:
                keeper._lists.before_work(order, now_us)
        if mode == "TRANSFER" and taker.account is not maker.account:
            buyer, seller = (taker, maker) if taker.buys else (maker, taker)
            self._funds.transfer(buyer, seller, of_taker, maker.price)
        for order, lost, keeper in sides:
            if lost:
                keeper._take_away(order, lost, match)
                keeper._reports.prevented(order, match, now_us)
        self._reports.recorded(match, now_us)
        for order, lost, keeper in sides:
            if lost and not order.is_open:
                keeper._lists.after_end(order, now_us)
        return match

    def _take_away(self, order: Order, quantity: int, match: PreventedMatch) -> None:
        order.prevented += quantity
        order.prevented_match_id = match.id
        if order.remaining == 0:
            order.status = EXPIRED_IN_MATCH
            self._funds.release(order)
        if order is match.maker:
            self._book.shrink(order, quantity)
            if order.is_open:
                self._funds.release_excess(order)
