"""The permissions: what the symbol lets be done at all, before any number is looked at.

Each is named by the field of ``SymbolInfo`` that states it. Where an answer lacks that field, as those of binance.us
and old ones do, it cannot be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trio_binance.models import (
    OpocoOrder,
    OpoOrder,
    OrderListRequest,
    OrderRequest,
    OtocoOrder,
    OtoOrder,
    SymbolInfo,
    SymbolStatus,
    Violation,
)

from .findings import Doubt, Findings
from .legs import Leg

_LIST_PERMISSIONS = {
    OtoOrder: ("oto_allowed",),
    # the documents say it of OPO and OPOCO; that the pair in an OTOCO needs both is read from those
    OtocoOrder: ("oto_allowed", "oco_allowed"),
    OpoOrder: ("oto_allowed", "opo_allowed"),
    OpocoOrder: ("oto_allowed", "opo_allowed", "oco_allowed"),
}


def permissions(
    request: OrderRequest | OrderListRequest, legs: Sequence[Leg], symbol: SymbolInfo, *, replaces: bool
) -> Findings:
    """Say what of the request the symbol does not let be done; ``replaces`` is a request that cancels another order."""
    yield from is_open(symbol, SymbolStatus.TRADING)
    yield from _modes(request, symbol)
    if isinstance(request, OrderListRequest):
        for rule in _LIST_PERMISSIONS.get(type(request), ("oco_allowed",)):
            yield from switch(symbol, rule, "type", type(request).__name__)
    if replaces:
        yield from switch(symbol, "cancel_replace_allowed", "type", "cancelReplace")
    for leg in legs:
        yield from _of_leg(leg, symbol)


def is_open(symbol: SymbolInfo, *statuses: SymbolStatus) -> Findings:
    """``status``: orders are placed while the symbol trades, and amended in ``CANCEL_ONLY`` too."""
    if symbol.status not in statuses:
        reason = f"is in {symbol.status}, and not in {' or '.join(statuses)}"
        yield Violation("status", "symbol", symbol.symbol, reason)


def switch(symbol: SymbolInfo, rule: str, field: str, value: str | int | Decimal) -> Findings:
    """Say whether the symbol allows what one of its switches stands for."""
    allowed: bool | None = getattr(symbol, rule)
    if allowed is None:
        yield Doubt(rule, field, f"the exchange does not say whether {symbol.symbol} allows it")
    elif not allowed:
        yield Violation(rule, field, value, f"is not allowed on {symbol.symbol}")


def _modes(request: OrderRequest | OrderListRequest, symbol: SymbolInfo) -> Findings:
    # -1013 "This symbol does not allow the specified self-trade prevention mode."
    mode, rule = request.self_trade_prevention_mode, "allowed_self_trade_prevention_modes"
    modes = symbol.allowed_self_trade_prevention_modes
    if mode is None:
        return
    if modes is None:
        yield Doubt(rule, "self_trade_prevention_mode", f"the exchange does not say which {symbol.symbol} allows")
    elif mode not in modes:
        yield Violation(rule, "self_trade_prevention_mode", mode, f"is not allowed on {symbol.symbol}", modes)


def _of_leg(leg: Leg, symbol: SymbolInfo) -> Findings:
    if leg.type not in symbol.order_types:
        reason = f"is no order type of {symbol.symbol}"
        yield Violation("order_types", leg.name("type"), leg.type, reason, symbol.order_types)
    for rule, field, value in (
        ("iceberg_allowed", "iceberg_qty", leg.iceberg_qty),
        ("allow_trailing_stop", "trailing_delta", leg.trailing_delta),
        ("peg_instructions_allowed", "peg_price_type", leg.peg_price_type),
        ("quote_order_qty_market_allowed", "quote_order_qty", leg.quote_order_qty),
    ):
        if value is not None:
            yield from switch(symbol, rule, leg.name(field), value)
