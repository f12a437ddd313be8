"""Places: where an item stands in the series of its symbol, and a quick look at whole batches in good order."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, final

from trio_binance.models import as_milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trio_binance.models import KlineEvent

    from .series import Series

E = TypeVar("E")
T_contra = TypeVar("T_contra", contravariant=True)


class Place(NamedTuple):
    """Where an item stands: the places it covers, or, while it is not final, those it will cover."""

    symbol: str
    first: int
    last: int
    is_final: bool
    moment: int
    """When it was sent; of two updates of an item that is not final, the later one counts."""


class Places(Protocol[T_contra]):
    """How the items of one kind are placed."""

    def of(self, item: T_contra) -> Place | None:
        """Return the place of an item, ``None`` for something else that a stream brought."""
        ...

    def pass_by(self, whole: Mapping[str, Series[Any]], batch: Sequence[T_contra]) -> int:
        """Return how many items, from the first on, each continue one of these series, which take note of them."""
        ...


@final
class Ids:
    """Items that have ids without holes; the attribute of this name is the id."""

    def __init__(self, name: str) -> None:
        self._id = attrgetter(name)

    def of(self, item: Any) -> Place | None:
        """Return the place of an item."""
        try:
            number = self._id(item)
        except AttributeError:
            return None
        return Place(item.symbol, number, number, True, 0)

    def pass_by(self, whole: Mapping[str, Series[Any]], batch: Sequence[Any]) -> int:
        """Return how many items continue their series: the hot path, a fifth of a microsecond an item."""
        passed, id_of = 0, self._id
        try:
            for item in batch:
                series = whole.get(item.symbol)
                if series is None or series.edge != id_of(item):
                    break
                series.edge += 1
                series.last = item
                passed += 1
        except AttributeError:
            pass  # not of this kind
        return passed


def _next_open(close_time: int) -> int:
    """Return when the candle after the one that closes then opens: a millisecond's end, in either unit of time."""
    milliseconds = as_milliseconds(close_time)
    return milliseconds + 1 if milliseconds == close_time else (milliseconds + 1) * 1000


@final
class Candles:
    """Candles of one length: their places are times, and only the closed ones are items."""

    def of(self, item: Any) -> Place | None:
        """Return the place of an item."""
        try:
            candle = item.candle
        except AttributeError:
            return None
        last = _next_open(candle.close_time) - 1
        return Place(item.symbol, candle.open_time, last, candle.is_closed, item.event_time)

    def pass_by(self, whole: Mapping[str, Series[Any]], batch: Sequence[KlineEvent]) -> int:
        """Return how many items continue their series, or tell how its running candle grew."""
        passed = 0
        try:
            for item in batch:
                series, candle = whole.get(item.symbol), item.candle
                if series is None or candle.open_time != series.edge or item.event_time <= series.told:
                    break
                if candle.is_closed:
                    series.edge = _next_open(candle.close_time)
                series.told = item.event_time
                series.last = item
                passed += 1
        except AttributeError:
            pass  # not of this kind
        return passed
