"""The tuning: every deadline, size and pace the connector uses, and the unit in which it is told moments."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import attrs

from ._checks import positive, whole
from .errors import ConfigError

if TYPE_CHECKING:
    from ._checks import Validator

_RECV_WINDOW_MAX_MS = 60_000


class TimeUnit(enum.Enum):
    """In which unit the exchange tells moments; what we tell it may be in either."""

    MILLISECOND = "MILLISECOND"
    MICROSECOND = "MICROSECOND"


def _seconds(default: float) -> Any:
    return attrs.field(default=default, validator=positive, kw_only=True)


def _within_recv_window(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    # "The value cannot be greater than 60000" (rest-api.md, "Timing security")
    if value > _RECV_WINDOW_MAX_MS:
        raise ConfigError(f"{attribute.name}={value!r}: the exchange takes at most {_RECV_WINDOW_MAX_MS}")


def _count(default: int, *checks: Validator) -> Any:
    return attrs.field(default=default, validator=[whole, *checks], kw_only=True)


@attrs.frozen
class Tuning:
    """Every deadline, size and pace the connector uses; seconds unless the name says otherwise.

    Args:
        request_timeout: from the first byte sent to the last byte received; longer than the exchange's own 10 s engine
            timeout.
        silence: silence on a connection that should speak, after which it is checked by a ping and a REST ping.
        resolve_timeout: for so long a call tries to find out what became of an order whose answer was lost; then it
            says ``Unresolved``. That nothing came of it can be known 15 s after ``recv_window_ms`` at the earliest.
        rules_max_age: for so long the rules of a symbol are kept; the exchange changes them any day.
        backoff_stable: a connection that lived this long resets the backoff.
        connection_lifetime: the exchange cuts every connection after 24 h; ours is replaced before, with jitter.
        replacement_wait: how long calls wait for a connection of the WebSocket API that is being made, from when there
            was none.
        mirror_return: after so long on a mirror the first host is tried again.
        account_lag: so far may the exchange's answers on orders, fills and balances be behind what has happened. So
            long after the last moment at which an event of the account may have been missed it is not known that none
            was.
        account_grace: how long the stream may take to tell of what a query of the account knows already.
        account_audit: so often it is looked whether an event of the account was lost on a connection that stood.
        account_history: so many orders that are done are kept by the mirror of the account, with their fills.
        buffer: default size of a feed's buffer, in items.
        gapless_grace: in a gapless feed: how long what is missing may still come by itself, before it is asked for.
        gapless_timeout: for so long the exchange is asked for the same missing item; then a ``Gap`` is told.
        gapless_items: the most items that are asked for to fill one hole: the newest of them. What ``from_id`` asks for
            has no end.
        gapless_waiting: the most items of a feed that wait behind holes or for a slow consumer; each symbol has an
            equal share.
        gapless_audit: so often it is looked whether the exchange knows more than came of symbols of which nothing was
            heard.
    """

    connect_timeout: float = _seconds(5.0)
    request_timeout: float = _seconds(15.0)
    close_timeout: float = _seconds(2.0)
    shutdown_timeout: float = _seconds(5.0)
    ping_timeout: float = _seconds(10.0)
    subscribe_timeout: float = _seconds(10.0)
    silence: float = _seconds(30.0)
    recv_window_ms: int = _count(5000, _within_recv_window)
    clock_interval: float = _seconds(300.0)
    clock_samples: int = _count(5)
    resolve_timeout: float = _seconds(30.0)
    rules_max_age: float = _seconds(900.0)
    backoff_base: float = _seconds(1.0)
    backoff_cap: float = _seconds(60.0)
    backoff_stable: float = _seconds(60.0)
    restart_limit: int = _count(5)
    restart_period: float = _seconds(10.0)
    breaker_failures: int = _count(5)
    breaker_probes: int = _count(3)
    breaker_open: float = _seconds(10.0)
    connection_lifetime: float = _seconds(23.5 * 3600)
    replacement_wait: float = _seconds(5.0)
    mirror_return: float = _seconds(600.0)
    account_lag: float = _seconds(40.0)
    account_grace: float = _seconds(3.0)
    account_audit: float = _seconds(60.0)
    account_history: int = _count(10_000)
    buffer: int = _count(1000)
    gapless_grace: float = _seconds(0.5)
    gapless_timeout: float = _seconds(120.0)
    gapless_items: int = _count(50_000)
    gapless_waiting: int = _count(10_000)
    gapless_audit: float = _seconds(30.0)
    streams_per_connection: int = _count(1024)
    messages_per_second: int = _count(5)
    connections_per_5_min: int = _count(300)
    rest_connections: int = _count(20)
    max_message_bytes: int = _count(16 * 2**20)
    max_body_bytes: int = _count(64 * 2**20)
