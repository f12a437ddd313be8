"""The table of fates: total, and leading only where it should."""

from __future__ import annotations

import pytest

from trio_binance._pure.intents.table import RULED_OUT, SETTLED, TABLE, WONDERING, Phase, Signal


@pytest.mark.parametrize("phase", Phase)
def test_whatever_is_learned_wherever_it_stands_the_table_says_what_then(phase: Phase) -> None:
    assert set(TABLE[phase]) == set(Signal)


def test_every_phase_is_reached() -> None:
    reached = {Phase.OPENED}
    while more := {new for phase in reached for new, _ in TABLE[phase].values()} - reached:
        reached |= more
    assert reached == set(Phase)


def test_what_was_seen_to_take_effect_is_accepted_from_anywhere() -> None:
    assert {TABLE[phase][Signal.DONE][0] for phase in Phase if phase is not Phase.FORGOTTEN} == {Phase.ACCEPTED}


def test_no_verdict_but_that_it_is_not_known_is_changed_without_an_alarm() -> None:
    for phase in SETTLED - {Phase.UNRESOLVED}:
        for new, alarms in TABLE[phase].values():
            assert alarms == (new not in (phase, Phase.FORGOTTEN))


def test_an_alarm_is_told_only_of_what_a_verdict_had_ruled_out() -> None:
    assert {phase for phase in Phase if any(alarm for _, alarm in TABLE[phase].values())} == RULED_OUT


def test_only_three_witnesses_or_a_sighting_make_it_absent() -> None:
    leading = {signal for phase in Phase for signal in Signal if TABLE[phase][signal][0] is Phase.ABSENT != phase}
    assert leading == {Signal.PROVEN, Signal.MOOT}


def test_a_lost_answer_settles_nothing() -> None:
    for phase in (Phase.OPENED, Phase.SENDING, Phase.IN_FLIGHT):
        assert TABLE[phase][Signal.LOST][0] is Phase.DOUBT


def test_what_is_forgotten_stays_so() -> None:
    assert {new for new, _ in TABLE[Phase.FORGOTTEN].values()} == {Phase.FORGOTTEN}


def test_a_witness_missing_is_said_only_of_what_is_in_doubt() -> None:
    asking = WONDERING - {Phase.UNRESOLVED}
    assert {phase for phase in Phase if TABLE[phase][Signal.SPENT][0] is Phase.UNRESOLVED != phase} == asking
