"""Reports: what happens to customers' orders, order lists and balances, as user data events and rows of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .accounts import Allocation, OwnMatch, OwnTrade
from .events import UserEvent
from .numbers import cost, milliseconds, text
from .orders import WORKING
from .views import list_view, match_view, order_view, time_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .accounts import Account
    from .orderlists import OrderList
    from .orders import Fill, Order, PreventedMatch

NOTHING = text(0)


def _fill_fields(order: Order, fill: Fill) -> dict[str, Any]:
    """Return what a fill changes in an execution report of ``order``."""
    fee, asset = fill.fee_of(order)
    fields = {
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
    if fill.allocation_id is not None:
        fields |= {"b": "ONE_PARTY_TRADE_REPORT", "a": fill.allocation_id}
    return fields


def _conditional_fields(order: Order) -> dict[str, Any]:
    """Return what an execution report says only of some orders (Order update, conditional fields)."""
    fields: dict[str, Any] = {}
    if order.trail is not None:
        fields |= {"d": order.trail.delta, "D": time_ms(order.trail.since_us)}
    if order.strategy_id is not None:
        fields["j"] = order.strategy_id
    if order.strategy_type is not None:
        fields["J"] = order.strategy_type
    if order.floor is not None:
        fields |= {"k": order.floor, "uS": True}
    if order.peg is not None:
        fields |= _peg_fields(order)
    if order.expiry_reason is not None:
        fields["eR"] = order.expiry_reason
    return fields


def _peg_fields(order: Order) -> dict[str, Any]:
    peg = order.peg
    assert peg is not None
    fields: dict[str, Any] = {"gP": peg.kind}
    if peg.offset_kind is not None:
        fields |= {"gOT": peg.offset_kind, "gOV": peg.offset}
    if order.price:
        fields["gp"] = text(order.price)
    return fields


class Reports:
    """The reports of one symbol: user data events go out through ``emit``, the house hears nothing."""

    def __init__(self, symbol: str, base: str, quote: str, emit: Callable[[UserEvent], None]) -> None:
        self._symbol = symbol
        self._base = base
        self._quote = quote
        self._emit = emit
        self._execution_id = 0
        self._touched: dict[Account, dict[str, None]] = {}
        """Whom something happened to since the last flush, and the assets of theirs that it may have moved."""

    def accepted(self, order: Order, now_us: int) -> None:
        """Tell that the engine took the order."""
        if order.account.house:
            return
        order.account.blotter(self._symbol).add(order)
        self._report(order, "NEW", now_us)

    def activated(self, order: Order, now_us: int) -> None:
        """Tell that an order that waited works now, or that a pending one waits for its trigger."""
        self._report(order, "NEW", now_us)

    def noted(self, order: Order, now_us: int) -> None:
        """Let queries see a change that no event tells: a trailing order has begun to follow the market."""
        order.history.note(order_view(order), now_us)

    def filled(self, order: Order, fill: Fill, now_us: int) -> None:
        """Tell of a fill of the order."""
        account = order.account
        if account.house:
            return
        fields = _fill_fields(order, fill)
        self._report(order, "TRADE", now_us, fields)
        blotter, common = account.blotter(self._symbol), self._own_fill(order, fields, now_us)
        if fill.allocation_id is None:
            view = {"symbol": self._symbol, "id": fill.trade_id, **common, "isBestMatch": True}
            blotter.trades.append(OwnTrade(fill.trade_id, order.id, now_us, view))
            return
        head = {"symbol": self._symbol, "allocationId": fill.allocation_id, "allocationType": "SOR"}
        view = {**head, **common, "isAllocator": False}
        blotter.allocations.append(Allocation(fill.allocation_id, order.id, now_us, view))

    @staticmethod
    def _own_fill(order: Order, fields: dict[str, Any], now_us: int) -> dict[str, Any]:
        """Return what myTrades and myAllocations tell of a fill."""
        return {
            "orderId": order.id,
            "orderListId": order.list_id,
            "price": fields["L"],
            "qty": fields["l"],
            "quoteQty": fields["Y"],
            "commission": fields["n"],
            "commissionAsset": fields["N"],
            "time": milliseconds(now_us),
            "isBuyer": order.buys,
            "isMaker": fields["m"],
        }

    def ended(self, order: Order, now_us: int) -> None:
        """Tell that the order expired by its type's rules."""
        if not order.account.house:
            self._report(order, "EXPIRED", now_us)

    def rejected(self, order: Order, now_us: int) -> None:
        """Tell that the order was not accepted: no query will ever know of it."""
        self._report(order, "REJECTED", now_us)

    def canceled(self, order: Order, cancel_id: str, now_us: int) -> None:
        """Tell that the order was cancelled; the report carries the cancel's own id in ``c``, the order's in ``C``."""
        if not order.account.house:
            self._report(order, "CANCELED", now_us, {"c": cancel_id, "C": order.client_id})

    def replaced(self, order: Order, original: str, before: int, now_us: int) -> int:
        """Tell that the order was made smaller under a new client id, and return the execution id."""
        order.account.blotter(self._symbol).rename(order)
        working = order.is_open and order.phase == WORKING
        self._report(order, "REPLACED", now_us, {"C": original, "w": working})
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
            "u": order.account.trade_group,
            "U": (match.taker if is_maker else match.maker).id,
            "Cs": (match.taker if is_maker else match.maker).symbol,
            "pl": text(last),
            "pL": text(match.price),
            "pY": text(cost(match.price, last)),
        }
        self._report(order, "TRADE_PREVENTION", now_us, {"m": is_maker}, stopped)

    def recorded(self, match: PreventedMatch, now_us: int) -> None:
        """Keep a prevented match for the queries of both parties."""
        own = OwnMatch(match.id, match.taker.id, match.maker.id, now_us, match_view(match, now_us))
        for account in {match.taker.account: None, match.maker.account: None}:
            account.blotter(self._symbol).prevented.append(own)

    def listed(self, kept: OrderList, status_type: str, now_us: int) -> None:
        """Tell of an order list (List status)."""
        now = milliseconds(now_us)
        kept.updated_us = now_us
        kept.history.note(list_view(kept), now_us)
        event = {
            "e": "listStatus",
            "E": now,
            "s": self._symbol,
            "g": kept.id,
            "c": kept.contingency,
            "l": status_type,
            "L": kept.status,
            "r": "NONE",
            "C": kept.client_id,
            "T": now,
            "O": [{"s": order.symbol, "i": order.id, "c": order.client_id} for order in kept.orders],
        }
        self._emit(UserEvent(kept.account, event))

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
        order.history.note(order_view(order), now_us)
        touched = self._touched.setdefault(account, dict.fromkeys((self._base, self._quote)))
        if not order.is_open:
            account.blotter(self._symbol).open.pop(order.id, None)
        report = self._fields(order, execution, now_us)
        report |= changes or {}
        report |= _conditional_fields(order)
        report |= conditional or {}
        if report["N"] is not None:
            touched[report["N"]] = None
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
            "p": text(order.shown_price),
            "P": text(order.stop_price),
            "F": text(order.iceberg or 0),
            "g": order.list_id,
            "C": "",
            "x": execution,
            "X": order.status,
            "r": order.reject_reason,
            "i": order.id,
            "l": NOTHING,
            "z": text(order.executed),
            "L": NOTHING,
            "n": "0",
            "N": None,
            "T": now,
            "t": -1,
            "I": self._execution_id,
            "w": execution == "NEW" and order.phase == WORKING,
            "m": False,
            "M": False,
            "O": milliseconds(order.created_us),
            "Z": text(order.spent),
            "Y": NOTHING,
            "Q": text(order.quote_quantity),
            **({} if order.working_us is None else {"W": milliseconds(order.working_us)}),
            "V": order.stp,
        }

    def flush(self, now_us: int) -> None:
        """Tell every customer touched since the last call how the assets now stand that may have moved."""
        for account, assets in self._touched.items():
            account.updated_us = now_us
            self._emit(position(account, assets, now_us))
        self._touched.clear()


def position(account: Account, assets: Collection[str], now_us: int) -> UserEvent:
    """Return the ``outboundAccountPosition`` of some assets (Account update); queries see them so from now on."""
    now = milliseconds(now_us)
    for asset in assets:
        account.note(asset, now_us)
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
