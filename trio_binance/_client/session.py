"""The session room of the facade: the connection of the WebSocket API, and who is logged on to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, final

from trio_binance._protocol.catalogue import session

if TYPE_CHECKING:
    from trio_binance._protocol.operation import Operation
    from trio_binance._services.router import Router
    from trio_binance.models import SessionStatus, Subscription

R = TypeVar("R")


@final
class Session:
    """``bx.session``: the connector's own connection to the WebSocket API, the one that calls take.

    It is kept up, replaced before its day is over and, with an Ed25519 key and unless the configuration says otherwise,
    logged on by the connector; nobody needs to call these to trade. What they change holds for the present connection,
    which is made if there is none yet. Each method may raise any ``BinanceError``, ``NotServed`` where the environment
    has no WebSocket API, and is never asked twice.

    With ``prefer="ws_api"`` the account's events come on another connection, which these methods neither see nor touch:
    there is no subscription to them on this one, nor does ``status`` tell of any. Otherwise they come on this one.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    async def logon(self) -> SessionStatus:
        """Log the connection on with the configuration's key, which must be an Ed25519 one.

        Weight 2. Security: a signature. Source: session.logon (memory).

        Raises:
            CredentialsRequired: the configuration holds no key, or one of another kind.
        """
        return await self._ask(session.LOGON)

    async def status(self) -> SessionStatus:
        """Return who is logged on and since when, and the server's time.

        Weight 2. Security: none. Source: session.status (memory).
        """
        return await self._ask(session.STATUS)

    async def logout(self) -> SessionStatus:
        """Forget the key of the connection, which stays open; without effect where nobody is logged on.

        Subscriptions made by a signature, as the connector's own is, go on.

        Weight 2. Security: none. Source: session.logout (memory).
        """
        return await self._ask(session.LOGOUT)

    async def subscriptions(self) -> list[Subscription]:
        """Return the subscriptions to user data that are active on the connection, without saying of which account.

        Weight 2. Security: none. Source: session.subscriptions (memory).
        """
        return await self._ask(session.SUBSCRIPTIONS)

    async def _ask(self, operation: Operation[R]) -> R:
        return await self._router.session_call(operation, {})
