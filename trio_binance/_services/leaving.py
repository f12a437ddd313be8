"""The leaving: at the end of the block what this connector has placed, and is still open, is cancelled.

our open orders ──> one cancellation each, ten at a time ──> ended, or tried again until the grace is over ──> told
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, final

import trio

from trio_binance._protocol.catalogue import orderlists, trading
from trio_binance.errors import (
    BinanceError,
    NetworkError,
    NotAdmitted,
    NothingToCancel,
    OrderAbsent,
    OrderUnresolved,
    RateLimited,
    ServerError,
    TimestampError,
)

from .orderevents import OrderLeftOpen, OwnOrdersCancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.safety import OwnOrder

    from .guard import Guard
    from .observe import Observer

_AT_ONCE = 10
"""Cancellations on their way at the same time; they cost no weight, and the limits have their say besides."""
_PAUSE, _LONGEST_PAUSE = 0.25, 2.0
_PASSING = (NetworkError, ServerError, NotAdmitted, RateLimited, TimestampError, OrderUnresolved, OrderAbsent)
"""What may be over a moment later. To cancel an order twice is to cancel it."""


class Change(Protocol):
    """What sends a request that changes something: ``Orders.change``."""

    async def __call__(self, operation: Operation[Any], params: Mapping[str, Value], /) -> Any:
        """Send it, and return its answer or raise its error."""


@final
class Leaving:
    """The end of one connector's orders.

    Args:
        guard: knows which orders are ours.
        change: cancels.
        next_id: names the cancellations.
        grace: for so many seconds it is tried.
    """

    def __init__(
        self, guard: Guard, change: Change, *, next_id: Callable[[], str], grace: float, observer: Observer
    ) -> None:
        self._guard = guard
        self._change = change
        self._next_id = next_id
        self._grace = grace
        self._observer = observer
        self._limiter = trio.CapacityLimiter(_AT_ONCE)
        self._tried: set[tuple[str, bool]] = set()
        self._reasons: dict[str, str] = {}
        self._refused: set[str] = set()
        self._cancelled: set[str] = set()

    async def cancel_own(self) -> None:
        """Cancel every order and list of ours that may be open, and tell what is left; nothing is placed any more.

        A placement that is on its way, or in doubt, may stand or not: it is cancelled by its client id at once, which
        does no harm where there is none, and "unknown order" is not believed, for it may arrive yet. When a verdict
        says that it stands, it is cancelled by its id; when one says that it does not, that is that. What is still in
        doubt as the grace ends is told of as left open, and stands in the journal: the next run with it finds out.

        It is shielded: not cancelled from outside, but over when the grace is.
        """
        self._guard.close()
        with trio.move_on_after(self._grace, shield=True):
            async with trio.open_nursery() as nursery:
                while left := [own for own in self._guard.open_orders() if own.intent_id not in self._refused]:
                    for own in left:
                        self._try(own, nursery)
                    await self._guard.changed()
        self._tell(self._guard.open_orders())

    def _try(self, own: OwnOrder, nursery: trio.Nursery) -> None:
        """Cancel it once by what is known now; when more is known, once more by that."""
        attempt = own.intent_id, own.is_certain
        if attempt not in self._tried:
            self._tried.add(attempt)
            nursery.start_soon(self._cancel, own)

    async def _cancel(self, own: OwnOrder) -> None:
        pause = _PAUSE
        while self._guard.is_open(own.intent_id) and (error := await self._attempt(own)) is not None:
            self._reasons[own.intent_id] = str(error)
            if not isinstance(error, _PASSING):
                self._refused.add(own.intent_id)
                self._guard.poke()
                return
            await trio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _attempt(self, own: OwnOrder) -> BinanceError | None:
        """Cancel it, and return what stood in the way."""
        operation, params = _cancellation(own, self._next_id())
        try:
            async with self._limiter:
                await self._change(operation, params)
        except NothingToCancel:
            # It has ended meanwhile, which is no failure; what is in doubt may arrive yet.
            if own.is_certain:
                self._guard.release(own.intent_id)
            return None
        except BinanceError as exc:
            return exc
        self._cancelled.add(own.intent_id)
        self._guard.release(own.intent_id)
        return None

    def _tell(self, left: tuple[OwnOrder, ...]) -> None:
        now = self._observer.now()
        if self._tried:
            done = len(self._cancelled)
            ended = len({intent_id for intent_id, _ in self._tried}) - done - len(left)
            self._observer.emit(OwnOrdersCancelled(now, cancelled=done, ended=ended, left=len(left)))
        for own in left:
            doubt = "not answered in time" if own.is_certain else "it is not known whether it stands"
            self._observer.emit(
                OrderLeftOpen(
                    now,
                    symbol=own.symbol,
                    client_order_id=own.name,
                    order_id=own.number,
                    reason=self._reasons.get(own.intent_id, doubt),
                )
            )


def _cancellation(own: OwnOrder, name: str) -> tuple[Operation[Any], dict[str, Value]]:
    """Return the request that cancels an order, or a list as a whole: by its id where that is known."""
    operation: Operation[Any] = orderlists.CANCEL_ORDER_LIST if own.is_list else trading.CANCEL
    number, named = ("order_list_id", "list_client_order_id") if own.is_list else ("order_id", "client_order_id")
    target = {number: own.number} if own.number is not None else {named: own.name}
    return operation, operation.write(symbol=own.symbol, new_client_order_id=name, **target)


@asynccontextmanager
async def leaving_clean(leaving: Leaving | None) -> AsyncIterator[None]:
    """Cancel our own orders at the end of a block, whether it ended, raised or was cancelled; ``None``: let them be."""
    try:
        yield
    finally:
        if leaving is not None:
            await leaving.cancel_own()  # noqa: ASYNC102 - shields itself, with a deadline
