"""The user's own events: subscribed by signature on the WebSocket API, again after every loss, fanned out to feeds."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import attrs
import msgspec
import trio

from trio_binance._codec import user as codec
from trio_binance._protocol.call import ws_params
from trio_binance._protocol.reply import api_error
from trio_binance._protocol.catalogue.session import SUBSCRIBE_SIGNATURE
from trio_binance._pure.backoff import Backoff
from trio_binance._pure.limits import Cost
from trio_binance._protocol.wsapi import Event
from trio_binance.errors import ApiError, BinanceError, CredentialsRequired, DecodeError, NetworkError, TimestampError
from trio_binance.models import EventStreamTerminated, UserEvent

from .events import KeyRefused, Undecodable, UserDataGap, UserDataSubscribed
from .feed import open_feed
from .status import Degraded, Ready
from .wsapi import LinkDown, LinkUp, SessionLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from random import Random

    from trio_binance.config import Overflow, Tuning

    from .clock import Clock
    from .feed import Feed, FeedSink
    from .limiter import Limiter
    from .observe import Observer
    from .router import Router
    from .status import StatusBoard
    from .wsapi import Item, WsApi


@attrs.frozen
class UserDataStatistics:
    """What the user data service has done so far."""

    subscribed: bool
    subscriptions: int
    events: int
    undecodable: int
    feeds: int


@final
class UserData:
    """The handle and its service: ``open`` gives a feed, ``run`` keeps the subscription alive."""

    name = "userdata"

    def __init__(
        self,
        ws_api: WsApi,
        router: Router,
        *,
        clock: Clock,
        limiter: Limiter,
        tuning: Tuning,
        observer: Observer,
        board: StatusBoard,
        rng: Random,
    ) -> None:
        self._ws_api = ws_api
        self._router = router
        self._clock = clock
        self._limiter = limiter
        self._tuning = tuning
        self._observer = observer
        self._board = board
        self._backoff = Backoff(rng, base=tuning.backoff_base, cap=tuning.backoff_cap, stable=tuning.backoff_stable)
        self._sinks: list[FeedSink[UserEvent]] = []
        self._subscribed = trio.Event()
        self._subscription: int | None = None
        self._subscriptions = self._events = self._undecodable = 0
        self._missed_since: float | None = None
        self._epoch = 0
        self._signed_at = 0.0

    def statistics(self) -> UserDataStatistics:
        """Return whether events flow, and counters."""
        return UserDataStatistics(
            self._subscription is not None, self._subscriptions, self._events, self._undecodable, len(self._sinks)
        )

    @asynccontextmanager
    async def open(self, *, buffer: int, overflow: Overflow) -> AsyncIterator[Feed[UserEvent]]:
        """Return a feed of the account's events; entered once the exchange has confirmed the subscription.

        Cancelled: nothing stays behind.
        """
        sink, feed = open_feed(buffer=buffer, overflow=overflow, key=type, streams=("userData",))
        self._sinks.append(sink)
        try:
            await self.wait_subscribed()
            async with feed:
                yield feed
        finally:
            self._sinks.remove(sink)
            sink.end(None)

    async def wait_subscribed(self) -> None:
        """Wait until the account's events flow."""
        while self._subscription is None:
            await self._subscribed.wait()

    # ---------------------------------------------------------------------------------------- the service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Subscribe on every new connection and hand on every event, in order, until cancelled."""
        task_status.started()
        if self._ws_api.usable and self._subscription is None:
            await self._subscribe()
        async for item in self._ws_api.events.clone():
            await self._take(item)

    async def _take(self, item: Item) -> None:
        match item:
            case LinkUp() if item.epoch > self._epoch:
                await self._subscribe()
            case LinkDown() if item.epoch >= self._epoch:
                self._on_lost(item.reason)
            case SessionLost():
                self._on_lost("the exchange no longer accepts the key")
                await self._subscribe()
            case Event():
                await self._on_event(item)
            case _:
                pass  # news of a connection that has been replaced meanwhile

    def _on_lost(self, reason: str) -> None:
        if self._subscription is not None:
            self._missed_since = trio.current_time()
        self._subscription = None
        self._board.set(self.name, Degraded(f"no account events: {reason}"))

    async def _on_event(self, item: Event) -> None:
        try:
            event = codec.decode(item.data)
        except DecodeError as exc:
            self._undecodable += 1
            self._observer.emit(Undecodable(self._observer.now(), source="userData", reason=str(exc)))
            return
        self._events += 1
        for sink in self._sinks:
            sink.deliver((event,))
        if isinstance(event, EventStreamTerminated):
            # "the stream is terminated": after a logout, an unsubscribe, or at the exchange's own will.
            self._on_lost("eventStreamTerminated")
            await self._subscribe()

    async def _subscribe(self) -> None:
        """Subscribe, again and again while the connection lives; the connection's loss ends the attempt."""
        while self._ws_api.usable:
            try:
                await self._subscribe_once()
            except NetworkError:
                return
            except BinanceError as exc:
                await self._on_refused(exc)
            else:
                return

    async def _subscribe_once(self) -> None:
        await self._clock.wait_synced()
        await self._limiter.acquire(Cost(weight=SUBSCRIBE_SIGNATURE.weight({}), raw=0), SUBSCRIBE_SIGNATURE.lane)
        self._signed_at = trio.current_time()
        signer, stamp = self._router.signature()
        if signer is None:
            raise CredentialsRequired("account events need credentials; the configuration has none")
        answer = await self._ws_api.request(SUBSCRIBE_SIGNATURE.ws_method or "", ws_params({}, signer, stamp))
        if answer.status != 200:
            raise api_error(SUBSCRIBE_SIGNATURE, answer.status, answer.error, now=trio.current_time())
        self._on_subscribed(msgspec.json.decode(answer.result, type=_Subscribed).subscriptionId)

    def _on_subscribed(self, subscription: int) -> None:
        now = trio.current_time()
        self._subscription = subscription
        self._epoch = self._ws_api.epoch
        self._subscriptions += 1
        self._backoff.on_connected(now)
        self._board.set(self.name, Ready())
        self._subscribed.set()
        self._subscribed = trio.Event()
        self._observer.emit(UserDataSubscribed(now, subscription=subscription, attempt=self._subscriptions))
        if self._missed_since is not None:
            self._observer.emit(UserDataGap(now, since=self._missed_since, until=now))
            self._missed_since = None

    async def _on_refused(self, exc: BinanceError) -> None:
        self._board.set(self.name, Degraded(f"account events refused: {exc}"))
        if isinstance(exc, TimestampError):
            await self._clock.resync(self._signed_at, self._tuning.request_timeout)
            return
        if isinstance(exc, ApiError):
            self._observer.emit(KeyRefused(self._observer.now(), code=exc.code, message=exc.message))
        await trio.sleep(self._backoff.next_delay())


class _Subscribed(msgspec.Struct):
    subscriptionId: int
