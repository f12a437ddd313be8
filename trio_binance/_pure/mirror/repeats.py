"""The repeats: events without an id, which two connections may both bring."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

from trio_binance.models import BalanceUpdate, ExternalLockUpdate

if TYPE_CHECKING:
    from trio_binance.models import UserEvent

_KEPT = 64


@final
class Repeats:
    """Tells whether a change of a balance was told already: to the millisecond and to the digit the same."""

    def __init__(self) -> None:
        self._latest: deque[UserEvent] = deque(maxlen=_KEPT)

    def on_event(self, event: UserEvent) -> UserEvent | None:
        """Return the event, unless it was told already."""
        if not isinstance(event, BalanceUpdate | ExternalLockUpdate):
            return event
        if event in self._latest:
            return None
        self._latest.append(event)
        return event
