"""The supervisor: starts services in order of need, restarts what crashes, stops them the other way round.

A nursery cancels all of its tasks at once; an ordered stop needs a shielded cancel scope and an end to wait for *per
child*. So the supervisor's nursery holds one task per incarnation, each behind a shield of its own, which lifts when
the supervisor says so and not before. What to do after a crash is decided by ``trio_binance._pure.restart``.

Children never throw into the nursery: each leaves its error in its incarnation, and one loop deals with crashes one
after the other. Any number of crashes at any moment is therefore the same as some sequence of single ones.
"""

from __future__ import annotations

import traceback
from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING, NoReturn, final

import attrs
import trio

from trio_binance._pure.restart import RestartWindow, Strategy, restart_plan
from trio_binance._util import raise_saving_context
from trio_binance.errors import ConnectorClosed, ServiceCrashed

from .events import ServiceCrashed as CrashEvent
from .events import ServiceOverdue, ServiceRestarted, ServiceStarted, ServiceStopped
from .observe import scrub
from .service import Incarnation, exit_request, members, only_cancelled, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .observe import Observer
    from .service import Service


@attrs.frozen
class ChildStatistics:
    """One service: whether it runs (``started`` was called and it has not ended), and its restarts so far."""

    name: str
    running: bool
    restarts: int


@attrs.frozen
class SupervisorStatistics:
    """The services in order, and all their crashes so far (a slow crash loop shows here, if nowhere else)."""

    children: tuple[ChildStatistics, ...]
    crashes: int


@attrs.define(eq=False)
class _Child:
    """A service and its incarnations; ``life`` is the present one, or the last if that has just ended."""

    service: Service
    adopted: bool = False
    """It was added while running: a peer of the others, on which none of them stands."""
    life: Incarnation | None = None
    has_run: bool = False
    """It has started once: from now on a failure is a crash, before that it is the starter's error."""
    cause: str = ""
    """What its next start repairs."""

    @property
    def name(self) -> str:
        return self.service.name


@final
class Supervisor:
    """Runs services; itself a service, so that supervisors nest.

    Args:
        services: in order of need. They start first to last, each when the one before has called ``started``, and
            stop last to first, each when the one before has ended or had its time.
        strategy: what the crash of one means for the others. An end without an error is none: that service is done.
        restart_limit: so many crashes within ``restart_period`` seconds are repaired; one more ends the supervisor.
        shutdown_timeout: seconds for stopping all. A child gets half of what is left of it; one that takes longer is
            reported and waited for at the end only.
        observer: told of every start, crash, restart and delay.
        name: what it is called where it is a service itself.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        observer: Observer,
        strategy: Strategy = Strategy.REST_FOR_ONE,
        restart_limit: int = 5,
        restart_period: float = 10.0,
        shutdown_timeout: float = 5.0,
        name: str = "supervisor",
    ) -> None:
        self.name = name
        self._services = tuple(services)
        self._observer = observer
        self._strategy = strategy
        self._restart_limit = restart_limit
        self._restart_period = restart_period
        self._shutdown_timeout = shutdown_timeout
        self._nursery: trio.Nursery | None = None
        self._children: dict[str, _Child] = {}
        self._ended: deque[tuple[_Child, Incarnation]] = deque()
        self._wake = trio.Event()
        self._window = RestartWindow(restart_limit, restart_period)
        self._history: deque[str] = deque(maxlen=restart_limit)
        self._restarts: Counter[str] = Counter()
        self._crashes = 0
        if len({service.name for service in services}) != len(services):
            raise ValueError(f"services of {name!r}: two have the same name")

    # ------------------------------------------------------------------------------------------- outside

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the present children, first to last."""
        return tuple(self._children)

    def statistics(self) -> SupervisorStatistics:
        """Return who runs, and how often each was restarted."""
        children = (
            ChildStatistics(name, child.life is not None and child.life.is_running, self._restarts[name])
            for name, child in self._children.items()
        )
        return SupervisorStatistics(tuple(children), self._crashes)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the services until cancelled, then stop them in order; the cancellation goes on its way afterwards.

        A second run begins afresh with the services given at the beginning; what was added later belonged to the
        first one.

        Raises:
            ServiceCrashed: too many crashes (``__cause__`` is the last of them, notes tell the earlier ones), or a
                service failed while stopping.
            BaseException: whatever a service raised before it had started for the first time, as itself, and a
                ``KeyboardInterrupt`` or ``SystemExit`` from any of them.
        """
        if self._nursery is not None:
            raise RuntimeError(f"{self.name!r} runs already")
        self._children = {service.name: _Child(service) for service in self._services}
        self._window = RestartWindow(self._restart_limit, self._restart_period)
        self._ended.clear()
        try:
            async with trio.open_nursery(strict_exception_groups=True) as self._nursery:
                try:
                    await self._supervise(task_status)
                finally:
                    await self._stop_all()  # noqa: ASYNC102 - shields itself, with a deadline
        except BaseException as exc:  # noqa: ASYNC103 - _leave raises
            self._leave(members(exc))

    async def add(self, service: Service) -> None:
        """Start one more service (one_for_one only) and return when it has started.

        Cancelled: it is stopped again, as if it had not been added.

        Raises:
            ConnectorClosed: the supervisor does not run, or stopped meanwhile.
            ValueError: a child has this name already.
            BaseException: whatever the service raised before it had started, as itself.
        """
        if self._strategy is not Strategy.ONE_FOR_ONE:
            raise RuntimeError(
                f"{self.name!r} is {self._strategy.value}: only one_for_one takes services while running"
            )
        if self._nursery is None:
            raise ConnectorClosed(f"{self.name!r} is not running")
        if service.name in self._children:
            raise ValueError(f"{self.name!r} has a service {service.name!r} already")
        child = self._children[service.name] = _Child(service, adopted=True)
        life = self._spawn(child, self._nursery)
        try:
            await life.settled.wait()
        except BaseException:
            self._forget(child)
            life.scope.cancel(reason=f"whoever added {child.name} was cancelled")
            child.has_run = True  # Nobody waits for its start any more: what it may raise now is a crash.
            raise
        if not life.is_started:
            self._forget(child)
            raise life.error or ConnectorClosed(f"{self.name!r} was stopped before {child.name!r} had started")

    async def remove(self, name: str) -> None:
        """Stop a service and forget it; return when it has ended or had its time. Cancelled: it stops all the same.

        Raises:
            KeyError: there is no such child; it may have ended by itself.
        """
        child = self._children[name]
        self._forget(child)
        if child.life is not None:
            await self._stop([(name, child.life)])

    # -------------------------------------------------------------------------------------------- inside

    async def _supervise(self, task_status: trio.TaskStatus[None]) -> None:
        await self._start_all()
        task_status.started()
        while True:
            await self._wake.wait()
            await self._start_all()

    async def _start_all(self) -> None:
        """Repair what has crashed, then start what is down, first to last, until nothing is left to do."""
        assert self._nursery is not None
        while True:
            self._wake = trio.Event()
            while self._ended:
                await self._bury(*self._ended.popleft())
            child = next((child for child in self._children.values() if self._is_due(child)), None)
            if child is None:
                return
            if child.life is None:
                self._spawn(child, self._nursery)
            if self._is_due(child):
                await self._wake.wait()

    def _is_due(self, child: _Child) -> bool:
        """Whether a child is to be started, or its start waited for because the next one stands on it."""
        if child.life is None:
            return True
        # Siblings under one_for_one are independent: a slow restart of one keeps no other waiting.
        independent = self._strategy is Strategy.ONE_FOR_ONE and child.has_run
        return not (child.life.is_started or independent or child.adopted)

    def _spawn(self, child: _Child, nursery: trio.Nursery) -> Incarnation:
        life = child.life = Incarnation(partial(self._announce, child))
        nursery.start_soon(self._live, child, life, name=f"{self.name}: {child.name}")
        return life

    def _announce(self, child: _Child) -> None:
        self._wake.set()
        now = self._observer.now()
        if child.has_run:
            self._restarts[child.name] += 1
            self._observer.emit(ServiceRestarted(now, child.name, self._restarts[child.name], child.cause))
        else:
            child.has_run = True
            self._observer.emit(ServiceStarted(now, child.name))

    async def _live(self, child: _Child, life: Incarnation) -> None:
        """Run one incarnation to its end; keep its error, tell of it, wake the loop."""
        life.end(await outcome_of(child.service, life))
        self._ended.append((child, life))
        self._wake.set()
        if life.error is None:
            self._observer.emit(ServiceStopped(life.ended_at, child.name))
        elif child.has_run and exit_request(life.error) is None:
            trace = "".join(traceback.format_exception(life.error)).rstrip()
            self._crashes += 1
            restarts = self._restarts[child.name]
            self._observer.emit(CrashEvent(life.ended_at, child.name, restarts, repr(life.error), trace))

    # ------------------------------------------------------------------------------------------- crashes

    async def _bury(self, child: _Child, life: Incarnation) -> None:
        """Deal with the end of an incarnation: after an orderly one the child is done, a crash has its plan."""
        is_present = self._children.get(child.name) is child and child.life is life
        if life.error is None:
            if is_present and not life.was_stopped:
                self._forget(child)
            return
        if request := exit_request(life.error):
            raise request
        if not child.has_run:
            if child.adopted:
                return  # `add` tells its caller.
            raise life.error
        self._count_crash(child, life.error, life.ended_at)
        if is_present:
            await self._make_room(child, life.error)

    def _count_crash(self, child: _Child, error: BaseException, now: float) -> None:
        if self._window.allow(now):
            self._history.append(f"{child.name}: {scrub(repr(error))} at {now:.3f}")
            return
        crashed = ServiceCrashed(
            f"service {child.name!r} crashed: {scrub(repr(error))}; {self.name!r} repairs {self._restart_limit} "
            f"crashes within {self._restart_period:g} s, and this was one more"
        )
        for earlier in self._history:
            crashed.add_note(f"earlier: {earlier}")
        raise crashed from error

    async def _make_room(self, crashed: _Child, error: BaseException) -> None:
        """Stop those that stand on the crashed child; it and they are down then, and started next."""
        plan = restart_plan(self._strategy, self.names, crashed.name)
        lives = self._present(plan.stop)
        await self._stop(lives)
        for _, life in lives:
            # Two incarnations side by side would use the same connections and journals: better late than double.
            await life.finished.wait()
        for name in plan.start:
            if (child := self._children.get(name)) is not None:
                child.life = None
                child.cause = f"{crashed.name}: {scrub(repr(error))}"

    # ------------------------------------------------------------------------------------------ stopping

    def _forget(self, child: _Child) -> None:
        if self._children.get(child.name) is child:
            del self._children[child.name], self._restarts[child.name]

    def _present(self, names: Iterable[str]) -> list[tuple[str, Incarnation]]:
        return [(name, life) for name in names if (life := self._children[name].life) is not None]

    async def _stop(self, lives: Sequence[tuple[str, Incarnation]]) -> None:
        """Stop one after the other, within one deadline: each has half of what is left of it, the last has all."""
        deadline = trio.current_time() + self._shutdown_timeout
        for place, (name, life) in enumerate(lives, 1):
            seconds = max(0.0, deadline - trio.current_time()) / (1 if place == len(lives) else 2)
            life.scope.cancel(reason=f"{self.name} stops {name}")
            with trio.move_on_after(seconds) as scope:
                await life.finished.wait()
            if scope.cancelled_caught:
                self._observer.emit(ServiceOverdue(self._observer.now(), name, seconds))

    async def _stop_all(self) -> None:
        """Stop every child, last to first; the adopted ones together, since none stands on another."""
        self._nursery = None
        for child in self._children.values():
            if child.adopted and child.life is not None:
                child.life.scope.cancel(reason=f"{self.name} stops {child.name}")
        with trio.CancelScope(shield=True):  # It is cleanup, and `_stop` has a deadline.
            await self._stop(self._present(reversed(self._children)))

    def _leave(self, errors: Sequence[BaseException]) -> NoReturn:
        """Raise what ended the run; of what went wrong while stopping nothing is lost.

        A crash that only came too late to be repaired was told of, and is as little an error as the repaired ones.
        """
        ends = [(life.error, life.was_stopped) for _, life in self._ended if life.error is not None]
        late = [error for error, was_stopped in ends if was_stopped or exit_request(error)]
        for error in (*errors, *late):
            if request := exit_request(error):
                raise_saving_context(request)
        main = next((error for error in errors if not only_cancelled(error)), None)
        texts = ", ".join(map(repr, late))
        if main is None and late:
            main = ServiceCrashed(f"services of {self.name!r} failed while stopping: {texts}")
            main.__cause__ = late[0] if len(late) == 1 else BaseExceptionGroup("while stopping", late)
        elif main is not None and late:
            main.add_note(f"while stopping: {texts}")
        raise_saving_context(errors[0] if main is None else main)
