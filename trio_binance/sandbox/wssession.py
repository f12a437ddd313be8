"""A connection to the WebSocket API: its options, the key it logged on with, its user data subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, final
from urllib.parse import parse_qsl

import attrs

from .frames import dump
from .refusals import Refusal, bad
from .timeunits import event_in_us, wants_microseconds

if TYPE_CHECKING:
    from .accounts import Account
    from .events import Json
    from .keys import Key
    from .lifeline import Lifeline
    from .rules import Rules

PATH = "/ws-api/v3"


@attrs.frozen
class WsTarget:
    """What the URL of a connection to the WebSocket API asks for."""

    microseconds: bool
    shows_limits: bool


def read_target(target: str) -> WsTarget:
    """Return the options in a URL: ``timeUnit`` and ``returnRateLimits``.

    Raises:
        Refusal: another path (404), or an option's value is unknown.
    """
    path, _, query = target.partition("?")
    if path.rstrip("/") != PATH:
        raise Refusal(404, 0, "Not Found")
    options = dict(parse_qsl(query))
    if options.get("responseFormat", "json") != "json":
        raise bad(-1155, "SBE is not enabled.")
    return WsTarget(wants_microseconds(options.get("timeUnit")), read_flag(options.get("returnRateLimits", "true")))


def read_flag(text: str) -> bool:
    """Return the value of ``returnRateLimits``, or raise -1130."""
    if text not in ("true", "false"):
        raise bad(-1130, "Data sent for parameter 'returnRateLimits' is not valid.")
    return text == "true"


@attrs.frozen
class Subscription:
    """A subscription to the events of an account; ``by_logon`` ones end with the session's logon."""

    account: Account
    by_logon: bool


@final
class WsSession:
    """One connection to the WebSocket API: state only, no decisions about requests."""

    def __init__(
        self, connection: int, target: WsTarget, address: str, lifeline: Lifeline, rules: Rules, now_us: int
    ) -> None:
        self.connection = connection
        self.address = address
        self.lifeline = lifeline
        self.microseconds: bool = target.microseconds
        self.shows_limits: bool = target.shows_limits
        self.key: Key | None = None
        self.subscriptions: dict[int, Subscription] = {}
        self._since_us: int | None = None
        self._connected_us = now_us
        self._rules = rules
        self._next_id = 0

    def log_on(self, key: Key, now_us: int) -> None:
        """Let later requests leave out key and signature; a second logon replaces the key."""
        self.key = key
        self._since_us = now_us

    def log_out(self, now_us: int) -> list[str]:
        """Forget the key and return the last events of the subscriptions that depended on it."""
        self.key = self._since_us = None
        depending = [number for number, kept in self.subscriptions.items() if kept.by_logon]
        return self.end(depending, now_us)

    def subscribe(self, account: Account, *, by_logon: bool) -> int:
        """Return the id of a new subscription; ids are counted up and never used again.

        Raises:
            Refusal: there is one to this account (-2035), or there are too many.
        """
        if any(kept.account is account for kept in self.subscriptions.values()):
            raise bad(-2035, "User Data Stream subscription already active.")
        most = self._rules.active_subscriptions
        if len(self.subscriptions) >= most:
            text = f"Connection may create up to '{most}' subscriptions at a time."
            raise bad(-1191, f"Too many subscriptions. {text}")
        if self._next_id >= self._rules.total_subscriptions:
            raise bad(-2042, "Maximum subscription ID reached for this connection.")
        number, self._next_id = self._next_id, self._next_id + 1
        self.subscriptions[number] = Subscription(account, by_logon)
        return number

    def unsubscribe(self, number: int | None, now_us: int) -> list[str]:
        """End a subscription, or all of them for ``None``, and return their last events.

        Raises:
            Refusal: there is none of this id (-2036).
        """
        if number is not None and number not in self.subscriptions:
            raise bad(-2036, "User Data Stream subscription not active.")
        return self.end(list(self.subscriptions) if number is None else [number], now_us)

    def end(self, numbers: list[int], now_us: int) -> list[str]:
        """End subscriptions and return the ``eventStreamTerminated`` of each."""
        for number in numbers:
            del self.subscriptions[number]
        data = {"e": "eventStreamTerminated", "E": now_us // 1000}
        return [self.envelope(data, number) for number in numbers]

    def events(self, account: Account, data: Json) -> list[str]:
        """Return the frames that tell this connection of an event of ``account``."""
        return [self.envelope(data, number) for number, kept in self.subscriptions.items() if kept.account is account]

    def envelope(self, data: Json, number: int | None = None) -> str:
        """Return an event as it is sent; one that belongs to no account has no ``subscriptionId``."""
        event = event_in_us(data) if self.microseconds else data
        return dump({"event": event} if number is None else {"subscriptionId": number, "event": event})

    def status(self, now_us: int) -> dict[str, Json]:
        """Return the answer of ``session.status``, times in milliseconds."""
        return {
            "apiKey": None if self.key is None else self.key.api_key,
            "authorizedSince": None if self._since_us is None else self._since_us // 1000,
            "connectedSince": self._connected_us // 1000,
            "returnRateLimits": self.shows_limits,
            "serverTime": now_us // 1000,
            "userDataStream": bool(self.subscriptions),
        }
