"""The parameters: requests for orders and order lists as the wire names them, and back.

One table a request, in the order of the documents: the wire's name beside the field, ``above.price`` where it is a
leg's. It is read in both directions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast, get_args

import attrs

from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LegacyOcoOrder,
    LimitOrder,
    MarketOrder,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderListRequest,
    OrderRequest,
    OtocoOrder,
    OtoOrder,
)

from .rest import camel

if TYPE_CHECKING:
    from decimal import Decimal

R = TypeVar("R", bound=OrderRequest | OrderListRequest)
M = TypeVar("M", bound=attrs.AttrsInstance)

Params: TypeAlias = "dict[str, str | int | Decimal]"
"""Parameters by the wire's names; a Decimal keeps its scale until it is written."""

Rows: TypeAlias = tuple[tuple[str, str], ...]
"""The wire's names and the fields that they are of."""

_OF_THE_CALL = frozenset(
    {"apiKey", "computeCommissionRates", "newOrderRespType", "recvWindow", "signature", "timestamp"}
)
"""What is sent beside a request and is none of it."""

_WHOLE = frozenset({"strategy_id", "strategy_type", "trailing_delta", "peg_offset_value"})
"""The fields that are ints; REST writes them as text."""

# ------------------------------------------------------------------------------------------------------- the tables

_ORDER: Rows = (
    ("symbol", "symbol"),
    ("side", "side"),
    ("type", "type"),
    ("timeInForce", "time_in_force"),
    ("quantity", "quantity"),
    ("quoteOrderQty", "quote_order_qty"),
    ("price", "price"),
    ("newClientOrderId", "client_order_id"),
    ("strategyId", "strategy_id"),
    ("strategyType", "strategy_type"),
    ("stopPrice", "stop_price"),
    ("trailingDelta", "trailing_delta"),
    ("icebergQty", "iceberg_qty"),
    ("selfTradePreventionMode", "self_trade_prevention_mode"),
    ("pegPriceType", "peg_price_type"),
    ("pegOffsetValue", "peg_offset_value"),
    ("pegOffsetType", "peg_offset_type"),
)
"""POST /api/v3/order, and what POST /api/v3/sor/order has of it."""

_LEGACY: Rows = (
    ("symbol", "symbol"),
    ("listClientOrderId", "list_client_order_id"),
    ("side", "side"),
    ("quantity", "quantity"),
    ("limitClientOrderId", "limit.client_order_id"),
    ("price", "limit.price"),
    ("limitStrategyId", "limit.strategy_id"),
    ("limitStrategyType", "limit.strategy_type"),
    ("limitIcebergQty", "limit.iceberg_qty"),
    ("trailingDelta", "stop.trailing_delta"),
    ("stopClientOrderId", "stop.client_order_id"),
    ("stopPrice", "stop.stop_price"),
    ("stopStrategyId", "stop.strategy_id"),
    ("stopStrategyType", "stop.strategy_type"),
    ("stopLimitPrice", "stop.price"),
    ("stopIcebergQty", "stop.iceberg_qty"),
    ("stopLimitTimeInForce", "stop.time_in_force"),
    ("selfTradePreventionMode", "self_trade_prevention_mode"),
)
"""POST /api/v3/order/oco names no types: the stop is STOP_LOSS_LIMIT where it has a price."""


def _of(place: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{place}.{name}" for name in names)


_TRIGGER = ("price", "stop_price", "trailing_delta")
_MANNER = ("strategy_id", "strategy_type", "peg_price_type", "peg_offset_type", "peg_offset_value")
_OCO_LEG = ("type", "client_order_id", "iceberg_qty", *_TRIGGER, "time_in_force", *_MANNER)
_PAIR_LEG = ("type", "client_order_id", *_TRIGGER, "iceberg_qty", "time_in_force", *_MANNER)
_WORKING = (
    "symbol",
    "list_client_order_id",
    "self_trade_prevention_mode",
    "working.type",
    "working_side",
    *_of("working", "client_order_id", "price"),
    "working_quantity",
    *_of("working", "iceberg_qty", "time_in_force", *_MANNER),
)
_PENDING = (
    "pending.type",
    "pending_side",
    *_of("pending", "client_order_id", *_TRIGGER),
    "pending_quantity",
    *_of("pending", "iceberg_qty", "time_in_force", *_MANNER),
)


def _rows(*fields: str) -> Rows:
    """Return the fields beside their names, which spell out the way to them: ``above.price`` is ``abovePrice``."""
    return tuple((camel(field.replace(".", "_")), field) for field in fields)


_PENDING_PAIR: Rows = tuple(
    (camel(f"pending_{field.replace('.', '_')}"), field)
    for field in (*_of("above", *_PAIR_LEG), *_of("below", *_PAIR_LEG))
)
_OCO_ROWS: Rows = (
    *_rows("symbol", "list_client_order_id", "side", "quantity"),
    *_rows(*_of("above", *_OCO_LEG), *_of("below", *_OCO_LEG), "self_trade_prevention_mode"),
)
# OPO and OPOCO send what OTO and OTOCO do, but no pendingQuantity: their requests have no such field.
_ONE_ROWS: Rows = _rows(*_WORKING, *_PENDING)
_PAIR_ROWS: Rows = (*_rows(*_WORKING, "pending_side", "pending_quantity"), *_PENDING_PAIR)

_LISTS: Mapping[str, tuple[type[OrderListRequest], Rows]] = {
    "/api/v3/order/oco": (LegacyOcoOrder, _LEGACY),
    "/api/v3/orderList/oco": (OcoOrder, _OCO_ROWS),
    "/api/v3/orderList/oto": (OtoOrder, _ONE_ROWS),
    "/api/v3/orderList/otoco": (OtocoOrder, _PAIR_ROWS),
    "/api/v3/orderList/opo": (OpoOrder, _ONE_ROWS),
    "/api/v3/orderList/opoco": (OpocoOrder, _PAIR_ROWS),
}
_LIST_ROWS = dict(_LISTS.values())
_ORDERS: Mapping[object, type[OrderRequest]] = {kind.type: kind for kind in get_args(OrderRequest)}

# --------------------------------------------------------------------------------------------------------- outward


def order_params(request: OrderRequest) -> Params:
    """Return the parameters of a placement, in the documents' order; what is not given is not there."""
    return _written(request, _ORDER)


def sor_params(request: OrderRequest) -> Params:
    """Return the parameters of a placement by smart order routing.

    Raises:
        InvalidArgument: only LIMIT and MARKET go this way, without ``quote_order_qty`` and without a peg.
    """
    if not isinstance(request, LimitOrder | MarketOrder):
        raise InvalidArgument("type", request.type, "smart order routing takes LIMIT and MARKET")
    for field in ("quote_order_qty", "peg_price_type"):
        if (value := getattr(request, field, None)) is not None:
            raise InvalidArgument(field, value, "smart order routing does not take it")
    return order_params(request)


def list_params(request: OrderListRequest) -> Params:
    """Return the parameters of a list's placement, in the documents' order; what is not given is not there."""
    return _written(request, _LIST_ROWS[type(request)])


def _written(request: OrderRequest | OrderListRequest, rows: Rows) -> Params:
    found = ((wire, _read(request, field)) for wire, field in rows)
    return {wire: str(value) if isinstance(value, str) else value for wire, value in found if value is not None}


def _read(request: object, field: str) -> Any:
    place, _, name = field.rpartition(".")
    return getattr(getattr(request, place) if place else request, name, None)


def with_client_ids(request: R, next_id: Callable[[], str]) -> R:
    """Return the request with every client id that it lacks, those of its legs and of the list too."""
    if isinstance(request, OrderRequest):
        return cast("R", _named(request, "client_order_id", next_id))
    named = _named(request, "list_client_order_id", next_id)
    legs = {place: _named(leg, "client_order_id", next_id) for place, leg, *_ in request.legs}
    return cast("R", attrs.evolve(named, **legs))


def _named(request: Any, field: str, next_id: Callable[[], str]) -> Any:
    return request if getattr(request, field) is not None else attrs.evolve(request, **{field: next_id()})


# ---------------------------------------------------------------------------------------------------------- inward


def order_from_params(params: Mapping[str, object]) -> OrderRequest:
    """Return the request whose parameters these are; numbers may be texts, and what belongs to the call is left out.

    Raises:
        InvalidArgument: a parameter is missing, unknown, or none of this type of order; names parameter or field.
        TypeError: a value of a type that no request takes.
    """
    kind = _ORDERS.get(params.get("type"))
    if kind is None:
        raise InvalidArgument("type", params.get("type"), f"expected one of {', '.join(map(str, _ORDERS))}")
    return _made(kind, _by_place(params, _ORDER)[""])


def list_from_params(operation_path: str, params: Mapping[str, object]) -> OrderListRequest:
    """Return the request whose parameters these are, told by the path of its REST endpoint.

    Raises as ``order_from_params`` does; a leg's field is named as ``above.price``.
    """
    if operation_path not in _LISTS:
        raise InvalidArgument("operation_path", operation_path, f"expected one of {', '.join(_LISTS)}")
    kind, rows = _LISTS[operation_path]
    values = _by_place(params, rows)
    if kind is LegacyOcoOrder:
        values["limit"]["type"] = "LIMIT_MAKER"
        limited = values["stop"].keys() & {"price", "time_in_force", "iceberg_qty"}
        values["stop"]["type"] = "STOP_LOSS_LIMIT" if limited else "STOP_LOSS"
    legs = {place: _leg(seat.kinds, place, values[place]) for place, seat in kind.seats.items()}
    return _made(kind, {**values[""], **legs})


def _by_place(params: Mapping[str, object], rows: Rows) -> dict[str, dict[str, object]]:
    """Return the values by place and field; the place of what is no leg's is the empty text."""
    fields = dict(rows)
    found: dict[str, dict[str, object]] = defaultdict(dict)
    for wire, value in params.items():
        if value is None or wire in _OF_THE_CALL:
            continue
        if wire not in fields:
            raise InvalidArgument(wire, value, "no parameter of this request")
        place, _, name = fields[wire].rpartition(".")
        found[place][name] = _whole(value) if name in _WHOLE else value
    return found


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _leg(kinds: Iterable[Any], place: str, values: dict[str, object]) -> Any:
    by_type = {kind.type: kind for kind in kinds}
    kind = by_type.get(values.get("type"))
    if kind is None:
        raise InvalidArgument(f"{place}.type", values.get("type"), f"expected one of {', '.join(by_type)}")
    try:
        return _made(kind, values)
    except InvalidArgument as exc:
        raise InvalidArgument(f"{place}.{exc.field}", exc.value, exc.reason) from None


def _made(kind: type[M], values: Mapping[str, object]) -> M:
    """Return the request (or leg) of these values; what its class decides, type and sides, must be the same."""
    fields = attrs.fields_dict(kind)
    for name in values.keys() - fields.keys():
        _check_decided(kind, name, values[name])
    for name, field in fields.items():
        if field.default is attrs.NOTHING and name not in values:
            raise InvalidArgument(name, None, "required")
    return kind(**{name: value for name, value in values.items() if name in fields})


def _check_decided(kind: type[attrs.AttrsInstance], name: str, value: object) -> None:
    decided = getattr(kind, name, None)
    if decided is None:
        raise InvalidArgument(name, value, f"{kind.__name__} has no such field")
    if decided != value:
        raise InvalidArgument(name, value, f"of {kind.__name__} it is {decided}")
