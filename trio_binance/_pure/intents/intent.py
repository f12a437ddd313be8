"""The intent: one request that changes state, as it is sent, and the parts of it that have a fate of their own."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

import attrs

from trio_binance.errors import InvalidArgument
from trio_binance.models import OrderType, TimeInForce
from trio_binance.models.evidence import time_of_day

Value: TypeAlias = "str | int | Decimal | bool | tuple[str, ...]"
"""What a parameter can be; a Decimal keeps its scale."""

SECRETS = frozenset({"apiKey", "signature"})
"""Parameters that no intent holds, so that neither a journal nor a message can show them."""


class Kind(enum.Enum):
    """What a request is to bring about."""

    PLACE = "order"
    SOR = "order by smart order routing"
    LIST = "order list"
    CANCEL = "cancellation"
    CANCEL_LIST = "cancellation of a list"
    CANCEL_ALL = "cancellation of all orders"
    CANCEL_REPLACE = "cancellation and new order"
    AMEND = "amendment"


class Part(enum.Enum):
    """What of a request has a fate of its own: the whole, or one half of a cancel-replace."""

    WHOLE = "whole"
    CANCEL = "cancel"
    NEW_ORDER = "new order"


KINDS: Mapping[str, Kind] = {
    "POST /api/v3/order": Kind.PLACE,
    "POST /api/v3/sor/order": Kind.SOR,
    "POST /api/v3/order/oco": Kind.LIST,
    "POST /api/v3/orderList/oco": Kind.LIST,
    "POST /api/v3/orderList/oto": Kind.LIST,
    "POST /api/v3/orderList/otoco": Kind.LIST,
    "POST /api/v3/orderList/opo": Kind.LIST,
    "POST /api/v3/orderList/opoco": Kind.LIST,
    "DELETE /api/v3/order": Kind.CANCEL,
    "DELETE /api/v3/orderList": Kind.CANCEL_LIST,
    "DELETE /api/v3/openOrders": Kind.CANCEL_ALL,
    "POST /api/v3/order/cancelReplace": Kind.CANCEL_REPLACE,
    "PUT /api/v3/order/amend/keepPriority": Kind.AMEND,
}
"""The kinds by the operation's name, for every operation that reaches the matching engine."""

_PARTS = {Kind.CANCEL_REPLACE: (Part.CANCEL, Part.NEW_ORDER)}
_NAMED = {
    Kind.PLACE: "newClientOrderId",
    Kind.SOR: "newClientOrderId",
    Kind.LIST: "listClientOrderId",
    Kind.CANCEL_REPLACE: "newClientOrderId",
}
"""The names by which what is placed is found again."""
_RESTING = frozenset(
    {
        *(OrderType.LIMIT_MAKER, OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT),
        *(OrderType.LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT),
    }
)


@attrs.frozen
class Stamp:
    """What a request is stamped with, in milliseconds of server time, and the wire that it takes.

    "timestamp ... recvWindow" is checked when a request arrives and again before it is handed to the matching engine
    (rest-api.md, "Timing security"): later than that it does not begin.
    """

    timestamp_ms: int
    recv_window_ms: int
    wire: str

    def __str__(self) -> str:
        return f"{self.wire}, timestamp {time_of_day(self.timestamp_ms)}, recvWindow {self.recv_window_ms} ms"


def _without_secrets(params: Mapping[str, Value]) -> Mapping[str, Value]:
    return MappingProxyType({name: value for name, value in params.items() if name not in SECRETS})


@attrs.frozen
class Intent:
    """A request that changes state.

    Args:
        intent_id: names it, in this process and in the journal; no two have the same.
        operation: the operation's REST name, such as "POST /api/v3/order"; one of ``KINDS``.
        params: the parameters by the wire's names, as they are sent, but for ``SECRETS``; every order and list that is
            placed has a client id.
        stamp: what it was stamped with, if it was before it became an intent.
        targets: of a cancellation of many, the ids of the orders that were known to be open then.
    """

    intent_id: str
    operation: str
    params: Mapping[str, Value] = attrs.field(converter=_without_secrets)
    stamp: Stamp | None = None
    targets: tuple[int, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what changes nothing, and an order that could not be found again."""
        if self.operation not in KINDS:
            raise InvalidArgument("operation", self.operation, "it changes nothing at the matching engine")
        if self.kind in _NAMED and not all((self.text(_NAMED[self.kind]), *self.client_order_ids)):
            raise InvalidArgument(_NAMED[self.kind], None, "what has no client id cannot be asked for")

    @property
    def kind(self) -> Kind:
        """What it is to bring about."""
        return KINDS[self.operation]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that each have a fate of their own."""
        return _PARTS.get(self.kind, (Part.WHOLE,))

    @property
    def symbol(self) -> str:
        """The symbol that it concerns."""
        return self.text("symbol")

    @property
    def client_order_ids(self) -> tuple[str, ...]:
        """The client ids of the orders that it places: of a list, those of its legs."""
        if self.kind is not Kind.LIST:
            return (self.text("newClientOrderId"),)
        return tuple(
            str(value)
            for name, value in self.params.items()
            if name.endswith("ClientOrderId") and name != "listClientOrderId"
        )

    @property
    def name(self) -> str:
        """The client id of what it places, of a list the list's; of what it changes where that is named so."""
        return self.text(_NAMED.get(self.kind, "origClientOrderId"))

    @property
    def places(self) -> bool:
        """Whether it places something."""
        return self.kind in _NAMED

    @property
    def rests(self) -> bool:
        """Whether the order that it places stays on the book, unless it is filled."""
        return self.params.get("type") in _RESTING and self.params.get("timeInForce", "GTC") == TimeInForce.GTC

    def text(self, name: str) -> str:
        """Return a parameter's text, empty if it is not sent."""
        return str(self.params.get(name, ""))

    def number(self, name: str) -> int | None:
        """Return a whole number among the parameters, ``None`` if it is not sent."""
        return int(self.text(name)) if name in self.params else None
