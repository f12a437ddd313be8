"""The README is true: its Python runs, its commands and the names it mentions exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio.testing

import trio_binance
from trio_binance import (
    BinanceConfig,
    ContingencyType,
    LimitOrder,
    MarketOrder,
    SandboxSpec,
    Side,
    open_binance,
)
from trio_binance._cli.app import app
from trio_binance._client.trading import Trading
from trio_binance.sandbox import Bend, CutSockets, Fault, FaultSchedule, OnRequest, Timed, open_sandbox

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SEE_IT = "python3 -m venv .venv && .venv/bin/pip install --quiet '.[cli]' && .venv/bin/trio-binance demo"
TEST_IT = "python3 -m venv .venv && .venv/bin/pip install --quiet nox && .venv/bin/nox -s tests"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def block_with(text: str) -> str:
    (found,) = [block for block in blocks("python") if text in block]
    return found


def test_the_first_two_commands_are_to_see_it_and_to_test_it() -> None:
    assert [block.strip() for block in blocks("console")[:2]] == [SEE_IT, TEST_IT]


def test_what_the_two_commands_name_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "cli" in project["optional-dependencies"]
    assert project["scripts"] == {"trio-binance": "trio_binance._cli.app:main"}
    assert "def tests(session: nox.Session)" in (ROOT / "noxfile.py").read_text("utf-8")


COMMANDS = [line for block in blocks("console") for line in block.splitlines() if line.startswith("trio-binance ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_given_as_it_stands(command: str) -> None:
    tokens = shlex.split(command, comments=True)[1:]
    name, bound, *_ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    assert name.__name__ == tokens[0]
    assert bound is not None


def test_every_command_of_the_command_line_is_shown() -> None:
    shown = {shlex.split(command)[1] for command in COMMANDS}
    assert shown == {name for name in app if not name.startswith("-")}


def test_the_first_example_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block_with("trio.run(main)"), "README.md", "exec"), {"__name__": "readme"})
    trade, order = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"(BTC|ETH)USDT [0-9.]+ [0-9.]+", trade)
    assert re.fullmatch(r"(NEW|PARTIALLY_FILLED|FILLED) [0-9.]+ at [0-9.]+", order)


def namespace_of(*names: str) -> dict[str, Any]:
    """Return what the blocks that define these names define together."""
    namespace: dict[str, Any] = {"__name__": "readme"}
    for name in names:
        exec(compile(block_with(f"def {name}("), "README.md", "exec"), namespace)
    return namespace


def example(name: str) -> Any:
    return namespace_of(name)[name]


ORDER = LimitOrder("BTCUSDT", Side.BUY, quantity="0.01", price="50000")


async def place_amid(*faults: Fault) -> tuple[list[str], list[str]]:
    """Place an order by the example; return the open orders' ids and what was asked of the exchange."""
    config = BinanceConfig.sandbox(fallback=False)  # or the other wire would find what the accidents hide
    schedule = FaultSchedule(faults)
    async with open_sandbox(SandboxSpec(seed=7), credentials=config.credentials, faults=schedule) as sandbox:
        async with open_binance(config, dialer=sandbox.dialer) as bx:
            with trio.fail_after(15):
                await bx.wait_ready()
            await example("place_carefully")(bx, ORDER)
            asked = [str(struck) for struck in sandbox.faults.struck]
            return [each.client_order_id for each in await bx.account.open_orders("BTCUSDT")], asked


async def test_an_order_is_placed_by_the_example(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _ = await place_amid()
    assert len(found) == 1
    assert re.fullmatch(r"it is there: \d+ NEW\n", capsys.readouterr().out)


async def test_an_order_whose_answer_was_lost_is_found_by_the_example(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    found, struck = await place_amid(OnRequest(1, Bend.lost(executed=True), "/api/v3/order"))
    assert (len(found), len(struck)) == (1, 1)
    assert re.fullmatch(r"it is there: \d+ NEW\n", capsys.readouterr().out)


async def test_an_order_that_never_arrived_is_told_apart_by_the_example(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    found, struck = await place_amid(OnRequest(1, Bend.lost(executed=False), "/api/v3/order"))
    assert (found, len(struck)) == ([], 1)
    assert capsys.readouterr().out.startswith("it is not there, and never will be: ")


async def test_an_order_that_nobody_can_ask_for_goes_on_being_found_out(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = [OnRequest(number, Bend.lost(executed=number == 1), "/api/v3/order") for number in range(1, 9)]
    found, _ = await place_amid(Timed(0.0, CutSockets("ws_api")), *lost)
    assert len(found) == 1
    said = capsys.readouterr().out
    assert said.startswith(("it is there: ", "it may be there: "))


async def test_the_accident_of_the_example_happens_and_the_order_is_found(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await namespace_of("place_carefully", "the_answer_is_lost")["the_answer_is_lost"]()
    assert capsys.readouterr().out.startswith("it is there: ")


async def test_an_order_that_was_refused_is_refused_by_the_example(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        await example("place_carefully")(bx, LimitOrder("NOPE", Side.BUY, quantity=1, price=1))
    assert "-1121" in capsys.readouterr().out


async def test_the_example_of_a_list_protects_a_price_and_takes_its_orders_away_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    protect = example("protect")
    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        best = await bx.market.book_ticker("BTCUSDT")
        await protect(bx, best.ask_price)
        (known,) = await bx.account.all_order_lists()
        assert known.contingency_type is ContingencyType.OCO
        assert await bx.account.open_order_lists() == []
        with pytest.raises(SystemExit, match="PERCENT_PRICE_BY_SIDE"):
            await protect(bx, best.ask_price * 5)


async def test_the_example_of_the_account_follows_an_order_to_its_end(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        await bx.wait_ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(namespace_of("fills")["fills"], bx)
            await trio.sleep(1)
            await example("place_and_follow")(bx, MarketOrder("BTCUSDT", Side.BUY, quantity="0.01"))
            nursery.cancel_scope.cancel()
    said = capsys.readouterr().out
    assert re.search(r"^BTCUSDT [0-9.]+ [0-9.]+ False$", said, flags=re.MULTILINE)
    assert re.search(r"^FILLED [0-9.]+ \{'BTC': Decimal\(", said, flags=re.MULTILINE)


async def until_said(said: Callable[[], int], count: int, do: Callable[[], Awaitable[None]]) -> None:
    """Run an example that has no end until it has said so much."""
    with trio.fail_after(300):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(do)
            while said() < count:
                await trio.sleep(1)
            nursery.cancel_scope.cancel()


async def test_the_example_of_a_gapless_feed_brings_every_trade_from_the_first_asked_for_on(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[list[str]] = []

    def said() -> int:
        lines.extend(line.split() for line in capsys.readouterr().out.splitlines())
        return len(lines)

    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        await bx.wait_ready()
        await trio.sleep(30)
        [last] = await bx.market.trades("BTCUSDT", limit=1)
        first = last.id - 3
        await until_said(said, 10, lambda: example("every_trade")(bx, first - 1))
    assert [int(number) for number, *_ in lines] == list(range(first, first + len(lines)))
    assert lines[0][-1] == "True"


async def test_the_example_of_a_feed_that_is_added_to_tells_of_both_symbols(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    symbols: set[str] = set()

    def said() -> int:
        symbols.update(line.split()[0] for line in capsys.readouterr().out.splitlines())
        return len(symbols)

    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        await until_said(said, 2, lambda: example("best_prices")(bx))
    assert symbols == {"BTCUSDT", "ETHUSDT"}


def test_every_name_that_is_mentioned_exists() -> None:
    mentioned = set(re.findall(r"\b([A-Z]\w+)\.(\w+)", README))
    public = {(owner, name) for owner, name in mentioned if hasattr(trio_binance, owner)}
    assert ("BinanceConfig", "sandbox") in public
    assert [(owner, name) for owner, name in public if not hasattr(getattr(trio_binance, owner), name)] == []
    methods = set(re.findall(r"bx\.trading\.(\w+)", README))
    assert all(hasattr(Trading, name) for name in methods)


def test_the_example_imports_from_the_front_door_alone() -> None:
    modules = set(re.findall(r"^(?:from|import) (\S+)", "".join(blocks("python")), flags=re.MULTILINE))
    assert modules == {"decimal", "trio", "trio_binance", "trio_binance.sandbox"}


@pytest.mark.slow
def test_the_examples_pass_a_strict_type_checker(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    path = tmp_path / "readme.py"
    path.write_text("\n".join(blocks("python")), "utf-8")
    options = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(path)],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_has_to_be_installed_for_what_is_said_as_it_is() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"\.\[(\w+)\]", README)) == set(extras)
