"""The shard: one socket and its streams; every event decoded once and handed to each feed that wants it.

Nothing on the way from the socket to the feeds waits, so a slow consumer delays nobody; only a replay, which must
lose nothing, waits for room.

A socket that is to be replaced has a successor beside it for a while. What both bring is told once (``_pure.overlap``),
and those who want the streams do not learn of the change: a stream is lost only when no connection carries it.

    old   ── carries everything ───────────────────────── REST ── closed
    new            dial, SUBSCRIBE ... all confirmed ──┘          carries everything
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance._protocol.stream import SHUTDOWN_STREAM, Confirmed, Refused, Subscriptions, is_shutdown
from trio_binance._pure.overlap import Overlap
from trio_binance.errors import BinanceError, ConnectionLost, DecodeError

from .carrier import Carrier
from .conditions import Degraded, Ready
from .events import Dropped, GapSeen, SubscriptionLost, SubscriptionRestored, Undecodable
from .link import first_of
from .route import Guard, Outlet, Route, ids_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

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

REST = 3.0
"""Seconds for which an old connection goes on when the new one carries everything: what is still on its way comes."""
MOST_REST = 10.0
"""The same when streams show that the new one lags; and seconds after which nothing of the old one comes again."""
GLANCE = 0.5
"""So often it is looked whether the new one has caught up."""


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
        self._carriers: list[Carrier] = []
        """The connections that stand: one, or while it is replaced several, the latest last."""
        self._reading: Carrier | None = None
        """Whose messages are being decoded."""
        self._changed = trio.Event()
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
        confirmed = self._carriers[-1].subscriptions.confirmed if self._carriers else ()
        routes = []
        for name in names:
            route = self.routes.get(name)
            if route is None:
                route = self.routes[name] = self._make_route(name, carried=name in confirmed)
            route.outlets.append(outlet)
            routes.append(route)
            if route.carried:
                outlet.sink.on_carried()
        self._poke()
        return routes

    def _make_route(self, name: str, *, carried: bool) -> Route:
        route = Route(name, self._decoder(name), carried=carried)
        if carried:  # Given up a moment ago, and the exchange does not know yet.
            route.settled.set()
        if len(self._carriers) > 1:
            # Only the latest connection is asked for it; what an older one may still send of it is of no account.
            overlap: Overlap[Carrier] = Overlap()
            overlap.add(self._carriers[-1])
            route.guard = Guard(overlap)
        return route

    def _decoder(self, name: str) -> Decoder:
        decode = decoder_for(name)
        if name != SHUTDOWN_STREAM:
            return decode

        def heed(data: bytes) -> StreamEvent:
            self._on_shutdown()
            return decode(data)

        return heed

    def detach(self, outlet: Outlet) -> None:
        """Carry nothing for this outlet any more; the last one out unsubscribes."""
        self.release(outlet, outlet.names)

    def release(self, outlet: Outlet, names: Iterable[str]) -> None:
        """Carry these streams for this outlet no more."""
        before = len(self.routes)
        for name in names:
            route = self.routes.get(name)
            if route is not None and outlet in route.outlets:
                route.outlets.remove(outlet)
                if not route.outlets:
                    del self.routes[name]
                    route.settled.set()  # There is nothing to wait for any more.
        if len(self.routes) < before:
            self._restart_count()
            self._report()
            self._poke()

    def _confirmed(self) -> frozenset[str]:
        """Return what the exchange has confirmed on any connection."""
        return frozenset[str]().union(*(carrier.subscriptions.confirmed for carrier in self._carriers))

    def _reconcile(self, carrier: Carrier) -> None:
        """Bring the wishes in line with the routes, all changes since the last time at once and not one by one.

        Of a connection that is being replaced nothing new is wished; what it was asked for, it may still be.
        """
        if carrier is self._carriers[-1]:
            subscriptions = carrier.subscriptions
            subscriptions.unwant([name for name in subscriptions.wanted if name not in self.routes])
            subscriptions.want(self.routes)

    def _poke(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # -------------------------------------------------------------------------------------------- its life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry the streams until cancelled, or to the end of a recording."""
        task_status.started()
        try:
            await self._link.run(self)
            self.finished = True
        finally:
            self._abandon("its service was stopped")
        self.end(None)

    def end(self, error: BinanceError | None) -> None:
        """End every feed of this socket, and the waiting for confirmations."""
        for route in self.routes.values():
            route.settled.set()
        for outlet in self._outlets(self.routes.values()):
            outlet.sink.end(error)

    def _outlets(self, routes: Iterable[Route]) -> list[Outlet]:
        return list(dict.fromkeys(outlet for route in routes for outlet in route.outlets))

    def should_speak(self) -> bool:
        """Tell whether this connection has been busy, so that silence on it is suspicious."""
        carried = self._messages - self._messages_before
        alive = max(trio.current_time() - self._counted_since - self._tuning.silence, 1.0)
        return carried >= BUSY_MESSAGES and carried / alive >= BUSY_RATE

    def _restart_count(self) -> None:
        """Judge by what comes from now on: what a stream brought that is gone says nothing of the others."""
        self._messages_before = self._messages
        self._counted_since = trio.current_time()

    async def serve(self, socket: Socket) -> None:
        """Serve one connection: subscribe to everything wanted, and hand on what comes."""
        carrier = Carrier(socket, self._link.connects, Subscriptions(timeout=self._tuning.subscribe_timeout))
        self._expect_of(carrier)
        self._carriers.append(carrier)
        self._restart_count()
        self._reconcile(carrier)
        self._report()
        await first_of(lambda: self._talk(carrier), lambda: self._listen(carrier))

    async def retire(self, socket: Socket) -> None:
        """Return when the latest connection carries everything, and what was on its way here has come."""
        carrier = next((each for each in self._carriers if each.socket is socket), None)
        while carrier is not None and not carrier.gone:
            now, relieved_at = trio.current_time(), self._relieved_at(carrier)
            if relieved_at <= now:
                return
            with trio.move_on_at(relieved_at):
                await self._changed.wait()

    def _relieved_at(self, carrier: Carrier) -> float:
        """Return when to look again whether a connection may go; what lies in the past says that it may."""
        heir = self._carriers[-1]
        if heir is carrier or heir.complete_at is None:
            return float("inf")
        now, rested_at = trio.current_time(), heir.complete_at + REST
        if now >= rested_at and any(guard.overlap and guard.overlap.is_behind(heir) for guard in self._guards()):
            return min(now + GLANCE, heir.complete_at + MOST_REST)
        return rested_at

    def _guards(self) -> list[Guard]:
        return [route.guard for route in self.routes.values() if route.guard is not None]

    def on_lost(self, reason: str, socket: Socket | None) -> None:
        """Mark every stream that no connection carries any more: what comes next may show a gap."""
        for carrier in [each for each in self._carriers if each.socket is socket]:
            carrier.gone = True
            self._carriers.remove(carrier)
            self._bequeath(carrier)
        confirmed = self._confirmed()
        lost = [
            route
            for name, route in self.routes.items()
            if not self._carriers or (route.carried and name not in confirmed)
        ]
        self._interrupt(lost, reason)
        if lost:
            self._board.set(self.name, Degraded(f"streams interrupted: {reason}"))
        self._poke()

    def _abandon(self, reason: str) -> None:
        """Forget all connections: the service ends."""
        for carrier in self._carriers:
            carrier.gone = True
        self._carriers.clear()
        if not self.finished:
            self._interrupt(self.routes.values(), reason)

    def _interrupt(self, routes: Collection[Route], reason: str) -> None:
        for outlet in self._outlets(routes):
            outlet.sink.on_lost(reason)
        for route in routes:
            route.carried = False
            if not self._carriers:
                route.guard = Guard(fresh=True)
            if route.settled.is_set():
                route.settled = trio.Event()

    # --------------------------------------------------------------------------------------- two connections

    def _expect_of(self, carrier: Carrier) -> None:
        """Expect on one more connection what others carry already, or after a loss what was told before it."""
        if not self._carriers:
            self._expect_after_loss(carrier)
            return
        for route in self.routes.values():
            if route.name == SHUTDOWN_STREAM:
                continue  # Each connection speaks of itself there.
            guard = route.guard = route.guard or Guard()
            if guard.overlap is None:
                guard.overlap = Overlap(route.last)
                for other in self._carriers:
                    guard.overlap.add(other)
            guard.overlap.add(carrier)
            guard.until = float("inf")

    def _expect_after_loss(self, carrier: Carrier) -> None:
        """Tell nothing again where the host that is called now lags behind the one that was lost."""
        for route in self.routes.values():
            if route.last is not None and route.name != SHUTDOWN_STREAM:
                overlap: Overlap[Carrier] = Overlap(route.last)
                overlap.add(carrier)
                route.guard = Guard(overlap, fresh=True, until=trio.current_time() + MOST_REST)

    def _bequeath(self, carrier: Carrier) -> None:
        """Leave to the other connections, if there are any, what one of them has carried that is gone."""
        if not self._carriers:
            return
        touched: list[Outlet] = []
        for route in self.routes.values():
            if route.guard is None or route.guard.overlap is None:
                continue
            overlap = route.guard.overlap
            events = overlap.remove(carrier)
            if not overlap.sources:
                overlap.add(self._carriers[-1])
            route.guard.fresh = bool(events) or not overlap.settled
            route.guard.until = trio.current_time() + MOST_REST
            self._hand_on_guarded(route, events, touched)
        self._deliver(touched)

    def _take_guarded(self, carrier: Carrier, route: Route, event: Any, touched: list[Outlet]) -> None:
        guard = route.guard
        assert guard is not None
        if trio.current_time() >= guard.until:
            guard.overlap = None
        events = (event,) if guard.overlap is None else guard.overlap.take(carrier, event)
        self._hand_on_guarded(route, events, touched)

    def _hand_on_guarded(self, route: Route, events: Sequence[Any], touched: list[Outlet]) -> None:
        """Hand on what a guard has let pass, and see whether it is still needed."""
        guard = route.guard
        assert guard is not None
        for event in events:
            if guard.fresh:
                guard.fresh = False
                self._look_for_gap(route, event)
            route.last = event
            for outlet in route.outlets:
                if not outlet.pending:
                    touched.append(outlet)
                outlet.pending.append(event)
        if len(self._carriers) == 1 and (not guard.fresh if guard.overlap is None else guard.overlap.settled):
            route.guard = None

    def _look_for_gap(self, route: Route, event: Any) -> None:
        """Compare the first event of a new connection with the last of the old one: ids tell what was missed."""
        old, new = ids_of(route.last), ids_of(event)
        if old is not None and new is not None and new[0] > old[1] + 1:
            now = self._observer.now()
            self._observer.emit(GapSeen(now, stream=route.name, first=old[1] + 1, last=new[0] - 1))

    # -------------------------------------------------------------------------------------- both directions

    def _report(self) -> None:
        """Say READY once everything wanted is confirmed, or nothing is wanted."""
        if not self.routes or self.routes.keys() <= self._confirmed():
            self._board.set(self.name, Ready())

    async def _talk(self, carrier: Carrier) -> None:
        """Send what there is to ask, paced; an unanswered question condemns the connection."""
        subscriptions = carrier.subscriptions
        while not carrier.gone:
            now = trio.current_time()
            changed = self._changed
            self._reconcile(carrier)
            if message := subscriptions.next_message(now):
                await self._link.send(carrier.socket, message)
                continue
            if overdue := subscriptions.overdue(now):
                raise ConnectionLost(f"SUBSCRIBE of {len(overdue)} streams unanswered, {overdue[0]} among them")
            if carrier.complete_at is None and subscriptions.complete:
                carrier.complete_at = now
                self._poke()
                continue
            with trio.move_on_at(subscriptions.deadline):
                await changed.wait()

    async def _listen(self, carrier: Carrier) -> None:
        # What an earlier run decoded and could not deliver any more comes first.
        touched = [outlet for outlet in self._outlets(self.routes.values()) if outlet.pending]
        while True:
            if self._lossless:
                await self._deliver_all(touched)
            else:
                self._deliver(touched)
            frames = await carrier.socket.receive()
            if carrier.gone:
                return  # Another connection has brought these.
            self._reading = carrier
            touched = self._decode(carrier, frames)

    # -------------------------------------------------------------------------------------- the hot path

    def _decode(self, carrier: Carrier, frames: Sequence[bytes]) -> list[Outlet]:
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
                    self._on_other(carrier, name, data)
                    continue
                event = route.decode(data)
            except DecodeError as exc:
                self._on_undecodable(name, exc)
                continue
            if route.guard is not None:
                self._take_guarded(carrier, route, event, touched)
                continue
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

    def _on_other(self, carrier: Carrier, name: str, data: bytes) -> None:
        """Take what is no event of a wanted stream: control replies, serverShutdown, echoes of the unsubscribed."""
        if is_shutdown(data):
            self._on_shutdown()
        elif name:
            self._strays += 1
        else:
            for effect in carrier.subscriptions.on_reply(data):
                self._on_effect(carrier, effect)
            self._poke()

    def _on_shutdown(self) -> None:
        if self._reading is not None:
            self._link.renew(self._reading.socket)

    def _on_effect(self, carrier: Carrier, effect: object) -> None:
        if isinstance(effect, Confirmed):
            self._on_confirmed(carrier, effect.streams)
        elif isinstance(effect, Refused):
            self._on_refused(effect)
        else:
            self._strays += 1

    def _on_confirmed(self, carrier: Carrier, streams: Sequence[str]) -> None:
        for name in streams:
            route = self.routes.get(name)
            if route is not None and not route.carried:
                route.carried = True
                route.settled.set()
                for outlet in route.outlets:
                    outlet.sink.on_carried()
        self._report()
        if carrier.subscriptions.complete and carrier.number > self._announced:
            self._announced = carrier.number
            count = len(carrier.subscriptions.confirmed)
            self._observer.emit(SubscriptionRestored(self._observer.now(), connection=self.name, streams=count))

    def _on_refused(self, refused: Refused) -> None:
        route = self.routes.pop(refused.stream, None)
        if route is None:
            return
        route.refused = refused
        route.settled.set()
        for outlet in route.outlets:
            if route.name not in outlet.joining:  # or else who adds it is told, and what was there before goes on
                outlet.sink.end(route.refusal(refused))
        now = self._observer.now()
        self._observer.emit(SubscriptionLost(now, stream=route.name, reason=refused.message, code=refused.code))
        self._report()

    def _on_undecodable(self, source: str, exc: DecodeError) -> None:
        self._undecodable += 1
        self._observer.emit(Undecodable(self._observer.now(), source=source, reason=str(exc)))
