"""The recording: a session's traffic, one JSON record a line, read line by line and in time order.

Plain or gzipped text: ``connect``, ``ws`` (a message as it was received) and ``http`` (an answer fetched at that
moment). Whatever is no recording is a ``ConfigError`` that names the file and the line.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
import msgspec
import trio

from trio_binance.errors import ConfigError

from .frames import RestReply

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

_BATCH: Final = 256
_TIME: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?")
_VERSION: Final = re.compile(r"^/s?api/v[0-9]+(?=/)")
JSON_HEADERS: Final = (("content-type", "application/json;charset=UTF-8"),)

Key: TypeAlias = tuple[str, str, str]
"""Method, path without its version, symbol: what tells one recorded answer from another."""


@final
class Record(msgspec.Struct, frozen=True):
    """One line of a recording."""

    kind: Literal["connect", "ws", "http"]
    t: str | int | None = None
    t_ns: int | None = None
    raw: str | None = None
    raw_file: str | None = None
    method: str = "GET"
    url: str = ""
    status: int = 200

    @property
    def time_ns(self) -> int:
        """When it was received, in nanoseconds since 1970; exact, the text never becomes a float.

        Raises:
            ValueError: the record carries no time, or none that is a number.
        """
        if self.t_ns is not None:
            return self.t_ns
        match = _TIME.fullmatch(str(self.t))
        if match is None:
            raise ValueError(f"t={self.t!r}: expected seconds since 1970")
        return int(match[1]) * 10**9 + int((match[2] or "").ljust(9, "0")[:9])


class _Envelope(msgspec.Struct):
    stream: str
    data: msgspec.Raw


_decode_record: Final = msgspec.json.Decoder(Record).decode
_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode


def read_records(path: Path) -> Generator[Record, None, None]:
    """Yield the records of a recording, one for each line.

    Raises:
        ConfigError: the file cannot be read, or a line is no record; the message names the file and the line.
    """
    number = 0
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            for line in file:
                number += 1
                yield _decode_record(line)
    except (OSError, EOFError, zlib.error) as exc:
        raise ConfigError(f"{path}: unreadable after line {number}: {exc}") from exc
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}, line {number}: {exc}") from exc


@attrs.define(eq=False)
class Session:
    """What is known of a recording before it is played."""

    path: Path
    records: int = 0
    kinds: Counter[str] = attrs.field(factory=Counter)
    """How many records there are of each kind."""
    first_ns: int = 0
    last_ns: int = 0
    streams: set[str] = attrs.field(factory=set)
    """Those that some message belongs to."""
    answers: dict[Key, RestReply] = attrs.field(factory=dict)
    """The first answer of each kind."""
    bare_stream: str = ""
    """The one stream of a raw connection, whose messages carry no name."""

    def split(self, raw: bytes) -> tuple[str, bytes, bytes]:
        """Return a message's stream (``""`` for none), its combined form and its data, both as they stand."""
        try:
            envelope = _decode_envelope(raw)
        except msgspec.MsgspecError:
            return self.bare_stream, b'{"stream":"%s","data":%s}' % (self.bare_stream.encode(), raw), raw
        return envelope.stream, raw, bytes(envelope.data)

    def load(self, record: Record) -> RestReply:
        """Return the answer that an ``http`` record holds, or names as a file beside the recording."""
        if record.raw_file is None:
            return RestReply(record.status, JSON_HEADERS, (record.raw or "").encode())
        file = self.path.with_name(record.raw_file)
        data = file.read_bytes()
        return RestReply(record.status, JSON_HEADERS, gzip.decompress(data) if file.suffix == ".gz" else data)


async def read_session(path: Path) -> Session:
    """Read a whole recording and return what is in it, keeping only the first answers. May be cancelled.

    Raises:
        ConfigError: the file cannot be read or is no recording, with the line at fault.
    """
    session = Session(path)
    with closing(read_records(path)) as records:
        for session.records, record in enumerate(records, 1):
            with _blaming(path, session.records):
                _note(session, record)
            if session.records % _BATCH == 0:
                await trio.lowlevel.checkpoint()
    if not session.records:
        raise ConfigError(f"{path}: no records")
    await trio.lowlevel.checkpoint()
    return session


@contextmanager
def _blaming(path: Path, line: int) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, EOFError, zlib.error) as exc:
        raise ConfigError(f"{path}, line {line}: {exc}") from exc


def _note(session: Session, record: Record) -> None:
    session.kinds[record.kind] += 1
    session.last_ns = record.time_ns
    session.first_ns = session.first_ns or session.last_ns
    if record.kind == "http":
        key = answer_key(record.method, record.url)
        if key not in session.answers:
            session.answers[key] = session.load(record)
    elif record.kind == "connect":
        names, combined = target_streams(record.url)
        session.bare_stream = "" if combined or len(names) != 1 else names[0]
    elif name := session.split((record.raw or "").encode())[0]:
        session.streams.add(name)


def target_streams(url: str) -> tuple[list[str], bool]:
    """Return the streams that a WebSocket's address asks for, and whether it is a combined one."""
    parts = urlsplit(url)
    combined = not parts.path.startswith("/ws")
    names = parse_qs(parts.query).get("streams", [""])[0] if combined else unquote(parts.path[len("/ws/") :])
    return [name for name in names.split("/") if name], combined


def answer_key(method: str, url: str) -> Key:
    """Return what a request is matched by: two requests of one key get the same recorded answer."""
    parts = urlsplit(url)
    symbol = parse_qs(parts.query).get("symbol", [""])[0]
    return method, _VERSION.sub("", parts.path), symbol.upper()
