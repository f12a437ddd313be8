"""The docket: all intents of an account, what everybody learns about them, and what is to be done about that.

opened -> journal -> sending -> left -> answered ────────────────────────────> Settle -> journal
                                  │                                              ^
                                  └> no answer: Query, AskWitness, SendAgain ────┘  Alarm, where it proves wrong
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, final

import attrs

from trio_binance.errors import InvalidArgument

from . import facts
from .agenda import Agenda
from .claim import Claim
from .effects import Alarm, AskWitness, Forget, Query, Settle
from .purposes import keys_of
from .single import Cancelled
from .table import LIVE, RULED_OUT, WONDERING, Phase
from .terms import Scene, Terms
from .verdicts import Absent, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_binance.models import Evidence

    from .effects import Effect
    from .intent import Intent, Part
    from .journal import Remembered
    from .purposes import Key, SeenId
    from .sightings import Sighting
    from .verdicts import Verdict


@attrs.frozen
class IntentStatistics:
    """What the docket has seen; a cancel-replace counts as two."""

    open: int
    """On their way, or about to be."""
    doubtful: int
    """Being found out."""
    unresolved: int
    """Could not be found out, and are watched."""
    remembered: int
    """Settled, and watched for what may come late."""
    verdicts: Mapping[str, int]
    """How often each verdict was reached, by its word."""
    questions: int
    alarms: int


@final
class Intents:
    """The docket of one account. All methods are instantaneous; ``now`` is ``trio.current_time()``.

    Whoever holds it performs the effects that every method returns, in their order.
    """

    def __init__(self, terms: Terms | None = None) -> None:
        self._terms = terms or Terms()
        self._claims: dict[str, tuple[Claim, ...]] = {}
        self._by_key: dict[Key, dict[Claim, None]] = {}
        self._keys: dict[Claim, tuple[Key, ...]] = {}
        self._live: dict[Claim, None] = {}
        """Those without a verdict, or with one that is none. Thousands may be remembered beside them."""
        self._agenda = Agenda()
        self._clock: tuple[float, float] | None = None
        self._connection = 0
        self._watch = 0
        self._watches = 0
        self._verdicts: Counter[str] = Counter()
        self._questions = self._alarms = 0

    def statistics(self) -> IntentStatistics:
        """Return how many there are, and the counts so far."""
        phases = Counter(claim.phase for claim in self._live)
        doubtful, unresolved = phases[Phase.DOUBT] + phases[Phase.CLASHED], phases[Phase.UNRESOLVED]
        on_way = phases[Phase.OPENED] + phases[Phase.SENDING] + phases[Phase.IN_FLIGHT]
        remembered = len(self._keys) - len(self._live)
        return IntentStatistics(
            on_way, doubtful, unresolved, remembered, dict(self._verdicts), self._questions, self._alarms
        )

    @property
    def room(self) -> int:
        """How many more may be in doubt; with none left nothing should be placed."""
        return max(self._terms.most - sum(claim.phase in WONDERING for claim in self._live), 0)

    def standing(self, intent_id: str) -> Mapping[Part, Verdict]:
        """Return what would have to be said of an intent now, part by part; empty where nothing is known of it.

        Without a verdict that is ``Unresolved``, with the evidence so far.
        """
        return {claim.part: claim.verdict or _so_far(claim) for claim in self._claims.get(intent_id, ())}

    def intent(self, intent_id: str) -> Intent | None:
        """Return an intent, as long as anything is known of it."""
        claims = self._claims.get(intent_id)
        return None if claims is None else claims[0].intent

    def is_pending(self, intent_id: str) -> bool:
        """Tell whether a part of an intent has no verdict yet."""
        return any(claim.verdict is None for claim in self._claims.get(intent_id, ()))

    @property
    def pending(self) -> int:
        """How many parts of intents have no verdict yet."""
        return sum(claim.verdict is None for claim in self._live)

    @property
    def unsettled(self) -> tuple[Intent, ...]:
        """The intents of which it is not known what became of them, the oldest first."""
        unsettled = (one for one in self._live if one.verdict is None or isinstance(one.verdict, Unresolved))
        return tuple({claim.intent.intent_id: claim.intent for claim in unsettled}.values())

    # --------------------------------------------------------------------------------------------------- intents

    def open(self, intent: Intent, now: float) -> list[Effect]:
        """Take an intent, before anything of it leaves.

        Raises:
            InvalidArgument: an order with one of its client ids, or a change of one, is on its way or in doubt: placed
                now, it might be there twice or be hit by the change, and what is seen of the one would be taken for
                the other.
        """
        if intent.intent_id in self._claims:
            raise InvalidArgument("intent_id", intent.intent_id, "another intent has this id")
        claims = self._enter(intent)
        for claim in claims:
            self._make_way(claim)
        self._register(intent, claims, now)
        return [] if intent.stamp is None else self.on_fact(intent.intent_id, facts.Sending(intent.stamp), now)

    def _enter(self, intent: Intent, evidence: Mapping[Part, Evidence] | None = None) -> tuple[Claim, ...]:
        return tuple(Claim(intent, part, self._terms, (evidence or {}).get(part)) for part in intent.parts)

    def _register(self, intent: Intent, claims: tuple[Claim, ...], now: float) -> None:
        self._claims[intent.intent_id] = claims
        for claim in claims:
            self._keys[claim] = ()
            self._plan(claim, self._scene(now))

    def _make_way(self, claim: Claim) -> None:
        """Let the names of what is to be placed belong to it alone: what had no effect gives them up."""
        if isinstance(claim.purpose, Cancelled):
            claim.not_ours = self._ended_before(claim)
        if not claim.purpose.places:
            return
        named = [one for key in claim.keys for one in self._by_key.get(key, ())]
        for one in named:
            if one.verdict is None and not one.purpose.places:
                reason = f"a change of an order of this id is on its way, and might hit this: {one.intent.intent_id}"
                raise InvalidArgument("client_order_id", claim.keys[0][2], reason)
        earlier = [one for one in named if one.purpose.places]
        for one in earlier:
            if one.verdict is None or one.phase in WONDERING:
                reason = f"what became of an order of this id is not known yet: {one.intent.intent_id}"
                raise InvalidArgument("client_order_id", claim.keys[0][2], reason)
            if one.phase in RULED_OUT:
                one.superseded = True
                self._index(one, ())
        # Younger than a second their age does not tell them apart.
        claim.not_ours = frozenset(seen for one in earlier for seen in one.seen_ids)

    def _ended_before(self, claim: Claim) -> frozenset[SeenId]:
        """Return the ids of what went by the name of an order that is to be cancelled, before that order did.

        A name is free again when its order has ended: all but the latest have, and those that were cancelled.
        """
        known = [one for key in claim.keys for one in self._by_key.get(key, ()) if one.phase is Phase.ACCEPTED]
        placed = [one for one in known if one.purpose.places]
        cancelled = [one for one in known if isinstance(one.purpose, Cancelled)]
        return frozenset(seen for one in (*placed[:-1], *cancelled) for seen in one.seen_ids)

    def restore(self, remembered: Iterable[Remembered], now: float) -> list[Effect]:
        """Take what the journal remembers of earlier runs; to be called first of all."""
        effects: list[Effect] = []
        scene = attrs.evolve(self._scene(now), watch=0, connection=0)
        for one in remembered:
            claims = self._enter(one.intent, {part: verdict.evidence for part, verdict in one.verdicts.items()})
            self._register(one.intent, claims, now)
            for claim in claims:
                effects += self._restore(claim, one, scene)
        return effects

    def _restore(self, claim: Claim, one: Remembered, scene: Scene) -> list[Effect]:
        effects: list[Effect] = []
        for stamp in one.stamps:
            effects += claim.on_fact(facts.WasSending(stamp), scene)
        verdict = one.verdicts.get(claim.part)
        if verdict is None:
            effects += claim.on_fact(facts.Restarted(), scene)
        else:
            watched = isinstance(verdict, Absent | Unresolved)
            keep_ms = self._terms.watch_ms if watched else self._terms.linger_ms
            claim.resume(verdict, Phase(verdict.word), one.settled_ms + keep_ms, scene)
        return self._after(claim, effects, scene)

    # ------------------------------------------------------------------------------------------------ what is told

    def on_fact(self, intent_id: str, fact: facts.Fact, now: float, part: Part | None = None) -> list[Effect]:
        """Take note of something that was learned of an intent, or of one part of it; unknown ones are let pass."""
        scene = self._scene(now)
        effects: list[Effect] = []
        for claim in self._known(intent_id):
            if part in (None, claim.part):
                effects += self._after(claim, claim.on_fact(fact, scene), scene)
        return effects

    def on_seen(self, sighting: Sighting, now: float, by: str = "the user stream") -> list[Effect]:
        """Take note of an order or a list that the user stream told of, or who else did."""
        found = {claim: None for key in keys_of(sighting) for claim in self._by_key.get(key, ())}
        scene = self._scene(now)
        effects: list[Effect] = []
        for claim in found:
            effects += self._after(claim, claim.on_seen(sighting, scene, by), scene)
        return effects

    def on_watching(self, connection: int, now: float) -> list[Effect]:
        """Take note that the exchange has confirmed the subscription to the user stream on this connection."""
        effects = self.on_broken(f"another connection took over: {connection}", now)
        self._watches += 1
        self._watch, self._connection = self._watches, connection
        return effects

    def on_broken(self, reason: str, now: float) -> list[Effect]:
        """Take note that something may be missing in the user stream: a lost connection, an event that is no event."""
        self._watch = self._connection = 0
        scene = self._scene(now)
        effects: list[Effect] = []
        for claim in list(self._live):
            effects += self._after(claim, claim.on_broken(reason, scene), scene)
        return effects

    def on_ping(self, connection: int, asked_at: float, now: float) -> list[Effect]:
        """Take note that a ping sent at ``asked_at`` has come back, and all that the connection brought before."""
        if connection != self._connection or not self._watch:
            return []
        scene = self._scene(now)
        effects: list[Effect] = []
        for claim in list(self._live):
            effects += self._after(claim, claim.on_ping(asked_at, scene), scene)
        return effects

    def on_clock(self, server_ms: float, uncertainty_ms: float, now: float) -> list[Effect]:
        """Take note of the exchange's clock: at ``now`` it showed this, give or take the uncertainty.

        To be told whenever it was measured anew; in between it is taken to run as Trio's does.
        """
        # What is only remembered is planned anew when it is due: it matters little when it is forgotten.
        moved = list(self._keys if self._clock is None else self._live)
        if self._clock is not None:
            before_ms = self._clock[0] + (now - self._clock[1]) * 1000
            if before_ms > server_ms + uncertainty_ms:
                for claim in moved:
                    claim.on_clock_back(before_ms - server_ms + uncertainty_ms)
        self._clock = server_ms - uncertainty_ms, now
        scene = self._scene(now)
        for claim in moved:
            self._plan(claim, scene)
        return []

    # --------------------------------------------------------------------------------------------------- its call

    def may_leave(self, intent_id: str) -> bool:
        """Tell whether an intent may still be sent, or once more: not when it is being found out what became of it.

        What it places decides; what it cancels as well may have ended by itself.
        """
        claims = self._claims.get(intent_id, ())
        return all(claim.may_leave for claim in [one for one in claims if one.purpose.places] or claims)

    def hold(self, intent_id: str, now: float, *, held: bool) -> None:
        """Remember an intent for as long as its call runs, however long that is."""
        for claim in self._known(intent_id):
            claim.is_held = held
            self._plan(claim, self._scene(now))

    def keep(self, intent_id: str, now: float) -> None:
        """Remember an intent for a day: its caller was told that it is not known what became of it."""
        for claim in self._known(intent_id):
            claim.keep(self._scene(now))
            self._plan(claim, self._scene(now))

    def _known(self, intent_id: str) -> list[Claim]:
        """Return the parts of an intent that are not forgotten; the other half of a cancel-replace may be."""
        return [claim for claim in self._claims.get(intent_id, ()) if claim.phase is not Phase.FORGOTTEN]

    # -------------------------------------------------------------------------------------------------- the time

    @property
    def deadline(self) -> float:
        """Call ``on_timer`` then, at the latest."""
        return self._agenda.deadline

    def on_timer(self, now: float) -> list[Effect]:
        """Do what is due: ask, conclude, forget."""
        scene = self._scene(now)
        effects: list[Effect] = []
        for claim in self._agenda.take(now):
            effects += self._after(claim, claim.on_timer(scene), scene)
        pings = {effect: None for effect in effects if isinstance(effect, AskWitness)}
        return [*pings, *(effect for effect in effects if not isinstance(effect, AskWitness))]

    def _scene(self, now: float) -> Scene:
        server_ms = None if self._clock is None else self._clock[0] + (now - self._clock[1]) * 1000
        return Scene(now, server_ms, self._watch, self._connection)

    def _after(self, claim: Claim, effects: list[Effect], scene: Scene) -> list[Effect]:
        """Count, plan anew and forget, after something has happened to a claim."""
        for effect in effects:
            self._questions += isinstance(effect, Query)
            self._alarms += isinstance(effect, Alarm)
            if isinstance(effect, Settle):
                self._verdicts[effect.verdict.word] += 1
        if claim.phase is not Phase.FORGOTTEN:
            self._plan(claim, scene)
            return effects
        return effects + self._forget(claim)

    def _plan(self, claim: Claim, scene: Scene) -> None:
        if self._keys[claim] != claim.keys:
            self._index(claim, claim.keys)
        self._agenda.plan(claim, claim.deadline(scene))
        if claim.phase in LIVE:
            self._live.setdefault(claim)
        else:
            self._live.pop(claim, None)

    def _index(self, claim: Claim, keys: tuple[Key, ...]) -> None:
        for key in self._keys[claim]:
            del self._by_key[key][claim]
            if not self._by_key[key]:
                del self._by_key[key]
        for key in keys:
            self._by_key.setdefault(key, {})[claim] = None
        self._keys[claim] = keys

    def _forget(self, claim: Claim) -> list[Effect]:
        intent_id = claim.intent.intent_id
        self._index(claim, ())
        del self._keys[claim]
        self._live.pop(claim, None)
        if any(one.phase is not Phase.FORGOTTEN for one in self._claims[intent_id]):
            return []
        del self._claims[intent_id]
        return [Forget(intent_id)]


def _so_far(claim: Claim) -> Unresolved:
    return Unresolved("it is not settled yet", claim.evidence)
