"""The rule of trailing stops."""

from __future__ import annotations

from typing import Any

import pytest

from tests._pure.filters.builders import check, limit, only
from trio_binance.models import (
    Side,
    StopLossLimitOrder,
    StopLossOrder,
    TakeProfitLimitOrder,
    TakeProfitOrder,
    TrailingDeltaFilter,
)

DELTAS = TrailingDeltaFilter(10, 2000, 20, 3000)


@pytest.mark.parametrize(
    "kind, side, least, most",
    [
        (StopLossOrder, Side.BUY, 10, 2000),
        (StopLossLimitOrder, Side.BUY, 10, 2000),
        (TakeProfitOrder, Side.SELL, 10, 2000),
        (TakeProfitLimitOrder, Side.SELL, 10, 2000),
        (StopLossOrder, Side.SELL, 20, 3000),
        (StopLossLimitOrder, Side.SELL, 20, 3000),
        (TakeProfitOrder, Side.BUY, 20, 3000),
        (TakeProfitLimitOrder, Side.BUY, 20, 3000),
    ],
)
def test_above_and_below_the_market_have_bounds_of_their_own(kind: Any, side: Side, least: int, most: int) -> None:
    price = {"price": 100} if kind in (StopLossLimitOrder, TakeProfitLimitOrder) else {}

    def order(delta: int) -> Any:
        return kind("BTCUSDT", side, quantity=1, trailing_delta=delta, **price)

    assert check(order(least), DELTAS).ok
    assert check(order(most), DELTAS).ok
    low, high = only(check(order(least - 1), DELTAS)), only(check(order(most + 1), DELTAS))
    assert (low.filter, low.field, low.allowed) == ("TRAILING_DELTA", "trailing_delta", (least,))
    assert (high.reason, high.allowed) == (f"is above {most}", (most,))
    assert isinstance(low.allowed[0], int)


def test_an_order_that_does_not_trail_is_not_concerned() -> None:
    assert check(StopLossOrder("BTCUSDT", Side.SELL, quantity=1, stop_price=1), DELTAS).ok
    assert check(limit(), DELTAS).ok
