"""Decimals: what must be true of numbers on their way from text to text."""

from __future__ import annotations

import decimal
import subprocess
import sys
import time
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure import decimals
from trio_binance._pure.decimals import (
    CONTEXT,
    EXACT,
    MAX_LENGTH,
    InvalidDecimal,
    check_decimal,
    parse,
    parse_number,
    snap,
    to_text,
)
from trio_binance.errors import InvalidArgument

WIRE = st.from_regex(r"\A-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?\Z")
NUMBERS = st.decimals(min_value=-(10**12), max_value=10**12, places=8)
STEPS = st.sampled_from(["0.00000001", "0.01000000", "1.00000000", "0.05", "0.25", "3", "7.5", "100"]).map(Decimal)


@given(WIRE)
def test_every_wire_form_survives_the_round_trip_to_the_character(text: str) -> None:
    assert to_text(parse(text)) == text
    assert to_text(parse_number(text)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**20), max_value=10**20))
def test_whatever_to_text_writes_parse_reads_back_as_the_same_number(value: Decimal) -> None:
    text = to_text(value)
    assert "E" not in text.upper()
    assert parse(text).as_tuple() == value.as_tuple()


HOSTILE = [
    "", "-", ".", "1.", ".5", "+1", "--1", "1.2.3", "1,5", "NaN", "sNaN", "Infinity", "-Infinity", "inf", "1e5", "1E-8",
    "1e999999999", "0x10", "1_0", " 1 ", "1 ", "1\n", "\t1", "١٢", "１２", "1０", "²", "1\x00", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_parse_refuses_whatever_is_not_plain_ascii_digits(text: str) -> None:
    with pytest.raises(InvalidDecimal):
        parse(text)


@pytest.mark.parametrize("text", sorted(set(HOSTILE) - {"1e5", "1E-8"}), ids=ascii)
def test_parse_number_refuses_all_but_a_bounded_exponent(text: str) -> None:
    with pytest.raises(InvalidDecimal):
        parse_number(text)


@given(st.text(max_size=80))
def test_any_text_is_a_number_or_invalid_decimal_and_nothing_else(text: str) -> None:
    for read in (parse, parse_number):
        try:
            value = read(text)
        except InvalidDecimal:
            continue
        assert value.is_finite()
        assert len(to_text(value)) <= MAX_LENGTH


@pytest.mark.parametrize(
    "text",
    ["9" * 100_000, "1." + "0" * 100_000, "1e" + "9" * 100_000, "1e999999999", "-" * 100_000],
    ids=["digits", "scale", "exponent", "power", "signs"],
)
def test_bombs_are_refused_before_any_arithmetic(text: str) -> None:
    start = time.perf_counter()
    for read in (parse, parse_number):
        with pytest.raises(InvalidDecimal) as caught:
            read(text)
        assert len(str(caught.value)) < 2 * MAX_LENGTH + 40
    assert time.perf_counter() - start < 0.05


def test_parse_number_takes_the_exponents_that_json_writers_produce() -> None:
    assert to_text(parse_number("1e-8")) == "0.00000001"
    assert to_text(parse_number("-1.50E+3")) == "-1500"
    assert to_text(parse_number("25E1")) == "250"


def test_parse_number_refuses_an_exponent_that_would_not_fit_when_written_out() -> None:
    assert to_text(parse_number("1e62")) == "1" + "0" * 62
    for text in ("1e64", "1e-64", "1e99", "123456789.123456789e-60", "1e100"):
        with pytest.raises(InvalidDecimal):
            parse_number(text)


def test_the_message_names_the_text() -> None:
    with pytest.raises(InvalidDecimal, match=r"'1_0': not a plain decimal number"):
        parse("1_0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.00"), "1.00"),
        (Decimal("1E+5"), "100000"),
        (Decimal("1E-10"), "0.0000000001"),
        (Decimal("-0.00"), "-0.00"),
        (0, "0"),
        (-42, "-42"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_to_text_writes_plain_notation(value: Decimal | int, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")])
def test_to_text_refuses_what_is_not_finite(value: Decimal) -> None:
    with pytest.raises(InvalidDecimal, match="not finite"):
        to_text(value)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1e999999"),
        Decimal("1e-999999"),
        Decimal("0e-64"),
        Decimal("9" * 70),
        pytest.param(10**5000, id="5000 digits"),
    ],
)
def test_to_text_refuses_what_is_too_long_at_once(value: Decimal | int) -> None:
    start = time.perf_counter()
    with pytest.raises(InvalidDecimal, match="too long"):
        to_text(value)
    assert time.perf_counter() - start < 0.05


@pytest.mark.parametrize("value", [0.1, float("nan"), True, "1", None])
def test_to_text_refuses_other_types(value: object) -> None:
    with pytest.raises(TypeError):
        to_text(value)  # type: ignore[arg-type]


def test_a_float_is_refused_with_the_field_and_what_to_write_instead() -> None:
    with pytest.raises(TypeError, match=r'^price=0\.1: a float is not exact; write Decimal\("0\.1"\)$'):
        check_decimal("price", 0.1)


@pytest.mark.parametrize("value", [True, None, b"1", [1]])
def test_check_decimal_refuses_other_types_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=r"^quantity="):
        check_decimal("quantity", value)


def test_check_decimal_takes_decimals_ints_and_texts() -> None:
    assert check_decimal("price", Decimal("1.50")).as_tuple() == Decimal("1.50").as_tuple()
    assert check_decimal("price", 5) == Decimal(5)
    assert to_text(check_decimal("price", "0.10")) == "0.10"


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("1e400"), "1e5", "１", pytest.param(10**5000, id="5000 digits")]
)
def test_check_decimal_names_the_field_of_an_unusable_number(value: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^price=") as caught:
        check_decimal("price", value)
    assert caught.value.field == "price"
    assert caught.value.__context__ is None


@given(NUMBERS, STEPS)
def test_snap_down_gives_the_nearest_multiple_towards_zero(value: Decimal, step: Decimal) -> None:
    snapped = snap(value, step)
    assert Fraction(snapped) % Fraction(step) == 0
    assert abs(Fraction(snapped)) <= abs(Fraction(value)) < abs(Fraction(snapped)) + Fraction(step)
    assert snapped.as_tuple().exponent == step.as_tuple().exponent
    assert snap(snapped, step).as_tuple() == snapped.as_tuple()


@given(
    NUMBERS, STEPS, st.sampled_from([ROUND_UP, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_DOWN])
)
def test_snap_rounds_the_count_of_steps_as_decimal_itself_would(value: Decimal, step: Decimal, rounding: str) -> None:
    exact = Fraction(value) / Fraction(step)
    # Sixty digits tell every side of a half for these numbers; the count itself is a whole number.
    wide = decimal.Context(prec=60)
    quotient = wide.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    count = quotient.to_integral_value(rounding=rounding, context=wide)
    assert Fraction(snap(value, step, rounding)) == Fraction(count) * Fraction(step)


@pytest.mark.parametrize(
    ("value", "step"),
    [("1", "0"), ("1", "-0.1"), ("NaN", "0.1"), ("Infinity", "1"), ("1", "NaN"), ("1", "Infinity")],
)
def test_snap_refuses_a_step_that_is_not_positive_and_numbers_that_are_not_finite(value: str, step: str) -> None:
    with pytest.raises(InvalidDecimal):
        snap(Decimal(value), Decimal(step))


@pytest.mark.parametrize(("value", "step"), [("1e40", "0.1"), ("1", "1e-40"), ("9" * 34 + ".5", "0.3")])
def test_snap_refuses_to_lose_digits(value: str, step: str) -> None:
    with pytest.raises(InvalidDecimal, match="34 digits"):
        snap(Decimal(value), Decimal(step), ROUND_UP)


def test_a_user_s_decimal_context_changes_nothing() -> None:
    value, step = Decimal("123456.789123456789"), Decimal("0.00000100")
    with decimal.localcontext() as thread:
        thread.prec = 3
        thread.capitals = 0
        thread.rounding = ROUND_UP
        thread.traps[decimal.InvalidOperation] = False
        thread.traps[decimal.Inexact] = True
        thread.clear_flags()
        assert to_text(parse("123456.789123456789")) == "123456.789123456789"
        assert to_text(parse_number("1.5e-7")) == "0.00000015"
        assert to_text(check_decimal("x", value)) == "123456.789123456789"
        assert to_text(snap(value, step)) == "123456.78912300"
        assert to_text(snap(value, step, ROUND_HALF_EVEN)) == "123456.78912300"
        assert to_text(EXACT.multiply(Decimal("123.456789"), Decimal("123.456789"))) == "15241.578750190521"
        with pytest.raises(InvalidDecimal):
            parse("NaN")
        assert not any(thread.flags.values())


def test_a_changed_default_context_does_not_reach_ours() -> None:
    code = (
        "import decimal; d = decimal.DefaultContext; d.prec = 3; d.Emax = 5; d.Emin = -5; d.clamp = 1; "
        "d.traps[decimal.InvalidOperation] = False; decimal.setcontext(d.copy()); "
        "from trio_binance._pure.decimals import *; from trio_binance._pure import decimals as m; "
        "print(m.to_text(m.snap(m.parse('123456.7891'), m.parse('0.001'))), m.CONTEXT.Emax)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["123456.789", "6144"]


def test_exact_signals_what_context_rounds() -> None:
    third = CONTEXT.divide(Decimal(1), Decimal(3))
    assert len(third.as_tuple().digits) == 34
    with pytest.raises(decimal.Inexact):
        EXACT.divide(Decimal(1), Decimal(3))
    with pytest.raises((decimal.Underflow, decimal.Inexact)):
        EXACT.divide(Decimal("1e-6143"), Decimal("1e40"))
    assert EXACT.add(Decimal("0.1"), Decimal("0.2")) == Decimal("0.3")


def test_a_float_cannot_slip_into_our_contexts() -> None:
    for context in (CONTEXT, EXACT):
        with pytest.raises(decimal.FloatOperation):
            context.create_decimal(0.1)


def test_the_module_s_error_is_a_value_error() -> None:
    assert issubclass(decimals.InvalidDecimal, ValueError)
