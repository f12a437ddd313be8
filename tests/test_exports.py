"""The front door: every public name is there, says where it lives, and opening it loads nothing for show."""

from __future__ import annotations

import importlib.metadata
import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio.testing

import trio_binance
import trio_binance.errors
import trio_binance.models
import trio_binance.observe
import trio_binance.sandbox
from trio_binance import BinanceConfig, open_binance
from trio_binance._services import events

ROOT = Path(__file__).resolve().parents[1]


def public(module: Any) -> dict[str, Any]:
    """Return what a module offers: its public names that are no modules."""
    names = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {name: value for name, value in names.items() if not inspect.ismodule(value)}


def python(*argv: str) -> str:
    done = subprocess.run([sys.executable, *argv], capture_output=True, text=True, timeout=30, check=True, cwd=ROOT)
    return done.stdout


@pytest.mark.parametrize("module", [trio_binance, trio_binance.observe], ids=lambda module: module.__name__)
def test_every_public_class_and_function_says_that_it_lives_where_it_is_imported_from(module: Any) -> None:
    homes = {name: value.__module__ for name, value in public(module).items() if hasattr(value, "__module__")}
    aliases = {"typing", "types", "builtins"}
    assert {name: home for name, home in homes.items() if home not in {module.__name__, *aliases}} == {}


def test_nothing_but_our_own_is_at_the_front_door() -> None:
    assert "fixup_module_metadata" not in public(trio_binance) | public(trio_binance.observe)
    assert {"open_binance", "BinanceConfig", "Binance", "Feed", "Outcome", "Overflow"} <= public(trio_binance).keys()


def test_every_error_is_at_the_front_door() -> None:
    errors = {name for name, value in public(trio_binance.errors).items() if inspect.isclass(value)}
    ours = {name for name in errors if issubclass(getattr(trio_binance.errors, name), trio_binance.BinanceError)}
    assert ours - public(trio_binance).keys() == set()


def test_every_model_is_at_the_front_door() -> None:
    classes = {name for name, value in public(trio_binance.models).items() if inspect.isclass(value)}
    bases = {"Model", "OpenEnum", "Extra"}
    assert classes - bases - public(trio_binance).keys() == set()


def test_every_event_that_is_emitted_is_at_its_door() -> None:
    kinds = {name for name, value in public(events).items() if inspect.isclass(value)}
    services = (ROOT / "trio_binance" / "_services").glob("*.py")
    source = "".join(path.read_text("utf-8") for path in services if path.name != "events.py")
    emitted = {name for name in kinds if re.search(rf"\b{name}\(", source)}
    assert "Reconnected" in emitted
    assert emitted - {"HookFailed"} - public(trio_binance.observe).keys() == set()


def test_the_names_of_the_door_survive_a_pickle() -> None:
    assert pickle.loads(pickle.dumps(trio_binance.ConnectError("x"))).args == ("x",)
    assert pickle.loads(pickle.dumps(trio_binance.LimitOrder)) is trio_binance.LimitOrder


async def test_what_an_annotation_needs_is_at_the_front_door(autojump_clock: trio.testing.MockClock) -> None:
    async with open_binance(BinanceConfig.sandbox(seed=7)) as bx:
        rooms = {
            trio_binance.General: bx.general,
            trio_binance.Market: bx.market,
            trio_binance.Trading: bx.trading,
            trio_binance.AccountRoom: bx.account,
            trio_binance.Streams: bx.streams,
            trio_binance.Books: bx.books,
            trio_binance.Session: bx.session,
        }
        assert [kind for kind, room in rooms.items() if type(room) is not kind] == []
        async with bx.streams.trades("BTCUSDT") as feed:
            assert type(feed.statistics()) is trio_binance.FeedStatistics


def test_the_specs_are_where_the_exchange_is_opened_and_at_the_front_door() -> None:
    for name in ("SandboxSpec", "ReplaySpec"):
        assert getattr(trio_binance.sandbox, name) is getattr(trio_binance, name)


def test_what_a_schedule_of_faults_is_made_of_is_at_the_door_of_the_sandbox() -> None:
    faults = inspect.getmodule(trio_binance.sandbox.FaultSchedule)
    assert faults is not None
    ours = {name for name, value in public(faults).items() if getattr(value, "__module__", "") == faults.__name__}
    named = {name for name in ours if inspect.isclass(getattr(faults, name))}
    assert named | {"DialFault", "Fault"} <= public(trio_binance.sandbox).keys()


def test_the_version_is_that_of_the_distribution_and_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"1.2.3 of {name}")
    assert trio_binance.__version__ == "1.2.3 of trio-binance-connector"


def test_a_checkout_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert trio_binance.__version__ == "unknown"


def test_no_other_name_is_made_up() -> None:
    with pytest.raises(AttributeError, match="module 'trio_binance' has no attribute 'Nope'"):
        trio_binance.Nope  # type: ignore[attr-defined] # noqa: B018


def test_importing_the_package_imports_no_command_line() -> None:
    # httpx imports rich for a command line of its own where it finds it: what counts is that we do without.
    code = "import sys; sys.modules['rich'] = sys.modules['cyclopts'] = None; import trio_binance; print(*sys.modules)"
    heavy = {"asyncio", "structlog", "prometheus_client", "trio_binance._cli"}
    assert heavy & set(python("-c", code).split()) == set()


def test_the_package_is_a_command() -> None:
    assert python("-m", "trio_binance", "--version").strip()


def test_the_package_is_typed() -> None:
    assert (ROOT / "trio_binance" / "py.typed").is_file()
