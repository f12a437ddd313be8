"""Single purposes: one order or list that is to be there, and one order that is to be cancelled or amended."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, final

from trio_binance.models import ListOrderStatus, OrderStatus

from .effects import ListQuery, OrderQuery
from .intent import Kind
from .purposes import Base, older, standing
from .sightings import ListSighting, OrderSighting
from .table import Signal

if TYPE_CHECKING:
    from .effects import Question
    from .intent import Intent
    from .purposes import Key, View
    from .sightings import Sighting


@final
class Placed(Base):
    """An order is to be there."""

    places = True

    def __init__(self, intent: Intent) -> None:
        self._symbol = intent.symbol
        [self._name] = intent.client_order_ids
        self.rests = intent.rests

    @property
    def keys(self) -> tuple[Key, ...]:
        """The order's client id."""
        return (("order", self._symbol, self._name),)

    @property
    def question(self) -> Question:
        """The order, by its client id."""
        return OrderQuery(self._symbol, None, self._name)

    def read(self, sighting: Sighting, view: View) -> Signal | None:
        """Return what an order of this name says; one that is older than the request has only lent its name."""
        if not isinstance(sighting, OrderSighting) or self._name not in sighting.names:
            return None
        if view.is_another(sighting, sighting.created_ms):
            return older(view)
        return Signal.REFUSED if sighting.status == OrderStatus.REJECTED else Signal.DONE


@final
class Listed(Base):
    """An order list is to be there: all its orders or none, so that any of them stands for all."""

    places = True
    rests = True

    def __init__(self, intent: Intent) -> None:
        self._symbol = intent.symbol
        self._name = intent.text("listClientOrderId")
        self._legs = frozenset(intent.client_order_ids)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The client ids of the list and of its orders."""
        return ("list", self._symbol, self._name), *(("order", self._symbol, leg) for leg in sorted(self._legs))

    @property
    def question(self) -> Question:
        """The list, by its client id."""
        return ListQuery(None, self._name)

    def read(self, sighting: Sighting, view: View) -> Signal | None:
        """Return what the list, or an order of it, says."""
        if isinstance(sighting, ListSighting):
            is_older, ours = view.is_another(sighting, sighting.moment_ms), sighting.name == self._name
        else:
            is_older = view.is_another(sighting, sighting.created_ms)
            # A leg may be refused long after the list was accepted, when its turn comes: that says nothing.
            rejected = sighting.status == OrderStatus.REJECTED
            ours = sighting.order_list_id != -1 and not self._legs.isdisjoint(sighting.names) and not rejected
        if not ours:
            return None
        if is_older:
            return older(view)
        return Signal.REFUSED if sighting.status == ListOrderStatus.REJECT else Signal.DONE


@final
class Cancelled(Base):
    """One order is to be cancelled."""

    def __init__(self, intent: Intent) -> None:
        half = intent.kind is Kind.CANCEL_REPLACE
        self._symbol = intent.symbol
        self._order_id = intent.number("cancelOrderId" if half else "orderId")
        self._name = intent.text("cancelOrigClientOrderId" if half else "origClientOrderId")
        self._own_name = intent.text("cancelNewClientOrderId" if half else "newClientOrderId")
        self.repeats = not half and self._order_id is not None

    @property
    def keys(self) -> tuple[Key, ...]:
        """The id of the order to cancel, or its client id."""
        if self._order_id is not None:
            return (("id", self._symbol, self._order_id),)
        return (("order", self._symbol, self._name),)

    @property
    def question(self) -> Question:
        """The order to cancel."""
        return OrderQuery(self._symbol, self._order_id, self._name)

    def read(self, sighting: Sighting, view: View) -> Signal | None:
        """Return where the order stands; late, only a cancellation by this very request counts."""
        if not isinstance(sighting, OrderSighting) or not self._concerns(sighting):
            return None
        if sighting.cancel_id == self._own_name != "":
            return Signal.DONE
        if view.late:
            return None
        return Signal.DENIED if self._is_another(sighting, view) else standing(sighting.status)

    def _is_another(self, sighting: OrderSighting, view: View) -> bool:
        """Tell whether it only has the name in common: it ended before the request was made, or was made after it.

        A copy that lags does not show the order that goes by the name now, but the one before it; and when that has
        ended, the name is free for the next.
        """
        if self._order_id is not None:
            return False
        if view.is_younger(sighting.created_ms):
            return True
        return (sighting.has_ended and view.happened_before(sighting.moment_ms)) or view.is_another(sighting, None)

    def _concerns(self, sighting: OrderSighting) -> bool:
        if self._order_id is not None:
            return sighting.order_id == self._order_id
        return self._name in sighting.names


@final
class Amended(Base):
    """An order's quantity is to be lowered, and the order is to go by another client id from then on."""

    def __init__(self, intent: Intent) -> None:
        self._symbol = intent.symbol
        self._order_id = intent.number("orderId")
        self._old_name = intent.text("origClientOrderId")
        self._new_name = intent.text("newClientOrderId")
        self._quantity = Decimal(intent.text("newQty"))

    @property
    def keys(self) -> tuple[Key, ...]:
        """The order's id, and both its client ids."""
        names = (name for name in (self._old_name, self._new_name) if name)
        ids: tuple[Key, ...] = () if self._order_id is None else (("id", self._symbol, self._order_id),)
        return (*ids, *(("order", self._symbol, name) for name in names))

    @property
    def question(self) -> Question:
        """The order: by its id, which stays, or by the client id that it is to have."""
        return OrderQuery(self._symbol, self._order_id, self._new_name)

    def read(self, sighting: Sighting, view: View) -> Signal | None:
        """Return whether the order has changed; late, only its new name counts."""
        if not isinstance(sighting, OrderSighting) or not self._concerns(sighting):
            return None
        if self._order_id is None and view.is_younger(sighting.created_ms):
            return None  # the name was free again when the order had ended, or had got its new one
        # "newClientOrderId ... may be the one it has": then it tells nothing.
        renamed = self._old_name not in ("", self._new_name) and self._new_name in sighting.names
        if renamed:
            return Signal.DONE
        if view.late:
            return None
        if sighting.quantity == self._quantity:
            return Signal.DONE
        return Signal.MOOT if sighting.has_ended else Signal.DENIED

    def _concerns(self, sighting: OrderSighting) -> bool:
        if self._order_id is not None:
            return sighting.order_id == self._order_id
        return self._old_name in sighting.names or self._new_name in sighting.names
