"""The shard: one socket and its streams; every event decoded once and handed to each feed that wants it.

Nothing on the way from the socket to the feeds waits, so a slow consumer delays nobody; only a replay, which must
lose nothing, waits for room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance._protocol.stream import SHUTDOWN_STREAM, Confirmed, Refused, Subscriptions, is_shutdown
from trio_binance.errors import BinanceError, ConnectionLost, DecodeError

from .conditions import Degraded, Ready
from .events import Dropped, GapSeen, SubscriptionLost, SubscriptionRestored, Undecodable
from .link import first_of
from .route import Outlet, Route, ids_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trio_binance._codec.stream import Decoder
    from trio_binance.config import Tuning
    from trio_binance.models import StreamEvent

    from .link import Link
    from .observe import Observer
    from .socket import Socket
    from .status import StatusBoard

BUSY_MESSAGES, BUSY_RATE = 20, 1.0
"""A connection that carried at least so many messages, at so many a second, is busy: its silence is suspicious.

At one message a second on average, 30 s without any are no accident; at a fifth of that they are one every half hour.
"""


@attrs.frozen
class ShardStatistics:
    """What one socket has carried so far."""

    name: str
    streams: int
    confirmed: int
    connects: int
    messages: int
    undecodable: int
    strays: int
    """Events of streams that nobody wants (any more), and control messages that answer nothing."""


@final
class Shard:
    """One socket and its streams; a service of its own, so that its crash is nobody else's."""

    def __init__(self, link: Link, *, tuning: Tuning, observer: Observer, board: StatusBoard, lossless: bool) -> None:
        self.name = link.name
        self.routes: dict[str, Route] = {}
        self.finished = False
        """The recording is over: nothing more will come."""
        self.dropped = 0
        self._link = link
        self._tuning = tuning
        self._observer = observer
        self._board = board
        self._lossless = lossless
        self._subscriptions = Subscriptions(timeout=tuning.subscribe_timeout)
        self._changed = trio.Event()
        self._connected = False
        self._messages = self._undecodable = self._strays = 0
        self._messages_before = 0
        self._counted_since = 0.0
        self._announced = 1

    def statistics(self) -> ShardStatistics:
        """Return counters of this socket."""
        return ShardStatistics(
            self.name,
            len(self.routes),
            len(self._confirmed()),
            self._link.connects,
            self._messages,
            self._undecodable,
            self._strays,
        )

    # --------------------------------------------------------------------------------- what it shall carry

    def attach(self, names: Iterable[str], outlet: Outlet) -> list[Route]:
        """Carry these streams for this outlet too."""
        confirmed = self._confirmed()
        routes = []
        for name in names:
            route = self.routes.get(name)
            if route is None:
                route = self.routes[name] = Route(name, self._decoder(name))
                if name in confirmed:  # Given up a moment ago, and the exchange does not know yet.
                    route.settled.set()
            route.outlets.append(outlet)
            routes.append(route)
            if name in confirmed:
                outlet.sink.on_carried()
        self._poke()
        return routes

    def _decoder(self, name: str) -> Decoder:
        decode = decoder_for(name)
        if name != SHUTDOWN_STREAM:
            return decode

        def heed(data: bytes) -> StreamEvent:
            self._link.renew()
            return decode(data)

        return heed

    def detach(self, outlet: Outlet) -> None:
        """Carry nothing for this outlet any more; the last one out unsubscribes."""
        before = len(self.routes)
        for name in outlet.names:
            route = self.routes.get(name)
            if route is not None and outlet in route.outlets:
                route.outlets.remove(outlet)
                if not route.outlets:
                    del self.routes[name]
        if len(self.routes) < before:
            self._restart_count()
            self._report()
            self._poke()

    def _confirmed(self) -> frozenset[str]:
        return self._subscriptions.confirmed if self._connected else frozenset()

    def _reconcile(self) -> None:
        """Bring the wishes in line with the routes, all changes since the last time at once and not one by one."""
        self._subscriptions.unwant([name for name in self._subscriptions.wanted if name not in self.routes])
        self._subscriptions.want(self.routes)

    def _poke(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # -------------------------------------------------------------------------------------------- its life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry the streams until cancelled, or to the end of a recording."""
        task_status.started()
        try:
            await self._link.run(self)
        finally:
            self._interrupt("its service was stopped")
        self.finished = True
        self.end(None)

    def end(self, error: BinanceError | None) -> None:
        """End every feed of this socket, and the waiting for confirmations."""
        for route in self.routes.values():
            route.settled.set()
        for outlet in self._outlets():
            outlet.sink.end(error)

    def _outlets(self) -> list[Outlet]:
        return list(dict.fromkeys(outlet for route in self.routes.values() for outlet in route.outlets))

    def should_speak(self) -> bool:
        """Tell whether this connection has been busy, so that silence on it is suspicious."""
        carried = self._messages - self._messages_before
        alive = max(trio.current_time() - self._counted_since - self._tuning.silence, 1.0)
        return carried >= BUSY_MESSAGES and carried / alive >= BUSY_RATE

    def _restart_count(self) -> None:
        """Judge by what comes from now on: what a stream brought that is gone says nothing of the others."""
        self._messages_before = self._messages
        self._counted_since = trio.current_time()

    async def retire(self, socket: Socket) -> None:
        """Do nothing: there is never anything under way that could be finished."""

    def on_lost(self, reason: str, socket: Socket | None) -> None:
        """Mark every stream as interrupted: the next connection may show a gap."""
        del socket  # there is but one at a time
        self._interrupt(reason)
        if self.routes:
            self._board.set(self.name, Degraded(f"streams interrupted: {reason}"))

    def _interrupt(self, reason: str) -> None:
        self._connected = False
        for outlet in self._outlets():
            outlet.sink.on_lost(reason)
        for route in self.routes.values():
            route.fresh = True
            if route.settled.is_set():
                route.settled = trio.Event()

    async def serve(self, socket: Socket) -> None:
        """Serve one connection: subscribe to everything wanted, and hand on what comes."""
        self._connected = True
        self._restart_count()
        self._reconcile()
        self._subscriptions.on_connected()
        self._report()
        await first_of(lambda: self._talk(socket), lambda: self._listen(socket))

    def _report(self) -> None:
        """Say READY once everything wanted is confirmed, or nothing is wanted."""
        if not self.routes or (self._connected and self._subscriptions.complete):
            self._board.set(self.name, Ready())

    async def _talk(self, socket: Socket) -> None:
        """Send what there is to ask, paced; an unanswered question condemns the connection."""
        while True:
            now = trio.current_time()
            changed = self._changed
            self._reconcile()
            if message := self._subscriptions.next_message(now):
                await self._link.send(socket, message)
                continue
            if overdue := self._subscriptions.overdue(now):
                raise ConnectionLost(f"SUBSCRIBE of {len(overdue)} streams unanswered, {overdue[0]} among them")
            with trio.move_on_at(self._subscriptions.deadline):
                await changed.wait()

    async def _listen(self, socket: Socket) -> None:
        # What an earlier run decoded and could not deliver any more comes first.
        touched = [outlet for outlet in self._outlets() if outlet.pending]
        while True:
            if self._lossless:
                await self._deliver_all(touched)
            else:
                self._deliver(touched)
            touched = self._decode(await socket.receive())

    # -------------------------------------------------------------------------------------- the hot path

    def _decode(self, frames: Sequence[bytes]) -> list[Outlet]:
        """Decode each frame once and append it to every outlet that wants it; return the outlets touched."""
        touched: list[Outlet] = []
        routes = self.routes
        self._messages += len(frames)
        for frame in frames:
            name = self.name
            try:
                name, data = split_combined(frame)
                route = routes.get(name)
                if route is None:
                    self._on_other(name, data)
                    continue
                event = route.decode(data)
            except DecodeError as exc:
                self._on_undecodable(name, exc)
                continue
            if route.fresh:
                self._on_first(route, event)
            route.last = event
            for outlet in route.outlets:
                if not outlet.pending:
                    touched.append(outlet)
                outlet.pending.append(event)
        return touched

    def _deliver(self, touched: Sequence[Outlet]) -> None:
        for outlet in touched:
            batch, outlet.pending = outlet.pending, []
            if outlet.sink.ended:
                self.detach(outlet)
            elif dropped := outlet.sink.deliver(batch):
                self.dropped += dropped
                self._observer.emit(Dropped(self._observer.now(), stream=outlet.label, count=dropped))

    async def _deliver_all(self, touched: Sequence[Outlet]) -> None:
        """Deliver as the consumers make room; only a replay can wait, the live exchange does not.

        Cancelled: what is not delivered stays pending.
        """
        for outlet in touched:
            sink = outlet.sink
            while outlet.pending:
                await sink.wait_room()
                if sink.ended:
                    outlet.pending.clear()
                    self.detach(outlet)
                    break
                room = sink.room
                sink.deliver(outlet.pending[:room])
                del outlet.pending[:room]

    # ------------------------------------------------------------------------------------ everything else

    def _on_other(self, name: str, data: bytes) -> None:
        """Take what is no event of a wanted stream: control replies, serverShutdown, echoes of the unsubscribed."""
        if is_shutdown(data):
            self._link.renew()
        elif name:
            self._strays += 1
        else:
            for effect in self._subscriptions.on_reply(data):
                self._on_effect(effect)
            self._poke()

    def _on_effect(self, effect: object) -> None:
        if isinstance(effect, Confirmed):
            self._on_confirmed(effect.streams)
        elif isinstance(effect, Refused):
            self._on_refused(effect)
        else:
            self._strays += 1

    def _on_confirmed(self, streams: Sequence[str]) -> None:
        for name in streams:
            if route := self.routes.get(name):
                route.settled.set()
                for outlet in route.outlets:
                    outlet.sink.on_carried()
        self._report()
        if self._subscriptions.complete and self._link.connects > self._announced:
            self._announced = self._link.connects
            count = len(self._subscriptions.confirmed)
            self._observer.emit(SubscriptionRestored(self._observer.now(), connection=self.name, streams=count))

    def _on_refused(self, refused: Refused) -> None:
        route = self.routes.pop(refused.stream, None)
        if route is None:
            return
        route.refused = refused
        route.settled.set()
        for outlet in route.outlets:
            outlet.sink.end(route.refusal(refused))
        now = self._observer.now()
        self._observer.emit(SubscriptionLost(now, stream=route.name, reason=refused.message, code=refused.code))
        self._report()

    def _on_undecodable(self, source: str, exc: DecodeError) -> None:
        self._undecodable += 1
        self._observer.emit(Undecodable(self._observer.now(), source=source, reason=str(exc)))

    def _on_first(self, route: Route, event: Any) -> None:
        """Compare the first event of a new connection with the last of the old one: ids tell what was missed."""
        route.fresh = False
        old, new = ids_of(route.last), ids_of(event)
        if old is not None and new is not None and new[0] > old[1] + 1:
            now = self._observer.now()
            self._observer.emit(GapSeen(now, stream=route.name, first=old[1] + 1, last=new[0] - 1))
