"""User data: the events of the account, out of their envelope, letters to words by table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trio_binance.errors import DecodeError
from trio_binance.models import (
    AccountPosition,
    Balance,
    BalanceUpdate,
    EventStreamTerminated,
    ExecutionReport,
    ExternalLockUpdate,
    ListedOrder,
    ListStatus,
    Model,
    ServerShutdownEvent,
    UnknownUserEvent,
    UserEvent,
)

from . import jsontext
from .converter import Dialect
from .jsontext import Json

_EVENTS: Mapping[Json, type[Model]] = {
    "executionReport": ExecutionReport,
    "outboundAccountPosition": AccountPosition,
    "balanceUpdate": BalanceUpdate,
    "listStatus": ListStatus,
    "externalLockUpdate": ExternalLockUpdate,
    "eventStreamTerminated": EventStreamTerminated,
    "serverShutdown": ServerShutdownEvent,
}
_TAGS: Mapping[type[Model], tuple[str, str]] = {kind: ("e", str(word)) for word, kind in _EVENTS.items()}

_NAMES: Mapping[type[Model], Mapping[str, str]] = {
    ExecutionReport: {
        "event_time": "E",
        "symbol": "s",
        "client_order_id": "c",
        "side": "S",
        "order_type": "o",
        "time_in_force": "f",
        "quantity": "q",
        "price": "p",
        "stop_price": "P",
        "iceberg_quantity": "F",
        "order_list_id": "g",
        "original_client_order_id": "C",
        "execution_type": "x",
        "order_status": "X",
        "reject_reason": "r",
        "order_id": "i",
        "last_executed_quantity": "l",
        "cumulative_filled_quantity": "z",
        "last_executed_price": "L",
        "commission": "n",
        "commission_asset": "N",
        "transaction_time": "T",
        "trade_id": "t",
        "execution_id": "I",
        "is_working": "w",
        "is_maker": "m",
        "is_best_match": "M",
        "order_creation_time": "O",
        "cumulative_quote_quantity": "Z",
        "last_quote_quantity": "Y",
        "quote_order_quantity": "Q",
        "self_trade_prevention_mode": "V",
        "working_time": "W",
        "trailing_delta": "d",
        "trailing_time": "D",
        "strategy_id": "j",
        "strategy_type": "J",
        "prevented_match_id": "v",
        "prevented_quantity": "A",
        "last_prevented_quantity": "B",
        "trade_group_id": "u",
        "counter_order_id": "U",
        "counter_symbol": "Cs",
        "prevented_execution_quantity": "pl",
        "prevented_execution_price": "pL",
        "prevented_execution_quote_quantity": "pY",
        "match_type": "b",
        "allocation_id": "a",
        "working_floor": "k",
        "used_sor": "uS",
        "peg_price_type": "gP",
        "peg_offset_type": "gOT",
        "peg_offset_value": "gOV",
        "pegged_price": "gp",
        "expiry_reason": "eR",
    },
    AccountPosition: {"event_time": "E", "last_update_time": "u", "balances": "B"},
    Balance: {"asset": "a", "free": "f", "locked": "l"},
    BalanceUpdate: {"event_time": "E", "asset": "a", "delta": "d", "clear_time": "T"},
    ListStatus: {
        "event_time": "E",
        "symbol": "s",
        "order_list_id": "g",
        "contingency_type": "c",
        "list_status_type": "l",
        "list_order_status": "L",
        "list_reject_reason": "r",
        "list_client_order_id": "C",
        "transaction_time": "T",
        "orders": "O",
    },
    ListedOrder: {"symbol": "s", "order_id": "i", "client_order_id": "c"},
    ExternalLockUpdate: {"event_time": "E", "asset": "a", "delta": "d", "transaction_time": "T"},
    EventStreamTerminated: {"event_time": "E"},
    ServerShutdownEvent: {"event_time": "E"},
}

_DIALECT = Dialect(lambda cls, name: _NAMES[cls][name], lambda cls: _TAGS.get(cls))


def decode(raw: bytes) -> UserEvent:
    """Return the event ``raw``, the object under ``event`` of the envelope; one without a model is kept as it is.

    Raises ``DecodeError``: no JSON object, or ``path`` names the field that does not fit.
    """
    return from_json(jsontext.decode(raw))


def from_json(value: Json) -> UserEvent:
    """Return a parsed event; raises as ``decode`` does."""
    if not isinstance(value, dict):
        raise DecodeError("a user event is an object", model="UserEvent", payload=repr(value))
    word = value.get("e")
    kind = _EVENTS.get(word) if isinstance(word, str) else None
    if kind is None:
        return UnknownUserEvent(word if isinstance(word, str) else None, value)
    event: UserEvent = _DIALECT.structure(value, kind)
    return event


def unwrap(frame: bytes) -> tuple[int | None, UserEvent]:
    """Return the subscription and the event of ``{"subscriptionId": .., "event": {..}}``.

    The subscription is ``None`` for an event of the connection (``serverShutdown``). Raises as ``decode`` does, and
    ``DecodeError`` where there is no envelope.
    """
    envelope = jsontext.decode(frame)
    if not isinstance(envelope, dict) or "event" not in envelope:
        raise DecodeError("no event in its envelope", path="event", model="UserEvent", payload=frame)
    subscription = envelope.get("subscriptionId")
    if subscription is not None and type(subscription) is not int:
        raise DecodeError("expected int", path="subscriptionId", model="UserEvent", payload=frame)
    return subscription, from_json(envelope["event"])


def unstructure(event: UserEvent) -> Any:
    """Return what the exchange writes for ``event``, the exact inverse of ``decode``."""
    return event.payload if isinstance(event, UnknownUserEvent) else _DIALECT.unstructure(event)
