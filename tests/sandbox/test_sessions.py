"""Connections to the market streams: paths, subscriptions, properties, limits, pings and ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.events import StreamEvent
from trio_binance.sandbox.frames import Close, Cut, Ping, RestReply, Text
from trio_binance.sandbox.lifeline import Lifeline
from trio_binance.sandbox.rules import DAY_US, SECOND_US, Rules
from trio_binance.sandbox.sessions import StreamTarget, read_target

from .doors import ADDRESS, START_US, House, body, refused, texts

TRADE = {"e": "trade", "E": 1_799_971_200_123, "s": "BTCUSDT", "t": 5, "p": "1.00", "T": 1_799_971_200_122}


def listed(house: House, connection: int, now_us: int = START_US) -> Any:
    (answer,) = house.ask(connection, {"method": "LIST_SUBSCRIPTIONS", "id": 9}, now_us)
    return answer["result"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/ws", StreamTarget((), False, False)),
        ("/ws/", StreamTarget((), False, False)),
        ("/ws/btcusdt@trade", StreamTarget(("btcusdt@trade",), False, False)),
        ("/ws/a@trade/b@depth@100ms", StreamTarget(("a@trade", "b@depth@100ms"), False, False)),
        ("/ws/%EF%BC%91@trade?timeUnit=MICROSECOND", StreamTarget(("１@trade",), False, True)),
        ("/stream?streams=a@trade/b@trade/a@trade", StreamTarget(("a@trade", "b@trade"), True, False)),
        ("/stream?streams=a%40trade&timeUnit=microsecond", StreamTarget(("a@trade",), True, True)),
        ("/stream?timeUnit=millisecond", StreamTarget((), True, False)),
    ],
)
def test_the_url_says_which_streams_and_in_which_envelope(target: str, expected: StreamTarget) -> None:
    assert read_target(target) == expected


@pytest.mark.parametrize("target", ["/", "/wss/a", "/stream/a", "/ws-api/v3"])
def test_other_paths_are_not_found(target: str) -> None:
    reply = House().exchange.connect("stream", target, ADDRESS, START_US)
    assert isinstance(reply, RestReply)
    assert (reply.status, reply.body) == (404, b"")


def test_an_unknown_time_unit_is_refused_in_the_handshake() -> None:
    reply = House().exchange.connect("stream", "/ws?timeUnit=NANOSECOND", ADDRESS, START_US)
    assert isinstance(reply, RestReply)
    assert refused(reply) == (400, -1194)


def test_subscriptions_are_answered_and_listed_in_order() -> None:
    house = House()
    connection = house.dial("stream", "/ws/btcusdt@trade")
    assert house.ask(connection, {"method": "SUBSCRIBE", "params": ["btcusdt@depth", "btcusdt@trade"], "id": 1}) == [
        {"result": None, "id": 1}
    ]
    assert listed(house, connection) == ["btcusdt@trade", "btcusdt@depth"]
    answers = house.ask(connection, {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade", "never@heard"], "id": 312})
    assert answers == [{"result": None, "id": 312}]
    assert listed(house, connection) == ["btcusdt@depth"]


@pytest.mark.parametrize("request_id", [0, -1, 2**63 - 1, None, "abc", "e2a85d9f-07a5-4f94-8d5f-789dc3deb097"])
def test_any_documented_id_is_echoed(request_id: object) -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    (answer,) = house.ask(connection, {"method": "LIST_SUBSCRIPTIONS", "id": request_id})
    assert answer == {"result": [], "id": request_id}


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        ("{", {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 2"}),
        ("[" * 100_000, {"code": 3, "msg": "Invalid JSON: recursion limit exceeded at line 1 column 128"}),
        ("[]", {"code": 2, "msg": "Invalid request: expected an object at line 1 column 1"}),
        ('{"id":1}', {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 8"}),
        (
            '{"method":"HUG","id":1}',
            {
                "code": 2,
                "msg": "Invalid request: unknown variant `HUG`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
                "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 15",
            },
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS"}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","id":1.5}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","id":true}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","id":"' + "x" * 37 + '"}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":1}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
        (
            '{"method":"SUBSCRIBE","params":"a@trade","id":1}',
            {"code": 2, "msg": "Invalid request: streams must be an array"},
        ),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', {"code": 2, "msg": "Invalid request: streams must be an array"}),
        ('{"method":"UNSUBSCRIBE","id":1}', {"code": 2, "msg": "Invalid request: streams must be an array"}),
        (
            '{"method":"GET_PROPERTY","id":1}',
            {"code": 2, "msg": "Invalid request: property name must be a string"},
        ),
        (
            '{"method":"GET_PROPERTY","params":[7],"id":1}',
            {"code": 2, "msg": "Invalid request: property name must be a string"},
        ),
        (
            '{"method":"GET_PROPERTY","params":["combined",1],"id":1}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
        ('{"method":"SET_PROPERTY","params":["color",true],"id":5}', {"code": 0, "msg": "Unknown property", "id": 5}),
        (
            '{"method":"SET_PROPERTY","params":["combined",1],"id":5}',
            {"code": 1, "msg": "Invalid value type: expected Boolean"},
        ),
        (
            '{"method":"SET_PROPERTY","params":["combined"],"id":5}',
            {"code": 1, "msg": "Invalid value type: expected Boolean"},
        ),
    ],
)
def test_a_request_that_cannot_be_followed_gets_the_documented_error(request_text: str, answer: object) -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    assert house.ask(connection, request_text) == [answer]
    assert house.exchange.connections == (connection,)


def test_combined_is_a_property_that_can_be_read_and_set() -> None:
    house = House()
    raw, combined = house.dial("stream", "/ws/btcusdt@trade"), house.dial("stream", "/stream?streams=btcusdt@trade")
    get = {"method": "GET_PROPERTY", "params": ["combined"], "id": 2}
    assert house.ask(raw, get) == [{"result": False, "id": 2}]
    assert house.ask(combined, get) == [{"result": True, "id": 2}]
    put = {"method": "SET_PROPERTY", "params": ["combined", True], "id": 5}
    assert house.ask(raw, put) == [{"result": None, "id": 5}]
    house.market.events.append(StreamEvent("btcusdt@trade", TRADE))
    house.exchange.on_timer(START_US)
    assert texts(house.exchange.take_output(), raw) == [{"stream": "btcusdt@trade", "data": TRADE}]


def test_an_event_reaches_its_hearers_each_in_its_envelope_and_unit() -> None:
    house = House()
    raw = house.dial("stream", "/ws/btcusdt@trade")
    combined = house.dial("stream", "/stream?streams=btcusdt@trade&timeUnit=MICROSECOND")
    other = house.dial("stream", "/ws/ethusdt@trade")
    house.market.events += [StreamEvent("btcusdt@trade", TRADE), StreamEvent("btcusdt@nobody", TRADE)]
    house.exchange.on_timer(START_US)
    output = house.exchange.take_output()
    in_us = {**TRADE, "E": 1_799_971_200_123_000, "T": 1_799_971_200_122_000}
    assert texts(output, raw) == [TRADE]
    assert texts(output, combined) == [{"stream": "btcusdt@trade", "data": in_us}]
    assert texts(output, other) == []


def test_the_market_is_asked_only_for_streams_that_exist_and_are_heard() -> None:
    house = House()
    first = house.dial("stream", "/ws/btcusdt@trade")
    second = house.dial("stream", "/ws/btcusdt@trade/ethusdt@trade/BTCUSDT@trade")
    assert house.market.wanted == {"btcusdt@trade", "ethusdt@trade"}
    house.ask(second, {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade", "ethusdt@trade"], "id": 1})
    assert house.market.wanted == {"btcusdt@trade"}
    house.exchange.on_closed(first, START_US)
    assert house.market.wanted == set()


def test_names_that_do_not_exist_are_accepted_and_stay_silent() -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    assert house.ask(connection, {"method": "SUBSCRIBE", "params": ["NOBODY@ever"], "id": 1}) == [
        {"result": None, "id": 1}
    ]
    assert listed(house, connection) == ["NOBODY@ever"]
    assert house.market.wanted == set()


def test_a_connection_has_so_many_streams_and_no_more() -> None:
    house = House(streams_per_connection=2)
    connection = house.dial("stream", "/ws/a@trade")
    answers = house.ask(connection, {"method": "SUBSCRIBE", "params": ["b@trade", "c@trade"], "id": 3})
    assert answers == [{"code": 4, "msg": "Too many subscriptions", "id": 3}]
    assert listed(house, connection) == ["a@trade"]


def test_too_many_streams_in_the_url_end_the_connection() -> None:
    house = House(streams_per_connection=2)
    connection = house.dial("stream", "/ws/a@trade/b@trade/c@trade")
    assert house.exchange.take_output() == [Close(connection, 1008, "Too many subscriptions")]
    assert house.exchange.connections == ()


def test_the_sixth_message_within_a_second_ends_the_connection() -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    house.exchange.on_ping(connection, b"x", START_US)
    house.exchange.on_pong(connection, b"", START_US)
    for _ in range(3):
        listed(house, connection, START_US + 999_999)
    house.exchange.on_text(connection, '{"method":"LIST_SUBSCRIPTIONS","id":1}', START_US + 999_999)
    assert house.exchange.take_output() == [Close(connection, 1008, "Too many requests")]
    assert house.exchange.connections == ()


@pytest.mark.parametrize("verb", ["on_ping", "on_pong"])
def test_pings_and_pongs_alone_are_too_many_too(verb: str) -> None:
    house = House(messages_per_second=1)
    connection = house.dial("stream", "/ws")
    for _ in range(2):
        getattr(house.exchange, verb)(connection, b"", START_US)
    assert house.exchange.take_output() == [Close(connection, 1008, "Too many requests")]


def test_five_messages_a_second_are_allowed_for_ever() -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    for second in range(4):
        for _ in range(5):
            assert listed(house, connection, START_US + second * SECOND_US) == []


@given(st.lists(st.integers(0, 400_000), max_size=30))
def test_a_message_is_allowed_when_fewer_than_five_came_in_the_second_before(steps: list[int]) -> None:
    lifeline = Lifeline(Rules(), START_US)
    times: list[int] = []
    now_us = START_US
    for step in steps:
        now_us += step
        earlier = sum(now_us - when < SECOND_US for when in times)
        assert lifeline.allows_message(now_us) == (earlier < 5)
        times.append(now_us)


def test_a_connection_is_pinged_every_twenty_seconds_and_lives_by_its_pongs() -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    for number in range(1, 10):
        now_us = START_US + number * 20 * SECOND_US
        assert house.exchange.deadline_us == now_us
        house.exchange.on_timer(now_us)
        (ping,) = house.exchange.take_output()
        assert isinstance(ping, Ping)
        house.exchange.on_pong(connection, ping.payload, now_us + 1)
    assert house.exchange.connections == (connection,)


@pytest.mark.parametrize("payload", [None, b"", b"unsolicited"])
def test_a_connection_without_the_matching_pong_is_cut_after_a_minute(payload: bytes | None) -> None:
    house = House()
    connection = house.dial("stream", "/ws/btcusdt@trade")
    first_us = START_US + 20 * SECOND_US
    for now_us in (first_us, first_us + 20 * SECOND_US, first_us + 40 * SECOND_US, first_us + 60 * SECOND_US - 1):
        house.exchange.on_timer(now_us)
        if payload is not None:
            house.exchange.on_pong(connection, payload, now_us)
    assert house.exchange.connections == (connection,)
    house.exchange.take_output()
    assert house.exchange.deadline_us == first_us + 60 * SECOND_US
    house.exchange.on_timer(first_us + 60 * SECOND_US)
    assert house.exchange.take_output() == [Cut(connection)]
    assert house.market.wanted == set()


def test_the_pong_of_a_later_ping_stands_for_the_earlier_ones() -> None:
    lifeline = Lifeline(Rules(), START_US)
    payloads = [lifeline.take_ping(START_US + number * 20 * SECOND_US) for number in (1, 2, 3)]
    assert payloads[1] is not None
    lifeline.on_pong(payloads[1])
    assert not lifeline.overdue(START_US + 119 * SECOND_US)
    assert lifeline.overdue(START_US + 120 * SECOND_US)


def test_a_connection_ends_after_a_day() -> None:
    house = House(ping_every_us=2 * DAY_US)
    connection = house.dial("stream", "/ws")
    assert house.exchange.deadline_us == START_US + DAY_US
    house.exchange.on_timer(START_US + DAY_US - 1)
    assert house.exchange.take_output() == []
    house.exchange.on_timer(START_US + DAY_US)
    assert house.exchange.take_output() == [Close(connection, 1001, "Connection lifetime is over")]


def test_after_a_jump_of_the_clock_there_is_one_ping() -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    house.exchange.on_timer(START_US + 3600 * SECOND_US)
    (ping,) = house.exchange.take_output()
    assert isinstance(ping, Ping)
    assert ping.connection == connection


def test_frames_for_connections_that_are_gone_are_ignored() -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    house.exchange.on_closed(connection, START_US)
    house.exchange.on_closed(connection, START_US)
    house.exchange.on_text(connection, "{}", START_US)
    house.exchange.on_ping(connection, b"", START_US)
    house.exchange.on_pong(connection, b"", START_US)
    house.exchange.close(connection, 1000, "bye")
    assert house.exchange.take_output() == []


@given(
    st.text(max_size=40) | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps)
)
def test_no_text_breaks_a_session(text: str) -> None:
    house = House()
    connection = house.dial("stream", "/ws")
    house.exchange.on_text(connection, text, START_US)
    (frame,) = house.exchange.take_output()
    assert isinstance(frame, Text)
    assert {"code", "msg"} <= json.loads(frame.text).keys()


def test_an_address_may_connect_so_often_and_no_more() -> None:
    house = House(connections_per_5_min=2)
    house.dial("stream", "/ws")
    house.dial("ws_api", "/ws-api/v3")
    reply = house.exchange.connect("stream", "/ws", ADDRESS, START_US + 60 * SECOND_US)
    assert isinstance(reply, RestReply)
    assert refused(reply) == (429, -1034)
    assert reply.header("retry-after") == "240"
    assert body(reply)["msg"] == "Too many connection attempts from IP; current limit is 2 per '5 MINUTE'."
