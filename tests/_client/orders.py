"""Orders of a system test: prices around those of the embedded exchange, and lists of every kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests._client.world import World
from trio_binance.models import (
    LegacyOcoOrder,
    LimitLeg,
    LimitMakerLeg,
    LimitOrder,
    OcoOrder,
    OpocoOrder,
    OpoOrder,
    OrderListRequest,
    OtocoOrder,
    OtoOrder,
    Side,
    StopLossLeg,
    StopLossLimitLeg,
    TakeProfitLeg,
)

QUANTITY = Decimal("0.00100")
SYMBOL = "BTCUSDT"


def account_of(world: World) -> Any:
    [key] = world.sandbox.exchange.keys.values()
    return key.account


def below(world: World, step: int = 1000) -> Decimal:
    """Return a price at which nobody sells."""
    return world.sandbox.market.book(SYMBOL).bids[0][0] - step


def resting(world: World, step: int = 1000, **options: Any) -> LimitOrder:
    """Return a buy that will wait on the book."""
    return LimitOrder(SYMBOL, Side.BUY, quantity=QUANTITY, price=below(world, step), **options)


def every_list(world: World, **options: Any) -> dict[str, OrderListRequest]:
    """Return a list of each kind, none of which trades at once, by the name of the method that places it."""
    high, low = below(world, -2000), below(world, 2000)
    profit, loss = LimitMakerLeg(price=high), StopLossLimitLeg(stop_price=low, price=low - 10)
    working: dict[str, Any] = {"working": LimitLeg(price=below(world)), "working_quantity": QUANTITY, **options}
    triggering: dict[str, Any] = {
        **working,
        "working_side": Side.BUY,
        "pending_side": Side.SELL,
        "pending_quantity": QUANTITY,
    }
    pair: dict[str, Any] = {"above": TakeProfitLeg(stop_price=high), "below": StopLossLeg(stop_price=low)}
    return {
        "place_oco": OcoOrder(SYMBOL, Side.SELL, quantity=QUANTITY, above=profit, below=loss, **options),
        "place_oto": OtoOrder(SYMBOL, **triggering, pending=LimitMakerLeg(price=high)),
        "place_otoco": OtocoOrder(SYMBOL, **triggering, **pair),
        "place_opo": OpoOrder(SYMBOL, **working, pending=LimitMakerLeg(price=high)),
        "place_opoco": OpocoOrder(SYMBOL, **working, **pair),
        "place_legacy_oco": LegacyOcoOrder(SYMBOL, Side.SELL, quantity=QUANTITY, limit=profit, stop=loss, **options),
    }
