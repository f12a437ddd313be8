"""Entries: a fault with a name, and how it is scripted; or why the exchange cannot bring it about."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from trio_binance.sandbox.faults.bends import Bend
from trio_binance.sandbox.faults.triggers import Faults, OnRequest, Timed, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance.sandbox.faults.deeds import Deed

PLACE = "POST /api/v3/order"
CANCEL = "DELETE /api/v3/order"
REPLACE = "POST /api/v3/order/cancelReplace"
AMEND = "PUT /api/v3/order/amend/keepPriority"
SYMBOL = "BTCUSDT"
INSTANT = 0.001
"""Seconds: long enough for one request that is executed as it comes."""


@attrs.frozen
class Scripted:
    """A fault that can be scripted: call it for the pieces of a schedule.

    All take ``nth`` (the request that it strikes, counted from 1), ``on`` (which requests are counted, as
    ``OnRequest.path``) and ``wire``; some have options of their own.
    """

    what: str
    make: Callable[..., Faults]

    def __call__(self, *, nth: int = 1, **options: object) -> Faults:
        """Return the pieces of a schedule that bring it about at the n-th request."""
        return self.make(nth=nth, **options)


@attrs.frozen
class Elsewhere:
    """A fault that is not the exchange's to bring about."""

    what: str
    reason: str


Entry: TypeAlias = Scripted | Elsewhere


def bent(what: str, on: str, bend: Callable[..., Bend], wire: Wire = "any") -> Scripted:
    """Return an entry that bends a request; the options are those of ``bend``."""
    default_on, default_wire = on, wire

    def make(nth: int, on: str = default_on, wire: Wire = default_wire, **options: object) -> Faults:
        return (OnRequest(nth, bend(**options), on, wire),)

    return Scripted(what, make)


def brought(
    what: str, on: str, deeds: Callable[..., tuple[Deed, ...]], *, after: float = 0.0, wire: Wire = "any"
) -> Scripted:
    """Return an entry of deeds done as a request comes in, or some seconds ``after``; their options are its own."""
    default_on, default_after, default_wire = on, after, wire

    def make(
        nth: int, on: str = default_on, wire: Wire = default_wire, after: float = default_after, **options: object
    ) -> Faults:
        done = tuple(Timed(after, deed) for deed in deeds(**options))
        return (OnRequest(nth, path=on, wire=wire, deeds=done),)

    return Scripted(what, make)
