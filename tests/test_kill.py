"""Killed at any step of a placement, and started anew: every order is accounted for, and none is there twice.

A kill leaves what is in the file and what is on its way in the network, and nothing else: here no byte leaves or comes
any more from that step on, and the next connector gets a copy of the journal as it was then.
"""

from __future__ import annotations

import os
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
import trio
import trio.testing

from tests._client.world import config_of
from tests.test_cancellation import StepCounter, sampled
from trio_binance._client.open import open_binance
from trio_binance.config import BinanceConfig, SandboxSpec
from trio_binance.errors import BinanceError, ConnectError
from trio_binance.journals import JournalSpec
from trio_binance.models import LimitOrder, MarketOrder, OrderRequest, Side
from trio_binance.sandbox.serve import Sandbox, open_sandbox

pytestmark = pytest.mark.slow

LIMIT = int(os.environ.get("TRIO_BINANCE_STEPS", "4"))
RESTING = LimitOrder("BTCUSDT", Side.BUY, quantity="0.00100", price="20000.00", client_order_id="mine")
TAKING = MarketOrder("BTCUSDT", Side.BUY, quantity="0.00100", client_order_id="mine")


class DeadStream(trio.abc.Stream):
    """The end of a connection in a process that may have been killed."""

    def __init__(self, stream: trio.abc.Stream, process: Process) -> None:
        self._stream = stream
        self._process = process

    async def send_all(self, data: Any) -> None:
        self._process.check()
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        self._process.check()
        data = await self._stream.receive_some(max_bytes)
        self._process.check()
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


@attrs.define(eq=False)
class Process:
    """What a connector has of the world outside: the way to the exchange, and a file."""

    sandbox: Sandbox
    journal: Path
    left: bytes | None = None
    """The journal's bytes at the moment of the kill."""

    def kill(self) -> None:
        self.left = self.journal.read_bytes()

    def check(self) -> None:
        if self.left is not None:
            raise trio.BrokenResourceError("killed")

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        if self.left is not None:
            raise ConnectError("killed")
        return DeadStream(await self.sandbox.dialer.connect(host, port, tls=tls), self)


def config_with(journal: Path, prefer: str, **settings: Any) -> BinanceConfig:
    spec = JournalSpec(journal, fsync="os")
    return config_of(activity=0.2, prefer=prefer, journal=spec, **settings)


async def place_and_be_killed(
    sandbox: Sandbox, path: Path, prefer: str, order: OrderRequest, at: int
) -> tuple[int, bytes]:
    """Place an order and be killed at a step of the scheduler; return how many steps it took, and the journal."""
    process, counter = Process(sandbox, path), StepCounter()
    with trio.CancelScope() as scope:

        def kill() -> None:
            process.kill()
            scope.cancel()

        async with open_binance(config_with(path, prefer), dialer=process) as bx:
            await bx.wait_ready()
            counter.act, counter.act_at = kill, at
            trio.lowlevel.add_instrument(counter)
            counter.armed = True
            try:
                with suppress(BinanceError):  # what it says in its last moments nobody hears
                    await bx.trading.place(order)
            finally:
                counter.armed = False
                trio.lowlevel.remove_instrument(counter)
    return counter.steps, path.read_bytes() if process.left is None else process.left


async def live_on(sandbox: Sandbox, path: Path, prefer: str, *, probing: bool) -> list[str]:
    """Start anew with a journal; return of which orders it is still not known what became of them."""
    async with open_binance(config_with(path, prefer, resolve_by_cancel=probing), dialer=sandbox.dialer) as bx:
        await bx.wait_ready()
        with trio.fail_after(600):
            await bx.trading.wait_settled()
        assert bx.statistics().orders.alarms == 0
        return [request.client_order_id for request in bx.trading.unsettled]


def there(sandbox: Sandbox) -> int:
    [key] = sandbox.exchange.keys.values()
    return sum(order.client_id == "mine" for order in key.account.blotter("BTCUSDT").orders.values())


async def die_and_rise(
    folder: Path, prefer: str, order: OrderRequest, at: int, *, probing: bool
) -> tuple[int, list[str]]:
    config = config_of(activity=0.2)
    async with open_sandbox(cast("SandboxSpec", config.embedded), credentials=config.credentials) as sandbox:
        steps, left = await place_and_be_killed(sandbox, folder / "first", prefer, order, at)
        (folder / "second").write_bytes(left)
        await trio.sleep(1)
        unknown = await live_on(sandbox, folder / "second", prefer, probing=probing)
        assert there(sandbox) <= 1
        if there(sandbox):
            assert unknown == [], "it is there, and nobody says so"
        assert set(sandbox.market.audit().values()) == {Decimal(0)}
    return steps, unknown


@pytest.mark.parametrize("prefer", ["rest", "ws_api"])
@pytest.mark.parametrize("order", [RESTING, TAKING], ids=["resting", "taking"])
def test_killed_at_any_step_of_a_placement_everything_is_resolved_and_nothing_is_doubled(
    prefer: str, order: OrderRequest, tmp_path: Path
) -> None:
    def run(at: int) -> tuple[int, list[str]]:
        folder = tmp_path / str(at)
        folder.mkdir()
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(lambda: die_and_rise(folder, prefer, order, at, probing=True), clock=clock)

    total, _ = run(-1)
    assert total > 10
    for at in sampled(total, LIMIT):
        _, unknown = run(at)
        if order is RESTING:
            assert unknown == [], f"killed at step {at}"
