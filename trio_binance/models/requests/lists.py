"""The requests for order lists: a class a kind, which cannot be built wrong."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, NamedTuple, TypeAlias, get_args

import attrs

from trio_binance.errors import InvalidArgument
from trio_binance.models.enums import SelfTradePreventionMode, Side

from . import checks
from .legs import Leg, LimitMakerLeg, PairLeg, StopLeg, WorkingLeg
from .orders import check_iceberg
from .pairs import check_pair, check_places
from .terms import Request, Resting


class Seat(NamedTuple):
    """A place for a leg: the kinds that may stand there, and the list's fields that tell its side and quantity."""

    kinds: tuple[type[Leg], ...]
    side: str
    quantity: str | None


_PAIR = Seat(get_args(PairLeg), "side", "quantity")
_WORKING = Seat(get_args(WorkingLeg), "working_side", "working_quantity")
_PENDING = Seat(get_args(Leg), "pending_side", "pending_quantity")
_PENDING_PAIR = _PENDING._replace(kinds=get_args(PairLeg))
# "no pendingQuantity": what the working order has received, less commission
_PAID = _PENDING._replace(quantity=None)
_PAID_PAIR = _PENDING_PAIR._replace(quantity=None)


class ListedLeg(NamedTuple):
    """A leg in its place, with the side and quantity that the list gives it; no quantity where only a fill tells it."""

    place: str
    leg: Leg
    side: Side
    quantity: Decimal | None


@attrs.frozen(slots=False, repr=False)
class ListRequest(Request):
    """What all order lists say: the symbol, the list's own name, and what happens to self-trades."""

    seats: ClassVar[Mapping[str, Seat]]
    """The places of the legs, in the order of the documents."""

    symbol: str
    list_client_order_id: str | None = attrs.field(default=None, kw_only=True)
    self_trade_prevention_mode: SelfTradePreventionMode | None = attrs.field(
        default=None, converter=checks.stp_mode, kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        checks.check_symbol(self.symbol)
        checks.check_client_id("list_client_order_id", self.list_client_order_id)
        for place, seat in self.seats.items():
            _check_kind(place, getattr(self, place), seat.kinds)
        _check_ids(self.legs)
        for place, leg, _, quantity in self.legs:
            if quantity is not None:
                check_iceberg(f"{place}.iceberg_qty", leg, quantity)

    @property
    def legs(self) -> tuple[ListedLeg, ...]:
        """The legs with the side and quantity that the list gives them, in the order of the documents."""
        return tuple(
            ListedLeg(
                place,
                getattr(self, place),
                getattr(self, seat.side),
                None if seat.quantity is None else getattr(self, seat.quantity),
            )
            for place, seat in self.seats.items()
        )

    @property
    def orders(self) -> int:
        """How many unfilled orders it adds to the exchange's count."""
        return len(self.seats)


def _check_kind(place: str, leg: object, kinds: tuple[type[Leg], ...]) -> None:
    """Refuse what is no leg, and a leg that may not stand there: -1158 "Order type not supported in OCO."."""
    if isinstance(leg, kinds):
        return
    wanted = ", ".join(kind.__name__ for kind in kinds)
    if isinstance(leg, Leg):
        raise InvalidArgument(place, leg, f"expected one of {wanted}")
    raise TypeError(f"{place}: expected one of {wanted}, not {type(leg).__name__}")


def _check_ids(legs: tuple[ListedLeg, ...]) -> None:
    # client order ids are unique among the open orders: "Duplicate order sent."
    seen: set[str] = set()
    for place, leg, *_ in legs:
        if leg.client_order_id is None:
            continue
        if leg.client_order_id in seen:
            raise InvalidArgument(f"{place}.client_order_id", leg.client_order_id, "another leg has this id")
        seen.add(leg.client_order_id)


@attrs.frozen(slots=False, repr=False)
class OcoOrder(ListRequest):
    """One cancels the other: two orders of one side and quantity, of which one takes the profit, one stops the loss.

    ``OcoOrder("BTCUSDT", Side.SELL, quantity="0.01", above=LimitMakerLeg(price="70000"),
    below=StopLossLimitLeg(stop_price="55000", price="54900"))``. Above and below are meant of the market: the stop
    loss of a SELL is below, that of a BUY above. Source: POST /api/v3/orderList/oco.

    Raises:
        TypeError: a float where a Decimal belongs, or another type that cannot be sent; names the field.
        InvalidArgument: what the exchange would refuse by the shape alone; names field and value, ``above.price``
            where it is a leg's.
    """

    seats: ClassVar[Mapping[str, Seat]] = {"above": _PAIR, "below": _PAIR}
    side: Side = attrs.field(converter=checks.side)
    quantity: Decimal = attrs.field(converter=checks.quantity, kw_only=True)
    above: PairLeg = attrs.field(kw_only=True)
    below: PairLeg = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        check_pair(self.side, ("above", self.above), ("below", self.below))
        check_places(self.side, self.above, self.below)


@attrs.frozen(slots=False, repr=False)
class LegacyOcoOrder(ListRequest):
    """An OCO as it was placed before April 2024: a limit order and a stop loss. Deprecated: use ``OcoOrder``.

    ``LegacyOcoOrder("BTCUSDT", Side.SELL, quantity="0.01", limit=LimitMakerLeg(price="70000"),
    stop=StopLossLimitLeg(stop_price="55000", price="54900"))``. Neither leg may be pegged. Raises as ``OcoOrder``
    does. Source: POST /api/v3/order/oco.
    """

    # REST marks stopPrice as mandatory, the WebSocket API wants it or trailingDelta: there the exchange decides.
    seats: ClassVar[Mapping[str, Seat]] = {
        "limit": _PAIR._replace(kinds=(LimitMakerLeg,)),
        "stop": _PAIR._replace(kinds=get_args(StopLeg)),
    }
    side: Side = attrs.field(converter=checks.side)
    quantity: Decimal = attrs.field(converter=checks.quantity, kw_only=True)
    limit: LimitMakerLeg = attrs.field(kw_only=True)
    stop: StopLeg = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        for place, leg, *_ in self.legs:
            if isinstance(leg, Resting) and leg.peg_price_type is not None:
                raise InvalidArgument(f"{place}.peg_price_type", leg.peg_price_type, "the deprecated OCO has no pegs")
        check_pair(self.side, ("limit", self.limit), ("stop", self.stop))


@attrs.frozen(slots=False, repr=False)
class Triggering(ListRequest):
    """What OTO and OTOCO have in common: an order that comes first, side and quantity of what follows."""

    working_side: Side = attrs.field(converter=checks.working_side, kw_only=True)
    working_quantity: Decimal = attrs.field(converter=checks.working_quantity, kw_only=True)
    working: WorkingLeg = attrs.field(kw_only=True)
    pending_side: Side = attrs.field(converter=checks.pending_side, kw_only=True)
    pending_quantity: Decimal = attrs.field(converter=checks.pending_quantity, kw_only=True)


@attrs.frozen(slots=False, repr=False)
class OtoOrder(Triggering):
    """One triggers the other: when the working order is filled completely, the pending one enters the book.

    ``OtoOrder("BTCUSDT", working_side=Side.BUY, working_quantity="0.01", working=LimitLeg(price="60000"),
    pending_side=Side.SELL, pending_quantity="0.01", pending=StopLossLeg(stop_price="55000"))``. To cancel either is to
    cancel both. Raises as ``OcoOrder`` does. Source: POST /api/v3/orderList/oto.
    """

    seats: ClassVar[Mapping[str, Seat]] = {"working": _WORKING, "pending": _PENDING}
    pending: Leg = attrs.field(kw_only=True)


@attrs.frozen(slots=False, repr=False)
class OtocoOrder(Triggering):
    """One triggers a pair: when the working order is filled completely, an OCO enters the book.

    ``OtocoOrder("BTCUSDT", working_side=Side.BUY, working_quantity="0.01", working=LimitLeg(price="60000"),
    pending_side=Side.SELL, pending_quantity="0.01", above=LimitMakerLeg(price="70000"),
    below=StopLossLeg(stop_price="55000"))``. Raises as ``OcoOrder`` does. Source: POST /api/v3/orderList/otoco.
    """

    # pendingBelowType is marked optional, but an OTOCO has three orders. Which of the pair stands above is left to the
    # exchange: the rules are those of an OCO, yet in the example a stop loss stands above a SELL, and is accepted.
    seats: ClassVar[Mapping[str, Seat]] = {"working": _WORKING, "above": _PENDING_PAIR, "below": _PENDING_PAIR}
    above: PairLeg = attrs.field(kw_only=True)
    below: PairLeg = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        check_pair(self.pending_side, ("above", self.above), ("below", self.below))


@attrs.frozen(slots=False, repr=False)
class Paying(ListRequest):
    """What OPO and OPOCO have in common: a BUY that comes first and pays for the SELL that follows."""

    # -1222 "Working order in an OPO list must be a bid.", -1223 "Pending orders in an OPO list must be asks."
    working_side: ClassVar[Side] = Side.BUY
    pending_side: ClassVar[Side] = Side.SELL
    working_quantity: Decimal = attrs.field(converter=checks.working_quantity, kw_only=True)
    working: WorkingLeg = attrs.field(kw_only=True)


@attrs.frozen(slots=False, repr=False)
class OpoOrder(Paying):
    """One pays for the other: what the working BUY has received, less commission, is sold by the pending order.

    ``OpoOrder("BTCUSDT", working_quantity="0.01", working=LimitLeg(price="60000"),
    pending=StopLossLeg(stop_price="55000"))``. The sides are no choice, and the pending quantity is known when the
    working order is filled. Raises as ``OcoOrder`` does. Source: POST /api/v3/orderList/opo.
    """

    # The documents give no table of conditions for OPO and OPOCO: those of OTO and OTOCO are taken.
    seats: ClassVar[Mapping[str, Seat]] = {"working": _WORKING, "pending": _PAID}
    pending: Leg = attrs.field(kw_only=True)


@attrs.frozen(slots=False, repr=False)
class OpocoOrder(Paying):
    """One pays for a pair: what the working BUY has received, less commission, is sold by an OCO.

    ``OpocoOrder("BTCUSDT", working_quantity="0.01", working=LimitLeg(price="60000"),
    above=LimitMakerLeg(price="70000"), below=StopLossLeg(stop_price="55000"))``. See ``OpoOrder``. Raises as
    ``OcoOrder`` does. Source: POST /api/v3/orderList/opoco.
    """

    seats: ClassVar[Mapping[str, Seat]] = {"working": _WORKING, "above": _PAID_PAIR, "below": _PAID_PAIR}
    above: PairLeg = attrs.field(kw_only=True)
    below: PairLeg = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        check_pair(self.pending_side, ("above", self.above), ("below", self.below))


OrderListRequest: TypeAlias = OcoOrder | OtoOrder | OtocoOrder | OpoOrder | OpocoOrder | LegacyOcoOrder
"""Any request for an order list."""
