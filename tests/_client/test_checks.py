from __future__ import annotations

import pytest

from trio_binance._client.checks import check_count, check_feed
from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument


def test_a_count_is_an_int_from_its_least_on() -> None:
    check_count("buffer", 1, 1)
    for value in (1.0, "1", None, True):
        with pytest.raises(TypeError, match=f"buffer={value!r}"):
            check_count("buffer", value, 1)
    with pytest.raises(InvalidArgument, match="buffer=0: expected at least 1"):
        check_count("buffer", 0, 1)


def test_a_policy_is_one_of_the_three() -> None:
    for overflow in Overflow:
        check_feed(1, overflow)
    with pytest.raises(TypeError, match="overflow='latest'"):
        check_feed(1, "latest")


def test_a_word_for_an_overflow_is_refused_with_the_members() -> None:
    with pytest.raises(TypeError, match=r"overflow='drop_oldest': expected one of Overflow.DROP_OLDEST, Overflow"):
        check_feed(1, "drop_oldest")
