"""Parameters: the exchange's words for each thing that can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trio_binance.sandbox.params import Params
from trio_binance.sandbox.refusals import Refusal, bad


@pytest.mark.parametrize(
    ("read", "value", "code", "msg"),
    [
        (lambda p: p.need("x"), "", -1105, "Parameter 'x' was empty."),
        (
            lambda p: p.need("y"),
            "1",
            -1102,
            "Mandatory parameter 'y' was not sent, was empty/null, or malformed.",
        ),
        (
            lambda p: p.amount("x"),
            "1e5",
            -1100,
            "Illegal characters found in parameter 'x'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
        ),
        (lambda p: p.amount("x"), "0.123456789", -1111, "Parameter 'x' has too much precision."),
        (
            lambda p: p.integer("x"),
            "-1",
            -1100,
            "Illegal characters found in parameter 'x'; legal range is '^[0-9]{1,20}$'.",
        ),
        (lambda p: p.flag("x", default=True), "TRUE", -1130, "Data sent for parameter 'x' is not valid."),
        (
            lambda p: p.client_id("x"),
            "a b",
            -1100,
            "Illegal characters found in parameter 'x'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
        (lambda p: p.client_id("x"), "a" * 37, -1100, None),
        (lambda p: p.symbol("x"), "btcusdt", -1100, None),
        (lambda p: p.symbol("x"), "BTC USDT", -1100, None),
        (lambda p: p.words("x"), "[", -1100, None),
        (lambda p: p.words("x"), "[]", -1100, None),
        (lambda p: p.words("x"), "[1]", -1100, None),
        (lambda p: p.words("x"), '["A","A"]', -1151, "Symbol is present multiple times in the list."),
        (lambda p: p.choice("x", ("A",), lambda: bad(-7, "no")), "B", -7, "no"),
    ],
)
def test_what_is_wrong_is_told(read: Callable[[Params], Any], value: str, code: int, msg: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        read(Params({"x": value}))
    assert caught.value.code == code
    assert caught.value.status == 400
    assert msg is None or caught.value.msg == msg


def test_what_was_not_sent_is_none_or_its_default() -> None:
    params = Params({})
    assert params.text("x") is None
    assert params.amount("x") is None
    assert params.integer("x") is None
    assert params.client_id("x") is None
    assert params.symbol() is None
    assert params.words("x") is None
    assert params.times_us() == (None, None)
    assert params.flag("x", default=True) is True
    assert params.limit(500, 1000) == 500


def test_limits_are_clamped_but_zero_is_refused() -> None:
    assert Params({"limit": "5001"}).limit(100, 5000) == 5000
    with pytest.raises(Refusal, match="-1130"):
        Params({"limit": "0"}).limit(100, 5000)


def test_times_may_be_milliseconds_or_microseconds_and_are_moved_into_range() -> None:
    params = Params({"startTime": "1700000000123", "endTime": "1700000000123456"})
    assert params.times_us() == (1_700_000_000_123_000, 1_700_000_000_123_456)
    assert Params({"startTime": "1"}).time_us("startTime") == 1_483_228_800_000_000


def test_times_too_far_apart_are_refused() -> None:
    params = Params({"startTime": "1700000000000", "endTime": "1700086400001"})
    with pytest.raises(Refusal, match="More than 24 hours between startTime and endTime"):
        params.times_us(86_400_000_000)


def test_symbols_may_be_written_in_any_script() -> None:
    assert Params({"symbol": "币安人生USDT"}).symbol() == "币安人生USDT"
    assert Params({"s": '["币安人生USDT","A1"]'}).words("s") == ["币安人生USDT", "A1"]
    assert Params({"s": "SPOT"}).words("s") == ["SPOT"]
