"""The herald: tells the hooks of requests of which it was not plain what became of them, from the doubt to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from trio_binance._pure.intents import Unresolved

from .conditions import Degraded
from .orderevents import JournalLost, OutcomeFound, OutcomeInDoubt, OutcomeRevised, OutcomeUnresolved

if TYPE_CHECKING:
    from trio_binance._pure.intents import Alarm, Intent, Part, Settle

    from .observe import Observer
    from .status import StatusBoard


@final
class Herald:
    """Remembers of which requests the hooks were told: a verdict on any other is no news."""

    def __init__(self, observer: Observer, board: StatusBoard) -> None:
        self._observer = observer
        self._board = board
        self._told: set[str] = set()

    def on_restored(self, intent_id: str) -> None:
        """Take note that an earlier run left a request open, which is told already."""
        self._told.add(intent_id)

    def on_doubt(self, intent: Intent, reason: str) -> None:
        """Tell that it is not known what became of a request."""
        self._told.add(intent.intent_id)
        self._observer.emit(OutcomeInDoubt(self._observer.now(), **_about(intent), reason=reason))

    def on_settled(self, intent: Intent, settle: Settle) -> None:
        """Tell of the verdict on a part of a request, if that was in doubt."""
        if settle.intent_id not in self._told:
            return
        about = _about(intent, settle.part)
        now, verdict = self._observer.now(), settle.verdict
        if isinstance(verdict, Unresolved):
            evidence = str(verdict.evidence)
            self._observer.emit(OutcomeUnresolved(now, **about, reason=verdict.reason, evidence=evidence))
        else:
            self._observer.emit(OutcomeFound(now, **about, verdict=verdict.word))

    def on_alarm(self, intent: Intent, alarm: Alarm) -> None:
        """Tell that a verdict was wrong."""
        self._told.add(alarm.intent_id)
        was, evidence = alarm.ruled_out_by.word, str(alarm.evidence)
        about = _about(intent, alarm.part)
        self._observer.emit(OutcomeRevised(self._observer.now(), **about, was=was, evidence=evidence))

    def on_forgotten(self, intent_id: str) -> None:
        """Take note that nothing more will be told of a request."""
        self._told.discard(intent_id)

    def on_journal_lost(self, reason: str) -> None:
        """Tell that the journal does not take what is noted: until the connector is opened anew, nothing is placed."""
        self._board.set("journal", Degraded(reason))
        self._observer.emit(JournalLost(self._observer.now(), reason=reason))


def _about(intent: Intent, part: Part | None = None) -> dict[str, str]:
    """Return what the hooks are told of a request, or of one part of it."""
    about = {
        "intent": intent.intent_id,
        "operation": intent.operation,
        "symbol": intent.symbol,
        "client_order_id": intent.name,
    }
    return about if part is None else {**about, "part": part.value}
