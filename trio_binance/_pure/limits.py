"""The limits: whether a request fits the exchange's fixed windows now, or when to ask again.

The exchange counts in windows of its own clock: a minute starts at second 0, ten seconds at 0, 10, 20, a day at 00:00
UTC (web-socket-api.md, "How to interpret response rate limits"). We know that clock within a guard band only. A request
near an edge may be counted on either side of it, so we count it on both: whichever window is the true one, it holds
every request that can have landed in it, and never more than its limit.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import TYPE_CHECKING, final

import attrs

from trio_binance.errors import LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

GUARD_MS = 500
"""How far our estimate of server time may be off while no window is ever overfilled."""

_FALLING_FROM = 10_000
"""An order limit from which on a falling count is believed; see ``Limits.on_used``."""


class LimitKind(enum.Enum):
    """What a limit counts; the exchange's ``rateLimitType``."""

    REQUEST_WEIGHT = "REQUEST_WEIGHT"
    """Weight of requests, by address; REST and WebSocket API together."""
    RAW_REQUESTS = "RAW_REQUESTS"
    """Requests, by address."""
    ORDERS = "ORDERS"
    """Unfilled orders, by account."""
    CONNECTIONS = "CONNECTIONS"
    """Connection attempts, by address."""


@attrs.frozen
class Rule:
    """At most ``limit`` of a kind in every aligned window of ``interval_ms``."""

    kind: LimitKind
    interval_ms: int = attrs.field(validator=attrs.validators.gt(0))
    limit: int


@attrs.frozen
class Cost:
    """What a request takes of each kind of limit."""

    weight: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    raw: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    orders: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    connections: int = attrs.field(default=0, validator=attrs.validators.ge(0))

    def of(self, kind: LimitKind) -> int:
        """Return what it takes of one kind."""
        return {
            LimitKind.REQUEST_WEIGHT: self.weight,
            LimitKind.RAW_REQUESTS: self.raw,
            LimitKind.ORDERS: self.orders,
            LimitKind.CONNECTIONS: self.connections,
        }[kind]


@attrs.frozen
class RuleStatistics:
    """How full the present window of a rule is, as far as we know."""

    rule: Rule
    used: int
    peak: int


@attrs.frozen
class LimitsStatistics:
    """Every rule's use; how often a request was taken, put off and given back; until when what is frozen."""

    rules: tuple[RuleStatistics, ...]
    admitted: int
    put_off: int
    refunded: int
    frozen_until: dict[LimitKind, int]


@attrs.define
class _Window:
    """What one window holds: by our own count, by the exchange's, and what no number of the exchange's covers yet."""

    ours: int = 0
    """What we let out."""
    told: int = 0
    """The most that the exchange said, whoever spent it."""
    flying: int = 0
    """What we let out and no number is known to contain."""

    @property
    def used(self) -> int:
        """The most it can hold as far as we know. Never stored: once everything has landed, it is what was told."""
        return max(self.ours, self.told + self.flying)

    def take(self, cost: int) -> None:
        self.ours += cost
        self.flying += cost

    def give_back(self, cost: int) -> None:
        self.ours = max(self.ours - cost, 0)

    def settle(self, cost: int) -> None:
        self.flying = max(self.flying - cost, 0)

    def fall(self, used: int, slack: int) -> None:
        """Believe a lower number; no more than ``slack`` is on its way."""
        self.ours, self.told, self.flying = used + slack, used, min(self.flying, slack)

    def merge(self, other: _Window) -> None:
        self.ours += other.ours
        self.flying += other.flying
        self.told = max(self.told, other.told)


@attrs.define(eq=False)
class _Counter:
    """The windows of one rule that a request of now could still land in."""

    rule: Rule
    guard_ms: int
    windows: dict[int, _Window] = attrs.field(factory=dict)
    current: int = 0
    peak: int = 0

    def _index(self, server_ms: int) -> int:
        return server_ms // self.rule.interval_ms

    def _span(self, server_ms: int) -> range:
        """Return every window that ``server_ms`` may truly lie in."""
        return range(self._index(server_ms - self.guard_ms), self._index(server_ms + self.guard_ms) + 1)

    def _used(self, index: int) -> int:
        window = self.windows.get(index)
        return window.used if window else 0

    def room_at(self, cost: int, server_ms: int) -> int:
        """Return 0 if ``cost`` fits now, else the server time at which the window that is full is surely over."""
        full = [index for index in self._span(server_ms) if self._used(index) + cost > self.rule.limit]
        return (full[-1] + 1) * self.rule.interval_ms + self.guard_ms if full else 0

    def holds(self, taken_ms: int, server_ms: int) -> bool:
        """Return whether what was taken then counts in every window that ``server_ms`` may truly lie in."""
        taken = self._span(taken_ms)
        return all(index in taken for index in self._span(server_ms))

    def take(self, cost: int, server_ms: int) -> None:
        for index in self._span(server_ms):
            window = self._window(index)
            window.take(cost)
            self.peak = max(self.peak, window.used)
        self._forget(server_ms)

    def give_back(self, cost: int, server_ms: int, *, settled: bool) -> None:
        for index in self._span(server_ms):
            if window := self.windows.get(index):
                window.give_back(cost)
                if not settled:
                    window.settle(cost)

    def on_used(self, used: int, server_ms: int, settled: Sequence[tuple[int, int]]) -> None:
        # The number is of some moment between the question and its answer. Near an edge the old window's high number
        # must not fill the new one: it goes to the earliest that it can be of.
        asked_ms = min(server_ms, max((taken_ms for _, taken_ms in settled), default=server_ms))
        index = self._span(asked_ms)[0]
        window = self._window(index)
        slack = self.rule.limit // 100
        if self.rule.kind is LimitKind.ORDERS and self.rule.limit >= _FALLING_FROM and used + slack < window.used:
            window.fall(used, slack)
        window.told = max(window.told, used)
        for cost, taken_ms in settled:
            # Only where the number went: in a neighbour that counts the request too, nothing is known to contain it.
            if index in self._span(taken_ms):
                window.settle(cost)
        self.peak = max(self.peak, window.used)
        self._forget(server_ms)

    def move(self, by_ms: int) -> None:
        """Count whatever was counted in every window that it may truly have been in, now that the time is known."""
        moved: dict[int, _Window] = {}
        for index, window in self.windows.items():
            begins = index * self.rule.interval_ms + by_ms
            for touched in range(self._index(begins), self._index(begins + self.rule.interval_ms - 1) + 1):
                moved.setdefault(touched, _Window()).merge(window)
        self.windows = moved
        self.current += self._index(by_ms)

    def _window(self, index: int) -> _Window:
        return self.windows.setdefault(index, _Window())

    def _forget(self, server_ms: int) -> None:
        """Drop windows that no request lands in any more, even if the estimate moves back within its band.

        The one before stays: should the time turn out to be wrong, a part of it may lie in the true present one.
        """
        self.current = self._index(server_ms)
        oldest = self._index(server_ms - 3 * self.guard_ms) - 1
        for index in [index for index in self.windows if index < oldest]:
            del self.windows[index]

    def statistics(self) -> RuleStatistics:
        return RuleStatistics(self.rule, self._used(self.current), self.peak)


@final
class Limits:
    """What is used of every limit, and what is frozen. All moments are server time in milliseconds.

    Args:
        rules: the limits to begin with; ``on_rules`` brings those of ``exchangeInfo``.
        guard_ms: how far the estimate of server time may be off.
    """

    def __init__(self, rules: Iterable[Rule], *, guard_ms: int = GUARD_MS) -> None:
        self._guard_ms = guard_ms
        self._counters: dict[tuple[LimitKind, int], _Counter] = {}
        self._frozen: dict[LimitKind, int] = {}
        self._moved_ms = 0
        self._admitted = self._put_off = self._refunded = 0
        self.on_rules(rules)

    def on_rules(self, rules: Iterable[Rule]) -> None:
        """Adopt new limits; what is counted stays counted.

        A kind that is not mentioned keeps its rules: the WebSocket API's ``exchangeInfo`` does not list
        ``RAW_REQUESTS``.
        """
        wanted = {(rule.kind, rule.interval_ms): rule for rule in rules}
        mentioned = {kind for kind, _ in wanted}
        for key in [key for key in self._counters if key[0] in mentioned and key not in wanted]:
            del self._counters[key]
        for key, rule in wanted.items():
            self._counters.setdefault(key, _Counter(rule, self._guard_ms)).rule = rule

    def admit(self, cost: Cost, server_ms: int) -> int:
        """Take ``cost`` and return 0, or take nothing and return the server time at which to ask again.

        Raises:
            LimitExceeded: the cost alone is larger than a limit; it will never fit.
        """
        needs = [(counter, cost.of(kind)) for (kind, _), counter in self._counters.items() if cost.of(kind)]
        for counter, amount in needs:
            if amount > counter.rule.limit:
                raise LimitExceeded(_never(counter.rule, amount))
        waits = [counter.room_at(amount, server_ms) for counter, amount in needs]
        waits.append(self._thaw(cost, server_ms))
        if (ask_at := max(waits)) > 0:
            self._put_off += 1
            return ask_at
        for counter, amount in needs:
            counter.take(amount, server_ms)
        self._admitted += 1
        return 0

    def spare_at(self, weight: int, under_way: int, server_ms: int) -> int:
        """Return 0 if a quarter of every window stays free beside ``weight``, else the server time to ask again at.

        It takes nothing: it is for those who have a lot to ask, and time. Who weighs more than three quarters goes when
        nothing else does. ``under_way`` is what others of them were let go with and may not have taken yet.
        """
        asks = [0]
        for (kind, _), counter in self._counters.items():
            if kind is LimitKind.REQUEST_WEIGHT:
                limit = counter.rule.limit
                kept_free = max(min(limit // 4, limit - weight), 0)
                asks.append(counter.room_at(weight + under_way + kept_free, server_ms))
        return max(asks)

    def holds(self, cost: Cost, taken_ms: int, server_ms: int) -> bool:
        """Return whether what ``admit`` took at ``taken_ms`` still lets a request go out at ``server_ms``.

        Not when a window that it did not count in has begun, nor when a kind was frozen since.
        """
        counters = (counter for (kind, _), counter in self._counters.items() if cost.of(kind))
        return not self._thaw(cost, server_ms) and all(counter.holds(taken_ms, server_ms) for counter in counters)

    def _thaw(self, cost: Cost, server_ms: int) -> int:
        """Return when the last freeze that concerns ``cost`` is surely over, or 0."""
        waits = [until + self._guard_ms for kind, until in self._frozen.items() if cost.of(kind)]
        return max((wait for wait in waits if wait > server_ms), default=0)

    def refund(self, cost: Cost, server_ms: int, settled: Collection[tuple[LimitKind, int]] = ()) -> None:
        """Give back what was taken and not spent: never sent, or free because it succeeded.

        "Successful trading requests ... no longer consume request weight" since 2026-04-02 (CHANGELOG).

        Args:
            cost: what comes back; at most what was taken.
            server_ms: the moment that was given to the ``admit`` that took it, moved along since by what ``moved_ms``
                grew: it names the windows; with a later one a window that never held it would be emptied.
            settled: the kinds and lengths of windows whose number its own answer told, so that ``on_used`` has seen to
                it that it is on its way no more; done twice, it would uncover another request.
        """
        self._refunded += 1
        for key, counter in self._counters.items():
            counter.give_back(cost.of(key[0]), server_ms, settled=key in settled)

    def on_used(
        self,
        kind: LimitKind,
        interval_ms: int,
        used: int,
        server_ms: int,
        settled: Iterable[tuple[Cost, int]] = (),
    ) -> None:
        """Correct a count by what an answer told; other programs share the address and the account.

        What of ours is still on its way comes on top of what was told. An answer that tells a number settles its own
        request, which the number contains; one that is lost or tells none leaves it on its way till the window ends.

        Answers arrive out of order, so within a window the largest counts. One exception: fills lower the count of
        *unfilled* orders (faqs/order_count_decrement.md), and whoever fills much places far more than the daily limit.
        There a count that fell is believed, less one percent of the limit for what is on its way.
        A limit that we have no rule for is passed over.

        Args:
            kind: what the number counts.
            interval_ms: the length of the window it counts in.
            used: the number.
            server_ms: when the answer came.
            settled: what the answered request took, and when; the moments as in ``refund``.
        """
        if counter := self._counters.get((kind, interval_ms)):
            parts = [(cost.of(kind), taken_ms) for cost, taken_ms in settled]
            counter.on_used(used, server_ms, parts)

    def freeze(self, until_server_ms: int, kinds: Iterable[LimitKind] = tuple(LimitKind)) -> None:
        """Admit nothing of these kinds until then: all of them after 429 and 418, ``ORDERS`` after -1015."""
        for kind in kinds:
            self._frozen[kind] = max(self._frozen.get(kind, 0), until_server_ms)

    def move(self, by_ms: int) -> None:
        """Note that the estimate of server time has stepped: what is frozen stays so for as long as was told.

        A step beyond the guard band says that what was counted until now sits in wrong windows: it moves along, into
        each that it may truly have been in. A smaller one is what the guard band is for.
        """
        self._frozen = {kind: until + by_ms for kind, until in self._frozen.items()}
        if abs(by_ms) > self._guard_ms:
            self._moved_ms += by_ms
            for counter in self._counters.values():
                counter.move(by_ms)

    @property
    def moved_ms(self) -> int:
        """By how much the windows have moved in all; a moment that names windows moves along."""
        return self._moved_ms

    def frozen_until(self, kind: LimitKind) -> int:
        """Return until when a kind is or was frozen; 0 if it never was."""
        return self._frozen.get(kind, 0)

    def statistics(self) -> LimitsStatistics:
        """Return how full every window is, as far as we know."""
        return LimitsStatistics(
            rules=tuple(counter.statistics() for counter in self._counters.values()),
            admitted=self._admitted,
            put_off=self._put_off,
            refunded=self._refunded,
            frozen_until=dict(self._frozen),
        )


def _never(rule: Rule, amount: int) -> str:
    seconds = rule.interval_ms / 1000
    return f"a request of {amount} {rule.kind.value} can never fit the limit of {rule.limit} in {seconds:g} s"


@final
class Pacer:
    """The pace of one socket: so many messages in any stretch of time, pings and pongs counted.

    "WebSocket connections have a limit of 5 incoming messages per second. A message is considered: a PING frame, a
    PONG frame, a JSON controlled message"; "a connection that goes beyond the limit will be disconnected"
    (web-socket-streams.md, "WebSocket Limits").

    Args:
        limit: messages in a period.
        period: seconds.
        reserve: how many of them are kept for messages that cannot wait, such as pongs.
    """

    def __init__(self, limit: int = 5, period: float = 1.0, *, reserve: int = 1) -> None:
        self._free = max(limit - reserve, 1)
        self._period = period
        self._sent: deque[float] = deque()

    def admit(self, now: float) -> float:
        """Take a place and return 0.0, or take nothing and return the time at which to ask again."""
        # The same sum that is returned below decides here: at the time told, the answer is yes.
        while self._sent and self._sent[0] + self._period <= now:
            self._sent.popleft()
        if len(self._sent) < self._free:
            self._sent.append(now)
            return 0.0
        return self._sent[len(self._sent) - self._free] + self._period

    def note(self, now: float) -> None:
        """Count a message that was sent without asking, such as the pong to a ping."""
        self._sent.append(now)
