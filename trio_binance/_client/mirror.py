"""The mirror of the account: what a user reads orders, fills and balances through, and waits for their changes with."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._util import NoPublicConstructor
from trio_binance.models import MirrorState

from .room import give_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._services.mirror import AccountStatistics, Mirror
    from trio_binance.models import AccountFill, Balance, ListStatus, OrderStatusReport, Timestamp


@final
class AccountView(metaclass=NoPublicConstructor):
    """``bx.account.mirror``: the account as its events tell it. Nothing read from it waits, and nothing is asked for.

    Between two awaits of yours it does not change, so that whatever you read belongs together. Look at ``state``: LIVE
    is the account as it was at ``as_of``, and every change since comes by the stream; when something is or may be
    missing it is STALE before you can read it, and what is missing is asked for and told by ``events()``.

    It holds the orders that were open when the connector began, and all that came after. Of an order of somebody else
    with the same account, on a symbol of which nothing was heard, which began and ended while the connection was lost,
    only the balances tell.
    """

    def __init__(self, service: Mirror) -> None:
        self._service = service

    def __repr__(self) -> str:
        return f"<AccountView {self.state.value}, as of {self.as_of}, {len(self.open_orders())} open orders>"

    @property
    def state(self) -> MirrorState:
        """How far it can be trusted."""
        return self._service.state

    @property
    def reason(self) -> str:
        """Why it is in that state, for people to read; empty while it is LIVE."""
        return self._service.reason

    @property
    def as_of(self) -> Timestamp | None:
        """The exchange's time in milliseconds up to which all of it is right; ``None`` before it has ever been."""
        return self._service.as_of_ms

    def order(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderStatusReport | None:
        """Return an order by its id or its client id (both given, both must fit), ``None`` if it is not known.

        A client id finds the latest order that has it; after an amendment, the one that had it before too.
        """
        give_one(order_id=order_id, client_order_id=client_order_id)
        record = self._service.ledger.records.find(symbol, order_id, client_order_id)
        return None if record is None else record.order

    def open_orders(self, symbol: str | None = None) -> list[OrderStatusReport]:
        """Return the open orders of a symbol, or all of them, the oldest first."""
        return self._service.ledger.records.open_orders(symbol)

    def order_list(self, order_list_id: int) -> tuple[ListStatus | None, list[OrderStatusReport]]:
        """Return what was told last of an order list, and its orders as far as they are known."""
        ledger = self._service.ledger
        return ledger.lists.told.get(order_list_id), ledger.records.of_list(order_list_id)

    def fills(self, symbol: str, *, order_id: int | None = None) -> list[AccountFill]:
        """Return the fills of an order or of a symbol that were told, in the order of their ids.

        Those of the last ``tuning.account_history`` orders; of an order of before the connector began, those that came
        since, unless it is tracked.
        """
        return self._service.ledger.records.fills(symbol, order_id)

    @property
    def balances(self) -> Mapping[str, Balance]:
        """What is free and what is locked of each asset of which there is any."""
        return self._service.ledger.balances.now

    def statistics(self) -> AccountStatistics:
        """Return how much it holds and what it has been through."""
        return self._service.statistics()

    async def wait_live(self) -> None:
        """Wait until it is LIVE: ``tuning.account_lag`` after the subscription, when no answer can be behind any more.

        It waits as long as the exchange is not reached: bound it with ``trio.fail_after``. Cancelled: nothing happened.

        Raises:
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        await self._service.wait_live()

    async def changed(self) -> None:
        """Wait until something has changed, or may have: look again. Raises and cancels as ``wait_live``."""
        await self._service.changed()
