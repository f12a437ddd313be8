"""The two views: what the demo looks like on a terminal of any size, and as plain lines."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import trio
import trio.testing
from rich.console import Console

from trio_binance._cli.live import STORY_ROWS, LiveView, paint
from trio_binance._cli.picture import Picture, Story
from trio_binance._cli.plain import PlainView
from trio_binance._codec.stream import decoder_for
from trio_binance._codec.user import from_json
from trio_binance.models import ExecutionReport

TRADE = b'{"e":"trade","E":%d,"s":"%s","t":%d,"p":"61703.72000000","q":"0.02011000","T":%d,"m":%s,"M":true}'
TOP = b'{"u":9,"s":"%s","b":"61703.72000000","B":"0.02624000","a":"61717.42000000","A":"0.00885000"}'
TIME = 1_790_000_000_123


def trade(symbol: str = "BTCUSDT", number: int = 1, *, sold: bool = False) -> Any:
    raw = TRADE % (TIME, symbol.encode(), number, TIME, b"true" if sold else b"false")
    return decoder_for(f"{symbol.lower()}@trade")(raw)


def top(symbol: str = "BTCUSDT") -> Any:
    return decoder_for(f"{symbol.lower()}@bookTicker")(TOP % symbol.encode())


def report(status: str, filled: str, trade_id: int = -1, last: str = "0.00000000") -> ExecutionReport:
    raw: dict[str, Any] = {
        "e": "executionReport", "E": TIME, "s": "BTCUSDT", "c": "tb-1", "S": "BUY", "o": "LIMIT", "f": "GTC",
        "q": "0.30000000", "p": "62328.55000000", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "",
        "x": "TRADE" if trade_id >= 0 else status, "X": status, "r": "NONE", "i": 471, "l": last, "z": filled,
        "L": "61711.44000000", "n": "0", "N": None, "T": TIME, "t": trade_id, "I": 1, "w": True, "m": False,
        "M": True, "O": TIME, "Z": "18805.38003420", "Y": "0.00000000", "Q": "0.00000000", "V": "NONE",
    }  # fmt: skip
    event = from_json(raw)
    assert isinstance(event, ExecutionReport)
    return event


async def fill(story: Story, steps: int = 2) -> None:
    """Tell a story on a mock clock: sent, accepted, filled in so many steps."""
    story.on_sent("BUY 0.30000000 BTCUSDT, limit 62328.55000000")
    await trio.sleep(0.010)
    assert not story.on_report(report("NEW", "0.00000000"))
    for number in range(1, steps):
        assert not story.on_report(report("PARTIALLY_FILLED", f"0.{number:08}", number, "0.00000001"))
    await trio.sleep(0.0025)
    assert story.on_report(report("FILLED", "0.30000000", steps, "0.10000000"))


async def busy_picture(steps: int = 2) -> Picture:
    picture = Picture("embedded exchange", 10.0)
    picture.story = Story()
    picture.status, picture.offset = "READY", "+1.5 ms"
    for symbol in ("BTCUSDT", "ETHUSDT"):
        picture.take(top(symbol))
        for number in range(30):
            picture.take(trade(symbol, number, sold=number % 2 == 0))
    await fill(picture.story, steps)
    return picture


def rendered(picture: Picture, width: int, height: int = 24, **settings: Any) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, highlight=False, **settings)
    console.print(paint(picture, width, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("width", "height"), [(200, 60), (150, 24), (100, 40), (80, 24), (60, 24), (45, 24), (20, 10)])
async def test_the_picture_fits_every_terminal_and_never_changes_its_height(
    width: int, height: int, autojump_clock: trio.testing.MockClock
) -> None:
    blank = Picture("embedded exchange", 10.0)
    blank.story = Story()
    blank.take(top("BTCUSDT"))
    blank.take(top("ETHUSDT"))
    lines = rendered(await busy_picture(), width, height).splitlines()
    assert all(len(line) <= width for line in lines)
    assert len(lines) == len(rendered(blank, width, height).splitlines())
    if height >= 24:
        assert len(lines) < height


@pytest.mark.parametrize("width", [80, 150])
async def test_numbers_stand_in_columns_with_every_digit(width: int, autojump_clock: trio.testing.MockClock) -> None:
    text = rendered(await busy_picture(), width)
    assert "0.02624000  61703.72000000  61717.42000000    0.00885000" in text
    assert "buy   0.02011000  61703.72000000" in text
    assert "sell  0.02011000  61703.72000000" in text
    assert "14:13:20.123" in text


async def test_on_a_narrow_terminal_what_matters_less_goes_first(autojump_clock: trio.testing.MockClock) -> None:
    text = rendered(await busy_picture(), 45)
    assert "61703.72000000  61717.42000000" in text
    assert "0.02011000  61703.72000000" in text
    assert "fill    0.10000000 @ 61711.44000000" in text
    assert "14:13:20" not in text
    assert "0.02624000" not in text


async def test_the_order_tells_its_story_with_the_time_it_took(autojump_clock: trio.testing.MockClock) -> None:
    text = rendered(await busy_picture(), 80)
    steps = [line.strip("│ ").split() for line in text.splitlines() if " ms  " in line and "+" in line]
    assert [(step[0], step[2]) for step in steps[-5:]] == [
        ("+0.0", "sent"), ("+10.0", "NEW"), ("+10.0", "fill"), ("+12.5", "fill"), ("+12.5", "FILLED"),
    ]  # fmt: skip


async def test_of_a_long_story_the_beginning_and_the_end_are_shown(autojump_clock: trio.testing.MockClock) -> None:
    picture = await busy_picture(steps=20)
    text = rendered(picture, 80)
    assert picture.story is not None
    assert len(picture.story.steps) > STORY_ROWS
    assert "sent" in text
    assert "FILLED" in text


async def test_a_story_ends_with_a_sentence(autojump_clock: trio.testing.MockClock) -> None:
    story = Story()
    await fill(story)
    assert story.end == (
        "order 471 FILLED: 0.30000000 of 0.30000000 BTCUSDT for 18805.38003420, 12.5 ms after it was sent"
    )


async def test_an_order_that_ends_without_a_trade_says_so(autojump_clock: trio.testing.MockClock) -> None:
    story = Story()
    story.on_sent("BUY")
    assert story.on_report(report("EXPIRED", "0.00000000"))
    assert [step.word for step in story.steps] == ["sent", "EXPIRED"]
    assert "EXPIRED: 0.00000000 of 0.30000000" in story.end


async def test_colours_tell_buyers_from_sellers_and_stay_away_when_unwanted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    picture = await busy_picture()
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    tinted = rendered(picture, 80, force_terminal=True, color_system="standard", _environ={})
    assert colour.search(tinted)
    plain = rendered(picture, 80, force_terminal=True, color_system="standard", _environ={"NO_COLOR": "1"})
    assert not colour.search(plain)


async def test_a_terminal_without_line_drawing_gets_ascii(autojump_clock: trio.testing.MockClock) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=file, width=80, highlight=False)
    console.print(paint(await busy_picture(), 80, 24))


async def test_the_latest_notice_and_the_progress_are_shown(autojump_clock: trio.testing.MockClock) -> None:
    picture = await busy_picture()
    picture.notices += ["older", "connection lost: reset"]
    await trio.sleep(4)
    text = rendered(picture, 100)
    assert "connection lost: reset" in text
    assert "older" not in text
    assert "4 of 10 s" in text


async def test_a_recording_shows_no_order_and_no_progress(autojump_clock: trio.testing.MockClock) -> None:
    picture = Picture("recorded session", None)
    await trio.lowlevel.checkpoint()
    for width in (150, 80):
        text = rendered(picture, width)
        assert "one order" not in text
        assert "waiting for the first prices" in text


async def test_the_rate_is_that_of_the_last_two_seconds(autojump_clock: trio.testing.MockClock) -> None:
    picture = Picture("", None)
    for second in range(6):
        for _ in range(10 if second < 3 else 40):
            picture.take(trade())
        await trio.sleep(1)
        picture.mark()
    assert picture.rate == pytest.approx(40)


async def test_the_summary_counts_by_kind(autojump_clock: trio.testing.MockClock) -> None:
    picture = Picture("", None)
    await trio.sleep(2)
    assert picture.summary() == "0 messages in 2.0 s (0/s): none"
    for event in (trade(), trade(), top(), object()):
        picture.take(event)
    assert picture.summary() == "4 messages in 2.0 s (2/s): 2 trades, 1 best prices, 1 others"


async def test_a_frame_is_shown_whole_and_the_cursor_comes_back(autojump_clock: trio.testing.MockClock) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=24, _environ={"TERM": "xterm"})
    with LiveView(await busy_picture(), console) as view:
        await view.refresh()
        await view.refresh()
    text = file.getvalue()
    assert text.count("\x1b[?2026h") == text.count("\x1b[?2026l") == 2
    assert text.index("\x1b[?2026h") < text.index("embedded exchange") < text.index("\x1b[?2026l")
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


async def test_plain_lines_tell_the_market_once_a_second_and_the_order_at_once(
    autojump_clock: trio.testing.MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = Picture("", None)

    def lines() -> list[str]:
        return capfd.readouterr().out.splitlines()

    with PlainView(picture) as view:
        await view.refresh()
        assert lines() == []
        picture.take(top())
        picture.take(trade(number=1))
        await view.refresh()
        assert lines() == [
            "trade  14:13:20.123  BTCUSDT     buy       0.02011000 @ 61703.72000000",
            "book   BTCUSDT         0.02624000 @ 61703.72000000 | 61717.42000000 @ 0.00885000",
        ]
        picture.take(trade(number=2, sold=True))
        picture.story = Story()
        await fill(picture.story)
        picture.notices.append("connection lost")
        await view.refresh()
        told = lines()
        assert [line.split()[0] for line in told] == ["order"] * 5 + ["notice"]
        assert told[2] == "order     10.0 ms  fill      0.00000001 @ 61711.44000000   0.00000001 of 0.30000000"
        await trio.sleep(1)
        await view.refresh()
        assert lines() == ["trade  14:13:20.123  BTCUSDT     sell      0.02011000 @ 61703.72000000"]
        await trio.sleep(1)
        await view.refresh()
        assert lines() == []
