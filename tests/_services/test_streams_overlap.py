"""Streams whose socket is replaced: made before it is broken, and nobody who wants them notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_streams import Highest, Lab, open_lab
from tests._services.test_streams import BTC, ETH, bad_names, quiet, trade
from trio_binance._codec.stream import decoder_for
from trio_binance._services.conditions import Status
from trio_binance._services.events import (
    ConnectFailed,
    ConnectionLost,
    ConnectionRenewed,
    GapSeen,
    Reconnected,
    SubscriptionLost,
    SubscriptionRestored,
)
from trio_binance._services.route import Outlet
from trio_binance._services.shard import MOST_REST, REST
from trio_binance.config import Tuning
from trio_binance.errors import SubscriptionRefused
from trio_binance.sandbox.events import StreamEvent
from trio_binance.sandbox.faults import CloseSockets, ServerShutdown, Timed
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.pipe import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio.testing import MockClock

    from trio_binance._services.feed import Feed

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

__all__ = ["bad_names"]

KINDS = (
    "trade",
    "aggTrade",
    "bookTicker",
    "depth@100ms",
    "depth",
    "depth5@100ms",
    "kline_1s",
    "kline_1m",
    "miniTicker",
    "ticker",
    "ticker_1h",
    "avgPrice",
    "blockTrade",
    "referencePrice",
)
ARRAYS = ("!miniTicker@arr", "!ticker_1h@arr")


class Witness:
    """Writes down everything that the exchange says of its streams."""

    def __init__(self, lab: Lab) -> None:
        self.said: dict[str, list[Any]] = {}
        market = lab.sandbox.market
        take = market.take_events

        def take_events() -> Any:
            events = take()
            for event in events:
                if isinstance(event, StreamEvent):
                    self.said.setdefault(event.stream, []).append(event.data)
            return events

        market.take_events = take_events  # type: ignore[method-assign]

    def series(self, stream: str) -> list[Any]:
        """Return what was said of one stream, as its feed would tell it."""
        import json

        decode = decoder_for(stream)
        return [decode(json.dumps(data).encode()) for data in self.said.get(stream, [])]


async def gather(feed: Feed[Any], into: list[Any]) -> None:
    async for event in feed:
        into.append(event)  # noqa: PERF401 - what came before a cancellation counts too


def check_exact(told: list[Any], said: list[Any]) -> None:
    """All that was said, from the first that was told on, was told, once and in order."""
    if not told:
        assert said == []
        return
    begins = said.index(told[0])
    assert told == said[begins : begins + len(told)]
    assert len(said) - begins - len(told) <= 60  # the latest are on their way


def short_lived(**changes: Any) -> Tuning:
    return Tuning(connection_lifetime=100.0, **changes)


@pytest.mark.parametrize(("first", "second"), [(0.0, 0.0), (0.05, 0.8), (0.8, 0.05)])
async def test_a_renewal_under_load_misses_and_repeats_nothing_of_any_kind(
    first: float, second: float, autojump_clock: MockClock
) -> None:
    names = [f"{symbol}@{kind}" for symbol in ("btcusdt", "ethusdt") for kind in KINDS] + list(ARRAYS)
    told: dict[str, list[Any]] = {name: [] for name in names}
    async with open_lab(run="streams", activity=8.0, tuning=short_lived()) as lab, trio.open_nursery() as nursery:
        witness = Witness(lab)
        lab.rng = Highest()
        lab.network.link = Link(latency=first)
        for name in names:
            feed = await nursery_feed(nursery, lab, name)
            nursery.start_soon(gather, feed, told[name])
        await trio.sleep(50)
        lab.network.link = Link(latency=second)
        await lab.wait_for(ConnectionRenewed)
        lab.network.link = Link(latency=first)
        await lab.wait_for(ConnectionRenewed, 2)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert lab.shards[0].statistics().connects == 3
    assert not lab.seen(GapSeen)
    assert not lab.seen(ConnectionLost)
    assert all(route.guard is None or not told[name] for name, route in lab.shards[0].routes.items())
    assert len(told["btcusdt@trade"]) > 500
    for name in names:
        check_exact(told[name], witness.series(name))


async def nursery_feed(nursery: trio.Nursery, lab: Lab, *names: str) -> Feed[Any]:
    """Return a feed that stays open as long as the nursery."""

    async def hold(task_status: trio.TaskStatus[Feed[Any]]) -> None:
        async with lab.open(*names, buffer=100_000) as feed:
            task_status.started(feed)
            await trio.sleep_forever()

    feed: Feed[Any] = await nursery.start(hold)
    return feed


@pytest.mark.parametrize("lead", [10.0, 4.0, 1.0])
async def test_a_shutdown_in_a_burst_that_leaves_time_misses_nothing(lead: float, autojump_clock: MockClock) -> None:
    told: list[Any] = []
    fault = Timed(20.0, ServerShutdown(lead))
    async with open_lab(fault, run="streams", activity=200.0) as lab, trio.open_nursery() as nursery:
        witness = Witness(lab)
        nursery.start_soon(gather, await nursery_feed(nursery, lab, BTC, ETH), told)
        await lab.wait_for(ConnectionRenewed)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    for name in (BTC, ETH):
        check_exact([event for event in told if event.symbol == name[:7].upper()], witness.series(name))
    assert not lab.seen(ConnectionLost)
    assert not lab.seen(GapSeen)


@pytest.mark.parametrize(
    "text",
    [
        '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
        '{"e":"serverShutdown","E":1}',
        '{"event":{"e":"serverShutdown","E":1}}',
    ],
)
async def test_every_shape_of_a_shutdown_is_heeded_on_the_connection_that_it_came_on(
    text: str, autojump_clock: MockClock
) -> None:
    async with quiet() as lab, lab.open(BTC, "!serverShutdown"):
        old = lab.server()
        old.text(text)
        await lab.wait_for(SubscriptionRestored)
        old.text(text)  # says nothing of the new one
        await lab.wait_for(ConnectionRenewed)
        await trio.sleep(20)
        assert lab.shards[0].statistics().connects == 2


class Keeper:
    """What an outlet leads to: keeps the minutes."""

    ended = False
    room = 1000

    def __init__(self) -> None:
        self.minutes: list[Any] = []

    def deliver(self, batch: Sequence[Any]) -> int:
        self.minutes += [event.trade_id for event in batch]
        return 0

    async def wait_room(self) -> None:
        raise AssertionError

    def on_carried(self) -> None:
        self.minutes.append("carried")

    def on_lost(self, reason: str) -> None:
        self.minutes.append(f"lost: {reason}")

    def end(self, error: Any = None) -> None:
        self.minutes.append("end")


async def test_nobody_hears_of_a_renewal_and_the_old_connection_rests_before_it_goes(
    autojump_clock: MockClock,
) -> None:
    keeper = Keeper()
    async with quiet() as lab, lab.streams.carry(Outlet("x", (BTC,), keeper)):
        await trio.sleep(1)
        old = lab.server()
        old.text(trade(1))
        renew(lab)
        restored = await lab.wait_for(SubscriptionRestored)
        new = lab.server()
        new.text(trade(3))
        await trio.sleep(0.2)
        assert keeper.minutes == ["carried", 1]  # what the new one begins with is held
        for number in (2, 3, 4):
            old.text(trade(number))
        new.text(trade(4))
        await trio.sleep(0.2)
        assert keeper.minutes == ["carried", 1, 2, 3, 4]
        renewed = await lab.wait_for(ConnectionRenewed)
        assert renewed.at - restored.at == pytest.approx(REST, abs=0.1)
        new.text(trade(5))
        await trio.sleep(0.2)
        assert keeper.minutes == ["carried", 1, 2, 3, 4, 5]
        assert lab.status() is Status.READY
        assert lab.seen(Reconnected) == []


def renew(lab: Lab) -> None:
    """Have the latest socket replaced."""
    lab.server().text('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}')


async def test_a_new_connection_that_lags_is_waited_for_but_not_for_ever(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        old = lab.server()
        renew(lab)
        restored = await lab.wait_for(SubscriptionRestored)
        old.text(trade(1))
        await trio.sleep(REST + 1)
        assert not lab.seen(ConnectionRenewed)
        lab.server().text(trade(1))
        await lab.wait_for(ConnectionRenewed)
        assert trio.current_time() - restored.at < REST + 2
        renew(lab)
        await lab.wait_for(SubscriptionRestored, 2)
        lab.sandbox.driver.sockets[-2].text(trade(2))
        lab.server().text(trade(4))
        renewed = await lab.wait_for(ConnectionRenewed, 2)
        assert renewed.at - lab.seen(SubscriptionRestored)[1].at == pytest.approx(MOST_REST, abs=0.1)
        assert [(await feed.receive()).trade_id for _ in range(3)] == [1, 2, 4]
        assert [(gap.first, gap.last) for gap in lab.seen(GapSeen)] == [(3, 3)]


async def test_while_no_new_socket_comes_up_the_old_one_goes_on_until_it_is_cut(autojump_clock: MockClock) -> None:
    keeper = Keeper()
    async with quiet() as lab, lab.streams.carry(Outlet("x", (BTC,), keeper)):
        await trio.sleep(1)
        old = lab.server()
        lab.network.dial_fault = DialFault.REFUSE
        renew(lab)
        await lab.wait_for(ConnectFailed, 3)
        old.text(trade(1))
        async with lab.open(ETH):  # is asked for on the old one meanwhile
            old.text(trade(2))
            await trio.sleep(0.2)
            assert keeper.minutes == ["carried", 1, 2]
            lab.line().reset()
            lost = await lab.wait_for(ConnectionLost)
            assert lab.status() is Status.DEGRADED
            lab.network.dial_fault = None
            again = await lab.wait_for(Reconnected)
            assert again.after == pytest.approx(again.at - lost.at)
            await lab.wait_for(SubscriptionRestored)
            lab.server().text(trade(4))
            await trio.sleep(0.2)
        assert keeper.minutes[:3] == ["carried", 1, 2]
        assert set(keeper.minutes[3:-2]) == {f"lost: {lost.reason}", *keeper.minutes[4:-2]}
        assert keeper.minutes[-2:] == ["carried", 4]
        assert [(gap.first, gap.last) for gap in lab.seen(GapSeen)] == [(3, 3)]


async def test_a_new_connection_that_breaks_leaves_all_to_the_old_one(autojump_clock: MockClock) -> None:
    keeper = Keeper()
    async with quiet() as lab, lab.streams.carry(Outlet("x", (BTC,), keeper)):
        await trio.sleep(1)
        old = lab.server()
        renew(lab)
        await lab.wait_for(SubscriptionRestored)
        lab.server().text(trade(1))
        old.text(trade(1))
        lab.server().text(trade(2))
        await trio.sleep(0.1)
        lab.line().reset()
        await lab.wait_for(ConnectionLost)
        async with lab.open(ETH):
            for number in (2, 3):
                old.text(trade(number))
            await lab.wait_for(ConnectionRenewed)
        lab.server().text(trade(4))
        await trio.sleep(0.1)
        assert keeper.minutes == ["carried", 1, 2, 3, 4]
        assert not lab.seen(GapSeen)
        assert lab.shards[0].statistics().connects == 3
        assert lab.status() is Status.READY


async def test_an_old_connection_that_breaks_before_the_new_one_carries_everything_is_a_loss(
    autojump_clock: MockClock,
) -> None:
    keeper = Keeper()
    async with quiet() as lab, lab.streams.carry(Outlet("x", (BTC,), keeper)):
        await trio.sleep(1)
        lab.server().text(trade(1))
        old_line = lab.line()
        renew(lab)
        while lab.line() is old_line:
            await trio.sleep(0)
        lab.line().blackhole("in", trio.current_time() + 2)
        await trio.sleep(0.5)
        old_line.reset()
        lost = await lab.wait_for(ConnectionLost)
        await lab.wait_for(SubscriptionRestored)
        lab.server().text(trade(3))
        await trio.sleep(0.1)
        assert keeper.minutes == ["carried", 1, f"lost: {lost.reason}", "carried", 3]
        assert [(gap.first, gap.last) for gap in lab.seen(GapSeen)] == [(2, 2)]


@pytest.mark.usefixtures("bad_names")
async def test_a_stream_that_the_new_socket_refuses_ends_for_those_who_wanted_it_alone(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async with quiet() as lab, lab.open(BTC) as good, lab.open("worse@trade") as other:
        old = lab.server()
        monkeypatch.setattr("tests._services.test_streams.BAD", "worse")
        renew(lab)
        await lab.wait_for(SubscriptionLost)
        with pytest.raises(SubscriptionRefused):
            await other.receive()
        old.text(trade(1))
        await lab.wait_for(ConnectionRenewed)
        lab.server().text(trade(2))
        assert [(await good.receive()).trade_id for _ in range(2)] == [1, 2]


async def test_a_stream_that_is_opened_meanwhile_comes_by_the_new_connection_alone(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(ETH):
        async with lab.open(BTC):
            old = lab.server()
            renew(lab)
            await lab.wait_for(SubscriptionRestored)
        async with lab.open(BTC) as feed:
            new = lab.server()
            old.text(trade(7))  # the exchange was not told, and still sends it there
            new.text(trade(7))
            old.text(trade(8))
            new.text(trade(8))
            await lab.wait_for(ConnectionRenewed)
            new.text(trade(9))
            assert [(await feed.receive()).trade_id for _ in range(3)] == [7, 8, 9]
            assert lab.shards[0].routes[BTC].guard is None


async def test_a_shard_that_carries_nothing_is_renewed_too(autojump_clock: MockClock) -> None:
    async with quiet() as lab:
        async with lab.open(BTC):
            pass
        renew(lab)
        await lab.wait_for(ConnectionRenewed)
        assert lab.shards[0].statistics().connects == 2


async def test_what_the_new_connection_repeats_late_is_forgotten_some_time_after(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        old = lab.server()
        old.text(trade(500))
        renew(lab)
        await lab.wait_for(ConnectionRenewed)
        lab.server().text(trade(500))
        await trio.sleep(MOST_REST + 1)
        lab.server().text(trade(1))  # The exchange counts anew.
        lab.server().text(trade(2))
        assert [(await feed.receive()).trade_id for _ in range(3)] == [500, 1, 2]


@pytest.mark.parametrize("ending", [ServerShutdown(0.0), CloseSockets(1001)])
async def test_a_shutdown_without_notice_is_no_worse_than_a_loss(ending: Any, autojump_clock: MockClock) -> None:
    told: list[Any] = []
    async with open_lab(Timed(10.0, ending), run="streams") as lab, trio.open_nursery() as nursery:
        nursery.start_soon(gather, await nursery_feed(nursery, lab, BTC), told)
        await lab.wait_for(SubscriptionRestored)
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    ids = [event.trade_id for event in told]
    assert ids == sorted(set(ids))


async def test_cancelled_at_any_moment_of_a_renewal_nothing_stays(autojump_clock: MockClock) -> None:
    for steps in range(0, 150, 3):
        async with quiet() as lab, lab.open(BTC, ETH):
            renew(lab)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
                await trio.sleep(0.0005)
        # open_lab looks for connections that are still open
