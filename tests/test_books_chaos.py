"""Kept books against the exchange's own, at the same update id, whatever happens to the line."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests._client.world import EPOCH_MS, open_world
from tests.chaos.books import Score, compare, witnesses
from tests.chaos.trouble import is_bearable
from trio_binance.models import BookState
from trio_binance.sandbox.faults import (
    Answer,
    Bend,
    BlackHole,
    CloseSockets,
    Fault,
    FaultSchedule,
    LoseEvents,
    OnRequest,
    Reset,
    ServerShutdown,
    Timed,
    random_schedule,
)
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.symbols import SYMBOLS

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long


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


@pytest.mark.parametrize("seed", range(3))
async def test_books_are_never_wrong_in_a_storm(seed: int, autojump_clock: MockClock) -> None:
    rng = random.Random(seed)
    storm = [fault for fault in random_schedule(rng, seconds=400.0, count=12).faults if is_bearable(fault)]
    storm += [Timed(rng.uniform(0, 300), LoseEvents(rng.randrange(3, 30), 20.0)) for _ in range(2)]
    await live_through(storm, seconds=500.0, depth=rng.choice((100, 1000)), activity=2.0, seed=seed)
