"""The route: one stream of a socket, from its decoder to the feeds that want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs
import trio

from trio_binance.errors import SubscriptionRefused
from trio_binance.models import AggTradeEvent, DepthUpdateEvent, TradeEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio_binance._protocol.stream import Refused
    from trio_binance._pure.overlap import Overlap
    from trio_binance.errors import BinanceError


class Sink(Protocol):
    """Where the events of an outlet go: a feed, or a book. Nothing in it waits but ``wait_room``."""

    @property
    def ended(self) -> bool:
        """Whether nothing is taken any more."""
        ...

    @property
    def room(self) -> int:
        """How many events can be taken without any being lost."""
        ...

    def deliver(self, batch: Sequence[Any]) -> int:
        """Take events, in order; return how many events were lost, of any age."""
        ...

    async def wait_room(self) -> None:
        """Wait until an event can be taken, or nothing is taken any more; for a source that can wait."""

    def on_carried(self) -> None:
        """Note that a stream of the outlet is carried, for the first time or again: the exchange has confirmed it."""

    def on_lost(self, reason: str) -> None:
        """Note that no connection carries the outlet's streams any more: what comes next may not follow."""

    def end(self, error: BinanceError | None = None) -> None:
        """Note that nothing more will come."""


@attrs.define(eq=False)
class Outlet:
    """A feed's end in here: where its events gather during one socket read."""

    label: str
    names: tuple[str, ...]
    sink: Sink
    pending: list[Any] = attrs.field(factory=list)
    joining: set[str] = attrs.field(factory=set)
    """Names that are being added to a feed that is open."""
    joined: trio.Event = attrs.field(factory=trio.Event)
    """Set when the present addition is over, one way or the other, and then replaced."""


@attrs.define(eq=False)
class Guard:
    """What looks at a stream's events while it is not certain that they follow the last one."""

    overlap: Overlap[Any] | None = None
    """Several connections bring the stream, or did so a moment ago."""
    fresh: bool = False
    """The next event shows whether something was missed."""
    until: float = float("inf")
    """When the only connection that is left repeats nothing any more."""


@attrs.define(eq=False)
class Route:
    """One stream: who decodes it and who wants it."""

    name: str
    decode: Callable[[bytes], Any]
    outlets: list[Outlet] = attrs.field(factory=list)
    settled: trio.Event = attrs.field(factory=trio.Event)
    """The exchange has confirmed it on a connection that stands, or refused it, or there is nothing to wait for."""
    carried: bool = False
    """The exchange has confirmed it on a connection that stands."""
    refused: Refused | None = None
    last: Any = None
    guard: Guard | None = None
    """Costs nothing when there is none: that is how it is but after a loss, and while connections overlap."""

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
