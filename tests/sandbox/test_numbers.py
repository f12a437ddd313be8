"""Numbers of the economy: exact, strict, eight decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox import numbers

atoms = st.integers(-(10**24), 10**24)


@given(st.integers(0, 10**27))
def test_text_and_parse_are_inverse(value: int) -> None:
    assert numbers.parse(numbers.text(value)) == value


@given(atoms)
def test_decimals_are_exact_and_have_eight_places(value: int) -> None:
    assert numbers.from_decimal(numbers.to_decimal(value)) == value
    assert numbers.to_decimal(value).as_tuple().exponent == -8


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "+1", "-1", "1e5", "1_0", "NaN", "Infinity", "１", ".5", "5.", "1,0", "9" * 21]
)
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(numbers.NotANumber):
        numbers.parse(text)


def test_nine_decimals_are_too_many_even_if_zero() -> None:
    with pytest.raises(numbers.TooPrecise):
        numbers.parse("0.000000000")
    with pytest.raises(numbers.TooPrecise):
        numbers.from_decimal(Decimal("1E-9"))
    assert numbers.from_decimal(Decimal("1.0000000000")) == 10**8
    assert numbers.from_decimal(Decimal("-2E+3")) == -2000 * 10**8


def test_a_decimal_that_is_no_number_is_refused() -> None:
    with pytest.raises(numbers.NotANumber):
        numbers.from_decimal(Decimal("NaN"))


def test_text_is_written_as_the_exchange_does() -> None:
    assert numbers.text(100_000) == "0.00100000"
    assert numbers.text(-1) == "-0.00000001"
    assert numbers.text(6_200_000_000_000) == "62000.00000000"


@pytest.mark.parametrize("text", ["-1", "1.0", "", "１", "1" * 21])
def test_integers_are_plain_digits(text: str) -> None:
    with pytest.raises(numbers.NotANumber):
        numbers.parse_integer(text)


@given(st.integers(1, 10**14), st.lists(st.integers(1, 10**14), min_size=1, max_size=6))
def test_what_is_locked_pays_for_every_way_of_filling(price: int, parts: list[int]) -> None:
    locked = numbers.cost(price, sum(parts))
    for filled in range(len(parts)):
        locked -= numbers.cost(price, parts[filled])
        assert locked >= numbers.cost(price, sum(parts[filled + 1 :]))


@pytest.mark.parametrize(
    ("change", "base", "text"),
    [
        (-9_500_000, 10_000_000, "-95.000"),
        (1, 200_000, "0.001"),
        (-1, 10**9, "0.000"),
        (5, 0, "0.000"),
        (2, 1, "200.000"),
    ],
)
def test_percentages_have_three_decimals(change: int, base: int, text: str) -> None:
    assert numbers.percent(change, base) == text


def test_an_average_of_nothing_is_zero() -> None:
    assert numbers.average(0, 0) == 0
    assert numbers.average(3 * 10**8, 2 * 10**8) == 150_000_000
