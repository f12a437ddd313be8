"""The findings: what one rule says of one field of a request, before all of them are drawn together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

import attrs

from trio_binance.models import Violation

from .grid import Grid
from .scene import Need


@attrs.frozen
class Demand:
    """What a rule wants of a field: ``grid`` is what it leaves to it, ``fault`` what is wrong now, ``None`` if nothing.

    Without a ``grid`` no other value of this field would help. What only ``advises`` does not make a request refused.
    """

    filter: str
    field: str
    value: Decimal | int | str
    grid: Grid | None
    fault: str | None = None
    advises: bool = False


@attrs.frozen
class Doubt:
    """A rule that cannot be judged; ``need`` is what would have to be found out, ``None`` if nobody can."""

    filter: str
    field: str
    reason: str
    need: Need | None = None


Finding: TypeAlias = Demand | Doubt | Violation
"""What a rule says: a ``Violation`` where words are concerned, not numbers."""

Findings: TypeAlias = Iterator[Finding]


def demand(rule: str, field: str, value: Decimal | int, grid: Grid) -> Demand:
    """Return what a rule wants of a number that it measures as it is."""
    return Demand(rule, field, value, grid, grid.fault(value))


def lacking(rule: str, field: str, need: Need) -> Doubt:
    """Return the doubt for want of something that could be found out."""
    return Doubt(rule, field, f"for want of {need.value}", need)


def later(rule: str, field: str) -> Doubt:
    """Return the doubt about a pending order whose quantity is what another order will have received."""
    # "filters: evaluated when the working order is filled" (faqs/opo.md)
    return Doubt(rule, field, "the exchange judges it when the working order is filled")


def needs_of(findings: Iterable[Finding]) -> frozenset[Need]:
    """Return what would have to be found out before all of them are certain."""
    return frozenset(one.need for one in findings if isinstance(one, Doubt) and one.need is not None)
