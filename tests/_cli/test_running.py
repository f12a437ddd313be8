"""The run: signals, exit codes, and one message for whatever several tasks raised."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

from trio_binance._cli.running import code_for, run
from trio_binance.errors import BinanceError, ConfigError, ConnectError


@contextmanager
def own_stdout() -> Iterator[None]:
    """Give the block a standard output it may abandon."""
    kept = os.dup(sys.stdout.fileno())
    try:
        yield
    finally:
        os.dup2(kept, sys.stdout.fileno())
        os.close(kept)


def test_a_command_returns_its_own_code() -> None:
    async def main() -> int:
        await trio.lowlevel.checkpoint()
        return 1

    assert run(main) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_at_once_and_every_finally_clause_runs(
    number: signal.Signals, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    cleaned = []

    async def main() -> int:
        try:
            os.kill(os.getpid(), number)
            await trio.sleep(30)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.01)
                cleaned.append(True)
        raise AssertionError("not reached")

    assert run(main) == code
    assert cleaned == [True]
    assert capfd.readouterr() == ("", "")


def test_a_second_ctrl_c_does_not_wait_for_a_cleanup_that_hangs() -> None:
    async def main() -> int:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await trio.sleep(30)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.01)
                os.kill(os.getpid(), signal.SIGINT)
                await trio.sleep(30)
        raise AssertionError("not reached")

    with trio_deadline(5):
        assert run(main) == 130


@contextmanager
def trio_deadline(seconds: int) -> Iterator[None]:
    """Fail rather than hang: the alarm ends the whole run."""
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def test_what_several_tasks_raised_comes_as_one_message(capfd: pytest.CaptureFixture[str]) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def main() -> int:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail, ConnectError("no way"))
            nursery.start_soon(fail, ConnectError("no way"))
        raise AssertionError("not reached")

    assert run(main) == 1
    assert capfd.readouterr() == ("", "trio-binance: no way\n")


def test_a_bug_leaves_as_it_is() -> None:
    async def main() -> int:
        await trio.lowlevel.checkpoint()
        return 1 // 0

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        run(main)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ConfigError("speed=-1"), 2, "trio-binance: speed=-1\n"),
        (BinanceError("broken"), 1, "trio-binance: broken\n"),
        (KeyboardInterrupt(), 130, ""),
        (BaseExceptionGroup("", [KeyboardInterrupt(), BinanceError("x")]), 130, ""),
        (ExceptionGroup("", [BrokenPipeError(), BinanceError("x")]), 1, "trio-binance: x\n"),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (OSError(28, "No space left on device"), 1, "trio-binance: No space left on device\n"),
        (OSError(13, "Permission denied", "/x"), 1, "trio-binance: [Errno 13] Permission denied: '/x'\n"),
    ],
)
def test_each_end_has_its_code_and_message(
    error: BaseException, code: int, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with own_stdout():
        assert code_for(error) == code
    assert capfd.readouterr() == ("", told)


def test_a_bug_has_no_code() -> None:
    assert code_for(ZeroDivisionError()) is None
