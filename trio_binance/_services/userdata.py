"""The user's own events: subscribed by signature on the WebSocket API, again after every loss, told to watchers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Protocol, final

import attrs
import msgspec
import trio

from trio_binance._codec import user as codec
from trio_binance._protocol.catalogue.session import SUBSCRIBE_SIGNATURE
from trio_binance._protocol.reply import usage_from_rate_limits
from trio_binance._protocol.wsapi import Answer, Event
from trio_binance._pure.backoff import Backoff
from trio_binance._pure.limits import Cost
from trio_binance._util import raise_saving_context
from trio_binance.errors import (
    ApiError,
    AuthError,
    BinanceError,
    ClockUnsynced,
    ConnectionLost,
    ConnectorClosed,
    DecodeError,
    Outcome,
    ProtocolError,
    SubscriptionConflict,
    TimestampError,
)
from trio_binance.models import EventStreamTerminated, UserEvent, as_milliseconds

from .conditions import Degraded, Ready
from .events import KeyRefused, Undecodable, UserDataGap, UserDataSubscribed
from .wsline import refusal
from .wsnews import LinkDown, LinkUp, Pinged, SessionLost, Unread

if TYPE_CHECKING:
    from random import Random

    from trio_binance.config import Tuning

    from .clock import Clock
    from .limiter import Limiter
    from .observe import Observer
    from .seal import Seal
    from .status import StatusBoard
    from .wsapi import WsApi
    from .wsline import Line
    from .wsnews import Item

STREAM = "userData"
"""What the account's events are called where streams have names."""

LONGEST_TRANSIT = 60.0
"""Seconds that an event can have been on its way on a connection that stood: "If the websocket server does not receive
a pong frame back from the connection within a minute the connection will be disconnected"."""

_ALREADY_ACTIVE = -2035
_NONE = -1


class Watcher(Protocol):
    """Who must learn of every event, in order and at once, and of every moment at which one may be missing."""

    def on_watching(self, connection: int) -> None:
        """Take note that the exchange has confirmed the subscription on this connection."""

    def on_event(self, event: UserEvent) -> None:
        """Take an event."""

    def on_broken(self, reason: str) -> None:
        """Take note that something may be missing: a lost connection, a message that cannot be read."""

    def on_ping(self, connection: int, asked_at: float) -> None:
        """Take note that a ping sent then was answered; all that came before the answer has been told."""


@attrs.frozen
class UserDataStatistics:
    """What the user data service has done so far."""

    subscribed: bool
    subscriptions: int
    events: int
    undecodable: int


@final
class UserData:
    """The handle and its service: ``watch`` for who must learn of everything, ``run`` keeps the subscription alive."""

    name = "userdata"

    def __init__(
        self,
        ws_api: WsApi,
        seal: Seal,
        *,
        clock: Clock,
        limiter: Limiter,
        tuning: Tuning,
        observer: Observer,
        board: StatusBoard,
        rng: Random,
    ) -> None:
        self._ws_api = ws_api
        self._seal = seal
        self._clock = clock
        self._limiter = limiter
        self._tuning = tuning
        self._observer = observer
        self._board = board
        self._backoff = Backoff(rng, base=tuning.backoff_base, cap=tuning.backoff_cap, stable=tuning.backoff_stable)
        self._watchers: list[Watcher] = []
        self._changed = trio.Event()
        self._closed = False
        self._refused: AuthError | None = None
        self._resynced = False
        self._epoch = 0
        """The connection on which events flow; 0 while they flow on none."""
        self._subscription = (0, _NONE)
        """The latest subscription: of which connection, and its number there."""
        self._ended = True  # the exchange has said so of that subscription, or there was none yet
        self._others = False  # the connection also carries events of subscriptions made by the user's own hands
        self._missed_since: float | None = None
        self._signed_at = 0.0
        self._told_until = 0.0
        """Up to then everything was told: when the last event happened, or the subscription was asked for."""
        self._subscriptions = self._events = self._undecodable = 0

    def statistics(self) -> UserDataStatistics:
        """Return whether events flow, and counters."""
        return UserDataStatistics(self._epoch != 0, self._subscriptions, self._events, self._undecodable)

    def watch(self, watcher: Watcher) -> None:
        """Tell a watcher everything from now on, for ever."""
        self._watchers.append(watcher)

    async def ping(self, connection: int) -> None:
        """Ping the connection on which events flow; the watchers are told when the pong has come, if it does.

        Raises:
            DeadlineExceeded, ConnectionLost: it does not.
        """
        await self._ws_api.ping_listener(connection)

    @property
    def connection(self) -> int:
        """The number of the connection on which events flow, 0 while they flow on none."""
        return self._epoch

    async def wait_subscribed(self) -> None:
        """Wait until the account's events flow. Cancelled: nothing changed.

        Raises:
            AuthError: the exchange refuses the key.
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        await trio.lowlevel.checkpoint()
        while self._epoch == 0 or self._closed:
            if self._closed:
                raise ConnectorClosed("the connector is closed")
            if self._refused is not None:
                raise_saving_context(copy.copy(self._refused))
            await self._changed.wait()

    def end(self) -> None:
        """Let nobody wait any longer: the connector is closing, or has crashed."""
        self._closed = True
        self._poke()

    def _poke(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # ---------------------------------------------------------------------------------------- the service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Subscribe on every new connection and hand on every event, in order, until cancelled."""
        with self._ws_api.listen() as items:
            task_status.started()
            try:
                async for item in items:
                    await self._take(item)
            finally:
                self._interrupt(trio.current_time(), "its service was stopped")

    async def _take(self, item: Item) -> None:
        match item:
            case LinkUp() if item.epoch > self._epoch:
                await self._subscribe()
            case LinkDown() if item.epoch == self._epoch:
                self._on_lost(item.reason, item.silent_since)
            case SessionLost() if item.epoch == self._epoch:
                await self._resubscribe(f"the exchange no longer accepts the key: {item.error.message}")
            case Event():
                await self._on_event(item)
            case Unread():
                self._on_unread(item.reason)
            case Pinged() if item.epoch == self._epoch:
                for watcher in self._watchers:
                    watcher.on_ping(item.epoch, item.asked_at)
            case _:
                pass  # news of a connection that has been replaced meanwhile

    async def _on_event(self, item: Event) -> None:
        try:
            event = codec.decode(item.data)
        except DecodeError as exc:
            self._on_unread(str(exc))
            return
        ended = isinstance(event, EventStreamTerminated)
        if item.subscription_id is not None:
            self._others = self._others or not self._is_present(item.subscription_id)
        elif self._others and not ended:
            self._on_unread("an event that does not say of which subscription it is")
            return
        self._events += 1
        self._told_until = max(self._told_until, self._moment_of(event))
        for watcher in self._watchers:
            watcher.on_event(event)
        if ended and self._is_present(item.subscription_id):
            self._ended = True
            # After a logout, an unsubscribe, or at the exchange's own will ("Event Stream Terminated").
            await self._resubscribe("eventStreamTerminated")

    def _on_unread(self, reason: str) -> None:
        """Tell of a message that cannot be read: of an order that it spoke of, nobody has been told."""
        now = trio.current_time()
        self._undecodable += 1
        self._observer.emit(Undecodable(self._observer.now(), source=STREAM, reason=reason))
        self._observer.emit(UserDataGap(now, since=self._told_since(now), until=now))
        self._tell_broken(f"a message could not be read: {reason}")

    def _tell_broken(self, reason: str) -> None:
        for watcher in self._watchers:
            watcher.on_broken(reason)

    def _told_since(self, moment: float) -> float:
        """Return since when what happened may not have been told, when it is known that something was not."""
        # What came last may have left the exchange long before: all that followed it counts as missed.
        return min(moment, max(self._told_until, moment - LONGEST_TRANSIT))

    def _moment_of(self, event: UserEvent) -> float:
        """Return the ``trio.current_time()`` at which an event happened, rather too early than too late."""
        written_ms = as_milliseconds(getattr(event, "event_time", 0))
        uncertainty = self._clock.statistics().uncertainty_us / 1e6
        return trio.current_time() - max(self._clock.server_ms() - written_ms, 0) / 1000 - uncertainty

    def _is_present(self, subscription: int | None) -> bool:
        """Tell whether an event speaks of the present subscription and not of an earlier one."""
        epoch, number = self._subscription
        return epoch == self._epoch and subscription in (None, number)

    # ------------------------------------------------------------------------------------- the subscription

    def _interrupt(self, since: float, reason: str) -> None:
        """Note that no events flow, since when that is so, and why."""
        if self._epoch != 0:
            self._missed_since = self._told_since(since)
            self._backoff.on_lost(trio.current_time())
            self._epoch = 0
            self._tell_broken(reason)

    def _on_lost(self, reason: str, since: float) -> None:
        self._interrupt(since, reason)
        self._board.set(self.name, Degraded(f"no account events: {reason}"))

    async def _resubscribe(self, reason: str) -> None:
        """Subscribe anew on a living connection, after a while: what ended one subscription may end the next."""
        self._on_lost(reason, trio.current_time())
        await trio.sleep(self._backoff.next_delay())
        await self._subscribe()

    async def _subscribe(self) -> None:
        """Subscribe, again and again while there is a connection; its loss ends the attempts until the next one."""
        while self._ws_api.connected:
            try:
                await self._subscribe_once()
            except ConnectionLost:
                pass
            except SubscriptionConflict as exc:
                # "Only a new connection helps", and when that is there we are told.
                self._board.set(self.name, Degraded(f"account events refused: {exc}"))
                return
            except BinanceError as exc:
                await self._on_refused(exc)
            else:
                return

    async def _subscribe_once(self) -> None:
        await self._seal.wait_ready()
        cost = Cost(weight=SUBSCRIBE_SIGNATURE.weight({}), raw=0)
        taken = await self._limiter.acquire(cost, SUBSCRIBE_SIGNATURE.lane)
        try:
            line = self._ws_api.line
            answer = await self._ask(line)
        except BinanceError as exc:
            if exc.outcome is Outcome.NOT_SENT:
                self._limiter.refund(taken)
            raise
        self._limiter.on_usage(usage_from_rate_limits(answer.rate_limits), taken)
        self._on_subscribed(line.epoch, self._read(answer, line))

    async def _ask(self, line: Line) -> Answer:
        self._signed_at = trio.current_time()
        return await line.request(SUBSCRIBE_SIGNATURE.ws_method or "", self._seal.ws_now(SUBSCRIBE_SIGNATURE, {}))

    def _read(self, answer: Answer, line: Line) -> int:
        """Return the number of the subscription that the answer grants, or raise what it says instead."""
        if answer.status != 200:
            error = refusal(SUBSCRIBE_SIGNATURE, answer.status, answer.error)
            epoch, number = self._subscription
            if error.code == _ALREADY_ACTIVE and epoch == line.epoch and not self._ended:
                return number
            if isinstance(error, SubscriptionConflict):
                # One that is active, but that we know nothing of (an answer that was lost, or no truth at all): silence
                # would be taken for a witness. Or "Maximum subscription ID reached for this connection".
                self._ws_api.renew(line)
            raise error
        try:
            return msgspec.json.decode(answer.result, type=_Subscribed).subscriptionId
        except (ValueError, RecursionError) as exc:
            raise ProtocolError("an answer without a subscription", payload=answer.result) from exc

    def _on_subscribed(self, epoch: int, number: int) -> None:
        now = trio.current_time()
        self._epoch = epoch
        self._subscription, self._others, self._ended = (epoch, number), False, False
        self._told_until = self._signed_at
        self._subscriptions += 1
        self._resynced = False
        self._refused = None
        self._backoff.on_connected(now)
        self._board.set(self.name, Ready())
        self._observer.emit(UserDataSubscribed(now, subscription=number, attempt=self._subscriptions))
        if self._missed_since is not None:
            self._observer.emit(UserDataGap(now, since=self._missed_since, until=now))
            self._missed_since = None
        for watcher in self._watchers:
            watcher.on_watching(epoch)
        self._poke()

    async def _on_refused(self, exc: BinanceError) -> None:
        """Do what the refusal asks for, and let some time pass before the next attempt."""
        self._board.set(
            self.name, Degraded(f"account events refused: {exc}", exc if isinstance(exc, AuthError) else None)
        )
        if isinstance(exc, TimestampError) and not self._resynced and await self._resync():
            return
        if isinstance(exc, AuthError):
            self._on_key_refused(exc)
        elif isinstance(exc, ApiError) and exc.retry_at is not None:
            self._limiter.stop_the_world(max(exc.retry_at - trio.current_time(), 0.0), exc.status)
        await trio.sleep(self._backoff.next_delay())

    async def _resync(self) -> bool:
        """Measure server time once; a fresh measurement that is refused as well is a case for patience."""
        self._resynced = True
        try:
            await self._clock.resync(self._signed_at, self._tuning.request_timeout)
        except ClockUnsynced:
            return False
        return True

    def _on_key_refused(self, exc: AuthError) -> None:
        """Tell of it once, not at every attempt: a key can become valid again, but rarely within minutes."""
        known, self._refused = self._refused, exc
        if known is None or known.code != exc.code:
            self._observer.emit(KeyRefused(self._observer.now(), code=exc.code, message=exc.message))
        self._poke()


class _Subscribed(msgspec.Struct):
    subscriptionId: int
