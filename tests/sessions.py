"""Recorded sessions of books: read, bent, written again, and played through the whole connector."""

from __future__ import annotations

import gzip
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import attrs
import pytest
import trio

from tests._pure.books.truth import TrueBook
from trio_binance._client.open import open_binance
from trio_binance._services.keeper import Keeper
from trio_binance.config import BinanceConfig, ReplaySpec
from trio_binance.models import BookReader, BookState, BookView, DepthUpdateEvent, Level
from trio_binance.sandbox.faults import Fault, FaultSchedule
from trio_binance.sandbox.serve import open_replay

Record: TypeAlias = dict[str, Any]
Top: TypeAlias = tuple[Level | None, Level | None]

START_NS = 1_790_000_000 * 10**9


def dump(book: BookReader) -> str:
    """Return every level that is there: bids, a line "--", asks; plain numbers without trailing zeros."""

    def side(levels: Iterable[Level]) -> list[str]:
        return [f"{price.normalize():f} {quantity.normalize():f}" for price, quantity in levels]

    return "\n".join([*side(book.bids(beyond=True)), "--", *side(book.asks(beyond=True))])


def sha256(book: BookReader) -> str:
    return hashlib.sha256(dump(book).encode()).hexdigest()


# ---------------------------------------------------------------------------------------------- recordings


def read(path: Path) -> list[Record]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def write(path: Path, records: Iterable[Record]) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def depth_event(record: Record, symbol: str) -> dict[str, Any] | None:
    """Return the event of the symbol's diff stream that a record holds, if it does."""
    if record["kind"] != "ws" or f"{symbol.lower()}@depth" not in record["raw"][:60]:
        return None
    event: dict[str, Any] = json.loads(record["raw"])["data"]
    return event


def is_snapshot(record: Record, symbol: str) -> bool:
    return record["kind"] == "http" and f"/depth?symbol={symbol}&" in record["url"]


class Reference:
    """The book of a recording by the plainest means: two dictionaries, nothing checked."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.update_id: int = answer["lastUpdateId"]
        self.bids, self.asks = ({Decimal(p): Decimal(q) for p, q in answer[side]} for side in ("bids", "asks"))

    def apply(self, event: dict[str, Any]) -> None:
        if event["u"] <= self.update_id:
            return
        self.update_id = event["u"]
        for side, rows in ((self.bids, event["b"]), (self.asks, event["a"])):
            for price, quantity in rows:
                side[Decimal(price)] = Decimal(quantity)
                if not Decimal(quantity):
                    del side[Decimal(price)]

    def answer(self) -> str:
        """Return the book as the exchange would answer, with every level there is."""
        bids = [[f"{p:f}", f"{self.bids[p]:f}"] for p in sorted(self.bids, reverse=True)]
        asks = [[f"{p:f}", f"{self.asks[p]:f}"] for p in sorted(self.asks)]
        return json.dumps({"lastUpdateId": self.update_id, "bids": bids, "asks": asks})


def references(records: Sequence[Record], symbol: str) -> Iterator[tuple[int, Record, Reference]]:
    """Return the place of each event after the snapshot, its record, and the book after it."""
    book = Reference(json.loads(next(record["raw"] for record in records if is_snapshot(record, symbol))))
    for place, record in enumerate(records):
        event = depth_event(record, symbol)
        if event is not None:
            book.apply(event)
            yield place, record, book


def snapshot_record(like: Record, symbol: str, answer: str) -> Record:
    """Return a snapshot that was received when ``like`` was."""
    moment = {key: value for key, value in like.items() if key in ("t", "t_ns")}
    url = f"https://api.binance.com/api/v3/depth?symbol={symbol}&limit=5000"
    return {**moment, "kind": "http", "method": "GET", "url": url, "raw": answer}


def own_session(events: int = 400, symbol: str = "ABCD", seed: int = 7) -> list[Record]:
    """Return a session of our own: a snapshot and a stream of ten events a second, and book tickers."""
    rng = Random(seed)
    cent = Decimal("0.01")
    bids, asks = ({100 + sign * cent * step: Decimal(step) for step in range(1, 60)} for sign in (-1, 1))
    truth = TrueBook(bids, asks, decimals=8)
    records: list[Record] = []
    ticker: Record | None = None

    def add(kind: str, **fields: Any) -> None:
        records.append({"t_ns": START_NS + truth.time * 10**6, "kind": kind, **fields})

    while len(records) < 2 * events:
        for _ in range(rng.randint(1, 8)):
            quantity = Decimal(rng.choice([0, 0, 1, 2, 3])) / rng.choice([1, 4, 8])
            truth.change(rng.random() < 0.5, 100 + cent * rng.randint(-40, 40), quantity)
        told = truth.tell()
        if told is None:
            continue
        body = {"e": "depthUpdate", "E": told.event_time, "s": symbol, "U": told.first_update_id}
        body |= {"u": told.last_update_id, "b": told.bids.to_wire(), "a": told.asks.to_wire()}
        ticker = _ticker(truth, symbol)
        if ticker is not None:
            add("ws", raw=_combined(f"{symbol.lower()}@bookTicker", ticker))
        add("ws", raw=_combined(f"{symbol.lower()}@depth@100ms", body))
        if len(records) in (5, 6):
            book = Reference({"lastUpdateId": 0, "bids": [], "asks": []})
            book.update_id, (book.bids, book.asks) = truth.update_id, truth.history[truth.update_id]
            records.append(snapshot_record(records[-1], symbol, book.answer()))
    return records


def _ticker(truth: TrueBook, symbol: str) -> Record | None:
    if not truth.bids or not truth.asks:
        return None
    bid, ask = max(truth.bids), min(truth.asks)
    prices = {"b": f"{bid:.8f}", "B": f"{truth.bids[bid]:.8f}", "a": f"{ask:.8f}", "A": f"{truth.asks[ask]:.8f}"}
    return {"u": truth.update_id, "s": symbol, **prices}


def _combined(stream: str, data: Record) -> str:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":"))


# --------------------------------------------------------------------------------------------------- playing


@attrs.define
class Played:
    """How a book ended, and what it showed at each of its update ids."""

    view: BookView
    statistics: Any
    tops: dict[int, Top]
    states: list[tuple[int, BookState]]


async def play(
    path: Path, *symbols: str, faults: Sequence[Fault] = (), speed: float | None = None, grace: float = 2.5
) -> dict[str, Played]:
    """Keep the books of a recording, over sockets, until it is over.

    With the usual grace each book has asked for its snapshot before the first event is played.
    """
    seen: dict[str, list[tuple[int, BookState, Top]]] = {symbol: [] for symbol in symbols}

    def spy(keeper: Keeper, batch: Sequence[DepthUpdateEvent], deliver: Callable[..., int]) -> int:
        for event in batch:
            deliver(keeper, [event])
            book = keeper.sync.book
            if book is not None:
                top = book.bids.best_level, book.asks.best_level
                seen[keeper.symbol].append((book.update_id, keeper.sync.state, top))
        return 0

    deliver = Keeper.deliver
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Keeper, "deliver", lambda keeper, batch: spy(keeper, batch, deliver))
        schedule = FaultSchedule(tuple(faults))
        async with open_replay(ReplaySpec(path, speed=speed), grace=grace, faults=schedule) as replay:
            async with open_binance(BinanceConfig.replay(path, speed=speed), dialer=replay.dialer) as bx:
                async with bx.books.open_many(*symbols) as books:
                    with trio.fail_after(3600):
                        for book in books.values():
                            await book.wait_state(BookState.CLOSED)
                    return {symbol: _played(book, seen[symbol]) for symbol, book in books.items()}


def _played(book: Any, seen: list[tuple[int, BookState, Top]]) -> Played:
    tops = {update_id: top for update_id, state, top in seen if state is BookState.LIVE}
    states = [(update_id, state) for update_id, state, _ in seen]
    return Played(book.snapshot(), book.statistics().sync, tops, states)


def unlike_tickers(records: Iterable[Record], symbol: str, tops: dict[int, Top]) -> tuple[int, list[int]]:
    """Compare each top of the book with the latest book ticker at or before it: how many, and those that differ."""
    tickers: dict[int, Top] = {}
    for record in records:
        if record["kind"] == "ws" and f"{symbol.lower()}@bookTicker" in record["raw"][:60]:
            data = json.loads(record["raw"])["data"]
            bid, ask = (Level(Decimal(data[p]), Decimal(data[q])) for p, q in (("b", "B"), ("a", "A")))
            tickers[data["u"]] = bid, ask
    ids = sorted(tickers)
    compared = {update_id: bisect_right(ids, update_id) for update_id in tops}
    pairs = {update_id: tickers[ids[place - 1]] for update_id, place in compared.items() if place}
    return len(pairs), [update_id for update_id, ticker in pairs.items() if tops[update_id] != ticker]
