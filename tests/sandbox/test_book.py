"""The book: priorities, sums, and numbered changes."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from trio_binance.sandbox.book import Book, Changes
from trio_binance.sandbox.orders import BUY, SELL, Order

from .economy import UNIT, limit, trader

SOMEBODY = trader(1)
_ids = itertools.count(1)


def resting(side: str, price: int, quantity: int) -> Order:
    order = limit(SOMEBODY, side, price, quantity)
    order.id = next(_ids)
    return order


def test_an_empty_side_has_no_best_price() -> None:
    book = Book()
    assert book.best_bid() is None
    assert book.best_ask() is None
    assert book.best() == (0, 0, 0, 0)


def test_levels_come_best_first_and_no_more_than_asked_for() -> None:
    book = Book()
    for price in (3, 1, 2):
        book.rest(resting(BUY, price, 1))
        book.rest(resting(SELL, price + 10, 1))
    bids, asks = book.levels(2)
    assert [price // UNIT for price, _ in bids] == [3, 2]
    assert [price // UNIT for price, _ in asks] == [11, 12]
    assert book.best() == (3 * UNIT, UNIT, 11 * UNIT, UNIT)


def test_facing_orders_come_by_price_and_then_by_time() -> None:
    book = Book()
    late, early = resting(SELL, 10, 1), resting(SELL, 11, 1)
    second = resting(SELL, 10, 2)
    for order in (early, late, second):
        book.rest(order)
    buyer = limit(SOMEBODY, BUY, 10, 9)
    assert list(book.facing(buyer)) == [late, second]
    assert list(book.facing(limit(SOMEBODY, BUY, 11, 9))) == [late, second, early]
    assert book.best_against(buyer) == 10 * UNIT
    assert book.first_at(10 * UNIT, buyer) is late


def test_bids_face_a_seller_from_the_highest() -> None:
    book = Book()
    low, high = resting(BUY, 5, 1), resting(BUY, 6, 1)
    book.rest(low)
    book.rest(high)
    seller = limit(SOMEBODY, SELL, 5, 9)
    assert list(book.facing(seller)) == [high, low]
    assert book.first_at(6 * UNIT, seller) is high


def test_a_change_of_a_level_gets_the_next_update_id_and_is_noted() -> None:
    book = Book()
    changes = Changes(0)
    book.watchers.append(changes)
    bid, ask = resting(BUY, 5, 2), resting(SELL, 6, 2)
    book.rest(bid)
    book.rest(ask)
    bid.executed = UNIT
    book.shrink(bid, UNIT)
    book.remove(ask)
    assert book.update_id == 4
    assert (changes.bids, changes.asks) == ({5 * UNIT}, {6 * UNIT})
    assert book.total_at(bid=True, price=5 * UNIT) == UNIT
    assert book.total_at(bid=False, price=6 * UNIT) == 0
    changes.restart(4)
    assert (changes.since, changes.bids, changes.asks) == (4, set(), set())


@given(st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 5), st.integers(1, 9)), max_size=30), st.data())
def test_a_level_is_always_the_sum_of_its_orders(plan: list[tuple[str, int, int]], data: st.DataObject) -> None:
    book, live = Book(), list[Order]()
    for side, price, quantity in plan:
        order = resting(side, price + (10 if side == SELL else 0), quantity)
        book.rest(order)
        live.append(order)
        if data.draw(st.booleans()):
            gone = live.pop(data.draw(st.integers(0, len(live) - 1)))
            book.remove(gone)
    for side, is_bid in ((BUY, True), (SELL, False)):
        prices = {order.price for order in live if order.side == side}
        levels = book.levels(100)[0 if is_bid else 1]
        assert {price for price, _ in levels} == prices
        for price, total in levels:
            assert total == sum(order.remaining for order in live if order.side == side and order.price == price)
