"""The observer: what happens inside the connector, told as frozen events to hooks and as lines to the log.

Every event is a value: its class says what happened, ``at`` is the ``trio.current_time()`` of it (see ``events``; all
of them can be had from here). Hooks get every event; the log gets one line each, and in a storm the first few of each
kind and subject and then their number, so that trouble does not fill the disk it is to be read from.
"""

from __future__ import annotations

import enum
import json
import logging
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, final

import attrs
import trio

from .events import (
    AccountLive,
    AccountStale,
    BanEnded,
    BanStarted,
    BookLive,
    BookStale,
    BreakerChanged,
    ClockStepped,
    ClockSynced,
    Connected,
    ConnectFailed,
    ConnectionLost,
    ConnectionRenewed,
    Dropped,
    Event,
    GapFilled,
    GapLeft,
    GapSeen,
    HookFailed,
    JournalLost,
    KeyRefused,
    LoggedOff,
    LoggedOn,
    MirrorChanged,
    OrderLeftOpen,
    OutcomeFound,
    OutcomeInDoubt,
    OutcomeRevised,
    OutcomeUnresolved,
    OwnOrdersCancelled,
    RateLimitHit,
    Reconnected,
    ServiceCrashed,
    ServiceOverdue,
    ServiceRestarted,
    ServiceStarted,
    ServiceStopped,
    StatusChanged,
    SubscriptionLost,
    SubscriptionRestored,
    Undecodable,
    UserDataGap,
    UserDataSubscribed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from trio_binance.config import Credentials, Proxy


__all__ = [
    "AccountLive",
    "AccountStale",
    "BanEnded",
    "BanStarted",
    "BookLive",
    "BookStale",
    "BreakerChanged",
    "ClockStepped",
    "ClockSynced",
    "ConnectFailed",
    "Connected",
    "ConnectionLost",
    "ConnectionRenewed",
    "Dropped",
    "Event",
    "GapFilled",
    "GapLeft",
    "GapSeen",
    "HookFailed",
    "JournalLost",
    "KeyRefused",
    "LogGate",
    "LoggedOff",
    "LoggedOn",
    "MirrorChanged",
    "Observer",
    "OrderLeftOpen",
    "OutcomeFound",
    "OutcomeInDoubt",
    "OutcomeRevised",
    "OutcomeUnresolved",
    "OwnOrdersCancelled",
    "RateLimitHit",
    "Reconnected",
    "ServiceCrashed",
    "ServiceOverdue",
    "ServiceRestarted",
    "ServiceStarted",
    "ServiceStopped",
    "StatusChanged",
    "SubscriptionLost",
    "SubscriptionRestored",
    "Undecodable",
    "UserDataGap",
    "UserDataSubscribed",
    "scrub",
]

# ----------------------------------------------------------------------------------------------- secrecy

_NAMED = re.compile(
    r"""(?ix) (?<![a-z]) (signature|api[-_]?key|secret(?:[-_]?key)?|passphrase|password|listen[-_]?key|token)
        (["']? \s* [=:] \s* ["']?) [^\s"'&,;}]+"""
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_SHORTEST_SECRET = 6
"""A shorter word would be struck from texts where it stands by chance, and so be told by the holes."""


def scrub(text: str, secrets: Sequence[str] = ()) -> str:
    """Return ``text`` without the given secrets, signatures, keys of any kind or PEM blocks.

    No error of ours carries any of these; texts of other libraries and of the exchange are not under our control.
    """
    for secret in secrets:
        text = text.replace(secret, "***")
    return _NAMED.sub(r"\1\2***", _PEM.sub("***", text))


def _texts(credentials: Credentials | None, proxy: Proxy | None) -> tuple[str, ...]:
    hidden = [] if credentials is None else [credentials.secret, credentials.passphrase]
    hidden += [] if proxy is None else [proxy.username, proxy.password]
    texts = [secret.reveal().decode("utf-8", "replace") for secret in hidden if secret is not None]
    texts += [] if credentials is None else [credentials.api_key]
    return tuple(text for text in texts if len(text) >= _SHORTEST_SECRET)


# ------------------------------------------------------------------------------------------------ the log


@attrs.define
class _Window:
    since: float
    lines: int = 0
    suppressed: int = 0
    by_subject: Counter[object] = attrs.field(factory=Counter)


@final
class LogGate:
    """Thins out storms: of each kind of event ``burst`` lines a subject and ``total`` lines in all per ``period``."""

    def __init__(self, *, burst: int = 10, total: int = 100, period: float = 10.0) -> None:
        self._burst = burst
        self._total = total
        self.period = period
        self._windows: dict[type[Event], _Window] = {}

    def admit(self, kind: type[Event], subject: object, now: float) -> bool:
        """Return whether a line may be written, and count it or its suppression."""
        window = self._windows.setdefault(kind, _Window(now))
        if window.lines >= self._total or window.by_subject[subject] >= self._burst:
            window.suppressed += 1
            return False
        window.lines += 1
        window.by_subject[subject] += 1
        return True

    def take_suppressed(self, now: float | None = None) -> Iterator[tuple[type[Event], int]]:
        """Close the windows that are over at ``now`` (all of them by default); give what each suppressed."""
        # A window enters the dict when it begins, so that the oldest stands first.
        for kind, window in list(self._windows.items()):
            if now is not None and now - window.since < self.period:
                return
            del self._windows[kind]
            if window.suppressed:
                yield kind, window.suppressed


_RESERVED = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    return round(value, 6) if isinstance(value, float) else value


def _pairs(fields: Mapping[str, object]) -> str:
    """Return the fields as ``key=value``, each on the same line whatever the exchange wrote into them."""
    words = []
    for key, value in fields.items():
        text = str(value)
        if not text or not text.isprintable() or any(sign in text for sign in ' ="'):
            text = json.dumps(text, ensure_ascii=not text.isprintable())
        words.append(f" {key}={text}")
    return "".join(words)


def _write(kind: type[Event], at: float, text: str, fields: Mapping[str, object]) -> None:
    """Write one line, through structlog where the program has configured it."""
    logger = f"trio_binance.{kind.area}"
    structlog: Any = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        try:
            structlog.get_logger(logger).log(kind.level, kind.name, at=at, **fields)
        except Exception:
            logging.getLogger("trio_binance.observe").exception("structlog failed")
        else:
            return
    stdlib = logging.getLogger(logger)
    if stdlib.isEnabledFor(kind.level):
        extra = {f"{key}_" if key in _RESERVED else key: value for key, value in fields.items()}
        shown = {key: value for key, value in fields.items() if value is not None and key != "trace"}
        trace = f"\n{fields['trace']}" if fields.get("trace") else ""
        line = f"{text}{_pairs(shown)}{trace}"
        stdlib.log(kind.level, "%s", line, extra={"event": kind.name, "at": at, **extra})


# A library is silent where logging is not set up; without this Python would print our warnings by itself.
logging.getLogger("trio_binance").addHandler(logging.NullHandler())

# ------------------------------------------------------------------------------------------- the observer


@final
class Observer:
    """Tells hooks and log what happens.

    Args:
        hooks: called in order, in the task in which it happened, with each event; they must not block. One that
            raises is logged and goes on being called; ``KeyboardInterrupt`` and ``trio.Cancelled`` pass.
        credentials: whose key and secret must never show in an event's text.
        proxy: whose login must not either.
    """

    def __init__(
        self,
        hooks: Sequence[Callable[[Any], None]] = (),
        *,
        credentials: Credentials | None = None,
        proxy: Proxy | None = None,
        gate: LogGate | None = None,
    ) -> None:
        self._hooks = tuple(hooks)
        self._hidden = _texts(credentials, proxy)
        self._gate = LogGate() if gate is None else gate
        self.counts: Counter[str] = Counter()
        """How often each event happened, by its name."""

    def now(self) -> float:
        """Return ``trio.current_time()``."""
        return trio.current_time()

    def emit(self, event: Event) -> None:
        """Tell of one event. Never waits."""
        event = self._clean(event)
        self.counts[event.name] += 1
        self._log(event)
        for hook in self._hooks:
            try:
                hook(event)
            except Exception as exc:
                name = getattr(hook, "__qualname__", type(hook).__qualname__)
                self._log(self._clean(HookFailed(event.at, hook=name, during=event.name, error=repr(exc))))

    def flush(self) -> None:
        """Write how many lines were suppressed and not yet told of; for the end."""
        self._tell_suppressed(None)

    def _clean(self, event: Event) -> Event:
        changed: dict[str, Any] = {}
        for field in attrs.fields(type(event)):
            value = getattr(event, field.name)
            if isinstance(value, str) and (clean := scrub(value, self._hidden)) != value:
                changed[field.name] = clean
        return attrs.evolve(event, **changed) if changed else event

    def _log(self, event: Event) -> None:
        self._tell_suppressed(event.at)
        kind = type(event)
        if self._gate.admit(kind, getattr(event, kind.subject or "name"), event.at):
            names = (field.name for field in attrs.fields(kind) if field.name != "at")
            _write(kind, event.at, kind.name.replace("_", " "), {name: _plain(getattr(event, name)) for name in names})

    def _tell_suppressed(self, now: float | None) -> None:
        for kind, count in self._gate.take_suppressed(now):
            text = f"{kind.name.replace('_', ' ')}: more of the same, not shown"
            at = self.now() if now is None else now
            _write(kind, at, text, {"suppressed": count, "period": self._gate.period})
