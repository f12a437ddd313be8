"""The values that every model is made of: times, price levels, and the fields nobody has documented yet."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeAlias, TypeVar, final, overload

import attrs

from trio_binance._util import exact_repr, fields_repr

_T = TypeVar("_T")

Timestamp: TypeAlias = int
"""A moment as the exchange tells it: milliseconds since 1970 UTC, or microseconds where those were asked for."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LEAST_MICROSECONDS = 10**14
"""In milliseconds this is the year 5138, in microseconds 1973: no moment of the exchange can be taken for the other."""


def as_datetime(timestamp: Timestamp) -> datetime.datetime:
    """Return the moment as an aware UTC datetime, exactly; milliseconds and microseconds are told by magnitude.

    Raises ``OverflowError`` when the moment lies outside the years 1 to 9999.
    """
    if abs(timestamp) < _LEAST_MICROSECONDS:
        return _EPOCH + datetime.timedelta(milliseconds=timestamp)
    return _EPOCH + datetime.timedelta(microseconds=timestamp)


def as_milliseconds(timestamp: Timestamp) -> int:
    """Return the moment in milliseconds, whichever of the two it was told in; the rest of microseconds is cut."""
    return timestamp if abs(timestamp) < _LEAST_MICROSECONDS else timestamp // 1000


def as_microseconds(timestamp: Timestamp) -> int:
    """Return the moment in microseconds, whichever of the two it was told in."""
    return timestamp * 1000 if abs(timestamp) < _LEAST_MICROSECONDS else timestamp


@final
class Extra(Mapping[str, object]):
    """Fields of a message that its model does not know, under the names they had on the wire; read-only."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = dict(fields)

    def __getitem__(self, name: str) -> object:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Extra({exact_repr(self._fields)})"


NO_EXTRA = Extra({})
"""What ``extra`` is nearly always: one empty mapping that all models share."""


@attrs.frozen(weakref_slot=False)
class Model:
    """What the exchange told us: frozen, compared by value; ``extra`` keeps every field that no document names."""

    extra: Mapping[str, object] = attrs.field(default=NO_EXTRA, kw_only=True, hash=False, repr=False)

    def __repr__(self) -> str:
        return fields_repr(self)


class Level(NamedTuple):
    """A price and the quantity that rests there, both exact."""

    price: Decimal
    quantity: Decimal

    def __repr__(self) -> str:
        return f"Level(price={exact_repr(self.price)}, quantity={exact_repr(self.quantity)})"


_SHOWN = 3
"""So many levels stand in a repr: a book has thousands, and its best few are what one looks for."""

to_price: Callable[[str], Decimal] = lru_cache(maxsize=32_768)(Decimal)
"""A price that returns is the same object: its first hash, dear for a ``Decimal``, is paid once."""


# Level._make without its Python frame: a book of 5,000 levels is made of these
make_level: Callable[[tuple[Decimal, Decimal]], Level] = partial(tuple.__new__, Level)


@final
class Levels(Sequence[Level]):
    """One side of a book, best price first: keeps the text of the wire and makes exact Decimals when touched.

    Equality and hash are those of the numbers: ``"1.0"`` and ``"1.00"`` are the same price. Build it from texts that
    are plain decimals (the codec has checked those of the exchange), or from numbers with ``Levels.of``.

    Args:
        rows: the texts of the price and the quantity of each level.
        read: makes such texts of ``rows``, when somebody looks at them.
    """

    __slots__ = ("_made", "_read", "_texts")

    @overload
    def __init__(self, rows: Sequence[Sequence[str]] = ()) -> None: ...
    @overload
    def __init__(self, rows: _T, read: Callable[[_T], Sequence[Sequence[str]]]) -> None: ...
    def __init__(self, rows: Any = (), read: Callable[[Any], Sequence[Sequence[str]]] | None = None) -> None:
        self._texts: Any = rows
        self._read = read
        self._made: tuple[Level, ...] | None = None

    @classmethod
    def of(cls, levels: Iterable[tuple[Decimal, Decimal]]) -> Levels:
        """Return the levels with these prices and quantities."""
        return cls([(f"{price:f}", f"{quantity:f}") for price, quantity in levels])

    @property
    def rows(self) -> Sequence[Sequence[str]]:
        """The texts of the wire as they came, not to be changed: what a book is fed with."""
        if self._read is not None:
            self._texts = self._read(self._texts)
            self._read = None
        rows: Sequence[Sequence[str]] = self._texts
        return rows

    def _all(self) -> tuple[Level, ...]:
        if self._made is None:
            self._made = tuple([make_level((to_price(price), Decimal(quantity))) for price, quantity in self.rows])
        return self._made

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> Levels: ...
    def __getitem__(self, index: int | slice) -> Level | Levels:
        if isinstance(index, slice):
            return Levels(self.rows[index])
        if self._made is not None:
            return self._made[index]
        price, quantity = self.rows[index]
        return Level(to_price(price), Decimal(quantity))

    def __iter__(self) -> Iterator[Level]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self.rows)

    def __reduce__(self) -> tuple[type[Levels], tuple[Sequence[Sequence[str]]]]:
        return Levels, (self.rows,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Levels):
            return NotImplemented
        return self.rows == other.rows or self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        shown = ", ".join(str(list(row)) for row in self.rows[:_SHOWN])
        more = len(self) - _SHOWN
        return f"Levels([{shown}, ... {more} more])" if more > 0 else f"Levels([{shown}])"

    def pairs(self) -> list[tuple[Decimal, Decimal]]:
        """Return plain pairs of price and quantity, at less than half the price of levels."""
        price = to_price
        return [(price(text), Decimal(quantity)) for text, quantity in self.rows]

    def to_wire(self) -> list[list[str]]:
        """Return the levels as the exchange writes them: ``[["price", "quantity"], ...]``, digit for digit."""
        return [list(row) for row in self.rows]
