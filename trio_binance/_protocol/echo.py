"""The echo: the names in an answer that must be those of the request, or it is the answer to another one.

On a connection that carries one answer too many, every later answer is off by one. Most answers name their symbol, and
those about orders the ids that were asked for or given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .operation import Operation, Value

_SYMBOL = ("symbol", "symbol")
_ORDER_ID = ("orderId", "order_id")
_NEW_ID = ("newClientOrderId", "client_order_id")
_LIST_ID = ("listClientOrderId", "list_client_order_id")


def _legs(*names: str) -> tuple[tuple[str, str], ...]:
    """Return that the client ids of a list's orders are among those of the answer."""
    return tuple((f"{name}ClientOrderId", "orders.client_order_id") for name in names)


_ECHOES: Mapping[str, Iterable[tuple[str, str]]] = {
    "POST /api/v3/order": (_NEW_ID,),
    "POST /api/v3/sor/order": (_NEW_ID,),
    # A query by client id is not held to it: an amended order has another one by now.
    "GET /api/v3/order": (_ORDER_ID,),
    # An answer that is a whole list, for one of its orders was cancelled, names them under "orders".
    "DELETE /api/v3/order": (_ORDER_ID, ("origClientOrderId", "orig_client_order_id"), _NEW_ID),
    "POST /api/v3/order/cancelReplace": (
        ("symbol", "cancel_response.symbol"),
        ("symbol", "new_order_response.symbol"),
        ("cancelOrderId", "cancel_response.order_id"),
        ("cancelOrigClientOrderId", "cancel_response.orig_client_order_id"),
        ("cancelNewClientOrderId", "cancel_response.client_order_id"),
        ("newClientOrderId", "new_order_response.client_order_id"),
    ),
    "PUT /api/v3/order/amend/keepPriority": (
        ("symbol", "amended_order.symbol"),
        ("orderId", "amended_order.order_id"),
        ("origClientOrderId", "amended_order.orig_client_order_id"),
        ("newClientOrderId", "amended_order.client_order_id"),
    ),
    "POST /api/v3/order/oco": (_LIST_ID, *_legs("limit", "stop")),
    "POST /api/v3/orderList/oco": (_LIST_ID, *_legs("above", "below")),
    "POST /api/v3/orderList/oto": (_LIST_ID, *_legs("working", "pending")),
    "POST /api/v3/orderList/otoco": (_LIST_ID, *_legs("working", "pendingAbove", "pendingBelow")),
    "POST /api/v3/orderList/opo": (_LIST_ID, *_legs("working", "pending")),
    "POST /api/v3/orderList/opoco": (_LIST_ID, *_legs("working", "pendingAbove", "pendingBelow")),
    "DELETE /api/v3/orderList": (("orderListId", "order_list_id"),),
    # "origClientOrderId: query order list by listClientOrderId"
    "GET /api/v3/orderList": (("orderListId", "order_list_id"), ("origClientOrderId", "list_client_order_id")),
    # "orderId: If set, get orders >= that orderId" of allOrders is no echo, but these name one order.
    "GET /api/v3/myTrades": (_ORDER_ID,),
    "GET /api/v3/myAllocations": (_ORDER_ID,),
    "GET /api/v3/order/amendments": (_ORDER_ID,),
}
"""The parameters and the fields that repeat them, beside the symbol; a field inside another one after a dot."""


def mismatch(operation: Operation[Any], params: Mapping[str, Value], result: object) -> str | None:
    """Return how the answer shows that it belongs to another request, ``None`` if it does not show it."""
    for param, path in (_SYMBOL, *_ECHOES.get(operation.name, ())):
        sent = params.get(param)
        told = () if sent is None else tuple(_told(result, path))
        if told and sent not in told:
            return f"asked with {param}={sent!r}, answered with {told[0]!r}"
    return None


def _told(value: object, path: str) -> Iterator[object]:
    """Yield what a field says, of each model where there are many, as far as it says anything."""
    name, _, rest = path.partition(".")
    for model in value if isinstance(value, list | tuple) else (value,):
        found = getattr(model, name, None)
        if found is not None:
            yield from _told(found, rest) if rest else (found,)
