"""The verdicts: what became of an intent, or of one part of it, and why one may believe it."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

import attrs

from trio_binance.models import Evidence

from .sightings import Sighting


@attrs.frozen
class Accepted:
    """It took effect. ``sighting`` is the order or list as it was last seen, ``None`` where nothing shows one."""

    sighting: Sighting | None
    evidence: Evidence
    word: ClassVar[str] = "accepted"


@attrs.frozen
class Rejected:
    """The exchange refused it, for good. ``sighting`` shows what stands in its way, if that was seen."""

    code: int | None
    message: str
    sighting: Sighting | None
    evidence: Evidence
    word: ClassVar[str] = "rejected"


@attrs.frozen
class NotSent:
    """Not one byte of it left this machine. It may be sent again as it is."""

    reason: str
    evidence: Evidence
    word: ClassVar[str] = "not sent"


@attrs.frozen
class Absent:
    """It had no effect, and can have none any more.

    That is well founded, but no proof: the exchange bounds neither its delays nor those of its queries. Should it
    take effect all the same, an ``Alarm`` says so, for 24 hours. ``sighting`` is what was to be changed and was not.
    """

    sighting: Sighting | None
    evidence: Evidence
    word: ClassVar[str] = "absent"


@attrs.frozen
class Unresolved:
    """It is not known, for a witness was missing. It is still watched: another verdict may follow for 24 hours."""

    reason: str
    evidence: Evidence
    word: ClassVar[str] = "unresolved"


Verdict: TypeAlias = Accepted | Rejected | NotSent | Absent | Unresolved
