"""The mirror: the account's events without holes, and its orders, fills and balances as they stand.

UserData ──events, losses──> Mirror ──what is news, and what was missed──> feeds
                               ^  │ questions
                               │  v
                             Clerk ──> Router
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_binance._pure.backoff import Backoff
from trio_binance._pure.mirror.asks import AskFills, AskNamedOrder
from trio_binance._pure.mirror.figures import MirrorStatistics, MirrorTerms
from trio_binance._pure.mirror.machine import AccountMirror
from trio_binance._pure.mirror.records import OrderKey
from trio_binance.errors import BinanceError, ConnectorClosed, NoData, RequestError
from trio_binance.models import ExecutionReport, ListStatus, MirrorState, UserEvent

from .clerk import Clerk
from .conditions import Degraded, Ready
from .events import AccountLive, AccountStale, Dropped, UserDataGap
from .feed import open_feed
from .userdata import STREAM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from random import Random

    from trio_binance._pure.mirror.asks import Ask
    from trio_binance._pure.mirror.ledger import Ledger
    from trio_binance._pure.mirror.trail import Trail
    from trio_binance.config import Overflow, Tuning

    from .backfill import Desk
    from .clock import Clock
    from .feed import Feed, FeedSink
    from .observe import Observer
    from .status import StatusBoard
    from .userdata import UserData


@attrs.frozen(eq=False)
class _Outlet:
    """A feed of all events, or of those that concern one order."""

    sink: FeedSink[UserEvent]
    trail: Trail | None

    def takes(self, event: UserEvent) -> bool:
        return not self.sink.ended and (self.trail is None or self.trail.takes(event))


@attrs.frozen
class AccountStatistics:
    """The mirror of the account, and the feeds of its events."""

    mirror: MirrorStatistics
    feeds: int
    dropped: int


@final
class Mirror:
    """The handle and its service: it is told everything by ``UserData`` whose ``Watcher`` it is, and tells the feeds.

    Args:
        user_data: brings the events.
        desk: asks for what they did not bring.
        clock: tells the exchange's time.
        tuning: how careful to be.
        observer: told when the mirror becomes right, and when it is not any more.
        board: told when it cannot become right.
        rng: draws the jitter.
    """

    name = "mirror"

    def __init__(
        self,
        user_data: UserData,
        desk: Desk,
        *,
        clock: Clock,
        tuning: Tuning,
        observer: Observer,
        board: StatusBoard,
        rng: Random,
    ) -> None:
        self._user_data = user_data
        self._clerk = Clerk(desk)
        self._clock = clock
        self._observer = observer
        self._board = board
        terms = MirrorTerms(
            lag=tuning.account_lag,
            grace=tuning.account_grace,
            audit=tuning.account_audit,
            history=tuning.account_history,
        )
        backoff = Backoff(rng, base=tuning.backoff_base, cap=tuning.backoff_cap, stable=tuning.backoff_stable)
        self._machine = AccountMirror(terms, backoff)
        self._outlets: list[_Outlet] = []
        self._changed = trio.Event()
        self._dropped = 0
        self._told_state = self._machine.state
        self._told_trouble: str | None = None
        self._told_losses = 0
        self._since = trio.current_time()
        """When it was right last."""
        self._closed = self._leaving = False
        self._error: BinanceError | None = None
        self.on_recovered: Callable[[UserEvent], None] = lambda _event: None
        """Told of every order and list of which the account's events had not told."""
        user_data.watch(self)

    # -------------------------------------------------------------------------------------------- reading

    @property
    def ledger(self) -> Ledger:
        """What is known of the account."""
        return self._machine.ledger

    @property
    def state(self) -> MirrorState:
        """How far it can be trusted."""
        return self._machine.state

    @property
    def reason(self) -> str:
        """Why it is in that state, for people to read."""
        return self._machine.reason

    @property
    def as_of_ms(self) -> int | None:
        """The exchange's time up to which it is right; ``None`` before it has ever been."""
        return self._machine.as_of_us // 1000 or None

    def statistics(self) -> AccountStatistics:
        """Return what it holds and has been through."""
        return AccountStatistics(self._machine.statistics(), len(self._outlets), self._dropped)

    # -------------------------------------------------------------------------------------------- the feeds

    @asynccontextmanager
    async def open(
        self, *, buffer: int, overflow: Overflow, trail: Trail | None = None
    ) -> AsyncIterator[Feed[UserEvent]]:
        """Return a feed of the account's events, or of those of one order; entered once events flow.

        Cancelled: nothing stays behind.

        Raises:
            AuthError: the exchange refuses the key.
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        ends: tuple[FeedSink[UserEvent], Feed[UserEvent]] = open_feed(
            buffer=buffer, overflow=overflow, key=type, streams=(STREAM,)
        )
        sink, feed = ends
        self.demand()
        outlet = _Outlet(sink, trail)
        self._outlets.append(outlet)
        try:
            await self._user_data.wait_subscribed()
            async with feed:
                yield feed
        finally:
            self._outlets.remove(outlet)
            sink.end(None)

    def leave(self) -> None:
        """Take note that the connector's block is over: that its events end now is no news to anybody."""
        self._leaving = True

    def end(self, error: BinanceError | None) -> None:
        """End every feed: the connector is closing, or has crashed."""
        self._closed, self._error = True, error
        for outlet in self._outlets:
            outlet.sink.end(error)
        self._poke()

    def _tell(self, events: Sequence[UserEvent]) -> None:
        for event in events:
            if isinstance(event, ExecutionReport | ListStatus) and event.recovered:
                self.on_recovered(event)
        for outlet in self._outlets:
            chosen = [event for event in events if outlet.takes(event)]
            if chosen and (dropped := outlet.sink.deliver(chosen)):
                self._dropped += dropped
                self._observer.emit(Dropped(self._observer.now(), stream=STREAM, count=dropped))
        self._note_state()
        self._poke()

    def _poke(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # ------------------------------------------------------------------------------------------ waiting

    async def changed(self) -> None:
        """Wait until something has changed, or may have. Cancelled: nothing happened.

        Raises:
            ConnectorClosed: the connector is closed, or closes meanwhile.
        """
        self._check_open()
        await self._changed.wait()
        self._check_open()

    def demand(self) -> None:
        """Take note that somebody looks or listens: from now on what the events do not bring is asked for."""
        if self._machine.on_wanted(trio.current_time(), self._server_us()):
            self._poke()

    async def wait_live(self) -> None:
        """Wait until it is LIVE. Raises and cancels as ``changed``."""
        await trio.lowlevel.checkpoint()
        while self.state is not MirrorState.LIVE:
            await self.changed()

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectorClosed("the connector is closed")

    # ------------------------------------------------------------------------------- what it is told (a Watcher)

    def on_watching(self, connection: int) -> None:
        """Take note that events flow."""
        del connection
        self._machine.on_watching(trio.current_time(), self._server_us())
        self._tell(())

    def on_broken(self, reason: str) -> None:
        """Take note that something may be missing."""
        is_watching = self._user_data.connection != 0
        self._machine.on_broken(reason, trio.current_time(), self._server_us(), is_watching=is_watching)
        self._tell(())

    def on_event(self, event: UserEvent) -> None:
        """Hand on an event, unless it was told before."""
        self._tell(self._machine.on_event(event, trio.current_time(), self._server_us()))

    def on_ping(self, connection: int, asked_at: float) -> None:
        """Take note that all that happened before was told."""
        del connection
        self._machine.on_ping(self._server_us() - int((trio.current_time() - asked_at) * 1e6))
        self._poke()

    def on_placing(self, symbol: str) -> None:
        """Take note that something is about to happen on a symbol, so that it is looked after."""
        self._machine.on_placing(symbol, self._server_us())

    def _server_us(self) -> int:
        return self._clock.server_ms() * 1000

    # ---------------------------------------------------------------------------------------- the service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask for what the events did not bring, until cancelled."""
        task_status.started()
        while True:
            if (ask := self._machine.ask) is not None:
                await self._ask(ask)
                continue
            with trio.move_on_at(self._machine.deadline):
                await self._changed.wait()
            await self._on_timer()

    async def _on_timer(self) -> None:
        before = self._machine.ask
        self._tell(self._machine.on_timer(trio.current_time(), self._server_us()))
        if before is None and self._machine.ask is not None:
            await self._ping()

    async def _ping(self) -> None:
        """Learn up to when everything was told, once a round: an account may be silent for days."""
        try:
            await self._user_data.ping(self._user_data.connection)
        except BinanceError:
            return  # who cares for the connection finds out by itself

    async def _ask(self, ask: Ask) -> None:
        asked_us = self._server_us()
        try:
            answer = await self._clerk.answer(ask)
        except (RequestError, NoData) as exc:
            self._tell(self._machine.on_refused(ask, str(exc), asked_us, trio.current_time(), self._server_us()))
        except BinanceError as exc:
            self._machine.on_failed(str(exc), trio.current_time(), self._server_us())
            self._tell(())
        else:
            self._tell(self._machine.on_answer(ask, answer, asked_us, trio.current_time(), self._server_us()))

    async def look_up(self, trail: Trail) -> None:
        """Find the order of a trail, and its fills, by asking for them where they are not known.

        Cancelled: nothing happened, or it is known.

        Raises:
            BinanceError: the exchange could not be asked.
        """
        record = self.ledger.records.find(trail.symbol, trail.order_id, trail.client_order_id)
        if record is None:
            await self._look_for(AskNamedOrder(trail.symbol, trail.order_id, trail.client_order_id))
            record = self.ledger.records.find(trail.symbol, trail.order_id, trail.client_order_id)
        if record is None:
            return  # it does not exist yet, or the exchange's copies do not know it yet
        trail.bind(record.order)
        key = OrderKey(record.order.symbol, record.order.order_id)
        self.ledger.records.wanted.add(key)
        if not record.has_all_fills:
            await self._look_for(AskFills(*key, has_allocations=bool(record.order.used_sor)))

    def on_refusal(self, symbol: str, name: str, refusal: BinanceError | None) -> None:
        """Take note that an order was refused, so that nobody waits for it who knows no other of that client id.

        ``None`` says that it is placed anew.
        """
        for trail in (outlet.trail for outlet in self._outlets):
            if trail is not None and (trail.symbol, trail.order_id, trail.client_order_id) == (symbol, None, name):
                trail.refusal = refusal
        self._poke()

    def forget(self, trail: Trail) -> None:
        """Note that nobody follows this trail any more."""
        if trail.order_id is not None:
            self.ledger.records.wanted.discard(OrderKey(trail.symbol, trail.order_id))

    async def _look_for(self, ask: Ask) -> None:
        asked_us = self._server_us()
        try:
            answer = await self._clerk.answer(ask)
        except (RequestError, NoData):
            return
        self._tell(self._machine.on_aside(ask, answer, asked_us, trio.current_time(), self._server_us()))

    # -------------------------------------------------------------------------------------------- telling

    def _note_state(self) -> None:
        """Tell the hooks and the board what has become of it."""
        now, state = trio.current_time(), self.state
        if state is not self._told_state:
            before, self._told_state = self._told_state, state
            if state is MirrorState.LIVE:
                recovered = self._machine.statistics().recovered
                self._observer.emit(AccountLive(now, after=now - self._since, recovered=recovered))
            elif before is MirrorState.LIVE and not self._leaving:
                self._since = now
                self._observer.emit(AccountStale(now, reason=self.reason))
        if self._machine.given_up > self._told_losses:
            self._told_losses = self._machine.given_up
            self._observer.emit(UserDataGap(now, since=self._since, until=now))
        if self._machine.trouble != self._told_trouble:
            trouble = self._told_trouble = self._machine.trouble
            self._board.set(self.name, Ready() if trouble is None else Degraded(trouble))
