"""Several connections, one series: each event once, in order, however their messages interleave."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._codec.stream import decoder_for
from trio_binance._pure import overlap as overlap_module
from trio_binance._pure.overlap import Overlap
from trio_binance.models import ServerShutdownEvent, TradeEvent, UnknownEvent

TICKER = (
    '"s":"BTCUSDT","p":"1","P":"1","w":"1","x":"1","c":"1","Q":"1","b":"1","B":"1","a":"1","A":"1","o":"1","h":"1",'
    '"l":"1","v":"1","q":"1","O":1,"C":1,"F":1,"L":1,"n":1'
)
MINI = '"e":"24hrMiniTicker","E":#,"s":"@","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"'
KINDS = {
    "btcusdt@trade": '{"e":"trade","E":5,"s":"@","t":#,"p":"1","q":"1","T":5,"m":true,"M":true}',
    "btcusdt@aggTrade": '{"e":"aggTrade","E":5,"s":"@","a":#,"p":"1","q":"1","f":1,"l":1,"T":5,"m":true,"M":true}',
    "btcusdt@blockTrade": '{"e":"blockTrade","E":5,"s":"@","t":#,"p":"1","q":"1","T":5,"m":true}',
    "btcusdt@bookTicker": '{"u":#,"s":"@","b":"1","B":"1","a":"1","A":"1"}',
    "btcusdt@depth": '{"e":"depthUpdate","E":5,"s":"@","U":#,"u":#,"b":[],"a":[]}',
    "btcusdt@depth5": '{"lastUpdateId":#,"bids":[],"asks":[]}',
}
"""Of kinds that ids tell apart: # is the id."""
TIMED_KINDS = {
    "btcusdt@kline_1m": '{"e":"kline","E":#,"s":"BTCUSDT","k":{"t":1,"T":2,"s":"@","i":"1m","f":1,"L":1,"o":"1",'
    '"c":"1","h":"1","l":"1","v":"1","n":1,"x":false,"q":"1","V":"1","Q":"1","B":"0"}}',
    "btcusdt@miniTicker": f"{{{MINI}}}",
    "btcusdt@ticker": '{"e":"24hrTicker","E":#,' + TICKER.replace('"s":"BTCUSDT"', '"s":"@"') + "}",
    "btcusdt@ticker_1h": '{"e":"1hTicker","E":#,"s":"@","p":"1","P":"1","o":"1","h":"1","l":"1","c":"1","w":"1",'
    '"v":"1","q":"1","O":1,"C":1,"F":1,"L":1,"n":1}',
    "btcusdt@avgPrice": '{"e":"avgPrice","E":#,"s":"@","i":"5m","w":"1.0","T":1}',
    "btcusdt@referencePrice": '{"e":"referencePrice","s":"@","r":"1","t":#}',
    "!miniTicker@arr": f"[{{{MINI}}}]",
    "btcusdt@news": '{"e":"news","E":#,"s":"@"}',
}
"""Of kinds that times tell apart: # is the time, and @ differs when it is the same."""


decoder = cache(decoder_for)


def read(stream: str, form: str, place: int, word: str = "BTCUSDT") -> Any:
    return decoder(stream)(form.replace("#", str(place)).replace("@", word).encode())


def trades(*ids: int) -> list[TradeEvent]:
    return [TradeEvent(5, "BTCUSDT", number, Decimal(1), Decimal(1), 5, True, True) for number in ids]


ascending = st.lists(st.integers(0, 300), unique=True, min_size=1, max_size=25).map(sorted)


class Played:
    """Connections that bring the same series, each from a place of its own, in any interleaving."""

    def __init__(self, series: list[Any], data: st.DataObject, told: int) -> None:
        self.series = series
        self.draw = data.draw
        self.overlap: Overlap[Any] = Overlap(series[told - 1] if told else None)
        self.told = series[:told]
        self.next: dict[str, int] = {"old": told}
        self.overlap.add("old")

    def join(self, name: str, begins: int) -> None:
        self.overlap.add(name)
        self.next[name] = begins

    def bring(self, name: str) -> None:
        place = self.next[name]
        if place < len(self.series):
            self.told += self.overlap.take(name, self.series[place])
            self.next[name] += 1

    def play(self, names: list[str]) -> None:
        """Let them speak in any order, until each has said all or the draw ends."""
        for name in self.draw(st.lists(st.sampled_from(names), max_size=60)):
            self.bring(name)

    def finish(self, name: str) -> None:
        while self.next[name] < len(self.series):
            self.bring(name)


def check_renewal(series: list[Any], data: st.DataObject) -> None:
    """The new connection begins somewhere, the old one goes once it has brought as much: all is told once, in order."""
    played = Played(series, data, data.draw(st.integers(0, len(series))))
    # It may begin behind what was told, for its host may lag, and ahead of it.
    begins = data.draw(st.integers(0, len(series)))
    played.join("new", begins)
    played.play(["old", "new"])
    while played.next["old"] < min(begins + 1, len(series)):
        played.bring("old")
    played.play(["old", "new"])
    # The third connection, should the second be sent away young.
    third = data.draw(st.integers(0, min(played.next.values())))
    played.join("newest", third)
    played.play(["old", "new", "newest"])
    played.told += played.overlap.remove("old")
    played.play(["new", "newest"])
    played.finish("new")
    played.finish("newest")
    assert played.told == series
    played.told += played.overlap.remove("new")
    assert played.overlap.settled or third == len(series)
    assert played.told == series


@given(series=ascending, data=st.data())
def test_trades_are_told_once_and_in_order(series: list[int], data: st.DataObject) -> None:
    check_renewal(trades(*series), data)


@pytest.mark.parametrize("stream", KINDS)
@given(series=ascending, data=st.data())
def test_every_kind_with_ids_is_told_once_and_in_order(stream: str, series: list[int], data: st.DataObject) -> None:
    check_renewal([read(stream, KINDS[stream], number) for number in series], data)


@pytest.mark.parametrize("stream", TIMED_KINDS)
@given(
    series=st.lists(st.tuples(st.integers(1, 12), st.sampled_from("ABCD")), unique=True, min_size=1, max_size=20).map(
        lambda pairs: sorted(pairs, key=lambda pair: pair[0])
    ),
    data=st.data(),
)
def test_every_kind_with_times_is_told_once_and_in_order_also_of_the_same_moment(
    stream: str, series: list[tuple[int, str]], data: st.DataObject
) -> None:
    events = [read(stream, TIMED_KINDS[stream], place, word) for place, word in series]
    played = Played(events, data, 0)
    begins = data.draw(st.integers(0, len(events)))
    played.join("new", begins)
    played.play(["old", "new"])
    while played.next["old"] < min(begins + 1, len(events)):
        played.bring("old")
    played.told += played.overlap.remove("old")
    played.finish("new")
    assert {*map(repr, played.told)} == {*map(repr, events)}
    assert len(played.told) == len(events)
    times = [overlap_module._PLACE[type(event)](event) for event in played.told]
    assert times == sorted(times)


@given(series=ascending, data=st.data())
def test_whenever_either_connection_breaks_nothing_is_told_twice_or_out_of_order(
    series: list[int], data: st.DataObject
) -> None:
    played = Played(trades(*series), data, data.draw(st.integers(0, len(series))))
    played.join("new", data.draw(st.integers(0, len(series))))
    played.play(["old", "new"])
    gone, left = data.draw(st.permutations(["old", "new"]))
    joined = not played.overlap.is_behind("new") and played.next["new"] > 0
    played.told += played.overlap.remove(gone)
    played.finish(left)
    ids = [event.trade_id for event in played.told]
    assert ids == sorted(set(ids))
    if gone == "new" or (joined and played.next["old"] > played.next["new"]):
        assert ids == series


def test_a_connection_that_begins_later_waits_until_the_other_has_come_so_far() -> None:
    one, two, three, four = trades(1, 2, 3, 4)
    overlap = Overlap(one)
    overlap.add("old")
    overlap.add("new")
    assert not overlap.is_behind("new")
    assert overlap.take("new", three) == ()
    assert overlap.is_behind("new")
    assert overlap.take("old", two) == [two]
    assert overlap.take("new", four) == ()
    assert overlap.take("old", three) == [three, four]
    assert not overlap.is_behind("new")
    assert overlap.take("old", four) == ()


def test_one_that_brings_nothing_of_what_the_other_does_is_behind_and_may_be_trusted_all_the_same() -> None:
    one, two, three = trades(1, 2, 3)
    overlap: Overlap[TradeEvent] = Overlap()
    overlap.add("old")
    overlap.add("new")
    assert overlap.take("old", one) == [one]
    assert overlap.is_behind("new")
    assert overlap.take("new", three) == ()
    assert overlap.trust("new") == [three]
    assert overlap.take("old", two) == ()


def test_where_the_old_one_breaks_first_what_was_held_is_told() -> None:
    one, three = trades(1, 3)
    overlap = Overlap(one)
    overlap.add("old")
    overlap.add("new")
    overlap.take("new", three)
    assert (overlap.sources, overlap.settled) == (2, False)
    assert overlap.remove("old") == [three]
    assert (overlap.sources, overlap.settled) == (1, True)


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap_module, "MOST_HELD", 2)
    overlap = Overlap(trades(1)[0])
    overlap.add("old")
    overlap.add("new")
    three, four, five = trades(3, 4, 5)
    assert [overlap.take("new", event) for event in (three, four)] == [(), ()]
    assert overlap.take("new", five) == [three, four, five]


def test_a_connection_that_was_not_added_tells_nothing() -> None:
    overlap: Overlap[TradeEvent] = Overlap()
    overlap.add("new")
    assert overlap.take("old", trades(1)[0]) == ()
    assert overlap.remove("new") == ()
    assert (overlap.sources, overlap.settled) == (0, False)


def test_messages_with_neither_id_nor_time_are_told_once_each_by_what_they_say() -> None:
    first, second, third = (UnknownEvent("x", None, [word]) for word in "abc")
    overlap = Overlap(first)
    overlap.add("old")
    overlap.add("new")
    told = [*overlap.take("new", second), *overlap.take("old", second), *overlap.take("old", third)]
    told += [*overlap.take("new", third), *overlap.take("new", first)]
    assert told == [second, third]


def test_what_is_not_of_the_streams_kind_is_told_by_the_first_connection_alone() -> None:
    odd = ServerShutdownEvent(1)
    overlap: Overlap[Any] = Overlap(odd)
    overlap.add("old")
    overlap.add("new")
    assert overlap.take("new", odd) == ()
    one, two = trades(1, 2)
    assert overlap.take("old", one) == [one]
    assert overlap.take("old", odd) == [odd]
    assert not overlap.take("new", one)
    assert overlap.take("new", two) == [two]
    assert overlap.take("new", odd) == ()
    assert overlap.remove("old") == ()
    assert overlap.take("new", odd) == [odd]
    assert overlap.settled


def test_an_array_without_symbols_is_older_than_any() -> None:
    overlap = Overlap[Any](())
    overlap.add("old")
    assert overlap.take("old", ()) == ()


def test_what_a_connection_brings_after_something_later_is_old_and_moves_nothing() -> None:
    later, earlier = trades(5, 4)
    series: Overlap[Any] = Overlap()
    series.add("old")
    assert [*series.take("old", later)] == [later]
    assert [*series.take("old", earlier)] == []
    assert [*series.take("old", later)] == []
