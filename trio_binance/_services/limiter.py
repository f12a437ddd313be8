"""The limiter: a fair queue in front of the exchange's limits, trading before market data.

Waiters stand in one line, ordered by lane and arrival. Whoever needs only what nobody ahead needs may pass: an order
that waits for the order count does not hold up a candle, but a candle never takes the weight an order waits for.
"""

from __future__ import annotations

from bisect import insort
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_binance._protocol.operation import Lane
from trio_binance._pure.limits import Cost, LimitKind, Limits, Rule
from trio_binance.errors import ConnectorClosed, LimitExceeded

from .events import BanEnded, BanStarted, RateLimitHit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from trio_binance._protocol.reply import Usage
    from trio_binance._pure.limits import LimitsStatistics

    from .clock import Clock
    from .observe import Observer


@attrs.define(eq=False)
class _Waiter:
    lane: Lane
    number: int
    cost: Cost
    patience: float
    woken: trio.Event = attrs.field(factory=trio.Event)
    taken_at: int = 0


@attrs.frozen
class Taken:
    """A receipt: what was taken of the limits and the server time of each taking, as if no window had ever moved."""

    parts: tuple[tuple[Cost, int], ...] = ()
    settled: set[tuple[LimitKind, int]] = attrs.field(factory=set, eq=False)
    """The kinds and lengths of windows for which the request's own answer told a number."""

    def and_part(self, cost: Cost, unmoved_ms: int) -> Taken:
        """Return a receipt for this too."""
        return Taken((*self.parts, (cost, unmoved_ms)), self.settled)

    @property
    def weight_only(self) -> Taken:
        """The same without what success does not give back."""
        parts = tuple((Cost(weight=cost.weight, raw=0), at) for cost, at in self.parts if cost.weight)
        return Taken(parts, self.settled)


DEFAULT_RULES = (
    Rule(LimitKind.REQUEST_WEIGHT, 60_000, 6_000),
    Rule(LimitKind.RAW_REQUESTS, 300_000, 300_000),
    Rule(LimitKind.ORDERS, 10_000, 50),
    Rule(LimitKind.ORDERS, 86_400_000, 160_000),
    Rule(LimitKind.CONNECTIONS, 300_000, 300),
)
"""The documented limits, in force until ``exchangeInfo`` tells the exchange's own."""


def _parts(cost: Cost) -> list[Cost]:
    """Split a cost by what it competes for, so that who waits for one thing holds up nobody who needs another."""
    shared = attrs.evolve(cost, orders=0, connections=0)
    parts = [Cost(raw=0, orders=cost.orders), Cost(raw=0, connections=cost.connections), shared]
    return [part for part in parts if part.weight or part.raw or part.orders or part.connections]


def _compete(one: Cost, other: Cost) -> bool:
    return bool(
        ((one.weight or one.raw) and (other.weight or other.raw))
        or (one.orders and other.orders)
        or (one.connections and other.connections)
    )


@final
class Limiter:
    """The queue. Only ``acquire`` waits; everything else is instantaneous."""

    def __init__(self, limits: Limits, clock: Clock, observer: Observer) -> None:
        self._limits = limits
        self._clock = clock
        self._observer = observer
        self._line: list[_Waiter] = []
        self._numbers = count()
        self._ban_until = 0.0
        self._offset_ms = 0
        self._closed = False
        self._spared = 0
        """Weight that was let go with by ``spare``, and may not be taken yet."""
        self._less_spared = trio.Event()

    @property
    def waiting(self) -> int:
        """How many requests stand in line."""
        return len(self._line)

    def statistics(self) -> LimitsStatistics:
        """Return what is used of every limit, as far as we know."""
        return self._limits.statistics()

    async def acquire(self, cost: Cost, lane: Lane, *, patience: float = float("inf")) -> Taken:
        """Wait until every limit has room for the cost, take it, and return a receipt for ``refund``.

        Cancelled: nothing stays taken.

        Raises:
            LimitExceeded: the cost alone is larger than a limit, or what was frozen stays so for longer than
                ``patience`` seconds.
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        number = next(self._numbers)
        taken, wanted = Taken(), _parts(cost)
        try:
            await trio.lowlevel.checkpoint()
            while wanted:
                for part in wanted:
                    taken = taken.and_part(part, await self._acquire_part(_Waiter(lane, number, part, patience)))
                taken, wanted = self._give_back_stale(taken)
        except BaseException:
            self.refund(taken)
            raise
        return taken

    @asynccontextmanager
    async def spare(self, weight: int) -> AsyncIterator[None]:
        """Ask for something of this weight in the block, which is entered when a quarter stays free for others.

        It takes nothing by itself; it is for those who have a lot to ask, and time. Cancelled: nothing happened.

        Raises:
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        await trio.lowlevel.checkpoint()
        while not self._closed and (ask_at := self._limits.spare_at(weight, self._spared, self._server_ms())):
            with trio.move_on_after(max(ask_at - self._clock.server_ms(), 1) / 1000):
                await self._less_spared.wait()
        if self._closed:
            raise ConnectorClosed("the connector is closed")
        # Counted until it is over, for it may be on its way to the limits still.
        self._spared += weight
        try:
            yield
        finally:
            self._spared -= weight
            self._on_less_spared()

    def _on_less_spared(self) -> None:
        self._less_spared.set()
        self._less_spared = trio.Event()

    def _give_back_stale(self, taken: Taken) -> tuple[Taken, list[Cost]]:
        """Give back what was taken of windows that ended, or was frozen, while another part waited."""
        server_ms = self._server_ms()
        fresh: list[tuple[Cost, int]] = []
        stale: list[tuple[Cost, int]] = []
        for part, (cost, taken_ms) in zip(taken.parts, self._moved(taken), strict=True):
            (fresh if self._limits.holds(cost, taken_ms, server_ms) else stale).append(part)
        self.refund(Taken(tuple(stale)))
        return Taken(tuple(fresh), taken.settled), [cost for cost, _ in stale]

    async def _acquire_part(self, waiter: _Waiter) -> int:
        """Return the server time at which it was taken, as if no window had ever moved: it names the windows."""
        insort(self._line, waiter, key=lambda one: (one.lane, one.number))
        try:
            while (ask_at := self._admit(waiter)) != 0:
                await self._wait(waiter, ask_at)
        finally:
            self._line.remove(waiter)
            self._wake(waiter.cost)
        return waiter.taken_at

    def _admit(self, waiter: _Waiter) -> int | None:
        """Take the waiter's cost and return 0, or return the server time to ask again (``None``: when woken)."""
        if self._closed:
            raise ConnectorClosed("the connector is closed")
        self._check_patience(waiter)
        for ahead in self._line:
            if ahead is waiter:
                break
            if _compete(ahead.cost, waiter.cost):
                return None
        server_ms = self._server_ms()
        waiter.taken_at = server_ms - self._limits.moved_ms
        return self._limits.admit(waiter.cost, server_ms)

    def _check_patience(self, waiter: _Waiter) -> None:
        server_ms = self._server_ms()  # first, since it moves what is frozen
        until = max(self._limits.frozen_until(kind) for kind in LimitKind if waiter.cost.of(kind))
        seconds = (until - server_ms) / 1000
        if seconds > waiter.patience:
            retry_at = trio.current_time() + seconds
            raise LimitExceeded(f"held back by the exchange's order for {seconds:.0f} s", retry_at=retry_at)

    async def _wait(self, waiter: _Waiter, ask_at: int | None) -> None:
        seconds = float("inf") if ask_at is None else max(ask_at - self._clock.server_ms(), 1) / 1000
        with trio.move_on_after(seconds):
            await waiter.woken.wait()
        waiter.woken = trio.Event()

    def _wake(self, cost: Cost) -> None:
        """Wake the first in line of those who compete for this."""
        for waiter in self._line:
            if _compete(waiter.cost, cost):
                waiter.woken.set()
                return

    def _wake_all(self) -> None:
        for waiter in self._line:
            waiter.woken.set()

    def close(self) -> None:
        """Send everyone who waits away, and who comes later: the connector is closed."""
        self._closed = True
        self._on_less_spared()
        self._wake_all()

    def refund(self, taken: Taken) -> None:
        """Give back what was not spent: not sent at all, or free because it succeeded."""
        for cost, server_ms in self._moved(taken):
            self._limits.refund(cost, server_ms, taken.settled)
            self._wake(cost)

    def _moved(self, taken: Taken) -> list[tuple[Cost, int]]:
        """Return what was taken with the moments that name the windows it is counted in now."""
        return [(cost, unmoved_ms + self._limits.moved_ms) for cost, unmoved_ms in taken.parts]

    def on_usage(self, usages: Iterable[Usage], taken: Taken | None = None) -> None:
        """Correct our counts by the exchange's: other programs share the address and the account.

        Args:
            usages: what an answer told.
            taken: the receipt of the request it answers, which the numbers contain; without it the request counts as
                on its way till its windows end.
        """
        server_ms = self._server_ms()
        taken = taken or Taken()
        answered = self._moved(taken)
        for usage in usages:
            rule = (usage.kind, usage.interval_ms)
            self._limits.on_used(*rule, usage.used, server_ms, () if rule in taken.settled else answered)
            taken.settled.add(rule)
        for cost, _ in answered:
            self._wake(cost)

    def on_rules(self, rules: Sequence[Rule]) -> None:
        """Adopt the limits that ``exchangeInfo`` tells."""
        self._limits.on_rules(rules)
        self._wake_all()

    def stop_the_world(self, seconds: float, status: int) -> None:
        """Send nothing at all for so long: "429 ... back off", "418 ... banned" (rest-api.md, "IP Limits")."""
        self._freeze(seconds, None)
        until = trio.current_time() + seconds
        if until > self._ban_until:
            self._ban_until = until
            self._observer.emit(BanStarted(self._observer.now(), until=until, status=status))

    def stop_orders(self, seconds: float) -> None:
        """Place no order for so long: the account's unfilled-order count is exceeded (-1015)."""
        self._freeze(seconds, (LimitKind.ORDERS,))
        self._observer.emit(
            RateLimitHit(self._observer.now(), kind=LimitKind.ORDERS.value, until=trio.current_time() + seconds)
        )

    def _freeze(self, seconds: float, kinds: tuple[LimitKind, ...] | None) -> None:
        until = self._server_ms() + int(seconds * 1000)
        if kinds is None:
            self._limits.freeze(until)
        else:
            self._limits.freeze(until, kinds)
        self._wake_all()

    def _server_ms(self) -> int:
        """Return server time; when our idea of it has moved, what is frozen and what is counted moves along.

        "Retry-After" counts from the answer: a machine whose clock is an hour wrong, sent away before it was set
        right, would come back an hour late, or into the ban. And what it had spent would sit in another hour's windows.
        """
        server_ms = self._clock.server_ms()
        offset_ms = server_ms - int(trio.current_time() * 1000)
        if offset_ms != self._offset_ms:
            moved_ms = self._limits.moved_ms
            self._limits.move(offset_ms - self._offset_ms)
            self._offset_ms = offset_ms
            if self._limits.moved_ms != moved_ms:
                self._wake_all()  # who waits for a window's end waits for another moment now
        return server_ms

    def on_answer(self) -> None:
        """Note that the exchange answered normally: a ban that has run its time is over."""
        if self._ban_until and trio.current_time() >= self._ban_until:
            self._ban_until = 0.0
            self._observer.emit(BanEnded(self._observer.now()))
