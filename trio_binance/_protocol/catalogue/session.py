"""Operations of the WebSocket API's own: they have no counterpart on REST."""

from __future__ import annotations

from typing import Any

from trio_binance._protocol.operation import Operation, Security, fixed

SUBSCRIBE_SIGNATURE: Operation[Any] = Operation(
    "GET", "", "userDataStream.subscribe.signature", Security.USER_STREAM, fixed(2), Any
)
"""Subscribe to the account's events with a signature: "no session logon needed", any kind of key."""
