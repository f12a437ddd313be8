"""Items for the machine: as small as they can be, and the asking of a consumer and an exchange around it."""

from __future__ import annotations

from typing import Any

import attrs

from trio_binance._pure.contiguity import Bounds, Candles, Contiguity, Ids
from trio_binance.models import Gap

BOUNDS = Bounds(grace=0.5, timeout=60.0, items=1000, waiting=100, questions=4)


@attrs.frozen
class Tick:
    """A trade, as far as the machine looks at it."""

    symbol: str
    number: int
    recovered: bool = attrs.field(default=False, eq=False)


@attrs.frozen
class Bar:
    """A candle of a length of ten."""

    open_time: int
    is_closed: bool = True

    @property
    def close_time(self) -> int:
        return self.open_time + 9


@attrs.frozen
class BarEvent:
    """An event of a candle."""

    symbol: str
    candle: Bar
    event_time: int


def ticks(*numbers: int, symbol: str = "A") -> list[Tick]:
    return [Tick(symbol, number) for number in numbers]


def bar(open_time: int, event_time: int, *, closed: bool = True) -> BarEvent:
    return BarEvent("A", Bar(open_time, closed), event_time)


def machine(bounds: Bounds = BOUNDS, **settings: Any) -> Contiguity[Any]:
    return Contiguity(Ids("number"), bounds, **settings)


def candles(bounds: Bounds = BOUNDS, **settings: Any) -> Contiguity[Any]:
    return Contiguity(Candles(), bounds, **settings)


def told(items: list[Any]) -> list[Any]:
    """Return what was handed out, in short: numbers, and gaps as triples."""
    return [(item.first, item.last, item.reason.name) if isinstance(item, Gap) else item.number for item in items]
