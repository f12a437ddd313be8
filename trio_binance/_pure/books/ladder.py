"""The ladder: one side of a book: every level by its price, and the best of them in order.

How it is fast. A level is kept as the two texts of the wire and becomes Decimals when somebody looks at it, which most
never are. All prices of a ladder are written with the same number of digits (its ``Form``), so that equal prices are
equal texts and the order of texts is the order of prices: nothing is converted to be found or compared. Only the best
levels stand in order, in the *window*; the others are in the dictionary alone until the window runs out, so that a
change far away from the best costs one look into the dictionary.

How it is honest. "Since depth snapshots retrieved from the API have a limit on the number of price levels ... you will
not learn the quantities for the levels outside of the initial snapshot unless they change" (web-socket-streams.md, "How
to manage a local order book correctly"). The worst level of a full snapshot is the *horizon*. What is told of levels
beyond it is kept, for it is right as far as it goes, but never handed out as if it were the next best.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, final

from trio_binance._pure.decimals import MAX_LENGTH, InvalidDecimal, parse
from trio_binance.models.values import Level, make_level, to_price

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEPT = 200
"""So many of the best levels stand in order after a sorting, and twice as many at most; more when more are read."""
MOST_KEPT = 1000
"""Whoever reads more levels than this pays for the sorting each time."""

_NOTHING = "0." + "0" * MAX_LENGTH
"""The text of a positive quantity is greater, unless it is written in an odd way; that of any other is not."""
_MANY = float("inf")
_LOWEST, _HIGHEST = "", "~"
"""No price is lower or higher than these, as a text."""


class Misquote(ValueError):
    """A level that no book can hold: its price is not positive, or its quantity is negative."""


class OtherForm(Exception):
    """A price is written in another way than the others of its ladder."""


class Form(NamedTuple):
    """How all prices of a book are written: so many digits before the point, and so many after it."""

    whole: int = 1
    decimals: int = 1

    @property
    def width(self) -> int:
        """The length of every price."""
        return self.whole + 1 + self.decimals

    def fit(self, price: str) -> str:
        """Return a price in this form, which must be wide enough for it."""
        whole, _, decimals = price.partition(".")
        return f"{whole.zfill(self.whole)[-self.whole :]}.{decimals.ljust(self.decimals, '0')[: self.decimals]}"

    def widened(self, prices: Iterable[str]) -> Form:
        """Return the form that is wide enough for these prices as well."""
        whole, decimals = self
        for length, point in {(len(price), price.find(".")) for price in prices}:
            before = length if point < 0 else point
            whole, decimals = max(whole, before), max(decimals, length - before - 1)
        return Form(whole, decimals)


@lru_cache(maxsize=64)
def _is_nothing(quantity: str) -> bool:
    try:
        value = parse(quantity)
    except InvalidDecimal as exc:
        raise Misquote(f"a quantity of {exc}") from None
    if value < 0:
        raise Misquote(f"a quantity of {quantity}")
    return not value


@final
class Ladder:
    """One side of a book.

    Args:
        rows: the texts of the price and the quantity of each level.
        form: how the prices are to be written; wide enough for all of them.
        falling: whether the highest price is the best, as among bids.
        complete: whether these are all levels there are; if not, the worst of them is the horizon.

    Raises:
        Misquote: a level is impossible.
    """

    __slots__ = (
        "_beyond",
        "_bounded",
        "_ceiling",
        "_falling",
        "_floor",
        "_high",
        "_kept",
        "_levels",
        "_low",
        "_point",
        "_width",
        "_window",
        "_zero",
    )

    def __init__(self, rows: Iterable[Sequence[str]], form: Form, *, falling: bool, complete: bool) -> None:
        self._falling = falling
        self._floor, self._ceiling = _LOWEST, _HIGHEST
        self._kept = KEPT
        self._beyond = 0
        self._write(
            [(price, quantity) for price, quantity in rows if quantity > _NOTHING or not _is_nothing(quantity)], form
        )
        self._bounded = bool(self._levels) and not complete
        if self._bounded:
            if falling:
                self._floor = min(self._levels)
            else:
                self._ceiling = max(self._levels)
        self._sort()

    def _write(self, levels: Iterable[tuple[str, str | Level]], form: Form) -> None:
        self._point, self._width, self._zero = form.whole, form.width, form.fit("0")
        point, width, fit = form.whole, form.width, form.fit
        self._levels: dict[str, str | Level] = {
            price if len(price) == width and price[point] == "." else fit(price): level for price, level in levels
        }
        lowest = min(self._levels, default=_HIGHEST)
        if lowest <= self._zero:
            raise Misquote(f"a price of {lowest}")

    def reform(self, form: Form) -> None:
        """Write all prices in another form, which must be wide enough for them."""
        if self._bounded and self._falling:
            self._floor = form.fit(self._floor)
        elif self._bounded:
            self._ceiling = form.fit(self._ceiling)
        self._write(list(self._levels.items()), form)
        self._sort()

    def __len__(self) -> int:
        return len(self._levels)

    @property
    def known(self) -> int:
        """How many levels there are up to the horizon."""
        return len(self._levels) - self._beyond

    @property
    def left(self) -> float:
        """How many levels the best can lose before nothing is known of it; infinitely many without a horizon."""
        return len(self._levels) - self._beyond if self._bounded else _MANY

    @property
    def horizon(self) -> Decimal | None:
        """The worst price up to which every level is known; ``None`` when all are."""
        return to_price(self._floor if self._falling else self._ceiling) if self._bounded else None

    # -------------------------------------------------------------------------------------- what changes it

    def apply(self, rows: Iterable[Sequence[str]]) -> None:
        """Set these levels. Quantities are absolute, and zero takes a level away.

        Raises:
            Misquote: a level is impossible; those before it are set.
            OtherForm: a price is written in another form; those before it are set, and may be set again.
        """
        levels, width = self._levels, self._width
        size = len(levels)
        for price, quantity in rows:
            if len(price) != width:
                price = price.zfill(width)
            if quantity <= _NOTHING and _is_nothing(quantity):
                if levels.pop(price, None) is not None:
                    size -= 1
                    self._leave(price)
                else:
                    # "Receiving an event that removes a price level that is not in your local order book can happen
                    # and is normal."
                    self._check_form(price)
            else:
                levels[price] = quantity
                if len(levels) != size:
                    size += 1
                    self._enter(price)

    def _enter(self, price: str) -> None:
        if len(price) != self._width or price[self._point] != ".":
            del self._levels[price]
            raise OtherForm(price)
        if self._low <= price <= self._high:
            insort(self._window, price)
            if len(self._window) > 2 * self._kept:
                self._trim()
        elif not self._floor <= price <= self._ceiling:
            self._beyond += 1
        if price <= self._zero:
            raise Misquote(f"a price of {price}")

    def _leave(self, price: str) -> None:
        if self._low <= price <= self._high:
            del self._window[bisect_left(self._window, price)]
        elif not self._floor <= price <= self._ceiling:
            self._beyond -= 1

    def _check_form(self, price: str) -> None:
        if len(price) != self._width or price[self._point] != ".":
            raise OtherForm(price)

    # ------------------------------------------------------------------------------------------- the window

    def _sort(self) -> None:
        """Put the best levels in order, and none beyond the horizon."""
        low, high = self._low, self._high = self._floor, self._ceiling
        self._window = sorted([price for price in self._levels if low <= price <= high])
        self._trim()

    def _trim(self) -> None:
        """Let the worst of the window go: they stay in the dictionary, and the window ends before them."""
        excess = len(self._window) - self._kept
        if excess <= 0:
            return
        if self._falling:
            del self._window[:excess]
            self._low = self._window[0]
        else:
            del self._window[-excess:]
            self._high = self._window[-1]

    # ------------------------------------------------------------------------------------------- what is read

    @property
    def best(self) -> str | None:
        """The best price, as a text of the ladder's form; ``None`` if there is none, or none is known."""
        window = self._window
        if not window:
            if not self.known:
                return None
            self._sort()
            window = self._window
        return window[-1 if self._falling else 0]

    def top(self, count: int) -> tuple[Level, ...]:
        """Return the best levels, best first; fewer when no more are known."""
        window = self._window
        if len(window) < count and len(window) < self.known:
            if count > MOST_KEPT:
                return self._made(self._ranked(self._floor, self._ceiling)[:count])
            # With some to spare, so that the next reading need not sort again.
            self._kept = max(self._kept, count + KEPT)
            self._sort()
            window = self._window
        return self._made(window[: -count - 1 : -1] if self._falling else window[:count])

    def all(self) -> tuple[Level, ...]:
        """Return every level that is there, best first; those beyond the horizon last."""
        return self._made(self._ranked(_LOWEST, _HIGHEST))

    def cut(self, count: int | None) -> tuple[tuple[Level, ...], Decimal | None]:
        """Return the best levels, or all, and the horizon of what is returned: the price up to which it is whole."""
        if count is None:
            return self.all(), self.horizon
        levels = self.top(count)
        return levels, levels[-1].price if len(levels) < self.known else self.horizon

    def _ranked(self, low: str, high: str) -> list[str]:
        return sorted([price for price in self._levels if low <= price <= high], reverse=self._falling)

    @property
    def best_level(self) -> Level | None:
        """The best level, unless there is none, or none is known."""
        price = self.best
        if price is None:
            return None
        level = self._levels[price]
        if isinstance(level, str):
            level = self._levels[price] = make_level((to_price(price), Decimal(level)))
        return level

    def _made(self, prices: Sequence[str]) -> tuple[Level, ...]:
        levels = self._levels
        made: list[Level] = []
        for price in prices:
            level = levels[price]
            if isinstance(level, str):
                level = levels[price] = make_level((to_price(price), Decimal(level)))
            made.append(level)
        return tuple(made)
