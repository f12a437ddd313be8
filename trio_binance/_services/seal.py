"""The seal: what makes a request ours: the key, server time, and for how long it may travel; put on last of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import trio

from trio_binance._protocol.call import Stamp, rest_request, ws_params
from trio_binance.errors import CredentialsRequired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._protocol.call import RestRequest
    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.signing import Signer
    from trio_binance.config import Tuning

    from .clock import Clock
    from .passage import Passage


@final
class Seal:
    """Signs for the key of the configuration, if it has one."""

    def __init__(self, signer: Signer | None, clock: Clock, tuning: Tuning) -> None:
        self.signer = signer
        self._clock = clock
        self._tuning = tuning

    def require(self, operation: Operation[Any]) -> None:
        """Refuse what needs a key where there is none.

        Raises:
            CredentialsRequired: nothing was sent.
        """
        if operation.signed and self.signer is None:
            raise CredentialsRequired(f"{operation.name} needs credentials; the configuration has none")

    async def wait_ready(self) -> None:
        """Wait until server time is known, but not for ever. Cancelled: nothing changed."""
        if not self._clock.synced:
            with trio.move_on_after(self._tuning.request_timeout):
                await self._clock.wait_synced()
        # Still unsynced, the machine's own clock stands in; the exchange judges it.

    async def stamp(self, operation: Operation[Any], passage: Passage | None, wire: str) -> Stamp | None:
        """Return what a request is stamped with, if it has to be signed, once its passage has recorded that.

        Cancelled, or whatever the passage raises: the request must not leave.
        """
        stamp = self._now() if operation.signed else None
        if passage is not None and stamp is not None:
            await passage.on_stamped(stamp, wire)
        return stamp

    def rest(self, operation: Operation[Any], params: Mapping[str, Value], stamp: Stamp | None) -> RestRequest:
        """Return the REST request of a call, signed if there is a stamp."""
        return rest_request(operation, params, self.signer if stamp else None, stamp)

    def ws(self, params: Mapping[str, Value], stamp: Stamp | None, *, by_session: bool = False) -> dict[str, Any]:
        """Return the parameters of a request of the WebSocket API.

        Signed if there is a stamp; ``by_session`` leaves key and signature to the session that is logged on.
        """
        return ws_params(params, None if by_session or stamp is None else self.signer, stamp)

    def ws_now(self, operation: Operation[Any], params: Mapping[str, Value]) -> dict[str, Any]:
        """Return the parameters of a request that is no business of any passage, stamped and signed if it has to be."""
        return self.ws(params, self._now() if operation.signed else None)

    def _now(self) -> Stamp:
        return Stamp(self._clock.signing_ms(), self._tuning.recv_window_ms)
