"""The line: every request of one connection comes to its own end, and nobody is told of a refusal of others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol.wsapi import Event, SessionError, Shutdown, Stray
from trio_binance._services.wsline import Line
from trio_binance.errors import AuthError, BinanceError, ConnectionLost, DeadlineExceeded, Outcome, ProtocolError

REFUSED = AuthError("Invalid API-key, IP, or permissions for action.", status=401, code=-2015)


@attrs.define(eq=False, slots=False)
class Wire:
    """A socket that keeps what it is given, and can be slow, silent or broken."""

    sent: list[Any] = attrs.field(factory=list)
    last_heard: float = 0.0
    broken: Outcome | None = None
    slow: float = 0.0
    pong: float | None = 0.1

    async def send(self, text: str) -> None:
        await trio.sleep(self.slow)
        if self.broken is not None:
            raise ConnectionLost("broken", outcome=self.broken)
        self.sent.append(json.loads(text))

    async def ping(self) -> float:
        await trio.sleep(10 if self.pong is None else self.pong)
        if self.pong is None:
            raise DeadlineExceeded("no pong")
        self.last_heard = trio.current_time()
        return self.pong


@attrs.define(eq=False)
class Bench:
    line: Line
    wire: Wire
    nursery: trio.Nursery
    outcomes: dict[str, Any] = attrs.field(factory=dict)

    def ask(
        self, method: str, *, by_session: bool = False, signed: bool = False, changes_state: bool = True
    ) -> trio.CancelScope:
        """Send a request from a task of its own; the returned scope is its caller."""
        scope = trio.CancelScope()
        params = {"signature": "s"} if signed else {}
        settings = {"by_session": by_session, "changes_state": changes_state}
        self.nursery.start_soon(self._ask, method, params, settings, scope)
        return scope

    async def _ask(
        self, method: str, params: dict[str, str], settings: dict[str, bool], scope: trio.CancelScope
    ) -> None:
        with scope:
            try:
                self.outcomes[method] = await self.line.request(method, params, **settings)
            except BinanceError as exc:
                self.outcomes[method] = exc

    def id_of(self, method: str) -> int:
        return int(next(each["id"] for each in self.wire.sent if each["method"] == method))

    def view(self) -> tuple[bool, bool, str | None]:
        """Return whether the line is doubtful, whether it shall prove itself, and who is logged on."""
        return self.line.is_doubtful, self.line.doubted.is_set(), self.line.logged_on_as

    def answer(self, method: str, status: int = 200) -> None:
        self.wire.last_heard = trio.current_time()
        assert self.line.take(b'{"id":%d,"status":%d,"result":{}}' % (self.id_of(method), status)) is None


@asynccontextmanager
async def bench(**settings: Any) -> AsyncIterator[Bench]:
    wire = Wire(**settings)
    line = Line(wire, 1, count(1), 15.0)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_talk, line)
        yield Bench(line, wire, nursery)
        nursery.cancel_scope.cancel()


async def _talk(line: Line) -> None:
    try:
        await line.talk()
    except ConnectionLost as exc:
        line.fail(str(exc))


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


async def test_a_thousand_requests_in_flight_get_their_answers_in_random_order(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        names = [f"m{number}" for number in range(1000)]
        for name in names:
            here.ask(name)
        await settle()
        assert here.line.in_flight == 1000
        assert len({each["id"] for each in here.wire.sent}) == 1000
        Random(7).shuffle(names)
        for name in names:
            text = json.dumps({"id": here.id_of(name), "status": 200, "result": name})
            assert here.line.take(text.encode()) is None
        await settle()
        assert {name: answer.result for name, answer in here.outcomes.items()} == {
            name: f'"{name}"'.encode() for name in names
        }
        assert here.line.in_flight == 0


async def test_what_is_no_answer_of_ours_is_handed_back() -> None:
    async with bench() as here:
        assert here.line.take(b'{"id":77,"status":200}') == Stray(77)
        assert here.line.take(b'{"id":null,"status":400,"error":{"code":-1135}}') == SessionError(400, {"code": -1135})
        assert isinstance(here.line.take(b'{"subscriptionId":0,"event":{"e":"x","E":1}}'), Event)
        assert isinstance(here.line.take(b'{"event":{"e":"serverShutdown","E":1}}'), Shutdown)
        with pytest.raises(ProtocolError):
            here.line.take(b"{")


async def test_a_line_that_ended_sends_nothing_and_says_so() -> None:
    async with bench() as here:
        here.line.fail("gone")
        with pytest.raises(ConnectionLost, match="gone") as caught:
            await here.line.request("ping", {})
        assert caught.value.outcome is Outcome.NOT_SENT
        assert here.wire.sent == []


async def test_an_answer_to_what_the_end_has_ended_already_is_a_stray() -> None:
    async with bench() as here:
        here.ask("order.place")
        await settle()
        here.line.fail("hung up")
        assert here.line.take(b'{"id":%d,"status":200}' % here.id_of("order.place")) == Stray(1)
        await settle()
        assert here.outcomes["order.place"].outcome is Outcome.UNKNOWN


async def test_an_answer_that_is_there_beats_an_error_of_the_same_moment() -> None:
    async with bench() as here:
        here.ask("order.place")
        await settle()
        here.line._pending[1].end(REFUSED)
        here.answer("order.place")
        await settle()
        assert here.outcomes["order.place"].status == 200


@pytest.mark.parametrize("broken", [Outcome.NOT_SENT, Outcome.UNKNOWN])
async def test_a_request_that_found_the_connection_broken_says_whether_it_left(
    broken: Outcome, autojump_clock: trio.testing.MockClock
) -> None:
    async with bench(broken=broken) as here:
        here.ask("ping")
        await settle()
        assert here.outcomes["ping"].outcome is broken


async def test_in_flight_is_unknown_and_waiting_for_its_turn_is_not_sent_when_the_line_ends(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench(slow=1.0) as here:
        here.ask("first")
        here.ask("second")
        await trio.sleep(0.5)
        here.line.fail("reset")
        await settle()
        assert {name: exc.outcome for name, exc in here.outcomes.items()} in (
            {"first": Outcome.UNKNOWN, "second": Outcome.NOT_SENT},
            {"first": Outcome.NOT_SENT, "second": Outcome.UNKNOWN},
        )


async def test_silence_after_an_unanswered_request_is_doubted_until_the_line_proves_itself(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        await trio.sleep(1)
        here.ask("order.place")
        await here.line.doubted.wait()
        assert trio.current_time() == pytest.approx(16)
        assert here.view() == (True, True, None)
        assert here.line.doubted_since == trio.current_time()
        await settle()
        assert here.outcomes["order.place"].outcome is Outcome.UNKNOWN
        await here.line.prove()
        assert here.view() == (False, False, None)


async def test_a_line_that_cannot_prove_itself_is_dead(autojump_clock: trio.testing.MockClock) -> None:
    async with bench(pong=None) as here:
        with pytest.raises(DeadlineExceeded):
            await here.line.prove()


async def test_a_line_that_spoke_meanwhile_is_not_doubted(autojump_clock: trio.testing.MockClock) -> None:
    async with bench() as here:
        await trio.sleep(1)
        here.ask("slow")
        await trio.sleep(5)
        here.ask("fast")
        await settle()
        here.answer("fast")
        await trio.sleep(20)
        assert isinstance(here.outcomes["slow"], DeadlineExceeded)
        assert here.view() == (False, False, None)


async def test_drained_is_who_has_nothing_in_flight(autojump_clock: trio.testing.MockClock) -> None:
    async with bench() as here:
        await here.line.drain()
        here.ask("a")
        here.ask("b")
        await trio.sleep(1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.line.drain)
            await trio.sleep(1)
            here.answer("b")
            await trio.sleep(1)
            here.answer("a")
        assert trio.current_time() == pytest.approx(3)


# --------------------------------------------------------------------- an error without an id, and whom it is about


async def test_the_only_request_of_a_session_is_the_one_that_was_refused(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        here.line.logged_on_as = "key"
        here.ask("signed", signed=True)
        here.ask("order.place", by_session=True)
        await settle()
        here.line.on_disowned(REFUSED)
        await settle()
        refused = here.outcomes["order.place"]
        assert isinstance(refused, AuthError)
        assert (refused.outcome, refused.code) == (Outcome.UNKNOWN, -2015)  # nobody said that it was this one
        assert refused is not REFUSED
        assert refused.operation == "order.place"  # and no subscription
        assert "signed" not in here.outcomes
        assert here.view() == (False, False, None)
        assert here.line.disowned.is_set()


async def test_of_several_the_refused_one_is_known_when_the_others_are_answered(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        for name in "abc":
            here.ask(name, by_session=True)
        await settle()
        here.line.on_disowned(REFUSED)
        await settle()
        assert here.outcomes == {}
        here.answer("c")
        here.answer("a", 400)
        await settle()
        assert {name: type(outcome).__name__ for name, outcome in here.outcomes.items()} == {
            "c": "Answer",
            "a": "Answer",
            "b": "AuthError",
        }


async def test_a_refusal_that_was_meant_for_an_unsigned_request_calls_no_order_rejected(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        here.line.logged_on_as = "key"
        here.ask("order.place", by_session=True)
        here.ask("ping", changes_state=False)
        await settle()
        here.line.on_disowned(REFUSED)  # the ping's; the order's answer is on its way
        await settle()
        assert here.outcomes == {}
        here.answer("order.place")
        await settle()
        assert here.outcomes["order.place"].status == 200
        assert isinstance(here.outcomes["ping"], AuthError)
        assert here.outcomes["ping"].operation == "ping"


async def test_where_nobody_is_logged_on_a_refusal_means_no_public_request(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        here.ask("ping")
        await settle()
        here.line.on_disowned(REFUSED)
        await settle()
        assert here.outcomes == {}


async def test_a_question_that_was_refused_is_rejected_for_nothing_is_left_in_doubt(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        here.ask("account.status", by_session=True, changes_state=False)
        await settle()
        here.line.on_disowned(REFUSED)
        await settle()
        assert here.outcomes["account.status"].outcome is Outcome.REJECTED


async def test_a_refusal_from_before_a_logon_convicts_nobody_after_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with bench() as here:
        for name in ("first", "second"):
            here.ask(name, by_session=True)
        await settle()
        here.line.on_disowned(REFUSED)
        here.line.on_logged_on()
        here.ask("order.place", by_session=True)
        await settle()
        here.answer("first")
        here.answer("second")
        await settle()
        assert "order.place" not in here.outcomes
        here.answer("order.place")
        await settle()
        assert here.outcomes["order.place"].status == 200


async def test_a_refusal_does_not_outlive_those_it_may_have_meant(autojump_clock: trio.testing.MockClock) -> None:
    async with bench() as here:
        for name in ("lost", "refused"):
            here.ask(name, by_session=True)
        await settle()
        here.line.on_disowned(REFUSED)
        await trio.sleep(120)
        for name in ("third", "fourth"):
            here.ask(name, by_session=True)
        await settle()
        here.answer("third")
        await settle()
        assert "fourth" not in here.outcomes


async def test_as_many_refusals_as_requests_refuse_them_all(autojump_clock: trio.testing.MockClock) -> None:
    async with bench() as here:
        for name in "ab":
            here.ask(name, by_session=True)
        await settle()
        here.line.on_disowned(REFUSED)
        here.line.on_disowned(REFUSED)
        await settle()
        assert {exc.outcome for exc in here.outcomes.values()} == {Outcome.UNKNOWN}
        assert here.outcomes["a"] is not here.outcomes["b"]


async def test_one_whose_caller_has_left_may_be_the_refused_one(autojump_clock: trio.testing.MockClock) -> None:
    async with bench() as here:
        gone = here.ask("left", by_session=True)
        here.ask("order.place", by_session=True)
        await settle()
        gone.cancel()
        await settle()
        here.line.on_disowned(REFUSED)
        await trio.sleep(14)
        assert here.outcomes == {}
        await trio.sleep(2)
        assert here.outcomes["order.place"].outcome is Outcome.UNKNOWN


async def test_one_whose_caller_has_left_and_that_was_answered_is_not(autojump_clock: trio.testing.MockClock) -> None:
    async with bench() as here:
        gone = here.ask("left", by_session=True)
        here.ask("order.place", by_session=True)
        await settle()
        gone.cancel()
        await settle()
        here.line.on_disowned(REFUSED)
        assert isinstance(here.line.take(b'{"id":%d,"status":200}' % here.id_of("left")), Stray)
        await settle()
        assert here.outcomes["order.place"].outcome is Outcome.UNKNOWN


async def test_what_was_never_answered_is_not_suspected_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    async with bench() as here:
        gone = here.ask("left", by_session=True)
        await settle()
        gone.cancel()
        await trio.sleep(61)
        here.ask("order.place", by_session=True)
        await settle()
        here.line.on_disowned(REFUSED)
        await settle()
        assert here.outcomes["order.place"].outcome is Outcome.UNKNOWN


@given(
    asked=st.integers(1, 6),
    refused=st.sets(st.integers(0, 5)),
    left=st.sets(st.integers(0, 5)),
    seed=st.integers(0, 2**16),
)
def test_nobody_is_told_refused_who_was_not(asked: int, refused: set[int], left: set[int], seed: int) -> None:
    """The exchange answers some, refuses others without an id, in any order; callers leave when they like."""

    async def run() -> None:
        async with bench() as here:
            scopes = [here.ask(str(number), by_session=True) for number in range(asked)]
            await settle()
            deeds = [("refuse", number) if number in refused else ("answer", number) for number in range(asked)]
            deeds += [("leave", number) for number in left if number < asked]
            Random(seed).shuffle(deeds)
            for deed, number in deeds:
                if deed == "refuse":
                    here.line.on_disowned(REFUSED)
                elif deed == "leave":
                    scopes[number].cancel()
                else:
                    here.line.take(b'{"id":%d,"status":200}' % here.id_of(str(number)))
                await settle()
            await trio.sleep(20)
            for name, outcome in here.outcomes.items():
                if isinstance(outcome, AuthError):
                    assert int(name) in refused
                elif isinstance(outcome, BinanceError):
                    assert outcome.outcome is Outcome.UNKNOWN
                else:
                    assert int(name) not in refused
            if not left & set(range(asked)):
                told = {int(name) for name, outcome in here.outcomes.items() if isinstance(outcome, AuthError)}
                assert told == refused & set(range(asked))

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
