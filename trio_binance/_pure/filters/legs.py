"""The legs: a request as the orders it asks for, each with everything that a filter looks at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance.models import Leg as Terms
from trio_binance.models import OrderListRequest, OrderRequest, OrderType, PegPriceType, Side

ALGO_TYPES = frozenset(
    {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)
"""Orders that wait for a stop price: what MAX_NUM_ALGO_ORDERS counts."""


@attrs.frozen(kw_only=True)
class Leg:
    """One order. ``path`` leads to it in the request, and ``quantity_field`` to its quantity.

    ``waits`` is a leg that comes to the book only when another is filled. ``deferred`` is one whose quantity is not
    known before: that of an OPO.
    """

    side: Side
    type: OrderType
    quantity: Decimal | None = None
    quote_order_qty: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    iceberg_qty: Decimal | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_value: int | None = None
    path: str = ""
    quantity_field: str = "quantity"
    waits: bool = False
    deferred: bool = False

    @property
    def buys(self) -> bool:
        """Whether it is on the bid side."""
        return self.side == Side.BUY

    @property
    def is_algo(self) -> bool:
        """Whether it waits for a stop price."""
        return self.type in ALGO_TYPES

    def name(self, field: str) -> str:
        """Return the path to one of its fields."""
        return f"{self.path}{field}"


_TERMS = ("price", "stop_price", "trailing_delta", "iceberg_qty", "peg_price_type", "peg_offset_value")


def legs_of(request: OrderRequest | OrderListRequest) -> tuple[Leg, ...]:
    """Return the orders of a request, in the order in which the documents list them."""
    if not isinstance(request, OrderListRequest):
        amounts: dict[str, Any] = {name: getattr(request, name, None) for name in ("quantity", "quote_order_qty")}
        return (Leg(side=request.side, type=request.type, **amounts, **_terms_of(request)),)
    one_after_another = hasattr(request, "working")
    return tuple(
        Leg(
            side=side,
            type=terms.type,
            quantity=quantity,
            path=f"{place}.",
            quantity_field=quantity_field(request, place),
            waits=one_after_another and place != "working",
            deferred=quantity is None,
            **_terms_of(terms),
        )
        for place, terms, side, quantity in request.legs
    )


def quantity_field(request: OrderListRequest, place: str) -> str:
    """Return where a list says the quantity of the leg in this place."""
    if not hasattr(request, "working"):
        return "quantity"
    return "working_quantity" if place == "working" else "pending_quantity"


def _terms_of(terms: OrderRequest | Terms) -> dict[str, Any]:
    return {name: getattr(terms, name, None) for name in _TERMS}
