"""The feed and its sink: batches in, items out, nothing lost but what the policy says and the count tells."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trio_binance._services.feed import Feed, FeedSink, open_feed
from trio_binance._services.pipe import FeedStatistics
from trio_binance.config import Overflow
from trio_binance.errors import ConnectionLost, FeedOverflow, InvalidArgument, StreamTerminated
from trio_binance.models import Dropped


def feed_of(**settings: Any) -> tuple[FeedSink[Any], Feed[Any]]:
    return open_feed(**settings)


async def drain(feed: Feed[Any]) -> list[Any]:
    return [item async for item in feed]


# --------------------------------------------------------------------------------------------------- delivery


async def test_items_come_in_the_order_of_delivery() -> None:
    sink, feed = feed_of()
    assert sink.deliver([1, 2, 3]) == 0
    assert sink.deliver((4, 5)) == 0
    sink.end()
    assert await drain(feed) == [1, 2, 3, 4, 5]


async def test_an_empty_batch_is_nothing() -> None:
    sink, feed = feed_of()
    assert sink.deliver([]) == 0
    with pytest.raises(trio.WouldBlock):
        feed.receive_nowait()


async def test_a_waiting_consumer_wakes_once_for_a_whole_batch() -> None:
    sink, feed = feed_of()
    got: list[tuple[int, ...]] = []

    async def consume() -> None:
        got.extend([batch async for batch in feed.batches()])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await trio.testing.wait_all_tasks_blocked()
        sink.deliver(range(10))
        await trio.testing.wait_all_tasks_blocked()
        sink.deliver([10])
        sink.deliver([11])
        await trio.testing.wait_all_tasks_blocked()
        sink.end()
    assert got == [tuple(range(10)), (10, 11)]


class Steps(trio.abc.Instrument):
    """Counts how often the task that made it was scheduled."""

    def __init__(self) -> None:
        self.count = 0
        self._task = trio.lowlevel.current_task()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task is self._task


async def test_iteration_makes_no_checkpoint_an_item_but_one_every_64_and_when_nothing_waits() -> None:
    sink, feed = feed_of()
    sink.deliver(range(200))
    sink.end()
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    try:
        seen = [(item, steps.count) async for item in feed]
        after = steps.count
    finally:
        trio.lowlevel.remove_instrument(steps)
    assert seen == [(item, 1 + item // 64) for item in range(200)]
    assert after == 5


async def test_receive_is_a_checkpoint_each_time_and_so_is_each_batch() -> None:
    sink, feed = feed_of()
    sink.deliver([1, 2, 3])
    with trio.testing.assert_checkpoints():
        assert await feed.receive() == 1
    with trio.testing.assert_checkpoints():
        async for batch in feed.batches():
            assert batch == (2, 3)
            break
    sink.end()
    with trio.testing.assert_checkpoints(), pytest.raises(trio.EndOfChannel):
        await feed.receive()


async def test_receive_nowait_takes_what_waits() -> None:
    sink, feed = feed_of()
    with pytest.raises(trio.WouldBlock):
        feed.receive_nowait()
    sink.deliver([1])
    assert feed.receive_nowait() == 1
    sink.end()
    with pytest.raises(trio.EndOfChannel):
        feed.receive_nowait()


# --------------------------------------------------------------------------------------------------- overflow


async def test_drop_oldest_drops_and_counts_the_oldest() -> None:
    sink, feed = feed_of(buffer=3)
    assert sink.deliver([1, 2]) == 0
    assert sink.deliver([3, 4, 5]) == 2
    assert sink.deliver(range(10, 20)) == 10
    sink.end()
    assert await drain(feed) == [17, 18, 19]
    figures = feed.statistics()
    assert (figures.delivered, figures.dropped, figures.waiting, figures.peak) == (3, 12, 0, 3)


async def test_fail_ends_the_feed_after_what_had_fitted() -> None:
    sink, feed = feed_of(buffer=3, overflow=Overflow.FAIL, streams=["btcusdt@trade"])
    assert sink.deliver([1, 2]) == 0
    assert sink.deliver([3, 4, 5]) == 2
    assert sink.ended
    assert not sink.closed
    assert sink.deliver([6]) == 1
    assert [await anext(feed) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(FeedOverflow, match="btcusdt@trade: the consumer is slower than its buffer of 3") as caught:
        await anext(feed)
    assert caught.value.streams == ("btcusdt@trade",)
    assert feed.statistics().dropped == 2


async def test_latest_keeps_the_newest_of_each_symbol() -> None:
    sink, feed = feed_of(overflow=Overflow.LATEST)
    btc, eth, newer = (SimpleNamespace(symbol=symbol, price=price) for symbol, price in [("B", 1), ("E", 2), ("B", 3)])
    assert sink.deliver([btc, eth]) == 0
    assert sink.deliver([newer]) == 0
    sink.end()
    assert await drain(feed) == [newer, eth]
    assert (feed.statistics().dropped, feed.statistics().replaced) == (0, 1)


async def test_latest_takes_a_key_of_ones_own_and_bounds_their_number() -> None:
    sink, feed = feed_of(buffer=2, overflow=Overflow.LATEST, key=lambda item: item % 10)
    assert sink.deliver([1, 2, 12, 3, 13]) == 1
    async for batch in feed.batches():
        assert batch == (12, 13)
        break
    figures = feed.statistics()
    assert (figures.delivered, figures.dropped, figures.replaced, figures.waiting, figures.peak) == (2, 1, 2, 0, 2)


async def test_latest_starves_no_key_though_another_is_busy() -> None:
    sink, feed = feed_of(overflow=Overflow.LATEST, key=lambda item: item[0])
    got = []
    sink.deliver([("quiet", 0)])
    for number in range(5):
        sink.deliver([("busy", number), ("quiet", number)])
        got.append((await feed.receive())[0])
    assert got == ["quiet", "busy", "quiet", "busy", "quiet"]


async def test_a_feed_that_tells_says_what_was_dropped_where_it_was() -> None:
    sink, feed = feed_of(buffer=3)
    telling = feed.telling()
    assert isinstance(telling, trio.abc.ReceiveChannel)
    sink.deliver([1, 2])
    assert await telling.receive() == 1
    sink.deliver(range(3, 8))
    with trio.testing.assert_checkpoints():
        assert await telling.receive() == Dropped(3)
    sink.end()
    assert [item async for item in telling] == [5, 6, 7]
    with pytest.raises(trio.EndOfChannel):
        await telling.receive()
    assert feed.statistics().delivered == 4


async def test_what_is_dropped_in_the_middle_of_an_iteration_is_told_in_the_middle() -> None:
    sink, feed = feed_of(buffer=3)
    sink.deliver([1, 2, 3])
    got = []
    async for item in feed.telling():
        got.append(item)
        if item == 1:
            sink.deliver([4, 5])
            sink.end()
    assert got == [1, Dropped(1), 3, 4, 5]


async def test_of_what_was_only_replaced_nothing_is_told_but_of_a_key_that_found_no_place() -> None:
    sink, feed = feed_of(buffer=2, overflow=Overflow.LATEST, key=lambda item: item % 10)
    sink.deliver([1, 11, 2, 3])
    sink.end()
    assert [item async for item in feed.telling()] == [Dropped(1), 2, 3]


async def test_to_close_a_feed_that_tells_is_to_close_the_feed() -> None:
    sink, feed = feed_of()
    async with feed.telling():
        sink.deliver([1])
    assert sink.closed
    with pytest.raises(trio.ClosedResourceError):
        await feed.receive()


def test_a_buffer_holds_at_least_one_item() -> None:
    with pytest.raises(InvalidArgument, match="buffer=0"):
        feed_of(buffer=0)


# ----------------------------------------------------------------------------------------------------- the end


async def test_an_orderly_end_is_the_end_of_the_channel_again_and_again() -> None:
    sink, feed = feed_of()
    assert repr(feed).endswith("open>")
    sink.end()
    sink.end(StreamTerminated("too late"))
    assert feed.end_reason == "ended"
    assert sink.deliver([1]) == 1
    for _ in range(2):
        with pytest.raises(trio.EndOfChannel):
            await feed.receive()
        assert await drain(feed) == []
        assert [batch async for batch in feed.batches()] == []


async def test_a_failure_is_raised_after_the_waiting_items_and_does_not_grow() -> None:
    sink, feed = feed_of()
    error = ConnectionLost("gone for good")
    sink.deliver([1])
    sink.end(error)
    assert feed.end_reason == "gone for good"
    assert await feed.receive() == 1
    depths = []
    for _ in range(3):
        with pytest.raises(ConnectionLost) as caught:
            await feed.receive()
        assert caught.value is error
        depths.append(len(caught.traceback))
        with pytest.raises(ConnectionLost):
            feed.receive_nowait()
        with pytest.raises(ConnectionLost):
            await drain(feed)
        with pytest.raises(ConnectionLost):
            await anext(feed.batches())
    assert len(set(depths)) == 1


async def test_an_end_wakes_the_waiting_consumer() -> None:
    sink, feed = feed_of()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain, feed)
        await trio.testing.wait_all_tasks_blocked()
        sink.end()


async def test_closing_is_known_to_the_sink_at_once_and_gives_up_what_waits() -> None:
    sink, feed = feed_of()
    sink.deliver([1, 2])
    feed.receive_nowait()
    feed.close()
    assert sink.closed
    assert sink.ended
    assert sink.deliver([3]) == 1
    assert feed.end_reason == "closed by the consumer"
    assert feed.statistics() == FeedStatistics(
        delivered=1, dropped=1, replaced=0, waiting=0, peak=2, buffer=1000, lag=0.0
    )
    feed.close()
    with pytest.raises(trio.ClosedResourceError):
        await feed.receive()
    with pytest.raises(trio.ClosedResourceError):
        feed.receive_nowait()
    with pytest.raises(trio.ClosedResourceError):
        await drain(feed)


async def test_the_first_reason_of_an_end_stays() -> None:
    sink, feed = feed_of()
    sink.end(StreamTerminated("delisted"))
    await feed.aclose()
    assert feed.end_reason == "delisted"
    with pytest.raises(trio.ClosedResourceError):
        await feed.receive()


async def test_leaving_the_block_closes_even_when_cancelled() -> None:
    sink, feed = feed_of()
    with trio.CancelScope() as scope:
        async with feed:
            scope.cancel()
    assert sink.closed
    assert scope.cancelled_caught


async def test_closing_wakes_another_task_that_receives() -> None:
    sink, feed = feed_of()

    async def receive() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await feed.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        await feed.aclose()
    assert sink.closed


# ------------------------------------------------------------------------------------- cancellation, conflicts


async def test_a_cancelled_receive_loses_nothing() -> None:
    sink, feed = feed_of()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed.receive)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    sink.deliver([1])
    with trio.CancelScope() as scope:
        scope.cancel()
        await feed.receive()
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        await anext(feed)
    assert scope.cancelled_caught
    assert await feed.receive() == 1


async def test_a_delivery_at_the_moment_of_a_cancellation_is_kept() -> None:
    sink, feed = feed_of()
    got = []

    async def consume(scope: trio.CancelScope) -> None:
        with scope:
            got.append(await feed.receive())

    for order in ("deliver first", "cancel first"):
        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(consume, scope)
            await trio.testing.wait_all_tasks_blocked()
            if order == "cancel first":
                scope.cancel()
            sink.deliver([order])
            scope.cancel()
    sink.end()
    got.extend(await drain(feed))
    assert got == ["deliver first", "cancel first"]


async def test_two_tasks_cannot_receive_at_once() -> None:
    sink, feed = feed_of()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.receive)
        await trio.testing.wait_all_tasks_blocked()
        for attempt in (feed.receive, feed.__anext__, feed.batches().__anext__):
            with pytest.raises(trio.BusyResourceError, match="another task is receiving"):
                await attempt()
        sink.deliver([1, 2, 3])
        with pytest.raises(trio.BusyResourceError):
            await anext(feed)
    assert await feed.receive() == 2


# ------------------------------------------------------------------------------------------------- lossless


@pytest.mark.parametrize("way", ["receive", "iterate", "batches", "nowait"])
async def test_a_source_that_waits_for_room_loses_nothing(way: str) -> None:
    sink, feed = feed_of(buffer=3)
    got: list[int] = []

    async def produce() -> None:
        number = 0
        while number < 500:
            await sink.wait_room()
            room = min(sink.room, 500 - number)
            assert room > 0
            assert sink.deliver(range(number, number + room)) == 0
            number += room
        sink.end()

    async def consume() -> None:
        if way == "receive":
            while len(got) < 500:
                got.append(await feed.receive())
        elif way == "iterate":
            got.extend(await drain(feed))
        elif way == "batches":
            async for batch in feed.batches():
                got.extend(batch)
        else:
            while len(got) < 500:
                await trio.testing.wait_all_tasks_blocked()
                got.append(feed.receive_nowait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        nursery.start_soon(consume)
    assert got == list(range(500))
    assert feed.statistics().dropped == 0


async def test_room_is_told_as_soon_as_one_item_is_taken() -> None:
    sink, feed = feed_of(buffer=2)
    sink.deliver([1, 2])
    assert sink.room == 0
    assert await anext(feed) == 1
    sink.deliver([3])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.wait_room)
        nursery.start_soon(sink.wait_room)
        await trio.testing.wait_all_tasks_blocked()
        assert await anext(feed) == 2
    assert sink.room == 1


async def test_who_refills_is_woken_once_enough_fits_and_not_before() -> None:
    sink, feed = feed_of(buffer=4)
    sink.deliver([1, 2, 3, 4])
    event = trio.Event()
    sink.want_room(event, 3)
    assert [await anext(feed) for _ in range(2)] == [1, 2]
    assert not event.is_set()
    await feed.receive()
    assert event.is_set()
    at_once, at_the_end = trio.Event(), trio.Event()
    sink.want_room(at_once, 3)
    assert at_once.is_set()
    sink.want_room(at_the_end, 4)
    assert not at_the_end.is_set()
    sink.end()
    assert at_the_end.is_set()


async def test_who_refills_is_woken_when_nothing_is_left_however_it_was_taken() -> None:
    sink, feed = feed_of(buffer=4)
    sink.deliver([1, 2, 3, 4])
    event = trio.Event()
    sink.want_room(event, 3)

    async def refill() -> None:
        await event.wait()
        sink.deliver([5])
        sink.end()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(refill)
        got = await drain(feed)
    assert got == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("leave", ["close", "end"])
async def test_waiting_for_room_ends_with_the_feed(leave: str) -> None:
    sink, feed = feed_of(buffer=1)
    sink.deliver([1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.wait_room)
        await trio.testing.wait_all_tasks_blocked()
        if leave == "close":
            feed.close()
        else:
            sink.end()
    with trio.testing.assert_checkpoints():
        await sink.wait_room()


# ------------------------------------------------------------------------------------------------- figures


async def test_the_lag_is_the_age_of_the_oldest_waiting_item(autojump_clock: object) -> None:
    sink, feed = feed_of(buffer=10)
    assert feed.statistics().lag == 0.0
    sink.deliver([1, 2])
    await trio.sleep(1)
    sink.deliver([3])
    await trio.sleep(1)
    assert feed.statistics().lag == 2.0
    await feed.receive()
    assert sink.statistics().lag == 2.0
    await feed.receive()
    assert feed.statistics().lag == 1.0
    await feed.receive()
    assert feed.statistics().lag == 0.0


async def test_the_memory_of_arrivals_is_bounded_by_what_waits() -> None:
    sink, feed = feed_of(buffer=5)
    for number in range(1000):
        sink.deliver([number])
    assert len(sink._pipe.marks) == 5
    feed.receive_nowait()
    assert feed.statistics().waiting == 4


async def test_a_feed_shows_its_state() -> None:
    sink, feed = feed_of(buffer=1, streams=["a", "b", "c", "d"])
    sink.deliver([1, 2])
    assert repr(feed) == "<Feed [a, b, c, ...]: 1 waiting, 1 dropped, open>"
    sink.end()
    assert repr(feed) == "<Feed [a, b, c, ...]: 1 waiting, 1 dropped, ended>"
    assert feed.streams == sink.streams == ("a", "b", "c", "d")


def test_users_do_not_make_feeds() -> None:
    with pytest.raises(TypeError, match="no public constructor"):
        Feed(None)  # type: ignore[arg-type]


def test_a_feed_is_a_channel_of_trio() -> None:
    assert isinstance(feed_of()[1], trio.abc.ReceiveChannel)


# ------------------------------------------------------------------------------------------------- properties


class FeedMachine(RuleBasedStateMachine):
    """Any interleaving of deliveries and receptions against a list that does the same slowly."""

    def __init__(self) -> None:
        super().__init__()
        self.model: list[tuple[int, int]] = []
        self.number = self.entered = self.delivered = self.dropped = self.replaced = 0

    @rule(buffer=st.integers(1, 5), overflow=st.sampled_from([Overflow.DROP_OLDEST, Overflow.LATEST, Overflow.FAIL]))
    @precondition(lambda self: not hasattr(self, "feed"))
    def open(self, buffer: int, overflow: Overflow) -> None:
        self.buffer, self.overflow = buffer, overflow
        self.sink, self.feed = feed_of(buffer=buffer, overflow=overflow, key=lambda item: item[0])

    @rule(keys=st.lists(st.integers(0, 6), max_size=8))
    @precondition(lambda self: hasattr(self, "feed"))
    def deliver(self, keys: list[int]) -> None:
        batch = [(key, self.number + place) for place, key in enumerate(keys)]
        self.number += len(batch)
        expected = self.expect(batch)
        self.dropped += expected

        async def main() -> int:
            return self.sink.deliver(batch)

        assert trio.run(main, clock=trio.testing.MockClock()) == expected

    def expect(self, batch: list[tuple[int, int]]) -> int:
        if self.overflow is Overflow.FAIL:
            room = 0 if self.sink.ended else self.buffer - len(self.model)
            self.entered += 0 if self.sink.ended else len(batch)
            self.model += batch[:room]
            lost = len(batch) - len(batch[:room])
            return self.uncounted(lost) if self.sink.ended else lost
        self.entered += len(batch)
        before = len(self.model) + len(batch)
        if self.overflow is Overflow.LATEST:
            newest = OrderedDict((item[0], item) for item in self.model)
            newest.update((item[0], item) for item in batch)
            self.model = list(newest.values())
            self.replaced += before - len(self.model)
            before = len(self.model)
        else:
            self.model += batch
        self.model = self.model[-self.buffer :]
        return before - len(self.model)

    def uncounted(self, lost: int) -> int:
        self.dropped -= lost  # What comes after the end is answered for, but was never taken.
        return lost

    @rule()
    @precondition(lambda self: hasattr(self, "feed") and bool(self.model))
    def receive(self) -> None:
        assert self.feed.receive_nowait() == self.model.pop(0)
        self.delivered += 1

    @rule()
    @precondition(lambda self: hasattr(self, "feed") and bool(self.model))
    def receive_all(self) -> None:
        async def main() -> tuple[tuple[int, int], ...]:
            return await anext(self.feed.batches())

        assert list(trio.run(main, clock=trio.testing.MockClock())) == self.model
        self.delivered += len(self.model)
        self.model = []

    @invariant()
    def figures_add_up(self) -> None:
        if hasattr(self, "feed"):
            figures = trio.run(self.read, clock=trio.testing.MockClock())
            assert (figures.delivered, figures.dropped) == (self.delivered, self.dropped)
            assert figures.replaced == self.replaced
            assert figures.waiting == len(self.model) <= figures.peak <= self.buffer
            assert figures.delivered + figures.dropped + figures.replaced + figures.waiting == self.entered

    async def read(self) -> FeedStatistics:
        return self.feed.statistics()


TestFeedMachine = FeedMachine.TestCase
TestFeedMachine.settings = settings(max_examples=30, stateful_step_count=25)  # Each step runs Trio.


@given(st.lists(st.lists(st.integers(), max_size=150), max_size=6))
def test_whatever_the_batches_iteration_gives_their_items_in_order(batches: list[list[int]]) -> None:
    async def main() -> None:
        sink, feed = feed_of()
        got: list[int] = []

        async def produce() -> None:
            for batch in batches:
                sink.deliver(batch)
                await trio.lowlevel.checkpoint()
            sink.end()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            got.extend(await drain(feed))
        assert got == [item for batch in batches for item in batch]

    trio.run(main)
