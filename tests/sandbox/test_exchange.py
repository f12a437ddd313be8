"""The doors together: REST answers and headers, unfilled orders, shutdown, the market's time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from trio_binance.sandbox.events import StreamEvent, UserEvent
from trio_binance.sandbox.frames import Close
from trio_binance.sandbox.refusals import Refusal, bad
from trio_binance.sandbox.rules import MINUTE_US, SECOND_US
from trio_binance.sandbox.timeunits import answer_in_us, event_in_us

from .doors import START_US, House, body, hmac_signed, refused, texts

NOW_MS = START_US // 1000


def test_ping_and_time_are_answered_with_headers() -> None:
    house = House()
    reply = house.get("/api/v3/ping")
    assert (reply.status, reply.body) == (200, b"{}")
    assert reply.header("content-type") == "application/json;charset=UTF-8"
    assert reply.header("date") == "Fri, 15 Jan 2027 00:00:00 GMT"
    assert reply.header("x-mbx-used-weight") == reply.header("x-mbx-used-weight-1m") == "1"
    assert body(house.get("/api/v3/time")) == {"serverTime": NOW_MS}
    assert reply.header("retry-after") is None


def test_an_unknown_path_is_404_with_html_only_for_those_who_read_it() -> None:
    house = House()
    plain, page = house.get("/api/v1/ping"), house.get("/api/v1/ping", accept="text/html,*/*")
    assert (plain.status, plain.body) == (404, b"")
    assert (page.status, page.header("content-type")) == (404, "text/html")
    assert page.body.startswith(b"<html>")


def test_a_known_path_with_another_verb_is_405() -> None:
    assert House().get("/api/v3/ping", method="DELETE").status == 405


def test_times_come_in_microseconds_when_the_header_asks() -> None:
    house = House()
    reply = house.get("/api/v3/time", x_mbx_time_unit="MICROSECOND")
    assert body(reply) == {"serverTime": START_US}
    assert refused(house.get("/api/v3/time", x_mbx_time_unit="FORTNIGHT")) == (400, -1194)


def test_who_accepts_sbe_alone_is_told_that_there_is_none() -> None:
    house = House()
    assert refused(house.get("/api/v3/time", accept="application/sbe")) == (406, -1155)
    assert house.get("/api/v3/time", accept="application/sbe, application/json").status == 200


def test_exchange_info_shows_the_limits_that_rule_here() -> None:
    house = House(weight_per_minute=77)
    house.market.answers["GET /api/v3/exchangeInfo"] = lambda _params: {"timezone": "UTC", "rateLimits": ["old"]}
    rows = body(house.get("/api/v3/exchangeInfo"))["rateLimits"]
    assert rows[0] == {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 77}
    assert [row["rateLimitType"] for row in rows] == ["REQUEST_WEIGHT", "ORDERS", "ORDERS", "RAW_REQUESTS"]
    answer = house.call(house.dial("ws_api", "/ws-api/v3"), "exchangeInfo")
    assert answer["result"]["rateLimits"][-1]["rateLimitType"] == "CONNECTIONS"


def test_a_refusal_of_the_market_passes_with_its_data() -> None:
    house = House()

    def refuse(_params: Any) -> Any:
        raise Refusal(409, -2021, "Order cancel-replace partially failed.", {"cancelResult": "SUCCESS"})

    house.market.answers["GET /api/v3/depth"] = refuse
    reply = house.get("/api/v3/depth?symbol=BTCUSDT")
    assert reply.status == 409
    assert body(reply) == {
        "code": -2021,
        "msg": "Order cancel-replace partially failed.",
        "data": {"cancelResult": "SUCCESS"},
    }
    assert reply.header("x-mbx-used-weight-1m") == "5"


def test_a_request_that_cannot_be_read_weighs_all_the_same() -> None:
    house = House()
    reply = house.get("/api/v3/depth?symbol=A&symbol=B")
    assert refused(reply) == (400, -1101)
    assert reply.header("x-mbx-used-weight-1m") == "5"


def test_too_much_weight_is_429_with_seconds_to_wait_then_418() -> None:
    house = House(weight_per_minute=1, warnings=1)
    now_us = START_US + 500_000
    assert house.get("/api/v3/ping", now_us=now_us).status == 200
    warned, banned = house.get("/api/v3/ping", now_us=now_us), house.get("/api/v3/ping", now_us=now_us)
    assert (refused(warned), warned.header("retry-after")) == ((429, -1003), "60")
    assert (refused(banned), banned.header("retry-after")) == ((418, -1003), "120")
    assert "data" not in body(warned)
    assert house.get("/api/v3/ping", now_us=now_us, address="10.0.0.2").status == 200
    assert house.get("/api/v3/ping", now_us=now_us + 120 * SECOND_US).status == 200


def test_a_successful_order_weighs_nothing_and_a_refused_one_its_weight() -> None:
    house = House()
    assert house.order().header("x-mbx-used-weight-1m") == "0"

    def refuse(_params: Any) -> Any:
        raise bad(-2010, "Account has insufficient balance for requested action.")

    house.market.answers["POST /api/v3/order"] = refuse
    assert house.order().header("x-mbx-used-weight-1m") == "1"


def test_an_amendment_is_free_only_when_it_ends_the_order() -> None:
    house = House()
    name = "PUT /api/v3/order/amend/keepPriority"
    for status, used in (("NEW", "4"), ("EXPIRED", "4"), ("NEW", "8")):
        house.market.answers[name] = partial(dict, amendedOrder={"status": status})
        reply = house.signed(name, symbol="BTCUSDT", orderId=1, newQty="1")
        assert reply.header("x-mbx-used-weight-1m") == used


def counts(house: House, now_us: int = START_US) -> list[int]:
    return [row["count"] for row in body(house.signed("GET /api/v3/rateLimit/order", now_us))]


def test_orders_are_counted_by_account_and_shown_in_headers() -> None:
    house = House()
    reply = house.order()
    assert (reply.header("X-MBX-ORDER-COUNT-10S"), reply.header("X-MBX-ORDER-COUNT-1D")) == ("1", "1")
    assert counts(house) == [1, 1]
    assert counts(house, START_US + 10 * SECOND_US) == [0, 1]


def test_an_order_list_counts_its_legs_and_a_test_order_nothing() -> None:
    house = House()
    common: dict[str, Any] = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1"}
    house.signed("POST /api/v3/orderList/oco", **common, aboveType="LIMIT_MAKER", belowType="STOP_LOSS")
    house.signed("POST /api/v3/order/test", **common, type="MARKET")
    assert counts(house) == [2, 2]


def test_too_many_orders_are_refused_until_the_window_is_over() -> None:
    house = House(orders_per_10_s=1)
    house.order()
    reply = house.order(START_US + SECOND_US)
    assert refused(reply) == (429, -1015)
    assert body(reply)["msg"] == "Too many new orders; current limit is 1 orders per 10 SECOND."
    assert reply.header("retry-after") == "9"
    assert counts(house, START_US + SECOND_US) == [1, 1]
    assert house.order(START_US + 10 * SECOND_US).status == 200


@pytest.mark.parametrize(("code", "expected"), [(-2010, [1, 1]), (-1013, [0, 0])])
def test_an_order_counts_when_the_engine_refused_it_but_not_when_it_never_got_there(
    code: int, expected: list[int]
) -> None:
    house = House()

    def refuse(_params: Any) -> Any:
        raise bad(code, "no")

    house.market.answers["POST /api/v3/order"] = refuse
    house.order()
    assert counts(house) == expected


def fill(house: House, *, maker: bool, last: str = "0.5", total: str = "0.5") -> None:
    data = {"e": "executionReport", "x": "TRADE", "l": last, "z": total, "m": maker}
    house.market.events.append(UserEvent(house.alice, data))


def test_the_first_fill_of_an_order_gives_credit_and_a_resting_one_more() -> None:
    house = House()
    for _ in range(9):
        house.order()
    fill(house, maker=False)
    assert counts(house) == [8, 8]
    fill(house, maker=False, total="1.0")
    assert counts(house) == [8, 8]
    fill(house, maker=True)
    assert counts(house) == [3, 3]
    fill(house, maker=True)
    assert counts(house) == [0, 0]


def test_other_events_give_no_credit() -> None:
    house = House()
    house.order()
    for kind in ("NEW", "CANCELED"):
        house.market.events.append(
            UserEvent(house.alice, {"e": "executionReport", "x": kind, "l": "0", "z": "0", "m": False})
        )
    house.market.events.append(UserEvent(house.alice, {"e": "balanceUpdate"}))
    assert counts(house) == [1, 1]


def replace(house: House, **params: object) -> Any:
    chosen: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "cancelOrderId": 7,
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "orderRateLimitExceededMode": "CANCEL_ONLY",
        **params,
    }
    return house.signed("POST /api/v3/order/cancelReplace", **chosen)


@pytest.mark.parametrize(("mode", "status"), [("STOP_ON_FAILURE", 429), ("ALLOW_FAILURE", 409)])
def test_a_replacement_beyond_the_order_limit_still_cancels_when_asked_to(mode: str, status: int) -> None:
    house = House(orders_per_10_s=1)
    house.order()
    house.market.answers["DELETE /api/v3/order"] = lambda params: {"orderId": int(params["orderId"])}
    reply = replace(house, cancelReplaceMode=mode)
    assert refused(reply) == (status, -2021)
    data = body(reply)["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == ("SUCCESS", "FAILURE")
    assert data["cancelResponse"] == {"orderId": 7}
    assert data["newOrderResponse"]["code"] == -1015
    assert (reply.header("retry-after") is not None) == (status == 429)
    assert house.market.calls[-1][:2] == ("DELETE /api/v3/order", {"symbol": "BTCUSDT", "orderId": "7"})


@pytest.mark.parametrize(
    ("mode", "status", "new"), [("STOP_ON_FAILURE", 429, "NOT_ATTEMPTED"), ("ALLOW_FAILURE", 400, "FAILURE")]
)
def test_a_replacement_beyond_the_order_limit_may_fail_to_cancel_too(mode: str, status: int, new: str) -> None:
    house = House(orders_per_10_s=1)
    house.order()

    def refuse(_params: Any) -> Any:
        raise bad(-2011, "Unknown order sent.")

    house.market.answers["DELETE /api/v3/order"] = refuse
    reply = replace(house, cancelReplaceMode=mode)
    assert refused(reply) == (status, -2022)
    data = body(reply)["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == ("FAILURE", new)
    assert data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    assert (data["newOrderResponse"] is None) == (new == "NOT_ATTEMPTED")


def test_a_replacement_beyond_the_order_limit_does_nothing_otherwise() -> None:
    house = House(orders_per_10_s=1)
    house.order()
    house.market.calls.clear()
    assert refused(replace(house, orderRateLimitExceededMode="DO_NOTHING")) == (429, -1015)
    assert house.market.calls == []


def test_the_shutdown_event_has_three_shapes() -> None:
    house = House()
    raw, combined = house.dial("stream", "/ws"), house.dial("stream", "/stream")
    session = house.dial("ws_api", "/ws-api/v3")
    house.exchange.announce_shutdown()
    output = house.exchange.take_output()
    event = {"e": "serverShutdown", "E": NOW_MS}
    assert texts(output, raw) == [event]
    assert texts(output, combined) == [{"stream": "!serverShutdown", "data": event}]
    assert texts(output, session) == [{"event": event}]
    assert len(house.exchange.connections) == 3


def test_a_shutdown_may_end_the_connections_after_a_while() -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    house.exchange.announce_shutdown(after_us=5 * SECOND_US)
    house.exchange.take_output()
    assert house.exchange.deadline_us == START_US + 5 * SECOND_US
    house.exchange.on_timer(START_US + 5 * SECOND_US)
    assert house.exchange.take_output() == [Close(connection, 1001, "Connection lifetime is over")]


def test_the_market_lives_up_to_the_moment_of_every_call() -> None:
    house = House()
    connection = house.dial("stream", "/ws/btcusdt@trade")
    calls: list[Callable[[int], object]] = [
        lambda now_us: house.get("/api/v3/ping", now_us=now_us),
        house.exchange.on_timer,
        lambda now_us: house.exchange.on_ping(connection, b"", now_us),
        lambda now_us: house.dial("stream", "/ws", now_us),
    ]
    for number, call in enumerate(calls, 1):
        house.market.deadline_us = START_US + number
        assert house.exchange.deadline_us == START_US + number
        call(START_US + number)
    assert house.market.timers == [START_US + number for number in (1, 2, 3, 4)]
    assert house.exchange.now_us == START_US + 4


def test_what_happened_before_a_request_is_told_before_its_answer_and_what_it_caused_after() -> None:
    house = House()
    connection = house.dial("ws_api", "/ws-api/v3")
    house.call(connection, "userDataStream.subscribe.signature", **hmac_signed(timestamp=NOW_MS))
    house.market.events.append(UserEvent(house.alice, {"e": "before"}))

    def place(_params: Any) -> Any:
        house.market.events.append(UserEvent(house.alice, {"e": "after"}))
        return {"orderId": 1}

    house.market.answers["POST /api/v3/order"] = place
    order = hmac_signed(symbol="BTCUSDT", side="BUY", type="MARKET", timestamp=NOW_MS)
    frames = house.ask(connection, {"id": 1, "method": "order.place", "params": order})
    assert [frame.get("event", {}).get("e", "answer") for frame in frames] == ["before", "answer", "after"]


def test_a_ban_over_rest_closes_the_connections_of_its_address_only() -> None:
    house = House(weight_per_minute=2, warnings=1)
    near, far = house.dial("ws_api", "/ws-api/v3"), house.dial("ws_api", "/ws-api/v3", address="10.0.0.2")
    for _ in range(2):
        house.get("/api/v3/ping")
    assert house.exchange.take_output() == [Close(near, 1008, "IP banned")]
    assert house.exchange.connections == (far,)


def test_a_ban_ends_when_its_time_is_over() -> None:
    house = House(weight_per_minute=2, warnings=1)
    for _ in range(4):
        house.get("/api/v3/ping")
    assert house.get("/api/v3/ping", now_us=START_US + 2 * MINUTE_US - 1).status == 418
    assert house.get("/api/v3/ping", now_us=START_US + 2 * MINUTE_US).status == 200


def test_klines_and_nested_answers_are_converted_to_microseconds() -> None:
    row = [1_000, "1", "2", "3", "4", "5", 1_999, "6", 7, "8", "9", "0"]
    assert answer_in_us("GET /api/v3/klines", [row]) == [[1_000_000, *row[1:6], 1_999_000, *row[7:]]]
    order = {"orderId": 5, "time": 7, "trailingTime": -1, "fills": [{"price": "1.0", "tradeId": 8}]}
    assert answer_in_us("GET /api/v3/order", order) == {**order, "time": 7000}


def test_only_the_times_of_an_event_are_converted() -> None:
    kline = {"e": "kline", "E": 1, "k": {"t": 2, "T": 3, "L": 4}}
    assert event_in_us(kline) == {"e": "kline", "E": 1000, "k": {"t": 2000, "T": 3000, "L": 4}}
    trade = {"e": "trade", "E": 1, "t": 2, "T": 3}
    assert event_in_us(trade) == {"e": "trade", "E": 1000, "t": 2, "T": 3000}
    ticker = {"e": "1hTicker", "E": 1, "O": 2, "C": 3, "F": 4, "c": "1.0"}
    assert event_in_us([ticker]) == [{**ticker, "E": 1000, "O": 2000, "C": 3000}]
    report = {"e": "executionReport", "E": 1, "T": 2, "O": 3, "W": 4, "t": 5, "C": "id", "D": -1}
    assert event_in_us(report) == {**report, "E": 1000, "T": 2000, "O": 3000, "W": 4000}
    depth = {"lastUpdateId": 7, "bids": [["1.0", "2.0"]], "asks": []}
    assert event_in_us(depth) == depth


def test_an_event_for_a_stream_nobody_hears_any_more_is_dropped() -> None:
    house = House()
    house.dial("stream", "/ws/btcusdt@trade")
    house.market.events.append(StreamEvent("ethusdt@trade", {"e": "trade"}))
    house.exchange.on_timer(START_US)
    assert house.exchange.take_output() == []
