"""The race: several functions at once, until the first of them ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_binance._util import raise_saving_context
from trio_binance.errors import BinanceError

from .service import exit_request, leaves

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def first_of(*functions: Callable[[], Awaitable[None]]) -> None:
    """Run them together; when the first ends or fails, cancel the others and end as it did.

    An error of more than one leaves as the first one. A crash, or a request to end the program, leaves as itself and
    not in a group. Cancelled: all are cancelled.
    """
    ended: list[BinanceError | None] = []

    async def run_one(function: Callable[[], Awaitable[None]]) -> None:
        try:
            await function()
        except BinanceError as exc:
            ended.append(exc)
        else:
            ended.append(None)
        nursery.cancel_scope.cancel(reason="another task of this connection has ended")

    try:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            for function in functions:
                nursery.start_soon(run_one, function)
    except BaseExceptionGroup as group:
        raise_saving_context(leading(group))
    if ended[0] is not None:
        raise_saving_context(ended[0])


def leading(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one exception of a group to leave with; the group itself if it is but a cancellation on its way."""
    request = exit_request(group)
    if request is not None:
        return request
    crashes = [leaf for leaf in leaves(group) if not isinstance(leaf, trio.Cancelled)]
    for other in crashes[1:]:
        crashes[0].add_note(f"meanwhile {other!r}")
    return crashes[0] if crashes else group
