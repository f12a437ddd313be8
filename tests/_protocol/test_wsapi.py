"""The conversation on the WebSocket API."""

from __future__ import annotations

import json
from itertools import count
from random import Random

import pytest

from trio_binance._protocol.wsapi import Answer, Conversation, Event, SessionError, Shutdown, Stray
from trio_binance.errors import ProtocolError


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


@pytest.mark.parametrize("frame", [b"{", b"[]", b'"x"', b"{}", b'{"id":1}', b'{"status":"200"}', b"[" * 100_000])
def test_what_is_no_message_of_a_documented_kind_is_a_protocol_error(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        Conversation().on_frame(frame)
