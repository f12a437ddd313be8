"""Orders: one order's life, from acceptance to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .replica import History

if TYPE_CHECKING:
    from .accounts import Account
    from .orderlists import OrderList

BUY = "BUY"
SELL = "SELL"
NEW = "NEW"
PENDING_NEW = "PENDING_NEW"
PARTIALLY_FILLED = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELED = "CANCELED"
EXPIRED = "EXPIRED"
EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
REJECTED = "REJECTED"
OPEN = frozenset({NEW, PENDING_NEW, PARTIALLY_FILLED})

CONTINGENT = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
"""The types that wait for the market to reach a price."""
PRICELESS = frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"})
"""The types that trade at any price once they work."""
WAITING = "WAITING"
WORKING = "WORKING"


@attrs.frozen
class Peg:
    """The price of an order as a place in the book (Pegged orders)."""

    kind: str
    """PRIMARY_PEG, the best price of the order's own side, or MARKET_PEG, that of the other side."""
    sent_price: int
    offset_kind: str | None = None
    """PRICE_LEVEL, or ``None`` without an offset."""
    offset: int | None = None
    """How many price levels away from the best."""


@final
@attrs.define(eq=False)
class Trail:
    """A trigger that follows the market at a distance (Trailing stop)."""

    delta: int
    """The distance in basis points."""
    since_us: int | None = None
    """When it began to follow the market."""
    extreme: int = 0
    """The highest price since then for a SELL, the lowest for a BUY."""


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
    """LIMIT, LIMIT_MAKER, MARKET or one of ``CONTINGENT``."""
    tif: str
    quantity: int
    price: int = 0
    """0 for an order that has none, and for a pegged order until its price is taken from the book."""
    client_id: str = ""
    quote_quantity: int = 0
    """What a MARKET order was told to spend or to earn, in atoms of the quote asset."""
    stp: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None
    stop_price: int = 0
    trail: Trail | None = None
    iceberg: int | None = None
    """How much of it the book shows at a time; ``None`` for an order that shows all of itself."""
    peg: Peg | None = None
    id: int = 0
    created_us: int = 0
    updated_us: int = 0
    working_us: int | None = None
    """When it entered the book or the match; ``None`` before."""
    status: str = NEW
    phase: str = ""
    """WAITING for its trigger, WORKING, or neither: not yet accepted, or pending in an order list."""
    executed: int = 0
    spent: int = 0
    """Cumulative quote quantity."""
    locked: int = 0
    """What the account has locked for this order: quote atoms of a BUY, base atoms of a SELL."""
    estimate: int = 0
    """The price at which funds are locked for an order that has none yet."""
    slice: int = 0
    """How much of an iceberg the book shows now."""
    prevented: int = 0
    """Quantity that self-trade prevention took away."""
    prevented_match_id: int | None = None
    expiry_reason: str | None = None
    reject_reason: str = "NONE"
    order_list: OrderList | None = None
    floor: str | None = None
    """SOR or EXCHANGE, where an order placed with smart order routing works; ``None`` for any other."""
    amendments: list[dict[str, Any]] = attrs.field(factory=list)
    history: History[dict[str, Any]] = attrs.field(factory=History)
    """The order as queries show it: what a replica reads."""

    @property
    def remaining(self) -> int:
        """What is left to be filled."""
        return self.quantity - self.executed - self.prevented

    @property
    def shown(self) -> int:
        """How much of it the book shows."""
        return self.slice if self.iceberg else self.quantity - self.executed - self.prevented

    @property
    def buys(self) -> bool:
        """Whether it is a BUY."""
        return self.side == BUY

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled or cancelled."""
        return self.status in OPEN

    @property
    def is_contingent(self) -> bool:
        """Whether its type waits for a trigger."""
        return self.kind in CONTINGENT

    @property
    def list_id(self) -> int:
        """The id of its order list, -1 for none."""
        return -1 if self.order_list is None else self.order_list.id

    @property
    def shown_price(self) -> int:
        """The price as it was sent; 0 for none."""
        return self.price if self.peg is None else self.peg.sent_price

    def crosses(self, price: int) -> bool:
        """Return whether this order would trade with an opposite one at ``price``."""
        if self.price == 0:
            return True
        return self.price >= price if self.side == BUY else self.price <= price


@attrs.frozen
class Fill:
    """A match of two orders, or what smart order routing brought an order from somewhere."""

    trade_id: int
    price: int
    quantity: int
    quote: int
    taker: Order
    maker: Order | None
    taker_fee: tuple[int, str]
    """Atoms and asset of the taker's commission."""
    maker_fee: tuple[int, str]
    allocation_id: int | None = None

    def fee_of(self, order: Order) -> tuple[int, str]:
        """Return atoms and asset of the commission that one of the two orders paid."""
        return self.maker_fee if order is self.maker else self.taker_fee


@attrs.frozen
class PreventedMatch:
    """A match of two orders of one account or trade group that self-trade prevention stopped."""

    id: int
    mode: str
    price: int
    taker: Order
    maker: Order
    taker_quantity: int
    """How much of the taker was taken away."""
    maker_quantity: int
