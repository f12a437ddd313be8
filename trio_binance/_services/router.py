"""The router: one call from its parameters to its value: limits, breaker, stamp, wire, verdict.

Order matters: wait for the limits first, ask the breaker, sign last, then send; whatever comes back corrects the
limits, feeds the breaker and becomes a value or a typed error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, final

import trio

from trio_binance._protocol import reply
from trio_binance._protocol.call import Stamp, rest_request, ws_params
from trio_binance._protocol.catalogue import general
from trio_binance._pure.breaker import Breaker, BreakerState
from trio_binance._pure.limits import Cost
from trio_binance.errors import (
    ApiError,
    AuthError,
    BinanceError,
    BreakerOpen,
    ConnectError,
    ConnectorClosed,
    CredentialsRequired,
    NetworkError,
    Outcome,
    PartialFailure,
    ProtocolError,
    RateLimited,
    ServerError,
    TimestampError,
    TooManyOrders,
)
from trio_binance.models import ExchangeInfo

from .conditions import Degraded, Ready
from .events import BreakerChanged, KeyRefused
from .http import open_http
from .limiter import Taken
from .wsapi import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance._protocol.call import RestRequest
    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.breaker import BreakerStatistics, Permit, Transition
    from trio_binance._pure.signing import Signer
    from trio_binance.config import BinanceConfig

    from .clock import Clock
    from .dialer import Dialer
    from .http import HttpClient, HttpReply
    from .limiter import Limiter
    from .observe import Observer
    from .status import StatusBoard
    from .wsapi import WsApi

R = TypeVar("R")

RETRIES = 1
"""How often a *read* that failed on the line is asked again; whatever changes state is never sent twice."""


@final
class Router:
    """The handle every facade method calls; it survives the incarnations of ``RestService``."""

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
        tuning = config.tuning
        self._config = config
        self._clock = clock
        self._limiter = limiter
        self._signer = signer
        self._observer = observer
        self._board = board
        self._breaker = Breaker(
            failures=tuning.breaker_failures, probes=tuning.breaker_probes, open_for=tuning.breaker_open
        )
        self._sent_away = False
        self._tripped = trio.Event()
        self._closed = False
        self.http: HttpClient | None = None
        self.ws_api: WsApi | None = None

    def close(self) -> None:
        """Refuse every call from now on, and those that wait in the limits' line: the connector is closed."""
        self._closed = True
        self._limiter.close()

    # ------------------------------------------------------------------------------------------- the call

    async def call(self, operation: Operation[R], params: Mapping[str, Value]) -> R:
        """Ask the exchange and return the decoded answer.

        Cancelled before the request left: nothing happened. Cancelled later: a request that changes state may have
        been executed; query before repeating it.

        Raises:
            BinanceError: see ``trio_binance.errors``; ``.outcome`` tells what became of the request.
        """
        if self._closed:
            raise ConnectorClosed(f"{operation.name}: the connector is closed")
        for attempt in range(RETRIES + 2):
            signed_at = trio.current_time()
            try:
                return await self._attempt(operation, params)
            except TimestampError:
                # "-1021 ... not executed": it never reached the matching engine, so one more try with a fresh
                # stamp cannot double anything.
                if attempt > 0:
                    raise
                await self._clock.resync(signed_at, self._config.tuning.request_timeout)
            except (NetworkError, ServerError):
                if operation.changes_state or attempt >= RETRIES:
                    raise
        raise AssertionError("unreachable")

    async def _attempt(self, operation: Operation[R], params: Mapping[str, Value]) -> R:
        if operation.signed:
            self._require_key(operation)
            await self._wait_clock()
        cost = Cost(weight=operation.weight(params), raw=1, orders=operation.orders)
        # An order that comes after a ban of an hour is not the order that was meant; a question or a cancel still is.
        stale = operation.changes_state and not operation.cancels
        patience = self._config.tuning.request_timeout if stale else float("inf")
        taken = await self._limiter.acquire(cost, operation.lane, patience=patience)
        try:
            permit = self._pass_breaker(operation)
        except BreakerOpen:
            self._limiter.refund(taken)
            raise
        try:
            result = await self._send(operation, params, taken)
        except BaseException as exc:
            self._on_error(exc, taken, permit)
            raise
        self._on_success(operation, result, taken, permit)
        self._adopt_limits(result)
        return result

    def _adopt_limits(self, result: object) -> None:
        """Take the limits from ``exchangeInfo`` whenever it is read: they may change any day."""
        if isinstance(result, ExchangeInfo):
            self._limiter.on_rules(reply.rules_from(result.rate_limits))

    def _require_key(self, operation: Operation[Any]) -> None:
        if self._signer is None:
            raise CredentialsRequired(f"{operation.name} needs credentials; the configuration has none")

    async def _wait_clock(self) -> None:
        if not self._clock.synced:
            with trio.move_on_after(self._config.tuning.request_timeout):
                await self._clock.wait_synced()
        # Still unsynced, the machine's own clock stands in; the exchange judges it.

    async def _send(self, operation: Operation[R], params: Mapping[str, Value], taken: Taken) -> R:
        if self.ws_api is not None and operation.ws_method and self._config.prefer == "ws_api" and self.ws_api.usable:
            return await self._send_ws(self.ws_api, operation, params, taken)
        return await self._send_rest(operation, params, taken)

    async def _send_rest(self, operation: Operation[R], params: Mapping[str, Value], taken: Taken) -> R:
        signer, stamp = self._signature(operation)
        request = rest_request(operation, params, signer, stamp)
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
        try:
            if self.http is not None:
                return await self.http.request(
                    request.method, request.target, body=request.body, headers=request.headers
                )
        except ConnectorClosed:
            pass  # the client was closed before the request left
        if self._closed:
            raise ConnectorClosed(f"{operation.name}: the connector is closed")
        raise ConnectError(f"{operation.name}: the REST service is being restarted; nothing was sent")

    async def _send_ws(self, ws_api: WsApi, operation: Operation[R], params: Mapping[str, Value], taken: Taken) -> R:
        signer, stamp = self._signature(operation)
        answer = await ws_api.request(operation.ws_method or "", ws_params(params, signer, stamp))
        self._limiter.on_usage(reply.usage_from_rate_limits(answer.rate_limits), taken)
        if answer.status == 200:
            value: R = reply.read_result(operation, params, answer.result)
            return value
        raise refusal(operation, answer.status, answer.error, self._clock.server_ms())

    def _signature(self, operation: Operation[Any]) -> tuple[Signer | None, Stamp | None]:
        if not operation.signed:
            return None, None
        return self._signer, Stamp(self._clock.signing_ms(), self._config.tuning.recv_window_ms)

    def signature(self) -> tuple[Signer | None, Stamp]:
        """Return what signs a request of the WebSocket API right now."""
        return self._signer, Stamp(self._clock.signing_ms(), self._config.tuning.recv_window_ms)

    # ----------------------------------------------------------------------------------- what came of it

    def _pass_breaker(self, operation: Operation[Any]) -> Permit | None:
        """Ask the breaker; what cancels an order or asks for one passes always, and counts for nothing."""
        if operation.cancels or operation.asks_for_orders:
            return None
        now = trio.current_time()
        if self._breaker.state is not BreakerState.CLOSED:
            # Probes are pings of our own, never an order: see RestService.
            retry_at = self._breaker.statistics().retry_at or now + self._config.tuning.breaker_open
            raise BreakerOpen(f"{operation.name}: the exchange failed several times in a row", retry_at=retry_at)
        return self._breaker.admit(now)

    def _on_success(self, operation: Operation[R], result: R, taken: Taken, permit: Permit | None) -> None:
        if operation.is_free(result):
            # Successful trading requests cost no weight since 2026-04-02 (CHANGELOG 2026-03-27).
            self._limiter.refund(taken.weight_only)
        self._on_welcome()
        if permit is not None:
            self._note(self._breaker.on_success(permit, trio.current_time()))

    def _on_welcome(self) -> None:
        """Note that the exchange answers normally: whatever it had sent us away for is over."""
        self._limiter.on_answer()
        if self._sent_away:
            self._sent_away = False
            self._board.set("limits", Ready())

    def _on_error(self, exc: BaseException, taken: Taken, permit: Permit | None) -> None:
        if isinstance(exc, BinanceError) and exc.outcome is Outcome.NOT_SENT:
            self._limiter.refund(taken)
        if permit is not None:
            settle = self._breaker.on_failure if _is_failure(exc) else self._breaker.on_neutral
            self._note(settle(permit, trio.current_time()))
        self._heed(exc)

    def _heed(self, exc: BaseException) -> None:
        """Do what an error of the exchange asks of the whole connector."""
        if not isinstance(exc, ApiError):
            return
        wait = None if exc.retry_at is None else exc.retry_at - trio.current_time()
        if isinstance(exc, TooManyOrders):
            self._limiter.stop_orders(wait if wait is not None else 10.0)
        elif isinstance(exc, PartialFailure):
            if wait is not None:
                # 429 for a cancel-replace whose new order was one too many: the account's orders, not the address.
                self._limiter.stop_orders(wait)
        elif wait is not None:
            self._limiter.stop_the_world(wait, exc.status)
            self._board.set("limits", Degraded(f"sent away by the exchange for {wait:.0f} s (HTTP {exc.status})"))
            self._sent_away = True
        elif isinstance(exc, AuthError):
            self._observer.emit(KeyRefused(self._observer.now(), code=exc.code, message=exc.message))

    def _note(self, transition: Transition | None) -> None:
        if transition is None:
            return
        self._observer.emit(BreakerChanged(self._observer.now(), old=transition.old.value, new=transition.new.value))
        if transition.new is BreakerState.OPEN:
            self._board.set("rest", Degraded("circuit breaker open"))
            self._tripped.set()
        elif transition.new is BreakerState.CLOSED:
            self._board.set("rest", Ready())

    # ---------------------------------------------------------------------------------------- the probes

    async def wait_tripped(self) -> None:
        """Wait until the breaker opens."""
        await self._tripped.wait()
        self._tripped = trio.Event()

    async def probe(self) -> None:
        """Ping until the breaker is closed again: three answers in a row, ten seconds apart from the last failure."""
        while self._breaker.state is not BreakerState.CLOSED:
            try:
                permit = self._breaker.admit(trio.current_time())
            except BreakerOpen as exc:
                await trio.sleep_until(exc.retry_at or trio.current_time() + 1)
                continue
            await self._probe_once(permit)

    async def _probe_once(self, permit: Permit) -> None:
        self._note(permit.transition)
        try:
            taken = await self._limiter.acquire(Cost(weight=general.PING.weight({}), raw=1), general.PING.lane)
            await self._send_rest(general.PING, {}, taken)
        except BinanceError as exc:
            self._on_error(exc, Taken(), permit)
            # A refusal (a 404, say) keeps the breaker half open: the next ping must not follow at once for ever.
            await trio.sleep(self._config.tuning.breaker_open)
        except BaseException as exc:
            self._on_error(exc, Taken(), permit)
            raise
        else:
            self._on_welcome()
            self._note(self._breaker.on_success(permit, trio.current_time()))

    async def sample_time(self) -> tuple[float, float, int]:
        """Ask for the server's time past the breaker, as a probe may; see ``clock.TimeSource``."""
        cost = Cost(weight=general.TIME.weight({}), raw=1)
        taken = await self._limiter.acquire(cost, general.TIME.lane)
        sent_at = trio.current_time()
        try:
            answer = await self._send_rest(general.TIME, {}, taken)
        except BinanceError as exc:
            self._heed(exc)
            raise
        self._on_welcome()
        return sent_at, trio.current_time(), answer.server_time * 1000

    async def ping_exchange(self) -> bool:
        """Ask whether the exchange answers at all, within the ping's own deadline."""
        try:
            with trio.fail_after(self._config.tuning.ping_timeout):
                await self.sample_time()
        except (BinanceError, trio.TooSlowError):
            return False
        return True

    def statistics(self) -> BreakerStatistics:
        """Return the breaker's state and counts."""
        return self._breaker.statistics()


def _is_failure(exc: BaseException) -> bool:
    """Tell whether the exchange's health is in doubt: the line or a 5xx, never a refusal, a limit or a cancellation."""
    if isinstance(exc, RateLimited):
        return False
    return isinstance(exc, NetworkError | ServerError | ProtocolError)


@final
class RestService:
    """Holds the HTTP client while it lives, and probes while the breaker is open."""

    name = "rest"

    def __init__(self, router: Router, config: BinanceConfig, dialer: Dialer, board: StatusBoard) -> None:
        self._router = router
        self._config = config
        self._dialer = dialer
        self._board = board

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then close every idle connection."""
        async with open_http(self._config.environment.rest_url, self._dialer, self._config.tuning) as http:
            self._router.http = http
            self._board.set(self.name, Ready())
            task_status.started()
            try:
                while True:
                    await self._router.wait_tripped()
                    await self._router.probe()
            finally:
                self._router.http = None
