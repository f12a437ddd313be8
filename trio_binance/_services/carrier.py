"""The carrier: one connection of a shard, and what the exchange has confirmed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from trio_binance._protocol.stream import Subscriptions

    from .socket import Socket


@attrs.define(eq=False)
class Carrier:
    """A connection that stands."""

    socket: Socket
    number: int
    """The how-manieth of its link it is."""
    subscriptions: Subscriptions
    complete_at: float | None = None
    """When the exchange had first confirmed on it all that was wanted."""
    gone: bool = False
