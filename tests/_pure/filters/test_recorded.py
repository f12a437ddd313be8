"""The filter engine on real symbols: every one of a recorded exchange, with all of its filters."""

from __future__ import annotations

import gzip
import os
from decimal import Context, Decimal
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from trio_binance._codec.rest import structure
from trio_binance._pure.filters import Free, OpenCounts, Prices, Scene, check_order, snap_order
from trio_binance.models import (
    ExchangeInfo,
    LimitOrder,
    LotSizeFilter,
    MarketLotSizeFilter,
    MarketOrder,
    NotionalFilter,
    OrderCheck,
    PriceFilter,
    Side,
    SymbolInfo,
    SymbolStatus,
)

pytestmark = pytest.mark.recordings

AWKWARD = Decimal("1.0000000007")
"""Times this, a number on a grid leaves it."""

WIDE = Context(prec=60)

EVERY = 1 if "TRIO_BINANCE_EXAMPLES" in os.environ else 10
"""Every so many symbols are looked at: all 2,000 where many examples are drawn."""


def times(number: Decimal, factor: Decimal | str) -> Decimal:
    """Return a product, with no more decimals than an order can be built with."""
    return WIDE.quantize(WIDE.multiply(number, Decimal(factor)), Decimal("1e-18"))


@pytest.fixture(scope="module")
def symbols(recordings: Path) -> list[SymbolInfo]:
    raw = gzip.decompress((recordings / "exchangeinfo" / "2023-08-13_swapland.json.gz").read_bytes())
    found: ExchangeInfo = structure(raw, ExchangeInfo)
    assert len(found.symbols) == 2276
    return list(found.symbols[::EVERY])


def scene_of(symbol: SymbolInfo, price: Decimal) -> Scene:
    """Return a scene around a price, in which the account could pay; the status is another test's matter."""
    return Scene(
        symbol=attrs.evolve(symbol, status=SymbolStatus.TRADING),
        asset_filters=(),
        execution_rules=(),
        prices=Prices(averages={5: price}),
        on_symbol=OpenCounts(),
        position=Decimal(0),
        free=Free(base=Decimal(10**30), quote=Decimal(10**30)),
    )


def sane_order(symbol: SymbolInfo, rng: Random) -> tuple[LimitOrder, Decimal]:
    """Return an order a little off the grid, of about ten times the least worth, and the market's price."""
    prices, worth = symbol.filter(PriceFilter), symbol.filter(NotionalFilter)
    assert prices is not None
    assert worth is not None
    # some symbols have very few prices: stablecoins, and those that left the exchange
    first, last = int(prices.min_price / prices.tick_size) + 1, int(prices.max_price / prices.tick_size) - 1
    market = prices.tick_size * rng.randint(first, min(first + 100_000, last))
    side = rng.choice([Side.BUY, Side.SELL])
    lots = symbol.filter(LotSizeFilter)
    assert lots is not None
    quantity = times(max(Decimal(10) * worth.min_notional / market, 3 * lots.min_qty), AWKWARD)
    return LimitOrder(symbol.symbol, side, quantity=quantity, price=times(market, AWKWARD)), market


def test_on_every_recorded_symbol_a_snapped_order_passes_what_the_same_order_off_the_grid_did_not(
    symbols: list[SymbolInfo],
) -> None:
    rng = Random(7)
    for symbol in symbols:
        order, price = sane_order(symbol, rng)
        scene = scene_of(symbol, price)
        assert {"PRICE_FILTER", "LOT_SIZE"} <= {str(one.filter) for one in check_order(order, scene).violations}
        snapped = snap_order(order, scene.symbol)
        assert snapped.quantity <= order.quantity
        assert check_order(snapped, scene) == OrderCheck(), symbol.symbol
        assert snap_order(snapped, scene.symbol) == snapped


def test_on_every_recorded_symbol_whatever_is_proposed_passes(symbols: list[SymbolInfo]) -> None:
    rng = Random(8)
    for symbol in symbols:
        order, price = sane_order(symbol, rng)
        scene = scene_of(symbol, price)
        for factor in ("1e-9", "1", "1e9"):
            wrong = attrs.evolve(order, quantity=times(order.quantity, factor))
            for one in check_order(wrong, scene).violations:
                for value in one.allowed:
                    changed: Any = {one.field: value}
                    again = check_order(attrs.evolve(wrong, **changed), scene)
                    assert [left for left in again.violations if left.field == one.field] == [], (symbol.symbol, one)


def test_on_every_recorded_symbol_a_market_order_keeps_its_own_grid(symbols: list[SymbolInfo]) -> None:
    rng = Random(9)
    for symbol in symbols:
        order, price = sane_order(symbol, rng)
        scene = scene_of(symbol, price)
        own = symbol.filter(MarketLotSizeFilter)
        quantity = order.quantity if own is None else min(order.quantity, own.max_qty)
        lots = symbol.filter(LotSizeFilter)
        assert lots is not None
        if quantity >= lots.min_qty:
            snapped = snap_order(MarketOrder(symbol.symbol, order.side, quantity=quantity), scene.symbol)
            names = {str(one.filter) for one in check_order(snapped, scene).violations}
            assert not names & {"LOT_SIZE", "MARKET_LOT_SIZE", "base_asset_precision"}


def test_symbols_that_do_not_trade_are_told(symbols: list[SymbolInfo]) -> None:
    rng = Random(10)
    for symbol in symbols:
        order, price = sane_order(symbol, rng)
        found = check_order(order, attrs.evolve(scene_of(symbol, price), symbol=symbol))
        assert any(one.filter == "status" for one in found.violations) is (symbol.status != SymbolStatus.TRADING)
