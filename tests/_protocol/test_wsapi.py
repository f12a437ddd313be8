"""The conversation on the WebSocket API."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol.catalogue import trading
from trio_binance._protocol.refusal import api_error
from trio_binance._protocol.reply import usage_from_rate_limits
from trio_binance._protocol.wsapi import Answer, Conversation, Event, SessionError, Shutdown, Stray
from trio_binance.errors import BinanceError, ProtocolError


def test_requests_carry_a_counter_as_id_and_params_only_when_given() -> None:
    conversation = Conversation()
    first, text = conversation.request("ping", {})
    assert (first, json.loads(text)) == (1, {"id": 1, "method": "ping"})
    second, text = conversation.request("depth", {"symbol": "BTCUSDT", "limit": 5})
    assert json.loads(text) == {"id": 2, "method": "depth", "params": {"symbol": "BTCUSDT", "limit": 5}}
    assert second == 2
    assert conversation.in_flight == 2


def test_connections_that_overlap_share_a_counter() -> None:
    ids = count(5)
    one, other = Conversation(ids), Conversation(ids)
    assert [one.request("ping", {})[0], other.request("ping", {})[0], one.request("ping", {})[0]] == [5, 6, 7]
    assert isinstance(one.on_frame(b'{"id":6,"status":200}'), Stray)
    assert isinstance(other.on_frame(b'{"id":6,"status":200}'), Answer)


def test_a_thousand_answers_in_any_order_find_their_requests() -> None:
    conversation = Conversation()
    numbers = [conversation.request("ping", {})[0] for _ in range(1000)]
    Random(7).shuffle(numbers)
    for left, number in zip(range(999, -1, -1), numbers, strict=True):
        answer = conversation.on_frame(b'{"id":%d,"status":200,"result":%d}' % (number, number))
        assert isinstance(answer, Answer)
        assert (answer.id, answer.result) == (number, b"%d" % number)
        assert conversation.in_flight == left


def test_an_answer_finds_its_request_and_keeps_its_result_as_raw_text() -> None:
    conversation = Conversation()
    number, _ = conversation.request("depth", {})
    frame = b'{"id":1,"status":200,"result":{"price":"1.00"},"rateLimits":[{"count":3}]}'
    assert conversation.on_frame(frame) == Answer(number, 200, b'{"price":"1.00"}', None, [{"count": 3}])
    assert conversation.in_flight == 0


def test_an_error_answer_carries_the_exchanges_words() -> None:
    conversation = Conversation()
    conversation.request("order.place", {})
    answer = conversation.on_frame(b'{"id":1,"status":400,"error":{"code":-1121,"msg":"Invalid symbol."}}')
    assert isinstance(answer, Answer)
    assert answer.error == {"code": -1121, "msg": "Invalid symbol."}


@pytest.mark.parametrize("number", ['"1"', "7", "1.5", "[]", "true", "1.0"])
def test_an_answer_to_nothing_we_wait_for_is_a_stray(number: str) -> None:
    conversation = Conversation()
    conversation.request("ping", {})
    assert isinstance(conversation.on_frame(f'{{"id":{number},"status":200,"result":{{}}}}'.encode()), Stray)
    assert conversation.in_flight == 1


def test_an_answer_after_we_gave_up_is_a_stray() -> None:
    conversation = Conversation()
    number, _ = conversation.request("ping", {})
    conversation.give_up(number)
    assert conversation.on_frame(b'{"id":1,"status":200,"result":{}}') == Stray(1)


def test_an_event_is_told_from_an_answer_and_keeps_its_raw_text() -> None:
    frame = b'{"subscriptionId":0,"event":{"e":"executionReport","q":"1.00"}}'
    assert Conversation().on_frame(frame) == Event(0, b'{"e":"executionReport","q":"1.00"}')


def test_server_shutdown_comes_without_a_subscription_id() -> None:
    assert Conversation().on_frame(b'{"event":{"e":"serverShutdown","E":1770123456789}}') == Shutdown()


def test_an_error_without_an_id_concerns_the_connection() -> None:
    frame = b'{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}'
    incoming = Conversation().on_frame(frame)
    assert isinstance(incoming, SessionError)
    assert incoming.status == 401


@pytest.mark.parametrize("frame", [b"{", b"[]", b'"x"', b"7", b"", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_object_is_a_protocol_error(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        Conversation().on_frame(frame)


@pytest.mark.parametrize("frame", [b"{}", b'{"id":1}', b'{"result":{}}', b'{"id":1,"status":null}', b'{"event":null}'])
def test_an_object_that_is_neither_an_answer_nor_an_event_is_a_stray(frame: bytes) -> None:
    assert isinstance(Conversation().on_frame(frame), Stray)


ODD = ['"200"', "200.0", "2e2", "1e400", "9" * 5000, "-200", "0", "20", "2000", "true", "[]", "{}", "null"]


@pytest.mark.parametrize("status", ODD)
@pytest.mark.parametrize("number", ["1", "null"])
def test_an_answer_whose_status_cannot_be_read_answers_nobody(number: str, status: str) -> None:
    conversation = Conversation()
    conversation.request("order.place", {})
    assert isinstance(conversation.on_frame(f'{{"id":{number},"status":{status}}}'.encode()), Stray)
    assert conversation.in_flight == 1


@pytest.mark.parametrize("number", ["1e400", "9" * 5000, "-1", '"\xff"', '{"a":1.5}', "1e0"])
def test_an_answer_with_an_odd_id_is_a_stray(number: str) -> None:
    conversation = Conversation()
    conversation.request("order.place", {})
    assert isinstance(conversation.on_frame(f'{{"id":{number},"status":200}}'.encode("latin-1")), Stray)
    assert conversation.in_flight == 1


def test_a_fraction_in_an_error_stays_exact() -> None:
    conversation = Conversation()
    conversation.request("order.place", {})
    answer = conversation.on_frame(b'{"id":1,"status":400,"error":{"code":-1,"msg":"","data":{"a":0.10,"b":1e2}}}')
    assert isinstance(answer, Answer)
    assert str(answer.error["data"]["a"]) == "0.10"
    assert {type(value) for value in answer.error["data"].values()} == {Decimal}
    problem = conversation.on_frame(b'{"id":null,"status":401,"error":{"data":0.10}}')
    assert isinstance(problem, SessionError)
    assert problem.error == {"data": Decimal("0.10")}


@pytest.mark.parametrize(
    "error", [b'{"code":-2010,"data":1e400}', b"[1e400, 1]", b'{"code":"\xff","signature":"abcdef"}']
)
def test_an_error_that_cannot_be_read_keeps_its_status_and_its_text(error: bytes) -> None:
    conversation = Conversation()
    conversation.request("order.place", {})
    answer = conversation.on_frame(b'{"id":1,"status":400,"error":%s}' % error)
    assert isinstance(answer, Answer)
    assert answer.status == 400
    assert isinstance(answer.error, str)
    assert answer.error.startswith(error[:5].decode())
    assert "abcdef" not in answer.error


@pytest.mark.parametrize("limits", [b"[1e400]", b'[{"count":%s}]' % (b"9" * 5000), b'"\xff"', b"null"])
def test_limits_that_cannot_be_read_are_passed_over(limits: bytes) -> None:
    conversation = Conversation()
    conversation.request("order.place", {})
    answer = conversation.on_frame(b'{"id":1,"status":200,"result":{},"rateLimits":%s}' % limits)
    assert isinstance(answer, Answer)
    assert usage_from_rate_limits(answer.rate_limits) == []


@pytest.mark.parametrize("number", ['"0"', "0.0", "null", "-1", "1e400", "9" * 5000, "[]", "true"])
def test_an_event_of_a_subscription_that_cannot_be_read_is_still_the_event(number: str) -> None:
    frame = f'{{"subscriptionId":{number},"event":{{"e":"executionReport"}}}}'.encode()
    assert Conversation().on_frame(frame) == Event(None, b'{"e":"executionReport"}')


@pytest.mark.parametrize("frame", [b'{"event":{"e":"executionReport"}}', b'{"event":7}'])
def test_an_event_without_a_subscription_is_still_the_event(frame: bytes) -> None:
    assert Conversation().on_frame(frame) == Event(None, frame[9:-1])


def test_an_event_without_its_envelope_is_still_the_event() -> None:
    frame = b'{"e":"executionReport","q":"1.00"}'
    assert Conversation().on_frame(frame) == Event(None, frame)
    assert Conversation().on_frame(b'{"e":"serverShutdown","E":1}') == Shutdown()


def test_an_answer_that_says_that_there_is_no_event_is_an_answer() -> None:
    conversation = Conversation()
    conversation.request("ping", {})
    assert isinstance(conversation.on_frame(b'{"id":1,"status":200,"event":null,"e":1}'), Answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from((1, 200, 400, 10**400)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(("id", "status", "result", "error", "rateLimits", "subscriptionId", "event")), JSON)
)
def test_whatever_comes_is_told_and_no_crash(message: dict[str, object]) -> None:
    conversation = Conversation()
    conversation.request("order.place", {})
    try:
        incoming = conversation.on_frame(json.dumps(message).encode())
    except ProtocolError:
        return
    if isinstance(incoming, Answer | SessionError):
        assert "float" not in repr(incoming.error)
        assert isinstance(api_error(trading.PLACE, incoming.status, incoming.error), BinanceError)
