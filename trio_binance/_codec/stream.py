"""Market streams: a frame to its stream's name and its event, at the speed of the line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

import attrs
import msgspec

from trio_binance._pure.decimals import MAX_LENGTH, parse_number
from trio_binance.errors import DecodeError
from trio_binance.models import Extra, Levels, Model, OpenEnum, StreamEvent

from . import jsontext
from .assembly import assemble, compile_function
from .converter import Members, own_fields
from .kinds import Kind, event_of, kind_of
from .kinds import unstructure as unstructure
from .letters import NAMES

Decoder: TypeAlias = Callable[[bytes], StreamEvent]

# ------------------------------------------------------------------------------------------- a frame to its decoder

_HEAD = re.compile(rb'\{"stream":"([^"\\]+)","data":')
_MOST_HEADS = 4096

_names: dict[bytes, str] = {}
"""The stream's name by the frame's bytes before its data."""


def split_combined(frame: bytes) -> tuple[str, bytes]:
    """Return the stream's name and the bytes of its data; ``("", frame)`` for a frame that is no stream's.

    A frame of the usual shape is cut without being parsed: its head was seen before, and the first "}" begins the tail
    of closing brackets, so that no other field follows the data. Any other shape (spaces, order, arrays) is parsed.

    Raises ``DecodeError`` for what is no JSON object.
    """
    start = frame.find(b"{", 1)
    name = _names.get(frame[:start])
    if name is not None and frame[frame.find(b"}", start) :] in _TAILS:
        return name, frame[start:-1]
    return _split_parsed(frame)


_TAILS = (b"}}", b"}}}")


class _Envelope(msgspec.Struct):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


_envelope = msgspec.json.Decoder(_Envelope).decode


def _split_parsed(frame: bytes) -> tuple[str, bytes]:
    try:
        envelope = _envelope(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        raise DecodeError(f"no frame of a stream: {exc}", payload=frame) from None
    data = bytes(envelope.data)
    if not envelope.stream or not data:
        return "", frame
    head = _HEAD.match(frame)
    if head and head[1] == envelope.stream.encode():
        if len(_names) >= _MOST_HEADS:
            _names.clear()
        _names[head[0]] = envelope.stream
    return envelope.stream, data


def decoder_for(stream_name: str) -> Decoder:
    """Return what decodes the ``data`` of this stream; to be asked once per stream, for it learns.

    The decoder raises ``DecodeError``: no JSON, or ``path`` names the field that does not fit. It returns an
    ``UnknownEvent`` for a stream, or an event in a stream, that this version does not know, and a tuple of events for
    a stream of all symbols.
    """
    kind = kind_of(stream_name)
    if kind is None:
        return lambda raw: event_of(stream_name, None, jsontext.decode(raw))
    return _learning_many(stream_name, kind) if kind.many else _learning(stream_name, kind)


# ----------------------------------------------------------------------------------------------------- the hot path
#
# msgspec makes Decimals straight from the bytes, faster than anything else can, but it takes "NaN", " 1 " and "1_0" for
# numbers, and it skips fields that it was not told of. Both are caught by one look at the *skeleton* of a message: what
# is left when its digits are deleted. The messages of one stream have a handful of skeletons. The first of each kind is
# read with every check; when reading it quickly gives the very same event, its skeleton is remembered, and whatever has
# that skeleton has the same keys, the same words and nothing but digits where its numbers are.
#
# A message with an unknown field is remembered in the same way, with a reader that knows the field. So nothing is
# checked twice, nothing raises twice, and a field that the exchange adds tomorrow costs as much as those of today.
#
# The levels of a book are most of a message. One pattern proves the form of each of them and leaves "[]" in the
# skeleton; they stay the bytes they are until somebody looks. 160 texts, in 82 containers, would cost as much again as
# all the rest, and more when many messages wait.

_DIGITS = b"0123456789"
_NUMBER = rb"[0-9]{1,%d}+\.[0-9]{1,%d}+" % (MAX_LENGTH // 2 - 1, MAX_LENGTH // 2 - 1)
_LEVEL = rb'\["%b","%b"\]' % (_NUMBER, _NUMBER)
_LEVELS = re.compile(rb"\[%b(?:,%b)*+\]" % (_LEVEL, _LEVEL))
_MOST_SKELETONS = 64
_MOST_SKELETONS_OF_ALL = 16_384
"""Of a stream of all symbols: some 3,500 symbols, each with its name and with the signs of what rose and fell."""
_MOST_READERS = 1024
_MORE_DIGITS = 32

_rows = msgspec.json.Decoder(list[tuple[str, str]]).decode


def _learning(stream: str, kind: Kind, most: int = _MOST_SKELETONS) -> Decoder:
    known: dict[bytes, Decoder] = {}
    has_levels = any(field.type is Levels for field in own_fields(kind.model))
    longest = sys.maxsize if has_levels else 0

    def decode(raw: bytes) -> StreamEvent:
        skeleton = (_LEVELS.sub(b"[]", raw) if has_levels else raw).translate(None, _DIGITS)
        read = known.get(skeleton)
        if read is not None and len(raw) <= longest:
            try:
                return read(raw)
            except msgspec.MsgspecError:
                pass  # the careful way says what is wrong
        return careful(raw, skeleton)

    def careful(raw: bytes, skeleton: bytes) -> StreamEvent:
        nonlocal longest
        value = jsontext.decode(raw)
        event = event_of(stream, kind, value)
        if isinstance(event, kind.model) and _may_learn(raw, skeleton, has_levels) and unstructure(event) == value:
            reader = _reader(event, kind)
            if _reads(reader, raw, event):
                if len(known) >= most:
                    known.clear()
                known[skeleton] = reader
                longest = max(longest, len(raw) + _MORE_DIGITS)
        return event

    return decode


_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _learning_many(stream: str, kind: Kind) -> Decoder:
    """Return what decodes arrays: object by object, for no two arrays tell of the same symbols."""
    one = _learning(stream, attrs.evolve(kind, many=False), _MOST_SKELETONS_OF_ALL)

    def decode(raw: bytes) -> StreamEvent:
        try:
            events: Any = tuple([one(bytes(part)) for part in _parts(raw)])
        except (msgspec.MsgspecError, RecursionError, DecodeError):
            pass  # the careful way says what is wrong, and where in the array
        else:
            if {*map(type, events)} <= {kind.model}:
                return events  # type: ignore[no-any-return]
        return event_of(stream, kind, jsontext.decode(raw))

    return decode


def _may_learn(raw: bytes, skeleton: bytes, has_levels: bool) -> bool:
    """Whether the skeleton settles the form of every number.

    Not with an escape, whose digits are no digits. Nor with levels that are not all of the usual form, for those are
    not looked at again. A sign elsewhere is fine: no number is made of a text with its sign in another place.
    """
    return b"\\" not in raw and not (has_levels and b"[" in skeleton.replace(b"[]", b""))


def _reads(reader: Decoder, raw: bytes, event: StreamEvent) -> bool:
    """Whether the quick way gives the very event that the careful way gave."""
    try:
        return reader(raw) == event
    except msgspec.MsgspecError:
        return False


_readers: dict[tuple[Kind, tuple[tuple[str, ...], ...]], Decoder] = {}
"""What reads messages of a shape, for all streams of a kind: it takes half a millisecond to make."""


def _reader(event: Model, kind: Kind) -> Decoder:
    """Return what reads messages of the shape of this one: the keys of ``event`` and of its ``extra``, no more."""
    shape = (kind, tuple(_unknown(event)))
    reader = _readers.get(shape)
    if reader is None:
        if len(_readers) >= _MOST_READERS:
            _readers.clear()
        reader = _readers[shape] = _make_reader(event, kind)
    return reader


def _unknown(model: Model) -> Iterator[tuple[str, ...]]:
    """Return the names of the unknown fields, of the model and of those inside it."""
    yield tuple(model.extra)
    for field in own_fields(type(model)):
        inner = getattr(model, field.name)
        if isinstance(inner, Model):
            yield from _unknown(inner)


def _make_reader(event: Model, kind: Kind) -> Decoder:
    scope: dict[str, object] = {"Levels": Levels, "Extra": Extra, "rows": _rows}
    wire, values, extra = _plan(event, "o", kind, scope)
    scope["parse"] = msgspec.json.Decoder(wire, float_hook=parse_number).decode
    body = ["o = parse(raw)", *assemble(type(event), "x", values, scope, extra), "return x"]
    return compile_function(f"read_{type(event).__name__}", "raw", body, scope)


def _plan(
    model: Model, source: str, kind: Kind | None, scope: dict[str, object]
) -> tuple[type[msgspec.Struct], dict[str, list[str]], str]:
    """Return the wire's struct for a model, what moves its fields into the model, and what makes its ``extra``.

    ``kind`` is that of the whole message, ``None`` for a model inside another.
    """
    cls = type(model)
    names = dict(NAMES[cls])
    types: dict[str, Any] = {}
    values: dict[str, list[str]] = {}
    for field in own_fields(cls):
        if names[field.name].startswith("@"):
            scope[f"given_{field.name}"] = getattr(model, field.name)
            values[field.name] = [f"{{}} = given_{field.name}"]
            del names[field.name]
        else:
            types[field.name], values[field.name] = _move(field, getattr(model, field.name), source, scope)
    if kind is not None and kind.word is not None:
        # A word may hold digits ("24hrTicker"), which the skeleton does not show.
        names["tag"], types["tag"] = "e", Literal[kind.word]
    unknown = {f"extra_{place}": name for place, name in enumerate(model.extra)}
    names |= unknown
    types |= dict.fromkeys(unknown, Any)
    wire = msgspec.defstruct(f"{cls.__name__}Wire", list(types.items()), rename=names, gc=False)
    pairs = ", ".join(f"{name!r}: {source}.{place}" for place, name in unknown.items())
    return wire, values, f"Extra({{{pairs}}})" if unknown else "NO_EXTRA"


def _move(field: attrs.Attribute[Any], value: object, source: str, scope: dict[str, object]) -> tuple[Any, list[str]]:
    """Return the type of a field on the wire, and the statements that move it into the model."""
    there = f"{source}.{field.name}"
    if isinstance(value, Model):
        wire, values, extra = _plan(value, field.name, None, scope)
        inner = assemble(type(value), f"new_{field.name}", values, scope, extra)
        return wire, [f"{field.name} = {there}", *inner, f"{{}} = new_{field.name}"]
    if isinstance(value, Levels):
        return msgspec.Raw, [f"{{}} = Levels({there}, rows)"]
    if isinstance(value, OpenEnum):
        scope[f"members_{field.name}"] = Members(type(value))
        return str, [f"{{}} = members_{field.name}[{there}]"]
    return field.type, [f"{{}} = {there}"]
