"""The purposes: what a part of an intent is to bring about, how one asks for that, and what a sighting says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import attrs

from trio_binance.models import OrderStatus

from .sightings import ListSighting
from .table import Signal
from .terms import AHEAD_MS, NEVER

if TYPE_CHECKING:
    from .effects import Question
    from .sightings import Sighting

Key: TypeAlias = tuple[str, str, str | int]
"""What a sighting and a purpose have in common: a kind of name, the symbol, and the name."""


SeenId: TypeAlias = tuple[str, int]
"""The id of an order ("id") or of a list ("list id") of one symbol."""


def ids_of(sighting: Sighting) -> frozenset[SeenId]:
    """Return the ids of the orders and the list that a sighting is of."""
    if isinstance(sighting, ListSighting):
        return frozenset({("list id", sighting.order_list_id), *(("id", order_id) for order_id in sighting.orders)})
    whole = {("list id", sighting.order_list_id)} if sighting.order_list_id != -1 else set()
    return frozenset({("id", sighting.order_id), *whole})


@attrs.frozen
class View:
    """How a sighting is looked at: when the request was stamped first, until when it can begin, and where it stands.

    ``late`` says that a verdict has ruled it out: then only what can be nobody else's doing counts. ``is_fresh`` says
    that a copy was asked so late that it cannot lag behind the request. ``not_ours`` are the ids of orders and
    lists that were there before, under the same name; ``back_ms`` is how far the exchange's clock went back meanwhile,
    and ``is_unique`` says that no other order can have the name.
    """

    stamp_ms: int | None
    clashed: bool = False
    late: bool = False
    is_fresh: bool = False
    not_ours: frozenset[SeenId] = frozenset()
    fence_ms: float = NEVER
    back_ms: float = 0.0
    is_unique: bool = False

    def is_younger(self, moment_ms: int | None) -> bool:
        """Tell whether what was made then was not there yet while this request could change it."""
        return moment_ms is not None and moment_ms > self.fence_ms

    def is_older(self, moment_ms: int | None) -> bool:
        """Tell whether something that happened then cannot be of this request."""
        return moment_ms is not None and self.stamp_ms is not None and moment_ms < self.stamp_ms - AHEAD_MS

    def is_another(self, sighting: Sighting, moment_ms: int | None) -> bool:
        """Tell whether what was made then is older than this request, or was known before it."""
        if not self.not_ours.isdisjoint(ids_of(sighting)):
            return True
        return not self.is_unique and self.happened_before(moment_ms)

    def happened_before(self, moment_ms: int | None) -> bool:
        """Tell whether what happened then happened before this request, whatever the clock was set to since."""
        return self.is_older(None if moment_ms is None else moment_ms + int(self.back_ms))


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


class Base:
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


def older(view: View) -> Signal:
    """Return what it says that something older goes by the name: it is that which the request clashed with."""
    return Signal.MOOT if view.clashed else Signal.DENIED


_OTHERWISE = frozenset({OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH})
"""Where an order stands that can no longer be cancelled."""


def standing(status: OrderStatus | None) -> Signal | None:
    """Return what it says of a cancellation where the order stands; ``None`` where that was not told."""
    if status is None:
        return None
    if status == OrderStatus.CANCELED:
        return Signal.DONE
    return Signal.MOOT if status in _OTHERWISE else Signal.DENIED
