"""The units: what is asked for, and nothing where the default is wanted."""

from __future__ import annotations

import pytest

from trio_binance._protocol.units import rest_headers, stream_url, ws_api_url
from trio_binance.config import TimeUnit


def test_milliseconds_come_unasked() -> None:
    assert rest_headers(TimeUnit.MILLISECOND) == ()
    assert stream_url("wss://a.b", TimeUnit.MILLISECOND) == "wss://a.b/stream"
    assert ws_api_url("wss://a.b/ws-api/v3", TimeUnit.MILLISECOND, rate_limits=True) == "wss://a.b/ws-api/v3"


def test_microseconds_are_asked_for_on_every_wire_in_its_own_way() -> None:
    assert rest_headers(TimeUnit.MICROSECOND) == (("X-MBX-TIME-UNIT", "MICROSECOND"),)
    assert stream_url("wss://a.b:9443", TimeUnit.MICROSECOND) == "wss://a.b:9443/stream?timeUnit=MICROSECOND"
    url = ws_api_url("wss://a.b/ws-api/v3", TimeUnit.MICROSECOND, rate_limits=True)
    assert url == "wss://a.b/ws-api/v3?timeUnit=MICROSECOND"


@pytest.mark.parametrize("unit", TimeUnit)
def test_counts_are_asked_for_unless_they_are_not_wanted(unit: TimeUnit) -> None:
    with_counts = ws_api_url("wss://a.b/x", unit, rate_limits=True)
    assert "returnRateLimits" not in with_counts
    sign = "&" if "?" in with_counts else "?"
    assert ws_api_url("wss://a.b/x", unit, rate_limits=False) == f"{with_counts}{sign}returnRateLimits=false"
