"""The machine: when it asks what, and how far it says that it can be trusted."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import attrs
import pytest

from trio_binance._pure.backoff import Backoff
from trio_binance._pure.mirror.asks import (
    PAGE,
    Ask,
    AskBalances,
    AskFills,
    AskList,
    AskNamedOrder,
    AskOpenLists,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskTrades,
)
from trio_binance._pure.mirror.machine import RETRY, TRIES, AccountMirror
from trio_binance._pure.mirror.records import OrderKey
from trio_binance.models import (
    BalanceUpdate,
    ExecutionType,
    ListOrderStatus,
    ListStatusType,
    MirrorState,
    OrderStatus,
    UserEvent,
)

from .makers import (
    BTC,
    EPOCH_MS,
    account,
    after,
    event,
    filled,
    list_event,
    list_row,
    order,
    position,
    row,
    trade_event,
)
from .world import TERMS

T = EPOCH_MS


class Bench:
    """Drives a mirror by hand; every question is answered by what stands in ``answers``, else by nothing."""

    def __init__(self) -> None:
        self.mirror = AccountMirror(TERMS, Backoff(Random(1)))
        self.now = 0.0
        self.answers: dict[Ask, Any] = {AskBalances(): account(T)}
        self.told: list[UserEvent] = []
        self.asked: list[Ask] = []

    @property
    def us(self) -> int:
        return T * 1000 + int(self.now * 1e6)

    def state(self) -> MirrorState:
        return self.mirror.state

    def trouble(self) -> str | None:
        return self.mirror.trouble

    def watch(self) -> None:
        self.mirror.on_wanted(self.now, self.us)
        self.mirror.on_watching(self.now, self.us)

    def hear(self, *events: UserEvent) -> None:
        for one in events:
            self.told += self.mirror.on_event(one, self.now, self.us)

    def until(self, moment: float) -> None:
        """Let time pass, and answer what is asked."""
        while True:
            if (ask := self.mirror.ask) is not None:
                self.answer(ask)
                continue
            due = self.mirror.deadline
            if due > moment:
                self.now = moment
                return
            self.now = max(self.now, due)
            self.told += self.mirror.on_timer(self.now, self.us)

    def answer(self, ask: Ask) -> None:
        self.asked.append(ask)
        answer = self.answers.get(ask, None if isinstance(ask, AskOrder | AskList) else [])
        if answer is None:
            self.told += self.mirror.on_refused(ask, "refused", self.us, self.now, self.us)
        else:
            self.told += self.mirror.on_answer(ask, answer, self.us, self.now, self.us)

    def live(self) -> Bench:
        self.watch()
        self.until(50.0)
        assert self.mirror.state is MirrorState.LIVE
        self.asked.clear()
        return self


def at(bench: Bench, **fields: Any) -> Any:
    """Return an order that is placed now."""
    now = bench.us // 1000
    return order(time=now, update_time=now, working_time=now, **fields)


def test_it_asks_at_once_and_soon_and_when_no_copy_can_be_behind() -> None:
    bench = Bench()
    assert (bench.state(), bench.mirror.as_of_us, bench.mirror.deadline) == (MirrorState.SYNCING, 0, float("inf"))
    bench.watch()
    bench.until(39.0)
    assert bench.asked == [AskOpenOrders(), AskBalances(), AskOpenLists()] * 2
    assert bench.state() is MirrorState.SYNCING
    assert "copies" in bench.mirror.reason
    bench.until(42.0)
    assert (bench.state(), bench.mirror.reason) == (MirrorState.LIVE, "")
    assert bench.mirror.as_of_us == T * 1000


def test_what_was_placed_before_events_flowed_is_not_looked_for_since_the_beginning_of_time() -> None:
    bench = Bench()
    bench.mirror.on_placing(BTC, bench.us)
    bench.now = 5.0
    bench.watch()
    bench.until(50.0)
    starts = [ask.start_ms for ask in bench.asked if isinstance(ask, AskOrders | AskTrades)]
    assert starts
    assert all(start is None or start >= T for start in starts)
    assert bench.state() is MirrorState.LIVE


def test_it_asks_for_nothing_before_somebody_looks_or_listens() -> None:
    bench = Bench()
    bench.mirror.on_watching(0.0, bench.us)
    bench.until(1000.0)
    born = at(bench)
    bench.hear(event(born, 1, ExecutionType.NEW))
    gone = after(born, 10, status=OrderStatus.CANCELED)
    assert (bench.asked, bench.state()) == ([], MirrorState.SYNCING)
    bench.now = 1010.0
    bench.answers[AskOrder(BTC, 1)] = gone  # its event was lost, but nobody listened
    assert bench.mirror.on_wanted(bench.now, bench.us)
    assert not bench.mirror.on_wanted(bench.now, bench.us)
    bench.until(1052.0)
    assert bench.state() is MirrorState.LIVE
    assert bench.mirror.ledger.records.find(BTC, 1, None).order.status == OrderStatus.CANCELED  # type: ignore[union-attr]


def test_it_is_right_up_to_the_last_event_or_ping_while_live_and_no_longer_when_stale() -> None:
    bench = Bench().live()
    bench.hear(position(T + 60_000, BTC="1"))
    assert bench.mirror.as_of_us == (T + 60_000) * 1000
    bench.mirror.on_ping((T + 70_000) * 1000)
    bench.mirror.on_ping((T + 65_000) * 1000)
    bench.mirror.on_broken("gone", bench.now, bench.us, is_watching=False)
    assert (bench.state(), bench.mirror.reason) == (MirrorState.STALE, "gone")
    assert bench.mirror.as_of_us == (T + 70_000) * 1000
    assert bench.mirror.deadline == float("inf")  # nothing is asked for while no events flow
    bench.now = 100.0
    bench.watch()
    bench.until(142.0)
    assert bench.state() is MirrorState.LIVE


def test_a_message_that_could_not_be_read_has_everything_asked_anew_at_once() -> None:
    bench = Bench().live()
    bench.mirror.on_broken("unread", bench.now, bench.us, is_watching=True)
    bench.until(55.0)
    assert AskOpenOrders() in bench.asked
    assert bench.state() is MirrorState.STALE
    bench.until(92.0)
    assert bench.state() is MirrorState.LIVE


def test_a_connection_that_takes_the_place_of_another_costs_a_round_and_no_trust() -> None:
    bench = Bench().live()
    bench.watch()
    bench.until(51.0)
    assert bench.state() is MirrorState.LIVE
    assert AskOpenLists() in bench.asked


def test_an_answer_that_cannot_be_had_is_asked_for_again_after_a_while() -> None:
    bench = Bench()
    bench.mirror.on_failed("nobody asked", 0.0, bench.us)
    bench.watch()
    bench.mirror.on_timer(0.0, bench.us)
    bench.mirror.on_failed("gone", 0.0, bench.us)
    assert bench.trouble() == bench.mirror.reason == "the account could not be asked for: gone"
    assert 0.0 < bench.mirror.deadline <= 1.0
    bench.until(45.0)
    assert bench.trouble() is None
    bench.mirror.on_timer(1000.0, bench.us)
    bench.mirror.on_failed("gone", 1000.0, bench.us)
    assert (bench.state(), bench.trouble()) == (MirrorState.LIVE, None)
    assert bench.mirror.statistics().failures == 2


def test_audits_that_all_fail_say_nothing_so_that_it_is_not_live_for_ever() -> None:
    bench = Bench().live()
    for number in range(1, TRIES + 1):
        bench.now = 200.0 * number
        bench.mirror.on_timer(bench.now, bench.us)
        bench.mirror.on_failed("refused", bench.now, bench.us)
        assert (bench.state() is MirrorState.LIVE) == (number < TRIES)
    assert bench.trouble() == "the account could not be asked for: refused"
    bench.until(bench.now + 60.0)
    assert (bench.state(), bench.trouble()) == (MirrorState.LIVE, None)
    assert AskOpenLists() in bench.asked


def test_an_answer_of_a_round_that_was_given_up_still_counts() -> None:
    bench = Bench()
    bench.watch()
    bench.mirror.on_timer(0.0, bench.us)
    ask = bench.mirror.ask
    assert ask == AskOpenOrders()
    bench.watch()
    bench.mirror.on_answer(ask, [order(update_time=T, time=T)], bench.us, 0.0, bench.us)
    assert bench.mirror.statistics().open_orders == 1
    bench.mirror.on_answer(AskTrades(BTC), [], bench.us, 0.0, bench.us)
    assert (
        bench.mirror.on_aside(AskNamedOrder(BTC, 1, None), order(update_time=T, time=T), bench.us, 0.0, bench.us) == []
    )


def test_pages_are_turned_until_one_is_not_full() -> None:
    bench = Bench()
    bench.watch()
    bench.mirror.on_placing(BTC, bench.us)
    rows = [row(attrs.evolve(order(), update_time=T), number, "0.1") for number in range(1, PAGE + 1)]
    bench.answers[AskTrades(BTC, start_ms=T)] = rows
    bench.until(1.0)
    assert AskTrades(BTC, from_id=PAGE + 1) in bench.asked
    assert AskOrders(BTC, start_ms=T) in bench.asked
    bench.until(45.0)
    assert bench.asked.count(AskTrades(BTC, from_id=PAGE + 1)) == 3


def test_the_answer_to_another_question_than_the_one_that_is_open_changes_no_round() -> None:
    bench = Bench()
    bench.watch()
    bench.mirror.on_timer(0.0, bench.us)
    assert bench.mirror.statistics().asking == 3
    bench.mirror.on_answer(AskTrades(BTC), [], bench.us, 0.0, bench.us)
    assert (bench.mirror.ask, bench.mirror.statistics().asking) == (AskOpenOrders(), 3)
    assert bench.mirror.on_timer(0.0, bench.us) == []


def test_a_loss_that_shows_at_the_end_of_an_audit_begins_it_all_anew() -> None:
    bench = Bench().live()
    bench.mirror.on_placing(BTC, bench.us)
    bench.now = 102.0
    bench.mirror.on_timer(bench.now, bench.us)
    bench.answer(AskOpenOrders())
    bench.answers[AskBalances()] = account(bench.us // 1000, BTC="2")
    bench.answer(AskBalances())
    bench.now += 10.0  # the last answer is slow
    last = bench.mirror.ask
    assert isinstance(last, AskTrades)
    bench.answer(last)
    assert (bench.state(), bench.mirror.statistics().losses) == (MirrorState.STALE, 1)
    assert bench.mirror.deadline == bench.now


def test_events_of_other_kinds_are_told_as_they_come() -> None:
    bench = Bench().live()
    deposit = BalanceUpdate(bench.us // 1000, "BTC", Decimal(1), bench.us // 1000)
    born = at(bench)
    given = trade_event(filled(born, "0.5"), 1, -1, "0.5", allocation_id=3)
    bench.hear(deposit, deposit, given)
    assert bench.told == [deposit, given]
    assert bench.mirror.statistics().repeated == 1


@pytest.mark.parametrize("refused", [AskOpenOrders(), AskBalances(), AskOpenLists()])
def test_what_every_account_has_was_not_answered_by_a_refusal(refused: Ask) -> None:
    bench = Bench()
    bench.watch()
    bench.answers[refused] = None
    bench.until(200.0)
    assert bench.state() is MirrorState.SYNCING
    assert bench.trouble() == "the account could not be asked for: refused"
    bench.answers[refused] = account(T) if refused == AskBalances() else []
    bench.until(400.0)
    assert (bench.state(), bench.trouble()) == (MirrorState.LIVE, None)


def test_a_symbol_that_is_not_listed_any_more_is_forgotten() -> None:
    bench = Bench()
    bench.watch()
    bench.mirror.on_placing("GONE", bench.us)
    bench.mirror.on_timer(0.0, bench.us)
    while (ask := bench.mirror.ask) is not None:
        if isinstance(ask, AskOrders | AskTrades):
            bench.mirror.on_refused(ask, "refused", bench.us, 0.0, bench.us)
        else:
            bench.answer(ask)
    bench.until(50.0)
    assert bench.state() is MirrorState.LIVE
    assert not any(isinstance(ask, AskOrders | AskTrades) for ask in bench.asked)


def test_fills_of_an_order_of_which_nothing_is_known_wait_for_it() -> None:
    bench = Bench().live()
    bench.mirror.on_placing(BTC, bench.us)
    born = at(bench)
    bought = filled(born, "1.0", 100)
    bench.now = 60.0
    bench.mirror.on_broken("gone", bench.now, bench.us, is_watching=False)
    bench.watch()
    bench.answers[AskTrades(BTC, start_ms=bench.mirror.ledger.clear_us // 1000)] = [row(bought, 1, "1.0")]
    bench.until(61.0)
    assert AskOrder(BTC, 1) in bench.asked
    problem = bench.mirror.ledger.problem
    assert problem is not None
    assert "nothing else is known" in problem
    assert not bench.told
    bench.answers[AskOrder(BTC, 1)] = bought
    bench.until(110.0)
    kinds = [getattr(told, "execution_type", None) for told in bench.told]
    assert kinds == [ExecutionType.NEW, ExecutionType.TRADE]
    assert bench.state() is MirrorState.LIVE


def test_an_event_beats_the_answer_for_fills_that_wait() -> None:
    bench = Bench().live()
    born = at(bench)
    bought = filled(born, "0.5", 100)
    bench.mirror.ledger.on_answer(
        AskTrades(BTC), [row(bought, 1, "0.5")], bench.us, bench.now, bench.mirror._turn_of(AskTrades(BTC))
    )
    bench.hear(trade_event(bought, 1, 1, "0.5"))
    assert bench.mirror.ledger.is_settled
    assert len(bench.told) == 1


def test_what_cannot_be_recovered_is_said_after_a_number_of_tries_and_not_before() -> None:
    bench = Bench().live()
    born = at(bench)
    bench.hear(event(born, 1, ExecutionType.NEW))
    bench.now = 60.0
    bench.mirror.on_broken("gone", bench.now, bench.us, is_watching=False)
    bench.watch()
    bench.answers[AskOrder(BTC, 1)] = filled(born, "1.0", 100)  # and no query ever tells its fill
    bench.until(60 + 41 + RETRY * (TRIES - 1) + 1)
    assert (bench.state(), bench.mirror.statistics().given_up) == (MirrorState.STALE, 0)
    assert "not known yet" in bench.mirror.reason
    assert [ask for ask in bench.asked if isinstance(ask, AskFills)]
    bench.until(60 + 41 + RETRY * TRIES + 5)
    assert bench.mirror.statistics().given_up == 1
    assert bench.state() is MirrorState.LIVE
    last = bench.told[-1]
    assert (getattr(last, "trade_id", None), getattr(last, "order_status", None)) == (-1, OrderStatus.FILLED)


def test_a_contradiction_that_stays_makes_it_stale_for_as_long_as_it_stays() -> None:
    bench = Bench().live()
    born = at(bench)
    bench.hear(event(born, 1, ExecutionType.NEW))
    bench.until(250.0)  # the exchange says that there is no such order, although its event told of it
    assert bench.state() is MirrorState.STALE
    bench.until(500.0)
    assert bench.trouble() == bench.mirror.reason
    assert "said not to exist" in bench.mirror.reason
    bench.answers[AskOrder(BTC, 1)] = born
    bench.until(700.0)
    assert (bench.state(), bench.trouble()) == (MirrorState.LIVE, None)


def test_an_answer_that_says_otherwise_of_what_is_over_is_a_contradiction() -> None:
    bench = Bench().live()
    born = at(bench)
    gone = after(born, 10, status=OrderStatus.CANCELED)
    bench.hear(event(born, 1, ExecutionType.NEW), event(gone, 2, ExecutionType.CANCELED))
    bench.answers[AskOpenOrders()] = [born]
    bench.until(100.0)
    assert bench.state() is MirrorState.LIVE
    bench.until(200.0)
    assert "is said to be NEW" in bench.mirror.reason


def test_fills_that_a_live_event_jumped_over_are_asked_for() -> None:
    bench = Bench().live()
    born = at(bench)
    quarter = filled(born, "0.25", 10)
    half = filled(quarter, "0.25", 10)
    bench.hear(event(born, 1, ExecutionType.NEW), trade_event(half, 3, 2, "0.25"))
    bench.answers[AskFills(BTC, 1)] = [row(quarter, 1, "0.25"), row(half, 2, "0.25")]
    bench.answers[AskOpenOrders()] = [half]
    bench.until(60.0)
    assert (bench.state(), bench.mirror.statistics().losses) == (MirrorState.STALE, 1)
    told = bench.told[-1]
    assert (getattr(told, "trade_id", None), told.recovered) == (1, True)
    assert getattr(told, "cumulative_filled_quantity", None) == Decimal("0.50")
    bench.until(120.0)
    assert bench.state() is MirrorState.LIVE


def test_balances_that_no_event_told_are_found_by_the_audit() -> None:
    bench = Bench().live()
    bench.hear(position(bench.us // 1000, BTC="1"))
    bench.answers[AskBalances()] = account(bench.us // 1000 + 10, BTC="2")
    bench.until(120.0)
    assert bench.told[-1].recovered
    assert bench.mirror.statistics().losses == 1


def test_lists_are_looked_after_as_orders_are() -> None:
    bench = Bench().live()
    now = bench.us // 1000
    bench.hear(list_event(now, ListOrderStatus.EXECUTING, ListStatusType.EXEC_STARTED))
    bench.answers[AskList(1)] = list_row(now + 5, ListOrderStatus.ALL_DONE)
    bench.until(110.0)
    assert AskList(1) in bench.asked
    assert bench.told[-1].recovered
    bench.asked.clear()
    listed = order(order_list_id=9, time=T, update_time=T, status=OrderStatus.NEW)
    bench.answers[AskOpenOrders()] = [listed]
    bench.until(200.0)
    assert AskList(9) in bench.asked


def test_an_event_of_an_order_that_is_long_over_and_forgotten_is_not_told() -> None:
    bench = Bench().live()
    born = at(bench)
    gone = after(born, 10, status=OrderStatus.CANCELED)
    bench.hear(event(born, 1, ExecutionType.NEW), event(gone, 2, ExecutionType.CANCELED))
    bench.until(300.0)
    ledger = bench.mirror.ledger
    ledger.symbols.get(BTC, 0).orders.on_complete(bench.us)
    ledger.records._records.clear()
    bench.hear(event(gone, 2, ExecutionType.CANCELED))
    assert len(bench.told) == 2


def test_the_fills_of_before_are_asked_for_where_somebody_wants_them() -> None:
    bench = Bench()
    old = attrs.evolve(filled(order(time=T - 9000, update_time=T - 9000), "0.5", 1000))
    bench.answers[AskOpenOrders()] = [old]
    bench.watch()
    bench.until(10.0)
    assert not [ask for ask in bench.asked if isinstance(ask, AskFills)]
    bench.mirror.ledger.records.wanted.add(OrderKey(BTC, 1))
    bench.answers[AskFills(BTC, 1)] = [row(old, 1, "0.5")]
    bench.until(50.0)
    assert AskFills(BTC, 1) in bench.asked
    assert not bench.told
    assert [fill.trade_id for fill in bench.mirror.ledger.records.fills(BTC, 1)] == [1]
