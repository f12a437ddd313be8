"""The surface: what is documented, beside what of it the package knows; the rows of the tests and of the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from trio_binance import models
from trio_binance._codec import kinds, rest, user
from trio_binance._codes import CLASS_BY_CODE
from trio_binance._protocol.catalogue import OPERATIONS
from trio_binance.errors import Outcome

from . import known, operations, snapshot


@attrs.frozen
class Row:
    """One documented thing: its parts, and those of them that the package lacks."""

    group: str
    name: str
    parts: int
    missing: tuple[str, ...]
    params: int = 0

    @property
    def complete(self) -> bool:
        return not self.missing


def _row(group: str, name: str, parts: list[str], ours: set[str], params: int = 0) -> Row:
    return Row(group, name, len(parts), tuple(part for part in parts if part not in ours), params)


def answers() -> Iterator[Row]:
    """Return every operation: its parameters, and the fields of its answers."""
    told = operations.load()
    for name, fields in snapshot.load("answers").items():
        row = OPERATIONS.get(name)
        ours = set() if row is None or row.result is Any else set(known.paths(row.result, rest._DIALECT))
        lacks = () if row is None else tuple(_lacking(told[name]["params"], {param.name for param in row.params}))
        found = _row("answers", name, fields, ours, len(told[name]["params"]))
        gone = ("the operation",) if row is None else ()
        yield attrs.evolve(found, missing=(*gone, *found.missing, *lacks))


def _lacking(told: list[str], ours: set[str]) -> Iterator[str]:
    yield from (f"parameter {name}" for name in (param.split()[0] for param in told) if name not in ours)


_ORDER_ANSWERS = (models.OrderFull, models.OrderStatusReport)


def conditional() -> Iterator[Row]:
    """Return the conditional fields of orders: each has to be known of a new order or of one that is asked for."""
    ours = {path.split("[")[0] for kind in _ORDER_ANSWERS for path in known.paths(kind, rest._DIALECT)}
    (fields,) = snapshot.load("conditional").values()
    yield from (_row("conditional fields", field, [field], ours) for field in fields)


def _stream_name(template: str) -> str:
    values = {"<symbol>": "btcusdt", "<interval>": "1m", "<window_size>": "1h", "<window-size>": "1h", "<levels>": "5"}
    for placeholder, value in values.items():
        template = template.replace(placeholder, value)
    return template


def streams() -> Iterator[Row]:
    """Return every kind of market stream and the fields of its events."""
    for template, fields in snapshot.load("streams").items():
        kind = kinds.kind_of(_stream_name(template))
        ours = set() if kind is None else {"e", *known.paths(kind.model, kinds.DIALECT)}
        row = _row("streams", template, fields, ours)
        yield row if kind is not None else attrs.evolve(row, missing=("the kind", *row.missing))


def events() -> Iterator[Row]:
    """Return every event of the account and its fields."""
    for word, fields in snapshot.load("events").items():
        model = user._EVENTS.get(word)
        ours = set() if model is None else {"e", *known.paths(model, user._DIALECT)}
        yield _row("events", word, fields, ours)


def filters() -> Iterator[Row]:
    """Return every filter and its fields."""
    by_word = {kind.filter_type.value: kind for kind in models.KNOWN_FILTERS}
    for word, fields in snapshot.load("filters").items():
        ours = set(known.paths(by_word[word], rest._DIALECT)) if word in by_word else set()
        yield _row("filters", word, fields, ours)


def errors() -> Iterator[Row]:
    """Return every code; its class must not call refused what the documents leave unknown. The other way is caution."""
    for code, (verdict,) in snapshot.load("errors").items():
        cls = CLASS_BY_CODE.get(int(code))
        lacks = ("a class",) if cls is None else ()
        if cls is not None and verdict == "unknown" and cls.outcome is not Outcome.UNKNOWN:
            lacks = ("the outcome is unknown",)
        yield Row("errors", code, 1, lacks)


GROUPS = {
    "operations": answers,
    "conditional fields": conditional,
    "streams": streams,
    "events": events,
    "filters": filters,
    "errors": errors,
}
