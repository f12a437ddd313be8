"""What a run does and what goes wrong meanwhile, drawn beforehand from its seed."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any, TypeAlias

import attrs

from trio_binance.models import (
    LimitLeg,
    LimitMakerLeg,
    LimitMakerOrder,
    LimitOrder,
    MarketOrder,
    OcoOrder,
    OrderListRequest,
    OrderRequest,
    OtoOrder,
    Side,
    StopLossLimitLeg,
    TimeInForce,
)
from trio_binance.sandbox.faults import FaultSchedule, random_order_faults

SYMBOL = "BTCUSDT"
WINDOW = 240.0
"""Seconds in which all requests of a run are made."""

Request: TypeAlias = OrderRequest | OrderListRequest


@attrs.frozen
class Deed:
    """One intent: an order or a list at a moment, or the cancellation of that of an earlier deed.

    ``left_after`` are the seconds after which the caller goes away; ``None``: it stays.
    """

    at: float
    name: str
    kind: str
    seed: int
    cancels: str | None = None
    left_after: float | None = None


@attrs.frozen
class Plan:
    """A run: what is done, and what goes wrong."""

    seed: int
    deeds: tuple[Deed, ...]
    faults: FaultSchedule
    prefer: str


_KINDS = ("resting", "resting", "taking", "taking", "market", "market", "maker", "fok", "ioc", "oco", "oto")


def plan_of(seed: int, *, intents: int = 20, cancels: int = 4, lag: float = 40.0) -> Plan:
    """Return the plan of a seed: so many intents, of which some cancel what earlier ones have placed."""
    rng = Random(f"doubt:{seed}")
    moments = sorted(round(rng.uniform(1, WINDOW), 2) for _ in range(intents))
    places, deeds = intents - cancels, list[Deed]()
    order = ["place"] * places + ["cancel"] * cancels
    rng.shuffle(order)
    order.sort(key=lambda what: what == "cancel" and rng.random() < 0.5)
    open_to_cancel = list[str]()
    for number, (at, what) in enumerate(zip(moments, order, strict=True)):
        name = f"d{seed}-{number}"
        left = round(rng.uniform(0, 3), 2) if rng.random() < 0.15 else None
        if what == "cancel" and open_to_cancel:
            target = open_to_cancel.pop(rng.randrange(len(open_to_cancel)))
            deeds.append(Deed(at, name, "cancel", rng.getrandbits(32), target, left))
            continue
        kind = rng.choice(_KINDS)
        if kind == "resting":
            open_to_cancel.append(name)
        deeds.append(Deed(at, name, kind, rng.getrandbits(32), None, left))
    faults = random_order_faults(
        rng,
        seconds=WINDOW + 60,
        requests=3 * intents,
        lags=rng.choice((0, 1, 2)),
        longest_lag=lag,
        holds=rng.choice((0, 1)),
        cuts=rng.choice((0, 0, 1, 2)),
    )
    return Plan(seed, tuple(deeds), faults, rng.choice(("rest", "ws_api")))


def request_of(deed: Deed, bid: Decimal, ask: Decimal) -> Request:
    """Return what a deed places, priced by the market of the moment."""
    rng = Random(deed.seed)
    quantity = Decimal(rng.randint(10, 60)).scaleb(-5)
    low, high = bid - rng.randint(500, 3000), ask + rng.randint(500, 3000)
    about: dict[str, Any] = {"client_order_id": deed.name}
    match deed.kind:
        case "resting":
            return LimitOrder(SYMBOL, Side.BUY, quantity=quantity, price=low, **about)
        case "taking":
            return LimitOrder(SYMBOL, Side.BUY, quantity=quantity, price=ask + 5, **about)
        case "market":
            return MarketOrder(SYMBOL, rng.choice((Side.BUY, Side.SELL)), quantity=quantity, **about)
        case "maker":
            return LimitMakerOrder(SYMBOL, Side.SELL, quantity=quantity, price=high, **about)
        case "ioc" | "fok":
            tif = TimeInForce.IOC if deed.kind == "ioc" else TimeInForce.FOK
            price = ask + rng.choice((-50, 5))
            return LimitOrder(SYMBOL, Side.BUY, quantity=quantity, price=price, time_in_force=tif, **about)
        case "oco":
            return OcoOrder(
                SYMBOL,
                Side.SELL,
                quantity=quantity,
                above=LimitMakerLeg(price=high),
                below=StopLossLimitLeg(stop_price=low, price=low - 10),
                list_client_order_id=deed.name,
            )
        case _:
            return OtoOrder(
                SYMBOL,
                working=LimitLeg(price=low),
                working_side=Side.BUY,
                working_quantity=quantity,
                pending=LimitMakerLeg(price=high),
                pending_side=Side.SELL,
                pending_quantity=quantity,
                list_client_order_id=deed.name,
            )
