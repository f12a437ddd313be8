"""The facts: what can be learned about an intent, and who says it."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs

from trio_binance._codes import api_error_class
from trio_binance.errors import ApiError, BinanceError, Blocked, DuplicateOrder, NothingToCancel, Outcome

from .intent import Stamp
from .sightings import Sighting, of_answer

# ------------------------------------------------------------------------------------------------------ of the wire


@attrs.frozen
class Sending:
    """It is about to be sent, with this stamp; nothing has left yet. Told before *every* time that it is sent."""

    stamp: Stamp


@attrs.frozen
class WasSending:
    """An earlier run was about to send it with this stamp; whether anything watched is not known any more."""

    stamp: Stamp


@attrs.frozen
class Left:
    """Its first byte has left, or may have."""


@attrs.frozen
class NeverLeft:
    """Not one byte of it has left, and none will."""

    reason: str


# --------------------------------------------------------------------------------------------------- of the answer


@attrs.frozen
class Done:
    """It was answered: done. ``sighting`` is what the answer shows, ``None`` of a cancellation of all orders."""

    sighting: Sighting | None = None


@attrs.frozen
class Refused:
    """It was answered: a definite no.

    ``clashes`` says that the no leaves something to find out: "Duplicate order sent." (-2010), for the open order of
    this id may be the very one that was meant, or "Unknown order sent." (-2011), for what was to be cancelled has
    ended, one way or another. ``blocked`` says that it was refused by what stands before the exchange, in words that
    nobody has documented.
    """

    code: int | None
    message: str
    clashes: bool = False
    blocked: bool = False


@attrs.frozen
class Lost:
    """There is no answer, or one that leaves open what became of it: 5xx, a broken line, a timeout."""

    reason: str


Answer: TypeAlias = Done | Refused | Lost


@attrs.frozen
class Halves:
    """A cancel-replace was answered, each half for itself."""

    cancel: Answer
    new_order: Answer


# --------------------------------------------------------------------------------------------------- of the others


@attrs.frozen
class Found:
    """A query, sent at ``asked_at``, was answered: this is there."""

    sighting: Sighting
    asked_at: float


@attrs.frozen
class FoundOpen:
    """A query for all open orders of the symbol, sent at ``asked_at``, was answered: these are open."""

    sightings: tuple[Sighting, ...]
    asked_at: float


@attrs.frozen
class NotFound:
    """A query, sent at ``asked_at``, was answered: "Order does not exist." (-2013)."""

    asked_at: float


@attrs.frozen
class Unanswered:
    """A query failed, for whatever reason: it says nothing about the intent."""

    reason: str


@attrs.frozen
class NotOpen:
    """A cancellation of what the intent was to place, sent at ``asked_at``: the matching engine knows none (-2011)."""

    asked_at: float


Reply: TypeAlias = Found | FoundOpen | NotFound | Unanswered | NotOpen


@attrs.frozen
class GaveUp:
    """The caller waits no longer: it was cancelled, or its deadline passed."""


@attrs.frozen
class Restarted:
    """The process was started anew; nobody can say what came by the user stream meanwhile."""


Fact: TypeAlias = Sending | WasSending | Left | NeverLeft | Answer | Halves | Reply | GaveUp | Restarted
"""What is told of one intent. What the user stream shows is not among these: whom it concerns is found by its names."""


def of_error(error: BinanceError) -> NeverLeft | Refused | Lost | Halves:
    """Return what the error of the request's call says of it.

    An error that tells its halves apart (of a cancel-replace) says something of each.
    """
    if error.outcome is Outcome.NOT_SENT:
        return NeverLeft(str(error))
    if error.cancel_outcome is not None and error.new_order_outcome is not None:
        report = error.report
        return Halves(
            _half(error.cancel_outcome, report and report.cancel_response, error),
            _half(error.new_order_outcome, report and report.new_order_response, error),
        )
    if isinstance(error, DuplicateOrder | NothingToCancel):
        return Refused(error.code, error.message, clashes=True)
    if error.outcome is Outcome.REJECTED:
        code = error.code if isinstance(error, ApiError) else None
        return Refused(code, error.message, blocked=isinstance(error, Blocked))
    return Lost(str(error))


def _half(outcome: Outcome, response: Any, error: BinanceError) -> Answer:
    code, message = getattr(response, "code", None), str(getattr(response, "msg", error.message))
    if outcome is Outcome.DONE:
        return Done(None if response is None else of_answer(response))
    if code is not None and api_error_class(400, code, message) is DuplicateOrder:
        return Refused(code, message, clashes=True)
    return Refused(code, message) if outcome is Outcome.REJECTED else Lost(message)
