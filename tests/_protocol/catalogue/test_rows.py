"""The rows: what follows from them for the order of calls, for an open circuit breaker and for an open question."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from trio_binance._protocol.catalogue import OPERATIONS, account, general, market, orderlists, session, trading
from trio_binance._protocol.operation import Free, Lane, Operation, Security, Value
from trio_binance.errors import InvalidArgument
from trio_binance.models import (
    MiniTicker,
    OrderAck,
    OrderFull,
    OrderListAck,
    OrderListFull,
    OrderListResult,
    OrderResult,
    PriceTicker,
    ReplacedAck,
    ReplacedFull,
    ReplacedResult,
    Ticker24h,
    WindowTicker,
)

ORDER: dict[str, Value] = {"symbol": "A", "side": "BUY", "type": "MARKET", "quantity": "1"}
PLACEMENTS = {
    "POST /api/v3/order",
    "POST /api/v3/order/cancelReplace",
    "POST /api/v3/order/oco",
    "POST /api/v3/orderList/oco",
    "POST /api/v3/orderList/oto",
    "POST /api/v3/orderList/otoco",
    "POST /api/v3/orderList/opo",
    "POST /api/v3/orderList/opoco",
    "POST /api/v3/sor/order",
}
REDUCTIONS = {
    "DELETE /api/v3/order",
    "DELETE /api/v3/openOrders",
    "DELETE /api/v3/orderList",
    "PUT /api/v3/order/amend/keepPriority",
}


def having(what: str) -> set[str]:
    return {name for name, row in OPERATIONS.items() if getattr(row, what)}


def test_only_what_takes_from_the_book_passes_an_open_breaker_and_may_come_late() -> None:
    """A cancel-and-replace places an order as well: an hour later it is not the one that was meant."""
    assert having("cancels") == REDUCTIONS


def test_only_what_the_matching_engine_does_is_unknown_without_an_answer() -> None:
    assert having("changes_state") == PLACEMENTS | REDUCTIONS
    assert having("orders") == PLACEMENTS


def test_the_questions_behind_an_unknown_outcome_pass_an_open_breaker() -> None:
    assert having("asks_for_orders") == {
        "GET /api/v3/order",
        "GET /api/v3/openOrders",
        "GET /api/v3/orderList",
        "GET /api/v3/openOrderList",
    }


def test_orders_go_first_then_the_account_then_the_market() -> None:
    lanes = {lane: {name for name, row in OPERATIONS.items() if row.lane is lane} for lane in Lane}
    assert lanes[Lane.TRADING] == PLACEMENTS | REDUCTIONS
    assert lanes[Lane.MARKET] == {name for name, row in OPERATIONS.items() if row.path and not row.signed}
    assert {"POST /api/v3/order/test", "session.status", "GET /api/v3/account"} <= lanes[Lane.ACCOUNT]


def test_thirteen_requests_give_their_weight_back() -> None:
    assert {name for name, row in OPERATIONS.items() if row.free is Free.ON_SUCCESS} == (
        PLACEMENTS | REDUCTIONS - {"PUT /api/v3/order/amend/keepPriority"}
    )
    assert trading.AMEND_KEEP_PRIORITY.free is Free.WHEN_EXPIRED


def test_a_session_is_logged_on_by_a_signature_and_then_asked_without_one() -> None:
    assert session.LOGON.signed
    assert not session.SUBSCRIBE.signed
    assert session.SUBSCRIBE_SIGNATURE.security is session.SUBSCRIBE.security is Security.USER_STREAM


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        (trading.PLACE, (OrderAck, OrderResult, OrderFull)),
        (trading.PLACE_SOR, (OrderAck, OrderResult, OrderFull)),
        (trading.CANCEL_REPLACE, (ReplacedAck, ReplacedResult, ReplacedFull)),
        (orderlists.PLACE_OTOCO, (OrderListAck, OrderListResult, OrderListFull)),
    ],
)
def test_a_placement_is_told_in_the_form_that_was_asked_for(row: Operation[Any], kinds: tuple[type, ...]) -> None:
    for word, kind in zip(("ACK", "RESULT", "FULL"), kinds, strict=True):
        assert row.result_of({"newOrderRespType": word}) is kind
    assert row.result_of({}) == row.result


@pytest.mark.parametrize(
    ("row", "full", "mini"),
    [
        (market.TICKER_24HR, Ticker24h, MiniTicker),
        (market.TRADING_DAY_TICKER, WindowTicker, MiniTicker),
        (market.ROLLING_TICKER, WindowTicker, MiniTicker),
        (market.PRICE_TICKER, PriceTicker, PriceTicker),
    ],
)
def test_a_ticker_is_one_or_a_list_full_or_short(row: Operation[Any], full: type, mini: type) -> None:
    for word, kind in (("FULL", full), ("MINI", mini)):
        assert row.result_of({"symbol": "A", "type": word}) is kind
        assert get_args(row.result_of({"symbols": ("A",), "type": word})) == (kind,)


@pytest.mark.parametrize(
    ("row", "params", "field"),
    [
        (general.EXCHANGE_INFO, {"symbol": "A", "symbols": ("A",)}, "symbols"),
        (general.EXCHANGE_INFO, {"symbol": "A", "symbolStatus": "HALT"}, "symbol"),
        (general.EXECUTION_RULES, {"symbol": "A", "symbolStatus": "HALT"}, "symbolStatus"),
        (market.AGG_TRADES, {"symbol": "A", "fromId": 1, "endTime": 2}, "endTime"),
        (market.HISTORICAL_BLOCK_TRADES, {"symbol": "A"}, "fromId"),
        (market.ROLLING_TICKER, {}, "symbol"),
        (account.ORDER, {"symbol": "A"}, "orderId"),
        (account.ORDER_LIST, {}, "orderListId"),
        (account.ALL_ORDER_LISTS, {"fromId": 1, "startTime": 2}, "startTime"),
        (trading.PLACE, {**ORDER, "quoteOrderQty": "1"}, "quoteOrderQty"),
        (trading.PLACE, {**ORDER, "type": "LIMIT"}, "timeInForce"),
        (trading.PLACE, {**ORDER, "stopPrice": "1"}, "stopPrice"),
        (trading.PLACE, {**ORDER, "pegOffsetValue": 1}, "pegOffsetType"),
        (trading.PLACE, {**ORDER, "computeCommissionRates": True}, "computeCommissionRates"),
        (trading.CANCEL_REPLACE, {**ORDER, "cancelReplaceMode": "ALLOW_FAILURE"}, "cancelOrderId"),
        (trading.CANCEL_REPLACE, {**ORDER, "cancelOrderId": 1}, "cancelReplaceMode"),
        (trading.AMEND_KEEP_PRIORITY, {"symbol": "A", "orderId": 1}, "newQty"),
        (trading.PLACE_SOR, {**ORDER, "quoteOrderQty": "1"}, "quoteOrderQty"),
        (orderlists.CANCEL_ORDER_LIST, {"symbol": "A"}, "orderListId"),
        (session.UNSUBSCRIBE, {"subscription": 1}, "subscription"),
    ],
)
def test_what_a_row_forbids_is_refused_by_the_wires_name(
    row: Operation[Any], params: dict[str, Value], field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        row.check(params)
    assert caught.value.field == field
