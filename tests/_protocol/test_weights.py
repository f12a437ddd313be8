from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._protocol.weights import by_limit, by_symbols, fixed, per_symbol, with_param


def test_a_fixed_weight_does_not_look() -> None:
    assert fixed(7)({"limit": 5000}) == 7


@pytest.mark.parametrize(
    ("limit", "weight"), [(None, 5), (1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (9999, 50)]
)
def test_a_limit_costs_what_its_bracket_says_and_beyond_the_last_one_no_more(limit: int | None, weight: int) -> None:
    assert by_limit(100, (100, 5), (500, 25), (1000, 50))({"limit": limit}) == weight


@pytest.mark.parametrize(("value", "weight"), [(None, 1), (False, 1), (True, 20), (0, 1), (7, 20)])
def test_a_parameter_counts_where_it_is_given_and_not_false(value: int | None, weight: int) -> None:
    assert with_param("x", 20, 1)({"x": value}) == weight


@given(st.integers(1, 300))
def test_several_symbols_cost_by_their_number(count: int) -> None:
    params = {"symbols": ("A",) * count}
    assert by_symbols((20, 2), (100, 40), everything=80)(params) == (2 if count <= 20 else 40 if count <= 100 else 80)
    assert per_symbol(4, 200)(params) == min(4 * count, 200)


def test_one_symbol_costs_the_least_and_all_of_them_the_most() -> None:
    for rule, one, everything in ((by_symbols((20, 2), everything=80), 2, 80), (per_symbol(2, 40), 2, 40)):
        assert rule({"symbol": "A"}) == one
        assert rule({"symbol": None, "symbols": None}) == everything
