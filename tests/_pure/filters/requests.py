"""Requests and rules of every kind, drawn at random; what cannot be built is drawn again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import attrs
from hypothesis import reject
from hypothesis import strategies as st

from trio_binance._pure.filters import Free, OpenCounts, Prices, Scene
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    ExchangeMaxNumAlgoOrdersFilter,
    ExchangeMaxNumIcebergOrdersFilter,
    ExchangeMaxNumOrderListsFilter,
    ExchangeMaxNumOrdersFilter,
    Filter,
    IcebergPartsFilter,
    LegacyOcoOrder,
    LimitLeg,
    LimitMakerLeg,
    LimitMakerOrder,
    LimitOrder,
    LotSizeFilter,
    MarketLeg,
    MarketLotSizeFilter,
    MarketOrder,
    MaxAssetFilter,
    MaxNumAlgoOrdersFilter,
    MaxNumIcebergOrdersFilter,
    MaxNumOrderListsFilter,
    MaxNumOrdersFilter,
    MaxPositionFilter,
    MinNotionalFilter,
    NotionalFilter,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OtocoOrder,
    OtoOrder,
    PercentPriceBySideFilter,
    PercentPriceFilter,
    PriceFilter,
    PriceRangeRule,
    Side,
    StopLossLeg,
    StopLossLimitLeg,
    StopLossLimitOrder,
    StopLossOrder,
    TakeProfitLeg,
    TakeProfitLimitLeg,
    TakeProfitLimitOrder,
    TakeProfitOrder,
    TrailingDeltaFilter,
)

from .builders import symbol


def decimals(least: str, most: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(least), Decimal(most), places=places)


sides = st.sampled_from([Side.BUY, Side.SELL])
# few decimals where rules are to be met, many where they are not
prices = st.one_of(decimals("1", "300", 1), decimals("0.001", "300", 3), decimals("0.000000001", "20", 9))
quantities = st.one_of(decimals("1", "50", 1), decimals("0.001", "50", 3), decimals("0.000000001", "9", 9))
deltas = st.integers(1, 60)
maybe = st.none()

_RESTING: dict[str, Any] = {"price": prices, "iceberg_qty": maybe | quantities}
_WAITING: dict[str, Any] = {"stop_price": prices, "trailing_delta": maybe | deltas}


@st.composite
def built(draw: st.DrawFn, /, kind: Callable[..., Any], **fields: Any) -> Any:
    """Draw the fields until they can stand together."""
    for _ in range(6):
        with suppress(InvalidArgument):
            return kind(**{name: draw(one) for name, one in fields.items()})
    return reject()


def _order(kind: Any, **fields: Any) -> st.SearchStrategy[Any]:
    return built(kind, symbol=st.just("BTCUSDT"), side=sides, quantity=quantities, **fields)


orders = st.one_of(
    _order(LimitOrder, **_RESTING),
    _order(LimitMakerOrder, **_RESTING),
    _order(MarketOrder),
    built(MarketOrder, symbol=st.just("BTCUSDT"), side=sides, quote_order_qty=quantities),
    _order(StopLossOrder, **_WAITING),
    _order(StopLossLimitOrder, **_RESTING, **_WAITING),
    _order(TakeProfitOrder, **_WAITING),
    _order(TakeProfitLimitOrder, **_RESTING, **_WAITING),
)


def _list(kind: Any, **fields: Any) -> st.SearchStrategy[Any]:
    return built(kind, symbol=st.just("BTCUSDT"), **fields)


def lists_of(resting: Any, waiting: Any, amounts: st.SearchStrategy[Decimal]) -> st.SearchStrategy[Any]:
    """Return order lists of every kind, whose legs have these fields."""
    makers = built(LimitMakerLeg, **resting)
    working = st.one_of(built(LimitLeg, **resting), makers)
    stops = st.one_of(built(StopLossLeg, **waiting), built(StopLossLimitLeg, **resting, **waiting))
    profits = st.one_of(makers, built(TakeProfitLeg, **waiting), built(TakeProfitLimitLeg, **resting, **waiting))
    any_leg = st.one_of(working, stops, profits, st.just(MarketLeg()))
    pair: Any = {"above": profits, "below": stops}
    first: Any = {"working": working, "working_quantity": amounts}
    then: Any = {"working_side": sides, "pending_side": sides, "pending_quantity": amounts}
    return st.one_of(
        _list(OcoOrder, side=st.just(Side.SELL), quantity=amounts, **pair),
        _list(OcoOrder, side=st.just(Side.BUY), quantity=amounts, above=stops, below=profits),
        _list(LegacyOcoOrder, side=sides, quantity=amounts, limit=makers, stop=stops),
        _list(OtoOrder, pending=any_leg, **first, **then),
        _list(OtocoOrder, **first, **then, **pair),
        _list(OpoOrder, pending=any_leg, **first),
        _list(OpocoOrder, **first, **pair),
    )


lists = lists_of(_RESTING, _WAITING, quantities)
requests = st.one_of(orders, lists)
"""Any order or order list of BTCUSDT, without pegs."""

_ZERO = st.just(Decimal(0))
_steps = st.sampled_from([Decimal(step) for step in ("0", "0.1", "0.25", "0.01000000", "0.003", "2")])
_low = st.one_of(_ZERO, decimals("0.01", "5", 2))
_high = st.one_of(_ZERO, decimals("5", "400", 2))
_factors = st.one_of(decimals("0.1", "1", 2), _ZERO), st.one_of(decimals("1", "3", 2), _ZERO)
_limits = st.integers(0, 6)
_flags = st.booleans()

grids = st.tuples(
    st.builds(PriceFilter, _low, _high, _steps),
    st.builds(LotSizeFilter, _low, _high, _steps),
    st.builds(MarketLotSizeFilter, _low, _high, _steps),
)
"""The filters of the grids alone."""

_OPTIONAL = [
    st.builds(PercentPriceFilter, _factors[1], _factors[0], st.sampled_from([0, 5])),
    st.builds(PercentPriceBySideFilter, _factors[1], _factors[0], _factors[1], _factors[0], st.sampled_from([0, 5])),
    st.builds(MinNotionalFilter, _low, apply_to_market=_flags, avg_price_mins=st.just(5)),
    st.builds(NotionalFilter, _low, _flags, _high, _flags, st.just(5)),
    st.builds(IcebergPartsFilter, st.integers(1, 10)),
    st.builds(MaxPositionFilter, decimals("0", "60", 1)),
    st.builds(TrailingDeltaFilter, st.integers(0, 10), st.integers(20, 50), st.integers(0, 10), st.integers(20, 50)),
    *(st.builds(one, _limits) for one in (MaxNumOrdersFilter, MaxNumAlgoOrdersFilter)),
    *(st.builds(one, _limits) for one in (MaxNumIcebergOrdersFilter, MaxNumOrderListsFilter)),
]
_EXCHANGE = [
    st.builds(one, _limits)
    for one in (
        ExchangeMaxNumOrdersFilter,
        ExchangeMaxNumAlgoOrdersFilter,
        ExchangeMaxNumIcebergOrdersFilter,
        ExchangeMaxNumOrderListsFilter,
    )
]
_counts = st.builds(OpenCounts, orders=_limits, algo=_limits, iceberg=_limits, lists=_limits)
_asset = st.builds(MaxAssetFilter, st.sampled_from(["BTC", "USDT", "ETH"]), decimals("0", "900", 1))
_measures = st.one_of(
    st.builds(Prices, reference=decimals("1", "300", 2)),
    st.builds(Prices, averages=decimals("1", "300", 2).map(lambda price: {5: price}), last=decimals("1", "300", 2)),
)


def _some(rules: list[st.SearchStrategy[Any]]) -> st.SearchStrategy[tuple[Filter, ...]]:
    return st.tuples(*(st.none() | one for one in rules)).map(lambda found: tuple(one for one in found if one))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Return a scene of which everything is known."""
    filters = (*draw(grids), *draw(_some(_OPTIONAL)))
    return Scene(
        symbol=attrs.evolve(symbol(*filters), base_asset_precision=8, quote_asset_precision=8),
        exchange_filters=draw(_some(_EXCHANGE)),
        asset_filters=draw(st.lists(_asset, max_size=1).map(tuple)),
        execution_rules=draw(st.sampled_from([(), (PriceRangeRule(Decimal("1.1"), Decimal("0.9")),)])),
        prices=draw(_measures),
        best_bid=Decimal(99),
        best_ask=Decimal(100),
        on_symbol=draw(_counts),
        on_exchange=draw(_counts),
        position=draw(decimals("0", "30", 1)),
        free=draw(st.builds(Free, base=decimals("0", "20", 1), quote=decimals("0", "3000", 1))),
    )
