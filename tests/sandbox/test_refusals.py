"""Refusals: numbers and words."""

from __future__ import annotations

from trio_binance.sandbox import refusals


def test_a_refusal_carries_status_code_words_and_data() -> None:
    refusal = refusals.Refusal(409, -2021, "half", {"cancelResult": "SUCCESS"})
    assert (refusal.status, refusal.code, refusal.msg) == (409, -2021, "half")
    assert refusal.data == {"cancelResult": "SUCCESS"}
    assert str(refusal) == "409 -2021 half"


def test_the_common_ones_have_the_documented_words() -> None:
    assert refusals.filter_failure("LOT_SIZE").msg == "Filter failure: LOT_SIZE"
    assert refusals.not_cancelled().msg == "Unknown order sent."
    assert refusals.needless("price").code == -1106
    assert refusals.rejected("x").code == -2010
