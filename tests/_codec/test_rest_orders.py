"""REST: what the exchange answers about orders, told by shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from trio_binance._codec import rest
from trio_binance.errors import DecodeError
from trio_binance.models import (
    AccountPreventedMatch,
    Allocation,
    AmendResult,
    CancelledOrderList,
    CancelReplaceReport,
    CancelReplaceResult,
    CancelResponse,
    CancelResult,
    ErrorReport,
    ListedOrder,
    OrderAck,
    OrderFull,
    OrderList,
    OrderListAck,
    OrderListFull,
    OrderListResponse,
    OrderListResult,
    OrderResponse,
    OrderResult,
    OrderState,
    OrderStatusReport,
    OrderTerms,
    OrderTestResult,
    PreventedMatch,
)

from .answers import check
from .orders import ACK, CANCELLED, CONDITIONAL, FILL, LIST, RESULT

# ------------------------------------------------------------------------------------------------------ one order


def test_a_placement_is_told_by_its_shape() -> None:
    assert type(check(ACK, OrderResponse)) is OrderAck
    assert type(check(RESULT, OrderResponse)) is OrderResult
    full = check({**RESULT, "fills": [FILL]}, OrderResponse)
    assert type(full) is OrderFull
    assert full.fills[0].trade_id == 56
    assert isinstance(full, OrderResult)
    assert isinstance(full, OrderState)


def test_a_full_report_without_fills_has_none() -> None:
    assert rest.from_json(RESULT, OrderFull).fills == ()


def test_conditional_fields_of_an_order_are_known() -> None:
    prevented = {"preventedMatchId": 0, "makerOrderId": 2, "price": "1.0", "makerPreventedQuantity": "1.0"}
    body = {**RESULT, **CONDITIONAL, "preventedMatches": [prevented], "tradeGroupId": 1}
    found = check(body, OrderResponse)
    assert not found.extra
    assert found.prevented_matches == (PreventedMatch(0, 2, Decimal(1), Decimal(1)),)
    report = {key: RESULT[key] for key in RESULT if key != "transactTime"} | CONDITIONAL
    assert not check({**report, "time": 1, "updateTime": 1, "isWorking": True}, OrderStatusReport).extra
    assert not check({**CANCELLED, **CONDITIONAL}, CancelResult).extra


def test_a_match_prevented_by_a_transfer_tells_both_sides() -> None:
    both = {"makerPreventedQuantity": "1.0", "takerPreventedQuantity": "2.0", "makerSymbol": "B"}
    (match,) = check({**RESULT, "preventedMatches": [{"preventedMatchId": 1, **both}]}, OrderResponse).prevented_matches
    assert (match.maker_symbol, match.taker_prevented_quantity, match.maker_order_id) == ("B", Decimal(2), None)


def test_an_answer_older_than_order_lists_is_no_part_of_one() -> None:
    body = {key: RESULT[key] for key in RESULT if key not in ("orderListId", "transactTime")}
    raw = json.dumps({**body, "time": 1, "updateTime": 1, "isWorking": True}).encode()
    assert rest.structure(raw, OrderStatusReport).order_list_id == -1


def test_the_quantity_of_an_order_may_be_what_another_brings() -> None:
    """The pending orders of an OPO list have none before the working order is filled."""
    body = {key: RESULT[key] for key in RESULT if key != "origQty"}
    assert check(body, OrderResponse).orig_qty is None


def test_a_test_order_answers_nothing_or_the_rates() -> None:
    assert check({}, OrderTestResult) == OrderTestResult()


# ---------------------------------------------------------------------------------------------------------- lists


@pytest.mark.parametrize(
    "reports,kind",
    [
        ([], OrderListAck),
        ([ACK, ACK], OrderListAck),
        ([RESULT, RESULT], OrderListResult),
        ([{**RESULT, "fills": [FILL]}, {**RESULT, "fills": []}], OrderListFull),
    ],
)
def test_the_placement_of_a_list_is_told_by_its_reports(reports: list[Any], kind: type[OrderList]) -> None:
    found = check({**LIST, "orderReports": reports}, OrderListResponse)
    assert len(found.order_reports) == len(reports)
    assert found.orders == (ListedOrder("A", 28, "x"),)
    assert type(found) is kind


def test_one_report_with_fills_makes_the_list_a_full_one() -> None:
    found = rest.from_json({**LIST, "orderReports": [{**RESULT, "fills": [FILL]}, RESULT]}, OrderListResponse)
    assert [len(report.fills) for report in found.order_reports] == [1, 0]


@pytest.mark.parametrize(
    "reports,path",
    [({}, "order_reports"), (None, "order_reports"), ([5], "order_reports[0]"), ([{}], "order_reports[0].symbol")],
)
def test_reports_of_the_wrong_shape_are_named(reports: Any, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        rest.from_json({**LIST, "orderReports": reports}, OrderListResponse)
    assert caught.value.path == path


def test_a_cancellation_is_of_an_order_or_of_its_list() -> None:
    body = [CANCELLED, {**LIST, "orderReports": [CANCELLED, CANCELLED]}]
    order, orders = check(body, list[CancelResponse])
    assert type(order) is CancelResult
    assert type(orders) is CancelledOrderList
    assert [report.orig_client_order_id for report in orders.order_reports] == ["o", "o"]


def test_a_cancelled_list_may_leave_the_first_ids_out() -> None:
    report = {key: CANCELLED[key] for key in CANCELLED if key != "origClientOrderId"}
    (found,) = check({**LIST, "orderReports": [report]}, CancelledOrderList).order_reports
    assert (found.orig_client_order_id, found.client_order_id) == (None, "x")


# -------------------------------------------------------------------------------------------------------- changes


ERROR = {"code": -2011, "msg": "Unknown order sent."}


@pytest.mark.parametrize(
    "cancelled,placed,kinds",
    [
        (("SUCCESS", CANCELLED), ("SUCCESS", {**RESULT, "fills": []}), (CancelResult, OrderFull)),
        (("SUCCESS", {**LIST, "orderReports": []}), ("SUCCESS", RESULT), (CancelledOrderList, OrderResult)),
        (("FAILURE", ERROR), ("NOT_ATTEMPTED", None), (ErrorReport, type(None))),
        (("SUCCESS", CANCELLED), ("FAILURE", ERROR), (CancelResult, ErrorReport)),
        (("FAILURE", ERROR), ("SUCCESS", ACK), (ErrorReport, OrderAck)),
        (("FAILURE", ERROR), ("FAILURE", ERROR), (ErrorReport, ErrorReport)),
    ],
)
def test_both_halves_of_a_cancel_replace_are_told(
    cancelled: tuple[str, Any], placed: tuple[str, Any], kinds: tuple[type, type]
) -> None:
    body = {
        "cancelResult": cancelled[0],
        "newOrderResult": placed[0],
        "cancelResponse": cancelled[1],
        "newOrderResponse": placed[1],
    }
    found = check(body, CancelReplaceReport)
    assert (type(found.cancel_response), type(found.new_order_response)) == kinds
    assert found.new_order_result is CancelReplaceResult(placed[0])
    assert not found.extra


AMENDED = {key: RESULT[key] for key in RESULT if key not in ("origQty", "cummulativeQuoteQty", "transactTime")}
AMENDED |= dict.fromkeys(("qty", "preventedQty", "quoteOrderQty", "cumulativeQuoteQty"), "5.00")


def test_an_amendment_tells_the_order_and_its_list() -> None:
    body = {"transactTime": 1, "executionId": 75, "amendedOrder": {**AMENDED, "origClientOrderId": "o"}}
    found = check(body, AmendResult)
    assert (found.amended_order.qty, found.list_status) == (Decimal(5), None)
    assert isinstance(found.amended_order, OrderTerms)
    status = {key: LIST[key] for key in LIST if key not in ("listStatusType", "transactionTime")}
    assert check({**body, "listStatus": status}, AmendResult).list_status.orders == (ListedOrder("A", 28, "x"),)


def test_what_became_of_an_order_elsewhere_is_told() -> None:
    match = {
        "symbol": "A",
        "preventedMatchId": 1,
        "takerOrderId": 5,
        "makerSymbol": "A",
        "makerOrderId": 3,
        "tradeGroupId": -1,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "price": "1.1",
        "makerPreventedQuantity": "1.3",
        "transactTime": 1,
    }
    assert check(match, AccountPreventedMatch).taker_prevented_quantity is None
    allocation = {
        "symbol": "A",
        "allocationId": 0,
        "allocationType": "SOR",
        "orderId": 1,
        "orderListId": -1,
        "price": "1",
        "qty": "5",
        "quoteQty": "5",
        "commission": "0.00",
        "commissionAsset": "A",
        "time": 1,
        "isBuyer": True,
        "isMaker": False,
        "isAllocator": False,
    }
    assert check(allocation, Allocation).allocation_id == 0
