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

    def rest(self, operation: Operation[Any], params: Mapping[str, Value]) -> RestRequest:
        """Return the REST request of a call, signed if it has to be."""
        if not operation.signed:
            return rest_request(operation, params)
        return rest_request(operation, params, self.signer, self._stamp())

    def ws(self, operation: Operation[Any], params: Mapping[str, Value], *, by_session: bool = False) -> dict[str, Any]:
        """Return the parameters of a request of the WebSocket API.

        Signed if it has to be; ``by_session`` leaves key and signature to the session that is logged on.
        """
        if not operation.signed:
            return ws_params(params)
        return ws_params(params, None if by_session else self.signer, self._stamp())

    def _stamp(self) -> Stamp:
        return Stamp(self._clock.signing_ms(), self._tuning.recv_window_ms)
