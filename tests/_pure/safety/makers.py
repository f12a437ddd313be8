"""Requests as the safety rules look at them, made shortly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trio_binance._codec.params import list_params, order_params
from trio_binance._pure.filters.legs import Leg, legs_of
from trio_binance._pure.intents import Intent
from trio_binance._pure.safety import Proposal
from trio_binance.models import OrderListRequest, OrderRequest, OrderType, Side

PLACE = "POST /api/v3/order"
LISTS = {
    "OcoOrder": "POST /api/v3/orderList/oco",
    "OtoOrder": "POST /api/v3/orderList/oto",
    "OtocoOrder": "POST /api/v3/orderList/otoco",
    "OpoOrder": "POST /api/v3/orderList/opo",
    "OpocoOrder": "POST /api/v3/orderList/opoco",
    "LegacyOcoOrder": "POST /api/v3/order/oco",
}


def leg(side: Side = Side.BUY, kind: OrderType = OrderType.LIMIT, quantity: Any = 1, **fields: Any) -> Leg:
    """Return an order; what is given as int or text becomes a number."""
    numbers: Any = {
        name: Decimal(fields.pop(name)) for name in ("price", "stop_price", "quote_order_qty") if name in fields
    }
    amount = None if quantity is None else Decimal(quantity)
    return Leg(side=side, type=kind, quantity=amount, **numbers, **fields)


def proposal(*legs: Leg, symbol: str = "BTCUSDT", takes: int = 1, frees: int = 0) -> Proposal:
    return Proposal(PLACE, symbol, legs, takes, frees)


def proposal_of(request: OrderRequest | OrderListRequest) -> Proposal:
    legs = legs_of(request)
    return Proposal(PLACE, request.symbol, legs, len(legs))


def intent_of(request: Any, intent_id: str = "i1") -> Intent:
    """Return the intent of a request that has all its client ids."""
    if isinstance(request, OrderListRequest):
        return Intent(intent_id, LISTS[type(request).__name__], list_params(request))
    return Intent(intent_id, PLACE, order_params(request))


def intent(intent_id: str = "i1", operation: str = PLACE, **params: Any) -> Intent:
    """Return a resting order unless the parameters say otherwise."""
    given: dict[str, Any] = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}
    return Intent(intent_id, operation, {**given, "newClientOrderId": f"name of {intent_id}", **params})
