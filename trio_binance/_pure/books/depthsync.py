"""The depth synchroniser: joins a snapshot and a stream of changes to one book, and knows when that book is wrong.

Why it does what it does is told in ``table``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs

from trio_binance.models import BookState
from trio_binance.models.values import as_milliseconds

from .backlog import Backlog
from .book import Book, BrokenBook
from .table import ASKING, IN_STEP, TABLE, Move, Phase, Signal

if TYPE_CHECKING:
    from trio_binance._pure.backoff import Backoff
    from trio_binance.models import Depth, DepthUpdateEvent

NEVER = float("inf")

FIRST_EVENT = 1.0
"""Seconds that the first event is waited for, on top of the stream's own rhythm."""
RENEW_AFTER = 5.0
"""Seconds at least between a snapshot and one that shall only push the horizon away."""
RESET_MS = 5_000
"""An event that is so much younger than one with a higher id repeats nothing: the ids have gone back."""
MOST_EVENTS, MOST_LEVELS = 256, 100_000
"""What may wait for a snapshot: at ten events a second, of half a minute."""


@attrs.frozen
class SyncStatistics:
    """What one book has been through; all of them counts."""

    applied: int
    """Events that are in a book."""
    dropped: int
    """Events that repeated something."""
    gaps: int
    """Times that something was found missing."""
    broken: int
    """Times that what came made no book."""
    snapshots: int
    """Snapshots that came."""
    useless: int
    """Those that were too old or no book, and requests that failed."""
    resyncs: int
    """Times that it became live again after it had been stale."""


@final
class DepthSync:
    """The synchroniser of one book; ``now`` is Trio's time in seconds.

    Args:
        backoff: paces the snapshots when they are of no use, or when the book breaks again and again.
        limit: levels a side that a snapshot is asked for.
        low: so few levels before the horizon are too few.
        rhythm: seconds between two events of a busy symbol.
    """

    def __init__(self, backoff: Backoff, *, limit: int, low: int, rhythm: float) -> None:
        self.phase: Phase = Phase.AWAY
        self.state: BookState = BookState.SYNCING
        """What a reader is to make of ``book``."""
        self.book: Book | None = None
        """The latest book; right when ``state`` is LIVE."""
        self.deadline: float = NEVER
        """Call ``on_timer`` then, at the latest."""
        self._backoff = backoff
        self._limit = limit
        self._low = low
        self._patience = FIRST_EVENT + rhythm
        self._backlog = Backlog(MOST_EVENTS, MOST_LEVELS)
        self._newest: DepthUpdateEvent | None = None
        self._renew_at = 0.0
        self._applied = self._dropped = self._gaps = self._broken = 0
        self._snapshots = self._useless = self._found = 0

    @property
    def asks(self) -> bool:
        """Whether it waits for a snapshot."""
        return self.phase in ASKING

    @property
    def room(self) -> int:
        """How many events it can take without forgetting any; for a source that can wait, such as a recording."""
        return MOST_EVENTS if self.phase is Phase.LIVE else self._backlog.room

    def statistics(self) -> SyncStatistics:
        """Return the counts so far."""
        return SyncStatistics(
            applied=self._applied,
            dropped=self._dropped,
            gaps=self._gaps,
            broken=self._broken,
            snapshots=self._snapshots,
            useless=self._useless,
            resyncs=max(self._found - 1, 0),
        )

    # ------------------------------------------------------------------------------------- the connection

    def on_carried(self, now: float) -> Move | None:
        """Note that the exchange has confirmed the stream."""
        if self.phase is not Phase.AWAY:
            return None
        return self._move(Signal.CARRIED, now, until=now + self._patience)

    def on_lost(self, reason: str, now: float) -> Move | None:
        """Note that nothing carries the stream any more: from now on something may be missing."""
        if self.phase in (Phase.AWAY, Phase.CLOSED):
            return None
        self._backlog.clear()
        return self._move(Signal.LOST, now, reason)

    def on_end(self, reason: str, now: float) -> Move | None:
        """Note that nothing will come any more, for good."""
        if self.phase is Phase.CLOSED:
            return None
        self._backlog.clear()
        return self._move(Signal.ENDED, now, reason)

    def on_timer(self, now: float) -> Move | None:
        """Go on with what had to wait."""
        return self._move(Signal.DUE, now) if now >= self.deadline else None

    # ----------------------------------------------------------------------------------------- the stream

    def on_event(self, event: DepthUpdateEvent, now: float) -> Move | None:
        """Take an event of the stream; afterwards the book is at its end, or the state says that it is not."""
        book = self.book
        if self.phase is not Phase.LIVE or book is None or not _follows(event, book):
            return self._take(event, now)
        self._newest = event
        return self._carry_on(book, event, now)

    def _take(self, event: DepthUpdateEvent, now: float) -> Move | None:
        """Take an event that does not simply follow a live book."""
        if self.phase is Phase.CLOSED:
            return None
        goes_back = self._newest is not None and event.last_update_id <= self._newest.last_update_id
        if goes_back and not self._is_reset(event):
            self._dropped += 1
            return None
        self._newest = event
        if self.phase not in IN_STEP:
            carried = self.on_carried(now)  # An event may be faster than the word that its stream is carried.
            return self._take_waiting(event, now) or carried
        if goes_back:
            return self._break("the update ids went back", event, now)
        return self._take_in_step(event, now)

    def _is_reset(self, event: DepthUpdateEvent) -> bool:
        """Tell whether an event with a low id is new all the same: then what came before it means nothing any more."""
        assert self._newest is not None
        younger = as_milliseconds(event.event_time) - as_milliseconds(self._newest.event_time)
        if younger < RESET_MS:
            return False
        self._backlog.clear()
        return True

    def _take_in_step(self, event: DepthUpdateEvent, now: float) -> Move | None:
        book = self.book
        assert book is not None
        if event.first_update_id > book.update_id + 1:
            self._gaps += 1
            missing = f"the updates {book.update_id + 1} to {event.first_update_id - 1} are missing"
            return self._break(missing, event, now)
        if self.phase is Phase.RENEWING:
            self._backlog.add(event)
        if event.last_update_id <= book.update_id:
            self._dropped += 1  # The snapshot was ahead of the stream.
            return None
        return self._carry_on(book, event, now)

    def _take_waiting(self, event: DepthUpdateEvent, now: float) -> Move | None:
        book = self.book
        if self.phase is not Phase.LISTENING or book is None:
            self._backlog.add(event)
        elif _follows(event, book):
            return self._rejoin(book, event, now)
        else:
            self._backlog.add(event)
            if event.last_update_id <= book.update_id:
                return None
        return self._move(Signal.HEARD, now) if self.phase is Phase.LISTENING else None

    def _rejoin(self, book: Book, event: DepthUpdateEvent, now: float) -> Move | None:
        """Go on with the old book after a lost connection: its first event shows that nothing was missed."""
        if self._apply(book, event):
            self._backlog.add(event)
            return self._move(Signal.HEARD, now)
        self._backlog.clear()
        return self._move(Signal.JOINED, now, "nothing was missed")

    def _carry_on(self, book: Book, event: DepthUpdateEvent, now: float) -> Move | None:
        if wrong := self._apply(book, event):
            return self._break(wrong, event, now)
        return self._look_ahead(book, event, now) if book.left < self._low else None

    def _apply(self, book: Book, event: DepthUpdateEvent) -> str:
        """Apply an event; return what is wrong with the book that comes out, if anything."""
        try:
            book.apply(event)
        except BrokenBook as exc:
            self.book = None
            self._broken += 1
            return str(exc)
        self._applied += 1
        return ""

    def _look_ahead(self, book: Book, event: DepthUpdateEvent, now: float) -> Move | None:
        """See to it that the market does not leave what is known of the book."""
        if not book.left:
            return self._break("the market has left the levels that are known", event, now)
        if self.phase is Phase.RENEWING or now < self._renew_at:
            return None
        return self._move(Signal.THIN, now)

    def _break(self, reason: str, event: DepthUpdateEvent, now: float) -> Move:
        self._backlog.clear()
        self._backlog.add(event)
        self._backoff.on_lost(now)
        again = self._backoff.attempt > 0
        delay = self._backoff.next_delay()
        if again:
            return self._move(Signal.BROKEN_AGAIN, now, reason, until=now + delay)
        return self._move(Signal.BROKEN, now, reason)

    # ------------------------------------------------------------------------------------------ snapshots

    def on_snapshot(self, snapshot: Depth, now: float) -> Move | None:
        """Take a snapshot that was asked for."""
        if not self.asks:
            return None
        self._snapshots += 1
        book = self._join(snapshot)
        if isinstance(book, str):
            return self.on_failed(book, now)
        self.book = book
        self._backlog.clear()
        self._renew_at = now + RENEW_AFTER
        return self._move(Signal.JOINED, now)

    def _join(self, snapshot: Depth) -> Book | str:
        """Return the book that the snapshot and the backlog make; or why they make none."""
        newer = self._backlog.after(snapshot.last_update_id)
        if newer is None or (not self._backlog and self._heard > snapshot.last_update_id):
            return f"the snapshot at {snapshot.last_update_id} is too old"
        try:
            book = Book(snapshot, self._limit)
            for event in newer:
                book.apply(event)
        except BrokenBook as exc:
            self._broken += 1
            return str(exc)
        self._applied += len(newer)
        return book if book.left else "the market has left the levels that the snapshot shows"

    @property
    def _heard(self) -> int:
        """The last update that the stream told of."""
        return 0 if self._newest is None else self._newest.last_update_id

    def on_failed(self, reason: str, now: float) -> Move | None:
        """Note that no snapshot came, or none that is of use."""
        if not self.asks:
            return None
        self._useless += 1
        retry_at = now + self._backoff.next_delay()
        if self.phase is Phase.RENEWING:
            self._renew_at = max(retry_at, now + RENEW_AFTER)
            self._backlog.clear()
            return self._move(Signal.USELESS, now, reason)
        return self._move(Signal.USELESS, now, reason, until=retry_at)

    # ------------------------------------------------------------------------------------------ the table

    def _move(self, signal: Signal, now: float, reason: str = "", *, until: float = NEVER) -> Move:
        move = Move(self.phase, TABLE[self.phase][signal], reason or signal.value)
        self.phase = move.new
        self.state = self._state()
        self.deadline = until
        if move.found:
            self._found += 1
            self._backoff.on_connected(now)
        if move.lost:
            self._backoff.on_lost(now)
        return move

    def _state(self) -> BookState:
        if self.phase in IN_STEP:
            return BookState.LIVE
        if self.phase is Phase.CLOSED:
            return BookState.CLOSED
        return BookState.SYNCING if self.book is None else BookState.STALE


def _follows(event: DepthUpdateEvent, book: Book) -> bool:
    return event.first_update_id <= book.update_id + 1 <= event.last_update_id
