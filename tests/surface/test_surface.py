"""The whole surface against the documents: every field of every answer, stream, event and filter, and every error."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import snapshot, surface
from .__main__ import main

ROWS = [row for rows in surface.GROUPS.values() for row in rows()]
COUNTS = {"operations": 55, "conditional fields": 17, "streams": 15, "events": 7, "filters": 20, "errors": 106}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.group} {row.name}")
def test_whatever_the_documents_name_has_a_name_of_ours(row: surface.Row) -> None:
    assert row.missing == ()


def test_the_snapshot_holds_as_many_things_as_are_documented() -> None:
    assert {group: sum(1 for _ in rows()) for group, rows in surface.GROUPS.items()} == COUNTS


@pytest.mark.parametrize("name", snapshot.READERS)
def test_the_snapshot_is_what_the_documents_tell(name: str, spec: Path) -> None:
    assert snapshot.load(name) == snapshot.READERS[name](spec)


def test_the_table_counts_everything_and_fails_when_something_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main() == 0
    told = capsys.readouterr().out
    assert "48/48" in told
    assert "55/55" in told
    monkeypatch.setitem(surface.GROUPS, "events", lambda: iter([surface.Row("events", "listStatus", 2, ("E",))]))
    assert main() == 1
    assert "listStatus lacks E" in capsys.readouterr().out
