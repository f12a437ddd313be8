"""The output: one console for tables and live views, plain lines where nobody looks at a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

from trio_binance.models import as_datetime

if TYPE_CHECKING:
    from trio_binance.models import Timestamp


def fail(message: str, code: int) -> int:
    """Say on standard error what went wrong and return the exit code."""
    sys.stderr.write(f"trio-binance: {message}\n")
    return code


def console() -> Console:
    """Return the console; ``console.is_terminal`` tells whether somebody looks at it."""
    return Console(highlight=False)


def line(text: str) -> None:
    """Write a plain line at once, as a pipe's reader expects. Raises ``BrokenPipeError`` when it has gone."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def clock_text(timestamp: Timestamp) -> str:
    """Return a moment's time of day in UTC, to the millisecond."""
    return as_datetime(timestamp).strftime("%H:%M:%S.%f")[:-3]
