"""The root of every error, and what became of the request."""

from __future__ import annotations

import enum


class Outcome(enum.Enum):
    """What became of a request whose call raised, or of one half of it."""

    NOT_SENT = "not sent"
    """Not one byte left this machine. It may be sent again as it is."""
    REJECTED = "rejected"
    """The exchange answered no. It was not executed."""
    UNKNOWN = "unknown"
    """It may or may not have been executed. Find out before sending anything like it again."""
    PARTIAL = "partial"
    """One half of a two-part request was done, the other was not."""
    DONE = "done"
    """It was executed: said of one half of a request, never of the whole."""


class BinanceError(Exception):
    """The root of every error this package raises on purpose."""

    outcome: Outcome = Outcome.NOT_SENT
    client_order_id: str | None = None
    """The client id of the order that was being placed: ask for it when ``outcome`` is UNKNOWN."""

    def __init__(self, message: str, *, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.message = message
        if outcome is not None:
            self.outcome = outcome

    def __repr__(self) -> str:
        """Hold all that ``str`` tells, on one line: it is what a log shows of an error."""
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by state: subclasses take keyword arguments that ``Exception`` knows nothing of."""
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(cls: type[BinanceError], args: tuple[object, ...], state: dict[str, object]) -> BinanceError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
