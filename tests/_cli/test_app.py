"""The command line: what it says, where, and with which exit code."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from trio_binance._cli import app as app_module
from trio_binance._cli import demo, doctor, watch
from trio_binance._cli.app import public_config
from trio_binance.config import BinanceConfig, ReplaySpec, SandboxSpec
from trio_binance.errors import ConfigError

from .conftest import Cli


def test_help_names_every_command(cli: Cli) -> None:
    result = cli("--help")
    assert result.code == 0
    assert all(name in result.out for name in ("demo", "watch", "doctor", "--version"))
    assert result.err == ""


def test_no_command_shows_the_help(cli: Cli) -> None:
    assert "Usage: trio-binance" in cli().out


def test_version_is_that_of_the_distribution(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "1.2.3")
    assert cli("--version").out == "1.2.3\n"


def test_a_checkout_that_is_not_installed_has_no_version(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert cli("--version").out == "unknown\n"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["nope"], 'Unknown command "nope"'),
        (["watch"], "SYMBOL: give at least one, such as BTCUSDT"),
        (["watch", "BTCUSDT", "--stream", "all_mini_tickers"], "SYMBOL BTCUSDT: --stream all_mini_tickers is of all"),
        (["watch", "BTCUSDT", "--stream", "x"], 'Invalid value "x" for --stream'),
        (["watch", "BTCUSDT", "--env", "mars"], 'Invalid value "mars" for --env'),
        (["watch", "BTCUSDT", "--stream", "klines", "--interval", "7z"], "--interval 7z: expected one of 1s, 1m"),
        (["watch", "BTCUSDT", "--interval", "1m"], "--interval 1m: only for --stream klines, not trades"),
        (["watch", "BTCUSDT", "--stream", "depth", "--levels", "7"], 'Invalid value "7" for --levels'),
        (["watch", "BTCUSDT", "--levels", "5"], "--levels 5: only for --stream depth, not trades"),
        (["watch", "BTCUSDT", "--time-zone", "+08:00"], "--time-zone +08:00: only for --stream klines, not trades"),
        (["watch", "BTCUSDT", "--window", "2h"], 'Invalid value "2h" for --window'),
        (
            ["watch", "BTCUSDT", "--window", "4h"],
            "--window 4h: only for --stream rolling_ticker or all_rolling_tickers, not trades",
        ),
        (["watch", "BTC/USDT", "--env", "sandbox"], "symbols='BTC/USDT'"),
        (["demo", "--seconds", "soon"], '--seconds: unable to convert "soon"'),
        (["demo", "--seconds", "0"], 'Invalid value "0.0" for --seconds'),
        (["demo", "--seconds", "nan"], 'Invalid value "nan" for --seconds'),
        (["demo", "--replay", "/no/such/file"], "--replay /no/such/file: no such file"),
        (["demo", "--speed", "2"], "--speed 2: only --replay has a speed, not the embedded exchange"),
        (
            ["demo", "--seed", "7", "--replay", __file__],
            "--seed 7: only the embedded exchange has a seed, not --replay",
        ),
    ],
)
def test_what_was_asked_wrongly_is_named_on_stderr_with_exit_code_2(cli: Cli, argv: list[str], told: str) -> None:
    result = cli(*argv)
    assert result.code == 2
    assert told in result.err
    assert result.err.startswith("trio-binance: ")
    assert result.err.count("\n") == 1
    assert result.out == ""


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["nope"], ""),
        (["watch"], "watch "),
        (["watch", "BTCUSDT", "--env", "mars"], "watch "),
        (["watch", "BTCUSDT", "--interval", "1m"], "watch "),
        (["demo", "--seconds", "soon"], "demo "),
        (["demo", "--speed", "2"], "demo "),
        (["doctor", "--nope"], "doctor "),
    ],
)
def test_who_asked_wrongly_is_told_where_the_right_way_is_written(cli: Cli, argv: list[str], command: str) -> None:
    told = cli(*argv).err
    assert told.endswith(f". Try: trio-binance {command}--help\n")
    assert ".." not in told


def test_the_help_says_whose_json_it_is(cli: Cli) -> None:
    text = " ".join(re.sub("[│╭╮╰╯─]", " ", cli("watch", "--help").out).split())
    assert "The exchange's own JSON with its own short keys (p is a price), one object a line" in text
    assert "by default BINANCE_ENVIRONMENT, or production" in text


def test_a_variable_with_half_a_key_is_a_wrong_question(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_KEY", "key")
    result = cli("doctor")
    assert (result.code, result.out) == (2, "")
    assert "BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE: missing" in result.err


def test_a_file_that_is_no_recording_is_named_with_its_line(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "notes.session.jsonl"
    path.write_text("hello\n")
    result = cli("demo", "--replay", str(path))
    assert result.code == 2
    assert f"{path}, line 1" in result.err


def test_a_bug_leaves_with_its_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_env: object) -> BinanceConfig:
        raise ZeroDivisionError

    monkeypatch.setattr(app_module, "public_config", broken)
    monkeypatch.setattr(sys, "argv", ["trio-binance", "watch", "BTCUSDT"])
    with pytest.raises(ZeroDivisionError):
        app_module.main()


def test_ctrl_c_before_a_command_runs_is_no_traceback_either(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_env: object) -> BinanceConfig:
        raise KeyboardInterrupt

    monkeypatch.setattr(app_module, "public_config", interrupted)
    assert cli("watch", "BTCUSDT").code == 130


def test_watching_uses_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_KEY", "half a key is no reason not to look")
    monkeypatch.delenv("BINANCE_ENVIRONMENT", raising=False)
    assert public_config(None) == public_config("production")
    assert public_config("production").credentials is None
    assert public_config("testnet").environment.name == "testnet"
    assert isinstance(public_config("sandbox").embedded, SandboxSpec)


def test_demo_hands_on_its_options(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[object, ...]] = []

    async def show(config: BinanceConfig, *rest: object) -> int:
        seen.append((config.embedded, *rest))
        return 0

    monkeypatch.setattr(demo, "show_exchange", show)
    monkeypatch.setattr(demo, "show_replay", show)
    path = tmp_path / "a.session.jsonl"
    path.write_text("")
    assert cli("demo", "--seed", "3").code == cli("demo", "--replay", str(path), "--speed", "2").code == 0
    assert seen == [(SandboxSpec(3), 10.0), (ReplaySpec(path, 2.0), path, None)]


def test_the_variable_may_name_the_embedded_exchange_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def examine(config: BinanceConfig) -> int:
        seen.append(config.environment.name)
        return 0

    monkeypatch.setattr(doctor, "examine", examine)
    monkeypatch.setenv("BINANCE_ENVIRONMENT", "Sandbox")
    assert public_config(None).environment.name == "sandbox"
    assert public_config("testnet").environment.name == "testnet"
    assert cli("doctor").code == cli("doctor", "--env", "testnet").code == 0
    assert seen == ["sandbox", "testnet"]


def test_watch_takes_the_environment_of_the_option_before_that_of_the_variable(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def show(config: BinanceConfig, _wish: object) -> int:
        seen.append(config.environment.name)
        return 0

    monkeypatch.setattr(watch, "show", show)
    monkeypatch.setenv("BINANCE_ENVIRONMENT", "testnet")
    cli("watch", "BTCUSDT")
    cli("watch", "BTCUSDT", "--env", "us")
    cli("watch", "BTCUSDT", "--env", "sandbox")
    assert seen == ["testnet", "us", "sandbox"]
    monkeypatch.setenv("BINANCE_ENVIRONMENT", "mars")
    result = cli("watch", "BTCUSDT")
    assert result.code == 2
    assert "BINANCE_ENVIRONMENT='mars': expected one of production" in result.err


def test_doctor_takes_the_environment_of_the_option_before_that_of_the_variable(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def examine(config: BinanceConfig) -> int:
        seen.append(config.environment.name)
        return 0

    monkeypatch.setattr(doctor, "examine", examine)
    monkeypatch.setenv("BINANCE_ENVIRONMENT", "testnet")
    cli("doctor")
    cli("doctor", "--env", "demo")
    cli("doctor", "--env", "sandbox")
    assert seen == ["testnet", "demo", "sandbox"]


def test_replay_of_a_missing_file_stays_a_config_error_below_the_command_line() -> None:
    with pytest.raises(ConfigError, match="no such file"):
        BinanceConfig.replay("/no/such/file")
