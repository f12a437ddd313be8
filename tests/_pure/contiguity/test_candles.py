"""Candles: the closed ones once each and in order, and in between how the running one grows."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.contiguity.items import BOUNDS, BarEvent, bar, candles
from trio_binance.models import Gap, UnknownEvent


def told(items: list[Any]) -> list[Any]:
    """Return closed candles as their times, running ones as their times and moments, gaps as triples."""
    return [
        (item.first, item.last, item.reason.name)
        if isinstance(item, Gap)
        else item.candle.open_time
        if item.candle.is_closed
        else (item.candle.open_time, item.event_time)
        for item in items
    ]


def test_the_running_candle_is_told_as_it_grows_and_closes_once() -> None:
    one = candles()
    batch = [bar(20, 21, closed=False), bar(20, 23, closed=False), bar(20, 30), bar(30, 31, closed=False)]
    assert told(one.on_batch(batch[:1], 10, 0.0)) == [(20, 21)]
    assert one.pass_by(batch[1:]) == 3
    assert one.pass_by([bar(30, 40), bar(50, 51)]) == 1
    assert told(one.on_batch([bar(40, 41, closed=False)], 10, 0.0)) == [(40, 41)]
    assert not one.is_troubled


def test_a_state_that_is_older_than_what_was_told_is_not_told() -> None:
    one = candles()
    one.on_batch([bar(20, 25, closed=False)], 10, 0.0)
    assert one.pass_by([bar(20, 25, closed=False)]) == 0
    assert one.on_batch([bar(20, 24, closed=False), bar(10, 26, closed=False), bar(10, 27)], 10, 0.0) == []
    assert one.statistics().repeated == 3


@pytest.mark.parametrize(
    ("open_time", "close_time", "next_open"),
    [
        (1_790_000_040_000, 1_790_000_099_999, 1_790_000_100_000),
        (1_790_000_040_000_000, 1_790_000_099_999_999, 1_790_000_100_000_000),
        (1_790_000_040_000_000, 1_790_000_099_999_000, 1_790_000_100_000_000),
    ],
)
def test_in_either_unit_of_time_a_candle_ends_where_the_next_begins(
    open_time: int, close_time: int, next_open: int
) -> None:
    one = candles()
    events: list[Any] = [
        SimpleNamespace(
            symbol="A", event_time=number, candle=SimpleNamespace(open_time=opened, close_time=closes, is_closed=True)
        )
        for number, opened, closes in ((1, open_time, close_time), (2, next_open, next_open + close_time - open_time))
    ]
    assert one.on_batch(events[:1], 10, 0.0) == events[:1]
    assert one.pass_by(events[1:]) == 1
    assert one.on_timer(1e9) == []


def test_what_is_no_candle_passes() -> None:
    one, other = candles(), UnknownEvent("a@kline_1m", None, {})
    assert one.pass_by([other]) == 0
    assert one.on_batch([other], 10, 0.0) == [other]


def test_a_candle_that_begins_later_shows_that_closed_ones_are_missing_and_its_newest_state_waits() -> None:
    one = candles()
    one.on_batch([bar(20, 25, closed=False)], 10, 0.0)
    assert one.on_batch([bar(40, 41, closed=False), bar(40, 43, closed=False)], 10, 0.0) == []
    [ask] = one.on_timer(1.0)
    assert (ask.first, ask.last) == (20, 39)
    one.on_page(ask, [bar(20, 0), bar(30, 0)], 1.0, full=False)
    assert told(one.take(2, 1.0)) == [20, 30]
    assert one.is_troubled
    assert not one.is_ready
    assert told(one.take(2, 1.0)) == [(40, 43)]
    assert not one.is_troubled


def test_the_state_of_a_candle_that_closed_meanwhile_is_not_told() -> None:
    one = candles()
    one.on_batch([bar(20, 25, closed=False)], 10, 0.0)
    one.on_batch([bar(30, 31, closed=False), bar(30, 40)], 10, 0.0)
    [ask] = one.on_timer(1.0)
    one.on_page(ask, [bar(20, 0)], 1.0, full=False)
    assert told(one.take(10, 1.0)) == [20, 30]
    assert not one.is_troubled


def test_from_a_moment_on_the_first_candle_is_the_first_that_begins_there() -> None:
    one = candles(starts={"A": 13}, exact=False)
    assert one.on_batch([bar(30, 40), bar(40, 41, closed=False)], 10, 0.0) == []
    [ask] = one.on_timer(0.0)
    assert (ask.first, ask.last, ask.count) == (13, 29, 2)
    one.on_page(ask, [bar(20, 0), bar(30, 0)], 1.0, full=False)
    assert told(one.take(10, 1.0)) == [20, 30, (40, 41)]


def test_from_a_moment_in_a_running_candle_on_that_candle_is_the_first() -> None:
    one = candles(starts={"A": 20}, exact=False)
    [ask] = one.on_timer(0.0)
    one.on_page(ask, [], 1.0, full=False)
    assert told(one.on_batch([bar(20, 25, closed=False), bar(20, 30)], 10, 1.0)) == [(20, 25), 20]


def test_a_candle_that_was_given_already_by_the_stream_begins_the_series_too() -> None:
    one = candles(starts={"A": 13}, exact=False)
    one.on_batch([bar(20, 30)], 10, 0.0)
    [ask] = one.on_timer(0.0)
    one.on_page(ask, [bar(20, 0)], 1.0, full=False)
    assert told(one.take(10, 1.0)) == [20]
    assert not one.is_troubled


def test_more_candles_than_may_be_asked_for_are_counted_in_candles() -> None:
    one = candles(attrs.evolve(BOUNDS, items=2))
    one.on_batch([bar(0, 5, closed=False)], 10, 0.0)
    one.on_batch([bar(50, 51, closed=False)], 10, 0.0)
    [ask] = one.on_timer(1.0)
    assert (ask.first, ask.last) == (30, 49)
    assert told(one.take(10, 1.0)) == [(0, 29, "TOO_MANY")]


@st.composite
def spoiled(draw: st.DrawFn) -> list[BarEvent]:
    """Return the events of ten candles as two connections may bring them: lost, repeated, the one behind the other."""
    whole = [
        bar(open_time, open_time + moment, closed=moment == 10)
        for open_time in range(0, 100, 10)
        for moment in (2, 4, 10)
    ]
    one, other = ([event for event in whole if draw(st.integers(0, 3))] for _ in range(2))
    merged = []
    while one or other:
        source = one if one and (not other or draw(st.booleans())) else other
        merged.append(source.pop(0))
    return merged


@given(events=spoiled(), room=st.integers(0, 3))
def test_whatever_two_connections_lose_every_candle_closes_once_and_states_only_grow(
    events: list[BarEvent], room: int
) -> None:
    one = candles()
    got: list[Any] = []
    for event in events:
        got += [event] if one.pass_by([event]) else one.on_batch([event], room, 0.0)
    for number in range(100):
        for ask in one.on_timer(float(number)):
            assert ask.last is not None
            page = [bar(open_time, 0) for open_time in range(ask.first, ask.last + 1, 10)]
            one.on_page(ask, page, float(number), full=False)
        got += one.take(room or 1, float(number))
    assert not one.is_troubled
    closed = [event.candle.open_time for event in got if event.candle.is_closed]
    assert closed == list(range(closed[0], closed[0] + 10 * len(closed), 10)) if closed else True
    for before, after in pairwise(got):
        assert (before.candle.open_time, before.candle.is_closed) < (after.candle.open_time, True)
        if not after.candle.is_closed and not before.candle.is_closed:
            assert before.event_time < after.event_time
