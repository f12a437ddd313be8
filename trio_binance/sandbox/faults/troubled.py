"""Troubled days: what goes wrong with the orders of a day, drawn beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from .bends import ENDINGS, Answer, Bend, Edit, Ending
from .deeds import BlackHole, CutSockets, EndUserStreams, ReplicaLag
from .named.orders import TIMEOUT, UNEXPECTED
from .schedule import FaultSchedule
from .triggers import OnRequest, Spell, Timed

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from .deeds import Deed
    from .triggers import Fault

Draw: TypeAlias = "Callable[[random.Random], Bend]"

LONGEST_MATCH: Final = 8.0
"""Seconds that the matching engine takes at most: nobody bounds it, and whoever waits has to stop some time."""
_OVERLOADED = Answer.error(503, -1008, "Server is currently overloaded with other requests. Please try again later.")
_NOT_YOURS = Edit("clientOrderId", '"not-what-was-asked-for"')


def _either(rng: random.Random) -> bool:
    return rng.random() < 0.5


def _late(rng: random.Random, after: float, answer: Answer | None, ending: Ending = Ending.KEEP) -> Bend:
    return Bend.given_up(after, rng.uniform(0, 6), answer, ending, matching=rng.uniform(0, LONGEST_MATCH))


def _held(rng: random.Random) -> Bend:
    return Bend(hold=rng.uniform(0, 6), matching=rng.uniform(0, LONGEST_MATCH))


ORDER_TROUBLE: Final[Mapping[str, Draw]] = {
    "executed, the answer lost": lambda rng: Bend.lost(executed=True, ending=rng.choice(ENDINGS)),
    "not executed, the answer lost": lambda rng: Bend.lost(executed=False, ending=rng.choice(ENDINGS)),
    "executed late, the line cut first": lambda rng: _late(rng, rng.uniform(0, 1), None, rng.choice(ENDINGS)),
    "executed late, timed out first": lambda rng: _late(rng, rng.uniform(0, 10), TIMEOUT),
    "-1007": lambda rng: Bend(_either(rng), answer=TIMEOUT),
    "-1006": lambda rng: Bend(_either(rng), answer=UNEXPECTED),
    "a page of a gateway": lambda rng: Bend(_either(rng), answer=Answer.html(rng.choice((500, 502, 504)))),
    "overloaded": lambda _: Bend.say(_OVERLOADED),
    "answered late": lambda rng: Bend.late(rng.uniform(1, 30)),
    "held": lambda rng: _held(rng),
    "the answer cut": lambda rng: Bend.cut(-rng.randint(1, 100), rng.choice((Ending.EOF, Ending.RESET))),
    "answered twice": lambda _: Bend.twice(),
    "the answer of somebody else": lambda _: Bend(edits=(_NOT_YOURS,), answer_id="other"),
}
"""What can happen to a request that trades. Nothing here has one request arrive twice: whoever counts doubles would
count those too."""


def random_order_faults(
    rng: random.Random,
    *,
    seconds: float = 86_400.0,
    requests: int = 1_000,
    share: float = 0.4,
    lags: int = 24,
    longest_lag: float = 40.0,
    holds: int = 24,
    cuts: int = 48,
) -> FaultSchedule:
    """Return a day of order trouble drawn from ``rng``: the same state gives the same day.

    Args:
        rng: the only source of chance.
        seconds: how long the day is.
        requests: this many requests that trade are looked at, of both wires together, ...
        share: ... and bent with this probability, each in one of the ways of ``ORDER_TROUBLE``.
        lags: how often queries fall behind, for half a minute to ten minutes.
        longest_lag: by how many seconds at most.
        holds: how often the matching engine lets all that trades wait.
        cuts: how often the streams of accounts are cut, silenced or ended.
    """
    ways = list(ORDER_TROUBLE.values())
    struck = [number for number in range(1, requests + 1) if rng.random() < share]
    bent: list[Fault] = [OnRequest(number, rng.choice(ways)(rng), "TRADE") for number in struck]
    lagging = [Timed(rng.uniform(0, seconds), _lag(rng, longest_lag)) for _ in range(lags)]
    holding = [Spell(rng.uniform(0, seconds), rng.uniform(5, 60), _held(rng), "TRADE") for _ in range(holds)]
    cutting = [Timed(rng.uniform(0, seconds), _cut(rng)) for _ in range(cuts)]
    return FaultSchedule((*bent, *lagging, *holding, *cutting))


def _lag(rng: random.Random, longest: float) -> Deed:
    return ReplicaLag(rng.uniform(0, longest), rng.uniform(30, 600))


def _cut(rng: random.Random) -> Deed:
    return rng.choice((CutSockets("ws_api"), EndUserStreams(), BlackHole("in", rng.uniform(5, 120))))
