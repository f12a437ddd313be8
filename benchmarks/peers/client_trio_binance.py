"""trio_binance: ``open_binance``, a feed or a kept book, and ``async for``.

``--way batches`` takes all that waits at once, ``--way touched`` makes every level a Decimal pair.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import trio
from gauge import Gauge, Job, read_job

from trio_binance import BinanceConfig, Environment, Overflow, open_binance
from trio_binance.models import BookState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from trio_binance import Binance, Feed
    from trio_binance.models import AggTradeEvent


FIRST_ID, IDS_AN_EVENT = 60 * 10**9, 40
FIRST_AGG_TRADE_ID = 3 * 10**9


def open_feed(bx: Binance, job: Job) -> AbstractAsyncContextManager[Feed[Any]]:
    """Open the stream with room for a whole blast: nothing is lost, or it says so."""
    how: dict[str, Any] = {"buffer": job.total, "overflow": Overflow.FAIL}
    match job.kind:
        case "aggTrade":
            return bx.streams.agg_trades("BTCUSDT", **how)
        case "bookTicker":
            return bx.streams.book_ticker("BTCUSDT", **how)
        case "kline":
            return bx.streams.klines("BTCUSDT", interval="1m", **how)
        case _:
            return bx.streams.depth("BTCUSDT", speed_ms=100, **how)


async def subscribe(bx: Binance, job: Job, consume: Callable[[Feed[Any]], Awaitable[None]]) -> None:
    async with open_feed(bx, job) as feed:
        await consume(feed)


async def one_by_one(feed: Feed[Any], gauge: Gauge) -> None:
    seen, mark = 0, gauge.next
    async for _event in feed:
        seen += 1
        if seen == mark:
            mark = gauge.mark()


async def in_batches(feed: Feed[Any], gauge: Gauge) -> None:
    seen, mark = 0, gauge.next
    async for batch in feed.batches():
        seen += len(batch)
        while seen >= mark:  # one batch may bring all of it
            mark = gauge.mark()


async def touching(feed: Feed[Any], gauge: Gauge) -> None:
    seen, mark = 0, gauge.next
    async for event in feed:
        for _price, _quantity in event.bids:
            pass
        for _price, _quantity in event.asks:
            pass
        seen += 1
        if seen == mark:
            mark = gauge.mark()


async def keep(bx: Binance, gauge: Gauge) -> None:
    """Read the best levels whenever the book has changed; what has gathered since is told at once, as ccxt does."""
    async with bx.books.open("BTCUSDT", depth=5000, speed=100) as kept:
        await kept.wait_live()
        mark = FIRST_ID + IDS_AN_EVENT * gauge.next
        while kept.update_id < mark:
            await kept.changed()
        mark = FIRST_ID + IDS_AN_EVENT * gauge.mark()
        async for book in kept.changes():
            bid, ask = book.best_bid, book.best_ask
            if book.state is not BookState.LIVE or bid is None or ask is None or bid >= ask:
                gauge.fail(f"{book.state}: {bid}, {ask}")
            if book.update_id >= mark:
                gauge.mark()


class Together:
    """The gauge of many subscribers: the last of them to get somewhere counts.

    They count by the ids of aggregate trades, for a stream is under way when the second joins it.
    """

    def __init__(self, gauge: Gauge, subscribers: int) -> None:
        self._gauge = gauge
        self._missing = [subscribers, subscribers]
        self._marks = (FIRST_AGG_TRADE_ID + gauge.next - 1, FIRST_AGG_TRADE_ID + gauge.last - 1)

    async def one_by_one(self, feed: Feed[AggTradeEvent]) -> None:
        place, mark = 0, self._marks[0]
        async for event in feed:
            if event.agg_trade_id >= mark:
                place, mark = self._reached(place)

    async def in_batches(self, feed: Feed[AggTradeEvent]) -> None:
        place, mark = 0, self._marks[0]
        async for batch in feed.batches():
            while batch[-1].agg_trade_id >= mark:  # one batch may bring all of it
                place, mark = self._reached(place)

    def _reached(self, place: int) -> tuple[int, int]:
        self._missing[place] -= 1
        if not self._missing[place]:
            self._gauge.mark()
        return (1, self._marks[1]) if place == 0 else (2, sys.maxsize)


async def main(job: Job) -> None:
    gauge = Gauge(job, version("trio-binance-connector"))
    async with open_binance(BinanceConfig(Environment("loopback", job.http, job.ws))) as bx:
        if job.kind == "book":
            await keep(bx, gauge)
        elif job.subscribers > 1:
            together = Together(gauge, job.subscribers)
            consume = together.in_batches if job.way == "batches" else together.one_by_one
            async with trio.open_nursery() as nursery:
                for _ in range(job.subscribers):
                    nursery.start_soon(subscribe, bx, job, consume)
        else:
            ways = {"batches": in_batches, "touched": touching}
            await subscribe(bx, job, lambda feed: ways.get(job.way, one_by_one)(feed, gauge))


if __name__ == "__main__":
    trio.run(main, read_job())
