"""The root of every error, and what became of the request."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trio_binance.models import CancelReplaceReport


class Outcome(enum.Enum):
    """What became of a request whose call raised, or of one half of it."""

    NOT_SENT = "not sent"
    """Not one byte left this machine. It may be sent again as it is."""
    REJECTED = "rejected"
    """The exchange answered no. It was not executed."""
    UNKNOWN = "unknown"
    """What was asked for may stand or not: the answer is lost, or proves nothing of it. Find out before sending again.

    So it is with ``DuplicateOrder`` too: that request was refused, but for an open order of the very same client id,
    which may be the one that was meant.
    """
    PARTIAL = "partial"
    """One half of a two-part request was done, the other was not."""
    DONE = "done"
    """It was executed: said of one half of a request, never of the whole."""


class BinanceError(Exception):
    """The root of every error this package raises on purpose."""

    outcome: Outcome = Outcome.NOT_SENT
    client_order_id: str | None = None
    """The client id of the order that was being placed: ask for it when ``outcome`` is UNKNOWN."""
    at_stake: str | None = None
    """What a request that changes something was to bring about, "order" for instance; ``None`` for a question."""
    report: CancelReplaceReport | None = None
    """Both halves of a cancel-replace as the exchange told them; ``None`` for any other request, or unreadable."""
    cancel_outcome: Outcome | None = None
    """Of a cancel-replace: whether the old order was cancelled: DONE, REJECTED (so it lives), UNKNOWN or NOT_SENT."""
    new_order_outcome: Outcome | None = None
    """Of a cancel-replace: whether the new order was placed: DONE, REJECTED (or not attempted), UNKNOWN or NOT_SENT."""

    def __init__(self, message: str, *, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.message = message
        if outcome is not None:
            self.outcome = outcome

    def __str__(self) -> str:
        """Tell what happened and, where it is not known what became of something, what that is and what to do."""
        return f"{self._words()}{self._doubt()}"

    def _words(self) -> str:
        return f"{super().__str__()}{self._halves()}"

    def _halves(self) -> str:
        """Return what became of the halves of a cancel-replace, with the exchange's words where it refused."""
        if self.cancel_outcome in (None, Outcome.NOT_SENT) or self.new_order_outcome is None:
            return ""
        cancel, new_order = self.cancel_outcome.value, self.new_order_outcome.value
        if self.report is not None:
            cancel += _words_of(self.report.cancel_response)
            attempted = self.report.new_order_result != "NOT_ATTEMPTED"
            new_order = new_order + _words_of(self.report.new_order_response) if attempted else "not attempted"
        return f" cancel: {cancel}; new order: {new_order}"

    def _doubt(self) -> str:
        if self.outcome is not Outcome.UNKNOWN or self.at_stake is None:
            return ""
        if self.client_order_id is None or not self.at_stake.endswith(("order", "order list")):
            return f" [unknown: the {self.at_stake} may have taken effect; find out before sending it again]"
        named = f"{self.at_stake} with client id {self.client_order_id}"
        return f" [unknown: the {named} may stand; query it, do not send it again]"

    def __repr__(self) -> str:
        """Hold all that ``str`` tells, on one line: it is what a log shows of an error."""
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by state: subclasses take keyword arguments that ``Exception`` knows nothing of."""
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _words_of(response: object) -> str:
    words = getattr(response, "msg", None)
    return f", {getattr(response, 'code', '')} {words}" if words else ""


def _rebuild(cls: type[BinanceError], args: tuple[object, ...], state: dict[str, object]) -> BinanceError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
