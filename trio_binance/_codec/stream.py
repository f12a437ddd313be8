"""Market streams: a frame to its stream's name and its event, letters to words by table, at the speed of the line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import attrs
import msgspec

from trio_binance._pure.decimals import MAX_LENGTH, parse_number
from trio_binance.errors import DecodeError
from trio_binance.models import (
    AggTradeEvent,
    AvgPriceEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    Extra,
    KlineEvent,
    Levels,
    MiniTickerEvent,
    Model,
    OpenEnum,
    PartialDepthEvent,
    ServerShutdownEvent,
    StreamEvent,
    TickerEvent,
    TradeEvent,
    UnknownEvent,
)

from . import jsontext
from .assembly import assemble, compile_function
from .converter import Dialect, Members, own_fields
from .jsontext import Json
from .letters import NAMES, TAGS

Event: TypeAlias = StreamEvent | tuple[MiniTickerEvent, ...]
"""What a frame of a stream holds: an event, or all symbols' at once."""

Decoder: TypeAlias = Callable[[bytes], Event]

_DIALECT = Dialect(lambda cls, name: NAMES[cls][name], lambda cls: TAGS.get(cls))

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


_KINDS: tuple[tuple[re.Pattern[str], type[Model]], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"trade", TradeEvent),
        (r"aggTrade", AggTradeEvent),
        (r"bookTicker", BookTickerEvent),
        (r"depth(@[0-9]+ms)?", DepthUpdateEvent),
        (r"depth[0-9]+(@[0-9]+ms)?", PartialDepthEvent),
        (r"kline_[0-9a-zA-Z]+(@.+)?", KlineEvent),
        (r"miniTicker", MiniTickerEvent),
        (r"ticker", TickerEvent),
        (r"avgPrice", AvgPriceEvent),
    )
)


def decoder_for(stream_name: str) -> Decoder:
    """Return what decodes the ``data`` of this stream; to be asked once per stream, for it learns.

    The decoder raises ``DecodeError``: no JSON, or ``path`` names the field that does not fit. It returns an
    ``UnknownEvent`` for a stream, or an event in a stream, that this version does not know, and a tuple of events for
    ``!miniTicker@arr``.
    """
    if stream_name == "!miniTicker@arr":
        return _decode_all
    symbol, _, kind = stream_name.partition("@")
    for pattern, cls in _KINDS:
        if pattern.fullmatch(kind):
            # "Partial Book Depth Streams" alone do not say in the payload whose book it is
            given = {"symbol": symbol.upper()} if cls is PartialDepthEvent else {}
            return _learning(stream_name, cls, given)
    return lambda raw: _plain_event(stream_name, jsontext.decode(raw), None, {})


def _decode_all(raw: bytes) -> tuple[MiniTickerEvent, ...]:
    events: tuple[MiniTickerEvent, ...] = _DIALECT.structure(jsontext.decode(raw), tuple[MiniTickerEvent, ...])
    return events


def _plain_event(stream: str, value: Json, cls: type[Model] | None, given: Mapping[str, Json]) -> Any:
    """Return the event of a parsed payload, with every check and every unknown field."""
    word = value.get("e") if isinstance(value, dict) else None
    if word == "serverShutdown":
        cls = ServerShutdownEvent
    if cls is None or not isinstance(value, dict) or TAGS.get(cls, ("e", word))[1] != word:
        return UnknownEvent(stream, word if isinstance(word, str) else None, value)
    return _DIALECT.structure({**given, **value}, cls)


def unstructure(event: Event) -> Any:
    """Return what the exchange writes for ``event``, the exact inverse of its stream's decoder."""
    if isinstance(event, UnknownEvent):
        return event.payload
    written = _DIALECT.unstructure(event)
    if isinstance(event, PartialDepthEvent):
        del written["symbol"]
    return written


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

_DIGITS = b"0123456789"
_ONE_LEVEL = b'[".","."],'
_MOST_SKELETONS = 64
_MORE_DIGITS = 32

_Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=2, max_length=MAX_LENGTH)]
_WIRE_LEVELS = list[tuple[_Text, _Text]]


def _learning(stream: str, cls: type[Model], given: Mapping[str, Json]) -> Decoder:
    known: dict[bytes, Decoder] = {}
    has_levels = any(field.type is Levels for field in own_fields(cls))
    longest = sys.maxsize if has_levels else 0

    def decode(raw: bytes) -> Event:
        skeleton = raw.translate(None, _DIGITS)
        if has_levels:
            skeleton = skeleton.replace(_ONE_LEVEL, b"")
        read = known.get(skeleton)
        if read is not None and len(raw) <= longest:
            try:
                return read(raw)
            except msgspec.MsgspecError:
                pass  # the careful way says what is wrong
        return careful(raw, skeleton)

    def careful(raw: bytes, skeleton: bytes) -> Event:
        nonlocal longest
        value = jsontext.decode(raw)
        event: Event = _plain_event(stream, value, cls, given)
        if isinstance(event, cls) and _may_learn(raw, skeleton, has_levels) and unstructure(event) == value:
            reader = _reader(event, given)
            if _reads(reader, raw, event):
                if len(known) >= _MOST_SKELETONS:
                    known.clear()
                known[skeleton] = reader
                longest = max(longest, len(raw) + _MORE_DIGITS)
        return event

    return decode


def _may_learn(raw: bytes, skeleton: bytes, has_levels: bool) -> bool:
    """Whether the skeleton settles the form of every number.

    Not with a sign, which may stand anywhere; not with an escape, whose digits are no digits; and not where the text
    of a level has no point, for then it may have no digit either.
    """
    return b"-" not in raw and b"\\" not in raw and not (has_levels and b'""' in skeleton)


def _reads(reader: Decoder, raw: bytes, event: Event) -> bool:
    """Whether the quick way gives the very event that the careful way gave."""
    try:
        return reader(raw) == event
    except msgspec.MsgspecError:
        return False


def _reader(event: Model, given: Mapping[str, Json]) -> Decoder:
    """Return what reads messages of the shape of this one: the keys of ``event`` and of its ``extra``, no more."""
    scope: dict[str, object] = {"Levels": Levels, "Extra": Extra}
    wire, values, extra = _plan(event, "o", given, scope)
    scope["parse"] = msgspec.json.Decoder(wire, float_hook=parse_number).decode
    body = ["o = parse(raw)", *assemble(type(event), "x", values, scope, extra), "return x"]
    return compile_function(f"read_{type(event).__name__}", "raw", body, scope)


def _plan(
    model: Model, source: str, given: Mapping[str, Json], scope: dict[str, object]
) -> tuple[type[msgspec.Struct], dict[str, list[str]], str]:
    """Return the wire's struct for a model, what moves its fields into the model, and what makes its ``extra``."""
    cls = type(model)
    names = dict(NAMES[cls])
    types: dict[str, Any] = {}
    values: dict[str, list[str]] = {}
    for field in own_fields(cls):
        if field.name in given:
            scope[f"given_{field.name}"] = given[field.name]
            values[field.name] = [f"{{}} = given_{field.name}"]
            del names[field.name]
        else:
            types[field.name], values[field.name] = _move(field, getattr(model, field.name), source, scope)
    if cls in TAGS:
        # A word may hold digits ("24hrTicker"), which the skeleton does not show.
        names["tag"], types["tag"] = TAGS[cls][0], Literal[TAGS[cls][1]]
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
        wire, values, extra = _plan(value, field.name, {}, scope)
        inner = assemble(type(value), f"new_{field.name}", values, scope, extra)
        return wire, [f"{field.name} = {there}", *inner, f"{{}} = new_{field.name}"]
    if isinstance(value, Levels):
        return _WIRE_LEVELS, [f"{{}} = Levels({there})"]
    if isinstance(value, OpenEnum):
        scope[f"members_{field.name}"] = Members(type(value))
        return str, [f"{{}} = members_{field.name}[{there}]"]
    return field.type, [f"{{}} = {there}"]
