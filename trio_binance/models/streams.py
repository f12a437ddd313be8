"""The events of the market streams. Prices and quantities are exact, times are ``int`` (see ``as_datetime``)."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import attrs

from .enums import KlineInterval
from .values import Levels, Model, Timestamp


@attrs.frozen(weakref_slot=False)
class TradeEvent(Model):
    """A trade. ``is_best_match`` is a field that the documents tell to ignore."""

    event_time: Timestamp
    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    trade_time: Timestamp
    is_buyer_maker: bool
    is_best_match: bool


@attrs.frozen(weakref_slot=False)
class AggTradeEvent(Model):
    """The trades that one taker order made at one price. ``is_best_match`` is told to be ignored."""

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


@attrs.frozen(weakref_slot=False)
class BookTickerEvent(Model):
    """The best bid and ask changed. The exchange sends no event time here."""

    update_id: int
    symbol: str
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal


@attrs.frozen(weakref_slot=False)
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


@attrs.frozen(weakref_slot=False)
class PartialDepthEvent(Model):
    """The best 5, 10 or 20 levels. The message names no symbol: ``symbol`` is taken from the stream's name."""

    symbol: str
    last_update_id: int
    bids: Levels
    asks: Levels


@attrs.frozen(weakref_slot=False)
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


@attrs.frozen(weakref_slot=False)
class KlineEvent(Model):
    """A candle changed or closed."""

    event_time: Timestamp
    symbol: str
    candle: Candle


@attrs.frozen(weakref_slot=False)
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


@attrs.frozen(weakref_slot=False)
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


@attrs.frozen(weakref_slot=False)
class AvgPriceEvent(Model):
    """The average price over ``interval`` (text such as "5m")."""

    event_time: Timestamp
    symbol: str
    interval: str
    average_price: Decimal
    last_trade_time: Timestamp


@attrs.frozen(weakref_slot=False)
class ServerShutdownEvent(Model):
    """The server goes down soon: connect anew. Belongs to the connection, not to a stream or account."""

    event_time: Timestamp


@attrs.frozen(weakref_slot=False)
class UnknownEvent(Model):
    """A message of a stream that this version has no model for; ``payload`` is what the exchange sent, parsed.

    ``event_type`` is the exchange's word for it, ``None`` where the message has none. Numbers with a fraction are
    ``Decimal``, never ``float``.
    """

    stream: str
    event_type: str | None
    payload: object = attrs.field(hash=False)


StreamEvent: TypeAlias = (
    TradeEvent
    | AggTradeEvent
    | BookTickerEvent
    | DepthUpdateEvent
    | PartialDepthEvent
    | KlineEvent
    | MiniTickerEvent
    | TickerEvent
    | AvgPriceEvent
    | ServerShutdownEvent
    | UnknownEvent
)
"""Any event of a market stream."""
