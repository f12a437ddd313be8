"""The status board: what the services say of themselves, added up, and the waiting for it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from trio_binance._services.conditions import Degraded, Ready, Starting, Status
from trio_binance._services.events import StatusChanged
from trio_binance._services.observe import Observer
from trio_binance._services.status import StatusBoard
from trio_binance.errors import AuthError, ConnectorClosed


def board_of(*services: str) -> tuple[StatusBoard, list[Any]]:
    events: list[Any] = []
    return StatusBoard(Observer([events.append]), services), events


def now(board: StatusBoard) -> Status:
    return board.status


async def test_it_is_starting_until_every_expected_service_was_ready() -> None:
    board, events = board_of("clock", "rest")
    assert now(board) is Status.STARTING
    board.set("clock", Ready())
    assert now(board) is Status.STARTING
    assert board.reasons == {"rest": "starting"}
    board.set("rest", Ready())
    assert now(board) is Status.READY
    assert board.reasons == {}
    assert [(event.old, event.new, event.reason) for event in events] == [(Status.STARTING, Status.READY, "")]


async def test_nobody_expected_and_nobody_reported_is_starting() -> None:
    board, _ = board_of()
    assert now(board) is Status.STARTING
    board.set("clock", Ready())
    assert now(board) is Status.READY


async def test_one_degraded_service_degrades_the_whole_and_says_why() -> None:
    board, events = board_of("clock", "rest")
    board.set("clock", Ready())
    board.set("rest", Degraded("circuit breaker open"))
    assert now(board) is Status.DEGRADED
    assert board.reasons == {"rest": "circuit breaker open"}
    board.set("rest", Ready())
    assert now(board) is Status.READY
    assert [event.reason for event in events] == ["rest: circuit breaker open", ""]


async def test_a_degraded_service_does_not_end_the_starting_of_another() -> None:
    board, _ = board_of("clock", "rest")
    board.set("clock", Degraded("no network"))
    assert now(board) is Status.STARTING
    assert board.reasons == {"clock": "no network", "rest": "starting"}


async def test_what_starts_again_is_degraded_and_not_starting() -> None:
    board, events = board_of("clock")
    board.set("clock", Ready())
    board.set("clock", Starting("after a crash"))
    assert now(board) is Status.DEGRADED
    assert events[-1].reason == "clock: after a crash"


async def test_the_same_status_again_is_not_told() -> None:
    board, events = board_of("clock")
    board.set("clock", Degraded("one"))
    board.set("clock", Degraded("two"))
    assert board.reasons == {"clock": "two"}
    assert len(events) == 1


async def test_a_forgotten_service_no_longer_counts() -> None:
    board, _ = board_of("clock")
    board.set("clock", Ready())
    board.set("stream-1", Degraded("lost"))
    board.forget("stream-1")
    board.forget("stranger")
    assert now(board) is Status.READY
    board.forget("clock")
    assert now(board) is Status.READY


async def test_waiting_ends_when_it_becomes_ready(autojump_clock: object) -> None:
    board, events = board_of("clock")

    async def start() -> None:
        await trio.sleep(3)
        board.set("clock", Ready())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(start)
        assert await board.wait(Status.READY) is Status.READY
    assert trio.current_time() == 3
    assert events == [StatusChanged(3.0, Status.STARTING, Status.READY)]


async def test_waiting_for_what_it_is_already_is_a_checkpoint() -> None:
    board, _ = board_of("clock")
    with trio.testing.assert_checkpoints():
        assert await board.wait(Status.STARTING, Status.READY) is Status.STARTING


async def test_waiting_misses_no_moment_however_brief() -> None:
    board, _ = board_of("clock")
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            assert await board.wait(Status.READY) is Status.READY

        await trio.testing.wait_all_tasks_blocked()
        board.set("clock", Ready())
        board.set("clock", Degraded("again"))
        board.set("clock", Ready())


async def test_waiting_goes_on_through_other_changes() -> None:
    board, _ = board_of("clock")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(board.wait, Status.READY)
        await trio.testing.wait_all_tasks_blocked()
        board.set("clock", Degraded("no network"))
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        board.set("clock", Ready())


async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    board, _ = board_of("clock")
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.wait, Status.READY)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert not board._waiters


async def test_closing_ends_all_waiting_and_is_for_good() -> None:
    board, events = board_of("clock")

    async def wait() -> None:
        with pytest.raises(ConnectorClosed):
            await board.wait(Status.READY)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(board.wait, Status.CLOSED)
        await trio.testing.wait_all_tasks_blocked()
        board.close()
        board.close()
    board.set("clock", Ready())
    assert now(board) is Status.CLOSED
    assert [event.new for event in events] == [Status.CLOSED]
    with pytest.raises(ConnectorClosed):
        await board.wait(Status.READY)
    assert await board.wait(Status.CLOSED) is Status.CLOSED


REFUSED = AuthError("Invalid API-key, IP, or permissions for action.", status=401, code=-2015)


async def test_nobody_waits_for_a_service_that_is_refused_for_good() -> None:
    board, _ = board_of("clock", "userdata")
    board.set("userdata", Degraded("refused", REFUSED))
    for _ in range(2):
        with pytest.raises(AuthError) as caught:
            await board.wait(Status.READY)
        assert caught.value is not REFUSED
        assert caught.value.code == -2015
    board.set("clock", Ready())
    assert await board.wait(Status.READY, Status.DEGRADED) is Status.DEGRADED


async def test_who_waits_for_ready_is_told_of_a_refusal_and_of_nothing_that_may_pass(
    autojump_clock: trio.testing.MockClock,
) -> None:
    board, _ = board_of("userdata")
    told: list[object] = []

    async def wait(*wanted: Status) -> None:
        try:
            told.append(await board.wait(*wanted))
        except AuthError as exc:
            told.append(exc.code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, Status.READY)
        nursery.start_soon(wait, Status.READY)
        nursery.start_soon(wait, Status.CLOSED)
        await trio.testing.wait_all_tasks_blocked()
        board.set("userdata", Degraded("account events refused: -1021"))
        await trio.testing.wait_all_tasks_blocked()
        assert told == []
        board.set("userdata", Degraded("refused", REFUSED))
        board.set("userdata", Degraded("the line broke"))
        await trio.testing.wait_all_tasks_blocked()
        assert told == [-2015, -2015]
        nursery.start_soon(wait, Status.READY)
        await trio.testing.wait_all_tasks_blocked()
        board.set("userdata", Ready())
        board.set("userdata", Degraded("refused", REFUSED))
        await trio.testing.wait_all_tasks_blocked()
        assert told == [-2015, -2015, Status.READY]
        board.close()
    assert told[-1] is Status.CLOSED
