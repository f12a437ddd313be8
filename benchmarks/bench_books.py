"""Books: fresh frame -> decoded -> applied -> best bid and ask, beside python-binance's and cryptofeed's books.

Run ``nox -s bench``, which installs the peers in virtual environments of their own, or
``python benchmarks/bench_books.py --peers DIR``; whoever is not in ``DIR/<name>`` is reported as missing. There is no
socket in it: what a book costs end to end is in ``bench_peers.py``.

Events of 20 + 20 levels go into a book of 5,000 levels a side. Each keeper is a process of its own, new for every
round, and sees every frame once: a benchmark that hands over the same objects again hides what their first hash costs.
Every round runs every keeper once; figures are medians, and ratios the medians of the ratios within the rounds. All of
them must have come to the same best prices.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench_peers import CRYPTOFEED, PYTHON_BINANCE, Client, Row, go_to, python_of, show, turned
from messages import MovingBook

HERE: Final = Path(__file__).parent
US: Final = "trio_binance"
OLD_CRYPTOFEED: Final = "cryptofeed-2"
"""With version 0.6 of its book, which sorts all of it at the first reading after a change."""
WARM: Final = 300
LEVELS: Final = 5000


@dataclass(frozen=True)
class Keeper(Client):
    """One way to keep a book; ``peers/book_<script>.py``."""

    def measure(self, python: Path, file: Path, way: str) -> dict[str, Any]:
        """Measure it once; the answer has ``us`` or ``kib``, or says why it ``failed``."""
        command = [str(python), str(HERE / "peers" / f"book_{self.script}.py"), str(file), "--warm", str(WARM)]
        ran = subprocess.run(
            [*command, "--way", way], capture_output=True, text=True, timeout=600, check=False, preexec_fn=go_to(0)
        )
        lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
        if not lines:
            return {"failed": (ran.stderr.strip().splitlines() or ["it said nothing"])[-1][:100]}
        found: dict[str, Any] = json.loads(lines[-1])
        return found


NOTHING: Final = frozenset[str]()
KEEPERS: Final = (
    Keeper(US, "", US, "Level of Decimals", NOTHING, way="read"),
    Keeper(f"{US}, not read", "", US, "a book", NOTHING, way="unread"),
    Keeper(PYTHON_BINANCE, PYTHON_BINANCE, "python_binance", "list of Decimals", NOTHING, way="read", share=50),
    Keeper(f"{PYTHON_BINANCE}, not read", PYTHON_BINANCE, "python_binance", "a book", NOTHING, way="unread"),
    Keeper(CRYPTOFEED, CRYPTOFEED, "cryptofeed", "tuple of Decimals", NOTHING, way="read"),
    Keeper(f"{CRYPTOFEED}, not read", CRYPTOFEED, "cryptofeed", "a book", NOTHING, way="unread"),
    Keeper(OLD_CRYPTOFEED, OLD_CRYPTOFEED, "cryptofeed", "tuple of Decimals", NOTHING, way="read", share=5),
)


def write(file: Path, book: MovingBook, count: int) -> Path:
    """Write a snapshot and the events that follow it, one a line."""
    frames = ({"stream": "btcusdt@depth@100ms", "data": book.step()} for _ in range(WARM + count))
    lines = [book.snapshot(), *frames]
    file.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return file


def measure(folder: Path, peers: Path, count: int, rounds: int) -> list[Row]:
    """Run every keeper once a round."""
    rows = [Row(keeper) for keeper in KEEPERS]
    pythons = {row.client.peer: python_of(row.client, peers) for row in rows}
    files = {share: _file(folder, count // share) for share in {keeper.share for keeper in KEEPERS}}
    prices: dict[Path, set[object]] = {file: set() for file in files.values()}
    for number in range(rounds):
        for row in turned(rows, number):
            python, keeper = pythons[row.client.peer], row.client
            assert isinstance(keeper, Keeper)
            if python is None:
                row.take({"failed": "not installed"})
                continue
            result = keeper.measure(python, files[keeper.share], keeper.way)
            row.take(result)
            if "prices" in result:
                prices[files[keeper.share]].add(tuple(result["prices"]))
    assert all(len(found) <= 1 for found in prices.values()), f"they do not agree: {prices}"
    return rows


def _file(folder: Path, count: int) -> Path:
    return write(folder / f"{count}.jsonl", MovingBook(random.Random(7), levels=LEVELS), count)


def show_memory(file: Path, peers: Path, rounds: int) -> None:
    """Print what a book takes of memory."""
    print(f"\nmemory of a book of {LEVELS:,} levels a side, its best read after each of {WARM} events")
    print(f"{'keeper':32}{'MiB':>8}")
    for keeper in KEEPERS:
        python = python_of(keeper, peers)
        if keeper.way != "read" or python is None:
            continue
        found = [keeper.measure(python, file, "memory") for _ in range(rounds)]
        figures = [one["kib"] for one in found if "kib" in one]
        print(f"{keeper.name:32}{statistics.median(figures) / 1024:8.2f}" if figures else f"{keeper.name:32}{found[0]}")


def show_readings(file: Path) -> None:
    """Print what reading costs: again, and after each event."""
    sys.path.insert(0, str(HERE / "peers"))
    from book_trio_binance import Kept

    snapshot, *frames = file.read_bytes().splitlines()
    kept = Kept(snapshot)
    for frame in frames[:WARM]:
        kept.take(frame)
    book = kept.book
    readings: dict[str, Callable[[], object]] = {
        "best bid": lambda: book.bids.best_level,
        "20 best of both sides": lambda: (book.bids.top(20), book.asks.top(20)),
        "100 best of both sides": lambda: (book.bids.top(100), book.asks.top(100)),
        "all of both sides, sorted": lambda: (book.bids.all(), book.asks.all()),
        "the snapshot made a book": lambda: Kept(snapshot),
    }
    print(f"\nreadings of our book, nothing having changed in between\n{'what':32}{'us':>10}")
    for name, read in readings.items():
        timer = timeit.Timer(read)
        number, _ = timer.autorange()
        print(f"{name:32}{min(timer.repeat(7, max(number // 5, 1))) / max(number // 5, 1) * 1e6:10.2f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=Path(os.environ.get("BENCH_PEERS", "peers")))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=5_000, help="events, a round")
    chosen, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        rows = measure(Path(name), chosen.peers, chosen.count, chosen.rounds)
        title = f"20 + 20 levels into {LEVELS:,} a side: {chosen.rounds} rounds of {chosen.count:,} events"
        show(
            f"{title}; goal: 100 x python-binance, 10 x cryptofeed-2",
            rows,
            (PYTHON_BINANCE, CRYPTOFEED, OLD_CRYPTOFEED),
        )
        file = Path(name) / f"{chosen.count}.jsonl"
        show_memory(file, chosen.peers, min(chosen.rounds, 3))
        show_readings(file)


if __name__ == "__main__":
    main()
