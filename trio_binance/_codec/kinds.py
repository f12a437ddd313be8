"""The kinds: what a stream's name says of its messages; a parsed message to its event, with every check, and back."""

from __future__ import annotations

import re
from typing import Any

import attrs

from trio_binance.models import (
    AggTradeEvent,
    AvgPriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    MiniTickerEvent,
    Model,
    PartialDepthEvent,
    ReferencePriceEvent,
    RollingTickerEvent,
    ServerShutdownEvent,
    StreamEvent,
    TickerEvent,
    TradeEvent,
    UnknownEvent,
)

from .converter import Dialect
from .jsontext import Json
from .letters import NAMES, WORDS

DIALECT = Dialect(lambda cls, name: NAMES[cls][name], lambda _: None)
"""How market streams write; the word under "e" is no field of a model, but what tells its kind."""


@attrs.frozen
class Kind:
    """What the messages of a stream are."""

    model: type[Model]
    word: str | None
    """What stands under "e"; ``None``: nothing does."""
    given: tuple[tuple[str, str], ...] = ()
    """Fields that no message holds, and their values: the stream's name tells them."""
    many: bool = False
    """A message is an array of them."""


_GIVEN = frozenset(name for names in NAMES.values() for name in names.values() if name.startswith("@"))
_SHUTDOWN = Kind(ServerShutdownEvent, "serverShutdown")

_ALL_SYMBOLS = re.compile(r"!(miniTicker|ticker_[^@]+)@arr")
_ROLLING = re.compile(r"ticker_([0-9]+[a-zA-Z]+)")
_MODELS: tuple[tuple[re.Pattern[str], type[Model]], ...] = tuple(
    (re.compile(pattern), model)
    for pattern, model in (
        (r"referencePrice", ReferencePriceEvent),
        (r"aggTrade", AggTradeEvent),
        (r"trade", TradeEvent),
        (r"blockTrade", BlockTradeEvent),
        # "Kline/Candlestick Streams for UTC", "... with timezone offset": only @+08:00 is documented
        (r"kline_[0-9a-zA-Z]+(@.+)?", KlineEvent),
        (r"miniTicker", MiniTickerEvent),
        (r"ticker", TickerEvent),
        (r"bookTicker", BookTickerEvent),
        (r"avgPrice", AvgPriceEvent),
        (r"depth[0-9]+(@[0-9]+ms)?", PartialDepthEvent),
        (r"depth(@[0-9]+ms)?", DepthUpdateEvent),
    )
)


def kind_of(stream: str) -> Kind | None:
    """Return what the messages of this stream are, ``None`` for one that this version does not know."""
    everybody = _ALL_SYMBOLS.fullmatch(stream)
    symbol, _, name = stream.partition("@")
    if everybody:
        name = everybody[1]
    if rolling := _ROLLING.fullmatch(name):
        # "Event type": <window>Ticker; a window that comes tomorrow is written in the same way.
        window = rolling[1]
        return Kind(RollingTickerEvent, f"{window}Ticker", (("window", window),), many=bool(everybody))
    for pattern, model in _MODELS:
        if pattern.fullmatch(name):
            # "Partial Book Depth Streams" alone do not say in the payload whose book it is.
            given = (("symbol", symbol.upper()),) if model is PartialDepthEvent else ()
            return Kind(model, WORDS.get(model), given, many=bool(everybody))
    return None


def event_of(stream: str, kind: Kind | None, value: Json) -> StreamEvent:
    """Return the event of a parsed message, with every check and every unknown field.

    One that is not of the stream's kind is kept as it is; "serverShutdown" is heard in any stream.

    Raises:
        DecodeError: it is of the kind, and ``path`` names the field that does not fit.
    """
    word = value.get("e") if isinstance(value, dict) else None
    if word == _SHUTDOWN.word:
        kind = _SHUTDOWN
    rows = value if isinstance(value, list) else [value]
    if kind is None or kind.many is not isinstance(value, list) or not all(_is_of(kind, row) for row in rows):
        return UnknownEvent(stream, word if isinstance(word, str) else None, value)
    told = [_told(kind, row) for row in rows]
    event: StreamEvent = DIALECT.structure(
        told if kind.many else told[0],
        tuple[kind.model, ...] if kind.many else kind.model,  # type: ignore[name-defined]
    )
    return event


def _is_of(kind: Kind, value: Json) -> bool:
    return isinstance(value, dict) and (kind.word is None or value.get("e") == kind.word)


def _told(kind: Kind, value: Any) -> Json:
    """Return what an object and the name of its stream tell, without the word that has been looked at."""
    fields = {name: item for name, item in value.items() if name != "e" or kind.word is None}
    return fields | {NAMES[kind.model][field]: item for field, item in kind.given}


def unstructure(event: StreamEvent) -> Any:
    """Return what the exchange writes for ``event``, the exact inverse of its stream's decoder."""
    if isinstance(event, UnknownEvent):
        return event.payload
    if isinstance(event, tuple):
        return [unstructure(one) for one in event]
    word = f"{event.window}Ticker" if isinstance(event, RollingTickerEvent) else WORDS.get(type(event))
    fields = {name: item for name, item in DIALECT.unstructure(event).items() if name not in _GIVEN}
    return fields if word is None else {"e": word, **fields}
