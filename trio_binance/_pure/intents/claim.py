"""The claim: one part of an intent, on its way from the journal to a verdict; ``table`` tells why it goes so."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never, final

import attrs

from . import facts
from .choice import purpose_of
from .effects import Alarm, AskWitness, Probe, Query, SendAgain, Settle
from .intent import Part
from .notebook import Notebook
from .purposes import SeenId, View, ids_of
from .table import RULED_OUT, SETTLED, TABLE, WONDERING, Phase, Signal
from .terms import AHEAD_MS, ENGINE_MS, NEVER, Pace
from .verdicts import Absent, Accepted, NotSent, Rejected, Unresolved
from .witnesses import Witnesses

if TYPE_CHECKING:
    from trio_binance.models import Evidence

    from .effects import Effect
    from .intent import Intent, Stamp
    from .purposes import Key, Purpose
    from .sightings import Sighting
    from .terms import Scene, Terms
    from .verdicts import Verdict

_PING_AGAIN = 5.0
"""Seconds after which a ping that nobody has answered is sent again."""
_BLOCKED = 330.0
"""Seconds after which what was blocked at the exchange's edge is asked for: a block lasts five minutes."""
_LONGEST_WINDOW_MS = 60_000
"""recvWindow: "The value cannot be greater than 60000"; for a request whose stamp nobody has told."""
_ON_ITS_WAY = frozenset({Phase.SENDING, Phase.IN_FLIGHT})
_REPLIES = (facts.Answer, facts.Halves, facts.NeverLeft, facts.Reply)
"""What answers a question, or a request that was sent again."""


@final
class Claim:
    """The fate of one part of an intent."""

    def __init__(self, intent: Intent, part: Part, terms: Terms, evidence: Evidence | None = None) -> None:
        self.intent = intent
        self.part = part
        self.phase: Phase = Phase.OPENED
        self.verdict: Verdict | None = None
        """What was last told of it."""
        self.due: float = NEVER
        """When it was last planned to be looked at; the docket's."""
        self.superseded: bool = False
        """Whether another order goes by its names now."""
        self.is_held: bool = False
        """Whether its call still runs, so that it must not be forgotten."""
        self._is_unique = intent.places and all(map(terms.is_unique, (intent.name, *intent.client_order_ids)))
        self.purpose: Purpose = purpose_of(intent, part)
        self.not_ours: frozenset[SeenId] = frozenset()
        """The ids of orders and lists that went by its names before."""
        self._terms = terms
        self._notes = Notebook(evidence)
        self._pace = Pace()
        self._sighting: Sighting | None = None
        self._refusal: facts.Refused | None = None
        self._reason = ""
        self._stamp_ms: int | None = None
        self._fence_ms = NEVER
        self._fence_at = -NEVER
        """As much of Trio's time must have passed as well: the exchange's clock may be set forward."""
        self._back_ms = 0.0
        """So far the exchange's clock went back since it was opened."""
        self._expires_ms: float | None = None
        self._doubted_ms: float | None = None
        self._ping_at = -NEVER
        self._witnesses = Witnesses()
        self._resent = 0
        self._look_again_at = NEVER
        """When it is asked for in spite of a verdict."""
        self._gave_up = self._lost = self._fenced = self._probed = False

    @property
    def keys(self) -> tuple[Key, ...]:
        """By what sightings concern it."""
        return () if self.superseded else self.purpose.keys

    @property
    def seen_ids(self) -> frozenset[SeenId]:
        """The ids of the order or the list that it was seen to have placed or changed."""
        return frozenset() if self._sighting is None else ids_of(self._sighting)

    @property
    def evidence(self) -> Evidence:
        """What was learned so far."""
        return self._notes.read()

    # ------------------------------------------------------------------------------------------------ what is told

    def on_fact(self, fact: facts.Fact, scene: Scene) -> list[Effect]:
        """Take note of something that was learned of it."""
        if self.phase in WONDERING and isinstance(fact, _REPLIES):
            self._pace.on_answer(scene.now)
        if isinstance(fact, facts.Reply) and self._look_again_at < NEVER:
            self._look_again_at = scene.now + _BLOCKED if isinstance(fact, facts.Unanswered) else NEVER
        match fact:
            case facts.Sending():
                return self._on_sending(fact.stamp, scene)
            case facts.WasSending():
                return self._on_was_sending(fact.stamp, scene)
            case facts.Left():
                return self._take(Signal.LEFT, scene, "the first byte left")
            case facts.NeverLeft():
                self._reason = fact.reason
                return self._take(Signal.NEVER, scene, f"no byte left: {fact.reason}")
            case facts.Halves():
                return self.on_fact(fact.cancel if self.part is Part.CANCEL else fact.new_order, scene)
            case facts.Done() | facts.Refused() | facts.Lost():
                return self._on_answer(fact, scene)
            case facts.GaveUp():
                self._gave_up = True
                return self._take(Signal.GAVE_UP, scene, "the caller gave up waiting")
            case facts.Restarted():
                self._gave_up, self._witnesses.watch = True, 0
                return self._take(Signal.RESTARTED, scene, "the process was started anew: the user stream has a hole")
            case facts.Found() | facts.FoundOpen() | facts.NotFound() | facts.Unanswered() | facts.NotOpen():
                return self._on_reply(fact, scene)
            case _:
                assert_never(fact)

    def _on_sending(self, stamp: Stamp, scene: Scene) -> list[Effect]:
        self._note_stamp(stamp)
        self._fence_at = scene.now + self._window_ms(stamp) / 1000
        if self._witnesses.watch is None:
            self._witnesses.watch = scene.watch
        watched = f"the user stream on connection {scene.connection}" if self._witnesses.watch else "no user stream"
        return self._take(Signal.SENDING, scene, f"about to be sent ({stamp}): {watched} watches")

    def _on_was_sending(self, stamp: Stamp, scene: Scene) -> list[Effect]:
        self._note_stamp(stamp)
        self._witnesses.watch = 0
        return self._take(Signal.SENDING, scene, f"an earlier run was about to send it ({stamp})")

    def _note_stamp(self, stamp: Stamp) -> None:
        self._stamp_ms = stamp.timestamp_ms if self._stamp_ms is None else self._stamp_ms
        fence_ms = stamp.timestamp_ms + self._window_ms(stamp)
        self._fence_ms = fence_ms if self._fence_ms == NEVER else max(self._fence_ms, fence_ms)
        self._fenced = False

    def _window_ms(self, stamp: Stamp) -> int:
        return stamp.recv_window_ms + ENGINE_MS + self._terms.margin_ms

    def _moment_ms(self, asked_at: float, scene: Scene) -> float:
        """Return when a witness was asked, on the exchange's clock; before the fence whatever that was set to."""
        moment_ms = scene.moment_ms(asked_at)
        return moment_ms if asked_at > self._fence_at else min(moment_ms, self._fence_ms)

    def _is_past_fence(self, scene: Scene) -> bool:
        return scene.has_passed(self._fence_ms, self._fence_at)

    @property
    def _spent_after(self) -> float:
        """As much of Trio's time must have passed before the patience is at its end."""
        return self._fence_at + self._terms.patience_ms / 1000

    def on_clock_back(self, by_ms: float) -> None:
        """Take note that the exchange's clock went back: what was made since seems to be older than it is."""
        self._back_ms += by_ms

    def _on_answer(self, fact: facts.Answer, scene: Scene) -> list[Effect]:
        match fact:
            case facts.Done():
                self._sighting = fact.sighting or self._sighting
                return self._take(Signal.DONE, scene, f"answered: {fact.sighting or 'done'}")
            case facts.Lost():
                self._lost = True
                return self._take(Signal.LOST, scene, f"outcome unknown: {fact.reason}")
            case _:
                return self._on_refused(fact, scene)

    def _on_refused(self, fact: facts.Refused, scene: Scene) -> list[Effect]:
        words = f"refused: {fact.message}" if fact.code is None else f"refused: {fact.code} {fact.message}"
        # "Unknown order sent." to the first cancellation is a plain no; to a second one the first may be the reason.
        clashes = fact.clashes and (self.purpose.places or self._lost)
        if fact.blocked and self.purpose.places:
            self._look_again_at = scene.now + _BLOCKED
        if self._resent and not clashes:
            return self._take(Signal.FAILED, scene, f"the cancellation sent again was {words}")
        self._refusal = fact
        return self._take(Signal.CLASHED if clashes else Signal.REFUSED, scene, words)

    def _on_reply(self, fact: facts.Reply, scene: Scene) -> list[Effect]:
        match fact:
            case facts.Found():
                signal = self.purpose.read(fact.sighting, self._view)
                return self._on_shown(signal, fact.sighting, fact.asked_at, scene)
            case facts.FoundOpen():
                fresh = scene.moment_ms(fact.asked_at) - (self._stamp_ms or NEVER) >= self._terms.lag_ms
                signal = self.purpose.read_open(fact.sightings, attrs.evolve(self._view, is_fresh=fresh))
                return self._on_shown(signal, None, fact.asked_at, scene)
            case facts.NotFound():
                self._witnesses.on_denied(self._moment_ms(fact.asked_at, scene), missing=True)
                return self._take(Signal.DENIED, scene, "a query says that it does not exist (-2013)")
            case facts.NotOpen():
                self._witnesses.not_open_ms = self._moment_ms(fact.asked_at, scene)
                return self._take(Signal.NOT_OPEN, scene, "the matching engine had nothing to cancel (-2011)")
            case _:
                return self._take(Signal.FAILED, scene, f"a query failed: {fact.reason}")

    def _on_shown(
        self, signal: Signal | None, sighting: Sighting | None, asked_at: float, scene: Scene
    ) -> list[Effect]:
        shown = sighting or "the open orders"
        if signal is None:
            return self._take(Signal.FAILED, scene, f"a query shows something else: {shown}")
        if signal is Signal.DENIED:
            self._witnesses.on_denied(self._moment_ms(asked_at, scene))
            return self._take(signal, scene, f"a query shows no effect: {shown}")
        return self._on_sighting(signal, sighting, f"a query shows: {shown}", scene)

    def on_seen(self, sighting: Sighting, scene: Scene, by: str) -> list[Effect]:
        """Take note of what the user stream told, or who else did."""
        signal = self.purpose.read(sighting, self._view)
        if signal in (None, Signal.DENIED):
            return []
        return self._on_sighting(signal, sighting, f"{by} shows: {sighting}", scene)

    def _on_sighting(self, signal: Signal, sighting: Sighting | None, words: str, scene: Scene) -> list[Effect]:
        if signal is Signal.REFUSED:
            self._refusal = self._refusal or facts.Refused(None, "the exchange tells of it as rejected")
        self._sighting = sighting or self._sighting
        return self._take(signal, scene, words)

    @property
    def _view(self) -> View:
        return View(
            self._stamp_ms,
            clashed=self._refusal is not None,
            late=self.phase in RULED_OUT,
            not_ours=self.not_ours,
            fence_ms=self._fence_ms,
            back_ms=self._back_ms,
            is_unique=self._is_unique,
        )

    def keep(self, scene: Scene) -> None:
        """Let it be remembered for as long as what was in doubt: its caller was told that it is not known."""
        if self._doubted_ms is None:
            self._doubted_ms, self._expires_ms = scene.server_ms, None
        self._settle_dates(scene)

    @property
    def may_leave(self) -> bool:
        """Whether nobody has begun to find out, or was told, what became of it: then it must not leave any more."""
        return self.phase is Phase.OPENED or self.phase in _ON_ITS_WAY

    def resume(self, verdict: Verdict, phase: Phase, expires_ms: float, scene: Scene) -> None:
        """Go on, in a new process, from a verdict that was reached before."""
        self.phase, self.verdict, self._expires_ms = phase, verdict, expires_ms
        if phase is Phase.UNRESOLVED:
            self._reason = getattr(verdict, "reason", "")
            self._pace.start(scene.now, slowly=True)

    # ----------------------------------------------------------------------------------------- the user stream

    def on_broken(self, reason: str, scene: Scene) -> list[Effect]:
        """Take note that something may be missing in the user stream from now on."""
        if not self._witnesses.watch or self.phase not in (WONDERING | _ON_ITS_WAY):
            return []
        self._witnesses.watch = 0
        return self._take(Signal.BROKEN, scene, f"the user stream broke: {reason}")

    def on_ping(self, asked_at: float, scene: Scene) -> list[Effect]:
        """Take note that the user stream's connection has answered a ping of then."""
        self._witnesses.assured_ms = max(self._witnesses.assured_ms, self._moment_ms(asked_at, scene))
        if not self._is_assured or self.phase not in WONDERING:
            return []
        return self._take(Signal.ASSURED, scene, "the user stream was silent, and answered a ping sent after the fence")

    @property
    def _is_assured(self) -> bool:
        return self._witnesses.is_assured(self._fence_ms)

    # -------------------------------------------------------------------------------------------------- the time

    def deadline(self, scene: Scene) -> float:
        """Return when ``on_timer`` is due."""
        self._settle_dates(scene)
        if self.phase in _ON_ITS_WAY:
            return scene.at(self._fence_ms, self._fence_at)
        if self.phase not in WONDERING:
            return min(self._look_again_at, self._expires_at(scene))
        last = scene.at(self._spent_ms, self._spent_after) if self._expires_ms is None else self._expires_at(scene)
        moments = [self._pace.ask_at, last]
        if not self._fenced:
            moments.append(scene.at(self._fence_ms, self._fence_at))
        elif self._witnesses.watch and not self._is_assured:
            moments.append(self._ping_at)
        return min(moments)

    def _expires_at(self, scene: Scene) -> float:
        return NEVER if self._expires_ms is None or self.is_held else scene.at(self._expires_ms)

    @property
    def _spent_ms(self) -> float:
        """When the patience is at its end: it begins with the fence, or with the doubt where that came later.

        After the matching engine was asked it must be waited until no copy lags behind that any more.
        """
        begun = max(self._fence_ms, self._doubted_ms or self._fence_ms) + self._terms.patience_ms
        if not self.purpose.rests or self._witnesses.not_open_ms <= self._fence_ms:
            return begun
        return max(begun, self._witnesses.not_open_ms + self._terms.lag_ms + self._terms.patience_ms)

    def _settle_dates(self, scene: Scene) -> None:
        """Fix what could not be while the exchange's clock was not known."""
        if scene.server_ms is None:
            return
        if self.phase in WONDERING and self._fence_ms == NEVER:
            self._fence_ms = scene.server_ms + AHEAD_MS + _LONGEST_WINDOW_MS + ENGINE_MS + self._terms.margin_ms
        if self.phase in WONDERING and self._doubted_ms is None:
            self._doubted_ms = scene.server_ms
        if self.phase in SETTLED and self._expires_ms is None:
            # Whoever was told that it is not known may ask for it later, and has a day for that.
            watched = self.phase in (Phase.ABSENT, Phase.UNRESOLVED) or self._doubted_ms is not None
            watched = watched or self._look_again_at < NEVER
            self._expires_ms = scene.server_ms + (self._terms.watch_ms if watched else self._terms.linger_ms)

    def on_timer(self, scene: Scene) -> list[Effect]:
        """Do what is due."""
        self._settle_dates(scene)
        if self._expires_ms is not None and scene.has_passed(self._expires_ms) and not self.is_held:
            return self._take(Signal.EXPIRED, scene)
        if self.phase in _ON_ITS_WAY and self._is_past_fence(scene):
            self._lost = True
            return self._take(Signal.OVERDUE, scene, "no answer until the fence")
        if self.phase not in WONDERING:
            return self._look_again(scene)
        self._look_at_fence(scene)
        effects = self._weigh(scene)
        return effects + self._asks(scene) if self.phase in WONDERING else effects

    def _look_again(self, scene: Scene) -> list[Effect]:
        """Ask once for what was refused by something before the exchange, when that may be over."""
        if self._look_again_at > scene.now:
            return []
        if self.superseded:  # what a query shows now is the other order
            self._look_again_at = NEVER
            return []
        self._look_again_at = scene.now + _BLOCKED  # should nobody answer
        return [Query(self.intent.intent_id, self.part, self.purpose.question)]

    def _look_at_fence(self, scene: Scene) -> None:
        if not self._fenced and self._is_past_fence(scene):
            self._fenced = True
            self._pace.by(scene.now)
            self._notes.add(scene.stamp_ms, "the fence has passed: it cannot begin any more")

    def _asks(self, scene: Scene) -> list[Effect]:
        effects: list[Effect] = []
        if self._fenced and self._witnesses.watch and not self._is_assured and self._ping_at <= scene.now:
            self._ping_at = scene.now + _PING_AGAIN
            effects.append(AskWitness(scene.connection))
        if self._pace.ask_at <= scene.now:
            self._pace.on_asked(scene.now)
            effects.append(self._question())
        return effects

    def _question(self) -> Effect:
        intent_id, question = self.intent.intent_id, self.purpose.question
        if self.purpose.repeats and self._resent < self._terms.resends and self._may_act(Phase.DOUBT):
            self._resent += 1
            return SendAgain(intent_id)
        if self._is_to_be_probed():
            self._probed = True
            return Probe(intent_id, self.part, question)
        return Query(intent_id, self.part, question)

    def _is_to_be_probed(self) -> bool:
        """Tell whether a cancellation is the last witness, and can hit nothing else.

        An older order of this name would be cancelled in place of ours: so a query must have shown none.
        """
        wanted = self._terms.probe and self.purpose.rests and not self._witnesses.watch and not self._probed
        return wanted and self._witnesses.missing_ms > self._fence_ms and self._refusal is None

    def _may_act(self, phase: Phase) -> bool:
        """Tell whether somebody still waits for what is sent again."""
        return self.phase is phase and not self._gave_up

    # ----------------------------------------------------------------------------------------------- the verdict

    def _weigh(self, scene: Scene) -> list[Effect]:
        """Draw what follows from all that was learned together."""
        if self.phase not in WONDERING:
            return []
        silence = self.purpose.silence
        if silence is not None and self._is_proven(scene):
            return self._move(silence, scene)
        if self.phase is not Phase.UNRESOLVED and scene.has_passed(self._spent_ms, self._spent_after):
            self._reason = self._witnesses.what_is_missing(self._fence_ms)
            return self._move(Signal.SPENT, scene)
        return []

    def _is_proven(self, scene: Scene) -> bool:
        if not self._is_past_fence(scene):
            return False
        if self._refusal is not None:
            return self._is_assured
        return self._witnesses.agree(self._fence_ms, rests=self.purpose.rests, lag_ms=self._terms.lag_ms)

    def _take(self, signal: Signal, scene: Scene, words: str = "") -> list[Effect]:
        """Note what was learned, move, and see what follows."""
        if words and self.phase is not Phase.FORGOTTEN:
            self._notes.add(scene.stamp_ms, words)
        return self._move(signal, scene) + self._weigh(scene)

    def _move(self, signal: Signal, scene: Scene) -> list[Effect]:
        if self._refusal is not None and signal in (Signal.MOOT, Signal.PROVEN):
            signal = Signal.REFUSED
        old = self.phase
        self.phase, alarms = TABLE[old][signal]
        if self.phase is old:
            return []
        effects: list[Effect] = []
        if alarms:
            assert self.verdict is not None
            self._notes.add(scene.stamp_ms, f"ALARM: it was taken for {self.verdict.word}")
            effects.append(Alarm(self.intent.intent_id, self.part, self.verdict, self.evidence))
        self._expires_ms = None
        if self.phase in WONDERING:
            self._pace.start(scene.now, slowly=self.phase is Phase.UNRESOLVED)
        if self.phase in SETTLED:
            self._notes.add(scene.stamp_ms, f"{self.phase.value}: {signal.value}")
            effects.append(self._settle())
        self._settle_dates(scene)
        return effects

    def _settle(self) -> Settle:
        revised, self.verdict = self.verdict, self._judge()
        return Settle(self.intent.intent_id, self.part, self.verdict, revised)

    def _judge(self) -> Verdict:
        match self.phase:
            case Phase.ACCEPTED:
                return Accepted(self._sighting, self.evidence)
            case Phase.REJECTED:
                assert self._refusal is not None
                return Rejected(self._refusal.code, self._refusal.message, self._sighting, self.evidence)
            case Phase.NOT_SENT:
                return NotSent(self._reason or "it was given up before it was sent", self.evidence)
            case Phase.ABSENT:
                return Absent(self._sighting, self.evidence)
            case _:
                return Unresolved(self._reason, self.evidence)
