"""The events of orders: requests that change something, where it is not plain what became of them."""

from __future__ import annotations

import logging
from typing import ClassVar

import attrs

from .event import Event


@attrs.frozen
class OutcomeInDoubt(Event):
    """The answer to a request that changes something is lost; it is being found out what became of it."""

    area = "orders"
    level = logging.WARNING
    subject: ClassVar[str | None] = "intent"
    intent: str
    operation: str
    symbol: str
    client_order_id: str
    reason: str


@attrs.frozen
class _OfPart(Event):
    """What is known of one part of a request."""

    area = "orders"
    subject: ClassVar[str | None] = "intent"
    intent: str
    operation: str
    part: str
    symbol: str
    client_order_id: str


@attrs.frozen
class OutcomeFound(_OfPart):
    """It was found out what became of a request whose answer was lost."""

    verdict: str


@attrs.frozen
class OutcomeUnresolved(_OfPart):
    """It could not be found out what became of a request: it may stand. It is watched for 24 hours."""

    level = logging.ERROR
    reason: str
    evidence: str


@attrs.frozen
class OutcomeRevised(_OfPart):
    """A request took effect of which a verdict had said that it could not: look at the account now."""

    level = logging.CRITICAL
    was: str
    evidence: str


@attrs.frozen
class JournalLost(Event):
    """The journal of intents cannot be written any more: nothing is placed until the connector is opened anew."""

    area = "orders"
    level = logging.CRITICAL
    reason: str


@attrs.frozen
class OwnOrdersCancelled(Event):
    """The block has ended and ``cancel_on_exit`` cancelled our orders: so many (a list is one), others had ended."""

    area = "orders"
    cancelled: int
    ended: int
    left: int


@attrs.frozen
class OrderLeftOpen(Event):
    """The block has ended and an order or list of ours may still be open: ``cancel_on_exit`` could not cancel it."""

    area = "orders"
    level = logging.ERROR
    subject: ClassVar[str | None] = "client_order_id"
    symbol: str
    client_order_id: str
    order_id: int | None
    reason: str
