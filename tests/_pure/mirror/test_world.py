"""The mirror against an exchange that keeps the truth: whatever happens to events and answers, it comes out right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_binance.models import ExecutionReport, MirrorState

from .world import Do, Outage, World

FATES = st.sampled_from([0.0, 0.0, 0.0, 0.0, -1.0, 0.5, 2.0, 10.0, 70.0])
DEEDS = st.builds(
    Do,
    deed=st.sampled_from(["place", "place", "fill", "fill", "finish", "cancel", "amend"]),
    which=st.integers(0, 5),
    pause=st.sampled_from([0.001, 0.1, 1.0, 5.0, 30.0, 90.0]),
    fates=st.tuples(FATES, FATES),
)
OUTAGES = st.lists(
    st.builds(
        Outage,
        at=st.sampled_from([0.5, 20.0, 100.0, 250.0, 400.0]),
        noticed_after=st.sampled_from([0.0, 1.0, 70.0]),
        back_after=st.sampled_from([0.1, 5.0, 60.0]),
    ),
    max_size=2,
    unique_by=lambda outage: outage.at,
).filter(lambda some: len(some) < 2 or abs(some[0].at - some[1].at) > 140)


@settings(max_examples=300, deadline=None)
@given(
    plan=st.lists(DEEDS, min_size=1, max_size=25),
    outages=OUTAGES,
    lag=st.sampled_from([0.0, 2.0, 38.0]),
    failures=st.integers(0, 3),
)
def test_whatever_becomes_of_events_and_answers_each_fill_is_told_once_and_the_truth_is_reached(
    plan: list[Do], outages: list[Outage], lag: float, failures: int
) -> None:
    world = World(lag, failures=failures)
    world.run(plan, outages)
    world.check_truth()


def test_without_trouble_nothing_is_recovered_and_every_event_is_told_as_it_came() -> None:
    world = World(38.0)
    deeds = ["place", "fill", "fill", "amend", "place", "finish", "cancel"] * 3
    world.run([Do(deed, 0, 7.0, (0.0,)) for deed in deeds], [])
    world.check_truth()
    figures = world.mirror.statistics()
    assert (figures.recovered, figures.repeated, figures.losses, figures.given_up) == (0, 0, 0, 0)
    assert not any(event.recovered for event in world.told)


def test_it_is_live_when_no_copy_can_be_behind_and_not_before() -> None:
    world = World(0.0)
    states: list[tuple[float, MirrorState]] = []
    hear: Any = world._hear

    def noted(events: Any) -> None:
        states.append((world.now, world.mirror.state))
        hear(events)

    world._hear = noted  # type: ignore[method-assign]
    world.run([], [], quiet=200.0)
    assert next(now for now, state in states if state is MirrorState.LIVE) == pytest.approx(41, abs=1)


def test_a_lost_event_is_found_by_the_audit_within_two_of_its_periods() -> None:
    world = World(0.0)
    world.run([Do("place", 0, 100.0, (0.0,)), Do("cancel", 0, 1.0, (-1.0,))], [], quiet=300.0)
    [recovered] = [event for event in world.told if event.recovered]
    assert isinstance(recovered, ExecutionReport)
    figures = world.mirror.statistics()
    assert (figures.losses, figures.recovered) == (1, 1)
    world.check_truth()
