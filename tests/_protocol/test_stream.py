"""The subscriptions of one connection: wanted against confirmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from trio_binance._protocol.stream import BATCH, Confirmed, Ignored, Refused, Subscriptions, is_shutdown


def ok(number: int) -> bytes:
    return json.dumps({"result": None, "id": number}).encode()


def sent(subscriptions: Subscriptions, now: float = 0.0) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    while text := subscriptions.next_message(now):
        messages.append(json.loads(text))
    return messages


def test_a_wish_is_asked_for_once_and_stands_when_the_exchange_says_so() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["btcusdt@trade", "btcusdt@trade", "ethusdt@trade"])
    assert (subscriptions.complete, subscriptions.has_messages) == (False, True)
    assert sent(subscriptions) == [{"method": "SUBSCRIBE", "params": ["btcusdt@trade", "ethusdt@trade"], "id": 1}]
    assert (subscriptions.complete, subscriptions.has_messages) == (False, False)
    assert subscriptions.on_reply(ok(1)) == [Confirmed(("btcusdt@trade", "ethusdt@trade"))]
    assert (subscriptions.complete, subscriptions.has_messages) == (True, False)
    subscriptions.want(["btcusdt@trade"])
    assert sent(subscriptions) == []


def test_many_wishes_go_out_in_batches() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(f"s{number}@trade" for number in range(2 * BATCH + 1))
    assert [len(message["params"]) for message in sent(subscriptions)] == [BATCH, BATCH, 1]


def test_a_new_connection_is_asked_for_everything_again() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["a@trade", "b@trade"])
    sent(subscriptions)
    subscriptions.on_reply(ok(1))
    subscriptions.on_connected()
    assert subscriptions.confirmed == frozenset()
    assert sent(subscriptions) == [{"method": "SUBSCRIBE", "params": ["a@trade", "b@trade"], "id": 2}]
    assert subscriptions.on_reply(ok(1)) == [Ignored("answers nothing we asked (id 1)")]


def test_a_dropped_wish_is_unsubscribed_if_it_was_asked_for_and_forgotten_if_not() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["asked@trade"])
    sent(subscriptions)
    subscriptions.on_reply(ok(1))
    subscriptions.want(["waiting@trade", "kept@trade"])
    subscriptions.unwant(["asked@trade", "waiting@trade", "never@trade"])
    assert [(message["method"], message["params"]) for message in sent(subscriptions)] == [
        ("SUBSCRIBE", ["kept@trade"]),
        ("UNSUBSCRIBE", ["asked@trade"]),
    ]
    assert subscriptions.on_reply(ok(3)) == []
    assert subscriptions.wanted == ("kept@trade",)


def test_a_wish_dropped_and_made_again_is_unsubscribed_and_subscribed_in_order() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["a@trade"])
    sent(subscriptions)
    subscriptions.on_reply(ok(1))
    subscriptions.unwant(["a@trade"])
    subscriptions.want(["a@trade"])
    assert [message["method"] for message in sent(subscriptions)] == ["UNSUBSCRIBE", "SUBSCRIBE"]


def test_a_confirmation_of_what_is_no_longer_wanted_confirms_nothing() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["a@trade"])
    sent(subscriptions)
    subscriptions.unwant(["a@trade"])
    assert subscriptions.on_reply(ok(1)) == []
    assert subscriptions.confirmed == frozenset()


@pytest.mark.parametrize("early", [False, True], ids=["answered late", "answered early"])
def test_a_confirmation_that_is_about_to_be_undone_confirms_nothing(early: bool) -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["a@trade", "b@trade"])
    assert subscriptions.next_message(0.0)
    subscriptions.unwant(["a@trade"])
    subscriptions.want(["a@trade"])
    if not early:
        assert [message["method"] for message in sent(subscriptions)] == ["UNSUBSCRIBE", "SUBSCRIBE"]
    assert subscriptions.on_reply(ok(1)) == [Confirmed(("b@trade",))]
    sent(subscriptions)
    assert not subscriptions.complete
    assert subscriptions.on_reply(ok(3)) == [Confirmed(("a@trade",))]  # whenever the answer to the one before comes
    assert subscriptions.on_reply(ok(2)) == []
    assert subscriptions.complete


def test_a_refused_crowd_is_asked_again_in_halves_until_only_the_culprit_is_refused() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["good@trade", "bad@trade"])
    sent(subscriptions)
    refusal = {"error": {"code": 2, "msg": "Invalid request"}, "id": 1}
    assert subscriptions.on_reply(json.dumps(refusal).encode()) == []
    assert [message["params"] for message in sent(subscriptions)] == [["good@trade"], ["bad@trade"]]
    assert subscriptions.on_reply(ok(2)) == [Confirmed(("good@trade",))]
    assert subscriptions.on_reply(json.dumps({**refusal, "id": 3}).encode()) == [
        Refused("bad@trade", 2, "Invalid request")
    ]
    assert subscriptions.wanted == ("good@trade",)
    assert subscriptions.complete


def test_a_refusal_without_an_id_belongs_to_the_only_open_question() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["bad@trade"])
    sent(subscriptions)
    assert subscriptions.on_reply(b'{"code": 3, "msg": "Invalid JSON"}') == [Refused("bad@trade", 3, "Invalid JSON")]


def asked_alone(*names: str) -> Subscriptions:
    """Return subscriptions that have asked for each of these streams in a message of its own."""
    subscriptions = Subscriptions(timeout=10.0)
    for name in names:
        subscriptions.want([name])
        sent(subscriptions)
    return subscriptions


def test_a_refusal_without_an_id_belongs_to_the_question_that_nothing_else_answers() -> None:
    subscriptions = asked_alone("a@trade", "bad@trade", "c@trade")
    assert subscriptions.on_reply(b'{"code": 2, "msg": "no"}') == []
    subscriptions.want(["d@trade"])
    assert sent(subscriptions) == []
    assert subscriptions.on_reply(ok(1)) == [Confirmed(("a@trade",))]
    assert subscriptions.on_reply(ok(3)) == [Confirmed(("c@trade",)), Refused("bad@trade", 2, "no")]
    assert [message["params"] for message in sent(subscriptions)] == [["d@trade"]]
    assert subscriptions.wanted == ("a@trade", "c@trade", "d@trade")


def test_several_refusals_without_an_id_belong_to_the_questions_in_their_order() -> None:
    subscriptions = asked_alone("a@trade", "b@trade", "c@trade")
    assert subscriptions.on_reply(b'{"code": 2, "msg": "first"}') == []
    assert subscriptions.on_reply(ok(2)) == [Confirmed(("b@trade",))]
    assert subscriptions.on_reply(b'{"error": {"code": 3, "msg": "second"}, "id": null}') == [
        Refused("a@trade", 2, "first"),
        Refused("c@trade", 3, "second"),
    ]
    assert subscriptions.complete


def test_a_refusal_without_an_id_is_forgotten_with_its_connection() -> None:
    subscriptions = asked_alone("a@trade", "b@trade")
    assert subscriptions.on_reply(b'{"code": 2, "msg": "no"}') == []
    subscriptions.on_connected()
    (message,) = sent(subscriptions)
    assert subscriptions.on_reply(ok(message["id"])) == [Confirmed(("a@trade", "b@trade"))]
    assert subscriptions.on_reply(b'{"code": 2, "msg": "no"}') == [Ignored("answers nothing we asked (id None)")]


@pytest.mark.parametrize("form", ["flat", "flat with its id", "wrapped"])
def test_every_refusal_of_the_documents_is_that_of_its_stream(spec: Path, form: str) -> None:
    errors = json.loads((spec / "streams.json").read_text())["control"]["errors"]
    assert {error["code"] for error in errors} == {0, 1, 2, 3}
    for error in errors:
        subscriptions = asked_alone("good@trade", "bad@trade")
        told = {"code": error["code"], "msg": error["msg"]}
        reply = (
            {**told, "id": 2} if form == "flat with its id" else told if form == "flat" else {"error": told, "id": 2}
        )
        effects = [*subscriptions.on_reply(json.dumps(reply).encode()), *subscriptions.on_reply(ok(1))]
        assert {type(effect): effect for effect in effects} == {
            Confirmed: Confirmed(("good@trade",)),
            Refused: Refused("bad@trade", error["code"], error["msg"]),
        }
        assert subscriptions.wanted == ("good@trade",)


def test_what_we_ask_is_written_as_in_the_documents(spec: Path) -> None:
    examples = {row["method"]: row for row in json.loads((spec / "streams.json").read_text())["control"]["messages"]}
    for method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        asked, answer = examples[method]["request"]["body"], examples[method]["response"]["body"]
        subscriptions = Subscriptions(timeout=10.0, first_id=asked["id"] - (method == "UNSUBSCRIBE"))
        subscriptions.want(asked["params"])
        if method == "UNSUBSCRIBE":
            sent(subscriptions)
            subscriptions.on_reply(ok(asked["id"] - 1))
            subscriptions.unwant(asked["params"])
        assert sent(subscriptions) == [asked]
        subscriptions.on_reply(json.dumps(answer).encode())
        assert subscriptions.complete
        assert subscriptions.deadline == float("inf")


@pytest.mark.recordings
def test_the_refusal_that_a_peer_has_met_is_that_of_its_stream(recordings: Path) -> None:
    rows = map(json.loads, (recordings / "edge_cases/issues.jsonl").read_text().splitlines())
    (raw,) = [row["raw"] for row in rows if row["id"] == "stream-error"]
    subscriptions = Subscriptions(timeout=10.0, first_id=5000001)
    subscriptions.want(["bad@trade"])
    sent(subscriptions)
    assert subscriptions.on_reply(raw.encode()) == [
        Refused("bad@trade", 2, "Invalid request: streams must be an array")
    ]


def test_a_refusal_with_an_odd_code_keeps_its_words() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["a@trade"])
    sent(subscriptions)
    assert subscriptions.on_reply(b'{"error": {"code": "?"}, "id": 1}') == [Refused("a@trade", None, "")]


def test_a_refused_unsubscribe_or_forgotten_wish_refuses_nobody() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want(["a@trade"])
    sent(subscriptions)
    subscriptions.unwant(["a@trade"])
    sent(subscriptions)
    assert subscriptions.on_reply(b'{"error": {"code": 2, "msg": ""}, "id": 1}') == []
    assert subscriptions.on_reply(b'{"error": {"code": 2, "msg": ""}, "id": 2}') == []


def test_control_messages_that_cannot_be_read_are_ignored() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    assert subscriptions.on_reply(b"{") == [Ignored("not JSON")]
    assert subscriptions.on_reply(b"[]") == [Ignored("not an object")]
    assert subscriptions.on_reply(b'{"id": "x"}') == [Ignored("answers nothing we asked (id 'x')")]


def test_an_unanswered_question_is_overdue_at_its_deadline() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    assert subscriptions.deadline == float("inf")
    subscriptions.want(["a@trade", "b@trade"])
    sent(subscriptions, now=5.0)
    assert subscriptions.deadline == 15.0
    assert subscriptions.overdue(14.9) == ()
    assert subscriptions.overdue(15.0) == ("a@trade", "b@trade")


def test_server_shutdown_is_known_in_both_of_its_shapes_and_in_no_other_text() -> None:
    assert is_shutdown(b'{"e":"serverShutdown","E":1770123456789}')
    assert is_shutdown(b'{"E":1770123456789,"e":"serverShutdown"}')
    assert is_shutdown(b'{"e":"serverShutdown","E":1770123456789000}')
    assert not is_shutdown(b'{"e":"trade","s":"serverShutdown"}')
    assert not is_shutdown(b'{"e":"serverShutdown"')
    assert not is_shutdown(b'{"e":"trade"}')
    assert not is_shutdown(b'{"e":"\xff serverShutdown"}')


class Reconciled(RuleBasedStateMachine):
    """Whatever is wished and dropped, a faithful exchange ends up carrying exactly what is wanted."""

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions = Subscriptions(timeout=10.0)
        self.carried: set[str] = set()

    @rule(target=names, name=st.sampled_from([f"s{number}@trade" for number in range(6)]))
    def want(self, name: str) -> object:
        self.subscriptions.want([name])
        return multiple(name)

    @rule(name=names)
    def unwant(self, name: str) -> None:
        self.subscriptions.unwant([name])

    @rule()
    def reconnect(self) -> None:
        self.carried.clear()
        self.subscriptions.on_connected()

    @rule()
    def exchange_answers(self) -> None:
        while text := self.subscriptions.next_message(0.0):
            message = json.loads(text)
            names = set(message["params"])
            self.carried = self.carried | names if message["method"] == "SUBSCRIBE" else self.carried - names
            self.subscriptions.on_reply(ok(message["id"]))
        assert self.carried == set(self.subscriptions.wanted) == self.subscriptions.confirmed

    @invariant()
    def nothing_unwanted_is_confirmed(self) -> None:
        assert self.subscriptions.confirmed <= set(self.subscriptions.wanted)


TestReconciled = Reconciled.TestCase


def test_one_bad_name_among_two_hundred_costs_few_questions() -> None:
    subscriptions = Subscriptions(timeout=10.0)
    subscriptions.want([*(f"s{number}@trade" for number in range(BATCH - 1)), "bad@trade"])
    asked = 0
    while messages := sent(subscriptions):
        for message in messages:
            asked += 1
            error = {"error": {"code": 2, "msg": "no"}} if "bad@trade" in message["params"] else {"result": None}
            subscriptions.on_reply(json.dumps({**error, "id": message["id"]}).encode())
    assert asked <= 20
    assert subscriptions.complete
    assert len(subscriptions.wanted) == BATCH - 1


def test_a_shutdown_nested_too_deeply_to_be_read_is_none() -> None:
    assert not is_shutdown(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"e":"serverShutdown"}')


@pytest.mark.parametrize("number", ["true", "1.0", '"1"', "[" * 900 + "]" * 900, "9" * 4000, "null"])
def test_a_reply_with_an_odd_id_confirms_nothing(number: str) -> None:
    subscriptions = Subscriptions(timeout=5.0)
    subscriptions.want(["a@trade"])
    subscriptions.next_message(0.0)
    [effect] = subscriptions.on_reply(f'{{"result":null,"id":{number}}}'.encode())
    assert isinstance(effect, Ignored)
    assert not subscriptions.complete
    [effect] = subscriptions.on_reply(b'{"error":{"code":true,"msg":[1]},"id":1}')
    assert effect == Refused("a@trade", None, "")
