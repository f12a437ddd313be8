"""The limits: never too much in any of the exchange's own windows, and never stuck."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trio_binance._pure.limits import GUARD_MS, Cost, LimitKind, Limits, Pacer, Rule
from trio_binance.errors import LimitExceeded, Outcome

WEIGHT, RAW, ORDERS, CONNECTIONS = (
    LimitKind.REQUEST_WEIGHT,
    LimitKind.RAW_REQUESTS,
    LimitKind.ORDERS,
    LimitKind.CONNECTIONS,
)
NOON = 1_700_049_600_000
"""A server time that begins a window of every length."""
DOCUMENTED = (
    Rule(WEIGHT, 60_000, 6000),
    Rule(RAW, 300_000, 300_000),
    Rule(ORDERS, 10_000, 50),
    Rule(ORDERS, 86_400_000, 160_000),
    Rule(CONNECTIONS, 300_000, 300),
)
RULES = (Rule(WEIGHT, 60_000, 12), Rule(ORDERS, 1_000, 3), Rule(ORDERS, 10_000, 7), Rule(RAW, 5_000, 6))
COSTS = st.builds(Cost, weight=st.integers(0, 5), raw=st.integers(0, 2), orders=st.integers(0, 2))
ERRORS = st.integers(-GUARD_MS, GUARD_MS)


class Exchange:
    """The reference: counts by its own clock, and knows nothing of guard bands."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self.counts: dict[tuple[Rule, int], int] = {}

    def land(self, cost: Cost, true_ms: int) -> None:
        for each in self.rules:
            window = (each, true_ms // each.interval_ms)
            self.counts[window] = self.counts.get(window, 0) + cost.of(each.kind)

    def used(self, each: Rule, true_ms: int) -> int:
        return self.counts.get((each, true_ms // each.interval_ms), 0)

    def overfilled(self) -> list[tuple[Rule, int]]:
        return [window for window, count in self.counts.items() if count > window[0].limit]


class Conversation(RuleBasedStateMachine):
    """A client with a wrong clock asks, sends, gives back, hears of counts and is frozen."""

    @initialize(error=ERRORS)
    def begin(self, error: int) -> None:
        self.exchange = Exchange(RULES)
        self.limits = Limits(RULES)
        self.now = NOON
        self.error = error
        self.taken: list[tuple[Cost, int]] = []
        self.frozen = dict.fromkeys(LimitKind, 0)

    @property
    def estimate(self) -> int:
        return self.now + self.error

    @rule(wait=st.sampled_from([0, 1, 7, 300, 499, 500, 501, 1000, 4000, 9500, 59_000]), error=ERRORS)
    def time_passes_and_the_clock_errs_anew(self, wait: int, error: int) -> None:
        self.now += wait
        self.error = error

    @rule(cost=COSTS, sent=st.booleans(), many=st.integers(1, 12))
    def ask(self, cost: Cost, sent: bool, many: int) -> None:
        for _ in range(many):
            ask_at = self.limits.admit(cost, self.estimate)
            if ask_at:
                assert ask_at > self.estimate
                return
            assert all(self.now >= until for kind, until in self.frozen.items() if cost.of(kind))
            if sent:
                self.exchange.land(cost, self.now)
            else:
                self.taken.append((cost, self.estimate))

    @rule()
    def what_was_not_sent_comes_back(self) -> None:
        for cost, taken_at in self.taken:
            self.limits.refund(cost, taken_at)
        self.taken.clear()

    @rule()
    def an_answer_tells_the_counts(self) -> None:
        for each in RULES:
            used = self.exchange.used(each, self.now)
            self.limits.on_used(each.kind, each.interval_ms, used, self.estimate)

    @rule(wait=st.integers(1, 20_000), kinds=st.sets(st.sampled_from(list(LimitKind)), min_size=1))
    def freeze(self, wait: int, kinds: set[LimitKind]) -> None:
        self.limits.freeze(self.now + wait, kinds)
        for kind in kinds:
            self.frozen[kind] = max(self.frozen[kind], self.now + wait)

    @rule(cost=COSTS)
    def who_asks_when_told_is_let_in_soon(self, cost: Cost) -> None:
        for _ in range(10):
            ask_at = self.limits.admit(cost, self.estimate)
            if not ask_at:
                self.exchange.land(cost, self.now)
                return
            self.now += ask_at - self.estimate
        raise AssertionError("never let in")

    @invariant()
    def no_window_of_the_exchange_holds_more_than_its_limit(self) -> None:
        assert self.exchange.overfilled() == []

    @invariant()
    def no_count_is_negative(self) -> None:
        assert all(each.used >= 0 for each in self.limits.statistics().rules)


Conversation.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_no_conversation_overfills_a_window_or_gets_stuck = Conversation.TestCase


def used(limits: Limits, kind: LimitKind, interval_ms: int) -> int:
    (found,) = [e.used for e in limits.statistics().rules if (e.rule.kind, e.rule.interval_ms) == (kind, interval_ms)]
    return found


def test_a_full_window_is_asked_again_when_it_is_surely_over() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=100), NOON + 10_000) == 0
    assert limits.admit(Cost(weight=1), NOON + 10_001) == NOON + 60_000 + GUARD_MS
    assert limits.admit(Cost(weight=1), NOON + 60_000) == NOON + 60_000 + GUARD_MS
    assert limits.admit(Cost(weight=100), NOON + 60_500) == 0


def test_a_request_near_an_edge_counts_on_both_sides_of_it() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=60), NOON + 59_600) == 0
    assert limits.admit(Cost(weight=60), NOON + 60_600) == NOON + 120_500
    assert limits.admit(Cost(weight=40), NOON + 60_600) == 0


def test_every_window_of_a_kind_must_have_room() -> None:
    limits = Limits(DOCUMENTED)
    for second in (2, 12, 22):
        for _ in range(50):
            assert limits.admit(Cost(weight=1, orders=1), NOON + second * 1000) == 0
        assert limits.admit(Cost(orders=1), NOON + second * 1000) == NOON + (second // 10 + 1) * 10_000 + GUARD_MS
    assert used(limits, ORDERS, 86_400_000) == 150
    limits.on_used(ORDERS, 86_400_000, 160_000, NOON + 33_000)
    # A day begins at 00:00 UTC, and NOON is noon.
    assert limits.admit(Cost(orders=1), NOON + 33_000) == NOON + 43_200_000 + 43_200_000 - NOON % 86_400_000 + GUARD_MS


def test_what_is_put_off_takes_nothing() -> None:
    limits = Limits(DOCUMENTED)
    limits.on_used(ORDERS, 10_000, 50, NOON + 1000)
    assert limits.admit(Cost(weight=5, raw=1, orders=1), NOON + 1000) > 0
    assert used(limits, WEIGHT, 60_000) == used(limits, RAW, 300_000) == 0
    told = limits.statistics()
    assert (told.admitted, told.put_off) == (0, 1)


def test_who_has_time_leaves_a_quarter_to_the_others_and_takes_nothing() -> None:
    limits = Limits((Rule(WEIGHT, 60_000, 100), Rule(RAW, 5_000, 1)))
    now, later = NOON + 10_000, NOON + 60_000 + GUARD_MS
    assert limits.spare_at(75, 0, now) == limits.spare_at(75, 0, now) == 0
    assert limits.spare_at(40, 35, now) == 0
    assert limits.spare_at(40, 36, now) == later
    limits.admit(Cost(weight=30, raw=0), now)
    assert limits.spare_at(45, 0, now) == 0
    assert limits.spare_at(46, 0, now) == later
    assert Limits(()).spare_at(5, 0, now) == 0


def test_who_weighs_more_than_three_quarters_goes_alone() -> None:
    limits = Limits((Rule(WEIGHT, 60_000, 100),))
    now, later = NOON + 10_000, NOON + 60_000 + GUARD_MS
    assert limits.spare_at(90, 0, now) == limits.spare_at(100, 0, now) == 0
    assert limits.spare_at(90, 1, now) == later
    limits.admit(Cost(weight=1, raw=0), now)
    assert limits.spare_at(90, 0, now) == later


def test_a_kind_without_a_rule_is_free() -> None:
    limits = Limits([])
    assert limits.admit(Cost(weight=10**9, orders=5), 0) == 0
    limits.on_used(WEIGHT, 60_000, 5, 0)
    assert limits.statistics().rules == ()


def test_a_request_larger_than_a_limit_is_refused_for_good() -> None:
    limits = Limits(DOCUMENTED)
    with pytest.raises(LimitExceeded, match="6001 REQUEST_WEIGHT can never fit the limit of 6000 in 60 s") as caught:
        limits.admit(Cost(weight=6001), NOON)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert caught.value.retry_at is None
    assert limits.admit(Cost(weight=6000), NOON) == 0


@given(st.lists(st.tuples(st.integers(0, 6000), st.integers(500, 59_000)), min_size=1, max_size=20))
def test_within_a_window_a_told_count_never_rewinds(told: list[tuple[int, int]]) -> None:
    limits = Limits(DOCUMENTED)
    highest = 0
    for count, at in told:
        limits.on_used(WEIGHT, 60_000, count, NOON + at)
        highest = max(highest, count)
        assert used(limits, WEIGHT, 60_000) == highest


def test_the_new_window_begins_empty_though_a_late_answer_of_the_old_one_arrives_at_its_edge() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 6000)])
    limits.on_used(WEIGHT, 60_000, 5999, NOON + 59_900)
    limits.on_used(WEIGHT, 60_000, 6000, NOON + 60_100)
    assert limits.admit(Cost(weight=1000), NOON + 60_600) == 0


def test_another_program_s_use_counts() -> None:
    limits = Limits(DOCUMENTED)
    assert limits.admit(Cost(weight=10), NOON + 5000) == 0
    limits.on_used(WEIGHT, 60_000, 5990, NOON + 5100, [(Cost(weight=10), NOON + 5000)])
    assert limits.admit(Cost(weight=20), NOON + 5200) == NOON + 60_500
    assert limits.admit(Cost(weight=10), NOON + 5200) == 0


@given(st.lists(st.integers(0, 60), max_size=10), st.integers(0, 50))
def test_a_refund_goes_neither_below_zero_nor_below_what_the_exchange_told(refunds: list[int], told: int) -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 1000)])
    assert limits.admit(Cost(weight=50), NOON + 5000) == 0
    limits.on_used(WEIGHT, 60_000, told, NOON + 5000, [(Cost(weight=50), NOON + 5000)])
    for weight in refunds:
        limits.refund(Cost(weight=weight, raw=0), NOON + 5000, [(WEIGHT, 60_000)])
    assert used(limits, WEIGHT, 60_000) == max(50 - sum(refunds), told, 0)
    assert limits.statistics().refunded == len(refunds)


def test_a_refund_names_the_window_that_held_it() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=80), NOON + 30_000) == 0
    assert limits.admit(Cost(weight=80), NOON + 70_000) == 0
    limits.refund(Cost(weight=80), NOON + 30_000)
    assert limits.admit(Cost(weight=80), NOON + 70_000) == NOON + 120_500


def test_a_refund_that_comes_after_its_window_is_forgotten_changes_nothing() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=80), NOON + 30_000) == 0
    assert limits.admit(Cost(weight=70), NOON + 200_000) == 0
    limits.refund(Cost(weight=80), NOON + 30_000)
    assert used(limits, WEIGHT, 60_000) == 70
    assert len(limits._counters[WEIGHT, 60_000].windows) == 1


def test_what_was_free_uncovers_no_other_request_that_is_on_its_way() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    for _ in range(2):
        assert limits.admit(Cost(weight=10), NOON + 5000) == 0
    limits.on_used(WEIGHT, 60_000, 50, NOON + 5100, [(Cost(weight=10), NOON + 5000)])
    limits.refund(Cost(weight=10, raw=0), NOON + 5000, [(WEIGHT, 60_000)])
    assert used(limits, WEIGHT, 60_000) == 60


def test_two_windows_that_become_one_hold_what_both_held() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=30), NOON + 50_000) == 0
    assert limits.admit(Cost(weight=20), NOON + 70_000) == 0
    limits.move(30_000)
    assert used(limits, WEIGHT, 60_000) == 50
    limits.on_used(WEIGHT, 60_000, 10, NOON + 100_000)
    assert used(limits, WEIGHT, 60_000) == 60
    for weight, taken_ms in ((30, NOON + 80_000), (20, NOON + 100_000)):
        limits.on_used(WEIGHT, 60_000, weight, NOON + 100_000, [(Cost(weight=weight), taken_ms)])
    # By the numbers alone they could be of one minute or of two.
    assert used(limits, WEIGHT, 60_000) == 50


def test_fills_lower_the_daily_order_count_within_a_hundredth_of_the_limit() -> None:
    limits = Limits(DOCUMENTED)
    limits.on_used(ORDERS, 86_400_000, 159_000, NOON)
    limits.on_used(ORDERS, 86_400_000, 158_000, NOON + 1)
    assert used(limits, ORDERS, 86_400_000) == 159_000
    limits.on_used(ORDERS, 86_400_000, 20_000, NOON + 2)
    assert used(limits, ORDERS, 86_400_000) == 21_600


def test_a_short_order_count_and_the_weight_never_fall_within_their_window() -> None:
    limits = Limits([*DOCUMENTED, Rule(WEIGHT, 3_600_000, 100_000)])
    for kind, interval in ((ORDERS, 10_000), (WEIGHT, 60_000), (WEIGHT, 3_600_000)):
        limits.on_used(kind, interval, 40, NOON + 5000)
        limits.on_used(kind, interval, 3, NOON + 5001)
        assert used(limits, kind, interval) == 40


def test_new_rules_keep_the_counts() -> None:
    limits = Limits(DOCUMENTED)
    assert limits.admit(Cost(weight=1000, orders=7), NOON + 1000) == 0
    limits.on_rules([Rule(WEIGHT, 60_000, 1200), Rule(ORDERS, 10_000, 8)])
    assert used(limits, WEIGHT, 60_000) == 1000
    assert limits.admit(Cost(weight=201), NOON + 1000) == NOON + 60_500
    assert limits.admit(Cost(orders=1), NOON + 1000) == 0
    kinds = [(each.rule.kind, each.rule.interval_ms) for each in limits.statistics().rules]
    # The daily order rule is gone, as its kind was told anew; those of other kinds stay.
    assert kinds == [(WEIGHT, 60_000), (RAW, 300_000), (ORDERS, 10_000), (CONNECTIONS, 300_000)]


def test_no_rules_change_nothing() -> None:
    limits = Limits(DOCUMENTED)
    limits.on_rules([])
    assert [each.rule for each in limits.statistics().rules] == list(DOCUMENTED)


def test_stop_the_world_stops_everything_until_then() -> None:
    limits = Limits(DOCUMENTED)
    limits.freeze(NOON + 5000)
    for cost in (Cost(), Cost(raw=0, weight=1), Cost(raw=0, orders=1), Cost(raw=0, connections=1)):
        assert limits.admit(cost, NOON + 5499) == NOON + 5500
        assert limits.admit(cost, NOON + 5500) == 0


def test_too_many_orders_stops_orders_only() -> None:
    limits = Limits(DOCUMENTED)
    limits.freeze(NOON + 5000, [ORDERS])
    assert limits.admit(Cost(weight=1, orders=1), NOON) == NOON + 5500
    assert limits.admit(Cost(weight=1), NOON) == 0


def test_a_freeze_is_never_shortened() -> None:
    limits = Limits(DOCUMENTED)
    assert limits.frozen_until(ORDERS) == 0
    limits.freeze(NOON + 5000)
    limits.freeze(NOON + 1000)
    assert limits.frozen_until(ORDERS) == NOON + 5000
    assert limits.statistics().frozen_until == dict.fromkeys(LimitKind, NOON + 5000)


def test_what_was_taken_lets_a_request_go_until_a_window_begins_or_a_freeze() -> None:
    limits, cost, middle = Limits(RULES), Cost(weight=1, raw=0), NOON + 30_000
    assert limits.admit(cost, middle) == 0
    assert limits.holds(cost, middle, middle + 20_000)
    assert not limits.holds(cost, middle, NOON + 60_000 - GUARD_MS)  # it may be the next window's already
    assert limits.holds(Cost(raw=0), middle, NOON + 600_000)
    limits.freeze(middle + 100)
    assert not limits.holds(cost, middle, middle)


def test_a_freeze_and_a_full_window_are_waited_for_together() -> None:
    limits = Limits(DOCUMENTED)
    limits.on_used(WEIGHT, 60_000, 6000, NOON + 1000)
    limits.freeze(NOON + 5000)
    assert limits.admit(Cost(weight=1), NOON + 1000) == NOON + 60_500


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=300))
@settings(max_examples=20)
def test_old_windows_are_forgotten(waits: list[int]) -> None:
    limits, now = Limits(DOCUMENTED), NOON
    for wait in waits:
        now += wait
        limits.admit(Cost(weight=1, orders=1), now)
        limits.on_used(WEIGHT, 60_000, 1, now)
    for counter in limits._counters.values():
        assert len(counter.windows) <= 4


def test_the_statistics_remember_the_peak() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=70), NOON + 5000) == 0
    assert limits.admit(Cost(weight=10), NOON + 65_000) == 0
    (told,) = limits.statistics().rules
    assert (told.used, told.peak) == (10, 70)
    assert limits.statistics().admitted == 2


def test_a_cost_tells_what_it_takes_of_each_kind() -> None:
    cost = Cost(weight=1, raw=2, orders=3, connections=4)
    assert [cost.of(kind) for kind in LimitKind] == [1, 2, 3, 4]
    assert Cost().of(RAW) == 1
    with pytest.raises(ValueError, match="weight"):
        Cost(weight=-1)
    with pytest.raises(ValueError, match="interval_ms"):
        Rule(WEIGHT, 0, 1)


# ------------------------------------------------------------- told numbers, and what is on its way meanwhile

SHARED = (Rule(WEIGHT, 60_000, 8), Rule(ORDERS, 10_000, 4), Rule(RAW, 5_000, 9))
HOUR_MS = 3_600_000


@attrs.frozen
class Ask:
    """One request: how long it travels, how long its answer does, and what the answer tells."""

    cost: Cost
    out: int
    back: int
    answer: str
    free: bool


ASKS = st.builds(
    Ask,
    cost=st.builds(Cost, weight=st.integers(0, 3), raw=st.integers(0, 1), orders=st.integers(0, 1)),
    out=st.sampled_from([0, 40, 100]),
    back=st.sampled_from([0, 30, 200, 3_000, 20_000]),
    answer=st.sampled_from(["told", "told", "told", "silent", "lost", "unsent"]),
    free=st.booleans(),
)
OTHERS = st.builds(Cost, weight=st.integers(0, 4), raw=st.just(0), orders=st.integers(0, 2))
WAITS = st.tuples(st.sampled_from([0, 20, 150, 150, 450, 450, 900, 5_000, 9_000, 30_000]), st.integers(-400, 400))


class Shared:
    """A client and other programs at one exchange; the exchange blames whoever knew better."""

    def __init__(self, wrong_ms: int) -> None:
        self.limits = Limits(SHARED)
        self.now = NOON + 52_000
        self.offset = wrong_ms
        self.synced = wrong_ms == 0
        self.queue: list[tuple[int, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        self.ours: dict[tuple[Rule, int], int] = {}
        """All that is or will be counted of ours, as soon as it is admitted."""
        self.counts: dict[tuple[Rule, int], int] = {}
        self.others: dict[tuple[Rule, int], int] = {}
        self.known: dict[tuple[Rule, int], int] = {}
        """What others spent, as far as an answer that surely is of that window contained it."""

    @property
    def estimate(self) -> int:
        return self.now + self.offset

    def set_clock(self, offset: int) -> None:
        self.limits.move(offset - self.offset)
        self.offset, self.synced = offset, True

    def later(self, wait: int, what: Callable[[], None]) -> None:
        heapq.heappush(self.queue, (self.now + wait, next(self.numbers), what))

    def pass_time(self, wait: int) -> None:
        until = self.now + wait
        while self.queue and self.queue[0][0] <= until:
            self.now, _, what = heapq.heappop(self.queue)
            what()
        self.now = until

    def windows(self, at: int) -> list[tuple[Rule, int]]:
        return [(each, at // each.interval_ms) for each in SHARED]

    def spend(self, cost: Cost) -> None:
        for window in self.windows(self.now):
            amount = cost.of(window[0].kind)
            self.others[window] = self.others.get(window, 0) + amount
            self.counts[window] = self.counts.get(window, 0) + amount

    def ask(self, ask: Ask) -> None:
        if self.limits.admit(ask.cost, self.estimate):
            return
        taken = self.estimate - self.limits.moved_ms
        if ask.answer == "unsent":
            self.later(ask.back, lambda: self.limits.refund(ask.cost, taken + self.limits.moved_ms))
            return
        spent = attrs.evolve(ask.cost, weight=0) if ask.free else ask.cost
        for window in self.windows(self.now + ask.out):
            amount = spent.of(window[0].kind)
            self.ours[window] = self.ours.get(window, 0) + amount
            # What was let out before the time was known may have filled a window; then nothing more goes there.
            if amount and self.synced:
                assert self.ours[window] + self.known.get(window, 0) <= window[0].limit
        self.later(ask.out, lambda: self.land(ask, spent, taken))

    def land(self, ask: Ask, spent: Cost, taken: int) -> None:
        told = {}
        for window in self.windows(self.now):
            self.counts[window] = self.counts.get(window, 0) + spent.of(window[0].kind)
            if window[0].kind is not RAW:
                told[window] = (self.counts[window], self.others.get(window, 0))
        if ask.answer != "lost":
            self.later(ask.back, lambda: self.hear(ask, told if ask.answer == "told" else {}, taken))

    def hear(self, ask: Ask, told: dict[tuple[Rule, int], tuple[int, int]], taken: int) -> None:
        taken += self.limits.moved_ms
        for window, (used, others) in told.items():
            each = window[0]
            self.limits.on_used(each.kind, each.interval_ms, used, self.estimate, [(ask.cost, taken)])
            if (taken - GUARD_MS) // each.interval_ms == window[1]:
                self.known[window] = max(self.known.get(window, 0), others)
        if ask.free:
            rules = [(each.kind, each.interval_ms) for each, _ in told]
            self.limits.refund(Cost(weight=ask.cost.weight, raw=0), taken, rules)


@given(
    st.lists(st.one_of(ASKS, ASKS, ASKS, OTHERS, WAITS), min_size=12, max_size=40),
    st.sampled_from([0, 0, 2 * HOUR_MS + 17_000, -5 * HOUR_MS - 31_234, 2_500, 600]),
    st.integers(0, 40),
)
@settings(max_examples=100, deadline=None)
def test_what_was_known_to_be_spent_never_lets_a_request_overfill_a_window(
    steps: list[Ask | Cost | tuple[int, int]], wrong_ms: int, sync_after: int
) -> None:
    world = Shared(wrong_ms)
    for number, step in enumerate(steps):
        if number == sync_after and not world.synced:
            world.set_clock(0)
        if isinstance(step, Ask):
            world.ask(step)
        elif isinstance(step, Cost):
            world.spend(step)
        else:
            world.pass_time(step[0])
            if world.synced:
                world.set_clock(step[1])
    # Whatever happened, a fresh minute has all its room.
    world.set_clock(0)
    world.pass_time(120_000)
    world.pass_time(-world.now % 60_000 + 2_500)
    assert world.limits.admit(Cost(weight=8, raw=9, orders=4), world.estimate) == 0


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_once_everything_has_landed_the_used_number_is_the_exchange_s(
    requests: list[tuple[int, int]], rng: random.Random
) -> None:
    limits, count, answers = Limits(DOCUMENTED), 0, []
    for weight, others in requests:
        assert limits.admit(Cost(weight=weight), NOON + 5000) == 0
        count += weight + others
        answers.append((weight, count))
    rng.shuffle(answers)
    for weight, told in answers:
        limits.on_used(WEIGHT, 60_000, told, NOON + 6000, [(Cost(weight=weight), NOON + 5000)])
        assert used(limits, WEIGHT, 60_000) >= max(told, sum(weight for weight, _ in requests))
    assert used(limits, WEIGHT, 60_000) == count


def test_what_is_on_its_way_comes_on_top_of_what_was_told() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    for _ in range(3):
        assert limits.admit(Cost(weight=10), NOON + 5000) == 0
    # The answer of the first: others have spent 60 before it. The other two are still to come.
    limits.on_used(WEIGHT, 60_000, 70, NOON + 5100, [(Cost(weight=10), NOON + 5000)])
    assert used(limits, WEIGHT, 60_000) == 90
    assert limits.admit(Cost(weight=11), NOON + 5100) == NOON + 60_500
    assert limits.admit(Cost(weight=10), NOON + 5100) == 0


def test_an_answer_without_a_number_leaves_its_request_on_its_way_till_the_window_ends() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=30), NOON + 5000) == 0
    limits.on_used(WEIGHT, 60_000, 70, NOON + 6000)
    assert limits.admit(Cost(weight=1), NOON + 6000) == NOON + 60_500
    assert limits.admit(Cost(weight=100), NOON + 60_500) == 0


def test_a_number_of_a_window_that_ended_meanwhile_does_not_fill_the_next() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=5), NOON + 58_000) == 0
    limits.on_used(WEIGHT, 60_000, 100, NOON + 64_000, [(Cost(weight=5), NOON + 58_000)])
    assert limits.admit(Cost(weight=100), NOON + 64_000) == 0


def test_a_request_at_an_edge_stays_on_its_way_where_its_number_may_not_belong() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=10), NOON + 59_900) == 0
    limits.on_used(WEIGHT, 60_000, 50, NOON + 60_700)
    limits.on_used(WEIGHT, 60_000, 30, NOON + 60_800, [(Cost(weight=10), NOON + 59_900)])
    assert limits.admit(Cost(weight=41), NOON + 60_800) == NOON + 120_500
    assert limits.admit(Cost(weight=40), NOON + 60_800) == 0


def test_a_number_that_goes_to_a_window_without_its_request_settles_nothing() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    limits.on_used(WEIGHT, 60_000, 50, NOON + 61_000)
    assert limits.admit(Cost(weight=10), NOON + 60_600) == 0
    # The estimate went back within its band: the number may be of the old minute.
    limits.on_used(WEIGHT, 60_000, 99, NOON + 60_300, [(Cost(weight=10), NOON + 60_600)])
    assert limits.admit(Cost(weight=41), NOON + 60_700) == NOON + 120_500
    assert limits.admit(Cost(weight=40), NOON + 60_700) == 0


def test_a_believed_fall_caps_what_never_landed_at_a_hundredth_of_the_limit() -> None:
    limits = Limits([Rule(ORDERS, 86_400_000, 160_000)])
    assert limits.admit(Cost(orders=50_000), NOON) == 0  # many rejects, whose answers told no number
    assert limits.admit(Cost(orders=1), NOON) == 0
    limits.on_used(ORDERS, 86_400_000, 1, NOON, [(Cost(orders=1), NOON)])
    assert used(limits, ORDERS, 86_400_000) == 1601


def test_a_step_of_the_clock_moves_what_was_counted_into_every_window_it_touches() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=30), NOON + 10_000) == 0
    assert limits.admit(Cost(weight=20), NOON + 70_000) == 0
    limits.move(-2 * HOUR_MS - 30_000)
    assert limits.moved_ms == -2 * HOUR_MS - 30_000
    noon = NOON - 2 * HOUR_MS
    assert limits.admit(Cost(weight=51), noon + 25_000) == noon + 60_500  # both minutes may have been this one
    assert limits.admit(Cost(weight=81), noon + 60_500) == noon + 120_500
    limits.refund(Cost(weight=20), NOON + 70_000 + limits.moved_ms)
    assert limits.admit(Cost(weight=70), noon + 40_000) == 0


def test_a_step_keeps_the_highest_number_that_was_told_of_either_window() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    limits.on_used(WEIGHT, 60_000, 40, NOON + 10_000)
    limits.on_used(WEIGHT, 60_000, 30, NOON + 70_000)
    limits.move(30_000)
    assert limits.admit(Cost(weight=61), NOON + 100_000) == NOON + 120_500
    assert limits.admit(Cost(weight=60), NOON + 100_000) == 0


def test_a_step_within_the_guard_band_moves_what_is_frozen_only() -> None:
    limits = Limits([Rule(WEIGHT, 60_000, 100)])
    assert limits.admit(Cost(weight=100), NOON + 59_000) == 0
    limits.freeze(NOON + 90_000)
    limits.move(GUARD_MS)
    assert limits.moved_ms == 0
    assert limits.frozen_until(WEIGHT) == NOON + 90_500
    assert limits.admit(Cost(weight=100), NOON + 91_000) == 0


# ---------------------------------------------------------------------------------------------------- the pacer

STEPS = st.lists(st.tuples(st.sampled_from(["ask", "pong"]), st.floats(0.0, 1.5)), max_size=60)


@given(STEPS, st.floats(0.0, 1e6))
def test_no_stretch_of_a_second_holds_more_than_five_messages_pongs_included(
    steps: list[tuple[str, float]], start: float
) -> None:
    pacer, now, sent, pong_at = Pacer(), start, [], float("-inf")
    for what, wait in steps:
        now += wait
        if what == "pong" and now - pong_at >= 20.0:
            # The server pings every 20 seconds.
            pong_at = now
            pacer.note(now)
            sent.append(now)
        elif what == "ask" and pacer.admit(now) == 0.0:
            sent.append(now)
    for first, sixth in zip(sent, sent[5:], strict=False):
        assert first + 1.0 <= sixth


@given(st.integers(1, 30), st.floats(0.0, 1e6), st.integers(1, 8))
def test_who_asks_at_the_time_told_is_let_through(count: int, start: float, limit: int) -> None:
    pacer, now = Pacer(limit, 0.7), start
    for _ in range(count):
        told = pacer.admit(now)
        if told:
            assert told > now
            now = told
            assert pacer.admit(now) == 0.0


def test_one_place_of_five_is_kept_for_a_pong() -> None:
    pacer = Pacer()
    assert [pacer.admit(10.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 11.0]
    pacer.note(10.1)
    assert pacer.admit(10.9) == 11.0
    # At 11.0 the four are over and the pong is not.
    assert [pacer.admit(11.0) for _ in range(4)] == [0.0, 0.0, 0.0, 11.1]


def test_forced_messages_beyond_the_limit_push_the_rest_back() -> None:
    pacer = Pacer(3, 1.0, reserve=0)
    for at in (0.0, 0.1, 0.2, 0.3, 0.4):
        pacer.note(at)
    assert pacer.admit(0.5) == 1.2
    assert pacer.admit(1.2) == 0.0


def test_without_a_reserve_all_five_go_at_once() -> None:
    pacer = Pacer(reserve=0)
    assert [pacer.admit(0.0) for _ in range(6)] == [0.0] * 5 + [1.0]


def test_at_least_one_message_is_always_possible() -> None:
    pacer = Pacer(1)
    assert [pacer.admit(0.0), pacer.admit(0.5), pacer.admit(1.0)] == [0.0, 1.0, 0.0]
