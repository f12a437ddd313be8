"""The safety net's settings: exact numbers, names in capitals, and nothing that silently guards nobody."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trio_binance import BinanceConfig
from trio_binance.config import Environment, Safety
from trio_binance.errors import ConfigError


def refusal(build: Callable[[], Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        build()
    return str(caught.value)


def test_without_a_word_nothing_is_refused() -> None:
    assert BinanceConfig(Environment.TESTNET).safety is None
    assert not Safety().has_rules
    assert not Safety(cancel_on_exit=5).has_rules


@pytest.mark.parametrize(
    "rule", [{"max_notional": 1}, {"max_open_orders": 1}, {"symbols": ["BTCUSDT"]}, {"dry_run": True}], ids=str
)
def test_each_rule_is_one(rule: dict[str, Any]) -> None:
    assert Safety(**rule).has_rules


@pytest.mark.parametrize("most", [Decimal("100.50"), "100.50"])
def test_the_most_is_an_exact_number(most: Any) -> None:
    assert str(Safety(max_notional=most).max_notional) == "100.50"


def test_the_most_may_be_told_by_asset_and_symbol() -> None:
    given: dict[str, Any] = {"USDT": 1000, "ETHBTC": "0.5"}
    safety = Safety(max_notional=given)
    given["BTC"] = 1
    assert safety.max_notional == {"USDT": Decimal(1000), "ETHBTC": Decimal("0.5")}
    assert hash(safety) == hash(Safety(max_notional={"USDT": 1}))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"max_notional": 0.1}, 'max_notional=0.1: a float is not exact; write Decimal("0.1")'),
        ({"max_notional": True}, "max_notional=True: expected a Decimal"),
        ({"max_notional": "many"}, "max_notional='many': 'many': not a plain decimal number"),
        ({"max_notional": Decimal("NaN")}, "not finite"),
        ({"max_notional": 0}, "max_notional=0: expected a positive number"),
        ({"max_notional": "-1"}, "max_notional='-1': expected a positive number"),
        ({"max_notional": {}}, "max_notional={}: it names no asset"),
        ({"max_notional": {"usdt": 1}}, "max_notional='usdt': expected symbols or assets in capitals"),
        ({"max_notional": {"USDT": 1.5}}, "max_notional[USDT]=1.5: a float is not exact"),
        ({"max_notional": {5: 1}}, "max_notional=5: expected symbols or assets"),
        ({"max_open_orders": 0}, "max_open_orders=0: expected a positive whole number"),
        ({"max_open_orders": True}, "max_open_orders=True: expected"),
        ({"max_open_orders": "5"}, "max_open_orders='5': expected"),
        ({"symbols": "BTCUSDT"}, "symbols='BTCUSDT': expected several"),
        ({"symbols": 5}, "symbols=5: expected several"),
        ({"symbols": []}, "symbols=[]: it allows nothing"),
        ({"symbols": ["btcusdt"]}, "symbols='btcusdt': expected symbols"),
        ({"symbols": [""]}, "symbols='': expected symbols"),
        ({"dry_run": 1}, "dry_run=1: expected true or false"),
        ({"cancel_on_exit": 0}, "cancel_on_exit=0: expected a positive number of seconds"),
        ({"cancel_on_exit": float("inf")}, "cancel_on_exit=inf: expected"),
        ({"cancel_on_exit": float("nan")}, "cancel_on_exit=nan: expected"),
        ({"cancel_on_exit": True}, "cancel_on_exit=True: expected"),
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_kept_is_refused_by_its_name_and_value(rule: dict[str, Any], said: str) -> None:
    message = refusal(lambda: Safety(**rule))
    assert message.startswith("safety: ")
    assert said in message


def test_only_a_safety_is_one() -> None:
    settings: dict[str, Any] = {"safety": {"dry_run": True}}
    assert "safety: expected Safety" in refusal(lambda: BinanceConfig(Environment.TESTNET, **settings))


# ------------------------------------------------------------------------------------------------ from variables


def from_env(**variables: str) -> Safety | None:
    return BinanceConfig.from_env({f"BINANCE_{name}": value for name, value in variables.items()}).safety


def test_variables_set_every_rule() -> None:
    assert from_env() is None
    assert from_env(SAFETY_DRY_RUN="") is None
    assert from_env(
        SAFETY_MAX_NOTIONAL=" USDT=1000, BTC=0.020 ",
        SAFETY_MAX_OPEN_ORDERS="5",
        SAFETY_SYMBOLS="BTCUSDT, ETHUSDT",
        SAFETY_DRY_RUN="True",
        SAFETY_CANCEL_ON_EXIT="2.5",
    ) == Safety(
        max_notional={"USDT": 1000, "BTC": "0.020"},
        max_open_orders=5,
        symbols=frozenset({"BTCUSDT", "ETHUSDT"}),
        dry_run=True,
        cancel_on_exit=2.5,
    )
    assert from_env(SAFETY_MAX_NOTIONAL="100.5") == Safety(max_notional="100.5")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAX_NOTIONAL", "lots", "not a plain decimal number"),
        ("MAX_NOTIONAL", "USDT=1,USDT=2", "one is named twice"),
        ("MAX_NOTIONAL", "USDT=1,5", "max_notional[5]=''"),
        ("MAX_NOTIONAL", "=5", "in capitals"),
        ("MAX_OPEN_ORDERS", "five", "max_open_orders='five'"),
        ("MAX_OPEN_ORDERS", "9" * 5000, "max_open_orders="),
        ("SYMBOLS", "BTCUSDT,", "symbols=''"),
        ("DRY_RUN", "yes", "dry_run='yes'"),
        ("CANCEL_ON_EXIT", "soon", "cancel_on_exit='soon'"),
        ("CANCEL_ON_EXIT", "inf", "cancel_on_exit=inf"),
        ("LIMIT", "5", "unknown; expected one of BINANCE_SAFETY_CANCEL_ON_EXIT, "),
        ("max_notional", "5", "unknown"),
    ],
    ids=lambda text: text[:20],
)
def test_a_variable_that_guards_nobody_is_refused_by_its_name(name: str, value: str, said: str) -> None:
    message = refusal(lambda: from_env(**{f"SAFETY_{name}": value}))
    assert message.startswith(f"BINANCE_SAFETY_{name}: ")
    assert said in message


# ---------------------------------------------------------------------------------------------------- from a file


def from_toml(folder: Path, text: str) -> Safety | None:
    path = folder / "binance.toml"
    path.write_text(text)
    return BinanceConfig.from_toml(path).safety


def test_a_file_sets_every_rule(tmp_path: Path) -> None:
    text = (
        "[binance.safety]\nmax_open_orders = 5\nsymbols = ['BTCUSDT']\ndry_run = true\ncancel_on_exit = 2.5\n"
        "[binance.safety.max_notional]\nUSDT = 1000\nBTC = '0.020'\n"
    )
    assert from_toml(tmp_path, text) == Safety(
        max_notional={"USDT": Decimal(1000), "BTC": Decimal("0.020")},
        max_open_orders=5,
        symbols={"BTCUSDT"},
        dry_run=True,
        cancel_on_exit=2.5,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[binance]\nsafety = 5", "binance.safety: expected a table"),
        ("[binance.safety]\nmax_notinal = 5", "binance.safety.max_notinal: unknown key; expected max_notional, "),
        ("[binance.safety]\nmax_notional = 0.5", 'max_notional=0.5: a float is not exact; write Decimal("0.5")'),
    ],
)
def test_a_table_that_guards_nobody_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(lambda: from_toml(tmp_path, text))
