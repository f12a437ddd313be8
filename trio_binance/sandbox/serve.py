"""The house: opens an embedded exchange or a player of recordings, in memory or on this machine's loopback."""

from __future__ import annotations

from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, final

import attrs
import trio

from trio_binance._util import raise_saving_context, wall_time_ns
from trio_binance.config import BinanceConfig, Credentials, Environment, KeyType, ReplaySpec, SandboxSpec

from .driver import Driver
from .exchange import Exchange
from .faults import FaultSchedule
from .injector import Injector
from .keys import Key
from .market import Market
from .network import MemoryNetwork, MemoryStream
from .recording import read_session
from .replay import Player, ReplayExchange
from .truth import true_balances, true_fills, true_orders
from .wire import serve_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from .accounts import Account
    from .rules import Rules
    from .truth import TrueBalance, TrueFill, TrueOrder

FUNDS: Final = {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(10), "BNB": Decimal(50)}
"""What the account of the configured key starts with."""


class Dialer(Protocol):
    """The way to a network."""

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Return a connection."""
        ...


@final
class LoopbackDialer:
    """Dials real sockets, in plain text: enough for this machine's loopback."""

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Return a connection. Cancelled, none is made."""
        del tls
        return await trio.open_tcp_stream(host, port)


@final
@attrs.frozen(eq=False)
class Sandbox:
    """An embedded exchange that runs. ``network`` is ``None`` on real sockets."""

    environment: Environment
    dialer: Dialer
    network: MemoryNetwork | None
    driver: Driver
    exchange: Exchange
    market: Market
    faults: Injector
    """What goes wrong: ``faults.add`` adds to it at any time, ``faults.struck`` tells what has struck."""

    def now_us(self) -> int:
        """Return the exchange's time in microseconds."""
        return self.driver.now_us()

    # ---- the truth, for tests: all of it synchronously, and none of it lags, is lost or is bent

    @property
    def account(self) -> Account:
        """The account of the configured key.

        Raises:
            LookupError: the sandbox was opened without credentials.
        """
        for key in self.exchange.keys.values():
            return key.account
        raise LookupError("the sandbox was opened without credentials")

    def orders(self, account: Account | None = None) -> tuple[TrueOrder, ...]:
        """Return every order that the matching engine ever accepted: of the configured key's account by default."""
        return true_orders(account or self.account)

    def fills(self, account: Account | None = None) -> tuple[TrueFill, ...]:
        """Return every fill of an account's orders, allocations of smart order routing too."""
        return true_fills(account or self.account)

    def balances(self, account: Account | None = None) -> dict[str, TrueBalance]:
        """Return what an account has, by asset."""
        return true_balances(account or self.account)

    def discrepancies(self) -> tuple[str, ...]:
        """Return, in words, where the books of the exchange and of its customers disagree; none when all is right."""
        return self.market.discrepancies()

    def conserved(self) -> bool:
        """Tell whether no money was made or lost, and every balance is what deposits, fills and orders say."""
        return not self.discrepancies()


@final
@attrs.frozen(eq=False)
class Replay:
    """A player that runs, over the same wire as a ``Sandbox``."""

    environment: Environment
    dialer: Dialer
    network: MemoryNetwork | None
    driver: Driver
    exchange: ReplayExchange
    player: Player

    def now_us(self) -> int:
        """Return the time of the player's clock in microseconds; it starts with the recording."""
        return self.driver.now_us()


@asynccontextmanager
async def open_sandbox(
    spec: SandboxSpec,
    *,
    credentials: Credentials | None,
    network: MemoryNetwork | None = None,
    rules: Rules | None = None,
    market: Market | None = None,
    faults: FaultSchedule | None = None,
) -> AsyncIterator[Sandbox]:
    """Run an embedded exchange in memory while the block lasts.

    Args:
        spec: seed, time and activity of the market.
        credentials: of the key that the exchange knows, its account funded with ``FUNDS``; ``None`` for no key.
        network: to listen on; a new one by default.
        rules: limits and periods of the exchange's doors; the documented ones by default.
        market: to trade on, instead of one made by ``spec``.
        faults: what goes wrong, and when.

    Raises:
        ValueError: the credentials' key cannot be read.
    """
    network = MemoryNetwork() if network is None else network
    environment = BinanceConfig.sandbox().environment
    started_at = trio.current_time()
    exchange = _make_exchange(spec, credentials, rules, market)
    injector = Injector(faults or FaultSchedule(), network, exchange)
    driver = Driver(exchange, start_us=exchange.now_us, started_at=started_at, faults=injector)
    async with _serving(driver, network.listen(_host(environment), 80)):
        yield Sandbox(environment, network, network, driver, exchange, exchange.market, injector)


@asynccontextmanager
async def open_loopback(
    spec: SandboxSpec,
    *,
    credentials: Credentials | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    rules: Rules | None = None,
    market: Market | None = None,
    faults: FaultSchedule | None = None,
) -> AsyncIterator[Sandbox]:
    """Run the same exchange on a real socket while the block lasts; ``port`` 0 takes a free one.

    Raises:
        OSError: the port is in use.
    """
    started_at = trio.current_time()
    exchange = _make_exchange(spec, credentials, rules, market)
    injector = Injector(faults or FaultSchedule(), None, exchange)
    driver = Driver(exchange, start_us=exchange.now_us, started_at=started_at, faults=injector)
    [listener] = await trio.open_tcp_listeners(port, host=host)
    async with _serving(driver, listener):
        environment = _loopback_environment(host, listener.socket.getsockname()[1])
        yield Sandbox(environment, LoopbackDialer(), None, driver, exchange, exchange.market, injector)


async def serve_loopback(
    spec: SandboxSpec,
    *,
    credentials: Credentials | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    rules: Rules | None = None,
    task_status: trio.TaskStatus[Environment] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run an exchange on a real socket for ever; starts with the ``Environment`` to reach it by.

    Raises:
        OSError: the port is in use.
    """
    async with open_loopback(spec, credentials=credentials, host=host, port=port, rules=rules) as sandbox:
        task_status.started(sandbox.environment)
        await trio.sleep_forever()


@asynccontextmanager
async def open_replay(
    spec: ReplaySpec,
    *,
    network: MemoryNetwork | None = None,
    grace: float = 1.0,
    faults: FaultSchedule | None = None,
) -> AsyncIterator[Replay]:
    """Play a recording in memory while the block lasts.

    Args:
        spec: the file, and how fast.
        network: to listen on; a new one by default.
        grace: seconds after the last subscription, before playing starts to an incomplete audience.
        faults: what goes wrong, and when.

    Raises:
        ConfigError: the file is no recording; the message names the file and the line.
    """
    environment = BinanceConfig.replay(spec.path).environment
    session = await read_session(spec.path)
    network = MemoryNetwork() if network is None else network
    exchange = ReplayExchange(session)
    injector = None if faults is None else Injector(faults, network)
    driver = Driver(exchange, start_us=session.first_ns // 1000, faults=injector)
    player = Player(exchange, driver, speed=spec.speed, grace=grace)
    async with _serving(driver, network.listen(_host(environment), 80), player.run):
        yield Replay(environment, network, network, driver, exchange, player)


def _host(environment: Environment) -> str:
    return environment.rest_url.removeprefix("http://")


def _loopback_environment(host: str, port: int) -> Environment:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Environment("loopback", f"http://{where}", f"ws://{where}", f"ws://{where}/ws-api/v3")


def _make_exchange(
    spec: SandboxSpec, credentials: Credentials | None, rules: Rules | None, market: Market | None
) -> Exchange:
    start_us = wall_time_ns() // 1000 if spec.epoch_ms is None else spec.epoch_ms * 1000
    market = Market(spec.seed, start_us, spec.activity) if market is None else market
    keys = {} if credentials is None else {credentials.api_key: _register(market, credentials)}
    return Exchange(market, keys=keys, rules=rules, start_us=start_us)


def _register(market: Market, credentials: Credentials) -> Key:
    account = market.open_account(credentials.api_key, FUNDS)
    secret = credentials.secret.reveal()
    if credentials.key_type is KeyType.HMAC:
        return Key.hmac(credentials.api_key, secret.decode(), account)
    passphrase = None if credentials.passphrase is None else credentials.passphrase.reveal().decode()
    return Key.asymmetric(credentials.api_key, secret, account, passphrase=passphrase)


# ---------------------------------------------------------------------------------------------------- running


@asynccontextmanager
async def _serving(
    driver: Driver, listener: trio.abc.Listener[Any], *tasks: Callable[[], Awaitable[object]]
) -> AsyncIterator[None]:
    """Serve while the block lasts, and while it cleans up after a cancellation from outside.

    An error of the block leaves as itself; a bug of the exchange cancels the block and leaves as itself too.
    """
    jobs: list[Callable[[], Awaitable[object]]] = [
        driver.run,
        partial(trio.serve_listeners, partial(_serve, driver), [listener]),
        *tasks,
    ]
    if driver.faults is not None:
        jobs.append(partial(driver.faults.run, driver))
    shop = _Shop(jobs)
    raised: BaseException | None = None
    left: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shop.run, nursery.cancel_scope)
            try:
                yield
            except BaseException as exc:
                raised = exc
                raise
            finally:
                shop.scope.cancel(reason="the sandbox closes")
    except BaseExceptionGroup as group:
        # A nursery takes its own cancellation out of a group by making another: the original is better, if whole.
        left = group.exceptions[0] if raised is None or _is_cancelled(raised) else raised
    shop.leave(left)


@final
class _Shop:
    """The running exchange; what ends it is kept, and not thrown into the block's nursery."""

    def __init__(self, jobs: list[Callable[[], Awaitable[object]]]) -> None:
        self._jobs = jobs
        self._bug: BaseException | None = None
        self.scope = trio.CancelScope(shield=True)

    async def run(self, block: trio.CancelScope) -> None:
        try:
            with self.scope:
                async with trio.open_nursery() as nursery:
                    for job in self._jobs:
                        nursery.start_soon(job)
        except BaseExceptionGroup as group:
            self._bug = group.exceptions[0] if len(group.exceptions) == 1 else group
            block.cancel(reason="the sandbox failed")

    def leave(self, left: BaseException | None) -> None:
        """Raise what the user must see: the exchange's own bug first, for it explains the block's end."""
        if self._bug is not None and (left is None or _is_cancelled(left)):
            raise_saving_context(self._bug)
        if left is None:
            return
        if self._bug is not None:
            left.add_note(f"meanwhile the sandbox failed: {self._bug!r}")
        raise_saving_context(left)


def _is_cancelled(error: BaseException) -> bool:
    """Tell whether a cancellation is in it."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_cancelled, error.exceptions))
    return isinstance(error, trio.Cancelled)


async def _serve(driver: Driver, stream: trio.abc.Stream) -> None:
    await serve_connection(stream, driver, address=_address(stream))


def _address(stream: trio.abc.Stream) -> str:
    if isinstance(stream, MemoryStream):
        return stream.dial.address
    assert isinstance(stream, trio.SocketStream)
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:
        return ""  # it was reset before it was accepted; the first read finds out
