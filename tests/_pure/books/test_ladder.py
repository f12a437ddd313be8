"""The ladder: levels by price and in order, exact, and honest about what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.books.truth import exact
from trio_binance._pure.books import ladder as ladder_module
from trio_binance._pure.books.ladder import KEPT, MOST_KEPT, Form, Ladder, Misquote, OtherForm

Rows = Sequence[tuple[str, str]]


def make(rows: Rows, *, falling: bool = False, complete: bool = True, form: Form | None = None) -> Ladder:
    form = Form().widened(price for price, _ in rows) if form is None else form
    return Ladder(rows, form, falling=falling, complete=complete)


def many(count: int, *, start: int = 1000) -> list[tuple[str, str]]:
    return [(f"{start + number}.0", "1.5") for number in range(count)]


# ------------------------------------------------------------------------------------------------- levels


def test_the_best_ask_is_the_lowest_and_the_best_bid_the_highest() -> None:
    rows = [("10.0", "1"), ("9.5", "2"), ("10.5", "3")]
    assert make(rows).top(9) == exact([("9.5", "2"), ("10.0", "1"), ("10.5", "3")])
    assert make(rows, falling=True).top(2) == exact([("10.5", "3"), ("10.0", "1")])
    assert make(rows).best_level == exact([("9.5", "2")])[0]
    assert make(rows, falling=True).best == "10.5"


def test_an_empty_side_has_no_best() -> None:
    ladder = make([])
    assert ladder.best is None
    assert ladder.best_level is None
    assert ladder.top(5) == ladder.all() == ()
    assert len(ladder) == ladder.known == 0


def test_quantities_replace_each_other_and_zero_removes_in_any_number_of_digits() -> None:
    ladder = make([("1.0", "5"), ("2.0", "5"), ("3.0", "5")])
    ladder.apply([("1.0", "0"), ("2.0", "0.000"), ("3.0", "0.00000001"), ("4.0", "7")])
    assert ladder.top(9) == exact([("3.0", "0.00000001"), ("4.0", "7")])


def test_removing_a_level_that_was_never_known_changes_nothing() -> None:
    ladder = make([("1.0", "5")])
    ladder.apply([("2.0", "0.0")])
    assert ladder.all() == exact([("1.0", "5")])


def test_texts_keep_their_scale() -> None:
    ladder = make([("1.00", "2.50")])
    level = ladder.best_level
    assert level is not None
    assert (str(level.price), str(level.quantity)) == ("1.00", "2.50")
    assert ladder.best_level is level


def test_a_level_of_no_quantity_in_the_snapshot_is_none() -> None:
    assert make([("1.0", "0.0"), ("2.0", "1")]).all() == exact([("2.0", "1")])


@pytest.mark.parametrize("row", [("0.0", "1"), ("-1.0", "1"), ("1.0", "-1"), ("1.0", "-0.5"), ("1.0", ".5")])
def test_an_impossible_level_is_refused(row: tuple[str, str]) -> None:
    with pytest.raises(Misquote):
        make([row, ("2.0", "1")])
    with pytest.raises(Misquote):
        make([("2.0", "1")], form=Form(2, 1)).apply([row])


# ------------------------------------------------------------------------------------------------- its form


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        ([], Form(1, 1)),
        (["1.5", "22.25"], Form(2, 2)),
        (["100"], Form(3, 1)),
        (["0.00000001"], Form(1, 8)),
    ],
)
def test_a_form_is_as_wide_as_its_prices(texts: list[str], form: Form) -> None:
    assert Form().widened(texts) == form


@pytest.mark.parametrize(
    ("text", "fitted"), [("1", "01.00"), ("1.5", "01.50"), ("10.25", "10.25"), ("007.5", "07.50"), ("1.500", "01.50")]
)
def test_a_price_is_written_in_the_form(text: str, fitted: str) -> None:
    assert Form(2, 2).fit(text) == fitted


def test_prices_on_both_sides_of_a_power_of_ten_stand_in_order() -> None:
    ladder = make([("9.99", "1"), ("10.01", "1"), ("99.50", "1"), ("100.50", "1")])
    assert [level.price for level in ladder.top(9)] == [Decimal(p) for p in ("9.99", "10.01", "99.50", "100.50")]
    ladder.apply([("9.98", "2"), ("10.01", "0"), ("99.50", "3")])
    assert ladder.top(2) == exact([("9.98", "2"), ("9.99", "1")])
    assert ladder.top(9)[2:] == exact([("99.50", "3"), ("100.50", "1")])


@pytest.mark.parametrize("text", ["10.5", "100.50", "10.505", "1.500"])
@pytest.mark.parametrize("quantity", ["1", "0"])
def test_a_price_of_another_form_is_told_and_leaves_no_trace(text: str, quantity: str) -> None:
    ladder = make([("10.50", "1")])
    with pytest.raises(OtherForm):
        ladder.apply([(text, quantity)])
    assert ladder.all() == exact([("10.50", "1")])


def test_a_ladder_can_be_written_in_a_wider_form() -> None:
    ladder = make([("9.5", "1"), ("8.5", "2"), ("7.5", "3")], falling=True, complete=False)
    ladder.apply([("6.5", "4")])
    ladder.reform(Form(3, 3))
    ladder.apply([("010.500", "5"), ("006.500", "0")])
    assert ladder.top(9) == exact([("10.5", "5"), ("9.5", "1"), ("8.5", "2"), ("7.5", "3")])
    assert ladder.horizon == Decimal("7.5")
    rising = make([("9.5", "1"), ("8.5", "2")], complete=False)
    rising.reform(Form(2, 2))
    assert rising.horizon == Decimal("9.5")
    assert rising.best == "08.50"


# ---------------------------------------------------------------------------------------------- its horizon


def test_a_full_snapshot_ends_at_its_worst_level() -> None:
    ladder = make([("3.0", "1"), ("2.0", "1")], falling=True, complete=False)
    assert ladder.horizon == Decimal("2.0")
    assert (ladder.known, ladder.left) == (2, 2)
    assert make([("3.0", "1")]).horizon is None
    assert make([("3.0", "1")]).left == float("inf")
    assert make([], complete=False).horizon is None


@pytest.mark.parametrize("falling", [False, True])
def test_what_is_told_of_levels_beyond_the_horizon_is_kept_and_not_claimed(falling: bool) -> None:
    inside, beyond = (["9.0", "8.0"], ["7.0", "6.0"]) if falling else (["1.0", "2.0"], ["3.0", "4.0"])
    ladder = make([(price, "1") for price in inside], falling=falling, complete=False)
    ladder.apply([(price, "2") for price in beyond])
    assert ladder.top(9) == exact([(price, "1") for price in inside])
    assert ladder.all() == exact([(price, "1") for price in inside] + [(price, "2") for price in beyond])
    assert (len(ladder), ladder.known, ladder.left) == (4, 2, 2)
    ladder.apply([(beyond[0], "0")])
    ladder.apply([(inside[1], "0")])
    assert (len(ladder), ladder.known) == (2, 1)
    ladder.apply([(inside[0], "0")])
    assert ladder.best is None
    assert ladder.top(1) == ()
    assert ladder.all() == exact([(beyond[1], "2")])
    assert (ladder.known, ladder.left) == (0, 0)


def test_a_cut_ends_at_its_own_last_level() -> None:
    ladder = make([("1.0", "1"), ("2.0", "1"), ("3.0", "1")], complete=False)
    ladder.apply([("4.0", "1")])
    assert ladder.cut(2) == (exact([("1.0", "1"), ("2.0", "1")]), Decimal("2.0"))
    assert ladder.cut(3) == ladder.cut(9) == (ladder.top(3), Decimal("3.0"))
    assert ladder.cut(None) == (ladder.all(), Decimal("3.0"))
    assert make([("1.0", "1")]).cut(1) == (exact([("1.0", "1")]), None)


# ---------------------------------------------------------------------------------------------- its window


@pytest.mark.parametrize("falling", [False, True])
def test_the_window_is_filled_again_when_the_market_moves_out_of_it(falling: bool) -> None:
    rows = many(3 * KEPT)
    ladder = make(rows, falling=falling)
    for price, _ in sorted(rows, reverse=falling)[:-1]:
        ladder.apply([(price, "0")])
    last = exact([min(rows) if falling else max(rows)])
    assert ladder.best_level == last[0]
    assert ladder.all() == ladder.top(9) == last


@pytest.mark.parametrize("falling", [False, True])
def test_the_window_grows_with_what_comes_and_is_cut(falling: bool) -> None:
    ladder = make(many(5, start=5000), falling=falling)
    rows = many(5 * KEPT, start=6000 if falling else 1000)
    for row in rows:
        ladder.apply([row])
    best = sorted(exact(rows), reverse=falling)
    assert ladder.top(KEPT) == tuple(best[:KEPT])
    assert ladder.top(3 * KEPT) == tuple(best[: 3 * KEPT])
    assert ladder.top(5 * KEPT + 5) == ladder.all()


def test_more_levels_than_the_window_may_hold_are_sorted_for_each_reading() -> None:
    rows = many(MOST_KEPT + 100)
    ladder = make(rows, complete=False)
    ladder.apply([("9000.0", "1")])
    assert ladder.top(MOST_KEPT + 50) == exact(rows)[:-50]
    assert ladder.top(10**6) == exact(rows)


PRICES = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("120.00"), places=2)
QUANTITIES = st.sampled_from(["0", "0.00", "1", "2.5", "0.00000001"])


@pytest.mark.parametrize("falling", [False, True])
@given(data=st.data())
def test_a_ladder_is_a_dictionary_in_order(falling: bool, data: st.DataObject) -> None:
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr(ladder_module, "KEPT", 3)
        patched.setattr(ladder_module, "MOST_KEPT", 8)
        first = data.draw(st.dictionaries(PRICES, st.just("1"), max_size=20))
        complete = data.draw(st.booleans())
        ladder = make([(f"{price:f}", q) for price, q in first.items()], falling=falling, complete=complete)
        ladder.reform(Form(3, 2))
        truth = {price: Decimal(quantity) for price, quantity in first.items()}
        worst = (min if falling else max)(truth) if truth and not complete else None
        for _ in range(data.draw(st.integers(1, 15))):
            rows = data.draw(st.lists(st.tuples(PRICES, QUANTITIES), max_size=8))
            ladder.apply([(f"{price:f}", quantity) for price, quantity in rows])
            truth |= {price: Decimal(quantity) for price, quantity in rows}
            truth = {price: quantity for price, quantity in truth.items() if quantity}
            ranked = sorted(truth.items(), reverse=falling)
            known = [row for row in ranked if worst is None or (row[0] >= worst if falling else row[0] <= worst)]
            count = data.draw(st.integers(0, 12))
            assert ladder.top(count) == tuple(known[:count])
            assert ladder.all() == tuple(ranked)
            assert ladder.known == len(known)
            assert ladder.best_level == (known[0] if known else None)
