"""The operation: how a call becomes parameters, what is refused, and what an answer is decoded into."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from trio_binance._protocol.operation import (
    MATCHING_ENGINE,
    Free,
    Lane,
    Operation,
    Security,
    by_symbol,
    by_word,
)
from trio_binance._protocol.parameter import Kind, Need, Param
from trio_binance._protocol.rules import Needs
from trio_binance._protocol.weights import fixed
from trio_binance.errors import InvalidArgument
from trio_binance.models import Depth, MiniTicker, OrderStatus, Ticker24h

PARAMS = (
    Param("symbol", Kind.TEXT, Need.MANDATORY),
    Param("limit", Kind.WHOLE),
    Param("origClientOrderId", Kind.TEXT, field="client_order_id"),
)
ASKS: Operation[Depth] = Operation(
    "GET", "/x", "x", Security.NONE, fixed(1), Depth, PARAMS, (Needs("limit", "origClientOrderId"),)
)


def test_arguments_become_parameters_by_the_wires_names() -> None:
    assert ASKS.write(symbol="A", client_order_id="b", limit=None) == {
        "symbol": "A",
        "origClientOrderId": "b",
        "limit": None,
    }
    with pytest.raises(TypeError, match=r"client_order_id=7: expected a str"):
        ASKS.write(client_order_id=7)
    with pytest.raises(KeyError, match="origClientOrderId"):
        ASKS.write(origClientOrderId="b")


def test_what_is_known_and_complete_passes() -> None:
    ASKS.check({"symbol": "A"})
    ASKS.check({"symbol": "A", "limit": None})
    ASKS.check({"symbol": "A", "limit": 5, "origClientOrderId": "b"})


@pytest.mark.parametrize(
    ("params", "field", "text"),
    [
        ({"symbol": "A", "limitt": 5}, "limitt", "limitt=5: GET /x has no such parameter"),
        ({"limit": 5}, "symbol", "symbol=None: GET /x needs it"),
        ({"symbol": None}, "symbol", "symbol=None: GET /x needs it"),
        ({"symbol": "A", "limit": 5}, "origClientOrderId", "required with limit"),
    ],
)
def test_unknown_and_missing_parameters_are_refused_by_the_wires_names(
    params: dict[str, Any], field: str, text: str
) -> None:
    with pytest.raises(InvalidArgument, match=text) as caught:
        ASKS.check(params)
    assert caught.value.field == field


def test_the_type_of_an_answer_follows_what_was_asked_for() -> None:
    shape = by_symbol(by_word("type", Ticker24h, FULL=Ticker24h, MINI=MiniTicker))
    ticker: Operation[Any] = Operation("GET", "/x", "x", Security.NONE, fixed(1), object, shape=shape)
    assert ticker.result_of({"symbol": "A"}) is Ticker24h
    assert ticker.result_of({"symbol": "A", "type": "MINI"}) is MiniTicker
    assert ticker.result_of({"symbols": ("A",)}) == list[Ticker24h]
    assert ticker.result_of({"type": "MINI"}) == list[MiniTicker]
    assert ASKS.result_of({"symbol": "A"}) is Depth


@attrs.frozen
class Amended:
    status: str


@attrs.frozen
class Amendment:
    amended_order: Amended


@pytest.mark.parametrize(
    ("free", "status", "is_free"),
    [
        (Free.NEVER, "EXPIRED", False),
        (Free.ON_SUCCESS, "NEW", True),
        (Free.WHEN_EXPIRED, "EXPIRED", True),
        (Free.WHEN_EXPIRED, OrderStatus.EXPIRED, True),
        (Free.WHEN_EXPIRED, OrderStatus.EXPIRED_IN_MATCH, True),
        (Free.WHEN_EXPIRED, OrderStatus.PARTIALLY_FILLED, False),
        (Free.WHEN_EXPIRED, OrderStatus.CANCELED, False),
    ],
)
def test_weight_comes_back_as_the_row_says(free: Free, status: str, is_free: bool) -> None:
    row: Operation[Any] = Operation("PUT", "/x", "x", Security.TRADE, fixed(4), object, free=free)
    assert row.is_free(Amendment(Amended(status))) is is_free


def test_a_row_is_named_as_people_name_it_and_signed_where_it_is_not_public() -> None:
    method: Operation[Any] = Operation("GET", "", "session.status", Security.NONE, fixed(2), object)
    assert (ASKS.name, method.name) == ("GET /x", "session.status")
    assert Operation[Any]("GET", "", None, Security.NONE, fixed(2), object).name == ""
    assert not ASKS.signed
    assert Operation[Any]("GET", "/x", "x", Security.USER_DATA, fixed(1), object).signed
    assert Operation[Any]("GET", "", "session.logon", Security.NONE, fixed(2), object, signed=True).signed


def test_two_rows_of_the_same_facts_are_equal() -> None:
    assert attrs.evolve(ASKS) == ASKS
    assert attrs.evolve(ASKS, path="/y") != ASKS
    assert "params" not in repr(ASKS)


def test_lanes_follow_what_a_request_does() -> None:
    def lane(security: Security, source: str, path: str = "/x") -> Lane:
        return Operation[Any]("GET", path, "x", security, fixed(1), object, source=source).lane

    assert lane(Security.TRADE, MATCHING_ENGINE) is Lane.TRADING
    assert lane(Security.TRADE, "Memory") is Lane.ACCOUNT
    assert lane(Security.USER_DATA, "Database") is Lane.ACCOUNT
    assert lane(Security.NONE, "Memory", path="") is Lane.ACCOUNT
    assert lane(Security.NONE, "Memory") is Lane.MARKET


def test_numbers_of_a_call_stay_exact() -> None:
    row: Operation[Any] = Operation(
        "PUT", "/x", "x", Security.TRADE, fixed(4), object, (Param("newQty", Kind.NUMBER, Need.MANDATORY),)
    )
    assert str(row.write(new_qty=Decimal("0.0100"))["newQty"]) == "0.0100"
