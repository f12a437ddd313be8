"""The result of a check: what it tells, and how it reads."""

from __future__ import annotations

from decimal import Decimal

from trio_binance.models import FilterType, OrderCheck, Unchecked, Violation
from trio_binance.models.checks import plain

D = Decimal
TICK = Violation("PRICE_FILTER", "price", D("61000.005"), "is no multiple of 0.01", (D("61000.00"), D("61000.01")))
COUNT = Violation("MAX_NUM_ORDERS", "open_orders", 201, "with this one, more than 200", (200,))
SWITCH = Violation("oco_allowed", "type", "OcoOrder", "is not allowed on BTCUSDT")
DOUBT = Unchecked("MAX_POSITION", "quantity", "for want of the account's balance")


def test_a_request_is_in_order_when_no_rule_that_could_be_judged_is_broken() -> None:
    assert OrderCheck().ok
    assert OrderCheck(unchecked=(DOUBT,), advice=(TICK,)).ok
    assert not OrderCheck(violations=(TICK,)).ok


def test_a_violation_reads_as_a_sentence_with_what_would_pass() -> None:
    assert str(TICK) == "PRICE_FILTER: price=61000.005 is no multiple of 0.01 (would pass: 61000.00, 61000.01)"
    assert str(COUNT) == "MAX_NUM_ORDERS: open_orders=201 with this one, more than 200 (would pass: 200)"
    assert str(SWITCH) == "oco_allowed: type=OcoOrder is not allowed on BTCUSDT"


def test_a_check_reads_as_a_line_for_each_thing_to_say() -> None:
    found = OrderCheck(violations=(TICK,), unchecked=(DOUBT,), advice=(COUNT,))
    assert str(found).splitlines() == [
        str(TICK),
        f"advice: {COUNT}",
        "MAX_POSITION: quantity unchecked, for want of the account's balance",
    ]
    assert str(OrderCheck()) == "nothing to object"


def test_numbers_are_shown_without_exponents() -> None:
    assert plain(D("0E-8")) == "0.00000000"
    assert plain(D("1E+3")) == "1000"
    assert (plain(7), plain("GTC")) == ("7", "GTC")


def test_a_violation_is_shown_without_exponents_and_its_filter_is_a_text() -> None:
    found = Violation(FilterType.LOT_SIZE, "quantity", D("0E-8"), "is zero", (D("1E-8"),))
    assert type(found.filter) is str
    assert "value=Decimal('0.00000000')" in repr(found)
    assert "allowed=(Decimal('0.00000001'),)" in repr(OrderCheck((found,)))
