"""The verdict: what all rules say of a request, drawn together."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from decimal import Decimal
from typing import TypeVar

from trio_binance.models import OrderCheck, Unchecked, Violation

from .findings import Demand, Doubt, Finding
from .grid import Grid

T = TypeVar("T")


def verdict(findings: Iterable[Finding]) -> OrderCheck:
    """Return the findings by what they are, and with each violation the values that every rule of its field leaves."""
    found = list(findings)
    demands = [one for one in found if isinstance(one, Demand)]
    grids = _grids(demands, {one.field for one in demands if one.fault is not None})
    broken = [_violation(one, grids) for one in demands if not one.advises and one.fault is not None]
    return OrderCheck(
        violations=_each([*(one for one in found if isinstance(one, Violation)), *broken]),
        unchecked=_each([Unchecked(one.filter, one.field, one.reason) for one in found if isinstance(one, Doubt)]),
        advice=_each([_violation(one, grids) for one in demands if one.advises]),
    )


def _each(found: list[T]) -> tuple[T, ...]:
    """Return all, each once: two legs of a list may share the number that is wrong."""
    return tuple(dict.fromkeys(found))


def _grids(demands: Iterable[Demand], fields: Container[str]) -> Mapping[str, Grid]:
    """Return what is left to each of these fields when all its rules are kept."""
    grids: dict[str, Grid] = {}
    for one in demands:
        if one.field in fields and one.grid is not None and not one.advises:
            grids[one.field] = grids.get(one.field, Grid()) & one.grid
    return grids


def _violation(one: Demand, grids: Mapping[str, Grid]) -> Violation:
    return Violation(one.filter, one.field, one.value, one.fault or "", _allowed(one, grids))


def _allowed(one: Demand, grids: Mapping[str, Grid]) -> tuple[Decimal | int, ...]:
    if one.grid is None or isinstance(one.value, str):
        return ()
    found = (one.grid & grids.get(one.field, Grid())).nearest(one.value)
    return found if isinstance(one.value, Decimal) else tuple(map(int, found))
