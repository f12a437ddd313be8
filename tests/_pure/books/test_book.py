"""The book: a snapshot carried on by events, whole, uncrossed, in any way of writing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests._pure.books.truth import event, exact, snapshot
from trio_binance._pure.books.book import Book, BrokenBook

BIDS = [("9.50", "1"), ("9.40", "2")]
ASKS = [("10.00", "3"), ("10.10", "4")]


def book(limit: int = 100) -> Book:
    return Book(snapshot(7, BIDS, ASKS), limit)


def test_a_book_is_its_snapshot() -> None:
    made = book()
    assert (made.update_id, made.event_time) == (7, None)
    assert made.bids.all() == exact(BIDS)
    assert made.asks.all() == exact(ASKS)
    assert made.left == float("inf")


def test_a_side_with_as_many_levels_as_were_asked_for_has_a_horizon() -> None:
    made = book(limit=2)
    assert (made.bids.horizon, made.asks.horizon) == (Decimal("9.40"), Decimal("10.10"))
    assert made.left == 2
    one = Book(snapshot(7, BIDS, ASKS[:1]), 2)
    assert (one.bids.horizon, one.asks.horizon) == (Decimal("9.40"), None)


def test_an_event_carries_it_on() -> None:
    made = book()
    made.apply(event(8, 12, [("9.50", "0"), ("9.60", "5")], [("10.10", "0.5")], time=1_800_000_000_000))
    assert (made.update_id, made.event_time) == (12, 1_800_000_000_000)
    assert made.bids.all() == exact([("9.60", "5"), ("9.40", "2")])
    assert made.asks.all() == exact([("10.00", "3"), ("10.10", "0.5")])


@pytest.mark.parametrize(
    "rows",
    [
        [("9.5", "7"), ("9.4", "0")],
        [("9.500", "7"), ("9.4000", "0")],
        [("09.50", "7"), ("009.40", "0")],
        [("9.50", "7"), ("9.4", "0.00")],
    ],
)
def test_a_price_may_be_written_in_any_way(rows: list[tuple[str, str]]) -> None:
    made = book()
    made.apply(event(8, 8, rows))
    assert made.bids.all() == exact([("9.5", "7")])
    assert made.asks.all() == exact(ASKS)


def test_finer_and_longer_prices_than_those_of_the_snapshot_are_taken() -> None:
    made = book()
    made.apply(event(8, 8, [("9.505", "1")], [("1000.1", "2"), ("10.0", "0")]))
    made.apply(event(9, 9, [("9.5", "0"), ("9.4051", "3")], [("10.10", "1")]))
    assert made.bids.all() == exact([("9.505", "1"), ("9.4051", "3"), ("9.40", "2")])
    assert made.asks.all() == exact([("10.1", "1"), ("1000.1", "2")])


@pytest.mark.parametrize(
    ("bids", "asks", "words"),
    [
        ([("10.00", "1")], [], "crossed"),
        ([("10.05", "1")], [], "crossed"),
        ([], [("9.50", "1")], "crossed"),
        ([("9.50", "-1")], [], "quantity of -1"),
        ([("-9.50", "1")], [], "price of"),
        ([], [("00.00", "1")], "price of"),
        ([("9.5", "-1")], [], "quantity of -1"),
    ],
)
def test_an_event_that_makes_no_book_is_told(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], words: str
) -> None:
    with pytest.raises(BrokenBook, match=words):
        book().apply(event(8, 8, bids, asks))


@pytest.mark.parametrize(
    ("bids", "asks"), [([("10.00", "1")], ASKS), ([("9.50", "-1")], ASKS), ([("0.00", "1")], ASKS)]
)
def test_a_snapshot_that_is_no_book_is_told(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> None:
    with pytest.raises(BrokenBook):
        Book(snapshot(7, bids, asks), 100)


def test_a_book_may_have_an_empty_side() -> None:
    made = Book(snapshot(7, [], []), 100)
    made.apply(event(8, 8, [], [("10.0", "1")]))
    assert made.bids.best is None
    assert made.asks.best_level == exact([("10.0", "1")])[0]
