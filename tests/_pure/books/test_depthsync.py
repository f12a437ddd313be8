"""The synchroniser: every way in which a snapshot and a stream meet, miss each other, and meet again."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests._pure.books.truth import START_MS, TrueBook, event, exact, snapshot
from trio_binance._pure.backoff import Backoff
from trio_binance._pure.books import depthsync
from trio_binance._pure.books.depthsync import FIRST_EVENT, MOST_EVENTS, NEVER, RENEW_AFTER, RESET_MS, DepthSync
from trio_binance._pure.books.table import ASKING, IN_STEP, TABLE, Move, Phase, Signal
from trio_binance.models import BookState, DepthUpdateEvent

BIDS = [("9.50", "1"), ("9.40", "2"), ("9.30", "2")]
ASKS = [("10.00", "3"), ("10.10", "4"), ("10.20", "4")]


def sync(*, limit: int = 100, low: int = 0) -> DepthSync:
    return DepthSync(Backoff(Random(7), base=0.5, cap=30.0, stable=60.0), limit=limit, low=low, rhythm=0.1)


def live(*, limit: int = 100, low: int = 0, last: int = 10) -> DepthSync:
    """Return a book that is live at ``last``, at time 2."""
    made = sync(limit=limit, low=low)
    made.on_carried(0.0)
    made.on_event(event(last, last), 1.0)
    made.on_snapshot(snapshot(last, BIDS, ASKS), 2.0)
    assert (made.phase, made.state) == (Phase.LIVE, BookState.LIVE)
    return made


def take(made: DepthSync, first: int, last: int, *, now: float = 3.0, **settings: Any) -> Move | None:
    return made.on_event(event(first, last, **settings), now)


def update_id(made: DepthSync) -> int:
    assert made.book is not None
    return made.book.update_id


# ------------------------------------------------------------------------------------------------- the table


def test_the_table_knows_every_phase_and_leads_nowhere_else() -> None:
    assert set(TABLE) == set(Phase)
    assert {new for row in TABLE.values() for new in row.values()} <= set(Phase)
    reached = {Phase.AWAY}
    for _ in Phase:
        reached |= {new for phase in reached for new in TABLE[phase].values()}
    assert reached == set(Phase)
    assert {signal for row in TABLE.values() for signal in row} == set(Signal)


def test_a_move_tells_whether_the_book_was_lost_or_found() -> None:
    for old in Phase:
        for new in TABLE[old].values():
            move = Move(old, new, "")
            assert move.found == (old not in IN_STEP and new in IN_STEP)
            assert move.lost == (old in IN_STEP and new not in IN_STEP)


def test_it_asks_for_a_snapshot_in_the_phases_that_say_so() -> None:
    assert {Phase.FETCHING, Phase.RENEWING} == ASKING


# ----------------------------------------------------------------------------------------------- the beginning


def test_it_waits_for_the_first_event_before_it_asks_for_the_snapshot() -> None:
    made = sync()
    assert (made.phase, made.state, made.deadline, made.asks) == (Phase.AWAY, BookState.SYNCING, NEVER, False)
    assert made.on_carried(5.0) == Move(Phase.AWAY, Phase.LISTENING, Signal.CARRIED.value)
    assert made.on_carried(5.0) is None
    assert (made.deadline, made.asks) == (5.0 + FIRST_EVENT + 0.1, False)
    move = take(made, 8, 9, now=5.1)
    assert move == Move(Phase.LISTENING, Phase.FETCHING, Signal.HEARD.value)
    assert (made.deadline, made.asks, made.state) == (NEVER, True, BookState.SYNCING)


def test_it_does_not_wait_long_for_the_first_event_of_a_quiet_symbol() -> None:
    made = sync()
    made.on_carried(5.0)
    assert made.on_timer(made.deadline - 0.01) is None
    assert made.on_timer(made.deadline) == Move(Phase.LISTENING, Phase.FETCHING, Signal.DUE.value)
    assert made.on_timer(100.0) is None
    move = made.on_snapshot(snapshot(10, BIDS, ASKS), 7.0)
    assert move is not None
    assert (move.found, move.lost) == (True, False)
    assert update_id(made) == 10
    assert made.statistics().resyncs == 0


def test_an_event_before_the_word_that_the_stream_is_carried_says_so_itself() -> None:
    made = sync()
    assert take(made, 8, 9) == Move(Phase.LISTENING, Phase.FETCHING, Signal.HEARD.value)
    assert made.on_carried(5.0) is None


@pytest.mark.parametrize(
    ("last", "applied", "end"), [(3, 3, 9), (4, 2, 9), (5, 2, 9), (6, 1, 9), (9, 0, 9), (11, 0, 11)]
)
def test_the_events_that_wait_go_on_from_the_snapshot(last: int, applied: int, end: int) -> None:
    made = sync()
    for number, until in ((4, 4), (5, 6), (7, 9)):
        take(made, number, until, bids=[("9.45", f"{until}")])
    move = made.on_snapshot(snapshot(last, BIDS, ASKS), 4.0)
    assert move is not None
    assert move.found
    assert update_id(made) == end
    assert made.statistics().applied == applied
    assert made.book is not None
    assert (exact([("9.45", "9")])[0] in made.book.bids.all()) == (applied > 0)


def test_a_snapshot_older_than_the_events_is_asked_for_again_a_little_later() -> None:
    made = sync()
    take(made, 5, 6)
    move = made.on_snapshot(snapshot(3, BIDS, ASKS), 4.0)
    assert move == Move(Phase.FETCHING, Phase.PAUSING, "the snapshot at 3 is too old")
    assert 4.0 < made.deadline <= 4.5
    take(made, 7, 8)
    assert made.on_timer(made.deadline) == Move(Phase.PAUSING, Phase.FETCHING, Signal.DUE.value)
    made.on_snapshot(snapshot(6, BIDS, ASKS), 5.0)
    assert update_id(made) == 8
    assert (made.statistics().snapshots, made.statistics().useless) == (2, 1)


def test_a_snapshot_older_than_what_was_heard_before_is_of_no_use_though_nothing_waits() -> None:
    made = live()
    take(made, 11, 12)
    made.on_lost("cut", 4.0)
    made.on_carried(5.0)
    made.on_timer(7.0)
    assert made.asks
    move = made.on_snapshot(snapshot(11, BIDS, ASKS), 7.0)
    assert move is not None
    assert move.new is Phase.PAUSING
    made.on_timer(made.deadline)
    assert made.on_snapshot(snapshot(12, BIDS, ASKS), 9.0) is not None
    assert made.state is BookState.LIVE


def test_a_request_that_fails_is_repeated_later_and_later() -> None:
    made = sync()
    take(made, 5, 6)
    waits: list[float] = []
    now = 4.0
    for _ in range(40):
        move = made.on_failed("no answer", now)
        assert move == Move(Phase.FETCHING, Phase.PAUSING, "no answer")
        waits.append(made.deadline - now)
        now = made.deadline
        made.on_timer(now)
    assert max(waits[:3]) <= 2.0
    assert 15.0 < max(waits) <= 30.0
    assert made.statistics().useless == 40


def test_what_is_not_asked_for_is_not_taken() -> None:
    made = live()
    assert made.on_snapshot(snapshot(99, BIDS, ASKS), 3.0) is None
    assert made.on_failed("no answer", 3.0) is None
    assert update_id(made) == 10


def test_what_waits_is_bounded_and_a_source_that_can_wait_knows_when() -> None:
    made = sync()
    for number in range(MOST_EVENTS - 1):
        take(made, number + 1, number + 1)
    assert made.room == 1
    take(made, MOST_EVENTS, MOST_EVENTS)
    take(made, MOST_EVENTS + 1, MOST_EVENTS + 1)
    assert made.room == 0
    made.on_snapshot(snapshot(0, BIDS, ASKS), 4.0)
    assert made.statistics().useless == 1
    made.on_timer(made.deadline)
    made.on_snapshot(snapshot(1, BIDS, ASKS), 5.0)
    assert update_id(made) == MOST_EVENTS + 1
    assert made.room == MOST_EVENTS


@pytest.mark.parametrize(("bids", "asks"), [([("10.00", "1")], ASKS), ([("9.50", "-1")], ASKS)])
def test_a_snapshot_that_is_no_book_is_not_shown(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> None:
    made = sync()
    take(made, 5, 6)
    made.on_snapshot(snapshot(6, bids, asks), 4.0)
    assert (made.phase, made.book) == (Phase.PAUSING, None)
    assert made.statistics().broken == 1


def test_a_snapshot_whose_levels_were_all_taken_meanwhile_is_of_no_use() -> None:
    made = sync(limit=3)
    take(made, 5, 6, bids=[(price, "0") for price, _ in BIDS])
    made.on_snapshot(snapshot(5, BIDS, ASKS), 4.0)
    assert (made.phase, made.book) == (Phase.PAUSING, None)


# ------------------------------------------------------------------------------------------------ in step


def test_each_event_goes_on_from_the_one_before() -> None:
    made = live()
    assert take(made, 11, 11) is None
    assert take(made, 12, 20) is None
    assert update_id(made) == 20
    assert made.statistics().applied == 2


def test_an_event_of_which_a_part_is_in_the_book_is_applied() -> None:
    made = live()
    assert take(made, 5, 12, bids=[("9.50", "7")]) is None
    assert update_id(made) == 12


def test_repeated_and_old_events_are_dropped() -> None:
    made = live()
    take(made, 11, 12)
    for first, last in ((11, 12), (12, 12), (1, 3)):
        assert take(made, first, last, bids=[("9.50", "7")]) is None
    assert (update_id(made), made.state) == (12, BookState.LIVE)
    assert made.statistics().dropped == 3


def test_events_that_are_older_than_the_snapshot_are_dropped_until_the_stream_has_come_up() -> None:
    made = sync()
    take(made, 1, 2)
    made.on_snapshot(snapshot(8, BIDS, ASKS), 4.0)
    take(made, 3, 6, time=START_MS + 60_000)
    assert (update_id(made), made.state) == (8, BookState.LIVE)
    take(made, 7, 9, time=START_MS + 60_100)
    assert (update_id(made), made.state) == (9, BookState.LIVE)
    assert made.statistics().dropped == 1


def test_a_hole_makes_the_book_stale_at_once_and_its_old_content_stays_readable() -> None:
    made = live()
    move = take(made, 12, 14, bids=[("9.50", "7")])
    assert move == Move(Phase.LIVE, Phase.FETCHING, "the updates 11 to 11 are missing")
    assert (made.state, update_id(made), made.asks) == (BookState.STALE, 10, True)
    assert made.book is not None
    assert made.book.bids.all() == exact(BIDS)
    take(made, 15, 16, bids=[("9.45", "1")])
    assert update_id(made) == 10
    made.on_snapshot(snapshot(13, BIDS, ASKS), 4.0)
    assert (made.state, update_id(made)) == (BookState.LIVE, 16)
    assert made.book.bids.top(2) == exact([("9.50", "7"), ("9.45", "1")])
    assert (made.statistics().gaps, made.statistics().resyncs) == (1, 1)


def test_a_book_that_breaks_again_and_again_waits_before_it_asks() -> None:
    made = live()
    take(made, 12, 12)
    made.on_snapshot(snapshot(12, BIDS, ASKS), 4.0)
    move = take(made, 14, 14, now=5.0)
    assert move is not None
    assert (move.new, made.asks) == (Phase.PAUSING, False)
    assert 5.0 < made.deadline <= 6.0
    made.on_timer(made.deadline)
    made.on_snapshot(snapshot(14, BIDS, ASKS), 6.0)
    stable = take(made, 16, 16, now=100.0)
    assert stable is not None
    assert stable.new is Phase.FETCHING


@pytest.mark.parametrize(
    ("bids", "words"),
    [
        ([("10.00", "1")], "crossed"),
        ([("11.00", "1")], "crossed"),
        ([("9.50", "-1")], "quantity"),
        ([("0", "1")], "price"),
    ],
)
def test_a_book_that_cannot_be_is_thrown_away(bids: list[tuple[str, str]], words: str) -> None:
    made = live()
    move = take(made, 11, 11, bids=bids)
    assert move is not None
    assert move.new is Phase.FETCHING
    assert words in move.reason
    assert (made.book, made.state) == (None, BookState.SYNCING)
    made.on_snapshot(snapshot(11, BIDS, ASKS), 4.0)
    assert (made.state, update_id(made), made.statistics().broken) == (BookState.LIVE, 11, 1)


def test_ids_that_go_back_are_told_from_repetitions_by_their_time() -> None:
    made = live(last=1000)
    take(made, 1001, 1002, time=START_MS)
    assert take(made, 5, 6, time=START_MS + RESET_MS - 1) is None
    move = take(made, 5, 6, time=START_MS + RESET_MS)
    assert move == Move(Phase.LIVE, Phase.FETCHING, "the update ids went back")
    take(made, 7, 8, time=START_MS + RESET_MS)
    made.on_snapshot(snapshot(7, BIDS, ASKS), 4.0)
    assert (made.state, update_id(made)) == (BookState.LIVE, 8)


def test_ids_that_go_back_while_a_snapshot_is_awaited_are_believed_too() -> None:
    made = sync()
    take(made, 1001, 1002)
    take(made, 5, 6, time=(START_MS + RESET_MS) * 1000)
    made.on_snapshot(snapshot(6, BIDS, ASKS), 4.0)
    assert (made.state, update_id(made)) == (BookState.LIVE, 6)


# ----------------------------------------------------------------------------------------- the connection


def test_a_lost_connection_makes_it_stale_and_nothing_is_asked_for_meanwhile() -> None:
    made = live()
    move = made.on_lost("reset", 3.0)
    assert move == Move(Phase.LIVE, Phase.AWAY, "reset")
    assert (made.state, made.asks, made.deadline) == (BookState.STALE, False, NEVER)
    assert made.on_lost("reset", 3.0) is None


def test_it_goes_on_without_a_snapshot_when_the_first_event_shows_that_nothing_was_missed() -> None:
    made = live()
    made.on_lost("reset", 3.0)
    made.on_carried(4.0)
    assert take(made, 9, 10) is None
    assert made.state is BookState.STALE
    move = take(made, 11, 13, bids=[("9.50", "7")])
    assert move == Move(Phase.LISTENING, Phase.LIVE, "nothing was missed")
    assert (made.state, update_id(made)) == (BookState.LIVE, 13)
    assert made.statistics().snapshots == 1


def test_old_events_after_a_reconnection_do_not_tell_and_wait_for_the_snapshot() -> None:
    made = sync()
    take(made, 4, 6)
    made.on_snapshot(snapshot(20, BIDS, ASKS), 2.0)
    made.on_lost("reset", 3.0)
    made.on_carried(4.0)
    assert take(made, 9, 10) is None
    assert (made.phase, made.state) == (Phase.LISTENING, BookState.STALE)
    made.on_timer(made.deadline)
    made.on_snapshot(snapshot(20, BIDS, ASKS), 6.0)
    assert (made.state, update_id(made)) == (BookState.LIVE, 20)


def test_an_old_event_that_comes_before_the_word_that_it_is_carried_sets_the_deadline() -> None:
    made = sync()
    take(made, 4, 6)
    made.on_snapshot(snapshot(20, BIDS, ASKS), 2.0)
    made.on_lost("reset", 3.0)
    move = take(made, 9, 10, now=4.0)
    assert move is not None
    assert move.new is Phase.LISTENING
    assert made.deadline > 4.0


def test_it_asks_for_a_snapshot_when_the_first_event_shows_that_something_was_missed() -> None:
    made = live()
    made.on_lost("reset", 3.0)
    made.on_carried(4.0)
    move = take(made, 12, 13)
    assert move is not None
    assert (move.new, made.state) == (Phase.FETCHING, BookState.STALE)
    made.on_snapshot(snapshot(12, BIDS, ASKS), 5.0)
    assert (made.state, update_id(made)) == (BookState.LIVE, 13)


def test_a_first_event_that_breaks_the_old_book_asks_for_a_snapshot() -> None:
    made = live()
    made.on_lost("reset", 3.0)
    made.on_carried(4.0)
    move = take(made, 11, 13, bids=[("10.00", "1")])
    assert move is not None
    assert (move.new, made.state) == (Phase.FETCHING, BookState.SYNCING)


def test_events_that_waited_for_a_lost_connection_s_snapshot_are_forgotten() -> None:
    made = sync()
    take(made, 5, 6)
    made.on_lost("reset", 3.0)
    assert made.on_snapshot(snapshot(5, BIDS, ASKS), 4.0) is None
    made.on_carried(4.0)
    take(made, 9, 9)
    move = made.on_snapshot(snapshot(6, BIDS, ASKS), 5.0)
    assert move is not None
    assert move.new is Phase.PAUSING


def test_the_end_is_the_end() -> None:
    made = live()
    assert made.on_end("over", 3.0) == Move(Phase.LIVE, Phase.CLOSED, "over")
    assert made.state is BookState.CLOSED
    assert made.on_end("again", 3.0) is None
    assert made.on_lost("reset", 3.0) is None
    assert made.on_carried(3.0) is None
    assert take(made, 11, 11) is None
    assert made.on_timer(1e9) is None
    assert update_id(made) == 10


# --------------------------------------------------------------------------------------------- the horizon


def test_a_book_near_its_horizon_is_renewed_while_it_goes_on() -> None:
    made = live(limit=3, low=3)
    move = take(made, 11, 11, bids=[("9.50", "0")], now=2.0 + RENEW_AFTER)
    assert move == Move(Phase.LIVE, Phase.RENEWING, Signal.THIN.value)
    assert (made.asks, made.state) == (True, BookState.LIVE)
    assert take(made, 12, 12, bids=[("9.40", "5")], now=8.0) is None
    assert take(made, 12, 12, now=8.0) is None
    assert take(made, 13, 13, asks=[("10.10", "0")], now=8.0) is None
    assert update_id(made) == 13
    found = made.on_snapshot(snapshot(12, [("9.40", "5"), ("9.30", "2"), ("9.00", "9")], ASKS), 9.0)
    assert found == Move(Phase.RENEWING, Phase.LIVE, Signal.JOINED.value)
    assert (found.found, found.lost) == (False, False)
    assert made.book is not None
    assert made.book.bids.all() == exact([("9.40", "5"), ("9.30", "2"), ("9.00", "9")])
    assert made.book.asks.all() == exact([("10.00", "3"), ("10.20", "4")])
    assert (update_id(made), made.statistics().resyncs) == (13, 0)


def test_a_renewal_is_not_asked_for_too_soon_nor_again_at_once_when_it_fails() -> None:
    made = live(limit=3, low=3)
    assert take(made, 11, 11, bids=[("9.50", "0")], now=2.5) is None
    take(made, 12, 12, now=10.0)
    assert made.asks
    move = made.on_failed("no answer", 11.0)
    assert move == Move(Phase.RENEWING, Phase.LIVE, "no answer")
    assert take(made, 13, 13, now=11.5) is None
    take(made, 14, 14, now=11.0 + RENEW_AFTER)
    assert made.phase is Phase.RENEWING
    made.on_snapshot(snapshot(13, BIDS, ASKS), 17.0)
    assert (made.phase, update_id(made)) == (Phase.LIVE, 14)


def test_a_renewal_by_a_snapshot_that_is_behind_the_book_is_none() -> None:
    made = live(limit=3, low=3)
    take(made, 11, 15, bids=[("9.50", "0")], now=10.0)
    made.on_snapshot(snapshot(14, BIDS, ASKS), 10.1)
    assert (made.phase, update_id(made)) == (Phase.LIVE, 15)
    assert made.statistics().useless == 1


def test_a_hole_during_a_renewal_makes_it_stale_and_the_snapshot_may_still_be_of_use() -> None:
    made = live(limit=3, low=3)
    take(made, 11, 11, bids=[("9.50", "0")], now=10.0)
    move = take(made, 13, 13, now=10.1)
    assert move is not None
    assert (move.new, move.lost) == (Phase.FETCHING, True)
    made.on_snapshot(snapshot(12, BIDS, ASKS), 10.2)
    assert (made.state, update_id(made)) == (BookState.LIVE, 13)


def test_a_book_that_has_left_what_is_known_is_stale() -> None:
    made = live(limit=3, low=1)
    move = take(made, 11, 11, bids=[(price, "0") for price, _ in BIDS])
    assert move == Move(Phase.LIVE, Phase.FETCHING, "the market has left the levels that are known")
    assert (made.state, update_id(made)) == (BookState.STALE, 11)
    made.on_snapshot(snapshot(11, [("9.00", "1")], ASKS), 4.0)
    assert (made.state, update_id(made)) == (BookState.LIVE, 11)


# ---------------------------------------------------------------------------------- any order of things


QUANTITIES = st.sampled_from(["0", "0", "0", "1", "2.5"])


class Synchroniser(RuleBasedStateMachine):
    """An exchange, a line that loses, repeats and delays, snapshots that lag, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.line: list[DepthUpdateEvent] = []
        self.told: list[DepthUpdateEvent] = []
        self.carried = False
        self.now = 0.0
        self.highest = 0

    @initialize(limit=st.sampled_from([3, 5, 50]), decimals=st.sampled_from([2, 4]))
    def start(self, limit: int, decimals: int) -> None:
        prices = [exact([(f"{99 + step / 100}", "1")])[0].price for step in range(0, 200, 10)]
        one = exact([("1", "1")])[0].price
        self.truth = TrueBook(dict.fromkeys(prices[:10], one), dict.fromkeys(prices[10:], one), decimals)
        self.limit = limit
        self.sync = sync(limit=limit, low=2)

    @rule(changes=st.lists(st.tuples(st.booleans(), st.integers(0, 30), QUANTITIES), min_size=1, max_size=6))
    def trade(self, changes: list[tuple[bool, int, str]]) -> None:
        for bid, step, quantity in changes:
            [(price, amount)] = exact([(f"{98.50 + step / 10:.2f}", quantity)])
            self.truth.change(bid, price, amount)
        self.now += 0.1
        told = self.truth.tell()
        if told is not None and self.carried:
            self.line.append(told)

    @rule()
    def carry(self) -> None:
        if not self.carried:
            self.truth.tell()  # what changed before is told to others
            self.carried = True
            self.sync.on_carried(self.now)

    @rule(never=st.integers(0, 3))
    def cut(self, never: int) -> None:
        if never:
            return  # or hardly anything else would happen
        self.carried = False
        self.line.clear()
        self.sync.on_lost("cut", self.now)

    @precondition(lambda self: self.line)
    @rule(count=st.integers(1, 3))
    def deliver(self, count: int = 1) -> None:
        for one in self.line[:count]:
            self.told.append(one)
            self.sync.on_event(one, self.now)
        del self.line[:count]

    @precondition(lambda self: self.line)
    @rule()
    def lose(self) -> None:
        self.line.pop(0)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        self.sync.on_event(data.draw(st.sampled_from(self.told[-5:])), self.now)

    @precondition(lambda self: self.sync.asks)
    @rule(lag=st.integers(0, 20), later=st.integers(0, 3))
    def answer(self, lag: int, later: int = 0) -> None:
        if later:
            return
        update_id = max(self.truth.update_id - lag, 100)
        self.sync.on_snapshot(self.truth.look(self.limit, update_id), self.now)

    @precondition(lambda self: self.sync.asks)
    @rule(later=st.integers(0, 7))
    def fail(self, later: int) -> None:
        if later:
            return
        self.sync.on_failed("no answer", self.now)

    @rule(seconds=st.sampled_from([0.5, 5.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.sync.on_timer(self.now)

    @invariant()
    def a_book_that_can_be_read_is_the_exchange_s_at_its_id(self) -> None:
        book = self.sync.book
        assert (self.sync.state is BookState.LIVE) <= (book is not None)
        assert self.sync.statistics().broken == 0
        if book is None:
            return
        assert book.update_id >= self.highest
        self.highest = book.update_id
        bids, asks = self.truth.at(book.update_id)
        assert book.bids.top(99) == bids[: book.bids.known]
        assert book.asks.top(99) == asks[: book.asks.known]
        assert set(book.bids.all()) <= set(bids)
        assert set(book.asks.all()) <= set(asks)
        if self.sync.state is BookState.LIVE:
            assert book.left > 0

    def teardown(self) -> None:
        """Let everything be well from now on: it must become live, at the exchange's present id."""
        if not hasattr(self, "sync"):
            return
        self.carry()
        for _ in range(20):
            self.trade([(True, 0, f"{self.truth.update_id}")])
            while self.line:
                self.deliver()
            self.wait(60.0)
            if self.sync.asks:
                self.answer(0)
            if self.sync.state is BookState.LIVE:
                break
        self.a_book_that_can_be_read_is_the_exchange_s_at_its_id()
        assert self.sync.state is BookState.LIVE


def test_in_any_order_of_things_a_live_book_is_the_exchange_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depthsync, "MOST_EVENTS", 8)
    run_state_machine_as_test(Synchroniser, settings=settings(max_examples=80, stateful_step_count=60))
