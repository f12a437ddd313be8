"""A process that ends between any two steps of a placement: the next one finds out what became of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests._pure.intents.makers import START_MS, docket, of, order, placement, stamp, wait
from tests._pure.intents.world import Deed, Plan, Trouble, World
from trio_binance._pure.intents import (
    Absent,
    Accepted,
    Effect,
    Intents,
    Kind,
    Ledger,
    NotSent,
    Part,
    Settle,
    Unresolved,
    facts,
    records,
)

INTENT = placement()
STEPS = ("opened", "sending", "stamped", "left", "lost", "found", "settled")


class Run:
    """A process, up to the step at which it ends."""

    def __init__(self) -> None:
        self.docket: Intents = docket()
        self.ledger = Ledger()
        self.journal = b""
        self.told: list[Settle] = []

    def write(self, record: records.Record) -> None:
        self.journal += self.ledger.put(record)

    def obey(self, effects: list[Effect]) -> None:
        self.told += of(Settle, effects)

    def open(self) -> None:
        self.write(records.opened(INTENT, START_MS))
        self.obey(self.docket.open(INTENT, 0.9))

    def step(self, name: str) -> None:
        intent_id = INTENT.intent_id
        steps: dict[str, Callable[[], None]] = {
            "opened": self.open,
            "sending": lambda: self.write(records.sending(intent_id, stamp(), START_MS)),
            "stamped": lambda: self.obey(self.docket.on_fact(intent_id, facts.Sending(stamp()), 1.0)),
            "left": lambda: self.obey(self.docket.on_fact(intent_id, facts.Left(), 1.0)),
            "lost": lambda: self.obey(self.docket.on_fact(intent_id, facts.Lost("reset"), 2.0)),
            "found": lambda: self.obey(self.docket.on_fact(intent_id, facts.Found(order(), 2.5), 2.6)),
            "settled": lambda: self.write(records.settled(self.told[0], START_MS)),
        }
        steps[name]()


@pytest.mark.parametrize("exists", (True, False))
@pytest.mark.parametrize("ends_after", range(len(STEPS) + 1))
@pytest.mark.parametrize("torn", range(3))
def test_wherever_it_ends_the_next_process_is_right(ends_after: int, exists: bool, torn: int) -> None:
    run = Run()
    for name in STEPS[:ends_after]:
        run.step(name)
    after = docket()
    ledger = Ledger.read([run.journal, b'{"v":1,"kind":"settled"'[: torn * 10]])
    effects = after.restore(ledger.remembered, 10.0)
    left = "left" in STEPS[:ends_after]
    shown = (lambda now: facts.Found(order(), now)) if exists and left else facts.NotFound
    effects += wait(after, 200.0, shown)
    words = [settle.verdict.word for settle in of(Settle, effects)]
    if "settled" in STEPS[:ends_after] or ends_after == 0:
        assert words == []  # It is over, or was never begun.
    elif ends_after == 1:
        assert words == [NotSent.word]
    else:
        assert words == [Accepted.word if exists and left else Unresolved.word]


@pytest.mark.parametrize("restart_at", [1.0 + step / 4 for step in range(1, 100)])
def test_whenever_it_is_killed_nothing_is_doubled_or_forgotten(restart_at: float) -> None:
    trouble = Trouble(entering=2.0, engine=8.0, reply=12.0, patience=6.0)
    world = World(Plan((Deed(Kind.PLACE, 1.0, trouble),), lag=40.0, restart_at=restart_at)).play()
    told = world.settled["id-0", Part.WHOLE]
    assert isinstance(told[-1].verdict, Accepted)
    assert len(world.exchange.orders) == 1
    assert world.alarms == []


@pytest.mark.parametrize("shown", (facts.NotFound, lambda now: facts.Found(order(), now)))
def test_hours_later_it_is_asked_for_before_it_is_called_unresolved(
    shown: Callable[[float], facts.NotFound | facts.Found],
) -> None:
    run = Run()
    for name in STEPS[:3]:
        run.step(name)
    after = docket()
    effects = after.restore(Ledger.read([run.journal]).remembered, 9_000.0)
    assert of(Settle, effects) == []
    effects += wait(after, 9_200.0, shown)
    words = [settle.verdict.word for settle in of(Settle, effects)]
    assert words == [Unresolved.word if shown is facts.NotFound else Accepted.word]


def test_a_tombstone_outlives_the_process() -> None:
    dropped = Trouble(dropped=True, reply=None, patience=1.0)
    world = World(Plan((Deed(Kind.PLACE, 1.0, dropped),), restart_at=100.0)).play()
    [settle] = world.settled["id-0", Part.WHOLE]
    assert isinstance(settle.verdict, Absent)
    [one] = world.ledger.remembered
    assert one.verdicts[Part.WHOLE].word == Absent.word
