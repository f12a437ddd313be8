"""Admission: what only the matching engine knows of an order before it may enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .filters import check_filters, check_market_lot, lot_step
from .numbers import SCALE, cost
from .orders import WAITING
from .refusals import rejected
from .stops import would_trigger

if TYPE_CHECKING:
    from .accounts import Account
    from .orders import Order
    from .symbols import Symbol
    from .venue import Venue


def check_engine(venue: Venue, order: Order) -> None:
    """Check a new order: the phase, open client ids, liquidity, prices, funds.

    Raises:
        Refusal: -2010.
    """
    check_open(venue, order.account)
    check_client_id(venue, order)
    if order.quote_quantity:
        order.quantity = quantity_for_quote(venue, order)
    check_prices(venue, order)
    check_funds(venue, order)


def check_open(venue: Venue, account: Account) -> None:
    """Check that the symbol trades, and that the account may trade it."""
    if venue.status != "TRADING":
        raise rejected("Market is closed.")
    if not account.can_trade:
        raise rejected("This action is disabled on this account.")
    if venue.symbol.name in account.forbidden:
        raise rejected("This symbol is not permitted for this account.")


def check_client_id(venue: Venue, order: Order) -> None:
    """Check that no open order of the account uses the client id."""
    if order.client_id and order.account.blotter(venue.symbol.name).open_with(order.client_id) is not None:
        raise rejected("Duplicate order sent.")


def check_prices(venue: Venue, order: Order) -> None:
    """Check that the order comes to something, that a LIMIT_MAKER would not take, that a stop price lies ahead."""
    if order.price and order.quantity and cost(order.price, order.quantity) == 0:
        raise rejected("Price * QTY is zero or less.")
    best = venue.book.best_against(order)
    if order.kind == "LIMIT_MAKER" and best is not None and order.crosses(best):
        raise rejected("Order would immediately match and take.")
    if order.is_contingent and order.working_us is None and would_trigger(order, venue.tape.last_price()):
        raise rejected("Order would trigger immediately.")


def check_funds(venue: Venue, *orders: Order) -> None:
    """Check that the owner can pay for an order, or for the dearer of a pair."""
    first = orders[0]
    free = first.account.balance(venue.symbol.quote if first.buys else venue.symbol.base).free
    kept = first.order_list
    locked = first.locked if kept is None else sum(other.locked for other in kept.orders)
    if max(_needed(venue, order) for order in orders) > free + locked:
        raise rejected("Account has insufficient balance for requested action.")


def _needed(venue: Venue, order: Order) -> int:
    if order.buys and not order.price and not order.estimate:
        return venue.book.price_of(order)
    return venue.matcher.funds.needed(order)


def recheck(venue: Venue, order: Order, now_us: int) -> None:
    """Check an order again that enters later than it was placed: a pending one, or one that was triggered.

    "Filters are evaluated when the working order is filled" (OPO); pegged orders have a price only now.

    Raises:
        Refusal: it may not enter the book.
    """
    check_filters(venue, order, now_us)
    if order.phase != WAITING:
        check_prices(venue, order)
    check_funds(venue, order)


def quantity_for_quote(venue: Venue, order: Order) -> int:
    """Return the quantity of whole steps that comes closest to spending or earning ``quoteOrderQty``, not above it.

    When the book cannot give so much, the rest is what the last price would give: it will expire (CHANGELOG
    2023-03-13: a reverse market order that low liquidity did not fill is EXPIRED).

    Raises:
        Refusal: -2010 when the book cannot fill the smallest quantity, -1013 for more than MARKET_LOT_SIZE allows.
    """
    step, left, found, price = lot_step(venue.symbol, order.kind), order.quote_quantity, 0, 0
    for maker in venue.book.facing(order):
        price, affordable = maker.price, left * SCALE // maker.price // step * step
        taken = min(affordable, maker.remaining)
        found += taken
        left -= cost(price, taken)
        if taken < maker.remaining:
            break
    _check_liquidity(venue.symbol, found // step * step)
    quantity = (found + left * SCALE // price) // step * step
    check_market_lot(venue.symbol, quantity)
    return quantity


def _check_liquidity(symbol: Symbol, quantity: int) -> None:
    """Check that the book can fill the smallest quantity that a reverse market order may have."""
    least = {"LOT_SIZE filter": symbol.min_quantity, "MARKET_LOT_SIZE filter": symbol.min_market_quantity, "symbol": 1}
    for name, minimum in least.items():
        if quantity < minimum:
            raise rejected(f"Order book liquidity is less than {name} minimum quantity.")
