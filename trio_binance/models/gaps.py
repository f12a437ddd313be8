"""What a feed tells of items that are missing, and of those that came by another way than the stream."""

from __future__ import annotations

import enum
from typing import ClassVar

import attrs

from .streams import AggTradeEvent, KlineEvent, TradeEvent


@attrs.frozen(weakref_slot=False, repr=False)
class RecoveredTradeEvent(TradeEvent):
    """A trade that did not come by the stream and was asked for. Its ``event_time`` is that of the trade."""

    recovered: ClassVar[bool] = True


@attrs.frozen(weakref_slot=False, repr=False)
class RecoveredAggTradeEvent(AggTradeEvent):
    """Trades that did not come by the stream and were asked for. Their ``event_time`` is that of the trade."""

    recovered: ClassVar[bool] = True


@attrs.frozen(weakref_slot=False, repr=False)
class RecoveredKlineEvent(KlineEvent):
    """A closed candle that did not come by the stream and was asked for.

    Its ``event_time`` is that of its close. Its trade ids are -1: only the stream tells them.
    """

    recovered: ClassVar[bool] = True


class GapReason(enum.Enum):
    """Why the items of a ``Gap`` could not be had."""

    ABSENT = "absent"
    """The exchange has none of them, though it has later ones."""
    TIMEOUT = "timeout"
    """It did not give them in time (``Tuning.gapless_timeout``): it did not answer, or does not know them yet."""
    REFUSED = "refused"
    """It refused to give them, and would again."""
    TOO_MANY = "too_many"
    """They are more than may be asked for (``Tuning.gapless_items``); the newest were, these are the others."""


@attrs.frozen
class Gap:
    """Items that a gapless feed could not get; it stands where they would, before the first that follows them.

    Trades are told by id. Candles are told by time: of the opening of the first to the close of the last, in the unit
    of the events' own times.
    """

    symbol: str
    first: int
    last: int
    reason: GapReason


@attrs.frozen
class Dropped:
    """So many items were dropped at this place of a feed, because its buffer was full; see ``Feed.telling``."""

    count: int
