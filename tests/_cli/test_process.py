"""The command line as a process of its own: terminals, pipes, signals, and a package without its extra."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "trio_binance"]
COLOUR = (b"\x1b[31m", b"\x1b[32m", b"\x1b[36m")


def environ(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "NO_COLOR", "COV"))}
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


def start(*argv: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *argv], stdout=stdout, stderr=subprocess.PIPE, env=environ())


def test_the_demo_ends_well_within_a_pipe() -> None:
    done = subprocess.run([*COMMAND, "demo", "--seconds", "0.2"], capture_output=True, env=environ(), timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"FILLED: " in done.stdout
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_watching_ends_at_once_without_a_word(number: signal.Signals, code: int) -> None:
    with start("watch", "BTCUSDT", "--env", "sandbox") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        sent = time.monotonic()
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (code, b"")
    assert time.monotonic() - sent < 3


def test_ctrl_c_ends_it_even_while_its_reader_reads_nothing() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ: soon full
    with start("watch", "BTCUSDT", "ETHUSDT", "--env", "sandbox", "--stream", "book_ticker", stdout=writing) as process:
        os.close(writing)
        deadline = time.monotonic() + 1.5
        select.select([reading], [], [], 20)
        time.sleep(max(deadline - time.monotonic(), 0.5))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        os.close(reading)
    assert (process.returncode, err) == (130, b"")


def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    command = f"{' '.join(COMMAND)} watch BTCUSDT --env sandbox | head -2"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, env=environ(), timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_message() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "demo", "--seconds", "0.2"], stdout=full, stderr=subprocess.PIPE, env=environ(), timeout=30
        )
    assert (done.returncode, done.stderr) == (1, b"trio-binance: No space left on device\n")


def test_without_its_extra_the_command_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['cyclopts'] = None; import trio_binance._cli.app"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environ(), timeout=30)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"pip install 'trio-binance-connector[cli]'" in done.stderr


def on_a_terminal(*argv: str, columns: int = 80, **extra: str) -> tuple[int, bytes]:
    """Run a command on a terminal of its own; return its exit code and every byte it painted."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = environ(**{"TERM": "xterm-256color", **extra})
    env.pop("COLUMNS", None)
    with subprocess.Popen([*COMMAND, *argv], stdin=slave, stdout=slave, stderr=slave, env=env) as process:
        os.close(slave)
        painted = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # Linux' way to say that the other side has closed
                break
            if not data:
                break
            painted += data
    os.close(master)
    return process.returncode, painted


def test_on_a_terminal_the_demo_is_painted_in_colours_and_gives_the_cursor_back() -> None:
    code, painted = on_a_terminal("demo", "--seconds", "0.2")
    assert code == 0
    assert b"top of book" in painted
    assert any(mark in painted for mark in COLOUR)
    assert painted.rindex(b"\x1b[?25h") > painted.rindex(b"\x1b[?25l")
    assert b"FILLED: " in painted


@pytest.mark.parametrize("extra", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_without_colours_gets_none_however_narrow(extra: dict[str, str]) -> None:
    code, painted = on_a_terminal("demo", "--seconds", "0.2", columns=40, **extra)
    assert code == 0
    assert not any(mark in painted for mark in COLOUR)
    assert (b"\x1b" in painted) == ("NO_COLOR" in extra)
