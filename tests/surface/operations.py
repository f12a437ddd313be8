"""The operations, as the documents tell them: read from their facts, kept in ``operations.toml``, compared with ours.

``python -m tests.surface.operations FOLDER`` makes the file anew from the documents' facts, when the exchange has
published a change; the difference is then what has to be done.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .documents import read

FILE = Path(__file__).parent / "operations.toml"

Rows = dict[str, dict[str, Any]]
"""Of each operation, by its name on REST or else in the WebSocket API, what is documented of it."""

SIGNING = {"apiKey", "signature", "timestamp", "recvWindow"}
"""What signing adds; the documents list it of some signed operations and forget it of others."""

KINDS = {
    "STRING": "text",
    "INT": "whole",
    "LONG": "whole",
    "DECIMAL": "number",
    "BOOLEAN": "flag",
    "ENUM": "word",
    "ARRAY OF STRING": "texts",
}
NEEDS = {"YES": "mandatory", "NO": "optional", "CONDITIONAL": "conditional", "ONE_OF": "one of"}

CORRECTED = {
    "symbols": "texts",  # executionRules calls it STRING
    "permissions": "texts",  # ENUM on REST, an array in the WebSocket API
    "windowSize": "text",  # an enum by a pattern
    "startTime": "moment",
    "endTime": "moment",
}
"""Parameters whose type the documents tell differently from place to place, or not precisely."""

PEGGED = "workingPrice"
"""Marked mandatory; the section on pegged orders says that a peg stands for a price."""

# ------------------------------------------------------------------------------------ what is told in prose alone

_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_LIMITS = ("STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
_PRICED = ("LIMIT", "LIMIT_MAKER", *_LIMITS)
_ORDERS = ("POST /api/v3/order", "POST /api/v3/order/test", "POST /api/v3/order/cancelReplace")
_SOR = ("POST /api/v3/sor/order", "POST /api/v3/sor/order/test")
_LEGS = {
    "POST /api/v3/orderList/oco": ("above", "below"),
    "POST /api/v3/orderList/oto": ("pending",),
    "POST /api/v3/orderList/otoco": ("pendingAbove", "pendingBelow"),
    "POST /api/v3/orderList/opo": ("pending",),
    "POST /api/v3/orderList/opoco": ("pendingAbove", "pendingBelow"),
}
_SAID = {
    "GET /api/v3/exchangeInfo": ["at most one of symbol symbols permissions"],
    "GET /api/v3/executionRules": ["at most one of symbol symbols symbolStatus"],
    "GET /api/v3/aggTrades": ["fromId bars startTime endTime"],
    "GET /api/v3/ticker/tradingDay": ["at most one of symbol symbols"],
    "GET /api/v3/ticker": ["at most one of symbol symbols"],
    "POST /api/v3/order/oco": ["one of stopPrice trailingDelta"],
}


def _on(prefix: str, name: str) -> str:
    return prefix + name[0].upper() + name[1:] if prefix else name


def _demands(prefix: str, kinds: Iterable[str]) -> Iterator[str]:
    """Tell "Additional mandatory parameters based on type", and who may have a peg for a price."""
    kind = _on(prefix, "type")
    for word in kinds:
        if word in (*_LIMITS, "LIMIT"):
            yield f"{kind}={word} needs {_on(prefix, 'timeInForce')}"
        if word in _PRICED:
            yield f"{kind}={word} needs {_on(prefix, 'price')} or {_on(prefix, 'pegPriceType')}"
        if word in _STOPS:
            yield f"{kind}={word} needs {_on(prefix, 'stopPrice')} or {_on(prefix, 'trailingDelta')}"


def _peg(prefix: str) -> Iterator[str]:
    both = _on(prefix, "pegOffsetType"), _on(prefix, "pegOffsetValue")
    yield from (f"{one} needs {other}" for one, other in (both, both[::-1]))


def _leg(prefix: str) -> Iterator[str]:
    yield from _demands(prefix, (*_PRICED, "STOP_LOSS", "TAKE_PROFIT"))
    yield f"{_on(prefix, 'price')} only with {_on(prefix, 'type')} {' '.join(sorted(_PRICED))}"
    yield f"{_on(prefix, 'stopPrice')} only with {_on(prefix, 'type')} {' '.join(_STOPS)}"
    yield from _peg(prefix)


def _prose(name: str) -> Iterator[str]:
    """Tell the rules of one operation that stand in its text, its tables of conditions, or at another place."""
    yield from _SAID.get(name, ())
    if name in _ORDERS:
        yield from _demands("", (*_PRICED, "STOP_LOSS", "TAKE_PROFIT"))
        yield from (f"type={kind} needs quantity" for kind in (*_PRICED, "STOP_LOSS", "TAKE_PROFIT"))
        yield "type=MARKET needs quantity or quoteOrderQty"
        yield "at most one of quantity quoteOrderQty"
        yield f"stopPrice only with type {' '.join(_STOPS)}"
    if name in _SOR:
        yield from ("type=LIMIT needs timeInForce", "type=LIMIT needs price")
    for prefix in _LEGS.get(name, ()):
        yield from _leg(prefix)
    if name in _LEGS and name != "POST /api/v3/orderList/oco":
        yield from _demands("working", ("LIMIT", "LIMIT_MAKER"))
        yield from _peg("working")


# ------------------------------------------------------------------------------------------------- the documents


def from_documents(folder: Path) -> Rows:
    """Return all operations as the documents' facts tell them, those of both wires as one."""
    words = {name: row["values"] for name, row in read(folder, "enums")["enums"].items()}
    methods = {row["method"]: row for row in read(folder, "ws_api")["methods"]}
    rows = {}
    for rest in read(folder, "rest")["endpoints"]:
        ws = methods.pop(rest["ws_api_method"])
        rows[f"{rest['method']} {rest['path']}"] = _row(f"{rest['method']} {rest['path']}", rest, ws, words)
    return rows | {name: _row(name, ws, ws, words) for name, ws in methods.items()}


def _row(name: str, rest: dict[str, Any], ws: dict[str, Any], words: dict[str, list[str]]) -> dict[str, Any]:
    for what in ("security", "signed", "weight", "deprecated"):
        assert rest[what] == ws[what], f"{name}: the wires differ by {what}"
    return {
        "ws": ws["method"],
        "security": rest["security"],
        "signed": rest["signed"],
        "source": " => ".join(rest["data_source"] or ws["data_source"] or ()),
        "orders": max(rest["unfilled_order_count"], ws["unfilled_order_count"]),
        "free": _free(rest["weight"]),
        "weights": sorted(_weights(rest["weight"])),
        "params": sorted(_params(rest, ws, words)),
        "rules": sorted({*_rules(rest["params"]), *_rules(ws["params"]), *_prose(name)}),
    }


def _free(weight: dict[str, Any]) -> str:
    on_success = weight.get("success_override", {}).get("on_success", "never")
    return {0: "on success", "never": "never"}.get(on_success, "when the order expires")


def _weights(weight: dict[str, Any]) -> Iterator[str]:
    """Return what samples of parameters cost: ``limit=101: 25``; of ``symbols`` the number is told."""
    if weight["type"] == "fixed":
        yield f"{weight['weight']}"
    elif weight["type"] == "by_limit":
        yield from (f"limit={limit}: {one['weight']}" for one in weight["brackets"] for limit in one["limit"])
        yield f"{next(b['weight'] for b in weight['brackets'] if weight['param_default'] <= b['limit'][1])}"
    elif weight["type"] == "per_symbol":
        yield f"symbol=A: {weight['each']}"
        for count in (1, 10, 49, 50, 100):
            yield f"symbols={count}: {min(weight['each'] * count, weight['cap'])}"
    else:
        for rule in weight["rules"]:
            yield from _weights_when(rule)


_WHEN = {
    "symbol": "symbol=A",
    "neither symbol nor symbols": "",
    "no parameter": "",
    "no symbol": "",
    "no orderId": "",
    "otherwise": "",
    "symbolStatus": "symbolStatus=TRADING",
    "computeCommissionRates=true": "computeCommissionRates=true",
    "orderId": "orderId=7",
    "preventedMatchId": "preventedMatchId=7",
}


def _weights_when(rule: dict[str, Any]) -> Iterator[str]:
    if rule["when"] == "symbol invalid":
        return  # a refusal
    if rule["when"] != "symbols":
        sample = _WHEN[rule["when"]]
        yield f"{sample}: {rule['weight']}" if sample else f"{rule['weight']}"
    elif "weight_each" in rule:
        yield from (f"symbols={n}: {min(rule['weight_each'] * n, rule['cap'])}" for n in (1, 10, 20, 21))
    else:
        first, last = rule.get("count", (1, None))
        yield from (f"symbols={count}: {rule['weight']}" for count in {first, last or first + 1})


def _params(rest: dict[str, Any], ws: dict[str, Any], words: dict[str, list[str]]) -> Iterator[str]:
    """Return ``name kind need words``, of both wires together: the weaker need is taken where they differ."""
    by_rest, by_ws = ({p["name"]: p for p in row["params"] if p["name"] not in SIGNING} for row in (rest, ws))
    assert by_rest.keys() == by_ws.keys()
    for name, one in by_rest.items():
        both = (one, by_ws[name])
        needs = {NEEDS[param["mandatory"]] for param in both} | ({"conditional"} if name == PEGGED else set())
        need = needs.pop() if len(needs) == 1 else min(needs - {"mandatory"})
        kind = _kind(name, both)
        listed = one.get("values") or words.get(one.get("values_enum", ""), []) if kind == "word" else []
        yield " ".join((name, kind, need.replace(" ", "-"), *sorted(listed)))


def _kind(name: str, both: Iterable[dict[str, Any]]) -> str:
    if name in CORRECTED:
        return CORRECTED[name]
    if name.lower().endswith("trailingdelta"):
        return "whole"  # LONG, INT or DECIMAL
    if name.endswith(("icebergQty", "IcebergQty")):
        return "number"  # LONG in one list
    (kind,) = {KINDS[param["type"]] for param in both}
    return kind


def _rules(params: list[dict[str, Any]]) -> Iterator[str]:
    mandatory = {param["name"] for param in params if param["mandatory"] == "YES"}
    for param in params:
        name = param["name"]
        if "one_of_required" in param:
            yield f"one of {' '.join(param['one_of_required'])}"
        if "mutually_exclusive" in param:
            yield f"at most one of {' '.join(param['mutually_exclusive'])}"
        if "excludes" in param:
            yield f"{name} bars {' '.join(param['excludes'])}"
        for other in param.get("required_together", ()):
            if other != name:
                yield f"{name} needs {other}"
        yield from (f"{name} needs {other}" for other in param.get("requires", ()) if other not in mandatory)
        for kind, types in param.get("required_when", {}).items():
            yield from (f"{kind}={word} needs {name}" for word in types)


# ------------------------------------------------------------------------------------------------------ the file


def load() -> Rows:
    """Return the operations of the snapshot."""
    return tomllib.loads(FILE.read_text("utf-8"))


def dumps(rows: Rows) -> str:
    """Return the operations as they are kept: a table each, lists one item a line."""
    return "\n".join(
        f'["{name}"]\n' + "".join(f"{key} = {_toml(row[key])}\n" for key in row) for name, row in rows.items()
    )


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + "".join(f'\n    "{item}",' for item in value) + ("\n]" if value else "]")
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def params_of(sample: str) -> dict[str, Any]:
    """Return the parameters of a sample: ``limit=5``; ``symbols=21`` stands for so many symbols."""
    if not sample:
        return {}
    name, text = sample.split("=")
    if name == "symbols":
        return {name: ("A",) * int(text)}
    return {name: int(text) if text.isdigit() else True if text == "true" else text}


if __name__ == "__main__":
    FILE.write_text(dumps(from_documents(Path(sys.argv[1]))), "utf-8")
