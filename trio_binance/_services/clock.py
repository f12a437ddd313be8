"""The clock: server time as well as we can know it, kept fresh by a service.

The handle (`Clock`) outlives every incarnation of the service that samples for it (`ClockService`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

import trio

from trio_binance._pure.timesync import ClockSync, Refused, Stepped
from trio_binance.errors import BinanceError, ClockUnsynced

from .conditions import Degraded, Ready
from .events import ClockStepped, ClockSynced

if TYPE_CHECKING:
    from trio_binance._pure.timesync import ClockStatistics
    from trio_binance.config import Tuning

    from .observe import Observer
    from .status import StatusBoard


class TimeSource(Protocol):
    """Whoever can ask the exchange for its time."""

    async def sample_time(self) -> tuple[float, float, int, int]:
        """Return when the question left, when the answer came (``trio.current_time()``), the answer, and its unit.

        The answer is in microseconds, whatever unit it was told in; of that unit, too, so many microseconds are told.
        """
        ...


@final
class Clock:
    """What everyone asks for server time. All methods but ``resync`` and ``wait_synced`` are instantaneous."""

    def __init__(self, sync: ClockSync, observer: Observer) -> None:
        self._sync = sync
        self._observer = observer
        self._demand = trio.Event()
        self._sampled = trio.Event()
        self._was_synced = False
        self._measurements = 0

    @property
    def synced(self) -> bool:
        """Whether server time comes from the server."""
        return self._sync.synced

    def server_ms(self) -> int:
        """Return the best estimate of the server's time now, in milliseconds: what its limits go by."""
        return self._sync.server_time_us(trio.current_time()) // 1000

    def signing_ms(self) -> int:
        """Return the time to sign with, in milliseconds: a little behind, never in the server's future."""
        return self._sync.signing_time_us(trio.current_time()) // 1000

    def statistics(self) -> ClockStatistics:
        """Return offset, uncertainty and how often they were measured."""
        return self._sync.statistics()

    async def wait_synced(self) -> None:
        """Wait until server time is known from the server. Cancelled: nothing changed."""
        while not self._sync.synced:
            await self._sampled.wait()

    async def resync(self, signed_at: float, deadline: float) -> None:
        """Measure again unless that was done since ``signed_at``; everyone who asks meanwhile shares it.

        Cancelled: the measuring goes on.

        Raises:
            ClockUnsynced: no answer within ``deadline`` seconds; the request that needed it was not sent again.
        """
        measured = self._measurements
        self._sync.demand(trio.current_time(), signed_at=signed_at)
        self._demand.set()
        with trio.move_on_after(deadline):
            while not self._is_fresh(signed_at, measured):
                await self._sampled.wait()
        if not self._is_fresh(signed_at, measured):
            raise ClockUnsynced(f"server time could not be measured within {deadline:g} s")

    def _is_fresh(self, signed_at: float, measured: int) -> bool:
        """Tell whether server time was measured since the signature, and no burst is under way that may improve it."""
        last = self._sync.statistics().last_sync_at
        since = self._measurements > measured or (last is not None and last > signed_at)
        return since and not self._sync.sampling

    async def wait_due(self) -> None:
        """Wait until the next measurement is due or demanded."""
        with trio.move_on_at(self._sync.deadline):
            await self._demand.wait()
        self._demand = trio.Event()

    def on_sample(self, sent_at: float, received_at: float, server_us: int, resolution_us: int = 1000) -> None:
        """Take one measurement and tell those who wait."""
        effects = self._sync.on_sample(sent_at, received_at, server_us, resolution_us)
        if not any(isinstance(effect, Refused) for effect in effects):
            self._measurements += 1
        for effect in effects:
            if isinstance(effect, Stepped):
                self._observer.emit(ClockStepped(self._observer.now(), old=effect.old_us, new=effect.new_us))
        if self._sync.synced and not self._was_synced:
            self._was_synced = True
            self._observer.emit(ClockSynced(self._observer.now(), self._sync.offset_us, self._sync.uncertainty_us))
        self._sampled.set()
        self._sampled = trio.Event()

    def on_failure(self) -> None:
        """Note that a measurement failed; the next is due after a short while."""
        self._sync.on_failure(trio.current_time())
        self._sampled.set()
        self._sampled = trio.Event()


@final
class ClockService:
    """Measures whenever the clock says it is due: at the start, every few minutes, and at once after a -1021."""

    name = "clock"

    def __init__(self, clock: Clock, source: TimeSource, tuning: Tuning, board: StatusBoard) -> None:
        self._clock = clock
        self._source = source
        self._tuning = tuning
        self._board = board

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Measure for ever. Cancelled: the last known offset stays in use."""
        task_status.started()
        while True:
            await self._clock.wait_due()
            await self._measure()

    async def _measure(self) -> None:
        try:
            sample = await self._source.sample_time()
        except BinanceError as exc:
            self._clock.on_failure()
            if not self._clock.synced:
                self._board.set(self.name, Degraded(f"server time unknown: {exc}"))
            return
        self._clock.on_sample(*sample)
        if self._clock.synced:
            self._board.set(self.name, Ready())
