"""The world of a system test: a connector, the exchange it talks to, and everything it told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
import trio.testing

from trio_binance._client.client import Binance
from trio_binance._client.open import open_binance
from trio_binance._services.events import Event
from trio_binance.config import BinanceConfig, SandboxSpec
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.serve import Sandbox, open_sandbox
from trio_binance.sandbox.symbols import SYMBOLS

EPOCH_MS = 1_790_000_000_000


@attrs.define
class World:
    """A connector, the exchange it talks to, and everything it told."""

    bx: Binance
    sandbox: Sandbox
    events: list[Event]

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


def config_of(*, seed: int = 7, activity: float = 2.0, **settings: Any) -> BinanceConfig:
    """Return a configuration of the embedded exchange, at a time of our own."""
    return BinanceConfig.sandbox(seed=seed, activity=activity, epoch_ms=EPOCH_MS, **settings)


@asynccontextmanager
async def open_world(
    *,
    rules: Any = None,
    faults: Any = None,
    market: Any = None,
    symbols: int | None = 2,
    ready: bool = True,
    **settings: Any,
) -> AsyncIterator[World]:
    """Run a connector against an exchange whose inside can be seen; at the end nothing may be left of it.

    Without a ``market`` it trades the first so many symbols, BTCUSDT and ETHUSDT, for making each takes its time; or
    all of them, for ``None``.
    """
    events: list[Event] = []
    config = config_of(hooks=(events.append,), **settings)
    assert isinstance(config.embedded, SandboxSpec)
    credentials = config.credentials
    market = market or Market(config.embedded.seed, EPOCH_MS * 1000, config.embedded.activity, SYMBOLS[:symbols])
    async with open_sandbox(
        config.embedded, credentials=credentials, rules=rules, faults=faults, market=market
    ) as sandbox:
        async with open_binance(config, dialer=sandbox.dialer) as bx:
            if ready:
                await bx.wait_ready()
            yield World(bx, sandbox, events)
        await settle()
        assert sandbox.network is not None
        assert [stream for stream in sandbox.network.open_streams if stream.side == "client"] == []
        if sandbox.network.open_streams:
            await trio.sleep(60)  # the exchange itself was made to be slow, and looks up only now
        assert sandbox.network.open_streams == ()


async def settle() -> None:
    """Let the exchange notice what the connector closed; no time passes."""
    await trio.testing.wait_all_tasks_blocked()
