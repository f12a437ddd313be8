"""The overlap: the events of one stream, brought by several connections at once, become one series, each told once.

    A, which leads:   1 2 3 4 5 6 ...             ──pass──>  1 2 3 4 5 6 7 ...
    B, which follows:       (4 5 6 7) ...  held until A has brought what B began with, or more

From then on both lead: whatever comes first passes, for each has brought everything before it. So a connection may be
closed once another leads, and neither the one's lag nor the other's loses or repeats anything.

What is promised while connections overlap, by the kind of events:

- By their ids, of which there is one an event: trades, aggregate trades, block trades, best bids and asks (their update
  id), changes of the book (their last update id), the best levels (theirs). Each id once, ascending.
- By their times, which several may share: candles, tickers of every sort and the arrays of them (the latest time in
  one), average prices, reference prices, and what this version does not know but has an event time. Each event once,
  as it is written, and none that is older than what has been told. Hosts that stamp the same update with different
  times would have it told twice, the later one last.
- By what they say: what has neither. Each different message once, in the order of arrival.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, final

from trio_binance.models import (
    AggTradeEvent,
    AvgPriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    MiniTickerEvent,
    PartialDepthEvent,
    ReferencePriceEvent,
    RollingTickerEvent,
    TickerEvent,
    TradeEvent,
    UnknownEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

E = TypeVar("E")

MOST_HELD: Final = 10_000
"""So many events of one stream are held at most; then what they began with is taken for good enough."""

_BY_ID: Final[dict[type[Any], Callable[[Any], int]]] = {
    TradeEvent: attrgetter("trade_id"),
    AggTradeEvent: attrgetter("agg_trade_id"),
    BlockTradeEvent: attrgetter("block_trade_id"),
    BookTickerEvent: attrgetter("update_id"),
    DepthUpdateEvent: attrgetter("last_update_id"),
    PartialDepthEvent: attrgetter("last_update_id"),
}


def _told_time(event: UnknownEvent) -> int:
    told = event.payload.get("E") if isinstance(event.payload, dict) else None
    return told if type(told) is int else 0


def _latest_time(events: tuple[MiniTickerEvent | RollingTickerEvent, ...]) -> int:
    return max((event.event_time for event in events), default=0)


_BY_TIME: Final[dict[type[Any], Callable[[Any], int]]] = {
    KlineEvent: attrgetter("event_time"),
    MiniTickerEvent: attrgetter("event_time"),
    TickerEvent: attrgetter("event_time"),
    RollingTickerEvent: attrgetter("event_time"),
    AvgPriceEvent: attrgetter("event_time"),
    ReferencePriceEvent: attrgetter("timestamp"),
    tuple: _latest_time,
    UnknownEvent: _told_time,
}
_PLACE: Final = _BY_ID | _BY_TIME


@final
class Overlap(Generic[E]):
    """The series of one stream. Connections are told apart by any value; ``last`` is the latest event told so far.

    All methods are instantaneous and return the events that are to be handed on, in order.
    """

    __slots__ = ("_at_mark", "_awaited", "_held", "_kind", "_mark", "_reached")

    def __init__(self, last: E | None = None) -> None:
        self._kind: type[Any] | None = None
        self._mark: int | None = None
        self._at_mark: set[str] = set()
        """What has been told of the latest place."""
        self._reached: dict[Hashable, tuple[int | None, set[str]]] = {}
        """How far each connection that leads has come, in the order of their coming."""
        self._held: dict[Hashable, list[E]] = {}
        """What the others have brought."""
        self._awaited: set[Hashable] = set()
        """Which of those have not brought what was told since they were added."""
        if last is not None and (key := self._key(last)) is not None:
            self._tell(key, self._said(last))

    @property
    def settled(self) -> bool:
        """Whether one connection is left, and has come as far as any had: nothing can repeat itself any more."""
        if self._held or len(self._reached) != 1:
            return False
        return (self._mark, self._at_mark) in self._reached.values()

    @property
    def sources(self) -> int:
        """How many connections bring the stream."""
        return len(self._reached) + len(self._held)

    def is_behind(self, source: Hashable) -> bool:
        """Tell whether a connection could not take over yet, though there has been something that shows whether."""
        return source in self._awaited

    def add(self, source: Hashable) -> None:
        """Expect the stream on a connection: it leads if none does, and follows otherwise."""
        if self._reached:
            self._held[source] = []
        else:
            self._reached[source] = None, set()

    def take(self, source: Hashable, event: E) -> Sequence[E]:
        """Take an event that a connection has brought; of one that was not added nothing is taken."""
        if source in self._held:
            return self._hold(source, event)
        if source not in self._reached or not self._is_news(source, event):
            return ()
        passed = [event]
        self._awaited.update(self._held)
        for follower in [each for each, held in self._held.items() if self._meets(held)]:
            passed += self.trust(follower)
        return passed

    def _hold(self, source: Hashable, event: E) -> Sequence[E]:
        held = self._held[source]
        held.append(event)
        self._awaited.add(source)
        return self.trust(source) if self._meets(held) or len(held) > MOST_HELD else ()

    def trust(self, source: Hashable) -> Sequence[E]:
        """Let a connection lead, whatever it began with."""
        held = self._held.pop(source)
        self._awaited.discard(source)
        self._reached[source] = None, set()
        return [event for event in held if self._is_news(source, event)]

    def remove(self, source: Hashable) -> Sequence[E]:
        """Expect nothing from a connection any more; if it was the last to lead, the first of the others does now."""
        self._held.pop(source, None)
        self._awaited.discard(source)
        self._reached.pop(source, None)
        return self.trust(next(iter(self._held))) if self._held and not self._reached else ()

    # ------------------------------------------------------------------------------------------ what is news

    def _meets(self, held: Sequence[E]) -> bool:
        """Tell whether what was told reaches as far as the beginning of what is held: this, or something later."""
        for event in held:
            if self._mark is not None and (key := self._key(event)) is not None:
                return key < self._mark or (key == self._mark and self._said(event) in self._at_mark)
        return False

    def _is_news(self, source: Hashable, event: E) -> bool:
        """Note that a connection that leads has brought an event, and tell whether it was not told before."""
        key = self._key(event)
        if key is None:
            # No event of the stream's kind: nothing says where it belongs, and one connection tells it.
            return source == next(iter(self._reached))
        said = self._said(event)
        reached, there = self._reached[source]
        if key == reached:
            there.add(said)
        elif reached is None or key > reached:
            self._reached[source] = key, {said}
        return self._tell(key, said)

    def _tell(self, key: int, said: str) -> bool:
        if self._mark is None or key > self._mark:
            self._mark, self._at_mark = key, {said}
            return True
        if key < self._mark or said in self._at_mark:
            return False
        self._at_mark.add(said)
        return True

    def _said(self, event: E) -> str:
        """Return what tells an event from others of the same place: of an id there is but one."""
        return "" if self._kind in _BY_ID else repr(event)

    def _key(self, event: E) -> int | None:
        """Return the place of an event in its stream, whose kind the first event tells."""
        kind = type(event)
        if self._kind is None and kind in _PLACE:
            self._kind = kind
        return _PLACE[kind](event) if kind is self._kind else None
