"""The transport under cancellation: at whatever step it comes, nothing leaks and the next request is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock

from tests._services.helpers_http import OK, Dialer, Peer, closes_on_second, drip, reply, send, serve, transport_over

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def test_a_block_that_is_being_cancelled_can_still_use_and_reuse_connections(nursery: trio.Nursery) -> None:
    """``finally: await cancel_orders()``, shielded, must work as well as before."""
    dialer = Dialer(nursery, serve)
    with trio.CancelScope() as scope:
        async with transport_over(dialer) as transport:
            await send(transport)
            try:
                scope.cancel()
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    for _ in range(3):
                        await send(transport, "DELETE")
                    assert transport.statistics().reused == 3
    assert dialer.open == 0


class Canceller(trio.abc.Instrument):
    """Cancels ``scope`` just before the ``steps``-th step of ``task``."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.scope = trio.CancelScope()
        self.task: trio.lowlevel.Task | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self.task:
            self.left -= 1
            if self.left == 0:
                self.scope.cancel()


async def goes_away(peer: Peer) -> None:
    await peer.answer()
    await peer.answer(reply(b"{}", "Connection: close"))


async def steals(peer: Peer) -> None:
    await peer.answer(OK + OK)


SCENARIOS: dict[str, tuple[list[Callable[[Peer], Awaitable[object]]], list[str]]] = {
    "fresh": ([serve], ["POST"]),
    "reused": ([serve], ["GET", "POST", "GET"]),
    "retried": ([closes_on_second, serve], ["GET", "GET", "POST"]),
    "closed by the peer": ([goes_away, serve], ["GET", "GET", "POST"]),
    "disturbed": ([steals, serve], ["GET", "POST"]),
    "dripping": ([drip], ["GET"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_cancelled_at_any_step_it_leaks_nothing_and_goes_on_working(
    scenario: tuple[list[Callable[[Peer], Awaitable[object]]], list[str]],
) -> None:
    """Cancel at the first step, the second, ...: no connection stays open half-read, and the next request is right."""
    scripts, methods = scenario

    async def run(canceller: Canceller) -> bool:
        async with trio.open_nursery() as nursery:
            dialer = Dialer(nursery, *scripts, *[serve] * 3)
            async with transport_over(dialer, rest_connections=1, request_timeout=10_000) as transport:
                canceller.task = trio.lowlevel.current_task()
                with canceller.scope:
                    for method in methods:
                        await send(transport, method)
                canceller.task = None
                assert transport.statistics().open == transport.statistics().idle == dialer.open
                assert (await send(transport)).content in (b"{}", b"x" * 100)
                assert dialer.open <= 1
            assert dialer.open == 0
            nursery.cancel_scope.cancel()
        return canceller.scope.cancelled_caught

    steps = 1
    while True:
        canceller = Canceller(steps)
        caught = trio.run(run, canceller, instruments=[canceller], clock=MockClock(autojump_threshold=0))
        if canceller.left > 0:
            break
        assert caught or steps > 1
        steps += 1 if steps < 60 else 31
    assert steps > 5
