"""Orders: what is left, what crosses, whose commission is whose."""

from __future__ import annotations

import pytest

from trio_binance.sandbox.orders import Fill

from .economy import UNIT, limit, trader


@pytest.mark.parametrize(
    ("side", "price", "crosses"), [("BUY", 10, True), ("BUY", 11, False), ("SELL", 10, True), ("SELL", 9, False)]
)
def test_a_limit_crosses_at_its_price_or_better(side: str, price: int, crosses: bool) -> None:
    order = limit(trader(1), side, 10, 1)
    assert order.crosses(price * UNIT) is crosses
    order.price = 0
    assert order.crosses(price * UNIT)


def test_what_is_left_counts_fills_and_prevented_parts() -> None:
    order = limit(trader(1), "BUY", 10, 5)
    order.executed, order.prevented = UNIT, 2 * UNIT
    assert order.remaining == 2 * UNIT
    assert [order.is_open for order.status in ("NEW", "PARTIALLY_FILLED", "FILLED", "EXPIRED_IN_MATCH")] == [
        True,
        True,
        False,
        False,
    ]


def test_each_party_has_its_own_commission() -> None:
    taker, maker = limit(trader(1), "BUY", 10, 1), limit(trader(2), "SELL", 10, 1)
    fill = Fill(1, 10, 1, 10, taker, maker, (3, "BTC"), (4, "USDT"))
    assert (fill.fee_of(taker), fill.fee_of(maker)) == ((3, "BTC"), (4, "USDT"))
