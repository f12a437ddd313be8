"""The scope: the body outlives the services, and one error leaves the block as itself."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
import trio.testing

from trio_binance._services import scope as scope_module
from trio_binance._services.observe import Observer
from trio_binance._services.scope import open_service_scope
from trio_binance._services.service import Service, exit_request, leaves, members, only_cancelled
from trio_binance._services.supervisor import Supervisor
from trio_binance.errors import BinanceError, ConnectError, ConnectorClosed, ServiceCrashed


class Services:
    """A service that answers while it lives, and crashes when told to."""

    name = "services"

    def __init__(self, *, start: float = 0.0, cleanup: float = 0.0, late: BaseException | None = None) -> None:
        self.start = start
        self.cleanup = cleanup
        self.late = late
        self.alive = False
        self.ended_at: float | None = None
        self._crash = trio.Event()
        self._error: BaseException = KeyError("bug")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        await trio.sleep(self.start)
        task_status.started()
        self.alive = True
        try:
            await self._crash.wait()
            raise self._error
        finally:
            self.alive = False
            with trio.move_on_after(self.cleanup, shield=True):
                await trio.sleep_forever()
            self.ended_at = trio.current_time()
            if self.late is not None:
                raise self.late

    def crash(self, error: BaseException | None = None) -> None:
        self._error = error or self._error
        self._crash.set()

    async def ask(self) -> str:
        if not self.alive:
            raise ConnectorClosed("the services are dead")
        await trio.sleep(0.1)
        return "answer"


async def within(service: Service, body: Callable[[], Awaitable[object]]) -> None:
    async with open_service_scope(service):
        await body()


@pytest.fixture
def services() -> Services:
    return Services()


async def test_entering_waits_until_the_services_have_started_and_leaving_until_they_have_ended(
    autojump_clock: object,
    services: Services,
) -> None:
    services.start, services.cleanup = 2.0, 3.0
    async with open_service_scope(services):
        assert trio.current_time() == 2
        assert await services.ask() == "answer"
    assert services.ended_at == trio.current_time() == 5.1


async def test_a_failure_to_start_is_raised_as_itself(autojump_clock: object) -> None:
    class Unlucky:
        name = "unlucky"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            raise ConnectError("no network")

    with pytest.raises(ConnectError, match="no network") as caught:
        async with open_service_scope(Unlucky()):
            pytest.fail("entered")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_start_can_be_cancelled(autojump_clock: object, services: Services) -> None:
    services.start = 100
    with trio.move_on_after(1) as scope:
        async with open_service_scope(services):
            pytest.fail("entered")
    assert scope.cancelled_caught
    assert trio.current_time() == 1


async def test_a_cancellation_at_the_moment_of_the_start_does_not_enter(
    autojump_clock: object, services: Services
) -> None:
    class Racing(Services):
        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            await trio.lowlevel.checkpoint()
            task_status.started()
            outer.cancel()
            self.alive = True
            await trio.sleep_forever()

    with trio.CancelScope() as outer:
        async with open_service_scope(Racing()):
            pytest.fail("entered")
    assert outer.cancelled_caught


async def test_a_cancellation_before_the_start_ends_it(autojump_clock: object, services: Services) -> None:
    with trio.CancelScope() as outer:
        outer.cancel()
        async with open_service_scope(services):
            pytest.fail("entered")
    assert outer.cancelled_caught


# ------------------------------------------------------------------------------------------ the body's own ends


async def test_the_bodys_error_leaves_as_itself_without_our_context(autojump_clock: object, services: Services) -> None:
    error = ValueError("mine")
    with pytest.raises(ValueError) as caught:
        async with open_service_scope(services):
            raise error
    assert caught.value is error
    assert error.__context__ is None
    assert error.__cause__ is None
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert scope_module.__file__ not in frames
    assert "ExceptionGroup" not in "".join(traceback.format_exception(error))
    assert not services.alive


async def test_the_bodys_error_keeps_its_own_context(autojump_clock: object, services: Services) -> None:
    async def body() -> None:
        try:
            raise KeyError("first")
        finally:
            raise ValueError("second")

    with pytest.raises(ValueError) as caught:
        await within(services, body)
    assert type(caught.value.__context__) is KeyError


async def test_the_body_may_return(autojump_clock: object, services: Services) -> None:
    async def use() -> str:
        async with open_service_scope(services):
            return await services.ask()

    assert await use() == "answer"
    assert not services.alive


async def test_the_users_own_group_is_kept_whole(autojump_clock: object, services: Services) -> None:
    group = ExceptionGroup("mine", [ValueError("1"), ExceptionGroup("inner", [KeyError("2")])])
    with pytest.RaisesGroup(ValueError, pytest.RaisesGroup(KeyError)) as caught:
        async with open_service_scope(services):
            raise group
    assert caught.value is group
    assert len(group.exceptions) == 2


async def test_an_error_of_ours_inside_the_users_nursery_arrives_in_the_users_group(
    autojump_clock: object, services: Services
) -> None:
    with pytest.RaisesGroup(ServiceCrashed):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            async with open_service_scope(services):
                services.crash()
                await trio.sleep_forever()


@pytest.mark.parametrize("request_class", [KeyboardInterrupt, SystemExit, StopAsyncIteration, GeneratorExit])
async def test_any_kind_of_error_of_the_body_leaves_as_itself(
    autojump_clock: object, services: Services, request_class: type[BaseException]
) -> None:
    async def body() -> None:
        await services.ask()
        raise request_class

    with pytest.raises(request_class):
        await within(services, body)
    assert not services.alive


# ------------------------------------------------------------------------------------------ cancelled from outside


async def test_the_bodys_finally_may_use_the_services_when_cancelled_from_outside(
    autojump_clock: object, services: Services
) -> None:
    answers = []
    with trio.move_on_after(1) as scope:
        async with open_service_scope(services):
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    answers.append(await services.ask())
    assert scope.cancelled_caught
    assert answers == ["answer"]
    assert trio.current_time() == 1.1
    assert not services.alive


async def test_a_body_that_ends_just_when_it_is_cancelled_stops_the_services_in_order(
    autojump_clock: object, services: Services
) -> None:
    services.cleanup = 2
    with trio.CancelScope() as scope:
        async with open_service_scope(services):
            scope.cancel()
    assert services.ended_at == 2


# ------------------------------------------------------------------------------------------ crashes


async def test_a_crash_interrupts_the_body_and_the_block_raises_it(autojump_clock: object, services: Services) -> None:
    interrupted = False

    async def body() -> None:
        nonlocal interrupted
        services.crash()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            interrupted = True
            raise

    with pytest.raises(BinanceError) as caught:
        await within(services, body)
    assert interrupted
    assert type(caught.value) is ServiceCrashed
    assert type(caught.value.__cause__) is KeyError


async def test_a_supervisors_verdict_is_raised_as_it_is(autojump_clock: object, services: Services) -> None:
    supervisor = Supervisor([services], observer=Observer())
    services.crash()
    with pytest.raises(ServiceCrashed, match="'supervisor' repairs 5 crashes within 10 s") as caught:
        await within(supervisor, trio.sleep_forever)
    assert type(caught.value.__cause__) is KeyError


async def test_a_crash_is_raised_though_the_body_swallowed_the_cancellation(
    autojump_clock: object, services: Services
) -> None:
    async def body() -> None:
        services.crash()
        with suppress(trio.Cancelled):
            await trio.sleep_forever()

    with pytest.raises(ServiceCrashed):
        await within(services, body)


async def test_a_crash_is_raised_when_cancelled_from_outside_as_well(
    autojump_clock: object, services: Services
) -> None:
    async def body() -> None:
        outer.cancel()
        services.crash()
        await trio.sleep_forever()

    with trio.CancelScope() as outer, pytest.raises(ServiceCrashed):
        await within(services, body)


async def test_a_crash_right_after_the_start_is_raised(autojump_clock: object) -> None:
    class Brief:
        name = "brief"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            raise KeyError("bug")

    with pytest.raises(ServiceCrashed, match="'brief' crashed"):
        async with open_service_scope(Brief()):
            await trio.sleep_forever()


async def test_both_fail_and_the_bodys_error_wins_with_a_note_of_the_crash(
    autojump_clock: object, services: Services
) -> None:
    async def body() -> None:
        services.crash()
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        await within(services, body)
    (note,) = caught.value.__notes__
    assert note.startswith("meanwhile ServiceCrashed(")
    assert note.endswith("from KeyError('bug')")


async def test_a_body_that_found_the_services_dead_does_not_hide_what_they_died_of(
    autojump_clock: object, services: Services
) -> None:
    async def body() -> None:
        services.crash()
        try:
            await trio.sleep_forever()
        finally:
            await services.ask()

    with pytest.raises(ServiceCrashed) as caught:
        await within(services, body)
    assert caught.value.__notes__ == ["meanwhile the body raised ConnectorClosed('the services are dead')"]


async def test_a_crash_leaves_no_stray_cancellation_in_the_users_group(
    autojump_clock: object, services: Services
) -> None:
    async def stubborn() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("mine")

    async def body() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stubborn)
            nursery.start_soon(trio.sleep_forever)
            services.crash()

    with pytest.RaisesGroup(ValueError, flatten_subgroups=True):
        await within(services, body)


async def test_a_failure_while_stopping_is_not_lost(autojump_clock: object, services: Services) -> None:
    services.late = OSError("cannot clean up")
    with pytest.raises(ServiceCrashed) as caught:
        async with open_service_scope(services):
            await services.ask()
    assert type(caught.value.__cause__) is OSError


@pytest.mark.parametrize("request_class", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("wrap", [lambda error: error, lambda error: BaseExceptionGroup("", [ValueError(), error])])
async def test_a_request_to_end_the_program_from_a_service_stays_one(
    autojump_clock: object,
    services: Services,
    request_class: type[BaseException],
    wrap: Callable[[BaseException], BaseException],
) -> None:
    async def body() -> None:
        services.crash(wrap(request_class()))
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("mine")

    with pytest.raises(request_class) as caught:
        await within(services, body)
    assert caught.value.__notes__ == ["meanwhile the body raised ValueError('mine')"]


async def test_services_that_end_by_themselves_leave_the_body_alone(autojump_clock: object) -> None:
    class Done:
        name = "done"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            await trio.lowlevel.checkpoint()

    async with open_service_scope(Done()):
        await trio.sleep(5)


async def test_shutdown_is_bounded_by_the_supervisors_timeout(autojump_clock: object) -> None:
    services = [Services(cleanup=2.0) for _ in range(8)]
    for place, service in enumerate(services):
        service.name = f"s{place}"
    async with open_service_scope(Supervisor(services, observer=Observer(), shutdown_timeout=5.0)):
        pass
    assert trio.current_time() <= 5 + 2
    assert all(service.ended_at is not None for service in services)


async def test_an_interrupt_between_two_lines_of_ours_wins(autojump_clock: object) -> None:
    class Interrupted:
        """Raises a request and a cancellation out of its own task, as a signal in our own frames would."""

        name = "interrupted"

        async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            await trio.sleep_forever()

    run_serve = scope_module._Run.serve

    async def serve(self: scope_module._Run, body: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
        await run_serve(self, body, task_status=task_status)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scope_module._Run, "serve", serve)
        with pytest.raises(KeyboardInterrupt):
            async with open_service_scope(Interrupted()):
                raise ValueError("mine")


# ------------------------------------------------------------------------------------------ every step


@pytest.mark.parametrize("step", range(12))
async def test_a_cancellation_at_any_step_stops_everything(step: int, autojump_clock: object) -> None:
    """Cancel after so many scheduler steps: whatever was happening, no service is left and the cancellation is seen."""
    services = [Services(cleanup=1.0), Services(cleanup=1.0)]
    services[1].name = "other"
    asked: list[str] = []

    async def use() -> None:
        async with open_service_scope(Supervisor(services, observer=Observer())):
            try:
                await trio.sleep_forever()
            finally:
                with trio.move_on_after(1, shield=True):
                    asked.append(await services[1].ask())

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use)
            for _ in range(step):
                await trio.lowlevel.checkpoint()
            scope.cancel()
    assert scope.cancelled_caught
    assert not any(service.alive for service in services)
    assert asked in ([], ["answer"])
    assert trio.current_time() <= 5


def test_the_parts_of_an_error_can_be_told_apart() -> None:
    inner = BaseExceptionGroup("", [KeyError(), KeyboardInterrupt()])
    group = BaseExceptionGroup("", [ValueError(), inner])
    assert [type(leaf) for leaf in leaves(group)] == [ValueError, KeyError, KeyboardInterrupt]
    assert type(exit_request(group)) is KeyboardInterrupt
    assert exit_request(ValueError()) is None
    assert members(group) == (group.exceptions[0], inner)
    error = ValueError()
    assert members(error) == (error,)
    assert not only_cancelled(group)
    assert not only_cancelled(error)
