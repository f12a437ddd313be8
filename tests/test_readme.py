"""The README is true: its Python runs, its commands and the names it mentions exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trio.testing

import trio_binance
from trio_binance import (
    BinanceConfig,
    BinanceError,
    ConnectionLost,
    LimitOrder,
    OrderStatus,
    Outcome,
    Side,
    open_binance,
)
from trio_binance._cli.app import app
from trio_binance._client.trading import Trading

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


def example(name: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "readme"}
    exec(compile(block_with(f"def {name}("), "README.md", "exec"), namespace)
    return namespace[name]


async def test_an_order_whose_answer_was_lost_is_found_by_the_example(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_carefully = example("place_carefully")
    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        await bx.wait_ready()
        price = (await bx.market.depth("BTCUSDT", limit=5)).bids[0].price - 1000
        order = LimitOrder("BTCUSDT", Side.BUY, quantity="0.01", price=price)
        assert (await place_carefully(bx, order)).status == OrderStatus.NEW
        call = bx._engine.router.call

        async def lossy(operation: Any, params: Any) -> Any:
            answer = await call(operation, params)
            if "newClientOrderId" in params:
                raise ConnectionLost("the answer was lost")
            return answer

        monkeypatch.setattr(bx._engine.router, "call", lossy)
        found = await place_carefully(bx, order)
        assert found.status == OrderStatus.NEW
        assert len(await bx.account.open_orders("BTCUSDT")) == 2


async def test_an_order_that_was_refused_is_refused_by_the_example(autojump_clock: trio.testing.MockClock) -> None:
    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        with pytest.raises(BinanceError) as caught:
            await example("place_carefully")(bx, LimitOrder("NOPE", Side.BUY, quantity=1, price=1))
    assert caught.value.outcome is Outcome.REJECTED


def test_every_name_that_is_mentioned_exists() -> None:
    mentioned = set(re.findall(r"\b([A-Z]\w+)\.(\w+)", README))
    public = {(owner, name) for owner, name in mentioned if hasattr(trio_binance, owner)}
    assert ("BinanceConfig", "sandbox") in public
    assert [(owner, name) for owner, name in public if not hasattr(getattr(trio_binance, owner), name)] == []
    methods = set(re.findall(r"bx\.trading\.(\w+)", README))
    assert all(hasattr(Trading, name) for name in methods)


def test_the_example_imports_from_the_front_door_alone() -> None:
    modules = set(re.findall(r"^(?:from|import) (\S+)", "".join(blocks("python")), flags=re.MULTILINE))
    assert modules == {"decimal", "trio", "trio_binance"}
