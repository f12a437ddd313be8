"""The conditions: how a service is, and how the whole connector is."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from trio_binance.errors import BinanceError


class Status(enum.Enum):
    """How the connector is."""

    STARTING = "starting"
    """Not every service has been ready yet."""
    READY = "ready"
    """Every service does its work."""
    DEGRADED = "degraded"
    """At least one service cannot do all of its work at the moment; the reasons say which and why."""
    CLOSED = "closed"
    """The ``async with`` block has ended."""


@attrs.frozen
class Starting:
    """A service is on its way."""

    reason: str = "starting"


@attrs.frozen
class Ready:
    """A service does its work."""


@attrs.frozen
class Degraded:
    """A service cannot do all of its work, and why; it goes on trying.

    ``refusal`` is given where only somebody else can help: the exchange refuses the key. Nobody should wait for that.
    """

    reason: str
    refusal: BinanceError | None = None


Condition = Starting | Ready | Degraded
