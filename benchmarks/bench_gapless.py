"""Gapless feeds: what it costs a message that every id is looked at, beside an ordinary feed of the same events.

Run as ``python benchmarks/bench_gapless.py``; it takes some ten seconds. Events are made beforehand; measured is the
way from a decoded batch to its consumer, by batches. Every round runs both ways in turn; the figures are medians of the
rounds, and the difference is the median of the differences within a round.
"""

from __future__ import annotations

import gc
import statistics
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import trio

from trio_binance._services.backfill import AggTrades, Klines, Trades
from trio_binance._services.feed import Feed, open_feed
from trio_binance._services.mender import Mender
from trio_binance._services.observe import Observer
from trio_binance.config import Overflow, Tuning
from trio_binance.models import AggTradeEvent, Candle, KlineEvent, KlineInterval, TradeEvent

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGES = 40_000
ROUNDS = 15
ONE = Decimal("1.00000000")


def trade(symbol: str, number: int) -> TradeEvent:
    return TradeEvent(1, symbol, 4_201_833_551 + number, ONE, ONE, 1, True, True)


def agg_trade(symbol: str, number: int) -> AggTradeEvent:
    return AggTradeEvent(1, symbol, 3_264_810_562 + number, ONE, ONE, 2 * number, 2 * number + 1, 1, True, True)


def kline(symbol: str, number: int) -> KlineEvent:
    """Return the number-th state of candles that are told thirty times, the last time as closed."""
    opened, closed = 1_790_000_040_000 + number // 30 * 60_000, number % 30 == 29
    numbers = (ONE, ONE, ONE, ONE, ONE, 1, closed, ONE, ONE, ONE, "0")
    candle = Candle(opened, opened + 59_999, symbol, KlineInterval.MINUTE_1, 1, 2, *numbers)
    return KlineEvent(opened + 2000 * (number % 30 + 1), symbol, candle)


def minutes(desk: Any) -> Klines:
    return Klines(desk, KlineInterval.MINUTE_1)


KINDS: dict[str, tuple[Callable[[str, int], Any], Callable[[Any], Any]]] = {
    "trade": (trade, Trades),
    "aggTrade": (agg_trade, AggTrades),
    "kline": (kline, minutes),
}
SHAPES = ((1, 1), (1, 5), (1, 50), (20, 50))


def batches(make: Callable[[str, int], Any], symbols: int, size: int) -> list[list[Any]]:
    """Return events of so many symbols in turn, in batches of this size."""
    events = [make(f"SYMBOL{place % symbols}", place // symbols) for place in range(MESSAGES)]
    return [events[start : start + size] for start in range(0, MESSAGES, size)]


def ends(make: Callable[[Any], Any] | None, symbols: int) -> tuple[Any, Feed[Any]]:
    """Return the two ends of a feed, gapless if it is told how to ask."""
    pair: tuple[Any, Feed[Any]] = open_feed(streams=("x@trade",))
    if make is None:
        return pair
    streams = {f"SYMBOL{place}": "x@trade" for place in range(symbols)}
    settings: dict[str, Any] = {"tuning": Tuning(), "observer": Observer(), "overflow": Overflow.DROP_OLDEST}
    return Mender(pair[0], make(None), streams, **settings, starts={}, exact=True), pair[1]


async def run(make: Callable[[Any], Any] | None, symbols: int, work: list[list[Any]]) -> float:
    """Return the microseconds a message from delivery to consumption."""
    sink, feed = ends(make, symbols)
    first = symbols // len(work[0]) + 1
    sink.deliver([event for batch in work[:first] for event in batch])  # where each series begins
    taken = len(feed._pipe.take_all())
    gc.collect()
    started = time.process_time()
    for batch in work[first:]:
        sink.deliver(batch)
        taken += len(feed._pipe.take_all())
    elapsed = time.process_time() - started
    assert taken == MESSAGES
    await trio.lowlevel.checkpoint()
    return elapsed / MESSAGES * 1e6


def main() -> None:
    """Print the table."""
    print(f"{'events':10}{'symbols':>8}{'batch':>7}{'ordinary us':>13}{'gapless us':>12}{'more us':>9}")
    for kind, (make, history) in KINDS.items():
        for symbols, size in SHAPES:
            work = batches(make, symbols, size)
            rounds = [tuple(trio.run(run, way, symbols, work) for way in (None, history)) for _ in range(ROUNDS)]
            plain, gapless = (statistics.median(figures) for figures in zip(*rounds, strict=True))
            more = statistics.median(mended - ordinary for ordinary, mended in rounds)
            print(f"{kind:10}{symbols:8}{size:7}{plain:13.2f}{gapless:12.2f}{more:9.2f}")


if __name__ == "__main__":
    main()
