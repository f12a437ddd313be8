"""The health: whether a wire is worth asking: its circuit breaker, and the pings that close it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import trio

from trio_binance._pure.breaker import Breaker, BreakerState
from trio_binance.errors import BinanceError, BreakerOpen

from .conditions import Degraded, Ready
from .events import BreakerChanged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_binance._protocol.operation import Operation
    from trio_binance._pure.breaker import BreakerStatistics, Permit, Transition
    from trio_binance.config import Tuning

    from .observe import Observer
    from .status import StatusBoard


@final
class Health:
    """One wire's breaker: what fails on one wire says nothing of the other, which is there to be asked instead.

    Args:
        wire: its name, for the events.
        service: what it is called on the board.
        is_failure: whether an error is the wire's or the exchange's, and no refusal, limit or cancellation.
        tuning: how many failures, pings and seconds.
        observer: told of every change.
        board: told when it opens and closes.
    """

    def __init__(
        self,
        wire: str,
        service: str,
        *,
        is_failure: Callable[[BaseException], bool],
        tuning: Tuning,
        observer: Observer,
        board: StatusBoard,
    ) -> None:
        self._wire = wire
        self._service = service
        self._is_failure = is_failure
        self._open_for = tuning.breaker_open
        self._observer = observer
        self._board = board
        self._breaker = Breaker(
            failures=tuning.breaker_failures, probes=tuning.breaker_probes, open_for=tuning.breaker_open
        )
        self._tripped = trio.Event()

    @property
    def good(self) -> bool:
        """Whether the breaker is closed."""
        return self._breaker.state is BreakerState.CLOSED

    def statistics(self) -> BreakerStatistics:
        """Return the breaker's state and counts."""
        return self._breaker.statistics()

    def permit(self, operation: Operation[Any]) -> Permit | None:
        """Return a permit to ask; what cancels an order or asks for one passes always, and counts for nothing.

        Raises:
            BreakerOpen: nothing was sent.
        """
        if passes_always(operation):
            return None
        now = trio.current_time()
        if not self.good:
            # Probes are pings of our own, never an order.
            retry_at = self._breaker.statistics().retry_at or now + self._open_for
            raise BreakerOpen(f"{operation.name}: the exchange failed several times in a row", retry_at=retry_at)
        return self._breaker.admit(now)

    def on_success(self, permit: Permit | None) -> None:
        """Take a permit back: there was an answer."""
        if permit is not None:
            self._note(self._breaker.on_success(permit, trio.current_time()))

    def on_error(self, exc: BaseException, permit: Permit | None) -> None:
        """Take a permit back: there was an error, or a cancellation."""
        if permit is not None:
            settle = self._breaker.on_failure if self._is_failure(exc) else self._breaker.on_neutral
            self._note(settle(permit, trio.current_time()))

    def _note(self, transition: Transition | None) -> None:
        if transition is None:
            return
        old, new = transition.old.value, transition.new.value
        self._observer.emit(BreakerChanged(self._observer.now(), old=old, new=new, wire=self._wire))
        if transition.new is BreakerState.OPEN:
            self._board.set(self._service, Degraded("circuit breaker open"))
            self._tripped.set()
        elif transition.new is BreakerState.CLOSED:
            self._board.set(self._service, Ready())

    # ---------------------------------------------------------------------------------------- the probes

    async def look_after(self, ping: Callable[[], Awaitable[None]]) -> None:
        """Ping whenever the breaker has opened, until it is closed again; for ever."""
        while True:
            await self._tripped.wait()
            self._tripped = trio.Event()
            await self.probe(ping)

    async def probe(self, ping: Callable[[], Awaitable[None]]) -> None:
        """Ping until the breaker is closed again: three answers in a row, ten seconds apart from the last failure."""
        while not self.good:
            try:
                permit = self._breaker.admit(trio.current_time())
            except BreakerOpen as exc:
                await trio.sleep_until(exc.retry_at or trio.current_time() + 1)
                continue
            await self._probe_once(ping, permit)

    async def _probe_once(self, ping: Callable[[], Awaitable[None]], permit: Permit) -> None:
        self._note(permit.transition)
        try:
            await ping()
        except BinanceError as exc:
            self.on_error(exc, permit)
            # A refusal (a 404, say) keeps the breaker half open: the next ping must not follow at once for ever.
            await trio.sleep(self._open_for)
        except BaseException as exc:
            self.on_error(exc, permit)
            raise
        else:
            self.on_success(permit)


def passes_always(operation: Operation[Any]) -> bool:
    """Tell whether an operation passes an open breaker: it cancels an order, or asks what became of one."""
    return operation.cancels or operation.asks_for_orders
