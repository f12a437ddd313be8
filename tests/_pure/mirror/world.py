"""A world for the mirror: an exchange whose events are dropped, late, repeated, and whose answers lag behind.

The exchange keeps the truth; a plan says what happens on it and to its events. Whatever the plan, what the mirror tells
must hold at every moment, and once the world has been quiet for long enough the mirror must be the truth.
"""

from __future__ import annotations

import heapq
from decimal import Decimal
from random import Random
from typing import Any

import attrs

from trio_binance._pure.backoff import Backoff
from trio_binance._pure.mirror.asks import (
    Ask,
    AskBalances,
    AskFills,
    AskList,
    AskOpenLists,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskTrades,
)
from trio_binance._pure.mirror.figures import MirrorTerms
from trio_binance._pure.mirror.machine import AccountMirror
from trio_binance.models import (
    AccountPosition,
    AccountTrade,
    ExecutionReport,
    ExecutionType,
    MirrorState,
    OrderStatus,
    OrderStatusReport,
    UserEvent,
    is_done,
)

from .makers import EPOCH_MS, account, after, event, filled, order, position, row, trade_event

TERMS = MirrorTerms(lag=40.0, grace=3.0, audit=60.0, history=1000)
LATENCY = 0.1
"""Seconds that a question takes."""


@attrs.frozen
class Do:
    """One deed on the exchange, ``pause`` seconds after the one before it.

    ``fates`` says of each event that it causes how many seconds it is on its way; a negative number loses it, and one
    that is not whole brings it twice, the second time as long after again.
    """

    deed: str
    which: int
    pause: float
    fates: tuple[float, ...]


@attrs.frozen
class Outage:
    """The stream breaks so long after the start: nothing comes any more; it is noticed, and comes back later."""

    at: float
    noticed_after: float
    back_after: float


@attrs.define
class Truth:
    """An order as the exchange has it, with all that it was."""

    history: list[OrderStatusReport]

    @property
    def now(self) -> OrderStatusReport:
        return self.history[-1]


class Exchange:
    """The matching engine and its copies."""

    def __init__(self, lag: float, symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")) -> None:
        self.lag = lag
        self.symbols = symbols
        self.orders: dict[int, Truth] = {}
        self.trades: list[AccountTrade] = []
        self.executions = 0
        self.total = Decimal(1000)
        self.totals: list[tuple[int, Decimal]] = [(EPOCH_MS, self.total)]

    def place(self, which: int, at_ms: int) -> list[UserEvent]:
        number = len(self.orders) + 1
        symbol = self.symbols[which % len(self.symbols)]
        born = order(
            symbol=symbol,
            order_id=number,
            client_order_id=f"c{number}",
            time=at_ms,
            update_time=at_ms,
            working_time=at_ms,
        )
        self.orders[number] = Truth([born])
        return [self._event(born, ExecutionType.NEW)]

    def _event(self, now: OrderStatusReport, kind: ExecutionType, **fields: Any) -> ExecutionReport:
        self.executions += 1
        return event(now, self.executions, kind, **fields)

    def _opened(self, which: int) -> Truth | None:
        opened = [truth for truth in self.orders.values() if not is_done(truth.now)]
        return opened[which % len(opened)] if opened else None

    def do(self, deed: str, which: int, at_ms: int) -> list[UserEvent]:
        """Do something to an open order, if there is one; return the events that it causes."""
        truth = self._opened(which)
        if deed == "place" or truth is None:
            return self.place(which, at_ms)
        return getattr(self, deed)(truth, at_ms)  # type: ignore[no-any-return]

    def fill(self, truth: Truth, at_ms: int, share: str = "0.25") -> list[UserEvent]:
        now = truth.now
        left = (now.orig_qty or Decimal(0)) - now.executed_qty
        quantity = str(min(left, Decimal(share)))
        later = filled(now, quantity, at_ms - now.update_time)
        truth.history.append(later)
        self.trades.append(row(later, len(self.trades) + 1, quantity))
        self.executions += 1
        told = trade_event(later, self.executions, len(self.trades), quantity)
        self.total += Decimal(quantity)
        self.totals.append((at_ms, self.total))
        return [told, position(at_ms, BTC=str(self.total))]

    def finish(self, truth: Truth, at_ms: int) -> list[UserEvent]:
        return self.fill(truth, at_ms, "1000")

    def cancel(self, truth: Truth, at_ms: int) -> list[UserEvent]:
        now = truth.now
        later = after(now, at_ms - now.update_time, status=OrderStatus.CANCELED)
        truth.history.append(later)
        ids = {"client_order_id": "cancel", "original_client_order_id": now.client_order_id}
        return [self._event(later, ExecutionType.CANCELED, **ids)]

    def amend(self, truth: Truth, at_ms: int) -> list[UserEvent]:
        now = truth.now
        quantity = (now.orig_qty or Decimal(0)) - Decimal("0.05")
        if quantity <= now.executed_qty:
            return self.fill(truth, at_ms)
        later = after(now, at_ms - now.update_time, orig_qty=quantity, client_order_id=f"{now.client_order_id}'")
        truth.history.append(later)
        return [self._event(later, ExecutionType.REPLACED, original_client_order_id=now.client_order_id)]

    # ------------------------------------------------------------------------------------------- the copies

    def _seen(self, truth: Truth, known_ms: int) -> OrderStatusReport | None:
        return next((state for state in reversed(truth.history) if state.update_time <= known_ms), None)

    def answer(self, ask: Ask, at_ms: int) -> Any:
        """Return what the copies know by now, or ``None`` for an order that they do not know."""
        known_ms = at_ms - int(self.lag * 1000)
        seen = [state for truth in self.orders.values() if (state := self._seen(truth, known_ms)) is not None]
        match ask:
            case AskOpenOrders():
                return [state for state in seen if not is_done(state)]
            case AskBalances():
                at, total = next((pair for pair in reversed(self.totals) if pair[0] <= known_ms), self.totals[0])
                return account(at, BTC=str(total))
            case AskOrder():
                return next((state for state in seen if state.order_id == ask.order_id), None)
            case AskOrders():
                return [
                    state for state in seen if state.symbol == ask.symbol and _lies(ask, state.order_id, state.time)
                ]
            case AskFills():
                return [trade for trade in self._trades(known_ms) if trade.order_id == ask.order_id]
            case AskTrades():
                trades = [trade for trade in self._trades(known_ms) if trade.symbol == ask.symbol]
                return [trade for trade in trades if _lies(ask, trade.id, trade.time)]
            case AskOpenLists() | AskList():
                return []
        raise AssertionError(ask)

    def _trades(self, known_ms: int) -> list[AccountTrade]:
        return [trade for trade in self.trades if trade.time <= known_ms]


def _lies(ask: AskOrders | AskTrades, number: int, at_ms: int) -> bool:
    if ask.from_id is not None:
        return number >= ask.from_id
    return (ask.start_ms or 0) <= at_ms <= (ask.end_ms or 2**63)


class World:
    """Runs a plan against a mirror and holds everything that it tells to the rules."""

    def __init__(self, lag: float, seed: int = 0, failures: int = 0) -> None:
        self.exchange = Exchange(lag)
        self.mirror = AccountMirror(TERMS, Backoff(Random(seed)))
        self.now = 0.0
        self.told: list[UserEvent] = []
        self.failures = failures
        self._last: dict[int, ExecutionReport] = {}
        self._fills: set[tuple[str, int]] = set()
        self._queue: list[tuple[float, int, Any]] = []
        self._number = 0
        self._dark: list[tuple[float, float]] = []
        self._asking: Ask | None = None

    @property
    def server_us(self) -> int:
        return EPOCH_MS * 1000 + int(self.now * 1e6)

    def at(self, moment: float, thing: Any) -> None:
        self._number += 1
        heapq.heappush(self._queue, (moment, self._number, thing))

    def run(self, plan: list[Do], outages: list[Outage], quiet: float = 900.0) -> None:
        """Live through a plan and a long quiet time after it."""
        self.mirror.on_wanted(0.0, self.server_us)
        self.at(0.0, self._watch)
        moment = 1.0
        for outage in outages:
            self._dark.append((outage.at, outage.at + outage.noticed_after + outage.back_after))
            self.at(outage.at + outage.noticed_after, self._break)
            self.at(outage.at + outage.noticed_after + outage.back_after, self._watch)
        for deed in plan:
            moment += deed.pause
            self.at(moment, deed)
        end = max([moment, *(until for _, until in self._dark)]) + quiet
        while True:
            self._ask()
            due = min(self._queue[0][0] if self._queue else end, max(self.mirror.deadline, self.now))
            if due >= end:
                return
            self.now = max(self.now, due)
            if self._queue and self._queue[0][0] <= self.now:
                self._perform(heapq.heappop(self._queue)[2])
            else:
                self._hear(self.mirror.on_timer(self.now, self.server_us))

    def _ask(self) -> None:
        if self._asking is None and self.mirror.ask is not None:
            self._asking = self.mirror.ask
            self.at(self.now + LATENCY, (self._asking, self.server_us))

    def _perform(self, thing: Any) -> None:
        match thing:
            case Do():
                self._do(thing)
            case (ask, int(asked_us)):
                self._answer(ask, asked_us)
            case ExecutionReport() | AccountPosition():
                self._hear(self.mirror.on_event(thing, self.now, self.server_us))
            case _:
                thing()

    def _watch(self) -> None:
        self.mirror.on_watching(self.now, self.server_us)

    def _break(self) -> None:
        self.mirror.on_broken("a test", self.now, self.server_us, is_watching=False)

    def _do(self, thing: Do) -> None:
        at_ms = self.server_us // 1000
        self.mirror.on_placing(self.exchange.symbols[thing.which % 2], self.server_us)
        for number, told in enumerate(self.exchange.do(thing.deed, thing.which, at_ms)):
            fate = thing.fates[number % len(thing.fates)]
            if fate < 0 or any(since <= self.now <= until for since, until in self._dark):
                continue
            self.at(self.now + fate, told)
            if fate != int(fate):
                self.at(self.now + 2 * fate, told)

    def _answer(self, ask: Ask, asked_us: int) -> None:
        self._asking = None
        if self.failures:
            self.failures -= 1
            self.mirror.on_failed("a test", self.now, self.server_us)
            return
        answer = self.exchange.answer(ask, asked_us // 1000)
        if answer is None:
            self._hear(self.mirror.on_refused(ask, "refused", asked_us, self.now, self.server_us))
        else:
            self._hear(self.mirror.on_answer(ask, answer, asked_us, self.now, self.server_us))

    # ---------------------------------------------------------------------------------------------- checking

    def _hear(self, events: list[UserEvent]) -> None:
        for told in events:
            self.told.append(told)
            if isinstance(told, ExecutionReport):
                self._check(told)

    def _check(self, report: ExecutionReport) -> None:
        last = self._last.get(report.order_id)
        if last is not None:
            assert report.cumulative_filled_quantity >= last.cumulative_filled_quantity, "executed less than before"
            assert report.cumulative_quote_quantity >= last.cumulative_quote_quantity
            if last.order_status in ("FILLED", "CANCELED"):
                assert report.recovered, "after the end"
                assert report.execution_type == ExecutionType.TRADE
                assert report.order_status == last.order_status
        if report.execution_type == ExecutionType.TRADE:
            key = report.symbol, report.trade_id
            assert report.trade_id > 0, "a fill without a name"
            assert key not in self._fills, "a fill twice"
            self._fills.add(key)
        self._last[report.order_id] = report

    def check_truth(self) -> None:
        """Hold the mirror to the truth, once it has been quiet for long enough."""
        assert self.mirror.state is MirrorState.LIVE, self.mirror.reason
        ledger = self.mirror.ledger
        assert ledger.is_settled
        assert self._fills == {(trade.symbol, trade.id) for trade in self.exchange.trades}
        for number, truth in self.exchange.orders.items():
            now = truth.now
            known = ledger.records.find(now.symbol, number, None)
            if known is None:
                assert is_done(now), "an open order is not known"
                assert not now.executed_qty, "an order with fills is not known"
                continue
            for name in ("status", "executed_qty", "cummulative_quote_qty", "orig_qty", "client_order_id"):
                assert getattr(known.order, name) == getattr(now, name), (name, number)
            assert self._last[number].order_status == now.status
            fills = ledger.records.fills(now.symbol, number)
            assert sum((fill.quantity for fill in fills), Decimal(0)) == now.executed_qty
        told = {asset: balance.free for asset, balance in ledger.balances.now.items()}
        assert told == {"BTC": self.exchange.total}
        assert all(isinstance(event, ExecutionReport | AccountPosition) for event in self.told)
