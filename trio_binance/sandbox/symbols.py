"""Symbols: what is traded, by which rules, and how exchangeInfo tells it."""

from __future__ import annotations

import attrs

from .numbers import SCALE, text

STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")


@attrs.frozen(kw_only=True)
class Symbol:
    """A pair and its rules; prices and quantities in atoms (1e-8)."""

    name: str
    base: str
    quote: str
    start_price: int
    """Where the market makers begin, give or take half a percent by seed."""
    tick: int
    step: int
    min_price: int
    max_price: int
    min_quantity: int
    max_quantity: int
    max_market_quantity: int
    min_notional: int
    max_notional: int = 9_000_000 * SCALE
    percent_up: int = 5
    percent_down_tenths: int = 2
    max_orders: int = 200
    depth_notional: int
    """The largest order that a market maker quotes, in atoms of the quote asset."""
    crosses: tuple[str, str] | None = None
    """The two symbols whose ratio is this one's fair price."""


def _usdt(base: str, price: int, step: int, max_quantity: int, max_market: int) -> Symbol:
    return Symbol(
        name=f"{base}USDT",
        base=base,
        quote="USDT",
        start_price=price * SCALE,
        tick=SCALE // 100,
        step=step,
        min_price=SCALE // 100,
        max_price=1_000_000 * SCALE,
        min_quantity=step,
        max_quantity=max_quantity * SCALE,
        max_market_quantity=max_market * SCALE,
        min_notional=5 * SCALE,
        depth_notional=20_000 * SCALE,
    )


SYMBOLS: tuple[Symbol, ...] = (
    _usdt("BTC", 62_000, 1_000, 9_000, 120),
    _usdt("ETH", 3_000, 10_000, 9_000, 2_500),
    _usdt("BNB", 600, 100_000, 90_000, 5_000),
    _usdt("SOL", 150, 100_000, 90_000, 40_000),
    Symbol(
        name="ETHBTC",
        base="ETH",
        quote="BTC",
        start_price=4_838_000,
        tick=1_000,
        step=10_000,
        min_price=1_000,
        max_price=922_327 * SCALE,
        min_quantity=10_000,
        max_quantity=100_000 * SCALE,
        max_market_quantity=2_000 * SCALE,
        min_notional=10_000,
        depth_notional=SCALE // 3,
        crosses=("ETHUSDT", "BTCUSDT"),
    ),
)


def filters(symbol: Symbol) -> list[dict[str, object]]:
    """Return the symbol's filters as exchangeInfo lists them."""
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text(symbol.min_price),
            "maxPrice": text(symbol.max_price),
            "tickSize": text(symbol.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text(symbol.min_quantity),
            "maxQty": text(symbol.max_quantity),
            "stepSize": text(symbol.step),
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": text(0),
            "maxQty": text(symbol.max_market_quantity),
            "stepSize": text(0),
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(symbol.percent_up),
            "bidMultiplierDown": f"0.{symbol.percent_down_tenths}",
            "askMultiplierUp": str(symbol.percent_up),
            "askMultiplierDown": f"0.{symbol.percent_down_tenths}",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(symbol.min_notional),
            "applyMinToMarket": True,
            "maxNotional": text(symbol.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": symbol.max_orders},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
    ]


def exchange_info(symbol: Symbol, status: str, *, permission_sets: bool = True) -> dict[str, object]:
    """Return the symbol's entry in exchangeInfo; what this exchange lacks it says it does not allow."""
    return {
        "symbol": symbol.name,
        "status": status,
        "baseAsset": symbol.base,
        "baseAssetPrecision": 8,
        "quoteAsset": symbol.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(symbol),
        "permissions": [],
        "permissionSets": [["SPOT"]] if permission_sets else [],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": list(STP_MODES),
    }
