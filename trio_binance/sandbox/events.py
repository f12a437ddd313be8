"""Events: what the market tells the world and the owners of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs

if TYPE_CHECKING:
    from .accounts import Account

Json: TypeAlias = Any
"""What ``json.dumps`` takes: dicts, lists, text, integers, booleans and ``None``; amounts are text."""


@attrs.frozen
class StreamEvent:
    """The payload of a market stream; ``stream`` is its name, such as ``"btcusdt@trade"``."""

    stream: str
    data: Json


@attrs.frozen
class UserEvent:
    """The payload of a user data event of ``account``."""

    account: Account
    data: Json


@final
@attrs.define(eq=False)
class Outlet:
    """Where everything that happens goes out: which streams somebody hears, and what is waiting to be taken."""

    wanted: set[str] = attrs.field(factory=set)
    waiting: list[StreamEvent | UserEvent] = attrs.field(factory=list)

    def stream(self, name: str, data: Json) -> None:
        """Put out an event of a market stream."""
        self.waiting.append(StreamEvent(name, data))

    def user(self, event: UserEvent) -> None:
        """Put out an event of an account."""
        self.waiting.append(event)
