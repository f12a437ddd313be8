"""Market data operations: books, trades, candles and prices."""

from __future__ import annotations

from trio_binance._protocol.operation import Operation, Security, by_limit, by_symbols, fixed
from trio_binance.models import AggTrade, AveragePrice, BookTicker, Depth, Kline, PriceTicker, Ticker24h, Trade

_NONE = Security.NONE
_DATABASE = "Database"

DEPTH: Operation[Depth] = Operation(
    "GET", "/api/v3/depth", "depth", _NONE, by_limit(100, (100, 5), (500, 25), (1000, 50), (5000, 250)), Depth
)
TRADES: Operation[list[Trade]] = Operation("GET", "/api/v3/trades", "trades.recent", _NONE, fixed(25), list[Trade])
HISTORICAL_TRADES: Operation[list[Trade]] = Operation(
    "GET", "/api/v3/historicalTrades", "trades.historical", _NONE, fixed(25), list[Trade], source=_DATABASE
)
AGG_TRADES: Operation[list[AggTrade]] = Operation(
    "GET", "/api/v3/aggTrades", "trades.aggregate", _NONE, fixed(4), list[AggTrade], source=_DATABASE
)
KLINES: Operation[list[Kline]] = Operation(
    "GET", "/api/v3/klines", "klines", _NONE, fixed(2), list[Kline], source=_DATABASE
)
AVG_PRICE: Operation[AveragePrice] = Operation("GET", "/api/v3/avgPrice", "avgPrice", _NONE, fixed(2), AveragePrice)
_WEIGHT_24HR = by_symbols((20, 2), (100, 40), everything=80)
TICKER_24HR: Operation[Ticker24h] = Operation(
    "GET", "/api/v3/ticker/24hr", "ticker.24hr", _NONE, _WEIGHT_24HR, Ticker24h
)
TICKERS_24HR: Operation[list[Ticker24h]] = Operation(
    "GET", "/api/v3/ticker/24hr", "ticker.24hr", _NONE, _WEIGHT_24HR, list[Ticker24h]
)
_WEIGHT_PRICE = by_symbols((1, 2), everything=4)
PRICE_TICKER: Operation[PriceTicker] = Operation(
    "GET", "/api/v3/ticker/price", "ticker.price", _NONE, _WEIGHT_PRICE, PriceTicker
)
PRICE_TICKERS: Operation[list[PriceTicker]] = Operation(
    "GET", "/api/v3/ticker/price", "ticker.price", _NONE, fixed(4), list[PriceTicker]
)
BOOK_TICKER: Operation[BookTicker] = Operation(
    "GET", "/api/v3/ticker/bookTicker", "ticker.book", _NONE, _WEIGHT_PRICE, BookTicker
)
BOOK_TICKERS: Operation[list[BookTicker]] = Operation(
    "GET", "/api/v3/ticker/bookTicker", "ticker.book", _NONE, fixed(4), list[BookTicker]
)
