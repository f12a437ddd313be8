"""Intents, sightings and dockets to tell stories with; the exchange's clock is at ``START_MS`` when Trio's is at 0."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from trio_binance._pure.intents import (
    AskWitness,
    Effect,
    Intent,
    Intents,
    ListSighting,
    OrderSighting,
    Owner,
    Part,
    Query,
    Settle,
    Stamp,
    Terms,
    Verdict,
    facts,
)
from trio_binance.models import Evidence, ListOrderStatus, OrderStatus

START_MS = 1_700_000_000_000
FENCE = 1.0 + 5.0 + 10.0 + 5.0
"""Of what was stamped at 1 and has a window of 5 s: the engine's 10 s later, and the margin."""
SYMBOL = "BTCUSDT"
NO_EVIDENCE = Evidence()
OWNER = Owner.of("sandbox", "a key")

E = TypeVar("E")


def stamp(at: float = 1.0, window_ms: int = 5_000) -> Stamp:
    return Stamp(START_MS + int(at * 1000), window_ms, "rest")


def placement(name: str = "mine", **more: Any) -> Intent:
    params: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": Decimal("0.10"),
    }
    return Intent(f"i-{name}", "POST /api/v3/order", {**params, "newClientOrderId": name, **more})


def cancellation(**params: Any) -> Intent:
    params = params or {"orderId": 7}
    return Intent("i-cancel", "DELETE /api/v3/order", {"symbol": SYMBOL, "newClientOrderId": "cancel", **params})


def order(
    status: OrderStatus | None = OrderStatus.NEW,
    name: str = "mine",
    order_id: int = 7,
    at: float | None = 1.1,
    **more: Any,
) -> OrderSighting:
    created_ms = None if at is None else START_MS + int(at * 1000)
    return OrderSighting(SYMBOL, order_id, (name,), status, created_ms=created_ms, **more)


def order_list(
    status: ListOrderStatus = ListOrderStatus.EXECUTING,
    name: str = "list",
    at: float = 1.1,
    orders: tuple[int, ...] = (7, 8),
) -> ListSighting:
    return ListSighting(SYMBOL, 3, name, status, orders, START_MS + int(at * 1000))


def docket(*, stream: bool = True, **terms: Any) -> Intents:
    """Return a docket that knows the exchange's clock, and whose user stream stands."""
    made = Intents(Terms(**terms))
    made.on_clock(START_MS, 0.0, 0.0)
    if stream:
        made.on_watching(1, 0.0)
    return made


def sent(made: Intents, intent: Intent, now: float = 1.0, window_ms: int = 5_000) -> list[Effect]:
    """Let an intent be opened, stamped and sent."""
    effects = made.open(intent, now)
    effects += made.on_fact(intent.intent_id, facts.Sending(stamp(now, window_ms)), now)
    return effects + made.on_fact(intent.intent_id, facts.Left(), now)


def lost(made: Intents, intent: Intent, now: float = 2.0) -> list[Effect]:
    """Let it be sent, and its answer be lost."""
    return sent(made, intent) + made.on_fact(intent.intent_id, facts.Lost("connection reset"), now)


def of(kind: type[E], effects: Sequence[object]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def verdict(effects: Sequence[object]) -> Verdict:
    [settle] = of(Settle, effects)
    return settle.verdict


def standing(made: Intents, intent: Intent, part: Part = Part.WHOLE) -> Verdict:
    return made.standing(intent.intent_id)[part]


def wait(made: Intents, until: float, answer: Any = facts.NotFound, pong: bool = True) -> list[Effect]:
    """Let time pass, and every question and every ping be answered at once; return what else was asked for."""
    rest: list[Effect] = []
    while made.deadline <= until:
        now = made.deadline
        for effect in made.on_timer(now):
            rest += _obey(made, effect, now, answer, pong)
    return rest


def _obey(made: Intents, effect: Effect, now: float, answer: Any, pong: bool) -> list[Effect]:
    if isinstance(effect, Query):
        return made.on_fact(effect.intent_id, answer(now), now, effect.part)
    if isinstance(effect, AskWitness) and pong:
        return made.on_ping(effect.connection, now, now)
    return [effect]
