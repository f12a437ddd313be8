"""Beside the peers: what one message costs from the socket to user code, by the API that each documents.

Run ``nox -s bench``, which installs the peers in virtual environments of their own, or
``python benchmarks/bench_peers.py --peers DIR``; whoever is not in ``DIR/<name>`` is reported as missing.

An exchange on 127.0.0.1, a process on one core, sends everybody the same messages as fast as they are taken, without
TLS. Each client is a process of its own on another core, new for every round, which gets warm with the first messages
and is measured over the rest: processor time of all its threads, the kernel's for it included, by message. Every round
runs every client once, and the next one begins with another. The figures are medians, and every ratio ("x": so many
times as fast as that peer) is the median of the ratios within the rounds, for machines slow down and speed up.

Peers get what their documentation asks for, and larger queues where theirs would overflow in such a blast; so do we.
Messages that come one by one cost everybody a wake-up more, which is most of it then.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
WARM: Final = 500
DEADLINE: Final = 180.0
"""Seconds for one client in one round; some hang."""
STREAMS: Final = frozenset({"aggTrade", "bookTicker", "kline", "depth"})
US: Final = "trio_binance"


@dataclass(frozen=True)
class Client:
    """One way to receive a kind of message.

    Args:
        name: in the table.
        peer: whose virtual environment it runs in; empty for ours.
        script: ``peers/client_<script>.py``.
        receives: what user code gets.
        kinds: what it can receive.
        way: passed on.
        share: it is given only one in so many messages, for it would take all day.
    """

    name: str
    peer: str
    script: str
    receives: str
    kinds: frozenset[str]
    way: str = ""
    share: int = 1
    subscribers: int = 1

    def run(self, python: Path | str, port: int, kind: str, count: int) -> dict[str, object]:
        """Measure it once; the answer has ``us``, ``version`` and ``python``, or says why it ``failed``."""
        script = str(HERE / "peers" / f"client_{self.script}.py")
        sizes = ["--warm", str(WARM), "--count", str(count // self.share)]
        ways = [f"--way={self.way}", f"--subscribers={self.subscribers}"]
        try:
            ran = subprocess.run(
                [str(python), script, str(port), kind, *sizes, *ways],
                capture_output=True, text=True, timeout=DEADLINE, check=False, preexec_fn=go_to(0),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"failed": f"nothing more after {DEADLINE:g} s"}
        lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
        if not lines:
            return {"failed": (ran.stderr.strip().splitlines() or ["it said nothing"])[-1][:100]}
        result: dict[str, object] = json.loads(lines[-1])
        return result


def go_to(place: int) -> Callable[[], None] | None:
    """Return what takes a new process to one of our cores; with one core, or where it cannot be chosen, nothing."""
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        return None
    core = sorted(os.sched_getaffinity(0))[place]
    return lambda: os.sched_setaffinity(0, {core})


PYTHON_BINANCE, CRYPTOFEED, UNICORN, CCXT = "python-binance", "cryptofeed", "unicorn", "ccxt"
CLIENTS: Final = (
    Client(f"{US}, async for", "", US, "attrs, frozen, Decimal", STREAMS),
    Client(f"{US}, batches()", "", US, "the same, in tuples", STREAMS, way="batches"),
    Client(f"{US}, each level read", "", US, "attrs, frozen, Decimal", frozenset({"depth"}), way="touched"),
    Client(PYTHON_BINANCE, PYTHON_BINANCE, "python_binance", "dict of str", STREAMS),
    Client(CRYPTOFEED, CRYPTOFEED, "cryptofeed", "Cython types, Decimal", STREAMS - {"depth"}),
    Client(UNICORN, UNICORN, "unicorn", "dict of str", STREAMS),
    Client(f"{UNICORN} on picows", UNICORN, "unicorn", "dict of str", STREAMS, way="picows"),
)
KEEPERS: Final = (
    Client(f"{US}, books.open", "", US, "best of both read", frozenset({"book"})),
    Client(CRYPTOFEED, CRYPTOFEED, "cryptofeed", "best of both read", frozenset({"book"}), way="read"),
    Client(f"{CRYPTOFEED}, not read", CRYPTOFEED, "cryptofeed", "a book", frozenset({"book"})),
    Client(CCXT, CCXT, "ccxt", "best of both read", frozenset({"book"})),
    Client(PYTHON_BINANCE, PYTHON_BINANCE, "python_binance", "best of both read", frozenset({"book"}), "read", 50),
    Client(f"{PYTHON_BINANCE}, not read", PYTHON_BINANCE, "python_binance", "a book", frozenset({"book"})),
)
CROWDS: Final = tuple(
    Client(f"{number} with {words}", "", US, "attrs, frozen, Decimal", frozenset({"aggTrade"}), way, 1, number)
    for way, words in (("", "async for"), ("batches", "batches()"))
    for number in (1, 10, 100)
)


@dataclass
class Row:
    """What was measured of a client."""

    client: Client
    by_round: list[float | None] = field(default_factory=list)
    label: str = ""
    failure: str = ""

    def take(self, result: dict[str, object]) -> None:
        """Take the result of a round."""
        figure = result.get("us")
        self.by_round.append(figure if isinstance(figure, float) else None)
        if "failed" in result:
            self.failure = str(result["failed"])
        else:
            self.label = f"{result['version']} on {result['python']}"

    def median(self) -> float | None:
        """Return the median of its microseconds a message."""
        figures = [figure for figure in self.by_round if figure is not None]
        return statistics.median(figures) if figures else None

    def times(self, other: Row) -> float | None:
        """Return how many times as fast as another it is: the median of the rounds in which both were measured."""
        pairs = zip(self.by_round, other.by_round, strict=True)
        ratios = [theirs / ours for ours, theirs in pairs if ours is not None and theirs is not None]
        return statistics.median(ratios) if ratios else None


@contextmanager
def exchange(kind: str, count: int) -> Iterator[int]:
    """Run the exchange for the time of a block; gives its port."""
    command = [sys.executable, str(HERE / "loopback.py"), kind, "--warm", str(WARM), "--count", str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=go_to(-1)
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def measure(clients: Sequence[Client], kind: str, count: int, rounds: int, peers: Path) -> list[Row]:
    """Run every client once a round; those that are not installed are left out, and say so."""
    rows = [Row(client) for client in clients if kind in client.kinds]
    pythons = {row.client: python_of(row.client, peers) for row in rows}
    present = [row for row in rows if pythons[row.client] is not None]
    for row in rows:
        if row not in present:
            row.failure = "not installed"
            row.by_round = [None] * rounds
    with exchange(kind, count) as port:
        for number in range(rounds):
            for row in turned(present, number):
                python = pythons[row.client]
                assert python is not None
                row.take(row.client.run(python, port, kind, count))
    return rows


def turned(rows: list[Row], by: int) -> list[Row]:
    place = by % len(rows)
    return rows[place:] + rows[:place]


def python_of(client: Client, peers: Path) -> Path | None:
    if not client.peer:
        return Path(sys.executable)
    found = (peers / client.peer / "bin/python", peers / client.peer / "Scripts/python.exe")
    return next((path for path in found if path.exists()), None)


def show(title: str, rows: Sequence[Row], references: Sequence[str]) -> None:
    """Print a table: a row a client, a column for each that it is compared with."""
    compared = [row for name in references for row in rows if row.client.name == name]
    heads = "".join(f"{'x ' + row.client.name:>22}" for row in compared)
    print(f"\n{title}\n{'client':32}{'user code receives':26}{'us/message':>11}{heads}   version")
    for row in rows:
        figure = row.median()
        if figure is None:
            print(f"{row.client.name:32}{row.client.receives:26}{row.failure}")
            continue
        ratios = "".join(_times(row.times(other)) for other in compared)
        print(
            f"{row.client.name:32}{row.client.receives:26}{figure:11.2f}{ratios}   {row.label} {row.failure}".rstrip()
        )
    sys.stdout.flush()


def _times(ratio: float | None) -> str:
    return f"{'-':>22}" if ratio is None else f"{ratio:22.2f}"


def show_crowds(title: str, rows: Sequence[Row]) -> None:
    """Print the table of the fan-out: what a message costs, and what of it is one subscriber's share."""
    print(f"\n{title}\n{'subscribers':32}{'us/message':>11}{'us/delivery':>13}{'one more costs':>16}")
    first = rows[0]
    for row in rows:
        figure, many = row.median(), row.client.subscribers
        if many == 1:
            first = row
        alone = first.median()
        if figure is None or alone is None:
            print(f"{row.client.name:32}{row.failure}")
            continue
        more = f"{(figure - alone) / (many - 1):16.2f}" if many > 1 else ""
        print(f"{row.client.name:32}{figure:11.2f}{figure / many:13.2f}{more}")
    sys.stdout.flush()


GOALS: Final = {
    "aggTrade": "goal: 9 x python-binance, ahead of cryptofeed and unicorn",
    "bookTicker": "goal: 9 x python-binance, ahead of cryptofeed and unicorn",
    "kline": "goal: 3.5 x python-binance",
    "depth": "20 + 20 levels; goal: 3.5 x python-binance",
    "book": "20 + 20 levels into 5,000 a side; goal: 2 x cryptofeed, 1.5 x ccxt",
}
SHARES: Final = {"aggTrade": 1.0, "bookTicker": 1.0, "kline": 0.5, "depth": 0.5, "book": 0.25, "fanout": 0.25}
"""How many messages of a kind, compared with the small ones."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=Path(os.environ.get("BENCH_PEERS", "peers")))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=40_000, help="messages of the small kinds, a round")
    parser.add_argument("--only", nargs="+", choices=SHARES, default=[*SHARES])
    chosen = parser.parse_args()
    for kind in chosen.only:
        count = max(int(chosen.count * SHARES[kind]), 1)
        size = f"{chosen.rounds} rounds of {count:,} messages"
        if kind == "fanout":
            rows = measure(CROWDS, "aggTrade", count, chosen.rounds, chosen.peers)
            show_crowds(f"aggTrade to many subscribers: {size}", rows)
            continue
        clients, references = (KEEPERS, (CRYPTOFEED, CCXT)) if kind == "book" else (CLIENTS, (CRYPTOFEED, UNICORN))
        rows = measure(clients, kind, count, chosen.rounds, chosen.peers)
        show(f"{kind}: {size}; {GOALS[kind]}", rows, (PYTHON_BINANCE, *references))


if __name__ == "__main__":
    main()
