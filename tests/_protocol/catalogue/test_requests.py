"""Requests and rows: what cannot be built wrong is never refused by the row that sends it, and lacks no name."""

from __future__ import annotations

from itertools import count
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.requests import lists_of, orders_of
from trio_binance._codec.params import list_params, order_params, sor_params, with_client_ids
from trio_binance._protocol.catalogue import orderlists, trading
from trio_binance._protocol.operation import Operation
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    LegacyOcoOrder,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderListRequest,
    OrderRequest,
    OtocoOrder,
    OtoOrder,
)

ORDERS: st.SearchStrategy[OrderRequest] = st.one_of([orders_of(kind) for kind in get_args(OrderRequest)])
LISTS: dict[type[OrderListRequest], Operation[Any]] = {
    OcoOrder: orderlists.PLACE_OCO,
    OtoOrder: orderlists.PLACE_OTO,
    OtocoOrder: orderlists.PLACE_OTOCO,
    OpoOrder: orderlists.PLACE_OPO,
    OpocoOrder: orderlists.PLACE_OPOCO,
    LegacyOcoOrder: orderlists.PLACE_LEGACY_OCO,
}


def next_id() -> str:
    return f"id-{next(_NUMBERS)}"


_NUMBERS = count()


def names_in(operation: Operation[Any]) -> set[str]:
    return {param.name for param in operation.params if param.name.lower().endswith("clientorderid")}


@given(ORDERS)
def test_every_order_passes_its_row(order: OrderRequest) -> None:
    params = order_params(with_client_ids(order, next_id))
    for operation in (trading.PLACE, trading.TEST):
        operation.check(params)
    trading.CANCEL_REPLACE.check({**params, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 1})
    assert params["newClientOrderId"]


@given(ORDERS)
def test_what_smart_order_routing_takes_passes_its_row(order: OrderRequest) -> None:
    try:
        params = sor_params(order)
    except InvalidArgument:
        return
    trading.PLACE_SOR.check(params)
    trading.TEST_SOR.check(params)


@pytest.mark.parametrize("kind", LISTS)
@settings(max_examples=30)
@given(data=st.data())
def test_every_list_passes_its_row_and_each_of_its_orders_has_a_name(
    kind: type[OrderListRequest], data: st.DataObject
) -> None:
    params = list_params(with_client_ids(data.draw(lists_of(kind)), next_id))
    LISTS[kind].check(params)
    assert {name for name in params if name.lower().endswith("clientorderid")} == names_in(LISTS[kind])
    assert LISTS[kind].orders == len(names_in(LISTS[kind])) - 1
