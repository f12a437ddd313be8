"""The streams: names spread over sockets, every event decoded once and handed to each feed that wants it.

    feed ──wants──> Streams ──places──> Shard (one socket, up to 1024 streams) ──> Link
      ^                                   │ frames, a list per socket read
      └───────── a batch per wake-up ─────┘ decode once, append to each outlet

Nothing on the way from the socket to the feeds waits, so a slow consumer delays nobody; only a replay, which must
lose nothing, waits for room.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._codec.stream import decoder_for, split_combined
from trio_binance._protocol.stream import Confirmed, Refused, Subscriptions, is_shutdown
from trio_binance.config import Overflow
from trio_binance.errors import BinanceError, ConnectionLost, DecodeError, SubscriptionRefused
from trio_binance.models import AggTradeEvent, TradeEvent

from .events import Dropped, GapSeen, SubscriptionLost, SubscriptionRestored, Undecodable
from .feed import open_feed
from .link import Renewal, first_of
from .status import Degraded, Ready

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Sequence

    from trio_binance.config import Tuning

    from .feed import Feed, FeedSink
    from .link import Link
    from .observe import Observer
    from .socket import Socket
    from .status import StatusBoard
    from .supervisor import Supervisor

BUSY_MESSAGES, BUSY_RATE = 20, 0.2
"""A connection that carried at least so many messages, at so many a second, is busy: its silence is suspicious."""


@attrs.define(eq=False)
class Outlet:
    """A feed's end in here: where its events gather during one socket read."""

    name: str
    sink: FeedSink[Any]
    pending: list[Any] = attrs.field(factory=list)


@attrs.define(eq=False)
class Route:
    """One stream: who decodes it and who wants it."""

    name: str
    decode: Callable[[bytes], Any]
    outlets: list[Outlet] = attrs.field(factory=list)
    settled: trio.Event = attrs.field(factory=trio.Event)
    refused: SubscriptionRefused | None = None
    last: Any = None
    fresh: bool = False
    """Set on a new connection: the next event shows whether something was missed."""


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


@attrs.frozen
class StreamsStatistics:
    """What the streams have carried so far, socket by socket."""

    shards: tuple[ShardStatistics, ...]
    feeds: int
    dropped: int


@final
class Shard:
    """One socket and its streams; a service of its own, so that its crash is nobody else's."""

    def __init__(
        self, link: Link, *, tuning: Tuning, observer: Observer, board: StatusBoard, lossless: bool
    ) -> None:
        self.name = link.name
        self.routes: dict[str, Route] = {}
        self.finished = False
        self._link = link
        self._tuning = tuning
        self._observer = observer
        self._board = board
        self._lossless = lossless
        self._subscriptions = Subscriptions(timeout=tuning.subscribe_timeout)
        self._changed = trio.Event()
        self._messages = self._undecodable = self._strays = self.dropped = 0
        self._messages_before = 0
        self._announced = 0

    def statistics(self) -> ShardStatistics:
        """Return counters of this socket."""
        return ShardStatistics(
            self.name,
            len(self.routes),
            len(self._subscriptions.confirmed),
            self._link.connects,
            self._messages,
            self._undecodable,
            self._strays,
        )

    # --------------------------------------------------------------------------------- what it shall carry

    def attach(self, name: str, outlet: Outlet) -> Route:
        """Carry this stream for this outlet too."""
        route = self.routes.get(name)
        if route is None:
            route = self.routes[name] = Route(name, decoder_for(name))
            self._subscriptions.want((name,))
        route.outlets.append(outlet)
        self._poke()
        return route

    def detach(self, outlet: Outlet) -> None:
        """Carry nothing for this outlet any more; the last one out unsubscribes."""
        gone = []
        for name, route in list(self.routes.items()):
            if outlet in route.outlets:
                route.outlets.remove(outlet)
                if not route.outlets:
                    del self.routes[name]
                    gone.append(name)
        self._subscriptions.unwant(gone)
        self._poke()

    def _poke(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # -------------------------------------------------------------------------------------------- its life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry the streams until cancelled, or to the end of a recording."""
        task_status.started()
        await self._link.run(self)
        self.finished = True
        self.end(None)

    def end(self, error: BinanceError | None) -> None:
        """End every feed of this socket."""
        for outlet in self._outlets():
            outlet.sink.end(error)

    def _outlets(self) -> list[Outlet]:
        return list({id(outlet): outlet for route in self.routes.values() for outlet in route.outlets}.values())

    def should_speak(self, connected_at: float) -> bool:
        """Tell whether this connection has been busy, so that silence on it is suspicious."""
        carried = self._messages - self._messages_before
        alive = max(trio.current_time() - connected_at - self._tuning.silence, 1.0)
        return carried >= BUSY_MESSAGES and carried / alive >= BUSY_RATE

    def on_lost(self, reason: str) -> None:
        """Mark every stream as interrupted: the next connection may show a gap."""
        self._messages_before = self._messages
        for route in self.routes.values():
            route.fresh = True
        if self.routes:
            self._board.set(self.name, Degraded(f"streams interrupted: {reason}"))

    async def serve(self, socket: Socket) -> None:
        """Serve one connection: subscribe to everything wanted, and hand on what comes."""
        self._deliver([outlet for outlet in self._outlets() if outlet.pending])
        self._subscriptions.on_connected()
        await first_of(lambda: self._talk(socket), lambda: self._listen(socket))

    async def _talk(self, socket: Socket) -> None:
        """Send what there is to ask, paced; an unanswered question condemns the connection."""
        while True:
            now = trio.current_time()
            if message := self._subscriptions.next_message(now):
                await self._link.send(socket, message)
                continue
            if overdue := self._subscriptions.overdue(now):
                raise ConnectionLost(f"SUBSCRIBE of {len(overdue)} streams unanswered, {overdue[0]} among them")
            changed = self._changed
            with trio.move_on_at(self._subscriptions.deadline):
                await changed.wait()

    async def _listen(self, socket: Socket) -> None:
        while True:
            touched = self._decode(await socket.receive())
            if self._lossless:
                for outlet in touched:
                    await self._deliver_all(outlet)
            else:
                self._deliver(touched)

    # -------------------------------------------------------------------------------------- the hot path

    def _decode(self, frames: Sequence[bytes]) -> list[Outlet]:
        """Decode each frame once and append it to every outlet that wants it; return the outlets touched."""
        touched: list[Outlet] = []
        routes = self.routes
        self._messages += len(frames)
        for frame in frames:
            name, data = split_combined(frame)
            route = routes.get(name)
            if route is None:
                self._on_other(name, data)
                continue
            try:
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
            if dropped := outlet.sink.deliver(batch):
                self.dropped += dropped
                self._observer.emit(Dropped(self._observer.now(), stream=outlet.name, count=dropped))

    async def _deliver_all(self, outlet: Outlet) -> None:
        """Deliver as the consumer makes room; only a replay can wait, the live exchange does not."""
        batch, outlet.pending = outlet.pending, []
        while batch and not outlet.sink.closed:
            await outlet.sink.wait_room()
            room = outlet.sink.room
            outlet.sink.deliver(batch[:room])
            batch = batch[room:]

    # ------------------------------------------------------------------------------------ everything else

    def _on_other(self, name: str, data: bytes) -> None:
        """Take what is no event of a wanted stream: control replies, serverShutdown, echoes of the unsubscribed."""
        if is_shutdown(data):
            raise Renewal("serverShutdown")
        if name:
            self._strays += 1
            return
        for effect in self._subscriptions.on_reply(data):
            if isinstance(effect, Confirmed):
                self._on_confirmed(effect.streams)
            elif isinstance(effect, Refused):
                self._on_refused(effect)
            else:
                self._strays += 1
        self._poke()

    def _on_confirmed(self, streams: Sequence[str]) -> None:
        for name in streams:
            if route := self.routes.get(name):
                route.settled.set()
        if self._subscriptions.complete:
            self._board.set(self.name, Ready())
            if self._link.connects > max(self._announced, 1):
                self._announced = self._link.connects
                count = len(self._subscriptions.confirmed)
                self._observer.emit(SubscriptionRestored(self._observer.now(), connection=self.name, streams=count))

    def _on_refused(self, refused: Refused) -> None:
        route = self.routes.pop(refused.stream, None)
        if route is None:
            return
        error = SubscriptionRefused(
            f"{refused.stream}: {refused.message}", streams=(refused.stream,), code=refused.code
        )
        route.refused = error
        route.settled.set()
        for outlet in route.outlets:
            outlet.sink.end(error)
        now = self._observer.now()
        self._observer.emit(SubscriptionLost(now, stream=route.name, reason=refused.message, code=refused.code))

    def _on_undecodable(self, name: str, exc: DecodeError) -> None:
        self._undecodable += 1
        self._observer.emit(Undecodable(self._observer.now(), source=name, reason=str(exc)))

    def _on_first(self, route: Route, event: Any) -> None:
        """Compare the first event of a new connection with the last of the old one: ids tell what was missed."""
        route.fresh = False
        if isinstance(event, TradeEvent) and isinstance(route.last, TradeEvent):
            expected, got = route.last.trade_id + 1, event.trade_id
        elif isinstance(event, AggTradeEvent) and isinstance(route.last, AggTradeEvent):
            expected, got = route.last.agg_trade_id + 1, event.agg_trade_id
        else:
            return
        if got > expected:
            self._observer.emit(GapSeen(self._observer.now(), stream=route.name, first=expected, last=got - 1))


@final
class Streams:
    """The handle behind ``bx.streams``: places streams on sockets and opens feeds."""

    def __init__(self, make_shard: Callable[[str], Shard], supervisor: Supervisor, tuning: Tuning) -> None:
        self._make_shard = make_shard
        self._supervisor = supervisor
        self._tuning = tuning
        self._shards: list[Shard] = []
        self._feeds = 0

    def statistics(self) -> StreamsStatistics:
        """Return counters, socket by socket."""
        dropped = sum(shard.dropped for shard in self._shards)
        return StreamsStatistics(tuple(shard.statistics() for shard in self._shards), self._feeds, dropped)

    @asynccontextmanager
    async def open(
        self, names: Sequence[str], *, buffer: int, overflow: Overflow, key: Callable[[Any], Hashable]
    ) -> AsyncIterator[Feed[Any]]:
        """Return a feed of these streams' events; entered once the exchange has confirmed every one of them.

        Cancelled at any moment: nothing stays subscribed for it.

        Raises:
            SubscriptionRefused: the exchange does not know one of the streams.
        """
        label = names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"
        sink, feed = open_feed(buffer=buffer, overflow=overflow, key=key, streams=tuple(names))
        outlet = Outlet(label, sink)
        self._feeds += 1
        try:
            routes = await self._place(names, outlet)
            for route in routes:
                await route.settled.wait()
                if route.refused is not None:
                    raise route.refused
            async with feed:
                yield feed
        finally:
            self._feeds -= 1
            for shard in self._shards:
                shard.detach(outlet)
            sink.end(None)

    async def _place(self, names: Sequence[str], outlet: Outlet) -> list[Route]:
        """Attach each name to the socket that carries it already, or to one with room, or to a new one."""
        routes = []
        for name in dict.fromkeys(names):
            shard = self._shard_of(name) or await self._new_shard()
            routes.append(shard.attach(name, outlet))
        return routes

    def _shard_of(self, name: str) -> Shard | None:
        living = [shard for shard in self._shards if not shard.finished]
        carrier = next((shard for shard in living if name in shard.routes), None)
        if carrier is not None:
            return carrier
        limit = self._tuning.streams_per_connection
        return next((shard for shard in living if len(shard.routes) < limit), None)

    async def _new_shard(self) -> Shard:
        shard = self._make_shard(f"streams:{len(self._shards) + 1}")
        self._shards.append(shard)
        await self._supervisor.add(shard)
        return shard

    def end(self, error: BinanceError | None) -> None:
        """End every feed: the connector is closing, or has crashed."""
        for shard in self._shards:
            shard.end(error)
