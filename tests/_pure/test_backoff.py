"""The backoff: full jitter under a doubling ceiling, reset only by a stable connection."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.backoff import Backoff


class Highest:
    """Always draws the upper end."""

    def uniform(self, a: float, b: float, /) -> float:
        return b


class Lowest:
    """Always draws the lower end."""

    def uniform(self, a: float, b: float, /) -> float:
        return a


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(Highest(), base=1.0, cap=60.0)
    assert [backoff.next_delay() for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_no_draw_is_shorter_than_a_twentieth_of_the_base() -> None:
    backoff = Backoff(Lowest(), base=2.0)
    assert [backoff.next_delay() for _ in range(3)] == [0.1, 0.1, 0.1]


def test_the_floor_never_exceeds_the_cap() -> None:
    assert Backoff(Lowest(), base=100.0, cap=1.0).next_delay() == 1.0


@given(
    seed=st.integers(),
    base=st.floats(0.001, 100),
    cap=st.floats(0.001, 1000),
    attempts=st.integers(0, 200),
)
def test_every_delay_lies_between_floor_and_ceiling(seed: int, base: float, cap: float, attempts: int) -> None:
    backoff = Backoff(Random(seed), base=base, cap=cap)
    for n in range(attempts):
        delay = backoff.next_delay()
        assert min(0.05 * base, cap) <= delay <= max(min(cap, base * 2.0**n), 0.05 * base)


@given(seed=st.integers())
def test_the_mean_is_about_half_of_the_ceiling(seed: int) -> None:
    backoff = Backoff(Random(seed), base=1.0, cap=60.0)
    backoff.attempt = 10
    assert 26 < fmean(backoff.next_delay() for _ in range(2000)) < 34


def test_ten_thousand_failures_do_not_overflow() -> None:
    backoff = Backoff(Highest(), base=1.0, cap=60.0)
    backoff.attempt = 10_000
    assert backoff.next_delay() == 60.0


def test_only_a_stable_connection_resets_the_ceiling() -> None:
    backoff = Backoff(Highest(), base=1.0, cap=60.0, stable=60.0)
    for _ in range(3):
        backoff.next_delay()
    backoff.on_connected(100.0)
    backoff.on_lost(159.9)
    assert backoff.next_delay() == 8.0
    backoff.on_connected(200.0)
    backoff.on_lost(260.0)
    assert backoff.attempt == 0
    assert backoff.next_delay() == 1.0


def test_a_loss_without_a_connection_resets_nothing() -> None:
    backoff = Backoff(Highest(), stable=60.0)
    backoff.next_delay()
    backoff.on_connected(0.0)
    backoff.on_lost(1.0)
    backoff.on_lost(1000.0)
    assert backoff.attempt == 1


@pytest.mark.parametrize(
    "settings", [{"base": 0.0}, {"cap": -1.0}, {"stable": -1.0}, {"cap": float("nan")}, {"base": float("inf")}]
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive numbers"):
        Backoff(Random(0), **settings)
