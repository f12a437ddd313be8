"""The machine: the series of one feed, and the questions that are asked for what is missing in them.

                       an item of a later place comes, or the exchange knows more
        whole  ─────────────────────────────────────────────────────────────────────>  troubled
          ^                                                                             │  grace
          │   nothing is missing, nothing waits            page, failure: again later   v
          └────────────────────────────────── asked <──────────────────────────────── asking
                     the hole is filled, or given up: a Gap stands in its place

A whole series costs its items next to nothing; a troubled one holds up no other.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final

import attrs

from trio_binance.models import Gap, GapReason

from .series import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .patience import Ask, Bounds
    from .places import Place, Places

E = TypeVar("E")

_NEVER = float("inf")


@attrs.frozen
class Filled:
    """A hole was filled, with so many items that the exchange was asked for."""

    symbol: str
    count: int


@attrs.frozen(eq=False)
class Quiet(Generic[E]):
    """A series of which nothing was heard for a while: what comes next in it, and the last that came."""

    symbol: str
    edge: int
    stride: int
    last: E | None


@attrs.frozen
class ContiguityStatistics:
    """Figures of a gapless feed, in items but for ``gaps`` and ``holes``."""

    recovered: int
    """Had by asking, because they did not come by the stream."""
    repeated: int
    """Came again, and were not handed out again."""
    postponed: int
    """Came, found no room, and were asked for again later."""
    gaps: int
    """Holes that could not be filled, and were told."""
    holes: int
    """Series that lack something now."""
    waiting: int
    """Wait now, behind a hole or for room in the feed."""


@final
class Contiguity(Generic[E]):
    """The series of one feed. All methods are instantaneous; ``now`` is ``trio.current_time()``.

    Args:
        places: how the items are placed.
        bounds: what is spent on a hole.
        starts: where to begin, by symbol; a series that is not named begins with its first item.
        exact: whether such a start is the place of an item; otherwise the first item from there on is the first.
    """

    def __init__(
        self, places: Places[E], bounds: Bounds, *, starts: Mapping[str, int] | None = None, exact: bool = True
    ) -> None:
        self._places = places
        self._bounds = bounds
        self._all: dict[str, Series[E]] = {}
        self._whole: dict[str, Series[E]] = {}
        self._troubled: dict[str, Series[E]] = {}
        self.pass_by: Callable[[Sequence[E]], int] = partial(places.pass_by, self._whole)
        """Tell how many items, from the first on, are in good order, and take them for handed out. The hot path."""
        self._inexact: set[str] = set() if exact or starts is None else {*starts}
        self._asking = 0
        self.is_overflown: bool = False
        """Whether anything that was in good order ever found no room."""
        self._news: list[Gap | Filled] = []
        self._recovered = self._repeated = self._postponed = self._gaps = 0
        for symbol, start in ({} if starts is None else starts).items():
            series = self._all[symbol] = self._troubled[symbol] = Series(symbol, start)
            series.patience.looking = series.patience.resuming = True
            series.patience.want(-_NEVER)

    @property
    def is_troubled(self) -> bool:
        """Whether anything is missing, or waits."""
        return bool(self._troubled)

    @property
    def is_ready(self) -> bool:
        """Whether an item waits for nothing but room."""
        return any(series.is_ready for series in self._troubled.values())

    @property
    def room(self) -> int:
        """How many more items can wait, of whatever series; less than that come from a source that waits."""
        return self._bounds.waiting - max((len(series.waiting) for series in self._troubled.values()), default=0)

    def statistics(self) -> ContiguityStatistics:
        """Return the figures of the feed."""
        troubled = self._troubled.values()
        return ContiguityStatistics(
            recovered=self._recovered,
            repeated=self._repeated,
            postponed=self._postponed,
            gaps=self._gaps,
            holes=sum(series.hole is not None for series in troubled),
            waiting=sum(len(series.waiting) for series in troubled),
        )

    def take_news(self) -> list[Gap | Filled]:
        """Return what became of holes since the last call."""
        news, self._news = self._news, []
        return news

    # ----------------------------------------------------------------------------------- what the streams bring

    def on_batch(self, batch: Sequence[E], room: int, now: float, *, reserve: int = 0) -> list[E | Gap]:
        """Take what a stream brought; return what can be handed out at once, up to ``room`` items.

        What waited leaves a ``reserve`` of the room to what did not wait.
        """
        out: list[E | Gap] = []
        for item in batch:
            place = self._places.of(item)
            if place is None:
                out += [item][: room - len(out)]
                continue
            series = self._whole.get(place.symbol)
            joins = series is not None and place.is_final and place.first == series.edge
            if series is not None and joins and len(out) < room:
                series.join(place.last, item)
                out.append(item)
                continue
            self.is_overflown = self.is_overflown or joins
            series = self._all.get(place.symbol)
            if series is None:
                series = self._all[place.symbol] = Series(place.symbol, place.first)
            out += series.take(room - reserve - len(out))
            self._put(series, place, item)
            out += series.take(room - reserve - len(out))
            self._review(series, now)
        return out

    def _put(self, series: Series[E], place: Place, item: E) -> None:
        if place.is_final:
            is_news = series.put(place.first, place.last, item, self._bounds.waiting)
            if is_news and place.first not in series.waiting:
                self._postponed += 1
                self.is_overflown = self.is_overflown or series.is_ready
        else:
            is_news = series.put_update(place.first, place.last, item, place.moment)
        self._repeated += not is_news

    def _review(self, series: Series[E], now: float) -> None:
        """Sort a series by its state, and plan the next question about it."""
        patience, symbol = series.patience, series.symbol
        if series.hole is None and not patience.looking:
            if patience.recovered:
                self._news.append(Filled(symbol, patience.recovered))
                patience.recovered = 0
            patience.rest()
            patience.resuming = False
        else:
            patience.want(now + self._bounds.grace)
        is_whole = series.is_whole and not patience.looking
        there, gone = (self._whole, self._troubled) if is_whole else (self._troubled, self._whole)
        there[symbol] = series
        gone.pop(symbol, None)

    def take(self, room: int, now: float) -> list[E | Gap]:
        """Return what can be handed out, up to ``room`` items; of one series after the other, each in order."""
        out: list[E | Gap] = []
        for series in list(self._troubled.values()):
            if len(out) >= room:
                break
            del self._troubled[series.symbol]  # It goes to the end of the line.
            out += series.take(room - len(out))
            self._review(series, now)
        return out

    # -------------------------------------------------------------------------------- what is asked for, and comes

    @property
    def deadline(self) -> float:
        """When the next question is due."""
        if self._asking >= self._bounds.questions:
            return _NEVER
        return min((_ask_at(series) for series in self._troubled.values()), default=_NEVER)

    def on_timer(self, now: float) -> list[Ask]:
        """Return the questions to ask now: of those who wait longest, and of none whose items still wait for room."""
        due = sorted((series for series in self._troubled.values() if _ask_at(series) <= now), key=_ask_at)
        return [self._ask(series, now) for series in due[: self._bounds.questions - self._asking]]

    def _ask(self, series: Series[E], now: float) -> Ask:
        self._asking += 1
        if not series.patience.resuming:
            self._bound(series)
        last = count = None
        if series.hole is not None:
            last = series.hole[1]
            count = -(-(last + 1 - series.edge) // series.stride)
        return series.patience.ask(series.symbol, series.edge, last, count, now, self._bounds.timeout)

    def _bound(self, series: Series[E]) -> None:
        """Give up the oldest of what is missing if it is more than may be asked for."""
        first, last = series.hole or (0, 0)
        least = last + 1 - self._bounds.items * series.stride
        if least > first:
            self._give_up(series, least - 1, GapReason.TOO_MANY)

    def _give_up(self, series: Series[E], last: int, reason: GapReason) -> None:
        self._gaps += 1
        self._news.append(series.give_up(last, reason))
        series.patience.rest()

    def on_page(self, ask: Ask, items: Sequence[E], now: float, *, full: bool) -> None:
        """Take the answer to a question: the items from there on; ``full`` if there may be more than these."""
        series = self._answered(ask)
        if series is None:
            return
        patience, before = series.patience, series.edge
        places = [(place, item) for item in items if (place := self._places.of(item)) is not None]
        if places and ask.symbol in self._inexact:
            self._inexact.remove(ask.symbol)
            series.skip_to(places[0][0].first)
        for place, item in places:
            news = series.put(place.first, place.last, item)
            patience.recovered += news
            self._recovered += news
        patience.looking = patience.looking and (full if ask.last is None else series.hole is not None)
        if series.edge > before:
            patience.progress(now, more=full)
        else:
            self._on_nothing(series, now, has_later=any(place.first > before for place, _ in places))
        self._review(series, now)

    def _on_nothing(self, series: Series[E], now: float, *, has_later: bool) -> None:
        """Deal with an answer that brought nothing: a replica that lags, or items that never were."""
        hole = series.hole
        if hole is not None and has_later and series.patience.is_sure:
            self._give_up(series, hole[1], GapReason.ABSENT)
        elif hole is None:
            series.patience.looking = False
        else:
            self._retry(series, now)

    def _retry(self, series: Series[E], now: float) -> None:
        if not series.patience.retry(now):
            self._stop(series, GapReason.TIMEOUT)

    def _stop(self, series: Series[E], reason: GapReason) -> None:
        """Ask no more for what is missing now."""
        series.patience.looking = False
        if series.hole is not None:
            self._give_up(series, series.hole[1], reason)

    def on_failure(self, ask: Ask, now: float, *, refused: bool) -> None:
        """Take note that a question was not answered, or ``refused``: that it never will be."""
        series = self._answered(ask)
        if series is None:
            return
        if refused:
            self._stop(series, GapReason.REFUSED)
        else:
            self._retry(series, now)
        self._review(series, now)

    def _answered(self, ask: Ask) -> Series[E] | None:
        series = self._all[ask.symbol]
        if series.patience.asked is not ask:
            return None
        series.patience.asked = None
        self._asking -= 1
        return series

    def forget_questions(self, now: float) -> None:
        """Take note that whoever asked is gone, and all questions with him: they are asked again."""
        self._asking = 0
        for series in self._all.values():
            if series.patience.asked is not None:
                series.patience.asked = None
                series.patience.want(now)
                self._review(series, now)

    # -------------------------------------------------------------------------------------------------- silence

    def has_heard(self, symbol: str) -> bool:
        """Tell whether anything has ever come of a symbol."""
        series = self._all.get(symbol)
        return series is not None and (series.last is not None or series.told >= 0 or bool(series.waiting))

    def quiet(self) -> list[Quiet[E]]:
        """Return the series in which nothing is missing, and nothing came since the last call."""
        found = []
        for series in self._whole.values():
            if series.edge == series.noted:
                found.append(Quiet(series.symbol, series.edge, series.stride, series.last))
            series.noted = series.edge
        return found

    def look(self, symbol: str, now: float, head: int | None = None) -> None:
        """Ask for more than is known: the exchange has it up to ``head``, or it has some."""
        series = self._whole.get(symbol)
        if series is not None:
            series.patience.looking = head is None
            series.head = max(series.head, -1 if head is None else head)
            self._review(series, now)


def _ask_at(series: Series[Any]) -> float:
    """Return when to ask for what is missing: not while what was got waits for room."""
    return _NEVER if series.is_ready else series.patience.ask_at
