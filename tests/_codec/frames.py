"""The market streams' messages, one of each kind as the documents show it."""

from __future__ import annotations

import json
from typing import Any

from trio_binance._codec import stream
from trio_binance.models import (
    AggTradeEvent,
    AvgPriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    MiniTickerEvent,
    Model,
    PartialDepthEvent,
    ReferencePriceEvent,
    RollingTickerEvent,
    ServerShutdownEvent,
    TickerEvent,
    TradeEvent,
)

AGG = {"e": "aggTrade", "E": 1672515782136, "s": "BNBBTC", "a": 12345, "p": "0.001", "q": "100", "f": 100, "l": 105}
AGG |= {"T": 1672515782136, "m": True, "M": True}
TRADE = {"e": "trade", "E": 1, "s": "BNBBTC", "t": 5, "p": "0.001", "q": "100.50", "T": 2, "m": True, "M": False}
BLOCK = {"e": "blockTrade", "E": 1772506983582, "s": "BNBBTC", "t": 582, "p": "0.052", "q": "58.380", "T": 3, "m": True}
BOOK = {"u": 400900217, "s": "BNBUSDT", "b": "25.35190000", "B": "31.2", "a": "25.36520000", "A": "40.66000000"}
DEPTH = {"e": "depthUpdate", "E": 1, "s": "BNBBTC", "U": 157, "u": 160, "b": [["0.0024", "10.0"]], "a": []}
PARTIAL = {"lastUpdateId": 160, "bids": [["0.0024", "10.0"], ["0.0023", "1.0"]], "asks": [["0.0026", "100.00"]]}
CANDLE = {"t": 1672515780000, "T": 1672515839999, "s": "BNBBTC", "i": "1m", "f": 100, "L": 200, "o": "0.0010"}
CANDLE |= {"c": "0.0020", "h": "0.0025", "l": "0.0015", "v": "1000", "n": 100, "x": False, "q": "1.0000", "V": "500"}
CANDLE |= {"Q": "0.500", "B": "123456"}
KLINE = {"e": "kline", "E": 1672515782136, "s": "BNBBTC", "k": CANDLE}
MINI = {
    "e": "24hrMiniTicker",
    "E": 1,
    "s": "A",
    "c": "0.0025",
    "o": "0.0010",
    "h": "0.0025",
    "l": "0.0010",
    "v": "1",
    "q": "18",
}
TICKER = {
    "e": "24hrTicker",
    "E": 1,
    "s": "A",
    "p": "0.0015",
    "P": "250.00",
    "w": "0.0018",
    "x": "0.0009",
    "c": "0.0025",
}
TICKER |= {"Q": "10", "b": "0.0024", "B": "10", "a": "0.0026", "A": "100", "o": "0.0010", "h": "0.0025", "l": "0.0010"}
TICKER |= {"v": "10000", "q": "18", "O": 0, "C": 86400000, "F": 0, "L": 18150, "n": 18151}
ROLLING = {
    "e": "1hTicker",
    "E": 1672515782136,
    "s": "BNBBTC",
    "p": "-0.0015",
    "P": "-2.50",
    "o": "0.0010",
    "h": "0.0025",
}
ROLLING |= {"l": "0.0010", "c": "0.0025", "w": "0.0018", "v": "10000", "q": "18", "O": 0, "C": 1675216573749, "F": 0}
ROLLING |= {"L": 18150, "n": 18151}
AVERAGE = {"e": "avgPrice", "E": 1693907033000, "s": "BTCUSDT", "i": "5m", "w": "25776.86000000", "T": 1693907032213}
REFERENCE = {"e": "referencePrice", "s": "BAZUSD", "r": "1.00", "t": 1770313263917}
SHUTDOWN = {"e": "serverShutdown", "E": 1770123456789}

EXAMPLES: list[tuple[str, dict[str, Any], type[Model]]] = [
    ("btcusdt@aggTrade", AGG, AggTradeEvent),
    ("btcusdt@trade", TRADE, TradeEvent),
    ("btcusdt@blockTrade", BLOCK, BlockTradeEvent),
    ("btcusdt@referencePrice", REFERENCE, ReferencePriceEvent),
    ("btcusdt@bookTicker", BOOK, BookTickerEvent),
    ("btcusdt@depth", DEPTH, DepthUpdateEvent),
    ("btcusdt@depth@100ms", DEPTH, DepthUpdateEvent),
    ("btcusdt@depth5", PARTIAL, PartialDepthEvent),
    ("btcusdt@depth20@100ms", PARTIAL, PartialDepthEvent),
    ("btcusdt@kline_1m", KLINE, KlineEvent),
    ("btcusdt@kline_1M@+08:00", KLINE, KlineEvent),
    ("btcusdt@miniTicker", MINI, MiniTickerEvent),
    ("btcusdt@ticker", TICKER, TickerEvent),
    ("btcusdt@ticker_1h", ROLLING, RollingTickerEvent),
    ("btcusdt@ticker_4h", {**ROLLING, "e": "4hTicker"}, RollingTickerEvent),
    ("btcusdt@ticker_1d", {**ROLLING, "e": "1dTicker"}, RollingTickerEvent),
    ("btcusdt@avgPrice", AVERAGE, AvgPriceEvent),
    ("!serverShutdown", SHUTDOWN, ServerShutdownEvent),
]

ARRAYS: list[tuple[str, dict[str, Any], type[Model]]] = [
    ("!miniTicker@arr", MINI, MiniTickerEvent),
    ("!ticker_1h@arr", ROLLING, RollingTickerEvent),
    ("!ticker_4h@arr", {**ROLLING, "e": "4hTicker"}, RollingTickerEvent),
    ("!ticker_1d@arr", {**ROLLING, "e": "1dTicker"}, RollingTickerEvent),
]
"""The streams of all symbols, and one object of their arrays."""


def text(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def frame(name: str, body: object) -> bytes:
    return b'{"stream":"%b","data":%b}' % (name.encode(), text(body))


def check(decode: stream.Decoder, body: Any) -> Any:
    event = decode(text(body))
    assert stream.unstructure(event) == body
    return event
