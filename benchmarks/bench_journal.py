"""The journal: what it costs an order to be noted before it leaves, in memory and on the disk, alone and among others.

Run as ``python benchmarks/bench_journal.py [folder]``; it takes some ten seconds. Measured is from ``note`` of an
opened order to the return of ``wait_durable``, by tasks that do nothing else, and how much one of them gets done beside
the others; the last column is what a disk is asked for an order. The figures are medians of the rounds.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import trio

from trio_binance._pure.intents import Intent, Owner, Record, Stamp, records
from trio_binance._services.journal import Journal, open_journal
from trio_binance.config import JournalSpec

NOW_MS = 1_790_000_000_000
ORDERS = 400
ROUNDS = 7
OWNER = Owner.of("production", "a key")
TASKS = (1, 20)


def order(number: int) -> Record:
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    numbers = {"quantity": Decimal("0.01000000"), "price": Decimal("61000.00000000")}
    named = {"newClientOrderId": f"tb-0123456789-{number}", "newOrderRespType": "FULL"}
    stamp = Stamp(NOW_MS + number, 5000, "rest")
    return records.opened(Intent(f"tb-{number}", "POST /api/v3/order", {**params, **numbers, **named}, stamp), NOW_MS)


async def place(journal: Journal, orders: list[Record], waited: list[float]) -> None:
    for each in orders:
        started = time.perf_counter()
        await journal.wait_durable(journal.note(each))
        waited.append(time.perf_counter() - started)


async def run(spec: JournalSpec | None, tasks: int) -> tuple[float, float, float]:
    """Return the microseconds that an order waits, those that it takes of all, and the disk's calls for it."""
    orders = [order(number) for number in range(ORDERS)]
    waited: list[float] = []
    gc.collect()
    async with open_journal(spec, owner=OWNER) as journal:
        started = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for first in range(tasks):
                nursery.start_soon(place, journal, orders[first::tasks], waited)
        elapsed = time.perf_counter() - started
        synced = journal.statistics().synced
    if spec is not None:
        spec.path.unlink()
    return statistics.median(waited) * 1e6, elapsed / ORDERS * 1e6, synced / ORDERS


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        path = Path(folder) / "a.journal"
        ways = {"in memory": None, "os": JournalSpec(path, "os"), "always": JournalSpec(path, "always")}
        print(f"{'journal':10}{'at once':>9}{'waits us':>11}{'an order us':>13}{'syncs an order':>16}")
        for way, spec in ways.items():
            for tasks in TASKS:
                rounds = [trio.run(run, spec, tasks) for _ in range(ROUNDS)]
                waits, takes, syncs = (statistics.median(figures) for figures in zip(*rounds, strict=True))
                print(f"{way:10}{tasks:9}{waits:11.1f}{takes:13.1f}{syncs:16.2f}")


if __name__ == "__main__":
    main()
