"""Small manners: exceptions without false context, sealed classes, honest module names."""

from __future__ import annotations

import time
from decimal import Decimal
from types import SimpleNamespace

import pytest

from trio_binance._util import (
    NoPublicConstructor,
    exact_repr,
    fixup_module_metadata,
    fresh_seed,
    raise_saving_context,
    wall_time_ns,
)


def test_wall_time_is_the_machine_s_in_nanoseconds() -> None:
    before = time.time_ns()
    assert before <= wall_time_ns() <= time.time_ns()


def test_seeds_are_64_bits_and_differ() -> None:
    seeds = {fresh_seed() for _ in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**64 for seed in seeds)
    assert any(seed >= 2**60 for seed in seeds)


def raise_while_handling(error: BaseException) -> None:
    try:
        raise KeyError("theirs")
    except KeyError:
        raise_saving_context(error)


def test_an_exception_is_raised_without_what_is_being_handled() -> None:
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        raise_while_handling(error)
    assert caught.value is error
    assert error.__context__ is None


def test_an_exception_keeps_the_context_and_cause_it_came_with() -> None:
    error, context, cause = ValueError("mine"), KeyError("its context"), OSError("its cause")
    error.__context__, error.__cause__ = context, cause
    with pytest.raises(ValueError, match="mine"):
        raise_while_handling(error)
    assert error.__context__ is context
    assert error.__cause__ is cause


class Sealed(metaclass=NoPublicConstructor):
    def __init__(self, number: int, *, name: str) -> None:
        self.number, self.name = number, name


def test_a_sealed_class_is_made_by_its_own_package_only() -> None:
    with pytest.raises(TypeError, match=r"Sealed has no public constructor"):
        Sealed(1, name="x")
    made = Sealed._create(1, name="x")
    assert isinstance(made, Sealed)
    assert (made.number, made.name) == (1, "x")


def test_public_names_say_that_they_live_where_they_are_found() -> None:
    class Public:
        pass

    def function() -> None:
        pass

    class _Private:
        pass

    class Foreign:
        pass

    for thing in (Public, function, _Private):
        thing.__module__ = "trio_binance._somewhere.deep"
    Foreign.__module__ = "trio"
    value = Public()
    namespace = {
        "Public": Public,
        "function": function,
        "_Private": _Private,
        "Foreign": Foreign,
        "VALUE": value,
        "NUMBER": 5,
        "module": SimpleNamespace(__module__=None),
    }
    fixup_module_metadata("trio_binance", namespace)
    assert Public.__module__ == function.__module__ == "trio_binance"
    assert _Private.__module__ == "trio_binance._somewhere.deep"
    assert Foreign.__module__ == "trio"
    assert "__module__" not in vars(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0E-8"), "Decimal('0.00000000')"),
        (Decimal("1.50E+3"), "Decimal('1500')"),
        (Decimal("1E+999999"), "Decimal('1E+999999')"),
        (Decimal("NaN"), "Decimal('NaN')"),
        ((), "()"),
        ((Decimal("0E-8"),), "(Decimal('0.00000000'),)"),
        ([Decimal("0E-8"), 1], "[Decimal('0.00000000'), 1]"),
        ({"a": (Decimal("0E-8"), "b")}, "{'a': (Decimal('0.00000000'), 'b')}"),
        ("0E-8", "'0E-8'"),
    ],
)
def test_numbers_are_shown_without_exponents_as_far_as_they_can_be_written_out(value: object, text: str) -> None:
    assert exact_repr(value) == text
