"""python-binance: an AsyncClient and a BinanceSocketManager, as its documentation's chapter on websockets has it.

``--way read`` asks the depth cache for its bids and asks after each event, as the chapter on depth caches does.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from binance import AsyncClient, BinanceSocketManager, DepthCacheManager
from binance.base_client import BaseClient
from gauge import Gauge, Job, read_job


async def main(job: Job) -> None:
    gauge = Gauge(job, version("python-binance"))
    BaseClient.API_URL = f"{job.http}/api"
    BinanceSocketManager.STREAM_URL = f"{job.ws}/"
    client = await AsyncClient.create()
    # By default it gives up when 100 messages wait, which is the end of any blast.
    manager = BinanceSocketManager(client, max_queue_size=2 * job.total)
    if job.kind == "book":
        cache = DepthCacheManager(client, "BTCUSDT", bm=manager, limit=5000, ws_interval=100)
        await keep(cache, gauge, read=job.way == "read")
    sockets = {
        "aggTrade": lambda: manager.aggtrade_socket("BTCUSDT"),
        "bookTicker": lambda: manager.symbol_book_ticker_socket("BTCUSDT"),
        "kline": lambda: manager.kline_socket("BTCUSDT", interval="1m"),
        "depth": lambda: manager.depth_socket("BTCUSDT", interval=100),
    }
    await consume(sockets[job.kind](), gauge)


async def consume(socket: Any, gauge: Gauge) -> None:
    seen, mark = 0, gauge.next
    async with socket as stream:
        while True:
            message = await stream.recv()
            if message.get("e") == "error":
                gauge.fail(message)
            seen += 1
            if seen == mark:
                mark = gauge.mark()


async def keep(cache: Any, gauge: Gauge, *, read: bool) -> None:
    seen, mark = 0, gauge.next
    async with cache as stream:
        while True:
            book = await stream.recv()
            if read:
                best = book.get_bids()[0], book.get_asks()[0]
                assert best[0] < best[1]
            seen += 1
            if seen == mark:
                mark = gauge.mark()


if __name__ == "__main__":
    asyncio.run(main(read_job()))
