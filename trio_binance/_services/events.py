"""The events: what can happen inside the connector, each a frozen value; its first line says when it is sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

import attrs

from .event import Connected as Connected
from .event import ConnectFailed as ConnectFailed
from .event import ConnectionLost as ConnectionLost
from .event import ConnectionRenewed as ConnectionRenewed
from .event import Event as Event
from .event import MirrorChanged as MirrorChanged
from .event import Reconnected as Reconnected
from .orderevents import JournalLost as JournalLost
from .orderevents import OrderLeftOpen as OrderLeftOpen
from .orderevents import OutcomeFound as OutcomeFound
from .orderevents import OutcomeInDoubt as OutcomeInDoubt
from .orderevents import OutcomeRevised as OutcomeRevised
from .orderevents import OutcomeUnresolved as OutcomeUnresolved
from .orderevents import OwnOrdersCancelled as OwnOrdersCancelled

if TYPE_CHECKING:
    from .conditions import Status


# ---------------------------------------------------------------------------------------------- services


@attrs.frozen
class ServiceStarted(Event):
    """A service runs for the first time."""

    area = "service"
    subject: ClassVar[str | None] = "service"
    service: str


@attrs.frozen
class ServiceStopped(Event):
    """A service ended without an error: its work was done, or it was asked to stop."""

    area = "service"
    subject: ClassVar[str | None] = "service"
    service: str


@attrs.frozen
class ServiceCrashed(Event):
    """An exception left a service, a bug; ``restarts`` restarts came before. ``trace`` is the traceback's text."""

    area = "service"
    level = logging.ERROR
    subject: ClassVar[str | None] = "service"
    service: str
    restarts: int
    error: str
    trace: str = attrs.field(default="", repr=False)


@attrs.frozen
class ServiceRestarted(Event):
    """A service runs again after it, or one it stands on, has crashed (``error``)."""

    area = "service"
    level = logging.WARNING
    subject: ClassVar[str | None] = "service"
    service: str
    restarts: int
    error: str


@attrs.frozen
class ServiceOverdue(Event):
    """A service was asked to stop and had not done so ``waited`` seconds later; the others stop meanwhile."""

    area = "service"
    level = logging.WARNING
    subject: ClassVar[str | None] = "service"
    service: str
    waited: float


@attrs.frozen
class StatusChanged(Event):
    """The status of the whole connector changed."""

    area = "status"
    old: Status
    new: Status
    reason: str = ""


# ----------------------------------------------------------------------------------------------- streams


@attrs.frozen
class GapSeen(Event):
    """The items ``first`` to ``last`` of a stream never came."""

    area = "stream"
    level = logging.WARNING
    subject: ClassVar[str | None] = "stream"
    stream: str
    first: int
    last: int


@attrs.frozen
class GapFilled(Event):
    """In a gapless feed a hole was filled with ``count`` items that the exchange was asked for."""

    area = "stream"
    subject: ClassVar[str | None] = "stream"
    stream: str
    count: int


@attrs.frozen
class GapLeft(Event):
    """In a gapless feed the items ``first`` to ``last`` could not be had; the feed tells it as a ``Gap``."""

    area = "stream"
    level = logging.WARNING
    subject: ClassVar[str | None] = "stream"
    stream: str
    first: int
    last: int
    reason: str


@attrs.frozen
class Dropped(Event):
    """A consumer was slower than its stream: ``count`` items were dropped since the last such event."""

    area = "stream"
    level = logging.WARNING
    subject: ClassVar[str | None] = "stream"
    stream: str
    count: int


@attrs.frozen
class SubscriptionRestored(Event):
    """After a reconnection, ``streams`` streams of a connection are subscribed again."""

    area = "stream"
    subject: ClassVar[str | None] = "connection"
    connection: str
    streams: int


@attrs.frozen
class SubscriptionLost(Event):
    """The exchange refused or ended the subscription of a stream."""

    area = "stream"
    level = logging.WARNING
    subject: ClassVar[str | None] = "stream"
    stream: str
    reason: str
    code: int | None = None


@attrs.frozen
class Undecodable(Event):
    """A message of the exchange did not fit its model; it was skipped."""

    area = "stream"
    level = logging.WARNING
    subject: ClassVar[str | None] = "source"
    source: str
    reason: str


@attrs.frozen
class BookLive(Event):
    """A kept book is the exchange's own from ``update_id`` on, ``after`` seconds without that."""

    area = "book"
    subject: ClassVar[str | None] = "symbol"
    symbol: str
    update_id: int
    after: float


@attrs.frozen
class BookStale(Event):
    """A kept book is not the exchange's any more, or may not be; it can still be read as it was at ``update_id``."""

    area = "book"
    level = logging.WARNING
    subject: ClassVar[str | None] = "symbol"
    symbol: str
    update_id: int
    reason: str


@attrs.frozen
class UserDataSubscribed(Event):
    """The account's own events flow, for the ``attempt``-th time."""

    area = "account"
    subscription: int
    attempt: int


@attrs.frozen
class UserDataGap(Event):
    """What happened between ``since`` and ``until`` may not have been told: orders may have changed meanwhile.

    A connection was lost, or a message cannot be read (``Undecodable`` tells why). "There is no replay": orders, fills,
    order lists and balances are asked for and told by ``bx.account.events()``, until ``AccountLive`` says that nothing
    of them is missing; deposits and locks are not to be had again, but the balances that they led to. It begins with
    the last event that came, at most a minute before the last sign of life: what follows on a dying connection is late
    before it is lost. Told once more at the end of all tries, it says that something could not be recovered.
    """

    area = "account"
    level = logging.WARNING
    since: float
    until: float


@attrs.frozen
class AccountLive(Event):
    """The mirror of the account is right, ``after`` seconds without that; so far it told ``recovered`` events."""

    area = "account"
    after: float
    recovered: int


@attrs.frozen
class AccountStale(Event):
    """The mirror of the account is not right any more, or may not be: an event was missed, or may have been."""

    area = "account"
    level = logging.WARNING
    reason: str


# ------------------------------------------------------------------------------- limits, breaker, clock, key


@attrs.frozen
class RateLimitHit(Event):
    """The exchange said that a limit is used up; nothing that counts toward it is sent before ``until``."""

    area = "limits"
    level = logging.WARNING
    subject: ClassVar[str | None] = "kind"
    kind: str
    until: float


@attrs.frozen
class BanStarted(Event):
    """The exchange sent us away (``status`` 429, 418 or 403); nothing at all is sent before ``until``."""

    area = "limits"
    level = logging.ERROR
    until: float
    status: int


@attrs.frozen
class BanEnded(Event):
    """The exchange serves us again."""

    area = "limits"


@attrs.frozen
class BreakerChanged(Event):
    """The circuit breaker went from one state to another: closed, open, half-open."""

    area = "breaker"
    level = logging.WARNING
    old: str
    new: str
    wire: str = "rest"
    """Whose breaker it is: ``rest`` or ``ws_api``."""


@attrs.frozen
class ClockSynced(Event):
    """Server time is known for the first time; both figures in microseconds."""

    area = "clock"
    offset_us: int
    uncertainty_us: int


@attrs.frozen
class ClockStepped(Event):
    """Server time and ours came apart by a step: the offset went from ``old`` to ``new`` microseconds."""

    area = "clock"
    level = logging.WARNING
    old: int
    new: int


@attrs.frozen
class LoggedOn(Event):
    """The ``epoch``-th connection of the WebSocket API is logged on: its requests need no signature any more."""

    area = "key"
    epoch: int


@attrs.frozen
class LoggedOff(Event):
    """The ``epoch``-th connection of the WebSocket API is not logged on any more: its requests are signed again."""

    area = "key"
    level = logging.WARNING
    epoch: int
    reason: str


@attrs.frozen
class KeyRefused(Event):
    """The exchange refused the API key, its signature, its address or its rights."""

    area = "key"
    level = logging.ERROR
    code: int | None
    message: str


@attrs.frozen
class HookFailed(Event):
    """A hook of the user raised; this event goes to the log alone."""

    area = "observe"
    level = logging.ERROR
    subject: ClassVar[str | None] = "hook"
    hook: str
    during: str
    error: str
