"""The pipe: what was sent arrives whole, in order and in its time, however it is shaped and read."""

from __future__ import annotations

import math
import random

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.network import MemoryNetwork
from trio_binance.sandbox.pipe import Guard, Link, Lot, Pipe, check_limit

from .test_network import pair, receive_exactly

# ------------------------------------------------------------------------------------------- by itself, no clock

links = st.builds(
    Link,
    latency=st.sampled_from((0.0, 0.5)),
    jitter=st.sampled_from((0.0, 2.0)),
    fragment=st.none() | st.integers(1, 5),
    pace=st.sampled_from((0.0, 0.25)),
)


@given(links, st.lists(st.binary(min_size=1, max_size=12)), st.sampled_from((None, 1, 7)), st.integers(0, 99))
def test_every_byte_comes_out_once_in_order_and_never_early(
    link: Link, chunks: list[bytes], limit: int | None, seed: int
) -> None:
    pipe = Pipe(link, random.Random(seed))
    for moment, chunk in enumerate(chunks):
        pipe.put(chunk, float(moment))
    pipe.end(float(len(chunks)))
    assert pipe.room == link.window - sum(map(len, chunks))
    sent_at = [moment for moment, chunk in enumerate(chunks) for _ in chunk]
    data, now = b"", 0.0
    while True:
        now = max(now, pipe.readable_at())
        part = pipe.take(limit, now)
        if not part:
            break
        data += part
        assert now >= sent_at[len(data) - 1] + link.latency
        assert limit is None or len(part) <= limit
    assert data == b"".join(chunks)
    assert pipe.room == link.window


def test_fragments_without_a_source_of_chance_are_of_full_size() -> None:
    pipe = Pipe(Link(fragment=3, jitter=9.0), None)
    pipe.put(b"abcdefg", 0.0)
    assert [pipe.take(None, 0.0) for _ in range(4)] == [b"abc", b"def", b"g", b""]


def test_a_hole_holds_the_end_back_too_and_can_be_closed() -> None:
    pipe = Pipe(Link(), None)
    pipe.end(1.0)
    pipe.hold(50.0)
    assert (pipe.readable_at(), pipe.passes_at(60.0)) == (50.0, 60.0)
    pipe.hold(-math.inf)
    assert pipe.readable_at() == 1.0


def test_a_broken_line_is_readable_at_once_and_says_so() -> None:
    pipe = Pipe(Link(latency=9.0), None)
    pipe.put(b"lost", 0.0)
    pipe.break_off()
    assert pipe.readable_at() == 0.0
    with pytest.raises(trio.BrokenResourceError):
        pipe.take(None, 0.0)


def test_what_is_sent_to_a_reader_that_has_left_only_fills_the_window() -> None:
    pipe = Pipe(Link(window=10), None)
    pipe.put(b"unread", 0.0)
    pipe.leave(told_at=3.0)
    pipe.put(b"more", 1.0)
    assert (pipe.room, pipe.gone_at, pipe.take(None, 1.0)) == (0, 3.0, b"")


@pytest.mark.parametrize("wrong", [0, -1])
def test_less_than_a_byte_cannot_be_asked_for(wrong: int) -> None:
    check_limit(None)
    check_limit(1)
    with pytest.raises(ValueError, match="max_bytes"):
        check_limit(wrong)


def test_a_guard_lets_the_next_one_in_after_the_first_has_left() -> None:
    guard = Guard("one at a time")
    with guard, pytest.raises(trio.BusyResourceError, match="one at a time"), guard:
        pass  # pragma: no cover
    with guard:
        pass


async def test_a_lot_waits_for_its_moment_or_for_news(autojump_clock: trio.testing.MockClock) -> None:
    lot = Lot()
    await lot.wait(5.0)
    assert trio.current_time() == 5
    for until in (math.inf, 100.0):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lot.wait, until)
            await trio.testing.wait_all_tasks_blocked()
            lot.wake()
    assert trio.current_time() == 5


# -------------------------------------------------------------------------------------------- between two streams


async def test_a_chunk_is_handed_over_without_being_copied() -> None:
    client, server = await pair()
    sent = bytes(200_000)
    await client.send_all(sent)
    assert await server.receive_some() is sent


async def test_small_chunks_arrive_together() -> None:
    client, server = await pair()
    for letter in (b"a", b"b", b"c"):
        await client.send_all(letter)
    assert await server.receive_some() == b"abc"


async def test_bytes_arrive_after_the_latency_and_in_order(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await pair(MemoryNetwork(random.Random(3), link=Link(latency=0.1, jitter=0.5)))
    start = trio.current_time()
    for number in range(50):
        await client.send_all(bytes([number]))
    assert await receive_exactly(server, 50) == bytes(range(50))
    assert 0.1 <= trio.current_time() - start <= 0.6


async def test_the_end_arrives_after_what_was_sent_before(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await pair(MemoryNetwork(link=Link(latency=1.0)))
    await client.send_all(b"last words")
    await client.aclose()
    assert await server.receive_some(4) == b"last"
    assert await server.receive_some() == b" words"
    assert await server.receive_some() == b""


async def test_a_slow_drip_is_one_byte_a_second(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await pair(MemoryNetwork(link=Link(fragment=1, pace=1.0)))
    start = trio.current_time()
    await client.send_all(b"drops")
    assert await receive_exactly(server, 5) == b"drops"
    assert trio.current_time() - start == pytest.approx(4.0)


async def test_fragments_are_cut_by_chance_and_the_same_for_the_same_seed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def sizes(seed: int) -> list[int]:
        client, server = await pair(MemoryNetwork(random.Random(seed), link=Link(fragment=100)))
        await client.send_all(bytes(1000))
        await client.aclose()
        found = []
        while part := await server.receive_some():
            found.append(len(part))
        return found

    first = await sizes(1)
    assert sum(first) == 1000
    assert max(first) <= 100
    assert len(set(first)) > 3
    assert first == await sizes(1) != await sizes(2)
