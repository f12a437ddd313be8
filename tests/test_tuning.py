"""The tuning: every number that cannot work is refused by name."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.canaries import refusal
from trio_binance.tuning import Tuning


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


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Tuning)])
def test_no_setting_goes_unchecked(name: str) -> None:
    assert f"{name}=" in refusal(lambda: Tuning(**{name: 0}))
    assert f"{name}=" in refusal(lambda: Tuning(**{name: True}))


def test_settings_are_given_by_name_and_kept() -> None:
    with pytest.raises(TypeError, match="positional"):
        Tuning(5.0)
    with pytest.raises(TypeError, match="bogus"):
        Tuning(bogus=5)  # type: ignore[call-arg]
    tuning = Tuning(buffer=5)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        tuning.buffer = 7  # type: ignore[misc]
    assert tuning == attrs.evolve(Tuning(), buffer=5) != Tuning()


def test_the_defaults_keep_the_exchange_s_own_limits() -> None:
    """Its engine answers within 10 s and it cuts a connection after 24 h, 1024 streams or 5 messages a second."""
    tuning = Tuning()
    assert tuning.request_timeout > 10
    assert tuning.connection_lifetime < 24 * 3600
    assert tuning.streams_per_connection <= 1024
    assert tuning.messages_per_second <= 5
    assert tuning.connections_per_5_min <= 300
