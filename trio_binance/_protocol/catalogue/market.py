"""Market data operations: books, trades, candles and prices."""

from __future__ import annotations

from trio_binance._protocol.operation import Operation, Security, by_symbol, by_word
from trio_binance._protocol.parameter import Kind, Need, Param
from trio_binance._protocol.rules import AtMostOne, Bars, OneOf
from trio_binance._protocol.weights import by_limit, by_symbols, fixed, per_symbol, with_param
from trio_binance.models import (
    AggTrade,
    AnyTicker24h,
    AnyWindowTicker,
    AveragePrice,
    BlockTrade,
    BookTicker,
    Depth,
    Kline,
    MiniTicker,
    PriceTicker,
    ReferencePrice,
    ReferencePriceCalculation,
    Ticker24h,
    Trade,
    WindowTicker,
)

from .params import (
    ANY_SYMBOL,
    ANY_SYMBOLS,
    END_TIME,
    FROM_ID,
    INTERVAL,
    LIMIT,
    ONE_SYMBOL,
    SOME_SYMBOLS,
    START_TIME,
    SYMBOL,
    SYMBOL_STATUS,
    TICKER_TYPE,
    TIME_ZONE,
)

_NONE = Security.NONE
_DATABASE = "Database"

DEPTH: Operation[Depth] = Operation(
    "GET",
    "/api/v3/depth",
    "depth",
    _NONE,
    by_limit(100, (100, 5), (500, 25), (1000, 50), (5000, 250)),
    Depth,
    (SYMBOL, LIMIT, SYMBOL_STATUS),
)
TRADES: Operation[list[Trade]] = Operation(
    "GET", "/api/v3/trades", "trades.recent", _NONE, fixed(25), list[Trade], (SYMBOL, LIMIT)
)
HISTORICAL_TRADES: Operation[list[Trade]] = Operation(
    "GET",
    "/api/v3/historicalTrades",
    "trades.historical",
    _NONE,
    fixed(25),
    list[Trade],
    (SYMBOL, LIMIT, FROM_ID),
    source=_DATABASE,
)
HISTORICAL_BLOCK_TRADES: Operation[list[BlockTrade]] = Operation(
    "GET",
    "/api/v3/historicalBlockTrades",
    "blockTrades.historical",
    _NONE,
    fixed(25),
    list[BlockTrade],
    (SYMBOL, Param("fromId", Kind.WHOLE, Need.MANDATORY), LIMIT),
    source=_DATABASE,
)
AGG_TRADES: Operation[list[AggTrade]] = Operation(
    "GET",
    "/api/v3/aggTrades",
    "trades.aggregate",
    _NONE,
    fixed(4),
    list[AggTrade],
    (SYMBOL, FROM_ID, START_TIME, END_TIME, LIMIT),
    # Said by the WebSocket API's documents alone.
    (Bars("fromId", ("startTime", "endTime")),),
    source=_DATABASE,
)
_CANDLES = (SYMBOL, INTERVAL, START_TIME, END_TIME, TIME_ZONE, LIMIT)
KLINES: Operation[list[Kline]] = Operation(
    "GET", "/api/v3/klines", "klines", _NONE, fixed(2), list[Kline], _CANDLES, source=_DATABASE
)
UI_KLINES: Operation[list[Kline]] = Operation(
    "GET", "/api/v3/uiKlines", "uiKlines", _NONE, fixed(2), list[Kline], _CANDLES, source=_DATABASE
)
AVG_PRICE: Operation[AveragePrice] = Operation(
    "GET", "/api/v3/avgPrice", "avgPrice", _NONE, fixed(2), AveragePrice, (SYMBOL,)
)

_ONE_OR_MANY = (AtMostOne(("symbol", "symbols")),)
_ONE_OR_SOME = (OneOf(("symbol", "symbols")), *_ONE_OR_MANY)
_WINDOW_SHAPE = by_symbol(by_word("type", WindowTicker, FULL=WindowTicker, MINI=MiniTicker))

TICKER_24HR: Operation[AnyTicker24h | list[AnyTicker24h]] = Operation(
    "GET",
    "/api/v3/ticker/24hr",
    "ticker.24hr",
    _NONE,
    by_symbols((20, 2), (100, 40), everything=80),
    AnyTicker24h | list[AnyTicker24h],
    (ANY_SYMBOL, ANY_SYMBOLS, TICKER_TYPE, SYMBOL_STATUS),
    _ONE_OR_MANY,
    shape=by_symbol(by_word("type", Ticker24h, FULL=Ticker24h, MINI=MiniTicker)),
)
TRADING_DAY_TICKER: Operation[AnyWindowTicker | list[AnyWindowTicker]] = Operation(
    "GET",
    "/api/v3/ticker/tradingDay",
    "ticker.tradingDay",
    _NONE,
    per_symbol(4, 200),
    AnyWindowTicker | list[AnyWindowTicker],
    (ONE_SYMBOL, SOME_SYMBOLS, TIME_ZONE, TICKER_TYPE, SYMBOL_STATUS),
    _ONE_OR_SOME,
    shape=_WINDOW_SHAPE,
    source=_DATABASE,
)
ROLLING_TICKER: Operation[AnyWindowTicker | list[AnyWindowTicker]] = Operation(
    "GET",
    "/api/v3/ticker",
    "ticker",
    _NONE,
    # REST allows 100 symbols, the WebSocket API's notes 200 and its table of weights 100: the cap holds from 50 on.
    per_symbol(4, 200),
    AnyWindowTicker | list[AnyWindowTicker],
    (
        ONE_SYMBOL,
        SOME_SYMBOLS,
        Param("windowSize", Kind.TEXT, form="([1-9]|[1-5][0-9])m|([1-9]|1[0-9]|2[0-3])h|[1-7]d"),
        TICKER_TYPE,
        SYMBOL_STATUS,
    ),
    _ONE_OR_SOME,
    shape=_WINDOW_SHAPE,
    source=_DATABASE,
)
PRICE_TICKER: Operation[PriceTicker | list[PriceTicker]] = Operation(
    "GET",
    "/api/v3/ticker/price",
    "ticker.price",
    _NONE,
    with_param("symbol", 2, 4),
    PriceTicker | list[PriceTicker],
    (ANY_SYMBOL, ANY_SYMBOLS, SYMBOL_STATUS),
    _ONE_OR_MANY,
    shape=by_symbol(lambda _params: PriceTicker),
)
BOOK_TICKER: Operation[BookTicker | list[BookTicker]] = Operation(
    "GET",
    "/api/v3/ticker/bookTicker",
    "ticker.book",
    _NONE,
    with_param("symbol", 2, 4),
    BookTicker | list[BookTicker],
    (ANY_SYMBOL, ANY_SYMBOLS, SYMBOL_STATUS),
    _ONE_OR_MANY,
    shape=by_symbol(lambda _params: BookTicker),
)
# A symbol that never had one: REST answers -2043 as an error, the WebSocket API as the result of a success.
REFERENCE_PRICE: Operation[ReferencePrice] = Operation(
    "GET", "/api/v3/referencePrice", "referencePrice", _NONE, fixed(2), ReferencePrice, (SYMBOL,)
)
REFERENCE_PRICE_CALCULATION: Operation[ReferencePriceCalculation] = Operation(
    "GET",
    "/api/v3/referencePrice/calculation",
    "referencePrice.calculation",
    _NONE,
    fixed(2),
    ReferencePriceCalculation,
    (SYMBOL, SYMBOL_STATUS),
)
