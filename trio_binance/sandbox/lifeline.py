"""The lifeline of one connection: the pings it gets, the pongs it owes, the messages it may send, its last hour."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

from .rules import SECOND_US

if TYPE_CHECKING:
    from .rules import Rules

NEVER_US: Final = 2**62


@final
class Lifeline:
    """Decides when a connection is pinged and when it has to go. Times are microseconds of the exchange's clock."""

    def __init__(self, rules: Rules, now_us: int) -> None:
        self._rules = rules
        self._next_ping_us = now_us + rules.ping_every_us
        self._unanswered: dict[bytes, int] = {}
        self._messages: deque[int] = deque(maxlen=rules.messages_per_second + 1)
        self._ends_us = now_us + rules.lifetime_us

    @property
    def deadline_us(self) -> int:
        """When ``overdue``, ``ended`` or ``take_ping`` has something to say."""
        return min(self._next_ping_us, self._ends_us, self._pong_due_us())

    def ends_by(self, when_us: int) -> None:
        """Let the connection end at ``when_us`` at the latest."""
        self._ends_us = min(self._ends_us, when_us)

    def ended(self, now_us: int) -> bool:
        """Return whether the connection is as old as one may get."""
        return now_us >= self._ends_us

    def overdue(self, now_us: int) -> bool:
        """Return whether a pong did not come in time."""
        return now_us >= self._pong_due_us()

    def take_ping(self, now_us: int) -> bytes | None:
        """Return the payload of a ping to send now, if one is due."""
        if now_us < self._next_ping_us:
            return None
        # After a jump of the clock there is one ping, not one for every period that was jumped over.
        self._next_ping_us = now_us + self._rules.ping_every_us
        payload = str(now_us // 1000).encode()
        self._unanswered.setdefault(payload, now_us)
        return payload

    def on_pong(self, payload: bytes) -> None:
        """Take a pong; one that no ping asked for is allowed and changes nothing ("General WSS information")."""
        if payload not in self._unanswered:
            return
        sent_us = self._unanswered[payload]
        self._unanswered = {key: when_us for key, when_us in self._unanswered.items() if when_us > sent_us}

    def allows_message(self, now_us: int) -> bool:
        """Count an incoming message; return False for one too many within a second."""
        # "WebSocket Limits": 5 incoming messages a second; pings, pongs and JSON requests are messages.
        self._messages.append(now_us)
        full = len(self._messages) > self._rules.messages_per_second
        return not full or now_us - self._messages[0] >= SECOND_US

    def _pong_due_us(self) -> int:
        return min(self._unanswered.values(), default=NEVER_US) + self._rules.pong_within_us
