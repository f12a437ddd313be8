"""Drawing: schedules by chance, drawn beforehand so that a failing run can be shrunk by leaving faults out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from trio_binance.sandbox.network import DialFault
from trio_binance.sandbox.pipe import Link

from .bends import ENDINGS, Answer, Bend
from .deeds import BlackHole, CloseSockets, DialTrouble, Reset, SendRaw, ServerShutdown, Slow
from .schedule import FaultSchedule
from .triggers import OnHandshake, OnRequest, Timed

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from .deeds import Deed
    from .triggers import Fault


def random_schedule(rng: random.Random, *, seconds: float, count: int, requests: int = 100) -> FaultSchedule:
    """Return a schedule drawn from ``rng``; a random half of the kinds is left out, so that runs differ in character.

    Args:
        rng: the only source of chance; the same state gives the same schedule.
        seconds: timed faults lie within so many seconds.
        count: how many faults.
        requests: faults of requests strike one of the first so many.
    """
    kinds = rng.sample(_KINDS, (len(_KINDS) + 1) // 2)
    faults = [rng.choice(kinds)(rng, seconds, requests) for _ in range(count)]
    return FaultSchedule(tuple(faults))


Draw: TypeAlias = "Callable[[random.Random, float, int], Fault]"


def _timed(deed: Callable[[random.Random], Deed]) -> Draw:
    return lambda rng, seconds, _requests: Timed(rng.uniform(0, seconds), deed(rng))


def _bent(bend: Callable[[random.Random], Bend]) -> Draw:
    return lambda rng, _seconds, requests: OnRequest(rng.randint(1, requests), bend(rng))


def _handshake(bend: Callable[[random.Random], Bend]) -> Draw:
    return lambda rng, _seconds, requests: OnHandshake(rng.randint(1, max(1, requests // 10)), bend(rng))


_RETRY_AFTER = ("1", "3", "0", "-5", "60", "soon", "99999999999", "Fri, 01 Jan 2027 00:00:00 GMT", None)
_CODES = (-1000, -1001, -1006, -1007, -1008, -1016)
_KINDS: list[Draw] = [
    _timed(lambda _: Reset()),
    _timed(lambda rng: BlackHole(rng.choice(("in", "out", "both")), rng.uniform(1, 120))),
    _timed(lambda rng: DialTrouble(rng.choice(tuple(DialFault)), rng.uniform(1, 30))),
    _timed(
        lambda rng: Slow(Link(rng.uniform(0, 2), rng.uniform(0, 1), rng.choice((None, 1, 100))), rng.uniform(1, 60))
    ),
    _timed(lambda rng: ServerShutdown(rng.choice((0.0, 1.0, 10.0)))),
    _timed(lambda rng: CloseSockets(rng.choice((None, 1000, 1001, 1008, 1011, 1012, 1013)))),
    _timed(lambda rng: SendRaw(rng.randbytes(rng.randint(1, 64)))),
    _bent(lambda _: Bend.say(Answer.waf())),
    _bent(lambda rng: Bend.say(Answer.limited(rng.choice(_RETRY_AFTER)))),
    _bent(lambda rng: Bend.say(Answer.limited(rng.choice(_RETRY_AFTER), banned=True))),
    _bent(lambda rng: Bend(rng.random() < 0.5, answer=Answer.error(503, rng.choice(_CODES), "Unknown error."))),
    _bent(lambda rng: Bend(rng.random() < 0.5, answer=Answer.html(rng.choice((500, 502, 503, 504))))),
    _bent(lambda _: Bend.say(Answer.redirect("http://elsewhere.invalid/"))),
    _bent(lambda rng: Bend.late(rng.uniform(1, 30))),
    _bent(lambda rng: Bend(hold=rng.uniform(1, 30))),
    _bent(lambda rng: Bend.lost(executed=rng.random() < 0.5, ending=rng.choice(ENDINGS))),
    _bent(lambda rng: Bend.cut(rng.randint(1, 400), rng.choice(ENDINGS))),
    _handshake(lambda rng: Bend.say(rng.choice((Answer.waf(), Answer.html(503), Answer.limited("5"))))),
    _handshake(lambda rng: Bend.lost(executed=False, ending=rng.choice(ENDINGS))),
]
