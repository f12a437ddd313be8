"""Requests for orders and order lists, of every kind, with whatever may be given and all that must hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import attrs
from hypothesis import strategies as st

from trio_binance.models import (
    Leg,
    LegacyOcoOrder,
    LimitMakerLeg,
    MarketOrder,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderListRequest,
    OrderRequest,
    OrderType,
    OtocoOrder,
    OtoOrder,
    PegOffsetType,
    PegPriceType,
    ProfitLeg,
    SelfTradePreventionMode,
    Side,
    StopLeg,
    TimeInForce,
    WorkingLeg,
)

Fields = dict[str, Any]

symbols = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789币安", min_size=1, max_size=12)
sides = st.sampled_from(Side)
modes = st.none() | st.sampled_from(SelfTradePreventionMode)
client_ids = st.text("abcxyzABCXYZ0123456789_-", min_size=1, max_size=36)


@st.composite
def numbers(draw: st.DrawFn) -> Decimal:
    """Return a positive number with a scale of its own: 1, 1.0 and 1.00000000 are three."""
    return Decimal(draw(st.integers(1, 10**12))).scaleb(-draw(st.integers(0, 8)))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Fields]:
    """Return some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


terms = optional(strategy_id=st.integers(0, 2**63 - 1), strategy_type=st.integers(1_000_000, 2**31 - 1))
"""What any order may say, but its client id."""


# ------------------------------------------------------------------------------- what an order says, by its type


@st.composite
def pegs(draw: st.DrawFn, *kinds: PegPriceType) -> Fields:
    """Return the fields of a peg, with or without an offset; a price may stand beside it."""
    fields: Fields = {"peg_price_type": draw(st.sampled_from(kinds))}
    if draw(st.booleans()):
        fields |= {"peg_offset_type": PegOffsetType.PRICE_LEVEL, "peg_offset_value": draw(st.integers(1, 100))}
    return fields | draw(optional(price=numbers()))


def tips(whole: Decimal) -> st.SearchStrategy[Decimal]:
    """Return a number up to ``whole``, in the same units."""
    _, digits, exponent = whole.as_tuple()
    assert isinstance(exponent, int)
    return st.integers(1, int("".join(map(str, digits)))).map(lambda units: Decimal(units).scaleb(exponent))


@st.composite
def triggers(draw: st.DrawFn, stop_price: Decimal) -> Fields:
    """Return what an order waits for: this price, a trailing distance, or both."""
    stop, trail = {"stop_price": stop_price}, {"trailing_delta": draw(st.integers(1, 2000))}
    return draw(st.sampled_from([stop, trail, {**stop, **trail}]))


@st.composite
def shapes(
    draw: st.DrawFn, kind: OrderType, quantity: Decimal, price: Decimal, stop_price: Decimal, *, pegged: bool = True
) -> Fields:
    """Return what an order of this type says: at this price or pegged, of this quantity at most an iceberg."""
    fields: Fields = {}
    if kind.startswith(("STOP", "TAKE")):
        fields |= draw(triggers(stop_price))
    if not kind.startswith("LIMIT") and not kind.endswith("LIMIT"):
        return fields
    maker = kind is OrderType.LIMIT_MAKER
    peg = pegs(*([PegPriceType.PRIMARY_PEG] if maker else PegPriceType))
    fields |= draw(peg) if pegged and draw(st.booleans()) else {"price": price}
    fields |= draw(optional(iceberg_qty=tips(quantity)))
    gtc = "iceberg_qty" in fields or (kind is OrderType.LIMIT and fields.get("peg_price_type") == "PRIMARY_PEG")
    return fields if maker or gtc else fields | draw(optional(time_in_force=st.sampled_from(TimeInForce)))


@st.composite
def orders_of(draw: st.DrawFn, kind: type[Any]) -> Any:
    """Return an order of one kind."""
    quantity = draw(numbers())
    fields = draw(shapes(kind.type, quantity, draw(numbers()), draw(numbers()))) | draw(terms)
    fields |= draw(optional(client_order_id=client_ids, self_trade_prevention_mode=modes))
    amount = "quote_order_qty" if kind is MarketOrder and draw(st.booleans()) else "quantity"
    return kind(draw(symbols), draw(sides), **{amount: quantity}, **fields)


orders: st.SearchStrategy[OrderRequest] = st.sampled_from(get_args(OrderRequest)).flatmap(orders_of)
"""Any request for an order."""


# ------------------------------------------------------------------------------------------------------- the lists


@st.composite
def legs(draw: st.DrawFn, kinds: tuple[type[Any], ...], quantity: Decimal) -> Any:
    """Return a leg of one of these kinds, of a list of this quantity."""
    kind = draw(st.sampled_from(kinds))
    return kind(**draw(shapes(kind.type, quantity, draw(numbers()), draw(numbers()))), **draw(terms))


@st.composite
def pairs(draw: st.DrawFn, side: Side, quantity: Decimal, *, legacy: bool = False) -> tuple[Any, Any]:
    """Return a leg that takes the profit and one that stops the loss; between their prices there is room."""
    low = draw(numbers())
    high = low + draw(numbers())
    gain, loss = (high, low) if side is Side.SELL else (low, high)
    profit = draw(st.sampled_from((LimitMakerLeg,) if legacy else get_args(ProfitLeg)))
    stop = draw(st.sampled_from(get_args(StopLeg)))
    gaining = shapes(profit.type, quantity, gain, gain, pegged=not legacy)
    losing = shapes(stop.type, quantity, draw(numbers()), loss, pegged=not legacy)
    return profit(**draw(gaining), **draw(terms)), stop(**draw(losing), **draw(terms))


@st.composite
def lists_of(draw: st.DrawFn, kind: type[Any]) -> Any:
    """Return an order list of one kind."""
    quantity, fields = (
        draw(numbers()),
        draw(optional(list_client_order_id=client_ids, self_trade_prevention_mode=modes)),
    )
    side = draw(sides)
    if kind in (OcoOrder, LegacyOcoOrder):
        fields |= {"side": side, "quantity": quantity}
    else:
        fields |= {"working_quantity": quantity, "working": draw(legs(get_args(WorkingLeg), quantity))}
    if kind in (OtoOrder, OtocoOrder):
        quantity = draw(numbers())
        fields |= {"working_side": draw(sides), "pending_side": side, "pending_quantity": quantity}
    if kind in (OtoOrder, OpoOrder):
        fields["pending"] = draw(legs(get_args(Leg), quantity))
    else:
        side = Side.SELL if kind is OpocoOrder else side
        profit, stop = draw(pairs(side, quantity, legacy=kind is LegacyOcoOrder))
        upright = side is Side.SELL or kind is LegacyOcoOrder
        fields |= zip(list(kind.seats)[-2:], (profit, stop) if upright else (stop, profit), strict=True)
    ids = draw(st.lists(client_ids, min_size=3, max_size=3, unique=True))
    for place, name in zip(kind.seats, ids, strict=False):
        if draw(st.booleans()):
            fields[place] = attrs.evolve(fields[place], client_order_id=name)
    return kind(draw(symbols), **fields)


order_lists: st.SearchStrategy[OrderListRequest] = st.sampled_from(get_args(OrderListRequest)).flatmap(lists_of)
"""Any request for an order list."""
