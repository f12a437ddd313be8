"""The faults: what is done to a request is what was asked for; chance draws the same schedule for the same seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.faults import (
    Answer,
    Bend,
    Ending,
    Fault,
    FaultSchedule,
    OnRequest,
    Spell,
    Timed,
    random_schedule,
)

from .test_wire import START_US, ask, drain, get, open_house

if TYPE_CHECKING:
    from trio.testing import MockClock


def schedule(*faults: Fault) -> FaultSchedule:
    return FaultSchedule(faults)


@pytest.mark.parametrize(
    ("answer", "status", "start", "header"),
    [
        (Answer.waf(), 403, b"<html>", (b"content-type", b"text/html")),
        (Answer.limited("3"), 429, b'{"code":-1003', (b"retry-after", b"3")),
        (Answer.limited("soon", banned=True), 418, b'{"code":-1003', (b"retry-after", b"soon")),
        (Answer.error(503, -1007, "Timeout"), 503, b'{"code":-1007,"msg":"Timeout"}', None),
        (Answer.html(502), 502, b"<html>", (b"content-type", b"text/html")),
        (Answer.redirect("http://elsewhere.invalid/"), 302, b"", (b"location", b"http://elsewhere.invalid/")),
    ],
)
async def test_an_answer_stands_in_for_the_exchanges(
    answer: Answer, status: int, start: bytes, header: tuple[bytes, bytes] | None
) -> None:
    async with open_house(faults=schedule(OnRequest(2, Bend.say(answer)))) as house:
        stream = await house.dial()
        first, second, third = await ask(stream, get("/1"), get("/2"), get("/3"))
    assert [first[0].status_code, second[0].status_code, third[0].status_code] == [200, status, 200]
    assert second[1].startswith(start)
    assert header is None or header in second[0].headers
    assert [request.target for request, _, _ in house.exchange.requests] == ["/1", "/3"]


def test_a_limit_without_retry_after_has_no_such_header() -> None:
    assert "retry-after" not in dict(Answer.limited(None).headers)


async def test_a_late_answer_is_executed_at_once(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(OnRequest(1, Bend.late(30)))) as house:
        await ask(await house.dial(), get())
        assert trio.current_time() == pytest.approx(30)
        assert house.exchange.requests[0][1] == START_US


async def test_a_held_request_is_executed_late_and_says_when_it_came(autojump_clock: MockClock) -> None:
    async with open_house(faults=schedule(OnRequest(1, Bend(hold=30)))) as house:
        await ask(await house.dial(), get())
        _, executed_us, received_us = house.exchange.requests[0]
        assert (executed_us, received_us) == (START_US + 30_000_000, START_US)


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("ending", [Ending.EOF, Ending.RESET, Ending.SILENCE])
async def test_a_lost_answer_says_nothing_of_what_was_done(
    executed: bool, ending: Ending, autojump_clock: MockClock
) -> None:
    async with open_house(faults=schedule(OnRequest(1, Bend.lost(executed=executed, ending=ending)))) as house:
        stream = await house.dial()
        await stream.send_all(get())
        heard = "silence"
        with trio.move_on_after(3600):
            try:
                heard = "eof" if await stream.receive_some() == b"" else "answer"
            except trio.BrokenResourceError:
                heard = "reset"
        if ending is Ending.SILENCE:
            await stream.send_all(b"hello?")
        assert heard == ending.value
        assert bool(house.exchange.requests) is executed
        await stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert house.network.open_streams == ()


async def test_an_answer_is_cut_in_the_middle() -> None:
    async with open_house(faults=schedule(OnRequest(1, Bend.cut(30)))) as house:
        stream = await house.dial()
        await stream.send_all(get())
        assert await drain(stream) == b"HTTP/1.1 200 OK\r\ncontent-type:"


async def test_raw_bytes_are_sent_as_they_are() -> None:
    bend = Bend(raw=b"HTTP/9.9 garbage\r\n\r\n", ending=Ending.EOF)
    async with open_house(faults=schedule(OnRequest(1, bend))) as house:
        stream = await house.dial()
        await stream.send_all(get())
        assert await drain(stream) == b"HTTP/9.9 garbage\r\n\r\n"


async def test_raw_bytes_that_are_half_an_answer_leave_the_connection_to_the_peer() -> None:
    async with open_house(faults=schedule(OnRequest(1, Bend(raw=b"HTTP/1.1 200 OK\r\n")))) as house:
        stream = await house.dial()
        await stream.send_all(get())
        assert await drain(stream) == b"HTTP/1.1 200 OK\r\n"


@given(st.integers(0, 2**32))
def test_a_schedule_by_chance_is_the_same_for_the_same_seed_and_leaves_half_of_the_kinds_out(seed: int) -> None:
    drawn = random_schedule(random.Random(seed), seconds=100, count=30)
    assert drawn == random_schedule(random.Random(seed), seconds=100, count=30)
    assert len(drawn.faults) == 30
    for fault in drawn.faults:
        assert not isinstance(fault, Spell)
        assert 0 <= (fault.at if isinstance(fault, Timed) else fault.number) <= 100


def test_schedules_by_chance_reach_every_kind_but_never_all_in_one() -> None:
    def kinds(seed: int) -> set[str]:
        faults = random_schedule(random.Random(seed), seconds=100, count=100).faults
        return {type(fault.deed).__name__ for fault in faults if isinstance(fault, Timed)}

    runs = [kinds(seed) for seed in range(30)]
    names = set().union(*runs)
    assert names == {"Reset", "BlackHole", "DialTrouble", "Slow", "ServerShutdown", "CloseSockets", "SendRaw"}
    assert all(run != names for run in runs)
