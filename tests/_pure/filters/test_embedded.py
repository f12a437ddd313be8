"""The filter engine and the embedded exchange, two implementations of the same rules: they agree on every order."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.filters.requests import built, decimals, lists_of, sides
from tests.sandbox.economy import START, ask, customer, quiet_market
from trio_binance._codec.params import list_params, order_params
from trio_binance._codec.rest import from_json
from trio_binance._pure.filters import OpenCounts, Prices, Scene, check_order, snap_order
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    AveragePrice,
    ExchangeInfo,
    LegacyOcoOrder,
    LimitMakerOrder,
    LimitOrder,
    MarketOrder,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderCheck,
    OtocoOrder,
    OtoOrder,
    StopLossLimitOrder,
    StopLossOrder,
    TakeProfitLimitOrder,
    TakeProfitOrder,
)
from trio_binance.models.checks import plain
from trio_binance.sandbox.refusals import Refusal

FILTERS = (-1013, -1111)
"""The codes by which the exchange says that a rule of the symbol refuses an order."""

# around the market of 62000, in and out of each grid, within and beyond each bound
prices = st.one_of(
    decimals("50000", "70000", 2),
    decimals("50000", "70000", 4),
    decimals("0.001", "0.02", 3),
    decimals("100000", "2000000", 2),
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


lists = lists_of({"price": prices, "iceberg_qty": icebergs}, waiting, quantities)
PATHS: dict[type[Any], str] = {
    LegacyOcoOrder: "order/oco",
    OcoOrder: "orderList/oco",
    OtoOrder: "orderList/oto",
    OtocoOrder: "orderList/otoco",
    OpoOrder: "orderList/opo",
    OpocoOrder: "orderList/opoco",
}


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
        return self._send("order/test", order_params(order))

    def list_refusal(self, order_list: Any) -> Refusal | None:
        """Return how the exchange refuses an order list; one that it accepts is cancelled again."""
        refusal = self._send(PATHS[type(order_list)], list_params(order_list))
        if refusal is None:
            with suppress(Refusal):  # all of it was filled
                ask(self.market, "DELETE /api/v3/openOrders", self.account, START, symbol="BTCUSDT")
        return refusal

    def _send(self, path: str, params: Any) -> Refusal | None:
        texts = {name: plain(value) for name, value in params.items()}
        try:
            ask(self.market, f"POST /api/v3/{path}", self.account, START, **texts)
        except Refusal as refusal:
            return refusal
        return None

    def check(self, order: Any) -> OrderCheck:
        return check_order(order, self.scene)


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange()


def agree(refusal: Refusal | None, found: OrderCheck) -> None:
    """Compare a refusal with what was found; a refusal of another kind comes before or after those of the filters."""
    broken = {"precision" if one.filter.endswith("_precision") else str(one.filter) for one in found.violations}
    if refusal is None:
        assert not broken
    elif refusal.code in FILTERS:
        name = "precision" if refusal.code == -1111 else refusal.msg.removeprefix("Filter failure: ")
        assert name in broken | {str(one.filter) for one in found.unchecked}


@given(order=orders)
def test_the_two_refuse_and_accept_the_same_orders_for_the_same_reasons(exchange: Exchange, order: Any) -> None:
    refusal = exchange.refusal(order)
    assert refusal is None or refusal.code in FILTERS
    agree(refusal, exchange.check(order))


@given(order_list=lists)
def test_the_two_refuse_and_accept_the_same_order_lists(exchange: Exchange, order_list: Any) -> None:
    found = exchange.check(order_list)
    if isinstance(order_list, OpoOrder | OpocoOrder):
        # the exchange looks at the filters of what is pending only when the working order is filled
        at_once = tuple(one for one in found.violations if "working" in one.field or "precision" in one.filter)
        found = attrs.evolve(found, violations=at_once)
    agree(exchange.list_refusal(order_list), found)


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
