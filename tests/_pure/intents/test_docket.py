"""The docket: clocks, restarts, room, and who is told what."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests._pure.intents.makers import (
    FENCE,
    NO_EVIDENCE,
    START_MS,
    SYMBOL,
    docket,
    lost,
    of,
    order,
    placement,
    sent,
    stamp,
    standing,
    verdict,
    wait,
)
from trio_binance._pure.intents import (
    Absent,
    Accepted,
    Alarm,
    Forget,
    Intent,
    Intents,
    NotSent,
    Part,
    Query,
    Rejected,
    Remembered,
    Settle,
    Unresolved,
    facts,
)
from trio_binance.errors import InvalidArgument
from trio_binance.models import Evidence, Note, OrderStatus

DAY = 86_400.0

# --------------------------------------------------------------------------------------------------------- the clock


def test_without_the_exchanges_clock_nothing_but_a_sighting_settles_anything() -> None:
    made, intent = Intents(), placement()
    made.on_watching(1, 0.0)
    lost(made, intent)
    assert of(Settle, wait(made, 5000.0)) == []
    made.on_clock(START_MS + 5_000_000, 0.0, 5000.0)
    assert isinstance(verdict(wait(made, 5100.0)), Absent)


def test_without_the_exchanges_clock_a_sighting_settles_it_and_nothing_is_forgotten_in_time() -> None:
    made, intent = Intents(), placement()
    lost(made, intent)
    told = verdict(made.on_seen(order(), 3.0))
    assert str(told.evidence).startswith("--:--:--.---  about to be sent")
    assert made.deadline == float("inf")
    made.on_clock(START_MS + 10_000, 0.0, 10.0)
    assert wait(made, 131.0) == [Forget(intent.intent_id)]


def test_the_fence_stands_on_the_lower_bound_of_the_exchanges_clock() -> None:
    made, intent = docket(), placement()
    made.on_clock(START_MS + 200, 700.0, 0.0)
    lost(made, intent)
    assert wait(made, FENCE + 0.4) == []
    assert isinstance(verdict(wait(made, FENCE + 0.6)), Absent)


def test_a_clock_that_was_ahead_moves_every_deadline() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    before = made.deadline
    made.on_clock(START_MS + 1_000, 0.0, 2.0)
    assert made.deadline == pytest.approx(before + 1.0)


@pytest.mark.parametrize("step", [3.0, 25.0, 3600.0])
def test_a_clock_that_is_set_forward_brings_no_fence_nearer(step: float) -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    made.on_clock(START_MS + int((2.0 + step) * 1000), 0.0, 2.0)
    wait(made, FENCE - 0.1)
    assert standing(made, intent).word == "unresolved"
    assert made.is_pending("i-mine")
    wait(made, FENCE + 5.1)
    assert isinstance(standing(made, intent), Absent)


@pytest.mark.parametrize("step", [2.0, 30.0])
def test_a_clock_that_is_set_back_makes_no_order_another_one(step: float) -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    made.on_clock(START_MS + int((2.5 - step) * 1000), 0.0, 2.5)
    told = verdict(made.on_seen(order(at=1.1 - step), 3.0))
    assert isinstance(told, Accepted)


@pytest.mark.parametrize("unique", [True, False])
def test_what_goes_by_a_name_that_only_we_can_have_made_is_ours_however_old_it_seems(unique: bool) -> None:
    made, intent = docket(is_unique=lambda _name: unique), placement()
    lost(made, intent)
    assert (made.on_seen(order(at=-30.0), 3.0) != []) is unique


def test_what_is_being_found_out_must_not_leave_any_more() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    assert made.may_leave("i-mine")
    wait(made, FENCE + 0.1)
    assert not made.may_leave("i-mine")


def test_a_replacement_may_leave_though_what_it_is_to_cancel_has_ended_by_itself() -> None:
    made = docket()
    params: dict[str, Any] = {"symbol": SYMBOL, "newClientOrderId": "mine", "cancelOrderId": 6}
    intent = Intent("i-both", "POST /api/v3/order/cancelReplace", params)
    made.open(intent, 1.0)
    made.on_fact("i-both", facts.Sending(stamp()), 1.0)
    made.on_seen(order(OrderStatus.CANCELED, "old", 6), 1.1)
    assert made.may_leave("i-both")
    wait(made, FENCE + 0.1)
    assert not made.may_leave("i-both")


def test_what_is_held_for_longer_than_it_is_watched_wakes_nobody() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    made.hold("i-mine", 2.0, held=True)
    rest = wait(made, 100_000.0, facts.Unanswered, pong=False)
    assert of(Forget, rest) == []
    made.hold("i-mine", 100_000.0, held=False)
    assert of(Forget, wait(made, 100_001.0)) == [Forget("i-mine")]


def test_an_intent_is_not_forgotten_while_its_call_runs() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.hold("i-mine", 1.0, held=True)
    made.on_seen(order(), 1.2)
    assert of(Forget, wait(made, 1_000.0)) == []
    made.hold("i-mine", 1_000.0, held=False)
    assert of(Forget, wait(made, 1_001.0)) == [Forget("i-mine")]


def test_half_of_a_replacement_may_be_forgotten_while_the_other_is_kept() -> None:
    made = docket()
    params: dict[str, Any] = {
        "symbol": SYMBOL,
        "newClientOrderId": "mine",
        "cancelOrderId": 6,
        "cancelNewClientOrderId": "cancel",
    }
    intent = Intent("i-both", "POST /api/v3/order/cancelReplace", params)
    sent(made, intent)
    made.on_fact("i-both", facts.Halves(facts.Refused(-2011, "Unknown order sent."), facts.Lost("reset")), 1.5)
    wait(made, 200.0, facts.Unanswered)
    made.keep("i-both", 200.0)
    made.hold("i-both", 200.0, held=True)
    made.hold("i-both", 200.0, held=False)
    made.on_fact("i-both", facts.GaveUp(), 200.0)
    assert made.standing("i-both")[Part.NEW_ORDER].word == "unresolved"


def test_what_was_told_not_to_be_known_is_kept_for_a_day_though_it_was_never_in_doubt() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_fact("i-mine", facts.Done(order()), 1.2)
    made.keep("i-mine", 1.3)
    made.keep("i-mine", 1.4)
    assert of(Forget, wait(made, 80_000.0)) == []
    assert of(Forget, wait(made, 90_000.0)) == [Forget("i-mine")]


def test_of_what_was_lost_without_a_stamp_the_fence_is_as_far_as_any() -> None:
    made, intent = docket(), placement()
    made.open(intent, 1.0)
    made.on_fact(intent.intent_id, facts.Lost("nobody told"), 2.0)
    assert wait(made, 77.0) == []
    assert isinstance(verdict(wait(made, 180.0)), Unresolved)


# ------------------------------------------------------------------------------------------------------ the intents


def test_an_intent_that_is_stamped_already_may_be_on_its_way() -> None:
    made = docket()
    intent = Intent("i-mine", "POST /api/v3/order", placement().params, stamp())
    made.open(intent, 1.0)
    made.on_fact(intent.intent_id, facts.GaveUp(), 1.1)
    assert made.statistics().doubtful == 1


def test_an_intent_opened_twice_is_refused() -> None:
    made = docket()
    made.open(placement(), 1.0)
    with pytest.raises(InvalidArgument, match="another intent has this id"):
        made.open(placement(), 1.0)


def test_no_intent_holds_a_secret() -> None:
    intent = placement(signature="CANARY", apiKey="CANARY")
    assert "CANARY" not in repr(intent)


def test_what_is_no_change_is_no_intent() -> None:
    with pytest.raises(ValueError, match="operation"):
        Intent("i", "GET /api/v3/order", {"symbol": SYMBOL})


def test_facts_about_an_intent_that_nobody_remembers_are_let_pass() -> None:
    made = docket()
    assert made.on_fact("i-other", facts.Lost("late"), 1.0) == []
    assert made.standing("i-other") == {}


def test_while_it_is_not_settled_it_stands_as_unresolved_with_the_evidence_so_far() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    told = standing(made, intent)
    assert isinstance(told, Unresolved)
    assert "the first byte left" in told.evidence


def test_there_is_room_for_so_many_in_doubt() -> None:
    made = docket(most=2)
    assert made.room == 2
    for number in range(3):
        lost(made, placement(f"id-{number}"))
    assert made.room == 0


def test_the_statistics_tell_where_all_stand() -> None:
    made = docket()
    made.open(placement("opened"), 1.0)
    sent(made, placement("sent"))
    lost(made, placement("lost"))
    sent(made, placement("done"))
    made.on_fact("i-done", facts.Done(order(name="done")), 1.5)
    made.on_timer(2.5)
    found = made.statistics()
    assert (found.open, found.doubtful, found.unresolved, found.remembered) == (2, 1, 0, 1)
    assert (found.verdicts, found.questions, found.alarms) == ({"accepted": 1}, 1, 0)


def test_what_was_accepted_is_forgotten_after_a_while() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, facts.Done(order()), 1.5)
    assert wait(made, 121.0) == []
    assert wait(made, 122.0) == [Forget(intent.intent_id)]
    assert made.deadline == float("inf")


def test_a_question_that_nobody_answers_is_asked_again() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert len(of(Query, made.on_timer(2.25))) == 1
    assert of(Query, made.on_timer(20.0)) == []
    assert len(of(Query, made.on_timer(62.25))) == 1


def test_a_timer_that_rings_early_does_nothing() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert made.on_timer(2.1) == []


def test_many_intents_leave_nothing_behind() -> None:
    made = docket()
    for number in range(300):
        intent = placement(f"id-{number}")
        lost(made, intent, 2.0)
        made.on_fact(intent.intent_id, facts.Unanswered("503"), 2.1)
        made.on_fact(intent.intent_id, facts.Done(order(name=f"id-{number}")), 2.2)
    assert wait(made, 80_000.0) == []
    assert len(of(Forget, wait(made, 90_000.0))) == 300
    assert made.statistics().remembered == 0
    assert not made._by_key
    assert not made._keys


# -------------------------------------------------------------------------------------------------- the user stream


def test_a_new_connection_takes_the_witness_of_the_old_one_away() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    made.on_watching(2, 3.0)
    assert isinstance(verdict(wait(made, 100.0)), Unresolved)


def test_a_break_is_nothing_to_what_is_settled() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, facts.Done(order()), 1.5)
    assert made.on_broken("reset", 2.0) == []
    assert made.on_ping(1, 3.0, 3.1) == []


def test_a_pong_while_nothing_is_in_doubt_is_kept_for_later() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_ping(1, FENCE + 1.0, FENCE + 1.1)
    made.on_fact(intent.intent_id, facts.Lost("late"), FENCE + 1.2)
    assert isinstance(verdict(made.on_fact(intent.intent_id, facts.NotFound(FENCE + 1.3), FENCE + 1.4)), Absent)


# ------------------------------------------------------------------------------------------------------- a restart


def remembered(intent: Intent, *stamps: object, **verdicts: object) -> Remembered:
    parts = {Part[name.upper()]: told for name, told in verdicts.items()}
    return Remembered(intent, stamps, parts, START_MS)  # type: ignore[arg-type]


def test_after_a_restart_what_may_have_left_is_found_out() -> None:
    made = docket()
    assert made.restore([remembered(placement(), stamp())], 30.0) == []
    effects = wait(made, 40.0, lambda now: facts.Found(order(), now))
    assert isinstance(verdict(effects), Accepted)
    assert "the process was started anew" in verdict(effects).evidence


def test_after_a_restart_no_stream_is_a_witness() -> None:
    made = docket()
    made.restore([remembered(placement(), stamp())], 1.5)
    assert isinstance(verdict(wait(made, 100.0)), Unresolved)


def test_after_a_restart_what_was_never_stamped_was_not_sent() -> None:
    made = docket()
    [settle] = made.restore([remembered(placement())], 30.0)
    assert isinstance(settle, Settle)
    assert isinstance(settle.verdict, NotSent)


def test_after_a_restart_a_tombstone_still_stands() -> None:
    made, intent = docket(), placement()
    absent = Absent(None, Evidence((Note(START_MS, "absent"),)))
    assert made.restore([remembered(intent, stamp(), whole=absent)], 30.0) == []
    alarm, settle = made.on_seen(order(), 50.0)
    assert isinstance(alarm, Alarm)
    assert alarm.ruled_out_by == absent
    assert isinstance(settle, Settle)
    assert str(settle.verdict.evidence).startswith("22:13:20.000  absent")


def test_after_a_restart_a_tombstone_stands_for_the_rest_of_its_day() -> None:
    made, intent = docket(), placement()
    made.restore([remembered(intent, stamp(), whole=Absent(None, NO_EVIDENCE))], 30.0)
    assert wait(made, DAY - 1.0) == []
    assert wait(made, DAY + 1.0) == [Forget(intent.intent_id)]


def test_after_a_restart_what_is_unresolved_is_still_asked_for() -> None:
    made, intent = docket(), placement()
    told = Unresolved("the user stream broke", NO_EVIDENCE)
    made.restore([remembered(intent, stamp(), whole=told)], 30.0)
    assert standing(made, intent) == told
    effects = wait(made, 100.0, lambda now: facts.Found(order(), now))
    [settle] = of(Settle, effects)
    assert settle.revises == told


def test_after_a_restart_only_the_half_that_is_open_is_found_out() -> None:
    intent = Intent(
        "i-replace",
        "POST /api/v3/order/cancelReplace",
        {"symbol": SYMBOL, "type": "LIMIT", "newClientOrderId": "mine", "cancelOrderId": 6},
    )
    made = docket()
    made.restore([remembered(intent, stamp(), cancel=Rejected(-2011, "Unknown order sent.", None, NO_EVIDENCE))], 30.0)
    assert [query.part for query in of(Query, made.on_timer(made.deadline))] == [Part.NEW_ORDER]
    assert isinstance(standing(made, intent, Part.CANCEL), Rejected)


def test_a_name_is_given_to_one_order_at_a_time_also_while_that_is_on_its_way() -> None:
    made, first = docket(), placement()
    second = attrs.evolve(first, intent_id="i-second")
    made.open(first, 1.0)
    with pytest.raises(InvalidArgument, match="not known yet"):
        made.open(second, 1.0)
    sent(made, attrs.evolve(placement("other"), intent_id="i-other"))
    made.on_fact(first.intent_id, facts.NeverLeft("cancelled"), 1.1)
    made.open(second, 1.2)


def test_who_was_told_that_it_is_not_known_may_ask_for_a_day() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    made.on_seen(order(), 3.0)
    wait(made, 80_000.0)
    assert isinstance(standing(made, intent), Accepted)


def test_it_tells_which_intents_are_pending_and_which_are_not_settled() -> None:
    made, intent = docket(stream=False), placement()
    assert (made.intent(intent.intent_id), made.unsettled, made.pending) == (None, (), 0)
    lost(made, intent)
    assert made.intent(intent.intent_id) == intent
    assert made.is_pending(intent.intent_id)
    assert (made.unsettled, made.pending) == ((intent,), 1)
    wait(made, 200.0)
    assert not made.is_pending(intent.intent_id)
    assert (made.unsettled, made.pending) == ((intent,), 0)
