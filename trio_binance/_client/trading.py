"""The trading room of the facade: orders placed and tested, lists, changes, and what the rules say beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, final, overload

from trio_binance._codec.params import order_params, sor_params
from trio_binance._protocol.catalogue import trading
from trio_binance.errors import ApiError
from trio_binance.models import LimitOrder, MarketOrder, NewOrderRespType

from .changes import Changes
from .orderlists import OrderLists
from .placing import ORDERS, Ack, AnyRequest, Full, R, Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.ids import ClientOrderIds
    from trio_binance._services.router import Router
    from trio_binance._services.rulebook import Rulebook
    from trio_binance.models import (
        OrderAck,
        OrderCheck,
        OrderFull,
        OrderListRequest,
        OrderRequest,
        OrderResponse,
        OrderResult,
        OrderTestResult,
    )
    from trio_binance.models.orders import OrderState


@final
class Trading(OrderLists, Changes):
    """``bx.trading``: whatever changes an order.

    A call that raises says in ``error.outcome`` what became of the request: NOT_SENT, REJECTED, UNKNOWN or PARTIAL. A
    request that changes state is never sent twice, because a client order id is unique among *open* orders only: sent
    again after a fill, it would be filled again. Cancelled after the request has left, a call leaves its outcome
    unknown: query the order by its client id. An error of that query speaks of the query, not of the order.

    ``new_order_resp_type`` decides how much a placement answers, and with it the type of the answer. Should the
    exchange answer less than was asked for, an order is placed all the same and must not be taken for refused: the
    call raises ``DecodeError`` with the outcome UNKNOWN, the order's client id and, in ``payload``, what was answered.
    """

    def __init__(self, router: Router, ids: ClientOrderIds, rulebook: Rulebook) -> None:
        super().__init__(router, ids)
        self._rulebook = rulebook

    async def _call(self, operation: Operation[R], params: Mapping[str, Value]) -> R:
        """Call an operation; a refusal by a filter says that the rules may be others than those that are kept."""
        try:
            return await super()._call(operation, params)
        except ApiError as exc:
            symbol = params.get("symbol")
            if exc.filter is not None and isinstance(symbol, str):
                self._rulebook.forget(symbol)
            raise

    # -------------------------------------------------------------------------------------------- placements

    @overload
    async def place(self, order: OrderRequest, *, new_order_resp_type: Full = NewOrderRespType.FULL) -> OrderFull: ...
    @overload
    async def place(self, order: OrderRequest, *, new_order_resp_type: Result) -> OrderResult: ...
    @overload
    async def place(self, order: OrderRequest, *, new_order_resp_type: Ack) -> OrderAck: ...
    @overload
    async def place(self, order: OrderRequest, *, new_order_resp_type: NewOrderRespType | str) -> OrderResponse: ...
    async def place(
        self, order: OrderRequest, *, new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL
    ) -> OrderResponse:
        """Place an order and return the exchange's report of it.

        An order without ``client_order_id`` is given one, so that it can always be asked for; an error carries it as
        ``error.client_order_id``. Weight 1 (0 when it succeeds), one unfilled order. Security: TRADE. Source: POST
        /api/v3/order, order.place (matching engine).

        Raises:
            OrderRejected: the matching engine refused, ``FilterError`` a rule of the symbol.
            NetworkError, ServerError, ProtocolError: the outcome is UNKNOWN, unless ``outcome`` says NOT_SENT.
        """
        request = self._identify(order, *ORDERS)
        return await self._place(trading.PLACE, order_params(request), request.client_order_id, new_order_resp_type)

    @overload
    async def place_sor(
        self, order: LimitOrder | MarketOrder, *, new_order_resp_type: Full = NewOrderRespType.FULL
    ) -> OrderFull: ...
    @overload
    async def place_sor(self, order: LimitOrder | MarketOrder, *, new_order_resp_type: Result) -> OrderResult: ...
    @overload
    async def place_sor(self, order: LimitOrder | MarketOrder, *, new_order_resp_type: Ack) -> OrderAck: ...
    @overload
    async def place_sor(
        self, order: LimitOrder | MarketOrder, *, new_order_resp_type: NewOrderRespType | str
    ) -> OrderResponse: ...
    async def place_sor(
        self, order: LimitOrder | MarketOrder, *, new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL
    ) -> OrderResponse:
        """Place an order by smart order routing, which may fill it from other symbols of the same base asset.

        Without a peg and without ``quote_order_qty``. What it takes elsewhere is told as an allocation: a fill with
        ``trade_id`` -1 and an ``alloc_id``. Weight 1 (0 when it succeeds), one unfilled order. Security: TRADE.
        Source: POST /api/v3/sor/order, sor.order.place (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, LimitOrder, MarketOrder)
        return await self._place(trading.PLACE_SOR, sor_params(request), request.client_order_id, new_order_resp_type)

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
