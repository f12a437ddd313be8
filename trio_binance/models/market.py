"""The market as asked for: depth, trades, candles and tickers. Prices and quantities are exact, times are ``int``."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import attrs

from .values import Levels, Model, Timestamp


@attrs.frozen(weakref_slot=False)
class Depth(Model):
    """A book at one moment: bids by descending, asks by ascending price."""

    last_update_id: int
    bids: Levels
    asks: Levels


@attrs.frozen(weakref_slot=False)
class Trade(Model):
    """A trade; ``quote_qty`` is price times quantity as the exchange counts it."""

    id: int
    price: Decimal
    qty: Decimal
    quote_qty: Decimal
    time: Timestamp
    is_buyer_maker: bool
    is_best_match: bool


@attrs.frozen(weakref_slot=False)
class AggTrade(Model):
    """The trades that one taker order made at one price, taken together."""

    agg_trade_id: int
    price: Decimal
    quantity: Decimal
    first_trade_id: int
    last_trade_id: int
    trade_time: Timestamp
    is_buyer_maker: bool
    is_best_match: bool


@attrs.frozen(weakref_slot=False)
class Kline(Model):
    """A candle, named by its open time. ``unused`` is a field that the documents tell to ignore."""

    open_time: Timestamp
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    close_price: Decimal
    volume: Decimal
    close_time: Timestamp
    quote_volume: Decimal
    trade_count: int
    taker_buy_volume: Decimal
    taker_buy_quote_volume: Decimal
    unused: str


@attrs.frozen(weakref_slot=False)
class AveragePrice(Model):
    """The volume-weighted average of the last ``mins`` minutes; ``close_time`` (of the last trade) since 2023 only."""

    mins: int
    price: Decimal
    close_time: Timestamp | None = None


@attrs.frozen(weakref_slot=False)
class PriceTicker(Model):
    """The last price of a symbol."""

    symbol: str
    price: Decimal


@attrs.frozen(weakref_slot=False)
class BookTicker(Model):
    """The best bid and the best ask of a symbol."""

    symbol: str
    bid_price: Decimal
    bid_qty: Decimal
    ask_price: Decimal
    ask_qty: Decimal


@attrs.frozen(weakref_slot=False)
class Ticker24h(Model):
    """The last 24 hours of a symbol, rolling. ``first_id`` and ``last_id`` are -1 when nothing was traded."""

    symbol: str
    price_change: Decimal
    price_change_percent: Decimal
    weighted_avg_price: Decimal
    prev_close_price: Decimal
    last_price: Decimal
    last_qty: Decimal
    bid_price: Decimal
    bid_qty: Decimal
    ask_price: Decimal
    ask_qty: Decimal
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    volume: Decimal
    quote_volume: Decimal
    open_time: Timestamp
    close_time: Timestamp
    first_id: int
    last_id: int
    count: int


@attrs.frozen(weakref_slot=False)
class MiniTicker24h(Model):
    """The last 24 hours of a symbol, in short (``type=MINI``)."""

    symbol: str
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    last_price: Decimal
    volume: Decimal
    quote_volume: Decimal
    open_time: Timestamp
    close_time: Timestamp
    first_id: int
    last_id: int
    count: int


AnyTicker24h: TypeAlias = Ticker24h | MiniTicker24h
"""What the 24-hour ticker answers, by the ``type`` that was asked for."""
