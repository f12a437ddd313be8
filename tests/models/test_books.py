"""Pictures of books: what can be asked of them, exactly, and what cannot be answered."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance.errors import BeyondHorizon, BookTooThin, InvalidArgument
from trio_binance.models import BookReader, BookState, BookView, Level, Side
from trio_binance.models.books import check_count

Rows = Sequence[tuple[str, str]]
BIDS = [("9.5", "1"), ("9.4", "2"), ("9.0", "4")]
ASKS = [("10.0", "1"), ("10.5", "3"), ("11.0", "4")]


def view(bids: Rows = BIDS, asks: Rows = ASKS, **changes: Any) -> BookView:
    made = BookView(
        symbol="ABCD",
        state=BookState.LIVE,
        update_id=7,
        event_time=None,
        bid_levels=tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in bids),
        ask_levels=tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in asks),
        bid_horizon=None,
        ask_horizon=None,
    )
    return attrs.evolve(made, **changes)


def test_the_best_the_spread_and_the_middle() -> None:
    book = view()
    assert book.best_bid == (Decimal("9.5"), Decimal(1))
    assert book.best_ask == (Decimal("10.0"), Decimal(1))
    assert (book.spread, book.mid) == (Decimal("0.5"), Decimal("9.75"))
    assert book.bids(2) == book.bid_levels[:2]
    assert book.asks() == book.ask_levels
    assert isinstance(book, BookReader)


@pytest.mark.parametrize("book", [view(bids=[]), view(asks=[])])
def test_a_side_that_is_empty_leaves_no_spread_and_no_middle(book: BookView) -> None:
    assert (book.spread, book.mid) == (None, None)
    assert None in (book.best_bid, book.best_ask)


def test_levels_beyond_the_horizon_are_shown_only_when_asked_for() -> None:
    book = view(bid_horizon=Decimal("9.4"), ask_horizon=Decimal("10.0"))
    assert book.bids() == book.bid_levels[:2]
    assert book.asks(5) == book.ask_levels[:1]
    assert book.bids(beyond=True) == book.bid_levels
    assert book.asks(2, beyond=True) == book.ask_levels[:2]
    nothing = view(ask_horizon=Decimal(5))
    assert nothing.best_ask is None


def test_a_picture_does_not_change_and_can_be_compared_copied_and_stored() -> None:
    book = view()
    assert pickle.loads(pickle.dumps(book)) == copy.deepcopy(book) == book
    assert view(update_id=8) != book
    assert hash(view()) == hash(book)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        book.update_id = 9  # type: ignore[misc]
    assert "bid_levels" not in repr(book)


@pytest.mark.parametrize(
    ("side", "quantity", "price"),
    [
        (Side.BUY, "1", "10"),
        ("BUY", Decimal("0.5"), "10"),
        (Side.BUY, 4, "10.375"),
        ("SELL", "3", "9.433333333333333333333333333333333"),
        ("SELL", 7, "9.185714285714285714285714285714286"),
    ],
)
def test_the_average_price_is_the_exact_sum_divided(side: Any, quantity: Any, price: str) -> None:
    assert view().vwap(side, quantity) == Decimal(price)


def test_more_than_the_book_holds_is_told_with_what_it_holds() -> None:
    with pytest.raises(BookTooThin, match=r"8\.0 can be bought") as caught:
        view().vwap("BUY", "8.1")
    assert type(caught.value) is BookTooThin
    assert caught.value.available == 8


def test_more_than_is_known_is_told_with_what_is_known() -> None:
    with pytest.raises(BeyondHorizon, match=r"3 can be sold .* up to 9\.4") as caught:
        view(bid_horizon=Decimal("9.4")).vwap("SELL", 4)
    assert (caught.value.available, caught.value.horizon) == (Decimal(3), Decimal("9.4"))
    with pytest.raises(BeyondHorizon, match="nothing of the book is known") as unknown:
        view([], [], state=BookState.SYNCING, update_id=0).vwap("SELL", 4)
    assert (unknown.value.available, unknown.value.horizon) == (Decimal(0), None)


@pytest.mark.parametrize(
    ("side", "quantity", "error"),
    [
        ("HOLD", 1, InvalidArgument),
        ("BUY", 0, InvalidArgument),
        ("BUY", "-1", InvalidArgument),
        ("BUY", "much", InvalidArgument),
        ("BUY", 0.5, TypeError),
    ],
)
def test_what_cannot_be_meant_is_refused(side: Any, quantity: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        view().vwap(side, quantity)


@pytest.mark.parametrize("read", [BookView.bids, BookView.asks])
def test_a_negative_number_of_levels_is_refused(read: Any) -> None:
    with pytest.raises(InvalidArgument):
        read(view(), -1)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=200), st.integers(1, 500))
def test_however_many_levels_it_takes_the_average_is_the_same(quantities: list[int], wanted: int) -> None:
    asks = [(f"{100 + number}", f"{quantity}") for number, quantity in enumerate(quantities)]
    if wanted > sum(quantities):
        with pytest.raises(BookTooThin):
            view(asks=asks).vwap("BUY", wanted)
        return
    units = [100 + number for number, quantity in enumerate(quantities) for _ in range(quantity)]
    average = view(asks=asks).vwap("BUY", wanted)
    assert abs(average * wanted - sum(units[:wanted])) < Decimal("1e-20")


@pytest.mark.parametrize("count", [1.5, "3", True])
def test_a_number_of_levels_is_a_whole_number(count: Any) -> None:
    with pytest.raises(TypeError, match=r"^count=.*: expected an int, not "):
        check_count(count)
    check_count(None)
