"""The router: one call from its parameters to its value: which wire, the limits, the breaker, stamp, verdict.

Order matters: choose the wire, wait for the limits, ask its breaker, sign last, then send; whatever comes back corrects
the limits, feeds the breaker and becomes a value or a typed error.

    what only asks        the preferred wire, or the other one when that is not there; failed, once more on either
    what cancels          the same, but the other one only while it is certain that nothing was sent
    every other change    the preferred wire, and never twice; it waits a little for a connection that is being made
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, final

import trio

from trio_binance._protocol import reply
from trio_binance._protocol.catalogue import general, session
from trio_binance.config import KeyType
from trio_binance.errors import (
    BinanceError,
    BreakerOpen,
    ConnectionLost,
    ConnectorClosed,
    CredentialsRequired,
    NetworkError,
    NotServed,
    Outcome,
    ServerError,
    TimestampError,
)
from trio_binance.models import ExchangeInfo, as_microseconds

from .conditions import Ready
from .events import MirrorChanged
from .http import open_http
from .manners import Manners
from .seal import Seal
from .wires import RestWire, WsWire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.breaker import BreakerStatistics, Permit
    from trio_binance._pure.signing import Signer
    from trio_binance.config import BinanceConfig

    from .clock import Clock
    from .dialer import Dialer
    from .limiter import Limiter, Taken
    from .logon import Logon
    from .observe import Observer
    from .passage import Passage
    from .status import StatusBoard
    from .wires import Wire
    from .wsapi import WsApi

R = TypeVar("R")


@final
class Router:
    """The handle every facade method calls; it survives the incarnations of the services behind the wires."""

    def __init__(
        self,
        config: BinanceConfig,
        *,
        clock: Clock,
        limiter: Limiter,
        signer: Signer | None,
        observer: Observer,
        board: StatusBoard,
    ) -> None:
        self._config = config
        self._clock = clock
        self._limiter = limiter
        self._observer = observer
        self._board = board
        self._manners = Manners(limiter, board, observer)
        self._closed = False
        self.seal: Seal = Seal(signer, clock, config.tuning)
        self.rest: RestWire = RestWire(
            config, seal=self.seal, clock=clock, limiter=limiter, observer=observer, board=board
        )
        self.ws: WsWire | None = None

    def attach(self, ws_api: WsApi, logon: Logon) -> None:
        """Take the WebSocket API as a second wire."""
        self.ws = WsWire(
            self._config,
            ws_api,
            logon,
            seal=self.seal,
            clock=self._clock,
            limiter=self._limiter,
            observer=self._observer,
            board=self._board,
        )
        ws = self.ws
        ws_api.look_after = lambda: ws.health.look_after(lambda: self._ping(ws))

    def close(self) -> None:
        """Refuse every call from now on, and those that wait in the limits' line: the connector is closed."""
        self._closed = self.rest.closed = True
        self._limiter.close()

    def statistics(self) -> dict[str, BreakerStatistics]:
        """Return the state and the counts of each wire's breaker, by the wire's name."""
        return {wire.name: wire.health.statistics() for wire in (self.rest, self.ws) if wire is not None}

    # ------------------------------------------------------------------------------------------- the call

    async def call(self, operation: Operation[R], params: Mapping[str, Value], passage: Passage | None = None) -> R:
        """Ask the exchange and return the decoded answer; ``passage`` is told each time that it is about to leave.

        Cancelled before the request left: nothing happened. Cancelled later: a request that changes state may have
        been executed; query before repeating it.

        Raises:
            BinanceError: see ``trio_binance.errors``; ``.outcome`` tells what became of the request.
        """
        wires = self._wires_of(operation)
        wire, spare = self._first(operation, wires), True
        refused: TimestampError | None = None
        signed_at = 0.0
        while True:
            try:
                if refused is None:
                    signed_at = trio.current_time()
                else:
                    await self._clock.resync(signed_at, self._config.tuning.request_timeout)
                return await self._attempt(wire, operation, params, passage)
            except BinanceError as exc:
                if isinstance(exc, TimestampError) and refused is None:
                    # "-1021 ... not executed": it never reached the matching engine, so one more try with a fresh
                    # stamp cannot double anything.
                    refused = exc
                    continue
                second = self._second(operation, wire, wires, exc) if spare else None
                if second is None:
                    _raise_told(exc, refused)
                wire, spare = second, False

    async def session_call(self, operation: Operation[R], params: Mapping[str, Value]) -> R:
        """Ask something about the connection to the WebSocket API itself, which is made if there is none yet.

        Never asked twice. Cancelled, or without an answer: it may have been done.

        Raises:
            CredentialsRequired: a logon needs an Ed25519 key.
            NotServed: the environment has no WebSocket API.
            BinanceError: see ``trio_binance.errors``.
        """
        [wire] = self._wires_of(operation)
        signer = self.seal.signer
        if operation.ws_method == session.LOGON.ws_method and signer and signer.key_type is not KeyType.ED25519:
            # "Only Ed25519 keys are supported" (web-socket-api.md, "Session Authentication").
            raise CredentialsRequired(f"{operation.name} takes Ed25519 keys only; this one is {signer.key_type.value}")
        if self.ws is not None:
            self.ws.ws_api.demand()
        return await self._attempt(wire, operation, params)

    def _wires_of(self, operation: Operation[Any]) -> list[Wire]:
        """Return the wires that an operation can take, the preferred one first.

        Raises:
            ConnectorClosed, NotServed: nothing was sent.
        """
        if self._closed:
            raise ConnectorClosed(f"{operation.name}: the connector is closed")
        environment = self._config.environment
        # What the catalogue does not know (`bx.call`) is asked for at the caller's own risk.
        if environment.offers is not None and operation.ws_method and operation.name not in environment.offers:
            raise NotServed(f"{operation.name}: the environment {environment.name!r} does not serve it")
        both: list[Wire] = [self.rest] if self.ws is None else [self.rest, self.ws]
        wires = [wire for wire in both if wire.serves(operation)]
        if not wires:
            raise NotServed(f"{operation.name}: the environment {environment.name!r} has no WebSocket API")
        return sorted(wires, key=lambda wire: wire.name != self._config.prefer)

    def _first(self, operation: Operation[Any], wires: list[Wire]) -> Wire:
        """Return the wire to take: the preferred one, unless that is not there and need not be waited for."""
        if wires[0].is_there(operation) or (operation.changes_state and not operation.cancels):
            return wires[0]
        return self._other(operation, wires[0], wires) or wires[0]

    def _second(self, operation: Operation[Any], wire: Wire, wires: list[Wire], exc: BinanceError) -> Wire | None:
        """Return the wire to ask once more after an error, if that is safe and of any use."""
        if not isinstance(exc, NetworkError | ServerError | BreakerOpen):
            return None
        other = self._other(operation, wire, wires)
        if not operation.changes_state:
            return other or (None if isinstance(exc, BreakerOpen) else wire)
        if exc.outcome is not Outcome.NOT_SENT:
            return None
        if operation.cancels and other is not None:
            return other
        # The connection broke as the request turned to it, and not a byte left: a new one is being made.
        return wire if isinstance(exc, ConnectionLost) else None

    def _other(self, operation: Operation[Any], wire: Wire, wires: list[Wire]) -> Wire | None:
        if not self._config.fallback:
            return None
        return next((other for other in wires if other is not wire and other.is_there(operation)), None)

    async def _attempt(
        self, wire: Wire, operation: Operation[R], params: Mapping[str, Value], passage: Passage | None = None
    ) -> R:
        self.seal.require(operation)
        if operation.signed:
            await self.seal.wait_ready()
        await wire.wait_there()
        # An order that comes after a ban of an hour is not the order that was meant; a question or a cancel still is.
        stale = operation.changes_state and not operation.cancels
        patience = self._config.tuning.request_timeout if stale else float("inf")
        taken = await self._limiter.acquire(wire.cost(operation, params), operation.lane, patience=patience)
        permit: Permit | None = None
        try:
            permit = wire.health.permit(operation)
            result = await wire.send(operation, params, taken, passage)
        except BaseException as exc:
            self._on_error(exc, taken)
            wire.health.on_error(exc, permit)
            raise
        self._on_success(operation, result, taken)
        wire.health.on_success(permit)
        return result

    def _on_success(self, operation: Operation[R], result: R, taken: Taken) -> None:
        if operation.is_free(result):
            # Successful trading requests cost no weight since 2026-04-02 (CHANGELOG 2026-03-27).
            self._limiter.refund(taken.weight_only)
        self._manners.on_welcome()
        if isinstance(result, ExchangeInfo):
            # Whenever it is read: the limits may change any day.
            self._limiter.on_rules(reply.rules_from(result.rate_limits))

    def _on_error(self, exc: BaseException, taken: Taken) -> None:
        if isinstance(exc, BinanceError) and exc.outcome is Outcome.NOT_SENT:
            self._limiter.refund(taken)
        self._manners.heed(exc)

    # ---------------------------------------------------------------------------- past the breaker, as a probe

    async def _ask(self, wire: Wire, operation: Operation[R]) -> tuple[float, R]:
        """Return when the question left the limits, and the answer."""
        taken = await self._limiter.acquire(wire.cost(operation, {}), operation.lane)
        sent_at = trio.current_time()
        try:
            result = await wire.send(operation, {}, taken)
        except BaseException as exc:
            self._on_error(exc, taken)
            raise
        self._manners.on_welcome()
        return sent_at, result

    async def _ping(self, wire: Wire) -> None:
        await self._ask(wire, general.PING)

    async def look_after_rest(self) -> None:
        """Ping by REST whenever its breaker is open; for ever."""
        await self.rest.health.look_after(lambda: self._ping(self.rest))

    async def sample_time(self) -> tuple[float, float, int, int]:
        """Ask for the server's time, by REST or else on the other wire; see ``clock.TimeSource``."""
        try:
            return await self._sample_time(self.rest)
        except (NetworkError, ServerError):
            if self.ws is None or not self._config.fallback or not self.ws.ws_api.usable:
                raise
        return await self._sample_time(self.ws)

    async def _sample_time(self, wire: Wire) -> tuple[float, float, int, int]:
        sent_at, answer = await self._ask(wire, general.TIME)
        told, micro = answer.server_time, as_microseconds(answer.server_time)
        return sent_at, trio.current_time(), micro, 1 if told == micro else 1000

    async def ping_exchange(self) -> bool:
        """Ask by REST whether the exchange answers at all, within the ping's own deadline."""
        try:
            with trio.fail_after(self._config.tuning.ping_timeout):
                await self._sample_time(self.rest)
        except (BinanceError, trio.TooSlowError):
            return False
        return True


def _raise_told(exc: BinanceError, refused: TimestampError | None) -> NoReturn:
    """Raise what a call ended with; a second try that was held back did not unsend the first, which was refused."""
    if refused is not None and exc.outcome is Outcome.NOT_SENT:
        raise refused from exc
    raise exc


@final
class RestService:
    """Holds the HTTP client while it lives, and probes while the breaker is open."""

    name = "rest"

    def __init__(
        self, router: Router, config: BinanceConfig, dialer: Dialer, board: StatusBoard, observer: Observer
    ) -> None:
        self._router = router
        self._config = config
        self._dialer = dialer
        self._board = board
        self._observer = observer

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then close every idle connection."""
        url, *mirrors = self._config.environment.rest_urls
        tuning = self._config.tuning
        async with open_http(url, self._dialer, tuning, mirrors=mirrors, on_mirror=self._on_mirror) as http:
            self._router.rest.http = http
            self._board.set(self.name, Ready())
            task_status.started()
            try:
                await self._router.look_after_rest()
            finally:
                self._router.rest.http = None

    def _on_mirror(self, unreachable: str, instead: str) -> None:
        now = self._observer.now()
        self._observer.emit(MirrorChanged(now, connection=self.name, old=unreachable, new=instead))
