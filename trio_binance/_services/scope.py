"""The scope: a block whose body outlives the services, and out of which one error comes as itself.

A plain nursery cancels body and services at the same moment: ``finally: await bx.trading.cancel_open_orders(...)``
would find them dead. And it wraps whatever happens in a group: ``except BinanceError`` would never match. That the
services are tasks is our business, so neither is left to the user.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn, final

import trio

from trio_binance._util import raise_saving_context
from trio_binance.errors import ConnectorClosed, ServiceCrashed

from .service import exit_request, leaves, members, only_cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .service import Service


@asynccontextmanager
async def open_service_scope(supervisor: Service) -> AsyncIterator[None]:
    """Run the services beside the body of the block, and stop them when it is done.

    Entering waits until all have started; a failure to start is raised there as itself. The services are shielded: a
    cancellation from outside reaches the body first, whose ``finally`` may still use them. A crash cancels the body.

    Raises:
        ServiceCrashed: the services gave up; ``__cause__`` is the crash. Should the body fail of its own as well,
            its error is the one raised, with a note of the crash.
        KeyboardInterrupt, SystemExit: as such, wherever they struck.
    """
    run = _Run(supervisor)
    raised: BaseException | None = None
    body_error: BaseException | None = None
    try:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            try:
                await nursery.start(run.serve, nursery.cancel_scope)
                # A cancellation that came while the last one started has reached the services already.
                await trio.lowlevel.checkpoint_if_cancelled()
                run.scope.shield = True
                yield
            except BaseException as exc:
                raised = exc
                raise
            finally:
                run.scope.cancel(reason="the connector is closing")
    except BaseException as exc:  # noqa: ASYNC103 - raised again below, out of its group
        body_error = _leading(members(exc), raised)
    if run.error is not None:
        _raise_crash(supervisor, run.error, body_error)
    if body_error is not None:
        raise_saving_context(body_error)


@final
class _Run:
    """The one run of the services; what ends it is kept, and not thrown into the nursery."""

    def __init__(self, supervisor: Service) -> None:
        self._supervisor = supervisor
        self._started = False
        self.scope = trio.CancelScope()
        self.error: BaseException | None = None

    async def serve(self, body: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            with self.scope:
                await self._supervisor.run(task_status=_Noting(self, task_status))
        except BaseException as exc:  # noqa: ASYNC103 - kept; the scope raises it once the body is done
            if not self._started or only_cancelled(exc):
                raise
            self.error = exc
            body.cancel(reason=f"the connector crashed: {exc!r}")

    def note_started(self) -> None:
        self._started = True


@final
class _Noting:
    """A task status that notes, before anyone else can run, that the service has started."""

    def __init__(self, run: _Run, task_status: trio.TaskStatus[None]) -> None:
        self._run = run
        self._task_status = task_status

    def started(self, value: None = None) -> None:
        self._task_status.started(value)
        self._run.note_started()


def _leading(errors: Sequence[BaseException], raised: BaseException | None) -> BaseException:
    """Return the one of the nursery's errors that counts.

    The services' errors are kept aside by `_Run`, so that normally there is one, what the body raised. Others are
    cancellations, or a request to end the program that struck between two lines of ours.
    """
    request = next(filter(None, map(exit_request, errors)), None) if len(errors) > 1 else None
    if request is not None:
        return request
    # A nursery takes its own cancellation out of a group by making another: the original is better, if it has none.
    if raised is not None and not any(isinstance(leaf, trio.Cancelled) for leaf in leaves(raised)):
        return raised
    return next((error for error in errors if not only_cancelled(error)), errors[0])


def _raise_crash(supervisor: Service, error: BaseException, body_error: BaseException | None) -> NoReturn:
    """Raise what the user must see, the other one as its note."""
    request = exit_request(error)
    if request is not None:
        crash: BaseException = request
    elif isinstance(error, ServiceCrashed):
        crash = error
    else:
        crash = ServiceCrashed(f"service {supervisor.name!r} crashed: {error!r}")
        crash.__cause__ = error
    if body_error is None or only_cancelled(body_error):
        raise_saving_context(crash)
    # A body that found the services dead tells less than what they died of.
    if request is None and not isinstance(body_error, ConnectorClosed):
        body_error.add_note(f"meanwhile {crash!r} from {crash.__cause__!r}")
        raise_saving_context(body_error)
    crash.add_note(f"meanwhile the body raised {body_error!r}")
    raise_saving_context(crash)
