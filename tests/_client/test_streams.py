from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
import trio
import trio.testing

from tests._client.world import World, open_world
from trio_binance._client.streams import Streams
from trio_binance._services.feed import Feed
from trio_binance.config import Overflow
from trio_binance.errors import ConnectorClosed, FeedOverflow, InvalidArgument, SubscriptionRefused, UnknownSymbol
from trio_binance.models import (
    AggTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    KlineInterval,
    MiniTickerEvent,
    PartialDepthEvent,
    TickerEvent,
    TradeEvent,
)
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.rules import Rules

Opening: TypeAlias = Callable[[Streams], AbstractAsyncContextManager[Feed[Any]]]


async def hear(world: World, opening: AbstractAsyncContextManager[Feed[Any]], seconds: float = 65) -> list[Any]:
    """Return what a feed brings within some time; the market stands still afterwards."""
    heard: list[Any] = []
    async with opening as feed:
        with trio.move_on_after(seconds):
            async for event in feed:
                heard += [event]
    return heard


async def test_trades_are_the_tape_from_the_subscription_on(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        known = {symbol: world.sandbox.market.trades(symbol)[-1].id for symbol in ("BTCUSDT", "ETHUSDT")}
        heard: list[TradeEvent] = await hear(world, world.bx.streams.trades("BTCUSDT", "ETHUSDT"))
        for symbol, last in known.items():
            tape = [trade for trade in world.sandbox.market.trades(symbol) if trade.id > last]
            assert len(tape) > 5
            told = [
                (event.trade_id, event.price, event.quantity, event.is_buyer_maker)
                for event in heard
                if event.symbol == symbol
            ]
            assert told == [(trade.id, trade.price, trade.quantity, trade.buyer_is_maker) for trade in tape]


async def test_aggregate_trades_cover_the_tape_without_a_hole(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        heard: list[AggTradeEvent] = await hear(world, world.bx.streams.agg_trades("BTCUSDT"))
        tape = {trade.id: trade for trade in world.sandbox.market.trades("BTCUSDT")}
        for before, after in pairwise(heard):
            assert after.first_trade_id == before.last_trade_id + 1
            assert after.agg_trade_id == before.agg_trade_id + 1
        for event in heard:
            parts = [tape[number] for number in range(event.first_trade_id, event.last_trade_id + 1)]
            assert event.quantity == sum((part.quantity for part in parts), Decimal(0))


async def test_the_last_book_ticker_is_the_top_of_the_book(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        heard: list[BookTickerEvent] = await hear(world, world.bx.streams.book_ticker("BTCUSDT"))
        book, last = world.sandbox.market.book("BTCUSDT"), heard[-1]
        assert (last.bid_price, last.bid_quantity) == book.bids[0]
        assert (last.ask_price, last.ask_quantity) == book.asks[0]


@pytest.mark.parametrize("speed_ms", [100, 1000])
async def test_depth_changes_bring_a_snapshot_up_to_the_book(
    speed_ms: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None) as world:
        async with world.bx.streams.depth("BTCUSDT", speed_ms=speed_ms) as feed:
            first: DepthUpdateEvent = await feed.receive()
            snapshot = await world.bx.market.depth("BTCUSDT", limit=5000)
            assert snapshot.last_update_id >= first.last_update_id
            levels = {level.price: level.quantity for level in (*snapshot.bids, *snapshot.asks)}
            at = snapshot.last_update_id
            deadline = trio.current_time() + 20
            while trio.current_time() < deadline or at != world.sandbox.market.book("BTCUSDT").update_id:
                event: DepthUpdateEvent = await feed.receive()
                if event.last_update_id <= at:
                    continue
                assert event.first_update_id <= at + 1
                at = event.last_update_id
                levels.update((level.price, level.quantity) for level in (*event.bids, *event.asks))
        book = world.sandbox.market.book("BTCUSDT")
        assert {price: quantity for price, quantity in levels.items() if quantity} == dict((*book.bids, *book.asks))


@pytest.mark.parametrize("levels", [5, 10, 20])
async def test_partial_depth_is_the_top_of_the_book(levels: int, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None, activity=0.2) as world:
        opening = world.bx.streams.partial_depth("BTCUSDT", levels=levels, speed_ms=100)
        async with opening as feed:
            event: PartialDepthEvent = await feed.receive()
            book = world.sandbox.market.book("BTCUSDT")
            assert event.symbol == "BTCUSDT"
            assert [(level.price, level.quantity) for level in event.bids] == list(book.bids[:levels])
            assert [(level.price, level.quantity) for level in event.asks] == list(book.asks[:levels])


@pytest.mark.parametrize("interval", [KlineInterval("1m"), "1m"])
async def test_a_closed_candle_is_the_one_that_rest_tells(
    interval: Any, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None) as world:
        heard: list[KlineEvent] = await hear(world, world.bx.streams.klines("BTCUSDT", interval=interval), 130)
        closed = [event.candle for event in heard if event.candle.is_closed]
        assert closed
        [asked] = await world.bx.market.klines("BTCUSDT", interval="1m", start_time=closed[-1].open_time, limit=1)
        assert (asked.open_price, asked.high_price, asked.low_price, asked.close_price, asked.volume) == (
            closed[-1].open_price,
            closed[-1].high_price,
            closed[-1].low_price,
            closed[-1].close_price,
            closed[-1].volume,
        )


async def test_tickers_tell_the_last_price(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        minis: list[MiniTickerEvent] = await hear(world, world.bx.streams.mini_ticker("BTCUSDT"), 10)
        trades = {trade.price for trade in world.sandbox.market.trades("BTCUSDT")}
        assert minis
        assert {event.close_price for event in minis} <= trades
        full: list[TickerEvent] = await hear(world, world.bx.streams.ticker("BTCUSDT"), 10)
        assert full
        assert full[-1].last_price in {trade.price for trade in world.sandbox.market.trades("BTCUSDT")}


async def test_any_stream_can_be_had_by_its_own_name(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        heard = await hear(world, world.bx.streams.subscribe("btcusdt@avgPrice", "btcusdt@trade"), 10)
        assert len({type(event) for event in heard}) == 2


async def test_a_stream_nobody_knows_is_confirmed_and_stays_silent(autojump_clock: trio.testing.MockClock) -> None:
    """So the exchange does it: a name with a typing error is no error."""
    async with open_world(credentials=None) as world:
        assert await hear(world, world.bx.streams.trades("NOPE")) == []


async def test_a_stream_that_the_exchange_refuses_is_an_error_of_its_own(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(credentials=None, rules=Rules(streams_per_connection=2)) as world:
        async with world.bx.streams.trades("BTCUSDT", "ETHUSDT") as feed:
            with pytest.raises(SubscriptionRefused, match="Too many subscriptions") as caught:
                async with world.bx.streams.depth("BTCUSDT"):
                    raise AssertionError("entered")
            assert (caught.value.streams, caught.value.code) == (("btcusdt@depth",), 4)
            assert isinstance(await feed.receive(), TradeEvent)


@pytest.mark.parametrize(
    ("opening", "field", "value"),
    [
        (lambda streams: streams.trades(), "symbols", ()),
        (lambda streams: streams.trades(""), "symbols", ""),
        (lambda streams: streams.trades(7), "symbols", 7),
        (lambda streams: streams.trades("BTCUSDT@trade"), "symbols", "BTCUSDT@trade"),
        (lambda streams: streams.agg_trades("BTC/USDT"), "symbols", "BTC/USDT"),
        (lambda streams: streams.book_ticker("BTC USDT"), "symbols", "BTC USDT"),
        (lambda streams: streams.depth("BTCUSDT", speed_ms=250), "speed_ms", 250),
        (lambda streams: streams.partial_depth("BTCUSDT", levels=7), "levels", 7),
        (lambda streams: streams.partial_depth("BTCUSDT", levels=10.0), "levels", 10.0),
        (lambda streams: streams.klines("BTCUSDT", interval=None), "interval", None),
        (lambda streams: streams.klines("BTCUSDT", interval="1 m"), "interval", "1 m"),
        (lambda streams: streams.subscribe(), "names", ()),
        (lambda streams: streams.subscribe("btcusdt@trade", ""), "names", ""),
        (lambda streams: streams.subscribe(7), "names", 7),
        (lambda streams: streams.ticker("BTCUSDT", buffer=-1), "buffer", -1),
    ],
)
async def test_an_argument_that_cannot_be_sent_is_named_at_the_call(
    opening: Opening, field: str, value: Any, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None, ready=False) as world:
        with pytest.raises(InvalidArgument, match=field) as caught:
            opening(world.bx.streams)
        assert (caught.value.field, caught.value.value) == (field, value)


async def test_a_slow_consumer_loses_only_what_its_policy_says(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        streams = world.bx.streams
        async with (
            streams.trades("BTCUSDT", buffer=5) as oldest,
            streams.trades("BTCUSDT", "ETHUSDT", overflow=Overflow.LATEST) as latest,
            streams.trades("BTCUSDT", buffer=5, overflow=Overflow.FAIL) as fail,
        ):
            await trio.sleep(60)
            tape = [trade.id for trade in world.sandbox.market.trades("BTCUSDT")]
            assert [(await oldest.receive()).trade_id for _ in range(5)] == tape[-5:]
            newest = {event.symbol: event.trade_id for event in [await latest.receive(), await latest.receive()]}
            assert newest["BTCUSDT"] == tape[-1]
            for _ in range(5):
                await fail.receive()
            with pytest.raises(FeedOverflow):
                await fail.receive()


async def test_the_latest_of_each_kind_is_kept_and_of_each_interval(autojump_clock: trio.testing.MockClock) -> None:
    """A trade must not replace the candle of its symbol, nor a minute's candle an hour's."""
    async with open_world(credentials=None) as world:
        names = ("btcusdt@trade", "btcusdt@kline_1m", "btcusdt@kline_1h")
        async with world.bx.streams.subscribe(*names, overflow=Overflow.LATEST) as feed:
            await trio.sleep(60)
            events = [await feed.receive() for _ in range(3)]
            intervals = [event.candle.interval for event in events if isinstance(event, KlineEvent)]
            assert sorted(intervals) == ["1h", "1m"]
            assert feed.statistics().waiting == 0


async def test_no_feed_hangs_when_the_connector_is_closed(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        opening = world.bx.streams.trades("BTCUSDT")
        feed = await opening.__aenter__()
    with pytest.raises(trio.EndOfChannel):
        while True:
            await feed.receive()
    await opening.__aexit__(None, None, None)
    for late in (world.bx.streams.depth("BTCUSDT"), world.bx.streams.subscribe("btcusdt@trade")):
        with pytest.raises(ConnectorClosed):
            async with late:
                raise AssertionError("entered")


async def test_who_waits_for_a_confirmation_hears_of_the_end(autojump_clock: trio.testing.MockClock) -> None:
    outcome: list[BaseException] = []

    async def wait(world: World) -> None:
        try:
            async with world.bx.streams.trades("BTCUSDT"):
                raise AssertionError("entered")
        except ConnectorClosed as exc:
            outcome.append(exc)

    async with trio.open_nursery() as nursery:
        async with open_world(credentials=None) as world:
            assert world.sandbox.network is not None
            world.sandbox.network.dial_gate = lambda dial: DialFault.HANG
            nursery.start_soon(wait, world)
            await trio.sleep(3)
    assert len(outcome) == 1


async def test_an_opening_can_be_bounded_and_the_bound_lifted_once_it_is_open(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(credentials=None) as world:
        with trio.fail_after(15) as limit:
            async with world.bx.streams.trades("BTCUSDT") as feed:
                limit.deadline = math.inf
                await trio.sleep(20)
                await feed.receive()


async def test_an_exchange_that_is_not_reached_is_waited_for_as_long_as_the_caller_wishes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world(credentials=None) as world:
        assert world.sandbox.network is not None
        world.sandbox.network.dial_gate = lambda dial: DialFault.HANG
        started = trio.current_time()
        with pytest.raises(trio.TooSlowError), trio.fail_after(300):
            async with world.bx.streams.trades("BTCUSDT"):
                raise AssertionError("entered")
        assert trio.current_time() - started == pytest.approx(300)


@pytest.mark.slow
async def test_the_feed_of_a_symbol_that_does_not_exist_is_silent(autojump_clock: trio.testing.MockClock) -> None:
    """Why the docstring of ``Streams`` sends its reader to ``exchange_info``."""
    async with open_world(credentials=None) as world:
        assert await hear(world, world.bx.streams.trades("NOPE"), seconds=600) == []
        with pytest.raises(UnknownSymbol):
            await world.bx.general.exchange_info(symbol="NOPE")
