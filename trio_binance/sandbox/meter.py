"""The meter at the doors: what addresses and accounts used of their limits, warnings, and bans that grow."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, final

import attrs

from .refusals import Refusal

if TYPE_CHECKING:
    from .rules import RateLimit, Rules


@final
class Counter:
    """A count a key in fixed windows aligned to the exchange's clock: each window starts from nothing."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._window = -1
        self._counts: dict[Hashable, int] = {}

    def count(self, key: Hashable, now_us: int) -> int:
        """Return what ``key`` used in the window of ``now_us``."""
        self._turn(now_us)
        return self._counts.get(key, 0)

    def add(self, key: Hashable, amount: int, now_us: int) -> int:
        """Add ``amount``, which may be negative, and return the new count; it never falls below zero."""
        self._turn(now_us)
        total = max(self._counts.get(key, 0) + amount, 0)
        self._counts[key] = total
        return total

    def end_us(self, now_us: int) -> int:
        """Return when the window of ``now_us`` ends."""
        return (now_us // self.limit.interval_us + 1) * self.limit.interval_us

    def row(self, key: Hashable, now_us: int) -> dict[str, str | int]:
        """Return the limit and the count as an entry of ``rateLimits`` in a response."""
        return {**self.limit.row(), "count": self.count(key, now_us)}

    def _turn(self, now_us: int) -> None:
        # "How to interpret response rate limits": intervals are fixed and start at the full minute, ten seconds, day.
        window = now_us // self.limit.interval_us
        if window != self._window:
            self._window = window
            self._counts.clear()


@attrs.define
class _Ban:
    until_us: int
    length_us: int


def over_limit(status: int, code: int, msg: str, now_us: int, until_us: int) -> Refusal:
    """Return the refusal of a limit; its data say when to come back, in milliseconds of the exchange's clock."""
    return Refusal(status, code, msg, {"serverTime": now_us // 1000, "retryAfter": -(-until_us // 1000)})


@final
class Meter:
    """Counts weight, raw requests and connections by address, unfilled orders by account; warns, then bans."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.weight: Counter = Counter(rules.weight)
        self.orders: tuple[Counter, ...] = tuple(Counter(limit) for limit in rules.orders)
        self._raw = Counter(rules.raw_requests)
        self._connections = Counter(rules.connections)
        self._warnings = Counter(rules.weight)
        self._bans: dict[str, _Ban] = {}
        self._fresh_bans: list[str] = []

    def check_ban(self, address: str, now_us: int) -> None:
        """Raise the refusal of a banned address."""
        ban = self._bans.get(address)
        if ban is not None and now_us < ban.until_us:
            raise self._banned(ban, now_us)

    def take_request(self, address: str, weight: int, now_us: int, *, rest: bool) -> None:
        """Count a request before anything else is looked at.

        Raises:
            Refusal: 418 while the address is banned, 429 when a limit is passed (the request counts all the same).
        """
        self.check_ban(address, now_us)
        if rest and self._raw.add(address, 1, now_us) > self._raw.limit.limit:
            self._warn(address, self._raw, "Too many requests; current limit is {} requests per {}.", now_us)
        if self.weight.add(address, weight, now_us) > self.weight.limit.limit:
            text = "Too much request weight used; current limit is {} request weight per {}."
            self._warn(address, self.weight, text, now_us)

    def give_back(self, address: str, weight: int, now_us: int) -> None:
        """Take back weight that a request turned out not to cost."""
        self.weight.add(address, -weight, now_us)

    def take_connection(self, address: str, weight: int, now_us: int) -> None:
        """Count an attempt to connect, which also costs ``weight``.

        Raises:
            Refusal: 418 while the address is banned, 429 when a limit is passed.
        """
        self.check_ban(address, now_us)
        # 300 attempts in 5 minutes are allowed by the streams ("WebSocket Limits") and by the WebSocket API ("IP
        # Limits"); nothing says that the two counts are separate, so a careful client must expect a common one.
        if self._connections.add(address, 1, now_us) > self._connections.limit.limit:
            text = "Too many connection attempts from IP; current limit is {} per '{}'."
            raise self._passed(self._connections, -1034, text, now_us)
        self.take_request(address, weight, now_us, rest=False)

    def check_orders(self, account: Hashable, number: int, now_us: int) -> None:
        """Raise 429 -1015 when ``number`` more unfilled orders do not fit into every window of the account."""
        for counter in self.orders:
            if counter.count(account, now_us) + number > counter.limit.limit:
                raise self._passed(counter, -1015, "Too many new orders; current limit is {} orders per {}.", now_us)

    def add_orders(self, account: Hashable, number: int, now_us: int) -> None:
        """Add to the unfilled orders of an account, or take off (fills give credit down to zero)."""
        for counter in self.orders:
            counter.add(account, number, now_us)

    def take_banned(self) -> list[str]:
        """Return the addresses banned since the last call."""
        banned, self._fresh_bans = self._fresh_bans, []
        return banned

    def _warn(self, address: str, counter: Counter, text: str, now_us: int) -> None:
        # "IP Limits": whoever goes on after a 429 is banned, each time for longer, from 2 minutes to 3 days.
        if self._warnings.add(address, 1, now_us) > self._rules.warnings:
            raise self._banned(self._ban(address, now_us), now_us)
        advice = " Please use WebSocket Streams for live updates to avoid polling the API."
        raise self._passed(counter, -1003, text + advice, now_us)

    def _ban(self, address: str, now_us: int) -> _Ban:
        last = self._bans.get(address)
        length = self._rules.first_ban_us if last is None else min(last.length_us * 2, self._rules.longest_ban_us)
        self._bans[address] = ban = _Ban(now_us + length, length)
        self._fresh_bans.append(address)
        return ban

    @staticmethod
    def _passed(counter: Counter, code: int, text: str, now_us: int) -> Refusal:
        limit = counter.limit
        msg = text.format(limit.limit, f"{limit.number} {limit.interval}")
        return over_limit(429, code, msg, now_us, counter.end_us(now_us))

    @staticmethod
    def _banned(ban: _Ban, now_us: int) -> Refusal:
        msg = (
            f"Way too much request weight used; IP banned until {-(-ban.until_us // 1000)}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return over_limit(418, -1003, msg, now_us, ban.until_us)
