"""One day of trouble: gapless trades, aggregate trades and candles, and kept books, all on one connector."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import attrs
import trio
import trio.testing

from tests._client.world import EPOCH_MS, World, open_world
from trio_binance._services.feed import Feed
from trio_binance.config import Tuning
from trio_binance.models import Gap
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.symbols import SYMBOLS

from .books import Score, compare, witnesses
from .series import check_agg_trades, check_candles, check_trades
from .trouble import kinds_of, trouble

NAMES = tuple(symbol.name for symbol in SYMBOLS[:2])
PATIENCE = 1800.0
"""A feed that asks for so long has no gaps at all: no trouble sends us away for longer."""

CALM = 900.0
"""Seconds after the last trouble in which everything has to be well again."""


@attrs.define
class Report:
    """What a day was compared by."""

    seed: int
    faults: Counter[str]
    connects: int = 0
    live: int = 0
    recovered: int = 0
    missing: int = 0
    """Items that gaps told instead."""
    candles: int = 0
    books: Score = attrs.Factory(Score)
    seconds: float = 0.0

    def add(self, counts: dict[str, int]) -> None:
        """Take the counts of one symbol."""
        self.live += counts["live"]
        self.recovered += counts["recovered"]
        self.missing += counts["missing"]


@attrs.define
class Heard:
    """What the feeds of a day brought."""

    trades: list[Any] = attrs.Factory(list)
    aggs: list[Any] = attrs.Factory(list)
    candles: list[Any] = attrs.Factory(list)


async def listen(
    opening: AbstractAsyncContextManager[Feed[Any]], to: list[Any], rng: random.Random, pause: float = 0.0
) -> None:
    """Take what a feed brings, and now and then take a rest of up to two minutes."""
    async with opening as feed:
        async for item in feed:
            to.append(item)
            if rng.random() < pause:
                await trio.sleep(rng.uniform(0, 120))


async def live_through(world: World, heard: Heard, score: Score, seconds: float, rng: random.Random) -> None:
    """Listen to everything for a while; compare books at every change, and at the end with the exchange's of now."""
    streams = world.bx.streams
    truth = witnesses(world, NAMES)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, streams.trades(*NAMES, gapless=True, buffer=50), heard.trades, rng, 0.0005)
        nursery.start_soon(listen, streams.agg_trades(*NAMES, gapless=True), heard.aggs, rng)
        nursery.start_soon(listen, streams.klines(NAMES[0], interval="1m", gapless=True), heard.candles, rng)
        async with world.bx.books.open_many(*NAMES, depth=rng.choice((100, 1000))) as books:

            async def watch() -> None:
                async for book in books.changes():
                    compare(book, truth[book.symbol], score)

            nursery.start_soon(watch)
            await trio.sleep(seconds)
            await books.wait_live()
            for book in books.values():
                with trio.fail_after(CALM):
                    while book.update_id != truth[book.symbol].last:
                        await book.changed()
                compare(book, truth[book.symbol], score)
            nursery.cancel_scope.cancel()


async def run_day(seed: int, *, hours: float = 24.0, activity: float = 0.2) -> Report:
    """Live through a day and hold everything to the truth; an ``AssertionError`` says what was wrong."""
    started = time.perf_counter()
    rng = random.Random(f"a day:{seed}")
    schedule = trouble(rng, hours)
    report, heard = Report(seed, kinds_of(schedule.faults)), Heard()
    market = Market(seed, EPOCH_MS * 1000, activity, SYMBOLS[:2])
    market.replica_lag_us = rng.choice((0, 2_000_000, 20_000_000))
    patient = Tuning(gapless_timeout=PATIENCE)
    async with open_world(credentials=None, market=market, faults=schedule, ready=False, tuning=patient) as world:
        await live_through(world, heard, report.books, hours * 3600 + CALM, rng)
        report.connects = sum(shard.connects for shard in world.bx.statistics().streams.shards)
    for symbol in NAMES:
        tape = market.trades(symbol)
        report.add(check_trades(heard.trades, tape, symbol))
        report.add(check_agg_trades(heard.aggs, tape, symbol))
        told = [item for item in heard.trades if item.symbol == symbol]
        assert _last_id(told[-1]) > tape[-1].id - 200, "a feed fell silent"
    closed = [item for item in heard.candles if not isinstance(item, Gap)]
    report.candles = len(check_candles(closed, market.trades(NAMES[0]), 60_000))
    assert report.candles + sum(isinstance(item, Gap) for item in heard.candles) >= hours * 60
    report.seconds = time.perf_counter() - started
    return report


def _last_id(item: Any) -> int:
    last: int = item.last if isinstance(item, Gap) else item.trade_id
    return last


def run_in_no_time(seed: int, hours: float = 24.0, activity: float = 0.2) -> Report:
    """Run a day with the clock jumping from one thing that happens to the next."""
    clock = trio.testing.MockClock(autojump_threshold=0.0)
    return trio.run(partial(run_day, seed, hours=hours, activity=activity), clock=clock)
