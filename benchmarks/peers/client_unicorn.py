"""unicorn-binance-websocket-api: a manager and a coroutine at the asyncio queue, "the generally recommended method".

The output is a dict, since a text that nobody has parsed is no event. ``--way picows`` takes that library underneath.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from gauge import Gauge, Job, read_job
from unicorn_binance_websocket_api import BinanceWebSocketApiManager

CHANNELS = {"aggTrade": "aggTrade", "bookTicker": "bookTicker", "kline": "kline_1m", "depth": "depth@100ms"}


async def main(job: Job, manager: Any, gauge: Gauge) -> None:
    async def process(stream_id: Any = None) -> None:
        seen, mark = 0, gauge.next
        while manager.is_stop_request(stream_id) is False:
            message = await manager.get_stream_data_from_asyncio_queue(stream_id)
            if "stream" in message:
                seen += 1
                if seen == mark:
                    mark = gauge.mark()
            manager.asyncio_queue_task_done(stream_id)

    manager.create_stream(channels=[CHANNELS[job.kind]], markets=["btcusdt"], process_asyncio_queue=process)
    while not manager.is_manager_stopping():
        await asyncio.sleep(1)


def run(job: Job) -> None:
    library = job.way or "websockets"
    with BinanceWebSocketApiManager(
        exchange="binance.com",
        output_default="dict",
        websocket_base_uri=f"{job.ws}/",
        websocket_library=library,
        warn_on_update=False,
    ) as manager:
        gauge = Gauge(job, version("unicorn-binance-websocket-api"))
        asyncio.run(main(job, manager, gauge))


if __name__ == "__main__":
    run(read_job())
