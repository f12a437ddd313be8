"""The table: how much of what the exchange documents is here. ``nox -s surface`` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from trio_binance._protocol.catalogue import OPERATIONS

from . import surface
from .surface import Row

TITLES = {
    "conditional fields": "conditional order fields",
    "streams": "market streams",
    "events": "account events",
    "errors": "error codes",
}


def main() -> int:
    """Print the table; 1 when anything is missing."""
    groups = {name: tuple(rows()) for name, rows in surface.GROUPS.items()}
    table = Table("what", "known", "parameters", "fields", title="The surface of the exchange")
    for column in table.columns[1:]:
        column.justify = "right"
    for title, rows in _lines(groups):
        done = sum(row.complete for row in rows)
        params, fields = sum(row.params for row in rows), sum(row.parts for row in rows)
        table.add_row(title, f"{done}/{len(rows)}", str(params or ""), str(fields))
    console = Console(width=100, highlight=False)
    console.print(table)
    lacking = [row for rows in groups.values() for row in rows if not row.complete]
    for row in lacking:
        console.print(f"{row.name} lacks {', '.join(row.missing)}")
    return 1 if lacking else 0


def _lines(groups: dict[str, tuple[Row, ...]]) -> Iterable[tuple[str, tuple[Row, ...]]]:
    for name, rows in groups.items():
        if name == "operations":
            yield "operations of REST", tuple(row for row in rows if OPERATIONS[row.name].path)
            yield "operations of the WebSocket API", rows
        else:
            yield TITLES.get(name, name), rows


if __name__ == "__main__":
    sys.exit(main())
