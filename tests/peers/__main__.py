"""The clients of others on the embedded exchange, as a table: ``nox -s peers``.

Each places, queries and cancels orders and gets their fills, by events and by query, in a process and an environment of
its own, unmodified but for the address. What it was told is held to what the exchange itself knows.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import trio
from rich.console import Console
from rich.table import Table

from trio_binance import SandboxSpec
from trio_binance.sandbox import Sandbox, open_loopback

from .runs import PEERS, Played, Run, all_runs, make_secret, play, register
from .truth import differences


def main() -> int:
    """Let them play one after another; 1 when anything of any of them was wrong."""
    parser = argparse.ArgumentParser(prog="tests.peers", description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="the folder of their environments")
    parser.add_argument("--only", default="", help="the start of the name of a run: PEER-WAY-KEY")
    parser.add_argument("--verbose", action="store_true", help="show what they write to standard error")
    asked = parser.parse_args()
    runs = [run for run in all_runs() if run.name.startswith(asked.only)]
    played = trio.run(play_all, runs, asked.peers)
    console = Console(width=110, highlight=False)
    table = Table("client", "version", "requests by", "key", "steps", "what came of it")
    for each, wrong in played:
        verdict = "; ".join(wrong) or "[green]ok[/green]"
        run = each.run
        table.add_row(run.peer, each.version, run.way, run.key_type, str(len(each.steps)), verdict)
        if wrong and asked.verbose:
            console.print(f"--- {run.name}\n{each.complaints}", markup=False)
    console.print(table)
    for peer in PEERS:
        for text in dict.fromkeys(text for each, _ in played if each.run.peer == peer for text in each.notes):
            console.print(f"{peer} by itself: {text}", markup=False)
    return 1 if not played or any(wrong for _, wrong in played) else 0


async def play_all(runs: list[Run], peers: Path) -> list[tuple[Played, list[str]]]:
    """Serve an exchange and let the clients play; return what came of each, and what was wrong with it."""
    async with open_loopback(SandboxSpec(seed=7)) as sandbox:
        with tempfile.TemporaryDirectory() as folder:
            return [await play_one(sandbox, run, peers, Path(folder)) for run in runs]


async def play_one(sandbox: Sandbox, run: Run, peers: Path, folder: Path) -> tuple[Played, list[str]]:
    """Let one client play and hold what it was told to the truth."""
    python = peers / run.peer / ("Scripts" if os.name == "nt" else "bin") / "python"
    secret = make_secret(run.key_type)
    account = register(sandbox, run, secret)
    played = await play(sandbox, run, python, secret, folder / f"{run.name}.pem")
    if played.facts is None:
        return played, [played.failed]
    return played, list(differences(account, played.facts))


if __name__ == "__main__":
    sys.exit(main())
