"""Views: orders, order lists, fills and prevented matches as answers show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .numbers import milliseconds, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .matching import Outcome
    from .orderlists import OrderList
    from .orders import Fill, Order, PreventedMatch

Json = dict[str, Any]

NEVER = -1
_PREVENTED_TAKER = ("EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
_PREVENTED_MAKER = ("EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")


def time_ms(time_us: int | None) -> int:
    """Return a time in milliseconds, -1 for one that has not come."""
    return NEVER if time_us is None else milliseconds(time_us)


def order_view(order: Order) -> Json:
    """Return the order as GET order shows it (Query order)."""
    view: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "price": text(order.shown_price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "cummulativeQuoteQty": text(order.spent),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.kind,
        "side": order.side,
        "stopPrice": text(order.stop_price),
        "icebergQty": text(order.iceberg or 0),
        "time": milliseconds(order.created_us),
        "updateTime": milliseconds(order.updated_us),
        "isWorking": order.working_us is not None,
        "workingTime": time_ms(order.working_us),
        "origQuoteOrderQty": text(order.quote_quantity),
        "selfTradePreventionMode": order.stp,
    }
    return view | conditional_fields(order, queried=True)


def conditional_fields(order: Order, *, queried: bool = False) -> Json:
    """Return the fields that an order shows only when they apply (Conditional fields in order responses).

    ``queried`` leaves out those that queries show of every order.
    """
    fields: Json = {}
    if order.iceberg is not None and not queried:
        fields["icebergQty"] = text(order.iceberg)
    if order.prevented_match_id is not None:
        fields |= {"preventedMatchId": order.prevented_match_id, "preventedQuantity": text(order.prevented)}
    if order.is_contingent and not queried:
        fields["stopPrice"] = text(order.stop_price)
    if order.strategy_id is not None:
        fields["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        fields["strategyType"] = order.strategy_type
    if order.trail is not None:
        fields |= {"trailingDelta": order.trail.delta, "trailingTime": time_ms(order.trail.since_us)}
    if order.floor is not None:
        fields |= {"usedSor": True, "workingFloor": order.floor}
    fields |= _peg_fields(order)
    if order.expiry_reason is not None:
        fields["expiryReason"] = order.expiry_reason
    return fields


def _peg_fields(order: Order) -> Json:
    peg = order.peg
    if peg is None:
        return {}
    fields: Json = {"pegPriceType": peg.kind}
    if peg.offset_kind is not None:
        fields |= {"pegOffsetType": peg.offset_kind, "pegOffsetValue": peg.offset}
    if order.price:
        fields["peggedPrice"] = text(order.price)
    return fields


def _result_fields(order: Order) -> Json:
    return {
        "price": text(order.shown_price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": text(order.quote_quantity),
        "cummulativeQuoteQty": text(order.spent),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.kind,
        "side": order.side,
    }


# ------------------------------------------------------------------------------------------------------ new orders


def _fill_view(order: Order, fill: Fill) -> Json:
    fee, asset = fill.fee_of(order)
    view: Json = {} if fill.allocation_id is None else {"matchType": "ONE_PARTY_TRADE_REPORT"}
    view |= {
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "commission": text(fee),
        "commissionAsset": asset,
        "tradeId": fill.trade_id,
    }
    return view if fill.allocation_id is None else view | {"allocId": fill.allocation_id}


def _prevented_view(match: PreventedMatch) -> Json:
    view: Json = {"preventedMatchId": match.id}
    if match.mode == "TRANSFER":
        view["makerSymbol"] = match.maker.symbol
    return view | {"makerOrderId": match.maker.id, "price": text(match.price)} | _prevented_quantities(match)


def _prevented_quantities(match: PreventedMatch) -> Json:
    view: Json = {}
    if match.mode in _PREVENTED_TAKER:
        view["takerPreventedQuantity"] = text(match.taker_quantity)
    if match.mode in _PREVENTED_MAKER:
        view["makerPreventedQuantity"] = text(match.maker_quantity)
    return view


def match_view(match: PreventedMatch, now_us: int) -> Json:
    """Return a prevented match as GET myPreventedMatches lists it."""
    return {
        "symbol": match.taker.symbol,
        "preventedMatchId": match.id,
        "takerOrderId": match.taker.id,
        "makerSymbol": match.maker.symbol,
        "makerOrderId": match.maker.id,
        "tradeGroupId": match.taker.account.trade_group,
        "selfTradePreventionMode": match.mode,
        "price": text(match.price),
        **_prevented_quantities(match),
        "transactTime": milliseconds(now_us),
    }


def placed_view(order: Order, answer_type: str, outcome: Outcome) -> Json:
    """Return the answer to a new order: ACK, RESULT or FULL (New order, newOrderRespType)."""
    fills, prevented = outcome
    view: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "transactTime": milliseconds(order.created_us),
    }
    if answer_type == "ACK":
        return view
    view |= _result_fields(order)
    if order.order_list is not None and order.order_list.takes_proceeds and order.status == "PENDING_NEW":
        # "OPO": the quantity of a pending order is not known before its working order is filled.
        del view["origQty"]
    view |= {"workingTime": time_ms(order.working_us), "selfTradePreventionMode": order.stp}
    if answer_type == "FULL":
        view["fills"] = [_fill_view(order, fill) for fill in fills]
        if prevented:
            view["preventedMatches"] = [_prevented_view(match) for match in prevented]
    if prevented and order.account.trade_group != NEVER:
        view["tradeGroupId"] = order.account.trade_group
    return view | conditional_fields(order)


# ------------------------------------------------------------------------------------------- cancels and amendments


def cancelled_view(order: Order, cancel_id: str, now_us: int) -> Json:
    """Return the answer to a cancel: ``clientOrderId`` is the cancel's own id (Cancel order)."""
    view: Json = {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": milliseconds(now_us),
        **_result_fields(order),
        "selfTradePreventionMode": order.stp,
    }
    return view | conditional_fields(order)


def amended_view(order: Order, original: str) -> Json:
    """Return the order as the answer to an amendment shows it (Order amend keep priority)."""
    view: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "origClientOrderId": original,
        "clientOrderId": order.client_id,
        "price": text(order.shown_price),
        "qty": text(order.quantity),
        "executedQty": text(order.executed),
        "preventedQty": text(order.prevented),
        "quoteOrderQty": text(order.quote_quantity),
        "cumulativeQuoteQty": text(order.spent),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.kind,
        "side": order.side,
    }
    if order.working_us is not None:
        view["workingTime"] = milliseconds(order.working_us)
    return view | {"selfTradePreventionMode": order.stp} | conditional_fields(order)


# ------------------------------------------------------------------------------------------------------ order lists


def list_view(kept: OrderList) -> Json:
    """Return an order list as queries show it (Query order list)."""
    status = {"EXECUTING": "EXEC_STARTED"}.get(kept.status, kept.status)
    return {
        "orderListId": kept.id,
        "contingencyType": kept.contingency,
        "listStatusType": status,
        "listOrderStatus": kept.status,
        "listClientOrderId": kept.client_id,
        "transactionTime": milliseconds(kept.updated_us),
        "symbol": kept.symbol,
        "orders": [
            {"symbol": order.symbol, "orderId": order.id, "clientOrderId": order.client_id} for order in kept.orders
        ],
    }


def amended_list_view(kept: OrderList) -> Json:
    """Return an order list as the answer to an amendment of one of its orders shows it."""
    view = list_view(kept)
    names = ("orderListId", "contingencyType", "listOrderStatus", "listClientOrderId", "symbol", "orders")
    return {name: view[name] for name in names}


def placed_list_view(kept: OrderList, answer_type: str, outcomes: Mapping[int, Outcome]) -> Json:
    """Return the answer to a new order list."""
    reports = [placed_view(order, answer_type, outcomes[order.id]) for order in kept.orders]
    return list_view(kept) | {"orderReports": reports}


def cancelled_list_view(kept: OrderList, cancelled: Sequence[Order], cancel_id: str, now_us: int) -> Json:
    """Return the answer to the cancel of an order list (Cancel order list)."""
    return list_view(kept) | {"orderReports": [cancelled_view(order, cancel_id, now_us) for order in cancelled]}
