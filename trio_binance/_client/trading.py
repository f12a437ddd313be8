"""The trading room of the facade: orders placed and tested, lists, changes, and what the rules say beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final, overload

from trio_binance._codec.params import order_params, sor_params
from trio_binance._protocol.catalogue import trading
from trio_binance.errors import CredentialsRequired
from trio_binance.models import LimitOrder, MarketOrder, NewOrderRespType

from .changes import Changes
from .names import check_symbol
from .orderlists import OrderLists
from .placing import ORDERS, Ack, AnyRequest, Full, Result
from .room import give_one
from .tracking import open_tracking

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from decimal import Decimal

    from trio_binance._protocol.operation import Value
    from trio_binance.errors import OrderUnresolved
    from trio_binance.models import (
        OpenRequest,
        OrderAck,
        OrderCheck,
        OrderFull,
        OrderListRequest,
        OrderRequest,
        OrderResponse,
        OrderResult,
        OrderTestResult,
        Placement,
        Unresolved,
    )
    from trio_binance.models.orders import OrderState

    from .tracking import TrackedOrder


@final
class Trading(OrderLists, Changes):
    """``bx.trading``: whatever changes an order.

    A request that changes state is sent once, because a client order id is unique among *open* orders only: sent again
    after a fill, it would be filled again. (Two exceptions cannot double anything: what was refused for its timestamp,
    and the cancellation of one order by its order id.) It stands in the journal before its first byte leaves.

    What places something returns what became of it: ``Accepted`` with the exchange's report, ``Rejected`` with the
    error, or ``Unresolved``; ``unwrap`` gives the report or raises. Where the answer is lost, that is found out before
    the call returns, for ``resolve_within`` seconds (``tuning.resolve_timeout`` by default), from the account's own
    events, by queries, and by the exchange's clock; afterwards it goes on in the background: ``wait_resolved``. What
    was not sent raises, with the outcome NOT_SENT. What cancels or amends returns the exchange's report, be it put
    together from what was found, and raises everything else.

    Cancelled before it has left, a request does not leave. Cancelled later, it goes on being found out what became of
    it: ``unsettled`` tells of it, and the hook events ``OutcomeInDoubt``, ``OutcomeFound`` and their kin.

    ``new_order_resp_type`` decides how much a placement answers, and with it the type of the report.
    """

    # -------------------------------------------------------------------------------------------- placements

    @overload
    async def place(
        self,
        order: OrderRequest,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderFull]: ...
    @overload
    async def place(
        self,
        order: OrderRequest,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderResult]: ...
    @overload
    async def place(
        self,
        order: OrderRequest,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderAck]: ...
    @overload
    async def place(
        self,
        order: OrderRequest,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderResponse]: ...
    async def place(
        self,
        order: OrderRequest,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderResponse]:
        """Place an order and return what became of it: ``Accepted``, ``Rejected`` or ``Unresolved``.

        An order without ``client_order_id`` is given one, so that it can always be asked for; outcomes and errors carry
        it. Weight 1 (0 when it succeeds), one unfilled order. Security: TRADE. Source: POST /api/v3/order, order.place
        (matching engine).

        Raises:
            BinanceError: it was not sent: ``UsageError`` for the caller's sake, ``NotAdmitted`` for the limits' or the
                breaker's, ``ConnectError`` for the line's, ``JournalFailed`` where it cannot be recorded.
        """
        request = self._identify(order, *ORDERS)
        name = request.client_order_id
        return await self._place(trading.PLACE, order_params(request), name, new_order_resp_type, resolve_within)

    @overload
    async def place_sor(
        self,
        order: LimitOrder | MarketOrder,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderFull]: ...
    @overload
    async def place_sor(
        self,
        order: LimitOrder | MarketOrder,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderResult]: ...
    @overload
    async def place_sor(
        self,
        order: LimitOrder | MarketOrder,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderAck]: ...
    @overload
    async def place_sor(
        self,
        order: LimitOrder | MarketOrder,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderResponse]: ...
    async def place_sor(
        self,
        order: LimitOrder | MarketOrder,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderResponse]:
        """Place an order by smart order routing, which may fill it from other symbols of the same base asset.

        Without a peg and without ``quote_order_qty``. What it takes elsewhere is told as an allocation: a fill with
        ``trade_id`` -1 and an ``alloc_id``. Weight 1 (0 when it succeeds), one unfilled order. Security: TRADE.
        Source: POST /api/v3/sor/order, sor.order.place (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, LimitOrder, MarketOrder)
        name = request.client_order_id
        return await self._place(trading.PLACE_SOR, sor_params(request), name, new_order_resp_type, resolve_within)

    async def test(self, order: OrderRequest, *, compute_commission_rates: bool = False) -> OrderTestResult:
        """Have the exchange check an order without placing it; see ``check`` for a look that sends nothing.

        Weight 1, or 20 with commission rates. Security: TRADE. Source: POST /api/v3/order/test, order.test (memory).
        """
        params: dict[str, Value] = {**order_params(self._identify(order, *ORDERS))}
        rates = trading.TEST.write(compute_commission_rates=compute_commission_rates)
        return await self._call(trading.TEST, {**params, **rates})

    async def test_sor(
        self, order: LimitOrder | MarketOrder, *, compute_commission_rates: bool = False
    ) -> OrderTestResult:
        """Have the exchange check an order for smart order routing without placing it.

        Weight 1, or 20 with commission rates. Security: TRADE. Source: POST /api/v3/sor/order/test, sor.order.test
        (memory).
        """
        params: dict[str, Value] = {**sor_params(self._identify(order, LimitOrder, MarketOrder))}
        rates = trading.TEST_SOR.write(compute_commission_rates=compute_commission_rates)
        return await self._call(trading.TEST_SOR, {**params, **rates})

    # --------------------------------------------------------------------------------------- after it was sent

    def track(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> AbstractAsyncContextManager[TrackedOrder]:
        """Return something to enter with ``async with``: it follows one order to its end, across lost connections.

        The order may exist already or be placed inside the block, then by its ``client_order_id``; where several orders
        had that, the latest one that is known is meant, or else the first that comes::

            async with bx.trading.track("BTCUSDT", client_order_id=name) as tracked:
                (await bx.trading.place(LimitOrder(..., client_order_id=name))).unwrap()
                order = await tracked.wait_done()
                print(order.status, tracked.average_price, tracked.fees)

        Entering waits until the account's events flow, and asks for the order and its fills where they are not known
        (weight 4 and 5): bound it with ``trio.fail_after``. Cancelled: nothing stays behind.

        Raises:
            CredentialsRequired: the configuration holds no key, or the environment has no WebSocket API.
            BinanceError: on entering: the exchange could not be asked.
        """
        check_symbol(symbol)
        give_one(order_id=order_id, client_order_id=client_order_id)
        if self._mirror is None:
            raise CredentialsRequired("tracking needs credentials and an environment with a WebSocket API")
        return open_tracking(self._mirror, symbol, order_id, client_order_id)

    @property
    def unsettled(self) -> tuple[OpenRequest, ...]:
        """The requests of which it is not known what became of them, or not yet; also those of an earlier run."""
        return self._orders.unsettled

    @property
    def inherited(self) -> tuple[OpenRequest, ...]:
        """The requests of earlier runs whose callers were not told what became of them; they need a journal in a file.

        It stays as it was when this connector was opened: ``wait_resolved`` says of each what became of it::

            for request in bx.trading.inherited:
                with trio.move_on_after(300):
                    print(request.client_order_id, await bx.trading.wait_resolved(request))
        """
        return self._orders.inherited

    async def wait_resolved(self, outcome: Unresolved | OpenRequest | OrderUnresolved) -> Placement[Any]:
        """Return what became of a request, as soon as that is known: ``Accepted`` or ``Rejected``.

        A day may pass over it: bound it. ``Unresolved`` again means that it was accepted, but that how it stands
        could not be asked for; wait anew for that. Cancelled: it goes on being found out.

        Raises:
            InvalidArgument: the outcome is none of this connector's, or a day old.
            BinanceError: it never left.
        """
        return await self._orders.wait_resolved(outcome.intent_id)

    async def wait_settled(self) -> None:
        """Return when there is a verdict on every request, as one wants it after a restart with a journal.

        What is ``unsettled`` then could not be found out, for a witness was missing; it is watched for 24 hours.
        Cancelled: nothing changed.
        """
        await self._orders.wait_settled()

    # -------------------------------------------------------------------------------------- before it is sent

    async def check(
        self, order: OrderRequest | OrderListRequest, *, account: bool = False, replaces: bool = False
    ) -> OrderCheck:
        """Return what the rules say of an order or an order list, which is not sent.

        With ``account`` also what only a key can find out is asked for: whether it can pay ("balance"), its own
        filters, its open orders and its position. ``replaces`` says that the order takes the place of another, as in
        ``cancel_replace``. What stays ``unchecked`` is the exchange's to judge.

        Weight 22 where the symbol's rules are not known or too old, and up to 8 for prices where a rule needs them; up
        to 146 more with ``account``. Cancelled: nothing changed. Source: GET /api/v3/exchangeInfo and its kin.

        Raises:
            UnknownSymbol: the exchange does not know the symbol.
            CredentialsRequired: ``account`` without a key.
        """
        return await self._rulebook.check(order, account=account, replaces=replaces)

    async def check_amendment(
        self, order: OrderState, new_qty: Decimal | int | str, *, account: bool = False
    ) -> OrderCheck:
        """Return what the rules say of making an open order smaller; nothing is sent.

        ``order`` is any report of it. With ``account`` its amendments so far are asked for and the account's own
        filters. Otherwise as ``check``.
        """
        return await self._rulebook.check_amendment(order, new_qty, account=account)

    async def snap(self, order: AnyRequest, *, rounding: str | None = None) -> AnyRequest:
        """Return the order with its prices and quantities moved onto the symbol's steps; nothing is sent.

        Quantities are rounded down. So are prices and stop prices of a BUY, those of a SELL are rounded up, unless
        ``rounding``, one of ``decimal``'s modes such as "ROUND_HALF_EVEN", rounds them otherwise. Weight 20 where the
        symbol's rules are not known or too old. Cancelled: nothing changed. Source: GET /api/v3/exchangeInfo.

        Raises:
            InvalidArgument: rounded, a number would be zero or beyond a bound; the reason names what would pass. Or
                ``rounding`` is no mode of ``decimal``.
        """
        return await self._rulebook.snap(order, rounding=rounding)
