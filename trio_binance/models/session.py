"""The session: what the WebSocket API says of its connection and of what is subscribed to on it."""

from __future__ import annotations

import attrs

from .values import Model, Timestamp


@attrs.frozen(weakref_slot=False, repr=False)
class SessionStatus(Model):
    """The connection and who is logged on to it: ``api_key`` and ``authorized_since`` are ``None`` when nobody is.

    ``user_data_stream`` tells whether any subscription to user data is active: ``None`` where the server has none, or
    is from before December 2024.
    """

    api_key: str | None = attrs.field(repr=False)
    authorized_since: Timestamp | None
    connected_since: Timestamp
    return_rate_limits: bool
    server_time: Timestamp
    user_data_stream: bool | None = None


@attrs.frozen(weakref_slot=False, repr=False)
class Subscription(Model):
    """A subscription to user data; its events carry the same id. ``expiration_time`` is told in SBE alone."""

    subscription_id: int
    expiration_time: Timestamp | None = None
