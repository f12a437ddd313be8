"""The filter engine and the embedded exchange, two implementations of the same rules: they agree on every order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.filters.requests import built, decimals, sides
from tests.sandbox.economy import START, ask, customer, quiet_market
from trio_binance._codec.params import order_params
from trio_binance._codec.rest import from_json
from trio_binance._pure.filters import OpenCounts, Prices, Scene, check_order, snap_order
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    AveragePrice,
    ExchangeInfo,
    LimitMakerOrder,
    LimitOrder,
    MarketOrder,
    OrderCheck,
    StopLossLimitOrder,
    StopLossOrder,
    TakeProfitLimitOrder,
    TakeProfitOrder,
)
from trio_binance.sandbox.refusals import Refusal

FILTERS = (-1013, -1111)
"""The codes by which the exchange says that a rule of the symbol refuses an order."""

# around the market of 62000, in and out of each grid, within and beyond each bound
prices = st.one_of(
    decimals("50000", "70000", 2),
    decimals("50000", "70000", 4),
    decimals("0.001", "0.02", 3),
    decimals("1e5", "2e6", 2),
)
quantities = st.one_of(
    decimals("0.0001", "2", 5), decimals("0.00001", "0.0002", 7), decimals("100", "10000", 2), decimals("0.1", "1", 10)
)
waiting: dict[str, Any] = {"stop_price": st.none() | prices, "trailing_delta": st.none() | st.integers(1, 2100)}
icebergs = st.none() | decimals("0.0001", "0.01", 5)


def _orders(kind: Any, **fields: Any) -> st.SearchStrategy[Any]:
    return built(kind, symbol=st.just("BTCUSDT"), side=sides, **fields)


orders = st.one_of(
    _orders(LimitOrder, quantity=quantities, price=prices, iceberg_qty=icebergs),
    _orders(LimitMakerOrder, quantity=quantities, price=prices),
    _orders(MarketOrder, quantity=quantities),
    _orders(MarketOrder, quote_order_qty=decimals("1", "100", 2)),
    _orders(StopLossOrder, quantity=quantities, **waiting),
    _orders(StopLossLimitOrder, quantity=quantities, price=prices, **waiting),
    _orders(TakeProfitOrder, quantity=quantities, **waiting),
    _orders(TakeProfitLimitOrder, quantity=quantities, price=prices, **waiting),
)


class Exchange:
    """A quiet market, and what the engine is told of it."""

    def __init__(self) -> None:
        self.market = quiet_market(7)
        self.account = customer(self.market, BTC="1000", USDT="100000000")
        info = from_json(ask(self.market, "GET /api/v3/exchangeInfo", symbol="BTCUSDT"), ExchangeInfo)
        average = from_json(ask(self.market, "GET /api/v3/avgPrice", symbol="BTCUSDT"), AveragePrice)
        self.scene = Scene(
            symbol=info.symbols[0],
            exchange_filters=info.exchange_filters,
            asset_filters=(),
            execution_rules=(),
            prices=Prices(averages={average.mins: average.price}),
            on_symbol=OpenCounts(),
            on_exchange=OpenCounts(),
            position=Decimal(0),
        )

    def refusal(self, order: Any) -> Refusal | None:
        """Return how the exchange refuses an order, by its API alone."""
        params = {
            name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in order_params(order).items()
        }
        try:
            ask(self.market, "POST /api/v3/order/test", self.account, START, **params)
        except Refusal as refusal:
            return refusal
        return None

    def check(self, order: Any) -> OrderCheck:
        return check_order(order, self.scene)


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange()


@given(order=orders)
def test_the_two_refuse_and_accept_the_same_orders_for_the_same_reasons(exchange: Exchange, order: Any) -> None:
    refusal, found = exchange.refusal(order), exchange.check(order)
    broken = {"precision" if one.filter.endswith("_precision") else str(one.filter) for one in found.violations}
    if refusal is None or refusal.code not in FILTERS:
        assert not broken
        return
    name = "precision" if refusal.code == -1111 else refusal.msg.removeprefix("Filter failure: ")
    assert name in broken | {str(one.filter) for one in found.unchecked}


@given(order=orders)
def test_what_the_engine_snaps_the_exchange_finds_on_its_grids(exchange: Exchange, order: Any) -> None:
    try:
        snapped = snap_order(order, exchange.scene.symbol)
    except InvalidArgument:
        return
    refusal = exchange.refusal(snapped)
    grids = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE")
    assert refusal is None or not (refusal.code == -1111 or refusal.msg.endswith(grids)), refusal


def test_as_many_orders_are_open_as_the_filter_lets_be(exchange: Exchange) -> None:
    known = attrs.evolve(exchange.scene, on_symbol=OpenCounts(orders=200))
    order = LimitOrder("BTCUSDT", "BUY", quantity="0.001", price="60000")
    assert exchange.check(order).ok
    assert [one.filter for one in check_order(order, known).violations] == ["MAX_NUM_ORDERS"]
