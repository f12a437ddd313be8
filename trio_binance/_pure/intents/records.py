"""The records: the lines of the journal, written and read; what they mean to each other is the ledger's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias
from zlib import crc32

import attrs

from trio_binance._pure.decimals import to_text
from trio_binance.errors import JournalBroken
from trio_binance.models import Evidence, Note

from .intent import Intent, Part, Stamp
from .owner import Owner
from .sightings import OrderSighting
from .verdicts import Absent, Accepted, NotSent, Rejected, Unresolved

if TYPE_CHECKING:
    from .effects import Settle
    from .intent import Value
    from .verdicts import Verdict

VERSION = 1

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"
"""What a record says: numbers with a fraction are texts."""

_END = re.compile(rb',"crc":"([0-9a-f]{8})"\}')


@attrs.frozen
class Record:
    """One line: its kind, when it was written (ms of server time as it was known), the intent, and the rest."""

    kind: str
    at_ms: int
    intent_id: str
    body: Mapping[str, Any] = attrs.field(factory=dict)


# -------------------------------------------------------------------------------------------------------- outward


def write(record: Record) -> bytes:
    """Return the line of a record, with its end; raises what ``written`` does."""
    return written(record)[0]


def written(record: Record) -> tuple[bytes, Record]:
    """Return the line of a record, with its end, and the record that ``read`` returns for it.

    Raises ``TypeError`` for a float, and for anything else that JSON cannot say exactly; ``ValueError`` for a body that
    has a field of every line's.
    """
    if not _HEAD.isdisjoint(record.body):
        raise ValueError(f"{' and '.join(sorted(_HEAD & record.body.keys()))}: a field of every line")
    if type(record.at_ms) is not int:
        raise TypeError(f"t: {record.at_ms!r} is no whole number")
    told = Record(_text(record.kind), record.at_ms, _text(record.intent_id), _object(record.body))
    head: dict[str, Json] = {"v": VERSION, "kind": told.kind, "t": told.at_ms, "id": told.intent_id}
    body = _ENCODER.encode({**head, **told.body}).encode()[:-1]
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body)), told


_HEAD = frozenset({"v", "kind", "t", "id", "crc"})
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _object(mapping: Mapping[Any, object]) -> dict[str, Json]:
    return {_text(name): _text(item) if type(item) is str else _plain(item) for name, item in mapping.items()}


def _text(value: object) -> str:
    """Return a text as UTF-8 can say it: half a surrogate is a question mark."""
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _plain(value: object) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Decimal):
        return to_text(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return _object(value)
    raise TypeError(f"{type(value).__name__} has no exact JSON: {value!r}")


def opened(intent: Intent, at_ms: int) -> Record:
    """Return that there is an intent: durable before its first byte leaves."""
    body: dict[str, object] = {"op": intent.operation, "symbol": intent.symbol}
    body |= {} if intent.stamp is None else _stamp_body(intent.stamp)
    body |= {"targets": intent.targets} if intent.targets else {}
    return Record("opened", at_ms, intent.intent_id, {**body, "params": intent.params})


def sending(intent_id: str, stamp: Stamp, at_ms: int) -> Record:
    """Return that it is about to leave, with this stamp: durable before that, unless the opening said it all."""
    return Record("sending", at_ms, intent_id, _stamp_body(stamp))


def left(intent_id: str, at_ms: int) -> Record:
    """Return that its first byte has left; it need not be durable."""
    return Record("left", at_ms, intent_id)


def settled(settle: Settle, at_ms: int) -> Record:
    """Return a verdict."""
    verdict = settle.verdict
    body: dict[str, object] = {"part": settle.part.value, "verdict": verdict.word}
    sighting = getattr(verdict, "sighting", None)
    if isinstance(sighting, OrderSighting):
        body |= {"orderId": sighting.order_id, "status": sighting.status}
    for name in ("code", "message", "reason"):
        if hasattr(verdict, name):
            body[name] = getattr(verdict, name)
    body["why"] = [[note.at_ms, note.text, note.times] for note in verdict.evidence.notes]
    return Record("settled", at_ms, settle.intent_id, body)


def expired(intent_id: str, at_ms: int) -> Record:
    """Return that nobody need remember it any more."""
    return Record("expired", at_ms, intent_id)


def started(run: str, owner: Owner, at_ms: int) -> Record:
    """Return that a process has begun to write for this owner; ``run`` names it, for the eye."""
    return Record("started", at_ms, run, {"environment": owner.environment, "key": owner.key})


def _stamp_body(stamp: Stamp) -> dict[str, object]:
    return {"wire": stamp.wire, "timestamp": stamp.timestamp_ms, "recvWindow": stamp.recv_window_ms}


# --------------------------------------------------------------------------------------------------------- inward


def is_whole(line: bytes) -> bool:
    """Tell whether a line without its end is one that was written whole and is as it was."""
    found = _END.search(line, max(len(line) - 18, 0))
    return found is not None and found.end() == len(line) and int(found[1], 16) == crc32(line[: found.start()])


def has_end(line: bytes) -> bool:
    """Tell whether the end of a record stands in it, so that it was not cut off there."""
    return _END.search(line) is not None


def read(line: bytes, number: int) -> Record:
    """Return the record of a line without its end; ``number`` is that of the line.

    Raises ``JournalBroken`` where it is not as it was written, or was written by a later version.
    """
    if not is_whole(line):
        raise JournalBroken(number, "damaged: the checksum does not fit")
    try:
        told = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        raise JournalBroken(number, "no JSON") from None
    fields = Fields(told, number)
    if (version := fields.take("v", int)) != VERSION:
        raise JournalBroken(number, f"version {version}; this program reads version {VERSION}")
    kind, at_ms, intent_id = fields.take("kind", str), fields.take("t", int), fields.take("id", str)
    fields.take("crc", str)
    return Record(kind, at_ms, intent_id, fields.rest)


def _no_float(text: str) -> NoReturn:
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)


class Fields:
    """The fields of a record, each taken with its type."""

    def __init__(self, told: object, line: int) -> None:
        if not isinstance(told, dict):
            raise JournalBroken(line, "no JSON object")
        self.rest: dict[str, Any] = dict(told)
        self._line = line

    def take(self, name: str, *kinds: type) -> Any:
        """Take a field out, of one of these types exactly.

        Raises ``JournalBroken`` where it is missing, or something else.
        """
        value = self.rest.pop(name, _MISSING)
        if type(value) not in kinds:
            raise JournalBroken(self._line, f"{name}: expected {' or '.join(kind.__name__ for kind in kinds)}")
        return value

    def take_some(self, name: str, kind: type) -> list[Any]:
        """Take a list out whose items are all of a type; empty where there is none."""
        values = self.take(name, list) if name in self.rest else []
        if any(type(value) is not kind for value in values):
            raise JournalBroken(self._line, f"{name}: expected a list of {kind.__name__}")
        return list(values)


_MISSING = object()


def intent_of(record: Record, line: int) -> Intent:
    """Return the intent that a record opens; its numbers are texts, as the wire has them."""
    fields = Fields(record.body, line)
    params = {name: _value(name, value, line) for name, value in fields.take("params", dict).items()}
    targets = tuple(fields.take_some("targets", int))
    stamp = stamp_of(record, line) if "timestamp" in record.body else None
    try:
        return Intent(record.intent_id, fields.take("op", str), params, stamp, targets)
    except ValueError as exc:
        raise JournalBroken(line, f"no intent: {exc}") from None


def _value(name: str, value: object, line: int) -> Value:
    if isinstance(value, str | int):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise JournalBroken(line, f"params.{name}: no value of a parameter")


def owner_of(record: Record, line: int) -> Owner | None:
    """Return for whom a process has begun to write, ``None`` where it does not say so."""
    if "environment" not in record.body:
        return None
    fields = Fields(record.body, line)
    return Owner(fields.take("environment", str), fields.take("key", str))


def stamp_of(record: Record, line: int) -> Stamp:
    """Return the stamp that a record tells of."""
    fields = Fields(record.body, line)
    return Stamp(fields.take("timestamp", int), fields.take("recvWindow", int), fields.take("wire", str))


def verdict_of(record: Record, line: int) -> tuple[Part, Verdict]:
    """Return the verdict of a record, and on which part; what was seen is told in its evidence alone."""
    fields = Fields(record.body, line)
    notes = tuple(_note(note, line) for note in fields.take_some("why", list))
    try:
        part = Part(fields.take("part", str))
    except ValueError:
        raise JournalBroken(line, "part: no part of an intent") from None
    return part, _verdict(fields, Evidence(notes), line)


def _note(told: list[Any], line: int) -> Note:
    if [*map(type, told)] not in ([int, str, int], [type(None), str, int]):
        raise JournalBroken(line, "why: expected notes of time, text and count")
    return Note(*told)


def _verdict(fields: Fields, evidence: Evidence, line: int) -> Verdict:
    match fields.take("verdict", str):
        case Accepted.word:
            return Accepted(None, evidence)
        case Rejected.word:
            return Rejected(fields.take("code", int, type(None)), fields.take("message", str), None, evidence)
        case NotSent.word:
            return NotSent(fields.take("reason", str), evidence)
        case Absent.word:
            return Absent(None, evidence)
        case Unresolved.word:
            return Unresolved(fields.take("reason", str), evidence)
        case word:
            raise JournalBroken(line, f"verdict: {word[:40]!r} is none")
