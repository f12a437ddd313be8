"""Times, levels and unknown fields."""

from __future__ import annotations

import copy
import datetime
import pickle
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.models import every_model
from trio_binance.models import (
    NO_EXTRA,
    Extra,
    Level,
    Levels,
    Model,
    PriceTicker,
    UnknownFilter,
    as_datetime,
    as_microseconds,
    as_milliseconds,
)

UTC = datetime.UTC


def test_a_moment_in_milliseconds_is_exact() -> None:
    assert as_datetime(1672515782136) == datetime.datetime(2022, 12, 31, 19, 43, 2, 136000, tzinfo=UTC)


def test_a_moment_in_microseconds_is_told_by_its_size() -> None:
    assert as_datetime(1672515782136789) == datetime.datetime(2022, 12, 31, 19, 43, 2, 136789, tzinfo=UTC)


@given(st.integers(10**14, 10**17))
def test_no_digit_of_a_moment_is_lost(moment: int) -> None:
    """A float loses microseconds from the year 2004 on; an integer does not."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=UTC)
    assert (as_datetime(moment) - epoch) // datetime.timedelta(microseconds=1) == moment
    assert (as_datetime(moment // 10**4) - epoch) // datetime.timedelta(milliseconds=1) == moment // 10**4


@given(st.integers(0, 10**14 - 1), st.integers(0, 999))
def test_a_moment_is_the_same_millisecond_in_either_unit(moment: int, rest: int) -> None:
    assert as_milliseconds(moment) == moment
    if moment * 1000 >= 10**14:
        assert as_milliseconds(moment * 1000 + rest) == moment


def test_a_moment_outside_the_calendar_is_refused() -> None:
    with pytest.raises(OverflowError):
        as_datetime(10**20)


ROWS = [("2.50", "1.00"), ("2.4", "0.00"), ("2.3", "7")]


def test_levels_are_exact_decimals_that_keep_their_scale() -> None:
    levels = Levels(ROWS)
    assert levels[0] == Level(Decimal("2.50"), Decimal("1.00"))
    assert [str(price) for price, _ in levels] == ["2.50", "2.4", "2.3"]
    assert str(levels[0].quantity) == "1.00"
    assert levels[-1].price == Decimal("2.3")


def test_levels_are_a_sequence() -> None:
    levels = Levels(ROWS)
    assert len(levels) == 3
    assert levels[1:] == Levels(ROWS[1:])
    assert isinstance(levels[1:], Levels)
    assert Level(Decimal("2.4"), Decimal(0)) in levels
    assert [level.quantity for level in reversed(levels)] == [Decimal(7), Decimal(0), Decimal(1)]
    assert not Levels()
    with pytest.raises(IndexError):
        levels[3]


def test_levels_give_back_the_text_of_the_wire() -> None:
    assert Levels(ROWS).to_wire() == [["2.50", "1.00"], ["2.4", "0.00"], ["2.3", "7"]]
    assert repr(Levels(ROWS[:1])) == "Levels([['2.50', '1.00']])"


def test_of_many_levels_the_repr_shows_the_best_and_the_count() -> None:
    assert repr(Levels()) == "Levels([])"
    assert repr(Levels(ROWS)) == "Levels([['2.50', '1.00'], ['2.4', '0.00'], ['2.3', '7']])"
    assert repr(Levels(ROWS * 1000)) == "Levels([['2.50', '1.00'], ['2.4', '0.00'], ['2.3', '7'], ... 2997 more])"


def test_levels_are_equal_as_numbers_are() -> None:
    left, right = Levels([("1.0", "2")]), Levels([["1.00", "2.0"]])
    assert left == right
    assert hash(left) == hash(right)
    assert left != Levels([("1.0", "3")])
    assert left != [("1.0", "2")]


def test_levels_are_pairs_too() -> None:
    levels = Levels(ROWS)
    assert levels.pairs() == [tuple(level) for level in levels]
    assert {type(pair) for pair in levels.pairs()} == {tuple}


def test_levels_touched_twice_are_made_once() -> None:
    levels = Levels(ROWS)
    assert next(iter(levels)) is levels[0]


def test_a_price_that_returns_is_the_same_object() -> None:
    """The first hash of a fresh Decimal is dear; a book would pay it for every level of every event."""
    assert Levels([("61234.50", "1")])[0].price is Levels([("61234.50", "2")])[0].price


@given(st.lists(st.tuples(*[st.decimals(0, 10**9, places=8)] * 2)))
def test_levels_of_numbers_hold_these_numbers(pairs: list[tuple[Decimal, Decimal]]) -> None:
    levels = Levels.of(pairs)
    assert list(levels) == pairs
    assert not any("E" in text for row in levels.to_wire() for text in row)


def test_levels_survive_pickle_and_copy() -> None:
    levels = Levels(ROWS)
    assert pickle.loads(pickle.dumps(levels)) == levels
    assert copy.deepcopy(levels) == levels


def test_unknown_fields_are_a_read_only_mapping() -> None:
    extra = Extra({"a": 1, "b": None})
    assert dict(extra) == {"a": 1, "b": None} == extra
    assert len(extra) == 2
    assert repr(extra) == "Extra({'a': 1, 'b': None})"
    assert not hasattr(extra, "__setitem__")


def test_later_changes_to_the_source_do_not_reach_unknown_fields() -> None:
    source: dict[str, object] = {"a": 1}
    extra = Extra(source)
    source["a"] = 2
    assert extra["a"] == 1


def test_a_model_is_a_frozen_value() -> None:
    ticker = PriceTicker("BTCUSDT", Decimal("1.50"))
    assert ticker == PriceTicker("BTCUSDT", Decimal("1.5"))
    assert hash(ticker) == hash(PriceTicker("BTCUSDT", Decimal("1.5")))
    assert pickle.loads(pickle.dumps(ticker)) == ticker
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ticker.price = Decimal(2)  # type: ignore[misc]


def test_unknown_fields_count_in_equality_and_not_in_the_hash() -> None:
    plain, more = PriceTicker("A", Decimal(1)), PriceTicker("A", Decimal(1), extra={"new": [1]})
    assert plain != more
    assert hash(plain) == hash(more)
    assert plain.extra is NO_EXTRA
    assert pickle.loads(pickle.dumps(more)) == more


def test_a_moment_in_either_unit_is_the_same_in_microseconds() -> None:
    assert as_microseconds(1672515782136) == as_microseconds(1672515782136000) == 1672515782136000
    assert as_microseconds(1672515782136789) == 1672515782136789
    assert as_microseconds(0) == 0


# ------------------------------------------------------------------------------------------------------- as shown


@pytest.mark.parametrize("cls", every_model())
def test_every_model_is_shown_by_what_writes_numbers_without_an_exponent(cls: type[Model]) -> None:
    # Those of what is not known show their ``extra`` too.
    assert cls.__repr__ is Model.__repr__ or cls.__name__.startswith("Unknown")


def test_numbers_are_shown_as_the_exchange_writes_them() -> None:
    ticker = PriceTicker("A", Decimal("0.00000000"), extra=Extra({"more": [Decimal("1E+3"), {"x": Decimal("-0E-8")}]}))
    assert repr(ticker) == "PriceTicker(symbol='A', price=Decimal('0.00000000'))"
    unknown = UnknownFilter("NEW", extra={"least": Decimal("0E-8")})
    assert repr(unknown).endswith(", extra={'least': Decimal('0.00000000')})")
    assert repr(ticker.extra) == "Extra({'more': [Decimal('1000'), {'x': Decimal('-0.00000000')}]})"
    assert repr(Level(Decimal("1E-8"), Decimal(2))) == "Level(price=Decimal('0.00000001'), quantity=Decimal('2'))"
