"""The purposes: what a part of an intent is to bring about, how one asks for that, and what a sighting says of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias, final

import attrs

from trio_binance.models import ListOrderStatus, OrderStatus

from .effects import ListQuery, OpenOrdersQuery, OrderQuery
from .intent import Kind, Part
from .sightings import ListSighting, OrderSighting
from .table import Signal
from .terms import AHEAD_MS

if TYPE_CHECKING:
    from .effects import Question
    from .intent import Intent
    from .sightings import Sighting

Key: TypeAlias = tuple[str, str, str | int]
"""What a sighting and a purpose have in common: a kind of name, the symbol, and the name."""


@attrs.frozen
class View:
    """How a sighting is looked at: when the request was stamped first, and where the intent stands.

    ``late`` says that a verdict has ruled it out: then only what can be nobody else's doing counts. ``is_fresh`` says
    that a copy was asked so late that it cannot lag behind the request.
    """

    stamp_ms: int | None
    clashed: bool = False
    late: bool = False
    is_fresh: bool = False

    def is_older(self, moment_ms: int | None) -> bool:
        """Tell whether something that happened then cannot be of this request."""
        return moment_ms is not None and self.stamp_ms is not None and moment_ms < self.stamp_ms - AHEAD_MS


class Purpose(Protocol):
    """What a part of an intent is to bring about."""

    places: bool
    """Whether it is to place something."""
    rests: bool
    """Whether what it places stays on the book, unless it is filled."""
    repeats: bool
    """Whether it may be sent again: only the cancellation of one order by its id."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """By what sightings are found to concern it."""
        ...

    @property
    def question(self) -> Question:
        """What to ask next."""
        ...

    def read(self, sighting: Sighting, view: View) -> Signal | None:
        """Return what a sighting says: DONE, MOOT, DENIED or REFUSED; ``None`` for nothing."""
        ...

    def read_open(self, sightings: tuple[Sighting, ...], view: View) -> Signal | None:
        """Return what all open orders of the symbol say together."""
        ...

    @property
    def silence(self) -> Signal | None:
        """What it comes to that three witnesses have nothing more to tell: PROVEN, or DONE; ``None``: nothing.

        Silence speaks only where what was told would have been recognised.
        """
        ...


def keys_of(sighting: Sighting) -> tuple[Key, ...]:
    """Return by what a sighting may concern an intent."""
    symbol = sighting.symbol
    if isinstance(sighting, ListSighting):
        return ("list", symbol, sighting.name), ("list id", symbol, sighting.order_list_id)
    names: tuple[Key, ...] = tuple(("order", symbol, name) for name in sighting.names)
    return (*names, ("id", symbol, sighting.order_id), ("list id", symbol, sighting.order_list_id), ("all", symbol, ""))


def purpose_of(intent: Intent, part: Part) -> Purpose:
    """Return what a part of an intent is to bring about."""
    if part is Part.NEW_ORDER or intent.kind in (Kind.PLACE, Kind.SOR):
        return Placed(intent)
    if part is Part.CANCEL or intent.kind is Kind.CANCEL:
        return Cancelled(intent)
    if intent.kind is Kind.AMEND:
        return Amended(intent)
    return Listed(intent) if intent.kind is Kind.LIST else AllCancelled(intent)


class _Base:
    """What most purposes do not do."""

    places = False
    rests = False
    repeats = False

    def read_open(self, sightings: tuple[Sighting, ...], view: View) -> Signal | None:
        """Return nothing: this is asked for the cancellation of all orders only."""
        del sightings, view
        return None

    @property
    def silence(self) -> Signal | None:
        """Return that it had no effect: all else would have settled it."""
        return Signal.PROVEN


def _older(view: View) -> Signal:
    """Return what it says that something older goes by the name: it is that which the request clashed with."""
    return Signal.MOOT if view.clashed else Signal.DENIED


@final
class Placed(_Base):
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
        if view.is_older(sighting.created_ms):
            return _older(view)
        return Signal.REFUSED if sighting.status == OrderStatus.REJECTED else Signal.DONE


@final
class Listed(_Base):
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
            older, ours = view.is_older(sighting.moment_ms), sighting.name == self._name
        else:
            older = view.is_older(sighting.created_ms)
            # A leg may be refused long after the list was accepted, when its turn comes: that says nothing.
            rejected = sighting.status == OrderStatus.REJECTED
            ours = sighting.order_list_id != -1 and not self._legs.isdisjoint(sighting.names) and not rejected
        if not ours:
            return None
        if older:
            return _older(view)
        return Signal.REFUSED if sighting.status == ListOrderStatus.REJECT else Signal.DONE


@final
class Cancelled(_Base):
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
        if view.late:
            return Signal.DONE if sighting.cancel_id == self._own_name != "" else None
        return _standing(sighting.status)

    def _concerns(self, sighting: OrderSighting) -> bool:
        if self._order_id is not None:
            return sighting.order_id == self._order_id
        return self._name in sighting.names


def _standing(status: OrderStatus | None) -> Signal | None:
    if status is None:
        return None
    if status == OrderStatus.CANCELED:
        return Signal.DONE
    return Signal.MOOT if status in _OTHERWISE else Signal.DENIED


_OTHERWISE = frozenset({OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH})
"""Where an order stands that can no longer be cancelled."""


@final
class Amended(_Base):
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


_MOST_HEARD = 10_000
"""So many orders are remembered that may be of a list; where there were more, silence says nothing."""


@final
class AllCancelled(_Base):
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
        return _standing(self._orders[order_id]) in (Signal.DONE, Signal.MOOT)

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
        if self._is_list and not self._complete and sighting.has_ended:
            self._missed = self._missed or len(self._heard) == _MOST_HEARD
            if not self._missed:
                self._heard[sighting.order_id] = sighting

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
