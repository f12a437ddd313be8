"""The link: one WebSocket connection that comes back: paced dialling, backoff, silence checked, renewed in time.

    wait (backoff, limits) ──> dial ──> held ──> lost ──> wait ...
                                          └──> renewed (24 h, serverShutdown): dial at once

Expected trouble stays in here; an exception that leaves ``run`` is a crash for the supervisor to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol, final

import trio

from trio_binance._protocol.liveness import Action, Liveness
from trio_binance._pure.backoff import Backoff
from trio_binance._pure.limits import Cost, Pacer
from trio_binance._util import raise_saving_context
from trio_binance.errors import ApiError, BinanceError, DeadlineExceeded, NetworkError, ProtocolError
from trio_binance.errors import ConnectionLost as Lost

from .events import Connected, ConnectFailed, ConnectionLost, ConnectionRenewed, Reconnected
from .service import exit_request, leaves
from .socket import Socket, open_socket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from trio_binance._protocol.operation import Lane
    from trio_binance.config import Tuning

    from .dialer import Dialer
    from .limiter import Limiter
    from .observe import Observer


class Renewal(Exception):
    """The connection is to be replaced at once; nothing is wrong with it."""


class Tenant(Protocol):
    """Who lives on a link: it is handed every new connection, and serves it until that breaks."""

    async def serve(self, socket: Socket) -> None:
        """Serve one connection until it breaks. Raises ``ConnectionLost`` then, or the error that condemns it."""

    async def retire(self) -> None:
        """Let what is under way come to its end: the connection is about to be replaced. Cut off if it takes long."""

    def should_speak(self) -> bool:
        """Tell whether silence of *data* is suspicious at present, as it would be on a busy stream."""
        ...

    def on_lost(self, reason: str) -> None:
        """Take note that the connection is gone, or that there is none yet; a new one is being made."""


@final
class Link:
    """A connection that comes back. ``run`` ends only by cancellation, by a crash, or at the end of a recording.

    Args:
        name: what it is called in events and status.
        url: whom to call.
        cost: of one connection, towards the exchange's limits; paid before each attempt.
        lane: its place among those who wait for the limits.
        dialer: the way to the network.
        limiter: in front of every attempt; it is told when the exchange sends us away.
        tuning: every deadline and pace.
        observer: told of every connection made, lost and renewed.
        rng: draws the jitter.
        ping_exchange: asks by REST whether the exchange answers at all, within a deadline of its own.
        ends: the far end plays a recording: it hangs up when that is over, it never dies, and it waits for a consumer
            who takes his time, so that silence means nothing.
    """

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
        self.connects: int = 0
        """Connections that stood so far; the present one's number, if there is one."""
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
        self._backoff = Backoff(rng, base=tuning.backoff_base, cap=tuning.backoff_cap, stable=tuning.backoff_stable)
        self._pacer = Pacer(limit=tuning.messages_per_second, period=1.0)
        self._paced = 0
        self._renewal_asked = trio.Event()
        self._attempts = 0
        self._young_renewals = 0
        self._held = False
        self._held_since = self._lost_at = 0.0
        self._lost_reason = ""

    # ------------------------------------------------------------------------------------ coming and going

    async def run(self, tenant: Tenant) -> None:
        """Keep the link up and hand each connection to the tenant."""
        while True:
            try:
                await self._connect_and_hold(tenant)
            except Renewal as exc:
                await self._on_renewal(str(exc))
            except (NetworkError, ApiError, ProtocolError) as exc:
                if self._is_end(exc):
                    return
                await self._on_trouble(tenant, exc)

    async def _connect_and_hold(self, tenant: Tenant) -> None:
        self._held = False
        await self._limiter.acquire(self._cost, self._lane)
        self._attempts += 1
        self._pacer = Pacer(limit=self._tuning.messages_per_second, period=1.0)
        self._paced = 0
        async with open_socket(self._url, self._dialer, tuning=self._tuning, on_message=self._note_frame) as socket:
            self._on_connected()
            await self._hold(socket, tenant)

    async def _hold(self, socket: Socket, tenant: Tenant) -> None:
        """Serve one connection; the tenant hears of its end before the closing handshake, not after."""
        tasks: list[Callable[[], Awaitable[None]]] = [lambda: tenant.serve(socket)]
        if not self._ends:
            tasks.append(lambda: self._watch(socket, tenant))
        try:
            await first_of(*tasks)
        except Exception as exc:
            self._lost_reason = str(exc)
            if not self._is_end(exc):
                tenant.on_lost(self._lost_reason)
            raise
        finally:
            self._lost_at = trio.current_time()
            self._backoff.on_lost(self._lost_at)

    def _is_end(self, exc: Exception) -> bool:
        """Tell whether a player of recordings has said goodbye: there is nothing more to come."""
        return self._ends and self._held and isinstance(exc, Lost) and exc.code == 1000

    def _on_connected(self) -> None:
        now = trio.current_time()
        self.connects += 1
        self._held = True
        self._held_since = now
        self._renewal_asked = trio.Event()
        self._backoff.on_connected(now)
        attempt, self._attempts = self._attempts, 0
        if self.connects == 1:
            self._observer.emit(Connected(now, connection=self.name, attempt=attempt))
            return
        after, reason = now - self._lost_at, self._lost_reason
        self._lost_reason = "its service was stopped"  # Unless something else is learned until then.
        self._observer.emit(Reconnected(now, connection=self.name, attempt=attempt, after=after, reason=reason))

    async def _on_renewal(self, reason: str) -> None:
        """Tell of it, and go on at once, unless the exchange sends connection after connection away."""
        self._observer.emit(ConnectionRenewed(self._lost_at, connection=self.name, reason=reason))
        if self._lost_at - self._held_since >= self._tuning.backoff_stable:
            self._young_renewals = 0
            return
        self._young_renewals += 1
        if self._young_renewals > 1:
            await trio.sleep(self._backoff.next_delay())

    async def _on_trouble(self, tenant: Tenant, exc: NetworkError | ApiError | ProtocolError) -> None:
        """Tell of a connection that broke, or of one that never stood, and wait before the next attempt."""
        now, reason, delay = trio.current_time(), str(exc), self._delay(exc)
        if self._held:
            code = exc.code if isinstance(exc, Lost) else None
            self._observer.emit(ConnectionLost(self._lost_at, connection=self.name, reason=reason, code=code))
        else:
            tenant.on_lost(reason)
            self._observer.emit(
                ConnectFailed(now, connection=self.name, attempt=self._attempts, reason=reason, retry_in=delay)
            )
        await trio.sleep(delay)

    def _delay(self, exc: BinanceError) -> float:
        delay = self._backoff.next_delay()
        if isinstance(exc, ApiError) and exc.retry_at is not None:
            # Sent away with 429, 418 or 403: nobody of this address comes near until then, and not all at once after.
            wait = max(exc.retry_at - trio.current_time(), 0.0)
            self._limiter.stop_the_world(wait, exc.status)
            delay += wait
        return delay

    # ---------------------------------------------------------------------------------------------- sending

    async def send(self, socket: Socket, text: str) -> None:
        """Send a text message, no faster than the exchange takes them.

        "WebSocket connections have a limit of 5 incoming messages per second", pings and pongs counted
        (web-socket-streams.md, "WebSocket Limits").
        """
        await self._pace()
        await socket.send(text)

    async def _pace(self) -> None:
        """Wait until a frame may be sent, and take its place."""
        while (ask_at := self._pacer.admit(trio.current_time())) > 0.0:  # noqa: ASYNC110 - time is what is waited for
            await trio.sleep_until(ask_at)
        self._paced += 1

    def _note_frame(self) -> None:
        """Count a frame that goes out, a pong for instance, unless its place was taken already."""
        if self._paced:
            self._paced -= 1
        else:
            self._pacer.note(trio.current_time())

    # ------------------------------------------------------------------------------------------ liveness

    def renew(self) -> None:
        """Have the connection replaced at once, for ``serverShutdown`` came on it."""
        self._renewal_asked.set()

    async def _watch(self, socket: Socket, tenant: Tenant) -> None:
        """Check the connection when it is silent, and see to its renewal; ends by raising only."""
        liveness = Liveness(silence=self._tuning.silence, lifetime=self._tuning.connection_lifetime, rng=self._rng)
        liveness.on_connected(self._held_since)
        while True:
            with trio.move_on_at(liveness.deadline):
                await self._renewal_asked.wait()
            if self._renewal_asked.is_set():
                await self._retire(tenant, "serverShutdown")
            busy = tenant.should_speak()
            liveness.on_heard(socket.last_data if busy else socket.last_heard)
            action = liveness.on_timer(trio.current_time())
            if action is Action.RENEW:
                await self._retire(tenant, "planned renewal before the exchange's 24 h cut")
            if action is Action.CHECK:
                await self._check(socket, busy=busy)
                liveness.on_checked(True, trio.current_time())

    async def _retire(self, tenant: Tenant, reason: str) -> NoReturn:
        # As long as an answer may take: the exchange itself waits 10 s for its matching engine.
        with trio.move_on_after(self._tuning.request_timeout):
            await tenant.retire()
        raise Renewal(reason)

    async def _check(self, socket: Socket, *, busy: bool) -> None:
        """Ping a silent connection, and the exchange beside it; return when all is well with a quiet one.

        Raises:
            ConnectionLost: the ping went unanswered, or a busy connection says nothing though the exchange lives.
        """
        silence, last_data = f"silent for {self._tuning.silence:g} s", socket.last_data
        await self._pace()
        unanswered: DeadlineExceeded | None = None
        try:
            await socket.ping()
        except DeadlineExceeded as exc:
            unanswered = exc
        if unanswered is not None:
            rest = "answers" if await self._ping_exchange() else "does not answer either"
            raise Lost(f"{silence}, ping unanswered; REST {rest}") from unanswered
        if busy and await self._ping_exchange() and socket.last_data == last_data:
            raise Lost(f"{silence} on a busy stream, though the exchange answers: a zombie")


async def first_of(*functions: Callable[[], Awaitable[None]]) -> None:
    """Run them together; when the first ends or fails, cancel the others and end as it did.

    An error of more than one leaves as the first one. A crash, or a request to end the program, leaves as itself and
    not in a group. Cancelled: all are cancelled.
    """
    ended: list[BinanceError | Renewal | None] = []

    async def run_one(function: Callable[[], Awaitable[None]]) -> None:
        try:
            await function()
        except (BinanceError, Renewal) as exc:
            ended.append(exc)
        else:
            ended.append(None)
        nursery.cancel_scope.cancel(reason="another task of this connection has ended")

    try:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            for function in functions:
                nursery.start_soon(run_one, function)
    except BaseExceptionGroup as group:
        raise_saving_context(_leading(group))
    if ended[0] is not None:
        raise_saving_context(ended[0])


def _leading(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one exception of a group to leave with; the group itself if it is but a cancellation on its way."""
    request = exit_request(group)
    if request is not None:
        return request
    crashes = [leaf for leaf in leaves(group) if not isinstance(leaf, trio.Cancelled)]
    for other in crashes[1:]:
        crashes[0].add_note(f"meanwhile {other!r}")
    return crashes[0] if crashes else group
