"""The desk behind both doors: takes an authenticated request through the limits to the market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import attrs

from .gate import Claim, authenticate, check_names, find_key, market_params, read_stamp
from .meter import Meter
from .refusals import Refusal

if TYPE_CHECKING:
    from .accounts import Account
    from .events import Json
    from .keys import Key
    from .market import Market
    from .operations import Operation
    from .rules import Rules


@attrs.frozen
class Call:
    """A request of either wire, read but not yet checked.

    ``received_us`` is when it came in, ``forwarded_us`` when it was forwarded to the matching engine, as it is executed
    where nothing is said: both moments are checked against its timestamp. ``now_us`` is when it is executed.
    """

    operation: Operation
    params: dict[str, str]
    claim: Claim | Key
    """What proves whose it is; a ``Key`` when the session was logged on with it."""
    address: str
    received_us: int
    now_us: int
    wire: str
    forwarded_us: int | None = None


@final
class Desk:
    """Takes calls: weight first, then key, parameters, time, unfilled orders, and at last the market."""

    def __init__(self, market: Market, keys: Mapping[str, Key], rules: Rules) -> None:
        self.market = market
        self.keys = keys
        self.rules = rules
        self.meter: Meter = Meter(rules)

    def answer(self, call: Call) -> Json:
        """Return the result of a call, or raise its ``Refusal``."""
        weight = call.operation.weight(call.params)
        self.meter.take_request(call.address, weight, call.now_us, rest=call.wire == "rest")
        result = self._serve(call, self.admit(call))
        if call.operation.free_on_success or _amended_to_nothing(call.operation, result):
            # CHANGELOG 2026-03-27: successful trading requests cost nothing, failed ones their documented weight.
            self.meter.give_back(call.address, weight, call.now_us)
        return result

    def admit(self, call: Call) -> Key | None:
        """Return the key of a signed call, everything about it checked, or ``None`` for a public one."""
        key = self._key(call) if call.operation.signed else None
        check_names(call.operation, call.params)
        if key is not None:
            stamp = read_stamp(call.params)
            stamp.check(call.received_us)
            try:
                stamp.check(call.now_us if call.forwarded_us is None else call.forwarded_us)
            except Refusal:
                # CHANGELOG 2025-05-22: the check before the matching engine counts the refused orders all the same.
                self.meter.add_orders(key.account, call.operation.orders, call.now_us)
                raise
        return key

    def _key(self, call: Call) -> Key:
        trade = call.operation.security == "TRADE"
        if isinstance(call.claim, Claim):
            return authenticate(call.claim, self.keys, call.address, trade=trade)
        return find_key(call.claim.api_key, self.keys, call.address, trade=trade)

    def _serve(self, call: Call, key: Key | None) -> Json:
        name, now_us = call.operation.name, call.now_us
        if name == "GET /api/v3/ping":
            return {}
        if name == "GET /api/v3/time":
            return {"serverTime": now_us // 1000}
        account = None if key is None else key.account
        if name == "GET /api/v3/rateLimit/order":
            return self.order_rows(account, now_us)
        if call.operation.orders and account is not None:
            return self._place(call, account)
        result = self._ask_market(call, account)
        if name == "GET /api/v3/exchangeInfo":
            return {**result, "rateLimits": self.rules.shown(call.wire)}
        return result

    def account_of(self, claim: Claim | Key) -> Account | None:
        """Return the account that a claim names, whether or not it was proven."""
        key = self.keys.get(claim.api_key or "")
        return None if key is None else key.account

    def order_rows(self, account: Account | None, now_us: int) -> list[dict[str, str | int]]:
        """Return the unfilled order counts of an account, the short window first."""
        return [counter.row(account, now_us) for counter in reversed(self.meter.orders)]

    def _place(self, call: Call, account: Account) -> Json:
        orders, now_us = call.operation.orders, call.now_us
        try:
            self.meter.check_orders(account, orders, now_us)
        except Refusal as refusal:
            if call.params.get("orderRateLimitExceededMode") == "CANCEL_ONLY":
                self._cancel_only(call, account, refusal)
            raise
        self.meter.add_orders(account, orders, now_us)
        try:
            return self._ask_market(call, account)
        except Refusal as refusal:
            # "Unfilled Order Count": placed orders count, rejected ones may or may not. Here those that the matching
            # engine refused do, those that never reached it do not.
            if refusal.code > -2000:
                self.meter.add_orders(account, -orders, now_us)
            raise

    def _ask_market(self, call: Call, account: Account | None) -> Json:
        return self.market.call(call.operation.name, market_params(call.params, call.now_us), account, call.now_us)

    def _cancel_only(self, call: Call, account: Account, limit: Refusal) -> None:
        """Raise the answer of a cancelReplace whose new order is beyond the limits: its cancel is done all the same."""
        params, stop = call.params, call.params["cancelReplaceMode"] == "STOP_ON_FAILURE"
        new: Json = {"code": limit.code, "msg": limit.msg}
        try:
            done = self.market.call("DELETE /api/v3/order", _cancel_half(params), account, call.now_us)
        except Refusal as refusal:
            halves = _halves("FAILURE", "NOT_ATTEMPTED" if stop else "FAILURE")
            answers = {"cancelResponse": {"code": refusal.code, "msg": refusal.msg}, "newOrderResponse": new}
            if stop:
                answers["newOrderResponse"] = None
            status, code, text = (429 if stop else 400), -2022, "failed"
        else:
            halves = _halves("SUCCESS", "FAILURE")
            answers = {"cancelResponse": done, "newOrderResponse": new}
            status, code, text = (429 if stop else 409), -2021, "partially failed"
        data = {**halves, **answers, **(limit.data or {} if status == 429 else {})}
        raise Refusal(status, code, f"Order cancel-replace {text}.", data) from None


def _halves(cancel: str, new: str) -> dict[str, Json]:
    return {"cancelResult": cancel, "newOrderResult": new}


_CANCEL_NAMES = {
    "symbol": "symbol",
    "cancelOrderId": "orderId",
    "cancelOrigClientOrderId": "origClientOrderId",
    "cancelNewClientOrderId": "newClientOrderId",
    "cancelRestrictions": "cancelRestrictions",
}


def _cancel_half(params: Mapping[str, str]) -> dict[str, str]:
    return {name: params[theirs] for theirs, name in _CANCEL_NAMES.items() if theirs in params}


def _amended_to_nothing(operation: Operation, result: Json) -> bool:
    # CHANGELOG 2026-04-02: an amendment is free only when it makes the order expire.
    return operation.method == "order.amend.keepPriority" and result.get("amendedOrder", {}).get("status") == "EXPIRED"
