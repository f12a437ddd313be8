"""The table of a book's synchronisation: its phases, what can happen in each, and why it is so.

Theory of operation
===================

The exchange numbers every change of a book. An event of the stream tells what changed in the updates ``U`` to ``u``,
with absolute quantities; a snapshot tells the whole book, up to so many levels, at its ``lastUpdateId``. Therefore

- a book at id ``L`` and an event with ``U <= L + 1 <= u`` make the book at ``u``, also if some of the event was in the
  book already. That is the one rule by which anything is ever applied, here and in the backlog;
- an event with ``u <= L`` is old: a repetition, or in the snapshot already. It is dropped;
- an event with ``U > L + 1`` proves that something is missing. The book stays what it was at ``L``, and is stale from
  that very call on. The event opens the backlog, and a snapshot is asked for;
- a snapshot older than the backlog (``L + 1 < U`` of its first event), or older than what was heard already, is of no
  use: "If the snapshot ``lastUpdateId`` is strictly less than the ``U`` from step 2, go back to step 3".

A snapshot that is asked for before the stream is carried, or before its first event where one comes at all, would
mostly prove to be too old by the first event. So the first event is waited for, but not for long: a quiet symbol may
have none for an hour. After a lost connection the first event may also show that nothing was missed; then the old book
goes on, and no snapshot is needed.

What comes out is checked: a book in which somebody bids as much as another asks, or with an impossible level, was made
of something wrong. It is thrown away before anyone can read it.

A full snapshot ends at a horizon (see ``ladder``). When the market has moved so far that few levels are left before
it, another snapshot is asked for while the book goes on; when none is left, the best price is not known any more and
the book is stale. In all cases the old book can be read until the new one takes its place, in one step.

Ids that go back (the exchange was restarted from a copy) look like old events. Their time tells them apart: a
repetition is as old as what it repeats. Then nothing that was known counts any more.

The table below is all there is to the order of things; whatever does not stand in it cannot happen.
"""

from __future__ import annotations

import enum

import attrs


class Phase(enum.Enum):
    """Where the synchronisation stands."""

    AWAY = "away"
    """Nothing carries the stream."""
    LISTENING = "listening"
    """The stream is carried; its first event is waited for."""
    FETCHING = "fetching"
    """A snapshot is asked for, and events wait for it."""
    PAUSING = "pausing"
    """A snapshot is to be asked for a little later."""
    LIVE = "live"
    """The book is the exchange's."""
    RENEWING = "renewing"
    """It is, and a snapshot is asked for to push its horizon away; events wait for that as well."""
    CLOSED = "closed"
    """It is over."""


class Signal(enum.Enum):
    """What can happen to it."""

    CARRIED = "the stream is carried"
    LOST = "the connection was lost"
    HEARD = "the first event came, and does not go on from an old book"
    DUE = "it has been waited long enough"
    JOINED = "a book and the events that go on from it have met"
    USELESS = "the snapshot failed, is too old, or is no book"
    BROKEN = "the book is not the exchange's any more"
    BROKEN_AGAIN = "so soon after the last time that it had better wait"
    THIN = "few levels are left before the horizon"
    ENDED = "nothing more will come"


TABLE: dict[Phase, dict[Signal, Phase]] = {
    Phase.AWAY: {Signal.CARRIED: Phase.LISTENING},
    Phase.LISTENING: {Signal.HEARD: Phase.FETCHING, Signal.DUE: Phase.FETCHING, Signal.JOINED: Phase.LIVE},
    Phase.FETCHING: {Signal.JOINED: Phase.LIVE, Signal.USELESS: Phase.PAUSING},
    Phase.PAUSING: {Signal.DUE: Phase.FETCHING},
    Phase.LIVE: {
        Signal.BROKEN: Phase.FETCHING,
        Signal.BROKEN_AGAIN: Phase.PAUSING,
        Signal.THIN: Phase.RENEWING,
    },
    Phase.RENEWING: {
        Signal.BROKEN: Phase.FETCHING,
        Signal.BROKEN_AGAIN: Phase.PAUSING,
        Signal.JOINED: Phase.LIVE,
        Signal.USELESS: Phase.LIVE,
    },
    Phase.CLOSED: {},
}
for _phase in set(Phase) - {Phase.CLOSED}:
    TABLE[_phase] |= {Signal.LOST: Phase.AWAY, Signal.ENDED: Phase.CLOSED}

IN_STEP = frozenset((Phase.LIVE, Phase.RENEWING))
ASKING = frozenset((Phase.FETCHING, Phase.RENEWING))


@attrs.frozen
class Move:
    """It went from one phase to another, because of ``reason``."""

    old: Phase
    new: Phase
    reason: str

    @property
    def lost(self) -> bool:
        """Whether the book was right until now."""
        return self.old in IN_STEP and self.new not in IN_STEP

    @property
    def found(self) -> bool:
        """Whether the book is right from now on."""
        return self.new in IN_STEP and self.old not in IN_STEP
