"""Listing: order lists are checked as documented, hang together, and end as one."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from trio_binance.sandbox.accounts import Account
from trio_binance.sandbox.market import Market
from trio_binance.sandbox.refusals import Refusal

from .economy import BTCUSDT, START, ask, bare_market, customer, place, reports, strike, user_events

FUNDS = {"USDT": "100000", "BTC": "2"}


def last(market: Market) -> int:
    return int(market.trades("BTCUSDT")[-1].price)


def send(market: Market, account: Account, kind: str, now_us: int = START, **params: Any) -> Any:
    return ask(market, f"POST /api/v3/{kind}", account, now_us, symbol="BTCUSDT", **params)


def oco(market: Market, account: Account, side: str = "SELL", **params: Any) -> Any:
    """Place an OCO of one bitcoin, its stop and its goal a hundred dollars away."""
    price, sign = last(market), 1 if side == "SELL" else -1
    goal, stop = ("above", "below") if side == "SELL" else ("below", "above")
    values: dict[str, Any] = {
        "side": side,
        "quantity": 1,
        f"{goal}Type": "LIMIT_MAKER",
        f"{goal}Price": price + 100 * sign,
        f"{stop}Type": "STOP_LOSS_LIMIT",
        f"{stop}StopPrice": price - 100 * sign,
        f"{stop}Price": price - 120 * sign,
        f"{stop}TimeInForce": "GTC",
    }
    values = {name: value for name, value in (values | params).items() if value is not None}
    return send(market, account, "orderList/oco", **values)


def otoco(market: Market, account: Account, kind: str = "orderList/otoco", **params: Any) -> Any:
    """Place a bid a hundred dollars below, and with it what sells again."""
    price = last(market)
    values: dict[str, Any] = {
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingQuantity": 1,
        "workingPrice": price - 100,
        "workingTimeInForce": "GTC",
        "pendingSide": "SELL",
        "pendingQuantity": 1,
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": price + 100,
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": price - 200,
    }
    values = {name: value for name, value in (values | params).items() if value is not None}
    return send(market, account, kind, **values)


def oto(market: Market, account: Account, kind: str = "orderList/oto", **params: Any) -> Any:
    pairs: dict[str, Any] = dict.fromkeys(
        ("pendingAboveType", "pendingAbovePrice", "pendingBelowType", "pendingBelowStopPrice")
    )
    pending: dict[str, Any] = {"pendingType": "LIMIT", "pendingPrice": last(market) + 100, "pendingTimeInForce": "GTC"}
    return otoco(market, account, kind, **(pairs | pending | params))


def statuses(account: Account) -> list[str]:
    return [order.status for order in account.blotter("BTCUSDT").orders.values()]


def sell_into(market: Market, price: int, quantity: str, now_us: int = START) -> Any:
    return place(market, customer(market, BTC="10"), now_us, side="SELL", price=price, quantity=quantity)


def told(market: Market, kind: str) -> list[Any]:
    return [event for event in user_events(market) if event["e"] == kind]


def check_money(market: Market, *accounts: Account) -> None:
    assert all(amount == 0 for amount in market.audit().values())
    for account in accounts:
        orders = account.blotter("BTCUSDT").open.values()
        for asset, side in (("USDT", "BUY"), ("BTC", "SELL")):
            assert account.balance(asset).free >= 0
            assert account.balance(asset).locked == sum(order.locked for order in orders if order.side == side)


# ------------------------------------------------------------------------------------------------------------ OCO


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_an_oco_locks_the_dearer_of_its_two_orders_once(side: str) -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    placed = oco(market, account, side)
    assert placed["contingencyType"] == "OCO"
    assert (placed["listStatusType"], placed["listOrderStatus"]) == ("EXEC_STARTED", "EXECUTING")
    stop, goal = placed["orderReports"]
    assert [(row["type"], row["status"]) for row in (stop, goal)] == [
        ("STOP_LOSS_LIMIT", "NEW"),
        ("LIMIT_MAKER", "NEW"),
    ]
    assert (stop["workingTime"], goal["workingTime"]) == (-1, START // 1000)
    assert [row["orderId"] for row in placed["orders"]] == [stop["orderId"], goal["orderId"]]
    assert {row["orderListId"] for row in (stop, goal)} == {placed["orderListId"]}
    if side == "BUY":
        assert account.locked("USDT") == price + 120
    else:
        assert account.locked("BTC") == 1
    events = user_events(market)
    assert [event["e"] for event in events] == ["executionReport"] * 2 + ["listStatus", "outboundAccountPosition"]
    assert [event["w"] for event in events[:2]] == [False, True]
    assert (events[2]["l"], events[2]["L"], events[2]["g"]) == ("EXEC_STARTED", "EXECUTING", placed["orderListId"])
    check_money(market, account)


def test_the_first_fill_of_one_order_of_an_oco_ends_the_other() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    oco(market, account, "BUY")
    market.take_events()
    sell_into(market, price - 100, "0.4")
    stop, goal = account.blotter("BTCUSDT").orders.values()
    assert (stop.status, stop.expiry_reason) == ("EXPIRED", "OCO_TRIGGER")
    assert goal.status == "PARTIALLY_FILLED"
    check_money(market, account)
    assert account.locked("USDT") * 10 == (price - 100) * 6
    assert len(account.open_lists) == 1
    assert told(market, "listStatus") == []
    sell_into(market, price - 100, "0.6")
    assert account.open_lists == {}
    [done] = told(market, "listStatus")
    assert (done["l"], done["L"]) == ("ALL_DONE", "ALL_DONE")
    [listed] = ask(market, "GET /api/v3/allOrderList", account)
    assert (listed["listStatusType"], listed["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    check_money(market, account)


def test_a_triggered_stop_ends_the_goal_and_works_with_all_its_funds() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    oco(market, account, "SELL")
    market.take_events()
    strike(market, price - 100)
    stop, goal = account.blotter("BTCUSDT").orders.values()
    assert (stop.status, goal.status, goal.expiry_reason) == ("NEW", "EXPIRED", "OCO_TRIGGER")
    mine = [row for row in reports(market) if row[2] in (stop.id, goal.id)]
    assert mine == [("EXPIRED", "EXPIRED", goal.id), ("NEW", "NEW", stop.id)]
    assert account.locked("BTC") == 1
    check_money(market, account)


def test_cancelling_one_order_cancels_its_list_and_answers_the_list() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    placed = oco(market, account)
    one = placed["orders"][1]["orderId"]
    market.take_events()
    cancelled = ask(
        market, "DELETE /api/v3/order", account, symbol="BTCUSDT", orderId=one, newClientOrderId="the cancel"[:3]
    )
    assert (cancelled["contingencyType"], cancelled["listOrderStatus"]) == ("OCO", "ALL_DONE")
    assert [row["status"] for row in cancelled["orderReports"]] == ["CANCELED"] * 2
    assert {row["clientOrderId"] for row in cancelled["orderReports"]} == {"the"}
    assert [row["origClientOrderId"] for row in cancelled["orderReports"]] == [
        row["clientOrderId"] for row in placed["orders"]
    ]
    events = user_events(market)
    assert [event["e"] for event in events] == ["executionReport"] * 2 + ["listStatus", "outboundAccountPosition"]
    assert account.free("BTC") == 2
    check_money(market, account)


def test_a_list_is_cancelled_by_either_of_its_ids_which_must_agree() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    placed = oco(market, account, listClientOrderId="mine")
    delete = "DELETE /api/v3/orderList"
    symbol: dict[str, Any] = {"symbol": "BTCUSDT"}
    for params, code in (
        ({}, -1102),
        ({"orderListId": 99}, -2011),
        ({"listClientOrderId": "other"}, -2011),
        ({"orderListId": placed["orderListId"], "listClientOrderId": "other"}, -2011),
    ):
        with pytest.raises(Refusal) as caught:
            ask(market, delete, account, **symbol, **params)
        assert caught.value.code == code
    assert ask(market, delete, account, **symbol, listClientOrderId="mine")["listOrderStatus"] == "ALL_DONE"
    placed = oco(market, account)
    assert ask(market, delete, account, **symbol, orderListId=placed["orderListId"])["listOrderStatus"] == "ALL_DONE"


def test_cancelling_everything_answers_orders_and_lists() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    place(market, account, price=price - 500, quantity="0.1")
    oco(market, account)
    order, listed = ask(market, "DELETE /api/v3/openOrders", account, symbol="BTCUSDT")
    assert order["orderListId"] == -1
    assert [row["status"] for row in listed["orderReports"]] == ["CANCELED"] * 2
    assert ask(market, "GET /api/v3/openOrders", account) == []
    check_money(market, account)


@pytest.mark.parametrize(
    ("side", "params", "code", "msg"),
    [
        ("SELL", {"aboveType": "MARKET"}, -1158, "Order type not supported in OCO."),
        ("SELL", {"belowType": "LIMIT_MAKER"}, -1168, "At least one OCO order must be contingent."),
        (
            "BUY",
            {"aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS"},
            -1165,
            "A limit order in a buy OCO must be below.",
        ),
        (
            "SELL",
            {"aboveType": "TAKE_PROFIT", "belowType": "LIMIT_MAKER"},
            -1166,
            "A limit order in a sell OCO must be above.",
        ),
        ("BUY", {"belowType": "STOP_LOSS"}, -1196, "A stop loss order in a buy OCO must be above."),
        ("SELL", {"aboveType": "STOP_LOSS"}, -1197, "A stop loss order in a sell OCO must be below."),
        ("BUY", {"aboveType": "TAKE_PROFIT"}, -1198, "A take profit order in a buy OCO must be below."),
        ("SELL", {"belowType": "TAKE_PROFIT_LIMIT"}, -1199, "A take profit order in a sell OCO must be above."),
        (
            "SELL",
            {"belowIcebergQty": "0.1", "belowTimeInForce": "IOC"},
            -1160,
            "Parameter 'belowIcebergQty' is not supported if `aboveTimeInForce`/`belowTimeInForce` is not GTC.",
        ),
        ("SELL", {"belowStopPrice": 70_000}, -2010, "The relationship of the prices for the orders is not correct."),
        ("SELL", {"abovePrice": 50_000}, -2010, "The relationship of the prices for the orders is not correct."),
        ("BUY", {"belowPrice": 70_000}, -2010, "The relationship of the prices for the orders is not correct."),
        (
            "BUY",
            {"belowType": "TAKE_PROFIT", "belowPrice": None, "belowStopPrice": 70_000},
            -2010,
            "The relationship of the prices for the orders is not correct.",
        ),
        (
            "SELL",
            {"aboveType": "TAKE_PROFIT_LIMIT", "aboveTimeInForce": "GTC", "aboveStopPrice": 50_000},
            -2010,
            "Order would trigger immediately.",
        ),
        ("SELL", {"quantity": 3}, -2010, "Account has insufficient balance for requested action."),
        (
            "SELL",
            {"aboveClientOrderId": "same", "belowClientOrderId": "same"},
            -2010,
            "Duplicate order sent.",
        ),
        (
            "SELL",
            {"abovePrice": None},
            -1102,
            "Mandatory parameter 'abovePrice' was not sent, was empty/null, or malformed.",
        ),
        ("SELL", {"abovePrice": "70000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ("SELL", {"aboveStrategyType": 5}, -1134, None),
    ],
)
def test_a_bad_oco_is_refused_in_the_documented_words_and_changes_nothing(
    side: str, params: dict[str, Any], code: int, msg: str | None
) -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    values: dict[str, Any] = {
        "side": side,
        "quantity": 1,
        "aboveType": "LIMIT_MAKER" if side == "SELL" else "STOP_LOSS_LIMIT",
        "belowType": "LIMIT_MAKER" if side == "BUY" else "STOP_LOSS_LIMIT",
        "abovePrice": price + 100,
        "belowPrice": price - 100,
    } | ({"belowStopPrice": price - 50, "belowTimeInForce": "GTC"} if side == "SELL" else {})
    values |= {"aboveStopPrice": price + 50, "aboveTimeInForce": "GTC"} if side == "BUY" else {}
    sent: dict[str, Any] = {name: value for name, value in (values | params).items() if value is not None}
    with pytest.raises(Refusal) as caught:
        send(market, account, "orderList/oco", **sent)
    assert caught.value.code == code
    assert msg is None or caught.value.msg == msg
    assert market.take_events() == []
    assert account.lists == {}
    check_money(market, account)


def test_the_oco_request_of_old_places_the_same_list() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    stop: dict[str, Any] = {"stopPrice": price - 100, "stopClientOrderId": "stop"}
    placed = send(
        market, account, "order/oco", side="SELL", quantity=1, price=price + 100, limitClientOrderId="goal", **stop
    )
    assert [row["type"] for row in placed["orderReports"]] == ["STOP_LOSS", "LIMIT_MAKER"]
    assert [row["clientOrderId"] for row in placed["orders"]] == ["stop", "goal"]
    limited: dict[str, Any] = {"stopPrice": price - 100, "stopLimitPrice": price - 110, "stopLimitTimeInForce": "GTC"}
    placed = send(market, account, "order/oco", side="SELL", quantity=1, price=price + 100, **limited)
    assert placed["orderReports"][0]["type"] == "STOP_LOSS_LIMIT"
    with pytest.raises(Refusal, match="'stopLimitTimeInForce'"):
        send(market, account, "order/oco", side="SELL", quantity=1, price=price + 100, stopPrice=1, stopLimitPrice=1)


# ------------------------------------------------------------------------------------------- OTO, OTOCO, OPO, OPOCO


def test_a_pending_order_waits_for_the_whole_of_the_working_one() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    placed = oto(market, account)
    assert placed["contingencyType"] == "OTO"
    working, pending = placed["orderReports"]
    assert (working["status"], pending["status"], pending["workingTime"]) == ("NEW", "PENDING_NEW", -1)
    assert [account.locked(asset) for asset in ("USDT", "BTC")] == [price - 100, 0]
    market.take_events()
    sell_into(market, price - 100, "0.5")
    assert statuses(account) == ["PARTIALLY_FILLED", "PENDING_NEW"]
    assert len(ask(market, "GET /api/v3/openOrders", account)) == 2
    sell_into(market, price - 100, "0.5", START + 1_000)
    assert statuses(account) == ["FILLED", "NEW"]
    assert account.locked("BTC") == 1
    [activated] = [e for e in told(market, "executionReport") if e["i"] == pending["orderId"]]
    assert (activated["x"], activated["X"], activated["w"], activated["W"]) == ("NEW", "NEW", True, START // 1000 + 1)
    check_money(market, account)


def test_an_answer_shows_a_pending_order_pending_although_it_is_through_already() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    sell_into(market, price - 100, "1")
    placed = oto(market, account, newOrderRespType="FULL")
    assert [row["status"] for row in placed["orderReports"]] == ["FILLED", "PENDING_NEW"]
    assert len(placed["orderReports"][0]["fills"]) == 1
    assert statuses(account) == ["FILLED", "NEW"]


def test_a_working_order_that_expires_ends_its_list() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    otoco(market, account, workingTimeInForce="IOC")
    orders = list(account.blotter("BTCUSDT").orders.values())
    assert [order.status for order in orders] == ["EXPIRED"] * 3
    assert [order.expiry_reason for order in orders[1:]] == ["OTO_PHASE_ONE_EXPIRED"] * 2
    assert account.open_lists == {}
    check_money(market, account)


def test_the_pending_orders_of_an_otoco_are_an_oco() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    placed = otoco(market, account)
    assert [row["type"] for row in placed["orderReports"]] == ["LIMIT", "STOP_LOSS", "LIMIT_MAKER"]
    sell_into(market, price - 100, "1")
    assert statuses(account) == ["FILLED", "NEW", "NEW"]
    assert account.locked("BTC") == 1
    strike(market, price - 200)
    assert statuses(account) == ["FILLED", "EXPIRED", "EXPIRED"]  # no bid was there for the stop
    assert account.open_lists == {}
    check_money(market, account)


def test_a_pending_order_that_its_owner_cannot_pay_expires_rejected() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    oto(market, account, pendingQuantity=5)
    market.take_events()
    sell_into(market, price - 100, "1")
    assert statuses(account) == ["FILLED", "EXPIRED"]
    [event] = [e for e in told(market, "executionReport") if e["X"] == "EXPIRED"]
    assert (event["r"], event["eR"]) == ("INSUFFICIENT_BALANCES", "REJECTED")
    check_money(market, account)


def test_a_pending_pair_falls_together() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    otoco(market, account, pendingBelowStopPrice=price - 50)
    sell_into(market, price - 100, "1")
    stop, goal = list(account.blotter("BTCUSDT").orders.values())[1:]
    assert (stop.expiry_reason, stop.reject_reason) == ("REJECTED", "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY")
    assert (goal.status, goal.expiry_reason) == ("EXPIRED", "OCO_TRIGGER")
    assert account.open_lists == {}
    check_money(market, account)


def test_a_pending_pair_must_have_the_market_between_its_orders_when_it_begins() -> None:
    """The goal would rest in peace, and yet it is no goal: the last price has passed it already."""
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    otoco(market, account, workingPrice=price - 100, pendingAbovePrice=price - 150, pendingBelowStopPrice=price - 300)
    sell_into(market, price - 100, "1")
    stop, goal = list(account.blotter("BTCUSDT").orders.values())[1:]
    assert (goal.expiry_reason, goal.reject_reason) == ("REJECTED", "OCO_BAD_PRICES")
    assert (stop.status, stop.expiry_reason) == ("EXPIRED", "OCO_TRIGGER")
    assert account.open_lists == {}
    check_money(market, account)


def test_cancelling_a_pending_order_cancels_the_working_one_too() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    placed = otoco(market, account)
    ask(market, "DELETE /api/v3/order", account, symbol="BTCUSDT", orderId=placed["orders"][2]["orderId"])
    assert statuses(account) == ["CANCELED"] * 3
    assert account.free("USDT") == 100_000


@pytest.mark.parametrize(("free", "sold"), [("2", "1.00000000"), ("0.0005", "0.99900000")])
def test_an_opo_sells_what_it_bought_and_pays_the_commission_from_elsewhere_if_it_can(free: str, sold: str) -> None:
    market = bare_market()
    account, price = customer(market, USDT="100000", BTC=free), last(market)
    placed = oto(market, account, "orderList/opo", pendingQuantity=None)
    assert "origQty" not in placed["orderReports"][1]
    sell_into(market, price - 100, "0.4")
    assert account.locked("BTC") > 0  # what is received is the pending order's
    check_money(market, account)
    sell_into(market, price - 100, "0.6")
    pending = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=placed["orders"][1]["orderId"])
    assert (pending["status"], pending["origQty"]) == ("NEW", sold)
    assert str(account.locked("BTC")) == sold
    check_money(market, account)


def test_an_opoco_locks_what_it_bought_once_for_both() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    placed = otoco(market, account, "orderList/opoco", pendingQuantity=None)
    assert ["origQty" in row for row in placed["orderReports"]] == [True, False, False]
    sell_into(market, price - 100, "1")
    assert statuses(account) == ["FILLED", "NEW", "NEW"]
    assert account.locked("BTC") == 1
    place(market, customer(market, USDT="100000"), price=price + 100, quantity="1")
    assert statuses(account) == ["FILLED", "EXPIRED", "FILLED"]
    check_money(market, account)


def test_an_opo_that_is_cancelled_gives_back_what_it_bought_so_far() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    placed = oto(market, account, "orderList/opo", pendingQuantity=None)
    sell_into(market, price - 100, "0.4")
    ask(market, "DELETE /api/v3/orderList", account, symbol="BTCUSDT", orderListId=placed["orderListId"])
    assert account.locked("BTC") == account.locked("USDT") == 0
    check_money(market, account)


@pytest.mark.parametrize(
    ("params", "code"),
    [({"workingSide": "SELL"}, -1222), ({"pendingSide": "BUY"}, -1223), ({"workingType": "MARKET"}, -1116)],
)
def test_an_opo_buys_first_and_sells_then(params: dict[str, Any], code: int) -> None:
    market = bare_market()
    with pytest.raises(Refusal) as caught:
        oto(market, customer(market, **FUNDS), "orderList/opo", pendingQuantity=None, **params)
    assert caught.value.code == code


def test_a_pending_market_order_needs_a_quantity_of_the_base_asset() -> None:
    market = bare_market()
    with pytest.raises(Refusal, match="'pendingQuantity'"):
        oto(
            market,
            customer(market, **FUNDS),
            pendingType="MARKET",
            pendingPrice=None,
            pendingTimeInForce=None,
            pendingQuantity=None,
        )


# ------------------------------------------------------------------------------------------------ around the lists


@pytest.mark.parametrize(
    ("kind", "lists", "msg"),
    [
        ("orderList/oco", {"OTO"}, "OCO orders are not supported for this symbol"),
        ("orderList/oto", {"OCO"}, "OTO orders are not supported for this symbol."),
        ("orderList/opo", {"OCO", "OTO"}, "OPO orders are not supported for this symbol."),
    ],
)
def test_a_symbol_may_take_no_lists_of_a_kind(kind: str, lists: set[str], msg: str) -> None:
    market = bare_market()
    market.set_rules(attrs.evolve(BTCUSDT, lists=frozenset(lists)), START)
    with pytest.raises(Refusal) as caught:
        send(market, customer(market, **FUNDS), kind)
    assert (caught.value.code, caught.value.msg) == (-2010, msg)


def test_no_more_lists_and_orders_than_the_filters_allow() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    market.set_rules(attrs.evolve(BTCUSDT, max_order_lists=1), START)
    oco(market, account)
    with pytest.raises(Refusal, match="MAX_NUM_ORDER_LISTS"):
        oco(market, account)
    market.set_rules(attrs.evolve(BTCUSDT, max_orders=3), START)
    with pytest.raises(Refusal, match="MAX_NUM_ORDERS"):
        oco(market, account)


def test_an_amendment_makes_both_orders_of_an_oco_smaller() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    placed = oco(market, account)
    market.take_events()
    query = {"symbol": "BTCUSDT", "orderId": placed["orders"][1]["orderId"]}
    amended = ask(
        market, "PUT /api/v3/order/amend/keepPriority", account, **query, newQty="0.4", newClientOrderId="smaller"
    )
    assert amended["amendedOrder"]["qty"] == "0.40000000"
    assert amended["listStatus"]["orders"][1]["clientOrderId"] == "smaller"
    events = user_events(market)
    assert [event.get("x", event["e"]) for event in events] == [
        "REPLACED",
        "REPLACED",
        "listStatus",
        "outboundAccountPosition",
    ]
    assert events[2]["l"] == "UPDATED"
    assert {order.quantity for order in account.blotter("BTCUSDT").open.values()} == {40_000_000}
    assert str(account.locked("BTC")) == "0.40000000"
    check_money(market, account)


def test_pending_orders_can_be_amended_unless_their_quantity_is_not_theirs() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    amend = "PUT /api/v3/order/amend/keepPriority"
    placed = oto(market, account)
    query = {"symbol": "BTCUSDT", "orderId": placed["orders"][1]["orderId"], "newQty": "0.4"}
    amended = ask(market, amend, account, **query)["amendedOrder"]
    assert (amended["status"], amended["qty"], "workingTime" in amended) == ("PENDING_NEW", "0.40000000", False)
    placed = oto(market, account, "orderList/opo", pendingQuantity=None, workingQuantity="0.1")
    with pytest.raises(Refusal) as caught:
        ask(market, amend, account, **(query | {"orderId": placed["orders"][1]["orderId"]}))
    assert (caught.value.code, caught.value.msg) == (-2038, "Order amend (pending OPO order) is not supported.")
    check_money(market, account)


def test_a_pending_market_order_has_no_price_to_check_when_it_is_amended() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    placed = oto(market, account, pendingType="MARKET", pendingPrice=None, pendingTimeInForce=None)
    query = {"symbol": "BTCUSDT", "orderId": placed["orders"][1]["orderId"], "newQty": "0.00001"}
    amended = ask(market, "PUT /api/v3/order/amend/keepPriority", account, **query)["amendedOrder"]
    assert (amended["type"], amended["price"], amended["qty"]) == ("MARKET", "0.00000000", "0.00001000")


def test_the_goal_of_an_oco_may_be_pegged() -> None:
    market = bare_market()
    price = last(market)
    place(market, customer(market, BTC="1"), side="SELL", price=price + 50, quantity="1")
    placed = oco(market, customer(market, **FUNDS), abovePrice=None, abovePegPriceType="PRIMARY_PEG")
    goal = placed["orderReports"][1]
    assert (goal["pegPriceType"], goal["peggedPrice"]) == ("PRIMARY_PEG", f"{price + 50}.00000000")


def test_pending_pegged_orders_take_their_price_when_they_begin() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    placed = oto(market, account, pendingPrice=None, pendingPegPriceType="PRIMARY_PEG")
    assert "peggedPrice" not in placed["orderReports"][1]
    place(market, customer(market, BTC="1"), side="SELL", price=price + 50, quantity="1")
    sell_into(market, price - 100, "1")
    pending = ask(market, "GET /api/v3/order", account, symbol="BTCUSDT", orderId=placed["orders"][1]["orderId"])
    assert (pending["status"], pending["peggedPrice"]) == ("NEW", f"{price + 50}.00000000")


def test_a_single_order_that_is_cancel_replaced_may_belong_to_a_list() -> None:
    market = bare_market()
    account, price = customer(market, **FUNDS), last(market)
    placed = oco(market, account)
    replaced = ask(
        market,
        "POST /api/v3/order/cancelReplace",
        account,
        symbol="BTCUSDT",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=placed["orders"][0]["orderId"],
        side="SELL",
        type="LIMIT",
        timeInForce="GTC",
        quantity=2,
        price=price + 10,
    )
    assert replaced["cancelResponse"]["contingencyType"] == "OCO"
    assert replaced["newOrderResponse"]["status"] == "NEW"


def test_the_exchange_can_end_lists_for_its_own_reasons() -> None:
    market = bare_market()
    account = customer(market, **FUNDS)
    oco(market, account)
    otoco(market, account)
    market.expire_orders("BTCUSDT", START)
    assert set(statuses(account)) == {"EXPIRED"}
    assert account.open_lists == {}
    check_money(market, account)
