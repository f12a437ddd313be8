"""Routing: smart order routing, the search of several books for an order's best price (SOR)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .admission import check_client_id, check_open
from .numbers import cost
from .orders import Fill, Order
from .placing import draft, order_response
from .prevention import is_self_trade
from .refusals import bad, rejected
from .trading import tested
from .views import placed_view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .accounts import Account
    from .matching import Outcome
    from .orders import PreventedMatch
    from .params import Params
    from .trading import Trading
    from .venue import Venue

Answer = Any


class Routing:
    """The requests that place and test orders with smart order routing.

    The order trades with no one's order: the exchange takes from the books what it wants and allots it to the order
    at the same price, in the quote asset of the order's own symbol.
    """

    def __init__(
        self,
        venue_of: Callable[[Params], Venue],
        groups: Mapping[str, tuple[Venue, ...]],
        trading: Trading,
        allocator: Account,
    ) -> None:
        self._venue_of = venue_of
        self._groups = groups
        self._trading = trading
        self._allocator = allocator
        self._next_id = 0
        self.operations: Mapping[str, Callable[[Params, Account, int], Answer]] = {
            "POST /api/v3/sor/order": self.place,
            "POST /api/v3/sor/order/test": self.test,
        }

    def place(self, params: Params, account: Account, now_us: int) -> Answer:
        """Place an order that may trade in every book of its group; what is left rests in its own."""
        venue, order, answer_type = self._read(params, account, now_us)
        check_open(venue, account)
        check_client_id(venue, order)
        group = self._group(venue)
        asset = venue.symbol.quote if order.buys else venue.symbol.base
        if self._needed(group, order) > account.balance(asset).free:
            raise rejected("Account has insufficient balance for requested action.")
        order.client_id = order.client_id or self._trading.random_id()
        order.floor = "SOR"

        def work(order: Order, now_us: int) -> Outcome:
            return self._work(venue, group, order, now_us)

        view = placed_view(order, answer_type, venue.matcher.submit(order, now_us, work))
        for each in group:
            each.settle(now_us)
        return view

    def test(self, params: Params, account: Account, now_us: int) -> Answer:
        """Check an order as far as the API does."""
        venue, order, _ = self._read(params, account, now_us)
        return tested(venue, order, params)

    def _read(self, params: Params, account: Account, now_us: int) -> tuple[Venue, Order, str]:
        venue = self._venue_of(params)
        if venue.symbol.name not in self._groups:
            # The documents name no message for a symbol that is in no entry of sors.
            raise bad(-1013, "This symbol does not support smart order routing.")
        if params.text("type") not in (None, "LIMIT", "MARKET"):
            raise bad(-1116, "Invalid orderType.")
        order = draft(venue, account, params, now_us)
        return venue, order, order_response(order.kind, params)

    def _group(self, venue: Venue) -> tuple[Venue, ...]:
        """Return the books to search, the order's own first: it wins when prices are equal."""
        return (venue, *(other for other in self._groups[venue.symbol.name] if other is not venue))

    # ------------------------------------------------------------------------------------------------- the search

    def _work(self, venue: Venue, group: tuple[Venue, ...], order: Order, now_us: int) -> Outcome:
        fills: list[Fill] = []
        prevented: list[PreventedMatch] = []
        if order.tif != "FOK" or self._fillable(group, order) >= order.remaining:
            while order.remaining and order.is_open:
                best = _best(group, order)
                if best is None or not self._take(venue, best, order, fills, prevented, now_us):
                    break
        if order.is_open:
            order.floor = "EXCHANGE"
        venue.matcher.finish(order, now_us)
        return fills, prevented

    def _take(
        self,
        venue: Venue,
        found: Venue,
        order: Order,
        fills: list[Fill],
        prevented: list[PreventedMatch],
        now_us: int,
    ) -> bool:
        """Take the best resting order of a book, and return whether to go on."""
        price = found.book.best_against(order)
        assert price is not None
        maker = found.book.first_at(price, order)
        if is_self_trade(order, maker):
            prevented.append(venue.matcher.prevention.stop(order, maker, now_us, found.matcher.prevention))
            return True
        quantity = min(order.remaining, maker.shown)
        if not venue.matcher.funds.affordable(order, price, quantity):
            return False
        taker = Order(self._allocator, found.symbol.name, order.side, "LIMIT", "IOC", quantity, price)
        found.matcher.submit(taker, now_us)
        if taker.executed:
            fills.append(self._allot(venue, order, price, taker.executed, now_us))
        return taker.executed > 0

    def _allot(self, venue: Venue, order: Order, price: int, quantity: int, now_us: int) -> Fill:
        matcher, quote = venue.matcher, cost(price, quantity)
        fee = matcher.funds.pay(order, quantity, quote, maker=False)
        matcher.funds.counter(self._allocator, order, quantity, quote)
        fill = Fill(-1, price, quantity, quote, order, None, fee, fee, self._next_id)
        self._next_id += 1
        matcher.settle_fill(order, fill, now_us)
        return fill

    @staticmethod
    def _fillable(group: tuple[Venue, ...], order: Order) -> int:
        return sum(maker.remaining for venue in group for maker in venue.book.facing(order))

    @staticmethod
    def _needed(group: tuple[Venue, ...], order: Order) -> int:
        """Return what the order may cost: a MARKET BUY takes the best of all books."""
        if not order.buys:
            return order.quantity
        if order.price:
            return cost(order.price, order.quantity)
        makers = sorted((maker for venue in group for maker in venue.book.facing(order)), key=lambda maker: maker.price)
        left, quote = order.quantity, 0
        for maker in makers:
            taken = min(left, maker.remaining)
            left, quote = left - taken, quote + cost(maker.price, taken)
        return quote


def _best(group: tuple[Venue, ...], order: Order) -> Venue | None:
    """Return the book with the best price that the order may trade at."""
    offers = [(venue, venue.book.best_against(order)) for venue in group if venue.status == "TRADING"]
    open_to = [(venue, price) for venue, price in offers if price is not None and order.crosses(price)]
    if not open_to:
        return None
    sign = 1 if order.buys else -1
    return min(open_to, key=lambda offer: offer[1] * sign)[0]
