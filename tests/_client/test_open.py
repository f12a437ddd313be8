from __future__ import annotations

import json
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trio
import trio.testing

from tests._client.world import EPOCH_MS, config_of, open_world, settle
from trio_binance._client.open import open_binance
from trio_binance._services.conditions import Status
from trio_binance._services.events import StatusChanged
from trio_binance.config import BinanceConfig, Credentials, Environment, SandboxSpec, Tuning
from trio_binance.errors import AuthError, ConfigError, ConnectError, ConnectorClosed, ServiceCrashed
from trio_binance.models import MarketOrder, OrderFull, Side
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.serve import open_loopback, open_sandbox

KEY = Credentials.hmac("an-api-key-of-nobody", "a-secret-of-nobody")


class DeadEnd:
    """A network that never answers a dial."""

    def __init__(self) -> None:
        self.dials = 0

    async def connect(self, host: str, port: int, *, tls: bool) -> NoReturn:
        self.dials += 1
        await trio.sleep_forever()
        raise AssertionError("unreachable")


async def test_it_runs_an_exchange_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    async with open_binance(config_of()) as bx:
        await bx.wait_ready()
        placed = (await bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100")))).unwrap()
        assert isinstance(placed, OrderFull)
        assert placed.executed_qty == Decimal("0.001")


async def test_the_same_seed_gives_the_same_market(autojump_clock: trio.testing.MockClock) -> None:
    tops = []
    for seed in (7, 7, 8):
        async with open_binance(config_of(seed=seed)) as bx:
            await bx.wait_ready()
            await trio.sleep(10)
            depth = await bx.market.depth("BTCUSDT", limit=5)
            tops.append((depth.last_update_id, [(level.price, level.quantity) for level in depth.bids]))
    assert tops[0] == tops[1] != tops[2]


async def test_it_plays_a_recording(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    path = tmp_path / "one.session.jsonl"
    trade = '{"e":"trade","E":1,"s":"AB","t":5,"p":"1.10","q":"2.0","b":1,"a":2,"T":1,"m":true,"M":true}'
    raw = f'{{"stream":"ab@trade","data":{trade}}}'
    path.write_text(json.dumps({"t_ns": 10**18, "kind": "ws", "raw": raw}) + "\n")
    async with open_binance(BinanceConfig.replay(path)) as bx:
        async with bx.streams.trades("AB") as feed:
            assert [(event.trade_id, str(event.price)) async for event in feed] == [(5, "1.10")]


async def test_it_talks_tcp_where_no_other_way_is_given() -> None:
    spec = SandboxSpec(7, EPOCH_MS, 1.0)
    async with open_loopback(spec, credentials=KEY) as exchange:
        async with open_binance(BinanceConfig(exchange.environment, KEY)) as bx:
            with trio.fail_after(10):
                await bx.wait_ready()
                assert (await bx.market.price_ticker("BTCUSDT")).price == exchange.market.trades("BTCUSDT")[-1].price


async def test_entering_needs_no_network_and_being_ready_does(autojump_clock: trio.testing.MockClock) -> None:
    dead, began = DeadEnd(), trio.current_time()
    async with open_binance(config_of(), dialer=dead) as bx:
        assert trio.current_time() == began
        assert repr(bx) == "<Binance sandbox, STARTING>"
        with trio.move_on_after(60) as patience:
            await bx.wait_ready()
        assert patience.cancelled_caught
        assert bx.status is not Status.READY
        assert dead.dials > 1
        assert {"clock", "wsapi", "userdata"} <= set(bx.status_reasons)
        assert all(bx.status_reasons.values())
        began = trio.current_time()
    assert trio.current_time() - began <= bx.config.tuning.shutdown_timeout
    with pytest.raises(ConnectorClosed):
        await bx.wait_ready()


async def test_nobody_waits_for_a_key_that_the_exchange_refuses(autojump_clock: trio.testing.MockClock) -> None:
    config = config_of(credentials=KEY)
    assert isinstance(config.embedded, SandboxSpec)
    async with open_sandbox(config.embedded, credentials=config_of().credentials) as sandbox:
        async with open_binance(config, dialer=sandbox.dialer) as bx:
            with trio.fail_after(15), pytest.raises(AuthError, match="API-key"):
                await bx.wait_ready()
            assert "userdata" in bx.status_reasons
            assert (await bx.market.depth("BTCUSDT")).bids


async def test_it_becomes_ready_as_soon_as_the_network_is_there(autojump_clock: trio.testing.MockClock) -> None:
    events: list[Any] = []
    config = config_of(hooks=(events.append,))
    assert isinstance(config.embedded, SandboxSpec)
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:
        assert sandbox.network is not None
        sandbox.network.dial_fault = DialFault.REFUSE
        async with open_binance(config, dialer=sandbox.dialer) as bx:
            await trio.sleep(20)
            assert bx.status is not Status.READY
            assert "refused" in " ".join(bx.status_reasons.values())
            sandbox.network.dial_fault = None
            with trio.fail_after(config.tuning.backoff_cap):
                await bx.wait_ready()
            assert bx.status_reasons == {}
        told = [event.new for event in events if isinstance(event, StatusChanged)]
        assert told[-2:] == [Status.READY, Status.CLOSED]


@pytest.mark.parametrize("direction", ["in", "out", "both"])
@pytest.mark.parametrize("dial", [None, DialFault.HANG])
async def test_a_dead_network_does_not_delay_the_end(
    direction: Any, dial: DialFault | None, autojump_clock: trio.testing.MockClock
) -> None:
    config = config_of()
    assert isinstance(config.embedded, SandboxSpec)
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:
        assert sandbox.network is not None
        async with open_binance(config, dialer=sandbox.dialer) as bx:
            await bx.wait_ready()
            async with bx.streams.trades("BTCUSDT"), bx.account.events():
                sandbox.network.dial_fault = dial
                for stream in sandbox.network.open_streams:
                    if stream.side == "client":
                        stream.blackhole(direction)
            began = trio.current_time()
        assert trio.current_time() - began <= config.tuning.shutdown_timeout
        await settle()
        assert [stream for stream in sandbox.network.open_streams if stream.side == "client"] == []


@pytest.mark.parametrize("seconds", [0.5, 3, 12, 40])
async def test_it_ends_in_time_while_it_reconnects(seconds: float, autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world:
        network = world.sandbox.network
        assert network is not None
        async with world.bx.streams.trades("BTCUSDT"):
            network.dial_fault = DialFault.HANG
            network.reset_all()
            await trio.sleep(seconds)
            began = trio.current_time()
    assert trio.current_time() - began <= world.bx.config.tuning.shutdown_timeout


async def test_two_connectors_in_one_process_share_nothing(autojump_clock: trio.testing.MockClock) -> None:
    config = config_of()
    assert isinstance(config.embedded, SandboxSpec)
    async with open_sandbox(config.embedded, credentials=config.credentials) as sandbox:
        async with open_binance(config, dialer=sandbox.dialer) as first:
            await first.wait_ready()
            async with open_binance(config, dialer=sandbox.dialer) as second:
                await second.wait_ready()
                async with first.account.events() as mine, second.account.events() as yours:
                    order = MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"))
                    placed = (await second.trading.place(order)).unwrap()
                    for feed in (mine, yours):
                        event: Any = await feed.receive()
                        assert event.order_id == placed.order_id
            with pytest.raises(ConnectorClosed):
                await second.general.ping()
            await first.general.ping()
            assert first.status is Status.READY
        await settle()
        assert sandbox.network is not None
        assert sandbox.network.open_streams == ()


async def test_a_key_is_needed_to_wait_for_the_accounts_events_and_no_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Without a key nothing is opened that only a key makes useful, unless calls shall go that way."""
    for settings, parts, connects in (
        ({"credentials": None}, [], 0),
        ({"credentials": None, "prefer": "ws_api"}, [], 1),
        ({}, ["userdata", "mirror"], 1),
    ):
        async with open_world(**settings) as world:
            told = world.bx.statistics()
            names = ["rest", "streams", "clock", "wsapi", *parts, "books", "gapless", "journal", "orders"]
            assert [child.name for child in told.supervisor.children] == names
            assert told.ws_api is not None
            assert told.ws_api.connects == connects
            assert (await world.bx.general.time()).server_time


async def test_an_environment_without_a_websocket_api_serves_what_it_can(
    autojump_clock: trio.testing.MockClock,
) -> None:
    plain = config_of().environment
    environment = Environment("plain", plain.rest_url, plain.stream_url)
    spec = SandboxSpec(7, EPOCH_MS, 1.0)
    async with open_sandbox(spec, credentials=KEY) as sandbox:
        async with open_binance(BinanceConfig(environment, KEY), dialer=sandbox.dialer) as bx:
            await bx.wait_ready()
            assert (await bx.account.status()).can_trade
            with pytest.raises(Exception, match="WebSocket API"):
                bx.account.events()


async def test_credentials_that_cannot_sign_are_refused_before_anything_runs() -> None:
    broken = Credentials.ed25519("key", "-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n")
    with pytest.raises(ConfigError):
        async with open_binance(config_of(credentials=broken)):
            raise AssertionError("entered")


async def test_feeds_of_other_tasks_hear_of_a_crash(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    ended: list[str] = []

    async def read(opening: Any, *, task_status: trio.TaskStatus[None]) -> None:
        async with opening as feed:
            task_status.started()
            with pytest.raises(ServiceCrashed):
                async for _ in feed:
                    pass
            ended.append("crashed")

    async with trio.open_nursery() as nursery:
        with pytest.raises(ServiceCrashed):
            async with open_world(tuning=Tuning(restart_limit=1)) as world:
                for opening in (world.bx.streams.trades("BTCUSDT"), world.bx.account.events()):
                    await nursery.start(read, opening)

                def crash(*_: Any) -> NoReturn:
                    raise ZeroDivisionError("a bug")

                monkeypatch.setattr(type(world.bx._engine.clock), "on_sample", crash)
                world.bx._engine.clock._sync.demand(trio.current_time())
                world.bx._engine.clock._demand.set()
                await trio.sleep_forever()
    assert ended == ["crashed", "crashed"]


async def test_feeds_of_other_tasks_end_in_order_when_the_block_fails_of_its_own(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ended: list[str] = []

    async def read(opening: Any, *, task_status: trio.TaskStatus[None]) -> None:
        async with opening as feed:
            task_status.started()
            async for _ in feed:
                pass
            ended.append("in order")

    async with trio.open_nursery() as nursery:
        with pytest.raises(ConnectError, match="mine"):
            async with open_world() as world:
                for opening in (world.bx.streams.trades("BTCUSDT"), world.bx.account.events()):
                    await nursery.start(read, opening)
                await trio.sleep(1)
                raise ConnectError("mine")
    assert ended == ["in order", "in order"]


async def test_what_was_not_logged_in_a_storm_is_counted_at_the_end(
    caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    caplog.set_level(logging.DEBUG, "trio_binance")
    async with open_world() as world:
        for _ in range(200):
            world.bx._engine.board.set("x", world.bx._engine.board._conditions["rest"])
        assert world.bx.status is Status.READY
    assert any(record.name.startswith("trio_binance.") for record in caplog.records)


async def test_a_connector_that_was_not_entered_says_how_to_enter_it() -> None:
    bx: Any = open_binance(config_of())
    with pytest.raises(AttributeError, match=r"market: the connector does not run yet; enter it: async with"):
        await bx.market.depth("BTCUSDT")


@pytest.mark.parametrize("config", [Environment.TESTNET, None, "sandbox", BinanceConfig])
def test_what_is_no_configuration_is_refused_at_the_call(config: Any) -> None:
    with pytest.raises(TypeError, match=r"^config=.*: expected a BinanceConfig, not "):
        open_binance(config)
