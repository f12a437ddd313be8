"""The account room of the facade: orders, fills, balances, limits, and the account's own events."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._protocol.catalogue import account
from trio_binance.config import Overflow
from trio_binance.errors import CredentialsRequired

from .checks import check_feed
from .mirror import AccountView
from .room import Room, give_one

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from trio_binance._services.feed import Feed
    from trio_binance._services.mirror import Mirror
    from trio_binance._services.router import Router
    from trio_binance.models import (
        Account,
        AccountCommission,
        AccountFilters,
        AccountPreventedMatch,
        AccountTrade,
        Allocation,
        OrderAmendment,
        OrderList,
        OrderStatusReport,
        RateLimitUsage,
        UserEvent,
    )

    from .room import Moment


@final
class AccountRoom(Room):
    """``bx.account``: what the exchange knows of the account whose key the configuration holds.

    Queries are answered from memory or a database that may lag behind the matching engine: an order that is not found
    may still exist. Every method may raise any ``BinanceError`` and can be cancelled without a trace. Lists come
    oldest first and hold up to ``limit`` items, which may be 1000; a span of time may be 24 hours long.
    """

    def __init__(self, router: Router, mirror: Mirror | None) -> None:
        super().__init__(router)
        self._mirror = mirror

    async def status(self, *, omit_zero_balances: bool | None = None) -> Account:
        """Return balances, permissions and commission rates.

        Weight 20. Security: USER_DATA. Source: GET /api/v3/account, account.status (memory, then database).
        """
        return await self._ask(account.ACCOUNT, omit_zero_balances=omit_zero_balances)

    # ------------------------------------------------------------------------------------------------ orders

    async def order(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderStatusReport:
        """Return one order as the exchange remembers it, by its id or its client id; both given, both must fit.

        Weight 4. Security: USER_DATA. Source: GET /api/v3/order, order.status (memory, then database).

        Raises:
            UnknownOrder: it is not found; alone this does not prove that it does not exist.
        """
        give_one(order_id=order_id, client_order_id=client_order_id)
        return await self._ask(account.ORDER, symbol=symbol, order_id=order_id, client_order_id=client_order_id)

    async def open_orders(self, symbol: str | None = None) -> list[OrderStatusReport]:
        """Return the open orders of a symbol, or of all.

        Weight 6 for a symbol, 80 for all. Security: USER_DATA. Source: GET /api/v3/openOrders, openOrders.status
        (memory, then database).
        """
        return await self._ask(account.OPEN_ORDERS, symbol=symbol)

    async def all_orders(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        limit: int = 500,
    ) -> list[OrderStatusReport]:
        """Return orders of every state: the newest, or from an id on, or those last updated in a span of time.

        With times the id is not looked at. Orders without a fill are archived after 90 days.

        Weight 20. Security: USER_DATA. Source: GET /api/v3/allOrders, allOrders (database).
        """
        return await self._ask(
            account.ALL_ORDERS,
            symbol=symbol,
            order_id=order_id,
            start_time=start_time,
            end_time=end_time,
            limit=limit,
        )

    async def order_amendments(
        self, symbol: str, *, order_id: int, from_execution_id: int | None = None, limit: int = 500
    ) -> list[OrderAmendment]:
        """Return the amendments of one order.

        Weight 4. Security: USER_DATA. Source: GET /api/v3/order/amendments, order.amendments (database).
        """
        return await self._ask(
            account.ORDER_AMENDMENTS,
            symbol=symbol,
            order_id=order_id,
            from_execution_id=from_execution_id,
            limit=limit,
        )

    async def order_rate_limits(self) -> list[RateLimitUsage]:
        """Return how many unfilled orders count at the moment, against each limit.

        Weight 40. Security: USER_DATA. Source: GET /api/v3/rateLimit/order, account.rateLimits.orders (memory).
        """
        return await self._ask(account.ORDER_RATE_LIMITS)

    # ------------------------------------------------------------------------------------------- order lists

    async def order_list(
        self, *, order_list_id: int | None = None, list_client_order_id: str | None = None
    ) -> OrderList:
        """Return one order list by its id or its client id; of both, the WebSocket API says, the client id counts.

        Weight 4. Security: USER_DATA. Source: GET /api/v3/orderList, orderList.status (database).
        """
        give_one(order_list_id=order_list_id, list_client_order_id=list_client_order_id)
        return await self._ask(
            account.ORDER_LIST, order_list_id=order_list_id, list_client_order_id=list_client_order_id
        )

    async def all_order_lists(
        self,
        *,
        from_id: int | None = None,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        limit: int = 500,
    ) -> list[OrderList]:
        """Return order lists of every state and symbol: the newest, or from an id on, or by times, which exclude it.

        Weight 20. Security: USER_DATA. Source: GET /api/v3/allOrderList, allOrderLists (database).
        """
        return await self._ask(
            account.ALL_ORDER_LISTS, from_id=from_id, start_time=start_time, end_time=end_time, limit=limit
        )

    async def open_order_lists(self) -> list[OrderList]:
        """Return the order lists that are open, of every symbol.

        Weight 6. Security: USER_DATA. Source: GET /api/v3/openOrderList, openOrderLists.status (memory, then
        database).
        """
        return await self._ask(account.OPEN_ORDER_LISTS)

    # ------------------------------------------------------------------------------- what became of the orders

    async def my_trades(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        limit: int = 500,
    ) -> list[AccountTrade]:
        """Return the account's fills: the newest, or those of an order, or from an id of theirs on, or by times.

        Weight 5 with ``order_id``, else 20. Security: USER_DATA. Source: GET /api/v3/myTrades, myTrades (memory, then
        database).
        """
        return await self._ask(
            account.MY_TRADES,
            symbol=symbol,
            order_id=order_id,
            start_time=start_time,
            end_time=end_time,
            from_id=from_id,
            limit=limit,
        )

    async def my_allocations(
        self,
        symbol: str,
        *,
        start_time: Moment | None = None,
        end_time: Moment | None = None,
        from_allocation_id: int | None = None,
        limit: int = 500,
        order_id: int | None = None,
    ) -> list[Allocation]:
        """Return what smart order routing gave to the account's orders.

        Weight 20. Security: USER_DATA. Source: GET /api/v3/myAllocations, myAllocations (database).
        """
        return await self._ask(
            account.MY_ALLOCATIONS,
            symbol=symbol,
            start_time=start_time,
            end_time=end_time,
            from_allocation_id=from_allocation_id,
            limit=limit,
            order_id=order_id,
        )

    async def my_prevented_matches(
        self,
        symbol: str,
        *,
        prevented_match_id: int | None = None,
        order_id: int | None = None,
        from_prevented_match_id: int | None = None,
        limit: int = 500,
    ) -> list[AccountPreventedMatch]:
        """Return the matches that self-trade prevention stopped: one by its id, or those of an order.

        Weight 2 by ``prevented_match_id``, 20 by ``order_id``. Security: USER_DATA. Source: GET
        /api/v3/myPreventedMatches, myPreventedMatches (database).
        """
        return await self._ask(
            account.MY_PREVENTED_MATCHES,
            symbol=symbol,
            prevented_match_id=prevented_match_id,
            order_id=order_id,
            from_prevented_match_id=from_prevented_match_id,
            limit=limit,
        )

    # ------------------------------------------------------------------------------------- rates and filters

    async def commission(self, symbol: str) -> AccountCommission:
        """Return the commission rates of the account on a symbol.

        Weight 20. Security: USER_DATA. Source: GET /api/v3/account/commission, account.commission (database).
        """
        return await self._ask(account.COMMISSION, symbol=symbol)

    async def my_filters(self, symbol: str) -> AccountFilters:
        """Return every filter that holds for the account on a symbol, its own among them: nothing else tells those.

        Weight 40. Security: USER_DATA. Source: GET /api/v3/myFilters, myFilters (memory).
        """
        return await self._ask(account.MY_FILTERS, symbol=symbol)

    # ------------------------------------------------------------------------------------------------ events

    def events(
        self, *, buffer: int = 1000, overflow: Overflow = Overflow.FAIL
    ) -> AbstractAsyncContextManager[Feed[UserEvent]]:
        """Return a feed of the account's events, to be entered with ``async with``.

        It is one channel without holes: what the stream brings, at once, and after every loss of the subscription what
        was missed, as events of the same kinds that say ``recovered``: each fill once by its symbol and trade id,
        executed quantities that only grow, and nothing after the end of an order but fills that had been missing. The
        exchange's answers lag behind, so that it may take ``tuning.account_lag`` until all of it is told; the mirror is
        LIVE then. What was before the first subscription is not told. Deposits (``BalanceUpdate``) and locks cannot be
        had again; the hook event ``UserDataGap`` tells the span in which some may have been missed.

        Entering waits until the exchange has confirmed the subscription, as long as it is not reached: bound it with
        ``trio.fail_after`` as ``Streams`` shows. The feed ends with ``FeedOverflow`` rather than losing an event
        silently. Source: userDataStream.subscribe.signature; GET openOrders, allOrders, order, myTrades, account.

        Raises:
            CredentialsRequired: the configuration holds no key, or the environment has no WebSocket API.
            InvalidArgument: ``buffer`` is less than one.
        """
        check_feed(buffer, overflow)
        return self._service.open(buffer=buffer, overflow=overflow)

    @property
    def mirror(self) -> AccountView:
        """The orders, fills and balances of the account as the events tell them, and how far that is right.

        The first look at it, or at ``events()``, has the exchange asked for the account, and from then on an audit
        every ``tuning.account_audit`` (weight 100, and 20 for each symbol on which something happens).

        Raises:
            CredentialsRequired: the configuration holds no key, or the environment has no WebSocket API.
        """
        self._service.demand()
        return AccountView._create(self._service)

    @property
    def _service(self) -> Mirror:
        if self._mirror is None:
            raise CredentialsRequired("account events need credentials and an environment with a WebSocket API")
        return self._mirror
