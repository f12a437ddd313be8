"""The journal: what a process knew of its intents when it ended, however it ended.

The format
==========

A journal is a text in UTF-8 of lines that each end with a line feed, and only grows, until it is written anew. Each
line is a JSON object, in this order:

    {"v":1,"kind":"opened","t":1700000000123,"id":"tb-1","op":"POST /api/v3/order","symbol":"BTCUSDT",
     "wire":"rest","timestamp":1700000000120,"recvWindow":5000,"params":{...},"crc":"1a2b3c4d"}

``v``     the version of the format; a line of another version is refused.
``kind``  what is told; a line of a kind that is not listed here is kept as it is, and means nothing.
``t``     when, in milliseconds of the exchange's clock as it was known.
``id``    the intent's id; of ``started`` the name of the run.
``crc``   eight hexadecimal digits: the CRC-32 of all bytes of the line before ``,"crc"``.

    kind      besides                                     durable before
    started   environment; key: the first 12 hexadecimal  -
              digits of the API key's SHA-256, or ""
    opened    op, symbol, params; targets of a            the first byte leaves; with timestamp, recvWindow and wire
              cancellation of many                        if it is stamped already
    sending   timestamp, recvWindow, wire                 each time that it leaves, but where ``opened`` told the stamp
    left      -                                           -
    settled   part ("whole", "cancel", "new order"),      - ; written when the
              verdict, why; code and message of a refusal,  caller is told
              reason, orderId and status as far as known
    expired   -                                           -

``op`` is the REST name of the operation, whichever wire it takes; ``params`` are its parameters by the wire's names.
``verdict`` is "accepted", "rejected", "not sent", "absent" or "unresolved", ``why`` a list of notes: milliseconds of
the exchange's clock or null, words, and how often. No number has a fraction: what has one is a text, its scale kept.
There is no API key and no signature in a journal; what an account trades is, so it is for its owner's eyes.

The last ``started`` says whose the journal is: all that is remembered is to be asked for in that account alone. One
without an environment, and a journal without one, are of an owner who is not known.

What is read
============

A process may end between any two bytes. The last line may therefore be cut off, or have a hole of zeros where the
machine stopped: it was not durable, so nothing has left that depends on it, and it is passed over. ``Ledger.size``
says up to where the journal is good; whatever comes next must be written there. Damage anywhere else is no accident of
writing. Then nothing can be concluded, and ``JournalBroken`` names the line.

An intent is open from ``opened`` until all its parts are accepted, rejected or not sent; one that is absent or
unresolved is remembered until ``expired``. What is remembered takes a few lines each: ``Ledger.lines`` are all that is
needed, the last ``started`` among them, and ``is_bloated`` says when it is worth to write the journal anew with these
(to another file, made durable, which then takes its name), so that its size is bounded by what is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, final

import attrs

from trio_binance.errors import JournalBroken

from . import records
from .verdicts import Absent, Unresolved

if TYPE_CHECKING:
    from .intent import Intent, Part, Stamp
    from .owner import Owner
    from .records import Record
    from .verdicts import Verdict

_SPARE = 65_536
"""Bytes below which a journal is never worth to be written anew."""
_LONGEST = 1_048_576
"""No line is longer; what is has lost its end."""


@attrs.frozen
class Remembered:
    """What a journal says of an intent that is not over.

    ``stamps`` are the first and the last of those that it was sent with, none if nothing can have left; ``verdicts``
    those of the parts that have one, and ``settled_ms`` when the last of these was reached.
    """

    intent: Intent
    stamps: tuple[Stamp, ...]
    verdicts: Mapping[Part, Verdict]
    settled_ms: int

    @property
    def is_open(self) -> bool:
        """Whether nobody was told of each of its parts what became of it."""
        told = {part for part, verdict in self.verdicts.items() if not isinstance(verdict, Unresolved)}
        return not told.issuperset(self.intent.parts)


class _Entry:
    """The lines of one intent that matter."""

    def __init__(self, intent: Intent, line: bytes) -> None:
        self.intent = intent
        self.opening = line
        self.stamps: dict[bytes, Stamp] = {}
        self.verdicts: dict[Part, tuple[bytes, Verdict]] = {}
        self.settled_ms = 0
        if intent.stamp is not None:
            self.stamps[b""] = intent.stamp

    def add_stamp(self, line: bytes, stamp: Stamp) -> None:
        """Keep the stamp if it is the first, or the last to be honoured."""
        first, *later = [*self.stamps.items(), (line, stamp)]
        self.stamps = dict([first, max(later, key=_fence)] if later else [first])

    @property
    def is_over(self) -> bool:
        """Whether no part of it can have any effect any more that is not known."""
        closed = {part for part, (_, verdict) in self.verdicts.items() if not isinstance(verdict, Absent | Unresolved)}
        return closed.issuperset(self.intent.parts)

    @property
    def lines(self) -> list[bytes]:
        """The lines that say all that matters of it."""
        return [self.opening, *filter(None, self.stamps), *(line for line, _ in self.verdicts.values())]

    @property
    def remembered(self) -> Remembered:
        """What they say."""
        verdicts = {part: verdict for part, (_, verdict) in self.verdicts.items()}
        return Remembered(self.intent, tuple(self.stamps.values()), verdicts, self.settled_ms)


def _fence(told: tuple[bytes, Stamp]) -> int:
    return told[1].timestamp_ms + told[1].recv_window_ms


@final
class Ledger:
    """What the lines of a journal come to, read and written."""

    def __init__(self) -> None:
        self.size: int = 0
        """Bytes of the journal that are good."""
        self.torn: int = 0
        """Bytes after these that were cut off in writing."""
        self.owner: Owner | None = None
        """Whose intents it holds, as far as it says so."""
        self._line = 0
        self._started: list[bytes] = []
        self._entries: dict[str, _Entry] = {}
        self._unknown: list[bytes] = []

    @property
    def remembered(self) -> tuple[Remembered, ...]:
        """The intents that are not over, oldest first."""
        return tuple(entry.remembered for entry in self._entries.values())

    def lines(self) -> list[bytes]:
        """Return the fewest lines that come to the same."""
        return [*self._started, *self._unknown, *(line for entry in self._entries.values() for line in entry.lines)]

    @property
    def is_bloated(self) -> bool:
        """Whether the journal is worth to be written anew, with ``lines`` alone."""
        return self.size > _SPARE and self.size > 2 * sum(map(len, self.lines()))

    def compact(self) -> bytes:
        """Return the journal to write in the old one's place, and go on with that."""
        text = b"".join(self.lines())
        self.size, self.torn, self._line = len(text), 0, text.count(b"\n")
        return text

    def put(self, record: Record) -> bytes:
        """Return the line to append for a record, and take note of it.

        Should writing it fail, this ledger is ahead of the journal: nothing more must be placed by it.
        """
        line, told = records.written(record)
        self._line += 1
        self._take(told, line)
        return line

    def _take(self, record: Record, line: bytes) -> None:
        self.size += len(line)
        match record.kind:
            case "left":
                pass
            case "started":
                self.owner, self._started = records.owner_of(record, self._line), [line]
            case "opened":
                self._open(record, line)
            case "sending" | "settled" | "expired":
                if (entry := self._entries.get(record.intent_id)) is not None:
                    self._add(entry, record, line)
            case _:
                self._unknown.append(line)

    def _open(self, record: Record, line: bytes) -> None:
        if record.intent_id in self._entries:
            raise JournalBroken(self._line, "id: an intent of this id is open")
        self._entries[record.intent_id] = _Entry(records.intent_of(record, self._line), line)

    def _add(self, entry: _Entry, record: Record, line: bytes) -> None:
        if record.kind == "sending":
            entry.add_stamp(line, records.stamp_of(record, self._line))
            return
        if record.kind == "settled":
            part, verdict = records.verdict_of(record, self._line)
            entry.verdicts.pop(part, None)
            entry.verdicts[part] = line, verdict
            entry.settled_ms = record.at_ms
        if record.kind == "expired" or entry.is_over:
            del self._entries[record.intent_id]

    # ------------------------------------------------------------------------------------------------------ reading

    @classmethod
    def read(cls, chunks: Iterable[bytes]) -> Ledger:
        """Return what a journal says, read in pieces of any size.

        Raises:
            JournalBroken: it is damaged elsewhere than at its very end.
        """
        ledger = cls()
        rest = b""
        for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                ledger._take_unless_torn(line)
            if len(rest) > _LONGEST:
                raise JournalBroken(ledger._line + 1, "longer than any line is")
        if records.has_end(rest) and not records.is_whole(rest):
            raise JournalBroken(ledger._line + 1, "damaged: there is more after its end")
        ledger.torn += len(rest)
        return ledger

    def _take_unless_torn(self, line: bytes) -> None:
        """Take a line, or pass over one with a hole, which can only be the last."""
        if self.torn:
            raise JournalBroken(self._line + 1, "damaged: it has a hole")
        if b"\0" in line and not records.is_whole(line):
            self.torn = len(line) + 1
        else:
            self._line += 1
            self._take(records.read(line, self._line), line + b"\n")
