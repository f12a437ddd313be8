"""The documents of the exchange, read into the form in which this folder keeps them: a thing, and its parts.

Answers are told as paths of fields: ``orders[].price``. What is documented as an array without names, a candle, is told
by places: ``[].0``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Facts = dict[str, list[str]]
"""Of each thing its parts, both in the order of the alphabet."""

WRAPPED = {"sor.order.place"}
"""Methods whose result is an array of one, where REST answers with the one."""


def read(folder: Path, name: str) -> Any:
    """Return one file of the documents' facts."""
    return json.loads((folder / f"{name}.json").read_text("utf-8"))


def paths(value: object, at: str = "") -> Iterator[str]:
    """Return the path of every field of an example."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, f"{at}.{key}" if at else key)
    elif isinstance(value, list) and value and isinstance(value[0], list) and len(set(map(type, value[0]))) > 1:
        yield from (f"{at}[].{place}" for place in range(len(value[0])))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from paths(item, f"{at}[]")
    elif isinstance(value, list):
        yield f"{at}[]"
    else:
        yield at


def facts(pairs: Iterable[tuple[str, Iterable[str]]]) -> Facts:
    """Gather the parts of each thing."""
    gathered: dict[str, set[str]] = {}
    for thing, parts in pairs:
        gathered.setdefault(thing, set()).update(parts)
    return {thing: sorted(_without_empty(gathered[thing])) for thing in sorted(gathered)}


def _without_empty(parts: set[str]) -> set[str]:
    """Leave out arrays that were empty in one example and full of objects in another."""
    return {part for part in parts if not any(other.startswith(f"{part}.") for other in parts)}


def answers(folder: Path) -> Facts:
    """Return the fields of every operation's answers: of all examples, and those that appear under conditions."""
    rest, ws_api = read(folder, "rest"), read(folder, "ws_api")
    return facts(
        [
            *((f"{row['method']} {row['path']}", _answer_fields(row)) for row in rest["endpoints"]),
            *((row["method"], _answer_fields(row)) for row in ws_api["methods"] if row["rest_endpoint"] is None),
            *((row["rest_endpoint"], _on_rest(row)) for row in ws_api["methods"] if row["rest_endpoint"]),
        ]
    )


def _on_rest(row: dict[str, Any]) -> Iterable[str]:
    """Return the fields of an answer of the WebSocket API as REST has them."""
    fields = _answer_fields(row)
    return (field.removeprefix("[].") for field in fields) if row["method"] in WRAPPED else fields


def _answer_fields(row: dict[str, Any]) -> Iterator[str]:
    for response in row["responses"]:
        yield from paths(_result(response["body"]))
        for condition in response.get("conditional_fields", ()):
            yield condition["field"]


def _result(body: Any) -> object:
    """Return what an answer holds besides its envelope; of an error only the halves, if it has any."""
    if isinstance(body, dict) and "status" in body and "id" in body:
        body = body["result"] if "result" in body else body["error"]
    if isinstance(body, dict) and "code" in body:
        return body.get("data", {}) if "cancelResult" in body.get("data", {}) else {}
    return body


def conditional(folder: Path) -> Facts:
    """Return the fields that orders have under conditions."""
    rows = read(folder, "rest")["conditional_order_fields"]
    return facts([("conditional", [row["field"] for row in rows])])


def streams(folder: Path) -> Facts:
    """Return the fields of every kind of stream, by the template of its name."""
    rows = read(folder, "streams")["streams"]
    return facts((row["templates"][0], paths(row["example"]["body"])) for row in rows)


def events(folder: Path) -> Facts:
    """Return the fields of every event of the account, the conditional ones too."""
    rows = read(folder, "user_data")["events"]
    return facts((row["event"], _event_fields(row)) for row in rows)


def _event_fields(row: dict[str, Any]) -> Iterator[str]:
    for field in [*row["fields"], *row.get("conditional_fields", ())]:
        items = field.get("items")
        yield from [f"{field['key']}[].{item['key']}" for item in items] if items else [field["key"]]


def filters(folder: Path) -> Facts:
    """Return the fields of every filter."""
    rows = read(folder, "filters")["filters"]
    return facts((row["filterType"], [field["name"] for field in row["fields"]]) for row in rows)


def errors(folder: Path) -> Facts:
    """Return of every code whether an answer that carries it leaves the outcome of a request unknown."""
    rows = read(folder, "errors")["codes"]
    return facts((str(row["code"]), [_verdict(row["classification"])]) for row in rows)


def _verdict(row: dict[str, Any]) -> str:
    if row["fix_only"]:
        return "fix"
    return "refused" if row["unknown_outcome"] == "no" else "unknown"
