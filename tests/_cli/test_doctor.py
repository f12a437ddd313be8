"""The doctor: what each check says when all is well, and when it is not."""

from __future__ import annotations

import socket
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from rich.console import Console

from trio_binance._cli import doctor
from trio_binance._cli.doctor import Check, Told, _Dialling, examine
from trio_binance._client.trading import Trading
from trio_binance._pure.limits import LimitKind
from trio_binance.config import BinanceConfig, Credentials, Environment, SandboxSpec, Tuning
from trio_binance.errors import AuthError, BinanceError, FilterError, ServerError
from trio_binance.sandbox import Answer, Bend, FaultSchedule, OnRequest, open_loopback

from .conftest import Cli

NAMES = ["REST", "clock", "streams", "key", "account events", "limits"]


def findings(out: str) -> dict[str, tuple[str, str]]:
    """Return mark and finding of each check."""
    rows = [(line[:14].strip(), line[16:22].strip(), line[24:]) for line in out.splitlines()[1:]]
    return {name: (mark, told) for name, mark, told in rows}


def test_the_embedded_exchange_is_well(cli: Cli) -> None:
    result = cli("doctor", "--env", "sandbox")
    assert (result.code, result.err) == (0, "")
    assert result.lines[0].startswith("sandbox: ")
    found = findings(result.out)
    assert list(found) == NAMES
    assert {mark for mark, _ in found.values()} == {"ok"}
    assert "answers within" in found["REST"][1]
    assert "ms from here, give or take" in found["clock"][1]
    assert "BTCUSDT" in found["streams"][1]
    assert found["key"][1] == "HMAC key sand*** may trade; its account may trade, withdraw, deposit"
    assert "of 6,000 per minute" in found["limits"][1]
    assert "sandbox-secret" not in result.out


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def test_without_a_network_nothing_but_rest_is_tried_and_the_rest_told_at_once(
    closed_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    here = f"127.0.0.1:{closed_port}"
    environment = Environment("nowhere", f"http://{here}", f"ws://{here}", f"ws://{here}/ws-api/v3")
    config = BinanceConfig(environment, Credentials.hmac("k" * 20, "s"), tuning=Tuning(connect_timeout=0.2))
    with trio.fail_after(5):
        assert await examine(config) == 1
    found = findings(capfd.readouterr().out)
    assert list(found) == NAMES
    assert found["REST"][0] == "FAILED"
    assert here in found["REST"][1]
    assert {found[name] for name in NAMES[1:]} == {("-", "not reached")}


async def test_an_exchange_that_says_no_is_reached_and_every_check_made(capfd: pytest.CaptureFixture[str]) -> None:
    refused = [OnRequest(number, Bend.say(Answer.error(400, -1100, "no")), "/api/v3/ping") for number in range(1, 4)]
    async with open_loopback(SandboxSpec(), faults=FaultSchedule(tuple(refused))) as sandbox:
        assert await examine(BinanceConfig(sandbox.environment)) == 1
    found = findings(capfd.readouterr().out)
    assert found["REST"][0] == "FAILED"
    assert "-1100 no" in found["REST"][1]
    assert found["streams"][0] == "ok"


async def test_streams_that_are_not_reached_are_told_with_their_reason(
    closed_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    async with open_loopback(SandboxSpec()) as sandbox:
        environment = attrs.evolve(sandbox.environment, stream_url=f"ws://127.0.0.1:{closed_port}")
        assert await examine(BinanceConfig(environment)) == 1
    found = findings(capfd.readouterr().out)
    assert (found["REST"][0], found["clock"][0], found["streams"][0]) == ("ok", "ok", "FAILED")
    assert f"127.0.0.1:{closed_port}" in found["streams"][1]


async def test_a_server_that_does_not_tell_the_time_is_a_finding(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = attrs.make_class("C", ["synced", "failures"])(False, 1)
    statistics = attrs.make_class("S", ["clock"])(clock)
    bx: Any = attrs.make_class("B", ["statistics", "status_reasons"])(lambda: statistics, {"clock": "no answer"})
    assert await doctor._clock(bx) == (False, "no answer")


async def test_without_a_key_the_public_side_is_checked_and_the_way_to_a_key_told(
    autojump_clock: trio.testing.MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await examine(BinanceConfig.sandbox(credentials=None)) == 0
    found = findings(capfd.readouterr().out)
    assert found["key"][0] == found["account events"][0] == "-"
    assert "BINANCE_API_KEY" in found["key"][1]


async def test_a_clock_that_is_wrong_is_called_wrong(
    autojump_clock: trio.testing.MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await examine(BinanceConfig.sandbox(epoch_ms=1_700_000_000_000)) == 1
    mark, told = findings(capfd.readouterr().out)["clock"]
    assert mark == "FAILED"
    assert "set this machine's clock" in told


async def test_a_market_where_nothing_happens_is_not_ill(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "QUIET", 0.01)
    assert await examine(BinanceConfig.sandbox(activity=0.0001)) == 0
    assert "no event within 0.01 s" in findings(capfd.readouterr().out)["streams"][1]


REFUSALS: list[tuple[BinanceError | None, str]] = [
    (None, "may trade;"),
    (AuthError("Invalid API-key, IP, or permissions for action.", status=401, code=-2015), "may not trade, only read;"),
    (FilterError("Filter failure: NOTIONAL", status=400, code=-1013), "may trade;"),
    (ServerError("busy", status=503), "503"),
    (BinanceError("no way"), "no way"),
]


@pytest.mark.parametrize(("error", "told"), REFUSALS)
async def test_whether_the_key_may_trade_is_asked_by_a_test_order(
    error: BinanceError | None,
    told: str,
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def test(_room: Trading, _order: object) -> None:
        await trio.lowlevel.checkpoint()
        if error is not None:
            raise error

    monkeypatch.setattr(Trading, "test", test)
    failed = error is not None and type(error) in (ServerError, BinanceError)
    assert await examine(BinanceConfig.sandbox()) == (1 if failed else 0)
    mark, finding = findings(capfd.readouterr().out)["key"]
    assert mark == ("FAILED" if failed else "ok")
    assert told in finding


async def test_a_ban_is_a_finding(autojump_clock: trio.testing.MockClock) -> None:
    limits = attrs.make_class("L", ["rules", "frozen_until"])((), {LimitKind.REQUEST_WEIGHT: 1})
    statistics = attrs.make_class("S", ["limits"])(limits)
    bx: Any = attrs.make_class("B", ["statistics"])(lambda: statistics)
    ok, told = await doctor._limits(bx)
    assert ok is False
    assert "sent away" in told


async def test_the_clock_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    clock = attrs.make_class("C", ["synced", "failures", "offset_us", "uncertainty_us"])
    looks = iter([clock(False, 0, 0, 0), clock(True, 0, 1500, 200)])
    statistics = attrs.make_class("S", ["clock"])
    bx: Any = attrs.make_class("B", ["statistics"])(lambda: statistics(next(looks)))
    assert await doctor._clock(bx) == (True, "the server is +1.5 ms from here, give or take 0.2 ms")


async def test_a_check_that_gets_no_answer_says_how_long_it_waited(autojump_clock: trio.testing.MockClock) -> None:
    async def look(_bx: object) -> Told:
        await trio.sleep_forever()
        raise AssertionError("not reached")

    check = Check("x", look)
    bx: Any = None
    await check.run(bx)
    assert (check.ok, check.told, check.done.is_set()) == (False, "no answer within 20 s", True)
    assert not check.reached


async def test_a_stream_that_is_never_confirmed_is_not_connected(autojump_clock: trio.testing.MockClock) -> None:
    dialling = _Dialling()

    class Streams:
        def book_ticker(self, _symbol: str) -> Any:
            return self

        async def __aenter__(self) -> None:
            await trio.sleep_forever()

        async def __aexit__(self, *_exc: object) -> None:
            raise AssertionError("never entered")

    bx: Any = attrs.make_class("B", ["streams", "config"])(Streams(), BinanceConfig.sandbox())
    assert await dialling.check(bx) == (False, "not connected in time")


def test_on_a_terminal_a_long_finding_hangs_under_its_beginning(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_watched", lambda _out: True)
    monkeypatch.setattr(doctor, "console", lambda: Console(force_terminal=True, width=60, _environ={"NO_COLOR": "1"}))
    result = cli("doctor", "--env", "sandbox")
    assert result.code == 0
    start = next(number for number, line in enumerate(result.lines) if "limits" in line)
    assert all(line.startswith(" " * 24) and line.strip() for line in result.lines[start + 1 :])
    assert len(result.lines) > start + 1
