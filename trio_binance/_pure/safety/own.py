"""The own orders: what this connector has placed and what may be open of it, as far as anybody has told."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, final

import attrs

from trio_binance._pure.filters.legs import ALGO_TYPES
from trio_binance._pure.intents import Accepted, Intent, Kind, ListSighting, OrderSighting, Part, Unresolved
from trio_binance.models import OrderType, TimeInForce, is_done

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance._pure.intents import Settle, Sighting
    from trio_binance.models import OrderStatusReport

Key: TypeAlias = "int | str"
"""An order's id, or its client id while that is all that is known."""

Find: TypeAlias = "Callable[[str, int | None, str | None], OrderStatusReport | None]"
"""From symbol, order id and client id to an order as it stands, if anybody knows."""

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def places_of(intent: Intent) -> int:
    """Return how many orders of an intent may stay open: of a list every leg, of MARKET, IOC and FOK none."""
    if not intent.places:
        return 0
    if intent.kind is Kind.LIST:
        return len(intent.client_order_ids)
    kind = intent.text("type")
    ends_at_once = kind == OrderType.MARKET or intent.text("timeInForce") in _AT_ONCE
    # One that waits for its stop price stays until then, whatever it does afterwards.
    return 0 if ends_at_once and kind not in ALGO_TYPES else 1


def ids_of(key: Key) -> tuple[int | None, str | None]:
    """Return the id and the client id, of which one is known."""
    return (key, None) if isinstance(key, int) else (None, key)


@attrs.frozen
class OwnOrder:
    """An order or a list of ours that may be open.

    ``name`` is its client id, of a list the list's; ``number`` the exchange's id, where that is known. ``left`` are the
    orders of which it is not known that they have ended. ``is_certain`` says that the exchange has accepted it.
    """

    intent_id: str
    symbol: str
    name: str
    left: tuple[Key, ...]
    is_list: bool = False
    number: int | None = None
    is_certain: bool = False


def _reserved(intent: Intent) -> OwnOrder:
    return OwnOrder(
        intent.intent_id, intent.symbol, intent.name, intent.client_order_ids, is_list=intent.kind is Kind.LIST
    )


def _seen(own: OwnOrder, sighting: Sighting | None) -> OwnOrder:
    """Return what an accepted request is known to have placed."""
    if isinstance(sighting, ListSighting) and own.is_list:
        left: tuple[Key, ...] = () if sighting.has_ended else sighting.orders or own.left
        return attrs.evolve(own, left=left, number=sighting.order_list_id, is_certain=True)
    if isinstance(sighting, OrderSighting) and not own.is_list:
        left = () if sighting.has_ended else (sighting.order_id,)
        return attrs.evolve(own, left=left, number=sighting.order_id, is_certain=True)
    return attrs.evolve(own, is_certain=True)


@final
class OwnOrders:
    """The orders of one connector, from before they leave until they have ended.

    What is on its way, or in doubt, counts as open. Nothing is forgotten but by a verdict or by an order's own end, so
    that a count too high is possible while nobody tells of an end, and one too low is not.
    """

    def __init__(self) -> None:
        self._own: dict[str, OwnOrder] = {}

    @property
    def count(self) -> int:
        """How many orders may be open."""
        return sum(len(own.left) for own in self._own.values())

    def all(self) -> tuple[OwnOrder, ...]:
        """Return what may be open, the oldest first."""
        return tuple(self._own.values())

    def get(self, intent_id: str) -> OwnOrder | None:
        """Return what may be open of a request."""
        return self._own.get(intent_id)

    def reserve(self, intent: Intent) -> None:
        """Take up what is about to be sent; what cannot stay open is let pass."""
        if places_of(intent):
            self._own[intent.intent_id] = _reserved(intent)

    def release(self, intent_id: str) -> None:
        """Give up what was not sent, or has ended as a whole."""
        self._own.pop(intent_id, None)

    def is_own(self, symbol: str, number: int | None, name: str | None) -> bool:
        """Tell whether a single order that may be open is ours, by the id or else the client id."""
        singles = (own for own in self._own.values() if own.symbol == symbol and not own.is_list)
        return any(own.name == name if number is None else own.number == number for own in singles)

    # ------------------------------------------------------------------------------------------------ what is told

    def on_settled(self, intent: Intent, settle: Settle) -> None:
        """Take note of what became of a request, or of the half of it that places.

        One that was ruled out and took effect all the same is taken up again; so is one of an earlier run.
        """
        if settle.part is Part.CANCEL or not places_of(intent):
            return
        if isinstance(settle.verdict, Accepted):
            own = _seen(self._own.get(intent.intent_id) or _reserved(intent), settle.verdict.sighting)
            self._put(own)
        elif not isinstance(settle.verdict, Unresolved):
            self.release(intent.intent_id)
        elif intent.intent_id not in self._own:
            self._put(_reserved(intent))

    def on_order(self, intent_id: str, key: Key) -> None:
        """Take note that an order of a request has ended."""
        own = self._own.get(intent_id)
        if own is not None:
            self._put(attrs.evolve(own, left=tuple(one for one in own.left if one != key)))

    def look(self, find: Find) -> None:
        """Take note of what has ended, as somebody knows it who is asked without waiting.

        Of what is in doubt nothing is believed: an order of the same client id may be an older one.
        """
        for own, key in self.accepted():
            if (order := find(own.symbol, *ids_of(key))) is not None and is_done(order):
                self.on_order(own.intent_id, key)

    def accepted(self) -> tuple[tuple[OwnOrder, Key], ...]:
        """Return every accepted order of which it is not known that it has ended."""
        return tuple((own, key) for own in self._own.values() if own.is_certain for key in own.left)

    def _put(self, own: OwnOrder) -> None:
        self._own[own.intent_id] = own
        if not own.left:
            del self._own[own.intent_id]
