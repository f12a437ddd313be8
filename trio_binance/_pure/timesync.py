"""The clock: server time from round trips, with an error bound that can be believed.

A question leaves at ``sent_at`` and its answer arrives at ``received_at``; the server wrote its time somewhere between.
The midpoint is therefore wrong by half the round trip at most. Of a burst the sample with the shortest round trip
wins. From then on our own clock may run fast or slow, so the bound grows with age until the next burst.

Local time is the wall clock read once (the anchor) plus the monotonic time since; later jumps of the wall clock
change nothing.
"""

from __future__ import annotations

from typing import final

import attrs

UNBOUNDED_US = 2**62
"""The error bound before the first measurement."""

_DRIFT_PPM = 500
"""How far our clock may run from the server's, in microseconds a second: NTP slews a monotonic clock by 500 at most."""
_STEP_US = 1_000_000
"""A measurement further off than this is not believed before ``_AGREEING`` of them say the same."""
_AGREEING = 3
_SPACING = 1.0
"""Seconds between the end of one burst and the next that is demanded, and the first retry after a failure."""
_RETRY_CAP = 60.0


@attrs.frozen
class Sample:
    """One measurement: how far the server is ahead of local time in microseconds, and how wrong that may be."""

    offset_us: int
    error_us: int
    at: float

    def error_at(self, now: float) -> int:
        """Return by how much it may be wrong at ``now``: our clock has drifted since."""
        return self.error_us + round(abs(now - self.at) * _DRIFT_PPM)

    def agrees_with(self, other: Sample) -> bool:
        """Tell whether both can be true."""
        now = max(self.at, other.at)
        return abs(self.offset_us - other.offset_us) <= self.error_at(now) + other.error_at(now)


@attrs.frozen
class Synced:
    """Server time was measured and adopted."""

    offset_us: int
    uncertainty_us: int
    at: float


@attrs.frozen
class Stepped:
    """The offset moved by more than a second, as three measurements agree: this machine slept, or the server jumped."""

    old_us: int
    new_us: int
    at: float


@attrs.frozen
class Refused:
    """A measurement that was not believed, and why."""

    reason: str
    at: float


Effect = Synced | Stepped | Refused


@attrs.frozen
class ClockStatistics:
    """What is known of server time; offsets and errors in microseconds, moments in Trio's seconds.

    ``last_sync_at`` is the last measurement that was believed, also one that only confirmed a sharper one before it.
    """

    synced: bool
    offset_us: int
    uncertainty_us: int
    samples: int
    refused: int
    failures: int
    steps: int
    last_sync_at: float | None


@final
class ClockSync:
    """Server time, sampled in bursts: at once, every ``interval`` seconds, and when demanded.

    Args:
        wall_anchor_us: the machine's wall clock in microseconds since 1970, read once.
        anchor_at: the monotonic time at which it was read.
        interval: seconds between bursts.
        samples: measurements in a burst.
        max_rtt: seconds; a slower round trip says too little and is refused.
    """

    def __init__(
        self,
        wall_anchor_us: int,
        anchor_at: float,
        *,
        interval: float = 300.0,
        samples: int = 5,
        max_rtt: float = 1.0,
    ) -> None:
        self._wall_anchor_us = wall_anchor_us
        self._anchor_at = anchor_at
        self._interval = interval
        self._burst_size = samples
        self._max_rtt = max_rtt
        self._adopted: Sample | None = None
        self._measured_at: float | None = None
        self._believed = False
        self._taken = 0
        self._dissent: list[Sample] = []
        self._retries = 0
        self._ended_at = float("-inf")
        self._samples = self._refused = self._failures = self._steps = 0
        self.deadline: float = anchor_at
        """When to measure next, at the latest."""

    # ------------------------------------------------------------------------------------------- what time it is

    @property
    def synced(self) -> bool:
        """Whether server time was ever measured and is still believed."""
        return self._adopted is not None

    @property
    def sampling(self) -> bool:
        """Whether a burst is under way: the offset may be about to change."""
        return self._taken > 0

    @property
    def offset_us(self) -> int:
        """How far the server is ahead of local time; 0 before the first measurement."""
        return self._adopted.offset_us if self._adopted else 0

    @property
    def uncertainty_us(self) -> int:
        """The error bound at the moment of the last measurement; see ``error_bound_us`` for now."""
        return self._adopted.error_us if self._adopted else UNBOUNDED_US

    def error_bound_us(self, now: float) -> int:
        """Return by how many microseconds ``server_time_us`` may be wrong at ``now``, at most."""
        return self._adopted.error_at(now) if self._adopted else UNBOUNDED_US

    def server_time_us(self, now: float) -> int:
        """Return the best estimate of server time in microseconds; the wall clock before the first measurement."""
        return self._local_us(now) + self.offset_us

    def signing_time_us(self, now: float) -> int:
        """Return the time to sign with: behind the best estimate by its error bound, so never in the server's future.

        "if (timestamp < serverTime + 1 second && serverTime - timestamp <= recvWindow)" (rest-api.md, "Timing
        security"): there are seconds of room behind and one ahead. Before the first measurement: the wall clock.
        """
        return self.server_time_us(now) - (self._adopted.error_at(now) if self._adopted else 0)

    def _local_us(self, now: float) -> int:
        return self._wall_anchor_us + round((now - self._anchor_at) * 1_000_000)

    # ----------------------------------------------------------------------------------------------- what happens

    def on_sample(self, sent_at: float, received_at: float, server_us: int, resolution_us: int = 1000) -> list[Effect]:
        """Take one measurement and return what came of it; afterwards ``deadline`` says when to take the next.

        ``resolution_us`` is the unit the server told its time in, cut off: a millisecond, unless asked for finer.
        """
        self._taken += 1
        self._samples += 1
        rtt = received_at - sent_at
        if not 0.0 <= rtt <= self._max_rtt:
            effects: list[Effect] = [self._refuse(f"round trip of {rtt:.3f} s", received_at)]
        else:
            effects = self._weigh(self._measure(sent_at, received_at, server_us, resolution_us))
        if self._taken < self._burst_size:
            self.deadline = received_at
        else:
            self._end_burst(received_at)
        return effects

    def _measure(self, sent_at: float, received_at: float, server_us: int, resolution_us: int) -> Sample:
        # What was cut off lies between 0 and a whole unit: take the middle, and half a unit of doubt.
        middle = server_us + resolution_us // 2
        offset = middle - self._local_us((sent_at + received_at) / 2)
        # One more microsecond for the rounding of local time, and the drift within the round trip itself.
        rtt_us = (received_at - sent_at) * 1_000_000
        error = round(rtt_us / 2) + resolution_us // 2 + round(rtt_us * _DRIFT_PPM / 1_000_000) + 2
        return Sample(offset, error, received_at)

    def _weigh(self, sample: Sample) -> list[Effect]:
        if self._adopted is not None and abs(sample.offset_us - self._adopted.offset_us) > _STEP_US:
            return self._doubt(sample, self._adopted)
        self._dissent.clear()
        self._believe(sample)
        old = self._adopted
        # The old one is kept only while it is both the sharper of the two and not contradicted.
        if old is None or sample.error_us < old.error_at(sample.at) or not sample.agrees_with(old):
            return [self._adopt(sample)]
        return []

    def _doubt(self, sample: Sample, adopted: Sample) -> list[Effect]:
        """Believe a far-off measurement only when three in a row agree with each other."""
        self._dissent = [other for other in self._dissent if other.agrees_with(sample)]
        self._dissent.append(sample)
        if len(self._dissent) < _AGREEING:
            ahead = (sample.offset_us - adopted.offset_us) / 1_000_000
            return [self._refuse(f"{ahead:+.3f} s away from what was known", sample.at)]
        best = min(self._dissent, key=lambda each: each.error_at(sample.at))
        self._dissent.clear()
        self._believe(sample)
        self._steps += 1
        return [Stepped(adopted.offset_us, best.offset_us, sample.at), self._adopt(best)]

    def _believe(self, sample: Sample) -> None:
        self._believed = True
        self._measured_at = sample.at

    def _adopt(self, sample: Sample) -> Synced:
        self._adopted = sample
        return Synced(sample.offset_us, sample.error_us, sample.at)

    def _refuse(self, reason: str, at: float) -> Refused:
        self._refused += 1
        return Refused(reason, at)

    def _end_burst(self, now: float) -> None:
        """Rest until the next interval, or for a short while only when nothing came of the burst."""
        believed, self._believed = self._believed, False
        self._taken, self._ended_at = 0, now
        if believed:
            self._retries = 0
            self.deadline = now + self._interval
        else:
            self._retry(now)

    def _retry(self, now: float) -> None:
        wait = min(_SPACING * 2**self._retries, _RETRY_CAP, self._interval)
        # The wait stops growing long before the exponent would hurt.
        self._retries = min(self._retries + 1, 16)
        self.deadline = now + wait

    def on_failure(self, now: float) -> None:
        """Note that a measurement failed: the burst ends with what it has, and is tried again after a short while."""
        self._failures += 1
        self._end_burst(now)

    def demand(self, now: float, *, signed_at: float | None = None) -> None:
        """Measure again at once: the exchange answered -1021.

        Any number of callers share one burst, and bursts keep a second apart however many demand them.

        Args:
            now: the monotonic time.
            signed_at: when the refused request was signed; if server time was measured since, the refusal tells
                nothing new and nothing is done.
        """
        if signed_at is not None and self._measured_at is not None and self._measured_at > signed_at:
            return
        self.deadline = min(self.deadline, max(now, self._ended_at + _SPACING))

    def distrust(self, now: float) -> None:
        """Forget what was known, and measure at once: this machine slept, and the monotonic clock with it."""
        self._adopted, self._measured_at, self._believed = None, None, False
        self._dissent.clear()
        self._taken = 0
        self.deadline = now

    def statistics(self) -> ClockStatistics:
        """Return what is known, and how often it was measured, refused, and moved."""
        return ClockStatistics(
            synced=self.synced,
            offset_us=self.offset_us,
            uncertainty_us=self.uncertainty_us,
            samples=self._samples,
            refused=self._refused,
            failures=self._failures,
            steps=self._steps,
            last_sync_at=self._measured_at,
        )
