"""The refusal: an error answer becomes the class that says what to do, and says what became of the request."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol import reply
from trio_binance._protocol.catalogue import account, market, trading
from trio_binance._protocol.refusal import api_error, masked
from trio_binance.errors import (
    ApiError,
    AuthError,
    Banned,
    BinanceError,
    Blocked,
    DecodeError,
    GatewayError,
    OrderRejected,
    Outcome,
    PartialFailure,
    ProtocolError,
    RateLimited,
    RegionBlocked,
    RequestError,
    ServerError,
    TooManyOrders,
)
from trio_binance.models import CancelResult, ErrorReport, FilterType, OrderAck

CANCEL_REPLACE = trading.CANCEL_REPLACE


def rest_error(operation: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> BinanceError:
    with pytest.raises(BinanceError) as caught:
        reply.read_rest(operation, {}, status, headers or {}, body, server_ms=0, now=100.0)
    return caught.value


# ---------------------------------------------------------------------------------------- a page in place of an error

PAGES: list[tuple[int, type[BinanceError], Outcome]] = [
    (301, ProtocolError, Outcome.UNKNOWN),
    (304, ProtocolError, Outcome.UNKNOWN),
    (400, GatewayError, Outcome.UNKNOWN),
    (401, AuthError, Outcome.REJECTED),
    (403, Blocked, Outcome.REJECTED),
    (404, GatewayError, Outcome.UNKNOWN),
    (405, GatewayError, Outcome.UNKNOWN),
    (408, GatewayError, Outcome.UNKNOWN),
    (409, PartialFailure, Outcome.UNKNOWN),
    (413, GatewayError, Outcome.UNKNOWN),
    (414, GatewayError, Outcome.UNKNOWN),
    (418, Banned, Outcome.REJECTED),
    (429, RateLimited, Outcome.REJECTED),
    (451, RegionBlocked, Outcome.REJECTED),
    (500, ServerError, Outcome.UNKNOWN),
    (502, ServerError, Outcome.UNKNOWN),
    (503, ServerError, Outcome.UNKNOWN),
    (504, ServerError, Outcome.UNKNOWN),
]


@pytest.mark.parametrize("body", [b"", b"<html>\n<h1>No</h1></html>", b"\xff\xfe", b'{"code', b"[]", b'{"error":"No"}'])
@pytest.mark.parametrize(("status", "cls", "outcome"), PAGES)
def test_a_status_without_a_number_is_typed_whatever_the_body(
    status: int, cls: type[BinanceError], outcome: Outcome, body: bytes
) -> None:
    error = rest_error(trading.PLACE, status, body)
    assert (type(error), error.outcome) == (cls, outcome)
    # Of a question nothing is left open.
    question = rest_error(account.ORDER, status, body)
    assert (type(question), question.outcome) == (cls, Outcome.REJECTED)


def test_a_page_is_shown_shortened_and_without_its_tags() -> None:
    assert "Request blocked" in str(rest_error(trading.PLACE, 403, b"<html><h1>Request  blocked</h1></html>"))
    assert len(str(rest_error(trading.PLACE, 502, b"no " * 1_000_000))) < 400
    assert "no explanation given with status 404" in str(rest_error(trading.PLACE, 404, b""))
    assert '{"message":"Forbidden"}' in str(rest_error(trading.PLACE, 403, b'{"message":"Forbidden"}'))


# ------------------------------------------------------------------------------------------------ numbers we lack


def test_an_unknown_number_survives_with_its_words_and_is_a_refusal_below_500_only() -> None:
    body = {"code": -99999, "msg": "Something of 2030."}
    error = api_error(trading.PLACE, 400, body)
    assert (type(error), error.code, error.message) == (ApiError, -99999, "Something of 2030.")
    assert error.outcome is Outcome.REJECTED
    assert api_error(trading.PLACE, 409, body).outcome is Outcome.UNKNOWN
    assert api_error(trading.PLACE, 302, body).outcome is Outcome.UNKNOWN
    assert type(api_error(trading.PLACE, 500, body)) is ServerError
    assert api_error(account.ORDER, 302, body).outcome is Outcome.REJECTED


def test_a_number_that_is_no_number_counts_as_none() -> None:
    error = api_error(trading.PLACE, 400, {"code": True, "msg": "?"})
    assert (type(error), error.code, error.outcome) == (GatewayError, None, Outcome.UNKNOWN)
    assert api_error(trading.PLACE, 400, {"code": "-2010", "msg": "?"}).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008, -1016])
def test_a_number_that_leaves_the_outcome_open_does_so_for_what_changes_state(code: int) -> None:
    assert api_error(trading.CANCEL, 400, {"code": code, "msg": ""}).outcome is Outcome.UNKNOWN
    assert api_error(account.ORDER, 400, {"code": code, "msg": ""}).outcome is Outcome.REJECTED


def test_the_rest_of_an_error_is_kept() -> None:
    assert api_error(market.DEPTH, 400, {"code": -1, "msg": "", "hint": 1}).data == {"hint": 1}
    assert api_error(market.DEPTH, 400, {"code": -1, "msg": "", "data": {"a": [1]}}).data == {"a": [1]}
    assert api_error(market.DEPTH, 400, {"code": -1, "msg": "", "data": [1]}).data == {"data": [1]}


@pytest.mark.parametrize("name", ["LOT_SIZE", "MAX_NUM_ORDERS", "FILTER_OF_2030"])
def test_a_filter_is_named(name: str) -> None:
    error = api_error(trading.PLACE, 400, {"code": -1013, "msg": f"Filter failure: {name}"})
    assert error.filter == FilterType(name)
    assert api_error(trading.PLACE, 400, {"code": -1013, "msg": "Invalid price."}).filter is None


@pytest.mark.parametrize("status", [403, 418, 429])
def test_when_to_come_back_is_told(status: int) -> None:
    assert api_error(market.DEPTH, status, "", wait=7.0, now=100.0).retry_at == 107.0
    assert api_error(market.DEPTH, status, "", now=100.0).retry_at is None


@given(
    status=st.integers(0, 600),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda some: (
            st.lists(some, max_size=3)
            | st.dictionaries(st.sampled_from(["code", "msg", "data", "cancelResult", "newOrderResult", "x"]), some)
        ),
        max_leaves=9,
    ),
)
def test_any_answer_is_an_error_whose_outcome_is_told(status: int, body: object) -> None:
    error = api_error(CANCEL_REPLACE, status, body)
    assert isinstance(error, ApiError)
    assert error.operation in str(error)
    if status >= 500:
        assert error.outcome is Outcome.UNKNOWN
    assert api_error(account.ORDER, status, body).outcome in (Outcome.REJECTED, Outcome.PARTIAL)


# ---------------------------------------------------------------------------------------------------------- secrets

KEY, SIGNATURE = "k3y" * 22, "c0ffee" * 11


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


class Unspeakable:
    def __repr__(self) -> str:
        return "unspeakable"


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        float("nan"),
        10**5000,
        Decimal("NaN"),
        Decimal("1e400"),
        "\ud800",
        b"raw",
        Unspeakable(),
        {1: 2},
        nested(5000),
    ],
    ids=lambda value: repr(type(value)),
)
def test_no_body_is_too_odd_to_be_an_error(value: object) -> None:
    bodies = [value, [value], {"code": -2010, "msg": value}, {"code": -2010, "data": value}, {"code": value}]
    bodies += [{"code": -2021, "data": {"cancelResult": value, "newOrderResult": value}}]
    for body in bodies:
        error = api_error(CANCEL_REPLACE, 409, body)
        assert str(error)
        assert repr(error.data)
        assert "signature=abcdef" not in str(api_error(CANCEL_REPLACE, 400, [body, "signature=abcdef"]))


@pytest.mark.parametrize("status", [200, 400, 403, 404, 502])
@pytest.mark.parametrize(
    "body",
    [
        "<html>Not retrieved: /api/v3/order?timestamp=1&signature=c0ffee HTTP/1.1 X-MBX-APIKEY: k3y</html>",
        '{"code":-1000,"msg":"cannot take timestamp=1&signature=c0ffee of apiKey=k3y"}',
        '{"code":-1000,"msg":"","data":{"request":["signature=c0ffee",{"apiKey=k3y":1}]}}',
        '{"code":-1000,"msg":"","request":"signature=c0ffee&apiKey=k3y"}',
        f'{{"code":-1000,"msg":"what is {KEY}?","data":"{SIGNATURE}"}}',
        f'{{"request":"{SIGNATURE}","header":"{KEY}"}}',
        f"{' ' * 120}{SIGNATURE}",
        f'{{"symbol":"{SIGNATURE}","orderId":"{KEY}","orderListId":-1,"clientOrderId":"m","transactTime":1}}',
    ],
)
def test_what_an_answer_repeats_of_our_key_and_signature_is_not_shown(status: int, body: str) -> None:
    error = rest_error(trading.PLACE, status, body.encode())
    shown = f"{error} {error!r} {vars(error)} {error.__cause__!r}"
    assert "c0ffee" not in shown
    assert "k3y" not in shown


def test_words_of_the_exchange_stay_as_they_are() -> None:
    words = "Signature for this request is not valid. Invalid API-key, IP, or permissions for action."
    assert masked(words) == words
    assert masked("x" * 36) == "x" * 36


# ------------------------------------------------------------------------------------ the halves of a cancel-replace

CANCELLED = {
    "symbol": "BTCUSDT",
    "origClientOrderId": "old",
    "orderId": 9,
    "orderListId": -1,
    "clientOrderId": "cancel",
    "transactTime": 1684804350068,
    "price": "0.01000000",
    "origQty": "0.000100",
    "executedQty": "0.00000000",
    "origQuoteOrderQty": "0.000000",
    "cummulativeQuoteQty": "0.00000000",
    "status": "CANCELED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "SELL",
    "selfTradePreventionMode": "NONE",
}
PLACED = {"symbol": "BTCUSDT", "orderId": 10, "orderListId": -1, "clientOrderId": "new", "transactTime": 1652928801803}
GONE = {"code": -2011, "msg": "Unknown order sent."}
CROSSES = {"code": -2010, "msg": "Order would immediately match and take."}
TOO_MANY = {"code": -1015, "msg": "Too many new orders; current limit is 1 orders per 10 SECOND."}
TIMED_OUT = {"code": -1007, "msg": "Timeout waiting for response from backend server."}


def halves(cancel: str, new_order: str, *, why: Any = None, why_not: Any = None) -> dict[str, Any]:
    """Return the error's data for these results; ``why`` and ``why_not`` stand where a half failed."""
    cancel_response = {"SUCCESS": CANCELLED, "FAILURE": why or GONE}[cancel]
    new_order_response = {"SUCCESS": PLACED, "FAILURE": why_not or CROSSES, "NOT_ATTEMPTED": None}[new_order]
    return {
        "cancelResult": cancel,
        "newOrderResult": new_order,
        "cancelResponse": cancel_response,
        "newOrderResponse": new_order_response,
    }


def replace_error(status: int, data: dict[str, Any], code: int = -2021, wire: str = "REST") -> ApiError:
    body = {"code": code, "msg": "Order cancel-replace failed.", "data": data}
    if wire != "REST":
        return api_error(CANCEL_REPLACE, status, body)
    error = rest_error(CANCEL_REPLACE, status, json.dumps(body).encode())
    assert isinstance(error, ApiError)
    return error


STOP, ALLOW = "STOP_ON_FAILURE", "ALLOW_FAILURE"
MATRIX: list[tuple[str, str, bool, str, str, int | None]] = [
    # mode, order rate limit exceeded mode, within limits, cancel, new order, status (None: does not occur)
    (STOP, "DO_NOTHING", True, "SUCCESS", "SUCCESS", 200),
    (STOP, "DO_NOTHING", True, "FAILURE", "NOT_ATTEMPTED", 400),
    (STOP, "DO_NOTHING", True, "SUCCESS", "FAILURE", 409),
    (STOP, "DO_NOTHING", False, "SUCCESS", "SUCCESS", None),
    (STOP, "DO_NOTHING", False, "FAILURE", "NOT_ATTEMPTED", None),
    (STOP, "DO_NOTHING", False, "SUCCESS", "FAILURE", None),
    (STOP, "CANCEL_ONLY", True, "SUCCESS", "SUCCESS", 200),
    (STOP, "CANCEL_ONLY", True, "FAILURE", "NOT_ATTEMPTED", 400),
    (STOP, "CANCEL_ONLY", True, "SUCCESS", "FAILURE", 409),
    (STOP, "CANCEL_ONLY", False, "FAILURE", "NOT_ATTEMPTED", 429),
    (STOP, "CANCEL_ONLY", False, "SUCCESS", "FAILURE", 429),
    (ALLOW, "DO_NOTHING", True, "SUCCESS", "SUCCESS", 200),
    (ALLOW, "DO_NOTHING", True, "FAILURE", "FAILURE", 400),
    (ALLOW, "DO_NOTHING", True, "FAILURE", "SUCCESS", 409),
    (ALLOW, "DO_NOTHING", True, "SUCCESS", "FAILURE", 409),
    (ALLOW, "DO_NOTHING", False, "SUCCESS", "SUCCESS", None),
    (ALLOW, "DO_NOTHING", False, "FAILURE", "FAILURE", None),
    (ALLOW, "DO_NOTHING", False, "FAILURE", "SUCCESS", None),
    (ALLOW, "DO_NOTHING", False, "SUCCESS", "FAILURE", None),
    (ALLOW, "CANCEL_ONLY", True, "SUCCESS", "SUCCESS", 200),
    (ALLOW, "CANCEL_ONLY", True, "FAILURE", "FAILURE", 400),
    (ALLOW, "CANCEL_ONLY", True, "FAILURE", "SUCCESS", 409),
    (ALLOW, "CANCEL_ONLY", True, "SUCCESS", "FAILURE", 409),
    (ALLOW, "CANCEL_ONLY", False, "SUCCESS", "SUCCESS", None),
    (ALLOW, "CANCEL_ONLY", False, "FAILURE", "FAILURE", 400),
    (ALLOW, "CANCEL_ONLY", False, "FAILURE", "SUCCESS", None),
    (ALLOW, "CANCEL_ONLY", False, "SUCCESS", "FAILURE", 409),
]
"""rest-api.md, "Cancel an Existing Order and Send a New Order": what each pair of halves comes with."""

ACK_OF_NEW = {"newClientOrderId": "new", "newOrderRespType": "ACK"}
OUTCOMES = {"SUCCESS": Outcome.DONE, "FAILURE": Outcome.REJECTED, "NOT_ATTEMPTED": Outcome.REJECTED}


@pytest.mark.parametrize("wire", ["REST", "WebSocket API"])
@pytest.mark.parametrize("row", MATRIX, ids=lambda row: "-".join(map(str, row)))
def test_every_row_of_the_matrix_is_read_by_its_halves(
    row: tuple[str, str, bool, str, str, int | None], wire: str
) -> None:
    _, _, within, cancel, new_order, status = row
    data = halves(cancel, new_order, why_not=None if within else TOO_MANY)
    if cancel == new_order == "SUCCESS":
        done = reply.read_result(CANCEL_REPLACE, ACK_OF_NEW, json.dumps(data).encode())
        assert isinstance(done.cancel_response, CancelResult)
        assert isinstance(done.new_order_response, OrderAck)
        return
    partial = "SUCCESS" in (cancel, new_order)
    for told in (status,) if status is not None else (400, 409, 429):
        error = replace_error(told, data, -2021 if partial else -2022, wire)
        refused = TooManyOrders if told == 429 else OrderRejected
        assert type(error) is (PartialFailure if partial else refused)
        assert error.outcome is (Outcome.PARTIAL if partial else Outcome.REJECTED)
        assert (error.cancel_outcome, error.new_order_outcome) == (OUTCOMES[cancel], OUTCOMES[new_order])
        assert error.report is not None
        assert (error.report.cancel_result, error.report.new_order_result) == (cancel, new_order)
        if cancel == "FAILURE":
            assert error.report.cancel_response == ErrorReport(GONE["code"], GONE["msg"])  # type: ignore[arg-type]


def test_the_matrix_is_that_of_the_documents(spec: Path) -> None:
    rows = json.loads((spec / "rest.json").read_text("utf-8"))["cancel_replace_status_matrix"]
    names = ("cancelReplaceMode", "orderRateLimitExceededMode", "unfilled_order_count", "cancelResult")
    told = [(*(row[name] for name in names), row["newOrderResult"], row["status"]) for row in rows]
    assert [(a, b, c == "within limits", d, e, f) for a, b, c, d, e, f in told] == MATRIX


@pytest.mark.parametrize("status", [200, 400, 409, 429])
def test_a_half_that_timed_out_is_unknown_and_so_is_the_whole(status: int) -> None:
    error = replace_error(status, halves("FAILURE", "SUCCESS", why=TIMED_OUT), wire="WebSocket API")
    assert (type(error), error.outcome) == (PartialFailure, Outcome.UNKNOWN)
    assert (error.cancel_outcome, error.new_order_outcome) == (Outcome.UNKNOWN, Outcome.DONE)
    error = replace_error(status, halves("FAILURE", "FAILURE", why_not=TIMED_OUT), -2022, wire="WebSocket API")
    assert (type(error), error.outcome) == (PartialFailure, Outcome.UNKNOWN)
    assert (error.cancel_outcome, error.new_order_outcome) == (Outcome.REJECTED, Outcome.UNKNOWN)


def test_a_new_order_whose_client_id_is_open_already_may_be_the_one_that_was_meant() -> None:
    duplicate = {"code": -2010, "msg": "Duplicate order sent."}
    error = replace_error(409, halves("SUCCESS", "FAILURE", why_not=duplicate))
    assert (error.outcome, error.new_order_outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)


def test_a_half_that_failed_by_a_filter_names_it() -> None:
    rule = {"code": -1013, "msg": "Filter failure: NOTIONAL"}
    assert replace_error(409, halves("SUCCESS", "FAILURE", why_not=rule)).filter is FilterType.NOTIONAL
    assert replace_error(409, halves("SUCCESS", "FAILURE")).filter is None


@pytest.mark.parametrize(
    "change",
    [
        {"newOrderResponse": None},
        {"newOrderResult": "SUCCESS"},
        {"newOrderResult": "POSTPONED"},
        {"newOrderResult": "SUCCESS", "newOrderResponse": PLACED},
    ],
    ids=["no reason", "a success with an error", "a word of 2030", "both done and yet an error"],
)
def test_halves_that_contradict_themselves_leave_the_whole_unknown(change: dict[str, Any]) -> None:
    error = replace_error(409, halves("SUCCESS", "FAILURE") | change)
    assert (type(error), error.outcome) == (PartialFailure, Outcome.UNKNOWN)
    assert error.cancel_outcome is Outcome.DONE


@pytest.mark.parametrize("code", [-2021, -2022])
def test_halves_that_cannot_be_read_leave_the_whole_unknown_and_stay_readable_as_data(code: int) -> None:
    error = replace_error(400, {"cancelResult": "SUCCESS"}, code)
    assert (type(error), error.outcome, error.report) == (PartialFailure, Outcome.UNKNOWN, None)
    assert error.data == {"cancelResult": "SUCCESS"}


def test_a_failing_exchange_leaves_both_halves_to_be_asked_for() -> None:
    error = replace_error(503, halves("SUCCESS", "FAILURE"))
    assert (type(error), error.outcome) == (ServerError, Outcome.UNKNOWN)
    assert error.report is not None


def test_an_order_count_that_holds_everything_back_says_when_to_come_back() -> None:
    body = json.dumps({"code": -2021, "msg": "", "data": halves("SUCCESS", "FAILURE", why_not=TOO_MANY)}).encode()
    error = rest_error(CANCEL_REPLACE, 429, body, {"retry-after": "4"})
    assert isinstance(error, PartialFailure)
    assert error.retry_at == 104.0


def examples_of_cancel_replace(spec: Path) -> list[dict[str, Any]]:
    """Return the error examples of both documents: the status, and the error itself."""
    found = []
    for file, key, name in (("rest.json", "endpoints", "path"), ("ws_api.json", "methods", "method")):
        for entry in json.loads((spec / file).read_text("utf-8"))[key]:
            if "cancelReplace" in entry[name]:
                found += [example for example in entry["responses"] if example.get("kind") == "error"]
    return found


def test_every_example_of_a_cancel_replace_becomes_its_error(spec: Path) -> None:
    examples = examples_of_cancel_replace(spec)
    assert len(examples) == 12
    for example in examples:
        status = example["body"].get("status") or example["http_status"]
        body = example["body"].get("error", example["body"])
        error = api_error(CANCEL_REPLACE, status, body)
        assert error.message == body["msg"]
        assert (error.report is not None) is ("data" in body)
        assert isinstance(error, PartialFailure if body["code"] == -2021 else OrderRejected | TooManyOrders)


def test_every_example_of_an_error_is_typed(spec: Path) -> None:
    for entry in json.loads((spec / "ws_api.json").read_text("utf-8"))["general_examples"]:
        answer = entry["body"]
        if "error" in answer:
            error = api_error(trading.PLACE, answer["status"], answer["error"])
            assert type(error) not in (ApiError, GatewayError, RequestError), entry["label"]
            assert (error.code, error.message) == (answer["error"]["code"], answer["error"]["msg"])


def test_an_unreadable_answer_says_so_without_what_it_read() -> None:
    error = rest_error(trading.PLACE, 200, b"<html>signature=c0ffee")
    assert isinstance(error, DecodeError)
    assert error.payload == "<html>signature=***"


# ---------------------------------------------------------------------------- halves that nobody tells anything of


@pytest.mark.parametrize("body", [b"", b"<html>Too many</html>", b'{"code":-99999,"msg":"Something of 2030."}'])
def test_a_429_that_cannot_be_read_may_have_cancelled_and_still_says_when_to_come_back(body: bytes) -> None:
    error = rest_error(CANCEL_REPLACE, 429, body, {"retry-after": "4"})
    assert isinstance(error, RateLimited)
    assert (error.outcome, error.retry_at) == (Outcome.UNKNOWN, 104.0)
    assert rest_error(trading.PLACE, 429, body).outcome is Outcome.REJECTED


@pytest.mark.parametrize("status", [400, 409, 429])
def test_a_cancel_replace_that_failed_without_telling_its_halves_is_unknown(status: int) -> None:
    body = json.dumps({"code": -2022, "msg": "Order cancel-replace failed."}).encode()
    error = rest_error(CANCEL_REPLACE, status, body, {"retry-after": "4"})
    assert isinstance(error, PartialFailure)
    assert (error.outcome, error.retry_at) == (Outcome.UNKNOWN, 104.0 if status == 429 else None)


def test_one_of_two_was_done_whatever_the_number_beside_it() -> None:
    error = api_error(CANCEL_REPLACE, 409, {"code": -2010, "msg": "Market is closed."})
    assert (type(error), error.outcome) == (PartialFailure, Outcome.UNKNOWN)


@pytest.mark.parametrize("body", [TOO_MANY, {"code": -1003, "msg": "Too many requests."}])
def test_a_429_whose_number_refuses_the_whole_is_a_refusal(body: dict[str, Any]) -> None:
    assert api_error(CANCEL_REPLACE, 429, body).outcome is Outcome.REJECTED


def test_a_new_order_that_was_not_attempted_is_not_called_rejected() -> None:
    error = replace_error(400, halves("FAILURE", "NOT_ATTEMPTED"), -2022)
    assert " cancel: rejected, -2011 Unknown order sent.; new order: not attempted (" in str(error)
