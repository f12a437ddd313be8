"""The rebuilding: where an answer was lost and the request was done, the answer is put together from queries."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, final

import trio

from trio_binance._protocol.catalogue import account
from trio_binance._pure import answers
from trio_binance._pure.intents import Kind, ListQuery, ListSighting, OrderQuery, Part
from trio_binance.errors import BinanceError, ConnectorClosed
from trio_binance.models import (
    CancelledOrderList,
    CancelReplaceReport,
    CancelReplaceResult,
    ListOrderStatus,
    OrderAck,
    OrderFull,
    OrderResult,
    ReplacedAck,
    ReplacedFull,
    ReplacedResult,
    is_done,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from trio_binance._protocol.operation import Value
    from trio_binance._pure.intents import Intent, OrderSighting, Sighting
    from trio_binance.models import (
        CancelResponse,
        CancelResult,
        Fill,
        OrderAmendment,
        OrderList,
        OrderStatusReport,
    )

    from .findings import Findings
    from .inquiry import Inquiry
    from .router import Router

T = TypeVar("T")

_PAUSE = 1.0
_DETAILS_WITHIN = 5.0
"""Seconds in which fills and the like are looked for that no event has told; later the account's events have them."""
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
                return await self._listed(intent, sightings[Part.WHOLE])
            case Kind.CANCEL:
                return await self._cancelled(intent, sightings[Part.WHOLE])
            case Kind.CANCEL_LIST:
                list_id = _list_id_of(sightings[Part.WHOLE], intent)
                return await self._list_cancelled(list_id, intent.text("listClientOrderId"), _cancel_id(intent))
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
        report: OrderAck | OrderResult | OrderFull
        report = await self._report_of(await self._placed_order(query), self._report(intent))
        return report

    async def _report_of(self, order: OrderStatusReport, kind: type) -> Any:
        if kind is OrderAck:
            return answers.ack(order)
        if kind is OrderResult:
            return answers.result(order)
        return answers.full(order, await self._fills(order))

    async def _listed(self, intent: Intent, sighting: Sighting | None) -> Any:
        kind = self._report(intent)
        found = await self._list(_list_id_of(sighting, intent), intent.text("listClientOrderId"))
        orders = [await self._placed_order(OrderQuery(each.symbol, each.order_id, "")) for each in found.orders]
        reports = [await self._report_of(order, kind) for order in orders]
        return answers.listed(answers.LISTS[kind], found, reports)

    async def _cancelled(self, intent: Intent, sighting: Sighting | None) -> CancelResponse:
        half = intent.kind is Kind.CANCEL_REPLACE
        order_id = intent.number("cancelOrderId" if half else "orderId") or _id_of(sighting)
        name = intent.text("cancelOrigClientOrderId" if half else "origClientOrderId")
        order = await self._order(OrderQuery(intent.symbol, order_id, name), ended=True)
        if order.order_list_id == -1:
            return self._cancellation(order, _cancel_id(intent))
        return await self._list_cancelled(order.order_list_id, "", _cancel_id(intent))

    async def _list_cancelled(self, order_list_id: int | None, name: str, cancel_id: str) -> CancelledOrderList:
        found = await self._list(order_list_id, name, ended=True)
        orders = [await self._order(OrderQuery(each.symbol, each.order_id, ""), ended=True) for each in found.orders]
        return answers.list_cancelled(found, [self._cancellation(order, cancel_id) for order in orders])

    def _cancellation(self, order: OrderStatusReport, cancel_id: str) -> CancelResult:
        """Return the cancellation of an order; one of all is named by the exchange, and only its events tell how."""
        return answers.cancelled(order, cancel_id or self._findings.cancel_id(order.symbol, order.order_id))

    async def _all_cancelled(self, intent: Intent) -> list[CancelResponse]:
        orders = [await self._order(OrderQuery(intent.symbol, target, ""), ended=True) for target in intent.targets]
        cancelled = [order for order in orders if order.status == "CANCELED"]
        reports: list[CancelResponse] = [
            self._cancellation(order, "") for order in cancelled if order.order_list_id == -1
        ]
        lists = dict.fromkeys(order.order_list_id for order in cancelled if order.order_list_id != -1)
        return reports + [await self._list_cancelled(number, "", "") for number in lists]

    async def _amended(self, intent: Intent, sighting: Sighting | None) -> Any:
        order_id, name = intent.number("orderId") or _id_of(sighting), intent.text("newClientOrderId")
        order = await self._order(OrderQuery(intent.symbol, order_id, name))
        amendment = await self._amendment(order, name)
        if amendment is None:
            return answers.amended(order, intent.text("origClientOrderId") or None)
        return answers.amended(order, amendment.orig_client_order_id, amendment.execution_id)

    # --------------------------------------------------------------------------------------------- the questions

    async def _order(self, query: OrderQuery, *, ended: bool = False) -> OrderStatusReport:
        """Return an order as it was seen furthest; with ``ended``, as it ended. The account's events may be faster."""
        order_id = query.order_id

        def look() -> OrderStatusReport | None:
            known = None if order_id is None else self._findings.order(query.symbol, order_id)
            return known if known is not None and (not ended or is_done(known)) else None

        async def ask() -> None:
            nonlocal order_id
            order_id = (await self._inquiry.order(query)).order_id

        return await _until_seen(look, ask)

    async def _placed_order(self, query: OrderQuery) -> OrderStatusReport:
        """Return an order that was placed, with what it took at once: the event that it is there comes before that."""
        known = await self._order(query)
        if is_done(known):
            return known
        with _patience():
            await self._inquiry.order(query)
        return self._findings.order(known.symbol, known.order_id) or known

    async def _list(self, order_list_id: int | None, name: str, *, ended: bool = False) -> OrderList:
        """Return a list as it was seen last; with ``ended``, when all of its orders had ended."""

        def look() -> OrderList | None:
            known = None if order_list_id is None else self._findings.order_list(order_list_id)
            is_over = known is not None and known.list_order_status == ListOrderStatus.ALL_DONE
            return known if is_over or not ended else None

        async def ask() -> None:
            nonlocal order_list_id
            order_list_id = (await self._inquiry.order_list(ListQuery(order_list_id, name))).order_list_id

        return await _until_seen(look, ask)

    async def _amendment(self, order: OrderStatusReport, name: str) -> OrderAmendment | None:
        """Return the amendment that gave an order this client id, if it is told soon."""
        params: Mapping[str, Value] = {"symbol": order.symbol, "orderId": order.order_id}
        told: Sequence[OrderAmendment] = ()

        async def ask() -> None:
            nonlocal told
            every = await self._router.call(account.ORDER_AMENDMENTS, params)
            told = [each for each in every if each.new_client_order_id == name]

        with trio.move_on_after(_DETAILS_WITHIN):
            await _until_seen(lambda: told or None, ask)
        return told[-1] if told else None

    async def _fills(self, order: OrderStatusReport) -> Sequence[Fill]:
        """Return the fills of an order, as many as can be had soon."""
        params: Mapping[str, Value] = {"symbol": order.symbol, "orderId": order.order_id}
        fills: Sequence[Fill] = self._findings.fills(order.symbol, order.order_id)

        async def ask() -> None:
            nonlocal fills
            fills = [answers.fill(trade) for trade in await self._router.call(account.MY_TRADES, params)]

        def are_all() -> bool | None:
            # What smart order routing took elsewhere is an allocation: no trade tells of it.
            return bool(order.used_sor) or answers.are_all(fills, order.executed_qty) or None

        with trio.move_on_after(_DETAILS_WITHIN):
            await _until_seen(are_all, ask)
        return fills


def _id_of(sighting: Sighting | None) -> int | None:
    return None if sighting is None or isinstance(sighting, ListSighting) else sighting.order_id


def _cancel_id(intent: Intent) -> str:
    """Return the cancellation's own client id."""
    return intent.text("cancelNewClientOrderId" if intent.kind is Kind.CANCEL_REPLACE else "newClientOrderId")


def _list_id_of(sighting: OrderSighting | ListSighting | None, intent: Intent) -> int | None:
    told = -1 if sighting is None else sighting.order_list_id
    return told if told != -1 else intent.number("orderListId")


async def _until_seen(look: Callable[[], T | None], ask: Callable[[], Awaitable[None]]) -> T:
    """Return what is looked for, once it is there; it is asked for until then, a while after every time."""
    pause = 0.0
    while (seen := look()) is None:
        await trio.sleep(pause)
        with _patience():  # a copy that lags, perhaps
            await ask()
        pause = _PAUSE
    return seen


@contextmanager
def _patience() -> Iterator[None]:
    """Let a question fail that is asked again; not where there is nobody any more to ask."""
    try:
        yield
    except BinanceError as exc:
        if isinstance(exc, ConnectorClosed):
            raise
