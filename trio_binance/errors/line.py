"""The errors of the line and of what came over it: it broke, it was no answer, or a feed ended before its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .root import BinanceError, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence


class NetworkError(BinanceError):
    """The line between us and the exchange failed."""

    outcome = Outcome.UNKNOWN


class ConnectError(NetworkError):
    """No connection could be made; nothing was sent."""

    outcome = Outcome.NOT_SENT


class TLSError(ConnectError):
    """The peer could not prove who it is, or the handshake failed. There is no fallback to plain text."""


class ConnectionLost(NetworkError):
    """An open connection broke. ``code`` and ``reason`` are those of a WebSocket close frame, if there was one."""

    def __init__(
        self, message: str, *, code: int | None = None, reason: str | None = None, outcome: Outcome | None = None
    ) -> None:
        super().__init__(message, outcome=outcome)
        self.code = code
        self.reason = reason


class DeadlineExceeded(NetworkError):
    """The protocol's own deadline passed (connect, answer, ping, close)."""


class ProtocolError(BinanceError):
    """The peer broke HTTP, WebSocket, JSON or the exchange's documents. ``payload`` is the start of what it sent."""

    outcome = Outcome.UNKNOWN

    def __init__(self, message: str, *, payload: bytes | str = b"", outcome: Outcome | None = None) -> None:
        super().__init__(message, outcome=outcome)
        self.payload: bytes | str = payload[:200]


class DecodeError(ProtocolError):
    """A message does not fit its model; ``path`` names the place, ``model`` the class."""

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        model: str = "",
        payload: bytes | str = b"",
        outcome: Outcome | None = None,
    ) -> None:
        super().__init__(message, payload=payload, outcome=outcome)
        self.path = path
        self.model = model


class StreamError(BinanceError):
    """A feed ended before its time; ``streams`` names the streams concerned."""

    def __init__(self, message: str, *, streams: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.streams: tuple[str, ...] = tuple(streams)


class SubscriptionRefused(StreamError):
    """The exchange did not accept the subscription."""

    def __init__(self, message: str, *, streams: Sequence[str] = (), code: int | None = None) -> None:
        super().__init__(message, streams=streams)
        self.code = code


class FeedOverflow(StreamError):
    """The consumer was slower than the stream and its buffer (``Overflow.FAIL``)."""


class StreamTerminated(StreamError):
    """The exchange ended the subscription for good."""
