"""The legs: the orders of a list as they are written inside it; symbol, side and quantity are the list's."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

import attrs

from trio_binance.models.enums import OrderType

from .terms import LimitMakerTerms, LimitTerms, Terms, Timed, Triggered


@attrs.frozen(slots=False, repr=False)
class LimitLeg(LimitTerms):
    """A limit order inside a list: ``LimitLeg(price="61000")``; its fields are those of ``LimitOrder``."""


@attrs.frozen(slots=False, repr=False)
class LimitMakerLeg(LimitMakerTerms):
    """A limit order inside a list that may not trade at once; its fields are those of ``LimitMakerOrder``."""


@attrs.frozen(slots=False, repr=False)
class MarketLeg(Terms):
    """A market order inside a list; it has no ``quote_order_qty``, which no list takes."""

    type: ClassVar[OrderType] = OrderType.MARKET


@attrs.frozen(slots=False, repr=False)
class StopLossLeg(Triggered):
    """A stop-loss order inside a list: ``StopLossLeg(stop_price="55000")``; see ``StopLossOrder``."""

    type: ClassVar[OrderType] = OrderType.STOP_LOSS


@attrs.frozen(slots=False, repr=False)
class StopLossLimitLeg(Timed, Triggered):
    """A stop-loss order with a limit inside a list; its fields are those of ``StopLossLimitOrder``."""

    type: ClassVar[OrderType] = OrderType.STOP_LOSS_LIMIT


@attrs.frozen(slots=False, repr=False)
class TakeProfitLeg(Triggered):
    """A take-profit order inside a list: ``TakeProfitLeg(stop_price="70000")``; see ``TakeProfitOrder``."""

    type: ClassVar[OrderType] = OrderType.TAKE_PROFIT


@attrs.frozen(slots=False, repr=False)
class TakeProfitLimitLeg(Timed, Triggered):
    """A take-profit order with a limit inside a list; its fields are those of ``TakeProfitLimitOrder``."""

    type: ClassVar[OrderType] = OrderType.TAKE_PROFIT_LIMIT


WorkingLeg: TypeAlias = LimitLeg | LimitMakerLeg
"""What may come first in a list: it goes on the book at once."""

StopLeg: TypeAlias = StopLossLeg | StopLossLimitLeg
"""The leg of a pair that stops a loss."""

ProfitLeg: TypeAlias = LimitMakerLeg | TakeProfitLeg | TakeProfitLimitLeg
"""The leg of a pair that takes the profit."""

PairLeg: TypeAlias = ProfitLeg | StopLeg
"""What may stand in a pair of which one order cancels the other."""

Leg: TypeAlias = LimitLeg | MarketLeg | PairLeg
"""Any leg of an order list."""
