"""The demo: the embedded exchange, an order that is always filled, and recordings with their totals."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from rich.console import Console

from trio_binance._cli import demo
from trio_binance._cli.picture import Story
from trio_binance.config import BinanceConfig
from trio_binance.errors import BinanceError

from .conftest import Cli

BASE_NS = 1_634_000_000_000_000_000
DATA = {
    "btcusdt@trade": '{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"57000.10","q":"0.5","T":1,"m":true,"M":true}',
    "btcusdt@aggTrade": (
        '{"e":"aggTrade","E":%d,"s":"BTCUSDT","a":%d,"p":"57000.10","q":"0.5","f":1,"l":1,"T":1,"m":false,"M":true}'
    ),
    "btcusdt@bookTicker": '{"u":%d%d,"s":"BTCUSDT","b":"57000.10","B":"1.20","a":"57000.20","A":"2"}',
    "btcusdt@someday": '{"e":"someday","E":%d,"n":%d}',
}


def record(path: Path, per_stream: int) -> Path:
    lines = []
    for number in range(per_stream):
        for stream, data in DATA.items():
            raw = f'{{"stream":"{stream}","data":{data % (number + 1, number)}}}'
            lines.append(json.dumps({"kind": "ws", "t_ns": BASE_NS + number * 10**9, "raw": raw}))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_demo_shows_trades_books_and_an_order_from_placement_to_fill(cli: Cli) -> None:
    result = cli("demo", "--seconds", "0.6")
    assert (result.code, result.err) == (0, "")
    kinds = {line.split()[0] for line in result.lines}
    assert {"trade", "book", "order"} <= kinds
    steps = [line.split()[3] for line in result.lines if line.startswith("order  ")]
    assert (steps[:2], steps[-1]) == (["sent", "NEW"], "FILLED")
    assert steps[2:-1] == ["fill"] * len(steps[2:-1])
    assert len(steps) >= 5, "it fills in more than one step"
    assert re.search(r"messages in \d+\.\d s \(\d+/s\): .*trades", result.lines[-2])
    assert re.match(r"order \d+ FILLED: (\S+) of \1 BTCUSDT for ", result.lines[-1])


@pytest.mark.parametrize("seed", [0, 1, 8])
async def test_whatever_the_seed_the_order_is_filled_before_the_demo_is_over(
    seed: int, autojump_clock: trio.testing.MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await demo.show_exchange(BinanceConfig.sandbox(seed=seed, activity=100.0), 1.0) == 0
    out = capfd.readouterr().out
    assert "FILLED: " in out
    assert "in 1.0 s" in out or "in 1.1 s" in out


async def test_a_slow_machine_gets_more_time_for_the_order(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    choose = demo._choose

    async def slowly(bx: Any) -> Any:
        await trio.sleep(5)
        return await choose(bx)

    monkeypatch.setattr(demo, "_choose", slowly)
    assert await demo.show_exchange(BinanceConfig.sandbox(seed=7), 1.0) == 0
    assert "FILLED" in capfd.readouterr().out


async def test_an_order_that_is_not_filled_fails_the_demo(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def never(*_args: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(demo, "_trade", never)
    assert await demo.show_exchange(BinanceConfig.sandbox(seed=7), 1.0) == 1
    assert capfd.readouterr().err == "trio-binance: the order was not filled within 21 s\n"


async def test_an_order_that_ends_otherwise_than_filled_fails_the_demo(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Story, "on_report", lambda _story, _report: True)
    assert await demo.show_exchange(BinanceConfig.sandbox(seed=7), 1.0) == 1


def test_an_error_of_ours_comes_out_as_one_message(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_bx: object) -> None:
        raise BinanceError("the book is empty")

    monkeypatch.setattr(demo, "_choose", broken)
    result = cli("demo", "--seconds", "5")
    assert (result.code, result.err) == (1, "trio-binance: the book is empty\n")


def test_a_recording_is_played_to_its_end_and_counted(cli: Cli, tmp_path: Path) -> None:
    path = record(tmp_path / "a.session.jsonl", 300)
    result = cli("demo", "--replay", str(path))
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == "recorded session of 299 s, 1,200 records: 1,200 messages"
    assert result.lines[-1].startswith("1,200 messages in ")
    for kind in ("300 trades", "300 aggregate trades", "300 best prices", "300 others"):
        assert kind in result.lines[-1]


def test_a_recording_at_its_own_pace_can_be_cut_short(cli: Cli, tmp_path: Path) -> None:
    path = record(tmp_path / "a.session.jsonl", 300)
    result = cli("demo", "--replay", str(path), "--speed", "1", "--seconds", "0.3")
    assert result.code == 0
    assert result.lines[-1] == "stopped after 0.3 s, before the end of the recording"
    assert result.lines[-2].startswith("4 messages in ")


def test_real_traffic_is_counted_to_the_last_message(cli: Cli, recordings: Path) -> None:
    result = cli("demo", "--replay", str(recordings / "cryptofeed" / "us20211012.session.jsonl.gz"))
    assert result.lines[-1].startswith("480 messages in ")
    assert "336 book changes, 128 best prices, 11 aggregate trades, 5 candles" in result.lines[-1]


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ({"http": 1, "ws": 79_743}, "79,743 messages, 1 snapshot"),
        ({"ws": 1, "connect": 2, "http": 2}, "1 message, 2 snapshots, 2 connections"),
        ({"ws": 5}, "5 messages"),
    ],
)
def test_the_records_of_a_recording_are_told_by_kind(kinds: dict[str, int], told: str) -> None:
    assert demo.describe_kinds(Counter(kinds)) == told


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the demo paint on a terminal of 80 by 24."""
    monkeypatch.setattr(demo, "is_watched", lambda _out: True)
    monkeypatch.setattr(
        demo, "console", lambda: Console(force_terminal=True, width=80, height=24, _environ={"TERM": "xterm"})
    )


@pytest.mark.usefixtures("terminal")
def test_a_recording_shows_no_clock_for_its_own_stood_years_away(cli: Cli, tmp_path: Path) -> None:
    result = cli("demo", "--replay", str(record(tmp_path / "a.session.jsonl", 300)), "--speed", "300")
    assert result.code == 0
    assert "1,200 in all" in result.out
    assert "clock" not in result.out


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_it_is_painted(cli: Cli) -> None:
    result = cli("demo", "--seconds", "0.5")
    assert result.code == 0
    assert "top of book" in result.out
    assert "   clock " in re.sub(r"\x1b\[[0-9;]*m", "", result.out)
    assert "\x1b[?25h" in result.out
    assert result.lines[-1].startswith("order ")


async def test_what_happens_to_the_connection_is_noted_in_the_picture(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "notice", lambda event: f"heard {event.name}" if event.name == "connected" else None)
    assert await demo.show_exchange(BinanceConfig.sandbox(seed=7), 1.0) == 0
    assert "notice heard connected" in capfd.readouterr().out
