"""The whole connector against the whole embedded exchange, on a mock clock: hours in seconds."""

from __future__ import annotations

import gc
import os
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests._client.world import EPOCH_MS, World, open_world, settle
from trio_binance._client.open import open_binance
from trio_binance._services.conditions import Status
from trio_binance._services.events import ConnectionLost, ConnectionRenewed, GapSeen, Reconnected, StatusChanged
from trio_binance._services.events import ServiceCrashed as CrashEvent
from trio_binance._services.health import Health
from trio_binance._services.shard import Shard
from trio_binance._services.userdata import UserData
from trio_binance._services.wsapi import WsApi
from trio_binance.config import BinanceConfig, Tuning
from trio_binance.errors import BinanceError, CancelRejected, RateLimited, ServiceCrashed
from trio_binance.models import ExecutionReport, LimitOrder, MarketOrder, OrderFull, OrderStatus, Side
from trio_binance.sandbox.faults import (
    Answer,
    Bend,
    Fault,
    FaultSchedule,
    OnHandshake,
    OnRequest,
    random_schedule,
)
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.rules import DAY_US, Rules
from trio_binance.sandbox.symbols import SYMBOLS

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

HOUR = 3600
HOURS = int(os.environ.get("TRIO_BINANCE_HOURS", "5"))
"""How long the connector is watched while its connections are cut every half hour; a day is 24."""


def small_market(seed: int = 7, *, symbols: int = 2, activity: float = 0.05) -> Market:
    """Return a market with few symbols, so that days of it are cheap."""
    return Market(seed, EPOCH_MS * 1000, activity, SYMBOLS[:symbols])


async def test_an_order_goes_from_placement_to_fill(autojump_clock: trio.testing.MockClock) -> None:
    async with open_world() as world, world.bx.account.events() as events:
        book = await world.bx.market.depth("BTCUSDT", limit=5)
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100"), price=book.asks[4].price)
        placed = (await world.bx.trading.place(order)).unwrap()
        assert isinstance(placed, OrderFull)
        assert placed.status is OrderStatus.FILLED
        assert placed.executed_qty == Decimal("0.001")
        reports: list[ExecutionReport] = []
        while not reports or reports[-1].order_status is not OrderStatus.FILLED:
            event = await events.receive()
            if isinstance(event, ExecutionReport):
                reports.append(event)
        assert reports[0].order_status is OrderStatus.NEW
        assert sum((report.last_executed_quantity for report in reports), Decimal(0)) == Decimal("0.001")
        fills = await world.bx.account.my_trades("BTCUSDT", order_id=placed.order_id)
        assert [fill.id for fill in fills] == [fill.trade_id for fill in placed.fills]
        world.sandbox.market.audit()


async def test_a_resting_order_can_be_found_and_cancelled_even_in_a_finally_clause(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        bx = world.bx
        price = (await bx.market.depth("BTCUSDT", limit=5)).bids[0].price - 1000
        order = LimitOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.001"), price=price, client_order_id="mine-1")
        placed = (await bx.trading.place(order)).unwrap()
        assert [found.order_id for found in await bx.account.open_orders("BTCUSDT")] == [placed.order_id]
        found = await bx.account.order("BTCUSDT", client_order_id="mine-1")
        assert found.status is OrderStatus.NEW
        with trio.CancelScope() as scope:
            try:
                scope.cancel()
                await trio.sleep_forever()
            finally:
                with trio.move_on_after(5, shield=True):
                    cancelled = await bx.trading.cancel_open_orders("BTCUSDT")
        assert [getattr(report, "order_id", None) for report in cancelled] == [placed.order_id]
        assert await bx.trading.cancel_open_orders("BTCUSDT") == []
        with pytest.raises(CancelRejected):
            await bx.trading.cancel("BTCUSDT", client_order_id="mine-1")


async def test_both_wires_give_the_same(autojump_clock: trio.testing.MockClock) -> None:
    reports: list[Any] = []
    for prefer in ("rest", "ws_api"):
        async with open_world(prefer=prefer) as world:
            order = MarketOrder("ETHUSDT", Side.SELL, quantity=Decimal("0.1"), client_order_id="same")
            placed = (await world.bx.trading.place(order)).unwrap()
            assert isinstance(placed, OrderFull)
            reports.append((placed.symbol, placed.status, placed.executed_qty, placed.client_order_id))
            assert world.bx.statistics().ws_api is not None
    assert reports[0] == reports[1]


async def test_the_body_of_the_block_outlives_the_services(autojump_clock: trio.testing.MockClock) -> None:
    pinged = False
    with trio.CancelScope() as outer:
        async with open_binance(BinanceConfig.sandbox(seed=7, epoch_ms=EPOCH_MS)) as bx:
            await bx.wait_ready()
            try:
                outer.cancel()
                await trio.sleep_forever()
            finally:
                with trio.move_on_after(5, shield=True):
                    await bx.general.ping()
                    assert await bx.trading.cancel_open_orders("BTCUSDT") == []
                    pinged = True
    assert pinged
    assert outer.cancelled_caught


class Mine(Exception):
    """An error of the user's own."""


async def test_a_users_own_error_leaves_the_block_as_itself(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(Mine) as caught:
        async with open_world():
            raise Mine("mine")
    assert caught.value.__context__ is None


async def test_an_error_of_ours_leaves_the_block_as_itself(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(BinanceError, match="Invalid symbol"):
        async with open_world() as world:
            await world.bx.market.depth("NOPE")


async def crash(world: World, times: int) -> None:
    """Make the clock's service crash so often, a second and a half apart."""
    clock = world.bx._engine.clock
    healthy = type(clock).on_sample
    for _ in range(times):
        with pytest.MonkeyPatch.context() as patch:

            def crash_once(*sample: Any, patch: pytest.MonkeyPatch = patch) -> None:
                patch.setattr(type(clock), "on_sample", healthy)
                raise ZeroDivisionError("a bug")

            patch.setattr(type(clock), "on_sample", crash_once)
            clock._sync.demand(trio.current_time())
            clock._demand.set()
            await trio.sleep(1.5)


async def test_a_service_that_crashes_five_times_in_ten_seconds_is_restarted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_world() as world:
        await crash(world, 5)
        await world.bx.general.ping()
        restarts = {child.name: child.restarts for child in world.bx.statistics().supervisor.children}
        assert restarts["clock"] == 5


async def test_the_sixth_crash_ends_the_block_with_its_cause(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(ServiceCrashed) as caught:
        async with open_world() as world:
            await crash(world, 6)
            await trio.sleep_forever()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def follow(opening: Any, counts: Counter[str], name: str) -> None:
    async with opening as feed:
        async for batch in feed.batches():
            counts[name] += len(batch)


@pytest.mark.slow
async def test_hours_with_a_reset_every_30_minutes_bring_everything_back_each_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    counts: Counter[str] = Counter()
    async with open_world(market=small_market()) as world:
        bx, network = world.bx, world.sandbox.network
        assert network is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, bx.streams.trades("BTCUSDT", "ETHUSDT"), counts, "trades")
            nursery.start_soon(follow, bx.streams.depth("BTCUSDT"), counts, "depth")
            nursery.start_soon(follow, bx.account.events(), counts, "account")
            for _ in range(2 * HOURS):
                await trio.sleep(1800)
                network.reset_all()
                await trio.sleep(90)
                assert bx.status is Status.READY, bx.status_reasons
                assert bx.statistics().streams.shards[0].confirmed == 3
            nursery.cancel_scope.cancel()
        assert world.count(Reconnected) == 2 * 2 * HOURS
        assert counts["trades"] > 40 * HOURS
    gc.collect()


# A tenth of a day stands for the day: what is renewed, and what is cut, is decided by these two figures alone.
SHORT_DAY = Rules(lifetime_us=DAY_US // 10)
SHORT_LIFE = Tuning(connection_lifetime=2.35 * HOUR)


async def test_a_connection_is_renewed_before_the_exchange_cuts_it(autojump_clock: trio.testing.MockClock) -> None:
    world_of = open_world(market=small_market(symbols=1), rules=SHORT_DAY, tuning=SHORT_LIFE)
    async with world_of as world, world.bx.streams.trades("BTCUSDT", buffer=100_000) as feed:
        await trio.sleep(2.42 * HOUR)
        assert world.count(ConnectionRenewed) == 2
        assert world.count(Reconnected) == 0  # each one's successor stood before it went
        assert world.count(ConnectionLost) == 0
        assert world.bx.status is Status.READY
        ids = [feed.receive_nowait().trade_id for _ in range(feed.statistics().waiting)]
        assert ids == list(range(ids[0], ids[-1] + 1))
        assert world.count(GapSeen) == 0


async def test_the_exchanges_own_cut_after_24_hours_is_survived(autojump_clock: trio.testing.MockClock) -> None:
    world_of = open_world(market=small_market(symbols=1), rules=SHORT_DAY)
    async with world_of as world, world.bx.streams.trades("BTCUSDT"):
        await trio.sleep(2.42 * HOUR)
        assert world.count(Reconnected) == 2
        assert world.bx.statistics().streams.shards[0].confirmed == 1
        assert world.bx.status is Status.READY


# ------------------------------------------------------------------------------------------ restarts beneath feeds


def crash_once(patch: pytest.MonkeyPatch, kind: type, method: str) -> None:
    healthy = getattr(kind, method)

    def broken(*arguments: Any) -> Any:
        patch.setattr(kind, method, healthy)
        raise ZeroDivisionError("a bug")

    patch.setattr(kind, method, broken)


async def next_trade(feed: Any, after: int) -> int:
    """Return the id of the next trade that is newer than ``after``, within a minute."""
    with trio.fail_after(60):
        while True:
            trade = await feed.receive()
            if trade.trade_id > after:
                return int(trade.trade_id)


@pytest.mark.parametrize(
    ("kind", "method"),
    [(Shard, "_decode"), (Shard, "on_lost"), (WsApi, "_take"), (UserData, "_take"), (Health, "probe")],
)
async def test_feeds_survive_the_restart_of_what_is_beneath_them(
    kind: type, method: str, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world() as world, world.bx.streams.trades("BTCUSDT") as feed, world.bx.account.events() as events:
        bx, network = world.bx, world.sandbox.network
        assert network is not None
        await next_trade(feed, 0)
        crash_once(monkeypatch, kind, method)
        bx._engine.router.rest.health._tripped.set()
        network.reset_all()
        await trio.sleep(60)
        assert world.count(CrashEvent) == 1
        assert bx.status is Status.READY, bx.status_reasons
        await next_trade(feed, world.sandbox.market.trades("BTCUSDT")[-1].id)
        placed = (await bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100")))).unwrap()
        with trio.fail_after(5):
            report = await events.receive()
            assert isinstance(report, ExecutionReport)
            assert report.order_id == placed.order_id


# ------------------------------------------------------------------------------------------------ going away


@pytest.mark.parametrize("lead", [0.0, 1.0, 10.0])
async def test_server_shutdown_is_obeyed_at_once_on_both_wires(
    lead: float, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world() as world, world.bx.streams.trades("BTCUSDT", buffer=100_000) as feed:
        async with world.bx.account.events() as events:
            known = await next_trade(feed, 0)
            await trio.sleep_until(30)
            world.sandbox.exchange.announce_shutdown(int(lead * 1e6))
            world.sandbox.driver.flush()
            await trio.sleep(11 + lead)
            renewed = [event.connection for event in world.events if isinstance(event, ConnectionRenewed)]
            assert sorted(renewed) == ["streams:1", "wsapi"]
            assert all(30 <= event.at < 31 for event in world.events if isinstance(event, Reconnected))
            assert (world.count(ConnectionLost), world.count(GapSeen)) == (0, 0)
            assert await next_trade(feed, known) == known + 1
            (await world.bx.trading.place(MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal("0.00100")))).unwrap()
            with trio.fail_after(1):
                assert isinstance(await events.receive(), ExecutionReport)


@pytest.mark.parametrize("direction", ["in", "out", "both"])
async def test_a_half_open_connection_is_noticed_within_75_seconds_and_replaced(
    direction: Any, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_world() as world, world.bx.streams.trades("BTCUSDT") as feed:
        network = world.sandbox.network
        assert network is not None
        await trio.sleep(100)
        began = trio.current_time()
        for stream in network.open_streams:
            if stream.side == "client":
                stream.blackhole(direction)
        await trio.sleep(75)
        lost = [event for event in world.events if isinstance(event, ConnectionLost)]
        assert sorted(event.connection for event in lost) == ["streams:1", "wsapi"]
        await trio.sleep(5)
        back = [event.connection for event in world.events if isinstance(event, Reconnected)]
        assert sorted(back) == ["streams:1", "wsapi"]
        assert world.bx.status is Status.READY
        statuses = [event.new for event in world.events if isinstance(event, StatusChanged) and event.at > began]
        assert statuses[0] is Status.DEGRADED
        await next_trade(feed, world.sandbox.market.trades("BTCUSDT")[-1].id)


# -------------------------------------------------------------------------------------------- sent away


@attrs.define
class Doorman:
    """Notes at the exchange's own door who came when, and who was told to stay away until when."""

    arrivals: list[tuple[int, str]] = attrs.field(factory=list)
    away: list[tuple[int, int, int]] = attrs.field(factory=list)
    """When it was said, until when it holds, and the status."""

    def watch(self, world: World) -> None:
        exchange = world.sandbox.exchange
        rest, connect = exchange.rest, exchange.connect

        def noted_rest(request: Any, now_us: int, **more: Any) -> Any:
            self.arrivals.append((now_us, request.target))
            return self._note(rest(request, now_us, **more), now_us)

        def noted_connect(kind: Any, target: str, address: str, now_us: int) -> Any:
            self.arrivals.append((now_us, target))
            return self._note(connect(kind, target, address, now_us), now_us)

        exchange.rest, exchange.connect = noted_rest, noted_connect  # type: ignore[method-assign]

    def _note(self, reply: Any, now_us: int) -> Any:
        if getattr(reply, "status", 200) in (429, 418):
            seconds = int(reply.header("Retry-After"))
            self.away.append((now_us, now_us + seconds * 1_000_000, reply.status))
        return reply

    def intruders(self) -> list[tuple[int, str]]:
        """Return who came although sent away; what arrives at the very same moment was under way already."""
        return [(at, target) for at, target in self.arrivals if any(said < at < until for said, until, _ in self.away)]


async def ask_for_ever(bx: Any) -> None:
    while True:
        try:
            await bx.market.ticker_24hr("BTCUSDT")
        except RateLimited:
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(("warnings", "status"), [(1000, 429), (2, 418)])
async def test_whoever_is_sent_away_stays_away(
    warnings: int, status: int, autojump_clock: trio.testing.MockClock
) -> None:
    """Our own limits are those of the documents; this exchange allows far less, and has not told us."""
    rules = Rules(weight_per_minute=60, warnings=warnings)
    async with open_world(rules=rules, activity=0.2) as world, world.bx.streams.trades("BTCUSDT"):
        doorman = Doorman()
        doorman.watch(world)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask_for_ever, world.bx)
            await trio.sleep(240)
            assert world.sandbox.network is not None
            world.sandbox.network.reset_all()
            await trio.sleep(360)
            nursery.cancel_scope.cancel()
        assert {said[2] for said in doorman.away} >= {status}
        assert doorman.intruders() == []
        assert len(doorman.arrivals) > 50


async def test_limits_that_the_exchange_tells_are_never_passed(autojump_clock: trio.testing.MockClock) -> None:
    """Told in the middle of a minute, after first calls that were counted before the exchange's time was known."""
    rules = Rules(weight_per_minute=60)
    async with open_world(rules=rules, activity=0.2) as world:
        await world.bx.general.exchange_info(symbol="BTCUSDT")
        doorman = Doorman()
        doorman.watch(world)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask_for_ever, world.bx)
            await trio.sleep(300)
            nursery.cancel_scope.cancel()
        assert doorman.away == []
        assert len(doorman.arrivals) > 100


# ------------------------------------------------------------------------------------------------ chaos


def bearable(fault: Fault) -> bool:
    """Leave out bans that outlast the test."""
    answer = fault.bend.answer if isinstance(fault, OnRequest | OnHandshake) else None
    return answer is None or dict(answer.headers).get("retry-after") not in (
        "99999999999",
        "Fri, 01 Jan 2027 00:00:00 GMT",
    )


async def read_for_ever(opening: Any, ids: list[int], number: Callable[[Any], int | None]) -> None:
    async with opening() as feed:
        async for event in feed:
            found = number(event)
            if found is not None:
                ids.append(found)


async def trade_for_ever(bx: Any, rng: random.Random, asked: list[str]) -> None:
    """Place, look and cancel, whatever comes; only errors of ours are expected."""
    while True:
        await trio.sleep(rng.uniform(0.1, 8))
        try:
            name = bx.trading.new_client_order_id()
            asked.append(name)
            price = (await bx.market.depth("BTCUSDT", limit=5)).bids[0].price - rng.choice((-500, 500))
            order = LimitOrder(
                "BTCUSDT", rng.choice(tuple(Side)), quantity=Decimal("0.00100"), price=price, client_order_id=name
            )
            (await bx.trading.place(order)).unwrap()
            await bx.trading.cancel_open_orders("BTCUSDT")
        except BinanceError:
            await trio.lowlevel.checkpoint()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
async def test_ten_minutes_of_chaos_leave_a_sound_connector(seed: int, autojump_clock: trio.testing.MockClock) -> None:
    rng = random.Random(seed)
    drawn = random_schedule(rng, seconds=500, count=12)
    faults = FaultSchedule(tuple(filter(bearable, drawn.faults)))
    ids: list[int] = []
    asked: list[str] = []
    async with open_world(market=small_market(seed, activity=0.5), faults=faults, ready=False) as world:
        bx = world.bx
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                read_for_ever, lambda: bx.streams.trades("BTCUSDT"), ids, lambda event: int(event.trade_id)
            )
            nursery.start_soon(read_for_ever, lambda: bx.streams.depth("BTCUSDT", "ETHUSDT"), [], lambda _: None)
            nursery.start_soon(read_for_ever, lambda: bx.account.events(), [], lambda _: None)
            nursery.start_soon(trade_for_ever, bx, rng, asked)
            await trio.sleep(600)
            with trio.fail_after(900):  # the firewall sends us away for five minutes, sometimes twice
                while bx.status is not Status.READY or bx.statistics().streams.shards[0].confirmed != 3:
                    await trio.sleep(1)
            with trio.fail_after(400):  # a fault that counts requests may strike only now
                await bx.general.ping()
            nursery.cancel_scope.cancel()
        assert ids == sorted(set(ids))
        orders = [order.client_order_id for order in await bx.account.all_orders("BTCUSDT", limit=1000)]
        assert len(orders) == len(set(orders))
        assert set(orders) <= set(asked)
        assert set(world.sandbox.market.audit().values()) == {Decimal(0)}
    await settle()


async def test_a_ban_told_before_the_clock_is_right_lasts_as_long_as_it_was_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """This machine's clock is months off the exchange's here: the wait must be counted in neither of the two."""
    limited = OnRequest(1, Bend.say(Answer.limited("60")), "/api/v3/depth")
    faults = FaultSchedule((limited, OnRequest(1, Bend.late(0.5), "/api/v3/time")))
    async with open_world(faults=faults, ready=False) as world:
        with pytest.raises(RateLimited):
            await world.bx.market.depth("BTCUSDT")
        began = trio.current_time()
        await world.bx.market.depth("BTCUSDT")
        assert 60 <= trio.current_time() - began < 62
