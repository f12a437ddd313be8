"""The supervisor, as timelines: who starts, stops, crashes and comes back, and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from trio_binance._pure.restart import Strategy
from trio_binance._services import observe
from trio_binance._services.observe import Observer
from trio_binance._services.supervisor import ChildStatistics, Supervisor
from trio_binance.errors import ConnectError, ConnectorClosed, ServiceCrashed


class Log:
    """What happened, with its time."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self.events: list[Any] = []
        self.observer = Observer([self.events.append])

    def note(self, text: str) -> None:
        self.lines.append((round(trio.current_time(), 6), text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.lines]

    def named(self, name: str) -> list[Any]:
        return [event for event in self.events if event.name == name]


class Actor:
    """A service that does what it is told: each incarnation the next of ``acts``, the last one again and again."""

    def __init__(self, log: Log, name: str, *acts: Callable[[Actor], Awaitable[None]], start: float = 0.0) -> None:
        self.name = name
        self.log = log
        self.acts = acts or (forever,)
        self.start = start
        self.runs = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        act = self.acts[min(self.runs, len(self.acts) - 1)]
        self.runs += 1
        self.log.note(f"{self.name} up")
        try:
            await trio.sleep(self.start)
            if act is not fail_to_start:
                task_status.started()
            await act(self)
        finally:
            self.log.note(f"{self.name} down")


async def forever(actor: Actor) -> None:
    await trio.sleep_forever()


async def fail_to_start(actor: Actor) -> None:
    raise ConnectError(f"{actor.name} cannot start")


async def finish(actor: Actor) -> None:
    await trio.sleep(1)


def crash(after: float) -> Callable[[Actor], Awaitable[None]]:
    async def act(actor: Actor) -> None:
        await trio.sleep(after)
        raise KeyError(actor.name)

    return act


def linger(seconds: float) -> Callable[[Actor], Awaitable[None]]:
    async def act(actor: Actor) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(seconds, shield=True):
                await trio.sleep_forever()

    return act


async def crash_in_cleanup(actor: Actor) -> None:
    try:
        await trio.sleep_forever()
    finally:
        raise OSError(f"{actor.name} cannot clean up")


async def run_for(seconds: float, supervisor: Supervisor) -> None:
    with trio.move_on_after(seconds):
        await supervisor.run()


# --------------------------------------------------------------------------------------------- start and stop


async def test_services_start_first_to_last_and_stop_last_to_first(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a", start=1), Actor(log, "b", start=2), Actor(log, "c")]
    supervisor = Supervisor(services, observer=log.observer)
    await run_for(10, supervisor)
    assert log.lines == [
        (0, "a up"), (1, "b up"), (3, "c up"), (10, "c down"), (10, "b down"), (10, "a down"),
    ]  # fmt: skip
    assert [event.name for event in log.events] == ["service_started"] * 3 + ["service_stopped"] * 3


async def test_started_is_told_when_the_last_service_has_started(autojump_clock: object) -> None:
    log = Log()
    async with trio.open_nursery() as nursery:
        await nursery.start(Supervisor([Actor(log, "a", start=3)], observer=log.observer).run)
        assert trio.current_time() == 3
        nursery.cancel_scope.cancel()


async def test_a_stop_waits_for_each_service_before_the_next(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a"), Actor(log, "b", linger(1)), Actor(log, "c", linger(2))]
    await run_for(10, Supervisor(services, observer=log.observer))
    assert log.lines[3:] == [(12, "c down"), (13, "b down"), (13, "a down")]


async def test_an_overdue_service_is_reported_and_the_others_stop_meanwhile(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a"), Actor(log, "b"), Actor(log, "c", linger(4))]
    await run_for(10, Supervisor(services, observer=log.observer, shutdown_timeout=5.0))
    assert log.lines[3:] == [(12.5, "b down"), (12.5, "a down"), (14, "c down")]
    (overdue,) = log.named("service_overdue")
    assert (overdue.at, overdue.service, overdue.waited) == (12.5, "c", 2.5)


async def test_stopping_any_number_of_slow_services_is_bounded(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, f"s{n}", linger(3)) for n in range(20)]
    await run_for(10, Supervisor(services, observer=log.observer, shutdown_timeout=5.0))
    assert 15 <= trio.current_time() <= 10 + 5 + 3


async def test_the_last_to_stop_has_all_the_time_that_is_left(autojump_clock: object) -> None:
    log = Log()
    await run_for(10, Supervisor([Actor(log, "a", linger(4.5))], observer=log.observer, shutdown_timeout=5.0))
    assert trio.current_time() == 14.5
    assert not log.named("service_overdue")


async def test_a_cancellation_goes_on_its_way_after_the_stop(autojump_clock: object) -> None:
    log = Log()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Supervisor([Actor(log, "a", linger(1))], observer=log.observer).run)
            await trio.sleep(5)
            scope.cancel()
    assert scope.cancelled_caught
    assert trio.current_time() == 6


async def test_a_start_can_be_cancelled(autojump_clock: object) -> None:
    log = Log()
    await run_for(5, Supervisor([Actor(log, "a"), Actor(log, "b", start=100)], observer=log.observer))
    assert log.lines == [(0, "a up"), (0, "b up"), (5, "b down"), (5, "a down")]


async def test_a_service_that_fails_before_it_has_started_is_the_openers_error_as_itself(
    autojump_clock: object,
) -> None:
    log = Log()
    supervisor = Supervisor([Actor(log, "a"), Actor(log, "b", fail_to_start), Actor(log, "c")], observer=log.observer)
    with pytest.raises(ConnectError, match="b cannot start") as caught:
        await supervisor.run()
    assert caught.value.__context__ is None
    assert log.texts == ["a up", "b up", "b down", "a down"]
    assert not log.named("service_crashed")


async def test_a_service_that_ends_before_it_has_started_is_an_error(autojump_clock: object) -> None:
    class Empty:
        name = "empty"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            await trio.lowlevel.checkpoint()

    with pytest.raises(RuntimeError, match="'empty' ended before it had started"):
        await Supervisor([Empty()], observer=Log().observer).run()


async def test_a_service_that_returns_when_stopped_before_it_has_started_is_no_error(autojump_clock: object) -> None:
    class Quiet:
        name = "quiet"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            with trio.move_on_after(100):
                try:
                    await trio.sleep_forever()
                except trio.Cancelled:
                    return

    await run_for(1, Supervisor([Quiet()], observer=Log().observer))
    assert trio.current_time() == 1


async def test_a_service_that_says_twice_that_it_has_started_crashes(autojump_clock: object) -> None:
    class Eager:
        name = "eager"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            task_status.started()

    with pytest.raises(ServiceCrashed) as caught:
        await Supervisor([Eager()], observer=Log().observer).run()
    assert "called 'started' twice" in str(caught.value.__cause__)


def test_two_services_cannot_have_the_same_name() -> None:
    log = Log()
    with pytest.raises(ValueError, match="same name"):
        Supervisor([Actor(log, "a"), Actor(log, "a")], observer=log.observer)


async def test_a_supervisor_runs_once_at_a_time_but_again_afterwards(autojump_clock: object) -> None:
    log = Log()
    supervisor = Supervisor([Actor(log, "a")], observer=log.observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        with pytest.raises(RuntimeError, match="runs already"):
            await supervisor.run()
        nursery.cancel_scope.cancel()
    await run_for(1, supervisor)
    assert log.texts == ["a up", "a down"] * 2


# --------------------------------------------------------------------------------------------------- restarts


async def test_rest_for_one_rebuilds_what_stands_on_the_crashed_service(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a"), Actor(log, "b", crash(5), forever), Actor(log, "c"), Actor(log, "d")]
    supervisor = Supervisor(services, observer=log.observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(6)
        assert log.texts[4:] == ["b down", "d down", "c down", "b up", "c up", "d up"]
        assert supervisor.statistics().children == (
            ChildStatistics("a", True, 0),
            ChildStatistics("b", True, 1),
            ChildStatistics("c", True, 1),
            ChildStatistics("d", True, 1),
        )
        assert supervisor.statistics().crashes == 1
        nursery.cancel_scope.cancel()
    (crashed,) = log.named("service_crashed")
    assert (crashed.at, crashed.service, crashed.restarts, crashed.error) == (5, "b", 0, "KeyError('b')")
    assert "in act" in crashed.trace
    restarted = log.named("service_restarted")
    assert [(event.service, event.error) for event in restarted] == [
        ("b", "b: KeyError('b')"), ("c", "b: KeyError('b')"), ("d", "b: KeyError('b')"),
    ]  # fmt: skip


async def test_one_for_one_restarts_the_crashed_service_alone(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a"), Actor(log, "b", crash(5), forever), Actor(log, "c")]
    await run_for(6, Supervisor(services, observer=log.observer, strategy=Strategy.ONE_FOR_ONE))
    assert log.texts[3:5] == ["b down", "b up"]
    assert log.texts[5:] == ["c down", "b down", "a down"]


async def test_one_for_all_restarts_all(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a"), Actor(log, "b", crash(5), forever), Actor(log, "c")]
    await run_for(6, Supervisor(services, observer=log.observer, strategy=Strategy.ONE_FOR_ALL))
    assert log.texts[3:9] == ["b down", "c down", "a down", "a up", "b up", "c up"]


async def test_an_end_without_an_error_is_no_crash(autojump_clock: object) -> None:
    log = Log()
    supervisor = Supervisor([Actor(log, "a"), Actor(log, "b", finish)], observer=log.observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(5)
        assert list(supervisor.names) == ["a"]
        nursery.cancel_scope.cancel()
    assert log.texts == ["a up", "b up", "b down", "a down"]


async def test_the_sixth_crash_within_ten_seconds_is_raised_with_its_cause(autojump_clock: object) -> None:
    log = Log()
    supervisor = Supervisor([Actor(log, "a"), Actor(log, "b", crash(1.0))], observer=log.observer)
    with pytest.raises(ServiceCrashed, match="service 'b' crashed: KeyError") as caught:
        await supervisor.run()
    assert trio.current_time() == 6
    assert type(caught.value.__cause__) is KeyError
    assert caught.value.__notes__ == [f"earlier: b: KeyError('b') at {at}.000" for at in range(1, 6)]
    assert log.texts[-2:] == ["b down", "a down"]
    assert supervisor.statistics().crashes == 6


async def test_the_window_of_crashes_slides(autojump_clock: object) -> None:
    log = Log()
    supervisor = Supervisor([Actor(log, "a", crash(2.1))], observer=log.observer)
    await run_for(100, supervisor)
    assert supervisor.statistics().crashes == 47


async def test_a_restart_that_fails_before_it_has_started_is_a_crash(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a"), Actor(log, "b", crash(1), fail_to_start)]
    with pytest.raises(ServiceCrashed) as caught:
        await Supervisor(services, observer=log.observer).run()
    assert type(caught.value.__cause__) is ConnectError
    assert services[1].runs == 6


async def test_a_restart_that_fails_once_is_tried_again(autojump_clock: object) -> None:
    log = Log()
    supervisor = Supervisor([Actor(log, "a", crash(1), fail_to_start, forever)], observer=log.observer)
    await run_for(5, supervisor)
    assert log.texts == ["a up", "a down"] * 3
    assert log.lines[4] == (1, "a up")


async def test_a_crash_while_the_next_service_starts_rebuilds_both(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a", crash(1), forever), Actor(log, "b", start=5)]
    async with trio.open_nursery() as nursery:
        await nursery.start(Supervisor(services, observer=log.observer).run)
        assert log.lines == [
            (0, "a up"), (0, "b up"), (1, "a down"), (1, "b down"), (1, "a up"), (1, "b up"),
        ]  # fmt: skip
        assert trio.current_time() == 6
        nursery.cancel_scope.cancel()
    assert [event.service for event in log.named("service_started")] == ["a", "b"]


async def test_a_slow_restart_of_one_keeps_no_other_waiting_under_one_for_one(autojump_clock: object) -> None:
    log = Log()
    slow, quick = Actor(log, "slow", crash(1), forever), Actor(log, "quick", crash(2), forever)
    async with trio.open_nursery() as nursery:
        await nursery.start(Supervisor([slow, quick], observer=log.observer, strategy=Strategy.ONE_FOR_ONE).run)
        slow.start = 100
        await trio.sleep(3)
        assert log.lines[-2:] == [(2, "quick down"), (2, "quick up")]
        nursery.cancel_scope.cancel()


async def test_services_that_crash_at_the_same_moment_all_come_back(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, name, crash(1), forever) for name in "abc"]
    supervisor = Supervisor(services, observer=log.observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(2)
        assert [child.running for child in supervisor.statistics().children] == [True] * 3
        assert supervisor.statistics().crashes == 3
        nursery.cancel_scope.cancel()


async def test_a_service_that_crashes_while_it_is_stopped_for_a_restart_counts_and_comes_back(
    autojump_clock: object,
) -> None:
    log = Log()
    services = [Actor(log, "a", crash(1), forever), Actor(log, "b", crash_in_cleanup, forever)]
    supervisor = Supervisor(services, observer=log.observer)
    await run_for(3, supervisor)
    assert supervisor.statistics().crashes == 2
    assert log.texts == ["a up", "b up", "a down", "b down", "a up", "b up", "b down", "a down"]


async def test_no_two_incarnations_live_side_by_side(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a", crash(1), forever), Actor(log, "b", linger(8), forever)]
    async with trio.open_nursery() as nursery:
        await nursery.start(Supervisor(services, observer=log.observer, shutdown_timeout=5.0).run)
        await trio.sleep(20)
        assert log.lines[2:] == [(1, "a down"), (9, "b down"), (9, "a up"), (9, "b up")]
        assert [event.at for event in log.named("service_overdue")] == [6]
        nursery.cancel_scope.cancel()


# ----------------------------------------------------------------------------------------------- the way out


async def test_a_service_that_fails_while_stopping_is_not_lost(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a"), Actor(log, "b", crash_in_cleanup)]
    with pytest.raises(ServiceCrashed, match="b cannot clean up") as caught:
        await run_for(1, Supervisor(services, observer=log.observer))
    assert type(caught.value.__cause__) is OSError
    assert log.texts[-1] == "a down"


async def test_a_crash_at_the_moment_of_the_stop_is_told_and_raises_nothing(autojump_clock: object) -> None:
    log = Log()
    supervisor = Supervisor([Actor(log, "a", crash(5)), Actor(log, "b")], observer=log.observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert [event.at for event in log.named("service_crashed")] == [5]
    assert supervisor.statistics().crashes == 1


async def test_two_services_that_fail_while_stopping_are_a_group_as_the_cause(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, name, crash_in_cleanup) for name in "ab"]
    with pytest.raises(ServiceCrashed) as caught:
        await run_for(1, Supervisor(services, observer=log.observer))
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert [str(error) for error in caught.value.__cause__.exceptions] == ["b cannot clean up", "a cannot clean up"]


async def test_a_failure_while_stopping_is_a_note_of_the_crash_before(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a", crash_in_cleanup), Actor(log, "b", crash(0))]
    with pytest.raises(ServiceCrashed, match="service 'b'") as caught:
        await Supervisor(services, observer=log.observer, restart_limit=0).run()
    assert caught.value.__notes__ == ["while stopping: OSError('a cannot clean up')"]


@pytest.mark.parametrize("request_class", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("wrap", [False, True])
async def test_a_request_to_end_the_program_is_never_a_crash(
    request_class: type[BaseException], wrap: bool, autojump_clock: object
) -> None:
    async def act(actor: Actor) -> None:
        await trio.sleep(1)
        raise BaseExceptionGroup("", [ValueError(), request_class()]) if wrap else request_class()

    log = Log()
    with pytest.raises(request_class):
        await Supervisor([Actor(log, "a"), Actor(log, "b", act)], observer=log.observer).run()
    assert log.texts[-2:] == ["b down", "a down"]
    assert not log.named("service_crashed")


async def test_a_request_to_end_the_program_from_cleanup_is_raised_as_such(autojump_clock: object) -> None:
    async def act(actor: Actor) -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run_for(1, Supervisor([Actor(Log(), "a", act)], observer=Log().observer))


async def test_a_services_own_group_is_the_cause_as_it_is(autojump_clock: object) -> None:
    group = ExceptionGroup("mine", [ValueError(), KeyError()])

    async def act(actor: Actor) -> None:
        raise group

    with pytest.raises(ServiceCrashed) as caught:
        await Supervisor([Actor(Log(), "a", act)], observer=Log().observer, restart_limit=0).run()
    assert caught.value.__cause__ is group


# -------------------------------------------------------------------------------------------------- nested


async def test_a_supervisor_that_gives_up_is_a_crash_for_the_one_above(autojump_clock: object) -> None:
    log = Log()
    inner = Supervisor([Actor(log, "a", crash(1))], observer=log.observer, restart_limit=1, name="inner")
    outer = Supervisor(
        [inner, Actor(log, "z")], observer=log.observer, restart_limit=2, restart_period=100, name="outer"
    )
    with pytest.raises(ServiceCrashed, match="service 'inner'") as caught:
        await outer.run()
    assert trio.current_time() == 6
    assert isinstance(caught.value.__cause__, ServiceCrashed)
    assert type(caught.value.__cause__.__cause__) is KeyError
    assert inner.statistics().crashes == 6


async def test_nested_supervisors_stop_in_order(autojump_clock: object) -> None:
    log = Log()
    inner = Supervisor([Actor(log, "b"), Actor(log, "c", linger(1))], observer=log.observer, name="inner")
    outer = Supervisor([Actor(log, "a"), inner, Actor(log, "d")], observer=log.observer)
    await run_for(5, outer)
    assert log.texts == ["a up", "b up", "c up", "d up", "d down", "c down", "b down", "a down"]


# -------------------------------------------------------------------------------------------------- dynamic


async def with_running(
    log: Log, scenario: Callable[[Supervisor], Awaitable[None]], *services: Actor, **settings: Any
) -> Supervisor:
    supervisor = Supervisor(services, observer=log.observer, strategy=Strategy.ONE_FOR_ONE, **settings)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await scenario(supervisor)
        nursery.cancel_scope.cancel()
    return supervisor


async def test_a_service_can_be_added_and_removed_while_running(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        await supervisor.add(Actor(log, "x", linger(1), start=2))
        assert trio.current_time() == 2
        assert list(supervisor.names) == ["a", "x"]
        await supervisor.remove("x")
        assert trio.current_time() == 3
        assert list(supervisor.names) == ["a"]
        with pytest.raises(KeyError):
            await supervisor.remove("x")

    await with_running(log, scenario, Actor(log, "a"))
    assert log.texts == ["a up", "x up", "x down", "a down"]


async def test_an_added_service_is_restarted_alone(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        await supervisor.add(Actor(log, "x", crash(1), forever, start=1))
        await supervisor.add(Actor(log, "y"))
        await trio.sleep(5)
        children = supervisor.statistics().children
        assert [(child.name, child.running, child.restarts) for child in children] == [("x", True, 1), ("y", True, 0)]

    await with_running(log, scenario)


async def test_an_added_service_that_fails_to_start_is_the_adders_error(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        with pytest.raises(ConnectError, match="x cannot start"):
            await supervisor.add(Actor(log, "x", fail_to_start))
        assert list(supervisor.names) == []

    supervisor = await with_running(log, scenario)
    assert supervisor.statistics().crashes == 0


async def test_an_added_service_that_ends_in_order_is_forgotten(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        await supervisor.add(Actor(log, "x", finish))
        await trio.sleep(2)
        assert list(supervisor.names) == []
        await supervisor.add(Actor(log, "x"))

    await with_running(log, scenario)


async def test_added_services_stop_together(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        for number in range(10):
            await supervisor.add(Actor(log, f"x{number}", linger(2)))

    await with_running(log, scenario, Actor(log, "a"))
    assert trio.current_time() == 2
    assert log.texts[-1] == "a down"
    assert not log.named("service_overdue")


async def test_a_cancelled_addition_is_undone(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        with trio.move_on_after(1):
            await supervisor.add(Actor(log, "x", start=100))
        assert list(supervisor.names) == []
        await trio.sleep(1)

    await with_running(log, scenario)
    assert log.lines == [(0, "x up"), (1, "x down")]


async def test_what_a_cancelled_addition_raises_is_a_crash(autojump_clock: object) -> None:
    class Clumsy:
        name = "clumsy"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise OSError("clumsy")

    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        with trio.move_on_after(1):
            await supervisor.add(Clumsy())
        await trio.sleep(1)
        assert supervisor.statistics().crashes == 1
        assert list(supervisor.names) == []

    await with_running(log, scenario)
    assert [event.error for event in log.named("service_crashed")] == ["OSError('clumsy')"]


async def test_a_name_given_again_does_not_suffer_from_an_earlier_addition(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        async def add_slow() -> None:
            with pytest.raises(ConnectorClosed):
                await supervisor.add(Actor(log, "x", start=100))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(add_slow)
            await trio.sleep(1)
            with pytest.raises(ValueError, match="'x' already"):
                await supervisor.add(Actor(log, "x"))
            nursery.start_soon(supervisor.remove, "x")
            await trio.testing.wait_all_tasks_blocked()
            await supervisor.add(Actor(log, "x"))
        assert list(supervisor.names) == ["x"]

    await with_running(log, scenario)


async def test_only_a_running_one_for_one_supervisor_takes_services(autojump_clock: object) -> None:
    log = Log()
    with pytest.raises(RuntimeError, match="only one_for_one"):
        await Supervisor([], observer=log.observer).add(Actor(log, "x"))
    supervisor = Supervisor([], observer=log.observer, strategy=Strategy.ONE_FOR_ONE)
    with pytest.raises(ConnectorClosed, match="not running"):
        await supervisor.add(Actor(log, "x"))
    await run_for(1, supervisor)
    with pytest.raises(ConnectorClosed, match="not running"):
        await supervisor.add(Actor(log, "x"))


async def test_an_addition_that_meets_the_stop_is_told_so(autojump_clock: object) -> None:
    log = Log()
    supervisor = Supervisor([], observer=log.observer, strategy=Strategy.ONE_FOR_ONE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_for, 1, supervisor)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ConnectorClosed, match="stopped before 'x'"):
            await supervisor.add(Actor(log, "x", start=100))
    assert trio.current_time() == 1


async def test_what_was_added_belongs_to_the_run_it_was_added_to(autojump_clock: object) -> None:
    log = Log()

    async def scenario(supervisor: Supervisor) -> None:
        await supervisor.add(Actor(log, "x"))

    supervisor = await with_running(log, scenario, Actor(log, "a"))
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        assert list(supervisor.names) == ["a"]
        nursery.cancel_scope.cancel()


async def test_a_service_removed_before_its_turn_never_starts(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a", start=5), Actor(log, "b")]
    supervisor = Supervisor(services, observer=log.observer, strategy=Strategy.ONE_FOR_ONE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_for, 10, supervisor)
        await trio.sleep(1)
        await supervisor.remove("b")
    assert log.texts == ["a up", "a down"]


async def test_a_service_removed_while_it_is_stopped_for_a_restart_does_not_come_back(autojump_clock: object) -> None:
    log = Log()
    services = [Actor(log, "a", crash(1), forever), Actor(log, "b", linger(2)), Actor(log, "c")]
    supervisor = Supervisor(services, observer=log.observer)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(2)
        await supervisor.remove("b")
        await trio.sleep(5)
        assert list(supervisor.names) == ["a", "c"]
        assert log.lines[4:] == [(1, "c down"), (3, "b down"), (3, "a up"), (3, "c up")]
        nursery.cancel_scope.cancel()


# ----------------------------------------------------------------------------------------------- properties


@given(
    strategy=st.sampled_from(Strategy),
    lives=st.lists(st.lists(st.integers(1, 60), max_size=4), min_size=1, max_size=4),
    until=st.integers(1, 200),
)
def test_whatever_crashes_when_the_order_of_need_holds(strategy: Strategy, lives: list[list[int]], until: int) -> None:
    """No service runs twice at once; under rest_for_one none runs while one before it does not."""
    log = Log()
    present: set[str] = set()
    violations: list[str] = []

    class Guarded(Actor):
        async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            if self.name in present:
                violations.append(f"{self.name} runs twice")
            needed = range(int(self.name)) if strategy is Strategy.REST_FOR_ONE else ()
            violations.extend(f"{self.name} runs without {place}" for place in needed if str(place) not in present)
            present.add(self.name)
            try:
                await super().run(task_status=task_status)
            finally:
                present.discard(self.name)

    services = [
        Guarded(log, str(place), *(crash(after) for after in life), forever) for place, life in enumerate(lives)
    ]

    async def main() -> None:
        supervisor = Supervisor(services, observer=log.observer, strategy=strategy)
        with suppress(ServiceCrashed):
            await run_for(until, supervisor)
        assert not present
        assert not violations
        assert supervisor.statistics().crashes == len(log.named("service_crashed"))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_the_events_have_the_names_that_hooks_rely_on() -> None:
    kinds: list[type[observe.Event]] = [
        observe.ServiceStarted,
        observe.ServiceStopped,
        observe.ServiceCrashed,
        observe.ServiceRestarted,
    ]
    assert [kind.name for kind in kinds] == [
        "service_started",
        "service_stopped",
        "service_crashed",
        "service_restarted",
    ]
