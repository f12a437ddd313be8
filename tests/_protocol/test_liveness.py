"""Liveness: silence is asked about, only an unanswered question is death, and renewal comes before the cut."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol.liveness import Action, Liveness, LivenessStatistics

HOUR = 3600.0


def watching(seed: int = 0, lifetime: float = 23.5 * HOUR) -> Liveness:
    liveness = Liveness(silence=30.0, lifetime=lifetime, rng=Random(seed))
    liveness.on_connected(0.0)
    return liveness


def test_before_the_opening_there_is_nothing_to_wait_for() -> None:
    liveness = Liveness(lifetime=HOUR, rng=Random(0))
    assert liveness.deadline == math.inf
    assert liveness.on_timer(1e9) is None
    assert liveness.statistics() == LivenessStatistics(None, None, None, 0, 0, False)


def test_the_first_byte_counts_as_the_opening() -> None:
    liveness = Liveness(lifetime=HOUR, rng=Random(0))
    liveness.on_heard(100.0)
    assert liveness.deadline == 130.0
    assert liveness.statistics().born == 100.0


def test_whatever_is_heard_puts_the_check_off() -> None:
    liveness = watching()
    liveness.on_heard(20.0)
    assert liveness.on_timer(30.0) is None
    assert liveness.deadline == 50.0
    liveness.on_heard(10.0)  # older than what is known
    assert liveness.deadline == 50.0


def test_silence_is_checked_once_and_an_answer_is_life() -> None:
    liveness = watching()
    assert liveness.on_timer(29.9) is None
    assert liveness.on_timer(30.0) is Action.CHECK
    assert liveness.on_timer(31.0) is None
    assert liveness.on_checked(True, 31.0) is None
    assert liveness.deadline == 61.0
    assert liveness.on_timer(61.0) is Action.CHECK
    assert liveness.statistics().checks == 2


def test_a_failed_check_is_death_and_after_it_nothing_happens() -> None:
    liveness = watching()
    assert liveness.on_timer(30.0) is Action.CHECK
    assert liveness.on_checked(False, 40.0) is Action.DEAD
    assert liveness.deadline == math.inf
    liveness.on_heard(41.0)
    assert liveness.on_checked(True, 42.0) is None
    assert liveness.on_checked(False, 42.0) is None
    assert liveness.on_shutdown(43.0) is None
    assert liveness.on_timer(1e9) is None
    assert liveness.statistics() == LivenessStatistics(0.0, 0.0, None, 1, 1, True)


def test_a_check_that_never_reports_is_death_within_75_seconds_of_the_last_byte() -> None:
    liveness = watching()
    assert liveness.on_timer(30.0) is Action.CHECK
    assert liveness.deadline <= 75.0
    assert liveness.on_timer(liveness.deadline) is Action.DEAD


def test_a_byte_during_the_check_takes_its_urgency_but_not_its_verdict() -> None:
    """Bytes that come prove nothing about bytes that leave: an unanswered ping still means a dead line."""
    liveness = watching()
    assert liveness.on_timer(30.0) is Action.CHECK
    liveness.on_heard(31.0)
    assert liveness.on_timer(46.0) is None
    assert liveness.on_checked(False, 47.0) is Action.DEAD


@pytest.mark.parametrize("seed", range(20))
def test_the_default_lifetime_is_renewed_between_23_and_23_9_hours_and_never_twice(seed: int) -> None:
    liveness = watching(seed)
    liveness.on_heard(23.95 * HOUR)
    renew_at = liveness.deadline
    assert 23 * HOUR <= renew_at <= 23.9 * HOUR
    assert liveness.on_timer(renew_at - 0.001) is None
    assert liveness.on_timer(renew_at) is Action.RENEW
    assert liveness.on_timer(renew_at) is None
    assert liveness.on_shutdown(renew_at) is None
    assert liveness.statistics().renewed_at == renew_at


def test_connections_opened_together_are_not_renewed_together() -> None:
    moments = set()
    for seed in range(50):
        liveness = watching(seed)
        liveness.on_heard(24 * HOUR)
        moments.add(liveness.deadline)
    assert len(moments) == 50
    assert max(moments) - min(moments) > 0.3 * HOUR


def test_a_server_that_shuts_down_means_renewal_at_once_and_the_old_line_is_still_watched() -> None:
    liveness = watching()
    assert liveness.on_shutdown(5.0) is Action.RENEW
    assert liveness.on_shutdown(6.0) is None
    assert liveness.deadline == 30.0
    assert liveness.on_timer(30.0) is Action.CHECK


def test_a_shutdown_told_before_the_opening_is_not_forgotten() -> None:
    liveness = Liveness(lifetime=HOUR, rng=Random(0))
    assert liveness.on_shutdown(0.0) is Action.RENEW
    liveness.on_connected(1.0)
    liveness.on_heard(HOUR)
    assert liveness.on_timer(HOUR) is None


def test_when_all_is_due_at_once_renewal_comes_first_and_the_check_is_not_lost() -> None:
    liveness = watching()
    assert [liveness.on_timer(24 * HOUR) for _ in range(3)] == [Action.RENEW, Action.CHECK, None]


@given(
    st.lists(
        st.tuples(st.integers(0, 40).map(float), st.sampled_from(("heard", "answer", "fail", "nothing"))), max_size=60
    ),
    st.integers(0, 99),
)
def test_a_connection_that_is_heard_or_answers_lives_and_a_silent_one_is_found_out_in_time(
    steps: list[tuple[float, str]], seed: int
) -> None:
    """A simulation of the service: it sleeps until the deadline at most, and no connection is ever forgotten."""
    liveness, now, proof, asked = watching(seed, lifetime=600.0), 0.0, 0.0, False
    for wait, what in steps:
        now = min(now + wait, max(now, liveness.deadline))
        while (action := liveness.on_timer(now)) is not None:
            if action is Action.CHECK:
                assert now - proof >= 30.0
                asked = True
            if action is Action.DEAD:
                assert asked
                assert now - proof >= 45.0
                return
        assert liveness.deadline > now
        assert now - proof <= 75.0
        if what == "heard":
            liveness.on_heard(now)
            proof, asked = now, False
        elif asked and what != "nothing":
            assert liveness.on_checked(what == "answer", now) is (None if what == "answer" else Action.DEAD)
            if what == "fail":
                return
            proof, asked = now, False
