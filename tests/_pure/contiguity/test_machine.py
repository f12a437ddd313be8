"""The machine: what waits, what is asked for and when, and what is told when it cannot be had."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests._pure.contiguity.items import BOUNDS, Tick, machine, ticks, told
from trio_binance._pure.contiguity import Ask, Contiguity, Filled
from trio_binance.models import Gap, GapReason, UnknownEvent

NEVER = float("inf")


def bring(to: Contiguity[Any], *numbers: int, symbol: str = "A", room: int = 1000, now: float = 0.0) -> list[Any]:
    return told(to.on_batch(ticks(*numbers, symbol=symbol), room, now))


def asked(of: Contiguity[Any], now: float | None = None) -> Ask:
    """Return the one question that is due, at its time or then."""
    [ask] = of.on_timer(of.deadline if now is None else now)
    return ask


# ------------------------------------------------------------------------------------------------- good order


def test_the_first_item_begins_a_series_and_all_that_join_are_handed_out() -> None:
    one = machine()
    assert bring(one, 7, 8) == [7, 8]
    assert bring(one, 9) == [9]
    assert not one.is_troubled
    assert one.deadline == NEVER
    assert one.on_timer(1e9) == []


def test_items_in_good_order_pass_by_up_to_the_first_that_is_not() -> None:
    one = machine()
    assert one.pass_by(ticks(1, 2)) == 0  # nobody knows yet where it begins
    bring(one, 1)
    assert one.pass_by(ticks(2, 3, 5, 6)) == 2
    assert one.pass_by(ticks(4)) == 1
    assert one.pass_by(ticks(5, symbol="B")) == 0


def test_a_symbol_is_heard_of_once_anything_came_of_it() -> None:
    one = machine()
    assert not one.has_heard("A")
    bring(one, 7)
    assert one.has_heard("A")
    assert not one.has_heard("B")
    bring(one, 9, room=0, symbol="B")
    assert one.has_heard("B")


def test_what_comes_again_is_not_handed_out_again() -> None:
    one = machine()
    bring(one, 1, 2)
    assert one.pass_by(ticks(2)) == 0
    assert bring(one, 2, 1, 3) == [3]
    bring(one, 5)
    assert bring(one, 5) == []
    assert one.statistics().repeated == 3


def test_what_is_of_no_series_passes_if_there_is_room() -> None:
    one, other = machine(), UnknownEvent("a@trade", "news", {})
    bring(one, 1)
    assert one.pass_by([*ticks(2), other, *ticks(3)]) == 1
    assert one.on_batch([other, *ticks(3)], 10, 0.0) == [other, Tick("A", 3)]
    assert one.on_batch([other], 0, 0.0) == []


# ------------------------------------------------------------------------------------------------------- holes


def test_behind_a_hole_items_wait_and_other_series_do_not() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 1, symbol="B")
    assert bring(one, 3, 4) == []
    assert one.is_troubled
    assert not one.is_ready
    assert bring(one, 2, symbol="B") == [2]
    assert one.pass_by(ticks(3, symbol="B")) == 1
    assert one.pass_by(ticks(5)) == 0
    figures = one.statistics()
    assert (figures.holes, figures.waiting) == (1, 2)


def test_what_was_only_late_fills_the_hole_and_nothing_is_asked() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4, 3, now=10.0)
    assert one.deadline == 10.5
    assert bring(one, 2, now=10.4) == [2, 3, 4]
    assert one.deadline == NEVER
    assert one.take_news() == []


def test_what_is_missing_is_asked_for_once_and_handed_out_before_what_waits() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4, now=10.0)
    ask = asked(one)
    assert ask == Ask("A", 2, 3, 2, 70.5)
    assert bring(one, 5, now=10.9) == []
    assert one.deadline == NEVER
    assert one.on_timer(11.0) == []
    one.on_page(ask, ticks(2, 3), 11.0, full=True)
    assert one.is_ready
    assert told(one.take(10, 11.0)) == [2, 3, 4, 5]
    assert one.take_news() == [Filled("A", 2)]
    assert one.take_news() == []
    assert one.statistics().recovered == 2
    assert bring(one, 6) == [6]


def test_one_hole_after_the_other_is_asked_for() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 3, 6)
    first = asked(one)
    one.on_page(first, ticks(2), 1.0, full=True)
    assert told(one.take(10, 1.0)) == [2, 3]
    second = asked(one)
    assert (second.first, second.last) == (4, 5)
    one.on_page(second, ticks(4, 5), 2.0, full=True)
    assert told(one.take(10, 2.0)) == [4, 5, 6]


def test_a_large_hole_is_asked_for_page_by_page_at_once() -> None:
    one = machine()
    bring(one, 0)
    bring(one, 7)
    one.on_page(asked(one, 1.0), ticks(1, 2, 3), 1.0, full=True)
    told(one.take(10, 1.0))
    assert one.deadline == 1.0
    one.on_page(asked(one), ticks(4, 5, 6), 1.5, full=True)
    assert told(one.take(10, 1.5)) == [4, 5, 6, 7]


def test_no_more_is_asked_at_the_same_time_than_may_and_the_longest_waiting_first() -> None:
    one = machine(attrs.evolve(BOUNDS, questions=1))
    for symbol in "AB":
        bring(one, 1, symbol=symbol)
    bring(one, 3, symbol="A", now=2.0)
    bring(one, 3, symbol="B", now=1.0)
    ask = asked(one, 10.0)
    assert ask.symbol == "B"
    assert one.deadline == NEVER
    assert one.on_timer(11.0) == []
    one.on_page(ask, ticks(2, symbol="B"), 11.0, full=True)
    assert asked(one, 11.0).symbol == "A"


# ------------------------------------------------------------------------------------- lag, failures, giving up


def test_a_replica_that_lags_is_asked_again_after_longer_and_longer_pauses() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4)
    now, pauses = 0.5, []
    while not one.is_ready:
        ask = asked(one, now)
        one.on_page(ask, [], now, full=False)
        pauses.append(one.deadline - now)
        now = one.deadline
        if len(pauses) == 7:
            ask = asked(one, now)
            one.on_page(ask, ticks(2, 3), now, full=True)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert told(one.take(10, now)) == [2, 3, 4]


def test_a_part_is_progress_and_the_rest_has_all_the_time_again() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4)
    first = asked(one)
    one.on_page(first, ticks(2), 50.0, full=False)
    assert told(one.take(10, 50.0)) == [2]
    second = asked(one, 55.0)
    assert (second.first, second.last, second.give_up_at) == (3, 3, 115.0)


@pytest.mark.parametrize("is_answered", [True, False])
def test_what_cannot_be_had_in_time_is_told_in_its_place(is_answered: bool) -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4, 5, now=100.0)
    now = 100.5
    while not one.is_ready:
        ask = asked(one, now)
        assert ask.give_up_at == 160.5
        if is_answered:
            one.on_page(ask, [], now, full=False)
        else:
            one.on_failure(ask, now, refused=False)
        now = min(one.deadline, 1000.0)
    assert one.take(10, 200.0) == [Gap("A", 2, 3, GapReason.TIMEOUT), *ticks(4, 5)]
    assert one.take_news() == [Gap("A", 2, 3, GapReason.TIMEOUT)]
    assert bring(one, 3, 6) == [6]
    assert one.statistics().gaps == 1


def test_the_time_a_consumer_takes_is_not_counted_against_the_exchange() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4)
    one.on_failure(asked(one, 1.0), 1.0, refused=False)
    assert asked(one, 500.0).give_up_at == 560.0


def test_a_refusal_is_final() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4)
    one.on_failure(asked(one), 1.0, refused=True)
    assert told(one.take(10, 1.0)) == [(2, 3, "REFUSED"), 4]


def test_what_the_exchange_does_not_have_is_told_after_the_third_time_that_it_has_only_later_items() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4, 9)
    for _ in range(3):
        assert not one.is_ready
        one.on_page(asked(one), ticks(4, 5), 0.0, full=True)
    assert told(one.take(10, 1.0)) == [(2, 3, "ABSENT"), 4, 5]
    one.on_page(asked(one), ticks(6, 7, 8), 1.0, full=True)
    assert told(one.take(10, 1.0)) == [6, 7, 8, 9]


def test_of_more_than_may_be_asked_for_the_newest_are() -> None:
    one = machine(attrs.evolve(BOUNDS, items=3))
    bring(one, 1)
    bring(one, 11)
    ask = asked(one)
    assert (ask.first, ask.last) == (8, 10)
    assert told(one.take(10, 1.0)) == [(2, 7, "TOO_MANY")]
    one.on_page(ask, ticks(8, 9, 10), 1.0, full=True)
    assert told(one.take(10, 1.0)) == [8, 9, 10, 11]


# ------------------------------------------------------------------------------------------------ slow consumers


def test_what_finds_no_room_waits_and_what_finds_no_place_to_wait_is_asked_for_later() -> None:
    one = machine(attrs.evolve(BOUNDS, waiting=2))
    assert bring(one, 1, 2, 3, 4, 5, 6, 7, room=2) == [1, 2]
    assert one.is_ready
    assert one.deadline == NEVER  # what was got is handed out first
    figures = one.statistics()
    assert (figures.postponed, figures.waiting, figures.holes) == (3, 2, 1)
    assert (one.room, machine().room) == (0, 100)
    assert told(one.take(1, 1.0)) == [3]
    assert told(one.take(1, 1.0)) == [4]
    ask = asked(one, 10.0)
    assert (ask.first, ask.last) == (5, 7)
    one.on_page(ask, ticks(5, 6, 7), 10.0, full=True)
    assert told(one.take(10, 10.0)) == [5, 6, 7]
    assert bring(one, 8) == [8]


def test_the_last_that_is_known_to_exist_is_not_forgotten_for_an_earlier_one() -> None:
    one = machine(attrs.evolve(BOUNDS, waiting=1))
    bring(one, 1)
    bring(one, 3, 9, 5)
    one.on_page(asked(one), ticks(2), 1.0, full=True)
    assert told(one.take(10, 1.0)) == [2, 3]
    ask = asked(one)
    assert (ask.first, ask.last) == (4, 9)


def test_room_that_came_back_is_used_before_anything_is_postponed() -> None:
    one = machine(attrs.evolve(BOUNDS, waiting=1))
    assert bring(one, 1, 2, room=1) == [1]
    assert bring(one, 3, room=1) == [2]
    assert one.statistics().postponed == 0


def test_room_is_shared_by_turns() -> None:
    one = machine()
    for symbol in "AB":
        bring(one, 1, symbol=symbol)
        assert bring(one, 2, 3, symbol=symbol, room=0) == []
    taken: list[Any] = [one.take(1, 1.0)[0] for _ in range(4)]
    assert [(item.symbol, item.number) for item in taken] == [("A", 2), ("B", 2), ("A", 3), ("B", 3)]
    assert one.take(5, 1.0) == []


# --------------------------------------------------------------------------------------------- beginning, silence


def test_from_a_stored_id_on_all_there_is_comes_first_then_what_the_stream_brought_meanwhile() -> None:
    one = machine(attrs.evolve(BOUNDS, items=2), starts={"A": 3})
    assert bring(one, 8, 9) == []
    ask = asked(one, 0.0)
    assert (ask.first, ask.last) == (3, 7)
    one.on_page(ask, ticks(3, 4), 1.0, full=True)
    assert told(one.take(10, 1.0)) == [3, 4]
    one.on_page(asked(one), ticks(5, 6, 7), 2.0, full=True)
    assert told(one.take(10, 2.0)) == [5, 6, 7, 8, 9]
    assert not one.is_troubled
    assert one.take_news() == [Filled("A", 5)]


def test_from_a_stored_id_on_a_silent_market_is_asked_until_it_has_no_more() -> None:
    one = machine(starts={"A": 3})
    ask = asked(one, 0.0)
    assert (ask.first, ask.last, ask.count) == (3, None, None)
    one.on_page(ask, ticks(3, 4), 1.0, full=True)
    told(one.take(10, 1.0))
    one.on_page(asked(one), [], 2.0, full=False)
    assert not one.is_troubled
    assert bring(one, 5) == [5]


def test_a_beginning_that_cannot_be_asked_for_becomes_a_hole_when_the_stream_speaks() -> None:
    one = machine(starts={"A": 3})
    one.on_failure(asked(one, 0.0), 1.0, refused=False)
    one.on_failure(asked(one, 59.0), 59.5, refused=False)
    assert not one.is_troubled
    bring(one, 5, now=70.0)
    one.on_failure(asked(one), 71.0, refused=True)
    assert told(one.take(10, 71.0)) == [(3, 4, "REFUSED"), 5]


def test_series_of_which_nothing_was_heard_are_told_and_can_be_looked_at() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 1, symbol="B")
    assert one.quiet() == []
    bring(one, 2, symbol="B")
    [quiet] = one.quiet()
    assert (quiet.symbol, quiet.edge, quiet.stride, quiet.last) == ("A", 2, 1, Tick("A", 1))
    assert one.pass_by(ticks(3, symbol="B")) == 1
    assert one.quiet()[0].symbol == "A"
    assert {quiet.symbol: quiet.last for quiet in one.quiet()}["B"] == Tick("B", 3)
    one.look("A", 10.0)
    ask = asked(one, 10.5)
    assert (ask.first, ask.last) == (2, None)
    one.on_page(ask, ticks(2, 3), 11.0, full=False)
    assert told(one.take(10, 11.0)) == [2, 3]
    assert not one.is_troubled


def test_what_the_exchange_says_it_has_is_missing() -> None:
    one = machine()
    bring(one, 1)
    one.look("A", 10.0, 1)
    assert not one.is_troubled
    one.look("A", 10.0, 3)
    assert (asked(one).first, one.statistics().holes) == (2, 1)
    one.look("A", 10.0, 7)
    one.look("B", 10.0, 7)
    assert one.quiet() == []


def test_a_look_that_fails_leaves_nothing() -> None:
    one = machine()
    bring(one, 1)
    one.look("A", 10.0)
    one.on_failure(asked(one, 10.5), 11.0, refused=True)
    assert not one.is_troubled
    assert one.take_news() == []


def test_after_a_restart_everything_is_asked_again_and_late_answers_are_nobodys() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 4)
    bring(one, 4, symbol="B")
    ask = asked(one)
    one.forget_questions(20.0)
    one.on_page(ask, ticks(2, 3), 21.0, full=True)
    one.on_failure(ask, 21.0, refused=True)
    assert one.deadline == 20.0
    again = asked(one)
    assert (again.first, again.last) == (2, 3)


def test_an_answer_to_a_question_that_has_settled_itself_does_no_harm() -> None:
    one = machine()
    bring(one, 1)
    bring(one, 3)
    ask = asked(one)
    assert bring(one, 2) == [2, 3]
    one.on_page(ask, [UnknownEvent("a", None, {}), *ticks(2)], 1.0, full=True)
    assert not one.is_troubled
    assert one.statistics().recovered == 0
