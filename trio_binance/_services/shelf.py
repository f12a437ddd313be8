"""The shelf: answers that are kept for a while, and asked for once however many want one at the same time."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Generic, TypeVar, final

import attrs
import trio

from trio_binance.errors import BinanceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

V = TypeVar("V")


@attrs.define(eq=False)
class _Call(Generic[V]):
    """A call under way, and what came of it: nothing when the one who made it was cancelled."""

    done: trio.Event = attrs.field(factory=trio.Event)
    value: tuple[V] | None = None
    error: BinanceError | None = None


@final
class Shelf(Generic[V]):
    """Answers by key. There is no task behind it: whoever asks first makes the call for everyone who asks meanwhile."""

    def __init__(self, max_age: float = 0.0) -> None:
        """Keep answers for so many seconds; 0 keeps none, and only shares the calls."""
        self._max_age = max_age
        self._kept: dict[str, tuple[float, V]] = {}
        self._calls: dict[str, _Call[V]] = {}

    async def get(self, key: str, fetch: Callable[[], Awaitable[V]]) -> V:
        """Return the answer that is kept, that of the call under way, or that of a new one.

        Cancelled: when others wait for this call, one of them makes it anew; nobody else fails.

        Raises:
            BinanceError: the call failed, for everyone who waited for it; nothing is kept.
        """
        while True:
            kept = self._kept.get(key)
            if kept is not None and trio.current_time() < kept[0] + self._max_age:
                await trio.lowlevel.checkpoint()
                return kept[1]
            call = self._calls.get(key)
            if call is None:
                return await self._make(key, fetch)
            await call.done.wait()
            if call.error is not None:
                # each gets an exception of its own: a traceback grows with every task that raises it
                raise copy(call.error) from call.error
            if call.value is not None:
                return call.value[0]

    async def _make(self, key: str, fetch: Callable[[], Awaitable[V]]) -> V:
        call: _Call[V] = _Call()
        self._calls[key] = call
        try:
            value = await fetch()
        except BinanceError as exc:
            call.error = exc
            raise
        else:
            call.value = (value,)
            return value
        finally:
            call.done.set()
            if self._calls.get(key) is call:
                del self._calls[key]
                if call.value is not None:
                    self._kept[key] = (trio.current_time(), call.value[0])

    def forget(self, key: str) -> None:
        """Have the next one ask anew, whatever is kept or under way."""
        self._kept.pop(key, None)
        self._calls.pop(key, None)
