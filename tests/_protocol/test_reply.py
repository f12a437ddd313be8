"""The reply: what an answer means."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol import reply
from trio_binance._protocol.catalogue import account, general, market, orderlists, trading
from trio_binance._protocol.operation import Operation
from trio_binance._pure.limits import LimitKind, Rule
from trio_binance.errors import (
    ApiError,
    AuthError,
    Banned,
    BinanceError,
    Blocked,
    DecodeError,
    DuplicateOrder,
    FilterError,
    InsufficientBalance,
    NoData,
    NothingToCancel,
    Outcome,
    PartialFailure,
    ProtocolError,
    RateLimited,
    ServerError,
    TimestampError,
    TooManyOrders,
    UnknownOrder,
)
from trio_binance.models import RateLimit, RateLimitInterval, RateLimitType

SERVER_MS = 1_700_000_070_000  # 22:14:30 GMT, half a minute past
ACK = b'{"symbol":"BTCUSDT","orderId":1,"orderListId":-1,"clientOrderId":"mine","transactTime":1507725176595}'


def read(operation: Operation[Any], status: int, body: bytes, symbol: str = "BTCUSDT", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    params = {"symbol": symbol, "newClientOrderId": "mine", "newOrderRespType": "ACK"}
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
        (400, -2011, "Unknown order sent.", NothingToCancel, Outcome.REJECTED),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", AuthError, Outcome.REJECTED),
        (409, -2021, "Order cancel-replace partially failed.", PartialFailure, Outcome.UNKNOWN),
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


def test_a_redirect_is_never_followed() -> None:
    error = error_of(trading.PLACE, 301, b"", location="https://elsewhere")
    assert (type(error), error.outcome) == (ProtocolError, Outcome.UNKNOWN)
    assert error_of(market.DEPTH, 301, b"").outcome is Outcome.REJECTED


def test_an_unreadable_success_leaves_an_order_unknown() -> None:
    error = error_of(trading.PLACE, 200, b"<html>")
    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)
    assert error_of(market.DEPTH, 200, b"{}").outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"<html>", b"\xff\xfe", ACK[:-1], ACK.replace(b"mine", b"\xff"), b'{"symbol":"BTCUSDT"}'],
)
def test_an_empty_cut_or_garbled_success_leaves_an_order_unknown(body: bytes) -> None:
    error = error_of(trading.PLACE, 200, body)
    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)


def test_the_body_decides_whatever_type_the_headers_call_it() -> None:
    assert read(trading.PLACE, 200, ACK, content_type="text/html").client_order_id == "mine"
    assert type(error_of(trading.PLACE, 200, b"<html>", content_type="application/json")) is DecodeError


def test_an_answer_to_another_order_is_refused() -> None:
    error = error_of(trading.PLACE, 200, ACK.replace(b"mine", b"theirs"))
    assert (type(error), error.outcome) == (ProtocolError, Outcome.UNKNOWN)
    assert "theirs" in str(error)
    ticker = b'{"symbol":"ETHUSDT","price":"1.0"}'
    assert error_of(market.PRICE_TICKER, 200, ticker, symbol="BTCUSDT").outcome is Outcome.REJECTED


# --------------------------------------------------------------------------------- what only one of the wires does

REFERENCE_PRICE = market.REFERENCE_PRICE
NEVER = b'{"code":-2043,"msg":"This symbol doesn\'t have a reference price."}'


@pytest.mark.parametrize("raw", [ACK, b"[" + ACK + b"]"], ids=["REST", "WebSocket API"])
def test_an_order_by_smart_routing_is_one_order_on_either_wire(raw: bytes) -> None:
    assert (
        reply.read_result(trading.PLACE_SOR, {"newOrderRespType": "ACK", "newClientOrderId": "mine"}, raw).order_id == 1
    )
    with pytest.raises(ProtocolError, match="answered with 'mine'"):
        reply.read_result(trading.PLACE_SOR, {"newOrderRespType": "ACK", "newClientOrderId": "another"}, raw)


@pytest.mark.parametrize("raw", [b"[]", b"[" + ACK + b"," + ACK + b"]", b"[", b"{}"])
def test_smart_routing_that_answers_anything_but_one_order_leaves_it_unknown(raw: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        reply.read_result(trading.PLACE_SOR, {}, raw)
    assert caught.value.outcome is Outcome.UNKNOWN


def test_an_error_told_as_a_result_is_the_error_that_the_other_wire_tells() -> None:
    with pytest.raises(NoData) as caught:
        reply.read_result(REFERENCE_PRICE, {"symbol": "BAZUSD"}, NEVER)
    rest = error_of(REFERENCE_PRICE, 400, NEVER)
    assert isinstance(rest, NoData)
    assert (caught.value.code, caught.value.message) == (rest.code, rest.message)
    assert caught.value.outcome is rest.outcome is Outcome.REJECTED


def test_an_error_told_as_the_result_of_an_order_proves_nothing() -> None:
    error = error_of(trading.PLACE, 200, b'{"code":-2010,"msg":"no"}')
    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)


def test_an_object_that_only_resembles_an_error_is_unreadable() -> None:
    assert type(error_of(REFERENCE_PRICE, 200, b'{"code":-1,"msg":"no","symbol":"A"}')) is DecodeError
    assert type(error_of(REFERENCE_PRICE, 200, b"[]")) is DecodeError


CANCELLED = json.loads(ACK) | {
    **dict.fromkeys(("price", "origQty", "executedQty", "cummulativeQuoteQty"), "1.0"),
    "origClientOrderId": "old",
    "status": "CANCELED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "SELL",
}


def cancel_replace(cancel: str, new_order: str, response: object) -> bytes:
    halves = {"cancelResult": cancel, "newOrderResult": new_order, "cancelResponse": CANCELLED}
    return json.dumps({**halves, "newOrderResponse": response}).encode()


def test_a_cancel_replace_whose_halves_were_done_is_its_report() -> None:
    done = read(trading.CANCEL_REPLACE, 200, cancel_replace("SUCCESS", "SUCCESS", json.loads(ACK)))
    assert done.new_order_response.client_order_id == "mine"
    assert done.cancel_response.orig_client_order_id == "old"


def test_a_cancel_replace_with_a_failed_half_is_no_success_whatever_the_status() -> None:
    refusal = {"code": -2010, "msg": "Market is closed."}
    error = error_of(trading.CANCEL_REPLACE, 200, cancel_replace("SUCCESS", "FAILURE", refusal))
    assert isinstance(error, PartialFailure)
    assert error.outcome is Outcome.PARTIAL
    assert (error.cancel_outcome, error.new_order_outcome) == (Outcome.DONE, Outcome.REJECTED)
    assert error.report is not None


def test_a_cancel_replace_that_contradicts_itself_leaves_the_half_unknown() -> None:
    error = error_of(trading.CANCEL_REPLACE, 200, cancel_replace("FAILURE", "SUCCESS", json.loads(ACK)))
    assert isinstance(error, PartialFailure)
    assert (error.cancel_outcome, error.new_order_outcome) == (Outcome.UNKNOWN, Outcome.DONE)


@pytest.mark.parametrize("raw", [b"{}", cancel_replace("SUCCESS", "SUCCESS", None), cancel_replace("NEW", "WORD", {})])
def test_a_cancel_replace_that_cannot_be_read_leaves_both_halves_unknown(raw: bytes) -> None:
    error = error_of(trading.CANCEL_REPLACE, 200, raw)
    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)


# -------------------------------------------------------------------------------------------------- limits and waits


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


@pytest.mark.parametrize(
    ("status", "data", "wait"),
    [
        (429, {"serverTime": SERVER_MS, "retryAfter": SERVER_MS + 7_000}, 7.0),
        (418, {"serverTime": SERVER_MS, "retryAfter": SERVER_MS - 5}, 1.0),
        (418, {"serverTime": SERVER_MS, "retryAfter": 10**400}, 3 * 86400.0),
        (418, {"serverTime": SERVER_MS, "retryAfter": -(10**400)}, 1.0),
        (429, {"serverTime": SERVER_MS * 1000, "retryAfter": SERVER_MS * 1000 + 7_000_000}, 7.0),
        (429, {"retryAfter": SERVER_MS + 9_000}, 9.0),
        (429, {"retryAfter": "soon"}, 30.0),
        (418, {"serverTime": "now", "retryAfter": SERVER_MS}, 120.0),
        (418, {}, 120.0),
        (403, 3, 300.0),
        (400, {"serverTime": SERVER_MS, "retryAfter": SERVER_MS + 7_000}, None),
    ],
)
def test_the_websocket_api_tells_a_moment_and_not_a_span(status: int, data: object, wait: float | None) -> None:
    assert reply.wait_from_error({"code": -1003, "msg": "", "data": data}, status, SERVER_MS) == wait


def test_a_moment_without_a_clock_says_nothing() -> None:
    assert reply.wait_from_error({"data": {"retryAfter": SERVER_MS}}, 418, 0) == 120.0
    assert reply.wait_from_error("nonsense", 418, SERVER_MS) == 120.0


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
    assert reply.usage_from_rate_limits([{**item, "count": 10**12}, {**item, "count": -1}]) == []
    assert reply.usage_from_rate_limits([{**item, "intervalNum": 10**30}]) == []


def test_rules_are_read_from_exchange_info_and_unknown_ones_passed_over() -> None:
    def limit(kind: str, interval: str, number: int, most: int) -> RateLimit:
        return RateLimit(RateLimitType(kind), RateLimitInterval(interval), most, number)

    found = reply.rules_from(
        [limit("REQUEST_WEIGHT", "MINUTE", 1, 6000), limit("NEW", "DAY", 1, 5), limit("ORDERS", "EON", 1, 5)]
    )
    assert found == [Rule(LimitKind.REQUEST_WEIGHT, 60_000, 6000)]


# ------------------------------------------------------------------------------------------- the fills of an order

FILL = {"price": "4", "qty": "1", "commission": "4", "commissionAsset": "USDT", "tradeId": 56}
FULL = {"newOrderRespType": "FULL"}


def order(executed: str, **more: object) -> dict[str, object]:
    amounts = {"price": "4", "origQty": "1", "executedQty": executed, "cummulativeQuoteQty": "4"}
    words = {"status": "FILLED", "timeInForce": "GTC", "type": "MARKET", "side": "SELL"}
    return {**json.loads(ACK), **amounts, **words, **more}


@pytest.mark.parametrize("more", [{}, {"fills": []}], ids=["left out", "empty"])
def test_a_full_report_of_what_was_executed_without_a_fill_is_too_short(more: dict[str, object]) -> None:
    raw = json.dumps(order("0.10", **more)).encode()
    with pytest.raises(DecodeError, match=r"OrderFull at fills: none, though 0\.10 was executed") as caught:
        reply.read_result(trading.PLACE, FULL, raw)
    assert (caught.value.outcome, caught.value.path) == (Outcome.UNKNOWN, "fills")
    assert '"orderId": 1' in str(caught.value.payload)
    assert reply.read_result(trading.PLACE, {"newOrderRespType": "RESULT"}, raw).executed_qty == Decimal("0.10")


@pytest.mark.parametrize("more", [{}, {"fills": []}, {"fills": [FILL]}])
def test_a_full_report_of_an_order_of_which_nothing_was_executed_needs_no_fills(more: dict[str, Any]) -> None:
    found = reply.read_result(trading.PLACE, FULL, json.dumps(order("0.00", **more)).encode())
    assert len(found.fills) == len(more.get("fills", ()))


def test_fills_are_missed_in_the_reports_of_a_list_and_of_a_replacement_too() -> None:
    told = {
        "orderListId": 1,
        "contingencyType": "OTO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": "l",
        "transactionTime": 2,
        "symbol": "BTCUSDT",
        "orders": [],
    }
    for reports in ([order("0")], [order("0"), order("1", fills=[FILL])]):
        found = reply.read_result(orderlists.PLACE_OTO, FULL, json.dumps({**told, "orderReports": reports}).encode())
        assert len(found.order_reports) == len(reports)
    with pytest.raises(DecodeError, match="OrderFull at fills"):
        reply.read_result(
            orderlists.PLACE_OTO, FULL, json.dumps({**told, "orderReports": [order("0"), order("1")]}).encode()
        )
    halves = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": order("0", origClientOrderId="old"),
        "newOrderResponse": order("1"),
    }
    with pytest.raises(DecodeError, match="OrderFull at fills") as caught:
        reply.read_result(trading.CANCEL_REPLACE, FULL, json.dumps(halves).encode())
    assert caught.value.outcome is Outcome.UNKNOWN
