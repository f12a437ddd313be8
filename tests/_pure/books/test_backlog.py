"""The backlog: one run of events without holes, bounded, and what of it goes on from a snapshot."""

from __future__ import annotations

from tests._pure.books.truth import event
from trio_binance._pure.books.backlog import Backlog


def backlog(*spans: tuple[int, int], most: int = 10, most_levels: int = 100) -> Backlog:
    made = Backlog(most, most_levels)
    for first, last in spans:
        made.add(event(first, last, [("1.0", "1")]))
    return made


def spans(made: Backlog, update_id: int) -> list[tuple[int, int]] | None:
    found = made.after(update_id)
    return None if found is None else [(one.first_update_id, one.last_update_id) for one in found]


def test_the_first_event_after_a_snapshot_straddles_it_or_begins_one_after_it() -> None:
    made = backlog((1, 4), (5, 8), (9, 9))
    assert spans(made, 4) == [(5, 8), (9, 9)]
    assert spans(made, 5) == [(5, 8), (9, 9)]
    assert spans(made, 0) == [(1, 4), (5, 8), (9, 9)]


def test_a_snapshot_older_than_all_events_leaves_a_hole() -> None:
    assert spans(backlog((5, 8)), 3) is None


def test_a_snapshot_newer_than_all_events_needs_none_of_them() -> None:
    assert spans(backlog((5, 8)), 8) == spans(backlog((5, 8)), 100) == spans(backlog(), 7) == []


def test_what_comes_before_a_hole_is_forgotten() -> None:
    made = backlog((1, 4), (6, 8))
    assert len(made) == 1
    assert spans(made, 4) is None
    assert spans(made, 5) == [(6, 8)]


def test_the_oldest_events_go_when_there_are_too_many_of_them_or_of_their_levels() -> None:
    assert spans(backlog((1, 1), (2, 2), (3, 3), most=2), 1) == [(2, 2), (3, 3)]
    assert spans(backlog((1, 1), (2, 2), (3, 3), most_levels=2), 1) == [(2, 2), (3, 3)]
    assert len(backlog((1, 1), most_levels=0)) == 1


def test_there_is_room_until_either_bound_is_reached() -> None:
    assert backlog((1, 1), (2, 2), most=5).room == 3
    assert backlog((1, 1), (2, 2), most_levels=2).room == 0
    made = backlog((1, 1), (2, 2), most=2)
    assert made.room == 0
    made.clear()
    assert (made.room, len(made)) == (2, 0)
