"""Gapless series on the embedded exchange: whatever breaks, every item once and in order, or a gap that is true."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeAlias, cast

import pytest
import trio
import trio.testing

from tests._client.world import EPOCH_MS, World, open_world
from tests.chaos.series import check_candles, check_trades
from trio_binance._client.streams import Streams
from trio_binance._services.events import GapFilled, GapLeft
from trio_binance._services.feed import Feed
from trio_binance.config import Overflow, TimeUnit, Tuning
from trio_binance.errors import InvalidArgument, UnknownSymbol
from trio_binance.models import Gap, GapReason
from trio_binance.sandbox.faults import (
    Answer,
    Bend,
    BlackHole,
    CloseSockets,
    DialTrouble,
    Fault,
    FaultSchedule,
    LoseEvents,
    OnRequest,
    Reset,
    ServerShutdown,
    Slow,
    Timed,
)
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.pipe import Link

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

Opening: TypeAlias = Callable[[Streams], AbstractAsyncContextManager[Feed[Any]]]

SYMBOLS = ("BTCUSDT", "ETHUSDT")
OLD_TRADES = "/api/v3/historicalTrades"


def faults(*which: Fault) -> FaultSchedule:
    return FaultSchedule(which)


async def hear(world: World, opening: AbstractAsyncContextManager[Feed[Any]], seconds: float) -> list[Any]:
    """Return what a feed brings within some time."""
    heard: list[Any] = []
    async with opening as feed:
        with trio.move_on_after(seconds):
            async for event in feed:
                heard += [event]
    return heard


# ------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    "deed",
    [
        Reset(),
        BlackHole("both"),
        BlackHole("in"),
        BlackHole("out", 300.0),
        CloseSockets(1011),
        ServerShutdown(0.0),
        LoseEvents(7, 60.0),
        DialTrouble(DialFault.REFUSE, 60.0),
        Slow(Link(latency=1.5, fragment=700), 60.0),
    ],
)
async def test_whatever_becomes_of_a_connection_no_trade_is_missing(
    deed: Any, autojump_clock: trio.testing.MockClock
) -> None:
    deeds = [Timed(20.0, deed), *([Timed(20.0, Reset())] if isinstance(deed, DialTrouble) else [])]
    async with open_world(credentials=None, faults=faults(*deeds), activity=5.0) as world:
        heard = await hear(world, world.bx.streams.trades(*SYMBOLS, gapless=True), 240)
        for symbol in SYMBOLS:
            tape = world.sandbox.market.trades(symbol)
            counts = check_trades(heard, tape, symbol)
            assert counts["missing"] == 0
            assert counts["live"] > 100
            [last] = [item.trade_id for item in heard if item.symbol == symbol][-1:]
            assert last == tape[-1].id
        assert not [event for event in world.events if isinstance(event, GapLeft)]


async def test_aggregate_trades_are_all_there_too(autojump_clock: trio.testing.MockClock) -> None:
    trouble = faults(Timed(20.0, Reset()), Timed(40.0, LoseEvents(3, 20.0)), Timed(80.0, BlackHole()))
    async with open_world(credentials=None, faults=trouble, activity=5.0) as world:
        heard = await hear(world, world.bx.streams.agg_trades("BTCUSDT", gapless=True), 240)
        tape = {trade.id: trade for trade in world.sandbox.market.trades("BTCUSDT")}
    assert sum(item.recovered for item in heard) > 10
    for before, after in pairwise(heard):
        assert after.agg_trade_id == before.agg_trade_id + 1
        assert after.first_trade_id == before.last_trade_id + 1
    for item in heard:
        parts = [tape[number] for number in range(item.first_trade_id, item.last_trade_id + 1)]
        assert item.quantity == sum((part.quantity for part in parts), Decimal(0))
    assert heard[-1].last_trade_id == max(tape)


async def test_a_database_that_lags_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None, faults=faults(Timed(20.0, Reset())), activity=20.0) as world:
        world.sandbox.market.replica_lag_us = 15_000_000
        heard = await hear(world, world.bx.streams.trades(*SYMBOLS, gapless=True), 90)
        for symbol in SYMBOLS:
            assert check_trades(heard, world.sandbox.market.trades(symbol), symbol)["missing"] == 0
        filled = [event.at for event in world.events if isinstance(event, GapFilled)]
        assert len(filled) == 2
        assert min(filled) > 30


@pytest.mark.parametrize(
    ("answer", "reason", "after"),
    [
        (Answer.error(400, -1121, "Invalid symbol."), GapReason.REFUSED, 0.0),
        (Answer.error(503, -1008, "Server is overloaded"), GapReason.TIMEOUT, 30.0),
    ],
)
async def test_what_cannot_be_had_is_told_and_what_is_told_is_true(
    answer: Answer, reason: GapReason, after: float, autojump_clock: trio.testing.MockClock
) -> None:
    never = [OnRequest(number, Bend.say(answer), OLD_TRADES) for number in range(1, 100)]
    tuning = Tuning(gapless_timeout=30.0, breaker_failures=1000)
    async with open_world(
        credentials=None, faults=faults(Timed(20.0, Reset()), *never), activity=20.0, tuning=tuning
    ) as world:
        heard = await hear(world, world.bx.streams.trades("BTCUSDT", gapless=True), 90)
        counts = check_trades(heard, world.sandbox.market.trades("BTCUSDT"), "BTCUSDT")
        assert (counts["recovered"], counts["missing"] > 0) == (0, True)
        [gap] = [item for item in heard if isinstance(item, Gap)]
        assert gap.reason is reason
        [left] = [event for event in world.events if isinstance(event, GapLeft)]
        assert (left.stream, left.first, left.last, left.reason) == (
            "btcusdt@trade",
            gap.first,
            gap.last,
            reason.value,
        )
        assert 20 + after <= left.at < 26 + after


async def test_a_trade_that_nothing_followed_is_found_all_the_same(autojump_clock: trio.testing.MockClock) -> None:
    """It happens while the connection is down, and then the market is quiet for an hour."""
    trouble = faults(Timed(8.0, DialTrouble(DialFault.REFUSE, 10.0)), Timed(10.0, Reset()))
    async with open_world(credentials=None, faults=trouble, activity=1e-6) as world:
        async with world.bx.streams.trades("BTCUSDT", gapless=True) as feed:
            await trade_once(world)
            first: Any = await feed.receive()
            await trio.sleep_until(12)
            await trade_once(world)
            with trio.fail_after(3600):
                second: Any = await feed.receive()
            assert (second.trade_id, second.recovered) == (first.trade_id + 1, True)
            assert trio.current_time() < 60


async def trade_once(world: World) -> None:
    """Have the customer of another house buy a little."""
    sandbox = world.sandbox
    account = sandbox.market.open_account("other", {"USDT": Decimal(100_000)})
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.00100"}
    sandbox.market.call("POST /api/v3/order", order, account, sandbox.now_us())
    await trio.sleep(0.1)
    sandbox.driver.flush()


# ------------------------------------------------------------------------------------------------- slow consumers


async def test_a_consumer_that_sleeps_gets_everything_and_delays_nobody(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(credentials=None, activity=20.0) as world:
        streams = world.bx.streams
        async with (
            streams.trades("BTCUSDT", gapless=True, buffer=10) as slow,
            streams.trades("BTCUSDT", gapless=True, buffer=10) as dead,
            streams.trades("BTCUSDT", gapless=True) as quick,
            streams.trades("BTCUSDT") as plain,
        ):
            await trio.sleep(120)
            tape = [trade.id for trade in world.sandbox.market.trades("BTCUSDT")]
            first: Any = await slow.receive()
            ids = list(range(first.trade_id + 1, tape[-1] + 1))
            for feed in (quick, plain, slow):
                items: list[Any] = [await feed.receive() for _ in range(len(ids) + (feed is not slow))]
                assert [item.trade_id for item in items][-len(ids) :] == ids
            assert dead.statistics().waiting == 10
            assert world.bx.statistics().streams.shards[0].connects == 1
            assert world.bx.statistics().gapless.feeds[1].figures.postponed == 0  # ten thousand may wait


async def test_much_too_slow_is_told_for_what_it_costs(autojump_clock: trio.testing.MockClock) -> None:
    tuning = Tuning(gapless_items=100, gapless_waiting=50)
    async with open_world(credentials=None, activity=20.0, tuning=tuning) as world:
        async with world.bx.streams.trades("BTCUSDT", gapless=True, buffer=10) as feed:
            await trio.sleep(120)
            heard: list[Any] = []
            with trio.move_on_after(20):
                async for item in feed:
                    heard += [item]
        counts = check_trades(heard, world.sandbox.market.trades("BTCUSDT"), "BTCUSDT")
        assert counts["missing"] > 200
        assert [item.reason for item in heard if isinstance(item, Gap)] == [GapReason.TOO_MANY]


# ----------------------------------------------------------------------------------------------------- beginnings


async def test_from_a_stored_id_on_history_comes_first_and_then_the_present_without_a_hole(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(credentials=None, activity=20.0) as world:
        while len(tape := world.sandbox.market.trades("BTCUSDT")) < 1100:  # more than a page
            await trio.sleep(10)
        heard = await hear(world, world.bx.streams.trades("btcusdt", gapless=True, from_id=tape[0].id), 20)
        counts = check_trades(heard, world.sandbox.market.trades("BTCUSDT"), "BTCUSDT")
        assert heard[0].trade_id == tape[0].id
        assert counts["missing"] == 0
        assert counts["recovered"] >= 1100
        assert counts["live"] > 50
        assert heard[-1].trade_id == world.sandbox.market.trades("BTCUSDT")[-1].id


async def test_every_symbol_has_its_own_beginning(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None, activity=5.0) as world:
        await trio.sleep(30)
        tape = [trade.id for trade in world.sandbox.market.trades("ETHUSDT")]
        opening = world.bx.streams.trades(*SYMBOLS, gapless=True, from_id={"ETHUSDT": tape[-20]})
        heard = await hear(world, opening, 20)
        assert next(item for item in heard if item.symbol == "ETHUSDT").trade_id == tape[-20]
        assert not next(item for item in heard if item.symbol == "BTCUSDT").recovered


# -------------------------------------------------------------------------------------------------------- candles


@pytest.mark.parametrize("lag", [0.0, 5.0])
async def test_every_candle_closes_once_and_is_what_the_trades_say(
    lag: float, autojump_clock: trio.testing.MockClock
) -> None:
    trouble = faults(
        Timed(59.5, DialTrouble(DialFault.REFUSE, 130.0)),
        Timed(59.5, Reset()),
        Timed(300.0, LoseEvents(2, 200.0)),
        Timed(600.0, BlackHole()),
    )
    async with open_world(credentials=None, faults=trouble, activity=1.0) as world:
        world.sandbox.market.replica_lag_us = round(lag * 1e6)
        heard = await hear(world, world.bx.streams.klines("BTCUSDT", interval="1m", gapless=True), 800)
        closed = check_candles(heard, world.sandbox.market.trades("BTCUSDT"), 60_000)
        assert len(closed) == 13
        assert [event for event in closed if event.recovered]
        assert [event for event in closed if not event.recovered]
        assert {event.candle.first_trade_id for event in closed if event.recovered} == {-1}


@pytest.mark.parametrize("unit", TimeUnit)
async def test_candles_from_a_moment_on(unit: TimeUnit, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None, activity=1.0, time_unit=unit) as world:
        await trio.sleep(600)
        start = EPOCH_MS // 60_000 * 60_000 + 130_000
        moment = datetime.datetime.fromtimestamp(start // 1000, datetime.UTC)
        opening = world.bx.streams.klines("BTCUSDT", interval="1m", gapless=True, start_time=moment)
        heard = await hear(world, opening, 130)
        scale = 1000 if unit is TimeUnit.MICROSECOND else 1
        opens = [event.candle.open_time for event in heard if event.candle.is_closed]
        assert opens[0] == (start + 50_000) * scale
        assert opens == list(range(opens[0], opens[0] + 60_000 * scale * len(opens), 60_000 * scale))
        assert len(opens) == 9
        assert not heard[-1].recovered


# ------------------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("opening", "field"),
    [
        (lambda streams: streams.trades("BTCUSDT", from_id=5), "from_id"),
        (lambda streams: streams.klines("BTCUSDT", interval="1m", start_time=5), "start_time"),
        (lambda streams: streams.trades("BTCUSDT", gapless=True, overflow=Overflow.LATEST), "overflow"),
        (lambda streams: streams.trades("BTCUSDT", gapless=True, from_id=-1), "from_id"),
        (lambda streams: streams.trades("BTCUSDT", "ETHUSDT", gapless=True, from_id=5), "from_id"),
        (lambda streams: streams.trades("BTCUSDT", gapless=True, from_id={"ETHUSDT": 5}), "from_id"),
        (lambda streams: streams.trades("BTCUSDT", gapless=True, from_id={"BTCUSDT": -5}), "from_id"),
        (lambda streams: streams.trades("BTCUSDT", gapless=True, from_id={7: 5}), "from_id"),
        (lambda streams: streams.agg_trades("BTCUSDT", gapless=True, buffer=0), "buffer"),
        (lambda streams: streams.agg_trades(gapless=True), "symbols"),
        (lambda streams: streams.klines("BTCUSDT", interval="7m", gapless=True), "interval"),
        (lambda streams: streams.klines("BTCUSDT", interval="1d", gapless=True, time_zone="+09:00"), "time_zone"),
    ],
)
def test_what_cannot_be_is_refused_at_the_call(opening: Opening, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        opening(Streams(cast("Any", None), Tuning()))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "opening",
    [
        lambda streams: streams.trades("BTCUSDT", gapless=1),
        lambda streams: streams.trades("BTCUSDT", gapless=True, from_id=5.0),
        lambda streams: streams.klines("BTCUSDT", interval="1m", gapless=True, start_time=5.5),
    ],
)
def test_what_is_of_another_type_is_refused_at_the_call(opening: Opening) -> None:
    with pytest.raises(TypeError):
        opening(Streams(cast("Any", None), Tuning()))


# --------------------------------------------------------------------------------------------------- hours of chaos

HOURS = 1.0


def chaos(rng: random.Random) -> FaultSchedule:
    """Return hours of trouble: something breaks every few minutes, and the database is asked in vain now and then."""
    kinds: list[Callable[[], Any]] = [
        Reset,
        lambda: BlackHole(rng.choice(("in", "out", "both")), rng.uniform(10, 200)),
        lambda: CloseSockets(rng.choice((1000, 1001, 1011, None))),
        lambda: ServerShutdown(rng.choice((0.0, 5.0))),
        lambda: LoseEvents(rng.randint(2, 30), rng.uniform(1, 120)),
        lambda: DialTrouble(rng.choice(tuple(DialFault)), rng.uniform(1, 90)),
        lambda: Slow(Link(rng.uniform(0, 2), rng.uniform(0, 1), rng.choice((None, 100))), rng.uniform(1, 60)),
    ]
    timed = [Timed(rng.uniform(5, HOURS * 3600 - 600), rng.choice(kinds)()) for _ in range(round(HOURS * 12))]
    bends = [
        OnRequest(rng.randint(1, 300), bend, OLD_TRADES)
        for bend in (
            Bend.say(Answer.error(503, -1008, "Server is overloaded")),
            Bend.lost(executed=True),
            Bend.say(Answer.html(502)),
            Bend.late(20.0),
            Bend.say(Answer.limited("5")),
        )
    ]
    return faults(*timed, *bends)


@pytest.mark.parametrize("seed", range(1))
async def test_hours_of_chaos_lose_no_trade_and_no_candle(seed: int, autojump_clock: trio.testing.MockClock) -> None:
    rng = random.Random(f"gapless:{seed}")
    async with open_world(
        credentials=None, faults=chaos(rng), activity=1.0, seed=seed, tuning=Tuning(gapless_waiting=60)
    ) as world:
        world.sandbox.market.replica_lag_us = rng.choice((0, 2_000_000, 20_000_000))
        streams, heard, candles = world.bx.streams, list[Any](), list[Any]()

        async def listen(opening: AbstractAsyncContextManager[Feed[Any]], to: list[Any], pause: float) -> None:
            async with opening as feed:
                async for item in feed:
                    to.append(item)
                    if rng.random() < pause:
                        await trio.sleep(rng.uniform(0, 120))

        with trio.move_on_after(HOURS * 3600):
            async with trio.open_nursery() as nursery:
                slowly = streams.trades(*SYMBOLS, gapless=True, buffer=20)
                nursery.start_soon(listen, slowly, heard, 0.005)
                nursery.start_soon(listen, streams.klines("BTCUSDT", interval="1m", gapless=True), candles, 0.0)
        for symbol in SYMBOLS:
            counts = check_trades(heard, world.sandbox.market.trades(symbol), symbol)
            assert counts["missing"] == 0
            assert counts["recovered"] > 20
            assert counts["live"] > 1000
        assert not [item for item in candles if isinstance(item, Gap)]
        assert len(check_candles(candles, world.sandbox.market.trades("BTCUSDT"), 60_000)) >= HOURS * 60 - 5


@pytest.mark.parametrize("settings", [{}, {"from_id": 1}], ids=["from now on", "from an id"])
async def test_a_gapless_feed_of_a_symbol_that_is_none_fails(
    settings: Any, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None) as world:
        with trio.fail_after(15), pytest.raises(UnknownSymbol, match="NOPEUSDT: Invalid symbol"):
            async with world.bx.streams.trades("NOPEUSDT", gapless=True, **settings) as feed:
                async for item in feed:
                    raise AssertionError(item)
