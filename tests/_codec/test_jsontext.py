"""JSON text: exact, bounded, never a float."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._codec.jsontext import decode, encode
from trio_binance.errors import DecodeError


def test_a_number_with_a_fraction_is_exact() -> None:
    value = decode(b"[0.1000000000000000055, 1.00, 1e2, 5]")
    assert isinstance(value, list)
    assert [str(item) for item in value] == ["0.1000000000000000055", "1.00", "1E+2", "5"]
    assert [type(item) for item in value] == [Decimal, Decimal, Decimal, int]


def test_an_integer_of_any_size_is_an_int() -> None:
    assert decode(b"123456789012345678901234567890") == 123456789012345678901234567890


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert decode(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a":1} x',
        b"NaN",
        b"Infinity",
        b"'a'",
        b'"\xff"',
        b"<html>404</html>",
        b"[" * 100_000,
        b"1e999999",
        b"-" + b"9" * 5000,
        b"0." + b"1" * 70,
    ],
)
def test_what_is_no_bounded_json_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(raw)
    assert len(caught.value.payload) <= 200


def test_the_place_of_a_number_without_bounds_is_named() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(b'{"a":[1,1e999999]}')
    assert caught.value.path


def test_a_decimal_becomes_a_quoted_text_in_plain_notation() -> None:
    value = {"p": Decimal("1.00"), "q": [Decimal("1E+3"), Decimal("1E-8")], "t": (1, True, None, "x")}
    assert encode(value) == b'{"p":"1.00","q":["1000","0.00000001"],"t":[1,true,null,"x"]}'


@pytest.mark.parametrize("value", [1.5, {"a": float("nan")}, [object()], b"x"])
def test_what_has_no_exact_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no exact JSON"):
        encode(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_is_read_again(value: object) -> None:
    assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_raise_anything_but_a_decode_error(raw: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode(raw)
