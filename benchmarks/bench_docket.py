"""The docket: what an order costs from being opened to its verdict, and what pings and clocks cost, beside thousands.

Run as ``python benchmarks/bench_docket.py``; it takes some seconds. An order is opened, stamped, sent and answered,
while so many others are remembered that were answered shortly before. The ratio is an order's cost to that of the row
above: 1.0 says that what is remembered costs nothing. The figures are medians of the rounds.
"""

from __future__ import annotations

import gc
import statistics
import time
from decimal import Decimal

from trio_binance._pure.intents import Intent, Intents, OrderSighting, Stamp, facts
from trio_binance.models import OrderStatus

NOW_MS = 1_790_000_000_000
REMEMBERED = (10, 100, 1_000, 10_000)
ORDERS = 200
ROUNDS = 9


def place(docket: Intents, number: int) -> None:
    """Let an order go its whole way in the docket."""
    name = f"tb-{number}"
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "newClientOrderId": name}
    intent = Intent(name, "POST /api/v3/order", {**params, "quantity": Decimal("0.01"), "price": Decimal(61_000)})
    docket.open(intent, 1.0)
    docket.on_fact(name, facts.Sending(Stamp(NOW_MS + 1_000, 5_000, "rest")), 1.0)
    docket.on_fact(name, facts.Left(), 1.0)
    seen = OrderSighting("BTCUSDT", number, (name,), OrderStatus.NEW, created_ms=NOW_MS + 1_001)
    docket.on_fact(name, facts.Done(seen), 1.1)


def watched() -> Intents:
    """Return a docket whose user stream stands."""
    docket = Intents()
    docket.on_clock(NOW_MS, 0.0, 0.0)
    docket.on_watching(1, 0.0)
    return docket


def measure(remembered: int) -> tuple[float, float, float]:
    """Return the microseconds of an order, of a ping, and of a measured clock."""
    docket = watched()
    for number in range(remembered):
        place(docket, number)
    gc.collect()
    started = time.perf_counter()
    for number in range(remembered, remembered + ORDERS):
        place(docket, number)
    placed = time.perf_counter()
    docket.on_ping(1, 1.1, 1.2)
    pinged = time.perf_counter()
    docket.on_clock(NOW_MS + 1_200, 1.0, 1.2)
    return (placed - started) / ORDERS * 1e6, (pinged - placed) * 1e6, (time.perf_counter() - pinged) * 1e6


def main() -> None:
    """Print the table."""
    print(f"{'remembered':>10}{'an order us':>13}{'a ping us':>11}{'a clock us':>12}{'ratio':>8}")
    before: float | None = None
    for remembered in REMEMBERED:
        rounds = [measure(remembered) for _ in range(ROUNDS)]
        order, ping, clock = (statistics.median(figures) for figures in zip(*rounds, strict=True))
        ratio = "" if before is None else f"{order / before:.2f}"
        print(f"{remembered:10}{order:13.1f}{ping:11.1f}{clock:12.1f}{ratio:>8}")
        before = order


if __name__ == "__main__":
    main()
