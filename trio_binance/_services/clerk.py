"""The clerk: puts the questions of the account's mirror to the exchange, when there is weight to spare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from trio_binance._protocol.catalogue import account
from trio_binance._pure.mirror.asks import (
    PAGE,
    Ask,
    AskBalances,
    AskFills,
    AskList,
    AskNamedOrder,
    AskOpenLists,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskTrades,
)

if TYPE_CHECKING:
    from .backfill import Desk


@final
class Clerk:
    """Knows by which operation each question is asked.

    Args:
        desk: where questions are asked, with an eye on the weight.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, ask: Ask) -> Any:
        """Return the rows, or the one thing, that was asked for. Raises ``BinanceError``."""
        match ask:
            case AskOpenOrders():
                return await self._desk.ask(account.OPEN_ORDERS)
            case AskBalances():
                return await self._desk.ask(account.ACCOUNT, omit_zero_balances=True)
            case AskOpenLists():
                return await self._desk.ask(account.OPEN_ORDER_LISTS)
            case AskList():
                return await self._desk.ask(account.ORDER_LIST, order_list_id=ask.order_list_id)
            case AskOrder():
                return await self._desk.ask(account.ORDER, symbol=ask.symbol, order_id=ask.order_id)
            case AskNamedOrder():
                ids = {"order_id": ask.order_id, "client_order_id": ask.client_order_id}
                return await self._desk.ask(account.ORDER, symbol=ask.symbol, **ids)
            case AskFills():
                return await self._fills(ask)
            case AskOrders():
                return await self._desk.ask(
                    account.ALL_ORDERS,
                    symbol=ask.symbol,
                    order_id=ask.from_id,
                    start_time=ask.start_ms,
                    end_time=ask.end_ms,
                    limit=PAGE,
                )
            case AskTrades():
                return await self._desk.ask(
                    account.MY_TRADES,
                    symbol=ask.symbol,
                    from_id=ask.from_id,
                    start_time=ask.start_ms,
                    end_time=ask.end_ms,
                    limit=PAGE,
                )

    async def _fills(self, ask: AskFills) -> list[Any]:
        ids: dict[str, Any] = {"symbol": ask.symbol, "order_id": ask.order_id, "limit": PAGE}
        rows: list[Any] = [*await self._desk.ask(account.MY_TRADES, **ids)]
        # What smart order routing gave is told as allocations, and by no trade.
        return rows + (await self._desk.ask(account.MY_ALLOCATIONS, **ids) if ask.has_allocations else [])
