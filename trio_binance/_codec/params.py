"""Orders, outward: requests to the parameters of the wire."""

from __future__ import annotations

from decimal import Decimal

from trio_binance._pure.decimals import to_text
from trio_binance.models import OrderRequest

_ORDER_PARAMS = (
    ("symbol", "symbol"),
    ("side", "side"),
    ("type", "type"),
    ("timeInForce", "time_in_force"),
    ("quantity", "quantity"),
    ("quoteOrderQty", "quote_order_qty"),
    ("price", "price"),
    ("newClientOrderId", "client_order_id"),
    ("strategyId", "strategy_id"),
    ("strategyType", "strategy_type"),
    ("icebergQty", "iceberg_qty"),
    ("newOrderRespType", "new_order_resp_type"),
    ("selfTradePreventionMode", "self_trade_prevention_mode"),
    ("pegPriceType", "peg_price_type"),
    ("pegOffsetValue", "peg_offset_value"),
    ("pegOffsetType", "peg_offset_type"),
)
"""The parameters of "New order", in the order in which the documents list them."""


def order_params(request: OrderRequest) -> dict[str, str]:
    """Return the parameters of a placement, as texts, in the documents' order; what is not given is not there."""
    found = ((wire, getattr(request, name, None)) for wire, name in _ORDER_PARAMS)
    return {wire: _text(value) for wire, value in found if value is not None}


def _text(value: str | int | Decimal) -> str:
    return str(value) if isinstance(value, str) else to_text(value)
