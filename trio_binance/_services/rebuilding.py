"""The rebuilding: where an answer was lost and the request was done, the answer is put together from queries."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import trio

from trio_binance._protocol.catalogue import account
from trio_binance._pure import answers
from trio_binance._pure.intents import Kind, ListQuery, ListSighting, OrderQuery, Part
from trio_binance._pure.intents.sightings import ENDED
from trio_binance.errors import BinanceError, ConnectorClosed
from trio_binance.models import (
    CancelledOrderList,
    CancelReplaceReport,
    CancelReplaceResult,
    CancelResult,
    OrderAck,
    OrderFull,
    OrderResult,
    ReplacedAck,
    ReplacedFull,
    ReplacedResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeVar

    from trio_binance._pure.intents import Intent, OrderSighting, Sighting
    from trio_binance.models import CancelResponse, Fill, OrderList, OrderStatusReport

    from .findings import Findings
    from .inquiry import Inquiry
    from .router import Router

    T = TypeVar("T")

_PAUSE = 1.0
_FILLS_WITHIN = 5.0
"""Seconds in which fills are looked for that no event has told; who wants them later has the account's events."""
_REPLACED: Mapping[type, type[CancelReplaceReport]] = {
    OrderAck: ReplacedAck,
    OrderResult: ReplacedResult,
    OrderFull: ReplacedFull,
}
_REPORTS = {"ACK": OrderAck, "RESULT": OrderResult, "FULL": OrderFull}


@final
class Rebuilding:
    """Asks for what an answer would have told. It asks until it has all of it: bound it."""

    def __init__(self, router: Router, inquiry: Inquiry, findings: Findings) -> None:
        self._router = router
        self._inquiry = inquiry
        self._findings = findings

    async def answer(self, intent: Intent, sightings: Mapping[Part, Sighting | None]) -> Any:
        """Return the answer that the request of an intent would have had, all of whose parts were done.

        ``sightings`` are what was seen of each part. Cancelled: nothing changed.
        """
        match intent.kind:
            case Kind.PLACE | Kind.SOR:
                return await self._placed(intent, sightings[Part.WHOLE])
            case Kind.LIST:
                return await self._listed(intent, sightings[Part.WHOLE], self._report(intent))
            case Kind.CANCEL:
                return await self._cancelled(intent, sightings[Part.WHOLE])
            case Kind.CANCEL_LIST:
                return await self._listed(intent, sightings[Part.WHOLE], CancelResult)
            case Kind.CANCEL_ALL:
                return await self._all_cancelled(intent)
            case Kind.AMEND:
                return await self._amended(intent, sightings[Part.WHOLE])
            case Kind.CANCEL_REPLACE:
                return _REPLACED[self._report(intent)](
                    CancelReplaceResult.SUCCESS,
                    CancelReplaceResult.SUCCESS,
                    await self._cancelled(intent, sightings[Part.CANCEL]),
                    await self._placed(intent, sightings[Part.NEW_ORDER]),
                )

    @staticmethod
    def _report(intent: Intent) -> type:
        return _REPORTS.get(intent.text("newOrderRespType"), OrderResult)

    # ---------------------------------------------------------------------------------------------- the answers

    async def _placed(self, intent: Intent, sighting: Sighting | None) -> OrderAck | OrderResult | OrderFull:
        query = OrderQuery(intent.symbol, _id_of(sighting), intent.text("newClientOrderId"))
        # What does not rest has ended with its placement: its first event tells of it as NEW all the same.
        order = await self._order(query, ended=not intent.rests)
        answer: OrderAck | OrderResult | OrderFull = await self._report_of(order, self._report(intent))
        return answer

    async def _report_of(self, order: OrderStatusReport, kind: type) -> Any:
        if kind is OrderAck:
            return answers.ack(order)
        if kind is OrderResult:
            return answers.result(order)
        if kind is CancelResult:
            return answers.cancelled(order, "")
        return answers.full(order, await self._fills(order))

    async def _listed(self, intent: Intent, sighting: Sighting | None, kind: type) -> Any:
        found = await self._list(_list_id_of(sighting, intent), intent.text("listClientOrderId"))
        ended = kind is CancelResult
        orders = [await self._order(OrderQuery(each.symbol, each.order_id, ""), ended=ended) for each in found.orders]
        reports = [await self._report_of(order, kind) for order in orders]
        return answers.listed(answers.LISTS[kind], found, reports)

    async def _cancelled(self, intent: Intent, sighting: Sighting | None) -> CancelResponse:
        half = intent.kind is Kind.CANCEL_REPLACE
        order_id = intent.number("cancelOrderId" if half else "orderId") or _id_of(sighting)
        name = intent.text("cancelOrigClientOrderId" if half else "origClientOrderId")
        order = await self._order(OrderQuery(intent.symbol, order_id, name), ended=True)
        if order.order_list_id == -1:
            return answers.cancelled(order, intent.text("cancelNewClientOrderId" if half else "newClientOrderId"))
        found = await self._list(order.order_list_id, "")
        legs: Sequence[OrderStatusReport] = [
            await self._order(OrderQuery(each.symbol, each.order_id, ""), ended=True) for each in found.orders
        ]
        return answers.listed(CancelledOrderList, found, [answers.cancelled(leg, "") for leg in legs])

    async def _all_cancelled(self, intent: Intent) -> list[CancelResponse]:
        orders = [await self._order(OrderQuery(intent.symbol, target, ""), ended=True) for target in intent.targets]
        return [answers.cancelled(order, "") for order in orders if order.status == "CANCELED"]

    async def _amended(self, intent: Intent, sighting: Sighting | None) -> Any:
        order_id = intent.number("orderId") or _id_of(sighting)
        order = await self._order(OrderQuery(intent.symbol, order_id, intent.text("newClientOrderId")))
        return answers.amended(order, intent.text("origClientOrderId") or None)

    # --------------------------------------------------------------------------------------------- the questions

    async def _order(self, query: OrderQuery, *, ended: bool = False) -> OrderStatusReport:
        """Return an order as it was seen furthest; with ``ended``, as it ended. The account's events may be faster."""
        order_id, asked = query.order_id, False
        while True:
            known = None if order_id is None else self._findings.order(query.symbol, order_id)
            if known is not None and (not ended or known.status in ENDED):
                return known
            if asked:
                await trio.sleep(_PAUSE)
            with _patience():  # a copy that lags, perhaps
                order_id = (await self._inquiry.order(query)).order_id
            asked = not asked

    async def _list(self, order_list_id: int | None, name: str) -> OrderList:
        asked = False
        while True:
            known = None if order_list_id is None else self._findings.order_list(order_list_id)
            if known is not None:
                return known
            if asked:
                await trio.sleep(_PAUSE)
            with _patience():
                order_list_id = (await self._inquiry.order_list(ListQuery(order_list_id, name))).order_list_id
            asked = not asked

    async def _fills(self, order: OrderStatusReport) -> Sequence[Fill]:
        """Return the fills of an order, as many as can be had soon."""
        fills: Sequence[Fill] = self._findings.fills(order.symbol, order.order_id)
        with trio.move_on_after(_FILLS_WITHIN):
            # What smart order routing took elsewhere is an allocation: no trade tells of it.
            while not answers.are_all(fills, order.executed_qty) and not order.used_sor:
                with _patience():
                    trades = await self._router.call(
                        account.MY_TRADES, {"symbol": order.symbol, "orderId": order.order_id}
                    )
                    fills = [answers.fill(trade) for trade in trades]
                if not answers.are_all(fills, order.executed_qty):
                    await trio.sleep(_PAUSE)
        return fills


def _id_of(sighting: Sighting | None) -> int | None:
    return None if sighting is None or isinstance(sighting, ListSighting) else sighting.order_id


def _list_id_of(sighting: OrderSighting | ListSighting | None, intent: Intent) -> int | None:
    told = -1 if sighting is None else sighting.order_list_id
    return told if told != -1 else intent.number("orderListId")


@contextmanager
def _patience() -> Iterator[None]:
    """Let a question fail that is asked again; not where there is nobody any more to ask."""
    try:
        yield
    except BinanceError as exc:
        if isinstance(exc, ConnectorClosed):
            raise
