"""The purpose of many: all orders of a list, or of a symbol, that are to be cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance.models import OrderStatus

from .effects import ListQuery, OpenOrdersQuery, OrderQuery
from .intent import Kind
from .purposes import Base, standing
from .sightings import ListSighting, OrderSighting
from .table import Signal

if TYPE_CHECKING:
    from .effects import Question
    from .intent import Intent
    from .purposes import Key, View
    from .sightings import Sighting

_MOST_HEARD = 10_000
"""So many orders are remembered that may be of a list; where there were more, silence says nothing."""


@final
class AllCancelled(Base):
    """All orders of a list are to be cancelled, or all of a symbol that were placed before the request.

    Done is told when all of them have ended, and one at least by a cancellation; that others may have cancelled it is
    the same to whom wanted it. Which they are is known from the intent (``targets``) or from the list. Of a symbol
    without targets it is known when a copy that cannot lag any more shows no older order open, or when the user
    stream, past the fence, has told of all that were cancelled. What the stream told of orders before it was known that
    they are the list's is kept until then. Late, nothing is told: such a request has no name.
    """

    def __init__(self, intent: Intent) -> None:
        self._symbol = intent.symbol
        self._is_list = intent.kind is Kind.CANCEL_LIST
        self._list_id = intent.number("orderListId")
        self._list_name = intent.text("listClientOrderId")
        self._orders: dict[int, OrderStatus | None] = dict.fromkeys(intent.targets)
        self._heard: dict[int, OrderSighting] = {}
        self._missed = False
        self._complete = bool(intent.targets)

    @property
    def keys(self) -> tuple[Key, ...]:
        """All orders of the symbol; and the list, by its name and its id."""
        every: Key = ("all", self._symbol, "")
        if not self._is_list:
            return (every,)
        known: tuple[Key, ...] = () if self._list_id is None else (("list id", self._symbol, self._list_id),)
        return (every, ("list", self._symbol, self._list_name), *known)

    @property
    def question(self) -> Question:
        """An order that is not known to have ended; where there is none, which there are."""
        order_id = next((order_id for order_id in self._orders if not self._has_ended(order_id)), None)
        if order_id is not None:
            return OrderQuery(self._symbol, order_id, "")
        return ListQuery(self._list_id, self._list_name) if self._is_list else OpenOrdersQuery(self._symbol)

    def _has_ended(self, order_id: int) -> bool:
        return standing(self._orders[order_id]) in (Signal.DONE, Signal.MOOT)

    def read(self, sighting: Sighting, view: View) -> Signal | None:
        """Return where the orders stand together, with what this sighting adds."""
        if view.late:
            return None
        if isinstance(sighting, ListSighting):
            if not self._is_list or not self._is_ours(sighting):
                return None
            self._learn_list(sighting)
            return self._standing()
        if sighting.order_id not in self._orders and not self._is_among(sighting, view):
            self._remember(sighting)
            return None
        self._note(sighting)
        return self._standing()

    def _is_ours(self, sighting: ListSighting) -> bool:
        return self._list_id == sighting.order_list_id or self._list_name == sighting.name

    def _is_among(self, sighting: OrderSighting, view: View) -> bool:
        """Tell whether an order that was not known is one of those to cancel."""
        if self._is_list:
            return self._list_id == sighting.order_list_id
        return view.is_older(sighting.created_ms)

    def _remember(self, sighting: OrderSighting) -> None:
        """Keep what may prove to be of the list, once its orders are known."""
        if self._complete or not sighting.has_ended:
            return
        if not self._is_list:
            # Placed in the very second of the request, and ended: cancelled by it perhaps, or by another.
            self._missed = self._missed or sighting.status == OrderStatus.CANCELED
        elif len(self._heard) < _MOST_HEARD:
            self._heard[sighting.order_id] = sighting
        else:
            self._missed = True

    def _learn_list(self, sighting: ListSighting) -> None:
        self._learn(sighting.orders)
        self._list_id = sighting.order_list_id
        self._complete = True
        for order_id in self._orders.keys() & self._heard.keys():
            self._note(self._heard[order_id])
        self._heard.clear()

    def _note(self, sighting: OrderSighting) -> None:
        """Take note of where an order stands; what has ended stays so, whatever a copy that lags shows."""
        self._learn((sighting.order_id,))
        if not self._has_ended(sighting.order_id):
            self._orders[sighting.order_id] = sighting.status

    def _learn(self, order_ids: tuple[int, ...]) -> None:
        for order_id in order_ids:
            self._orders.setdefault(order_id, None)

    def _standing(self) -> Signal:
        if not self._complete or not self._have_ended:
            return Signal.DENIED
        return Signal.DONE if self._is_any_cancelled else Signal.MOOT

    @property
    def _have_ended(self) -> bool:
        return bool(self._orders) and all(map(self._has_ended, self._orders))

    @property
    def _is_any_cancelled(self) -> bool:
        return OrderStatus.CANCELED in self._orders.values()

    @property
    def silence(self) -> Signal | None:
        """Return whether those that are known were cancelled; of a list whose orders are not known, nothing."""
        if self._missed or (self._is_list and not self._complete):
            return None
        return Signal.DONE if self._have_ended and self._is_any_cancelled else Signal.PROVEN

    def read_open(self, sightings: tuple[Sighting, ...], view: View) -> Signal | None:
        """Return where the orders stand: all are known when none that is older than the request is open."""
        if view.late:
            return None
        older = [one for one in sightings if isinstance(one, OrderSighting) and view.is_older(one.created_ms)]
        for sighting in older:
            self._note(sighting)
        self._complete = self._complete or (view.is_fresh and not older)
        return self._standing()
