"""The records: every order of the account that is of interest, by its ids, and what of them is not settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from trio_binance.models import as_milliseconds, is_done

from .record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trio_binance.models import AccountFill, ExecutionReport, OrderStatusReport


_RECENT_MS = 600_000
"""No answer lags so much, and no question about the same time is asked so late."""


class OrderKey(NamedTuple):
    """What tells an order from every other."""

    symbol: str
    order_id: int


@final
class Records:
    """The records of the account's orders.

    Args:
        history: of orders that are done so many are kept, and all that something became of lately.
    """

    def __init__(self, history: int) -> None:
        self._history = history
        self._newest_ms = 0
        self._records: dict[OrderKey, Record] = {}
        self._by_client_id: dict[tuple[str, str], OrderKey] = {}
        self._done: dict[OrderKey, None] = {}
        self.open: dict[OrderKey, None] = {}
        """Of which something may become, as told."""
        self.unsettled: dict[OrderKey, None] = {}
        """Of which something is known that was not told, or known to be missing."""
        self.wanted: set[OrderKey] = set()
        """Of which also the fills of before our time are of interest."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __getitem__(self, key: OrderKey) -> Record:
        return self._records[key]

    def get(self, key: OrderKey) -> Record | None:
        """Return the record of an order."""
        return self._records.get(key)

    def find(self, symbol: str, order_id: int | None, client_order_id: str | None) -> Record | None:
        """Return the record of an order by either id; both given, both must fit. A client id finds the latest order."""
        named = None if client_order_id is None else self._by_client_id.get((symbol, client_order_id))
        key = named if order_id is None else OrderKey(symbol, order_id)
        if key is None or (client_order_id is not None and key != named):
            return None
        return self._records.get(key)

    def open_orders(self, symbol: str | None) -> list[OrderStatusReport]:
        """Return the open orders of a symbol, or of all, the oldest first."""
        found = [self._records[key].order for key in self.open if symbol in (None, key.symbol)]
        return sorted(found, key=lambda order: (order.time, order.symbol, order.order_id))

    def of_list(self, order_list_id: int) -> list[OrderStatusReport]:
        """Return the orders of a list."""
        found = [record.order for record in self if record.order.order_list_id == order_list_id >= 0]
        return sorted(found, key=lambda order: order.order_id)

    def fills(self, symbol: str, order_id: int | None) -> list[AccountFill]:
        """Return the fills of an order or of a symbol, in the order of their ids."""
        chosen: Iterable[tuple[OrderKey, Record]] = self._records.items()
        found = {
            key: fill
            for (one, number), record in chosen
            if one == symbol and order_id in (None, number)
            for key, fill in record.fills.items()
        }
        return [found[key] for key in sorted(found)]

    def add(self, key: OrderKey, record: Record) -> Record:
        """Take up an order."""
        self._records[key] = record
        self.note(key, record)
        return record

    def note(self, key: OrderKey, record: Record, due: float = float("inf")) -> None:
        """Note that a record has changed; where something is missing, the stream has until ``due`` to bring it."""
        order = record.order
        self._newest_ms = max(self._newest_ms, as_milliseconds(order.update_time))
        self._by_client_id[order.symbol, order.client_order_id] = key
        if is_done(order):
            self.open.pop(key, None)
            self._done.setdefault(key)
        else:
            self.open[key] = None
        if record.is_settled:
            self.unsettled.pop(key, None)
            self._trim()
            return
        self.unsettled[key] = None
        record.due = min(record.due, due)

    @property
    def due(self) -> float:
        """When something is to be told."""
        return min((self._records[key].due for key in self.unsettled), default=float("inf"))

    def settle(self, now: float, *, gives_up: bool = False) -> list[ExecutionReport]:
        """Return what is due to be told of all orders, in the order of the exchange's moments."""
        told: list[ExecutionReport] = []
        for key in tuple(self.unsettled):
            record = self._records[key]
            if gives_up:
                record.due = min(record.due, now)
            told += record.settle(now, gives_up=gives_up)
            self.note(key, record)
        # Stable: of one order they are in their own order already, of which no moment goes back.
        return sorted(told, key=lambda report: report.transaction_time)

    def _trim(self) -> None:
        """Forget the oldest of the orders that are done, unless they are still of interest.

        Answers lag: what is forgotten too soon is taken for new when they show it, and told once more.
        """
        while len(self._done) > self._history:
            key = next(iter(self._done))
            order = self._records[key].order
            if as_milliseconds(order.update_time) > self._newest_ms - _RECENT_MS:
                return
            del self._done[key]
            if key in self.unsettled or key in self.wanted:
                self._done[key] = None
                return
            del self._records[key]
            name = order.symbol, order.client_order_id
            if self._by_client_id.get(name) == key:
                del self._by_client_id[name]
