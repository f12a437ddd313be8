"""The funds: what an order costs, in which asset, and whether that much is free."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests._pure.filters.builders import LOTS, D, check, limit, market, only, scene
from tests._pure.filters.test_counts import OTOCO
from trio_binance._pure.filters import Free, Need, check_order, free_of, needs
from trio_binance.models import (
    Balance,
    LimitMakerLeg,
    OcoOrder,
    PegPriceType,
    Side,
    StopLossLimitLeg,
    StopLossOrder,
)

FREE = Free(base=D("0.5"), quote=D("12.50"))


def said(request: Any, **facts: Any) -> tuple[list[str], list[str]]:
    """Return what is said of the payment: what is wrong, and what is left open."""
    found = check(request, **{"free": FREE, **facts})
    wrong = [str(one).partition(" (would pass")[0] for one in found.violations]
    return wrong, [f"{one.field}: {one.reason}" for one in found.unchecked]


def test_an_order_that_can_be_paid_for_to_the_last_cent_passes() -> None:
    assert said(limit(quantity="0.125")) == ([], [])
    assert said(limit(Side.SELL, quantity="0.5")) == ([], [])
    assert said(market(Side.SELL, quantity="0.5")) == ([], [])
    assert said(market(quote_order_qty="12.50")) == ([], [])


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (limit(), "quantity=1.000 needs 100 USDT, free 12.50 (would pass: 0.125)"),
        (limit(Side.SELL), "quantity=1.000 needs 1 BTC, free 0.5 (would pass: 0.500)"),
        (market(Side.SELL, quantity=1), "quantity=1 needs 1 BTC, free 0.5 (would pass: 0.500)"),
        (market(quote_order_qty=13), "quote_order_qty=13 needs 13 USDT, free 12.50"),
        (StopLossOrder("BTCUSDT", Side.SELL, quantity=1, stop_price=9), "quantity=1 needs 1 BTC, free 0.5"),
    ],
)
def test_an_order_that_cannot_be_paid_for_is_told_with_the_numbers(request_: Any, words: str) -> None:
    found = only(check(request_, LOTS, free=FREE))
    assert str(found).startswith(f"balance: {words}")


def test_a_market_buy_is_too_dear_or_its_price_is_to_come() -> None:
    told = [["balance: quantity=1 needs 100 USDT, free 12.50"], []]
    assert list(said(market(quantity=1), best_ask=D(100))) == told
    assert said(market(quantity="0.1"), best_ask=D(100)) == (
        [],
        ["quantity: what it costs is known when it is executed"],
    )
    assert needs(market(quantity=1), scene(free=FREE)) == {Need.BOOK}
    assert said(market(Side.SELL, quote_order_qty=5))[1] == [
        "quote_order_qty: what it sells is known when it is executed"
    ]


def test_what_is_locked_without_a_price_nobody_says() -> None:
    order = StopLossOrder("BTCUSDT", Side.BUY, quantity=1, stop_price=900)
    assert said(order) == ([], ["quantity: the documents do not say what is locked for an order without a price"])


def test_a_pegged_order_costs_what_the_peg_says() -> None:
    order = limit(price=None, peg_price_type=PegPriceType.PRIMARY_PEG)
    assert said(order, best_bid=D(40))[0] == ["balance: quantity=1.000 needs 40 USDT, free 12.50"]
    assert needs(order, scene(free=FREE)) == {Need.BOOK}


def test_an_order_that_replaces_another_may_be_paid_for_by_it() -> None:
    known = scene(free=FREE)
    assert check_order(limit(quantity="0.1"), known, replaces=True).unchecked == ()
    found = check_order(limit(), known, replaces=True)
    assert found.ok
    assert [str(one) for one in found.unchecked] == [
        "balance: quantity unchecked, needs 100 USDT, free 12.50, and what the replaced order has locked"
    ]


def test_of_a_pair_the_dearer_counts_and_of_what_waits_nothing() -> None:
    pair = OcoOrder(
        "BTCUSDT",
        Side.BUY,
        quantity=1,
        above=StopLossLimitLeg(stop_price=19, price=20),
        below=LimitMakerLeg(price=10),
    )
    assert said(pair)[0] == ["balance: quantity=1 needs 20 USDT, free 12.50"]
    sold = attrs.evolve(
        pair,
        side=Side.SELL,
        above=LimitMakerLeg(price=20),
        below=StopLossLimitLeg(stop_price=10, price=10),
    )
    assert said(sold)[0] == ["balance: quantity=1 needs 1 BTC, free 0.5"]
    wrong, left = said(OTOCO)
    assert all(one.startswith("balance: working_quantity=") for one in wrong)
    assert {one.partition(": ")[2] for one in left} == {"the exchange judges it when the working order is filled"}


def test_free_is_what_no_order_has_locked() -> None:
    symbol = scene().symbol
    balances = [Balance("USDT", D("1.50"), D(100)), Balance("BNB", D(9), D(0))]
    assert free_of(symbol, balances) == Free(base=D(0), quote=D("1.50"))
