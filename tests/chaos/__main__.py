"""Days of trouble as a table, one line a seed, as they end: ``nox -s chaos -- --seeds 20 --hours 24``."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor, as_completed

from rich.console import Console
from rich.live import Live
from rich.table import Table

from .day import Report, run_in_no_time

COLUMNS = ("seed", "faults", "connections", "live", "recovered", "in gaps", "candles", "book reads", "stale", "seconds")


def main() -> int:
    """Run the days, two at a time on two cores; 1 when one of them was wrong."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many days")
    parser.add_argument("--hours", type=float, default=24.0, help="how long a day is")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    console = Console(width=110, highlight=False)
    table = Table(*COLUMNS, title=f"{asked.seeds} seeds of {asked.hours:g} h")
    for column in table.columns:
        column.justify = "right"
    reports, wrong = list[Report](), dict[int, BaseException]()
    seeds = range(asked.first, asked.first + asked.seeds)
    # Where nobody watches, a live table is shown once, at the end: then each day is told as it ends.
    plain = not console.is_terminal
    with ProcessPoolExecutor(os.cpu_count()) as pool, Live(table, console=console):
        days: dict[Future[Report], int] = {pool.submit(run_in_no_time, seed, asked.hours): seed for seed in seeds}
        for day in as_completed(days):
            if error := day.exception():
                wrong[days[day]] = error
                table.add_row(str(days[day]), f"[red]{type(error).__name__}[/red]")
            else:
                reports.append(day.result())
                table.add_row(*_cells(reports[-1]))
            if plain:
                print(f"seed {days[day]} has ended", file=sys.stderr, flush=True)
    console.print()
    _summarize(console, reports)
    for seed, error in sorted(wrong.items()):
        console.print(f"[red]seed {seed} was wrong:[/red] {error!r}")
    return 1 if wrong else 0


def _cells(report: Report) -> list[str]:
    figures = (
        report.seed,
        report.faults.total(),
        report.connects,
        report.live,
        report.recovered,
        report.missing,
        report.candles,
        report.books.reads,
        report.books.stale,
        round(report.seconds),
    )
    return [f"{figure:,}" for figure in figures]


def _summarize(console: Console, reports: list[Report]) -> None:
    kinds = sum((report.faults for report in reports), Counter[str]())
    console.print("faults: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    console.print(
        f"{sum(report.live + report.recovered for report in reports):,} items once and in order, "
        f"{sum(report.recovered for report in reports):,} of them recovered; "
        f"{sum(report.missing for report in reports):,} told by gaps; "
        f"{sum(report.books.reads for report in reports):,} book reads, none of them wrong"
    )


if __name__ == "__main__":
    sys.exit(main())
