"""REST: what does not fit its model is refused, and named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trio_binance._codec import rest
from trio_binance.errors import DecodeError
from trio_binance.models import (
    BookTicker,
    Depth,
    OrderFull,
    OrderResponse,
    PriceTicker,
    RateLimitUsage,
    ReferencePriceCalculation,
    ServerTime,
    Trade,
)

from .orders import FILL, RESULT


@pytest.mark.parametrize(
    "text",
    [
        '"NaN"',
        '"Infinity"',
        '"-Infinity"',
        '"sNaN"',
        '"1e5"',
        '" 1 "',
        '"1_0"',
        '""',
        '"."',
        '".5"',
        '"1."',
        '"+1"',
        '"１"',
        '"0x1"',
        '"--1"',
        f'"{"9" * 65}"',
        "null",
        "true",
        "[]",
        "{}",
    ],
)
@pytest.mark.parametrize("model,field", [(PriceTicker, "price"), (BookTicker, "bid_qty")])
def test_a_text_that_is_no_plain_decimal_is_refused(text: str, model: Any, field: str) -> None:
    names = {"symbol": '"A"', "price": '"1"', "bidPrice": '"1"', "bidQty": '"1"', "askPrice": '"1"', "askQty": '"1"'}
    body = ",".join(f'"{key}":{text if key == rest.camel(field) else value}' for key, value in names.items())
    with pytest.raises(DecodeError) as caught:
        rest.structure(f"[{{{body}}}]".encode(), list[model])
    assert caught.value.path == f"[0].{field}"


def test_a_number_instead_of_a_text_is_exact() -> None:
    found = rest.structure(
        b'[{"symbol":"A","price":0.1000000000000000055},{"symbol":"A","price":5}]', list[PriceTicker]
    )
    assert [str(ticker.price) for ticker in found] == ["0.1000000000000000055", "5"]


@pytest.mark.parametrize(
    "side,path",
    [
        ('[["1","NaN"]]', "bids[0][1]"),
        ('[["1","2"],["1 ","2"]]', "bids[1][0]"),
        ('[["1",""]]', "bids[0][1]"),
        ('[["1\\n1","2"]]', "bids[0][0]"),
        ('[["1",2]]', "bids[0][1]"),
        ('[["1","2","3"]]', "bids"),
        ('[["1"]]', "bids"),
        ('["12"]', "bids"),
        ('"12"', "bids"),
        ("{}", "bids"),
        (f'[["1","{"9" * 65}"]]', "bids[0][1]"),
    ],
)
def test_a_level_that_is_no_pair_of_decimals_is_refused(side: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        rest.structure(f'{{"lastUpdateId":1,"bids":{side},"asks":[]}}'.encode(), Depth)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "body,path,reason",
    [
        ("{}", "server_time", "missing"),
        ('{"serverTime":"1"}', "server_time", "expected int"),
        ('{"serverTime":true}', "server_time", "expected int"),
        ('{"serverTime":null}', "server_time", "expected int"),
        ('{"serverTime":1.0}', "server_time", "expected int"),
        ("[]", "", "expected dict"),
        ("null", "", "expected dict"),
        ('"x"', "", "expected dict"),
    ],
)
def test_what_does_not_fit_is_named(body: str, path: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason) as caught:
        rest.structure(body.encode(), ServerTime)
    assert (caught.value.path, caught.value.model) == (path, "ServerTime")


def test_the_path_leads_through_lists_and_models() -> None:
    body = {**RESULT, "fills": [FILL, {**FILL, "qty": "x"}]}
    with pytest.raises(DecodeError) as caught:
        rest.structure(json.dumps(body).encode(), OrderFull)
    assert caught.value.path == "fills[1].qty"


@pytest.mark.parametrize("body", ['{"a":1}', '"abc"', "1", "null"])
def test_a_list_is_an_array_only(body: str) -> None:
    with pytest.raises(DecodeError, match="expected list"):
        rest.structure(body.encode(), list[Trade])


@pytest.mark.parametrize("word", ["[]", "5", "null", "true"])
def test_a_word_is_a_text(word: str) -> None:
    body = f'[{{"rateLimitType":{word},"interval":"DAY","intervalNum":1,"limit":1,"count":0}}]'
    with pytest.raises(DecodeError) as caught:
        rest.structure(body.encode(), list[RateLimitUsage])
    assert caught.value.path == "[0].rate_limit_type"


def test_no_json_is_refused() -> None:
    with pytest.raises(DecodeError, match="not JSON"):
        rest.structure(b"<html>", ServerTime)


@pytest.mark.parametrize("body", ["[]", "null", '"x"'])
def test_a_union_is_an_object(body: str) -> None:
    with pytest.raises(DecodeError, match="expected dict"):
        rest.structure(body.encode(), OrderResponse)


def test_a_union_is_named_by_its_models() -> None:
    with pytest.raises(DecodeError) as caught:
        rest.structure(b'{"symbol":"A"}', ReferencePriceCalculation)
    assert caught.value.path == "calculation_type"
    assert caught.value.model == "ArithmeticMeanCalculation | ExternalCalculation | UnknownCalculation"


def test_a_list_is_named_by_what_it_holds() -> None:
    with pytest.raises(DecodeError) as caught:
        rest.structure(b"[{}]", list[Trade])
    assert (caught.value.model, caught.value.path) == ("list[Trade]", "[0].id")
