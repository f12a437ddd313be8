"""The clock: what must be true of server time, whatever the line and the machine's own clock do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.timesync import UNBOUNDED_US, ClockSync, Refused, Sample, Stepped, Synced

WALL = 1_700_000_000_000_000
"""The machine's wall clock at monotonic time 0, in microseconds."""


class Server:
    """A server clock ahead of the wall by ``ahead_us``, running ``drift_ppm`` fast, asked over a line.

    It tells its time in units of ``unit_us`` microseconds.
    """

    def __init__(self, ahead_us: int, drift_ppm: float = 0.0, unit_us: int = 1000) -> None:
        self.ahead_us = ahead_us
        self.drift_ppm = drift_ppm
        self.unit_us = unit_us

    def time_us(self, now: float) -> int:
        return WALL + self.ahead_us + round(now * (1_000_000 + self.drift_ppm))

    def ask(self, sync: ClockSync, now: float, out: float, back: float) -> tuple[float, list[object]]:
        """Take a sample whose question travels ``out`` seconds; return when the answer came and its effects."""
        told = self.time_us(now + out) // self.unit_us * self.unit_us
        received = now + out + back
        return received, list(sync.on_sample(now, received, told, self.unit_us))


def burst(sync: ClockSync, server: Server, *rtts: float) -> list[object]:
    """Answer one sample a round trip, each when it is due, and return all effects."""
    effects: list[object] = []
    for rtt in rtts:
        effects += server.ask(sync, sync.deadline, rtt / 2, rtt / 2)[1]
    return effects


def synced(server: Server, **settings: float) -> ClockSync:
    sync = ClockSync(WALL, 0.0, **settings)  # type: ignore[arg-type]
    burst(sync, server, *[0.02] * 5)
    return sync


LATENCY = st.floats(0.0, 0.7)
BURST = st.lists(st.tuples(LATENCY, LATENCY), min_size=1, max_size=12)


@given(
    ahead=st.integers(-(10**12), 10**12),
    drift=st.floats(-450.0, 450.0),
    interval=st.sampled_from([1.0, 300.0, 20_000.0]),
    line=BURST,
    later=st.lists(st.floats(0.0, 5000.0), max_size=5),
    unit=st.sampled_from([1, 1000]),
)
def test_the_claimed_error_bound_contains_the_truth_for_any_latency_drift_and_unit(
    ahead: int, drift: float, interval: float, line: list[tuple[float, float]], later: list[float], unit: int
) -> None:
    server = Server(ahead, drift, unit)
    sync = ClockSync(WALL, 0.0, interval=interval, samples=3)
    for out, back in line:
        received, _ = server.ask(sync, sync.deadline, out, back)
        for now in [received, *[received + wait for wait in later]]:
            wrong = abs(sync.server_time_us(now) - server.time_us(now))
            assert wrong <= sync.error_bound_us(now)
            if sync.synced:
                assert sync.signing_time_us(now) <= server.time_us(now)


def test_a_server_that_tells_microseconds_is_known_half_a_millisecond_better() -> None:
    coarse, fine = (ClockSync(WALL, 0.0) for _ in range(2))
    burst(coarse, Server(5_000_000), 0.01)
    burst(fine, Server(5_000_000, unit_us=1), 0.01)
    assert coarse.uncertainty_us - fine.uncertainty_us == 500
    assert abs(fine.offset_us - 5_000_000) <= 1


@given(line=BURST, failures=st.lists(st.booleans(), max_size=12))
def test_the_next_measurement_is_always_due_after_now_and_within_the_interval(
    line: list[tuple[float, float]], failures: list[bool]
) -> None:
    sync = ClockSync(WALL, 0.0, interval=30.0)
    server = Server(0)
    for (out, back), fails in zip(line, [*failures, *[False] * 12], strict=False):
        now = sync.deadline
        if fails:
            sync.on_failure(now)
        else:
            now, _ = server.ask(sync, now, out, back)
        assert now <= sync.deadline <= now + 30.0


def test_before_the_first_measurement_the_wall_clock_stands_in() -> None:
    sync = ClockSync(WALL, 10.0)
    assert not sync.synced
    assert sync.deadline == 10.0
    assert (sync.offset_us, sync.uncertainty_us, sync.error_bound_us(0.0)) == (0, UNBOUNDED_US, UNBOUNDED_US)
    assert sync.server_time_us(11.5) == sync.signing_time_us(11.5) == WALL + 1_500_000


def test_the_first_burst_comes_at_once_and_the_next_after_the_interval() -> None:
    sync, server = ClockSync(WALL, 0.0, samples=3), Server(5000)
    for _ in range(3):
        assert sync.deadline < 1.0
        server.ask(sync, sync.deadline, 0.01, 0.01)
    assert sync.deadline == pytest.approx(300.06)
    assert not sync.sampling


def test_the_first_answer_already_serves() -> None:
    sync = ClockSync(WALL, 0.0)
    (effect,) = burst(sync, Server(2_000_000), 0.1)
    assert sync.synced
    assert sync.sampling
    assert isinstance(effect, Synced)
    assert (effect.offset_us, effect.uncertainty_us) == (sync.offset_us, sync.uncertainty_us)
    assert sync.offset_us == pytest.approx(2_000_000, abs=600)


def test_the_shortest_round_trip_of_a_burst_wins() -> None:
    sync, server = ClockSync(WALL, 0.0, samples=4), Server(0)
    server.ask(sync, 0.0, 0.4, 0.0)
    assert abs(sync.offset_us) > 100_000
    server.ask(sync, 1.0, 0.001, 0.001)
    best = sync.offset_us
    server.ask(sync, 2.0, 0.0, 0.4)
    server.ask(sync, 3.0, 0.4, 0.1)
    assert sync.offset_us == best == pytest.approx(0, abs=600)


def test_an_answer_that_took_longer_than_max_rtt_is_refused() -> None:
    sync, server = ClockSync(WALL, 0.0), Server(0)
    _, (effect,) = server.ask(sync, 0.0, 0.0, 3.0)
    assert isinstance(effect, Refused)
    assert "3.000 s" in effect.reason
    assert not sync.synced


def test_an_answer_before_its_question_is_refused() -> None:
    (effect,) = ClockSync(WALL, 0.0).on_sample(1.0, 0.5, WALL)
    assert isinstance(effect, Refused)


def test_a_burst_of_refusals_is_tried_again_with_growing_patience() -> None:
    sync, server = ClockSync(WALL, 0.0, samples=1), Server(0)
    waits = []
    for _ in range(20):
        received, _ = server.ask(sync, sync.deadline, 1.0, 1.0)
        waits.append(round(sync.deadline - received, 6))
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits[-1] == 60
    burst(sync, server, 0.02)
    sync.on_failure(sync.deadline)
    assert sync.statistics().failures == 1


def test_a_failure_is_retried_soon_unless_the_burst_already_gave_something() -> None:
    sync, server = ClockSync(WALL, 0.0), Server(0)
    sync.on_failure(0.0)
    assert sync.deadline == 1.0
    server.ask(sync, 1.0, 0.01, 0.01)
    sync.on_failure(2.0)
    assert sync.deadline == 302.0
    sync.on_failure(302.0)
    assert sync.deadline == 303.0


def test_one_wild_answer_moves_nothing() -> None:
    sync = synced(Server(0))
    before = sync.offset_us
    (effect,) = burst(sync, Server(3_600_000_000), 0.01)
    assert isinstance(effect, Refused)
    assert "+3600." in effect.reason
    assert sync.offset_us == before


def test_three_answers_that_agree_move_the_clock_by_more_than_a_second() -> None:
    sync = synced(Server(0))
    before = sync.offset_us
    effects = burst(sync, Server(-5_000_000), 0.02, 0.01, 0.03)
    assert [type(effect) for effect in effects] == [Refused, Refused, Stepped, Synced]
    step = effects[2]
    assert isinstance(step, Stepped)
    assert (step.old_us, step.new_us) == (before, sync.offset_us)
    assert sync.offset_us == pytest.approx(-5_000_000, abs=600)
    # The sharpest of the three, and not the last of them; it has aged by one round trip.
    assert sync.uncertainty_us < 7_000
    assert sync.statistics().steps == 1


def test_wild_answers_that_do_not_agree_with_each_other_move_nothing() -> None:
    sync = synced(Server(0))
    before = sync.offset_us
    for ahead in (5_000_000, 9_000_000, -7_000_000, 5_000_000, 9_000_000):
        burst(sync, Server(ahead), 0.02)
    assert sync.offset_us == before


def test_a_sane_answer_between_wild_ones_starts_their_count_again() -> None:
    sync = synced(Server(0), samples=10)
    before = sync.offset_us
    for ahead in (5_000_000, 5_000_000, 0, 5_000_000, 5_000_000):
        burst(sync, Server(ahead), 0.02)
    assert sync.offset_us == before


def test_a_burst_of_one_still_gathers_three_agreeing_answers() -> None:
    sync = ClockSync(WALL, 0.0, samples=1)
    burst(sync, Server(0), 0.02)
    moments = []
    while sync.statistics().steps == 0:
        moments.append(sync.deadline)
        burst(sync, Server(8_000_000), 0.02)
    assert len(moments) == 3
    assert moments[2] - moments[0] < 4.0


def test_a_small_contradiction_is_believed_at_once() -> None:
    sync = synced(Server(0))
    burst(sync, Server(400_000), 0.04)
    assert sync.offset_us == pytest.approx(400_000, abs=600)


def test_a_blunter_answer_does_not_replace_a_sharper_one_that_it_agrees_with() -> None:
    sync = synced(Server(0))
    before = sync.offset_us
    sync.demand(2.0)
    received, effects = Server(0).ask(sync, sync.deadline, 0.4, 0.0)
    assert effects == []
    assert sync.offset_us == before
    # It was measured all the same: who waits for a measurement since a refusal need wait no longer.
    assert sync.statistics().last_sync_at == received
    due = sync.deadline
    sync.demand(received + 9.0, signed_at=received - 0.1)
    assert sync.deadline == due


def test_the_error_bound_grows_with_age() -> None:
    sync = synced(Server(0))
    last = sync.statistics().last_sync_at
    assert last is not None
    assert sync.error_bound_us(last + 100.0) == sync.uncertainty_us + 50_000


def test_signing_aims_behind_the_best_estimate_by_the_bound() -> None:
    sync = synced(Server(0))
    assert sync.server_time_us(50.0) - sync.signing_time_us(50.0) == sync.error_bound_us(50.0) > 0


def test_a_demand_measures_at_once_and_only_once() -> None:
    sync = synced(Server(0))
    assert sync.deadline > 299.0
    sync.demand(50.0)
    assert sync.deadline == 50.0
    sync.demand(50.1)
    assert sync.deadline == 50.0
    Server(0).ask(sync, 50.0, 0.01, 0.01)
    due = sync.deadline
    sync.demand(50.05)
    assert sync.deadline == due


def test_bursts_on_demand_keep_a_second_apart() -> None:
    sync = synced(Server(0))
    last = sync.statistics().last_sync_at
    ended = sync.deadline - 300.0
    assert last is not None
    sync.demand(ended + 0.1)
    assert sync.deadline == pytest.approx(ended + 1.0)


def test_a_refusal_of_what_was_signed_before_the_last_measurement_demands_nothing() -> None:
    sync = ClockSync(WALL, 0.0)
    sync.demand(0.0, signed_at=-1.0)
    assert sync.deadline == 0.0
    sync = synced(Server(0))
    due = sync.deadline
    sync.demand(5.0, signed_at=0.001)
    assert sync.deadline == due
    sync.demand(5.0, signed_at=4.0)
    assert sync.deadline == 5.0


def test_after_sleep_the_old_offset_is_forgotten_and_the_next_answer_believed() -> None:
    sync = synced(Server(0))
    sync.distrust(10.0)
    assert not sync.synced
    assert sync.deadline == 10.0
    effects = burst(sync, Server(8 * 3600 * 1_000_000), 0.02)
    assert [type(effect) for effect in effects] == [Synced]
    assert sync.offset_us == pytest.approx(8 * 3600 * 1_000_000, abs=600)


def test_the_statistics_tell_all_of_it() -> None:
    empty = ClockSync(WALL, 0.0).statistics()
    assert (empty.synced, empty.samples, empty.last_sync_at) == (False, 0, None)
    sync = synced(Server(0))
    burst(sync, Server(5_000_000), 0.02)
    sync.on_failure(400.0)
    told = sync.statistics()
    assert (told.synced, told.samples, told.refused, told.failures, told.steps) == (True, 6, 1, 1, 0)
    assert (told.offset_us, told.uncertainty_us) == (sync.offset_us, sync.uncertainty_us)


def test_samples_agree_when_both_can_be_true() -> None:
    one = Sample(0, 1000, 0.0)
    assert one.agrees_with(Sample(2000, 1000, 0.0))
    assert not one.agrees_with(Sample(2001, 1000, 0.0))
    assert one.agrees_with(Sample(2400, 1000, 1.0))
