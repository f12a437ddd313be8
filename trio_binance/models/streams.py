"""The events of the market streams. Prices and quantities are exact, times are ``int`` (see ``as_datetime``)."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, TypeAlias

import attrs

from .enums import KlineInterval, RollingWindow
from .values import Levels, Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class TradeEvent(Model):
    """A trade. ``is_best_match`` is a field that the documents tell to ignore."""

    recovered: ClassVar[bool] = False
    """Whether it was asked for, because it did not come by the stream; only a gapless feed does that."""
    event_time: Timestamp
    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    trade_time: Timestamp
    is_buyer_maker: bool
    is_best_match: bool


@attrs.frozen(weakref_slot=False, repr=False)
class AggTradeEvent(Model):
    """The trades that one taker order made at one price. ``is_best_match`` is told to be ignored."""

    recovered: ClassVar[bool] = False
    """As with ``TradeEvent``."""
    event_time: Timestamp
    symbol: str
    agg_trade_id: int
    price: Decimal
    quantity: Decimal
    first_trade_id: int
    last_trade_id: int
    trade_time: Timestamp
    is_buyer_maker: bool
    is_best_match: bool


@attrs.frozen(weakref_slot=False, repr=False)
class BlockTradeEvent(Model):
    """A trade that two parties agreed on beside the book. Its ids are a series of their own."""

    event_time: Timestamp
    symbol: str
    block_trade_id: int
    price: Decimal
    quantity: Decimal
    trade_time: Timestamp
    is_buyer_maker: bool


@attrs.frozen(weakref_slot=False, repr=False)
class BookTickerEvent(Model):
    """The best bid and ask changed. The exchange sends no event time here."""

    update_id: int
    symbol: str
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class DepthUpdateEvent(Model):
    """Levels of the book that changed: quantities are absolute, 0 removes the level.

    It covers the updates ``first_update_id`` to ``last_update_id``; the next event begins one after the last.
    """

    event_time: Timestamp
    symbol: str
    first_update_id: int
    last_update_id: int
    bids: Levels
    asks: Levels


@attrs.frozen(weakref_slot=False, repr=False)
class PartialDepthEvent(Model):
    """The best 5, 10 or 20 levels. The message names no symbol: ``symbol`` is taken from the stream's name."""

    symbol: str
    last_update_id: int
    bids: Levels
    asks: Levels


@attrs.frozen(weakref_slot=False, repr=False)
class Candle(Model):
    """A candle as it stands; it is final when ``is_closed``. The trade ids are -1 while there is no trade.

    ``unused`` is a field that the documents tell to ignore.
    """

    open_time: Timestamp
    close_time: Timestamp
    symbol: str
    interval: KlineInterval
    first_trade_id: int
    last_trade_id: int
    open_price: Decimal
    close_price: Decimal
    high_price: Decimal
    low_price: Decimal
    volume: Decimal
    trade_count: int
    is_closed: bool
    quote_volume: Decimal
    taker_buy_volume: Decimal
    taker_buy_quote_volume: Decimal
    unused: str


@attrs.frozen(weakref_slot=False, repr=False)
class KlineEvent(Model):
    """A candle changed or closed.

    A stream with candles of the days of UTC+8 looks like any other: all times are those of UTC nevertheless.
    """

    recovered: ClassVar[bool] = False
    """As with ``TradeEvent``."""
    event_time: Timestamp
    symbol: str
    candle: Candle


@attrs.frozen(weakref_slot=False, repr=False)
class MiniTickerEvent(Model):
    """The last 24 hours of a symbol in short, rolling."""

    event_time: Timestamp
    symbol: str
    close_price: Decimal
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    volume: Decimal
    quote_volume: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class TickerEvent(Model):
    """The last 24 hours of a symbol, rolling. ``prev_close_price`` is that of the trade before ``first_trade_id``."""

    event_time: Timestamp
    symbol: str
    price_change: Decimal
    price_change_percent: Decimal
    weighted_avg_price: Decimal
    prev_close_price: Decimal
    last_price: Decimal
    last_quantity: Decimal
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    volume: Decimal
    quote_volume: Decimal
    open_time: Timestamp
    close_time: Timestamp
    first_trade_id: int
    last_trade_id: int
    trade_count: int


@attrs.frozen(weakref_slot=False, repr=False)
class RollingTickerEvent(Model):
    """The last ``window`` of a symbol, rolling.

    ``open_time`` lies on a full minute and ``close_time`` is the moment of the update, so that it covers up to 59,999
    ms more than its name says. The message tells the window in its event type: "1hTicker".
    """

    window: RollingWindow
    event_time: Timestamp
    symbol: str
    price_change: Decimal
    price_change_percent: Decimal
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    last_price: Decimal
    weighted_avg_price: Decimal
    volume: Decimal
    quote_volume: Decimal
    open_time: Timestamp
    close_time: Timestamp
    first_trade_id: int
    last_trade_id: int
    trade_count: int


@attrs.frozen(weakref_slot=False, repr=False)
class AvgPriceEvent(Model):
    """The average price over ``interval`` (text such as "5m")."""

    event_time: Timestamp
    symbol: str
    interval: str
    average_price: Decimal
    last_trade_time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class ReferencePriceEvent(Model):
    """The reference price, ``None`` while there is none; ``timestamp`` is the engine's time at which it was valid.

    The exchange sends no event time here.
    """

    symbol: str
    reference_price: Decimal | None
    timestamp: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class ServerShutdownEvent(Model):
    """The server goes down soon: connect anew. Belongs to the connection, not to a stream or account."""

    recovered: ClassVar[bool] = False

    event_time: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class UnknownEvent(Model):
    """A message of a stream that this version has no model for; ``payload`` is what the exchange sent, parsed.

    ``event_type`` is the exchange's word for it, ``None`` where the message has none. Numbers with a fraction are
    ``Decimal``, never ``float``.
    """

    stream: str
    event_type: str | None
    payload: object = attrs.field(hash=False)


StreamEvent: TypeAlias = (
    ReferencePriceEvent
    | AggTradeEvent
    | TradeEvent
    | BlockTradeEvent
    | KlineEvent
    | MiniTickerEvent
    | tuple[MiniTickerEvent, ...]
    | TickerEvent
    | RollingTickerEvent
    | tuple[RollingTickerEvent, ...]
    | BookTickerEvent
    | AvgPriceEvent
    | PartialDepthEvent
    | DepthUpdateEvent
    | ServerShutdownEvent
    | UnknownEvent
)
"""What a market stream can bring; those of all symbols bring tuples, of the symbols that have changed."""
