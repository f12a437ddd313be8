"""The operation: one thing the exchange can be asked, as data: its names, its price, who may ask, what comes back."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import GenericAlias
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from trio_binance.errors import InvalidArgument
from trio_binance.models import OrderStatus

from .parameter import Need, Param
from .parameter import Value as Value
from .rules import Rule
from .weights import Weight

R = TypeVar("R")

Shape: TypeAlias = Callable[[Mapping[str, Value]], Any]
"""From the parameters of a request to the type of its answer."""

MATCHING_ENGINE = "Matching Engine"
"""The data source of whatever changes an order; everything else only looks."""

_AMEND = "/api/v3/order/amend/keepPriority"
_QUESTIONS = frozenset(("/api/v3/order", "/api/v3/openOrders", "/api/v3/orderList", "/api/v3/openOrderList"))
_GONE = (OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH)


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


class Free(enum.Enum):
    """When a request gives its weight back (CHANGELOG 2026-03-27, in force since 2026-04-02)."""

    NEVER = "never"
    ON_SUCCESS = "on success"
    WHEN_EXPIRED = "when the order expires"
    """Amendments: "0 if the amendment makes the order expire", the documented weight otherwise."""


def _is_signed(operation: Operation[Any]) -> bool:
    return operation.security is not Security.NONE


def _by_name(operation: Operation[Any]) -> dict[str, Param]:
    return {param.name: param for param in operation.params}


def _by_field(operation: Operation[Any]) -> dict[str, Param]:
    return {param.field: param for param in operation.params}


@attrs.frozen
class Operation(Generic[R]):
    """One row of the catalogue.

    ``weight`` tells the request weight of given parameters; ``orders`` how many unfilled orders it adds; ``free``
    when it costs no weight after all. ``result`` is what the answer is decoded into, ``shape`` which of its types
    the parameters ask for. ``signed`` is told apart from ``security`` for the sake of two methods of the session.
    ``ws_list`` marks the answer that the WebSocket API wraps in a list. What signing adds (``apiKey``, ``timestamp``,
    ``recvWindow``, ``signature``) is not among ``params``.
    """

    method: str
    path: str
    ws_method: str | None
    security: Security
    weight: Weight
    result: Any = attrs.field(repr=False)
    params: tuple[Param, ...] = attrs.field(default=(), repr=False)
    rules: tuple[Rule, ...] = attrs.field(default=(), repr=False)
    shape: Shape | None = attrs.field(default=None, repr=False, kw_only=True)
    orders: int = attrs.field(default=0, kw_only=True)
    free: Free = attrs.field(default=Free.NEVER, kw_only=True)
    source: str = attrs.field(default="Memory", kw_only=True)
    signed: bool = attrs.field(default=attrs.Factory(_is_signed, takes_self=True), kw_only=True)
    ws_list: bool = attrs.field(default=False, kw_only=True)
    _known: Mapping[str, Param] = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(_by_name, takes_self=True)
    )
    _fields: Mapping[str, Param] = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(_by_field, takes_self=True)
    )

    @property
    def name(self) -> str:
        """The operation as people name it: ``POST /api/v3/order``, or the method where there is no REST."""
        return f"{self.method} {self.path}" if self.path else self.ws_method or ""

    # ------------------------------------------------------------------------------------ before it is sent

    def write(self, **arguments: object) -> dict[str, Value]:
        """Return a caller's arguments, by the facade's names, as parameters of the wire.

        Raises:
            TypeError: a float, or another type that cannot be sent; names the argument.
            InvalidArgument: a value that the exchange cannot accept; names argument and value.
        """
        return {
            param.name: param.accept(value)
            for param, value in ((self._fields[key], arguments[key]) for key in arguments)
        }

    def check(self, params: Mapping[str, Value]) -> None:
        """Refuse parameters that the exchange does not know, lacks, or does not take together.

        Raises:
            InvalidArgument: names the parameter as the wire does.
        """
        for name in params:
            if name not in self._known:
                raise InvalidArgument(name, params[name], f"{self.name} has no such parameter")
        for param in self.params:
            if param.need is Need.MANDATORY and params.get(param.name) is None:
                raise InvalidArgument(param.name, None, f"{self.name} needs it")
        for rule in self.rules:
            rule.check(params)

    @property
    def changes_state(self) -> bool:
        """Whether a lost answer leaves something unknown; such a request is never sent twice by us."""
        return self.source == MATCHING_ENGINE

    @property
    def cancels(self) -> bool:
        """Whether it can only take from what is open: it passes an open circuit breaker, and is as good an hour later.

        Cancellations do, and amendments ("0 < newQty < order quantity"); a cancel-and-replace does not, for it places.
        """
        return self.method == "DELETE" or self.path == _AMEND

    @property
    def asks_for_orders(self) -> bool:
        """Whether it tells what became of an order or a list: the question behind every unknown outcome."""
        return self.method == "GET" and self.path in _QUESTIONS

    @property
    def lane(self) -> Lane:
        """Its place in the queue for the exchange's limits. A test order is a question, and a session the account's."""
        if self.security is Security.TRADE and self.changes_state:
            return Lane.TRADING
        return Lane.ACCOUNT if self.signed or not self.path else Lane.MARKET

    # ---------------------------------------------------------------------------------- after it was answered

    def result_of(self, params: Mapping[str, Value]) -> Any:
        """Return what the answer to these parameters is decoded into: the type that was asked for, and no other."""
        return self.result if self.shape is None else self.shape(params)

    def is_free(self, result: Any) -> bool:
        """Tell whether this answer gives the request's weight back; an error never does."""
        if self.free is Free.WHEN_EXPIRED:
            return result.amended_order.status in _GONE
        return self.free is Free.ON_SUCCESS


def by_word(name: str, otherwise: Any, **kinds: Any) -> Shape:
    """Return the shape that one parameter's word chooses; ``otherwise`` where it is not given."""
    return lambda params: kinds[str(word)] if (word := params.get(name)) is not None else otherwise


def by_symbol(each: Shape) -> Shape:
    """Return the shape of a ticker: one where a single symbol is named, otherwise a list."""

    def shape(params: Mapping[str, Value]) -> Any:
        kind = each(params)
        return kind if params.get("symbol") is not None else GenericAlias(list, (kind,))

    return shape
