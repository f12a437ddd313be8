"""The clock: server time, kept fresh."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from trio_binance._pure.timesync import ClockSync
from trio_binance._services.clock import Clock, ClockService
from trio_binance._services.conditions import Status
from trio_binance._services.events import ClockStepped, ClockSynced, Event, StatusChanged
from trio_binance._services.observe import Observer
from trio_binance._services.status import StatusBoard
from trio_binance.config import Tuning
from trio_binance.errors import ClockUnsynced, ConnectError

WALL_US = 1_700_000_000_000_000


class Exchange:
    """Answers after ``rtt`` seconds with a time that is ``ahead_us`` of the machine's."""

    def __init__(self) -> None:
        self.ahead_us = 3_000_000
        self.rtt = 0.1
        self.down = False
        self.asked: list[float] = []
        self.anchor = trio.current_time()

    async def sample_time(self) -> tuple[float, float, int, int]:
        sent_at = trio.current_time()
        self.asked.append(sent_at - self.anchor)
        await trio.sleep(self.rtt / 2)
        answer = WALL_US + round((trio.current_time() - self.anchor) * 1e6) + self.ahead_us
        await trio.sleep(self.rtt / 2)
        if self.down:
            raise ConnectError("no route")
        return sent_at, trio.current_time(), answer, 1


class World:
    """A clock, its service and the exchange it measures."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        observer = Observer((self.events.append,))
        self.exchange = Exchange()
        self.board = StatusBoard(observer, ["clock"])
        self.clock = Clock(ClockSync(WALL_US, trio.current_time(), interval=300.0, samples=3), observer)
        self.service = ClockService(self.clock, self.exchange, Tuning(), self.board)


async def with_world(script: Callable[[World], Awaitable[None]]) -> World:
    world = World()
    async with trio.open_nursery() as nursery:
        await nursery.start(world.service.run)
        await script(world)
        nursery.cancel_scope.cancel()
    return world


async def test_server_time_is_measured_at_once_and_told(autojump_clock: trio.testing.MockClock) -> None:
    async def script(world: World) -> None:
        assert not world.clock.synced
        with trio.fail_after(5):
            await world.clock.wait_synced()
        assert abs(world.clock.server_ms() - (WALL_US + world.exchange.ahead_us) // 1000) <= 1000
        assert world.clock.signing_ms() <= world.clock.server_ms()

    world = await with_world(script)
    assert world.board.status is Status.READY
    assert [type(event) for event in world.events if not isinstance(event, StatusChanged)] == [ClockSynced]


async def test_it_is_measured_again_every_five_minutes(autojump_clock: trio.testing.MockClock) -> None:
    async def script(world: World) -> None:
        await trio.sleep(901)

    world = await with_world(script)
    bursts = [at for number, at in enumerate(world.exchange.asked) if number % 3 == 0]
    assert bursts == [pytest.approx(300 * number, abs=2) for number in range(4)]


async def test_a_refused_timestamp_has_it_measured_at_once_and_only_once_for_all(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def script(world: World) -> None:
        await trio.sleep(10)
        before = len(world.exchange.asked)
        world.exchange.ahead_us += 400_000
        signed_at = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(world.clock.resync, signed_at, 5.0)
        assert trio.current_time() - signed_at < 2.0
        await trio.sleep(5)
        assert len(world.exchange.asked) - before <= 3
        assert abs(world.clock.statistics().offset_us - 3_400_000) < 100_000
        await world.clock.resync(signed_at, 5.0)
        assert len(world.exchange.asked) - before <= 3

    await with_world(script)


async def test_an_exchange_that_does_not_tell_its_time_is_said_to_be_so(autojump_clock: trio.testing.MockClock) -> None:
    async def script(world: World) -> None:
        world.exchange.down = True
        await trio.sleep(1)
        assert "server time unknown" in world.board.reasons["clock"]
        with pytest.raises(ClockUnsynced):
            await world.clock.resync(trio.current_time(), 3.0)
        world.exchange.down = False
        with trio.fail_after(120):
            await world.clock.wait_synced()
        assert world.board.status is Status.READY
        world.exchange.down = True
        await trio.sleep(400)
        assert world.board.status is Status.READY

    await with_world(script)


async def test_a_step_of_the_servers_clock_is_told(autojump_clock: trio.testing.MockClock) -> None:
    async def script(world: World) -> None:
        await trio.sleep(10)
        world.exchange.ahead_us += 3_600_000_000
        await trio.sleep(400)

    world = await with_world(script)
    stepped = [event for event in world.events if isinstance(event, ClockStepped)]
    assert [round((event.new - event.old) / 1e6) for event in stepped] == [3600]
