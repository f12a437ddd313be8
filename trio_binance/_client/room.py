"""The room: what all rooms of the facade share: arguments become parameters, are checked, and go on to the router."""

from __future__ import annotations

import datetime
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from trio_binance.errors import BinanceError, InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._services.router import Router

R = TypeVar("R")

Moment: TypeAlias = int | datetime.datetime
"""A moment, as the exchange writes it (milliseconds or microseconds since 1970 UTC), or as an aware datetime."""


class Room:
    """The base of every room."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def _ask(self, operation: Operation[R], **arguments: object) -> R:
        """Call an operation with a caller's arguments, by their own names; what is ``None`` is not sent."""
        return await self._call(operation, operation.write(**arguments))

    async def _call(self, operation: Operation[R], params: Mapping[str, Value]) -> R:
        """Call an operation; the one place where parameters are checked, before anything waits or is sent."""
        operation.check(params)
        with staking(operation):
            return await self._router.call(operation, params)


@contextmanager
def staking(operation: Operation[Any]) -> Iterator[None]:
    """Let an error of a request that changes something say so, for whom it leaves in doubt."""
    try:
        yield
    except BinanceError as exc:
        if operation.changes_state:
            exc.at_stake = f"request {operation.name}"
        raise


def give_one(**ids: object) -> None:
    """Refuse a call that names nothing by any of its ids; all given is the exchange's to judge.

    "looked up by orderId, then origClientOrderId must match, else the request is rejected"
    """
    if all(value is None for value in ids.values()):
        raise InvalidArgument(next(iter(ids)), None, f"give {' or '.join(ids)}")
