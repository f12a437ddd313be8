"""The machine: decides what of the account is told, what is asked for, and how far the mirror can be trusted.

Queries are answered from copies that lag behind the matching engine, for up to 40 seconds as far as is known. So what a
query does not know yet proves nothing, and after every moment at which an event may have been missed the exchange is
asked in *rounds*: at once, for what is known soon; and again so late that no copy can still be behind that moment. Only
a round of the latter kind that leaves nothing open makes the mirror LIVE. From then on a small round, an *audit*, looks
now and then whether an event was lost on a connection that stood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from trio_binance.models import MirrorState, UserEvent, as_microseconds

from .asks import Ask, AskBalances, AskFills, AskOpenLists, AskOpenOrders, AskOrder, AskOrders, AskTrades
from .figures import MirrorStatistics, MirrorTerms
from .ledger import Ledger
from .records import OrderKey
from .rounds import Round

if TYPE_CHECKING:
    from trio_binance._pure.backoff import Backoff

_FOREVER = float("inf")
SOON = 5.0
"""Seconds after which a second round looks for what the copies did not know at once."""
TRIES = 4
"""So many late rounds may leave something open before it is said that it cannot be recovered."""
RETRY = 10.0
"""Seconds from one late round to the next."""


@attrs.define
class _Counts:
    rounds: int = 0
    audits: int = 0
    failures: int = 0
    recovered: int = 0
    repeated: int = 0
    losses: int = 0


@final
class AccountMirror:
    """The mirror of one account. ``now`` is ours, in seconds; ``server_us`` the exchange's time, in microseconds.

    Args:
        terms: how careful it is.
        backoff: how long to wait after an answer that could not be had.
    """

    def __init__(self, terms: MirrorTerms, backoff: Backoff) -> None:
        self._terms = terms
        self._lag_us = int(terms.lag * 1e6)
        self._backoff = backoff
        self.ledger = Ledger(history=terms.history, grace=terms.grace, lag_us=self._lag_us)
        self.state = MirrorState.SYNCING
        self.reason = "nobody has asked for it yet"
        """Why it is in that state, for people to read."""
        self.trouble: str | None = None
        """What keeps it from becoming right, where it is not a matter of time alone."""
        self.given_up = 0
        """How often something could not be recovered."""
        self._counts = _Counts()
        self._heard_us = 0
        """Up to then all that happened was told, where nothing was missed."""
        self._as_of_us = 0
        self._is_wanted = False
        self._is_watching = False
        self._is_broken = True
        """Events do not flow, or did not when it was last heard that they do."""
        self._round: Round | None = None
        self._next_at = _FOREVER
        self._next_is_full = True
        self._tries = 0
        self._failures = 0
        """Answers in a row that could not be had."""

    @property
    def as_of_us(self) -> int:
        """The exchange's time up to which it is right; 0 before it has ever been."""
        return self._heard_us if self.state is MirrorState.LIVE else self._as_of_us

    def statistics(self) -> MirrorStatistics:
        """Return what it holds and has been through."""
        records, counts = self.ledger.records, self._counts
        return MirrorStatistics(
            live=self.state is MirrorState.LIVE,
            orders=len(records),
            open_orders=len(records.open),
            fills=self.ledger.fills,
            asking=0 if self._round is None else len(self._round),
            given_up=self.given_up,
            **attrs.asdict(counts),
        )

    # ------------------------------------------------------------------------------------------- the stream

    def on_watching(self, now: float, server_us: int) -> None:
        """Take note that events flow from now on."""
        ledger = self.ledger
        if not ledger.since_us:
            ledger.since_us = ledger.clear_us = server_us
            ledger.symbols.begin(server_us)
        self._is_watching = True
        if self._is_broken:
            self._is_broken = False
            self._suspect(now, server_us)
        else:
            self._plan(now, is_full=True)  # a connection took the place of another, with nothing between them

    def on_wanted(self, now: float, server_us: int) -> bool:
        """Take note that somebody looks or listens; nothing is asked for before. Return whether nobody did so far."""
        if self._is_wanted:
            return False
        self._is_wanted = True
        if self.ledger.since_us:
            self.ledger.since_us = self.ledger.clear_us = server_us
            self._suspect(now, server_us)
        return True

    def on_broken(self, reason: str, now: float, server_us: int, *, is_watching: bool) -> None:
        """Take note that something may be missing, and whether events flow all the same."""
        self._is_watching = is_watching
        self._is_broken = not is_watching
        self._distrust(reason)
        self._suspect(now, server_us)

    def on_ping(self, asked_us: int) -> None:
        """Take note that all that happened up to then has been told."""
        self._heard_us = max(self._heard_us, asked_us)

    def on_event(self, event: UserEvent, now: float, server_us: int) -> list[UserEvent]:
        """Take an event of the stream; return what is to be told."""
        told = self.ledger.on_event(event, now, server_us)
        self._heard_us = max(self._heard_us, _moment(event))
        if told is None:
            self._counts.repeated += 1
            return []
        return [told]

    def _distrust(self, reason: str, since_us: float = _FOREVER) -> None:
        if self.state is MirrorState.LIVE:
            self._as_of_us = int(min(self._heard_us, since_us))
            self.state = MirrorState.STALE
        self.reason = reason

    def _suspect(self, now: float, server_us: int) -> None:
        """Have everything asked anew: up to now something may have been missed."""
        self.ledger.suspect_us = server_us
        self._heard_us = max(self._heard_us, server_us)
        self._tries = 0
        self._plan(now, is_full=True)

    def _on_loss(self, reason: str, now: float, server_us: int) -> None:
        """Ask for everything: where one event was lost, others may be."""
        self._counts.losses += 1
        self._distrust(reason, self.ledger.clear_us)
        self._suspect(now, server_us)

    # ---------------------------------------------------------------------------------------------- asking

    @property
    def ask(self) -> Ask | None:
        """What to ask now; tell the answer by ``on_answer``, ``on_refused`` or ``on_failed``."""
        return None if self._round is None else self._round.ask

    @property
    def deadline(self) -> float:
        """When ``on_timer`` is to be called, at the latest."""
        return min(self._next_at if self._may_ask else _FOREVER, self.ledger.due)

    @property
    def _may_ask(self) -> bool:
        return self._is_wanted and self._is_watching and self._round is None

    def on_timer(self, now: float, server_us: int) -> list[UserEvent]:
        """Tell what is due, and begin a round if it is time for one."""
        told = self._settle(now, server_us)
        if self._may_ask and now >= self._next_at:
            self._round = self._make_round(server_us)
        return told

    def on_placing(self, symbol: str, server_us: int) -> None:
        """Take note that something is about to happen on a symbol, so that it is looked after."""
        self.ledger.symbols.touch(symbol, self.ledger.clear_us, server_us)

    def _plan(self, at: float, *, is_full: bool) -> None:
        self._round = None
        self._next_at, self._next_is_full = at, is_full

    def _make_round(self, server_us: int) -> Round:
        ledger, is_full, now_ms = self.ledger, self._next_is_full, server_us // 1000
        asks: list[Ask] = [AskOpenOrders(), AskBalances()]
        if is_full or ledger.lists.open:
            asks.append(AskOpenLists())
        busy = {key.symbol for key in (*ledger.records.open, *ledger.records.unsettled)}
        active_us = server_us - int(self._terms.audit * 2e6) - self._lag_us
        for name, symbol in ledger.symbols.chosen(None if is_full else active_us, busy):
            if is_full:
                asks.append(symbol.orders.first(AskOrders, name, now_ms))
            asks.append(symbol.trades.first(AskTrades, name, now_ms))
        asks += [AskOrder(*key) for key in ledger.orphans]
        return Round(asks, server_us, is_full=is_full)

    def on_answer(self, ask: Ask, answer: Any, asked_us: int, now: float, server_us: int) -> list[UserEvent]:
        """Take an answer; return what is to be told.

        Args:
            ask: the question.
            answer: the rows, or the one thing, that was asked for.
            asked_us: the exchange's time when it was asked, rather too early than too late.
            now: our time.
            server_us: the exchange's time.
        """
        turn = self._turn_of(ask)
        self.ledger.on_answer(ask, answer, asked_us, now, turn)
        if isinstance(ask, AskOrders | AskTrades) and turn is self._round:
            self.ledger.turn_page(ask, answer, turn, server_us)
        return self._advance(ask, now, server_us)

    def on_refused(self, ask: Ask, reason: str, asked_us: int, now: float, server_us: int) -> list[UserEvent]:
        """Take note that the exchange does not know what it was asked for, or does not want to say."""
        if isinstance(ask, AskOpenOrders | AskBalances | AskOpenLists):
            # Every account has these: whatever the refusal means, nothing was answered.
            self.on_failed(reason, now, server_us)
            return self._settle(now, server_us)
        if isinstance(ask, AskOrder | AskFills):
            key = OrderKey(ask.symbol, ask.order_id)
            self.ledger.on_unknown(key, asked_us - self._lag_us, self._turn_of(ask))
        elif isinstance(ask, AskOrders | AskTrades):
            self.ledger.symbols.forget(ask.symbol)  # it is not listed any more
        return self._advance(ask, now, server_us)

    def on_failed(self, reason: str, now: float, server_us: int) -> None:
        """Take note that an answer could not be had: the round is begun anew after a while."""
        if self._round is None:
            return
        self._counts.failures += 1
        self._failures += 1
        if self.state is MirrorState.LIVE and self._failures == TRIES:
            # A key that was revoked ends the events in silence, and then nobody answers either.
            self._distrust("")
            self._suspect(now, server_us)
        if self.state is not MirrorState.LIVE:
            self.reason = self.trouble = f"the account could not be asked for: {reason}"
        self._plan(now + self._backoff.next_delay(), is_full=self._next_is_full)

    def _turn_of(self, ask: Ask) -> Round:
        """Return the round of a question; one that was given up still has answers, from which nothing follows."""
        if self._round is not None and self._round.ask == ask:
            return self._round
        return Round((), 0, is_full=False)

    def on_aside(self, ask: Ask, answer: Any, asked_us: int, now: float, server_us: int) -> list[UserEvent]:
        """Take the answer to a question that was none of a round's; as ``on_answer``."""
        self.ledger.on_answer(ask, answer, asked_us, now, Round((), 0, is_full=False))
        return self._settle(now, server_us)

    # ------------------------------------------------------------------------------------------ concluding

    def _advance(self, ask: Ask, now: float, server_us: int) -> list[UserEvent]:
        """Go on in the round after an answer; conclude it when there is nothing left to ask."""
        turn = self._round
        if turn is None or not turn.done(ask):
            return self._settle(now, server_us)
        self.ledger.look_for_fills(turn)
        if turn.ask is None:
            return self._conclude(turn, now, server_us)
        return self._settle(now, server_us)

    def _conclude(self, over: Round, now: float, server_us: int) -> list[UserEvent]:
        self._counts.rounds += 1
        self._counts.audits += not over.is_full
        self.trouble = None
        self._failures = self._backoff.attempt = 0
        is_late = over.started_us >= self.ledger.suspect_us + self._lag_us
        gives_up = over.is_full and is_late and self._tries == TRIES
        if gives_up and not self.ledger.is_settled:
            self.given_up += 1
        self._plan(now + self._terms.audit, is_full=False)
        told = self._settle(now, server_us, gives_up=gives_up)
        problem = next(iter(over.contradictions), self.ledger.problem)
        if self._next_is_full:
            return told  # an event was found to have been lost: it all begins anew
        if over.is_full:
            self._judge(problem, now, server_us, is_late=is_late)
        elif over.contradictions:
            self._on_loss(over.contradictions[0], now, server_us)
        if self.state is MirrorState.LIVE and problem is None:
            self.ledger.clear_us = max(self.ledger.clear_us, over.started_us - self._lag_us)
        return told

    def _judge(self, problem: str | None, now: float, server_us: int, *, is_late: bool) -> None:
        """Decide after a full round how far the mirror can be trusted, and when to ask again."""
        if problem is None and (is_late or self.state is MirrorState.LIVE):
            self._tries = 0
            self.state, self.reason = MirrorState.LIVE, ""
            return
        if not is_late:
            passed = (server_us - self.ledger.suspect_us) / 1e6
            self.reason = "the exchange's copies may not know yet what happened"
            self._plan(now + (SOON if passed < SOON else max(self._terms.lag - passed, 0) + 1), is_full=True)
            return
        self._tries += 1
        self._distrust(problem or "")
        if self._tries <= TRIES:
            self._plan(now + RETRY, is_full=True)
            return
        self.state, self.trouble = MirrorState.STALE, self.reason
        self._plan(now + self._terms.audit, is_full=True)

    def _settle(self, now: float, server_us: int, *, gives_up: bool = False) -> list[UserEvent]:
        """Return what is due to be told."""
        was_due = self.ledger.records.due <= now
        told = self.ledger.settle(now, gives_up=gives_up)
        self._counts.recovered += len(told)
        is_open = was_due and self.state is MirrorState.LIVE and self.ledger.records.due == _FOREVER
        if any(_moment(event) > self.ledger.suspect_us for event in told):
            self._on_loss("an event was lost on a connection that stood", now, server_us)
        elif is_open and self.ledger.records.unsettled:
            self._on_loss("an order has fills that were not told", now, server_us)
        return told


def _moment(event: UserEvent) -> int:
    return as_microseconds(getattr(event, "event_time", 0))
