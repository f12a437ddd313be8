"""Session faults: what can become of a connection to the WebSocket API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trio_binance.sandbox.faults.bends import Answer, Bend, Edit, Ending
from trio_binance.sandbox.faults.deeds import CutSockets, RevokeKeys
from trio_binance.sandbox.faults.triggers import ALL, Faults, OnRequest, Timed

from .entries import Elsewhere, Entry, Scripted, bent, brought

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUBSCRIBE = ("userDataStream.subscribe", "userDataStream.subscribe.signature")


def _lost_with_pending(
    nth: int, on: str = ALL, pending: int = 3, after: float = 1.0, hold: float = 2.0, executed: bool = True
) -> Faults:
    cut = (Timed(after, CutSockets("ws_api")),)
    return tuple(
        OnRequest(nth + step, Bend(executed, hold=hold), on, "ws_api", () if step else cut) for step in range(pending)
    )


def _logon_refused(
    status: int = 401, code: int = -2015, msg: str = "Invalid API-key, IP, or permissions for action."
) -> Bend:
    return Bend.say(Answer.error(status, code, msg))


def _banned(retry_after: str | None = "120") -> Bend:
    return Bend.say(Answer.limited(retry_after, banned=True), Ending.BAN)


def _subscribing(nth: int, on: str | None, bend: Bend) -> Faults:
    return tuple(OnRequest(nth, bend, name, "ws_api") for name in ((on,) if on else _SUBSCRIBE))


def _worn_out(nth: int, on: str | None = None, code: int = -2042) -> Faults:
    msg = "Maximum subscription ID reached for this connection."
    return _subscribing(nth, on, Bend.say(Answer.error(400, code, msg)))


def _already(nth: int, on: str | None = None) -> Faults:
    return _subscribing(nth, on, Bend(executions=2))


SESSIONS: Final[Mapping[str, Entry]] = {
    "A01": Scripted("the connection is lost with requests pending, which are executed or not", _lost_with_pending),
    "A02": bent("the logon is refused", "session.logon", _logon_refused, "ws_api"),
    "A03": brought(
        "the session is revoked: id null, 401, -2015",
        ALL,
        lambda seconds=5.0: (RevokeKeys(seconds),),
        wire="ws_api",
    ),
    "A04": Elsewhere(
        "session.logon with a key that is not Ed25519",
        "the connector's own refusal; the exchange answers whoever tries with 401, -2015, by its rules",
    ),
    "A05": bent("418, and the connection is closed", ALL, _banned, "ws_api"),
    "A06": bent("answers without rateLimits", ALL, lambda: Bend.edited(Edit("rateLimits", frame=True)), "ws_api"),
    "A07": Scripted("no more subscriptions on this connection; Rules has its caps", _worn_out),
    "A08": Scripted("arrives twice: -2035 already active; -2036 not active where it unsubscribes", _already),
    "A09": Elsewhere(
        "one request id in flight twice",
        "the connector counts its requests; Bend.twice() and Bend.misaddressed() are what an exchange can do to ids",
    ),
}
