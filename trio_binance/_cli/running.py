"""The run: a command under Trio, ended by Ctrl-C or SIGTERM, and the exit code and message its end comes to."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import trio

from trio_binance._services.service import exit_request, leaves
from trio_binance.errors import BinanceError, UsageError

from .output import fail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FAILED, USAGE, INTERRUPTED = 1, 2, 128 + signal.SIGINT


def run(main: Callable[[], Awaitable[int]]) -> int:
    """Run a command and return its exit code: its own, 1 when it failed, 2 when asked wrongly, 128 + the signal."""
    try:
        return trio.run(_until_signalled, main, restrict_keyboard_interrupt_to_checkpoints=True)
    except BaseException as exc:  # noqa: ASYNC103 - Trio has ended: no cancellation comes here
        code = code_for(exc)
        if code is None:
            raise
        return code  # noqa: ASYNC104


async def _until_signalled(main: Callable[[], Awaitable[int]]) -> int:
    """Run ``main`` until it ends or the first signal comes, which cancels it: every ``finally`` runs whole."""
    codes: list[int] = []

    async def listen(*, task_status: trio.TaskStatus[None]) -> None:
        # The first signal ends this block, so that a second one does what it does anywhere: end us at once.
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            codes.append(128 + await anext(signals))
        nursery.cancel_scope.cancel(reason="a signal")

    async with trio.open_nursery() as nursery:
        await nursery.start(listen)
        codes.append(await main())
        nursery.cancel_scope.cancel(reason="the command is done")
    return codes[0]


def code_for(error: BaseException) -> int | None:
    """Say what ended a command, and return its exit code; ``None`` for a bug, whose traceback is worth reading.

    What several tasks raised together comes as one message: that of the first one meant for people.
    """
    if isinstance(exit_request(error), KeyboardInterrupt):
        return INTERRUPTED
    found = [leaf for leaf in leaves(error) if isinstance(leaf, BinanceError | OSError)]
    if not found:
        return None
    first = next((leaf for leaf in found if isinstance(leaf, BinanceError)), found[0])
    if isinstance(first, BrokenPipeError):
        # The reader has gone, as in `watch ... | head`: that is how it says it has enough.
        _abandon_stdout()
        return 0
    if isinstance(first, OSError):
        _abandon_stdout()
        return fail(str(first) if first.filename else first.strerror or str(first), FAILED)
    return fail(str(first), USAGE if isinstance(first, UsageError) else FAILED)


def _abandon_stdout() -> None:
    """Have nothing flushed at exit into an output that takes no more."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
