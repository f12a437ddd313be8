"""Decoding: our bytes -> frozen events, beside json.loads + default cattrs and the limit that msgspec.Struct sets.

Run ``python benchmarks/bench_decode.py``. Every round runs every way once over fresh messages, so that the machine's
moods hit all alike; the figures are medians, and every ratio is the median of the ratios within a round.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import cattrs
import msgspec
from messages import agg_trade, book_ticker, depth20, kline, mini_ticker, rolling_ticker

from trio_binance._codec.stream import decoder_for

MESSAGES = 2000
ROUNDS = 15


@attrs.frozen
class PlainAgg:
    e: str
    E: int
    s: str
    a: int
    p: Decimal
    q: Decimal
    f: int
    l: int  # noqa: E741 - the exchange's letter
    T: int
    m: bool
    M: bool


@attrs.frozen
class PlainBook:
    u: int
    s: str
    b: Decimal
    B: Decimal
    a: Decimal
    A: Decimal


@attrs.frozen
class PlainCandle:
    t: int
    T: int
    s: str
    i: str
    f: int
    L: int
    o: Decimal
    c: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the exchange's letter
    v: Decimal
    n: int
    x: bool
    q: Decimal
    V: Decimal
    Q: Decimal
    B: str


@attrs.frozen
class PlainKline:
    e: str
    E: int
    s: str
    k: PlainCandle


@attrs.frozen
class PlainMini:
    e: str
    E: int
    s: str
    c: Decimal
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the exchange's letter
    v: Decimal
    q: Decimal


@attrs.frozen
class PlainRolling:
    e: str
    E: int
    s: str
    p: Decimal
    P: Decimal
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the exchange's letter
    c: Decimal
    w: Decimal
    v: Decimal
    q: Decimal
    O: int  # noqa: E741 - the exchange's letter
    C: int
    F: int
    L: int
    n: int


@attrs.frozen
class PlainDepth:
    lastUpdateId: int
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


def _struct(cls: type[Any]) -> type[msgspec.Struct]:
    """Return the Struct with the fields of ``cls``: what the fastest decoder there is makes of the same message."""
    fields = [(field.name, _struct_type(field.type)) for field in attrs.fields(attrs.resolve_types(cls))]
    return msgspec.defstruct(cls.__name__, fields, gc=False)


def _struct_type(kind: Any) -> Any:
    return _struct(kind) if attrs.has(kind) else kind


def ways(stream: str, plain: type[Any], symbols: int | None) -> dict[str, Callable[[bytes], object]]:
    converter = cattrs.Converter()
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    decode = decoder_for(stream)
    told: Any = list[plain] if symbols else plain  # type: ignore[valid-type]
    struct: Any = list[_struct(plain)] if symbols else _struct(plain)  # type: ignore[misc]
    found: dict[str, Callable[[bytes], object]] = {
        "ours": decode,
        "json + cattrs": lambda raw: converter.structure(json.loads(raw), told),
        "msgspec.Struct": msgspec.json.Decoder(struct).decode,
    }
    if plain is PlainDepth:
        found["ours, levels touched"] = lambda raw: _touch(decode(raw))
        found["ours, levels as pairs"] = lambda raw: _pairs(decode(raw))
    return found


def _touch(event: Any) -> None:
    for _ in event.bids:
        pass
    for _ in event.asks:
        pass


def _pairs(event: Any) -> None:
    event.bids.pairs()
    event.asks.pairs()


def measure(
    stream: str,
    plain: type[Any],
    make: Callable[[random.Random, int], dict[str, object]],
    *,
    symbols: int | None = None,
) -> None:
    """Print what one event costs; with ``symbols``, one of so many that come in an array."""
    rng = random.Random(7)
    times: dict[str, list[float]] = {}
    rows = ways(stream, plain, symbols)
    for _ in range(ROUNDS):
        bodies = [make(rng, number) for number in range(MESSAGES)]
        arrays = [bodies[start : start + symbols] for start in range(0, MESSAGES, symbols)] if symbols else bodies
        raws = [json.dumps(body, separators=(",", ":")).encode() for body in arrays]
        for name, decode in rows.items():
            start = time.process_time()
            for raw in raws:
                decode(raw)
            times.setdefault(name, []).append((time.process_time() - start) / MESSAGES * 1e6)
    for name, taken in times.items():
        ratios = [
            statistics.median(other / own for other, own in zip(times[base], taken, strict=True))
            for base in ("json + cattrs", "msgspec.Struct")
        ]
        line = f"{stream:24} {name:26} {statistics.median(taken):8.2f} us {ratios[0]:7.2f} x {ratios[1]:7.2f} x"
        sys.stdout.write(f"{line}\n")


def main() -> None:
    sys.stdout.write(f"{'stream':24} {'way':26} {'median':>11} {'json+cattrs':>9} {'Struct':>7}\n")
    measure("btcusdt@aggTrade", PlainAgg, agg_trade)
    measure("btcusdt@bookTicker", PlainBook, book_ticker)
    measure("btcusdt@kline_1m", PlainKline, kline)
    measure("btcusdt@ticker_1h", PlainRolling, rolling_ticker)
    measure("!miniTicker@arr", PlainMini, mini_ticker, symbols=500)
    measure("btcusdt@depth20@100ms", PlainDepth, depth20)


if __name__ == "__main__":
    main()
