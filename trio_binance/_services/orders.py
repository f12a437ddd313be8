"""The orders: every request that changes state is sent once, and its caller is told what became of it.

place, change ──> Resolver (journal, docket, questions) ──> verdict ──> what the caller gets
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from trio_binance._codes import api_error_class
from trio_binance._pure.intents import (
    Absent,
    Accepted,
    Intent,
    Kind,
    NotSent,
    OrderSighting,
    Part,
    Rejected,
    Unresolved,
    facts,
)
from trio_binance.errors import (
    AmendRejected,
    ApiError,
    BinanceError,
    ConnectorClosed,
    InvalidArgument,
    LimitExceeded,
    NothingToCancel,
    OrderAbsent,
    OrderUnresolved,
    Outcome,
    PartialFailure,
)
from trio_binance.models import Evidence, outcomes

from .rebuilding import Rebuilding

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.intents import Sighting, Verdict

    from .guard import Guard
    from .resolver import Resolver
    from .router import Router

_OUTCOMES = {
    Accepted.word: Outcome.DONE,
    Rejected.word: Outcome.REJECTED,
    Absent.word: Outcome.REJECTED,
    NotSent.word: Outcome.NOT_SENT,
    Unresolved.word: Outcome.UNKNOWN,
}
"""What errors call the verdicts."""

_TOO_LATE: Mapping[Kind, type[ApiError]] = {Kind.CANCEL: NothingToCancel, Kind.AMEND: AmendRejected}
"""What the exchange says of a change when the order has ended."""


@attrs.frozen
class _Told:
    """What a request came to: its answer or its error, the verdict on each part, and when its caller has to go on."""

    intent: Intent
    answer: Any
    error: BinanceError | None
    verdicts: Mapping[Part, Verdict]
    deadline: float

    @property
    def was_done(self) -> bool:
        """Whether every part of it took effect."""
        return all(isinstance(verdict, Accepted) for verdict in self.verdicts.values())

    @property
    def evidence(self) -> Evidence:
        """What was learned of all its parts."""
        return Evidence(tuple(note for verdict in self.verdicts.values() for note in verdict.evidence.notes))

    @property
    def refusal(self) -> BinanceError | None:
        """The refusal of this very request, if that is for good: what was seen is another's doing then."""
        whole = len(self.verdicts) == 1
        return self.error if whole and self.error is not None and self.error.outcome is Outcome.REJECTED else None

    @property
    def sightings(self) -> dict[Part, Sighting | None]:
        """What was seen of each part that took effect."""
        return {part: verdict.sighting for part, verdict in self.verdicts.items() if isinstance(verdict, Accepted)}


@final
class Orders:
    """What the facade places and changes orders by."""

    def __init__(
        self,
        router: Router,
        resolver: Resolver,
        *,
        resolve_timeout: float,
        next_id: Callable[[], str],
        guard: Guard | None = None,
    ) -> None:
        self._resolver = resolver
        self._guard = guard
        self._next_id = next_id
        self._resolve_timeout = resolve_timeout
        self._rebuilding = Rebuilding(router, resolver.inquiry, resolver.findings)

    @property
    def unsettled(self) -> tuple[outcomes.OpenRequest, ...]:
        """The requests of which it is not known what became of them, the oldest first."""
        return tuple(map(_open_request, self._resolver.unsettled))

    @property
    def inherited(self) -> tuple[outcomes.OpenRequest, ...]:
        """The requests of earlier runs of which that was not known when this one began, the oldest first."""
        return tuple(map(_open_request, self._resolver.inherited))

    async def place(
        self, operation: Operation[Any], params: Mapping[str, Value], within: float | None = None
    ) -> outcomes.Placement[Any]:
        """Send what places an order or a list, once, and return what became of it.

        Where the answer is lost that is found out, for ``within`` seconds. Cancelled: before it left, it does not;
        later it goes on being found out, and ``unsettled`` has it until then.

        Raises:
            BinanceError: it was not sent.
        """
        _check_seconds(within)
        return await self._outcome(await self._perform(operation, params, within))

    async def change(
        self, operation: Operation[Any], params: Mapping[str, Value], targets: tuple[int, ...] = ()
    ) -> Any:
        """Send what changes or cancels orders, once, and return its answer, be it put together from what was found.

        Nothing is sent again but the cancellation of one order by its order id. Cancelled: as ``place``.

        Raises:
            OrderUnresolved: it is not known what became of it, and goes on being found out.
            OrderAbsent: the answer was lost, and it had no effect.
            NothingToCancel: also where the answer was lost, if the order is seen to have been filled.
            AmendRejected: likewise.
            PartialFailure: also where the answer was lost, if one half of a cancel-replace was done.
            BinanceError: it was refused or not sent.
        """
        told = await self._perform(operation, params, None, targets)
        if told.refusal is not None:
            raise told.refusal
        if told.was_done:
            return await self._answer(told)
        raise self._failure(told)

    async def wait_resolved(self, intent_id: str) -> outcomes.Placement[Any]:
        """Return what became of a request, once that is known. Cancelled: it goes on being found out.

        ``Unresolved`` again where it was accepted, but how it stands could not be asked for in ``resolve_timeout``.

        Raises:
            InvalidArgument: nothing is known of it, or nothing any more.
            BinanceError: it was not sent.
            ConnectorClosed: the connector was closed before that.
        """
        await trio.lowlevel.checkpoint()
        while any(isinstance(verdict, Unresolved) for verdict in self._resolver.standing(intent_id).values()):
            self._check_open()
            await self._resolver.wait_changed()
        standing, intent = self._resolver.standing(intent_id), self._resolver.intent(intent_id)
        if intent is None:
            raise InvalidArgument("intent_id", intent_id, "nothing is known of such a request")
        return await self._outcome(_Told(intent, None, None, standing, trio.current_time() + self._resolve_timeout))

    async def wait_settled(self) -> None:
        """Return when there is a verdict on every request, be it ``Unresolved``. Cancelled: nothing changed."""
        await trio.lowlevel.checkpoint()
        while self._resolver.pending:
            self._check_open()
            await self._resolver.wait_changed()

    def _check_open(self) -> None:
        if self._resolver.closed:
            raise ConnectorClosed("the connector is closed; nothing more is found out by it")

    async def _perform(
        self,
        operation: Operation[Any],
        params: Mapping[str, Value],
        within: float | None,
        targets: tuple[int, ...] = (),
    ) -> _Told:
        given = {name: value for name, value in params.items() if value is not None}
        intent = Intent(self._next_id(), operation.name, given, targets=targets)
        if not self._resolver.has_room and not operation.cancels:
            raise LimitExceeded(f"{operation.name}: of too many requests it is not known what became of them")
        await self._open(intent)
        answer, error = await self._resolver.send(intent, operation, params)
        deadline = trio.current_time() + (self._resolve_timeout if within is None else within)
        if self._resolver.is_pending(intent.intent_id):
            self._resolver.herald.on_doubt(intent, str(error))
            await self._wait(intent, deadline)
        return _Told(intent, answer, error, self._resolver.standing(intent.intent_id), deadline)

    async def _open(self, intent: Intent) -> None:
        """Have the safety rules asked, and take the request up."""
        if self._guard is not None:
            await self._guard.admit(intent)
        try:
            self._resolver.open(intent)
        except BinanceError:
            if self._guard is not None:
                self._guard.release(intent.intent_id)
            raise

    async def _wait(self, intent: Intent, deadline: float) -> None:
        """Wait until it is known what became of a request, or the time is up: from then on nothing is sent again."""
        try:
            with trio.move_on_at(deadline):
                while self._resolver.is_pending(intent.intent_id) and not self._resolver.closed:
                    await self._resolver.wait_changed()
        finally:
            if self._resolver.is_pending(intent.intent_id):
                # Nobody waits for it any more, whether he was cancelled or has to go on with "unknown".
                self._resolver.tell(intent, facts.GaveUp())

    # ------------------------------------------------------------------------------------------ what is returned

    async def _answer(self, told: _Told) -> Any:
        """Return the answer of what was done, put together where it was lost; raises ``OrderUnresolved``."""
        if told.answer is not None:
            return told.answer
        with trio.move_on_at(told.deadline), suppress(ConnectorClosed):
            return await self._rebuilding.answer(told.intent, told.sightings)
        self._resolver.keep(told.intent)
        reason = "it was done, but how it stands could not be asked for in time"
        error = OrderUnresolved(reason, evidence=str(told.evidence), intent_id=told.intent.intent_id)
        if len(told.verdicts) > 1:
            error.cancel_outcome = error.new_order_outcome = Outcome.DONE
        raise error

    async def _outcome(self, told: _Told) -> outcomes.Placement[Any]:
        intent, evidence = told.intent, told.evidence
        name, number = intent.name, intent.intent_id
        if told.was_done:
            try:
                answer = await self._answer(told)
            except OrderUnresolved as exc:
                return outcomes.Unresolved(exc.reason, evidence, name, number)
            return outcomes.Accepted(answer, evidence, name, number, answered=told.answer is not None)
        if reasons := _reasons(told.verdicts):
            return outcomes.Unresolved(reasons, evidence, name, number)
        kinds = {type(verdict) for verdict in told.verdicts.values()}
        error = self._failure(told)
        if kinds == {NotSent}:
            raise error
        return (outcomes.Absent if kinds == {Absent} else outcomes.Rejected)(error, evidence, name, number)

    def _failure(self, told: _Told) -> BinanceError:
        """Return the error of what was not done as a whole, or is not known to be."""
        if len(told.verdicts) > 1:
            return _halved(told)
        [verdict] = told.verdicts.values()
        return self._error(told.intent, verdict, told.error)

    @staticmethod
    def _error(intent: Intent, verdict: Verdict, told: BinanceError | None) -> BinanceError:
        """Return the error of what was not done, or is not known to be done."""
        name = intent.name or None
        match verdict:
            case Unresolved():
                return _after(told, _unresolved(intent, verdict.reason, str(verdict.evidence)))
            case Absent(sighting=OrderSighting(has_ended=True)) if (late := _TOO_LATE.get(intent.kind)) is not None:
                return _after(told, _too_late(late, intent))
            case Absent():
                return _after(told, OrderAbsent(client_order_id=name, evidence=str(verdict.evidence)))
            case Rejected() if told is None or told.outcome is Outcome.UNKNOWN:
                return _after(told, _refusal(intent, verdict, told))
            case _:
                return told or BinanceError(f"{intent.operation}: {verdict.word}", outcome=_OUTCOMES[verdict.word])


def _check_seconds(within: object) -> None:
    """Refuse what is no time, while nothing was sent: found out later, it would hide what became of the order."""
    if within is None or (isinstance(within, int | float) and not isinstance(within, bool) and within >= 0):
        return
    raise InvalidArgument("resolve_within", within, "expected seconds, zero or more, or None")


def _open_request(intent: Intent) -> outcomes.OpenRequest:
    placed = intent.client_order_ids if intent.places else ()
    return outcomes.OpenRequest(intent.operation, intent.symbol, intent.name, placed, intent.intent_id)


def _reasons(verdicts: Mapping[Part, Verdict]) -> str:
    """Return why it is not known what became of which part; "" where it is known of all."""
    reasons = {part: each.reason for part, each in verdicts.items() if isinstance(each, Unresolved)}
    if len(verdicts) == 1:
        return "".join(reasons.values())
    return "; ".join(f"{part.value}: {reason}" for part, reason in reasons.items())


def _unresolved(intent: Intent, reason: str, evidence: str) -> OrderUnresolved:
    return OrderUnresolved(reason, client_order_id=intent.name or None, evidence=evidence, intent_id=intent.intent_id)


def _after(cause: BinanceError | None, error: BinanceError) -> BinanceError:
    error.__cause__ = cause
    return error


def _too_late(kind: type[ApiError], intent: Intent) -> ApiError:
    """Return the refusal of a change whose answer was lost, and whose order was seen to have ended without it."""
    error = kind("the answer was lost; the order had ended before", status=400, operation=intent.operation)
    error.outcome = Outcome.REJECTED
    return error


def _refusal(intent: Intent, verdict: Rejected, told: BinanceError | None) -> BinanceError:
    """Return the refusal that was found to be final; the answer may have been lost, or have proved nothing."""
    if told is not None and getattr(told, "code", None) == verdict.code is not None:
        told.outcome = Outcome.REJECTED
        return told
    kind = api_error_class(400, verdict.code, verdict.message)
    error = kind(verdict.message, status=400, code=verdict.code, operation=intent.operation)
    error.outcome = Outcome.REJECTED
    return error


def _halved(told: _Told) -> BinanceError:
    """Return the error of a cancel-replace, with what became of each half."""
    error = told.error or BinanceError("what was answered is not known", outcome=Outcome.UNKNOWN)
    cancel, new_order = (_OUTCOMES[told.verdicts[part].word] for part in (Part.CANCEL, Part.NEW_ORDER))
    whole = cancel if cancel is new_order else Outcome.PARTIAL
    if Outcome.UNKNOWN in (cancel, new_order):
        whole = Outcome.UNKNOWN
    if error.outcome is Outcome.UNKNOWN:
        error = _after(error, _half_lost(told, whole))
    error.cancel_outcome, error.new_order_outcome, error.outcome = cancel, new_order, whole
    return error


def _half_lost(told: _Told, whole: Outcome) -> BinanceError:
    """Return what stands for the error of a cancel-replace whose answer was lost, or proved nothing."""
    intent, evidence = told.intent, str(told.evidence)
    if whole is Outcome.UNKNOWN:
        return _unresolved(intent, _reasons(told.verdicts), evidence)
    if whole is Outcome.PARTIAL:
        words = "the answer was lost; one half was done, the other was not"
        return PartialFailure(words, status=409, operation=intent.operation)
    return OrderAbsent(client_order_id=intent.name or None, evidence=evidence)
