"""Recorded sessions of the real exchange, through the whole connector: nothing lost, nothing changed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from trio_binance._client.client import Binance
from trio_binance._client.open import open_binance
from trio_binance._codec.stream import unstructure
from trio_binance.config import BinanceConfig
from trio_binance.errors import UnknownSymbol
from trio_binance.models import BookTickerEvent, DepthUpdateEvent, TradeEvent

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

ETHUSDT = "hftbacktest/ethusdt.session.jsonl.gz"


def records(path: Path) -> Iterator[dict[str, Any]]:
    opening: Any = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt") as file:
        for line in file:
            yield json.loads(line)


def recorded(path: Path) -> dict[str, list[Any]]:
    """Return the events of each stream as they were recorded, numbers as text, read by nobody's codec but Python's."""
    events: dict[str, list[Any]] = {}
    for record in records(path):
        if record["kind"] == "ws":
            message = json.loads(record["raw"])
            if "stream" in message:
                events.setdefault(message["stream"], []).append(message["data"])
    return events


def snapshots(path: Path) -> dict[str, list[Any]]:
    """Return the recorded depth snapshots by symbol, oldest first."""
    found: dict[str, list[Any]] = {}
    for record in records(path):
        if record["kind"] == "http" and "/depth?" in record["url"]:
            symbol = record["url"].split("symbol=")[1].split("&")[0]
            found.setdefault(symbol, []).append(json.loads(record["raw"]))
    return found


async def collect(
    bx: Binance, names: list[str], *, buffer: int = 1000, pause: Callable[[int], float] = lambda _: 0.0
) -> dict[str, list[Any]]:
    """Read each stream by a feed and a task of its own until all have ended by themselves."""
    heard: dict[str, list[Any]] = {name: [] for name in names}

    async def read(name: str) -> None:
        async with bx.streams.subscribe(name, buffer=buffer) as feed:
            async for event in feed:
                heard[name].append(event)
                if seconds := pause(len(heard[name])):
                    await trio.sleep(seconds)
            assert feed.statistics().dropped == 0

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(read, name)
    return heard


def wire(event: Any) -> Any:
    """Return what the exchange wrote for an event, numbers as text."""
    written = unstructure(event)
    return json.loads(json.dumps(written)) if not isinstance(written, bytes) else json.loads(written)


def texts(levels: Any) -> list[list[str]]:
    return [[format(level.price, "f"), format(level.quantity, "f")] for level in levels]


def same(event: Any, raw: Any) -> bool:
    """Tell whether nothing of what was recorded is lost or changed, and nothing invented."""
    return bool(wire(event) == raw)


# ------------------------------------------------------------------------------------------------ a real session


@pytest.mark.slow
@pytest.mark.recordings
@pytest.mark.parametrize("slow", [False, True])
async def test_eleven_minutes_of_ethusdt_come_whole_and_exact(
    slow: bool, recordings: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = recordings / ETHUSDT
    truth = recorded(path)

    def pause(count: int) -> float:
        return 0.5 if slow and count % 997 == 0 else 0.0

    async with open_binance(BinanceConfig.replay(path)) as bx:
        with trio.fail_after(3600):
            heard = await collect(bx, list(truth), buffer=64 if slow else 1000, pause=pause)
    trades: list[TradeEvent] = heard["ethusdt@trade"]
    assert len(trades) == 14_515
    assert [trade.trade_id for trade in trades] == list(range(trades[0].trade_id, trades[0].trade_id + 14_515))
    assert len(heard["ethusdt@bookTicker"]) == 58_758
    assert len(heard["ethusdt@depth@100ms"]) == 6_470
    for name, events in heard.items():
        different = [(event, raw) for event, raw in zip(events, truth[name], strict=True) if not same(event, raw)]
        assert different == []


@pytest.mark.recordings
async def test_the_numbers_are_decimals_of_the_very_text(
    recordings: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """Not by way of our own codec's way back: each number against the characters that were recorded."""
    path = recordings / "cryptofeed/r20211012.session.jsonl.gz"
    truth = recorded(path)
    async with open_binance(BinanceConfig.replay(path)) as bx:
        heard = await collect(bx, list(truth))
    for name, events in heard.items():
        for event, raw in zip(events, truth[name], strict=True):
            if isinstance(event, BookTickerEvent):
                told = (event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity)
                assert all(type(number) is Decimal for number in told)
                assert [format(number, "f") for number in told] == [raw["b"], raw["B"], raw["a"], raw["A"]]
            elif isinstance(event, DepthUpdateEvent):
                assert texts(event.bids) == raw["b"]
                assert texts(event.asks) == raw["a"]
            else:
                assert same(event, raw)


@pytest.mark.recordings
async def test_the_snapshot_is_served_from_the_recording(
    recordings: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = recordings / ETHUSDT
    [raw] = snapshots(path)["ETHUSDT"]
    async with open_binance(BinanceConfig.replay(path)) as bx:
        depth = await bx.market.depth("ETHUSDT", limit=1000)
        assert depth.last_update_id == raw["lastUpdateId"] == 35346513512
        assert texts(depth.bids) == raw["bids"]
        assert texts(depth.asks) == raw["asks"]
        with pytest.raises(UnknownSymbol):
            await bx.market.depth("BTCUSDT")


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["r20210405", "r20211012", "us20210814", "us20211012"])
@pytest.mark.parametrize("slow", [False, True])
async def test_sessions_of_many_symbols_come_whole_and_exact(
    name: str, slow: bool, recordings: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = recordings / f"cryptofeed/{name}.session.jsonl.gz"
    truth = recorded(path)
    wanted = snapshots(path)
    async with open_binance(BinanceConfig.replay(path)) as bx:
        with trio.fail_after(3600):
            heard = await collect(bx, list(truth), buffer=2 if slow else 1000, pause=lambda count: 0.01 * slow)
        for symbol, found in wanted.items():
            depth = await bx.market.depth(symbol, limit=1000)
            assert depth.last_update_id == found[-1]["lastUpdateId"]
            assert texts(depth.bids) == found[-1]["bids"]
    for stream, events in heard.items():
        different = [(event, raw) for event, raw in zip(events, truth[stream], strict=True) if not same(event, raw)]
        assert different == []


# --------------------------------------------------------------------------------------------- one of our own

START_NS = 1_790_000_000_000_000_000


def trade(number: int) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": 1_790_000_000_000 + number,
        "s": "ABCD",
        "t": number,
        "p": f"1.{number:08d}",
        "q": "0.50",
        "T": 1_790_000_000_000 + number,
        "m": number % 2 == 0,
        "M": True,
    }


def write_session(path: Path, *, seconds: int = 60) -> None:
    """Write a session of a trade a second, with a snapshot before it and another in the middle."""
    lines = []

    def add(after: float, kind: str, **fields: Any) -> None:
        lines.append(json.dumps({"t_ns": START_NS + int(after * 1e9), "kind": kind, **fields}))

    url = "https://api.binance.com/api/v3/depth?symbol=ABCD&limit=1000"
    for second in range(seconds):
        if second in (0, seconds // 2):
            book = {"lastUpdateId": second, "bids": [["1.10", "2"]], "asks": [["1.20", "3.0"]]}
            add(second, "http", method="GET", url=url, raw=json.dumps(book))
        raw = json.dumps({"stream": "abcd@trade", "data": trade(second)}, separators=(",", ":"))
        add(second, "ws", raw=raw)
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


@pytest.mark.parametrize("name", ["own.session.jsonl", "own.session.jsonl.gz"])
@pytest.mark.parametrize("slow", [False, True])
async def test_a_session_of_our_own_comes_whole(
    name: str, slow: bool, tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / name
    write_session(path)
    async with open_binance(BinanceConfig.replay(path)) as bx:
        with trio.fail_after(3600):
            heard = await collect(bx, ["abcd@trade"], buffer=1, pause=lambda _: 1.0 if slow else 0.0)
    assert [wire(event) for event in heard["abcd@trade"]] == [trade(number) for number in range(60)]


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 59.0), (10.0, 5.9), (None, 0.0)])
async def test_the_pace_is_the_recordings_own_times_the_speed(
    speed: float | None, seconds: float, tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / "own.session.jsonl"
    write_session(path)
    async with open_binance(BinanceConfig.replay(path, speed=speed)) as bx:
        async with bx.streams.trades("ABCD") as feed:
            moments = [trio.current_time() async for _ in feed]
    assert len(moments) == 60
    assert moments[-1] - moments[0] == pytest.approx(seconds, abs=1e-6)
    steps = [after - before for before, after in pairwise(moments)]
    assert steps == pytest.approx([seconds / 59] * 59, abs=1e-6)


async def test_an_answer_is_the_one_of_the_playing_position(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / "own.session.jsonl"
    write_session(path)
    async with open_binance(BinanceConfig.replay(path, speed=1)) as bx:
        assert (await bx.market.depth("ABCD")).last_update_id == 0
        async with bx.streams.trades("ABCD") as feed:
            async for event in feed:
                depth = await bx.market.depth("ABCD")
                assert depth.last_update_id == (0 if event.trade_id < 30 else 30)
                assert str(depth.asks[0].quantity) == "3.0"


async def test_a_consumer_that_leaves_does_not_stop_the_others(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / "own.session.jsonl"
    write_session(path)
    async with open_binance(BinanceConfig.replay(path)) as bx:
        heard: dict[int, list[int]] = {1: [], 60: []}

        async def read(count: int) -> None:
            async with bx.streams.trades("ABCD", buffer=1) as feed:
                async for event in feed:
                    heard[count].append(event.trade_id)
                    if len(heard[count]) == count == 1:
                        break

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, 1)
            nursery.start_soon(read, 60)
        assert heard == {1: [0], 60: list(range(60))}


async def test_a_feed_opened_after_the_end_ends_at_once(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    path = tmp_path / "own.session.jsonl"
    write_session(path, seconds=3)
    async with open_binance(BinanceConfig.replay(path)) as bx:
        await collect(bx, ["abcd@trade"])
        with trio.fail_after(60):
            assert await collect(bx, ["abcd@trade"]) == {"abcd@trade": []}
