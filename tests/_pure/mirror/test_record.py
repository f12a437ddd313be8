"""One order: whatever comes, each fill is told once, it only grows, and its end is its end."""

from __future__ import annotations

from decimal import Decimal

import attrs

from trio_binance._pure.mirror.fills import fill_of_row
from trio_binance._pure.mirror.record import Record
from trio_binance.models import ExecutionType, MatchType, OrderStatus

from .makers import EPOCH_MS, after, allocation, event, filled, order, row, trade_event

SINCE = EPOCH_MS * 1000
ORDER = order()
BORN = event(ORDER, 1, ExecutionType.NEW)
QUARTER = filled(ORDER, "0.25")
HALF = filled(QUARTER, "0.25")
FIRST, SECOND = trade_event(QUARTER, 2, 11, "0.25"), trade_event(HALF, 3, 12, "0.25")
GONE = after(HALF, status=OrderStatus.CANCELED)
CANCELED = event(GONE, 4, ExecutionType.CANCELED, client_order_id="c", original_client_order_id="mine")


def of_report() -> Record:
    return Record.of_report(BORN, SINCE)


def settled(record: Record) -> bool:
    return record.is_settled


def has_all(record: Record) -> bool:
    return record.has_all_fills


def test_events_in_their_order_are_told_as_they_come() -> None:
    record = of_report()
    assert [record.on_report(one) for one in (FIRST, SECOND, CANCELED)] == [FIRST, SECOND, CANCELED]
    assert record.order == GONE
    assert settled(record)
    assert has_all(record)


def test_an_event_that_comes_twice_is_told_once() -> None:
    record = of_report()
    assert [record.on_report(one) for one in (BORN, FIRST, FIRST, CANCELED, CANCELED, FIRST)] == [
        None,
        FIRST,
        None,
        CANCELED,
        None,
        None,
    ]


def test_a_fill_that_comes_late_is_told_with_the_order_as_it_stands_now() -> None:
    record = of_report()
    record.on_report(SECOND)
    assert not settled(record)
    late = record.on_report(FIRST)
    assert late is not None
    assert (late.recovered, late.trade_id, late.cumulative_filled_quantity) == (True, 11, Decimal("0.50"))
    assert settled(record)
    record.on_report(CANCELED)
    assert record.order.executed_qty == Decimal("0.50")


def test_a_fill_after_the_end_is_a_declared_correction() -> None:
    record = of_report()
    record.on_report(FIRST)
    record.on_report(attrs.evolve(CANCELED, cumulative_filled_quantity=Decimal("0.25")))
    late = record.on_report(SECOND)
    assert late is not None
    assert (late.order_status, late.recovered, late.client_order_id) == (OrderStatus.CANCELED, True, "mine")
    assert late.cumulative_filled_quantity == Decimal("0.50")
    assert record.on_report(attrs.evolve(BORN, execution_id=9, transaction_time=GONE.update_time + 1)) is None


def test_what_a_query_knows_is_told_when_the_stream_had_its_time() -> None:
    record = of_report()
    assert record.on_query(GONE, due=5.0, is_late=False)
    record.on_fill(fill_of_row(row(QUARTER, 11, "0.25")), 5.0, SINCE)
    assert record.settle(4.0) == []
    [told] = record.settle(5.0)  # the other fill is not known yet: the end must wait
    assert (told.execution_type, told.trade_id, told.order_status) == ("TRADE", 11, "PARTIALLY_FILLED")
    record.on_fill(fill_of_row(row(HALF, 12, "0.25")), 6.0, SINCE)
    last, end = record.settle(6.0)
    assert (last.trade_id, last.cumulative_filled_quantity) == (12, Decimal("0.50"))
    assert (end.execution_type, end.client_order_id, end.original_client_order_id) == ("CANCELED", "mine", "mine")
    assert end.execution_id == end.trade_id == -1
    assert [record.on_report(one) for one in (FIRST, SECOND, CANCELED)] == [None, None, None]


def test_what_the_stream_brings_in_time_is_not_recovered() -> None:
    record = of_report()
    record.on_query(GONE, due=5.0, is_late=False)
    for one in (FIRST, SECOND, CANCELED):
        assert record.on_report(one) is one
    assert settled(record)
    assert record.settle(9.0) == []


def test_an_answer_that_is_behind_changes_nothing_and_one_that_cannot_be_contradicts() -> None:
    record = of_report()
    for one in (FIRST, SECOND, CANCELED):
        record.on_report(one)
    assert record.on_query(HALF, 0.0, is_late=False)
    assert not record.on_query(HALF, 0.0, is_late=True)
    assert record.on_query(GONE, 0.0, is_late=True)
    assert record.found is None


def test_of_two_answers_the_newer_counts() -> None:
    record = of_report()
    record.on_query(GONE, 1.0, is_late=False)
    record.on_query(HALF, 1.0, is_late=False)
    assert record.found == GONE


def test_an_event_that_a_query_told_before_is_not_told_again() -> None:
    less = after(ORDER, orig_qty=Decimal("0.5"), client_order_id="newer")
    record = of_report()
    record.on_query(less, 0.0, is_late=False)
    [told] = record.settle(0.0)
    assert (told.execution_type, told.quantity, told.original_client_order_id) == ("REPLACED", Decimal("0.5"), "mine")
    live = event(less, 5, ExecutionType.REPLACED, original_client_order_id="mine")
    assert record.on_report(live) is None
    other = event(after(less, 0, orig_qty=Decimal("0.4")), 6, ExecutionType.REPLACED, original_client_order_id="newer")
    assert record.on_report(other) is other


def test_a_fill_that_was_told_is_not_told_again_but_what_else_its_event_says_is() -> None:
    record = of_report()
    record.on_fill(fill_of_row(row(QUARTER, 11, "0.25")), 0.0, SINCE)
    record.settle(0.0)
    assert record.on_report(FIRST) is None
    full = attrs.evolve(FIRST, order_status=OrderStatus.EXPIRED, execution_id=7, transaction_time=HALF.update_time)
    told = record.on_report(full)
    assert told is not None
    assert (told.execution_type, told.recovered) == ("EXPIRED", True)
    again = Record.of_report(FIRST, SINCE)
    assert again.on_report(attrs.evolve(FIRST, execution_id=8, transaction_time=HALF.update_time)) is None


def test_an_order_of_which_a_query_told_first_is_told_from_its_birth_on() -> None:
    record = Record.of_query(GONE, SINCE, due=3.0)
    for state, number in ((QUARTER, 11), (HALF, 12)):
        record.on_fill(fill_of_row(row(state, number, "0.25")), 3.0, SINCE)
    kinds = [told.execution_type for told in record.settle(3.0)]
    assert kinds == ["NEW", "TRADE", "TRADE", "CANCELED"]
    assert not record.is_heard


def test_its_birth_may_still_come_by_the_stream() -> None:
    record = Record.of_query(ORDER, SINCE, due=3.0)
    assert record.on_report(BORN) is BORN
    assert record.settle(3.0) == []


def test_an_order_of_before_our_time_is_how_things_are() -> None:
    record = Record.of_query(HALF, (EPOCH_MS + 10_000) * 1000, due=0.0)
    assert record.settle(0.0) == []
    assert settled(record)
    assert not has_all(record)
    record.on_fill(fill_of_row(row(QUARTER, 11, "0.25")), 0.0, (EPOCH_MS + 10_000) * 1000)
    record.on_fill(fill_of_row(row(HALF, 12, "0.25")), 0.0, (EPOCH_MS + 10_000) * 1000)
    assert has_all(record)
    assert record.settle(1.0) == []
    record.adopt(GONE)
    assert record.order == GONE


def test_an_order_of_before_our_time_is_told_from_then_on() -> None:
    since = QUARTER.update_time * 1000
    record = Record.of_report(SECOND, since)
    assert settled(record)
    assert not has_all(record)
    fresh = Record.of_query(QUARTER, since, due=0.0)
    fresh.on_fill(fill_of_row(row(HALF, 12, "0.25")), 0.0, since)
    [told] = fresh.settle(0.0)
    assert told.cumulative_filled_quantity == Decimal("0.50")
    assert settled(fresh)


def test_in_the_end_what_nobody_can_name_is_told_as_one_fill_by_its_sums() -> None:
    record = of_report()
    record.on_report(FIRST)
    record.on_query(filled(HALF, "0.5"), 0.0, is_late=True)
    assert record.settle(0.0) == []
    record.due = 0.0
    [told] = record.settle(0.0, gives_up=True)
    assert (told.trade_id, told.last_executed_quantity, told.last_executed_price) == (-1, Decimal("0.75"), Decimal(100))
    assert (told.order_status, told.commission) == (OrderStatus.FILLED, Decimal(0))
    assert settled(record)


def test_more_that_was_executed_after_the_end_is_told_and_the_end_stays() -> None:
    record = of_report()
    record.on_report(FIRST)
    record.on_report(attrs.evolve(CANCELED, cumulative_filled_quantity=Decimal("0.25")))
    assert record.on_query(filled(HALF, "0.5"), 0.0, is_late=True)
    [told] = record.settle(0.0, gives_up=True)
    assert (told.order_status, told.cumulative_filled_quantity) == (OrderStatus.CANCELED, Decimal("1.00"))


def test_a_fill_that_was_jumped_over_and_is_never_found_is_given_up_in_silence() -> None:
    record = of_report()
    record.on_report(SECOND)
    record.due = 0.0
    assert record.settle(0.0, gives_up=True) == []
    assert settled(record)


def test_an_answer_older_than_the_fills_that_were_found_since_is_dropped() -> None:
    record = of_report()
    record.on_query(after(QUARTER, orig_qty=Decimal("0.9"), client_order_id="newer"), 0.0, is_late=False)
    for state, number in ((QUARTER, 11), (HALF, 12)):
        record.on_fill(fill_of_row(row(state, number, "0.25")), 0.0, SINCE)
    assert [told.execution_type for told in record.settle(0.0)] == ["TRADE", "TRADE"]
    assert record.found is None


def test_an_amendment_that_was_missed_is_told_before_the_fills_since() -> None:
    record = of_report()
    less = after(filled(ORDER, "0.5"), orig_qty=Decimal("0.5"), client_order_id="newer", status=OrderStatus.FILLED)
    record.on_query(less, 0.0, is_late=False)
    record.on_fill(fill_of_row(row(filled(ORDER, "0.5"), 11, "0.5")), 0.0, SINCE)
    first, second = record.settle(0.0)
    assert (first.execution_type, second.execution_type, second.order_status) == ("REPLACED", "TRADE", "FILLED")
    assert record.order == less


def test_that_fills_had_made_an_order_full_is_told_even_if_that_was_known_later() -> None:
    whole = order(orig_qty=Decimal("0.25"))
    bought = filled(order(orig_qty=Decimal(0)), "0.25")
    record = Record.of_report(event(order(orig_qty=Decimal(0)), 1, ExecutionType.NEW), SINCE)
    record.on_report(attrs.evolve(trade_event(bought, 2, 11, "0.25"), order_status=OrderStatus.PARTIALLY_FILLED))
    record.on_query(after(bought, 0, status=OrderStatus.FILLED), 0.0, is_late=True)
    [told] = record.settle(0.0)
    assert (told.execution_type, told.order_status, told.last_executed_quantity) == (
        ExecutionType.TRADE,
        OrderStatus.FILLED,
        Decimal(0),
    )
    assert whole.orig_qty == Decimal("0.25")


def test_the_trigger_of_a_stop_and_what_was_prevented_are_told() -> None:
    stop = order(is_working=False, working_time=-1)
    record = Record.of_report(event(stop, 1, ExecutionType.NEW, is_working=False), SINCE)
    begun = after(stop, is_working=True, working_time=EPOCH_MS + 2000)
    record.on_query(begun, 0.0, is_late=False)
    [told] = record.settle(0.0)
    assert (told.execution_type, told.order_status, told.is_working) == ("NEW", "NEW", True)
    record.on_query(after(begun, prevented_quantity=Decimal("0.25"), prevented_match_id=3), 0.0, is_late=False)
    [told] = record.settle(0.0)
    assert (told.execution_type, told.last_prevented_quantity) == ("TRADE_PREVENTION", Decimal("0.25"))


def test_a_pending_order_whose_turn_comes_is_told() -> None:
    pending = order(status=OrderStatus.PENDING_NEW, is_working=False, working_time=-1)
    record = Record.of_report(event(pending, 1, ExecutionType.NEW, is_working=False), SINCE)
    record.on_query(after(pending, status=OrderStatus.NEW), 0.0, is_late=False)
    assert [told.execution_type for told in record.settle(0.0)] == ["NEW"]


def test_what_smart_order_routing_gave_is_a_fill_by_the_id_of_its_allocation() -> None:
    record = of_report()
    first = attrs.evolve(FIRST, trade_id=-1, allocation_id=5, match_type=MatchType.ONE_PARTY_TRADE_REPORT)
    assert record.on_report(first) is first
    record.on_fill(fill_of_row(allocation(QUARTER, 5, "0.25")), 0.0, SINCE)
    assert record.missing == {}
    record.on_fill(fill_of_row(allocation(HALF, 6, "0.25")), 0.0, SINCE)
    [told] = record.settle(0.0)
    assert (told.trade_id, told.allocation_id) == (-1, 6)
