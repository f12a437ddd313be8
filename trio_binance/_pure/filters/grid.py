"""The grid: the values that rules leave to a number, from a least to a most one, both in, and in whole steps.

Everything is a fraction: the least quantity that is worth 5 at a price of 3 is no decimal number, and comparing with a
rounded one would let something pass that the exchange refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, lcm
from typing import TypeAlias, TypeVar

import attrs

Number: TypeAlias = Decimal | int | Fraction

T = TypeVar("T")


def decimal_of(value: Fraction) -> Decimal:
    """Return a fraction that is a decimal number as that number, without needless zeros and never with an exponent."""
    scale = 0
    while 10**scale % value.denominator:
        scale += 1
    return Decimal(f"{value.numerator * 10**scale // value.denominator}E-{scale}")


def _bound(value: Number) -> Fraction | None:
    # "Each of these can be disabled by a value of 0" (PRICE_FILTER); recordings show the same of MARKET_LOT_SIZE
    return Fraction(value) if value else None


@attrs.frozen
class Grid:
    """Bounds and step; ``None`` is no rule. Steps are counted from zero."""

    least: Fraction | None = None
    most: Fraction | None = None
    step: Fraction | None = None

    @classmethod
    def of(cls, least: Number = 0, most: Number = 0, step: Number = 0) -> Grid:
        """Return the grid of these numbers, of which a zero is no rule."""
        return cls(_bound(least), _bound(most), _bound(step))

    def fault(self, value: Number) -> str | None:
        """Return what is wrong with a value, as words that follow it, or ``None``; bounds must be decimal numbers."""
        exact = Fraction(value)
        if self.least is not None and exact < self.least:
            return f"is below {decimal_of(self.least):f}"
        if self.most is not None and exact > self.most:
            return f"is above {decimal_of(self.most):f}"
        if self.step is not None and exact % self.step:
            return f"is no multiple of {decimal_of(self.step):f}"
        return None

    def __and__(self, other: Grid) -> Grid:
        """Return the values that both leave."""
        return Grid(
            _of_both(max, self.least, other.least),
            _of_both(min, self.most, other.most),
            _of_both(_common_step, self.step, other.step),
        )

    def nearest(self, value: Number) -> tuple[Decimal, ...]:
        """Return the greatest positive value of the grid not above ``value`` and the least not below it.

        Only what exists: beyond a bound there is one, and none without a step, where no value is the next.
        """
        if self.step is None:
            return ()
        exact = Fraction(value)
        down = floor((exact if self.most is None else min(exact, self.most)) / self.step)
        up = ceil((exact if self.least is None else max(exact, self.least)) / self.step)
        found = sorted({count for count in (down, up) if self._holds(count * self.step)})
        return tuple(self._number(count) for count in found)

    def _holds(self, exact: Fraction) -> bool:
        if exact <= 0 or (self.least is not None and exact < self.least):
            return False
        return self.most is None or exact <= self.most

    def _number(self, count: int) -> Decimal:
        """Return so many steps with the scale of one: 6100000 steps of 0.01 are 61000.00."""
        assert self.step is not None
        step = decimal_of(self.step)
        scale = -int(step.as_tuple().exponent)
        return Decimal(f"{count * int(self.step * 10**scale)}E-{scale}")


NOTHING = Grid(most=Fraction(0))
"""The grid that leaves no value: only positive numbers can be sent."""


def _common_step(one: Fraction, other: Fraction) -> Fraction:
    """Return the least step whose multiples are multiples of both."""
    scale = lcm(one.denominator, other.denominator)
    return Fraction(lcm(int(one * scale), int(other * scale)), scale)


def _of_both(pick: Callable[[T, T], T], one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return pick(one, other)
