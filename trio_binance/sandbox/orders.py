"""Orders: one order's life, from acceptance to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

if TYPE_CHECKING:
    from .accounts import Account

BUY = "BUY"
SELL = "SELL"
NEW = "NEW"
PARTIALLY_FILLED = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELED = "CANCELED"
EXPIRED = "EXPIRED"
EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


@final
@attrs.define(eq=False)
class Order:
    """An order of an account; prices and quantities in atoms (1e-8), times in microseconds.

    ``quantity - executed - prevented`` is what is left of it, open or not.
    """

    account: Account
    symbol: str
    side: str
    kind: str
    """LIMIT, LIMIT_MAKER or MARKET."""
    tif: str
    quantity: int
    price: int = 0
    """0 for a MARKET order."""
    client_id: str = ""
    quote_quantity: int = 0
    """What a MARKET order was told to spend or to earn, in atoms of the quote asset."""
    stp: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None
    id: int = 0
    created_us: int = 0
    updated_us: int = 0
    status: str = NEW
    executed: int = 0
    spent: int = 0
    """Cumulative quote quantity."""
    locked: int = 0
    """What the account has locked for this order: quote atoms of a BUY, base atoms of a SELL."""
    prevented: int = 0
    """Quantity that self-trade prevention took away."""
    prevented_match_id: int | None = None
    expiry_reason: str | None = None
    amendments: list[dict[str, Any]] = attrs.field(factory=list)
    history: list[tuple[int, dict[str, Any]]] = attrs.field(factory=list)
    """The order as queries show it, with the times of its changes: what a lagging replica reads."""

    @property
    def remaining(self) -> int:
        """What is left to be filled."""
        return self.quantity - self.executed - self.prevented

    @property
    def buys(self) -> bool:
        """Whether it is a BUY."""
        return self.side == BUY

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled or cancelled."""
        return self.status in (NEW, PARTIALLY_FILLED)

    def crosses(self, price: int) -> bool:
        """Return whether this order would trade with an opposite one at ``price``."""
        if self.price == 0:
            return True
        return self.price >= price if self.side == BUY else self.price <= price


@attrs.frozen
class Fill:
    """A match of two orders."""

    trade_id: int
    price: int
    quantity: int
    quote: int
    taker: Order
    maker: Order
    taker_fee: tuple[int, str]
    """Atoms and asset of the taker's commission."""
    maker_fee: tuple[int, str]

    def fee_of(self, order: Order) -> tuple[int, str]:
        """Return atoms and asset of the commission that one of the two orders paid."""
        return self.maker_fee if order is self.maker else self.taker_fee


@attrs.frozen
class PreventedMatch:
    """A match of two orders of one account that self-trade prevention stopped."""

    id: int
    mode: str
    price: int
    taker: Order
    maker: Order
    taker_quantity: int
    """How much of the taker was taken away."""
    maker_quantity: int
