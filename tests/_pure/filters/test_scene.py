"""The scene of a check."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests._pure.filters.builders import LOTS, TICKS, check, limit, scene
from trio_binance._pure.filters import Free, Need, Prices, check_order, needs
from trio_binance.models import (
    AccountFilters,
    ExchangeMaxNumOrdersFilter,
    MaxAssetFilter,
    MaxNumOrdersFilter,
    MaxPositionFilter,
    PegPriceType,
    PercentPriceFilter,
    UnknownFilter,
)

D = Decimal
PERCENT = PercentPriceFilter(D(2), D("0.5"), 5)


def test_the_filters_of_the_account_take_the_place_of_those_of_the_same_type() -> None:
    general = scene(
        TICKS,
        MaxNumOrdersFilter(200),
        UnknownFilter("NEW_ONE"),
        exchange_filters=(ExchangeMaxNumOrdersFilter(1000),),
        asset_filters=None,
    )
    mine = general.with_account(
        AccountFilters(
            exchange_filters=(),
            symbol_filters=(MaxNumOrdersFilter(500), UnknownFilter("NEW_ONE")),
            asset_filters=(MaxAssetFilter("BTC", D(1)),),
        )
    )
    assert mine.symbol.filters == (TICKS, MaxNumOrdersFilter(500), UnknownFilter("NEW_ONE"))
    assert mine.exchange_filters == general.exchange_filters
    assert not check_order(limit(quantity=2), mine).ok


def test_a_check_says_what_it_needs_and_an_answer_may_raise_the_next_question() -> None:
    order = limit()
    known: dict[str, Any] = {"execution_rules": None, "asset_filters": None}
    first = needs(order, scene(LOTS, PERCENT, MaxNumOrdersFilter(5), MaxPositionFilter(D(5)), **known))
    assert first == {
        Need.EXECUTION_RULES,
        Need.ACCOUNT_FILTERS,
        Need.REFERENCE_PRICE,
        Need.OPEN_ON_SYMBOL,
        Need.POSITION,
        Need.BALANCES,
    }
    known["free"] = Free(base=D(9), quote=D(900))
    assert needs(order, scene(PERCENT, prices=Prices(), free=known["free"])) == {Need.AVERAGE_PRICE}
    assert needs(order, scene(PERCENT, prices=Prices(averages={5: D(90)}), free=known["free"])) == frozenset()


@pytest.mark.parametrize("peg", [PegPriceType.PRIMARY_PEG, PegPriceType.MARKET_PEG])
def test_an_empty_side_of_the_book_pegs_nothing(peg: PegPriceType) -> None:
    found = check(limit(price=None, peg_price_type=peg), TICKS, best_bid=D(0), best_ask=D(0))
    assert [one.reason for one in found.unchecked] == ["for want of the best prices of the book"]
