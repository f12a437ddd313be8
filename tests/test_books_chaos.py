"""Kept books against the exchange's own, at the same update id, whatever happens to the line."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests._client.world import EPOCH_MS, World, open_world
from trio_binance._services.keptbook import KeptBook
from trio_binance.models import BookState
from trio_binance.sandbox.book import Book as TrueBook
from trio_binance.sandbox.faults import (
    Answer,
    Bend,
    BlackHole,
    CloseSockets,
    Fault,
    FaultSchedule,
    LoseEvents,
    OnHandshake,
    OnRequest,
    Reset,
    ServerShutdown,
    Timed,
    random_schedule,
)
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.numbers import to_decimal
from trio_binance.sandbox.symbols import SYMBOLS

Side = dict[Decimal, Decimal]


@attrs.define(eq=False)
class Tape:
    """Hears of every price that changes on one side of the exchange's book, as its own streams do."""

    witness: Witness
    bid: bool

    def add(self, price: int) -> None:
        self.witness.note(self.bid, price)


class Witness:
    """The whole history of one of the exchange's books: what it was at any update id."""

    def __init__(self, book: TrueBook) -> None:
        self._book = book
        self._id = book.update_id
        bids, asks = book.levels(10**6)
        self._bids, self._asks = ({to_decimal(p): to_decimal(q) for p, q in side} for side in (bids, asks))
        self._changes: deque[tuple[int, bool, Decimal, Decimal]] = deque()
        self.bids, self.asks = Tape(self, True), Tape(self, False)
        watchers: list[Any] = book.watchers
        watchers.append(self)

    @property
    def last(self) -> int:
        """The exchange's update id now."""
        return self._book.update_id

    def note(self, bid: bool, price: int) -> None:
        quantity = self._book.total_at(bid=bid, price=price)
        self._changes.append((self._book.update_id, bid, to_decimal(price), to_decimal(quantity)))

    def at(self, update_id: int) -> tuple[Side, Side]:
        """Return the book at an id; ids asked for never fall."""
        assert self._id <= update_id <= self.last
        self._id = update_id
        while self._changes and self._changes[0][0] <= update_id:
            _, bid, price, quantity = self._changes.popleft()
            side = self._bids if bid else self._asks
            side[price] = quantity
            if not quantity:
                del side[price]
        return self._bids, self._asks


@attrs.define
class Score:
    """What was compared."""

    reads: int = 0
    live: int = 0
    stale: int = 0


def compare(book: KeptBook, witness: Witness, score: Score) -> None:
    """Hold a book to the exchange's at the same id, whatever it says of itself."""
    score.reads += 1
    if not book.update_id:
        assert book.state is BookState.SYNCING
        return
    score.live += book.state is BookState.LIVE
    score.stale += book.state is BookState.STALE
    bids, asks = witness.at(book.update_id)
    kept_bids, kept_asks = book.bids(), book.asks()
    assert kept_bids == tuple(sorted(bids.items(), reverse=True)[: len(kept_bids)])
    assert kept_asks == tuple(sorted(asks.items())[: len(kept_asks)])
    assert dict(book.bids(beyond=True)).items() <= bids.items()
    assert dict(book.asks(beyond=True)).items() <= asks.items()
    if book.bid_horizon is None:
        assert len(kept_bids) == len(bids)
    if kept_bids and kept_asks:
        assert kept_bids[0].price < kept_asks[0].price


def witnesses(world: World, symbols: Sequence[str]) -> dict[str, Witness]:
    return {symbol: Witness(world.sandbox.market._venues[symbol].book) for symbol in symbols}


async def live_through(
    faults: Sequence[Fault], *, seconds: float, depth: int, activity: float, symbols: int = 2, seed: int = 7
) -> dict[str, Score]:
    """Keep books while everything of a schedule happens, compare at every change, and let it all become well again."""
    market = Market(seed, EPOCH_MS * 1000, activity, SYMBOLS[:symbols])
    names = [symbol.name for symbol in SYMBOLS[:symbols]]
    scores = {name: Score() for name in names}
    async with open_world(market=market, faults=FaultSchedule(tuple(faults)), ready=False) as world:
        truth = witnesses(world, names)
        async with world.bx.books.open_many(*names, depth=depth) as books:

            async def watch() -> None:
                async for book in books.changes():
                    compare(book, truth[book.symbol], scores[book.symbol])

            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                await trio.sleep(seconds)
                with trio.fail_after(7200):
                    await books.wait_live()
                    for book in books.values():
                        while book.update_id != truth[book.symbol].last or book.state is not BookState.LIVE:
                            await book.changed()
                for book in books.values():
                    compare(book, truth[book.symbol], scores[book.symbol])
                nursery.cancel_scope.cancel()
    assert all(score.live for score in scores.values())
    return scores


def is_bearable(fault: Fault) -> bool:
    """Leave out what sends us away for days: then there is nothing to keep a book by."""
    answer = fault.bend.answer if isinstance(fault, OnRequest | OnHandshake) else None
    return answer is None or dict(answer.headers).get("retry-after", "0") in ("0", "1", "3", "-5", "60", "soon", "5")


@pytest.mark.parametrize("depth", [100, 1000])
async def test_a_book_is_right_at_every_update_of_a_quiet_line(depth: int, autojump_clock: MockClock) -> None:
    scores = await live_through([], seconds=60.0, depth=depth, activity=20.0)
    assert all(score.live > 300 and not score.stale for score in scores.values())


async def test_lost_events_make_books_stale_and_never_wrong(autojump_clock: MockClock) -> None:
    scores = await live_through([Timed(5.0, LoseEvents(7, 60.0))], seconds=90.0, depth=1000, activity=10.0)
    assert all(score.stale for score in scores.values())


@pytest.mark.parametrize(
    "deed", [Reset(), BlackHole(seconds=20.0), BlackHole("in"), CloseSockets(), CloseSockets(None), ServerShutdown(3.0)]
)
async def test_books_are_never_wrong_when_a_line_is_cut(deed: Any, autojump_clock: MockClock) -> None:
    await live_through([Timed(10.0, deed), Timed(130.0, deed)], seconds=180.0, depth=100, activity=3.0)


async def test_a_replica_that_lags_never_takes_a_book_back(autojump_clock: MockClock) -> None:
    old = Answer(200, b'{"lastUpdateId":3,"bids":[["1.00","1"]],"asks":[["99999.00","1"]]}')
    stale = [OnRequest(number, Bend.say(old), "/api/v3/depth") for number in range(1, 9)]
    cuts = [Timed(20.0, CloseSockets()), Timed(40.0, CloseSockets())]
    await live_through([*stale, *cuts], seconds=60.0, depth=100, activity=10.0)


@pytest.mark.parametrize("seed", range(6))
async def test_books_are_never_wrong_in_a_storm(seed: int, autojump_clock: MockClock) -> None:
    rng = random.Random(seed)
    storm = [fault for fault in random_schedule(rng, seconds=400.0, count=12).faults if is_bearable(fault)]
    storm += [Timed(rng.uniform(0, 300), LoseEvents(rng.randrange(3, 30), 20.0)) for _ in range(2)]
    await live_through(storm, seconds=500.0, depth=rng.choice((100, 1000)), activity=2.0, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_books_are_never_wrong_for_days(seed: int, autojump_clock: MockClock) -> None:
    rng = random.Random(seed)
    day = 24 * 3600.0
    drawn = random_schedule(rng, seconds=2 * day, count=300, requests=2000).faults
    storm = [fault for fault in drawn if is_bearable(fault)]
    storm += [Timed(rng.uniform(0, 2 * day), LoseEvents(rng.randrange(3, 30), 600.0)) for _ in range(20)]
    await live_through(storm, seconds=2 * day, depth=rng.choice((100, 1000)), activity=0.02, seed=seed)
