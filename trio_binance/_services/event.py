"""The event: what every event of the connector is, and those of its connections; see ``events`` for all of them."""

from __future__ import annotations

import logging
import re
from typing import ClassVar

import attrs


@attrs.frozen
class Event:
    """Something happened at ``at``, by ``trio.current_time()``: seconds since a moment that differs with each run."""

    at: float

    name: ClassVar[str] = "event"
    """The stable name that stands in the log: the class's own in small letters."""
    area: ClassVar[str] = "connector"
    """The part of the connector; it logs to ``trio_binance.<area>``."""
    level: ClassVar[int] = logging.INFO
    subject: ClassVar[str | None] = None
    """The field that tells two lines of the same kind apart when a storm is thinned out."""

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


@attrs.frozen
class Connected(Event):
    """A connection stands for the first time, after ``attempt`` attempts."""

    area = "connection"
    subject: ClassVar[str | None] = "connection"
    connection: str
    attempt: int = 1


@attrs.frozen
class ConnectFailed(Event):
    """An attempt at a connection failed; the next follows ``retry_in`` seconds later."""

    area = "connection"
    level = logging.WARNING
    subject: ClassVar[str | None] = "connection"
    connection: str
    attempt: int
    reason: str
    retry_in: float


@attrs.frozen
class ConnectionLost(Event):
    """A connection that stood broke; ``code`` is that of a WebSocket close frame, if there was one."""

    area = "connection"
    level = logging.WARNING
    subject: ClassVar[str | None] = "connection"
    connection: str
    reason: str
    code: int | None = None


@attrs.frozen
class Reconnected(Event):
    """A lost connection stands again, ``after`` seconds without it; ``reason`` is why it was lost."""

    area = "connection"
    subject: ClassVar[str | None] = "connection"
    connection: str
    attempt: int
    after: float
    reason: str = ""


@attrs.frozen
class ConnectionRenewed(Event):
    """A standing connection was replaced by a fresh one before the exchange would have cut it."""

    area = "connection"
    subject: ClassVar[str | None] = "connection"
    connection: str
    reason: str


@attrs.frozen
class MirrorChanged(Event):
    """A host could not be reached: ``new``, which serves the same, is called instead of ``old`` from now on."""

    area = "connection"
    level = logging.WARNING
    subject: ClassVar[str | None] = "connection"
    connection: str
    old: str
    new: str
