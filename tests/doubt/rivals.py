"""The policies in use, amid the same trouble, on the same connector but past its finding out.

retry     send it again with the same client id, three times
query     ask once; not found, send it again; three times
poll      ask five times, a second apart; not found, call it rejected
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import trio

from tests._client.world import World
from trio_binance._codec.params import list_params, order_params, with_client_ids
from trio_binance._protocol.catalogue import account, orderlists, trading
from trio_binance._protocol.operation import Operation
from trio_binance.errors import BinanceError, Outcome, UnknownOrder
from trio_binance.models import OrderListRequest

from .plan import SYMBOL, Deed, Plan, request_of
from .run import Run

Policy = Callable[["Rival", Deed, Callable[[], Awaitable[str]]], Awaitable[str]]


class Rival(Run):
    """A client that sends by itself, and goes by another policy where the answer is lost."""

    def __init__(self, world: World, plan: Plan, *, policy: Policy) -> None:
        super().__init__(world, plan)
        self._policy = policy

    async def _place(self, deed: Deed) -> str:
        book = self.world.sandbox.market.book(SYMBOL)
        request: Any = with_client_ids(request_of(deed, book.bids[0][0], book.asks[0][0]), self._new_id)
        if isinstance(request, OrderListRequest):
            operation: Operation[Any] = orderlists.PLACE_OCO if deed.kind == "oco" else orderlists.PLACE_OTO
            params: Mapping[str, Any] = list_params(request)
        else:
            operation, params = trading.PLACE, order_params(request)
        params = {**params, **operation.write(new_order_resp_type="RESULT")}
        return await self._policy(self, deed, partial(self._send, operation, params))

    async def _cancel(self, deed: Deed) -> str:
        params = trading.CANCEL.write(symbol=SYMBOL, client_order_id=deed.cancels, new_client_order_id=deed.name)
        return await self._policy(self, deed, partial(self._send, trading.CANCEL, params))

    def _new_id(self) -> str:
        return self.world.bx.trading.new_client_order_id()

    async def _send(self, operation: Operation[Any], params: Mapping[str, Any]) -> str:
        """Send it; "lost" where the outcome is not known, and where an order of its id is open already."""
        try:
            await self.world.bx._engine.router.call(operation, params)
        except BinanceError as exc:
            if "Duplicate order" in str(exc):
                return "accepted"
            if exc.outcome is Outcome.UNKNOWN:
                return "lost"
            return "rejected" if exc.outcome is Outcome.REJECTED else "not sent"
        return "accepted"

    async def is_there(self, deed: Deed) -> bool | None:
        """Ask once; ``None`` where that was not answered."""
        try:
            if deed.kind in ("oco", "oto"):
                await self.world.bx._engine.router.call(account.ORDER_LIST, {"origClientOrderId": deed.name})
                return True
            name = deed.name if deed.cancels is None else deed.cancels
            order = await self.world.bx.account.order(SYMBOL, client_order_id=name)
        except UnknownOrder:
            return False
        except BinanceError:
            return None
        return deed.cancels is None or order.status == "CANCELED"


async def retry(rival: Rival, deed: Deed, send: Callable[[], Awaitable[str]]) -> str:
    """Send it again with the same client id."""
    for _ in range(4):
        if (said := await send()) != "lost":
            return said
        await trio.sleep(1)
    return "rejected"


async def query(rival: Rival, deed: Deed, send: Callable[[], Awaitable[str]]) -> str:
    """Ask once; not found, send it again."""
    for _ in range(4):
        if (said := await send()) != "lost":
            return said
        await trio.sleep(1)
        if await rival.is_there(deed):
            return "accepted"
    return "rejected"


async def poll(rival: Rival, deed: Deed, send: Callable[[], Awaitable[str]]) -> str:
    """Ask five times, a second apart; not found, call it rejected."""
    if (said := await send()) != "lost":
        return said
    for _ in range(5):
        await trio.sleep(1)
        if await rival.is_there(deed):
            return "accepted"
    return "rejected"


POLICIES: dict[str, Policy] = {"retry": retry, "query": query, "poll": poll}


def rival_of(name: str) -> Callable[[World, Plan], Run]:
    """Return what makes a client of this policy."""
    return partial(Rival, policy=POLICIES[name])
