"""The units: how each wire is asked for moments in microseconds, and for answers without their counts of the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_binance.config import TimeUnit

if TYPE_CHECKING:
    from collections.abc import Mapping


def rest_headers(unit: TimeUnit) -> tuple[tuple[str, str], ...]:
    """Return what every REST request says of the unit; milliseconds are what comes unasked."""
    return () if unit is TimeUnit.MILLISECOND else (("X-MBX-TIME-UNIT", unit.value),)


def stream_url(base: str, unit: TimeUnit) -> str:
    """Return the URL of combined streams on a host: which unit the events are in is said once, by ``timeUnit``."""
    return _with_query(f"{base}/stream", _unit(unit))


def ws_api_url(base: str, unit: TimeUnit, *, rate_limits: bool) -> str:
    """Return the URL of a connection to the WebSocket API.

    Args:
        base: host and path.
        unit: of the times in answers and events.
        rate_limits: whether answers tell what is used of the limits, unless a request says otherwise.
    """
    return _with_query(base, {**_unit(unit), **({} if rate_limits else {"returnRateLimits": "false"})})


def _unit(unit: TimeUnit) -> dict[str, str]:
    return {} if unit is TimeUnit.MILLISECOND else {"timeUnit": unit.value}


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return url + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
