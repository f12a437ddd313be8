"""The command line: ``trio-binance demo``, ``watch`` and ``doctor``."""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

try:
    from cyclopts import App, Parameter, validators
except ImportError:  # the package was installed without its command line
    sys.stderr.write("trio-binance: the command line is not installed; run: pip install 'trio-binance-connector[cli]'\n")
    raise SystemExit(2) from None

import trio

from trio_binance._services.service import exit_request
from trio_binance.config import BinanceConfig, Environment
from trio_binance.errors import BinanceError, UsageError

from . import demo as demo_command
from . import doctor as doctor_command
from . import watch as watch_command
from .output import fail

EnvironmentName = Literal["sandbox", "production", "market_data_only", "testnet", "demo", "us"]
Seconds = Annotated[float, Parameter(validator=validators.Number(gt=0))]


def _version() -> str:
    try:
        return version("trio-binance-connector")
    except PackageNotFoundError:
        return "unknown"


app = App(
    name="trio-binance",
    help="Binance Spot for Trio. `demo` needs no keys and no network.",
    version=_version,
    version_flags=["--version"],
)


@app.command
def demo(*, seconds: Seconds = 10.0, replay: Path | None = None, speed: Seconds | None = None, seed: int = 7) -> int:
    """Show an exchange at work: trades, the top of the book, and one order from placement to fill.

    Parameters
    ----------
    seconds:
        How long to show it; a replay ends earlier when its recording does.
    replay:
        Play this recorded session instead of the embedded exchange.
    speed:
        Times the recording's own pace; without it, as fast as it goes.
    seed:
        Everything random in the embedded exchange comes from it.
    """
    if replay is not None:
        config = BinanceConfig.replay(replay, speed=speed)
        return run(lambda: demo_command.show_replay(config, replay, seconds))
    return run(lambda: demo_command.show_exchange(BinanceConfig.sandbox(seed=seed), seconds))


@app.command
def watch(
    symbols: Annotated[tuple[str, ...], Parameter(name="SYMBOL", negative=())],
    /,
    *,
    stream: watch_command.StreamName = "trades",
    env: EnvironmentName = "production",
    interval: str = "1m",
    json: bool = False,
    seconds: Seconds | None = None,
) -> int:
    """Print a stream, one event a line, until Ctrl-C.

    Parameters
    ----------
    symbols:
        Symbols such as BTCUSDT.
    stream:
        Which stream.
    env:
        Which exchange; `sandbox` runs inside this process.
    interval:
        Of candles: 1s, 1m, 5m, 1h, 1d and so on.
    json:
        One JSON object a line, every number as exact text.
    seconds:
        Stop after so long.
    """
    if not symbols:
        return fail("give at least one symbol, e.g. BTCUSDT", 2)
    config = public_config(env)
    return run(lambda: watch_command.show(config, symbols, stream, interval=interval, json=json, seconds=seconds))


@app.command
def doctor(*, env: EnvironmentName | None = None) -> int:
    """Check that the exchange is reachable, the clock right, the limits free, and what the key may do.

    The key comes from the BINANCE_* variables; without one, only the public side is checked.

    Parameters
    ----------
    env:
        Which exchange; by default BINANCE_ENVIRONMENT, or production.
    """
    if env == "sandbox":
        config = BinanceConfig.sandbox()
    else:
        config = BinanceConfig.from_env({**os.environ, **({} if env is None else {"BINANCE_ENVIRONMENT": env})})
    return run(lambda: doctor_command.examine(config))


def public_config(env: EnvironmentName) -> BinanceConfig:
    """Return the configuration of an environment without a key: looking needs none."""
    return BinanceConfig.sandbox() if env == "sandbox" else BinanceConfig(Environment.presets()[env])


def run(main: Callable[[], Awaitable[int]]) -> int:
    """Run a command and return its exit code: 0, 1 when it failed, 2 when it was asked wrongly, 130 after Ctrl-C."""
    try:
        # Interrupted at a checkpoint only, so that every `finally` in between runs whole.
        return trio.run(main, restrict_keyboard_interrupt_to_checkpoints=True)
    except BrokenPipeError:
        # The reader went away, as in `watch ... | head`: stop, and let nothing be flushed into the broken pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UsageError as exc:
        return fail(str(exc), 2)
    except BinanceError as exc:
        return fail(str(exc), 1)
    except BaseException as exc:
        if isinstance(exit_request(exc), KeyboardInterrupt):
            return 128 + signal.SIGINT
        raise


def main() -> None:
    """Run the command line and exit."""
    try:
        code = app(result_action="return_value")
    except UsageError as exc:
        code = fail(str(exc), 2)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    raise SystemExit(code if isinstance(code, int) else 0)
