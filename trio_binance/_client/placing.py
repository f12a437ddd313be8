"""The placing: what all placements share: names for every order, and an error that carries them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, get_args

from trio_binance._codec.params import with_client_ids
from trio_binance.errors import BinanceError
from trio_binance.models import NewOrderRespType, OrderListRequest, OrderRequest

from .room import Room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.ids import ClientOrderIds
    from trio_binance._services.router import Router

R = TypeVar("R")
AnyRequest = TypeVar("AnyRequest", bound=OrderRequest | OrderListRequest)

Ack: TypeAlias = Literal[NewOrderRespType.ACK, "ACK"]
Result: TypeAlias = Literal[NewOrderRespType.RESULT, "RESULT"]
Full: TypeAlias = Literal[NewOrderRespType.FULL, "FULL"]

ORDERS: tuple[type[OrderRequest], ...] = get_args(OrderRequest)
"""The requests for a single order."""


class Placing(Room):
    """The base of the rooms that place something."""

    def __init__(self, router: Router, ids: ClientOrderIds) -> None:
        super().__init__(router)
        self._ids = ids

    def new_client_order_id(self) -> str:
        """Return a client order id that was never used before, on this machine or another.

        Give it to an order yourself where the call may be cancelled: a cancelled call cannot tell its id.
        """
        return self._ids.next_id()

    def _id_or(self, client_order_id: str | None) -> str:
        return self.new_client_order_id() if client_order_id is None else client_order_id

    def _identify(self, request: AnyRequest, *kinds: type[AnyRequest]) -> AnyRequest:
        """Return the request with every client id that it lacks; refuse what is none of these requests."""
        if not isinstance(request, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"order: expected a request such as {names}, not {type(request).__name__}")
        return with_client_ids(request, self._ids.next_id)

    async def _place(
        self,
        operation: Operation[R],
        params: Mapping[str, Value],
        name: str | None,
        report: NewOrderRespType | str,
        what: str = "order",
    ) -> R:
        """Place something; an error says ``what``, and carries ``name``, its client id.

        Which report is wanted is always said: the exchange's own defaults differ by the type of order.
        """
        wanted = operation.write(new_order_resp_type=report)
        with named(name, what):
            return await self._call(operation, {**params, **wanted})


@contextmanager
def named(client_order_id: str | None, what: str) -> Iterator[None]:
    """Let an error that passes say what was to happen, and the client id by which to ask what became of it."""
    try:
        yield
    except BinanceError as exc:
        exc.client_order_id, exc.at_stake = client_order_id, what
        raise
