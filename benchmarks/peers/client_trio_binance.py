"""trio_binance: ``open_binance``, a feed or a kept book, and ``async for``.

``--way batches`` takes all that waits at once, ``--way touched`` makes every level a Decimal pair.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import trio
from gauge import Gauge, Job, read_job

from trio_binance import BinanceConfig, Environment, Overflow, open_binance
from trio_binance.models import BookState

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from trio_binance import Binance, Feed


FIRST_ID, IDS_AN_EVENT = 60 * 10**9, 40


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
    """The gauge of many subscribers: the last of them to get somewhere counts."""

    def __init__(self, gauge: Gauge, subscribers: int) -> None:
        self.gauge = gauge
        self._missing = [subscribers, subscribers]

    def reach(self, place: int) -> None:
        self._missing[place] -= 1
        if not self._missing[place]:
            self.gauge.mark()


class Share:
    """The gauge as one of them sees it."""

    def __init__(self, together: Together) -> None:
        self.next = together.gauge.next
        self._together = together
        self._place = 0

    def mark(self) -> float:
        self._together.reach(self._place)
        self._place += 1
        return self._together.gauge.last if self._place == 1 else float("inf")


async def main(job: Job) -> None:
    gauge = Gauge(job, version("trio-binance-connector"))
    together = Together(gauge, job.subscribers)
    consume = {"batches": in_batches, "touched": touching}.get(job.way, one_by_one)

    async def subscribe(bx: Binance) -> None:
        async with open_feed(bx, job) as feed:
            await consume(feed, cast("Gauge", Share(together)))

    async with open_binance(BinanceConfig(Environment("loopback", job.http, job.ws))) as bx:
        if job.kind == "book":
            await keep(bx, gauge)
        async with trio.open_nursery() as nursery:
            for _ in range(job.subscribers):
                nursery.start_soon(subscribe, bx)


if __name__ == "__main__":
    trio.run(main, read_job())
