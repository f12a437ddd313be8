"""The keeper: one book that is kept in step: the end of its stream, its snapshots, and who waits for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._util import raise_saving_context
from trio_binance.models import BookState, DepthUpdateEvent

from .events import BookLive, BookStale

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from trio_binance._pure.books.depthsync import DepthSync, SyncStatistics
    from trio_binance._pure.books.table import Move
    from trio_binance.errors import BinanceError
    from trio_binance.models import Depth, StreamEvent

    from .observe import Observer
    from .pulse import Pulse


@attrs.frozen
class BookStatistics:
    """What one book is and has been through; see ``SyncStatistics``."""

    name: str
    """The symbol."""
    live: bool
    update_id: int
    bids: int
    """Levels, also those beyond the horizon."""
    asks: int
    sync: SyncStatistics


@final
class Keeper:
    """One kept book. It is where the events of its stream go (a ``Sink``): they are in the book when ``deliver`` ends.

    Args:
        symbol: whose book.
        sync: decides.
        observer: told when the book becomes live, and when it is not any more.
    """

    def __init__(self, symbol: str, sync: DepthSync, observer: Observer) -> None:
        self.symbol = symbol
        self.sync = sync
        self.users = 0
        """Open blocks."""
        self.error: BinanceError | None = None
        """What the book failed of."""
        self._trace: TracebackType | None = None
        self.reason: str = "not subscribed yet"
        """Why it is in the state it is in."""
        self.times: Counter[BookState] = Counter()
        """How often it got into each state."""
        self.pulses: list[tuple[Pulse[Any], Any]] = []
        """Who is told of changes, and by what name the book goes there."""
        self.scope: trio.CancelScope = trio.CancelScope()
        """Around the task that sees to the book's snapshots; of the next such task, while there is none."""
        self.fetching: trio.CancelScope | None = None
        """Around a request for a snapshot: cancelled when the answer would be of no use any more."""
        self.moved: trio.Event = trio.Event()
        """Set at the next move, and then replaced."""
        self._state = sync.state
        self._observer = observer
        self._since = trio.current_time()

    @property
    def ended(self) -> bool:
        """Whether nothing is taken any more."""
        return self.sync.state is BookState.CLOSED

    @property
    def room(self) -> int:
        """How many events can be taken without any being lost."""
        return self.sync.room

    def statistics(self) -> BookStatistics:
        """Return what the book is and has been through."""
        book, live = self.sync.book, self.sync.state is BookState.LIVE
        update_id, bids, asks = (0, 0, 0) if book is None else (book.update_id, len(book.bids), len(book.asks))
        return BookStatistics(self.symbol, live, update_id, bids, asks, self.sync.statistics())

    # ------------------------------------------------------------------------------------------- the stream

    def deliver(self, batch: Sequence[StreamEvent]) -> int:
        """Apply events. Nobody waits, and no reader sees anything between two of them.

        What is of another kind, which a stream may bring tomorrow, changes no book; if it stood for a change, the next
        one shows it.
        """
        now = trio.current_time()
        take = self.sync.on_event
        for event in batch:
            if not isinstance(event, DepthUpdateEvent):
                continue
            move = take(event, now)
            if move is not None:
                self._on_move(move, now)
        for pulse, name in self.pulses:
            pulse.beat(name)
        return 0

    async def wait_room(self) -> None:
        """Wait until an event can be taken without any being lost; for a recording, which can wait."""
        await trio.lowlevel.checkpoint()
        while not self.room and not self.ended:
            await self.moved.wait()

    def on_carried(self) -> None:
        """Note that the exchange has confirmed the stream."""
        now = trio.current_time()
        self._on_move(self.sync.on_carried(now), now)

    def on_lost(self, reason: str) -> None:
        """Note that no connection carries the stream any more: the book is stale from now on."""
        now = trio.current_time()
        self._on_move(self.sync.on_lost(reason, now), now)

    def end(self, error: BinanceError | None = None) -> None:
        """Note that nothing more will come, in order or because of an error; the first end counts."""
        if not self.ended and error is not None:
            self.error, self._trace = error, error.__traceback__
        now = trio.current_time()
        self._on_move(self.sync.on_end("ended" if error is None else str(error), now), now)

    def check(self) -> None:
        """Raise what there is to raise when nothing more will come."""
        if self.error is not None:
            # The same error may be raised many times: it must not gather a longer traceback with each.
            raise_saving_context(self.error.with_traceback(self._trace))
        if self.ended:
            raise trio.EndOfChannel

    # ---------------------------------------------------------------------------------------- its snapshots

    def on_timer(self) -> None:
        """Go on with what had to wait, if its time has come."""
        now = trio.current_time()
        self._on_move(self.sync.on_timer(now), now)

    def on_snapshot(self, snapshot: Depth) -> None:
        """Take the snapshot that was asked for."""
        now = trio.current_time()
        self._on_move(self.sync.on_snapshot(snapshot, now), now)

    def on_failed(self, reason: str) -> None:
        """Note that no snapshot came."""
        now = trio.current_time()
        self._on_move(self.sync.on_failed(reason, now), now)

    # ------------------------------------------------------------------------------------------- its moves

    def _on_move(self, move: Move | None, now: float) -> None:
        if move is None:
            return
        before, self._state = self._state, self.sync.state
        if before is not self._state:
            self.times[self._state] += 1
        if before is not self._state or self._state is not BookState.LIVE:
            self.reason = move.reason
        if self.fetching is not None and not self.sync.asks:
            self.fetching.cancel(reason="the book needs no snapshot any more")
        if move.found:
            self._tell(BookLive, now, after=now - self._since)
        elif move.lost and not self.ended:
            self._since = now
            self._tell(BookStale, now, reason=move.reason)
        self.wake()

    def _tell(self, kind: type[BookLive] | type[BookStale], now: float, **fields: Any) -> None:
        update_id = 0 if self.sync.book is None else self.sync.book.update_id
        self._observer.emit(kind(now, symbol=self.symbol, update_id=update_id, **fields))

    def wake(self) -> None:
        """Let all who wait for the book look again."""
        self.moved.set()
        self.moved = trio.Event()
        for pulse, name in self.pulses:
            pulse.beat(name)
