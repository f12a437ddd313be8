"""The mender: one gapless feed between a stream that loses things and a consumer that takes its time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
import trio.testing

from tests._pure.contiguity.items import Tick, ticks, told
from trio_binance._pure.contiguity import Ask, Ids, Quiet
from trio_binance._services.backfill import Finding, Page
from trio_binance._services.events import GapFilled, GapLeft
from trio_binance._services.feed import Feed, FeedSink, open_feed
from trio_binance._services.mender import Mender
from trio_binance._services.observe import Observer
from trio_binance.config import Overflow, Tuning
from trio_binance.errors import (
    BinanceError,
    BreakerOpen,
    ConnectionLost,
    FeedOverflow,
    GatewayError,
    ServerError,
    StreamTerminated,
    UnknownSymbol,
)

if TYPE_CHECKING:
    from trio.testing import MockClock


class Database:
    """An exchange that can be asked: it knows the ids up to ``known``, and answers as it was told to."""

    places = Ids("number")

    def __init__(self) -> None:
        self.known = 10**6
        self.asks: list[tuple[float, Ask]] = []
        self.looks: list[tuple[float, tuple[str, ...]]] = []
        self.takes = 0.1
        self.errors: list[BinanceError] = []
        self.findings: list[Finding] = []
        self.unheard: list[tuple[float, list[str]]] = []
        self.unknown: list[UnknownSymbol | BinanceError | None] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def page(self, ask: Ask) -> Page[Any]:
        self.asks.append((trio.current_time(), ask))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await trio.sleep(self.takes)
        finally:
            self.in_flight -= 1
        if self.errors:
            raise self.errors.pop(0)
        limit = min(1000, ask.count or 1000)
        numbers = range(ask.first, min(ask.first + limit, self.known + 1))
        return Page([Tick(ask.symbol, number, True) for number in numbers], len(numbers) == limit)

    async def newer(self, quiet: Sequence[Quiet[Any]]) -> list[Finding]:
        self.looks.append((trio.current_time(), tuple(series.symbol for series in quiet)))
        await trio.sleep(self.takes)
        if self.errors:
            raise self.errors.pop(0)
        names = {series.symbol for series in quiet}
        return [found for found in self.findings if found.symbol in names]

    async def first_unknown(self, symbols: Sequence[str]) -> UnknownSymbol | None:
        self.unheard.append((trio.current_time(), [*symbols]))
        await trio.sleep(self.takes)
        said = self.unknown.pop(0) if self.unknown else None
        if said is None or isinstance(said, UnknownSymbol):
            return said
        raise said


@attrs.define
class Bench:
    """A feed that is mended, and everything around it."""

    mender: Mender[Any]
    feed: Feed[Any]
    database: Database
    events: list[Any]
    task: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def tend(self) -> None:
        with self.task:
            await self.mender.tend()

    def come(self, *numbers: int, symbol: str = "A") -> None:
        assert self.mender.deliver(ticks(*numbers, symbol=symbol)) == 0

    async def take(self, count: int) -> list[Any]:
        return told([await self.feed.receive() for _ in range(count)])

    async def rest(self) -> list[Any]:
        return told([item async for item in self.feed])

    def waiting(self) -> int:
        return self.mender.statistics().waiting + self.feed.statistics().waiting


@asynccontextmanager
async def open_bench(
    *,
    buffer: int = 1000,
    overflow: Overflow = Overflow.DROP_OLDEST,
    starts: dict[str, int] | None = None,
    **tuning: Any,
) -> AsyncIterator[Bench]:
    database, events = Database(), list[Any]()
    ends: tuple[FeedSink[Any], Feed[Any]] = open_feed(buffer=buffer, overflow=overflow, streams=("a@x", "b@x"))
    sink, feed = ends
    mender: Mender[Any] = Mender(
        sink,
        database,
        {"A": "a@x", "B": "b@x"},
        first_unknown=database.first_unknown,
        tuning=Tuning(**tuning),
        observer=Observer((events.append,)),
        overflow=overflow,
        starts=starts or {},
        exact=True,
    )
    bench = Bench(mender, feed, database, events)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.tend)
        await trio.testing.wait_all_tasks_blocked()
        yield bench
        feed.close()
        mender.leave()
    assert database.in_flight == 0


# ------------------------------------------------------------------------------------------------------- holes


async def test_what_is_in_good_order_is_handed_on_and_nobody_is_asked(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(5)
        bench.come(6, 7)
        bench.come(1, symbol="B")
        bench.come(8)
        assert await bench.take(5) == [5, 6, 7, 1, 8]
        await trio.sleep(10)
        assert bench.database.asks == []


async def test_what_is_missing_comes_before_what_follows_it_and_other_symbols_come_at_once(
    autojump_clock: MockClock,
) -> None:
    async with open_bench() as bench:
        bench.come(1)
        bench.come(1, symbol="B")
        bench.come(4, 5)
        bench.come(2, symbol="B")
        assert await bench.take(3) == [1, 1, 2]
        assert trio.current_time() == 0.0
        bench.come(6)
        items = [await bench.feed.receive() for _ in range(5)]
        assert [(item.number, item.recovered) for item in items] == [
            (2, True),
            (3, True),
            (4, False),
            (5, False),
            (6, False),
        ]
        assert trio.current_time() == pytest.approx(0.6)
        [(at, ask)] = bench.database.asks
        assert (at, ask.first, ask.last) == (0.5, 2, 3)
        assert [(event.stream, event.count) for event in bench.events if isinstance(event, GapFilled)] == [("a@x", 2)]


async def test_many_holes_are_asked_for_a_few_at_a_time(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        for number in range(30):
            bench.come(1, 3, symbol=f"S{number}")
        items = [await bench.feed.receive() for _ in range(90)]
        assert len({item.symbol for item in items}) == 30
        assert bench.database.most_in_flight == 4


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (ConnectionLost("gone"), False),
        (BreakerOpen("open"), False),
        (UnknownSymbol("no such symbol", status=400, code=-1121), True),
        (ServerError("not in this recording", status=404, code=-1000), True),
        (GatewayError("request timeout", status=408), False),
    ],
)
async def test_a_failure_may_pass_and_a_refusal_does_not(
    error: BinanceError, refused: bool, autojump_clock: MockClock
) -> None:
    async with open_bench() as bench:
        bench.database.errors = [error]
        bench.come(1)
        bench.come(3)
        assert await bench.take(3) == [1, (2, 2, "REFUSED") if refused else 2, 3]
        assert trio.current_time() == pytest.approx(0.6 if refused else 1.2)
        left = [event for event in bench.events if isinstance(event, GapLeft)]
        expected = [("a@x", 2, 2, "refused")] if refused else []
        assert [(event.stream, event.first, event.last, event.reason) for event in left] == expected


async def test_who_does_not_answer_is_given_up_when_the_time_is_over(autojump_clock: MockClock) -> None:
    async with open_bench(gapless_timeout=20.0) as bench:
        bench.database.takes = 1000.0
        bench.come(1)
        bench.come(3, 4)
        assert await bench.take(4) == [1, (2, 2, "TIMEOUT"), 3, 4]
        assert trio.current_time() == pytest.approx(20.5)


async def test_a_database_that_lags_is_waited_for(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.database.known = 2
        bench.come(1)
        bench.come(5)
        assert await bench.take(2) == [1, 2]
        await trio.sleep(5)
        bench.database.known = 5
        assert await bench.take(3) == [3, 4, 5]


async def test_a_hole_that_cannot_be_seen_is_found_when_it_stays_quiet(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(1)
        bench.come(1, symbol="B")
        bench.database.findings = [Finding("A", 3), Finding("B")]
        bench.database.known = 3
        assert await bench.take(2) == [1, 1]
        items = [await bench.feed.receive() for _ in range(4)]
        assert [(item.symbol, item.number) for item in items] == [("A", 2), ("A", 3), ("B", 2), ("B", 3)]
        # The first look learns where the series stand; of one in which nothing happens until the next it asks.
        assert bench.database.looks == [(60.0, ("A", "B"))]


async def test_after_an_interruption_it_is_looked_soon(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(1)
        bench.come(1, symbol="B")
        await trio.sleep(10)
        bench.mender.on_lost("gone")
        bench.mender.on_carried()
        bench.mender.on_carried()
        await trio.sleep(1)
        bench.come(2, symbol="B")
        await trio.sleep(5)
        assert bench.database.looks == [(12.0, ("A",))]


async def test_a_look_that_fails_is_made_again(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(1)
        bench.database.errors = [ConnectionLost("gone")]
        bench.database.findings = [Finding("A", 2)]
        await trio.sleep(70)
        assert await bench.take(1) == [1]
        assert await bench.take(1) == [2]
        assert trio.current_time() == pytest.approx(90.7, abs=0.2)


async def test_an_exchange_that_counts_anew_ends_the_feed(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(100)
        bench.database.findings = [Finding("A", 7, is_anew=True)]
        assert await bench.take(1) == [100]
        with pytest.raises(StreamTerminated, match="a@x: the exchange counts anew") as caught:
            await bench.feed.receive()
        assert caught.value.streams == ("a@x",)
        assert trio.current_time() == pytest.approx(90.2)


async def test_a_doubt_does_not_outlive_the_next_item(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(100)
        bench.database.findings = [Finding("A", 7, is_anew=True)]
        for number in range(101, 105):
            await trio.sleep(61)
            bench.come(number)
        assert await bench.take(5) == [100, 101, 102, 103, 104]


# ------------------------------------------------------------------------------------------------ slow consumers


@pytest.mark.parametrize("buffer", [1, 2, 7, 100])
async def test_a_consumer_that_sleeps_gets_everything_later_and_memory_stays_bounded(
    buffer: int, autojump_clock: MockClock
) -> None:
    async with open_bench(buffer=buffer, gapless_waiting=20) as bench:
        for number in range(1, 301):
            bench.come(number)
            await trio.sleep(0.01)
            assert bench.waiting() <= buffer + 20
        assert bench.database.asks == []
        bench.database.known = 300
        got: list[Any] = []
        with trio.fail_after(60):
            while len(got) < 300:
                got += await bench.take(1)
                assert bench.waiting() <= buffer + 20 + 1000
        assert got == list(range(1, 301))
        assert bench.database.asks
        bench.come(301)
        assert await bench.take(1) == [301]


@pytest.mark.parametrize("way", ["receive", "iterate", "batches"])
async def test_a_consumer_that_is_always_too_slow_stays_behind_and_loses_nothing(
    way: str, autojump_clock: MockClock
) -> None:
    async with open_bench(buffer=10, gapless_waiting=20) as bench:
        got: list[Any] = []

        async def produce() -> None:
            for number in range(1, 400):
                bench.database.known = number
                bench.come(number)
                await trio.sleep(0.05)

        async def consume() -> None:
            if way == "batches":
                async for batch in bench.feed.batches():
                    got.extend(told(list(batch)))
                    await trio.sleep(0.1 * len(batch))
            while way != "batches":
                got.append((await (bench.feed.receive() if way == "receive" else anext(bench.feed))).number)
                await trio.sleep(0.1)

        with trio.move_on_after(120):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(produce)
                nursery.start_soon(consume)
        assert got == list(range(1, 400))


async def test_one_who_never_reads_costs_a_bounded_memory_and_no_questions(autojump_clock: MockClock) -> None:
    async with open_bench(buffer=10, gapless_waiting=40) as bench:
        for number in range(1, 5000):
            bench.come(number)
            bench.come(number, symbol="B")
        await trio.sleep(300)
        assert bench.waiting() <= 10 + 40
        assert bench.database.asks == []


async def test_of_too_much_the_newest_is_asked_for_and_the_rest_told(autojump_clock: MockClock) -> None:
    async with open_bench(buffer=2, gapless_waiting=2, gapless_items=5) as bench:
        for number in range(1, 31):
            bench.come(number)
        assert await bench.take(9) == [1, 2, 3, (4, 25, "TOO_MANY"), 26, 27, 28, 29, 30]


async def test_fail_ends_the_feed_after_what_had_fitted(autojump_clock: MockClock) -> None:
    async with open_bench(buffer=3, overflow=Overflow.FAIL) as bench:
        bench.come(1, 2)
        bench.come(3, 4, 5)
        assert bench.mender.ended
        assert await bench.take(3) == [1, 2, 3]
        with pytest.raises(FeedOverflow, match="slower than its buffer of 3"):
            await bench.feed.receive()


async def test_fail_also_ends_a_feed_whose_consumer_does_not_take_what_was_asked_for(
    autojump_clock: MockClock,
) -> None:
    async with open_bench(buffer=4, gapless_waiting=6, overflow=Overflow.FAIL) as bench:
        bench.come(1)
        bench.come(100)
        await trio.sleep(10)
        assert not bench.mender.ended
        for number in range(101, 110):
            bench.come(number)
        assert bench.mender.ended


async def test_fail_does_not_end_a_feed_because_much_was_asked_for(autojump_clock: MockClock) -> None:
    async with open_bench(buffer=10, overflow=Overflow.FAIL, starts={"A": 1}) as bench:
        bench.database.known = 2500
        got = []
        for number in range(2501, 2511):
            bench.come(number)
            got += await bench.take(100)
        got += await bench.take(1510)
        assert got == list(range(1, 2511))


# ------------------------------------------------------------------------------------------------------ the end


async def test_an_end_in_order_waits_for_what_is_missing(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(1)
        bench.come(4)
        bench.mender.end(None)
        assert await bench.rest() == [1, 2, 3, 4]
        assert trio.current_time() == pytest.approx(0.6)


async def test_an_end_in_order_waits_for_nothing_when_nothing_is_missing(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(1)
        bench.mender.end()
        assert bench.mender.ended
        assert await bench.rest() == [1]


async def test_an_error_ends_at_once(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(1)
        bench.come(4)
        bench.mender.end(ConnectionLost("gone"))
        assert await bench.take(1) == [1]
        with pytest.raises(ConnectionLost):
            await bench.feed.receive()


async def test_without_its_task_an_end_is_an_end(autojump_clock: MockClock) -> None:
    ends: tuple[FeedSink[Any], Feed[Any]] = open_feed(buffer=2)
    sink, feed = ends
    mender: Mender[Any] = Mender(
        sink,
        Database(),
        {"A": "a@x"},
        first_unknown=Database().first_unknown,
        tuning=Tuning(),
        observer=Observer(),
        overflow=Overflow.DROP_OLDEST,
        starts={},
        exact=True,
    )
    for number in (1, 2, 3, 5):
        mender.deliver(ticks(number))
    assert feed.receive_nowait() == Tick("A", 1)
    mender.end(None)
    assert [item.number async for item in feed] == [2, 3]


async def test_another_run_of_the_task_asks_again(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.database.takes = 1000.0
        bench.come(1)
        bench.come(3)
        assert await bench.take(1) == [1]
        await trio.sleep(1)
        assert bench.database.in_flight == 1
        bench.database.takes = 0.1
        bench.task.cancel()
        await trio.sleep(1)
        assert bench.database.in_flight == 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.mender.tend)
            assert await bench.take(2) == [2, 3]
            nursery.cancel_scope.cancel()


async def test_a_source_that_waits_for_room_has_nothing_asked_again_but_what_it_lost(
    autojump_clock: MockClock,
) -> None:
    async with open_bench(buffer=10, gapless_waiting=40) as bench:
        numbers = [number for number in range(1, 500) if number % 50 != 7]
        got: list[Any] = []

        async def produce() -> None:
            while numbers:
                await bench.mender.wait_room()
                room = bench.mender.room
                batch, numbers[:room] = numbers[:room], []
                bench.come(*batch)
            bench.mender.end()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            got += await bench.rest()
        assert got == list(range(1, 500))
        assert [ask.first % 50 for _, ask in bench.database.asks] == [7] * 10
        assert bench.mender.statistics().postponed == 0


async def test_a_consumer_who_leaves_ends_the_task_with_all_its_questions(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.database.takes = 1000.0
        bench.come(1)
        bench.come(3)
        await trio.sleep(1)
        assert bench.database.in_flight == 1


# ------------------------------------------------------------------------------------------ symbols that are none


async def test_a_symbol_of_which_nothing_comes_is_asked_for_once(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(5)
        await trio.sleep(100)
        assert bench.database.unheard == [(2.0, ["B"])]


async def test_symbols_that_speak_are_not_asked_for(autojump_clock: MockClock) -> None:
    async with open_bench() as bench:
        bench.come(5)
        bench.come(9, symbol="B")
        await trio.sleep(100)
        assert bench.database.unheard == []


async def test_a_feed_fails_when_there_is_no_such_symbol_as_soon_as_somebody_says_so(
    autojump_clock: MockClock,
) -> None:
    async with open_bench() as bench:
        unknown = UnknownSymbol("A: Invalid symbol.", status=400, code=-1121)
        bench.database.unknown = [ConnectionLost("gone"), unknown]
        with pytest.raises(UnknownSymbol, match=r"A: Invalid symbol\."):
            await bench.feed.receive()
        assert bench.database.unheard == [(2.0, ["A", "B"]), (32.1, ["A", "B"])]
        assert "Invalid symbol" in str(bench.feed.end_reason)
