"""One method a kind of stream: each asks by the exchange's own names, checks what it is told, brings its events."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
import trio
import trio.testing

from tests._client.test_streams import hear
from tests._client.world import open_world
from tests._codec.frames import ARRAYS, BLOCK, REFERENCE, frame
from trio_binance._client.streams import Streams
from trio_binance._services.events import ConnectionRenewed
from trio_binance._services.feed import Feed
from trio_binance.config import Overflow
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    AvgPriceEvent,
    BlockTradeEvent,
    KlineEvent,
    KlineInterval,
    MiniTickerEvent,
    ReferencePriceEvent,
    RollingTickerEvent,
    RollingWindow,
    ServerShutdownEvent,
    TickerEvent,
)
from trio_binance.sandbox.faults import FaultSchedule, SendRaw, ServerShutdown, Timed
from trio_binance.tuning import Tuning

Opening: TypeAlias = Callable[[Streams], AbstractAsyncContextManager[Feed[Any]]]

HOUR_MS = 3_600_000


class Asked:
    """Takes the place of the service and keeps what is asked of it."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.settings: dict[str, Any] = {}

    def open(self, names: tuple[str, ...], **settings: Any) -> None:
        self.names, self.settings = names, settings


def names_of(opening: Opening) -> tuple[str, ...]:
    """Return the streams that a method asks for."""
    asked = Asked()
    opening(Streams(cast("Any", asked), Tuning()))
    return asked.names


METHODS: list[tuple[Opening, str]] = [
    (lambda streams: streams.reference_price("BNBBTC"), "bnbbtc@referencePrice"),
    (lambda streams: streams.agg_trades("BNBBTC"), "bnbbtc@aggTrade"),
    (lambda streams: streams.trades("BNBBTC"), "bnbbtc@trade"),
    (lambda streams: streams.block_trades("BNBBTC"), "bnbbtc@blockTrade"),
    (lambda streams: streams.mini_ticker("BNBBTC"), "bnbbtc@miniTicker"),
    (lambda streams: streams.ticker("BNBBTC"), "bnbbtc@ticker"),
    (lambda streams: streams.book_ticker("BNBBTC"), "bnbbtc@bookTicker"),
    (lambda streams: streams.avg_price("BNBBTC"), "bnbbtc@avgPrice"),
    (lambda streams: streams.depth("BNBBTC"), "bnbbtc@depth"),
    (lambda streams: streams.depth("BNBBTC", speed_ms=100), "bnbbtc@depth@100ms"),
    (lambda streams: streams.all_mini_tickers(), "!miniTicker@arr"),
    (lambda streams: streams.klines("BNBBTC", interval=KlineInterval.MONTH_1), "bnbbtc@kline_1M"),
    (lambda streams: streams.klines("BNBBTC", interval="1m", time_zone="+08:00"), "bnbbtc@kline_1m@+08:00"),
    (lambda streams: streams.rolling_ticker("BNBBTC", window=RollingWindow.HOUR_4), "bnbbtc@ticker_4h"),
    (lambda streams: streams.all_rolling_tickers(window=RollingWindow.DAY_1), "!ticker_1d@arr"),
    (lambda streams: streams.partial_depth("BNBBTC", levels=5, speed_ms=100), "bnbbtc@depth5@100ms"),
    (lambda streams: streams.trades("币安人生USDT"), "币安人生usdt@trade"),
]


@pytest.mark.parametrize(("opening", "name"), METHODS)
def test_a_method_asks_for_the_stream_by_the_name_that_the_exchange_gave_it(opening: Opening, name: str) -> None:
    assert names_of(opening) == (name,)


def every_name(symbol: str) -> set[str]:
    """Return the name of every stream of a symbol that the methods can ask for, and of all symbols."""
    streams = Streams(cast("Any", asked := Asked()), Tuning())
    names: set[str] = set()

    def note(_opening: object) -> None:
        names.update(asked.names)

    plain = ("reference_price", "agg_trades", "trades", "block_trades", "mini_ticker", "ticker", "book_ticker")
    for method in (*plain, "avg_price"):
        note(getattr(streams, method)(symbol))
    for interval in KlineInterval:
        note(streams.klines(symbol, interval=interval))
        note(streams.klines(symbol, interval=interval, time_zone="+08:00"))
    for window in RollingWindow:
        note(streams.rolling_ticker(symbol, window=window))
        note(streams.all_rolling_tickers(window=window))
    for speed in (100, 1000):
        note(streams.depth(symbol, speed_ms=speed))
        for levels in (5, 10, 20):
            note(streams.partial_depth(symbol, levels=levels, speed_ms=speed))
    note(streams.all_mini_tickers())
    return names


def test_every_stream_of_the_documents_can_be_asked_for(spec: Path) -> None:
    documented = set()
    for row in json.loads((spec / "streams.json").read_text())["streams"]:
        for template in row["templates"]:
            for key in ("interval", "level", "window"):
                placeholder = {"interval": "<interval>", "level": "<levels>", "window": "<window_size>"}[key]
                for choice in row.get(f"{key}_values", ()):
                    name = template.replace("<window-size>", "<window_size>").replace(placeholder, str(choice))
                    documented.add(name.replace("<symbol>", "bnbbtc"))
            if template.count("<") == template.count("<symbol>"):
                documented.add(template.replace("<symbol>", "bnbbtc"))
    assert every_name("BNBBTC") == documented
    assert len(documented) == 51 + 4


def test_every_method_tells_its_source_and_how_often_it_speaks() -> None:
    named = {name: each for name, each in inspect.getmembers(Streams, inspect.isfunction) if not name.startswith("_")}
    methods = [method for name, method in named.items() if name not in ("add", "remove")]
    assert len(methods) == 15
    for method in methods:
        told = inspect.getdoc(method) or ""
        assert "bound it with ``trio.fail_after``" in told
        if method is not Streams.subscribe:
            assert "Source: " in told
            assert "real time" in told or "every " in told


@pytest.mark.parametrize(
    ("opening", "field", "value"),
    [
        (lambda streams: streams.klines("A", interval="1min"), "interval", "1min"),
        (lambda streams: streams.klines("A", interval=60), "interval", 60),
        (lambda streams: streams.klines("A", interval="1m", time_zone="+01:00"), "time_zone", "+01:00"),
        (lambda streams: streams.klines("A", interval="1m", time_zone=8), "time_zone", 8),
        (lambda streams: streams.rolling_ticker("A", window="2h"), "window", "2h"),
        (lambda streams: streams.rolling_ticker("A", window=None), "window", None),
        (lambda streams: streams.all_rolling_tickers(window=b"1h"), "window", b"1h"),
        (lambda streams: streams.rolling_ticker(window="1h"), "symbols", ()),
        (lambda streams: streams.avg_price(), "symbols", ()),
        (lambda streams: streams.reference_price(None), "symbols", None),
        (lambda streams: streams.block_trades("A@trade"), "symbols", "A@trade"),
        (lambda streams: streams.depth("A", speed_ms=100.0), "speed_ms", 100.0),
        (lambda streams: streams.all_mini_tickers(buffer=0), "buffer", 0),
    ],
)
def test_an_argument_that_names_no_stream_is_refused(opening: Opening, field: str, value: Any) -> None:
    """A stream that does not exist would be confirmed, and then be silent for ever."""
    with pytest.raises(InvalidArgument, match=field) as caught:
        names_of(opening)
    assert (caught.value.field, caught.value.value) == (field, value)


@pytest.mark.parametrize(
    "opening",
    [
        lambda streams: streams.all_mini_tickers("BTCUSDT"),
        lambda streams: streams.rolling_ticker("BTCUSDT"),
        lambda streams: streams.klines("BTCUSDT"),
        lambda streams: streams.all_mini_tickers(overflow="latest"),
        lambda streams: streams.all_rolling_tickers(window="1h", buffer="5"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_a_type_error(opening: Opening) -> None:
    with pytest.raises(TypeError):
        names_of(opening)


# --------------------------------------------------------------------------------------------- on an exchange


@pytest.mark.parametrize("window", ["1h", "4h", "1d"])
async def test_a_rolling_ticker_covers_its_window(window: str, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        heard: list[RollingTickerEvent] = await hear(
            world, world.bx.streams.rolling_ticker("BTCUSDT", window=window), 5
        )
        prices = {trade.price for trade in world.sandbox.market.trades("BTCUSDT")}
        hours = {"1h": 1, "4h": 4, "1d": 24}[window]
        assert heard
        for event in heard:
            assert type(event) is RollingTickerEvent
            assert (event.window, event.symbol) == (window, "BTCUSDT")
            assert event.last_price in prices
            assert 0 <= event.close_time - event.open_time - hours * HOUR_MS < 60_000


async def test_an_average_price_lies_among_the_prices(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        heard: list[AvgPriceEvent] = await hear(world, world.bx.streams.avg_price("BTCUSDT", "ETHUSDT"), 5)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            prices = [trade.price for trade in world.sandbox.market.trades(symbol)]
            told = [event.average_price for event in heard if event.symbol == symbol]
            assert told
            assert min(prices) <= min(told) <= max(told) <= max(prices)


async def test_candles_of_another_time_zone_begin_with_its_days(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        opening = world.bx.streams.klines("BTCUSDT", interval="1d", time_zone="+08:00")
        heard: list[KlineEvent] = await hear(world, opening, 5)
        assert heard
        assert {event.candle.open_time // HOUR_MS % 24 for event in heard} == {16}


@pytest.mark.parametrize("window", [None, "1h", "1d"])
async def test_all_symbols_come_at_once_as_they_come_one_by_one(
    window: str | None, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world(credentials=None) as world:
        streams = world.bx.streams
        everybody: AbstractAsyncContextManager[Feed[Any]]
        alone: AbstractAsyncContextManager[Feed[Any]]
        if window is None:
            everybody, alone = streams.all_mini_tickers(), streams.mini_ticker("BTCUSDT", "ETHUSDT")
        else:
            everybody = streams.all_rolling_tickers(window=window)
            alone = streams.rolling_ticker("BTCUSDT", "ETHUSDT", window=window)
        arrays: list[Any] = []
        singles: list[Any] = []
        async with alone as single_feed, everybody as feed:
            await trio.sleep(10.5)
            while feed.statistics().waiting:
                arrays.append(feed.receive_nowait())
            while single_feed.statistics().waiting:
                singles.append(single_feed.receive_nowait())
        assert {type(array) for array in arrays} == {tuple}
        told = [event for array in arrays for event in array if event.symbol in ("BTCUSDT", "ETHUSDT")]
        assert told
        assert {type(event) for event in told} == {MiniTickerEvent if window is None else RollingTickerEvent}
        assert set(told) <= set(singles)


async def test_a_subscription_by_name_brings_the_events_of_every_kind(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        names = sorted(every_name("BTCUSDT"))
        heard = await hear(world, world.bx.streams.subscribe(*names), 15)
        kinds = {type(event[0]) if isinstance(event, tuple) else type(event) for event in heard}
        assert {kind.__name__ for kind in kinds} >= {
            "AggTradeEvent", "AvgPriceEvent", "BookTickerEvent", "DepthUpdateEvent", "KlineEvent", "MiniTickerEvent",
            "PartialDepthEvent", "RollingTickerEvent", "TickerEvent", "TradeEvent",
        }  # fmt: skip
        assert "UnknownEvent" not in {kind.__name__ for kind in kinds}


def spoken(at: float, *frames: tuple[str, object]) -> FaultSchedule:
    """Return a schedule on which the exchange says something that no market of ours brings about."""
    return FaultSchedule(tuple(Timed(at, SendRaw(on_the_wire(frame(name, body)))) for name, body in frames))


def on_the_wire(text: bytes) -> bytes:
    length = bytes([len(text)]) if len(text) < 126 else b"\x7e" + len(text).to_bytes(2, "big")
    return b"\x81" + length + text


async def test_reference_prices_and_block_trades_are_brought(autojump_clock: trio.testing.MockClock) -> None:
    said = spoken(
        5,
        ("bazusd@referencePrice", REFERENCE),
        ("bazusd@blockTrade", BLOCK),
        ("bazusd@referencePrice", {**REFERENCE, "r": None}),
    )
    async with open_world(credentials=None, faults=said) as world:
        streams = world.bx.streams
        async with streams.reference_price("BAZUSD") as prices, streams.block_trades("BAZUSD") as blocks:
            first, second = await prices.receive(), await prices.receive()
            assert [type(first), type(second)] == [ReferencePriceEvent] * 2
            assert (first.reference_price, second.reference_price) == (Decimal("1.00"), None)
            assert type(await blocks.receive()) is BlockTradeEvent


async def test_the_latest_of_each_window_is_kept_and_the_latest_array_of_each_kind(
    autojump_clock: trio.testing.MockClock,
) -> None:
    body = {**ARRAYS[1][1], "s": "BTCUSDT"}
    names = ["btcusdt@ticker_1h", "btcusdt@ticker_4h", *(name for name, _, _ in ARRAYS)]
    said = [
        *((f"btcusdt@ticker_{window}", {**body, "e": f"{window}Ticker", "n": number})
          for number in range(3) for window in ("1h", "4h")),
        *((name, [{**one, "v": str(number)}]) for number in range(3) for name, one, _ in ARRAYS),
        ("!miniTicker@arr", []),
    ]  # fmt: skip
    async with open_world(credentials=None, activity=1e-6, faults=spoken(5, *said)) as world:
        async with world.bx.streams.subscribe(*names, overflow=Overflow.LATEST) as feed:
            await trio.sleep(5.5)
            latest = [feed.receive_nowait() for _ in range(feed.statistics().waiting)]
    singles: list[Any] = [event for event in latest if not isinstance(event, tuple)]
    arrays: list[Any] = [event for event in latest if isinstance(event, tuple) and event]
    assert {(event.window, event.trade_count) for event in singles} == {("1h", 2), ("4h", 2)}
    assert len(arrays) == 4
    assert {int(array[0].volume) for array in arrays} == {2}
    assert () in latest


@pytest.mark.parametrize("subscribed", [False, True])
async def test_a_shutdown_has_the_connection_replaced_whether_it_is_subscribed_to_or_not(
    subscribed: bool, autojump_clock: trio.testing.MockClock
) -> None:
    faults = FaultSchedule((Timed(5, ServerShutdown(10.0)),))
    names = ("btcusdt@ticker", "!serverShutdown") if subscribed else ("btcusdt@ticker",)
    async with open_world(credentials=None, faults=faults) as world:
        heard = await hear(world, world.bx.streams.subscribe(*names), 30)
        assert [type(event) for event in heard].count(ServerShutdownEvent) == subscribed
        assert {type(event) for event in heard} - {ServerShutdownEvent} == {TickerEvent}
        renewed = [event for event in world.events if isinstance(event, ConnectionRenewed)]
        assert [event.connection for event in renewed if event.connection.startswith("streams")] == ["streams:1"]


async def test_a_stream_that_is_named_twice_is_one_stream(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world(credentials=None) as world:
        streams = world.bx.streams
        async with (
            streams.trades("BTCUSDT", "btcusdt", "ETHUSDT") as plain,
            streams.trades("BTCUSDT", "btcusdt", gapless=True) as gapless,
            streams.subscribe("btcusdt@trade", "btcusdt@trade") as raw,
        ):
            assert plain.streams == ("btcusdt@trade", "ethusdt@trade")
            assert gapless.streams == raw.streams == ("btcusdt@trade",)
