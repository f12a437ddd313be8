"""Funds: what orders lock of their owners' balances, what fills move, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .commission import commission
from .filters import lot_step
from .numbers import cost
from .orders import FILLED, PARTIALLY_FILLED

if TYPE_CHECKING:
    from .accounts import Account, Balance
    from .commission import Fee, Price
    from .orderlists import OrderList
    from .orders import Order
    from .symbols import Symbol


@final
class Funds:
    """The money side of one symbol's matching: a SELL locks the base asset, a BUY the quote asset."""

    def __init__(self, symbol: Symbol, fees: dict[str, int], bnb_price: Price) -> None:
        self.symbol = symbol
        self._base, self._quote = symbol.base, symbol.quote
        self._fees = fees
        self._bnb_price = bnb_price

    # ------------------------------------------------------------------------------------------------------ locking

    def needed(self, order: Order) -> int:
        """Return what has to be locked for the rest of an order.

        A MARKET BUY has no price: it may use all that is free, and gives back the rest at its end.
        """
        if not order.buys:
            return order.remaining
        price = order.price or order.estimate
        return cost(price, order.remaining) if price else self._balance(order).free + order.locked

    def lock(self, *orders: Order) -> None:
        """Lock what one order may cost, or the dearer of a pair of which only one will ever trade."""
        holder, needed = orders[0], self.needed(orders[0])
        for other in orders[1:]:
            needed = max(needed, self.needed(other))
        self.lock_more(holder, needed - holder.locked)

    def lock_more(self, order: Order, amount: int) -> None:
        """Lock so much more for an order; a negative amount gives back."""
        if amount:
            balance = self._balance(order)
            balance.free -= amount
            balance.locked += amount
            order.locked += amount

    def release(self, order: Order) -> None:
        """Give back all that is locked for an order."""
        self.lock_more(order, -order.locked)

    def release_excess(self, order: Order) -> None:
        """Give back what better prices saved: a LIMIT locks what its rest can cost, a filled MARKET order nothing."""
        if order.price:
            self.lock_more(order, self.needed(order) - order.locked)
        else:
            self.release(order)

    def affordable(self, order: Order, price: int, quantity: int) -> bool:
        """Return whether what is locked pays for a fill: self-trade prevention may push a MARKET BUY farther."""
        return not order.buys or cost(price, quantity) <= order.locked

    def _balance(self, order: Order) -> Balance:
        return order.account.balance(self._quote if order.buys else self._base)

    # -------------------------------------------------------------------------------------------------------- moving

    def pay(self, order: Order, quantity: int, quote: int, *, maker: bool) -> Fee:
        """Move one party's money for a fill and return its commission (Commission FAQ)."""
        account = order.account
        order.executed += quantity
        order.spent += quote
        order.status = PARTIALLY_FILLED if order.remaining else FILLED
        given, asset, taken = (quote, self._base, quantity) if order.buys else (quantity, self._quote, quote)
        order.locked -= given
        self._balance(order).locked -= given
        account.balance(asset).free += taken
        fee, paid_in = commission(order, taken, asset, self.symbol, self._bnb_price, maker=maker)
        if fee:
            account.balance(paid_in).free -= fee
            self._fees[paid_in] = self._fees.get(paid_in, 0) + fee
        return fee, paid_in

    def transfer(self, buyer: Order, seller: Order, quantity: int, price: int) -> None:
        """Move a prevented quantity and its worth between two accounts of a trade group (STP, TRANSFER)."""
        quote = cost(price, quantity)
        self.lock_more(buyer, -quote)
        self.lock_more(seller, -quantity)
        for account, sign in ((buyer.account, 1), (seller.account, -1)):
            account.bring(self._base, sign * quantity)
            account.bring(self._quote, -sign * quote)

    def counter(self, account: Account, order: Order, quantity: int, quote: int) -> None:
        """Let ``account`` be the other party of a fill that ``pay`` settled for ``order``, with free funds."""
        sign = 1 if order.buys else -1
        account.balance(self._base).free -= sign * quantity
        account.balance(self._quote).free += sign * quote

    # ----------------------------------------------------------------------------------------------------- proceeds

    def proceeds(self, kept: OrderList) -> int:
        """Return what the pending orders of a list may sell: what its working order received less commission.

        "OPO": the commission comes out of the free balance instead, if there is enough and the asset is not BNB.
        """
        free = kept.account.balance(self._base).free
        if self._base != "BNB" and free >= kept.commission:
            return kept.received
        return kept.received - kept.commission

    def in_base(self, fee: Fee) -> int:
        """Return how much of a commission was taken from the base asset: none of one that was paid in BNB."""
        amount, asset = fee
        return amount if asset == self._base else 0

    def in_steps(self, order: Order, quantity: int) -> int:
        """Return a quantity cut to whole steps and to the most that an order of its type may have."""
        symbol = self.symbol
        most = (symbol.max_market_quantity if order.kind == "MARKET" else symbol.max_quantity) or quantity
        step = lot_step(symbol, order.kind)
        return min(quantity, most) // step * step
