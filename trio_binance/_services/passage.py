"""The passage: what a request that changes state passes on its way out, so that nothing of it leaves unrecorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from trio_binance._protocol.call import Stamp


class Passage(Protocol):
    """Told by the router each time that a request is about to leave."""

    async def on_stamped(self, stamp: Stamp, wire: str) -> None:
        """Return when it is recorded that the request may leave with this stamp on this wire.

        Cancelled, or whatever it raises: the request does not leave.
        """

    def on_leaving(self) -> None:
        """Take note that from now on its first byte may have left."""
