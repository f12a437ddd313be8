"""Symbols: what is traded, by which rules, and how exchangeInfo tells it."""

from __future__ import annotations

import attrs

from .numbers import SCALE, text
from .reference import ArithmeticMean, PercentPrice, PriceRange

STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
KINDS = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
SORS: tuple[tuple[str, tuple[str, ...]], ...] = (("BTC", ("BTCUSDT", "BTCUSDC")),)
"""Symbols among which smart order routing chooses: base asset and names."""
EXCHANGE_LIMITS = {
    "EXCHANGE_MAX_NUM_ORDERS": 1_000,
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": 200,
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": 10_000,
    "EXCHANGE_MAX_NUM_ORDER_LISTS": 100,
}
ASSET_LIMITS = {"SOL": 50_000 * SCALE}
"""MAX_ASSET: the most of an asset that a single order may move."""


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
    min_market_quantity: int = 0
    market_step: int = 0
    """Of this and every bound of a price or a quantity, 0 is no bound."""
    min_notional: int
    max_notional: int | None = 9_000_000 * SCALE
    """``None`` for a symbol whose filter is MIN_NOTIONAL and not NOTIONAL."""
    min_to_market: bool = True
    max_to_market: bool = False
    """Whether the bounds of a notional apply to MARKET orders."""
    percent: PercentPrice | None = attrs.field(factory=PercentPrice)
    average_minutes: int = 5
    """Over which time filters average prices: 5, or 0 for the last price. A reference price comes before either."""
    max_orders: int = 200
    max_algo_orders: int = 5
    max_icebergs: int | None = None
    max_order_lists: int = 20
    max_amendments: int = 10
    max_position: int | None = None
    iceberg_parts: int = 100
    trailing_above: tuple[int, int] = (10, 2_000)
    """Least and largest delta of an order that is triggered above the market: BUY STOP_LOSS and SELL TAKE_PROFIT."""
    trailing_below: tuple[int, int] = (10, 2_000)
    stp_modes: tuple[str, ...] = STP_MODES
    stp_default: str = "EXPIRE_MAKER"
    kinds: tuple[str, ...] = KINDS
    icebergs: bool = True
    trailing: bool = True
    pegs: bool = True
    amends: bool = True
    replaces: bool = True
    discount: bool = True
    """Whether commission may be paid in BNB, for less."""
    lists: frozenset[str] = frozenset({"OCO", "OTO", "OPO"})
    """Which kinds of order lists it takes."""
    depth_notional: int
    """The largest order that a market maker quotes, in atoms of the quote asset."""
    crosses: tuple[str, ...] = ()
    """The symbol whose fair price is this one's too, or two whose ratio is."""
    mean: ArithmeticMean | None = None
    external: int | None = None
    """How its reference price is made: a mean of trade prices, a calculation by id elsewhere, or it never has one."""
    price_range: PriceRange | None = None


def _dollars(base: str, price: int, step: int, max_quantity: int, max_market: int, quote: str = "USDT") -> Symbol:
    return Symbol(
        name=base + quote,
        base=base,
        quote=quote,
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
    _dollars("BTC", 62_000, 1_000, 9_000, 120),
    _dollars("ETH", 3_000, 10_000, 9_000, 2_500),
    attrs.evolve(
        _dollars("BNB", 600, 100_000, 90_000, 5_000),
        mean=ArithmeticMean(10, 1_000_000),
        price_range=PriceRange(10_500, 9_500, 10_500, 9_500),
    ),
    attrs.evolve(_dollars("SOL", 150, 100_000, 90_000, 40_000), external=0),
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
    attrs.evolve(_dollars("BTC", 62_000, 1_000, 9_000, 120, "USDC"), crosses=("BTCUSDT",)),
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
        {"filterType": "ICEBERG_PARTS", "limit": symbol.iceberg_parts},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": text(symbol.min_market_quantity),
            "maxQty": text(symbol.max_market_quantity),
            "stepSize": text(symbol.market_step),
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": symbol.trailing_above[0],
            "maxTrailingAboveDelta": symbol.trailing_above[1],
            "minTrailingBelowDelta": symbol.trailing_below[0],
            "maxTrailingBelowDelta": symbol.trailing_below[1],
        },
        *(() if symbol.percent is None else (symbol.percent.row(symbol.average_minutes),)),
        _notional(symbol),
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": symbol.max_orders},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": symbol.max_order_lists},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": symbol.max_algo_orders},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": symbol.max_amendments},
        *_rare(symbol),
    ]


def _notional(symbol: Symbol) -> dict[str, object]:
    least, minutes = {"minNotional": text(symbol.min_notional)}, {"avgPriceMins": symbol.average_minutes}
    if symbol.max_notional is None:
        return {"filterType": "MIN_NOTIONAL", **least, "applyToMarket": symbol.min_to_market, **minutes}
    return {
        "filterType": "NOTIONAL",
        **least,
        "applyMinToMarket": symbol.min_to_market,
        "maxNotional": text(symbol.max_notional),
        "applyMaxToMarket": symbol.max_to_market,
        **minutes,
    }


def _rare(symbol: Symbol) -> list[dict[str, object]]:
    """Return the filters that few symbols have."""
    rows: list[dict[str, object]] = []
    if symbol.max_icebergs is not None:
        rows.append({"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": symbol.max_icebergs})
    if symbol.max_position is not None:
        rows.append({"filterType": "MAX_POSITION", "maxPosition": text(symbol.max_position)})
    return rows


def exchange_filters() -> list[dict[str, object]]:
    """Return the filters of the whole exchange."""
    fields = ("maxNumOrders", "maxNumAlgoOrders", "maxNumIcebergOrders", "maxNumOrderLists")
    limits = zip(EXCHANGE_LIMITS.items(), fields, strict=True)
    return [{"filterType": kind, field: limit} for (kind, limit), field in limits]


def asset_filters(symbol: Symbol) -> list[dict[str, object]]:
    """Return the filters of the symbol's assets; only myFilters shows them."""
    return [
        {"filterType": "MAX_ASSET", "asset": asset, "limit": text(ASSET_LIMITS[asset])}
        for asset in (symbol.base, symbol.quote)
        if asset in ASSET_LIMITS
    ]


def exchange_info(symbol: Symbol, status: str, *, permission_sets: bool = True) -> dict[str, object]:
    """Return the symbol's entry in exchangeInfo."""
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
        "orderTypes": list(symbol.kinds),
        "icebergAllowed": symbol.icebergs,
        "ocoAllowed": "OCO" in symbol.lists,
        "otoAllowed": "OTO" in symbol.lists,
        "opoAllowed": "OPO" in symbol.lists,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": symbol.trailing,
        "cancelReplaceAllowed": symbol.replaces,
        "amendAllowed": symbol.amends,
        "pegInstructionsAllowed": symbol.pegs,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(symbol),
        "permissions": [],
        "permissionSets": [["SPOT"]] if permission_sets else [],
        "defaultSelfTradePreventionMode": symbol.stp_default,
        "allowedSelfTradePreventionModes": list(symbol.stp_modes),
    }
