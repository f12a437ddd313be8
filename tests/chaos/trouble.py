"""A day's trouble, drawn beforehand: everything that can happen to a line, several times an hour."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from trio_binance.sandbox.faults import (
    BlackHole,
    CloseSockets,
    DialTrouble,
    Fault,
    FaultSchedule,
    LoseEvents,
    OnDial,
    OnHandshake,
    OnRequest,
    Reset,
    SendRaw,
    ServerShutdown,
    Slow,
    Timed,
    random_schedule,
)
from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.pipe import Link

BEARABLE = ("0", "1", "3", "-5", "60", "soon", "5")


def is_bearable(fault: Fault) -> bool:
    """Leave out what sends us away for days: then there is nothing to keep anything by."""
    answer = fault.bend.answer if isinstance(fault, OnRequest | OnHandshake) else None
    return answer is None or dict(answer.headers).get("retry-after", "0") in BEARABLE


def trouble(rng: random.Random, hours: float, *, an_hour: int = 6) -> FaultSchedule:
    """Return a schedule: every kind of cut, silence, slowness and loss, and requests that fail in every way."""
    seconds = hours * 3600
    kinds: list[Callable[[], Any]] = [
        Reset,
        lambda: BlackHole(rng.choice(("in", "out", "both")), rng.uniform(10, 200)),
        BlackHole,  # for good: only giving it up helps
        lambda: CloseSockets(rng.choice((1000, 1001, 1008, 1011, 1012, None))),
        lambda: ServerShutdown(rng.choice((0.0, 5.0, 60.0))),
        lambda: LoseEvents(rng.randint(2, 30), rng.uniform(1, 120)),
        lambda: DialTrouble(rng.choice(tuple(DialFault)), rng.uniform(1, 60)),
        lambda: Slow(Link(rng.uniform(0, 2), rng.uniform(0, 1), rng.choice((None, 1, 100))), rng.uniform(1, 60)),
        lambda: SendRaw(rng.randbytes(rng.randint(1, 64))),
    ]
    count = round(hours * an_hour)
    timed = [Timed(rng.uniform(5, seconds), rng.choice(kinds)()) for _ in range(count)]
    drawn = random_schedule(rng, seconds=seconds, count=count // 2, requests=100 * count).faults
    return FaultSchedule((*timed, *(fault for fault in drawn if is_bearable(fault))))


def kinds_of(faults: Iterable[Fault]) -> Counter[str]:
    """Return how often each kind of trouble is in a schedule."""
    return Counter(_kind_of(fault) for fault in faults)


def _kind_of(fault: Fault) -> str:
    if isinstance(fault, Timed):
        return type(fault.deed).__name__
    return "dial" if isinstance(fault, OnDial) else "handshake" if isinstance(fault, OnHandshake) else "request"
