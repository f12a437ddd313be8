"""The changes: orders cancelled, replaced by others, or made smaller."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, overload

import trio

from trio_binance._codec.params import order_params
from trio_binance._protocol.catalogue import account, trading
from trio_binance.errors import BinanceError, NothingToCancel
from trio_binance.models import CancelReplaceMode, NewOrderRespType, OrderRequest, is_done

from .placing import ORDERS, Ack, Full, Placing, Result, named
from .room import give_one

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from trio_binance.models import (
        AmendResult,
        CancelReplaceReport,
        CancelResponse,
        CancelRestriction,
        OrderRateLimitExceededMode,
        OrderStatusReport,
        ReplacedAck,
        ReplacedFull,
        ReplacedResult,
    )


_SOON = 5.0
"""Seconds for a question beside an answer that is there already."""


class Changes(Placing):
    """The part of ``bx.trading`` that changes orders which are open."""

    async def cancel(
        self,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str | None = None,
        cancel_restrictions: CancelRestriction | str | None = None,
    ) -> CancelResponse:
        """Cancel an open order by its id, which is fastest, or its client id; both given, both must fit.

        An order of a list takes the whole list with it, and the answer is then a ``CancelledOrderList``.
        ``new_client_order_id`` names the cancellation, which is given one otherwise; an error carries the order's own
        client id, if you gave it. Weight 1 (0 when it succeeds). Security: TRADE. Source: DELETE /api/v3/order,
        order.cancel (matching engine).

        Raises:
            NothingToCancel: no such order is open; its ``order`` tells whether it was filled, as far as that could be
                told soon.
            CancelRestricted: it is open, but not in the state that ``cancel_restrictions`` asks for.
        """
        give_one(order_id=order_id, client_order_id=client_order_id)
        with named(client_order_id, f"cancellation of order {client_order_id or order_id}"):
            cancellation = trading.CANCEL.write(
                symbol=symbol,
                order_id=order_id,
                client_order_id=client_order_id,
                new_client_order_id=self._id_or(new_client_order_id),
                cancel_restrictions=cancel_restrictions,
            )
            try:
                return await self._change(trading.CANCEL, cancellation)
            except NothingToCancel as exc:
                refusal = exc
            refusal.order = await self._ended(symbol, order_id, client_order_id)
            raise refusal

    async def _ended(self, symbol: str, order_id: int | None, name: str | None) -> OrderStatusReport | None:
        """Return how an order has ended that could not be cancelled, if that is known or answered soon."""
        record = None if self._mirror is None else self._mirror.ledger.records.find(symbol, order_id, name)
        if record is not None and is_done(record.order):
            return record.order
        found = None
        with trio.move_on_after(_SOON), suppress(BinanceError):
            found = await self._ask(account.ORDER, symbol=symbol, order_id=order_id, client_order_id=name)
        return found if found is not None and is_done(found) else None

    async def cancel_open_orders(self, symbol: str) -> list[CancelResponse]:
        """Cancel every open order of a symbol, lists included, and return their reports; none open, an empty list.

        Where the answer was lost, the reports are those of the orders that ``bx.account.mirror`` knew to be open.

        Weight 1 (0 when it succeeds). Security: TRADE. Source: DELETE /api/v3/openOrders, openOrders.cancelAll
        (matching engine).
        """
        try:
            cancellation = trading.CANCEL_OPEN_ORDERS.write(symbol=symbol)
            return await self._change(trading.CANCEL_OPEN_ORDERS, cancellation, self._open_orders(symbol))
        except NothingToCancel:
            return []

    @overload
    async def cancel_replace(
        self,
        order: OrderRequest,
        *,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        cancel_replace_mode: CancelReplaceMode | str = CancelReplaceMode.STOP_ON_FAILURE,
        cancel_new_client_order_id: str | None = None,
        cancel_restrictions: CancelRestriction | str | None = None,
        order_rate_limit_exceeded_mode: OrderRateLimitExceededMode | str | None = None,
        new_order_resp_type: Full = NewOrderRespType.FULL,
    ) -> ReplacedFull: ...
    @overload
    async def cancel_replace(
        self,
        order: OrderRequest,
        *,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        cancel_replace_mode: CancelReplaceMode | str = CancelReplaceMode.STOP_ON_FAILURE,
        cancel_new_client_order_id: str | None = None,
        cancel_restrictions: CancelRestriction | str | None = None,
        order_rate_limit_exceeded_mode: OrderRateLimitExceededMode | str | None = None,
        new_order_resp_type: Result,
    ) -> ReplacedResult: ...
    @overload
    async def cancel_replace(
        self,
        order: OrderRequest,
        *,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        cancel_replace_mode: CancelReplaceMode | str = CancelReplaceMode.STOP_ON_FAILURE,
        cancel_new_client_order_id: str | None = None,
        cancel_restrictions: CancelRestriction | str | None = None,
        order_rate_limit_exceeded_mode: OrderRateLimitExceededMode | str | None = None,
        new_order_resp_type: Ack,
    ) -> ReplacedAck: ...
    @overload
    async def cancel_replace(
        self,
        order: OrderRequest,
        *,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        cancel_replace_mode: CancelReplaceMode | str = CancelReplaceMode.STOP_ON_FAILURE,
        cancel_new_client_order_id: str | None = None,
        cancel_restrictions: CancelRestriction | str | None = None,
        order_rate_limit_exceeded_mode: OrderRateLimitExceededMode | str | None = None,
        new_order_resp_type: NewOrderRespType | str,
    ) -> CancelReplaceReport: ...
    async def cancel_replace(
        self,
        order: OrderRequest,
        *,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        cancel_replace_mode: CancelReplaceMode | str = CancelReplaceMode.STOP_ON_FAILURE,
        cancel_new_client_order_id: str | None = None,
        cancel_restrictions: CancelRestriction | str | None = None,
        order_rate_limit_exceeded_mode: OrderRateLimitExceededMode | str | None = None,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
    ) -> CancelReplaceReport:
        """Cancel one order and place another, in one request that is not transactional.

        Returns the reports of both where both were done. Everything else is an error whose ``cancel_outcome`` and
        ``new_order_outcome`` tell what became of each half, whatever went wrong, whose ``report`` holds both as far
        as the exchange told them, and whose ``client_order_id`` is the *new* order's: PARTIAL is the outcome where
        one half was done. The filters and the order count are judged before the cancellation: where they refuse, as
        with ``FilterError``, the old order stands.

        By default the new order is not tried when the cancellation failed; ALLOW_FAILURE places it all the same.
        ``order_rate_limit_exceeded_mode`` CANCEL_ONLY cancels although there is no room for the new order.

        Weight 1 (0 when it succeeds), one unfilled order even if it was not tried. Security: TRADE. Source: POST
        /api/v3/order/cancelReplace, order.cancelReplace (matching engine).

        Raises:
            PartialFailure: one half was done and the other was not, or it is not known of both: ``cancel_outcome``
                and ``new_order_outcome`` tell.
            OrderRejected, TooManyOrders: neither was done.
        """
        with _halved():
            give_one(cancel_order_id=cancel_order_id, cancel_client_order_id=cancel_client_order_id)
            request = self._identify(order, *ORDERS)
            cancellation = trading.CANCEL_REPLACE.write(
                cancel_replace_mode=cancel_replace_mode,
                cancel_order_id=cancel_order_id,
                cancel_client_order_id=cancel_client_order_id,
                cancel_new_client_order_id=self._id_or(cancel_new_client_order_id),
                cancel_restrictions=cancel_restrictions,
                order_rate_limit_exceeded_mode=order_rate_limit_exceeded_mode,
            )
            wanted = trading.CANCEL_REPLACE.write(new_order_resp_type=new_order_resp_type)
            with named(request.client_order_id, "new order"):
                params = {**order_params(request), **cancellation, **wanted}
                return await self._change(trading.CANCEL_REPLACE, params)

    async def amend_keep_priority(
        self,
        symbol: str,
        *,
        new_qty: Decimal | int | str,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str | None = None,
    ) -> AmendResult:
        """Lower the quantity of an open order, which keeps its place in the book's line.

        The order goes by ``new_client_order_id`` from then on, which may be the one it has; it is given a new one
        otherwise, and an error carries it. Of an OCO both legs are amended. Weight 4 (0 when the amendment makes the
        order expire). Security: TRADE. Source: PUT /api/v3/order/amend/keepPriority, order.amend.keepPriority
        (matching engine).

        Raises:
            AmendRejected: the order is not open, or ``new_qty`` is not less than its quantity.
            NothingToAmend: that is its quantity already.
            TooManyAmends: it was amended as often as an order may be.
        """
        give_one(order_id=order_id, client_order_id=client_order_id)
        new_id = self._id_or(new_client_order_id)
        with named(new_id, "amended order"):
            amendment = trading.AMEND_KEEP_PRIORITY.write(
                symbol=symbol,
                order_id=order_id,
                client_order_id=client_order_id,
                new_client_order_id=new_id,
                new_qty=new_qty,
            )
            return await self._change(trading.AMEND_KEEP_PRIORITY, amendment)


@contextmanager
def _halved() -> Iterator[None]:
    """Let every error tell of both halves: where the exchange did not tell them apart, what holds of the whole.

    "Filters and Order Count are evaluated before the processing of the cancellation and order placement occurs"
    (rest-api.md): what refuses the whole has touched neither.
    """
    try:
        yield
    except BinanceError as exc:
        if exc.cancel_outcome is None:
            exc.cancel_outcome = exc.new_order_outcome = exc.outcome
        raise
