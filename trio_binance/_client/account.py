"""The account room of the facade: orders, fills, balances, and the account's own events."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._protocol.catalogue import account
from trio_binance.config import Overflow
from trio_binance.errors import CredentialsRequired

from .checks import check_feed
from .trading import which_order

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.feed import Feed
    from trio_binance._services.router import Router
    from trio_binance._services.userdata import UserData
    from trio_binance.models import (
        Account,
        AccountCommission,
        AccountTrade,
        OrderStatusReport,
        RateLimitUsage,
        UserEvent,
    )


@final
class AccountRoom:
    """``bx.account``: what the exchange knows of the account whose key the configuration holds.

    Queries are answered from memory or a database that may lag behind the matching engine: an order that is not found
    may still exist. Every method may raise any ``BinanceError`` and can be cancelled without a trace.
    """

    def __init__(self, router: Router, user_data: UserData | None) -> None:
        self._router = router
        self._user_data = user_data

    async def status(self, *, omit_zero_balances: bool | None = None) -> Account:
        """Return balances, permissions and commission rates. Weight 20. Source: GET /api/v3/account."""
        return await self._router.call(account.ACCOUNT, {"omitZeroBalances": omit_zero_balances})

    async def order(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderStatusReport:
        """Return one order as the exchange remembers it. Weight 4. Source: GET /api/v3/order.

        Raises:
            UnknownOrder: it is not found; alone this does not prove that it does not exist.
        """
        return await self._router.call(account.ORDER, {"symbol": symbol, **which_order(order_id, client_order_id)})

    async def open_orders(self, symbol: str | None = None) -> list[OrderStatusReport]:
        """Return the open orders of a symbol (weight 6) or of all (weight 80). Source: GET /api/v3/openOrders."""
        return await self._router.call(account.OPEN_ORDERS, {"symbol": symbol})

    async def all_orders(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int = 500,
    ) -> list[OrderStatusReport]:
        """Return orders of every state, from an id or in a span of at most 24 h. Weight 20.

        Source: GET /api/v3/allOrders.
        """
        params = {"symbol": symbol, "orderId": order_id, "startTime": start_time, "endTime": end_time, "limit": limit}
        return await self._router.call(account.ALL_ORDERS, params)

    async def my_trades(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int = 500,
    ) -> list[AccountTrade]:
        """Return the account's fills, oldest first, up to 1000. Weight 5 with ``order_id``, else 20.

        Source: GET /api/v3/myTrades.
        """
        params = {
            "symbol": symbol,
            "orderId": order_id,
            "startTime": start_time,
            "endTime": end_time,
            "fromId": from_id,
            "limit": limit,
        }
        return await self._router.call(account.MY_TRADES, params)

    async def commission(self, symbol: str) -> AccountCommission:
        """Return the commission rates of the account on a symbol. Weight 20. Source: GET /api/v3/account/commission."""
        return await self._router.call(account.COMMISSION, {"symbol": symbol})

    async def order_rate_limits(self) -> list[RateLimitUsage]:
        """Return how many unfilled orders count at the moment. Weight 40. Source: GET /api/v3/rateLimit/order."""
        return await self._router.call(account.ORDER_RATE_LIMITS, {})

    def events(
        self, *, buffer: int = 1000, overflow: Overflow = Overflow.FAIL
    ) -> AbstractAsyncContextManager[Feed[UserEvent]]:
        """Return a feed of the account's events, to be entered with ``async with``.

        Entering waits until the exchange has confirmed the subscription, as long as it is not reached: bound it with
        ``trio.fail_after`` as ``Streams`` shows. The feed ends with ``FeedOverflow`` rather
        than losing an event silently; after a reconnection the hook event ``UserDataGap`` tells the span in which
        events may have been missed. Source: userDataStream.subscribe.signature.

        Raises:
            CredentialsRequired: the configuration holds no key, or the environment has no WebSocket API.
            InvalidArgument: ``buffer`` is less than one.
        """
        check_feed(buffer, overflow)
        if self._user_data is None:
            raise CredentialsRequired("account events need credentials and an environment with a WebSocket API")
        return self._user_data.open(buffer=buffer, overflow=overflow)
