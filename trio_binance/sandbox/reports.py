"""Reports: what happens to customers' orders and balances, as user data events and as the rows queries show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .accounts import OwnTrade
from .events import UserEvent
from .numbers import cost, milliseconds, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .accounts import Account
    from .orders import Fill, Order, PreventedMatch

NOTHING = text(0)


def order_view(order: Order) -> dict[str, Any]:
    """Return the order as GET order shows it (Query order)."""
    view: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "cummulativeQuoteQty": text(order.spent),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.kind,
        "side": order.side,
        "stopPrice": NOTHING,
        "icebergQty": NOTHING,
        "time": milliseconds(order.created_us),
        "updateTime": milliseconds(order.updated_us),
        "isWorking": True,
        "workingTime": milliseconds(order.created_us),
        "origQuoteOrderQty": text(order.quote_quantity),
        "selfTradePreventionMode": order.stp,
    }
    return view | conditional_fields(order)


def conditional_fields(order: Order) -> dict[str, Any]:
    """Return the fields that an order shows only when they apply (Conditional fields in order responses)."""
    fields: dict[str, Any] = {}
    if order.prevented_match_id is not None:
        fields |= {"preventedMatchId": order.prevented_match_id, "preventedQuantity": text(order.prevented)}
    if order.strategy_id is not None:
        fields["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        fields["strategyType"] = order.strategy_type
    if order.expiry_reason is not None:
        fields["expiryReason"] = order.expiry_reason
    return fields


def _fill_fields(order: Order, fill: Fill) -> dict[str, Any]:
    """Return what a fill changes in an execution report of ``order``."""
    fee, asset = fill.fee_of(order)
    return {
        "l": text(fill.quantity),
        "L": text(fill.price),
        "n": text(fee),
        "N": asset,
        "t": fill.trade_id,
        "Y": text(fill.quote),
        "w": order is fill.maker and order.remaining > 0,
        "m": order is fill.maker,
        "M": True,
    }


class Reports:
    """The reports of one symbol: user data events go out through ``emit``, the house hears nothing."""

    def __init__(self, symbol: str, base: str, quote: str, emit: Callable[[UserEvent], None]) -> None:
        self._symbol = symbol
        self._base = base
        self._quote = quote
        self._emit = emit
        self._execution_id = 0
        self._touched: dict[Account, None] = {}

    def accepted(self, order: Order, now_us: int) -> None:
        """Tell that the engine took the order."""
        if order.account.house:
            return
        order.account.blotter(self._symbol).add(order)
        self._report(order, "NEW", now_us)

    def filled(self, order: Order, fill: Fill, now_us: int) -> None:
        """Tell of a fill of the order."""
        account = order.account
        if account.house:
            return
        fields = _fill_fields(order, fill)
        self._report(order, "TRADE", now_us, fields)
        view = {
            "symbol": self._symbol,
            "id": fill.trade_id,
            "orderId": order.id,
            "orderListId": -1,
            "price": fields["L"],
            "qty": fields["l"],
            "quoteQty": fields["Y"],
            "commission": fields["n"],
            "commissionAsset": fields["N"],
            "time": milliseconds(now_us),
            "isBuyer": order.buys,
            "isMaker": fields["m"],
            "isBestMatch": True,
        }
        account.blotter(self._symbol).trades.append(OwnTrade(fill.trade_id, order.id, now_us, view))

    def ended(self, order: Order, now_us: int) -> None:
        """Tell that the order expired by its type's rules."""
        if not order.account.house:
            self._report(order, "EXPIRED", now_us)

    def canceled(self, order: Order, cancel_id: str, now_us: int) -> None:
        """Tell that the order was cancelled; the report carries the cancel's own id in ``c``, the order's in ``C``."""
        if not order.account.house:
            self._report(order, "CANCELED", now_us, {"c": cancel_id, "C": order.client_id})

    def replaced(self, order: Order, original: str, before: int, now_us: int) -> int:
        """Tell that the order was made smaller under a new client id, and return the execution id."""
        blotter = order.account.blotter(self._symbol)
        blotter.newest.pop(original, None)
        blotter.newest[order.client_id] = order
        self._report(order, "REPLACED", now_us, {"C": original, "w": order.is_open})
        order.amendments.append(
            {
                "symbol": self._symbol,
                "orderId": order.id,
                "executionId": self._execution_id,
                "origClientOrderId": original,
                "newClientOrderId": order.client_id,
                "origQty": text(before),
                "newQty": text(order.quantity),
                "time": milliseconds(now_us),
            }
        )
        return self._execution_id

    def prevented(self, order: Order, match: PreventedMatch, now_us: int) -> None:
        """Tell that self-trade prevention took a part of the order away."""
        is_maker = order is match.maker
        last = match.maker_quantity if is_maker else match.taker_quantity
        stopped = {
            "v": match.id,
            "A": text(order.prevented),
            "B": text(last),
            "u": -1,
            "U": (match.taker if is_maker else match.maker).id,
            "Cs": self._symbol,
            "pl": text(last),
            "pL": text(match.price),
            "pY": text(cost(match.price, last)),
        }
        self._report(order, "TRADE_PREVENTION", now_us, {"m": is_maker}, stopped)

    def _report(
        self,
        order: Order,
        execution: str,
        now_us: int,
        changes: dict[str, Any] | None = None,
        conditional: dict[str, Any] | None = None,
    ) -> None:
        account = order.account
        self._execution_id += 1
        order.updated_us = now_us
        order.history.append((now_us, order_view(order)))
        self._touched[account] = None
        if not order.is_open:
            account.blotter(self._symbol).open.pop(order.id, None)
        report = self._fields(order, execution, now_us)
        report |= changes or {}
        if order.strategy_id is not None:
            report["j"] = order.strategy_id
        if order.strategy_type is not None:
            report["J"] = order.strategy_type
        report |= conditional or {}
        if order.expiry_reason is not None:
            report["eR"] = order.expiry_reason
        self._emit(UserEvent(account, report))

    def _fields(self, order: Order, execution: str, now_us: int) -> dict[str, Any]:
        """Return the fields that every execution report has (Order update)."""
        now = milliseconds(now_us)
        return {
            "e": "executionReport",
            "E": now,
            "s": self._symbol,
            "c": order.client_id,
            "S": order.side,
            "o": order.kind,
            "f": order.tif,
            "q": text(order.quantity),
            "p": text(order.price),
            "P": NOTHING,
            "F": NOTHING,
            "g": -1,
            "C": "",
            "x": execution,
            "X": order.status,
            "r": "NONE",
            "i": order.id,
            "l": NOTHING,
            "z": text(order.executed),
            "L": NOTHING,
            "n": "0",
            "N": None,
            "T": now,
            "t": -1,
            "I": self._execution_id,
            "w": execution == "NEW",
            "m": False,
            "M": False,
            "O": milliseconds(order.created_us),
            "Z": text(order.spent),
            "Y": NOTHING,
            "Q": text(order.quote_quantity),
            "W": milliseconds(order.created_us),
            "V": order.stp,
        }

    def flush(self, now_us: int) -> None:
        """Tell every customer touched since the last call how the two assets now stand."""
        for account in self._touched:
            account.updated_us = now_us
            self._emit(position(account, (self._base, self._quote), now_us))
        self._touched.clear()


def position(account: Account, assets: Iterable[str], now_us: int) -> UserEvent:
    """Return the ``outboundAccountPosition`` of some assets (Account update)."""
    now = milliseconds(now_us)
    balances = [(asset, account.balance(asset)) for asset in assets]
    return UserEvent(
        account,
        {
            "e": "outboundAccountPosition",
            "E": now,
            "u": now,
            "B": [{"a": asset, "f": text(held.free), "l": text(held.locked)} for asset, held in balances],
        },
    )
