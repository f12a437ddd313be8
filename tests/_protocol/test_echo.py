"""The echo: an answer that names another symbol or order than the request is the answer to another one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from trio_binance._protocol import echo
from trio_binance._protocol.catalogue import market, trading

ORDERS = (SimpleNamespace(client_order_id="a"), SimpleNamespace(client_order_id="b"), SimpleNamespace())
LIST = SimpleNamespace(symbol="BTCUSDT", order_list_id=7, list_client_order_id="list", orders=ORDERS)
CANCELLED = SimpleNamespace(symbol="BTCUSDT", order_id=7, orig_client_order_id="mine", client_order_id="cancel")
PLACED = SimpleNamespace(symbol="BTCUSDT", order_id=8, client_order_id="new")
BOTH = SimpleNamespace(cancel_response=CANCELLED, new_order_response=PLACED)
AMENDED = SimpleNamespace(amended_order=CANCELLED, list_status=None)


def mismatch(name: str, params: dict[str, Any], result: object) -> str | None:
    method, path = name.split()
    operation = attrs.evolve(trading.PLACE, method=method, path=path)
    return echo.mismatch(operation, params, result)


@pytest.mark.parametrize(
    ("name", "params", "result"),
    [
        ("POST /api/v3/order", {"symbol": "BTCUSDT", "newClientOrderId": "new"}, PLACED),
        ("POST /api/v3/sor/order", {"symbol": "BTCUSDT", "newClientOrderId": "new"}, PLACED),
        ("GET /api/v3/order", {"symbol": "BTCUSDT", "orderId": 8}, PLACED),
        (
            "DELETE /api/v3/order",
            {"symbol": "BTCUSDT", "orderId": 7, "origClientOrderId": "mine", "newClientOrderId": "cancel"},
            CANCELLED,
        ),
        (
            "POST /api/v3/order/cancelReplace",
            {
                "symbol": "BTCUSDT",
                "cancelOrderId": 7,
                "cancelOrigClientOrderId": "mine",
                "cancelNewClientOrderId": "cancel",
                "newClientOrderId": "new",
            },
            BOTH,
        ),
        (
            "PUT /api/v3/order/amend/keepPriority",
            {"symbol": "BTCUSDT", "orderId": 7, "origClientOrderId": "mine", "newClientOrderId": "cancel"},
            AMENDED,
        ),
        (
            "POST /api/v3/order/oco",
            {"symbol": "BTCUSDT", "listClientOrderId": "list", "limitClientOrderId": "a", "stopClientOrderId": "b"},
            LIST,
        ),
        (
            "POST /api/v3/orderList/oco",
            {"symbol": "BTCUSDT", "listClientOrderId": "list", "aboveClientOrderId": "a", "belowClientOrderId": "b"},
            LIST,
        ),
        ("POST /api/v3/orderList/oto", {"workingClientOrderId": "a", "pendingClientOrderId": "b"}, LIST),
        (
            "POST /api/v3/orderList/otoco",
            {"workingClientOrderId": "a", "pendingAboveClientOrderId": "b", "pendingBelowClientOrderId": "a"},
            LIST,
        ),
        ("POST /api/v3/orderList/opo", {"workingClientOrderId": "a", "pendingClientOrderId": "b"}, LIST),
        (
            "POST /api/v3/orderList/opoco",
            {"workingClientOrderId": "a", "pendingAboveClientOrderId": "b", "pendingBelowClientOrderId": "a"},
            LIST,
        ),
        ("DELETE /api/v3/orderList", {"symbol": "BTCUSDT", "orderListId": 7}, LIST),
        ("GET /api/v3/orderList", {"orderListId": 7, "origClientOrderId": "list"}, LIST),
        ("GET /api/v3/myTrades", {"symbol": "BTCUSDT", "orderId": 8}, [PLACED, PLACED]),
        ("GET /api/v3/myAllocations", {"symbol": "BTCUSDT", "orderId": 8}, [PLACED]),
        ("GET /api/v3/order/amendments", {"symbol": "BTCUSDT", "orderId": 8}, [PLACED]),
        ("GET /api/v3/allOrders", {"symbol": "BTCUSDT"}, [PLACED]),
    ],
)
def test_every_name_that_an_answer_repeats_has_to_be_the_one_that_was_sent(
    name: str, params: dict[str, Any], result: object
) -> None:
    assert mismatch(name, params, result) is None
    for param, sent in params.items():
        told = mismatch(name, params | {param: 99 if isinstance(sent, int) else "other"}, result)
        assert told is not None, param
        assert told.startswith(f"asked with {param}=")


def test_what_an_answer_does_not_tell_cannot_differ() -> None:
    assert mismatch("DELETE /api/v3/order", {"orderId": 1, "newClientOrderId": "x"}, LIST) is None
    assert mismatch("POST /api/v3/order/cancelReplace", {"newClientOrderId": "x"}, SimpleNamespace()) is None
    assert mismatch("GET /api/v3/myTrades", {"symbol": "BTCUSDT", "orderId": 1}, []) is None
    assert echo.mismatch(market.DEPTH, {"symbol": "BTCUSDT"}, object()) is None


def test_what_was_not_sent_is_not_looked_for() -> None:
    assert mismatch("POST /api/v3/order", {"newClientOrderId": None}, PLACED) is None


def test_a_list_of_orders_is_asked_for_from_an_order_on_and_need_not_hold_it() -> None:
    assert mismatch("GET /api/v3/allOrders", {"orderId": 1}, [PLACED]) is None


def test_a_query_by_client_id_may_find_an_order_that_was_amended_meanwhile() -> None:
    assert mismatch("GET /api/v3/order", {"origClientOrderId": "mine"}, PLACED) is None
