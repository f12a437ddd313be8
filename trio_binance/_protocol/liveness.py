"""Liveness: whether a connection still lives, and when to replace it.

One object a connection, pure: ``now`` is an argument and chance is injected. The exchange pings every 20 s
("WebSocket streams", General WSS information), so an open connection is never silent for long, however quiet the
market: silence is worth a question, and only an unanswered question is death.

    heard --silence--> CHECK --answered--> heard
                         \\--failed, or no word for `patience`--> DEAD
    born ---lifetime, less a little---> RENEW          serverShutdown ---> RENEW at once
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, final

import attrs

if TYPE_CHECKING:
    from random import Random


class Action(enum.Enum):
    """What to do about a connection."""

    CHECK = "check"
    """Ping it, and the exchange by REST; tell the result to ``on_checked``."""
    RENEW = "renew"
    """Open its replacement, hand over, then close it: make before break."""
    DEAD = "dead"
    """Close it and open another."""


@attrs.frozen
class LivenessStatistics:
    """How a connection has fared; times are those of the ``now`` arguments, ``None`` for what was not yet."""

    born: float | None
    heard: float | None
    renewed_at: float | None
    checks: int
    failures: int
    dead: bool


@final
class Liveness:
    """Watches one connection, from ``on_connected`` on; a first ``on_heard`` without it counts as the opening.

    With the defaults a dead connection is known as such 45 s after its last byte, at the latest.

    Args:
        silence: seconds without a byte after which it is checked.
        lifetime: seconds after which it is to be replaced. "A single connection ... is only valid for 24 hours" and
            all connections of a process were opened together: each is renewed up to 1/48 of its lifetime earlier.
        rng: the injected generator.
        patience: seconds for a check; without its result the connection counts as dead.
    """

    def __init__(self, *, silence: float = 30.0, lifetime: float, rng: Random, patience: float = 15.0) -> None:
        self._silence = silence
        self._patience = patience
        self._lifetime = lifetime * rng.uniform(47 / 48, 1.0)
        self._born: float | None = None
        self._heard: float | None = None
        self._check_at = math.inf
        self._dead_at = math.inf
        self._renew_at = math.inf
        self._renewed_at: float | None = None
        self._dead = False
        self._checks = 0
        self._failures = 0

    @property
    def deadline(self) -> float:
        """When to call ``on_timer``, at the latest; infinite before the opening and after the end."""
        return min(self._check_at, self._dead_at, self._renew_at)

    def on_connected(self, now: float) -> None:
        """The connection is open since ``now``."""
        self._born = now
        if self._renewed_at is None:
            self._renew_at = now + self._lifetime
        self._alive(now)

    def on_heard(self, at: float) -> None:
        """A byte came at ``at``: it lives. A check under way is no longer urgent, though it may still fail.

        ``at`` may lie in the past; told again, it changes nothing.
        """
        if self._heard is None:
            self.on_connected(at)
        elif at > self._heard and not self._dead:
            self._alive(at)

    def _alive(self, at: float) -> None:
        self._heard = at
        self._check_at = at + self._silence
        self._dead_at = math.inf

    def on_timer(self, now: float) -> Action | None:
        """Return what is due, one thing at a time; ask again while ``deadline`` has passed."""
        if now >= self._dead_at:
            return self._die()
        if now >= self._renew_at:
            return self.on_shutdown(now)
        if now >= self._check_at:
            self._checks += 1
            self._check_at = math.inf
            self._dead_at = now + self._patience
            return Action.CHECK
        return None

    def on_checked(self, ok: bool, now: float) -> Action | None:
        """Tell how the check ended; a failed one is death even if bytes come: then ours do not arrive."""
        if self._dead:
            return None
        if ok:
            self._alive(now)
            return None
        self._failures += 1
        return self._die()

    def on_shutdown(self, now: float) -> Action | None:
        """``serverShutdown`` came: RENEW at once, whatever its lead time; ``None`` if that was said before."""
        if self._dead or self._renewed_at is not None:
            return None
        self._renewed_at = now
        self._renew_at = math.inf
        return Action.RENEW

    def _die(self) -> Action:
        self._dead = True
        self._check_at = self._dead_at = self._renew_at = math.inf
        return Action.DEAD

    def statistics(self) -> LivenessStatistics:
        """Return how it has fared so far."""
        return LivenessStatistics(
            born=self._born,
            heard=self._heard,
            renewed_at=self._renewed_at,
            checks=self._checks,
            failures=self._failures,
            dead=self._dead,
        )
