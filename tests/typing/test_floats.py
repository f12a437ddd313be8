"""A float is no number of the exchange's: an error to type checkers, and one at run time that names the argument.

Type checkers read this file as well: were one of the marked lines no error to them, they would call its mark unused.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from trio_binance import (
    AccountRoom,
    General,
    LegacyOcoOrder,
    LimitLeg,
    LimitMakerLeg,
    LimitOrder,
    Market,
    MarketOrder,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OtocoOrder,
    OtoOrder,
    Side,
    StopLossLeg,
    StopLossOrder,
    Trading,
)
from trio_binance._pure.ids import ClientOrderIds


class Unreachable:
    """A router, the orders and a rulebook that nothing may reach."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called")


NOWHERE: Any = Unreachable()
GENERAL, MARKET, ACCOUNT = General(NOWHERE), Market(NOWHERE), AccountRoom(NOWHERE, None)
TRADING = Trading(NOWHERE, NOWHERE, ClientOrderIds("tb", boot=1), NOWHERE)
ORDER = MarketOrder("BTCUSDT", Side.BUY, quantity=Decimal(1))

BUILT: dict[str, Callable[[], object]] = {
    "quantity": lambda: LimitOrder("A", Side.BUY, quantity=0.5, price="1"),  # type: ignore[arg-type]
    "price": lambda: LimitOrder("A", Side.BUY, quantity="1", price=0.5),  # type: ignore[arg-type]
    "iceberg_qty": lambda: LimitOrder("A", "BUY", quantity="1", price="1", iceberg_qty=0.5),  # type: ignore[arg-type]
    "quote_order_qty": lambda: MarketOrder("A", Side.BUY, quote_order_qty=0.5),  # type: ignore[arg-type]
    "stop_price": lambda: StopLossOrder("A", Side.SELL, quantity="1", stop_price=0.5),  # type: ignore[arg-type]
    "trailing_delta": lambda: StopLossOrder("A", "SELL", quantity="1", trailing_delta=0.5),  # type: ignore[arg-type]
    "strategy_id": lambda: MarketOrder("A", Side.BUY, quantity="1", strategy_id=0.5),  # type: ignore[arg-type]
    "peg_offset_value": lambda: LimitLeg(
        peg_price_type="PRIMARY_PEG",
        peg_offset_type="PRICE_LEVEL",
        peg_offset_value=0.5,  # type: ignore[arg-type]
    ),
}

CALLED: dict[str, Callable[[], Awaitable[object]]] = {
    "limit": lambda: MARKET.depth("A", limit=0.5),  # type: ignore[arg-type]
    "start_time": lambda: MARKET.klines("A", interval="1m", start_time=0.5),  # type: ignore[arg-type]
    "from_id": lambda: MARKET.historical_block_trades("A", from_id=0.5),  # type: ignore[arg-type]
    "new_qty": lambda: TRADING.amend_keep_priority("A", order_id=1, new_qty=0.5),  # type: ignore[arg-type]
    "order_id": lambda: TRADING.cancel("A", order_id=0.5),  # type: ignore[arg-type]
    "from_execution_id": lambda: ACCOUNT.order_amendments("A", order_id=1, from_execution_id=0.5),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("field", BUILT)
def test_a_request_is_not_built_of_a_float(field: str) -> None:
    with pytest.raises(TypeError, match=rf"^{field}=0\.5: "):
        BUILT[field]()


def test_a_list_is_not_built_of_a_float() -> None:
    with pytest.raises(TypeError, match=r"^quantity=0\.5: "):
        OcoOrder("A", Side.SELL, quantity=0.5, above=PROFIT, below=LOSS)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", CALLED)
async def test_a_call_is_not_made_with_a_float(field: str) -> None:
    with pytest.raises(TypeError, match=rf"^{field}=0\.5: "):
        await CALLED[field]()


NEEDED: dict[str, object] = {
    "symbol": "A",
    "interval": "1m",
    "from_id": 1,
    "order_id": 1,
    "new_qty": 1,
    "cancel_order_id": 1,
    "order_list_id": 1,
}
"""What has to be given for a call to be complete but for the argument in question."""

PROFIT, LOSS = LimitMakerLeg(price="3"), StopLossLeg(stop_price="1")
FIRST: dict[str, Any] = {"working": LimitLeg(price="2"), "working_quantity": "1"}
THEN: dict[str, Any] = {**FIRST, "working_side": Side.BUY, "pending_side": Side.SELL, "pending_quantity": "1"}
LISTS = {
    "place_oco": OcoOrder("A", Side.SELL, quantity="1", above=PROFIT, below=LOSS),
    "place_oto": OtoOrder("A", **THEN, pending=LOSS),
    "place_otoco": OtocoOrder("A", **THEN, above=PROFIT, below=LOSS),
    "place_opo": OpoOrder("A", **FIRST, pending=LOSS),
    "place_opoco": OpocoOrder("A", **FIRST, above=PROFIT, below=LOSS),
    "place_legacy_oco": LegacyOcoOrder("A", Side.SELL, quantity="1", limit=PROFIT, stop=LOSS),
}


OF_OUR_OWN = {
    "events",
    "mirror",
    "check",
    "check_amendment",
    "snap",
    "track",
    "inherited",
    "unsettled",
    "wait_resolved",
    "wait_settled",
}
"""What asks the exchange nothing, or several things: no row of the catalogue describes it."""
NOT_SENT = {"order", "resolve_within"}
"""Arguments that are no parameter of a request: the first has tests of its own, the second is seconds."""


def arguments_of(room: object) -> list[tuple[object, str, str]]:
    """Return every argument of every method of a room that the catalogue describes."""
    return [
        (room, name, argument)
        for name in dir(room)
        if not name.startswith("_") and name not in OF_OUR_OWN
        for argument in inspect.signature(getattr(room, name)).parameters
        if argument not in NOT_SENT
    ]


@pytest.mark.parametrize(
    ("room", "method", "argument"),
    [case for room in (GENERAL, MARKET, TRADING, ACCOUNT) for case in arguments_of(room)],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_no_argument_of_any_method_may_be_a_float(room: object, method: str, argument: str) -> None:
    call = getattr(room, method)
    accepted = inspect.signature(call).parameters
    given = {name: value for name, value in {**NEEDED, "order": LISTS.get(method, ORDER)}.items() if name in accepted}
    with pytest.raises(TypeError, match=rf"^{argument}=0\.5: expected|^{argument}=0\.5: a float is not exact"):
        await call(**{**given, argument: 0.5})
