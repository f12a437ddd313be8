"""The order lists: how far each has come, as it was told last."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance.models import ListOrderStatus, ListStatus, ListStatusType, OrderRejectReason, as_microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance.models import OrderList

_FOREVER = float("inf")
_OVER = (ListOrderStatus.ALL_DONE, ListOrderStatus.REJECT)


@final
class Lists:
    """The order lists of one account, by id. Moments of the exchange are in microseconds.

    Args:
        history: of lists that are over so many are kept, with those that are not.
    """

    def __init__(self, history: int) -> None:
        self._history = history
        self._told: dict[int, ListStatus] = {}
        self._found: dict[int, ListStatus] = {}
        self._due = _FOREVER

    @property
    def due(self) -> float:
        """When something is to be told."""
        return self._due if self._found else _FOREVER

    @property
    def told(self) -> Mapping[int, ListStatus]:
        """The last event of each list."""
        return self._told

    @property
    def open(self) -> list[int]:
        """The lists of which something may become."""
        return [number for number, status in self._told.items() if status.list_order_status not in _OVER]

    @property
    def is_settled(self) -> bool:
        """Whether all that is known was told."""
        return not self._found

    def on_status(self, event: ListStatus) -> ListStatus | None:
        """Take an event of the stream; return it if it is news."""
        told = self._told.get(event.order_list_id)
        if told is not None and (told.list_order_status in _OVER or _is_known(event, told)):
            return None
        self._tell(event)
        found = self._found.get(event.order_list_id)
        if found is not None and (_same(found, event) or event.list_order_status in _OVER):
            del self._found[event.order_list_id]
        return event

    def on_query(self, row: OrderList, due: float, *, since_us: int) -> None:
        """Take what a query tells of a list; one that changed last before ``since_us`` is not told."""
        said, told = _status_of(row), self._told.get(row.order_list_id)
        if told is None and _at_us(said) <= since_us:
            self._tell(said)
        elif told is None or (said.list_order_status in _OVER and told.list_order_status not in _OVER):
            self._due = min(self.due, due)
            self._found[row.order_list_id] = said

    def settle(self, now: float) -> list[ListStatus]:
        """Return what is due to be told."""
        if now < self.due:
            return []
        found, self._found = self._found, {}
        for number in sorted(found):
            self._tell(found[number])
        return [found[number] for number in sorted(found)]

    def _tell(self, status: ListStatus) -> None:
        """Keep what is told, and forget the oldest of the lists that are over."""
        self._told[status.order_list_id] = status
        if len(self._told) > self._history:
            over = next((number for number, told in self._told.items() if told.list_order_status in _OVER), None)
            if over is not None:
                del self._told[over]


def _same(one: ListStatus, other: ListStatus) -> bool:
    return (one.list_status_type, one.list_order_status) == (other.list_status_type, other.list_order_status)


def _is_known(event: ListStatus, told: ListStatus) -> bool:
    return _at_us(event) < _at_us(told) or (_at_us(event) == _at_us(told) and _same(event, told))


def _at_us(event: ListStatus) -> int:
    return as_microseconds(event.transaction_time)


def _status_of(row: OrderList) -> ListStatus:
    # A query of a list that is over calls its status type ALL_DONE as the event does.
    kind = ListStatusType.ALL_DONE if row.list_order_status == ListOrderStatus.ALL_DONE else row.list_status_type
    return ListStatus(
        event_time=row.transaction_time,
        symbol=row.symbol,
        order_list_id=row.order_list_id,
        contingency_type=row.contingency_type,
        list_status_type=kind,
        list_order_status=row.list_order_status,
        list_reject_reason=OrderRejectReason.NONE,
        list_client_order_id=row.list_client_order_id,
        transaction_time=row.transaction_time,
        orders=row.orders,
        recovered=True,
    )
