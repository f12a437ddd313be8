"""The build's sessions: tests, lint, typing, bench. ``nox -s tests`` is all a newcomer needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "typing", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
BY_DESIGN = ",".join(
    (
        "ASYNC910",  # an exit without a checkpoint: hot paths give way once a batch, and say so
        "ASYNC912",
        "ASYNC913",
        "ASYNC113",  # started() is called by what they call
        "ASYNC114",
        "ASYNC124",  # an async function without await: tests and fakes must have the shape of what they stand for
        "ASYNC127",  # httpx is what this project is built on
        "ASYNC128",  # task_status is handed on to who calls started()
    )
)
"""Findings of flake8-async that are not followed here, and why."""

IN_TESTS = f"{BY_DESIGN},ASYNC102,ASYNC103,ASYNC104,ASYNC110,ASYNC111,ASYNC115,ASYNC121"
"""Tests swallow, poll and outlive on purpose, to see what the code makes of it."""

EXACT = ("_decimals.py", "_pure/*", "_codec/*", "_protocol/*")
"""The parts of the package whose every branch is tested."""

EXACT_TESTS = ("tests/_pure", "tests/_codec", "tests/_protocol", "tests/models")
"""The tests that do it."""

WORKERS = ("-n", str(min(os.cpu_count() or 1, 8)), "--dist", "worksteal")
"""Some tests take a hundred times as long as others: whoever is idle takes from who is not."""


def runs(version: str) -> bool:
    """Tell whether this Python is installed and starts; a version manager's shim may be there without its Python."""
    command = shutil.which(f"python{version}")
    return command is not None and subprocess.run([command, "--version"], capture_output=True).returncode == 0


SUPPORTED = nox.project.python_versions(PROJECT)
PYTHONS = [version for version in SUPPORTED if runs(version)] or [f"{sys.version_info.major}.{sys.version_info.minor}"]
if missing := [version for version in SUPPORTED if version not in PYTHONS]:
    print(f"not installed here, therefore skipped: Python {', '.join(missing)}", file=sys.stderr)


ASYNC = re.compile(r"\b(?:async|await|nursery|CancelScope|move_on_(?:at|after)|fail_(?:at|after))\b")
"""What stands in every file that waits for anything."""


def asynchronous(*folders: str) -> list[str]:
    """Return the files that flake8-async can have anything to say of; it takes half a second for each."""
    files = (file for folder in folders for file in sorted(Path(folder).rglob("*.py")))
    return [str(file) for file in files if ASYNC.search(file.read_text(encoding="utf-8"))]


def install(session: nox.Session, group: str) -> None:
    """Install the package with every extra, and one group of tools."""
    session.install(".[cli,metrics,proxy]", *nox.project.dependency_groups(PROJECT, group))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed; those of the exact parts reach every branch."""
    install(session, "tests")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    measure(session, *EXACT_TESTS)
    exact = ",".join(f"*/trio_binance/{part}" for part in EXACT)
    session.run("coverage", "report", "--fail-under=100", f"--include={exact}")
    # To be watched line by line takes whole connectors and exchanges four times as long: see the session "coverage".
    session.run("pytest", *WORKERS, *(f"--ignore={folder}" for folder in EXACT_TESTS))


@nox.session(python=PYTHONS[0])
def coverage(session: nox.Session) -> None:
    """Measure the branch coverage of everything but the slow tests, and draw many more examples; takes an hour."""
    install(session, "tests")
    session.env.update({"TRIO_BINANCE_EXAMPLES": "300", "TRIO_BINANCE_SEEDS": "40"})
    measure(session)
    session.run("coverage", "report", "--fail-under=95")


def measure(session: nox.Session, *folders: str) -> None:
    """Run tests while watching which branches they take."""
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *WORKERS, "-m", "not slow", *folders)
    session.run("coverage", "combine", "--quiet")


@nox.session(python=PYTHONS[0])
def surface(session: nox.Session) -> None:
    """Print how much of what the exchange documents is here, as a table; fails when anything is missing."""
    install(session, "tests")
    session.run("python", "-m", "tests.surface")


@nox.session(python=PYTHONS[0])
def chaos(session: nox.Session) -> None:
    """Live through 20 days of trouble and hold all that is told to the exchange's own; takes half an hour."""
    install(session, "tests")
    session.run("python", "-m", "tests.chaos", *session.posargs)


@nox.session(python=PYTHONS[0])
def peers(session: nox.Session) -> None:
    """Let clients that others wrote trade on the embedded exchange, and hold what they are told to the truth."""
    install(session, "tests")
    folder = install_peers(session, TRADERS)
    session.run("python", "-m", "tests.peers", "--peers", str(folder), *session.posargs)


@nox.session(python=PYTHONS[0])
def doubt(session: nox.Session) -> None:
    """Place 20,000 orders amid trouble and hold what is said of each to the exchange's own; takes half an hour."""
    install(session, "tests")
    session.run("python", "-m", "tests.doubt", *session.posargs)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Check style, async hazards and that no floor imports from above it."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("flake8", "--select=ASYNC", f"--extend-ignore={BY_DESIGN}", *asynchronous("trio_binance", "benchmarks"))
    session.run("flake8", "--select=ASYNC", f"--extend-ignore={IN_TESTS}", *asynchronous("tests"))
    session.run("lint-imports")


@nox.session(python=PYTHONS[0])
def typing(session: nox.Session) -> None:
    """Check the types with two checkers."""
    install(session, "typing")
    session.run("mypy")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))
    # Whoever imports the package must find a type for everything, and not one that checkers guess differently.
    session.run("pyright", "--verifytypes", "trio_binance", "--ignoreexternal")


PEERS = {
    "python-binance": ("", "python-binance==1.0.37"),
    "cryptofeed": ("3.13", "cryptofeed", "uvloop"),  # its newest release wants the newest Python
    "cryptofeed-2": ("", "cryptofeed==2.4.1"),  # the one whose book is written in C
    "unicorn": ("", "unicorn-binance-websocket-api==2.16.1", "picows"),
    "ccxt": ("", "ccxt==4.5.90"),
}
"""What is measured beside us: the Python it is best with, and its packages. They must not share an environment."""

TRADERS = {
    "python-binance": PEERS["python-binance"],
    "binance-sdk-spot": ("", "binance-sdk-spot==13.3.0"),
    "ccxt": PEERS["ccxt"],
}
"""What trades on the embedded exchange, as it was written for the real one."""


def install_peers(session: nox.Session, peers: dict[str, tuple[str, ...]]) -> Path:
    """Make the environments of some peers; return the folder where they lie by name."""
    folder = Path(session.virtualenv.location).parent / "clients"
    for name, (version, *packages) in peers.items():
        install_peer(session, folder / name, version, packages)
    return folder


def install_peer(session: nox.Session, folder: Path, version: str, packages: list[str]) -> None:
    """Make a peer's environment, unless it is there; one that cannot be made is missing in the tables."""
    if folder.exists():
        return
    base = f"python{version}" if version and runs(version) else sys.executable
    session.run(base, "-m", "venv", str(folder), external=True)
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    session.run(python, "-m", "pip", "install", "--quiet", *packages, external=True, success_codes=[0, 1])


@nox.session(python=PYTHONS[0])
def bench(session: nox.Session) -> None:
    """Measure the hot paths as ratios within one run, beside the peers; tables, no verdicts."""
    install(session, "bench")
    session.env["BENCH_PEERS"] = str(install_peers(session, PEERS))
    for script in sorted(Path("benchmarks").glob("bench_*.py")):
        session.run("python", str(script), *session.posargs)
