"""The opening: a configuration becomes a running connector, and leaves nothing behind when its block ends.

open_binance
└─ (the embedded exchange, when the configuration asks for one)
   └─ root: rest_for_one, transient, 5 restarts in 10 s
      rest, streams (one_for_one, a child per socket), clock, wsapi (or one_for_one: wsapi, wsapi:events), userdata,
      mirror, books, gapless, journal, orders: each stands on those before it
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn, final

import attrs
import trio

from trio_binance import _util
from trio_binance._pure.intents import Owner
from trio_binance._pure.keys import signer_for
from trio_binance._services.dialer import TcpDialer
from trio_binance._services.journal import open_journal
from trio_binance._services.leaving import leaving_clean
from trio_binance._services.proxydialer import ProxyDialer
from trio_binance._services.scope import open_service_scope
from trio_binance._util import shown
from trio_binance.config import BinanceConfig, ReplaySpec, SandboxSpec
from trio_binance.environments import Environment
from trio_binance.errors import ConfigError, ServiceCrashed

from .account import AccountRoom
from .books import Books
from .building import Anchor, Builder
from .client import Binance, Engine
from .general import General
from .market import Market
from .session import Session
from .streams import Streams
from .trading import Trading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio_binance._services.dialer import Dialer


_GRACE = 2.5
"""Seconds a recording waits for further feeds: the pace of a socket lets one go by between bursts of SUBSCRIBEs."""


def open_binance(config: BinanceConfig, *, dialer: Dialer | None = None) -> AbstractAsyncContextManager[Binance]:
    """Run a connector for the length of an ``async with`` block.

    Yields as soon as its services run; that needs no network (``await bx.wait_ready()`` does). The body outlives the
    services: a ``finally`` clause in the block may still cancel orders. One error leaves the block as itself, so
    ``except BinanceError`` works; an error of yours passes through untouched. Cancelled: the body ends first, then
    the services, last to first, within ``tuning.shutdown_timeout``; no task and no connection is left.

    Args:
        config: which exchange, whose key, how careful.
        dialer: the way to the network, used for REST and WebSocket alike; by default TCP and TLS, through the proxy
            if there is one, or straight into the embedded exchange. Anything with its ``connect`` will do, such as
            an ``open_sandbox`` of yours.

    Raises:
        TypeError: ``config`` is something else.
        ConfigError: the credentials cannot sign; a SOCKS proxy without the extra ``proxy``, or one beside ``dialer``.
        ServiceCrashed: a part of the connector crashed more often than its supervisor allows; ``__cause__`` is why.
    """
    _check(config)
    return _Opening(_running(config, dialer))


def _check(config: object) -> None:
    if not isinstance(config, BinanceConfig):
        hint = "; write BinanceConfig(environment)" if isinstance(config, Environment) else ""
        raise TypeError(f"config={shown(config)}: expected a BinanceConfig, not {type(config).__name__}{hint}")


@final
class _Opening(AbstractAsyncContextManager["Binance"]):
    """What ``open_binance`` returns: there is nothing to do with it but to enter it."""

    def __init__(self, connector: AbstractAsyncContextManager[Binance]) -> None:
        self._connector = connector

    async def __aenter__(self) -> Binance:
        return await self._connector.__aenter__()

    async def __aexit__(self, *raised: Any) -> bool | None:
        return await self._connector.__aexit__(*raised)  # noqa: ASYNC102 - it shields what must end by itself

    # Type checkers must not see it: they tell the same mistake by themselves.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say what is missing, to whom takes it for the connector itself."""
            raise AttributeError(
                f"{name}: the connector does not run yet; enter it: async with open_binance(config) as bx: ..."
            )


@asynccontextmanager
async def _running(config: BinanceConfig, dialer: Dialer | None) -> AsyncIterator[Binance]:
    """Run a connector for the length of a block."""
    signer = None if config.credentials is None else signer_for(config.credentials)
    owner = Owner.of(config.environment.name, None if config.credentials is None else config.credentials.api_key)
    anchor = Anchor(_util.wall_time_ns() // 1000, trio.current_time())
    async with (
        _open_exchange(config, dialer, anchor) as way,
        open_journal(config.journal, owner=owner, at_ms=anchor.wall_us // 1000) as journal,
    ):
        builder = Builder(config, way, anchor, journal)
        engine, root = builder.build(signer)
        bx = Binance._create(
            config,
            engine,
            general=General(engine.router),
            market=Market(engine.router),
            trading=Trading(
                engine.router,
                engine.orders,
                builder.ids("tb"),
                builder.rulebook,
                engine.mirror,
            ),
            account=AccountRoom(engine.router, engine.mirror),
            streams=Streams(engine.streams, config.tuning, engine.gapless, config.time_unit),
            books=Books(engine.books),
            session=Session(engine.router),
        )
        try:
            async with open_service_scope(root), leaving_clean(builder.leaving(engine)):
                try:
                    yield bx
                finally:
                    if engine.mirror is not None:
                        engine.mirror.leave()
        except ServiceCrashed as exc:
            # An error of the block's own is none of the feeds' that other tasks read: theirs end in order.
            _end(engine, exc)
            raise
        finally:
            _end(engine, None)
            builder.observer.flush()


def _end(engine: Engine, error: ServiceCrashed | None) -> None:
    """End every feed and refuse every call, those that wait included: nobody is left to answer them."""
    engine.router.close()
    engine.resolver.close()
    engine.streams.end(error)
    engine.books.end(error)
    if engine.user_data is not None:
        engine.user_data.end()
    if engine.mirror is not None:
        engine.mirror.end(error)
    engine.board.close()


@asynccontextmanager
async def _open_exchange(config: BinanceConfig, dialer: Dialer | None, anchor: Anchor) -> AsyncIterator[Dialer]:
    """Return the way to the exchange: the network, or an exchange run in this process, by this machine's clock."""
    # Only who asks for the embedded exchange pays for importing it.
    if dialer is not None:
        if config.proxy is not None:
            raise ConfigError("proxy: a dialer was given as well; there is one way to the network")
        yield dialer
    elif isinstance(config.embedded, SandboxSpec):
        from trio_binance.sandbox.serve import open_sandbox

        epoch_ms = anchor.wall_us // 1000 if config.embedded.epoch_ms is None else config.embedded.epoch_ms
        spec = attrs.evolve(config.embedded, epoch_ms=epoch_ms)
        async with open_sandbox(spec, credentials=config.credentials) as sandbox:
            yield sandbox.dialer
    elif isinstance(config.embedded, ReplaySpec):
        from trio_binance.sandbox.serve import open_replay

        async with open_replay(config.embedded, grace=_GRACE) as player:
            yield player.dialer
    elif config.proxy is not None:
        yield ProxyDialer(config.proxy, connect_timeout=config.tuning.connect_timeout)
    else:
        yield TcpDialer(connect_timeout=config.tuning.connect_timeout)
