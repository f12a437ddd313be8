"""The shelf: answers that are kept, and calls that are shared."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_binance._services.shelf import Shelf
from trio_binance.errors import ConnectionLost, Outcome


class Source:
    """Answers with its own count, as slowly as it is told, or fails."""

    def __init__(self, latency: float = 1.0, error: BaseException | None = None) -> None:
        self.latency = latency
        self.error = error
        self.calls = 0

    async def fetch(self) -> int:
        self.calls += 1
        number = self.calls
        await trio.sleep(self.latency)
        if self.error is not None:
            raise self.error
        return number


async def test_an_answer_is_kept_until_it_is_too_old(autojump_clock: trio.testing.MockClock) -> None:
    shelf, source = Shelf[int](60.0), Source()
    assert await shelf.get("a", source.fetch) == 1
    await trio.sleep(59)
    assert await shelf.get("a", source.fetch) == 1
    assert await shelf.get("b", source.fetch) == 2
    await trio.sleep(1)
    assert await shelf.get("a", source.fetch) == 3


async def test_a_kept_answer_is_a_checkpoint_too(autojump_clock: trio.testing.MockClock) -> None:
    shelf, source = Shelf[int](60.0), Source()
    await shelf.get("a", source.fetch)
    with trio.testing.assert_checkpoints():
        await shelf.get("a", source.fetch)


async def test_a_shelf_of_no_age_keeps_nothing_and_still_shares_the_call(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shelf, source = Shelf[int](), Source()
    found: list[int] = []

    async def ask() -> None:
        found.append(await shelf.get("a", source.fetch))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    assert (found, source.calls) == ([1] * 5, 1)
    assert await shelf.get("a", source.fetch) == 2


async def test_who_is_cancelled_leaves_the_others_alone(autojump_clock: trio.testing.MockClock) -> None:
    shelf, source = Shelf[int](60.0), Source()
    found: list[int] = []
    scopes: list[trio.CancelScope] = []

    async def ask() -> None:
        with trio.CancelScope() as scope:
            scopes.append(scope)
            found.append(await shelf.get("a", source.fetch))

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(ask)
        await trio.sleep(0.5)
        assert source.calls == 1
        scopes[0].cancel()  # whoever came first makes the call; one of the others goes on in its place
        await trio.sleep(0.6)
        assert source.calls == 2
        scopes[1].cancel()
    assert sum(scope.cancelled_caught for scope in scopes) == 2
    assert len(set(found)) == 1
    assert len(found) == 2


async def test_a_waiter_that_is_cancelled_does_not_stop_the_call(autojump_clock: trio.testing.MockClock) -> None:
    shelf, source = Shelf[int](60.0), Source()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shelf.get, "a", source.fetch)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0.5) as impatient:
            await shelf.get("a", source.fetch)
    assert impatient.cancelled_caught
    assert (await shelf.get("a", source.fetch), source.calls) == (1, 1)


async def test_a_failure_is_everybodys_and_nothing_is_kept_of_it(autojump_clock: trio.testing.MockClock) -> None:
    lost = ConnectionLost("gone", code=1006)
    shelf, source = Shelf[int](60.0), Source(error=lost)
    caught: list[ConnectionLost] = []

    async def ask() -> None:
        with pytest.raises(ConnectionLost) as failure:
            await shelf.get("a", source.fetch)
        caught.append(failure.value)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert source.calls == 1
    assert len({id(error) for error in caught}) == 3
    assert {(error.code, error.outcome, str(error)) for error in caught} == {(1006, Outcome.UNKNOWN, "gone")}
    assert [error.__cause__ for error in caught if error is not lost] == [lost, lost]
    source.error = None
    assert await shelf.get("a", source.fetch) == 2


async def test_a_bug_is_raised_to_the_one_who_made_the_call_and_the_next_makes_it_anew(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shelf, source = Shelf[int](60.0), Source(error=RuntimeError("bug"))

    async def ask() -> None:
        with pytest.raises(RuntimeError, match="bug"):
            await shelf.get("a", source.fetch)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(ask)
    assert source.calls == 2


async def test_what_is_forgotten_is_asked_for_anew_even_while_the_old_question_is_under_way(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shelf, source = Shelf[int](60.0), Source()
    found: list[int] = []

    async def ask() -> None:
        found.append(await shelf.get("a", source.fetch))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.sleep(0.5)
        shelf.forget("a")
        nursery.start_soon(ask)
    assert found == [1, 2]
    assert await shelf.get("a", source.fetch) == 2
    shelf.forget("a")
    shelf.forget("never asked for")
    assert await shelf.get("a", source.fetch) == 3
