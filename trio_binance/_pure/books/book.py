"""The book: both sides of a symbol at one update id, made of a snapshot and carried on by events."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .ladder import Form, Ladder, Misquote, OtherForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_binance.models import Depth, DepthUpdateEvent, Timestamp

    Rows = Sequence[Sequence[str]]


class BrokenBook(Exception):
    """What the exchange told makes no book: a level is impossible, or somebody bids as much as another asks."""


@final
class Book:
    """A book as it was at ``update_id``.

    Args:
        snapshot: the answer to a request for the depth.
        limit: how many levels a side were asked for; a side that has as many goes on beyond its horizon.

    Raises:
        BrokenBook: the snapshot is no book.
    """

    __slots__ = ("_form", "asks", "bids", "event_time", "update_id")

    def __init__(self, snapshot: Depth, limit: int) -> None:
        bids, asks = snapshot.bids.rows, snapshot.asks.rows
        self._form = Form().widened(price for rows in (bids, asks) for price, _ in rows)
        try:
            self.bids: Ladder = Ladder(bids, self._form, falling=True, complete=len(bids) < limit)
            self.asks: Ladder = Ladder(asks, self._form, falling=False, complete=len(asks) < limit)
        except Misquote as exc:
            raise BrokenBook(str(exc)) from None
        self.update_id: int = snapshot.last_update_id
        self.event_time: Timestamp | None = None
        self._check_crossed()

    @property
    def left(self) -> float:
        """How many levels one of the sides can lose before its best is not known any more."""
        return min(self.bids.left, self.asks.left)

    def apply(self, event: DepthUpdateEvent) -> None:
        """Carry the book on by an event that follows it: it sets levels to what they are at its last update id.

        Raises:
            BrokenBook: what comes out is no book, and is not to be shown to anyone.
        """
        bids, asks = event.bids.rows, event.asks.rows
        try:
            try:
                self.bids.apply(bids)
                self.asks.apply(asks)
            except OtherForm:
                self._apply_reformed(bids, asks)
        except Misquote as exc:
            raise BrokenBook(str(exc)) from None
        self.update_id = event.last_update_id
        self.event_time = event.event_time
        self._check_crossed()

    def _apply_reformed(self, bids: Rows, asks: Rows) -> None:
        """Apply an event whose prices are written in another form; quantities are absolute: once more does no harm."""
        form = self._form.widened(price for rows in (bids, asks) for price, _ in rows)
        if form != self._form:
            self._form = form
            self.bids.reform(form)
            self.asks.reform(form)
        self.bids.apply([(form.fit(price), quantity) for price, quantity in bids])
        self.asks.apply([(form.fit(price), quantity) for price, quantity in asks])

    def _check_crossed(self) -> None:
        bid, ask = self.bids.best, self.asks.best
        if bid is not None and ask is not None and bid >= ask:
            raise BrokenBook(f"crossed: {bid} is bid and {ask} asked")
