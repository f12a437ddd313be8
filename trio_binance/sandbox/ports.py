"""The ports: what faults need of the running exchange and of its WebSockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class HousePort(Protocol):
    """What faults need of the running exchange."""

    @property
    def sockets(self) -> Sequence[SocketPort]:
        """The WebSockets that are open."""
        ...

    def now_us(self) -> int:
        """Return the exchange's time in microseconds."""
        ...

    def advance_us(self, by: int) -> None:
        """Let the exchange's clock jump forward."""
        ...

    def settle(self) -> None:
        """Pass on what somebody did to the market besides the exchange."""
        ...

    def flush(self) -> None:
        """Hand out what the exchange has to say."""
        ...


class SocketPort(Protocol):
    """What faults need of a WebSocket on the server's side."""

    @property
    def number(self) -> int:
        """Its connection's number."""
        ...

    @property
    def kind(self) -> Literal["stream", "ws_api"]:
        """Which house it is in."""
        ...

    @property
    def target(self) -> str:
        """What the client asked for in its handshake."""
        ...

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        ...

    def text(self, text: str) -> None:
        """Send a text message."""
        ...

    def lose(self, every: int) -> None:
        """Lose every n-th event from now on; with 0 none."""
        ...

    def close(self, code: int | None, reason: str) -> None:
        """Send a close frame after all that waits."""
        ...

    def cut(self) -> None:
        """End the connection without a close frame."""
        ...

    def reset(self) -> None:
        """Reset the connection."""
        ...

    def mute(self) -> None:
        """Say nothing any more."""
        ...
