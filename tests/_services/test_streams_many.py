"""Many streams, and feeds whose streams change: the limits hold, also in a storm, and nobody else is touched."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from tests._services.helpers_streams import Lab, open_lab
from tests._services.test_streams import BTC, ETH, bad_names, cancel_after, quiet, settle, trade
from trio_binance._pure.limits import LimitKind, Rule
from trio_binance._services.events import ConnectionLost, ConnectionRenewed, SubscriptionLost
from trio_binance.config import Overflow, Tuning
from trio_binance.errors import ConnectorClosed, InvalidArgument, SubscriptionRefused
from trio_binance.sandbox.lifeline import Lifeline
from trio_binance.sandbox.rules import Rules

if TYPE_CHECKING:
    from trio.testing import MockClock

pytestmark = pytest.mark.slow  # whole runs of everything: measuring them takes four times as long

__all__ = ["bad_names"]


def subscribed(lab: Lab) -> list[str]:
    """Return what the exchange's connections are subscribed to, the unknown names too."""
    sessions = lab.sandbox.exchange._sessions.values()
    return sorted(name for session in sessions for name in getattr(session, "streams", ()))


class Counts:
    """What an exchange counts: messages of each connection in any second, attempts in any five minutes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
        self.most_messages = self.messages = 0
        self.dialled = lab.dialled
        recent: dict[Lifeline, deque[int]] = defaultdict(deque)
        allows = Lifeline.allows_message

        def count(lifeline: Lifeline, now_us: int) -> bool:
            times = recent[lifeline]
            times.append(now_us)
            while times[0] <= now_us - 1_000_000:
                times.popleft()
            self.messages += 1
            self.most_messages = max(self.most_messages, len(times))
            return allows(lifeline, now_us)

        monkeypatch.setattr(Lifeline, "allows_message", count)

    def attempts(self) -> int:
        """Return the most attempts in any of the exchange's windows of five minutes."""
        windows: dict[int, int] = defaultdict(int)
        for moment in self.dialled:
            windows[int(1_790_000_000 + moment) // 300] += 1
        return max(windows.values())


@pytest.mark.parametrize(
    ("streams", "per_socket", "sockets", "cuts", "limit"),
    [(10_000, 1024, 10, 20, 300), (2_000, 40, 50, 10, 300), (100, 3, 34, 2, 30)],
)
async def test_ten_thousand_subscriptions_cut_and_restored_stay_inside_every_limit(
    streams: int,
    per_socket: int,
    sockets: int,
    cuts: int,
    limit: int,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,
) -> None:
    names = [f"s{number}@trade" for number in range(streams)]
    async with open_lab(
        run="streams",
        activity=1e-6,
        tuning=Tuning(streams_per_connection=per_socket, backoff_cap=5.0),
        limits=(Rule(LimitKind.CONNECTIONS, 300_000, limit),),
        rules=Rules(connections_per_5_min=limit),
    ) as lab:
        counts = Counts(monkeypatch, lab)
        async with lab.open(*names):
            assert subscribed(lab) == sorted(names)
            assert len(lab.shards) == sockets
            for _ in range(cuts):
                lab.network.reset_all(lambda stream: stream.side == "client")
                await lab.wait_for(ConnectionLost, len(lab.seen(ConnectionLost)) + 1)
                with trio.fail_after(1000):
                    while not all(shard.statistics().confirmed == len(shard.routes) for shard in lab.shards):
                        await trio.sleep(1)
            await trio.sleep(1)
            assert subscribed(lab) == sorted(names)
        assert 0 < counts.most_messages <= 5
        assert min(sockets, limit * 0.8) < counts.attempts() <= limit
        reasons = {lost.reason for lost in lab.seen(ConnectionLost)}
        assert not [reason for reason in reasons if "1008" in reason], reasons
        await trio.sleep(30)
        assert subscribed(lab) == []


async def test_ten_thousand_subscriptions_are_renewed_without_any_loss(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    names = [f"s{number}@trade" for number in range(10_000)]
    async with open_lab(run="streams", activity=1e-6, tuning=Tuning(connection_lifetime=600.0)) as lab:
        counts = Counts(monkeypatch, lab)
        async with lab.open(*names):
            await lab.wait_for(ConnectionRenewed, 10, within=700)
            assert subscribed(lab) == sorted(names)
        assert counts.most_messages <= 5
        assert not lab.seen(ConnectionLost)


# ---------------------------------------------------------------------------------------------- feeds that change


async def test_streams_are_added_to_and_removed_from_an_open_feed(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        await lab.streams.add(feed, [ETH, BTC])
        assert feed.streams == (BTC, ETH)
        assert lab.carried() == {BTC, ETH}
        for number, name in enumerate((BTC, ETH)):
            lab.server().text(trade(number, name))
        await settle()
        lab.streams.remove(feed, [BTC])
        assert feed.streams == (ETH,)
        await settle()
        assert lab.carried() == {ETH}
        lab.server().text(trade(2, BTC))
        lab.server().text(trade(3, ETH))
        assert [(await feed.receive()).trade_id for _ in range(3)] == [0, 1, 3]
        lab.streams.remove(feed, [ETH])
        await settle()
        assert (feed.streams, lab.carried()) == ((), set())
        await lab.streams.add(feed, [BTC])
        lab.server().text(trade(4))
        assert (await feed.receive()).trade_id == 4
    await settle()
    assert lab.streams.statistics().feeds == 0


@pytest.mark.usefixtures("bad_names")
async def test_an_addition_that_is_refused_is_told_to_who_makes_it_and_the_feed_goes_on(
    autojump_clock: MockClock,
) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        with pytest.raises(SubscriptionRefused):
            await lab.streams.add(feed, [ETH, "bad@trade"])
        assert feed.streams == (BTC,)
        await lab.wait_for(SubscriptionLost)
        await trio.sleep(2)
        assert lab.carried() == {BTC}
        lab.server().text(trade(1))
        assert (await feed.receive()).trade_id == 1


async def test_what_cannot_be_added_or_removed_is_refused_at_once(autojump_clock: MockClock) -> None:
    async with quiet() as lab:
        names: Any = (BTC,)
        async with lab.streams.open(names, buffer=9, overflow=Overflow.FAIL, key=str) as feed:
            with pytest.raises(InvalidArgument, match="<symbol>@trade"):
                await lab.streams.add(feed, ["btcusdt@depth"])
            with pytest.raises(InvalidArgument, match="printable"):
                await lab.streams.add(feed, ["a\nb@trade"])
            with pytest.raises(InvalidArgument, match="the feed's streams"):
                lab.streams.remove(feed, [ETH])
            assert feed.streams == names
        with pytest.raises(InvalidArgument, match="open feed"):
            await lab.streams.add(feed, [ETH])
        with pytest.raises(InvalidArgument, match="open feed"):
            lab.streams.remove(feed, [BTC])


async def test_an_addition_to_a_feed_that_closes_meanwhile_leaves_nothing(autojump_clock: MockClock) -> None:
    async with quiet() as lab, trio.open_nursery() as nursery:
        async with lab.open(BTC) as feed:
            lab.line().blackhole("in", trio.current_time() + 3)

            @nursery.start_soon
            async def add() -> None:
                with pytest.raises(InvalidArgument, match="open feed"):
                    await lab.streams.add(feed, [ETH])

            await settle()
        await trio.sleep(10)
        assert lab.carried() == set()
        assert all(not shard.routes for shard in lab.shards)


async def test_a_stream_added_twice_at_once_is_there_when_either_returns_and_stays_if_one_fails(
    autojump_clock: MockClock,
) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        lab.line().blackhole("in", trio.current_time() + 2)
        done: list[bool] = []

        async def add(scope: trio.CancelScope) -> None:
            with scope:
                await lab.streams.add(feed, [ETH])
                done.append(lab.shards[0].routes[ETH].carried)

        first, second = trio.CancelScope(), trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(add, first)
            await settle()
            nursery.start_soon(add, second)
            await settle()
            assert not done
            first.cancel()
        assert done == [True]
        assert feed.streams == (BTC, ETH)
        assert [len(route.outlets) for route in lab.shards[0].routes.values()] == [1, 1]


@pytest.mark.parametrize("again", [False, True])
async def test_a_stream_removed_before_its_addition_found_a_socket_is_not_carried(
    again: bool, autojump_clock: MockClock
) -> None:
    async with quiet() as lab:
        async with lab.open(BTC) as feed, trio.open_nursery() as nursery:
            nursery.start_soon(lab.streams.add, feed, [ETH])
            while feed.streams == (BTC,):
                await trio.lowlevel.checkpoint()
            lab.streams.remove(feed, [ETH])
            if again:
                nursery.start_soon(lab.streams.add, feed, [ETH])
            await settle()
            assert feed.streams == ((BTC, ETH) if again else (BTC,))
            assert lab.carried() == {*feed.streams}
            assert {len(route.outlets) for route in lab.shards[0].routes.values()} == {1}
        await settle()
        assert lab.carried() == set()
        assert not lab.shards[0].routes


@pytest.mark.parametrize(
    ("first", "other"), [(BTC, "btcusdt@depth"), ("!miniTicker@arr", "!ticker_1h@arr"), (BTC, "!trade")]
)
async def test_a_feed_stays_of_its_kind_also_when_it_has_no_streams(
    first: str, other: str, autojump_clock: MockClock
) -> None:
    async with quiet() as lab, lab.open(first) as feed:
        for _ in range(2):
            with pytest.raises(InvalidArgument, match="the feed's kind"):
                await lab.streams.add(feed, [other])
            if feed.streams:
                lab.streams.remove(feed, [first])
        await lab.streams.add(feed, [first])


async def test_an_addition_after_the_end_or_during_it_fails(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC) as feed, trio.open_nursery() as nursery:
        lab.line().blackhole("in")

        @nursery.start_soon
        async def add() -> None:
            with pytest.raises(ConnectorClosed):
                await lab.streams.add(feed, [ETH])

        await settle()
        lab.streams.end(None)
        with pytest.raises(ConnectorClosed):
            await lab.streams.add(feed, [ETH])


async def test_an_addition_that_is_cancelled_at_any_moment_leaves_nothing(autojump_clock: MockClock) -> None:
    async with quiet() as lab, lab.open(BTC) as feed:
        for steps in range(40):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_after, steps, scope)
                    await lab.streams.add(feed, [ETH])
                    lab.streams.remove(feed, [ETH])
                    scope.cancel()
            assert feed.streams == (BTC,)
            assert list(lab.shards[0].routes) == [BTC]
        await trio.sleep(5)
        assert lab.carried() == {BTC}
