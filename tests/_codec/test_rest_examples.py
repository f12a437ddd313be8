"""REST and the WebSocket API: every example of the exchange's documents goes to models and back whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trio_binance._codec import rest
from trio_binance._codec.converter import own_fields
from trio_binance.models import (
    AmendedOrder,
    CancelReplaceReport,
    CancelResult,
    ErrorReport,
    ExecutionRule,
    Fill,
    Filter,
    OrderFull,
    OrderStatusReport,
    PriceRangeRule,
    UnknownFilter,
)

from .answers import ANSWERS, SESSION_ANSWERS, check, extras, kind_of


def examples(path: Path, rows: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each example of the documents with its operation."""
    return [(row, answer) for row in json.loads(path.read_text())[rows] for answer in row["responses"]]


def test_every_answer_of_rest_survives_whole(spec: Path) -> None:
    seen = set()
    for row, answer in examples(spec / "rest.json", "endpoints"):
        operation = f"{row['method']} {row['path']}"
        if answer.get("kind") == "error":
            continue
        # "rateLimits" of exchangeInfo is an array of one comment
        body = json.loads(json.dumps(answer["body"]).replace('"rateLimits": [{}]', '"rateLimits": []'))
        assert not extras(check(body, kind_of(ANSWERS[operation], body))), operation
        seen.add(operation)
    assert seen == set(ANSWERS)
    assert len(seen) == 48


def test_every_result_of_the_websocket_api_survives_whole(spec: Path) -> None:
    seen = set()
    for row, answer in examples(spec / "ws_api.json", "methods"):
        method, body = row["method"], answer["body"].get("result")
        kind = SESSION_ANSWERS.get(method) or ANSWERS[row["rest_endpoint"]]
        if body is None or "code" in body:
            continue  # errors, one of which stands in the place of a result
        if method == "sor.order.place":
            (body,) = body  # REST answers with the object itself
        assert not extras(check(body, kind_of(kind, body))), method
        seen.add(method)
    assert len(seen) == 55


def test_the_halves_of_every_failed_cancel_replace_survive_whole(spec: Path) -> None:
    count = 0
    for path, rows in (("rest.json", "endpoints"), ("ws_api.json", "methods")):
        for _, answer in examples(spec / path, rows):
            error = answer["body"].get("error", answer["body"]) if isinstance(answer["body"], dict) else {}
            if "data" in error:
                found = check(error["data"], CancelReplaceReport)
                assert not extras(found)
                count += 1
    assert count == 10


def test_every_error_object_of_the_documents_is_an_error_report(spec: Path) -> None:
    count = 0
    for path, rows in (("rest.json", "endpoints"), ("ws_api.json", "methods")):
        for _, answer in examples(spec / path, rows):
            body = answer["body"] if isinstance(answer["body"], dict) else {}
            for error in (body, body.get("error"), body.get("result")):
                if isinstance(error, dict) and "code" in error:
                    found = check(error, ErrorReport)
                    assert (found.code, found.msg) == (error["code"], error["msg"])
                    assert set(found.extra) <= {"data"}
                    count += 1
    assert count >= 20


def test_every_filter_and_rule_of_the_documents_is_known_whole(spec: Path) -> None:
    facts = json.loads((spec / "filters.json").read_text())
    for row in facts["filters"]:
        found = check(row["example"]["body"], Filter)
        assert not isinstance(found, UnknownFilter)
        assert not found.extra
        assert {rest.camel(field.name) for field in own_fields(type(found))} == {
            field["name"] for field in row["fields"]
        }
    assert len(facts["filters"]) == 20
    for row in facts["execution_rules"]:
        found = check({"ruleType": row["ruleType"], **dict.fromkeys(row["fields"], "1.01")}, ExecutionRule)
        assert type(found) is PriceRangeRule
        assert not found.extra


@pytest.mark.parametrize("kind", [OrderFull, OrderStatusReport, CancelResult, AmendedOrder])
def test_every_conditional_field_of_an_order_is_known(spec: Path, kind: Any) -> None:
    rows = json.loads((spec / "rest.json").read_text())["conditional_order_fields"]
    known = {rest.camel(field.name) for field in own_fields(kind)}
    placed_only = {"preventedMatches", "tradeGroupId"}
    assert {row["field"] for row in rows} - known == (set() if kind is OrderFull else placed_only)


def test_every_field_of_sbe_is_known_or_accounted_for(spec: Path) -> None:
    """SBE tells some fields that no JSON example has; the models know them by the same rule."""
    messages = {row["name"]: row for row in json.loads((spec / "sbe.json").read_text())["spot_schema"]["messages"]}
    for name, kind in (
        ("NewOrderFullResponse", OrderFull),
        ("OrderResponse", OrderStatusReport),
        ("CancelOrderResponse", CancelResult),
        ("OrderAmendKeepPriorityResponse", AmendedOrder),
    ):
        told = {row.get("jsonPath", row["name"]) for part in ("fields", "data") for row in messages[name].get(part, ())}
        known = {rest.camel(field.name) for field in own_fields(kind)} | {"priceExponent", "qtyExponent"}
        assert told - known <= {"transactTime", "executionId"}, name
    fills = next(group for group in messages["NewOrderFullResponse"]["groups"] if group["name"] == "fills")
    told = {row["name"] for part in ("fields", "data") for row in fills.get(part, ())}
    assert told - {rest.camel(field.name) for field in own_fields(Fill)} == {"commissionExponent"}
