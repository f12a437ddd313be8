"""The status: how the connector is, added up from what each of its services says of itself."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_binance._util import raise_saving_context
from trio_binance.errors import ConnectorClosed

from .conditions import Condition, Degraded, Ready, Starting, Status
from .events import StatusChanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_binance.errors import BinanceError

    from .observe import Observer


@attrs.define(eq=False)
class _Waiter:
    wanted: tuple[Status, ...]
    woken: trio.Event = attrs.field(factory=trio.Event)
    reached: Status = Status.CLOSED
    refusal: BinanceError | None = None


@final
class StatusBoard:
    """What the services report, added up.

    Once the connector has been up, a service that starts anew makes it DEGRADED: a trader who was told READY is not
    told STARTING of something that was running.

    Args:
        observer: told of every change of the whole.
        services: who is expected to report; until each has, the whole is STARTING.
    """

    def __init__(self, observer: Observer, services: Iterable[str] = ()) -> None:
        self._observer = observer
        self._conditions: dict[str, Condition] = {name: Starting() for name in services}
        self._been_up = False
        self._status = Status.STARTING
        self._waiters: set[_Waiter] = set()

    @property
    def status(self) -> Status:
        """How the connector is now."""
        return self._status

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why it is not READY: a reason for each service that is not, in the order of their first report."""
        conditions = self._conditions.items()
        return {name: condition.reason for name, condition in conditions if not isinstance(condition, Ready)}

    def set(self, service: str, condition: Condition) -> None:
        """Take the report of a service. Once closed, nobody is listening: it is ignored."""
        self._conditions[service] = condition
        self._update()
        if self._refusal is not None:
            self._wake(refusal=self._refusal)

    @property
    def _refusal(self) -> BinanceError | None:
        """What keeps it from being READY until somebody else has done something about it."""
        told = (condition.refusal for condition in self._conditions.values() if isinstance(condition, Degraded))
        return next((refusal for refusal in told if refusal is not None), None)

    def forget(self, service: str) -> None:
        """Leave a service out of the sum: it is gone for good."""
        self._conditions.pop(service, None)
        self._update()

    def close(self) -> None:
        """Become CLOSED for good and wake everyone who waits."""
        self._become(Status.CLOSED, "")

    async def wait(self, *wanted: Status) -> Status:
        """Wait until the status is one of ``wanted`` and return which.

        However briefly it was, the waiting ends; by the time the caller runs it may be another again. Cancelled:
        nothing changed.

        Raises:
            ConnectorClosed: the connector is closed, now or while waiting, and that is not what was wanted.
            AuthError: READY was wanted, and the exchange refuses the key, now or while waiting.
        """
        await trio.lowlevel.checkpoint()
        reached = self._status
        if reached is not Status.CLOSED and reached not in wanted:
            reached = await self._wait_for(wanted)
        if self._status is Status.CLOSED and Status.CLOSED not in wanted:
            raise ConnectorClosed("the connector is closed")
        return reached

    async def _wait_for(self, wanted: tuple[Status, ...]) -> Status:
        waiter = _Waiter(wanted, refusal=self._refusal if Status.READY in wanted else None)
        self._waiters.add(waiter)
        try:
            if waiter.refusal is None:
                await waiter.woken.wait()
        finally:
            self._waiters.discard(waiter)
        if waiter.refusal is not None:
            # Each is raised in another task: one error for all would collect their tracebacks.
            raise_saving_context(copy.copy(waiter.refusal))
        return waiter.reached

    def _wake(self, reached: Status = Status.CLOSED, refusal: BinanceError | None = None) -> None:
        """Wake whom this concerns; who was woken already has been told of something earlier."""
        told = Status.READY if refusal is not None else reached
        for waiter in self._waiters:
            if not waiter.woken.is_set() and (told in waiter.wanted or told is Status.CLOSED):
                waiter.reached, waiter.refusal = reached, refusal
                waiter.woken.set()

    def _sum(self) -> Status:
        kinds = {type(condition) for condition in self._conditions.values()}
        if kinds == {Ready}:
            return Status.READY
        if not self._been_up and (Starting in kinds or not kinds):
            return Status.STARTING
        return Status.DEGRADED if kinds else Status.READY

    def _update(self) -> None:
        status = self._sum()
        self._been_up = self._been_up or status is not Status.STARTING
        self._become(status, "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items()))

    def _become(self, status: Status, reason: str) -> None:
        if self._status in (status, Status.CLOSED):
            return
        old, self._status = self._status, status
        self._wake(status)
        self._observer.emit(StatusChanged(self._observer.now(), old, status, reason))
