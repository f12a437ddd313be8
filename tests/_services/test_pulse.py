"""The pulse: who waits is woken, who is slow misses nothing but what was overtaken, and nothing piles up."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_binance._services.pulse import Changes, Pulse


def nothing() -> None:
    """There is nothing to raise."""


async def test_what_changed_since_is_told_once_each_the_latest_first() -> None:
    pulse: Pulse[str] = Pulse()
    for thing in "abcab":
        pulse.beat(thing)
    assert pulse.count == 5
    assert pulse.since(0) == ["b", "a", "c"]
    assert pulse.since(3) == ["b", "a"]
    assert pulse.since(5) == []


async def test_all_who_wait_are_woken() -> None:
    pulse: Pulse[str] = Pulse()
    woken: list[int] = []

    async def wait(number: int) -> None:
        await pulse.wait()
        woken.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(wait, number)
        await trio.testing.wait_all_tasks_blocked()
        pulse.beat("a")
    assert sorted(woken) == [0, 1, 2]


async def test_a_slow_reader_gets_each_thing_once_in_the_order_of_the_last_changes() -> None:
    pulse: Pulse[str] = Pulse()
    pulse.beat("before")
    changes = Changes(pulse, nothing)
    for thing in "abcabd":
        pulse.beat(thing)
    assert [await changes.__anext__() for _ in range(4)] == ["c", "a", "b", "d"]
    with trio.move_on_after(0):
        await changes.__anext__()
    pulse.beat("a")
    assert await changes.__anext__() == "a"


async def test_a_reader_gives_way_when_nothing_waits_and_after_every_64_things() -> None:
    pulse: Pulse[int] = Pulse()
    changes = Changes(pulse, nothing)
    for number in range(200):
        pulse.beat(number)
    turns = 0
    done = trio.Event()

    async def count() -> None:
        nonlocal turns
        while not done.is_set():
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        await trio.lowlevel.checkpoint()
        before = turns
        for _ in range(200):
            await changes.__anext__()
        assert turns - before >= 3
        done.set()


async def test_iterating_ends_after_the_last_change_when_there_will_be_no_more() -> None:
    pulse: Pulse[str] = Pulse()

    def ended() -> None:
        raise trio.EndOfChannel

    changes = Changes(pulse, ended)
    pulse.beat("a")
    assert [thing async for thing in changes] == ["a"]

    def broken() -> None:
        raise trio.ClosedResourceError

    with pytest.raises(trio.ClosedResourceError):
        await Changes(pulse, broken).__anext__()


async def test_one_who_is_woken_without_a_change_looks_and_waits_on() -> None:
    pulse: Pulse[str] = Pulse()
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1

    changes = Changes(pulse, look)
    with trio.move_on_after(1) as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(changes.__anext__)
            await trio.testing.wait_all_tasks_blocked()
            pulse.wake()
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert looks == 2
