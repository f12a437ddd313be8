"""The book as a reader sees it: its states, what can be asked of it, and a picture of it that does not change."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, final

import attrs

from trio_binance._decimals import CONTEXT, check_decimal
from trio_binance._util import fields_repr
from trio_binance.errors import BeyondHorizon, BookTooThin, InvalidArgument

from .enums import Side
from .values import Level, Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

_HALF = Decimal("0.5")
_FIRST_LOOK = 32
"""So many levels are looked at first when a quantity is filled; four times as many at each further look."""


class BookState(enum.Enum):
    """How far a book can be trusted."""

    SYNCING = "syncing"
    """It has never been complete: there is nothing to read yet."""
    LIVE = "live"
    """It is the exchange's own at its ``update_id``, up to the horizon, and is kept so."""
    STALE = "stale"
    """It was the exchange's at its ``update_id``; something was missed since, or may have been. A new one is made."""
    CLOSED = "closed"
    """Nothing changes any more: its block was left, its stream has ended, or it has failed."""


class BookReader(ABC):
    """What can be asked of a book, of one that is kept and of a picture of one alike. Prices and quantities are exact.

    Levels come best first and are never guessed: a snapshot ends at a price, the *horizon*, beyond which a level is
    known only once it has changed, so that nobody can tell what lies between. Those are shown only on request.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def symbol(self) -> str:
        """Whose book it is."""

    @property
    @abstractmethod
    def state(self) -> BookState:
        """How far it can be trusted."""

    @property
    @abstractmethod
    def update_id(self) -> int:
        """The exchange's number of the last update in it; 0 before there is any."""

    @property
    @abstractmethod
    def event_time(self) -> Timestamp | None:
        """When the exchange sent the last event that is in it; ``None`` until one came after the snapshot."""

    @abstractmethod
    def bids(self, count: int | None = None, *, beyond: bool = False) -> tuple[Level, ...]:
        """Return the best bids, all by default; fewer than ``count`` when no more are known.

        With ``beyond`` also those below the horizon: each is right, but others may lie between them.
        """

    @abstractmethod
    def asks(self, count: int | None = None, *, beyond: bool = False) -> tuple[Level, ...]:
        """Return the best asks, all by default; fewer than ``count`` when no more are known.

        With ``beyond`` also those above the horizon: each is right, but others may lie between them.
        """

    @property
    @abstractmethod
    def bid_horizon(self) -> Decimal | None:
        """The price down to which every bid is known; ``None`` when all are."""

    @property
    @abstractmethod
    def ask_horizon(self) -> Decimal | None:
        """The price up to which every ask is known; ``None`` when all are."""

    @property
    def best_bid(self) -> Level | None:
        """The highest bid; ``None`` if there is none, or none is known."""
        return next(iter(self.bids(1)), None)

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask; ``None`` if there is none, or none is known."""
        return next(iter(self.asks(1)), None)

    @property
    def spread(self) -> Decimal | None:
        """The best ask less the best bid; ``None`` when one of them is missing."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else CONTEXT.subtract(ask.price, bid.price)

    @property
    def mid(self) -> Decimal | None:
        """The price half way between the best bid and the best ask; ``None`` when one of them is missing."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else CONTEXT.multiply(CONTEXT.add(bid.price, ask.price), _HALF)

    def vwap(self, side: Side | Literal["BUY", "SELL"], quantity: Decimal | int | str) -> Decimal:
        """Return the average price at which a market order would be filled by this book, fees aside.

        Args:
            side: that of the order: ``BUY`` takes the asks, ``SELL`` the bids.
            quantity: of the base asset.

        Returns:
            The exact sum of price times quantity, divided and rounded to 34 digits.

        Raises:
            BeyondHorizon: it reaches beyond what is known of the book.
            BookTooThin: the whole side, all of it known, holds less.
            InvalidArgument: no such side, or the quantity is not positive.
        """
        wanted = check_decimal("quantity", quantity)
        if wanted <= 0:
            raise InvalidArgument("quantity", quantity, "expected a positive number")
        if side not in (Side.BUY, Side.SELL):
            raise InvalidArgument("side", side, "expected BUY or SELL")
        take = self.asks if side == Side.BUY else self.bids
        count = _FIRST_LOOK
        while True:
            levels = take(count)
            cost, left = _fill(levels, wanted)
            if not left:
                return CONTEXT.divide(cost, wanted)
            if len(levels) < count:
                raise self._too_thin(Side(side), CONTEXT.subtract(wanted, left))
            count *= 4

    def _too_thin(self, side: Side, available: Decimal) -> BookTooThin:
        what = "bought" if side is Side.BUY else "sold"
        horizon = self.ask_horizon if side is Side.BUY else self.bid_horizon
        if self.state is BookState.SYNCING:
            return BeyondHorizon(f"{self.symbol}: nothing of the book is known yet", available=available, horizon=None)
        text = f"{self.symbol}: {available:f} can be {what} in this book"
        if horizon is None:
            return BookTooThin(text, available=available)
        return BeyondHorizon(
            f"{text} up to {horizon:f}, beyond which it is not known", available=available, horizon=horizon
        )


def check_count(count: object) -> None:
    """Refuse a negative number of levels: as the end of a slice it would mean something else."""
    if count is None:
        return
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"count={count!r}: expected an int, not {type(count).__name__}")
    if count < 0:
        raise InvalidArgument("count", count, "expected no negative number")


def _fill(levels: Iterable[Level], wanted: Decimal) -> tuple[Decimal, Decimal]:
    """Return what it costs to take a quantity, and how much of it is not there."""
    cost, left = Decimal(0), wanted
    for price, quantity in levels:
        part = min(quantity, left)
        cost = CONTEXT.add(cost, CONTEXT.multiply(price, part))
        left = CONTEXT.subtract(left, part)
        if not left:
            break
    return cost, left


@final
@attrs.frozen(kw_only=True)
class BookView(BookReader):
    """A picture of a book at one update id: it can be read across awaits, compared, sent and stored."""

    # A frozen field reads as the property that it stands for; pyright does not take it for one.
    symbol: str  # pyright: ignore[reportIncompatibleMethodOverride]
    state: BookState  # pyright: ignore[reportIncompatibleMethodOverride]
    update_id: int  # pyright: ignore[reportIncompatibleMethodOverride]
    event_time: Timestamp | None  # pyright: ignore[reportIncompatibleMethodOverride]
    bid_levels: tuple[Level, ...] = attrs.field(repr=False)
    """Best first, those beyond the horizon last."""
    ask_levels: tuple[Level, ...] = attrs.field(repr=False)
    """Best first, those beyond the horizon last."""
    bid_horizon: Decimal | None  # pyright: ignore[reportIncompatibleMethodOverride]
    ask_horizon: Decimal | None  # pyright: ignore[reportIncompatibleMethodOverride]

    def __repr__(self) -> str:
        return fields_repr(self)

    def bids(self, count: int | None = None, *, beyond: bool = False) -> tuple[Level, ...]:
        """Return the best bids, see ``BookReader``."""
        check_count(count)
        levels, horizon = self.bid_levels, self.bid_horizon
        if not beyond and horizon is not None:
            levels = tuple(level for level in levels if level.price >= horizon)
        return levels[:count]

    def asks(self, count: int | None = None, *, beyond: bool = False) -> tuple[Level, ...]:
        """Return the best asks, see ``BookReader``."""
        check_count(count)
        levels, horizon = self.ask_levels, self.ask_horizon
        if not beyond and horizon is not None:
            levels = tuple(level for level in levels if level.price <= horizon)
        return levels[:count]
