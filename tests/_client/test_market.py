from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from tests._client.world import World, open_world
from trio_binance.errors import ApiError, InvalidArgument, Outcome, UnknownSymbol
from trio_binance.models import (
    ArithmeticMeanCalculation,
    ExternalCalculation,
    KlineInterval,
    MiniTicker,
    Ticker24h,
    TickerType,
    WindowTicker,
    as_datetime,
)
from trio_binance.sandbox.tape import Trade as TapeTrade

ATOM = Decimal("0.00000001")


async def live(world: World, seconds: float = 30) -> list[TapeTrade]:
    """Let the market live for a while and return all its BTCUSDT trades."""
    await trio.sleep(seconds)
    return world.sandbox.market.trades("BTCUSDT")


async def test_depth_is_the_book_level_by_level(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        await live(world)
        for limit in (5, 100, 1000):
            depth = await world.bx.market.depth("BTCUSDT", limit=limit)
            book = world.sandbox.market.book("BTCUSDT")
            assert depth.last_update_id == book.update_id
            assert [(level.price, level.quantity) for level in depth.bids] == list(book.bids[:limit])
            assert [(level.price, level.quantity) for level in depth.asks] == list(book.asks[:limit])
            assert all(isinstance(level.price, Decimal) for level in (*depth.bids, *depth.asks))


async def test_trades_are_the_newest_of_the_tape(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        tape = await live(world)
        found = await world.bx.market.trades("BTCUSDT", limit=10)
        assert [told_of(trade) for trade in found] == [truth_of(trade) for trade in tape[-10:]]
        assert len(await world.bx.market.trades("BTCUSDT")) == min(500, len(tape))


async def test_historical_trades_go_on_from_an_id(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        tape = await live(world)
        found = await world.bx.market.historical_trades("BTCUSDT", from_id=tape[3].id, limit=7)
        assert [told_of(trade) for trade in found] == [truth_of(trade) for trade in tape[3:10]]


def told_of(trade: Any) -> tuple[Any, ...]:
    return trade.id, trade.price, trade.qty, trade.quote_qty, trade.time, trade.is_buyer_maker


def truth_of(trade: TapeTrade) -> tuple[Any, ...]:
    return (
        trade.id,
        trade.price,
        trade.quantity,
        trade.quote_quantity,
        trade.time_us // 1000,
        trade.buyer_is_maker,
    )


async def test_aggregate_trades_add_up_to_the_tape(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        tape = {trade.id: trade for trade in await live(world)}
        found = await world.bx.market.agg_trades("BTCUSDT", limit=20)
        assert len(found) == 20
        for one in found:
            parts = [tape[number] for number in range(one.first_trade_id, one.last_trade_id + 1)]
            assert {part.price for part in parts} == {one.price}
            assert sum((part.quantity for part in parts), Decimal(0)) == one.quantity
        again = await world.bx.market.agg_trades("BTCUSDT", from_id=found[5].agg_trade_id, limit=3)
        assert again == found[5:8]
        window = await world.bx.market.agg_trades(
            "BTCUSDT", start_time=found[5].trade_time, end_time=found[8].trade_time
        )
        assert found[5] in window
        assert found[8] in window
        assert all(found[5].trade_time <= one.trade_time <= found[8].trade_time for one in window)


async def test_a_candle_is_made_of_the_trades_of_its_minute(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        tape = await live(world, 180)
        [before, last] = await world.bx.market.klines("BTCUSDT", interval=KlineInterval.MINUTE_1, limit=2)
        assert before.close_time + 1 == last.open_time
        within = [trade for trade in tape if before.open_time <= trade.time_us // 1000 <= before.close_time]
        assert (before.open_price, before.close_price) == (within[0].price, within[-1].price)
        assert before.high_price == max(trade.price for trade in within)
        assert before.low_price == min(trade.price for trade in within)
        assert before.volume == sum((trade.quantity for trade in within), Decimal(0))
        assert before.trade_count == len(within)
        same = await world.bx.market.klines(
            "BTCUSDT", interval="1m", start_time=before.open_time, end_time=before.close_time, time_zone="0"
        )
        assert same == [before]
        span = as_datetime(before.open_time), as_datetime(before.close_time)
        assert await world.bx.market.klines("BTCUSDT", interval="1m", start_time=span[0], end_time=span[1]) == [before]
        for_charts = await world.bx.market.ui_klines(
            "BTCUSDT", interval="1m", start_time=before.open_time, end_time=before.close_time, time_zone="0", limit=1
        )
        assert [candle.open_time for candle in for_charts] == [before.open_time]


async def test_prices_agree_with_the_tape_and_the_book(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        tape = await live(world)
        market, book = world.bx.market, world.sandbox.market.book("BTCUSDT")
        assert (await market.price_ticker("BTCUSDT")).price == tape[-1].price
        best = await market.book_ticker("BTCUSDT")
        assert (best.bid_price, best.bid_qty, best.ask_price, best.ask_qty) == (*book.bids[0], *book.asks[0])
        average = await market.avg_price("BTCUSDT")
        assert min(trade.price for trade in tape) <= average.price <= max(trade.price for trade in tape)
        day = await market.ticker_24hr("BTCUSDT")
        assert (day.last_price, day.last_qty, day.last_id) == (tape[-1].price, tape[-1].quantity, tape[-1].id)
        assert (day.bid_price, day.ask_price) == (book.bids[0][0], book.asks[0][0])
        assert day.price_change == day.last_price - day.open_price


async def test_several_symbols_or_all_of_them_come_as_a_list(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        market, everything = world.bx.market, world.sandbox.market.symbols
        asks: list[Any] = [market.ticker_24hr, market.price_ticker, market.book_ticker]
        for ask in asks:
            assert [ticker.symbol for ticker in await ask()] == list(everything)
            assert [ticker.symbol for ticker in await ask(symbol_status="TRADING")] == list(everything)
            pair = await ask(symbols=["BTCUSDT", "ETHUSDT"])
            assert pair == [await ask("BTCUSDT"), await ask("ETHUSDT")]
            assert await ask(symbols=["BTCUSDT"]) == [await ask("BTCUSDT")]
            with pytest.raises(InvalidArgument, match="symbols='BTCUSDT'"):
                await ask(symbols="BTCUSDT")
            with pytest.raises(InvalidArgument, match="cannot be given together"):
                await ask("BTCUSDT", symbols=["ETHUSDT"])


async def test_a_window_is_one_or_a_list_full_or_short(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        tape = await live(world)
        market = world.bx.market
        asks: list[Any] = [market.trading_day_ticker, market.rolling_ticker, market.ticker_24hr]
        for ask in asks:
            full, mini = await ask("BTCUSDT"), await ask("BTCUSDT", type=TickerType.MINI)
            assert type(full) is (Ticker24h if ask == market.ticker_24hr else WindowTicker)
            assert type(mini) is MiniTicker
            assert full.last_price == mini.last_price == tape[-1].price
            [one, other] = await ask(symbols=["BTCUSDT", "ETHUSDT"], type="MINI")
            assert (type(one), type(other)) == (MiniTicker, MiniTicker)
            assert [type(ticker) for ticker in await ask(symbols=["BTCUSDT"])] == [type(full)]
            with pytest.raises(InvalidArgument, match="type='SMALL': expected one of FULL, MINI"):
                await ask("BTCUSDT", type="SMALL")


async def test_a_window_is_as_long_as_it_is_told_to_be(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        await live(world, 200)
        market = world.bx.market
        minute = await market.rolling_ticker("BTCUSDT", window_size="1m")
        assert 60_000 <= minute.close_time - minute.open_time < 120_000
        assert minute.count < (await market.rolling_ticker("BTCUSDT")).count
        day = await market.trading_day_ticker("BTCUSDT", time_zone="8")
        assert day.open_time % 86_400_000 == 16 * 3_600_000
        for size in ("0m", "60m", "24h", "8d", "1w", ""):
            with pytest.raises(InvalidArgument, match="window_size="):
                await market.rolling_ticker("BTCUSDT", window_size=size)
        everything: list[Any] = [market.rolling_ticker, market.trading_day_ticker]
        for ask in everything:
            with pytest.raises(InvalidArgument, match="symbol=None: give symbol or symbols"):
                await ask()


async def test_block_trades_go_on_from_an_id_of_theirs(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        truth = world.sandbox.market._venues["BTCUSDT"].blocks.trades
        found = await world.bx.market.historical_block_trades("BTCUSDT", from_id=truth[2].id, limit=3)
        assert [(trade.id, trade.price, trade.qty) for trade in found] == [
            (trade.id, trade.price * ATOM, trade.quantity * ATOM) for trade in truth[2:5]
        ]
        with pytest.raises(InvalidArgument, match="fromId=None"):
            await world.bx.market.historical_block_trades("BTCUSDT", from_id=None)  # type: ignore[arg-type]


async def test_a_reference_price_is_told_with_how_it_is_made(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(symbols=None, credentials=None) as world:
        await live(world)
        market, venues = world.bx.market, world.sandbox.market._venues
        kinds: set[type] = set()
        for symbol, venue in venues.items():
            if venue.reference is None:
                with pytest.raises(ApiError, match="-2043"):
                    await market.reference_price(symbol)
                continue
            told = await market.reference_price(symbol)
            price = venue.reference.price(told.timestamp * 1000)
            assert (told.symbol, told.reference_price) == (symbol, None if price is None else price * ATOM)
            kinds.add(type(await market.reference_price_calculation(symbol, symbol_status="TRADING")))
        assert kinds == {ArithmeticMeanCalculation, ExternalCalculation}


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_a_symbol_that_never_had_a_reference_price_says_so_on_either_wire(
    prefer: str, autojump_clock: trio.testing.MockClock
) -> None:
    """The WebSocket API tells that error as the result of a success."""
    async with open_world(credentials=None, prefer=prefer) as world:
        without = next(name for name, venue in world.sandbox.market._venues.items() if venue.reference is None)
        with pytest.raises(ApiError, match="-2043") as caught:
            await world.bx.market.reference_price(without)
        assert caught.value.outcome is Outcome.REJECTED


async def test_an_unknown_symbol_is_named_an_unknown_symbol(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        market = world.bx.market
        for asking in (
            market.depth("NOPE"),
            market.trades("NOPE"),
            market.historical_trades("NOPE"),
            market.agg_trades("NOPE"),
            market.klines("NOPE", interval="1m"),
            market.ui_klines("NOPE", interval="1m"),
            market.avg_price("NOPE"),
            market.ticker_24hr("NOPE"),
            market.price_ticker("NOPE"),
            market.book_ticker("NOPE"),
            market.rolling_ticker("NOPE"),
            market.trading_day_ticker("NOPE"),
        ):
            with pytest.raises(UnknownSymbol):
                await asking


async def test_a_float_is_refused_before_anything_is_sent(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        await trio.sleep(30)  # the clock has measured all it wants
        await world.bx.general.ping()
        used = [row.used for row in world.bx.statistics().limits.rules]
        with pytest.raises(TypeError, match=r"limit=5\.5: expected an int, not float"):
            await world.bx.market.depth("BTCUSDT", limit=5.5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"start_time=1\.5: expected an int"):
            await world.bx.market.klines("BTCUSDT", interval="1m", start_time=1.5)  # type: ignore[arg-type]
        assert [row.used for row in world.bx.statistics().limits.rules] == used
