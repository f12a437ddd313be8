"""The verdicts, held to the truth of a small exchange that does everything the documents allow it to do."""

from __future__ import annotations

from collections import Counter

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._pure.intents.world import Cut, Deed, Plan, Trouble, World
from trio_binance._pure.intents import Absent, Accepted, Kind, NotSent, Part, Rejected, Terms, Unresolved
from trio_binance.models import OrderStatus

# ------------------------------------------------------------------------------------------------------- the plans

delays = st.sampled_from((0.01, 0.1, 0.9, 2.0, 4.9, 5.1, 9.0))
replies = st.none() | st.sampled_from((0.05, 1.0, 12.0, 30.0))
rarely = st.sampled_from((False, False, False, True))
troubles = st.builds(
    Trouble,
    never_sent=rarely,
    dropped=rarely,
    refused=rarely,
    restamped=rarely,
    entering=delays,
    engine=st.sampled_from((0.0, 0.5, 5.0, 9.9)),
    reply=replies,
    patience=st.sampled_from((0.2, 1.0, 10.0)),
)
deeds = st.builds(
    Deed,
    kind=st.sampled_from((Kind.PLACE, Kind.PLACE, Kind.SOR, Kind.LIST, Kind.CANCEL, *Kind)),
    at=st.floats(1.0, 30.0).map(lambda at: round(at, 1)),
    trouble=troubles,
    gives_up=st.none() | st.sampled_from((0.05, 3.0, 25.0)),
    fills=st.none() | st.sampled_from((0.0, 0.3, 2.0, 15.0, 40.0)),
    rests=st.booleans(),
    reused=st.none() | st.sampled_from((OrderStatus.NEW, OrderStatus.FILLED)),
    targets=st.booleans(),
    again=troubles,
)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Cut, ...]:
    at = draw(st.floats(0.5, 60.0).map(lambda at: round(at, 1)))
    noticed = at + draw(st.sampled_from((0.0, 1.0, 20.0, 75.0)))
    return (Cut(at, noticed, noticed + draw(st.sampled_from((0.5, 5.0, 60.0)))),)


plans = st.builds(
    Plan,
    deeds=st.lists(deeds, min_size=1, max_size=6).map(tuple),
    cuts=st.just(()) | cuts(),
    seed=st.integers(0, 2**32),
    lag=st.sampled_from((0.0, 2.0, 40.0)),
    steady=st.booleans(),
    deaf=st.sampled_from((0.0, 0.3)),
    restart_at=st.none() | st.sampled_from((1.5, 5.0, 12.3, 25.0, 40.0)),
    recv_window_ms=st.sampled_from((1_000, 5_000)),
    error_ms=st.sampled_from((-400.0, 0.0, 400.0)),
)

mute = st.builds(
    Trouble,
    refused=rarely,
    entering=st.sampled_from((0.1, 0.9, 4.0, 4.9)),
    engine=st.sampled_from((0.0, 5.0, 9.9)),
    reply=st.just(None),
    patience=st.sampled_from((0.2, 1.0)),
)
"""The exchange does what it is asked for, as late as it may, and no answer comes."""


@st.composite
def late_cuts(draw: st.DrawFn) -> tuple[Cut, ...]:
    """Return a user stream that is silent around the time at which the exchange acts, noticed or not."""
    at = draw(st.sampled_from((0.99, 1.05, 2.0, 5.0, 9.0, 14.0)))
    noticed = at + draw(st.sampled_from((0.0, 0.01, 3.0, 75.0)))
    return (Cut(at, noticed, noticed + draw(st.sampled_from((0.01, 1.0, 30.0)))),)


wicked = st.builds(
    Plan,
    deeds=st.lists(
        st.builds(
            Deed,
            kind=st.sampled_from((Kind.PLACE, *Kind)),
            at=st.just(1.0),
            trouble=mute,
            fills=st.none() | st.sampled_from((0.3, 3.0, 15.0)),
            rests=st.booleans(),
            reused=st.none() | st.just(OrderStatus.FILLED),
            targets=st.booleans(),
            again=mute | troubles,
        ),
        min_size=1,
        max_size=6,
    ).map(tuple),
    cuts=st.just(()) | late_cuts(),
    seed=st.integers(0, 2**32),
    lag=st.sampled_from((2.0, 40.0)),
    steady=st.just(True),
    restart_at=st.none() | st.sampled_from((1.05, 1.5, 6.0, 12.3, 17.0)),
    error_ms=st.sampled_from((-400.0, 0.0, 400.0)),
)
"""All that is to mislead, at once."""

# ------------------------------------------------------------------------------------------------------ the verdicts


def check(world: World) -> Counter[str]:
    """Hold every verdict to what the engine has done; return how often each was reached."""
    counts: Counter[str] = Counter()
    assert world.alarms == []
    for intent, deed, part in world.parts():
        told = world.settled[intent.intent_id, part]
        verdict = told[-1].verdict
        done = part in world.done[intent.intent_id]
        counts[verdict.word] += 1
        assert [settle.revises for settle in told] == [None, *(settle.verdict for settle in told[:-1])]
        assert all(isinstance(settle.verdict, Unresolved) for settle in told[:-1]), told
        match verdict:
            case Accepted():
                assert done, str(verdict.evidence)
            case Absent() | Rejected() | NotSent():
                assert not done, str(verdict.evidence)
            case Unresolved():
                assert world.was_blind(intent, deed), str(verdict.evidence)
    return counts


@settings(max_examples=400)
@given(plans)
def test_no_verdict_is_ever_wrong_and_none_is_missing(plan: Plan) -> None:
    check(World(plan).play())


@settings(max_examples=400)
@given(wicked, st.booleans())
def test_no_verdict_is_wrong_whatever_is_done_to_mislead(plan: Plan, probe: bool) -> None:
    check(World(plan, Terms(probe=probe)).play(until=600.0))


@settings(max_examples=200)
@given(plans | wicked)
def test_nothing_is_unresolved_while_the_user_stream_and_the_process_stand(plan: Plan) -> None:
    counts = check(World(attrs.evolve(plan, cuts=(), restart_at=None)).play())
    assert counts[Unresolved.word] == 0


@settings(max_examples=200)
@given(plans)
def test_a_probe_finds_out_what_else_would_stay_unresolved(plan: Plan) -> None:
    resting = tuple(attrs.evolve(deed, kind=Kind.PLACE, rests=True, reused=None) for deed in plan.deeds)
    world = World(attrs.evolve(plan, deeds=resting, deaf=0.0), Terms(probe=True)).play(until=1200.0)
    counts = check(world)
    assert counts[Unresolved.word] == 0


def test_an_order_that_exists_is_found_within_a_minute_of_the_fence() -> None:
    lost = Trouble(engine=9.0, reply=None, patience=1.0)
    world = World(Plan((Deed(Kind.PLACE, 1.0, lost),), (Cut(2.0, 3.0, 4.0),), lag=40.0)).play()
    [settle] = world.settled["id-0", Part.WHOLE]
    assert isinstance(settle.verdict, Accepted)
