"""Deeds: what happens to all connections, to the exchange or to an account, at a moment or as a request comes in."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import attrs

from trio_binance.sandbox.network import DialFault, Direction
from trio_binance.sandbox.pipe import Link

House: TypeAlias = Literal["stream", "ws_api"]

_FOREVER = 365 * 86400.0


# ------------------------------------------------------------------------------------------------- the line


@attrs.frozen
class DialTrouble:
    """Every dial fails in this way for some seconds."""

    fault: DialFault
    seconds: float


@attrs.frozen
class Reset:
    """Every connection is reset."""


@attrs.frozen
class BlackHole:
    """Nothing passes on the connections of this moment; ``in`` and ``out`` as the client sees them."""

    direction: Direction = "both"
    seconds: float = _FOREVER


@attrs.frozen
class Slow:
    """The connections of this moment, and those made meanwhile, behave like ``link`` for some seconds."""

    link: Link
    seconds: float = _FOREVER


@attrs.frozen
class SendRaw:
    """These bytes go out on every WebSocket, frames or not."""

    data: bytes


@attrs.frozen
class LoseEvents:
    """Every n-th event that the market streams of this moment have to tell is lost, for some seconds."""

    every: int
    seconds: float = _FOREVER


@attrs.frozen
class ServerShutdown:
    """Every WebSocket is told ``serverShutdown`` and closed ``lead`` seconds later.

    web-socket-streams.md, changelog of 2026-06-09: there is no fixed lead time.
    """

    lead: float = 10.0


@attrs.frozen
class CloseSockets:
    """Every WebSocket, or those of one house, is closed with this code; ``None`` sends a close frame without one."""

    code: int | None = 1001
    reason: str = ""
    kind: House | None = None


@attrs.frozen
class CutSockets:
    """Every WebSocket, or those of one house, ends without a close frame."""

    kind: House | None = None


# --------------------------------------------------------------------------------------------- the exchange


@attrs.frozen
class EndUserStreams:
    """Every subscription to an account's events ends and is told ``eventStreamTerminated``."""


@attrs.frozen
class RevokeKeys:
    """No key may be used for some seconds: a session that was logged on is revoked by its next request."""

    seconds: float = _FOREVER


@attrs.frozen
class ReplicaLag:
    """Queries are so many seconds behind the matching engine, for some seconds (REST, Data sources)."""

    lag: float
    seconds: float = _FOREVER


@attrs.frozen
class JumpClock:
    """The exchange's clock jumps forward: what was signed before is older than it was."""

    by: float
    """Seconds."""


@attrs.frozen
class UseUpOrders:
    """The accounts' unfilled orders of this window are used up: the next order is refused with 429, -1015."""


@attrs.frozen
class UseUpWeight:
    """Every address has used the weight of this minute: the next request is refused with 429, -1003."""

    address: str = "127.0.0.1"


# ----------------------------------------------------------------------------------------------- the market


@attrs.frozen
class SetStatus:
    """A symbol is in another status for some seconds: HALT, BREAK, CANCEL_ONLY, or one that nobody knows."""

    symbol: str
    status: str = "HALT"
    seconds: float = _FOREVER


@attrs.frozen
class ChangeFilters:
    """Price and quantity steps of a symbol are others for some seconds; ``None`` leaves one as it is."""

    symbol: str
    tick: Decimal | None = None
    step: Decimal | None = None
    seconds: float = _FOREVER


@attrs.frozen
class FillOrders:
    """Every customer's resting order on a symbol is filled, and all that stands before it."""

    symbol: str


@attrs.frozen
class ExpireOrders:
    """Every customer's open order on a symbol is ended by the exchange itself (EXCHANGE_CANCELED)."""

    symbol: str


@attrs.frozen
class CancelOrders:
    """Every customer's open order on a symbol is cancelled by another program with the same key."""

    symbol: str


@attrs.frozen
class DrainBook:
    """Whatever is offered on a symbol by the house is gone, until its makers quote again."""

    symbol: str


@attrs.frozen
class ForeignOrder:
    """Another program places an order with each key: a limit order at ``price``, or at the market without one."""

    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal | None = None


@attrs.frozen
class TakeFunds:
    """What every account has free of an asset is locked elsewhere for some seconds."""

    asset: str
    seconds: float = _FOREVER


LineDeed: TypeAlias = (
    DialTrouble | Reset | BlackHole | Slow | SendRaw | LoseEvents | ServerShutdown | CloseSockets | CutSockets
)
FloorDeed: TypeAlias = (
    EndUserStreams
    | RevokeKeys
    | ReplicaLag
    | JumpClock
    | UseUpOrders
    | UseUpWeight
    | SetStatus
    | ChangeFilters
    | FillOrders
    | ExpireOrders
    | CancelOrders
    | DrainBook
    | ForeignOrder
    | TakeFunds
)
Deed: TypeAlias = LineDeed | FloorDeed
