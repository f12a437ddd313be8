"""The permissions of a symbol."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests._pure.filters.builders import D, check, limit, market, only, scene
from tests._pure.filters.test_counts import OCO, OTOCO
from trio_binance._pure.filters import Free, check_order
from trio_binance.models import (
    LegacyOcoOrder,
    LimitLeg,
    LimitMakerLeg,
    OpocoOrder,
    OpoOrder,
    OrderType,
    OtoOrder,
    PegPriceType,
    SelfTradePreventionMode,
    Side,
    StopLossLeg,
    StopLossOrder,
    SymbolStatus,
)

OTO = OtoOrder(
    "BTCUSDT",
    working_side=Side.BUY,
    working_quantity=1,
    working=LimitLeg(price=100),
    pending_side=Side.SELL,
    pending_quantity=1,
    pending=StopLossLeg(stop_price=90),
)
OPO = OpoOrder("BTCUSDT", working_quantity=1, working=LimitLeg(price=100), pending=StopLossLeg(stop_price=90))
OPOCO = OpocoOrder(
    "BTCUSDT",
    working_quantity=1,
    working=LimitLeg(price=100),
    above=LimitMakerLeg(price=110),
    below=StopLossLeg(stop_price=90),
)
LEGACY = LegacyOcoOrder(
    "BTCUSDT", Side.SELL, quantity=1, limit=LimitMakerLeg(price=110), stop=StopLossLeg(stop_price=90)
)
PEGGED = limit(price=None, peg_price_type=PegPriceType.PRIMARY_PEG)
TRAILING = StopLossOrder("BTCUSDT", Side.SELL, quantity=1, trailing_delta=100)


@pytest.mark.parametrize(
    "request_, rule, field",
    [
        (limit(iceberg_qty="0.1"), "iceberg_allowed", "iceberg_qty"),
        (TRAILING, "allow_trailing_stop", "trailing_delta"),
        (PEGGED, "peg_instructions_allowed", "peg_price_type"),
        (market(quote_order_qty=10), "quote_order_qty_market_allowed", "quote_order_qty"),
        (OCO, "oco_allowed", "type"),
        (LEGACY, "oco_allowed", "type"),
        (OTO, "oto_allowed", "type"),
        (OTOCO, "oto_allowed", "type"),
        (OTOCO, "oco_allowed", "type"),
        (OPO, "oto_allowed", "type"),
        (OPO, "opo_allowed", "type"),
        (OPOCO, "oto_allowed", "type"),
        (OPOCO, "opo_allowed", "type"),
        (OPOCO, "oco_allowed", "type"),
    ],
)
def test_what_the_symbol_does_not_allow_is_told(request_: Any, rule: str, field: str) -> None:
    found = only(check(request_, **{rule: False}))
    assert (found.filter, found.field, found.allowed) == (rule, field, ())
    assert found.reason == "is not allowed on BTCUSDT"
    assert check(request_, **{rule: True}).ok
    # what the switch does not concern is not concerned
    assert check(limit(), **{rule: False}).ok


@pytest.mark.parametrize(
    "request_, rule", [(OCO, "oco_allowed"), (OTO, "oto_allowed"), (TRAILING, "allow_trailing_stop")]
)
def test_what_an_older_answer_does_not_say_is_left_unchecked(request_: Any, rule: str) -> None:
    found = check(request_, **{rule: None})
    assert [(one.filter, one.reason) for one in found.unchecked] == [
        (rule, "the exchange does not say whether BTCUSDT allows it")
    ]
    assert found.ok


@pytest.mark.parametrize("status", [SymbolStatus.HALT, SymbolStatus.BREAK, SymbolStatus.CANCEL_ONLY])
def test_orders_are_placed_while_the_symbol_trades(status: SymbolStatus) -> None:
    found = only(check(limit(), status=status))
    assert (found.filter, found.field, found.value) == ("status", "symbol", "BTCUSDT")
    assert found.reason == f"is in {status}, and not in TRADING"


def test_an_order_type_that_the_symbol_lacks_is_told_for_each_leg() -> None:
    found = check(OTOCO, order_types=(OrderType.LIMIT, OrderType.MARKET))
    assert [(one.filter, one.field, one.value) for one in found.violations] == [
        ("order_types", "above.type", "LIMIT_MAKER"),
        ("order_types", "below.type", "STOP_LOSS"),
    ]
    assert found.violations[0].allowed == ("LIMIT", "MARKET")


def test_a_mode_of_self_trade_prevention_must_be_one_of_the_symbols() -> None:
    order = limit(self_trade_prevention_mode=SelfTradePreventionMode.DECREMENT)
    modes = (SelfTradePreventionMode.NONE, SelfTradePreventionMode.EXPIRE_BOTH)
    found = only(check(order, allowed_self_trade_prevention_modes=modes))
    assert (found.field, found.value, found.allowed) == ("self_trade_prevention_mode", "DECREMENT", modes)
    unknown = check(order, allowed_self_trade_prevention_modes=None)
    assert [one.filter for one in unknown.unchecked] == ["allowed_self_trade_prevention_modes"]
    assert check(attrs.evolve(OCO, self_trade_prevention_mode="NONE"), allowed_self_trade_prevention_modes=modes).ok
    assert check(limit(), allowed_self_trade_prevention_modes=()).ok


def test_an_order_that_replaces_another_needs_a_permission_of_its_own() -> None:
    closed = scene(cancel_replace_allowed=False, free=Free(base=D(1), quote=D(100)))
    assert check_order(limit(), closed).ok
    assert only(check_order(limit(), closed, replaces=True)).filter == "cancel_replace_allowed"
    assert check_order(limit(), scene(), replaces=True).ok
