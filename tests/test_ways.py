"""The ways to the exchange: mirrors and proxies, the whole connector on both wires; and what is never shown."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.world import EPOCH_MS, config_of, open_world
from tests._services.helpers_proxy import LoopbackProxy, Speech, open_proxy, open_tls_front
from tests._services.test_dialer import NAME, client_context, server_context
from tests.canaries import CANARY
from trio_binance._client.open import open_binance
from trio_binance._services import dialer as dialers
from trio_binance._services.events import Event, MirrorChanged
from trio_binance.config import BinanceConfig, Credentials, Environment, SandboxSpec, TimeUnit
from trio_binance.errors import ConfigError, NotServed, Outcome
from trio_binance.models import MarketOrder, OrderFull, Side
from trio_binance.sandbox.network import Dial, DialFault, MemoryNetwork
from trio_binance.sandbox.serve import Sandbox, _serve, open_loopback, open_sandbox

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

HMAC = Credentials.hmac("k" * 64, "secret-of-nobody")
SPEC = SandboxSpec(seed=7, epoch_ms=EPOCH_MS, activity=50.0)
ORDER = MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"))

# ------------------------------------------------------------------------------------------------------- mirrors

SOMEWHERE = Environment(
    "somewhere",
    "http://rest.invalid",
    "ws://stream.invalid",
    "ws://api.invalid/ws-api/v3",
    rest_mirrors=("http://rest-2.invalid", "http://rest-3.invalid:8080"),
    stream_mirrors=("ws://stream-2.invalid:9443",),
    ws_api_mirrors=("ws://api-2.invalid:9443/ws-api/v3",),
)
PLACES = (
    ("rest.invalid", 80),
    ("rest-2.invalid", 80),
    ("rest-3.invalid", 8080),
    ("stream.invalid", 80),
    ("stream-2.invalid", 9443),
    ("api.invalid", 80),
    ("api-2.invalid", 9443),
)


@attrs.define
class Somewhere:
    """An exchange with many doors, some of which are shut."""

    sandbox: Sandbox
    network: MemoryNetwork
    shut: set[str]
    dialled: list[str]
    events: list[Event]

    def gate(self, dial: Dial) -> DialFault | None:
        self.dialled.append(dial.host)
        return DialFault.REFUSE if dial.host in self.shut else None


@asynccontextmanager
async def somewhere(*shut: str) -> AsyncIterator[Somewhere]:
    network = MemoryNetwork()
    async with open_sandbox(SPEC, credentials=HMAC, network=network) as sandbox, trio.open_nursery() as nursery:
        doors = [network.listen(host, port) for host, port in PLACES]
        nursery.start_soon(partial(trio.serve_listeners, partial(_serve, sandbox.driver), doors))
        place = Somewhere(sandbox, network, set(shut), [], [])
        network.dial_gate = place.gate
        yield place
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
async def test_every_wire_finds_its_mirror_when_the_first_hosts_cannot_be_reached(
    prefer: Any, autojump_clock: trio.testing.MockClock
) -> None:
    async with somewhere("rest.invalid", "stream.invalid", "api.invalid") as place:
        config = BinanceConfig(SOMEWHERE, HMAC, prefer=prefer, hooks=(place.events.append,))
        async with open_binance(config, dialer=place.network) as bx:
            await bx.wait_ready()
            assert isinstance((await bx.trading.place(ORDER)).unwrap(), OrderFull)
            async with bx.streams.trades("BTCUSDT") as feed:
                await feed.receive()
            changed = [event for event in place.events if isinstance(event, MirrorChanged)]
            found = sorted((event.connection, event.old.split("/")[2]) for event in changed)
            own = [("wsapi:events", "api.invalid")] if prefer == "ws_api" else []
            assert found == [
                ("rest", "rest.invalid"),
                ("streams:1", "stream.invalid"),
                ("wsapi", "api.invalid"),
                *own,
            ]
            assert set(place.dialled) == {
                *place.shut,
                "rest-2.invalid",
                "stream-2.invalid",
                "api-2.invalid",
            }


async def test_an_order_reaches_a_mirror_once(autojump_clock: trio.testing.MockClock) -> None:
    async with somewhere() as place:
        async with open_binance(BinanceConfig(SOMEWHERE, HMAC), dialer=place.network) as bx:
            await bx.wait_ready()
            await trio.sleep(60)  # until no connection rests
            place.shut |= {"rest.invalid", "rest-2.invalid"}
            with pytest.raises(Exception, match=r"rest-2\.invalid") as caught:
                (await bx.trading.place(ORDER)).unwrap()
            assert getattr(caught.value, "outcome", None) is Outcome.NOT_SENT
            placed = (await bx.trading.place(ORDER)).unwrap()
            assert place.dialled[-1] == "rest-3.invalid"
            assert [order.order_id for order in await bx.account.all_orders("BTCUSDT")] == [placed.order_id]


async def test_market_data_only_serves_what_it_is_for(autojump_clock: trio.testing.MockClock) -> None:
    inside = config_of().environment
    only = attrs.evolve(Environment.MARKET_DATA_ONLY, rest_url=inside.rest_url, stream_url=inside.stream_url)
    async with open_sandbox(SPEC, credentials=None) as sandbox:
        async with open_binance(BinanceConfig(only), dialer=sandbox.dialer) as bx:
            await bx.wait_ready()
            assert (await bx.market.depth("BTCUSDT", limit=5)).asks
            for refused in (
                bx.market.historical_trades("BTCUSDT"),
                bx.market.trading_day_ticker("BTCUSDT"),
                bx.account.status(),
                bx.trading.place(ORDER),
                bx.session.status(),
            ):
                with pytest.raises(NotServed) as caught:
                    await refused
                assert caught.value.outcome is Outcome.NOT_SENT
            async with bx.streams.trades("BTCUSDT") as feed:
                await feed.receive()
            assert await bx.call("GET", "/api/v3/historicalTrades", params={"symbol": "BTCUSDT", "limit": 1})


# ------------------------------------------------------------------------------------------------------- proxies


@asynccontextmanager
async def behind(
    speech: Speech, monkeypatch: pytest.MonkeyPatch, *, tls: bool
) -> AsyncIterator[tuple[Any, LoopbackProxy]]:
    """Run an exchange on a real socket that can be reached through a proxy alone; gives settings and the proxy."""
    monkeypatch.setattr(dialers, "shared_ssl_context", client_context)
    async with open_loopback(SPEC, credentials=HMAC) as sandbox:
        inside = int(sandbox.environment.rest_url.rpartition(":")[2])
        async with open_tls_front(inside, server_context()) as outside:
            settings: dict[str, Any] = {"login": ("user", CANARY), "context": server_context("127.0.0.1")}
            async with open_proxy(speech, names={NAME: outside if tls else inside}, **settings) as proxy:
                plain = "" if not tls else "s"
                host = NAME if tls else "exchange.localhost"
                proxy.names[host] = ("127.0.0.1", outside if tls else inside)
                environment = Environment(
                    "behind", f"http{plain}://{host}", f"ws{plain}://{host}", f"ws{plain}://{host}/ws-api/v3"
                )
                yield BinanceConfig(environment, HMAC, proxy=proxy.url(f"user:{CANARY}")), proxy


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
@pytest.mark.parametrize("speech", ["http", "https", "socks5"])
async def test_rest_and_websocket_both_go_through_the_proxy(
    speech: Speech, tls: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    async with behind(speech, monkeypatch, tls=tls) as (config, proxy):
        config = attrs.evolve(config, hooks=(events.append,), time_unit=TimeUnit.MICROSECOND)
        with trio.fail_after(20):
            async with open_binance(config) as bx:
                await bx.wait_ready()
                assert isinstance((await bx.trading.place(ORDER)).unwrap(), OrderFull)
                async with bx.streams.trades("BTCUSDT") as feed:
                    assert (await feed.receive()).trade_time > 10**14
        hosts = {host for host, _ in proxy.asked}
        assert hosts == {config.environment.rest_url.rpartition("/")[2]}
        assert len(proxy.asked) >= 3
    assert CANARY not in repr(config) + repr(events) + caplog.text


async def test_a_proxy_that_refuses_is_told_of_without_our_login(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    async with behind("http", monkeypatch, tls=True) as (config, proxy):
        proxy.login = ("user", "another")
        async with open_binance(attrs.evolve(config, hooks=(events.append,))) as bx:
            with pytest.raises(Exception, match="407") as caught:
                await bx.general.ping()
            assert getattr(caught.value, "outcome", None) is Outcome.NOT_SENT
            await trio.sleep(0.2)
            told = repr(bx.status_reasons) + repr(events) + repr(caught.value) + caplog.text
    assert f"http://***@127.0.0.1:{proxy.port}" in told
    assert CANARY not in told


async def test_there_is_one_way_to_the_network() -> None:
    async with open_world() as world:
        config = BinanceConfig(Environment.TESTNET, proxy="http://a.b")
        with pytest.raises(ConfigError, match="proxy: a dialer was given"):
            async with open_binance(config, dialer=world.sandbox.dialer):
                pass


async def test_the_variables_of_the_process_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with open_world() as world:
        await world.bx.general.ping()
    assert BinanceConfig.from_env({"HTTPS_PROXY": "http://127.0.0.1:9"}).proxy is None
