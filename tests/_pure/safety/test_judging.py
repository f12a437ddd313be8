"""The judging: every rule refuses what it should, says what would pass, and lets go of what only takes away."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.safety.makers import leg, proposal, proposal_of
from tests.strategies.requests import numbers, order_lists, orders
from trio_binance._pure.safety import (
    Facts,
    Lack,
    Proposal,
    Reason,
    judge_standing,
    judge_worth,
    lacks,
    needs_reference,
    worth_of,
)
from trio_binance.config import Safety
from trio_binance.models import OrderType, Side

CANCEL = Proposal("DELETE /api/v3/order", "BTCUSDT")
DOLLARS = Facts(Decimal(100), "USDT")


def only(reasons: list[Reason]) -> Reason:
    [reason] = reasons
    return reason


# ------------------------------------------------------------------------------------------- what needs no asking


@given(orders | order_lists, st.integers(0, 1000))
def test_without_a_rule_everything_passes(request: Any, open_orders: int) -> None:
    asked = proposal_of(request)
    assert judge_standing(Safety(), asked, open_orders) == []
    assert judge_worth(Safety(), asked, Facts()) == []
    assert lacks(Safety(), asked) == frozenset()


@pytest.mark.parametrize("asked", [CANCEL, proposal(leg(price=1))], ids=["cancel", "place"])
def test_a_dry_run_refuses_whatever_changes_something(asked: Proposal) -> None:
    reason = only(judge_standing(Safety(dry_run=True), asked, 0))
    assert reason.rule == "dry_run"
    assert "bx.trading.test" in reason.advice


def test_only_symbols_of_the_list_are_traded_and_every_one_can_be_left() -> None:
    safety = Safety(symbols={"ETHUSDT", "BNBUSDT"})
    reason = only(judge_standing(safety, proposal(leg(price=1)), 0))
    assert reason == Reason("symbols", "symbols: BTCUSDT is none of those allowed", advice="allowed: BNBUSDT, ETHUSDT")
    assert judge_standing(safety, proposal(leg(price=1), symbol="ETHUSDT"), 0) == []
    assert judge_standing(safety, CANCEL, 0) == []


@pytest.mark.parametrize(
    ("open_orders", "takes", "frees", "passes"),
    [
        (2, 1, 0, True),
        (3, 1, 0, False),
        (1, 2, 0, True),
        (2, 2, 0, False),
        (0, 4, 0, False),
        (3, 1, 1, True),
        (9, 1, 1, True),
        (9, 0, 0, True),
    ],
)
def test_so_many_orders_may_be_open_and_no_more(open_orders: int, takes: int, frees: int, passes: bool) -> None:
    asked = proposal(leg(price=1), takes=takes, frees=frees)
    reasons = judge_standing(Safety(max_open_orders=3), asked, open_orders)
    assert (reasons == []) is passes
    for reason in reasons:
        assert (reason.rule, reason.value, reason.limit) == ("max_open_orders", open_orders + takes - frees, 3)


def test_every_rule_that_is_broken_is_told() -> None:
    safety = Safety(dry_run=True, symbols={"ETHUSDT"}, max_open_orders=1)
    rules = [reason.rule for reason in judge_standing(safety, proposal(leg(price=1)), 1)]
    assert rules == ["dry_run", "symbols", "max_open_orders"]


# ------------------------------------------------------------------------------------------------------ the worth


def test_what_moves_exactly_the_most_passes_and_a_grain_more_does_not() -> None:
    safety = Safety(max_notional="100.5")
    assert judge_worth(safety, proposal(leg(price="100.5")), Facts()) == []
    reason = only(judge_worth(safety, proposal(leg(price="100.50000000000000001")), Facts()))
    assert reason.told == "max_notional: worth 100.50000001 of quote asset, more than 100.5"
    assert reason.limit == Decimal("100.5")
    assert reason.value is not None
    assert reason.value > reason.limit


def test_it_is_told_which_quantity_would_pass() -> None:
    reason = only(judge_worth(Safety(max_notional=1000), proposal(leg(price=30, quantity=50)), DOLLARS))
    assert reason.told == "max_notional: worth 1500 USDT, more than 1000"
    assert reason.advice == "at 30 a quantity up to 33.33333333 would pass"
    assert judge_worth(Safety(max_notional=1000), proposal(leg(price=30, quantity="33.33333333")), DOLLARS) == []
    by_quote = proposal(leg(kind=OrderType.MARKET, quantity=None, quote_order_qty=2000))
    assert only(judge_worth(Safety(max_notional=1000), by_quote, Facts())).advice == (
        "quote_order_qty up to 1000 would pass"
    )
    pair = proposal(leg(price=3000), leg(price=2000))
    assert only(judge_worth(Safety(max_notional=1000), pair, Facts())).advice.startswith("all its orders count")


def test_where_no_price_is_known_it_is_refused() -> None:
    asked = proposal(leg(Side.SELL, OrderType.MARKET, quantity="0.00000001"))
    reason = only(judge_worth(Safety(max_notional=10**9), asked, Facts()))
    assert reason.told == ("max_notional: what it is worth cannot be told, for no price of BTCUSDT is known")


def test_a_symbol_s_own_limit_comes_before_that_of_its_quote_asset() -> None:
    safety = Safety(max_notional={"BTCUSDT": 50, "USDT": 500})
    assert only(judge_worth(safety, proposal(leg(price=100)), DOLLARS)).limit == 50
    assert judge_worth(safety, proposal(leg(price=100), symbol="ETHUSDT"), DOLLARS) == []


def test_what_a_mapping_does_not_name_is_refused() -> None:
    safety = Safety(max_notional={"USDT": 500})
    asked = proposal(leg(price="0.00000001"), symbol="ETHBTC")
    assert "neither ETHBTC nor its quote asset, BTC" in only(judge_worth(safety, asked, Facts(None, "BTC"))).told
    assert "neither ETHBTC nor its quote asset, unknown" in only(judge_worth(safety, asked, Facts())).told


def test_what_only_takes_away_has_no_worth() -> None:
    assert judge_worth(Safety(max_notional=1), CANCEL, Facts()) == []
    assert lacks(Safety(max_notional=1), CANCEL) == frozenset()


@pytest.mark.parametrize(
    ("most", "order", "lacking"),
    [
        (1, leg(price=1), []),
        (1, leg(Side.SELL, price=1), [Lack.REFERENCE]),
        ({"BTCUSDT": 1}, leg(price=1), []),
        ({"USDT": 1}, leg(price=1), [Lack.QUOTE_ASSET]),
        ({"USDT": 1}, leg(Side.SELL, price=1), [Lack.REFERENCE, Lack.QUOTE_ASSET]),
    ],
    ids=str,
)
def test_only_what_is_needed_is_asked_for(most: Any, order: Any, lacking: list[Lack]) -> None:
    assert lacks(Safety(max_notional=most), proposal(order)) == set(lacking)


@given(orders | order_lists, numbers(), st.none() | numbers())
def test_nothing_passes_that_is_worth_more_or_whose_worth_is_not_known(
    request: Any, most: Decimal, reference: Decimal | None
) -> None:
    asked = proposal_of(request)
    reasons = judge_worth(Safety(max_notional=most), asked, Facts(reference))
    worth = worth_of(asked.legs, reference)
    assert (reasons == []) == (worth is not None and worth <= Fraction(most))
    assert worth is not None or (reference is None and needs_reference(asked.legs))


@given(numbers(), numbers(), numbers())
def test_the_quantity_of_the_advice_passes(price: Decimal, quantity: Decimal, most: Decimal) -> None:
    safety = Safety(max_notional=most)
    for reason in judge_worth(safety, proposal(leg(price=price, quantity=quantity)), Facts()):
        advised = Decimal(reason.advice.split(" up to ")[1].removesuffix(" would pass"))
        assert advised < quantity
        assert judge_worth(safety, proposal(leg(price=price, quantity=advised)), Facts()) == []
