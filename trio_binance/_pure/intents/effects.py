"""The effects: what the machine asks for, and what it has to say."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from trio_binance.models import Evidence

from .intent import Part
from .verdicts import Verdict


@attrs.frozen
class OrderQuery:
    """GET /api/v3/order: by ``order_id`` where that is known, else by ``client_order_id`` (origClientOrderId)."""

    symbol: str
    order_id: int | None
    client_order_id: str


@attrs.frozen
class ListQuery:
    """GET /api/v3/orderList: by ``order_list_id`` where that is known, else by ``name`` (origClientOrderId)."""

    order_list_id: int | None
    name: str


@attrs.frozen
class OpenOrdersQuery:
    """GET /api/v3/openOrders of a symbol."""

    symbol: str


Question: TypeAlias = OrderQuery | ListQuery | OpenOrdersQuery


@attrs.frozen
class Query:
    """Ask the exchange; tell the answer with ``on_answer``: Found, FoundOpen, NotFound or Unanswered."""

    intent_id: str
    part: Part
    question: Question


@attrs.frozen
class AskWitness:
    """Ping the connection of the user stream now, and tell with ``on_ping`` when its pong has come.

    "Up" means the same connection, and a half-open one is as silent as a quiet one. Whatever came on the connection
    before the pong must have been told before.
    """

    connection: int


@attrs.frozen
class SendAgain:
    """Cancel the order once more, by the same parameters: the effect of that is the same however often it is done.

    Tell ``Sending`` first, and the answer as ever.
    """

    intent_id: str


@attrs.frozen
class Probe:
    """Cancel whatever may stand of this intent, to have the matching engine's own word.

    Asked for only where ``Terms.probe`` allows it. Tell ``NotOpen``, or ``Found`` with what was cancelled.
    """

    intent_id: str
    part: Part
    question: Question


@attrs.frozen
class Settle:
    """A verdict was reached; it takes the place of ``revises``, if there was one. Belongs into the journal."""

    intent_id: str
    part: Part
    verdict: Verdict
    revises: Verdict | None = None


@attrs.frozen
class Alarm:
    """Something happened that a verdict had ruled out: told to the user as loudly as can be. A ``Settle`` follows."""

    intent_id: str
    part: Part
    ruled_out_by: Verdict
    evidence: Evidence


@attrs.frozen
class Forget:
    """Nothing is kept of the intent any more. Belongs into the journal."""

    intent_id: str


Effect: TypeAlias = Query | AskWitness | SendAgain | Probe | Settle | Alarm | Forget
