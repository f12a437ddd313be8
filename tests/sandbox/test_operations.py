"""The table of operations is the documented one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trio_binance.sandbox.operations import BY_METHOD, BY_NAME, OPERATIONS, SESSION_OPERATIONS
from trio_binance.sandbox.rules import Rules


def test_twelve_trading_requests_are_free_when_they_succeed() -> None:
    # The thirteenth of CHANGELOG 2026-03-27 is the amendment, free only when it makes its order expire.
    assert sum(operation.free_on_success for operation in OPERATIONS) == 12


def documented(spec: Path, file: str, rows: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((spec / file).read_text("utf-8"))[rows]
    return found


def test_every_documented_rest_endpoint_is_there_with_its_parameters_and_cost(spec: Path) -> None:
    rows = {f"{row['method']} {row['path']}": row for row in documented(spec, "rest.json", "endpoints")}
    assert rows.keys() == BY_NAME.keys()
    for name, row in rows.items():
        operation = BY_NAME[name]
        stated = {param["name"] for param in row["params"]}
        must = {param["name"] for param in row["params"] if param["mandatory"] == "YES"}
        assert operation.method == row["ws_api_method"], name
        assert operation.security == row["security"], name
        assert operation.orders == row["unfilled_order_count"], name
        assert operation.free_on_success == (row["weight"].get("success_override", {}).get("on_success") == 0), name
        # The tables of two requests forget the timestamp, and pegged orders need no workingPrice.
        assert operation.known - stated <= {"timestamp", "recvWindow"}, name
        assert stated <= operation.known, name
        assert must - set(operation.required) <= {"workingPrice"}, name
        assert set(operation.required) - must <= {"timestamp"}, name
        if row["weight"]["type"] == "fixed":
            assert operation.weight({}) == row["weight"]["weight"], name


def test_every_documented_method_of_the_websocket_api_is_there(spec: Path) -> None:
    rows = {row["method"]: row for row in documented(spec, "ws_api.json", "methods")}
    assert rows.keys() == BY_METHOD.keys()
    for operation in SESSION_OPERATIONS:
        assert operation.weight({}) == rows[operation.method]["weight"]["weight"]


def test_the_default_rules_are_the_documented_ones(spec: Path) -> None:
    rows = {(row["rateLimitType"], row["interval"]): row for row in documented(spec, "limits.json", "rules")}
    rules = Rules()
    for limit in (rules.weight, rules.raw_requests, rules.connections, *rules.orders):
        row = rows[limit.kind, limit.interval]
        assert (limit.number, limit.limit) == (row["intervalNum"], row["limit"])
