"""The news: what the WebSocket API tells its listener beside the account's events, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_binance._protocol.wsapi import Event

if TYPE_CHECKING:
    from trio_binance.errors import AuthError


@attrs.frozen
class LinkUp:
    """A new connection, the ``epoch``-th, is up: nothing is subscribed on it yet."""

    epoch: int


@attrs.frozen
class LinkDown:
    """The connection is gone; what happened after ``silent_since``, when its last byte came, was not told."""

    epoch: int
    reason: str
    silent_since: float


@attrs.frozen
class SessionLost:
    """The exchange no longer accepts the key of this connection."""

    epoch: int
    error: AuthError


@attrs.frozen
class Unread:
    """A message that cannot be read came on this connection: it may have been an event, of whatever subscription."""

    epoch: int
    reason: str


@attrs.frozen
class Pinged:
    """A ping that left on this connection at ``asked_at`` was answered; what came before stands before this."""

    epoch: int
    asked_at: float


Item = LinkUp | LinkDown | SessionLost | Unread | Pinged | Event
