"""The tracking: one order from wherever it stands to its end, across lost connections."""

from __future__ import annotations

from abc import ABCMeta
from contextlib import asynccontextmanager
from copy import copy
from decimal import Decimal
from typing import TYPE_CHECKING, final

import trio

from trio_binance._decimals import CONTEXT
from trio_binance._pure.mirror.records import OrderKey
from trio_binance._pure.mirror.trail import Trail
from trio_binance._util import NoPublicConstructor, raise_saving_context
from trio_binance.config import Overflow
from trio_binance.errors import ConnectorClosed
from trio_binance.models import ExecutionReport, ExecutionType, average_price, is_done, remaining

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from trio_binance._pure.mirror.record import Record
    from trio_binance._services.feed import Feed
    from trio_binance._services.mirror import Mirror
    from trio_binance.models import (
        AccountFill,
        ExpiryReason,
        ListStatus,
        OrderStatusReport,
        UserEvent,
    )

_BUFFER = 10_000
"""Events of one order that may wait: more fills than that are no order's to have while nobody looks."""
_ZERO = Decimal(0)


class _Meta(NoPublicConstructor, ABCMeta):
    pass


@final
class TrackedOrder(metaclass=_Meta):
    """One order. ``async for update in tracked`` gives its events and those of its list, live and recovered.

    The iteration ends with the order, after the last of its fills. What stands here is as the events told it, also
    those that nobody has taken yet; ``None`` and zeros until the order is known.
    """

    def __init__(self, service: Mirror, trail: Trail, feed: Feed[UserEvent]) -> None:
        self._service = service
        self._trail = trail
        self._feed = feed
        self._amendments: list[ExecutionReport] = []

    def __repr__(self) -> str:
        order, name = self.order, self._trail.client_order_id or self._trail.order_id
        state = "not known yet" if order is None else f"{order.status}, {order.executed_qty:f} executed"
        return f"<TrackedOrder {self._trail.symbol} {name}: {state}>"

    @property
    def _record(self) -> Record | None:
        trail = self._trail
        if trail.order_id is None:
            return None
        return self._service.ledger.records.get(OrderKey(trail.symbol, trail.order_id))

    # -------------------------------------------------------------------------------------- how it stands

    @property
    def order(self) -> OrderStatusReport | None:
        """The order as it stands; ``None`` until the exchange has told of it."""
        record = self._record
        return None if record is None else record.order

    @property
    def is_done(self) -> bool:
        """Whether nothing becomes of it any more, and all of its fills were told."""
        record = self._record
        return record is not None and is_done(record.order) and record.is_settled

    @property
    def fills(self) -> tuple[AccountFill, ...]:
        """Its fills, in the order of their ids."""
        record = self._record
        return () if record is None else tuple(record.fills[key] for key in sorted(record.fills))

    @property
    def has_all_fills(self) -> bool:
        """Whether ``fills``, and so ``fees``, are all: the earlier ones of an old order are asked for, and may lag."""
        record = self._record
        return record is not None and record.has_all_fills

    @property
    def average_price(self) -> Decimal | None:
        """The quote quantity by the quantity executed, rounded half even to 34 digits; see ``average_price``."""
        return None if self.order is None else average_price(self.order)

    @property
    def remaining(self) -> Decimal | None:
        """What is still to be executed; see ``remaining``."""
        return None if self.order is None else remaining(self.order)

    @property
    def prevented(self) -> Decimal:
        """What self-trade prevention took away."""
        return (None if self.order is None else self.order.prevented_quantity) or _ZERO

    @property
    def fees(self) -> Mapping[str, Decimal]:
        """The commission that was taken, by asset: the exact sum over ``fills``."""
        fees: dict[str, Decimal] = {}
        for fill in self.fills:
            if fill.commission_asset is not None:
                fees[fill.commission_asset] = CONTEXT.add(fees.get(fill.commission_asset, _ZERO), fill.commission)
        return fees

    @property
    def is_triggered(self) -> bool:
        """Whether it has been on the book: of a stop, whether its price was reached. A second NEW tells of it."""
        return self.order is not None and self.order.is_working

    @property
    def expiry_reason(self) -> ExpiryReason | None:
        """Why it expired, if it did and the exchange says it."""
        return None if self.order is None else self.order.expiry_reason

    @property
    def amendments(self) -> tuple[ExecutionReport, ...]:
        """The events (REPLACED) by which it was made smaller, as far as they were taken."""
        return tuple(self._amendments)

    @property
    def order_list(self) -> ListStatus | None:
        """What was told last of the list that it is part of."""
        return self._service.ledger.lists.told.get(self._trail.order_list_id)

    @property
    def legs(self) -> list[OrderStatusReport]:
        """The orders of its list, itself among them, as far as they are known; none where it is part of none."""
        return self._service.ledger.records.of_list(self._trail.order_list_id)

    # --------------------------------------------------------------------------------------------- waiting

    async def wait_done(self) -> OrderStatusReport:
        """Wait until nothing becomes of the order any more and all of its fills were told; return it.

        An order that rests, or that nobody places, may take for ever: bound it. Cancelled: nothing happened.

        Raises:
            ConnectorClosed: the connector is closed, or closes meanwhile.
            BinanceError: it was to be placed by this connector, and was refused: there is no such order.
        """
        await trio.lowlevel.checkpoint()
        while not self.is_done:
            self._check_refusal()
            await self._service.changed()
        order = self.order
        assert order is not None
        return order

    def __aiter__(self) -> TrackedOrder:
        return self

    async def __anext__(self) -> UserEvent:
        """Return the next event. Cancelled: none is lost. Raises as ``wait_done``, and ``FeedOverflow``."""
        await trio.lowlevel.checkpoint()
        while (event := self._take()) is None:
            if self.is_done:
                raise StopAsyncIteration
            self._check_refusal()
            await self._service.changed()
        if isinstance(event, ExecutionReport) and event.execution_type == ExecutionType.REPLACED:
            self._amendments.append(event)
        return event

    def _check_refusal(self) -> None:
        if self._trail.refusal is not None and self._trail.order_id is None:
            raise_saving_context(copy(self._trail.refusal))

    def _take(self) -> UserEvent | None:
        try:
            return self._feed.receive_nowait()
        except trio.WouldBlock:
            return None
        except trio.EndOfChannel:
            raise ConnectorClosed("the connector is closed") from None


@asynccontextmanager
async def open_tracking(
    service: Mirror, symbol: str, order_id: int | None, client_order_id: str | None
) -> AsyncIterator[TrackedOrder]:
    """Track an order while the block lasts; see ``Trading.track``."""
    trail = Trail(symbol, order_id, client_order_id)
    async with service.open(buffer=_BUFFER, overflow=Overflow.FAIL, trail=trail) as feed:
        try:
            await service.look_up(trail)
            yield TrackedOrder._create(service, trail, feed)
        finally:
            service.forget(trail)
