"""The route: one stream of a socket, from its decoder to the feeds that want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import trio

from trio_binance.errors import SubscriptionRefused
from trio_binance.models import AggTradeEvent, DepthUpdateEvent, TradeEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance._protocol.stream import Refused

    from .feed import FeedSink


@attrs.define(eq=False)
class Outlet:
    """A feed's end in here: where its events gather during one socket read."""

    label: str
    names: tuple[str, ...]
    sink: FeedSink[Any]
    pending: list[Any] = attrs.field(factory=list)


@attrs.define(eq=False)
class Route:
    """One stream: who decodes it and who wants it."""

    name: str
    decode: Callable[[bytes], Any]
    outlets: list[Outlet] = attrs.field(factory=list)
    settled: trio.Event = attrs.field(factory=trio.Event)
    """The exchange has confirmed it on the present connection, or refused it, or there is nothing to wait for."""
    refused: Refused | None = None
    last: Any = None
    fresh: bool = False
    """Set on a new connection: the next event shows whether something was missed."""

    def refusal(self, refused: Refused) -> SubscriptionRefused:
        """Return the error for one who wanted it; each gets its own, for each is raised elsewhere."""
        return SubscriptionRefused(f"{self.name}: {refused.message}", streams=(self.name,), code=refused.code)


def ids_of(event: Any) -> tuple[int, int] | None:
    """Return the first and the last id of an event of a stream whose ids have no holes."""
    match event:
        case TradeEvent():
            return event.trade_id, event.trade_id
        case AggTradeEvent():
            return event.agg_trade_id, event.agg_trade_id
        case DepthUpdateEvent():
            # "U: first update ID in event": one more than the last of the event before.
            return event.first_update_id, event.last_update_id
    return None
