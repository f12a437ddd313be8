"""Whatever streams lose, repeat and reorder, however late the exchange answers: every id once, or a true gap."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests._pure.contiguity.items import Tick
from trio_binance._pure.contiguity import Ask, Bounds, Contiguity, Filled, Ids
from trio_binance.models import Gap, GapReason

SYMBOLS = ("A", "B")
PAGE = 5
BUFFER = 8
BOUNDS = Bounds(grace=1.0, timeout=30.0, items=20, waiting=6, questions=1)

symbols = st.sampled_from(SYMBOLS)
sockets = st.sampled_from((0, 1))
few = st.integers(1, 6)


class World(RuleBasedStateMachine):
    """Two sockets, a replica that lags, a feed of eight places and its consumer."""

    @initialize(starts=st.dictionaries(symbols, st.integers(0, 12)), existing=st.integers(1, 12))
    def open(self, starts: dict[str, int], existing: int) -> None:
        self.now = 100.0
        self.machine: Contiguity[Tick] = Contiguity(Ids("number"), BOUNDS, starts=starts)
        self.expected = dict(starts)
        self.ids: dict[str, list[int]] = {symbol: list(range(existing)) for symbol in SYMBOLS}
        self.next_id = dict.fromkeys(SYMBOLS, existing)
        self.known = dict.fromkeys(SYMBOLS, 0)
        """So many of the items the replica knows."""
        self.queues: list[list[Tick]] = [[], []]
        self.up = [True, True]
        self.feed: list[Any] = []
        self.got: dict[str, list[Any]] = defaultdict(list)
        self.asks: list[Ask] = []
        self.refused: set[str] = set()
        self.news: list[Any] = []

    # -------------------------------------------------------------------------------------------- the exchange

    @rule(symbol=symbols, count=few)
    def trade(self, symbol: str, count: int) -> None:
        for _ in range(count):
            number = self.next_id[symbol]
            self.next_id[symbol] += 1
            self.ids[symbol].append(number)
            for queue, up in zip(self.queues, self.up, strict=True):
                if up:
                    queue.append(Tick(symbol, number))

    @rule(symbol=symbols, count=few)
    def leave_ids_out(self, symbol: str, count: int) -> None:
        self.next_id[symbol] += count

    @rule(symbol=symbols, share=st.floats(0, 1))
    def replicate(self, symbol: str, share: float) -> None:
        behind = len(self.ids[symbol]) - self.known[symbol]
        self.known[symbol] += round(behind * share)

    # --------------------------------------------------------------------------------------------- the sockets

    @rule(socket=sockets, count=few)
    def deliver(self, socket: int, count: int) -> None:
        batch, self.queues[socket] = self.queues[socket][:count], self.queues[socket][count:]
        self.take_in(batch)

    @precondition(lambda self: self.queues[0] or self.queues[1])
    @rule(data=st.data(), deed=st.sampled_from(("lose", "repeat", "swap")))
    def spoil(self, data: st.DataObject, deed: str) -> None:
        queue = data.draw(st.sampled_from([queue for queue in self.queues if queue]))
        at = data.draw(st.integers(0, len(queue) - 1))
        if deed == "lose":
            del queue[at]
        elif deed == "repeat":
            queue.append(queue[at])
        elif at:
            queue[at - 1], queue[at] = queue[at], queue[at - 1]

    @rule(socket=sockets)
    def cut(self, socket: int) -> None:
        self.up[socket] = not self.up[socket]
        self.queues[socket].clear()

    def take_in(self, batch: list[Tick]) -> None:
        """Do as the service does."""
        room = BUFFER - len(self.feed)
        passed = self.machine.pass_by(batch) if len(batch) <= room else 0
        self.feed += batch[:passed]
        if batch[passed:]:
            self.feed += self.machine.on_batch(batch[passed:], room - passed, self.now)
        assert len(self.feed) <= BUFFER

    # -------------------------------------------------------------------------------------------- the consumer

    @rule(count=st.integers(1, BUFFER))
    def consume(self, count: int) -> None:
        for item in self.feed[:count]:
            self.check(item)
        del self.feed[:count]
        self.flow()

    def flow(self) -> None:
        self.feed += self.machine.take(BUFFER - len(self.feed), self.now)
        self.news += self.machine.take_news()

    # ------------------------------------------------------------------------------------------- the questions

    @rule(seconds=st.sampled_from((0.1, 1.0, 5.0, 40.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.asks += self.machine.on_timer(self.now)
        assert len(self.asks) <= BOUNDS.questions

    @rule()
    def wait_for_deadline(self) -> None:
        deadline = self.machine.deadline
        if deadline < float("inf"):
            self.now = max(self.now, deadline)
            asks = self.machine.on_timer(self.now)
            assert asks
            self.asks += asks

    @precondition(lambda self: self.asks)
    @rule()
    def answer(self) -> None:
        ask = self.asks.pop()
        limit = PAGE if ask.last is None else min(PAGE, ask.last - ask.first + 1)
        known = self.ids[ask.symbol][: self.known[ask.symbol]]
        page = [Tick(ask.symbol, number, True) for number in known if number >= ask.first][:limit]
        self.machine.on_page(ask, page, self.now, full=len(page) == limit)
        self.flow()

    @precondition(lambda self: self.asks)
    @rule(refused=st.booleans())
    def fail(self, refused: bool) -> None:
        ask = self.asks.pop()
        if refused:
            self.refused.add(ask.symbol)
        self.machine.on_failure(ask, self.now, refused=refused)
        self.flow()

    @rule()
    def restart(self) -> None:
        lost, self.asks = self.asks, []
        self.machine.forget_questions(self.now)
        for ask in lost:  # an answer that comes all the same is nobody's
            self.machine.on_page(ask, [], self.now, full=True)
            self.machine.on_failure(ask, self.now, refused=True)

    @rule(exactly=st.booleans())
    def audit(self, exactly: bool) -> None:
        for quiet in self.machine.quiet():
            newest = self.ids[quiet.symbol][-1]
            if newest >= quiet.edge:
                self.machine.look(quiet.symbol, self.now, newest if exactly else None)

    # ----------------------------------------------------------------------------------------------- the truth

    def check(self, item: Any) -> None:
        """Every id stands in its place, or in a true gap."""
        symbol = item.symbol
        first, last = (item.first, item.last) if isinstance(item, Gap) else (item.number, item.number)
        assert first == self.expected.get(symbol, first)
        assert last >= first
        self.expected[symbol] = last + 1
        self.check_truth(item)
        self.got[symbol].append(item)

    def check_truth(self, item: Tick | Gap) -> None:
        if isinstance(item, Tick):
            assert item.number in self.ids[item.symbol]
        elif item.reason is GapReason.ABSENT:
            assert not any(item.first <= number <= item.last for number in self.ids[item.symbol])
        elif item.reason is GapReason.REFUSED:
            assert item.symbol in self.refused
        if isinstance(item, Gap):
            assert item.first <= self.next_id[item.symbol] - 1
            assert item.last <= self.next_id[item.symbol] - 1

    @invariant()
    def no_more_waits_than_may(self) -> None:
        waiting = self.machine.statistics().waiting
        assert waiting <= len(SYMBOLS) * (BOUNDS.waiting + PAGE + 2)

    def teardown(self) -> None:
        """The faults end: whatever exists is handed out or told missing, and nothing is asked any more."""
        if not hasattr(self, "machine"):
            return
        self.up = [True, False]
        self.restart()
        self.known = {symbol: len(self.ids[symbol]) for symbol in SYMBOLS}
        for symbol in SYMBOLS:
            self.trade(symbol, max(1, self.expected.get(symbol, 0) + 1 - self.next_id[symbol]))
        self.known = {symbol: len(self.ids[symbol]) for symbol in SYMBOLS}
        while self.queues[0]:
            self.deliver(0, 3)
        for _ in range(500):
            if not self.machine.is_troubled:
                break
            self.consume(BUFFER)
            self.wait_for_deadline()
            while self.asks:
                self.answer()
        assert not self.machine.is_troubled
        self.consume(BUFFER)
        gaps, recovered = 0, 0
        for symbol in SYMBOLS:
            last = self.got[symbol][-1]
            assert isinstance(last, Tick)
            assert last.number == self.ids[symbol][-1]
            gaps += sum(isinstance(item, Gap) for item in self.got[symbol])
            recovered += sum(isinstance(item, Tick) and item.recovered for item in self.got[symbol])
        figures = self.machine.statistics()
        assert (figures.gaps, figures.recovered) == (gaps, recovered)
        assert (figures.holes, figures.waiting) == (0, 0)
        assert sum(news.count for news in self.news if isinstance(news, Filled)) == recovered
        assert sum(isinstance(news, Gap) for news in self.news) == gaps


TestWorld = World.TestCase
TestWorld.settings = settings(stateful_step_count=60)
