"""The grid: the values that rules leave to a number."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.filters.grid import Grid, decimal_of

D = Decimal

numbers = st.decimals(min_value=0, max_value=10**9, places=8)
positive = numbers.filter(bool)
grids = st.builds(lambda low, span, step: Grid.of(low, low + span, step), numbers, positive, positive)


@pytest.mark.parametrize(
    "value, text",
    [("61000.00", "61000"), ("0.00001000", "0.00001"), ("100", "100"), ("1E+3", "1000"), ("0", "0"), ("0.1", "0.1")],
)
def test_a_decimal_fraction_is_written_without_needless_zeros_and_exponents(value: str, text: str) -> None:
    assert str(decimal_of(Fraction(D(value)))) == text


def test_a_bound_or_a_step_of_zero_is_no_rule() -> None:
    assert Grid.of(D("0.00"), D(0), D("0E-8")) == Grid()
    assert Grid().fault(D("123.456")) is None


@pytest.mark.parametrize(
    "value, fault",
    [
        ("0.005", "is below 0.01"),
        ("1000.01", "is above 1000"),
        ("0.015", "is no multiple of 0.01"),
        ("0.01", None),
        ("1000", None),
    ],
)
def test_a_fault_tells_which_rule_is_broken_and_its_number(value: str, fault: str | None) -> None:
    assert Grid.of(D("0.0100"), D("1000.00"), D("0.0100")).fault(D(value)) == fault


def test_what_is_next_is_written_with_the_decimals_of_the_step() -> None:
    grid = Grid.of(D("0.01000000"), D("1000000.00000000"), D("0.01000000"))
    assert [str(one) for one in grid.nearest(D("61000.005"))] == ["61000.00", "61000.01"]
    assert [str(one) for one in Grid.of(0, 0, 10).nearest(D("25"))] == ["20", "30"]


def test_beyond_a_bound_there_is_one_next_value_and_it_is_on_the_grid() -> None:
    grid = Grid.of(D("0.5"), D("9.5"), D("1"))
    assert grid.nearest(D("0.2")) == (D(1),)
    assert grid.nearest(D("11")) == (D(9),)


def test_a_value_on_the_grid_is_its_own_neighbour() -> None:
    assert Grid.of(0, 0, D("0.1")).nearest(D("0.30")) == (D("0.3"),)


def test_zero_is_never_next() -> None:
    assert Grid.of(0, 0, 5).nearest(D(3)) == (D(5),)


def test_nothing_is_next_without_a_step_or_between_bounds_that_cross() -> None:
    assert Grid.of(1, 2).nearest(D(3)) == ()
    assert Grid.of(3, 2, 1).nearest(D(5)) == ()


def test_a_bound_that_is_no_decimal_number_is_kept_exactly() -> None:
    thirds = Grid(least=Fraction(5, 3), step=Fraction(1, 10**4))
    assert thirds.nearest(D(1)) == (D("1.6667"),)


def test_the_steps_of_two_rules_are_kept_at_once() -> None:
    both = Grid.of(0, 0, D("0.4")) & Grid.of(0, 0, D("0.6"))
    assert both.step == Fraction(D("1.2"))


@given(grids, grids, numbers)
def test_both_rules_leave_what_each_of_them_leaves(one: Grid, other: Grid, value: Decimal) -> None:
    kept = one.fault(value) is None and other.fault(value) is None
    assert ((one & other).fault(value) is None) is kept


@given(grids, numbers)
def test_what_is_next_passes_and_nothing_passes_in_between(grid: Grid, value: Decimal) -> None:
    found = grid.nearest(value)
    assert all(grid.fault(one) is None and one > 0 for one in found)
    assert grid.step is not None
    for one in found:
        if one < value:
            assert value - one < grid.step or value > (grid.most or value)
        if one > value:
            assert one - value < grid.step or value < (grid.least or value)
    if grid.fault(value) is None and value > 0:
        assert found == (value,)
