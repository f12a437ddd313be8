"""The WebSocket API: envelopes, every operation, sessions and user data subscriptions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.events import UserEvent
from trio_binance.sandbox.frames import Close, Ping, RestReply, Text
from trio_binance.sandbox.operations import OPERATIONS
from trio_binance.sandbox.refusals import Refusal
from trio_binance.sandbox.rules import MINUTE_US, SECOND_US

from .doors import ADDRESS, START_US, House, ed_signed, hmac_signed, refused, sign, texts

NOW_MS = START_US // 1000
URL = "/ws-api/v3"
BALANCES = {"e": "outboundAccountPosition", "E": NOW_MS, "u": NOW_MS, "B": [{"a": "BTC", "f": "1.0", "l": "0.0"}]}


def opened(target: str = URL, **rules: int) -> tuple[House, int]:
    house = House(**rules)
    return house, house.dial("ws_api", target)


def error(answer: Any) -> tuple[int, int]:
    return answer["status"], answer["error"]["code"]


def test_an_answer_echoes_the_id_and_shows_the_limits_it_touched() -> None:
    house, connection = opened()
    assert house.ask(connection, {"id": "e2a8", "method": "time"}) == [
        {
            "id": "e2a8",
            "status": 200,
            "result": {"serverTime": NOW_MS},
            "rateLimits": [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": 6000,
                    "count": 3,
                }
            ],
        }
    ]


def test_connecting_weighs_two() -> None:
    house, _ = opened()
    assert house.get("/api/v3/ping").header("X-MBX-USED-WEIGHT-1M") == "3"


def test_limits_can_be_hidden_in_the_url_or_in_a_request_and_the_request_wins() -> None:
    house, connection = opened(f"{URL}?returnRateLimits=false")
    assert "rateLimits" not in house.call(connection, "ping")
    assert "rateLimits" in house.call(connection, "ping", returnRateLimits=True)
    shown = house.dial("ws_api", URL)
    assert "rateLimits" not in house.call(shown, "ping", returnRateLimits=False)
    assert error(house.call(shown, "ping", returnRateLimits="maybe")) == (400, -1130)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{URL}?returnRateLimits=no", (400, -1130)),
        (f"{URL}?timeUnit=HOUR", (400, -1194)),
        (f"{URL}?responseFormat=sbe", (400, -1155)),
    ],
)
def test_options_that_are_unknown_are_refused_in_the_handshake(target: str, expected: tuple[int, int]) -> None:
    reply = House().exchange.connect("ws_api", target, ADDRESS, START_US)
    assert isinstance(reply, RestReply)
    assert refused(reply) == expected


def test_another_path_is_not_found() -> None:
    reply = House().exchange.connect("ws_api", "/ws-api/v2", ADDRESS, START_US)
    assert isinstance(reply, RestReply)
    assert reply.status == 404


@pytest.mark.parametrize(
    ("text", "request_id", "message"),
    [
        ("", None, "Invalid JSON Request"),
        ("{", None, "Invalid JSON Request"),
        ("[]", None, "Invalid JSON Request"),
        ('{"id":NaN,"method":"ping"}', None, "Invalid JSON Request"),
        ('{"method":"ping"}', None, "Invalid 'id'"),
        ('{"id":1.5,"method":"ping"}', None, "Invalid 'id'"),
        ('{"id":{},"method":"ping"}', None, "Invalid 'id'"),
        ('{"id":"' + "x" * 37 + '","method":"ping"}', None, "Invalid 'id'"),
        ('{"id":7}', 7, "Invalid 'method' in JSON request"),
        ('{"id":7,"method":8}', 7, "Invalid 'method' in JSON request"),
        ('{"id":7,"method":"ping","params":[]}', 7, "Invalid 'params' in JSON request; expected an object."),
        ('{"id":7,"method":"depth","params":{"symbol":{}}}', 7, "JSON sent for parameter 'symbol' is not valid"),
    ],
)
def test_a_frame_that_is_no_request_is_told_so(text: str, request_id: object, message: str) -> None:
    house, connection = opened()
    (answer,) = house.ask(connection, text)
    assert error(answer) == (400, -1135)
    assert answer["id"] == request_id
    assert answer["error"]["msg"].startswith(message)


def test_bad_frames_weigh_too_until_they_are_refused_for_it() -> None:
    house, connection = opened(weight_per_minute=3)
    assert [error(house.ask(connection, "{")[0])[1] for _ in range(2)] == [-1135, -1003]


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_json_breaks_the_door(value: object) -> None:
    house, connection = opened()
    for frame in (value, {"id": value, "method": "ping"}, {"id": 1, "method": "depth", "params": {"symbol": value}}):
        (answer,) = house.ask(connection, json.dumps(frame))
        assert answer["status"] in (200, 400)


def test_an_unknown_method_is_not_supported_and_a_version_may_stand_before_a_known_one() -> None:
    house, connection = opened()
    assert error(house.call(connection, "order.hug")) == (400, -1020)
    assert house.call(connection, "v3/ping")["result"] == {}


def test_every_operation_of_rest_has_its_method() -> None:
    house, connection = opened(weight_per_minute=10**6)
    skipped = {"GET /api/v3/ping", "GET /api/v3/time", "GET /api/v3/rateLimit/order"}
    for operation in OPERATIONS:
        params: dict[str, Any] = dict.fromkeys(operation.required, "1")
        params |= {first: "1" for first, _ in operation.one_of}
        if operation.signed:
            params = hmac_signed(**{**params, "timestamp": NOW_MS})
        assert house.call(connection, operation.method, **params)["status"] == 200, operation
        if operation.name not in skipped:
            assert house.market.calls.pop()[0] == operation.name


def test_values_reach_the_market_as_the_text_rest_would_send() -> None:
    house, connection = opened()
    house.call(connection, "exchangeInfo", symbols=["BTCUSDT", "１２３"], showPermissionSets=False)
    house.call(connection, "depth", symbol="BTCUSDT", limit=100)
    assert [call[1] for call in house.market.calls] == [
        {"symbols": '["BTCUSDT","１２３"]', "showPermissionSets": "false"},
        {"symbol": "BTCUSDT", "limit": "100"},
    ]


def test_a_null_parameter_counts_as_empty() -> None:
    house, connection = opened()
    assert error(house.call(connection, "depth", symbol=None)) == (400, -1102)
    assert error(house.call(connection, "depth", symbol="A", limit=None)) == (400, -1105)


def test_the_market_may_refuse_with_data() -> None:
    house, connection = opened()

    def refuse(_params: object) -> None:
        raise Refusal(409, -2021, "Order cancel-replace partially failed.", {"cancelResult": "SUCCESS"})

    house.market.answers["GET /api/v3/depth"] = refuse
    answer = house.call(connection, "depth", symbol="BTCUSDT")
    assert (answer["status"], answer["error"]) == (
        409,
        {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": {"cancelResult": "SUCCESS"}},
    )


def test_a_signed_request_needs_key_timestamp_and_signature() -> None:
    house, connection = opened()
    assert house.call(connection, "account.status", **hmac_signed(timestamp=NOW_MS))["status"] == 200
    missing = house.call(connection, "account.status", timestamp=NOW_MS)
    assert missing["error"]["msg"].startswith("Mandatory parameter 'apiKey'")
    unsigned = house.call(connection, "account.status", apiKey="hmac-key", timestamp=NOW_MS)
    assert unsigned["error"]["msg"].startswith("Mandatory parameter 'signature'")
    assert error(house.call(connection, "account.status", **hmac_signed())) == (400, -1102)
    assert error(house.call(connection, "account.status", **hmac_signed(timestamp=NOW_MS - 9000))) == (400, -1021)
    forged: dict[str, Any] = {**hmac_signed(timestamp=NOW_MS), "recvWindow": 6000}
    assert error(house.call(connection, "account.status", **forged)) == (400, -1022)


def test_parameters_are_signed_raw_and_sorted() -> None:
    house, connection = opened()
    payload = f"apiKey=hmac-key&orderId=1&symbol=１２３&timestamp={NOW_MS}"
    params: dict[str, Any] = {"symbol": "１２３", "orderId": 1, "timestamp": NOW_MS, "apiKey": "hmac-key"}
    answer = house.call(connection, "order.status", **params, signature=sign(payload.encode()))
    assert answer["status"] == 200


def test_a_logged_on_session_leaves_out_key_and_signature_but_not_the_timestamp() -> None:
    house, connection = opened()
    result = house.log_on(connection)["result"]
    assert result == {
        "apiKey": "ed-key",
        "authorizedSince": NOW_MS,
        "connectedSince": NOW_MS,
        "returnRateLimits": True,
        "serverTime": NOW_MS,
        "userDataStream": False,
    }
    assert house.call(connection, "account.status", timestamp=NOW_MS)["status"] == 200
    assert house.market.calls[-1][2] is house.bob
    assert error(house.call(connection, "account.status")) == (400, -1102)


def test_a_request_with_its_own_key_overrides_the_sessions() -> None:
    house, connection = opened()
    house.log_on(connection)
    house.call(connection, "account.status", **hmac_signed(timestamp=NOW_MS))
    assert house.market.calls[-1][2] is house.alice
    half = house.call(connection, "account.status", timestamp=NOW_MS, signature="00")
    assert half["error"]["msg"].startswith("Mandatory parameter 'apiKey'")


def test_only_ed25519_keys_log_on() -> None:
    house, connection = opened()
    assert error(house.call(connection, "session.logon", **hmac_signed(timestamp=NOW_MS))) == (401, -2015)
    assert house.call(connection, "session.status")["result"]["apiKey"] is None
    assert error(house.call(connection, "session.logon", timestamp=NOW_MS)) == (400, -1102)


def test_logging_out_ends_the_session_but_not_the_connection() -> None:
    house, connection = opened()
    house.log_on(connection)
    result = house.call(connection, "session.logout", START_US + SECOND_US)["result"]
    assert (result["apiKey"], result["authorizedSince"], result["connectedSince"]) == (None, None, NOW_MS)
    assert error(house.call(connection, "account.status", timestamp=NOW_MS)) == (400, -1102)
    assert house.call(connection, "session.logout")["status"] == 200


def test_session_methods_weigh_two() -> None:
    house, connection = opened()
    assert house.call(connection, "session.status")["rateLimits"][0]["count"] == 4


def test_the_next_request_after_the_key_is_revoked_is_answered_with_id_null() -> None:
    house, connection = opened()
    house.log_on(connection)
    house.call(connection, "userDataStream.subscribe")
    house.exchange.keys["ed-key"].revoked = True
    frames = house.ask(connection, {"id": 3, "method": "account.status", "params": {"timestamp": NOW_MS}})
    assert [frame.get("event", {}).get("e") for frame in frames] == ["eventStreamTerminated", None]
    assert (frames[1]["id"], frames[1]["status"], frames[1]["error"]["code"]) == (None, 401, -2015)
    assert house.call(connection, "session.status")["result"]["apiKey"] is None


def subscribe_signed(house: House, connection: int, **params: object) -> Any:
    return house.call(connection, "userDataStream.subscribe.signature", **hmac_signed(timestamp=NOW_MS, **params))


def test_a_subscription_after_logon_and_one_by_signature_get_ids_counted_up() -> None:
    house, connection = opened()
    house.log_on(connection)
    assert house.call(connection, "userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert subscribe_signed(house, connection, recvWindow=6000.346)["result"] == {"subscriptionId": 1}
    assert house.call(connection, "session.subscriptions")["result"] == [{"subscriptionId": 0}, {"subscriptionId": 1}]
    assert house.call(connection, "session.status")["result"]["userDataStream"] is True


def test_subscribing_needs_a_logon() -> None:
    house, connection = opened()
    assert error(house.call(connection, "userDataStream.subscribe")) == (401, -1002)


def test_one_subscription_an_account_and_connection() -> None:
    house, connection = opened()
    subscribe_signed(house, connection)
    assert error(subscribe_signed(house, connection)) == (400, -2035)
    assert subscribe_signed(house, house.dial("ws_api", URL))["result"] == {"subscriptionId": 0}


def test_events_reach_the_subscriptions_of_their_account_only() -> None:
    house, both = opened()
    house.log_on(both)
    house.call(both, "userDataStream.subscribe")
    subscribe_signed(house, both)
    alone, nobody = house.dial("ws_api", f"{URL}?timeUnit=MICROSECOND"), house.dial("ws_api", URL)
    subscribe_signed(house, alone)
    house.market.events.append(UserEvent(house.alice, BALANCES))
    house.exchange.on_timer(START_US)
    output = house.exchange.take_output()
    assert texts(output, both) == [{"subscriptionId": 1, "event": BALANCES}]
    in_us = {**BALANCES, "E": START_US, "u": START_US}
    assert texts(output, alone) == [{"subscriptionId": 0, "event": in_us}]
    assert texts(output, nobody) == []


def test_unsubscribing_sends_the_last_event_and_ids_do_not_come_again() -> None:
    house, connection = opened()
    subscribe_signed(house, connection)
    frames = house.ask(connection, {"id": 5, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}})
    assert frames[0] == {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": NOW_MS}}
    assert (frames[1]["id"], frames[1]["result"]) == (5, {})
    assert error(house.call(connection, "userDataStream.unsubscribe", subscriptionId=0)) == (400, -2036)
    assert subscribe_signed(house, connection)["result"] == {"subscriptionId": 1}


def test_unsubscribing_without_an_id_ends_all_and_needs_none_to_be_there() -> None:
    house, connection = opened()
    house.log_on(connection)
    house.call(connection, "userDataStream.subscribe")
    subscribe_signed(house, connection)
    frames = house.ask(connection, {"id": 5, "method": "userDataStream.unsubscribe"})
    assert [frame.get("subscriptionId") for frame in frames] == [0, 1, None]
    assert house.call(connection, "userDataStream.unsubscribe")["status"] == 200
    assert error(house.call(connection, "userDataStream.unsubscribe", subscriptionId="first")) == (400, -1100)


def test_logging_out_ends_only_the_subscription_that_came_with_the_logon() -> None:
    house, connection = opened()
    house.log_on(connection)
    house.call(connection, "userDataStream.subscribe")
    subscribe_signed(house, connection)
    frames = house.ask(connection, {"id": 1, "method": "session.logout"})
    assert [frame.get("subscriptionId") for frame in frames] == [0, None]
    assert house.call(connection, "session.subscriptions")["result"] == [{"subscriptionId": 1}]


def test_the_exchange_may_end_user_streams_by_itself() -> None:
    house, connection = opened()
    house.log_on(connection)
    house.call(connection, "userDataStream.subscribe")
    subscribe_signed(house, connection)
    house.dial("stream", "/ws")
    house.exchange.end_user_streams(house.bob)
    terminated = {"e": "eventStreamTerminated", "E": NOW_MS}
    assert texts(house.exchange.take_output(), connection) == [{"subscriptionId": 0, "event": terminated}]
    house.exchange.end_user_streams()
    assert texts(house.exchange.take_output(), connection) == [{"subscriptionId": 1, "event": terminated}]


def test_subscriptions_are_limited_at_a_time_and_over_a_lifetime() -> None:
    house, connection = opened(active_subscriptions=1, total_subscriptions=2)
    house.log_on(connection)
    subscribe_signed(house, connection)
    assert error(house.call(connection, "userDataStream.subscribe")) == (400, -1191)
    house.ask(connection, {"id": 1, "method": "userDataStream.unsubscribe"})
    assert house.call(connection, "userDataStream.subscribe")["result"] == {"subscriptionId": 1}
    house.ask(connection, {"id": 1, "method": "userDataStream.unsubscribe"})
    assert error(subscribe_signed(house, connection)) == (400, -2042)


def test_times_come_in_microseconds_when_asked() -> None:
    house, connection = opened(f"{URL}?timeUnit=MICROSECOND")
    assert house.call(connection, "time", START_US + 7000)["result"] == {"serverTime": START_US + 7000}
    assert house.log_on(connection)["result"]["authorizedSince"] == START_US


def test_an_order_shows_both_order_counts() -> None:
    house, connection = opened()
    params = hmac_signed(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1", timestamp=NOW_MS)
    rows = house.call(connection, "order.place", **params)["rateLimits"]
    assert [(row["rateLimitType"], row["interval"], row["count"]) for row in rows] == [
        ("ORDERS", "SECOND", 1),
        ("ORDERS", "DAY", 1),
        ("REQUEST_WEIGHT", "MINUTE", 2),
    ]


def test_too_much_weight_is_answered_429_with_the_time_to_come_back_then_418_and_the_door() -> None:
    house, connection = opened(weight_per_minute=3, warnings=1)
    stream = house.dial("stream", "/ws")
    assert house.call(connection, "ping")["status"] == 200
    warned = house.call(connection, "ping", START_US + SECOND_US)
    assert error(warned) == (429, -1003)
    assert warned["error"]["data"] == {"serverTime": NOW_MS + 1000, "retryAfter": NOW_MS + 60_000}
    house.exchange.on_text(connection, '{"id":2,"method":"ping"}', START_US + 2 * SECOND_US)
    answer, close = house.exchange.take_output()
    assert isinstance(answer, Text)
    banned = json.loads(answer.text)
    assert error(banned) == (418, -1003)
    assert banned["error"]["data"]["retryAfter"] == NOW_MS + 2000 + 120_000
    assert close == Close(connection, 1008, "IP banned")
    assert house.exchange.connections == (stream,)
    reply = house.exchange.connect("ws_api", URL, ADDRESS, START_US + MINUTE_US)
    assert isinstance(reply, RestReply)
    assert refused(reply) == (418, -1003)
    assert reply.header("Retry-After") == "62"


def test_pings_and_pongs_are_not_counted_here() -> None:
    house, connection = opened(messages_per_second=1)
    for _ in range(9):
        house.exchange.on_ping(connection, b"", START_US)
        house.exchange.on_pong(connection, b"", START_US)
    assert house.call(connection, "ping")["status"] == 200


def test_a_connection_is_pinged_here_too() -> None:
    house, connection = opened()
    house.exchange.on_timer(START_US + 20 * SECOND_US)
    (ping,) = house.exchange.take_output()
    assert isinstance(ping, Ping)
    assert ping.connection == connection


def test_an_ed25519_signature_of_another_payload_does_not_log_on() -> None:
    house, connection = opened()
    params = {**ed_signed(timestamp=NOW_MS), "timestamp": NOW_MS + 1}
    assert error(house.call(connection, "session.logon", **params)) == (400, -1022)
