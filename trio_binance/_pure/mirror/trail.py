"""The trail: which events concern one order, by whichever of its ids it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance.models import ExecutionReport, ListStatus, OrderStatusReport

from .orders import client_order_id

if TYPE_CHECKING:
    from trio_binance.errors import BinanceError
    from trio_binance.models import UserEvent


@final
class Trail:
    """The ids of one order. Looked for by its client id, the first order of that id is it, and stays it.

    Args:
        symbol: of the order.
        order_id: the exchange's id, if that is known.
        client_order_id: the client's id, if that is known; an amendment changes it.
    """

    def __init__(self, symbol: str, order_id: int | None, client_order_id: str | None) -> None:
        self.symbol = symbol
        self.order_id = order_id
        self.client_order_id = client_order_id
        self.order_list_id: int = -1
        self.refusal: BinanceError | None = None
        """Why there is no such order, where it was placed by its client id and refused."""

    def bind(self, order: OrderStatusReport) -> None:
        """Take note of the order that was meant."""
        self.order_id, self.order_list_id = order.order_id, order.order_list_id

    def takes(self, event: UserEvent) -> bool:
        """Tell whether an event concerns the order, or the list that it is part of."""
        if isinstance(event, ListStatus):
            return event.order_list_id == self.order_list_id >= 0
        if not isinstance(event, ExecutionReport) or event.symbol != self.symbol:
            return False
        if self.order_id is None and client_order_id(event) == self.client_order_id:
            self.order_id = event.order_id
        if event.order_id != self.order_id:
            return False
        self.order_list_id = event.order_list_id
        return True
