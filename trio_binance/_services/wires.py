"""The wires: the two ways to ask the exchange the same, each with its health, its costs and its own way to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, final

import trio

from trio_binance._protocol import reply
from trio_binance._protocol.catalogue import session
from trio_binance._protocol.units import rest_headers
from trio_binance._pure.limits import Cost
from trio_binance.errors import (
    ApiError,
    AuthError,
    ConnectError,
    ConnectionLost,
    ConnectorClosed,
    NetworkError,
    ProtocolError,
    RateLimited,
    ServerError,
)

from .health import Health, passes_always
from .wsline import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._protocol.call import RestRequest
    from trio_binance._protocol.operation import Operation, Value
    from trio_binance.config import BinanceConfig

    from .clock import Clock
    from .http import HttpClient, HttpReply
    from .limiter import Limiter, Taken
    from .logon import Logon
    from .observe import Observer
    from .passage import Passage
    from .seal import Seal
    from .status import StatusBoard
    from .wsapi import WsApi
    from .wsline import Line

R = TypeVar("R")

AUDIT = 10.0
"""Seconds between answers that tell what is used of the limits, where the others are asked not to."""

_ALWAYS_SIGNED = frozenset((session.LOGON.ws_method, session.SUBSCRIBE_SIGNATURE.ws_method))
_TELLS_THE_SESSION = frozenset(each.ws_method for each in (session.LOGON, session.STATUS, session.LOGOUT))
_MANDATORY_PARAMETER_MISSING = -1102


class Wire(Protocol):
    """One way to the exchange."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def health(self) -> Health:
        """Whether it is worth asking."""
        ...

    def serves(self, operation: Operation[Any]) -> bool:
        """Tell whether the operation has a name on it."""
        ...

    def is_there(self, operation: Operation[Any]) -> bool:
        """Tell whether a request would leave now, as far as is known."""
        ...

    def cost(self, operation: Operation[Any], params: Mapping[str, Value]) -> Cost:
        """Return what a request takes of the limits."""
        ...

    async def wait_there(self) -> None:
        """Wait, not for long, for a connection that is being made. Raises what says that nothing was sent."""

    async def send(
        self, operation: Operation[R], params: Mapping[str, Value], taken: Taken, passage: Passage | None = None
    ) -> R:
        """Sign, send, correct the limits by the answer, and return what it says. Raises any ``BinanceError``."""
        ...


def _is_failure(exc: BaseException) -> bool:
    """Tell whether the exchange's health is in doubt: the line or a 5xx, never a refusal, a limit or a cancellation."""
    return isinstance(exc, NetworkError | ServerError | ProtocolError) and not isinstance(exc, RateLimited)


def _is_failure_of_requests(exc: BaseException) -> bool:
    """Tell the same for the WebSocket API, whose link sees to its connection itself.

    A cut with twenty requests in flight is one event, and its remedy a new connection, which has a backoff of its own.
    """
    return _is_failure(exc) and not isinstance(exc, ConnectionLost)


@final
class RestWire:
    """HTTP: a request is one of many on connections that are made as they are needed, so it is always there."""

    name = "rest"

    def __init__(
        self,
        config: BinanceConfig,
        *,
        seal: Seal,
        clock: Clock,
        limiter: Limiter,
        observer: Observer,
        board: StatusBoard,
    ) -> None:
        self._seal = seal
        self._clock = clock
        self._limiter = limiter
        self._headers = rest_headers(config.time_unit)
        self.closed = False
        self.http: HttpClient | None = None
        """The client, while its service runs."""
        self.health: Health = Health(
            self.name, "rest", is_failure=_is_failure, tuning=config.tuning, observer=observer, board=board
        )

    def serves(self, operation: Operation[Any]) -> bool:
        """Tell whether the operation has a path."""
        return bool(operation.path)

    def is_there(self, operation: Operation[Any]) -> bool:
        """Tell whether it runs and its breaker lets the request pass."""
        return self.http is not None and (self.health.good or passes_always(operation))

    def cost(self, operation: Operation[Any], params: Mapping[str, Value]) -> Cost:
        """Return what a request takes of the limits; that of raw requests holds for REST alone."""
        return Cost(weight=operation.weight(params), raw=1, orders=operation.orders)

    async def wait_there(self) -> None:
        """Return at once."""

    async def send(
        self, operation: Operation[R], params: Mapping[str, Value], taken: Taken, passage: Passage | None = None
    ) -> R:
        """Sign, send and read; see ``Wire``."""
        stamp = await self._seal.stamp(operation, passage, self.name)
        request = self._seal.rest(operation, params, stamp)
        if passage is not None:
            passage.on_leaving()
        answer = await self._exchange(operation, request)
        self._limiter.on_usage(reply.usage_from_headers(answer.headers), taken)
        value: R = reply.read_rest(
            operation,
            params,
            answer.status,
            answer.headers,
            answer.body,
            server_ms=self._clock.server_ms(),
            now=trio.current_time(),
        )
        return value

    async def _exchange(self, operation: Operation[Any], request: RestRequest) -> HttpReply:
        headers = (*request.headers, *self._headers)
        try:
            if self.http is not None:
                return await self.http.request(request.method, request.target, body=request.body, headers=headers)
        except ConnectorClosed:
            pass  # the client was closed before the request left
        if self.closed:
            raise ConnectorClosed(f"{operation.name}: the connector is closed")
        raise ConnectError(f"{operation.name}: the REST service is being restarted; nothing was sent")


@final
class WsWire:
    """The WebSocket API: requests share one connection, which may be logged on, lost, or being replaced."""

    name = "ws_api"

    def __init__(
        self,
        config: BinanceConfig,
        ws_api: WsApi,
        logon: Logon,
        *,
        seal: Seal,
        clock: Clock,
        limiter: Limiter,
        observer: Observer,
        board: StatusBoard,
    ) -> None:
        self.ws_api = ws_api
        self._logon = logon
        self._seal = seal
        self._clock = clock
        self._limiter = limiter
        self._told_always = config.return_rate_limits
        self._told_at = float("-inf")
        self.health: Health = Health(
            self.name,
            "wsapi breaker",
            is_failure=_is_failure_of_requests,
            tuning=config.tuning,
            observer=observer,
            board=board,
        )

    def serves(self, operation: Operation[Any]) -> bool:
        """Tell whether the operation has a method."""
        return bool(operation.ws_method)

    def is_there(self, operation: Operation[Any]) -> bool:
        """Tell whether a connection stands, does not keep silent, and its breaker lets the request pass."""
        return self.ws_api.usable and (self.health.good or passes_always(operation))

    def cost(self, operation: Operation[Any], params: Mapping[str, Value]) -> Cost:
        """Return what a request takes of the limits."""
        return Cost(weight=operation.weight(params), raw=0, orders=operation.orders)

    async def wait_there(self) -> None:
        """Wait for a connection that is being made or replaced."""
        await self.ws_api.wait_line()

    async def send(
        self, operation: Operation[R], params: Mapping[str, Value], taken: Taken, passage: Passage | None = None
    ) -> R:
        """Sign, send and read; see ``Wire``."""
        line = await self.ws_api.wait_line()
        stamp = await self._seal.stamp(operation, passage, self.name)
        by_session = self._is_by_session(line, operation)
        values = self._seal.ws(self._asking(params), stamp, by_session=by_session)
        if passage is not None:
            passage.on_leaving()
        if operation.ws_method == session.LOGOUT.ws_method:
            self._logon.on_logout(line)  # what follows it on the line is no session's any more
        answer = await line.request(
            operation.ws_method or "", values, by_session=by_session, changes_state=operation.changes_state
        )
        self._note_usage(answer.rate_limits, taken)
        if operation.ws_method in _TELLS_THE_SESSION:
            self._logon.learn(line, answer)
        if answer.status == 200:
            value: R = reply.read_result(operation, params, answer.result, name=operation.ws_method)
            return value
        error = refusal(operation, answer.status, answer.error, self._clock.server_ms())
        raise _disowned(error) if by_session and line.logged_on_as is None else error

    def _is_by_session(self, line: Line, operation: Operation[Any]) -> bool:
        """Tell whether the connection stands for the key, so that a request needs no signature."""
        key = None if self._seal.signer is None else self._seal.signer.api_key
        known = key is not None and line.logged_on_as == key
        return known and operation.signed and operation.ws_method not in _ALWAYS_SIGNED

    def _asking(self, params: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return the parameters, with a wish to know the limits when those were not told for a while."""
        if self._told_always or trio.current_time() - self._told_at < AUDIT:
            return params
        return {**params, "returnRateLimits": True}

    def _note_usage(self, rate_limits: object, taken: Taken) -> None:
        usages = reply.usage_from_rate_limits(rate_limits)
        if usages:
            self._told_at = trio.current_time()
        self._limiter.on_usage(usages, taken)


def _disowned(error: ApiError) -> ApiError:
    """Return the refusal of an unsigned request whose session ended before its turn, by its right name."""
    if error.code != _MANDATORY_PARAMETER_MISSING or isinstance(error, AuthError):
        return error
    told = f"the session was logged off before this request: {error.message}"
    return AuthError(told, status=error.status, code=error.code, operation=error.operation)
