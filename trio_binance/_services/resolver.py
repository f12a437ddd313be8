"""The resolver: what is learned of requests goes into the docket, and what the docket asks for is done.

answers, account events, pings, the clock ──> docket (decides) ──> journal, questions, pings, hooks, who waits

What is decided, and why, stands in ``_pure.intents.table``.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, final

import trio

from trio_binance._protocol.catalogue import OPERATIONS
from trio_binance._pure.intents import (
    Alarm,
    AskWitness,
    Forget,
    Intents,
    Kind,
    Probe,
    Query,
    SendAgain,
    Settle,
    Stamp,
    Terms,
    Unresolved,
    facts,
    records,
    sightings,
)
from trio_binance._pure.mirror.orders import order_from_report
from trio_binance.errors import BinanceError, JournalFailed, Outcome
from trio_binance.models import CancelReplaceReport, ExecutionReport, ListStatus

from .findings import Findings
from .herald import Herald
from .inquiry import Inquiry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from trio_binance._protocol import call
    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.intents import Effect, Intent, IntentStatistics, Part, Verdict
    from trio_binance.models import UserEvent

    from .clock import Clock
    from .guard import Guard
    from .journal import Journal
    from .observe import Observer
    from .router import Router
    from .status import StatusBoard
    from .userdata import UserData


_ONLY_CANCEL = frozenset({Kind.CANCEL, Kind.CANCEL_LIST, Kind.CANCEL_ALL})


@final
class Resolver:
    """The handle of the docket, and the service that asks what the docket wants to know.

    It is a ``Watcher`` of the account's events. The handle outlives its incarnations: what one has not asked, the next
    one does.
    """

    name = "orders"

    def __init__(
        self,
        router: Router,
        journal: Journal,
        user_data: UserData | None,
        *,
        clock: Clock,
        probe: bool,
        observer: Observer,
        board: StatusBoard,
        next_id: Callable[[], str],
        is_unique: Callable[[str], bool],
        guard: Guard | None = None,
    ) -> None:
        self._router = router
        self._journal = journal
        self._user_data = user_data
        self._clock = clock
        self.herald: Herald = Herald(observer, board)
        self._next_id = next_id
        self._guard = guard
        self.findings: Findings = Findings()
        self.inquiry: Inquiry = Inquiry(router, self.findings)
        # Who wants nothing changed wants no order ended for the sake of knowing either.
        self._docket = Intents(Terms(probe=probe and not (guard and guard.is_dry), is_unique=is_unique))
        self._written: set[str] = set()
        """The intents that stand in the journal."""
        self._to_do: deque[Query | AskWitness | SendAgain | Probe] = deque()
        self._poked = trio.Event()
        self._changed = trio.Event()
        self._held: dict[str, list[records.Record]] = {}
        """What is to be noted of those whose callers wait for an answer."""
        self.closed: bool = False
        self.inherited: tuple[Intent, ...] = tuple(one.intent for one in journal.remembered if one.is_open)
        """The requests of earlier runs of which it was not known what became of them when this one began."""
        self._synced_at: float | None = None
        self._restore()
        if user_data is not None:
            user_data.watch(self)

    def _restore(self) -> None:
        self._written.update(one.intent.intent_id for one in self._journal.remembered)
        for intent_id in self._written:
            self.herald.on_restored(intent_id)
        self._do(self._docket.restore(self._journal.remembered, trio.current_time()))

    def statistics(self) -> IntentStatistics:
        """Return how many requests are open, in doubt, unresolved, and the verdicts so far."""
        return self._docket.statistics()

    @property
    def unsettled(self) -> tuple[Intent, ...]:
        """The requests of which it is not known what became of them, the oldest first."""
        return self._docket.unsettled

    @property
    def pending(self) -> int:
        """How many parts of requests have no verdict yet."""
        return self._docket.pending

    @property
    def has_room(self) -> bool:
        """Whether so few requests are in doubt that another may be placed."""
        return self._docket.room > 0

    def intent(self, intent_id: str) -> Intent | None:
        """Return a request, as long as anything is known of it."""
        return self._docket.intent(intent_id)

    def standing(self, intent_id: str) -> Mapping[Part, Verdict]:
        """Return what there is to say of a request now, part by part."""
        return self._docket.standing(intent_id)

    def is_pending(self, intent_id: str) -> bool:
        """Tell whether a part of a request has no verdict yet."""
        return self._docket.is_pending(intent_id)

    async def wait_changed(self) -> None:
        """Return when a verdict was reached, or none can be any more. Cancelled: nothing changed."""
        await self._changed.wait()

    def close(self) -> None:
        """Wake whoever waits: the connector is closed, and nothing more is found out by it."""
        self.closed = True
        self._changed.set()

    # ------------------------------------------------------------------------------------------------- requests

    def open(self, intent: Intent) -> None:
        """Take a request, before anything of it leaves.

        Raises:
            InvalidArgument: an order with one of its client ids is in doubt.
        """
        self._do(self._docket.open(intent, self._now()))

    async def send(
        self, intent: Intent, operation: Operation[Any], params: Mapping[str, Value]
    ) -> tuple[Any, BinanceError | None]:
        """Send the request of an intent, and return its answer or its error; the docket has learned of both.

        Cancelled: before it left, it does not; later it is being found out what became of it.
        """
        passage = _Passage(self, intent)
        with self._holding(intent.intent_id):
            try:
                answer = await self._router.call(operation, params, passage)
            except BinanceError as exc:
                self.tell(intent, facts.of_error(exc))
                return None, exc
            except BaseException:
                self._on_left_alone(intent, passage)
                raise
            self.tell(intent, _fact_of(answer))
            return answer, None

    @contextmanager
    def _holding(self, intent_id: str) -> Iterator[None]:
        """Note what becomes of a request only when its caller is told.

        The account's events may be faster than the answer. Ended the process between the two, nobody would have been
        told, and the next run would hold that somebody was.
        """
        self._held.setdefault(intent_id, [])
        self._docket.hold(intent_id, self._now(), held=True)
        try:
            yield
        finally:
            self._docket.hold(intent_id, self._now(), held=False)
            for record in self._held.pop(intent_id, ()):
                self._write(record)

    def _on_left_alone(self, intent: Intent, passage: _Passage) -> None:
        if passage.has_left:
            self.herald.on_doubt(intent, "its caller was cancelled before the answer came")
            for part, verdict in self._docket.standing(intent.intent_id).items():
                if not isinstance(verdict, Unresolved):  # the account's events were faster than the answer
                    self.herald.on_settled(intent, Settle(intent.intent_id, part, verdict))
            self.tell(intent, facts.GaveUp())
        else:
            self.tell(intent, facts.NeverLeft("its caller was cancelled before it left"))

    def tell(self, intent: Intent, fact: facts.Fact, part: Part | None = None) -> None:
        """Tell the docket what was learned of an intent."""
        self._do(self._docket.on_fact(intent.intent_id, fact, self._now(), part))

    async def record(self, intent: Intent, stamp: Stamp) -> None:
        """Have it in the journal that an intent may leave with this stamp. Cancelled: it must not leave.

        Raises:
            JournalFailed: it cannot be written; the request must not leave, unless it only cancels.
            BinanceError: it took so long that it is being found out already what became of it, or is known: had it
                been stamped anew and sent, it could take effect after it was called absent.
        """
        self._check_leave(intent)
        try:
            position = self._note(intent, stamp)
        except JournalFailed as exc:
            self._on_unwritten(intent, exc)
            self.tell(intent, facts.Sending(stamp))
            return
        self.tell(intent, facts.Sending(stamp))
        try:
            await self._journal.wait_durable(position)
        except JournalFailed as exc:
            self._on_unwritten(intent, exc)
        self._check_leave(intent)

    def _check_leave(self, intent: Intent) -> None:
        if intent.kind not in _ONLY_CANCEL and not self._docket.may_leave(intent.intent_id):
            words = "not sent any more: it took too long, and it is being found out what became of it"
            raise BinanceError(f"{intent.operation}: {words}", outcome=Outcome.NOT_SENT)

    def keep(self, intent: Intent) -> None:
        """Remember for a day what its caller was told not to be known."""
        self._docket.keep(intent.intent_id, self._now())

    def _on_unwritten(self, intent: Intent, failure: JournalFailed) -> None:
        """Let an intent pass that cannot be kept, if it only cancels; raise otherwise.

        Whoever cannot cancel because a disk is full is worse off than whoever forgets that he did.
        """
        if intent.kind not in _ONLY_CANCEL:
            raise failure
        self.herald.on_journal_lost(str(failure))

    def _note(self, intent: Intent, stamp: Stamp) -> int:
        at_ms = self._clock.server_ms()
        sending = records.sending(intent.intent_id, stamp, at_ms)
        if intent.intent_id in self._written:
            return self._journal.note(sending)
        position = self._journal.note(records.opened(intent, at_ms), sending)
        self._written.add(intent.intent_id)
        return position

    # ------------------------------------------------------------------------------------------------- the docket

    def _now(self) -> float:
        """Return the time, after the docket was told of the exchange's clock if that was measured anew."""
        now = trio.current_time()
        clock = self._clock.statistics()
        if clock.last_sync_at is not None and clock.last_sync_at != self._synced_at:
            self._synced_at = clock.last_sync_at
            self._do(self._docket.on_clock(self._clock.server_ms(), clock.uncertainty_us / 1000, now))
        return now

    def _do(self, effects: Iterable[Effect]) -> None:
        """Perform effects, in their order; what takes time is left to the service."""
        for effect in effects:
            match effect:
                case Settle():
                    self._on_settled(effect)
                case Alarm():
                    if (intent := self._docket.intent(effect.intent_id)) is not None:
                        self.herald.on_alarm(intent, effect)
                case Forget():
                    self.herald.on_forgotten(effect.intent_id)
                    if effect.intent_id in self._written:
                        self._written.discard(effect.intent_id)
                        self._write(records.expired(effect.intent_id, self._clock.server_ms()))
                case _:
                    self._to_do.append(effect)
        self._poked.set()

    def _on_settled(self, settle: Settle) -> None:
        if settle.intent_id in self._written:
            record, held = records.settled(settle, self._clock.server_ms()), self._held.get(settle.intent_id)
            self._write(record) if held is None else held.append(record)
        intent = self._docket.intent(settle.intent_id)
        if intent is not None:
            if self._guard is not None:
                self._guard.on_settled(intent, settle)
            self.herald.on_settled(intent, settle)
        self._changed.set()
        if not self.closed:
            self._changed = trio.Event()

    def _write(self, record: records.Record) -> None:
        """Append what need not be durable. A journal that is lost stops placements, but tells nobody a lie."""
        try:
            self._journal.note(record)
        except JournalFailed as exc:
            self.herald.on_journal_lost(str(exc))

    # ------------------------------------------------------------------------------- the watcher of account events

    def on_watching(self, connection: int) -> None:
        """Take note that the account's events flow on this connection."""
        self._do(self._docket.on_watching(connection, self._now()))

    def on_event(self, event: UserEvent) -> None:
        """Take an account event."""
        self._on_event(event, "the user stream")

    def on_recovered(self, event: UserEvent) -> None:
        """Take what the mirror of the account has asked for, as no event had told it."""
        self._on_event(event, "the mirror of the account")

    def _on_event(self, event: UserEvent, by: str) -> None:
        if isinstance(event, ExecutionReport):
            self.findings.on_report(event, order_from_report(event))
            self._do(self._docket.on_seen(sightings.of_report(event), self._now(), by))
        elif isinstance(event, ListStatus):
            self.findings.on_list_status(event)
            self._do(self._docket.on_seen(sightings.of_list_status(event), self._now(), by))

    def on_broken(self, reason: str) -> None:
        """Take note that an account event may be missing."""
        self._do(self._docket.on_broken(reason, self._now()))

    def on_ping(self, connection: int, asked_at: float) -> None:
        """Take note that a ping of the account's connection was answered, behind all that came before."""
        self._do(self._docket.on_ping(connection, asked_at, self._now()))

    # ------------------------------------------------------------------------------------------------ the service

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask what became of requests, for ever. Cancelled: what was not answered is asked again."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            while True:
                while self._to_do:
                    nursery.start_soon(self._carry_out, self._to_do.popleft())
                self._poked = trio.Event()
                with trio.move_on_at(self._docket.deadline):
                    await self._poked.wait()
                self._do(self._docket.on_timer(self._now()))

    async def _carry_out(self, effect: Query | AskWitness | SendAgain | Probe) -> None:
        match effect:
            case AskWitness():
                await self._ping(effect.connection)
            case Query():
                reply = await self.inquiry.ask(effect.question)
                self._do(self._docket.on_fact(effect.intent_id, reply, self._now(), effect.part))
            case Probe():
                reply = await self.inquiry.probe(effect.question, self._next_id())
                self._do(self._docket.on_fact(effect.intent_id, reply, self._now(), effect.part))
            case SendAgain():
                if (intent := self._docket.intent(effect.intent_id)) is not None:
                    await self.send(intent, OPERATIONS[intent.operation], intent.params)

    async def _ping(self, connection: int) -> None:
        assert self._user_data is not None
        with suppress(BinanceError):  # whoever looks after the connection sees to it
            await self._user_data.ping(connection)


@final
class _Passage:
    """The passage of one intent."""

    def __init__(self, resolver: Resolver, intent: Intent) -> None:
        self._resolver = resolver
        self._intent = intent
        self.has_left = False

    async def on_stamped(self, stamp: call.Stamp, wire: str) -> None:
        await self._resolver.record(self._intent, Stamp(stamp.timestamp_ms, stamp.recv_window_ms, wire))

    def on_leaving(self) -> None:
        self.has_left = True


def _fact_of(answer: Any) -> facts.Fact:
    """Return what an answer says that is no error."""
    if isinstance(answer, CancelReplaceReport):
        return facts.Halves(_done(answer.cancel_response), _done(answer.new_order_response))
    return _done(answer)


def _done(answer: Any) -> facts.Done:
    return facts.Done(None if isinstance(answer, list) else sightings.of_answer(answer))
