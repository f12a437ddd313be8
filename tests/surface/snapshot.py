"""The snapshot: what the exchange documents, kept here in our own form so that a clone alone can check itself by it.

``python -m tests.surface.snapshot FOLDER`` makes it anew from the documents' facts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from . import documents
from .documents import Facts

HERE = Path(__file__).parent
READERS = {
    "answers": documents.answers,
    "conditional": documents.conditional,
    "errors": documents.errors,
    "events": documents.events,
    "filters": documents.filters,
    "streams": documents.streams,
}
"""The files of the snapshot, and what reads the same from the documents."""


def load(name: str) -> Facts:
    """Return one file of the snapshot."""
    lines = (HERE / f"{name}.txt").read_text("utf-8").splitlines()
    rows = (line.partition(": ") for line in lines)
    return {thing: parts.split() for thing, _, parts in rows}


def write(folder: Path) -> None:
    """Make the snapshot anew from the documents' facts: to be done when the exchange has published a change."""
    for name, reader in READERS.items():
        lines = [f"{thing}: {' '.join(parts)}\n" for thing, parts in reader(folder).items()]
        (HERE / f"{name}.txt").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
