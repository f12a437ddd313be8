"""Which socket carries which stream."""

from __future__ import annotations

from itertools import chain
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.shards import place

names = st.sets(st.integers(0, 60).map(lambda number: f"s{number}@trade"))


@given(wanted=st.lists(st.integers(0, 60).map(lambda number: f"s{number}@trade")), sockets=st.data())
def test_every_stream_has_one_place_none_moves_and_no_socket_has_too_many(
    wanted: list[str], sockets: st.DataObject
) -> None:
    limit = sockets.draw(st.integers(1, 12))
    free = set(sockets.draw(names))
    sizes = sockets.draw(st.lists(st.integers(0, limit), max_size=5))
    carried = [{free.pop() for _ in range(min(size, len(free)))} for size in sizes]

    places = place(wanted, carried, limit=limit)

    assert sorted(chain(*places)) == sorted(set(wanted))
    everywhere = set(chain(*carried))
    for there, new in zip(carried, places, strict=False):
        assert {name for name in new if name in everywhere} <= there
        assert len(there | set(new)) <= limit
    assert all(0 < len(new) <= limit for new in places[len(carried) :])
    room = sum(limit - len(there) for there in carried)
    homeless = len(set(wanted) - everywhere)
    assert len(places) - len(carried) == max(0, ceil((homeless - room) / limit))


def test_the_fullest_socket_with_room_is_filled_first_so_that_the_others_run_empty() -> None:
    carried = [{"a"}, {"b", "c", "d"}, {"e", "f"}]
    assert place(["x", "y", "z", "e"], carried, limit=3) == [["y", "z"], [], ["e", "x"]]


def test_a_socket_that_carries_more_than_a_lowered_limit_gets_nothing_new() -> None:
    assert place(["x"], [{"a", "b", "c"}], limit=2) == [[], ["x"]]
