"""The trading room of the facade: place, test and cancel orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._codec.params import order_params
from trio_binance._protocol.catalogue import trading
from trio_binance.errors import BinanceError, CancelRejected, InvalidArgument
from trio_binance.models import OrderRequest

if TYPE_CHECKING:
    from trio_binance._protocol.operation import Value
    from trio_binance._pure.ids import ClientOrderIds
    from trio_binance._services.router import Router
    from trio_binance.models import CancelResult, OrderAck, OrderFull, OrderResult, OrderTestResult

NOTHING_OPEN = "Unknown order sent."


@final
class Trading:
    """``bx.trading``: whatever changes an order.

    A call that raises says in ``error.outcome`` what became of the request: NOT_SENT, REJECTED or UNKNOWN. A request
    that changes state is never sent twice, because a client order id is unique among *open* orders only: sent again
    after a fill, it would be filled again. Cancelled after the request has left, a call leaves its outcome unknown:
    query the order by its client id. An error of that query speaks of the query, not of the order.
    """

    def __init__(self, router: Router, ids: ClientOrderIds) -> None:
        self._router = router
        self._ids = ids

    async def place(self, order: OrderRequest) -> OrderAck | OrderResult | OrderFull:
        """Place an order and return the exchange's report of it.

        An order without ``client_order_id`` is given one, so that it can always be asked for; an error carries it as
        ``error.client_order_id``. Weight 1 (0 when it succeeds), one unfilled order. Source: POST /api/v3/order
        (matching engine).

        Raises:
            OrderRejected: the matching engine refused, ``FilterError`` a rule of the symbol.
            NetworkError, ServerError, ProtocolError: the outcome is UNKNOWN, unless ``outcome`` says NOT_SENT.
        """
        params = self._params(order)
        try:
            return await self._router.call(trading.PLACE, params)
        except BinanceError as exc:
            exc.client_order_id = str(params["newClientOrderId"])
            raise

    def new_client_order_id(self) -> str:
        """Return a client order id that was never used before, on this machine or another.

        Give it to an order yourself where the call may be cancelled: a cancelled call cannot tell its id.
        """
        return self._ids.next_id()

    async def test(self, order: OrderRequest, *, compute_commission_rates: bool = False) -> OrderTestResult:
        """Have the exchange check an order without placing it. Weight 1, or 20 with commission rates.

        Source: POST /api/v3/order/test.
        """
        params = self._params(order)
        if compute_commission_rates:
            params["computeCommissionRates"] = True
        return await self._router.call(trading.TEST, params)

    def _params(self, order: OrderRequest) -> dict[str, Value]:
        if not isinstance(order, OrderRequest):
            raise TypeError(f"order: expected a LimitOrder, LimitMakerOrder or MarketOrder, not {type(order).__name__}")
        params: dict[str, Value] = dict(order_params(order))
        params.setdefault("newClientOrderId", self._ids.next_id())
        return params

    async def cancel(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        cancel_restrictions: str | None = None,
    ) -> CancelResult:
        """Cancel an open order by its id or its client id. Weight 1 (0 when it succeeds).

        Source: DELETE /api/v3/order (matching engine).

        Raises:
            CancelRejected: there was nothing to cancel; query the order to learn whether it was filled.
        """
        params: dict[str, Value] = {
            "symbol": symbol,
            **which_order(order_id, client_order_id),
            "newClientOrderId": self._ids.next_id(),
            "cancelRestrictions": cancel_restrictions,
        }
        return await self._router.call(trading.CANCEL, params)

    async def cancel_open_orders(self, symbol: str) -> list[CancelResult]:
        """Cancel every open order of a symbol and return their reports; an empty list when none was open.

        Weight 1 (0 when it succeeds). Source: DELETE /api/v3/openOrders (matching engine).
        """
        try:
            return await self._router.call(trading.CANCEL_OPEN_ORDERS, {"symbol": symbol})
        except CancelRejected as exc:
            # "Unknown order sent." is how the exchange says that no order was open.
            if exc.message != NOTHING_OPEN:
                raise
            return []


def which_order(order_id: int | None, client_order_id: str | None) -> dict[str, Value]:
    """Return the parameters that name one order.

    Raises:
        InvalidArgument: neither id is given.
    """
    if order_id is None and client_order_id is None:
        raise InvalidArgument("order_id", None, "give order_id or client_order_id")
    return {"orderId": order_id, "origClientOrderId": client_order_id}
