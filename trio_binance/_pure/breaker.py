"""The circuit breaker: whether the exchange is worth asking, after it failed several times in a row.

    CLOSED     everything passes; ``failures`` failures in a row open it
    OPEN       nothing passes for ``open_for`` seconds
    HALF_OPEN  ``probes`` probes pass; when all have succeeded it closes, when one fails it opens again

Every change begins a new era. A permit remembers its era, and an outcome of an earlier one is dropped: what was sent
before the breaker opened says nothing about the exchange now.
"""

from __future__ import annotations

import enum
from typing import final

import attrs

from trio_binance.errors import BreakerOpen


class BreakerState(enum.Enum):
    """What the breaker lets pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


@attrs.frozen
class Transition:
    """The breaker changed its state."""

    old: BreakerState
    new: BreakerState
    at: float


@attrs.frozen(eq=False)
class Permit:
    """Leave to ask the exchange once; to be handed back with its outcome, whatever that is.

    ``transition`` is set on the permit whose asking half-opened the breaker.
    """

    era: int
    probe: bool = False
    transition: Transition | None = None


@attrs.frozen
class BreakerStatistics:
    """The breaker's state and its counts since the start; ``retry_at`` is ``None`` when it is closed."""

    state: BreakerState
    era: int
    failures_in_a_row: int
    probing: int
    opened: int
    refused: int
    stale: int
    retry_at: float | None


@final
class Breaker:
    """A circuit breaker; ``now`` is Trio's time in seconds.

    Args:
        failures: failures in a row that open it.
        probes: successes in a row that close it again, and how many may be under way at once.
        open_for: seconds it stays open.
    """

    def __init__(self, *, failures: int = 5, probes: int = 3, open_for: float = 10.0) -> None:
        self._limit = failures
        self._probes = probes
        self._open_for = open_for
        self._state = BreakerState.CLOSED
        self._era = 0
        self._in_a_row = 0
        self._changed_at = 0.0
        self._probing: set[Permit] = set()
        self._passed = 0
        self._opened = self._refused = self._stale = 0

    @property
    def state(self) -> BreakerState:
        """What the breaker lets pass; OPEN lasts until somebody asks after its time is over."""
        return self._state

    def admit(self, now: float) -> Permit:
        """Return a permit to ask the exchange.

        Raises:
            BreakerOpen: not now; ``retry_at`` says when to ask again.
        """
        if self._state is BreakerState.CLOSED:
            return Permit(self._era)
        transition = None
        if self._state is BreakerState.OPEN:
            if now < self._changed_at + self._open_for:
                raise self._refusal(self._changed_at + self._open_for)
            transition = self._change(BreakerState.HALF_OPEN, now)
        if len(self._probing) + self._passed >= self._probes:
            raise self._refusal(now + self._open_for)
        permit = Permit(self._era, probe=True, transition=transition)
        self._probing.add(permit)
        return permit

    def _refusal(self, retry_at: float) -> BreakerOpen:
        self._refused += 1
        return BreakerOpen(f"the exchange failed {self._limit} times in a row; not asked again yet", retry_at=retry_at)

    def on_success(self, permit: Permit, now: float) -> Transition | None:
        """Take back a permit whose request was answered; return the change this made, if any."""
        if not self._settle(permit):
            return None
        if not permit.probe:
            self._in_a_row = 0
            return None
        self._passed += 1
        return self._change(BreakerState.CLOSED, now) if self._passed >= self._probes else None

    def on_failure(self, permit: Permit, now: float) -> Transition | None:
        """Take back a permit whose request failed by the exchange's fault or the line's; return the change, if any."""
        if not self._settle(permit):
            return None
        self._in_a_row += 1
        if permit.probe or self._in_a_row >= self._limit:
            self._opened += 1
            return self._change(BreakerState.OPEN, now)
        return None

    def on_neutral(self, permit: Permit, now: float) -> Transition | None:  # noqa: ARG002 - all outcomes are told alike
        """Take back a permit whose request says nothing of the exchange's health; a probe's place is free again.

        Such are refusals (4xx), limits, and cancellation by the caller.
        """
        self._settle(permit)
        return None

    def _settle(self, permit: Permit) -> bool:
        """Return whether the outcome counts: of this era and, for a probe, not told before."""
        if permit.era == self._era and (not permit.probe or permit in self._probing):
            self._probing.discard(permit)
            return True
        self._stale += 1
        return False

    def _change(self, new: BreakerState, now: float) -> Transition:
        old, self._state = self._state, new
        self._era += 1
        self._changed_at = now
        self._passed = 0
        self._probing.clear()
        if new is BreakerState.CLOSED:
            self._in_a_row = 0
        return Transition(old, new, now)

    def statistics(self) -> BreakerStatistics:
        """Return the state and the counts."""
        return BreakerStatistics(
            state=self._state,
            era=self._era,
            failures_in_a_row=self._in_a_row,
            probing=len(self._probing),
            opened=self._opened,
            refused=self._refused,
            stale=self._stale,
            retry_at=None if self._state is BreakerState.CLOSED else self._changed_at + self._open_for,
        )
