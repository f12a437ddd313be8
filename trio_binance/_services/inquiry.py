"""The inquiry: carries out what the docket of intents asks for, and returns what was learned.

Whatever fails here says nothing about the intent: it is asked again later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never, final

import trio

from trio_binance._protocol.catalogue import account, trading
from trio_binance._pure.intents import (
    ListQuery,
    OpenOrdersQuery,
    OrderQuery,
    facts,
    sightings,
)
from trio_binance.errors import BinanceError, NothingToCancel, OrderArchived, UnknownOrder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._protocol.operation import Value
    from trio_binance._pure.intents import Question
    from trio_binance._pure.intents.facts import Reply
    from trio_binance.models import OrderList, OrderStatusReport

    from .findings import Findings
    from .router import Router


@final
class Inquiry:
    """Asks the exchange what became of an intent."""

    def __init__(self, router: Router, findings: Findings) -> None:
        self._router = router
        self._findings = findings

    async def ask(self, question: Question) -> Reply:
        """Return what the exchange answers, whatever happens. Cancelled: nothing was learned."""
        # A query counts from when it was asked for: it can only have been answered later.
        asked_at = trio.current_time()
        try:
            match question:
                case OrderQuery():
                    return facts.Found(sightings.of_query(await self.order(question)), asked_at)
                case ListQuery():
                    return facts.Found(sightings.of_list_status(await self.order_list(question)), asked_at)
                case OpenOrdersQuery():
                    reports = await self._router.call(account.OPEN_ORDERS, {"symbol": question.symbol})
                    return facts.FoundOpen(tuple(map(sightings.of_query, reports)), asked_at)
                case _:
                    assert_never(question)
        except OrderArchived as exc:
            return facts.Unanswered(str(exc))
        except UnknownOrder:
            return facts.NotFound(asked_at)
        except BinanceError as exc:
            return facts.Unanswered(str(exc))

    async def order(self, question: OrderQuery) -> OrderStatusReport:
        """Return an order, and have it among the findings. Raises any ``BinanceError``."""
        report = await self._router.call(account.ORDER, _by_id(question))
        self._findings.on_order(report)
        return report

    async def order_list(self, question: ListQuery) -> OrderList:
        """Return an order list, and have it among the findings. Raises any ``BinanceError``."""
        number, name = question.order_list_id, question.name
        params: Mapping[str, Value] = {"origClientOrderId": name} if number is None else {"orderListId": number}
        found = await self._router.call(account.ORDER_LIST, params)
        self._findings.on_list(found)
        return found

    async def probe(self, question: Question, own_id: str) -> Reply:
        """Cancel an order by its client id, to hear the matching engine itself of it; return what that shows."""
        asked_at = trio.current_time()
        if not isinstance(question, OrderQuery):
            return facts.Unanswered("only a single order can be probed")
        try:
            answer = await self._router.call(trading.CANCEL, {**_by_id(question), "newClientOrderId": own_id})
        except NothingToCancel:
            return facts.NotOpen(asked_at)
        except BinanceError as exc:
            return facts.Unanswered(str(exc))
        return facts.Found(sightings.of_answer(answer), asked_at)


def _by_id(question: OrderQuery) -> dict[str, Value]:
    if question.order_id is not None:
        return {"symbol": question.symbol, "orderId": question.order_id}
    return {"symbol": question.symbol, "origClientOrderId": question.client_order_id}
