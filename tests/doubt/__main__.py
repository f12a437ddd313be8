"""Intents amid trouble as a table, a line a policy: ``nox -s doubt -- --seeds 1000 --rivals 200``."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed

import attrs
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from .rivals import POLICIES, rival_of
from .run import Run, Score, run_in_no_time

OURS = "ours"
WRONG = ("duplicates", "ghosts", "phantoms", "unfounded")


@attrs.define
class Total:
    """What a policy came to over all its seeds."""

    runs: int = 0
    struck: int = 0
    alarms: int = 0
    said: Counter[str] = attrs.Factory(Counter)
    wrong: Counter[str] = attrs.Factory(Counter)
    seeds: set[int] = attrs.Factory(set)

    def add(self, score: Score) -> None:
        self.runs += 1
        self.struck += score.struck
        self.alarms += score.alarms
        self.said.update(score.said)
        self.wrong.update({kind: len(getattr(score, kind)) for kind in WRONG})
        if not score.is_right:
            self.seeds.add(score.seed)


def one(policy: str, seed: int) -> Score:
    """Live through one run."""
    return run_in_no_time(seed, Run if policy == OURS else rival_of(policy))


def main() -> int:
    """Run all; 1 when ours was wrong anywhere."""
    parser = argparse.ArgumentParser(prog="tests.doubt", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many runs of ours, of 20 intents each")
    parser.add_argument("--rivals", type=int, default=200, help="how many runs of each other policy")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    sizes = {OURS: asked.seeds, **dict.fromkeys(POLICIES, asked.rivals)}
    totals = {policy: Total() for policy in sizes}
    console = Console(width=120, highlight=False)
    with ProcessPoolExecutor(os.cpu_count()) as pool, Progress(console=console, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("intents amid trouble", total=sum(sizes.values()))
        seeds = range(asked.first, asked.first + max(sizes.values()))
        runs = {
            pool.submit(one, policy, seed): policy
            for seed in seeds
            for policy, size in sizes.items()
            if seed - asked.first < size
        }
        for run in as_completed(runs):
            totals[runs[run]].add(run.result())
            bar.advance(task)
    console.print(_table(totals))
    for seed in sorted(totals[OURS].seeds):
        console.print(f"[red]seed {seed} was wrong[/red]")
    return 1 if totals[OURS].seeds else 0


def _table(totals: dict[str, Total]) -> Table:
    table = Table("policy", "intents", "faults", *WRONG, "alarms", "said", title="20 intents a run, lag up to 40 s")
    for policy, total in totals.items():
        words = ", ".join(f"{count:,} {word}" for word, count in total.said.most_common())
        figures = (total.said.total(), total.struck, *(total.wrong[kind] for kind in WRONG), total.alarms)
        table.add_row(policy, *(f"{figure:,}" for figure in figures), words)
    return table


if __name__ == "__main__":
    sys.exit(main())
