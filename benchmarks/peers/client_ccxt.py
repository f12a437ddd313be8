"""ccxt pro: ``await exchange.watch_order_book(symbol)`` in a loop, as its manual has it.

It hands over what has gathered since it was last asked, so events are counted by the book's update id.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version

import ccxt.pro
from gauge import Gauge, Job, read_job

FIRST_ID, IDS_AN_EVENT = 60 * 10**9, 40


async def main(job: Job) -> None:
    gauge = Gauge(job, version("ccxt"))
    exchange = ccxt.pro.binance({"options": {"fetchMarkets": {"types": ["spot"]}}})
    exchange.urls["api"]["public"] = f"{job.http}/api/v3"
    # It tells spot markets by the word "stream" in the address.
    exchange.urls["api"]["ws"]["spot"] = f"{job.ws}/stream/ws"
    mark = FIRST_ID + IDS_AN_EVENT * gauge.next
    while True:
        book = await exchange.watch_order_book("BTC/USDT", 5000)
        best = book["bids"][0], book["asks"][0]
        assert best[0] < best[1]
        if book["nonce"] >= mark:
            mark = FIRST_ID + IDS_AN_EVENT * gauge.mark()


if __name__ == "__main__":
    asyncio.run(main(read_job()))
