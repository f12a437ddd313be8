"""The parts of the mirror: balances, lists, watermarks, symbols, records, repeats and trails."""

from __future__ import annotations

from decimal import Decimal

import attrs

from trio_binance._pure.mirror.asks import PAGE, AskOrders, AskTrades
from trio_binance._pure.mirror.balances import Balances
from trio_binance._pure.mirror.lists import Lists
from trio_binance._pure.mirror.record import Record
from trio_binance._pure.mirror.records import OrderKey, Records
from trio_binance._pure.mirror.repeats import Repeats
from trio_binance._pure.mirror.trail import Trail
from trio_binance._pure.mirror.watermarks import DAY_MS, Watermark
from trio_binance.models import (
    AccountFill,
    BalanceUpdate,
    EventStreamTerminated,
    ExecutionType,
    ListOrderStatus,
    ListStatusType,
    OrderStatus,
    Side,
)

from .makers import BTC, EPOCH_MS, account, after, event, filled, list_event, list_row, order, position, trade_event

T = EPOCH_MS
US = 1000
STARTED, OVER = ListStatusType.EXEC_STARTED, ListStatusType.ALL_DONE
OPEN, DONE = ListOrderStatus.EXECUTING, ListOrderStatus.ALL_DONE


def settled(part: Balances | Lists) -> bool:
    return part.is_settled


def free(balances: Balances) -> dict[str, Decimal]:
    return {asset: balance.free for asset, balance in balances.now.items()}


# ------------------------------------------------------------------------------------------------ balances


def test_the_latest_position_of_each_asset_counts_and_what_is_late_or_repeated_is_not_told() -> None:
    balances = Balances()
    first = position(T + 5, BTC="1", USDT="7")
    assert balances.on_position(first) is first
    assert balances.on_position(first) is None
    assert balances.on_position(position(T + 4, BTC="9")) is None
    late = balances.on_position(position(T + 4, BTC="9", BNB="3"))
    assert late is not None
    assert [balance.asset for balance in late.balances] == ["BNB"]
    same_moment = position(T + 5, BTC="2")
    assert balances.on_position(same_moment) is same_moment
    assert free(balances) == {"BTC": Decimal(2), "USDT": Decimal(7), "BNB": Decimal(3)}


def test_what_a_query_knows_of_balances_is_told_when_it_is_due() -> None:
    balances = Balances()
    balances.on_position(position(T + 5, BTC="1", USDT="7"))
    assert balances.on_query(account(T + 9, BTC="2"), 3.0, known_us=0, since_us=T * US)
    assert (balances.due, settled(balances)) == (3.0, False)
    assert balances.settle(2.0) == []
    [told] = balances.settle(3.0)
    assert (told.recovered, told.last_update_time) == (True, T + 9)
    assert {balance.asset: balance.free for balance in told.balances} == {"BTC": Decimal(2), "USDT": Decimal(0)}
    assert free(balances) == {"BTC": Decimal(2)}
    assert balances.due == float("inf")
    assert balances.settle(9.0) == []


def test_what_the_stream_brings_meanwhile_is_not_recovered() -> None:
    balances = Balances()
    balances.on_position(position(T + 5, BTC="1", BNB="1"))
    balances.on_query(account(T + 9, BTC="2", BNB="2"), 3.0, known_us=0, since_us=T * US)
    balances.on_position(position(T + 9, BTC="2"))
    assert not settled(balances)
    balances.on_query(account(T + 9, BTC="2", BNB="1"), 3.0, known_us=0, since_us=T * US)
    assert settled(balances)
    balances.on_query(account(T + 10, BTC="2", BNB="5"), 3.0, known_us=0, since_us=T * US)
    balances.on_position(position(T + 11, BNB="6"))
    assert settled(balances)
    balances.on_query(account(T + 20, BTC="2", BNB="9"), 3.0, known_us=0, since_us=T * US)
    balances.on_position(position(T + 15, BNB="7"))  # on its way; the answer knows more still
    assert not settled(balances)


def test_an_answer_that_is_behind_changes_no_balance_unless_it_was_asked_late_enough() -> None:
    balances = Balances()
    balances.on_position(position(T + 5, BTC="1"))
    assert not balances.on_query(account(T + 4, BTC="9"), 0.0, known_us=(T + 4) * US, since_us=T * US)
    assert balances.on_query(account(T + 5, BTC="9"), 0.0, known_us=(T + 5) * US, since_us=T * US)


def test_what_was_before_our_time_is_how_things_are() -> None:
    balances = Balances()
    assert not balances.on_query(account(T, BTC="3"), 0.0, known_us=0, since_us=T * US)
    assert free(balances) == {"BTC": Decimal(3)}
    balances.on_position(position(T + 5, BTC="1"))
    assert not balances.on_query(account(T, BTC="3"), 0.0, known_us=0, since_us=T * US)
    assert free(balances) == {"BTC": Decimal(1)}


# --------------------------------------------------------------------------------------------------- lists


def test_a_list_is_told_once_and_its_end_is_its_end() -> None:
    lists = Lists(10)
    begun, over = list_event(T + 1, OPEN, STARTED), list_event(T + 2, DONE, OVER)
    assert [lists.on_status(one) for one in (begun, begun)] == [begun, None]
    updated = list_event(T + 1, OPEN, ListStatusType.UPDATED)
    assert lists.on_status(updated) is updated
    assert lists.open == [1]
    assert [lists.on_status(one) for one in (over, over, list_event(T + 3, OPEN, STARTED))] == [over, None, None]
    assert lists.open == []


def test_what_a_query_knows_of_lists_is_told_when_it_is_due() -> None:
    lists = Lists(10)
    lists.on_query(list_row(T, OPEN, 7), 0.0, since_us=T * US)
    assert (settled(lists), list(lists.told)) == (True, [7])
    lists.on_query(list_row(T + 1, OPEN, 8), 3.0, since_us=T * US)
    assert (lists.due, lists.settle(2.0)) == (3.0, [])
    [told] = lists.settle(3.0)
    assert (told.order_list_id, told.recovered, told.list_status_type) == (8, True, STARTED)
    lists.on_query(list_row(T + 1, OPEN, 8), 3.0, since_us=T * US)
    assert settled(lists)
    lists.on_query(list_row(T + 2, DONE, 8), 4.0, since_us=T * US)
    lists.on_query(list_row(T + 2, DONE, 7), 4.0, since_us=T * US)
    lists.on_status(list_event(T + 2, DONE, OVER, 7))
    [told] = lists.settle(4.0)
    assert (told.order_list_id, told.list_status_type) == (8, OVER)
    assert lists.due == float("inf")


def test_an_event_that_is_not_the_end_does_not_stand_for_it() -> None:
    lists = Lists(10)
    lists.on_status(list_event(T + 1, OPEN, STARTED))
    lists.on_query(list_row(T + 3, DONE), 4.0, since_us=T * US)
    lists.on_status(list_event(T + 2, OPEN, ListStatusType.UPDATED))
    assert not settled(lists)


def test_the_oldest_lists_that_are_over_are_forgotten() -> None:
    lists = Lists(1)
    for number in (1, 2):
        lists.on_status(list_event(T + number, OPEN, STARTED, number))
    assert list(lists.told) == [1, 2]
    lists.on_status(list_event(T + 5, DONE, OVER, 1))
    assert list(lists.told) == [2]


# ---------------------------------------------------------------------------------------------- watermarks


def test_a_series_is_asked_for_by_time_until_an_id_is_known_and_then_from_there_on() -> None:
    mark = Watermark(T * US)
    now = T + 2 * DAY_MS + 5
    first = mark.first(AskTrades, BTC, now)
    assert first == AskTrades(BTC, start_ms=T, end_ms=T + DAY_MS)
    second = mark.following(first, None, now)
    assert second == AskTrades(BTC, start_ms=T + DAY_MS, end_ms=T + 2 * DAY_MS)
    assert second is not None
    third = mark.following(second, None, now)
    assert third == AskTrades(BTC, start_ms=T + 2 * DAY_MS)
    assert third is not None
    assert mark.following(third, None, now) is None
    assert mark.following(first, 77, now) == AskTrades(BTC, from_id=78)
    assert mark.following(AskTrades(BTC, from_id=78), None, now) is None
    mark.note(5, (T + 10) * US)
    mark.note(9, (T + 30) * US)
    mark.on_complete((T + 20) * US)
    assert (mark.number, mark.knows(5), mark.knows(9)) == (5, True, False)
    mark.note(4, T * US)
    assert mark.first(AskOrders, BTC, now) == AskOrders(BTC, from_id=6)
    mark.on_complete((T + 10) * US)
    assert (mark.number, mark.complete_us, PAGE) == (5, (T + 20) * US, 1000)


# ------------------------------------------------------------------------------------------------- records


def test_orders_are_found_by_their_ids_and_the_latest_of_a_client_id() -> None:
    records = Records(history=10)
    for number in (1, 2):
        one = order(order_id=number)
        records.add(OrderKey(BTC, number), Record.of_report(event(one, number, ExecutionType.NEW), 0))
    assert len(records) == len(list(records)) == 2
    found = [records.find(BTC, 1, None), records.find(BTC, None, "mine"), records.find(BTC, 2, "mine")]
    assert [record and record.order.order_id for record in found] == [1, 2, 2]
    assert records.find(BTC, 1, "mine") is None
    assert records.find("ETHUSDT", 1, None) is None
    assert records.find(BTC, None, "nobody") is None
    assert [found.order_id for found in records.open_orders(BTC)] == [1, 2]
    assert records.open_orders("ETHUSDT") == []
    assert records.of_list(-1) == []


def test_the_oldest_orders_that_are_done_are_forgotten() -> None:
    records = Records(history=1)
    gone = after(order(), status=OrderStatus.CANCELED)
    for number in (1, 2, 3):
        one = after(gone, number * 700_000, order_id=number, client_order_id="same" if number < 3 else "other")
        records.add(OrderKey(BTC, number), Record.of_report(event(one, number, ExecutionType.CANCELED), 0))
    assert [record.order.order_id for record in records] == [3]
    assert records.find(BTC, None, "same") is None


def test_what_has_ended_lately_is_kept_for_the_answers_that_lag_and_what_is_followed_always() -> None:
    records = Records(history=1)
    records.wanted.add(OrderKey(BTC, 1))
    gone = after(order(), status=OrderStatus.CANCELED)
    for number, ms in ((1, 0), (2, 1_000), (3, 500_000), (4, 700_000), (5, 700_000)):
        one = after(gone, ms, order_id=number, client_order_id=str(number))
        records.add(OrderKey(BTC, number), Record.of_report(event(one, number, ExecutionType.CANCELED), 0))
    assert [record.order.order_id for record in records] == [1, 3, 4, 5]


def test_an_order_that_is_not_settled_is_not_forgotten() -> None:
    records = Records(history=1)
    half = after(filled(order(), "0.5"), status=OrderStatus.CANCELED)
    first = records.add(OrderKey(BTC, 1), Record.of_report(event(half, 1, ExecutionType.CANCELED), 0))
    assert not first.is_settled
    for number in (2, 3):
        one = attrs.evolve(half, order_id=number, executed_qty=Decimal(0))
        records.add(OrderKey(BTC, number), Record.of_report(event(one, number, ExecutionType.CANCELED), 0))
    assert records.get(OrderKey(BTC, 1)) is first


def test_fills_are_told_by_order_and_by_symbol_in_the_order_of_their_ids() -> None:
    records = Records(history=10)
    for number, trade in ((1, 8), (2, 3)):
        bought = filled(order(order_id=number), "0.5")
        records.add(OrderKey(BTC, number), Record.of_report(trade_event(bought, number, trade, "0.5"), 0))
    assert [fill.trade_id for fill in records.fills(BTC, None)] == [3, 8]
    [fill] = records.fills(BTC, 1)
    assert (fill.trade_id, fill.side, fill.recovered) == (8, Side.BUY, False)
    assert "Decimal('0.5')" in repr(fill)
    assert isinstance(fill, AccountFill)
    assert records.fills("ETHUSDT", None) == []


# ------------------------------------------------------------------------------------- repeats and trails


def test_a_change_of_a_balance_is_told_once_by_two_connections() -> None:
    repeats = Repeats()
    deposit = BalanceUpdate(T, "BTC", Decimal(1), T)
    assert [repeats.on_event(one) for one in (deposit, deposit)] == [deposit, None]
    ended = EventStreamTerminated(T)
    assert [repeats.on_event(one) for one in (ended, ended)] == [ended, ended]


def test_a_trail_follows_an_order_from_its_client_id_through_its_amendments() -> None:
    trail = Trail(BTC, None, "mine")
    listed = order(order_list_id=4)
    assert not trail.takes(list_event(T, OPEN, STARTED, 4))
    assert not trail.takes(event(order(client_order_id="other", order_id=9), 1, ExecutionType.NEW))
    assert not trail.takes(event(order(symbol="ETHUSDT"), 1, ExecutionType.NEW))
    assert not trail.takes(position(T, BTC="1"))
    assert trail.takes(event(listed, 1, ExecutionType.NEW))
    assert trail.takes(event(attrs.evolve(listed, client_order_id="newer"), 2, ExecutionType.REPLACED))
    assert not trail.takes(event(order(order_id=2), 3, ExecutionType.NEW))
    assert trail.takes(list_event(T, OPEN, STARTED, 4))
    bound = Trail(BTC, None, "mine")
    bound.bind(listed)
    assert (bound.order_id, bound.order_list_id) == (1, 4)
