"""The restart plan and the restart window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.restart import Plan, RestartWindow, Strategy, restart_plan

SERVICES = ("clock", "wsapi", "books", "orders")


def test_one_for_one_starts_the_crashed_one_alone() -> None:
    assert restart_plan(Strategy.ONE_FOR_ONE, SERVICES, "wsapi") == Plan((), ("wsapi",))


def test_rest_for_one_rebuilds_what_stands_on_the_crashed_one() -> None:
    plan = restart_plan(Strategy.REST_FOR_ONE, SERVICES, "wsapi")
    assert plan == Plan(("orders", "books"), ("wsapi", "books", "orders"))


def test_one_for_all_rebuilds_all() -> None:
    plan = restart_plan(Strategy.ONE_FOR_ALL, SERVICES, "wsapi")
    assert plan == Plan(("orders", "books", "clock"), SERVICES)


def test_a_stranger_has_no_plan() -> None:
    with pytest.raises(ValueError):
        restart_plan(Strategy.ONE_FOR_ONE, SERVICES, "mallory")


@given(
    strategy=st.sampled_from(Strategy),
    names=st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=8, unique=True),
    data=st.data(),
)
def test_who_stops_starts_again_the_other_way_round(strategy: Strategy, names: list[str], data: st.DataObject) -> None:
    crashed = data.draw(st.sampled_from(names))
    plan = restart_plan(strategy, names, crashed)
    assert crashed in plan.start
    assert crashed not in plan.stop
    assert tuple(reversed(plan.stop)) == tuple(name for name in plan.start if name != crashed)
    assert list(plan.start) == [name for name in names if name in plan.start]


def survived(interval: float, limit: int = 5, period: float = 10.0) -> int:
    """Return how many crashes, one every ``interval`` seconds, are forgiven (at most 100)."""
    window = RestartWindow(limit, period)
    for count in range(100):
        if not window.allow(count * interval):
            return count
    return 100


def test_the_sixth_crash_within_ten_seconds_is_one_too_many() -> None:
    assert survived(0.1) == 5
    assert survived(1.9) == 5


def test_the_window_slides() -> None:
    assert survived(2.1) == 100


def test_a_limit_of_zero_forgives_nothing() -> None:
    assert survived(1000.0, limit=0) == 0


@given(
    limit=st.integers(0, 6),
    period=st.integers(1, 20),
    gaps=st.lists(st.integers(0, 10), max_size=60),
)
def test_allowed_means_no_more_than_limit_crashes_within_the_period(limit: int, period: int, gaps: list[int]) -> None:
    window = RestartWindow(limit, period)
    now, crashes = 0, []
    for gap in gaps:
        now += gap
        crashes.append(now)
        recent = [moment for moment in crashes if now - moment <= period]
        assert window.allow(now) is (len(recent) <= limit)


@pytest.mark.parametrize("arguments", [(-1, 10.0), (5, 0.0), (5, float("inf"))])
def test_settings_that_cannot_work_are_refused(arguments: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="limit="):
        RestartWindow(*arguments)
