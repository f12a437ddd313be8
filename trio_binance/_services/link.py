"""The link: one WebSocket connection that comes back: paced dialling, backoff, silence checked, renewed in time.

    wait (backoff, limits) ──> dial ──> held ──> lost ──> wait ...
                                          └──> renewed (24 h, serverShutdown): dial at once

Expected trouble stays in here; an exception that leaves ``run`` is a crash for the supervisor to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

import trio

from trio_binance._protocol.liveness import Action, Liveness
from trio_binance._pure.backoff import Backoff
from trio_binance._pure.limits import Cost, Pacer
from trio_binance._util import raise_saving_context
from trio_binance.errors import ApiError, BinanceError, NetworkError, ProtocolError
from trio_binance.errors import ConnectionLost as Lost

from .events import Connected, ConnectFailed, ConnectionLost, ConnectionRenewed, Reconnected
from .socket import Socket, open_socket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from trio_binance._protocol.operation import Lane
    from trio_binance.config import Tuning

    from .dialer import Dialer
    from .limiter import Limiter
    from .observe import Observer


class Renewal(Exception):  # noqa: N818 - it is no error: the connection has served its time
    """The connection is to be replaced at once; nothing is wrong with it."""


class Tenant(Protocol):
    """Who lives on a link: it is handed every new connection, and serves it until that breaks."""

    async def serve(self, socket: Socket) -> None:
        """Serve one connection. Raises ``ConnectionLost`` when it breaks, ``Renewal`` to have it replaced."""

    def should_speak(self, connected_at: float) -> bool:
        """Tell whether silence of *data* is suspicious on this connection, as it would be on a busy stream."""

    def on_lost(self, reason: str) -> None:
        """Take note that the connection is gone; a new one is being made."""


@final
class Link:
    """A connection that comes back. ``run`` ends only by cancellation, by a crash, or at the end of a recording."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        cost: Cost,
        lane: Lane,
        dialer: Dialer,
        limiter: Limiter,
        tuning: Tuning,
        observer: Observer,
        rng: Random,
        ping_exchange: Callable[[], Awaitable[bool]],
        ends: bool = False,
    ) -> None:
        self.name = name
        self._url = url
        self._cost = cost
        self._lane = lane
        self._dialer = dialer
        self._limiter = limiter
        self._tuning = tuning
        self._observer = observer
        self._rng = rng
        self._ping_exchange = ping_exchange
        self._ends = ends
        self._backoff = Backoff(
            rng, base=tuning.backoff_base, cap=tuning.backoff_cap, stable=tuning.backoff_stable
        )
        self.pacer = Pacer(limit=tuning.messages_per_second, period=1.0)
        self.connects = 0
        self._attempts = 0
        self._held = False
        self._lost_at = 0.0
        self._lost_reason = ""

    async def run(self, tenant: Tenant) -> None:
        """Keep the link up and hand each connection to the tenant."""
        while True:
            self._held = False
            try:
                await self._connect_and_hold(tenant)
            except Renewal as exc:
                self._on_lost(tenant, str(exc))
                self._observer.emit(ConnectionRenewed(trio.current_time(), connection=self.name, reason=str(exc)))
            except (NetworkError, ApiError, ProtocolError) as exc:
                if self._held and self._ends and isinstance(exc, Lost) and exc.code == 1000:
                    return
                await self._on_trouble(tenant, exc)

    async def _on_trouble(self, tenant: Tenant, exc: NetworkError | ApiError | ProtocolError) -> None:
        """Tell of a connection that broke, or of one that never stood, and wait before the next attempt."""
        now, reason = trio.current_time(), str(exc)
        if self._held:
            self._on_lost(tenant, reason)
            code = exc.code if isinstance(exc, Lost) else None
            self._observer.emit(ConnectionLost(now, connection=self.name, reason=reason, code=code))
        delay = self._delay(exc)
        if not self._held:
            tenant.on_lost(reason)
            self._observer.emit(
                ConnectFailed(now, connection=self.name, attempt=self._attempts, reason=reason, retry_in=delay)
            )
        await trio.sleep(delay)

    def _delay(self, exc: BinanceError) -> float:
        delay = self._backoff.next_delay()
        if isinstance(exc, ApiError) and exc.retry_at is not None:
            # A handshake refused with 429 or 418: the whole address stays away.
            wait = max(exc.retry_at - trio.current_time(), 0.0)
            self._limiter.stop_the_world(wait, exc.status)
            return max(delay, wait)
        return delay

    def _on_lost(self, tenant: Tenant, reason: str) -> None:
        now = trio.current_time()
        self._backoff.on_lost(now)
        self._lost_at, self._lost_reason = now, reason
        tenant.on_lost(reason)

    async def _connect_and_hold(self, tenant: Tenant) -> None:
        await self._limiter.acquire(self._cost, self._lane)
        self._attempts += 1
        self.pacer = Pacer(limit=self._tuning.messages_per_second, period=1.0)
        async with open_socket(
            self._url, self._dialer, tuning=self._tuning, on_message=self._note_message
        ) as socket:
            self._on_connected()
            connected_at = trio.current_time()
            await first_of(
                lambda: tenant.serve(socket),
                lambda: self._watch(socket, tenant, connected_at),
            )

    def _note_message(self) -> None:
        self.pacer.note(trio.current_time())

    def _on_connected(self) -> None:
        now = trio.current_time()
        self.connects += 1
        self._held = True
        self._backoff.on_connected(now)
        attempt, self._attempts = self._attempts, 0
        if self.connects == 1:
            self._observer.emit(Connected(now, connection=self.name, attempt=attempt))
            return
        after, reason = now - self._lost_at, self._lost_reason
        self._observer.emit(Reconnected(now, connection=self.name, attempt=attempt, after=after, reason=reason))

    async def send(self, socket: Socket, text: str) -> None:
        """Send a text message, no faster than the exchange takes them: "5 incoming messages per second"."""
        while (ask_at := self.pacer.admit(trio.current_time())) > 0.0:
            await trio.sleep_until(ask_at)
        await socket.send(text)

    # ------------------------------------------------------------------------------------------ liveness

    async def _watch(self, socket: Socket, tenant: Tenant, connected_at: float) -> None:
        liveness = Liveness(silence=self._tuning.silence, lifetime=self._tuning.connection_lifetime, rng=self._rng)
        liveness.on_connected(connected_at)
        while True:
            await trio.sleep_until(liveness.deadline)
            busy = tenant.should_speak(connected_at)
            liveness.on_heard(socket.last_data if busy else socket.last_heard)
            action = liveness.on_timer(trio.current_time())
            if action is Action.RENEW:
                raise Renewal("planned renewal before the exchange's 24 h cut")
            if action is Action.CHECK:
                await self._check(socket, busy=busy)
                liveness.on_checked(True, trio.current_time())

    async def _check(self, socket: Socket, *, busy: bool) -> None:
        """Ping a silent connection, and the exchange beside it; return when all is well with a quiet one.

        Raises:
            ConnectionLost: the ping went unanswered, or a busy connection says nothing though the exchange lives.
        """
        silence = f"silent for {self._tuning.silence:g} s"
        try:
            await socket.ping()
        except BinanceError as exc:
            alive = await self._ping_exchange()
            rest = "answers" if alive else "does not answer either"
            raise Lost(f"{silence}, ping unanswered; REST {rest}") from exc
        if busy and await self._ping_exchange():
            raise Lost(f"{silence} on a busy stream, though the exchange answers: a zombie")


async def first_of(*functions: Callable[[], Awaitable[None]]) -> None:
    """Run them together; when the first ends or fails, cancel the others and end as it did.

    An error of more than one leaves as the first one; a crash leaves as itself. Cancelled: all are cancelled.
    """
    ended: list[Exception | None] = []

    async def run_one(function: Callable[[], Awaitable[None]]) -> None:
        try:
            await function()
        except (BinanceError, Renewal) as exc:
            ended.append(exc)
        else:
            ended.append(None)
        nursery.cancel_scope.cancel(reason="another task of this connection has ended")

    try:
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(run_one, function)
    except BaseExceptionGroup as group:
        crashes = group.subgroup(lambda exc: isinstance(exc, Exception) and not isinstance(exc, BaseExceptionGroup))
        if crashes is None or len(crashes.exceptions) != 1 or len(group.exceptions) != 1:
            raise
        raise_saving_context(crashes.exceptions[0])
    if ended and ended[0] is not None:
        raise_saving_context(ended[0])
