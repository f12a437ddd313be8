"""The parameters of requests against the exchange's documents, their examples, and its official connector."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import requests as made
from trio_binance._codec import params
from trio_binance._codec.params import (
    list_from_params,
    list_params,
    order_from_params,
    order_params,
    sor_params,
)
from trio_binance._codec.rest import camel
from trio_binance._pure.decimals import to_text
from trio_binance.errors import InvalidArgument


def text(value: str | int | Decimal) -> str:
    return value if isinstance(value, str) else to_text(value)


PLACING = {"/api/v3/order": params._ORDER, **{path: rows for path, (_, rows) in params._LISTS.items()}}
OF_A_CALL = params._OF_THE_CALL | {
    *("cancelReplaceMode", "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId"),
    *("cancelRestrictions", "orderRateLimitExceededMode"),
}


@cache
def endpoints(spec: Path) -> dict[str, dict[str, Any]]:
    """Return the documents' tables of what is posted, by path."""
    rows = json.loads((spec / "rest.json").read_text())["endpoints"]
    return {row["path"]: row for row in rows if row["method"] == "POST"}


@pytest.mark.parametrize("path", PLACING)
def test_names_and_order_are_those_of_the_documents(path: str, spec: Path) -> None:
    theirs = [param["name"] for param in endpoints(spec)[path]["params"] if param["name"] not in OF_A_CALL]
    ours = [wire for wire, _ in PLACING[path]]
    assert [name for name in ours if name in theirs] == theirs
    assert set(ours) - set(theirs) == ({"pendingQuantity"} if path.endswith(("opo", "opoco")) else set())


def test_every_endpoint_that_places_has_its_parameters_here(spec: Path) -> None:
    places = {path for path in endpoints(spec) if "rder" in path}
    same = {"/api/v3/order/test", "/api/v3/order/cancelReplace", "/api/v3/sor/order", "/api/v3/sor/order/test"}
    assert places == PLACING.keys() | same


def breaches(row: dict[str, Any], sent: Mapping[str, Any]) -> set[str]:
    """Return the parameters that the documents would have otherwise: missing, or there without leave."""
    found = {param["name"] for param in row["params"] if param["mandatory"] == "YES"} - sent.keys()
    for rule in row.get("conditional_params", []):
        if matches(rule["when"], sent):
            found |= {unmet for need in rule["required"] if (unmet := lacking(need, sent))}
    for param in row["params"]:
        name, value = param["name"], sent.get(param["name"])
        if value is None and "required_when" in param and matches(param["required_when"], sent):
            found.add(name)
        if value is not None and not granted(param, value, sent):
            found.add(name)
    return found


def granted(param: dict[str, Any], value: Any, sent: Mapping[str, Any]) -> bool:
    """Return whether the documents let this parameter be there, beside the others, with this value."""
    leave = [param["allowed_when"]] if "allowed_when" in param else param.get("allowed_when_any", [{}])
    if "min" in param or "max" in param:
        leave = leave if param.get("min", 1) <= value <= param.get("max", 2**63) else []
    return (
        any(matches(when, sent) for when in leave)
        and sent.keys() >= set(param.get("required_together", ()))
        and value in param.get("values", [value])
    )


def matches(when: dict[str, list[str]], sent: Mapping[str, Any]) -> bool:
    return all(sent.get(name) in words for name, words in when.items())


def lacking(need: str | dict[str, list[str]], sent: Mapping[str, Any]) -> str | None:
    """Return what is missing of one demand, or too much."""
    if isinstance(need, str):
        return None if need in sent else need
    ((how_many, names),) = need.items()
    count_ = len(sent.keys() & set(names))
    return None if count_ == 1 or (count_ == 2 and how_many == "one_or_both") else names[0]


def contested(sent: Mapping[str, Any]) -> set[str]:
    """Return the parameters about which the documents contradict themselves: there the exchange decides.

    A peg stands for a price, though tables demand one; a LIMIT_MAKER may be an iceberg or not, and stand below or not;
    the deprecated OCO needs a stop price or else a trailing delta.
    """
    prices = {re.sub("([pP])egPriceType$", r"\1rice", name) for name in sent if name.lower().endswith("pegpricetype")}
    makers = {name for name, value in sent.items() if value == "LIMIT_MAKER"}
    icebergs = {"icebergQty" if name == "type" else f"{name.removesuffix('Type')}IcebergQty" for name in makers}
    prices |= {name.removesuffix("Type") + "Price" for name in makers if "elow" in name}
    return prices | makers | icebergs | ({"stopPrice"} if "trailingDelta" in sent else set())


@given(data=st.data())
@pytest.mark.parametrize("path", PLACING)
def test_whatever_is_built_has_what_the_documents_demand_and_nothing_else(
    path: str, spec: Path, data: st.DataObject
) -> None:
    row = endpoints(spec)[path]
    if path == "/api/v3/order":
        sent = order_params(data.draw(made.orders))
    else:
        sent = list_params(data.draw(made.lists_of(params._LISTS[path][0])))
    assert breaches(row, {**sent, "timestamp": 1}) <= contested(sent)


def rebuilt(path: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the request that is built of these."""
    if path.startswith("/api/v3/orderList/") or path == "/api/v3/order/oco":
        return dict(list_params(list_from_params(path, sent)))
    request_ = order_from_params(sent)
    return dict(sor_params(request_) if "/sor/" in path else order_params(request_))


def test_every_example_of_a_placement_becomes_a_request_and_the_same_parameters(spec: Path) -> None:
    methods = json.loads((spec / "ws_api.json").read_text(), parse_float=Decimal)["methods"]
    placing = [row for row in methods if row["security"] == "TRADE" and row["rest_endpoint"].startswith("POST ")]
    assert len(placing) == 11
    for row in placing:
        example = row["request_example"]["body"]["params"]
        sent = {name: value for name, value in example.items() if name not in OF_A_CALL}
        found = rebuilt(row["rest_endpoint"].removeprefix("POST "), sent)
        assert {name: text(value) for name, value in found.items()} == {name: text(v) for name, v in sent.items()}


METHODS = {
    "order_place": "/api/v3/order",
    "order_test": "/api/v3/order",
    "order_cancel_replace": "/api/v3/order",
    "sor_order_place": "/api/v3/sor/order",
    "sor_order_test": "/api/v3/sor/order",
    "order_list_place": "/api/v3/order/oco",
    "order_list_oco": "/api/v3/orderList/oco",
    "order_list_place_oto": "/api/v3/orderList/oto",
    "order_list_otoco": "/api/v3/orderList/otoco",
    "order_list_place_opo": "/api/v3/orderList/opo",
    "order_list_opoco": "/api/v3/orderList/opoco",
}
"""What the official connector's tests place, by the names of the tests."""


def connector_cases(recordings: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Return test, path and parameters, by the wire's names, of what the official connector places."""
    lines = gzip.decompress((recordings / "connector_python" / "spot.jsonl.gz").read_bytes()).splitlines()
    cases = []
    for row in map(json.loads, lines):
        name, params_ = row["test"].removeprefix("test_"), row.get("params") or {}
        if (path := METHODS.get(name.partition("_success")[0])) is not None:
            named = {camel(word): value for word, value in params_.items() if word != "id"}
            cases.append((name, path, {wire: value for wire, value in named.items() if wire not in OF_A_CALL}))
    return cases


def test_every_parameter_of_the_official_connector_has_its_place(recordings: Path) -> None:
    cases = connector_cases(recordings)
    assert {path for _, path, _ in cases} == {*METHODS.values()}
    for _, path, sent in cases:
        assert sent.keys() <= {wire for wire, _ in PLACING[path.replace("/sor/", "/")]}


# Its tests fill in every parameter at once, which no order takes, or those alone that are mandatory for every type.
STOP_LIMIT = {"type": "STOP_LOSS_LIMIT", "quoteOrderQty": None}
MENDED: dict[str, dict[str, Any]] = {
    "order_place_success": {"quantity": 1},
    "order_place_success_with_optional_params": STOP_LIMIT,
    "order_test_success": {"quoteOrderQty": 1},
    "order_test_success_with_optional_params": STOP_LIMIT,
    "order_cancel_replace_success": {"quantity": 1},
    "order_cancel_replace_success_with_optional_params": STOP_LIMIT,
    "sor_order_place_success_with_optional_params": {"type": "LIMIT"},
    "sor_order_test_success_with_optional_params": {"type": "LIMIT"},
    "order_list_place_success": {"stopPrice": 2},
    "order_list_place_success_with_optional_params": {"stopPrice": 2},
    "order_list_oco_success": {"aboveStopPrice": 2, "abovePrice": 2, "belowType": "TAKE_PROFIT", "belowStopPrice": 1}
    | {"aboveTimeInForce": "GTC"},
    "order_list_oco_success_with_optional_params": {"belowType": "TAKE_PROFIT_LIMIT"},
    "order_list_otoco_success": {"workingTimeInForce": "GTC"}
    | {"pendingAboveType": "STOP_LOSS", "pendingAboveStopPrice": 2}
    | {"pendingBelowType": "LIMIT_MAKER", "pendingBelowPrice": 1},
    "order_list_otoco_success_with_optional_params": {"pendingBelowType": "TAKE_PROFIT_LIMIT"},
    "order_list_opoco_success": {"workingTimeInForce": "GTC", "pendingSide": "SELL"}
    | {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": 2}
    | {"pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": 1},
    "order_list_opoco_success_with_optional_params": {"pendingSide": "SELL"}
    | {"pendingAboveType": "TAKE_PROFIT_LIMIT", "pendingBelowType": "STOP_LOSS_LIMIT"},
    "order_list_place_oto_success": {"workingTimeInForce": "GTC", "pendingTimeInForce": "GTC", "pendingPrice": 1},
    "order_list_place_oto_success_with_optional_params": {"pendingType": "STOP_LOSS_LIMIT"},
    "order_list_place_opo_success": {"workingTimeInForce": "GTC", "pendingTimeInForce": "GTC", "pendingPrice": 1}
    | {"pendingSide": "SELL"},
    "order_list_place_opo_success_with_optional_params": {"pendingType": "TAKE_PROFIT_LIMIT", "pendingSide": "SELL"},
}


def test_what_the_official_connector_places_is_refused_as_it_stands_and_taken_when_mended(recordings: Path) -> None:
    for name, path, sent in connector_cases(recordings):
        if name in MENDED:
            with pytest.raises(InvalidArgument):
                rebuilt(path, sent)
        mended = sent | {wire: 1_000_000 for wire in sent if wire.endswith("trategyType")} | MENDED.get(name, {})
        valid = {wire: text(value) for wire, value in mended.items() if value is not None}
        assert {wire: text(value) for wire, value in rebuilt(path, valid).items()} == valid
