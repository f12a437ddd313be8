"""The command line: ``trio-binance demo``, ``watch`` and ``doctor``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

try:
    from cyclopts import App, CycloptsError, Parameter
except ImportError:  # the package was installed without its command line
    sys.stderr.write(
        "trio-binance: the command line is not installed; run: pip install 'trio-binance-connector[cli]'\n"
    )
    raise SystemExit(2) from None

import trio_binance
from trio_binance.config import BinanceConfig, Environment

from . import demo as demo_command
from . import doctor as doctor_command
from . import watch as watch_command
from .output import fail
from .running import USAGE, code_for, run

DEMO_SEED = 7
EnvironmentName = Literal["sandbox", "production", "market_data_only", "testnet", "demo", "us"]


def _positive(_kind: type, value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        raise ValueError("Must be a number > 0.")


Positive = Annotated[float, Parameter(validator=_positive)]


def _version() -> str:
    return trio_binance.__version__


app = App(
    name="trio-binance",
    help="Binance Spot for Trio. `demo` needs no keys and no network.",
    version=_version,
    version_flags=["--version"],
)


@app.command
def demo(
    *,
    seconds: Positive | None = None,
    replay: Path | None = None,
    speed: Positive | None = None,
    seed: int | None = None,
) -> int:
    """Show an exchange at work: trades, the top of the book, and one order from placement to fill.

    Parameters
    ----------
    seconds:
        How long to show it: 10 by default; a recorded session to its end.
    replay:
        Play this recorded session instead of the embedded exchange.
    speed:
        Of --replay: times the recording's own pace; without it, as fast as it goes.
    seed:
        Everything random in the embedded exchange comes from it; 7 by default.
    """
    if replay is None:
        if speed is not None:
            return _refuse(f"--speed {speed:g}: only --replay has a speed, not the embedded exchange", "demo")
        sandbox = BinanceConfig.sandbox(seed=DEMO_SEED if seed is None else seed)
        return run(lambda: demo_command.show_exchange(sandbox, seconds or 10.0))
    if seed is not None:
        return _refuse(f"--seed {seed}: only the embedded exchange has a seed, not --replay", "demo")
    if not replay.is_file():
        return _refuse(f"--replay {replay}: no such file", "demo")
    config = BinanceConfig.replay(replay, speed=speed)
    return run(lambda: demo_command.show_replay(config, replay, seconds))


@app.command
def watch(
    symbols: Annotated[tuple[str, ...], Parameter(name="SYMBOL", negative=())] = (),
    /,
    *,
    stream: watch_command.StreamName = "trades",
    env: EnvironmentName | None = None,
    interval: str | None = None,
    levels: watch_command.LevelCount | None = None,
    window: watch_command.WindowName | None = None,
    time_zone: watch_command.ZoneName | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    seconds: Positive | None = None,
) -> int:
    """Print a stream, one event a line, until Ctrl-C. What happens to the connection is told on standard error.

    Parameters
    ----------
    symbols:
        Symbols such as BTCUSDT; none for the streams of all symbols.
    stream:
        Which stream.
    env:
        Which exchange; by default BINANCE_ENVIRONMENT, or production; `sandbox` runs inside this process.
    interval:
        Of candles: 1s, 1m, 5m, 1h, 1d and so on; 1m by default.
    levels:
        Of the order book: its best levels every second, instead of what changed.
    window:
        Of rolling tickers; 1h by default.
    time_zone:
        Of candles: with the days of UTC+8.
    json:
        The exchange's own JSON with its own short keys (`p` is a price), one object a line, every number as exact text.
    seconds:
        Stop after so long.
    """
    wish = watch_command.Wish(symbols, stream, interval, levels, window, time_zone, json, seconds)
    if flaw := wish.flaw():
        return _refuse(flaw, "watch")
    config = public_config(env)
    return run(lambda: watch_command.show(config, wish))


@app.command
def doctor(*, env: EnvironmentName | None = None) -> int:
    """Check that the exchange is reachable, the clock right, the limits free, and what the key may do.

    The key comes from the BINANCE_* variables; without one, only the public side is checked. Whether it may trade is
    asked by a test order, which the exchange checks and does not execute.

    Parameters
    ----------
    env:
        Which exchange; by default BINANCE_ENVIRONMENT, or production; `sandbox` runs inside this process.
    """
    if is_sandbox(env):
        config = BinanceConfig.sandbox()
    else:
        config = BinanceConfig.from_env({**os.environ, **({} if env is None else {"BINANCE_ENVIRONMENT": env})})
    return run(lambda: doctor_command.examine(config))


def is_sandbox(env: EnvironmentName | None) -> bool:
    """Tell whether the embedded exchange is meant, by the option or else by BINANCE_ENVIRONMENT."""
    return (env or os.environ.get("BINANCE_ENVIRONMENT", "").strip().lower()) == "sandbox"


def public_config(env: EnvironmentName | None) -> BinanceConfig:
    """Return the configuration of an environment without a key: looking needs none.

    Raises:
        ConfigError: none is named, and BINANCE_ENVIRONMENT names one that does not exist.
    """
    if is_sandbox(env):
        return BinanceConfig.sandbox()
    if env is None:
        # Of all the variables this one alone: half a key is no reason not to look.
        return BinanceConfig.from_env({"BINANCE_ENVIRONMENT": os.environ.get("BINANCE_ENVIRONMENT", "")})
    return BinanceConfig(Environment.presets()[env])


def _refuse(flaw: str, *command: str) -> int:
    """Say what was asked wrongly and where the right way is told; return the exit code."""
    return fail(f"{flaw.rstrip('.')}. Try: {' '.join(('trio-binance', *command, '--help'))}", USAGE)


def main() -> NoReturn:
    """Run the command line and exit: 0, 1 when it failed, 2 when it was asked wrongly, 130 after Ctrl-C."""
    try:
        code = app(sys.argv[1:], exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as exc:
        code = _refuse(str(exc), *(exc.command_chain or ()))
    except (Exception, KeyboardInterrupt) as exc:
        told = code_for(exc)
        if told is None:
            raise
        code = told
    raise SystemExit(code or 0)
