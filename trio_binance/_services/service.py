"""The service: a part of the connector that runs until it is told to stop, and how its end is to be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Service(Protocol):
    """What a supervisor runs.

    Expected trouble (a dropped socket, a 5xx) is handled inside ``run``; an exception that leaves it is a crash. Each
    call of ``run`` is an incarnation with fresh state: what must survive a crash (channels, status, statistics) lives
    in a handle that is made once, outside.
    """

    @property
    def name(self) -> str:
        """What it is called among its siblings, in the log and in errors."""
        ...

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Set up, call ``task_status.started()``, serve until cancelled. Cleanup is bounded by a deadline."""


@final
class Incarnation:
    """One run of a service, and the ``task_status`` that it is given."""

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce
        self.scope = trio.CancelScope(shield=True)
        self.is_started = False
        self.settled = trio.Event()
        """It has started, or ended without."""
        self.finished = trio.Event()
        self.error: BaseException | None = None
        self.ended_at = 0.0
        self.was_stopped = False
        """It ended because it was asked to."""

    @property
    def is_running(self) -> bool:
        """It has started and not ended."""
        return self.is_started and not self.finished.is_set()

    def started(self, value: None = None) -> None:
        """Tell that the service has set up (``trio.TaskStatus``)."""
        assert value is None
        if self.is_started:
            raise RuntimeError("called 'started' twice on the same task status")
        self.is_started = True
        self.settled.set()
        self._announce()

    def end(self, error: BaseException | None) -> None:
        """Note what left the service, if anything."""
        self.error = error
        self.ended_at = trio.current_time()
        self.was_stopped = self.scope.cancel_called
        self.settled.set()
        self.finished.set()


async def outcome_of(service: Service, life: Incarnation) -> BaseException | None:
    """Run an incarnation behind its shield; return what left it."""
    try:
        with life.scope:
            await service.run(task_status=life)
            if not life.is_started and not life.scope.cancel_called:
                raise RuntimeError(f"service {service.name!r} ended before it had started")
    except BaseException as exc:  # noqa: ASYNC103 - the supervisor decides what becomes of it
        return exc  # noqa: ASYNC104
    return None


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Give the exceptions of which ``error`` consists: those of a group, at any depth, or itself."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from leaves(member)
    else:
        yield error


def only_cancelled(error: BaseException) -> bool:
    """Return whether ``error`` is nothing but a cancellation on its way out."""
    return all(isinstance(leaf, trio.Cancelled) for leaf in leaves(error))


def exit_request(error: BaseException) -> KeyboardInterrupt | SystemExit | None:
    """Return the request to end the program that ``error`` is or contains, if there is one."""
    return next((leaf for leaf in leaves(error) if isinstance(leaf, KeyboardInterrupt | SystemExit)), None)


def members(error: BaseException) -> tuple[BaseException, ...]:
    """Return what a strict nursery raised: the members of its own group, each of which may be a group of someone's."""
    return error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
