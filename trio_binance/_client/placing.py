"""The placing: what all that change something share: names for every order, and errors that carry them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, get_args

from trio_binance._codec.params import with_client_ids
from trio_binance.errors import ApiError, BinanceError
from trio_binance.models import NewOrderRespType, OrderListRequest, OrderRequest, Rejected

from .room import Room, staking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trio_binance._protocol.operation import Operation, Value
    from trio_binance._pure.ids import ClientOrderIds
    from trio_binance._services.mirror import Mirror
    from trio_binance._services.orders import Orders
    from trio_binance._services.router import Router
    from trio_binance._services.rulebook import Rulebook
    from trio_binance.models import Placement

R = TypeVar("R")
AnyRequest = TypeVar("AnyRequest", bound=OrderRequest | OrderListRequest)

Ack: TypeAlias = Literal[NewOrderRespType.ACK, "ACK"]
Result: TypeAlias = Literal[NewOrderRespType.RESULT, "RESULT"]
Full: TypeAlias = Literal[NewOrderRespType.FULL, "FULL"]

ORDERS: tuple[type[OrderRequest], ...] = get_args(OrderRequest)
"""The requests for a single order."""


class Placing(Room):
    """The base of the rooms that place something."""

    def __init__(
        self, router: Router, orders: Orders, ids: ClientOrderIds, rulebook: Rulebook, mirror: Mirror | None = None
    ) -> None:
        super().__init__(router)
        self._orders = orders
        self._ids = ids
        self._rulebook = rulebook
        self._mirror = mirror

    def _open_orders(self, symbol: str) -> tuple[int, ...]:
        """Return the ids of the orders that are known to be open; there may be more, or less by now."""
        if self._mirror is None:
            return ()
        return tuple(order.order_id for order in self._mirror.ledger.records.open_orders(symbol))

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
        within: float | None,
        what: str = "order",
    ) -> Placement[R]:
        """Place something and return what became of it; an error says ``what``, and carries ``name``, its client id.

        Which report is wanted is always said: the exchange's own defaults differ by the type of order.
        """
        params = {**params, **operation.write(new_order_resp_type=report)}
        operation.check(params)
        if self._mirror is not None:
            # Should its events be lost, it is to be known where to look for it.
            self._mirror.on_placing(str(params["symbol"]))
        self._tell_refusal(params, name, None)
        try:
            with named(name, what):
                outcome = await self._orders.place(operation, params, within)
        except BinanceError as exc:
            self._tell_refusal(params, name, exc)
            raise
        if isinstance(outcome, Rejected):
            outcome.error.client_order_id, outcome.error.at_stake = name, what
            self._learn(outcome.error, params)
            self._tell_refusal(params, name, outcome.error)
        return outcome

    def _tell_refusal(self, params: Mapping[str, Value], name: str | None, refusal: BinanceError | None) -> None:
        """Let whoever follows the order hear that there will be none; or that there may be one yet, for ``None``."""
        if self._mirror is not None and name is not None:
            self._mirror.on_refusal(str(params["symbol"]), name, refusal)

    async def _change(self, operation: Operation[R], params: Mapping[str, Value], targets: tuple[int, ...] = ()) -> R:
        """Change something and return the answer; ``targets`` are the orders that are to be cancelled, if known."""
        operation.check(params)
        with staking(operation):
            try:
                answer: R = await self._orders.change(operation, params, targets)
            except BinanceError as exc:
                self._learn(exc, params)
                raise
            return answer

    def _learn(self, error: BinanceError, params: Mapping[str, Value]) -> None:
        """Note that a refusal by a filter says that the rules may be others than those that are kept."""
        symbol = params.get("symbol")
        if isinstance(error, ApiError) and error.filter is not None and isinstance(symbol, str):
            self._rulebook.forget(symbol)


@contextmanager
def named(client_order_id: str | None, what: str) -> Iterator[None]:
    """Let an error that passes say what was to happen, and the client id by which to ask what became of it."""
    try:
        yield
    except BinanceError as exc:
        exc.client_order_id, exc.at_stake = client_order_id, what
        raise
