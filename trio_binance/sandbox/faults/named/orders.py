"""Order faults: what can become of an order, its answer, and what is told of it later."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from trio_binance.sandbox.faults.bends import Answer, Bend, Edit, Ending, Keep
from trio_binance.sandbox.faults.deeds import (
    CancelOrders,
    ChangeFilters,
    Deed,
    DrainBook,
    ExpireOrders,
    FillOrders,
    ForeignOrder,
    JumpClock,
    ReplicaLag,
    SetStatus,
    UseUpOrders,
)
from trio_binance.sandbox.faults.triggers import Faults, OnRequest, Timed, Wire

from .entries import AMEND, CANCEL, INSTANT, PLACE, REPLACE, SYMBOL, Elsewhere, Entry, Scripted, bent, brought

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT: Final = Answer.error(
    503, -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
)
UNEXPECTED: Final = Answer.error(
    503, -1006, "An unexpected response was received from the message bus. Execution status unknown."
)
_ACK = ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
_NO_MULTIPLE = Decimal(1000)
"""A step of quantities that no order of a test fits."""


def _lost(*, executed: bool, ending: Ending = Ending.RESET) -> Bend:
    return Bend.lost(executed=executed, ending=ending)


def _executed_and_lost(ending: Ending = Ending.RESET) -> Bend:
    return _lost(executed=True, ending=ending)


def _never_received(ending: Ending = Ending.RESET) -> Bend:
    return _lost(executed=False, ending=ending)


def _refused_and_lost(
    nth: int, on: str = PLACE, wire: Wire = "any", symbol: str = SYMBOL, ending: Ending = Ending.RESET
) -> Faults:
    return (OnRequest(nth, _lost(executed=True, ending=ending), on, wire, _closed(symbol)),)


def _closed(symbol: str) -> tuple[Timed, ...]:
    return (Timed(0.0, SetStatus(symbol, "HALT", INSTANT)),)


def _executed_late(
    after: float = 1.0,
    hold: float = 0.0,
    matching: float = 3.0,
    answer: Answer | None = None,
    ending: Ending = Ending.RESET,
) -> Bend:
    return Bend.given_up(after, hold, answer, Ending.KEEP if answer is not None else ending, matching=matching)


def _said(answer: Answer, *, executed: bool) -> Bend:
    return Bend(executed, answer=answer)


def _timeout(executed: bool = True) -> Bend:
    return _said(TIMEOUT, executed=executed)


def _unexpected(executed: bool = True) -> Bend:
    return _said(UNEXPECTED, executed=executed)


def _arrives_twice() -> Bend:
    return Bend(executions=2)


def _archived(archived: bool = False) -> Bend:
    if archived:
        return Bend.say(
            Answer.error(400, -2026, "Order was canceled or expired with no executed qty over 90 days ago.")
        )
    return Bend.edited(Edit("cummulativeQuoteQty", '"-1.00000000"'))


def _lag(lag: float = 40.0, seconds: float = 120.0) -> tuple[Deed, ...]:
    return (ReplicaLag(lag, seconds),)


def _filled_behind(symbol: str = SYMBOL, lag: float = 1.0, seconds: float = 30.0) -> tuple[Deed, ...]:
    return FillOrders(symbol), ReplicaLag(lag, seconds)


def _fill(symbol: str = SYMBOL) -> tuple[Deed, ...]:
    return (FillOrders(symbol),)


def _close(symbol: str = SYMBOL) -> tuple[Deed, ...]:
    return (SetStatus(symbol, "HALT", INSTANT),)


def _leg_refused(symbol: str = SYMBOL) -> tuple[Deed, ...]:
    return ChangeFilters(symbol, step=_NO_MULTIPLE, seconds=INSTANT), FillOrders(symbol)


def _status(symbol: str = SYMBOL, status: str = "CANCEL_ONLY", seconds: float = 60.0) -> tuple[Deed, ...]:
    return (SetStatus(symbol, status, seconds),)


def _filters(
    symbol: str = SYMBOL, tick: Decimal | None = None, step: Decimal | None = _NO_MULTIPLE, seconds: float = 60.0
) -> tuple[Deed, ...]:
    return (ChangeFilters(symbol, tick, step, seconds),)


def _jump(by: float = 30.0) -> tuple[Deed, ...]:
    return (JumpClock(by),)


def _foreign(
    symbol: str = SYMBOL, side: Literal["BUY", "SELL"] = "BUY", quantity: str = "0.001", price: Decimal | None = None
) -> tuple[Deed, ...]:
    return (ForeignOrder(symbol, side, Decimal(quantity), price),)


ORDERS: Final[Mapping[str, Entry]] = {
    "O01": bent("accepted, the answer is lost", PLACE, _executed_and_lost),
    "O02": Scripted("refused, the answer is lost", _refused_and_lost),
    "O03": bent("never received, the connection is lost", PLACE, _never_received),
    "O04": bent("executed late, after the client was answered or cut off", PLACE, _executed_late),
    "O05": bent("-1007, and executed or not", PLACE, _timeout),
    "O06": bent("-1006, and executed or not", PLACE, _unexpected),
    "O07": bent("arrives twice, the first is filled: both are accepted", PLACE, _arrives_twice),
    "O08": bent("arrives twice, the first is open: -2010 Duplicate order sent", PLACE, _arrives_twice),
    "O09": brought("queries do not know the order yet: the replica lags", PLACE, _lag),
    "O10": brought("openOrders still shows an order that is filled", "GET /api/v3/openOrders", _filled_behind),
    "O11": brought("a fill comes before the cancel: -2011", CANCEL, _fill),
    "O12": bent("cancelled, the answer is lost", CANCEL, _executed_and_lost),
    "O13": brought("cancelReplace: cancelled, the new order refused", REPLACE, _close),
    "O14": brought("cancelReplace: the old order was filled, the new one may be placed all the same", REPLACE, _fill),
    "O15": bent("cancelReplace: done, the answer is lost", REPLACE, _executed_and_lost),
    "O16": brought("cancelReplace beyond the limit of unfilled orders", REPLACE, lambda: (UseUpOrders(),)),
    "O17": bent("amended under another client id, the answer is lost", AMEND, _executed_and_lost),
    "O18": brought(
        "cancelled by another program: c is the cancel's id, C the order's",
        PLACE,
        lambda symbol=SYMBOL: (CancelOrders(symbol),),
        after=1.0,
    ),
    "O19": bent("an ACK: neither status nor fills", PLACE, lambda: Bend.edited(Keep(_ACK))),
    "O20": brought("nothing to trade with: expires at once", PLACE, lambda symbol=SYMBOL: (DrainBook(symbol),)),
    "O21": brought(
        "the working leg is filled, the pending one refused", "POST /api/v3/orderList/oto", _leg_refused, after=1.0
    ),
    "O22": brought("ended by the exchange itself", PLACE, lambda symbol=SYMBOL: (ExpireOrders(symbol),), after=1.0),
    "O23": brought("the symbol stops trading, or has a status nobody knows", PLACE, _status),
    "O24": brought("the filters change while orders come in", PLACE, _filters),
    "O25": brought("-1021: the exchange's clock has jumped", PLACE, _jump),
    "O26": brought("an order of another program on the same account", PLACE, _foreign, after=1.0),
    "O27": bent("an archived order, or one whose quote quantity is not known", "GET /api/v3/order", _archived),
    "O28": Elsewhere("the client's process dies between send and answer", "kill the client; the exchange goes on"),
    "O29": Elsewhere("the client's disk is full, or the last line of its journal torn", "the client's own machine"),
    "O30": Elsewhere("client ids collide after a restart", "the client's own ids; the exchange accepts one again"),
}
