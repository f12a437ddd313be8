"""The life: one connection of a link, from dialling to the closed socket: paced, watched for silence, and retired.

dial ──> stands ──> lost                      ``error`` says why
           └──────> to be replaced ──> retired (its successor stands, or is being made)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

import trio

from trio_binance._protocol.liveness import Action, Liveness
from trio_binance._pure.limits import Pacer
from trio_binance.errors import ApiError, BinanceError, DeadlineExceeded, NetworkError, ProtocolError
from trio_binance.errors import ConnectionLost as Lost

from .race import first_of
from .socket import Socket, open_socket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from trio_binance.config import Tuning

    from .dialer import Dialer


class Tenant(Protocol):
    """Who lives on a link: it is handed every new connection, and serves it until that breaks or is retired.

    On a link whose connections overlap it serves two for a while: the old one until what is under way on it has come
    to its end, and the new one.
    """

    async def serve(self, socket: Socket) -> None:
        """Serve one connection until it breaks. Raises ``ConnectionLost`` then, or the error that condemns it."""

    async def retire(self, socket: Socket) -> None:
        """Let what is under way come to its end: the connection is being replaced. Cut off if it takes long."""

    def should_speak(self) -> bool:
        """Tell whether silence of *data* is suspicious at present, as it would be on a busy stream."""
        ...

    def on_lost(self, reason: str, socket: Socket | None) -> None:
        """Take note that a connection is gone, or, with ``None``, that there is none yet; a new one is being made."""


@final
class Life:
    """One connection. ``run`` it once; the events and ``error`` tell how it fares.

    Args:
        url: whom to call.
        dialer: the way to the network.
        tuning: every deadline and pace.
        rng: draws when to replace it.
        ping_exchange: asks by REST whether the exchange answers at all, within a deadline of its own.
        on_stood: called, without waiting, when the connection stands.
        on_over: called when it is over, if it had stood.
        watched: whether silence means something, and age.
    """

    def __init__(
        self,
        url: str,
        *,
        dialer: Dialer,
        tuning: Tuning,
        rng: Random,
        ping_exchange: Callable[[], Awaitable[bool]],
        on_stood: Callable[[Life], None],
        on_over: Callable[[Life], None],
        watched: bool,
    ) -> None:
        self.url = url
        self.socket: Socket | None = None
        self.error: NetworkError | ApiError | ProtocolError | None = None
        self.reason = ""
        """Why it is over, if that is known."""
        self.stood_at = self.ended_at = 0.0
        self.renewal = ""
        """Why it is to be replaced, if it is."""
        self.settled = trio.Event()
        """It stands, or never will."""
        self.turned = trio.Event()
        """It is over, or to be replaced."""
        self.over = trio.Event()
        self._dialer = dialer
        self._tuning = tuning
        self._rng = rng
        self._ping_exchange = ping_exchange
        self._on_stood = on_stood
        self._on_over = on_over
        self._watched = watched
        self._scope = trio.CancelScope()
        self._pacer = Pacer(limit=tuning.messages_per_second, period=1.0)
        self._paced = 0

    async def run(self, tenant: Tenant) -> None:
        """Dial, and let the tenant serve, until the connection breaks or ``hang_up``; then close it.

        Trouble of the line is kept in ``error``; whatever else leaves the tenant is a crash and leaves as it is.
        """
        try:
            with self._scope:
                async with open_socket(
                    self.url, self._dialer, tuning=self._tuning, on_message=self._note_frame
                ) as socket:
                    self._stand(socket)
                    await self._hold(socket, tenant)
        except (NetworkError, ApiError, ProtocolError) as exc:
            self.error = exc
        finally:
            if self.socket is not None:
                self._on_over(self)
            for event in (self.settled, self.turned, self.over):
                event.set()

    def _stand(self, socket: Socket) -> None:
        self.socket = socket
        self.stood_at = trio.current_time()
        self._on_stood(self)
        self.settled.set()

    async def _hold(self, socket: Socket, tenant: Tenant) -> None:
        """Have it served and watched; the tenant hears of its end before the closing handshake, not after."""
        tasks: list[Callable[[], Awaitable[None]]] = [lambda: tenant.serve(socket)]
        if self._watched:
            tasks.append(lambda: self._watch(socket, tenant))
        try:
            await first_of(*tasks)
        except Exception as exc:
            self.reason = str(exc)
            if self._watched or not isinstance(exc, Lost) or exc.code != 1000:
                tenant.on_lost(self.reason, socket)
            raise
        finally:
            self.ended_at = trio.current_time()

    def renew(self, reason: str) -> None:
        """Ask for its replacement; asked again, nothing changes."""
        if self._watched and not self.renewal:
            self.renewal = reason
            self.turned.set()

    async def hang_up(self, tenant: Tenant, patience: float) -> None:
        """Retire it: wait for what is under way, but no longer than so many seconds, and close it."""
        assert self.socket is not None
        with trio.move_on_after(patience):
            await tenant.retire(self.socket)
        if not self.reason:  # or else it broke meanwhile
            self.reason = self.renewal
            tenant.on_lost(self.reason, self.socket)
            self._scope.cancel(reason=self.reason)
        await self.over.wait()

    # ---------------------------------------------------------------------------------------------- sending

    async def pace(self) -> None:
        """Wait until a frame may be sent, and take its place.

        "WebSocket connections have a limit of 5 incoming messages per second", pings and pongs counted
        (web-socket-streams.md, "WebSocket Limits").
        """
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

    async def _watch(self, socket: Socket, tenant: Tenant) -> None:
        """Check the connection when it is silent, and see to its renewal; ends by raising only."""
        liveness = Liveness(silence=self._tuning.silence, lifetime=self._tuning.connection_lifetime, rng=self._rng)
        liveness.on_connected(self.stood_at)
        while True:
            await trio.sleep_until(liveness.deadline)
            busy = tenant.should_speak()
            liveness.on_heard(socket.last_data if busy else socket.last_heard)
            action = liveness.on_timer(trio.current_time())
            if action is Action.RENEW:
                self.renew("planned renewal before the exchange's 24 h cut")
            if action is Action.CHECK:
                await self._check(socket, busy=busy)
                liveness.on_checked(True, trio.current_time())

    async def _check(self, socket: Socket, *, busy: bool) -> None:
        """Ping a silent connection, and the exchange beside it; return when all is well with a quiet one.

        Raises:
            ConnectionLost: the ping went unanswered, or a busy connection says nothing though the exchange lives.
        """
        silence, last_data = f"silent for {self._tuning.silence:g} s", socket.last_data
        await self.pace()
        unanswered: BinanceError | None = None
        try:
            await socket.ping()
        except DeadlineExceeded as exc:
            unanswered = exc
        if unanswered is not None:
            rest = "answers" if await self._ping_exchange() else "does not answer either"
            raise Lost(f"{silence}, ping unanswered; REST {rest}") from unanswered
        if busy and await self._ping_exchange() and socket.last_data == last_data:
            raise Lost(f"{silence} on a busy stream, though the exchange answers: a zombie")
