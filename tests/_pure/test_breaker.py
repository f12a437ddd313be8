"""The breaker: when it lets ask, told by a model that is simpler than it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trio_binance._pure.breaker import Breaker, BreakerState, Permit, Transition
from trio_binance.errors import BreakerOpen, Outcome

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Model:
    """The rules as one would say them: no eras, but a list of the permits that still count."""

    def __init__(self, failures: int, probes: int, open_for: float) -> None:
        self.failures, self.probes, self.open_for = failures, probes, open_for
        self.state = CLOSED
        self.bad = self.good = 0
        self.opened_at = 0.0
        self.count: list[Permit] = []

    def lets_ask(self, now: float) -> bool:
        if self.state is OPEN:
            return now >= self.opened_at + self.open_for
        return self.state is CLOSED or len(self.count) + self.good < self.probes

    def to(self, state: BreakerState, now: float) -> None:
        self.state, self.good, self.count = state, 0, []
        if state is OPEN:
            self.opened_at = now

    def on_permit(self, permit: Permit, now: float) -> None:
        if self.state is OPEN:
            self.to(HALF_OPEN, now)
        self.count.append(permit)

    def on_outcome(self, permit: Permit, outcome: str, now: float) -> None:
        if permit not in self.count:
            return
        self.count.remove(permit)
        if outcome == "neutral":
            return
        if outcome == "failure":
            self.bad += 1
            if self.state is HALF_OPEN or self.bad >= self.failures:
                self.to(OPEN, now)
        elif self.state is HALF_OPEN:
            self.good += 1
            if self.good >= self.probes:
                self.bad = 0
                self.to(CLOSED, now)
        else:
            self.bad = 0


class Comparison(RuleBasedStateMachine):
    """Ask, answer in any order, let time pass: breaker and model say the same."""

    @initialize(failures=st.integers(1, 4), probes=st.integers(1, 3))
    def begin(self, failures: int, probes: int) -> None:
        self.breaker = Breaker(failures=failures, probes=probes, open_for=10.0)
        self.model = Model(failures, probes, 10.0)
        self.now = 100.0
        self.out: list[Permit] = []

    @rule(seconds=st.sampled_from([0.0, 0.5, 4.0, 9.5, 10.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(many=st.integers(1, 5))
    def ask(self, many: int) -> None:
        for _ in range(many):
            expected = self.model.lets_ask(self.now)
            before = self.breaker.state
            permit: Permit | None
            try:
                permit = self.breaker.admit(self.now)
            except BreakerOpen as refusal:
                retry_at = refusal.retry_at
                permit = None
            assert expected == (permit is not None)
            if permit is None:
                assert retry_at is not None
                assert retry_at > self.now
                return
            self.model.on_permit(permit, self.now)
            assert permit.probe == (self.breaker.state is HALF_OPEN)
            half_opened = Transition(OPEN, HALF_OPEN, self.now) if before is OPEN else None
            assert permit.transition == half_opened
            self.out.append(permit)

    @rule(data=st.data(), outcome=st.sampled_from(["success", "failure", "neutral"]), many=st.integers(1, 5))
    def answer(self, data: st.DataObject, outcome: str, many: int) -> None:
        for _ in range(min(many, len(self.out))):
            permit = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
            old = self.model.state
            self.model.on_outcome(permit, outcome, self.now)
            settle = {
                "success": self.breaker.on_success,
                "failure": self.breaker.on_failure,
                "neutral": self.breaker.on_neutral,
            }[outcome]
            changed = None if self.model.state is old else Transition(old, self.model.state, self.now)
            assert settle(permit, self.now) == changed

    @invariant()
    def both_say_the_same(self) -> None:
        assert self.breaker.state is self.model.state

    @invariant()
    def never_more_probes_than_allowed(self) -> None:
        told = self.breaker.statistics()
        assert told.probing == (len(self.model.count) if self.model.state is HALF_OPEN else 0)
        assert told.probing <= self.model.probes


Comparison.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_the_breaker_does_what_the_model_does = Comparison.TestCase


def tripped(**settings: float) -> Breaker:
    breaker = Breaker(**settings)  # type: ignore[arg-type]
    for _ in range(5):
        breaker.on_failure(breaker.admit(0.0), 0.0)
    return breaker


def test_five_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = Breaker()
    for outcome in (*["bad"] * 4, "good", *["bad"] * 4):
        settle = breaker.on_failure if outcome == "bad" else breaker.on_success
        assert settle(breaker.admit(1.0), 1.0) is None
    assert breaker.on_failure(breaker.admit(2.0), 2.0) == Transition(CLOSED, OPEN, 2.0)


def test_open_refuses_with_the_time_to_come_back() -> None:
    breaker = tripped()
    with pytest.raises(BreakerOpen, match="failed 5 times in a row") as caught:
        breaker.admit(9.99)
    assert caught.value.retry_at == 10.0
    assert caught.value.outcome is Outcome.NOT_SENT
    assert breaker.admit(10.0).transition == Transition(OPEN, HALF_OPEN, 10.0)


def test_three_probes_close_it_and_a_fourth_waits() -> None:
    breaker = tripped()
    probes = [breaker.admit(10.0) for _ in range(3)]
    with pytest.raises(BreakerOpen) as caught:
        breaker.admit(11.0)
    assert caught.value.retry_at == 21.0
    assert [breaker.on_success(each, 12.0) for each in probes] == [None, None, Transition(HALF_OPEN, CLOSED, 12.0)]
    assert not breaker.admit(12.0).probe
    assert breaker.statistics().failures_in_a_row == 0


def test_one_failed_probe_opens_it_for_another_while() -> None:
    breaker = tripped()
    good, bad = breaker.admit(10.0), breaker.admit(10.0)
    assert breaker.on_success(good, 11.0) is None
    assert breaker.on_failure(bad, 12.0) == Transition(HALF_OPEN, OPEN, 12.0)
    with pytest.raises(BreakerOpen) as caught:
        breaker.admit(21.9)
    assert caught.value.retry_at == 22.0


def test_a_cancelled_probe_gives_its_place_back_and_decides_nothing() -> None:
    breaker = tripped(probes=1)
    for _ in range(10):
        assert breaker.on_neutral(breaker.admit(10.0), 10.0) is None
    assert breaker.state is HALF_OPEN
    assert breaker.on_success(breaker.admit(11.0), 11.0) == Transition(HALF_OPEN, CLOSED, 11.0)


def test_refusals_by_the_exchange_neither_open_it_nor_break_a_row_of_failures() -> None:
    breaker = Breaker(failures=2)
    breaker.on_failure(breaker.admit(0.0), 0.0)
    for _ in range(10):
        assert breaker.on_neutral(breaker.admit(0.0), 0.0) is None
    assert breaker.on_failure(breaker.admit(0.0), 0.0) == Transition(CLOSED, OPEN, 0.0)


def test_outcomes_of_an_earlier_era_are_dropped() -> None:
    breaker = Breaker(probes=1)
    late = [breaker.admit(0.0) for _ in range(3)]
    for _ in range(5):
        breaker.on_failure(breaker.admit(0.0), 0.0)
    probe = breaker.admit(10.0)
    assert breaker.on_failure(late[0], 10.5) is None
    assert breaker.on_success(late[1], 10.5) is None
    assert breaker.state is HALF_OPEN
    breaker.on_success(probe, 11.0)
    assert breaker.on_failure(late[2], 12.0) is None
    told = breaker.statistics()
    assert (told.state, told.stale, told.failures_in_a_row) == (CLOSED, 3, 0)


def test_a_probe_counts_once_however_often_it_is_handed_back() -> None:
    breaker = tripped(probes=2)
    probe = breaker.admit(10.0)
    assert breaker.on_success(probe, 10.0) is None
    assert breaker.on_success(probe, 10.0) is None
    assert breaker.on_failure(probe, 10.0) is None
    assert breaker.state is HALF_OPEN
    assert breaker.statistics().stale == 2


def test_the_statistics_tell_all_of_it() -> None:
    breaker = Breaker()
    assert breaker.statistics().retry_at is None
    breaker = tripped()
    with pytest.raises(BreakerOpen):
        breaker.admit(1.0)
    told = breaker.statistics()
    assert (told.state, told.era, told.opened, told.refused, told.retry_at) == (OPEN, 1, 1, 1, 10.0)
