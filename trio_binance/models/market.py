"""The market as asked for: depth, trades, candles and tickers. Prices and quantities are exact, times are ``int``."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, TypeAlias

import attrs

from trio_binance._util import exact_repr

from .enums import CalculationType
from .values import Levels, Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class Depth(Model):
    """A book at one moment: bids by descending, asks by ascending price."""

    last_update_id: int
    bids: Levels
    asks: Levels


@attrs.frozen(weakref_slot=False, repr=False)
class Trade(Model):
    """A trade; ``quote_qty`` is price times quantity as the exchange counts it."""

    id: int
    price: Decimal
    qty: Decimal
    quote_qty: Decimal
    time: Timestamp
    is_buyer_maker: bool
    is_best_match: bool


@attrs.frozen(weakref_slot=False, repr=False)
class BlockTrade(Model):
    """A block trade, which was agreed on beside the book; its ids are a series of their own."""

    id: int
    price: Decimal
    qty: Decimal
    quote_qty: Decimal
    time: Timestamp
    is_buyer_maker: bool


@attrs.frozen(weakref_slot=False, repr=False)
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


@attrs.frozen(weakref_slot=False, repr=False)
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


@attrs.frozen(weakref_slot=False, repr=False)
class AveragePrice(Model):
    """The volume-weighted average of the last ``mins`` minutes; ``close_time`` (of the last trade) since 2023 only."""

    mins: int
    price: Decimal
    close_time: Timestamp | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class PriceTicker(Model):
    """The last price of a symbol."""

    symbol: str
    price: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
class BookTicker(Model):
    """The best bid and the best ask of a symbol."""

    symbol: str
    bid_price: Decimal
    bid_qty: Decimal
    ask_price: Decimal
    ask_qty: Decimal


@attrs.frozen(weakref_slot=False, repr=False)
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


@attrs.frozen(weakref_slot=False, repr=False)
class WindowTicker(Model):
    """A window of a symbol: its trading day, or the last minutes, hours or days.

    ``first_id`` and ``last_id`` are -1 when nothing was traded. ``weighted_avg_price`` is ``quote_volume`` by
    ``volume``.
    """

    symbol: str
    price_change: Decimal
    price_change_percent: Decimal
    weighted_avg_price: Decimal
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


@attrs.frozen(weakref_slot=False, repr=False)
class MiniTicker(Model):
    """A window of a symbol in short (``type=MINI``): 24 hours, the trading day or a rolling window."""

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


AnyTicker24h: TypeAlias = Ticker24h | MiniTicker
"""What the 24-hour ticker answers, by the ``type`` that was asked for."""

AnyWindowTicker: TypeAlias = WindowTicker | MiniTicker
"""What the tickers of a trading day and of a rolling window answer, by the ``type`` that was asked for."""


@attrs.frozen(weakref_slot=False, repr=False)
class ReferencePrice(Model):
    """The reference price of a symbol: what its execution rules and some of its filters are measured by.

    ``reference_price`` is ``None`` while it is not set; a symbol that never had one answers with error -2043.
    ``timestamp`` is when it was valid.
    """

    symbol: str
    reference_price: Decimal | None
    timestamp: Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class ArithmeticMeanCalculation(Model):
    """The reference price is the moving average of trade prices over ``bucket_count`` buckets."""

    calculation_type: ClassVar[CalculationType] = CalculationType.ARITHMETIC_MEAN
    symbol: str
    bucket_count: int
    bucket_width_ms: int


@attrs.frozen(weakref_slot=False, repr=False)
class ExternalCalculation(Model):
    """The reference price comes from outside; ``external_calculation_id`` says from where.

    faqs/price_range_execution_rules.md names 0: set by hand; 1: the average of four external providers; 2: the index
    price of the USD-M future; 3: the five minute average of the spot mid price.
    """

    calculation_type: ClassVar[CalculationType] = CalculationType.EXTERNAL
    symbol: str
    external_calculation_id: int


@attrs.frozen(weakref_slot=False, repr=False)
class UnknownCalculation(Model):
    """A way to calculate the reference price that this version does not know; its fields are in ``extra``."""

    symbol: str
    calculation_type: str

    def __repr__(self) -> str:
        return f"UnknownCalculation({self.symbol!r}, {self.calculation_type!r}, extra={exact_repr(dict(self.extra))})"


KNOWN_CALCULATIONS = (ArithmeticMeanCalculation, ExternalCalculation)
"""Every calculation that the documents describe."""

ReferencePriceCalculation: TypeAlias = ArithmeticMeanCalculation | ExternalCalculation | UnknownCalculation
"""How a reference price is calculated; ``match`` on the class."""
