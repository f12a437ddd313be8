"""The operation: one thing the exchange can be asked, as data: its names, its price, who may ask, what comes back."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

R = TypeVar("R")

MATCHING_ENGINE = "Matching Engine"
"""The data source of whatever changes an order; everything else only looks."""

Value = str | int | bool | Decimal | tuple[str, ...] | None
"""A parameter before it is written: ``None`` is left out, a tuple becomes a JSON array, a Decimal keeps its scale."""


class Security(enum.Enum):
    """Who may ask (rest-api.md, "Request Security")."""

    NONE = "NONE"
    TRADE = "TRADE"
    USER_DATA = "USER_DATA"
    USER_STREAM = "USER_STREAM"


class Lane(enum.IntEnum):
    """Who goes first when the limits are tight: cancels and orders, then the account, then market data."""

    TRADING = 0
    ACCOUNT = 1
    MARKET = 2


@attrs.frozen
class Operation(Generic[R]):
    """One row of the catalogue.

    ``weight`` tells the request weight of given parameters; ``orders`` how many unfilled orders it adds;
    ``free_on_success`` that it costs no weight when it succeeds (CHANGELOG 2026-03-27). ``result`` is what the
    answer is decoded into.
    """

    method: str
    path: str
    ws_method: str | None
    security: Security
    weight: Callable[[Mapping[str, Value]], int]
    result: Any = attrs.field(repr=False)
    orders: int = 0
    free_on_success: bool = False
    source: str = "Memory"

    @property
    def name(self) -> str:
        """The operation as people name it: ``POST /api/v3/order``, or the method where there is no REST."""
        return f"{self.method} {self.path}" if self.path else self.ws_method or ""

    @property
    def signed(self) -> bool:
        """Whether a key and a signature are needed."""
        return self.security is not Security.NONE

    @property
    def changes_state(self) -> bool:
        """Whether a lost answer leaves something unknown; such a request is never sent twice by us."""
        return self.source == MATCHING_ENGINE

    @property
    def cancels(self) -> bool:
        """Whether it only reduces risk: such a request passes even an open circuit breaker."""
        return self.method == "DELETE"

    @property
    def asks_for_orders(self) -> bool:
        """Whether it tells what became of an order: the question behind every unknown outcome."""
        return self.method == "GET" and self.path in ("/api/v3/order", "/api/v3/openOrders")

    @property
    def lane(self) -> Lane:
        """Its place in the queue for the exchange's limits."""
        if self.security is Security.TRADE:
            return Lane.TRADING
        return Lane.ACCOUNT if self.signed else Lane.MARKET


def fixed(weight: int) -> Callable[[Mapping[str, Value]], int]:
    """Return a weight rule that does not look at the parameters."""
    return lambda _params: weight


def by_limit(default: int, *brackets: tuple[int, int]) -> Callable[[Mapping[str, Value]], int]:
    """Return a weight rule by the parameter ``limit``: the first bracket ``(up_to, weight)`` that holds it."""

    def weigh(params: Mapping[str, Value]) -> int:
        limit = params.get("limit")
        wanted = limit if isinstance(limit, int) else default
        return next((weight for up_to, weight in brackets if wanted <= up_to), brackets[-1][1])

    return weigh


def with_param(name: str, weight: int, otherwise: int) -> Callable[[Mapping[str, Value]], int]:
    """Return a weight rule by whether a parameter is given (and not ``False``)."""
    return lambda params: weight if params.get(name) not in (None, False) else otherwise


def by_symbols(*brackets: tuple[int, int], everything: int) -> Callable[[Mapping[str, Value]], int]:
    """Return a weight rule by how many symbols are asked for; ``everything`` when none is named."""

    def weigh(params: Mapping[str, Value]) -> int:
        symbols = params.get("symbols")
        count = 1 if params.get("symbol") is not None else len(symbols) if isinstance(symbols, tuple) else 0
        if count == 0:
            return everything
        return next((weight for up_to, weight in brackets if count <= up_to), everything)

    return weigh


def per_symbol(each: int, cap: int) -> Callable[[Mapping[str, Value]], int]:
    """Return a weight rule of so much a symbol, up to a cap."""

    def weigh(params: Mapping[str, Value]) -> int:
        symbols = params.get("symbols")
        return min(each * len(symbols), cap) if isinstance(symbols, tuple) else each

    return weigh
