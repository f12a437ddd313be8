"""Legs: the orders of an order list, each read from parameters with a prefix of its own, and how they must relate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from .orderlists import check_relations
from .placing import compose, word
from .refusals import bad
from .symbols import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .accounts import Account
    from .orders import Order
    from .params import Params
    from .venue import Venue

_OWN: Final = (
    "price",
    "stopPrice",
    "trailingDelta",
    "icebergQty",
    "timeInForce",
    "strategyId",
    "strategyType",
    "pegPriceType",
    "pegOffsetType",
    "pegOffsetValue",
)
PAIR_KINDS: Final = ("LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_MISPLACED: Final = {
    ("above", "BUY", "LIMIT"): (-1165, "A limit order in a buy OCO must be below."),
    ("below", "SELL", "LIMIT"): (-1166, "A limit order in a sell OCO must be above."),
    ("below", "BUY", "STOP"): (-1196, "A stop loss order in a buy OCO must be above."),
    ("above", "SELL", "STOP"): (-1197, "A stop loss order in a sell OCO must be below."),
    ("above", "BUY", "TAKE"): (-1198, "A take profit order in a buy OCO must be below."),
    ("below", "SELL", "TAKE"): (-1199, "A take profit order in a sell OCO must be above."),
}


@attrs.frozen
class Legs:
    """The orders of a list in the order in which they are numbered."""

    orders: tuple[Order, ...]
    pair: tuple[Order, ...] = ()
    """Two orders of which one ends the other: the stop loss first."""
    working: Order | None = None
    takes_proceeds: bool = False

    @property
    def first(self) -> tuple[Order, ...]:
        """Return the orders that begin at once."""
        return (self.working,) if self.working else self.pair

    def check_relations(self, last_price: int) -> None:
        """Check that the market lies between the two orders of a pair that begins at once."""
        if self.pair and not self.working:
            check_relations(self.pair, last_price)


def _names(prefix: str, shared: Mapping[str, str]) -> dict[str, str]:
    """Return what the parameters of a leg are called; one that its request does not have is called nothing."""
    own = {name: prefix + name[0].upper() + name[1:] for name in _OWN}
    return {
        **own,
        "type": f"{prefix}Type",
        "newClientOrderId": f"{prefix}ClientOrderId",
        "quoteOrderQty": "",
        **shared,
    }


def working(venue: Venue, account: Account, params: Params) -> Order:
    """Return the order of a list that begins at once, a LIMIT or LIMIT_MAKER."""
    shared = {"side": "workingSide", "quantity": "workingQuantity", "stopPrice": "", "trailingDelta": ""}
    leg = params.renamed(_names("working", shared))
    kind = word(leg, "type", KINDS, bad(-1116, "Invalid orderType."))
    if kind not in ("LIMIT", "LIMIT_MAKER"):
        raise bad(-1116, "Invalid orderType.")
    return compose(venue, account, leg)


def check_sides(orders: tuple[Order, ...]) -> None:
    """Check that the orders of an OPO sell what its working order buys."""
    first, *others = orders
    if not first.buys:
        raise bad(-1222, "Working order in an OPO list must be a bid.")
    if any(order.buys for order in others):
        raise bad(-1223, "Pending orders in an OPO list must be asks.")


def pending(venue: Venue, account: Account, params: Params, *, sized: bool = True) -> Order:
    """Return the one order of a list that waits for the working one."""
    shared = {"side": "pendingSide", "quantity": "pendingQuantity" if sized else ""}
    return compose(venue, account, params.renamed(_names("pending", shared)), sized=sized)


def pair(
    venue: Venue, account: Account, params: Params, above: str, below: str, prefix: str = "", *, sized: bool = True
) -> tuple[Order, Order]:
    """Return the two orders of which one ends the other, the stop loss first.

    Raises:
        Refusal: -1158 to -1199 for types that do not belong there.
    """
    side = f"{prefix}Side" if prefix else "side"
    quantity = (f"{prefix}Quantity" if prefix else "quantity") if sized else ""
    legs = [params.renamed(_names(leg, {"side": side, "quantity": quantity})) for leg in (above, below)]
    kinds = [word(leg, "type", KINDS, bad(-1116, "Invalid orderType.")) for leg in legs]
    _check_kinds(kinds, params.text(side) or "")
    for leg, kind in zip(legs, kinds, strict=True):
        _check_iceberg(leg, kind)
    upper, lower = (compose(venue, account, leg, sized=sized) for leg in legs)
    return (upper, lower) if upper.kind.startswith("STOP_LOSS") else (lower, upper)


def _check_kinds(kinds: list[str], side: str) -> None:
    if not all(kind in PAIR_KINDS for kind in kinds):
        raise bad(-1158, "Order type not supported in OCO.")
    if kinds == ["LIMIT_MAKER", "LIMIT_MAKER"]:
        raise bad(-1168, "At least one OCO order must be contingent.")
    for place, kind in zip(("above", "below"), kinds, strict=True):
        wrong = _MISPLACED.get((place, side, kind.split("_")[0]))
        if wrong is not None:
            raise bad(*wrong)


def _check_iceberg(leg: Params, kind: str) -> None:
    if kind != "LIMIT_MAKER" and leg.text("icebergQty") is not None and leg.text("timeInForce") not in (None, "GTC"):
        condition = "`aboveTimeInForce`/`belowTimeInForce` is not GTC"
        raise bad(-1160, f"Parameter '{leg.wire('icebergQty')}' is not supported if {condition}.")


def legacy_pair(venue: Venue, account: Account, params: Params) -> tuple[Order, Order]:
    """Return the stop loss and the LIMIT_MAKER of the OCO request of old, whose types nobody says."""
    absent = dict.fromkeys(("quoteOrderQty", "pegPriceType", "pegOffsetType", "pegOffsetValue"), "")
    limit = {**_legacy_names("limit"), **absent, "stopPrice": "", "trailingDelta": "", "timeInForce": ""}
    stop = {**_legacy_names("stop"), **absent, "price": "stopLimitPrice", "timeInForce": "stopLimitTimeInForce"}
    kind = "STOP_LOSS" if params.text("stopLimitPrice") is None else "STOP_LOSS_LIMIT"
    goal = compose(venue, account, params.renamed(limit).given(type="LIMIT_MAKER"))
    return compose(venue, account, params.renamed(stop).given(type=kind)), goal


def _legacy_names(prefix: str) -> dict[str, str]:
    names = {name: f"{prefix}{name[0].upper()}{name[1:]}" for name in ("icebergQty", "strategyId", "strategyType")}
    return {**names, "newClientOrderId": f"{prefix}ClientOrderId"}
