"""Triggers: when a fault strikes. At a moment, on a dial, a request, a handshake, or on all requests of a while."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from trio_binance.errors import InvalidArgument
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.operations import BY_METHOD, BY_NAME, PATHS

from .bends import Bend
from .deeds import Deed

Wire: TypeAlias = Literal["any", "rest", "ws_api"]

GROUPS = frozenset(operation.security for operation in BY_METHOD.values()) - {"NONE"}
"""Names that stand for many operations: those that trade, those that ask for an account's data, ..."""
ALL = "*"
_TOLD = (
    'expected the start of a path ("/api/v3/order"), an operation ("POST /api/v3/order", "order.place"), '
    '"TRADE", "USER_DATA", "USER_STREAM" or "*"'
)


@attrs.frozen
class Timed:
    """Done so many seconds after the schedule started, or after the request came that brings it."""

    at: float
    deed: Deed


@attrs.frozen
class OnDial:
    """Done to the n-th dial, counted from 1."""

    number: int
    fault: DialFault


def _subject(name: str) -> str:
    """Return what a fault is aimed at: the start of a target, a group, or an operation, which has two names."""
    if name.startswith("/"):
        path = name.partition("?")[0]
        if any(known.startswith(path) or path.startswith(known) for known in PATHS):
            return name
    elif name == ALL or name in GROUPS or name in BY_NAME:
        return name
    elif name in BY_METHOD:
        return BY_METHOD[name].name
    raise InvalidArgument("path", name, f"no request of the exchange is called so; {_TOLD}")


def _on_wire(instance: OnRequest | Spell, _attribute: object, wire: Wire) -> None:
    """Refuse what would never strike: targets are of REST, the methods of a session of the WebSocket API."""
    is_target = instance.path.startswith("/")
    is_session = instance.path not in BY_NAME and instance.path in BY_METHOD
    if (is_target and wire == "ws_api") or (is_session and wire == "rest"):
        raise InvalidArgument("wire", wire, f"{instance.path} is never asked for there")


@attrs.frozen
class OnRequest:
    """Done to the n-th request, counted from 1 among those that ``path`` means, on both wires together or on one.

    ``path`` is the start of a target: a REST request; or an operation by either of its names ("POST /api/v3/order",
    "order.place"), on both wires; or a group: "TRADE", "USER_DATA", "USER_STREAM", or "*" for every request.
    ``deeds`` are done when the request comes in, before anything is done to it, or some seconds later.

    Raises:
        InvalidArgument: no request of the exchange is called so: the fault would never strike.
    """

    number: int
    bend: Bend = Bend()  # noqa: RUF009  # it is frozen
    path: str = attrs.field(default="/", converter=_subject)
    wire: Wire = attrs.field(default="any", validator=_on_wire)
    deeds: tuple[Timed, ...] = ()


@attrs.frozen
class Spell:
    """Done to every request that ``path`` means, as in ``OnRequest``, from a moment on, for some seconds."""

    at: float
    seconds: float
    bend: Bend
    path: str = attrs.field(default=ALL, converter=_subject)
    wire: Wire = attrs.field(default="any", validator=_on_wire)


@attrs.frozen
class OnHandshake:
    """Done to the n-th WebSocket handshake, counted from 1 among those whose target starts with ``path``."""

    number: int
    bend: Bend
    path: str = "/"


Fault: TypeAlias = Timed | OnDial | OnRequest | Spell | OnHandshake
Faults: TypeAlias = tuple[Fault, ...]
