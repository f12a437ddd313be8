"""The service of gapless feeds: each has its own task, which goes with its consumer and comes back after a crash."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests._services.helpers_streams import Lab, open_lab
from trio_binance._services.backfill import Trades
from trio_binance._services.events import ServiceCrashed, ServiceRestarted
from trio_binance._services.gapless import Gapless
from trio_binance._services.mender import Mender
from trio_binance._services.supervisor import Supervisor
from trio_binance.config import Overflow, Tuning
from trio_binance.errors import ConnectorClosed, InvalidArgument
from trio_binance.models import TradeEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from trio.testing import MockClock

    from trio_binance._services.feed import Feed

BTC = "btcusdt@trade"


class Works:
    """An embedded exchange, the services around it, and the one of gapless feeds, under a supervisor."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.gapless = Gapless(lab.streams, lab.router, lab.limiter, lab.clock, lab.tuning, lab.observer)
        self.supervisor = Supervisor([self.gapless], observer=lab.observer)

    def open(self, symbol: str = "BTCUSDT", **settings: Any) -> AbstractAsyncContextManager[Feed[Any]]:
        settings = {"buffer": 1000, "overflow": Overflow.DROP_OLDEST, "starts": {}, **settings}
        return self.gapless.open({symbol: f"{symbol.lower()}@trade"}, Trades, **settings)

    def last_id(self) -> int:
        return self.lab.sandbox.market.trades("BTCUSDT")[-1].id

    async def lose(self, feed: Feed[Any]) -> int:
        """Have a hole in the feed, behind which trades wait; return the id of the last before it."""
        last: TradeEvent = await feed.receive()
        while feed.statistics().waiting:
            last = await feed.receive()
        [socket] = self.lab.sandbox.driver.sockets
        socket.lose(1)
        while self.last_id() <= last.trade_id + 3:
            await trio.sleep(0.1)
        socket.lose(0)
        while not self.figures().holes:
            await trio.sleep(0.1)
        return last.trade_id

    def figures(self) -> Any:
        return self.gapless.statistics().feeds[-1].figures


@asynccontextmanager
async def open_works(**tuning: Any) -> AsyncIterator[Works]:
    async with open_lab(run="rest streams", tuning=Tuning(**tuning)) as lab, trio.open_nursery() as nursery:
        works = Works(lab)
        await nursery.start(works.supervisor.run)
        yield works
        assert works.gapless.statistics().feeds == ()
        nursery.cancel_scope.cancel()


async def test_a_feed_is_counted_while_it_is_open(autojump_clock: MockClock) -> None:
    async with open_works() as works:
        async with works.open() as feed, works.open("ETHUSDT"), works.open():
            assert isinstance(await feed.receive(), TradeEvent)
            assert [one.name for one in works.gapless.statistics().feeds] == [
                BTC,
                "ethusdt@trade",
                f"{BTC} #2",
            ]
            assert works.lab.streams.statistics().feeds == 3
            assert feed.streams == (BTC,)
        await trio.sleep(1)
        assert works.lab.carried() == set()


async def test_a_crash_of_the_task_costs_nothing(monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock) -> None:
    broken = [ValueError("a bug")]
    ask = Mender._ask

    async def crash(self: Mender[Any], question: Any) -> None:
        if broken:
            raise broken.pop()
        await ask(self, question)

    monkeypatch.setattr(Mender, "_ask", crash)
    async with open_works() as works, works.open() as feed, works.open() as other:
        last = await works.lose(feed)
        assert [(await feed.receive()).trade_id for _ in range(20)] == list(range(last + 1, last + 21))
        assert (await other.receive()).trade_id <= last + 20
        assert len(works.lab.seen(ServiceCrashed)) == len(works.lab.seen(ServiceRestarted)) == 1


async def test_one_feed_that_is_left_leaves_the_others_alone(autojump_clock: MockClock) -> None:
    async with open_works() as works, works.open() as feed:
        async with works.open() as other:
            await works.lose(other)
        last = (await feed.receive()).trade_id
        assert [(await feed.receive()).trade_id for _ in range(50)] == list(range(last + 1, last + 51))


async def test_cancelled_while_it_opens_or_asks_nothing_is_left(autojump_clock: MockClock) -> None:
    async with open_works() as works:
        for seconds in (0.0, 0.001, 0.01):
            with trio.move_on_after(seconds):
                async with works.open():
                    await trio.sleep_forever()
        with trio.move_on_after(30):
            async with works.open(starts={"BTCUSDT": 1}) as feed:
                await works.lose(feed)
                await trio.sleep_forever()
        assert works.gapless.statistics().feeds == ()
        assert works.lab.limiter.waiting == 0
        await trio.sleep(1)
        assert works.lab.carried() == set()


async def test_a_name_that_no_stream_can_have_is_refused(autojump_clock: MockClock) -> None:
    async with open_works() as works:
        with pytest.raises(InvalidArgument):
            async with works.open("a\nb"):
                pytest.fail("entered")


async def test_a_feed_is_in_order_without_the_service_and_mended_with_it(autojump_clock: MockClock) -> None:
    async with open_lab(run="rest streams") as lab:
        works = Works(lab)
        async with works.open() as feed:
            last = await works.lose(feed)
            await trio.sleep(30)
            assert feed.statistics().waiting == 0
            async with trio.open_nursery() as nursery:
                await nursery.start(works.gapless.run)
                assert [(await feed.receive()).trade_id for _ in range(20)] == list(range(last + 1, last + 21))
                nursery.cancel_scope.cancel()


async def test_when_the_connector_closes_so_do_the_feeds(autojump_clock: MockClock) -> None:
    async with open_lab(run="rest streams") as lab:
        works = Works(lab)
        async with works.open() as feed:
            await works.lose(feed)
            lab.streams.end(None)
            with pytest.raises(trio.EndOfChannel):
                await feed.receive()
        with pytest.raises(ConnectorClosed):
            async with works.open():
                pytest.fail("entered")


async def test_fail_is_a_policy_and_latest_is_not_kept(autojump_clock: MockClock) -> None:
    async with open_works() as works:
        async with works.open(buffer=3, overflow=Overflow.FAIL) as feed:
            await trio.sleep(10)
            assert feed.end_reason is not None
            assert "slower than its buffer of 3" in feed.end_reason
        async with works.open(buffer=3) as feed:
            await trio.sleep(10)
            assert feed.end_reason is None
