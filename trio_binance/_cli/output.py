"""The output: where lines go, how numbers and moments are written, and whether somebody looks at a terminal."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import trio
from rich.console import Console
from rich.text import Text

from trio_binance._pure.decimals import to_text
from trio_binance.models import as_datetime

if TYPE_CHECKING:
    from trio_binance.models import Timestamp


def fail(message: str, code: int) -> int:
    """Say on standard error what went wrong and return the exit code."""
    tell(message)
    return code


def tell(message: str) -> None:
    """Write a line for people on standard error; a reader that has gone misses nothing that matters."""
    try:
        sys.stderr.write(f"trio-binance: {message}\n")
        sys.stderr.flush()
    except OSError:
        pass


def console() -> Console:
    """Return the console of standard output."""
    return Console(highlight=False)


def is_watched(out: Console) -> bool:
    """Return whether somebody looks at a terminal that can be painted on; colours forced into a pipe are none."""
    return sys.stdout.isatty() and out.is_terminal and not out.is_dumb_terminal


async def write(*lines: str) -> None:
    """Write lines to standard output at once, in a thread: a reader that has stopped reading must not stop us.

    Cancelled: returns at once; a line may then be cut.

    Raises:
        BrokenPipeError: the reader has gone.
        OSError: the device is full.
    """
    stdout = sys.stdout
    stdout.flush()
    data = "".join(f"{line}\n" for line in lines).encode(stdout.encoding, "backslashreplace")
    await trio.to_thread.run_sync(_write_all, stdout.fileno(), data, abandon_on_cancel=True)


def _write_all(fd: int, data: bytes) -> None:
    """Write straight to the descriptor: a lock of ``sys.stdout`` held by an abandoned thread would stop our exit."""
    while data:
        data = data[os.write(fd, data) :]


def clock_text(timestamp: Timestamp) -> str:
    """Return a moment's time of day in UTC, to the millisecond."""
    return as_datetime(timestamp).strftime("%H:%M:%S.%f")[:-3]


def number(value: Decimal, style: str = "") -> Text:
    """Return a number as the exchange wrote it, every digit of it; zeros that end a fraction are dimmed."""
    plain = to_text(value)
    kept = plain.rstrip("0").rstrip(".") if "." in plain else plain
    text = Text(plain, style)
    text.stylize("dim", len(kept))
    return text
