"""The policies in use, in the same world: what becomes of orders whose reply is lost; ``python -m`` prints the figures.

retry     send it again with the same client id, three times
query     ask once; not found, send it again
poll      ask five times, a second apart; not found, call it rejected
evidence  ours
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from tests._pure.intents.world import Cut, Deed, Plan, Trouble, World
from trio_binance._pure.intents import Accepted, Kind, OrderQuery, Part, Unresolved, facts

DEEDS = 6


def random_trouble(rng: Random, faulty: float = 0.4) -> Trouble:
    """Return what happens to a request: in four of ten something that leaves its outcome open, or delays it."""
    if rng.random() >= faulty:
        return Trouble(refused=rng.random() < 0.1)
    quick = rng.choice((0.01, 0.1, 0.5, 2.0, 4.0))
    kind = rng.choice(("dropped", "mute", "late", "late and mute", "refused and mute", "out of its window"))
    return Trouble(
        dropped=kind == "dropped",
        refused=kind.startswith("refused"),
        entering=5.5 if kind.startswith("out") else quick,
        engine=rng.uniform(0.5, 9.9) if kind.startswith("late") else 0.0,
        reply=0.1 if kind == "late" else None,
        patience=rng.choice((0.5, 1.0, 10.0)),
    )


def random_plan(seed: int, lag: float, *, cut: bool = False) -> Plan:
    """Return a run of six orders."""
    rng = Random(f"{seed}:plan")
    deeds = tuple(
        Deed(
            Kind.PLACE,
            at=round(rng.uniform(1.0, 40.0), 2),
            trouble=random_trouble(rng),
            fills=rng.choice((None, 0.2, 3.0)),
            rests=rng.random() < 0.5,
            again=random_trouble(rng),
        )
        for _ in range(DEEDS)
    )
    at = round(rng.uniform(1.0, 60.0), 2)
    return Plan(deeds, (Cut(at, at + 10.0, at + 12.0),) if cut else (), seed, lag)


class Rival(World):
    """A client that goes by another policy; it has no docket to obey."""

    def __init__(self, plan: Plan, policy: Callable[[Rival, str], None]) -> None:
        super().__init__(plan)
        self.policy = policy
        self.tries: Counter[str] = Counter()
        self.told: dict[str, str] = {}

    def _do(self, number: int, deed: Deed) -> None:
        intent = self._intent(number, deed)
        self.intents[intent.intent_id] = intent, deed
        self.done[intent.intent_id] = set()
        self._send(intent.intent_id, deed.trouble)

    def write(self, record: Any) -> None:
        """Keep no journal."""

    def tell(self, run: int, intent_id: str, fact: facts.Fact, part: Part | None = None) -> None:
        if intent_id in self.told:
            return
        match fact:
            case facts.Done() | facts.Found():
                self.told[intent_id] = "accepted"
            case facts.Refused():
                # The order that it clashes with has its id: it is taken for what was meant.
                self.told[intent_id] = "accepted" if fact.clashes else "rejected"
            case facts.NeverLeft():
                self.told[intent_id] = "not sent"
            case facts.Lost() | facts.NotFound():
                self.policy(self, intent_id)

    def ask(self, intent_id: str) -> None:
        """Query the order by its client id; only an answer that shows it settles anything."""
        intent, _ = self.intents[intent_id]
        asked_at, question = self.now, OrderQuery(intent.symbol, None, intent.text("newClientOrderId"))
        self.clock.after(0.05, lambda: self.tell(0, intent_id, self.exchange.answer(question, asked_at)))

    def send_again(self, intent_id: str) -> None:
        self._send(intent_id, self.intents[intent_id][1].again)


def retry(rival: Rival, intent_id: str) -> None:
    rival.tries[intent_id] += 1
    if rival.tries[intent_id] > 3:
        rival.told[intent_id] = "rejected"
    else:
        rival.send_again(intent_id)


def query(rival: Rival, intent_id: str) -> None:
    rival.tries[intent_id] += 1
    if rival.tries[intent_id] > 6:
        rival.told[intent_id] = "rejected"
    elif rival.tries[intent_id] % 2:
        rival.ask(intent_id)
    else:
        rival.send_again(intent_id)


def poll(rival: Rival, intent_id: str) -> None:
    rival.tries[intent_id] += 1
    if rival.tries[intent_id] > 5:
        rival.told[intent_id] = "rejected"
    else:
        rival.clock.after(1.0, lambda: rival.ask(intent_id))


POLICIES: dict[str, Callable[[Rival, str], None]] = {"retry": retry, "query": query, "poll": poll}


@attrs.frozen
class Score:
    """What a policy has done: orders there twice, taken for rejected but there, taken for accepted but not there."""

    intents: int
    duplicates: int
    ghosts: int
    phantoms: int
    unresolved: int = 0

    @property
    def wrong(self) -> int:
        return self.duplicates + self.ghosts + self.phantoms


def _orders(world: World, intent_id: str) -> int:
    symbol = world.intents[intent_id][0].symbol
    return sum(order.symbol == symbol for order in world.exchange.orders.values())


def judge(worlds: list[tuple[World, dict[str, str]]]) -> Score:
    """Hold what was told of every intent to how many orders there are."""
    counts: Counter[str] = Counter()
    for world, told in worlds:
        for intent_id in world.intents:
            orders, word = _orders(world, intent_id), told.get(intent_id, "nothing")
            counts["intents"] += 1
            counts["duplicates"] += orders > 1
            counts["ghosts"] += orders > 0 and word in ("rejected", "absent", "not sent")
            counts["phantoms"] += orders == 0 and word == Accepted.word
            counts["unresolved"] += word in (Unresolved.word, "nothing")
    return Score(*(counts[name] for name in ("intents", "duplicates", "ghosts", "phantoms", "unresolved")))


def run(policy: str, runs: int, lag: float, *, cut: bool = False) -> Score:
    """Return how a policy does in so many runs."""
    worlds: list[tuple[World, dict[str, str]]] = []
    for seed in range(runs):
        plan = random_plan(seed, lag, cut=cut)
        if policy in POLICIES:
            rival = Rival(plan, POLICIES[policy])
            rival.play()
            worlds.append((rival, rival.told))
        else:
            world = World(plan).play()
            told = {name: settles[-1].verdict.word for (name, _), settles in world.settled.items()}
            worlds.append((world, told))
    return judge(worlds)


def main(runs: int) -> None:
    print(f"{runs} runs of {DEEDS} orders\n")
    print(
        f"{'policy':10}{'lag':>6}{'stream':>10}{'intents':>9}{'twice':>7}{'ghosts':>8}{'phantoms':>10}{'unresolved':>12}"
    )
    for lag in (2.0, 40.0):
        for policy in (*POLICIES, "evidence"):
            for cut in (False, True):
                score = run(policy, runs, lag, cut=cut)
                stream = "cut" if cut else "whole"
                print(
                    f"{policy:10}{lag:6.0f}{stream:>10}{score.intents:9}{score.duplicates:7}{score.ghosts:8}"
                    f"{score.phantoms:10}{score.unresolved:12}"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
