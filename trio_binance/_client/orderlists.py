"""The order lists: two or three orders placed together, of which one cancels or triggers the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from trio_binance._codec.params import list_params
from trio_binance._protocol.catalogue import orderlists
from trio_binance.models import (
    LegacyOcoOrder,
    NewOrderRespType,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderListRequest,
    OtocoOrder,
    OtoOrder,
)

from .placing import Ack, Full, Placing, Result, named
from .room import give_one

if TYPE_CHECKING:
    from trio_binance._protocol.operation import Operation
    from trio_binance.models import (
        CancelledOrderList,
        OrderListAck,
        OrderListFull,
        OrderListResponse,
        OrderListResult,
        Placement,
    )


class OrderLists(Placing):
    """The part of ``bx.trading`` that places and cancels order lists.

    The list and each of its orders get a client id where they have none; an error carries the list's as
    ``error.client_order_id``, for ``bx.account.order_list(list_client_order_id=...)``.
    """

    @overload
    async def place_oco(
        self,
        order: OcoOrder,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListFull]: ...
    @overload
    async def place_oco(
        self,
        order: OcoOrder,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResult]: ...
    @overload
    async def place_oco(
        self,
        order: OcoOrder,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderListAck]: ...
    @overload
    async def place_oco(
        self,
        order: OcoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]: ...
    async def place_oco(
        self,
        order: OcoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]:
        """Place an OCO: a pair of orders above and below the price, of which one cancels the other.

        Weight 1 (0 when it succeeds), two unfilled orders. Security: TRADE. Source: POST /api/v3/orderList/oco,
        orderList.place.oco (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, OcoOrder)
        return await self._place_list(orderlists.PLACE_OCO, request, new_order_resp_type, resolve_within)

    @overload
    async def place_oto(
        self,
        order: OtoOrder,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListFull]: ...
    @overload
    async def place_oto(
        self,
        order: OtoOrder,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResult]: ...
    @overload
    async def place_oto(
        self,
        order: OtoOrder,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderListAck]: ...
    @overload
    async def place_oto(
        self,
        order: OtoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]: ...
    async def place_oto(
        self,
        order: OtoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]:
        """Place an OTO: a working order, and one that enters the book when it is completely filled.

        Weight 1 (0 when it succeeds), two unfilled orders. Security: TRADE. Source: POST /api/v3/orderList/oto,
        orderList.place.oto (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, OtoOrder)
        return await self._place_list(orderlists.PLACE_OTO, request, new_order_resp_type, resolve_within)

    @overload
    async def place_otoco(
        self,
        order: OtocoOrder,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListFull]: ...
    @overload
    async def place_otoco(
        self,
        order: OtocoOrder,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResult]: ...
    @overload
    async def place_otoco(
        self,
        order: OtocoOrder,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderListAck]: ...
    @overload
    async def place_otoco(
        self,
        order: OtocoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]: ...
    async def place_otoco(
        self,
        order: OtocoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]:
        """Place an OTOCO: a working order, and an OCO that enters the book when it is completely filled.

        Weight 1 (0 when it succeeds), three unfilled orders. Security: TRADE. Source: POST /api/v3/orderList/otoco,
        orderList.place.otoco (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, OtocoOrder)
        return await self._place_list(orderlists.PLACE_OTOCO, request, new_order_resp_type, resolve_within)

    @overload
    async def place_opo(
        self,
        order: OpoOrder,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListFull]: ...
    @overload
    async def place_opo(
        self,
        order: OpoOrder,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResult]: ...
    @overload
    async def place_opo(
        self,
        order: OpoOrder,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderListAck]: ...
    @overload
    async def place_opo(
        self,
        order: OpoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]: ...
    async def place_opo(
        self,
        order: OpoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]:
        """Place an OPO: a buy, and an order that sells all it brought when it is completely filled.

        Weight 1 (0 when it succeeds), two unfilled orders. Security: TRADE. Source: POST /api/v3/orderList/opo,
        orderList.place.opo (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, OpoOrder)
        return await self._place_list(orderlists.PLACE_OPO, request, new_order_resp_type, resolve_within)

    @overload
    async def place_opoco(
        self,
        order: OpocoOrder,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListFull]: ...
    @overload
    async def place_opoco(
        self,
        order: OpocoOrder,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResult]: ...
    @overload
    async def place_opoco(
        self,
        order: OpocoOrder,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderListAck]: ...
    @overload
    async def place_opoco(
        self,
        order: OpocoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]: ...
    async def place_opoco(
        self,
        order: OpocoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]:
        """Place an OPOCO: a buy, and an OCO that sells all it brought when it is completely filled.

        Weight 1 (0 when it succeeds), three unfilled orders. Security: TRADE. Source: POST /api/v3/orderList/opoco,
        orderList.place.opoco (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, OpocoOrder)
        return await self._place_list(orderlists.PLACE_OPOCO, request, new_order_resp_type, resolve_within)

    @overload
    async def place_legacy_oco(
        self,
        order: LegacyOcoOrder,
        *,
        new_order_resp_type: Full = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListFull]: ...
    @overload
    async def place_legacy_oco(
        self,
        order: LegacyOcoOrder,
        *,
        new_order_resp_type: Result,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResult]: ...
    @overload
    async def place_legacy_oco(
        self,
        order: LegacyOcoOrder,
        *,
        new_order_resp_type: Ack,
        resolve_within: float | None = None,
    ) -> Placement[OrderListAck]: ...
    @overload
    async def place_legacy_oco(
        self,
        order: LegacyOcoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]: ...
    async def place_legacy_oco(
        self,
        order: LegacyOcoOrder,
        *,
        new_order_resp_type: NewOrderRespType | str = NewOrderRespType.FULL,
        resolve_within: float | None = None,
    ) -> Placement[OrderListResponse]:
        """Place an OCO in the way of old, which the exchange deprecated in 2024; ``place_oco`` can do more.

        Weight 1 (0 when it succeeds), two unfilled orders. Security: TRADE. Source: POST /api/v3/order/oco,
        orderList.place (matching engine). Raises as ``place`` does.
        """
        request = self._identify(order, LegacyOcoOrder)
        return await self._place_list(orderlists.PLACE_LEGACY_OCO, request, new_order_resp_type, resolve_within)

    async def cancel_order_list(
        self,
        symbol: str,
        *,
        order_list_id: int | None = None,
        list_client_order_id: str | None = None,
        new_client_order_id: str | None = None,
    ) -> CancelledOrderList:
        """Cancel every order of a list, by the list's id or its client id; both given, both must fit.

        ``new_client_order_id`` names the cancellation; it is given one otherwise. Weight 1 (0 when it succeeds).
        Security: TRADE. Source: DELETE /api/v3/orderList, orderList.cancel (matching engine).

        Raises:
            CancelRejected: there was nothing to cancel; ask for its orders to learn whether they were filled.
        """
        give_one(order_list_id=order_list_id, list_client_order_id=list_client_order_id)
        with named(list_client_order_id, f"cancellation of list {list_client_order_id or order_list_id}"):
            cancellation = orderlists.CANCEL_ORDER_LIST.write(
                symbol=symbol,
                order_list_id=order_list_id,
                list_client_order_id=list_client_order_id,
                new_client_order_id=self._id_or(new_client_order_id),
            )
            return await self._change(orderlists.CANCEL_ORDER_LIST, cancellation)

    async def _place_list(
        self,
        operation: Operation[OrderListResponse],
        request: OrderListRequest,
        report: NewOrderRespType | str,
        within: float | None,
    ) -> Placement[Any]:
        name = request.list_client_order_id
        return await self._place(operation, list_params(request), name, report, within, "order list")
