"""The reply: what an answer means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol import reply
from trio_binance._protocol.catalogue import account, general, market, trading
from trio_binance._protocol.operation import Operation
from trio_binance._pure.limits import LimitKind, Rule
from trio_binance.errors import (
    ApiError,
    AuthError,
    Banned,
    BinanceError,
    Blocked,
    CancelRejected,
    DecodeError,
    DuplicateOrder,
    FilterError,
    InsufficientBalance,
    Outcome,
    PartialFailure,
    ProtocolError,
    RateLimited,
    RegionBlocked,
    ServerError,
    TimestampError,
    TooManyOrders,
    UnknownOrder,
)
from trio_binance.models import RateLimit, RateLimitInterval, RateLimitType

SERVER_MS = 1_700_000_070_000  # 22:14:30 GMT, half a minute past
ACK = b'{"symbol":"BTCUSDT","orderId":1,"orderListId":-1,"clientOrderId":"mine","transactTime":1507725176595}'


def read(operation: Operation[Any], status: int, body: bytes, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    params = {"symbol": "BTCUSDT", "newClientOrderId": "mine"} if operation is trading.PLACE else {}
    return reply.read_rest(operation, params, status, named, body, server_ms=SERVER_MS, now=100.0)


def error_of(operation: Operation[Any], status: int, body: bytes, **headers: str) -> BinanceError:
    with pytest.raises(BinanceError) as caught:
        read(operation, status, body, **headers)
    return caught.value


def test_a_success_is_decoded() -> None:
    assert read(trading.PLACE, 200, ACK).client_order_id == "mine"
    assert read(general.TIME, 200, b'{"serverTime":1499827319559}').server_time == 1499827319559


@pytest.mark.parametrize(
    ("status", "code", "message", "cls", "outcome"),
    [
        (400, -1013, "Filter failure: LOT_SIZE", FilterError, Outcome.REJECTED),
        (400, -1021, "Timestamp ...", TimestampError, Outcome.REJECTED),
        (400, -2010, "Duplicate order sent.", DuplicateOrder, Outcome.UNKNOWN),
        (400, -2010, "Account has insufficient balance for requested action.", InsufficientBalance, Outcome.REJECTED),
        (400, -2011, "Unknown order sent.", CancelRejected, Outcome.REJECTED),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", AuthError, Outcome.REJECTED),
        (409, -2021, "Order cancel-replace partially failed.", PartialFailure, Outcome.PARTIAL),
        (429, -1015, "Too many new orders.", TooManyOrders, Outcome.REJECTED),
        (500, -1007, "Timeout waiting for response from backend server.", ServerError, Outcome.UNKNOWN),
        (503, -1008, "Server is currently overloaded.", ServerError, Outcome.UNKNOWN),
        (400, -1006, "An unexpected response was received.", ServerError, Outcome.UNKNOWN),
    ],
)
def test_an_error_number_becomes_its_class_and_says_what_became_of_the_order(
    status: int, code: int, message: str, cls: type[ApiError], outcome: Outcome
) -> None:
    error = error_of(trading.PLACE, status, json.dumps({"code": code, "msg": message}).encode())
    assert type(error) is cls
    assert error.outcome is outcome
    assert isinstance(error, ApiError)
    assert (error.code, error.message, error.operation) == (code, message, "POST /api/v3/order")


def test_a_read_that_failed_leaves_nothing_unknown() -> None:
    assert error_of(account.ORDER, 503, b"").outcome is Outcome.REJECTED
    assert type(error_of(account.ORDER, 400, b'{"code":-2013,"msg":"Order does not exist."}')) is UnknownOrder


def test_answers_in_html_are_typed_by_their_status_and_shortened() -> None:
    blocked = error_of(trading.PLACE, 403, b"<html><h1>Request  blocked</h1></html>")
    assert type(blocked) is Blocked
    assert "Request blocked" in str(blocked)
    assert type(error_of(trading.PLACE, 451, b"")) is RegionBlocked
    server = error_of(trading.PLACE, 502, b"<html>Bad Gateway</html>")
    assert (type(server), server.outcome) == (ServerError, Outcome.UNKNOWN)
    not_found = error_of(trading.PLACE, 404, b"\xff<html>nginx</html>")
    assert (type(not_found), not_found.outcome) == (ApiError, Outcome.UNKNOWN)
    assert error_of(market.DEPTH, 404, b"").outcome is Outcome.REJECTED


def test_an_error_whose_number_is_no_number_leaves_an_order_unknown() -> None:
    assert error_of(trading.PLACE, 400, b'{"code":true,"msg":"?"}').outcome is Outcome.UNKNOWN


def test_a_conflict_without_a_number_leaves_an_order_unknown() -> None:
    error = error_of(trading.PLACE, 409, b"<html>Conflict</html>")
    assert (type(error), error.outcome) == (PartialFailure, Outcome.UNKNOWN)
    assert error_of(account.ORDER, 409, b"").outcome is Outcome.PARTIAL


@pytest.mark.parametrize(("code", "half"), [(-2021, -1007), (-2022, -1006)])
def test_a_half_of_a_cancel_replace_that_timed_out_leaves_the_whole_unknown(code: int, half: int) -> None:
    data = {"cancelResult": "FAILURE", "cancelResponse": {"code": half, "msg": "?"}, "newOrderResponse": None}
    body = json.dumps({"code": code, "msg": "", "data": data}).encode()
    assert error_of(trading.PLACE, 409, body).outcome is Outcome.UNKNOWN
    sure = body.replace(str(half).encode(), b"-2011")
    assert error_of(trading.PLACE, 409, sure).outcome is not Outcome.UNKNOWN


@pytest.mark.parametrize("status", [200, 400, 403, 502])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>Not retrieved: /api/v3/order?timestamp=1&signature=c0ffee HTTP/1.1 X-MBX-APIKEY: k3y</html>",
        b'{"code":-1000,"msg":"cannot take timestamp=1&signature=c0ffee of apiKey=k3y"}',
    ],
)
def test_what_an_answer_repeats_of_our_signature_is_not_shown(status: int, body: bytes) -> None:
    error = error_of(trading.PLACE, status, body)
    shown = f"{error} {error!r} {vars(error)}"
    assert "c0ffee" not in shown
    assert "k3y" not in shown


def test_a_redirect_is_never_followed() -> None:
    error = error_of(trading.PLACE, 301, b"", location="https://elsewhere")
    assert (type(error), error.outcome) == (ProtocolError, Outcome.UNKNOWN)
    assert error_of(market.DEPTH, 301, b"").outcome is Outcome.REJECTED


def test_an_unreadable_success_leaves_an_order_unknown() -> None:
    error = error_of(trading.PLACE, 200, b"<html>")
    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)
    assert error_of(market.DEPTH, 200, b"{}").outcome is Outcome.REJECTED


def test_an_answer_to_another_order_is_refused() -> None:
    error = error_of(trading.PLACE, 200, ACK.replace(b"mine", b"theirs"))
    assert (type(error), error.outcome) == (ProtocolError, Outcome.UNKNOWN)
    assert "theirs" in str(error)


def test_extra_words_of_an_error_are_kept() -> None:
    error = error_of(trading.PLACE, 409, b'{"code":-2021,"msg":"","data":{"cancelResult":"SUCCESS"}}')
    assert isinstance(error, ApiError)
    assert error.data == {"cancelResult": "SUCCESS"}
    error = error_of(trading.PLACE, 409, b'{"code":-2021,"msg":"","data":[1]}')
    assert isinstance(error, ApiError)
    assert error.data == {"data": [1]}


@pytest.mark.parametrize(
    ("status", "retry_after", "wait"),
    [
        (429, "7", 7.0),
        (418, "180", 180.0),
        (429, None, 30.0),
        (418, None, 120.0),
        (403, None, 300.0),
        (429, "garbage", 30.0),
        (429, "0", 1.0),
        (418, "99999999", 3 * 86400.0),
        (429, "-5", 30.0),
        (429, "Tue, 14 Nov 2023 22:14:40 GMT", 10.0),
        (429, "٣", 30.0),
        (429, "Dec 31 31 23:59:59 99999999999999 GMT -0000", 30.0),
    ],
)
def test_how_long_to_stay_away(status: int, retry_after: str | None, wait: float) -> None:
    headers = {} if retry_after is None else {"retry_after": retry_after}
    error = error_of(market.DEPTH, status, b'{"code":-1003,"msg":"Too many requests."}', **headers)
    assert isinstance(error, ApiError)
    assert error.retry_at == pytest.approx(100.0 + wait)
    assert isinstance(error, {403: Blocked, 418: Banned, 429: RateLimited}[status])


def test_the_websocket_api_tells_a_moment_and_not_a_span() -> None:
    assert reply.wait_from_retry_at(SERVER_MS + 7_000, 429, SERVER_MS) == 7.0
    assert reply.wait_from_retry_at(None, 418, SERVER_MS) == 120.0
    assert reply.wait_from_retry_at(SERVER_MS - 5, 429, SERVER_MS) == 1.0
    assert reply.wait_from_retry_at(10**400, 418, SERVER_MS) == 3 * 86400.0
    assert reply.wait_from_retry_at(-(10**400), 418, SERVER_MS) == 1.0


@given(st.text(max_size=30), st.sampled_from([403, 418, 429]))
def test_any_retry_after_gives_a_sane_wait(text: str, status: int) -> None:
    assert 1.0 <= reply.wait_from_retry_after(text, status, SERVER_MS) <= 3 * 86400.0


def test_usage_is_read_from_headers_of_any_interval() -> None:
    headers = {
        "X-MBX-USED-WEIGHT-1M": "12",
        "x-mbx-order-count-10s": "3",
        "x-mbx-order-count-1d": "99",
        "x-mbx-used-weight": "12",
        "x-mbx-used-weight-1m-extra": "1",
        "x-mbx-used-weight-5h": "many",
        "content-type": "application/json",
    }
    assert reply.usage_from_headers(headers) == [
        reply.Usage(LimitKind.REQUEST_WEIGHT, 60_000, 12),
        reply.Usage(LimitKind.ORDERS, 10_000, 3),
        reply.Usage(LimitKind.ORDERS, 86_400_000, 99),
    ]


def test_usage_is_read_from_rate_limits() -> None:
    item = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 4}
    assert reply.usage_from_rate_limits([item, {**item, "rateLimitType": "NEW"}, {**item, "interval": "EON"}]) == [
        reply.Usage(LimitKind.ORDERS, 10_000, 4)
    ]
    assert reply.usage_from_rate_limits(None) == []
    assert reply.usage_from_rate_limits([7, {}, {**item, "intervalNum": 0}, {**item, "count": "4"}]) == []


def test_rules_are_read_from_exchange_info_and_unknown_ones_passed_over() -> None:
    def limit(kind: str, interval: str, number: int, most: int) -> RateLimit:
        return RateLimit(RateLimitType(kind), RateLimitInterval(interval), most, number)

    found = reply.rules_from(
        [limit("REQUEST_WEIGHT", "MINUTE", 1, 6000), limit("NEW", "DAY", 1, 5), limit("ORDERS", "EON", 1, 5)]
    )
    assert found == [Rule(LimitKind.REQUEST_WEIGHT, 60_000, 6000)]
