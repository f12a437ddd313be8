"""What the tests of the filter engine share: a symbol of any rules, and short ways to ask."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance._pure.filters import Scene, check_order
from trio_binance._pure.filters.funds import RULE
from trio_binance.models import (
    Filter,
    LimitOrder,
    LotSizeFilter,
    MarketOrder,
    OrderCheck,
    OrderType,
    PriceFilter,
    SelfTradePreventionMode,
    Side,
    SymbolInfo,
    SymbolStatus,
    Violation,
)

D = Decimal
TICKS = PriceFilter(D("0.01"), D("1000000.00"), D("0.01"))
LOTS = LotSizeFilter(D("0.001"), D("9000"), D("0.001"))


def symbol(*filters: Filter, **fields: Any) -> SymbolInfo:
    """Return BTCUSDT, which allows everything and has these filters."""
    info = SymbolInfo(
        "BTCUSDT",
        SymbolStatus.TRADING,
        "BTC",
        8,
        "USDT",
        8,
        tuple(OrderType),
        iceberg_allowed=True,
        filters=filters,
        oco_allowed=True,
        oto_allowed=True,
        opo_allowed=True,
        quote_order_qty_market_allowed=True,
        allow_trailing_stop=True,
        cancel_replace_allowed=True,
        amend_allowed=True,
        peg_instructions_allowed=True,
        allowed_self_trade_prevention_modes=tuple(SelfTradePreventionMode),
    )
    return attrs.evolve(info, **fields)


def scene(*filters: Filter, **facts: Any) -> Scene:
    """Return a scene of which all is known, unless ``facts`` say otherwise; those of the symbol go there."""
    fields = {field.name for field in attrs.fields(SymbolInfo)}
    own = {name: facts.pop(name) for name in list(facts) if name in fields}
    return Scene(symbol=symbol(*filters, **own), **{"asset_filters": (), "execution_rules": (), **facts})


def limit(side: Side = Side.BUY, **fields: Any) -> LimitOrder:
    """Return a limit order that nothing is wrong with."""
    return LimitOrder("BTCUSDT", side, **{"quantity": "1.000", "price": "100.00", **fields})


def market(side: Side = Side.BUY, **fields: Any) -> MarketOrder:
    """Return a market order."""
    return MarketOrder("BTCUSDT", side, **fields)


def check(request: Any, *filters: Filter, **facts: Any) -> OrderCheck:
    """Return what these filters say of a request; whether it can be paid for only where the test says what is free."""
    found = check_order(request, scene(*filters, **facts))
    if "free" in facts:
        return found
    return attrs.evolve(found, unchecked=tuple(one for one in found.unchecked if one.filter != RULE))


def only(found: OrderCheck) -> Violation:
    """Return the one thing that is wrong; nothing may be left unchecked."""
    assert found.unchecked == ()
    (violation,) = found.violations
    return violation


def texts(violation: Violation) -> list[str]:
    """Return what would pass, as it would be written."""
    return [str(value) for value in violation.allowed]
