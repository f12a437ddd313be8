"""cryptofeed: a FeedHandler with an asynchronous callback a channel, as its README has it, on uvloop where it is there.

A stream of raw depth is none of its channels: it always keeps the book. ``--way read`` asks the book for its best
levels after each event.
"""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from typing import Any

from cryptofeed import FeedHandler, connection
from cryptofeed.defines import CANDLES, L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import Binance
from gauge import Gauge, Job, read_job

CHANNELS = {"aggTrade": TRADES, "bookTicker": TICKER, "kline": CANDLES, "book": L2_BOOK}


def counting(gauge: Gauge) -> Any:
    seen, mark = 0, gauge.next

    async def callback(_event: Any, _receipt_timestamp: float) -> None:
        nonlocal seen, mark
        seen += 1
        if seen == mark:
            mark = gauge.mark()

    return callback


def keeping(gauge: Gauge, *, read: bool) -> Any:
    seen, mark = 0, gauge.next

    async def callback(book: Any, _receipt_timestamp: float) -> None:
        nonlocal seen, mark
        if book.delta is None:
            return  # The snapshot itself.
        if read:
            best = book.book.bids.index(0), book.book.asks.index(0)
            assert best[0] < best[1]
        seen += 1
        if seen == mark:
            mark = gauge.mark()

    return callback


def use_plain_lines() -> None:
    """Let it connect without TLS, as all the others do here; it accepts no address that is not ``wss:``."""
    connect = connection.connect
    connection.connect = lambda address, **options: connect(address.replace("wss:", "ws:"), **options)


def main(job: Job) -> None:
    gauge = Gauge(job, version("cryptofeed"))
    use_plain_lines()
    Binance.websocket_endpoints[0].address = job.ws.replace("ws:", "wss:")
    Binance.rest_endpoints[0].address = job.http
    channel = CHANNELS[job.kind]
    callback = keeping(gauge, read=job.way == "read") if job.kind == "book" else counting(gauge)
    handler = FeedHandler()
    handler.add_feed(
        Binance(symbols=["BTC-USDT"], channels=[channel], callbacks={channel: callback}, candle_closed_only=False)
    )
    handler.run()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # It writes a log where it stands,
        os.environ["XDG_CACHE_HOME"] = folder  # and the symbols of the exchange, for its next run.
        main(read_job())
