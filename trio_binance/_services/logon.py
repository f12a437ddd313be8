"""The logon: a connection of the WebSocket API that knows whose it is, so that its requests need no signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import msgspec
import trio

from trio_binance._protocol.catalogue.session import LOGON
from trio_binance._protocol.reply import usage_from_rate_limits
from trio_binance._pure.limits import Cost
from trio_binance.config import KeyType
from trio_binance.errors import AuthError, BinanceError, ConnectionLost, Outcome, TimestampError

from .events import KeyRefused, LoggedOff, LoggedOn
from .wsline import refusal

if TYPE_CHECKING:
    from trio_binance._protocol.wsapi import Answer
    from trio_binance.config import BinanceConfig

    from .clock import Clock
    from .limiter import Limiter
    from .observe import Observer
    from .seal import Seal
    from .wsline import Line


def wants_logon(config: BinanceConfig) -> bool:
    """Tell whether connections are logged on: calls prefer them, and "only Ed25519 keys are supported"."""
    ed25519 = config.credentials is not None and config.credentials.key_type is KeyType.ED25519
    return config.session_logon and config.prefer == "ws_api" and ed25519


@final
class Logon:
    """Logs connections on. Whatever comes in between, requests can be signed one by one instead."""

    def __init__(
        self, seal: Seal, *, wanted: bool, clock: Clock, limiter: Limiter, observer: Observer, timeout: float
    ) -> None:
        self._seal = seal
        self._wanted = wanted
        self._clock = clock
        self._limiter = limiter
        self._observer = observer
        self._timeout = timeout

    async def log_on(self, line: Line) -> None:
        """Log a connection on if that is wanted; return when it is, or when it will not be.

        A refusal is told and changes nothing else: the next connection tries again. Cancelled: the exchange may have
        logged it on; signed requests are taken all the same.

        Raises:
            ConnectionLost: the connection is gone.
        """
        if not self._wanted:
            return
        await self._seal.wait_ready()
        try:
            await self._log_on_freshly(line)
        except ConnectionLost:
            raise
        except AuthError as exc:
            self._observer.emit(KeyRefused(self._observer.now(), code=exc.code, message=exc.message))
        except BinanceError:
            pass  # limits, a ban, an answer that did not come: whoever asks next learns of it by a signed request

    async def _log_on_freshly(self, line: Line) -> None:
        signed_at = trio.current_time()
        try:
            await self._ask(line)
        except TimestampError:
            await self._clock.resync(signed_at, self._timeout)
            await self._ask(line)

    async def _ask(self, line: Line) -> None:
        taken = await self._limiter.acquire(Cost(weight=LOGON.weight({}), raw=0), LOGON.lane)
        try:
            answer = await line.request(LOGON.ws_method or "", self._seal.ws_now(LOGON, {}))
        except BinanceError as exc:
            if exc.outcome is Outcome.NOT_SENT:
                self._limiter.refund(taken)
            raise
        self._limiter.on_usage(usage_from_rate_limits(answer.rate_limits), taken)
        self.learn(line, answer)
        if answer.status != 200:
            raise refusal(LOGON, answer.status, answer.error)

    def learn(self, line: Line, answer: Answer) -> None:
        """Learn from an answer of ``session.logon``, ``status`` or ``logout``, whoever asked, who is logged on.

        Answers may come in any order: the one counts whose question was asked last.
        """
        if answer.status != 200 or answer.id <= line.session_as_of:
            return
        try:
            status = msgspec.json.decode(answer.result, type=_Status)
        except (ValueError, RecursionError):
            return  # whoever asked for it is told
        line.session_as_of = answer.id
        before, line.logged_on_as = line.logged_on_as, status.apiKey
        if status.apiKey is not None and before is None:
            line.on_logged_on()
            self._observer.emit(LoggedOn(self._observer.now(), epoch=line.epoch))
        if status.apiKey is None and before is not None:
            self._tell_off(line, "nobody is logged on, says its status")

    def on_logout(self, line: Line) -> None:
        """Note that a logout is on its way: what follows it has to be signed, and what went before it is outdated."""
        line.session_as_of = line.latest
        if line.logged_on_as is not None:
            line.logged_on_as = None
            self._tell_off(line, "logged out")

    def on_disowned(self, line: Line, error: AuthError) -> None:
        """Note that the exchange no longer takes the key of a connection's session, whatever was asked before."""
        line.session_as_of = line.latest
        was_on = line.logged_on_as is not None
        line.on_disowned(error)
        if was_on:
            self._tell_off(line, error.message)

    def _tell_off(self, line: Line, reason: str) -> None:
        self._observer.emit(LoggedOff(self._observer.now(), epoch=line.epoch, reason=reason))


class _Status(msgspec.Struct):
    apiKey: str | None
