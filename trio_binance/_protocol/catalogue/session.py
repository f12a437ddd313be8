"""Operations of the WebSocket API's own: they have no counterpart on REST."""

from __future__ import annotations

from typing import Any

from trio_binance._protocol.operation import Operation, Security
from trio_binance._protocol.parameter import Kind, Param
from trio_binance._protocol.weights import fixed
from trio_binance.models import SessionStatus, Subscription

_NONE = Security.NONE

LOGON: Operation[SessionStatus] = Operation(
    # The heading says SIGNED and no permission is named: any key may log on that can sign by Ed25519.
    "GET",
    "",
    "session.logon",
    _NONE,
    fixed(2),
    SessionStatus,
    signed=True,
)
"""Log the connection on: later requests on it need no key and no signature. Ed25519 keys only."""
STATUS: Operation[SessionStatus] = Operation("GET", "", "session.status", _NONE, fixed(2), SessionStatus)
LOGOUT: Operation[SessionStatus] = Operation("GET", "", "session.logout", _NONE, fixed(2), SessionStatus)
SUBSCRIPTIONS: Operation[list[Subscription]] = Operation(
    "GET", "", "session.subscriptions", _NONE, fixed(2), list[Subscription]
)
SUBSCRIBE: Operation[Subscription] = Operation(
    "GET", "", "userDataStream.subscribe", Security.USER_STREAM, fixed(2), Subscription, signed=False
)
"""Subscribe to the events of the account that is logged on; neither key nor signature is sent."""
SUBSCRIBE_SIGNATURE: Operation[Subscription] = Operation(
    "GET", "", "userDataStream.subscribe.signature", Security.USER_STREAM, fixed(2), Subscription
)
"""Subscribe to the account's events with a signature: "no session logon needed", any kind of key."""
UNSUBSCRIBE: Operation[Any] = Operation(
    "GET",
    "",
    "userDataStream.unsubscribe",
    _NONE,
    fixed(2),
    Any,
    # "omitted: all subscriptions of the connection"
    (Param("subscriptionId", Kind.WHOLE),),
)
