"""The errors that are ours or the caller's: nothing was sent, or we are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_binance._util import shown

from .root import BinanceError, Outcome

if TYPE_CHECKING:
    from decimal import Decimal


class UsageError(BinanceError):
    """The call cannot be made as it stands; nothing was sent."""


class ConfigError(UsageError, ValueError):
    """The configuration cannot work; the message names the setting and its value."""


class InvalidArgument(UsageError, ValueError):
    """An argument cannot be sent; ``field`` and ``value`` name it."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field}={shown(value)}: {reason}")
        self.field = field
        self.value = value
        self.reason = reason


class CredentialsRequired(UsageError):
    """The operation is signed and the configuration holds no key, or one of a kind that cannot do it."""


class NotServed(UsageError):
    """The environment does not serve the operation, or lacks the wire that it needs."""


class ConnectorClosed(UsageError):
    """The connector was used after its ``async with`` block had ended."""


class SafetyRefused(UsageError):
    """The configured ``safety`` forbids the request; it was neither signed nor sent.

    ``rule`` is the field of ``Safety`` that it breaks, ``value`` what was asked for and ``limit`` what is allowed,
    where those are numbers; ``advice`` says what would pass. ``reasons`` tells of every rule that it breaks.
    """

    def __init__(
        self,
        operation: str,
        rule: str,
        *reasons: str,
        value: Decimal | int | None = None,
        limit: Decimal | int | None = None,
        advice: str = "",
    ) -> None:
        told = "; ".join(reasons)
        super().__init__(f"{operation}: refused by safety: {told}{advice and f' ({advice})'}")
        self.operation = operation
        self.rule = rule
        self.reasons = reasons
        self.value = value
        self.limit = limit
        self.advice = advice


class NotAdmitted(BinanceError):
    """We held the request back; it was not sent. ``retry_at`` is a ``trio.current_time()`` or ``None``."""

    def __init__(self, message: str, *, retry_at: float | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class BreakerOpen(NotAdmitted):
    """The circuit breaker is open: the exchange failed several times in a row."""


class LimitExceeded(NotAdmitted):
    """The request alone is larger than a limit of the exchange, or the ban outlasts the caller's patience."""


class ClockUnsynced(NotAdmitted):
    """Server time is not known well enough to sign a request."""


class ServiceCrashed(BinanceError):
    """A part of the connector crashed more often than its supervisor allows. A bug of ours: please report it."""

    outcome = Outcome.UNKNOWN
