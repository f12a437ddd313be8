"""Orders and lists that are placed: every way in which it comes out what became of them."""

from __future__ import annotations

import attrs
import pytest

from tests._pure.intents.makers import (
    FENCE,
    SYMBOL,
    docket,
    lost,
    of,
    order,
    order_list,
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
    AskWitness,
    Forget,
    Intent,
    ListQuery,
    NotSent,
    OrderQuery,
    Part,
    Probe,
    Query,
    Rejected,
    SendAgain,
    Settle,
    Sighting,
    Unresolved,
    facts,
)
from trio_binance.errors import Blocked, InvalidArgument
from trio_binance.models import ListOrderStatus, OrderStatus

DUPLICATE = facts.Refused(-2010, "Duplicate order sent.", clashes=True)
OCO = Intent(
    "i-list",
    "POST /api/v3/orderList/oco",
    {"symbol": SYMBOL, "listClientOrderId": "list", "aboveClientOrderId": "up", "belowClientOrderId": "down"},
)

# --------------------------------------------------------------------------------------------- the plain outcomes


def test_an_answer_settles_it() -> None:
    made, intent = docket(), placement()
    assert of(Query, sent(made, intent)) == []
    told = verdict(made.on_fact(intent.intent_id, facts.Done(order()), 1.2))
    assert isinstance(told, Accepted)
    assert told.sighting == order()


def test_a_refusal_settles_it() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    told = verdict(made.on_fact(intent.intent_id, facts.Refused(-2010, "Account has insufficient balance."), 1.2))
    assert isinstance(told, Rejected)
    assert (told.code, told.message) == (-2010, "Account has insufficient balance.")


def test_no_byte_having_left_settles_it() -> None:
    made, intent = docket(), placement()
    made.open(intent, 1.0)
    made.on_fact(intent.intent_id, facts.Sending(stamp()), 1.0)
    told = verdict(made.on_fact(intent.intent_id, facts.NeverLeft("connection refused"), 1.2))
    assert isinstance(told, NotSent)
    assert told.reason == "connection refused"


def test_given_up_before_it_was_stamped_it_was_not_sent() -> None:
    made, intent = docket(), placement()
    made.open(intent, 1.0)
    told = verdict(made.on_fact(intent.intent_id, facts.GaveUp(), 1.2))
    assert isinstance(told, NotSent)
    assert told.reason == "it was given up before it was sent"


def test_given_up_on_its_way_it_is_found_out_all_the_same() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    assert made.on_fact(intent.intent_id, facts.GaveUp(), 1.5) == []
    assert isinstance(standing(made, intent), Unresolved)
    [settle] = of(Settle, wait(made, 5.0, lambda now: facts.Found(order(), now)))
    assert isinstance(settle.verdict, Accepted)


def test_the_user_stream_may_be_faster_than_the_answer() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    assert isinstance(verdict(made.on_seen(order(), 1.1)), Accepted)
    assert made.on_fact(intent.intent_id, facts.Done(order()), 1.2) == []


def test_what_the_stream_tells_as_rejected_is_rejected() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert isinstance(verdict(made.on_seen(order(OrderStatus.REJECTED), 3.0)), Rejected)


def test_an_answer_that_comes_late_counts() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert isinstance(verdict(made.on_fact(intent.intent_id, facts.Done(order()), 30.0)), Accepted)


def test_an_answer_that_never_comes_is_missed_at_the_fence() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    assert FENCE < made.deadline < FENCE + 0.01
    effects = wait(made, 30.0)
    assert isinstance(verdict(effects), Absent)
    assert "no answer until the fence" in verdict(effects).evidence


# --------------------------------------------------------------------------------------------------- three witnesses


def test_three_witnesses_make_it_absent() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    effects = wait(made, 30.0)
    told = verdict(effects)
    assert isinstance(told, Absent)
    for words in ("connection reset", "-2013", "the fence has passed", "silent, and answered a ping", "absent"):
        assert words in told.evidence


def test_the_trader_reads_why_in_plain_words_with_the_time_of_day() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert str(verdict(wait(made, 30.0)).evidence).splitlines() == [
        f"22:13:21.000  about to be sent ({stamp()}): the user stream on connection 1 watches",
        "22:13:21.000  the first byte left",
        "22:13:22.000  outcome unknown: connection reset",
        "22:13:37.750  a query says that it does not exist (-2013) (6 times)",
        "22:13:41.001  the fence has passed: it cannot begin any more",
        "22:13:41.001  the user stream was silent, and answered a ping sent after the fence",
        "22:13:41.001  a query says that it does not exist (-2013)",
        "22:13:41.001  absent: three witnesses agree that it had no effect",
    ]


def test_a_stamp_says_how_and_when_it_was_sent() -> None:
    assert str(stamp()) == "rest, timestamp 22:13:21.000, recvWindow 5000 ms"


def test_nothing_is_concluded_before_the_fence() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert wait(made, FENCE) == []
    made.on_ping(1, FENCE, FENCE)
    assert isinstance(standing(made, intent), Unresolved)


def test_a_query_from_before_the_fence_is_no_witness() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert wait(made, 40.0, lambda now: facts.NotFound(FENCE - 1.0)) == []


def test_a_ping_from_before_the_fence_is_no_witness() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    wait(made, 21.5, pong=False)
    assert made.on_ping(1, FENCE - 0.1, 22.0) == []


def test_a_ping_that_nobody_answers_is_sent_again() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert len(of(AskWitness, wait(made, 33.0, pong=False))) == 3


def test_one_ping_serves_all_that_wait_for_it() -> None:
    made = docket()
    for name in ("one", "two"):
        lost(made, placement(name))
    assert len(of(AskWitness, made.on_timer(FENCE + 0.01))) == 1


def test_the_ping_of_another_connection_is_no_witness() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    wait(made, 30.0, pong=False)
    assert made.on_ping(2, 29.0, 30.0) == []
    assert isinstance(verdict(made.on_ping(1, 29.0, 30.0)), Absent)


@pytest.mark.parametrize("broken_at", (1.5, 10.0, 20.9))
def test_a_stream_that_broke_meanwhile_leaves_it_unresolved(broken_at: float) -> None:
    made, intent = docket(), placement()
    lost(made, intent, 1.4)
    wait(made, broken_at)
    made.on_broken("connection lost", broken_at)
    made.on_watching(2, broken_at + 1.0)
    told = verdict(wait(made, 100.0))
    assert isinstance(told, Unresolved)
    assert told.reason.startswith("the user stream does not reach back")
    assert "the user stream broke: connection lost" in told.evidence


def test_a_stream_that_stood_only_afterwards_is_no_witness() -> None:
    made, intent = docket(stream=False), placement()
    lost(made, intent)
    made.on_watching(1, 2.5)
    assert isinstance(verdict(wait(made, 100.0)), Unresolved)


def test_a_stream_that_is_silent_to_pings_leaves_it_unresolved() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    told = verdict(of(Settle, wait(made, 100.0, pong=False)))
    assert isinstance(told, Unresolved)
    assert told.reason == "the user stream has not answered since the fence"


def test_queries_that_all_fail_leave_it_unresolved() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    told = verdict(wait(made, 100.0, lambda now: facts.Unanswered("503")))
    assert isinstance(told, Unresolved)
    assert told.reason == "no query was answered since the fence"


def test_what_is_unresolved_is_asked_for_seldom_and_settled_by_what_is_seen() -> None:
    made, intent = docket(stream=False), placement()
    lost(made, intent)
    first = verdict(wait(made, 100.0))
    effects = wait(made, 3600.0, lambda now: facts.Found(order(), now) if now > 3000 else facts.NotFound(now))
    [settle] = of(Settle, effects)
    assert isinstance(settle.verdict, Accepted)
    assert settle.revises == first
    assert of(Alarm, effects) == []


def test_what_stays_unresolved_is_forgotten_after_a_day() -> None:
    made, intent = docket(stream=False), placement()
    lost(made, intent)
    effects = wait(made, 90_000.0)
    assert of(Forget, effects) == [Forget(intent.intent_id)]
    assert made.standing(intent.intent_id) == {}


def test_an_order_of_an_earlier_intent_is_not_taken_for_ours_however_young_it_is() -> None:
    made, first = docket(), placement()
    sent(made, first)
    made.on_fact(first.intent_id, facts.Done(order(order_id=5, at=1.0)), 1.01)
    second = attrs.evolve(first, intent_id="i-second")
    made.open(second, 1.1)
    made.on_fact("i-second", facts.Sending(stamp(1.1)), 1.1)
    made.on_fact("i-second", facts.Refused(-2010, "Duplicate order sent.", clashes=True), 1.2)
    effects = made.on_fact("i-second", facts.Found(order(order_id=5, at=1.0), 1.3), 1.4)
    assert isinstance(verdict(effects), Rejected)


# ---------------------------------------------------------------------------------------- the matching engine's word


def test_the_engines_word_and_a_late_query_make_it_absent_without_a_stream() -> None:
    made, intent = docket(stream=False), placement()
    lost(made, intent)
    wait(made, 50.0)
    made.on_fact(intent.intent_id, facts.NotOpen(50.0), 50.1)
    assert of(Settle, wait(made, 169.0)) == []  # A copy may still be behind.
    assert isinstance(verdict(wait(made, 400.0)), Absent)


@pytest.mark.parametrize("more", ({"type": "MARKET"}, {"timeInForce": "IOC"}))
def test_of_what_does_not_rest_the_engines_word_says_nothing(more: dict[str, str]) -> None:
    made, intent = docket(stream=False), placement(**more)
    lost(made, intent)
    wait(made, 50.0)
    made.on_fact(intent.intent_id, facts.NotOpen(50.0), 50.1)
    wait(made, 600.0)
    assert isinstance(standing(made, intent), Unresolved)


def test_the_engines_word_from_before_the_fence_says_nothing() -> None:
    made, intent = docket(stream=False), placement()
    lost(made, intent)
    made.on_fact(intent.intent_id, facts.NotOpen(3.0), 3.1)
    wait(made, 600.0)
    assert isinstance(standing(made, intent), Unresolved)


def test_what_may_be_probed_is_probed_once_after_the_fence() -> None:
    made, intent = docket(stream=False, probe=True), placement()
    lost(made, intent)
    effects = wait(made, 100.0)
    assert of(Probe, effects) == [Probe(intent.intent_id, Part.WHOLE, OrderQuery(SYMBOL, None, "mine"))]


@pytest.mark.parametrize("shown", (facts.Unanswered("503"), facts.Found(order(at=-100.0), 30.0)))
def test_an_older_order_of_the_name_is_not_probed_away(shown: facts.Fact) -> None:
    made, intent = docket(stream=False, probe=True), placement()
    lost(made, intent)
    assert of(Probe, wait(made, 600.0, lambda now: shown)) == []


def test_after_a_duplicate_nothing_is_probed_away() -> None:
    made, intent = docket(stream=False, probe=True), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, DUPLICATE, 1.2)
    assert of(Probe, wait(made, 600.0)) == []


# ----------------------------------------------------------------------------------------------------- late execution


def test_a_late_execution_of_what_was_taken_for_absent_is_an_alarm_and_revives_it() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    absent = verdict(wait(made, 30.0))
    alarm, settle = made.on_seen(order(), 80_000.0)
    assert isinstance(alarm, Alarm)
    assert alarm.ruled_out_by == absent
    assert "ALARM: it was taken for absent" in alarm.evidence
    assert isinstance(settle, Settle)
    assert isinstance(settle.verdict, Accepted)
    assert settle.revises == absent
    assert made.statistics().alarms == 1


def test_a_tombstone_stands_for_a_day() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    wait(made, 30.0)
    assert wait(made, 86_400.0) == []
    assert wait(made, 86_500.0) == [Forget(intent.intent_id)]
    assert made.on_seen(order(), 86_600.0) == []


@pytest.mark.parametrize(
    "fact", (facts.Refused(-2010, "Account has insufficient balance."), facts.NeverLeft("pool timeout"))
)
def test_an_execution_of_what_was_not_to_be_is_an_alarm(fact: facts.Fact) -> None:
    made, intent = docket(), placement()
    made.open(intent, 1.0)
    made.on_fact(intent.intent_id, facts.Sending(stamp()), 1.0)
    made.on_fact(intent.intent_id, fact, 1.5)
    alarm, settle = made.on_seen(order(), 3.0)
    assert isinstance(alarm, Alarm)
    assert isinstance(settle, Settle)


def test_a_byte_of_what_was_not_sent_is_an_alarm_and_is_looked_into() -> None:
    made, intent = docket(), placement()
    made.open(intent, 1.0)
    made.on_fact(intent.intent_id, facts.Sending(stamp()), 1.0)
    made.on_fact(intent.intent_id, facts.NeverLeft("pool timeout"), 1.5)
    assert len(of(Alarm, made.on_fact(intent.intent_id, facts.Left(), 1.6))) == 1
    assert made.statistics().doubtful == 1


def test_no_byte_of_what_has_left_is_looked_into() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    assert made.on_fact(intent.intent_id, facts.NeverLeft("the router says so"), 1.5) == []
    assert made.statistics().doubtful == 1


# --------------------------------------------------------------------------------------------------- reused names


def test_an_older_order_of_the_same_id_is_not_taken_for_this_one() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    told = verdict(wait(made, 100.0, lambda now: facts.Found(order(OrderStatus.FILLED, at=-100.0), now)))
    assert isinstance(told, Absent)
    assert made.on_seen(order(OrderStatus.CANCELED, at=-100.0), 101.0) == []


def test_an_older_order_is_no_answer_that_nothing_is_there_where_the_engine_is_the_witness() -> None:
    made, intent = docket(stream=False), placement()
    lost(made, intent)
    made.on_fact(intent.intent_id, facts.NotOpen(50.0), 50.1)
    wait(made, 600.0, lambda now: facts.Found(order(OrderStatus.FILLED, at=-100.0), now))
    assert isinstance(standing(made, intent), Unresolved)


def test_a_duplicate_is_adopted_when_it_is_ours() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    assert made.on_fact(intent.intent_id, DUPLICATE, 1.2) == []
    assert isinstance(verdict(wait(made, 5.0, lambda now: facts.Found(order(), now))), Accepted)


def test_a_duplicate_of_an_older_order_is_a_refusal() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, DUPLICATE, 1.2)
    told = verdict(wait(made, 5.0, lambda now: facts.Found(order(at=-100.0), now)))
    assert isinstance(told, Rejected)
    assert (told.code, told.sighting) == (-2010, order(at=-100.0))


def test_a_duplicate_of_which_the_stream_knows_nothing_is_a_refusal() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, DUPLICATE, 1.2)
    assert isinstance(verdict(wait(made, 30.0, lambda now: facts.Unanswered("503"))), Rejected)


def test_a_duplicate_that_nobody_shows_is_unresolved_and_a_refusal_once_the_older_order_is_seen() -> None:
    made, intent = docket(stream=False), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, DUPLICATE, 1.2)
    assert isinstance(verdict(wait(made, 100.0)), Unresolved)
    assert isinstance(verdict(made.on_seen(order(at=-100.0), 101.0)), Rejected)


def test_what_is_in_doubt_cannot_be_placed_again() -> None:
    made = docket()
    lost(made, placement())
    again = Intent("i-again", "POST /api/v3/order", placement().params)
    with pytest.raises(InvalidArgument, match="not known yet: i-mine"):
        made.open(again, 3.0)


BLOCKED = facts.of_error(Blocked("403 Forbidden", status=403, operation="POST /api/v3/order"))


def test_what_was_blocked_at_the_edge_is_refused_and_asked_for_once_when_the_block_may_be_over() -> None:
    made = docket()
    sent(made, placement())
    assert isinstance(verdict(made.on_fact("i-mine", BLOCKED, 1.2)), Rejected)
    assert made.on_timer(331.0) == []
    for now in (331.2, 661.2):
        assert made.on_timer(now) == [Query("i-mine", Part.WHOLE, OrderQuery(SYMBOL, None, "mine"))]
        made.on_fact("i-mine", facts.Unanswered("blocked"), now)
    assert len(of(Query, made.on_timer(991.2))) == 1
    assert made.on_fact("i-mine", facts.NotFound(991.2), 991.3) == []
    assert isinstance(standing(made, placement()), Rejected)
    assert wait(made, 90_000.0) == [Forget("i-mine")]


def test_an_order_that_got_through_in_spite_of_the_block_is_an_alarm() -> None:
    made = docket()
    sent(made, placement())
    made.on_fact("i-mine", BLOCKED, 1.2)
    made.on_timer(331.2)
    effects = made.on_fact("i-mine", facts.Found(order(), 331.2), 331.3)
    assert [type(effect) for effect in effects] == [Alarm, Settle]
    assert isinstance(standing(made, placement()), Accepted)


def test_what_was_blocked_and_placed_anew_is_not_asked_for() -> None:
    made = docket()
    sent(made, placement())
    made.on_fact("i-mine", BLOCKED, 1.2)
    sent(made, Intent("i-again", placement().operation, placement().params), 10.0)
    made.on_fact("i-again", facts.Done(order(at=10.1)), 10.2)
    assert of(Query, wait(made, 1000.0)) == []
    assert made.statistics().questions == 0


def test_what_was_refused_gives_its_name_to_the_next() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, facts.Refused(-2010, "Account has insufficient balance."), 1.2)
    again = Intent("i-again", "POST /api/v3/order", intent.params)
    sent(made, again, 2.0)
    [settle] = made.on_seen(order(order_id=8, at=2.1), 2.2)
    assert isinstance(settle, Settle)
    assert settle.intent_id == "i-again"


def test_what_was_filled_leaves_its_name_to_the_next() -> None:
    made, intent = docket(), placement()
    sent(made, intent)
    made.on_fact(intent.intent_id, facts.Done(order()), 1.2)
    again = Intent("i-again", "POST /api/v3/order", intent.params)
    sent(made, again, 2.0)
    [settle] = made.on_seen(order(order_id=8, at=2.1), 2.2)
    assert isinstance(settle, Settle)
    assert settle.intent_id == "i-again"


def test_the_order_of_another_program_is_nobodys() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert made.on_seen(order(name="theirs", order_id=9), 2.5) == []


def test_a_query_that_shows_another_order_settles_nothing() -> None:
    made, intent = docket(), placement()
    lost(made, intent)
    assert made.on_fact(intent.intent_id, facts.Found(order(name="theirs"), 2.5), 2.6) == []
    assert made.on_fact(intent.intent_id, facts.Found(order_list(), 2.5), 2.6) == []
    assert made.on_fact(intent.intent_id, facts.FoundOpen((order(),), 2.5), 2.6) == []


# ------------------------------------------------------------------------------------------------------ order lists


def test_a_list_is_asked_for_by_its_own_name() -> None:
    made = docket()
    lost(made, OCO)
    [query] = of(Query, made.on_timer(3.0))
    assert query.question == ListQuery(None, "list")


@pytest.mark.parametrize(
    "sighting", (order_list(), order(name="up", order_list_id=3), order(name="down", order_list_id=3))
)
def test_all_orders_of_a_list_share_its_fate(sighting: Sighting) -> None:
    made = docket()
    lost(made, OCO)
    assert isinstance(verdict(made.on_seen(sighting, 3.0)), Accepted)


def test_a_list_that_is_told_as_rejected_is_rejected() -> None:
    made = docket()
    lost(made, OCO)
    assert isinstance(verdict(made.on_seen(order_list(ListOrderStatus.REJECT), 3.0)), Rejected)


@pytest.mark.parametrize(
    "sighting",
    (
        order(OrderStatus.REJECTED, name="up", order_list_id=3),
        order(name="up"),
        order(name="up", order_list_id=3, at=-10.0),
        order_list(at=-10.0),
        order_list(name="theirs"),
    ),
)
def test_what_does_not_show_the_list_settles_nothing(sighting: Sighting) -> None:
    made = docket()
    lost(made, OCO)
    assert made.on_seen(sighting, 3.0) == []


def test_a_duplicate_of_an_older_list_is_a_refusal() -> None:
    made = docket()
    sent(made, OCO)
    made.on_fact(OCO.intent_id, DUPLICATE, 1.2)
    assert isinstance(verdict(made.on_seen(order_list(at=-10.0), 3.0)), Rejected)


def test_a_list_that_nobody_shows_is_absent() -> None:
    made = docket()
    lost(made, OCO)
    assert isinstance(verdict(wait(made, 30.0)), Absent)


# ------------------------------------------------------------------------------------------------- nothing is sent


def test_no_order_is_ever_sent_again() -> None:
    for intent in (placement(), OCO):
        made = docket(stream=False)
        lost(made, intent)
        assert of(SendAgain, wait(made, 90_000.0)) == []
