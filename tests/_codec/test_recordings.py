"""Recordings: every answer that others recorded or expect goes to models and back whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from trio_binance._codec import rest
from trio_binance.models import (
    Account,
    AggTrade,
    AveragePrice,
    BookTicker,
    Depth,
    ExchangeInfo,
    FilterType,
    Kline,
    PriceTicker,
    ServerTime,
    Trade,
)

from .answers import ANSWERS, SESSION_ANSWERS, check, extras, kind_of


def lines(path: Path) -> Iterator[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from map(json.loads, filter(None, text.splitlines()))


# ------------------------------------------------------------------------------------------------ recorded traffic


OLDER_THAN_LISTS = {"GET /api/v3/allOrders", "GET /api/v3/openOrders", "DELETE /api/v3/order"}


def with_list_id(body: Any) -> Any:
    """Return orders older than order lists as we write them: part of no list."""
    return [with_list_id(row) for row in body] if isinstance(body, list) else {"orderListId": -1, **body}


def test_the_answers_of_the_recorded_client_survive_whole(recordings: Path) -> None:
    count = 0
    for line in lines(recordings / "gocryptotrader/spot_http.jsonl.gz"):
        operation, body = f"{line['method']} {line['path']}", line["response"]
        if operation not in ANSWERS or body is None:
            continue
        found = rest.structure(json.dumps(with_names(body)).encode(), kind_of(ANSWERS[operation], body))
        assert not extras(found)
        again = rest.unstructure(found)
        assert again == (with_list_id(body) if operation in OLDER_THAN_LISTS else with_names(body))
        count += 1
    assert count == 29


def with_names(body: Any) -> Any:
    """Mend what the tool that recorded them damaged: two lines of aggTrades have a field without a name."""
    if isinstance(body, list) and any(isinstance(row, dict) and "" in row for row in body):
        return [{name or "m": value for name, value in row.items()} for row in body]
    return body


def test_the_recorded_answers_of_2019_survive_whole(recordings: Path) -> None:
    for name, kind in (("trades", list[Trade]), ("depth", Depth)):
        for line in lines(recordings / f"http_cassettes/coingecko_{name}_2019.jsonl.gz"):
            assert not extras(check(json.loads(line["response"]["body"]), kind))


def test_the_recorded_depth_snapshots_survive_whole(recordings: Path) -> None:
    count = 0
    for path in [*recordings.glob("cryptofeed/*.session.jsonl.gz"), *recordings.glob("hftbacktest/*.session.jsonl.gz")]:
        for line in lines(path):
            if line["kind"] == "http" and "/depth" in line["url"]:
                check(json.loads(line["raw"]), Depth)
                count += 1
    assert count == 23


DUMPS = ["exchangeinfo/2018-02-10_oiovoyo", "exchangeinfo/2023-08-13_swapland"]
DUMPS += [f"cryptofeed/{name}.exchangeInfo" for name in ("r20211012", "us20210814", "us20211012")]


def said(symbol: str, body: dict[str, object]) -> Iterator[str]:
    for name, value in body.items():
        if name != "filterType":
            text = str(value).lower() if isinstance(value, bool) else value
            yield f"{symbol}|{body['filterType']}|{name}|{text}"


@pytest.mark.parametrize("name", DUMPS)
def test_every_symbol_and_filter_of_a_recorded_exchange_survives_whole(recordings: Path, name: str) -> None:
    raw = gzip.decompress((recordings / f"{name}.json.gz").read_bytes())
    expected = json.loads((recordings / f"{name}.expected.json").read_text())
    info = rest.structure(raw, ExchangeInfo)
    body = json.loads(raw)
    assert rest.unstructure(info) == body
    assert not extras(info)
    assert len(info.symbols) == expected["symbols"]
    kinds = [found.filter_type for symbol in info.symbols for found in symbol.filters]
    assert {kind: kinds.count(FilterType(kind)) for kind in expected["filters"]} == expected["filters"]
    # The hash was made in the order of the dump; ours is that of the model, so the values are taken by the dump's keys.
    texts: list[str] = []
    for symbol, told in zip(info.symbols, body["symbols"], strict=True):
        for found, row in zip(symbol.filters, told["filters"], strict=True):
            ours = rest.unstructure(found)
            texts += said(symbol.symbol, {key: ours[key] for key in row})
    assert len(texts) == expected["filter_values_lines"]
    assert hashlib.sha256("\n".join(texts).encode()).hexdigest() == expected["filter_values_sha256"]


# --------------------------------------------------------------------------------------------- peers' expectations

NAUTILUS: dict[str, Any] = {
    "spot_market_agg_trades": list[AggTrade],
    "spot_market_avg_price": AveragePrice,
    "spot_market_book_ticker": BookTicker,
    "spot_market_depth": Depth,
    "spot_market_exchange_info": ExchangeInfo,
    "spot_market_historical_trades": list[Trade],
    "spot_market_klines": list[Kline],
    "spot_market_ping": Any,
    "spot_market_ticker_price": PriceTicker,
    "spot_market_time": ServerTime,
    "spot_market_trades": list[Trade],
    "spot_wallet_account": Account,
    # answers of another interface (/sapi), which the way out hands over as they are
    "wallet_trading_fee": Any,
    "wallet_trading_fees": Any,
}


def test_every_answer_kept_by_the_first_peer_survives_whole(recordings: Path) -> None:
    paths = {path.stem.removeprefix("py_http_"): path for path in recordings.glob("nautilus/py_http_*.json")}
    assert set(paths) == set(NAUTILUS)
    for name, path in paths.items():
        assert not extras(check(json.loads(path.read_text()), NAUTILUS[name])), name


_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def completed(body: Any, example: Any) -> Any:
    """Return ``body`` with the numbers in quotes that it lacks, taken from the documents' own example.

    The second peer's generator leaves such texts out of half of its answers (a book ticker is a symbol and nothing
    else), and the third one amends an order into one of the fields of a queried order.
    """
    if isinstance(body, list) and isinstance(example, list) and example and isinstance(example[0], str | int):
        return [*body, *example[len(body) :]]
    first = example[0] if isinstance(example, list) and example else example
    if isinstance(body, list):
        return [completed(item, first) for item in body]
    if isinstance(body, dict) and isinstance(first, dict) and "filterType" not in body:
        lacking = {key: item for key, item in first.items() if isinstance(item, str) and _NUMBER.fullmatch(item)}
        return {**lacking, **{key: completed(item, first.get(key)) for key, item in body.items()}}
    return body


@attrs.frozen
class Documents:
    """What each operation, or method of the WebSocket API, answers: the model, and the documents' fullest example."""

    kinds: dict[str, Any]
    examples: dict[str, Any]

    def check(self, name: str, body: Any) -> set[str]:
        """Assert that the completed answer survives whole; return the names of the fields that no model knows."""
        whole = completed(body, self.examples[name])
        return {key for extra in extras(check(whole, kind_of(self.kinds[name], whole))) for key in extra}


@pytest.fixture(scope="module")
def documents(spec: Path) -> Documents:
    kinds, examples = {**ANSWERS, **SESSION_ANSWERS}, {}
    for row in json.loads((spec / "rest.json").read_text())["endpoints"]:
        examples[f"{row['method']} {row['path']}"] = fullest([answer["body"] for answer in row["responses"]])
    for row in json.loads((spec / "ws_api.json").read_text())["methods"]:
        examples[row["method"]] = fullest([answer["body"].get("result") for answer in row["responses"]])
        if row["method"] not in kinds:
            kinds[row["method"]] = ANSWERS[row["rest_endpoint"]]
    return Documents(kinds, examples)


def fullest(bodies: list[Any]) -> Any:
    return max(bodies, key=lambda body: len(json.dumps(body)))


def method_of(test: str) -> str:
    """Return the letters of the method that a test of the second peer is named for: ``test_order_place_success``."""
    return re.sub(r"^test_|_success.*|_", "", test)


INVENTED = {"priceExponent", "qtyExponent", "count", "rateLimits", "code", "msg"}
"""Fields that the second peer adds to answers in which no document has them."""


def test_every_answer_of_the_second_peer_survives_whole(documents: Documents, recordings: Path) -> None:
    methods = {name.replace(".", "").lower(): name for name in documents.kinds}
    seen = set()
    for line in lines(recordings / "connector_python/spot.jsonl.gz"):
        if line["api"] == "ws-stream":
            continue
        at_rest = line["api"] == "rest"
        name = f"{line['method']} {line['path']}" if at_rest else methods[method_of(line["test"])]
        assert documents.check(name, line["response"] if at_rest else line["response"]["result"]) <= INVENTED, name
        seen.add(name)
    assert len(seen) == 51


AMENDED_AS_IF_QUERIED = {"origQty", "cummulativeQuoteQty", "time", "updateTime", "isWorking", "origQuoteOrderQty"}


def test_every_answer_of_the_third_peer_survives_whole(documents: Documents, recordings: Path) -> None:
    seen = set()
    for line in lines(recordings / "binance_net/spot.jsonl"):
        if "response" in line:
            answers = [(f"{line['method']} {line['path']}", line["response"])]
        else:
            method = line["steps"][0]["json"]["method"]
            results = [step["json"].get("result") for step in line["steps"][1:]]
            answers = [(method, result) for result in results if result is not None]
        for name, body in answers:
            assert documents.check(name, body) <= {"allowAmend", *AMENDED_AS_IF_QUERIED}, name
            seen.add(name)
    assert len(seen) == 31
