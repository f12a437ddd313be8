"""The output: exact numbers, and lines that a slow or vanished reader cannot turn into a hang."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from io import StringIO

import pytest
import trio
from rich.console import Console

from trio_binance._cli.output import clock_text, is_watched, number, tell, write
from trio_binance.models import Timestamp


@pytest.mark.parametrize(
    ("value", "dimmed"),
    [
        ("0.00410000", "0000"),
        ("61703.72000000", "000000"),
        ("5.00000000", ".00000000"),
        ("100", ""),
        ("0.00000001", ""),
    ],
)
def test_a_number_keeps_every_digit_and_its_idle_zeros_are_dimmed(value: str, dimmed: str) -> None:
    text = number(Decimal(value), "green")
    assert text.plain == value
    dim = [text.plain[span.start : span.end] for span in text.spans if span.style == "dim"]
    assert "".join(dim) == dimmed


def test_the_clock_is_utc_to_the_millisecond() -> None:
    assert clock_text(Timestamp(1_790_000_000_123)) == "14:13:20.123"


class Tty(StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_forced_into_a_pipe_make_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", StringIO())
    assert not is_watched(Console(force_terminal=True))
    monkeypatch.setattr(sys, "stdout", Tty())
    assert is_watched(Console(force_terminal=True, _environ={"TERM": "xterm"}))
    assert not is_watched(Console(force_terminal=True, _environ={"TERM": "dumb"}))


class Full(StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_notice_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    tell("hello")


class Piped:
    """A standard output that is a pipe."""

    encoding = "ascii"

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def flush(self) -> None:
        pass


def test_lines_arrive_whole_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdout", Piped(writing))
    trio.run(write, "one", "币安")
    assert os.read(reading, 100) == b"one\n\\u5e01\\u5b89\n"
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        trio.run(write, "two")
    os.close(writing)


def test_a_reader_that_has_stopped_reading_delays_no_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdout", Piped(writing))

    async def main() -> bool:
        with trio.move_on_after(0.05) as scope:
            await write("x" * 10_000_000)
        return scope.cancelled_caught

    assert trio.run(main)
    os.close(reading)  # lets the abandoned thread end
