"""The tuning: every number that cannot work is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.canaries import refusal
from trio_binance.config import (
    Tuning,
)

if TYPE_CHECKING:
    pass


# ---------------------------------------------------------------------------------------------------- tuning


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5", None, True])
def test_a_deadline_is_a_positive_number(value: Any) -> None:
    assert "connect_timeout=" in refusal(lambda: Tuning(connect_timeout=value))


@pytest.mark.parametrize("value", [0, -1, 5.0, "5", None, True])
def test_a_count_is_a_positive_whole_number(value: Any) -> None:
    assert "buffer=" in refusal(lambda: Tuning(buffer=value))
    assert "recv_window_ms=" in refusal(lambda: Tuning(recv_window_ms=value))


def test_the_receive_window_is_at_most_a_minute() -> None:
    assert Tuning(recv_window_ms=60_000).recv_window_ms == 60_000
    assert "60000" in refusal(lambda: Tuning(recv_window_ms=60_001))
