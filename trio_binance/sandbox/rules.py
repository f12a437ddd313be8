"""The rules of the embedded exchange: every limit and period of its doors, as data."""

from __future__ import annotations

import attrs

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US
INTERVALS_US = {"SECOND": SECOND_US, "MINUTE": MINUTE_US, "DAY": DAY_US}


@attrs.frozen
class RateLimit:
    """One limit as ``exchangeInfo`` shows it: so many a fixed window of the exchange's own clock."""

    kind: str
    interval: str
    number: int
    limit: int

    @property
    def interval_us(self) -> int:
        """Length of the window in microseconds."""
        return INTERVALS_US[self.interval] * self.number

    @property
    def label(self) -> str:
        """The end of the header names: ``1M``, ``10S``, ``1D``."""
        return f"{self.number}{self.interval[0]}"

    def row(self) -> dict[str, str | int]:
        """Return the limit as an entry of ``rateLimits``."""
        return {
            "rateLimitType": self.kind,
            "interval": self.interval,
            "intervalNum": self.number,
            "limit": self.limit,
        }


def _positive(_instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name}={value!r}: expected a positive number")


def _count(default: int) -> int:
    field: int = attrs.field(default=default, validator=_positive, kw_only=True)
    return field


@attrs.frozen
class Rules:
    """Limits and periods, by default the documented ones; take small ones for tests. ``_us`` is microseconds."""

    weight_per_minute: int = _count(6000)
    raw_requests_per_5_min: int = _count(300_000)
    orders_per_10_s: int = _count(50)
    orders_per_day: int = _count(160_000)
    connections_per_5_min: int = _count(300)
    connect_weight: int = _count(2)
    """Weight of opening a connection to the WebSocket API."""
    warnings: int = _count(10)
    """Requests answered 429 in a window; the next one bans the address."""
    first_ban_us: int = _count(2 * MINUTE_US)
    longest_ban_us: int = _count(3 * DAY_US)
    maker_credit: int = _count(5)
    """How many unfilled orders the first fill of a resting order takes off the count; a taker's takes one.

    The exchange tells no number: 5 is that of its examples. There, orders that fill large quantities may earn more too,
    and all of it comes after a short delay; here it comes at once.
    """
    messages_per_second: int = _count(5)
    streams_per_connection: int = _count(1024)
    active_subscriptions: int = _count(1000)
    total_subscriptions: int = _count(65_535)
    ping_every_us: int = _count(20 * SECOND_US)
    pong_within_us: int = _count(60 * SECOND_US)
    lifetime_us: int = _count(DAY_US)

    @property
    def weight(self) -> RateLimit:
        """Request weight of an address, REST and WebSocket API together."""
        return RateLimit("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute)

    @property
    def raw_requests(self) -> RateLimit:
        """REST requests of an address."""
        return RateLimit("RAW_REQUESTS", "MINUTE", 5, self.raw_requests_per_5_min)

    @property
    def connections(self) -> RateLimit:
        """Connection attempts of an address."""
        return RateLimit("CONNECTIONS", "MINUTE", 5, self.connections_per_5_min)

    @property
    def orders(self) -> tuple[RateLimit, RateLimit]:
        """Unfilled orders of an account, the long window first: when it is full, the short one is not raised."""
        return (
            RateLimit("ORDERS", "DAY", 1, self.orders_per_day),
            RateLimit("ORDERS", "SECOND", 10, self.orders_per_10_s),
        )

    def shown(self, wire: str) -> list[dict[str, str | int]]:
        """Return ``rateLimits`` of ``exchangeInfo`` on a wire, ``"rest"`` or ``"ws_api"``."""
        # "Exchange information": the WebSocket API lists CONNECTIONS where REST lists RAW_REQUESTS.
        last = self.raw_requests if wire == "rest" else self.connections
        day, short = self.orders
        return [limit.row() for limit in (self.weight, short, day, last)]
