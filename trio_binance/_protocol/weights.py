"""The weights: what a request costs of the exchange's limit, by its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from .parameter import Value

Weight: TypeAlias = Callable[[Mapping[str, Value]], int]
"""A weight rule: from parameters to a number."""


def fixed(weight: int) -> Weight:
    """Return a weight rule that does not look at the parameters."""
    return lambda _params: weight


def by_limit(default: int, *brackets: tuple[int, int]) -> Weight:
    """Return a weight rule by the parameter ``limit``: the first bracket ``(up_to, weight)`` that holds it."""

    def weigh(params: Mapping[str, Value]) -> int:
        limit = params.get("limit")
        wanted = limit if isinstance(limit, int) else default
        return next((weight for up_to, weight in brackets if wanted <= up_to), brackets[-1][1])

    return weigh


def with_param(name: str, weight: int, otherwise: int) -> Weight:
    """Return a weight rule by whether a parameter is given (and not ``False``)."""
    return lambda params: weight if params.get(name) not in (None, False) else otherwise


def _symbols(params: Mapping[str, Value]) -> int:
    """Return how many symbols are named; none stands for all of them."""
    symbols = params.get("symbols")
    return 1 if params.get("symbol") is not None else len(symbols) if isinstance(symbols, tuple) else 0


def by_symbols(*brackets: tuple[int, int], everything: int) -> Weight:
    """Return a weight rule by how many symbols are asked for; ``everything`` when none is named."""

    def weigh(params: Mapping[str, Value]) -> int:
        count = _symbols(params)
        if count == 0:
            return everything
        return next((weight for up_to, weight in brackets if count <= up_to), everything)

    return weigh


def per_symbol(each: int, cap: int) -> Weight:
    """Return a weight rule of so much a symbol, up to a cap, which is also what all of them cost."""
    return lambda params: min(each * count, cap) if (count := _symbols(params)) else cap
