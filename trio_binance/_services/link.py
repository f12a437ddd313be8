"""The link: a WebSocket connection that comes back: paced dialling, backoff, mirrors, and replaced before it is cut.

    wait (backoff, limits) ──> dial ──> stands ──> lost ──> wait ...
                                          └──> to be replaced (24 h, serverShutdown): dial at once

Where connections overlap, the old one goes on until the new one serves. Expected trouble stays in here; an exception
that leaves ``run`` is a crash for the supervisor to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from trio_binance._pure.backoff import Backoff
from trio_binance._pure.mirrors import Mirrors
from trio_binance._util import raise_saving_context
from trio_binance.errors import ApiError, BinanceError, ConnectError
from trio_binance.errors import ConnectionLost as Lost

from .events import Connected, ConnectFailed, ConnectionLost, ConnectionRenewed, MirrorChanged, Reconnected
from .life import Life
from .life import Tenant as Tenant
from .race import first_of as first_of
from .race import leading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from random import Random

    from trio_binance._protocol.operation import Lane
    from trio_binance._pure.limits import Cost
    from trio_binance.config import Tuning

    from .dialer import Dialer
    from .limiter import Limiter
    from .observe import Observer
    from .socket import Socket


@final
class Link:
    """A connection that comes back. ``run`` ends only by cancellation, by a crash, or at the end of a recording.

    Args:
        name: what it is called in events and status.
        urls: whom to call: the first, and mirrors for when that cannot be reached.
        cost: of one connection, towards the exchange's limits; paid before each attempt.
        lane: its place among those who wait for the limits.
        dialer: the way to the network.
        limiter: in front of every attempt; it is told when the exchange sends us away.
        tuning: every deadline and pace.
        observer: told of every connection made, lost and renewed.
        rng: draws the jitter.
        ping_exchange: asks by REST whether the exchange answers at all, within a deadline of its own.
        overlaps: make before break: a connection that is to be replaced goes on until its successor serves.
        patience: seconds that the tenant may take to retire from a connection; by default as long as an answer may.
        ends: the far end plays a recording: it hangs up when that is over, it never dies, and it waits for a consumer
            who takes his time, so that silence means nothing.
    """

    def __init__(
        self,
        name: str,
        urls: Sequence[str],
        *,
        cost: Cost,
        lane: Lane,
        dialer: Dialer,
        limiter: Limiter,
        tuning: Tuning,
        observer: Observer,
        rng: Random,
        ping_exchange: Callable[[], Awaitable[bool]],
        overlaps: bool = False,
        patience: float | None = None,
        ends: bool = False,
    ) -> None:
        self.name = name
        self.connects: int = 0
        """Connections that stood so far; the latest one's number."""
        self._cost = cost
        self._lane = lane
        self._dialer = dialer
        self._limiter = limiter
        self._tuning = tuning
        self._observer = observer
        self._rng = rng
        self._ping_exchange = ping_exchange
        self._overlaps = overlaps
        # The exchange itself waits 10 s for its matching engine.
        self._patience = tuning.request_timeout if patience is None else patience
        self._ends = ends
        self._mirrors = Mirrors(urls, return_after=tuning.mirror_return)
        self._backoff = Backoff(rng, base=tuning.backoff_base, cap=tuning.backoff_cap, stable=tuning.backoff_stable)
        self._attempts = 0
        self._young_renewals = 0
        self._old: Life | None = None
        """The connection that is being replaced, until its successor stands."""
        self._present: Life | None = None
        """The latest that stood."""
        self._standing: list[Life] = []
        self._lost_at = 0.0
        self._lost_reason = ""

    # ------------------------------------------------------------------------------------ coming and going

    async def run(self, tenant: Tenant) -> None:
        """Keep the link up and hand each connection to the tenant."""
        try:
            async with trio.open_nursery(strict_exception_groups=True) as nursery:
                await self._keep_up(tenant, nursery)
        except BaseExceptionGroup as group:
            raise_saving_context(leading(group))
        finally:
            self._old = self._present = None
            self._standing.clear()

    async def _keep_up(self, tenant: Tenant, nursery: trio.Nursery) -> None:
        while True:
            life = await self._raise_up(tenant, nursery)
            if self._old is not None:
                nursery.start_soon(self._see_off, tenant, self._old)
                self._old = None
            await life.turned.wait()
            self._backoff.on_lost(life.ended_at or trio.current_time())
            if self._is_end(life):
                return
            if life.over.is_set():
                await trio.sleep(self._delay(life.error))
            else:
                await self._replace(tenant, life)

    async def _raise_up(self, tenant: Tenant, nursery: trio.Nursery) -> Life:
        """Dial until a connection stands, however long that takes."""
        while True:
            await self._limiter.acquire(self._cost, self._lane)
            self._attempts += 1
            life = self._make_life()
            nursery.start_soon(life.run, tenant)
            await life.settled.wait()
            if life.socket is not None:
                return life
            assert life.error is not None
            await self._on_failed(tenant, life.error, life.url)

    def _make_life(self) -> Life:
        return Life(
            self._mirrors.current(trio.current_time()),
            dialer=self._dialer,
            tuning=self._tuning,
            rng=self._rng,
            ping_exchange=self._ping_exchange,
            on_stood=self._on_stood,
            on_over=self._on_over,
            watched=not self._ends,
        )

    def _on_stood(self, life: Life) -> None:
        self.connects += 1
        alone = not self._standing
        self._present = life
        self._standing.append(life)
        self._backoff.on_connected(life.stood_at)
        attempt, self._attempts = self._attempts, 0
        if self.connects == 1:
            self._observer.emit(Connected(life.stood_at, connection=self.name, attempt=attempt))
        elif alone:
            after, reason = life.stood_at - self._lost_at, self._lost_reason
            event = Reconnected(life.stood_at, connection=self.name, attempt=attempt, after=after, reason=reason)
            self._observer.emit(event)

    def _on_over(self, life: Life) -> None:
        """Tell of a connection that broke, whether or not another stands."""
        self._standing.remove(life)
        if not self._standing:
            self._lost_at, self._lost_reason = life.ended_at, life.reason or "its service was stopped"
        if life.error is None or self._is_end(life) or _is_over_as_told(life):
            return
        code = life.error.code if isinstance(life.error, Lost) else None
        event = ConnectionLost(life.ended_at, connection=self.name, reason=life.reason, code=code)
        self._observer.emit(event)
        self._heed(life.error)

    def _is_end(self, life: Life) -> bool:
        """Tell whether a player of recordings has said goodbye: there is nothing more to come."""
        return self._ends and isinstance(life.error, Lost) and life.error.code == 1000

    async def _on_failed(self, tenant: Tenant, exc: BinanceError, url: str) -> None:
        """Tell of a connection that never stood, and wait before the next attempt."""
        now, reason, delay = trio.current_time(), str(exc), self._delay(exc)
        if not self._standing:
            tenant.on_lost(reason, None)
        if isinstance(exc, ConnectError) and (other := self._mirrors.on_unreachable(url, now)) is not None:
            self._observer.emit(MirrorChanged(now, connection=self.name, old=url, new=other))
        self._observer.emit(
            ConnectFailed(now, connection=self.name, attempt=self._attempts, reason=reason, retry_in=delay)
        )
        self._heed(exc)
        await trio.sleep(delay)

    def _delay(self, exc: BinanceError | None) -> float:
        return self._backoff.next_delay() + _exile(exc)

    def _heed(self, exc: BinanceError) -> None:
        """Keep everybody of this address away who was sent away with one of us: 429, 418 or 403."""
        if isinstance(exc, ApiError) and exc.retry_at is not None:
            self._limiter.stop_the_world(_exile(exc), exc.status)

    # ----------------------------------------------------------------------------------- planned replacement

    async def _replace(self, tenant: Tenant, life: Life) -> None:
        """Make room for the next connection, or let this one go on beside it."""
        if self._overlaps:
            self._old = life
        else:
            await self._see_off(tenant, life)
        # At once, unless the exchange sends connection after connection away.
        young = (life.ended_at or trio.current_time()) - life.stood_at < self._tuning.backoff_stable
        self._young_renewals = self._young_renewals + 1 if young else 0
        if self._young_renewals > 1:
            await trio.sleep(self._backoff.next_delay())

    async def _see_off(self, tenant: Tenant, life: Life) -> None:
        await life.hang_up(tenant, self._patience)
        if life.error is None or _is_over_as_told(life):
            self._observer.emit(ConnectionRenewed(life.ended_at, connection=self.name, reason=life.renewal))

    # --------------------------------------------------------------------------------------- for the tenant

    async def send(self, socket: Socket, text: str) -> None:
        """Send a text message on a connection, no faster than the exchange takes them."""
        for life in [each for each in self._standing if each.socket is socket]:
            await life.pace()
        await socket.send(text)

    def renew(self, socket: Socket | None = None, reason: str = "serverShutdown") -> None:
        """Have a connection replaced at once, the present one by default; one that is older is being replaced."""
        if self._present is not None and socket in (None, self._present.socket):
            self._present.renew(reason)


def _is_over_as_told(life: Life) -> bool:
    """Tell whether the exchange has closed a connection after it had said so, or when we were about to."""
    return bool(life.renewal) and isinstance(life.error, Lost) and life.error.code in (1000, 1001)


def _exile(exc: BinanceError | None) -> float:
    """Return the seconds for which the exchange has sent us away."""
    told = exc.retry_at if isinstance(exc, ApiError) else None
    return 0.0 if told is None else max(told - trio.current_time(), 0.0)
