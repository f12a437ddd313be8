"""The notices: events of the connector that a person at the command line wants to hear of, in words."""

from __future__ import annotations

from functools import singledispatch

import trio

from trio_binance._services.events import (
    BanEnded,
    BanStarted,
    ClockStepped,
    ConnectFailed,
    ConnectionLost,
    Dropped,
    Event,
    GapSeen,
    JournalLost,
    KeyRefused,
    OrderLeftOpen,
    OutcomeInDoubt,
    OutcomeRevised,
    OutcomeUnresolved,
    RateLimitHit,
    Reconnected,
    ServiceCrashed,
    Undecodable,
    UserDataGap,
)


@singledispatch
def notice(event: Event) -> str | None:
    """Return what happened and what follows from it, or ``None`` where nobody needs to know."""
    del event
    return None


@notice.register
def _(event: ConnectFailed) -> str:
    return f"not connected: {event.reason}; next attempt in {event.retry_in:.1f} s"


@notice.register
def _(event: ConnectionLost) -> str:
    return f"connection lost: {event.reason}; reconnecting"


@notice.register
def _(event: Reconnected) -> str:
    return f"connected again after {event.after:.1f} s"


@notice.register
def _(event: GapSeen) -> str:
    return f"{event.stream}: missed {event.first} to {event.last}"


@notice.register
def _(event: Dropped) -> str:
    return f"{event.stream}: the output is slower than the stream, {event.count} events dropped"


@notice.register
def _(event: Undecodable) -> str:
    return f"{event.source}: a message was skipped: {event.reason}"


@notice.register
def _(event: RateLimitHit) -> str:
    return f"{event.kind} is used up; waiting {_left(event.until):.0f} s"


@notice.register
def _(event: BanStarted) -> str:
    return f"sent away by the exchange (status {event.status}) for {_left(event.until):.0f} s"


@notice.register
def _(event: BanEnded) -> str:
    del event
    return "the exchange serves us again"


@notice.register
def _(event: ClockStepped) -> str:
    return f"this machine's clock stepped: the server is {event.new / 1000:+.1f} ms from here"


@notice.register
def _(event: KeyRefused) -> str:
    return f"the key was refused: {event.message}"


@notice.register
def _(event: UserDataGap) -> str:
    return f"events of the account may have been missed for {event.until - event.since:.1f} s"


@notice.register
def _(event: OutcomeInDoubt) -> str:
    return f"{event.symbol} {event.client_order_id}: it is being found out what became of it: {event.reason}"


@notice.register
def _(event: OutcomeUnresolved) -> str:
    return f"{event.symbol} {event.client_order_id}: nobody knows what became of it: {event.reason}"


@notice.register
def _(event: OutcomeRevised) -> str:
    return f"{event.symbol} {event.client_order_id}: taken for {event.was}, but it took effect: look at the account"


@notice.register
def _(event: OrderLeftOpen) -> str:
    return f"{event.symbol} {event.client_order_id}: may still be open: {event.reason}"


@notice.register
def _(event: JournalLost) -> str:
    return f"nothing more is placed: {event.reason}"


@notice.register
def _(event: ServiceCrashed) -> str:
    return f"{event.service} crashed, please report it: {event.error}"


def _left(until: float) -> float:
    return max(until - trio.current_time(), 0.0)
