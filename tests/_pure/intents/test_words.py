"""What is told of an intent: facts out of errors, sightings out of models, notes for a trader."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._pure.intents.makers import order, order_list
from tests.strategies.models import models
from trio_binance._pure.intents import ListSighting, OrderSighting, facts, sightings
from trio_binance._pure.intents.notebook import Notebook
from trio_binance._pure.intents.purposes import keys_of
from trio_binance.errors import (
    ApiError,
    BinanceError,
    ConnectError,
    ConnectionLost,
    DuplicateOrder,
    NothingToCancel,
    Outcome,
    PartialFailure,
    ServerError,
)
from trio_binance.models import (
    AmendResult,
    CancelledOrderList,
    CancelReplaceReport,
    CancelReplaceResult,
    CancelResult,
    ErrorReport,
    Evidence,
    ExecutionReport,
    ExecutionType,
    ListOrderStatus,
    ListStatus,
    Note,
    OrderAck,
    OrderFull,
    OrderListAck,
    OrderStatus,
    OrderStatusReport,
)

# ------------------------------------------------------------------------------------------------- facts from errors


def api(kind: type[ApiError], code: int | None, message: str = "words", status: int = 400) -> ApiError:
    return kind(message, code=code, status=status)


@pytest.mark.parametrize(
    "error,fact",
    (
        (ConnectError("no route"), facts.NeverLeft("no route")),
        (ConnectionLost("reset", outcome=Outcome.UNKNOWN), facts.Lost("reset")),
        (api(ApiError, -1013), facts.Refused(-1013, "words")),
        (api(DuplicateOrder, -2010), facts.Refused(-2010, "words", clashes=True)),
        (api(NothingToCancel, -2011), facts.Refused(-2011, "words", clashes=True)),
        (BinanceError("odd", outcome=Outcome.REJECTED), facts.Refused(None, "odd")),
    ),
)
def test_an_error_says_what_became_of_the_request(error: BinanceError, fact: facts.Fact) -> None:
    assert facts.of_error(error) == fact


def test_a_server_error_leaves_it_open() -> None:
    assert isinstance(facts.of_error(api(ServerError, -1007, status=504)), facts.Lost)


def halved(cancel: Outcome, new_order: Outcome, report: CancelReplaceReport | None = None) -> BinanceError:
    error = PartialFailure("partly", status=409, code=-2021)
    error.cancel_outcome, error.new_order_outcome, error.report = cancel, new_order, report
    return error


def test_an_error_tells_its_halves_apart() -> None:
    response: Any = ErrorReport(-2010, "Account has insufficient balance.")
    report = CancelReplaceReport(CancelReplaceResult.SUCCESS, CancelReplaceResult.FAILURE, None, response)
    assert facts.of_error(halved(Outcome.DONE, Outcome.REJECTED, report)) == facts.Halves(
        facts.Done(), facts.Refused(-2010, "Account has insufficient balance.")
    )


def test_a_half_that_is_a_duplicate_is_to_be_looked_into() -> None:
    response: Any = ErrorReport(-2010, "Duplicate order sent.")
    report = CancelReplaceReport(CancelReplaceResult.SUCCESS, CancelReplaceResult.FAILURE, None, response)
    told = facts.of_error(halved(Outcome.DONE, Outcome.UNKNOWN, report))
    assert isinstance(told, facts.Halves)
    assert told.new_order == facts.Refused(-2010, "Duplicate order sent.", clashes=True)


def test_halves_without_a_report_are_told_by_their_outcomes() -> None:
    told = facts.of_error(halved(Outcome.UNKNOWN, Outcome.UNKNOWN))
    assert told == facts.Halves(facts.Lost("partly"), facts.Lost("partly"))


# --------------------------------------------------------------------------------------------- sightings from models

names = st.sampled_from(("a", "b"))


@given(models(ExecutionReport, original_client_order_id=st.just("old"), execution_type=st.just(ExecutionType.CANCELED)))
def test_of_a_cancelled_order_the_report_names_the_cancellation_and_the_order(report: ExecutionReport) -> None:
    seen = sightings.of_report(report)
    assert (seen.names, seen.cancel_id) == (("old",), report.client_order_id)


@given(models(ExecutionReport, original_client_order_id=st.just("old"), execution_type=st.just(ExecutionType.REPLACED)))
def test_of_an_amended_order_the_report_names_both_its_names(report: ExecutionReport) -> None:
    seen = sightings.of_report(report)
    assert (seen.names, seen.cancel_id) == ((report.client_order_id, "old"), "")


@given(models(ExecutionReport, original_client_order_id=st.just("")))
def test_of_any_other_order_the_report_has_its_one_name(report: ExecutionReport) -> None:
    seen = sightings.of_report(report)
    assert seen.names == (report.client_order_id,)
    assert (seen.order_id, seen.status, seen.quantity) == (report.order_id, report.order_status, report.quantity)


@given(models(ListStatus))
def test_an_event_of_a_list_shows_it_with_its_orders(event: ListStatus) -> None:
    seen = sightings.of_list_status(event)
    assert (seen.name, seen.order_list_id) == (event.list_client_order_id, event.order_list_id)
    assert seen.orders == tuple(listed.order_id for listed in event.orders)


@given(models(OrderStatusReport))
def test_a_query_shows_an_order(report: OrderStatusReport) -> None:
    seen = sightings.of_query(report)
    assert (seen.names, seen.status, seen.quantity) == ((report.client_order_id,), report.status, report.orig_qty)


@given(models(OrderAck) | models(OrderFull) | models(AmendResult) | models(OrderListAck) | models(CancelResult))
def test_every_answer_shows_something(answer: Any) -> None:
    seen = sightings.of_answer(answer)
    match answer:
        case OrderAck():
            assert seen == OrderSighting(
                answer.symbol,
                answer.order_id,
                (answer.client_order_id,),
                created_ms=seen.created_ms,  # type: ignore[union-attr]
                order_list_id=answer.order_list_id,
            )
        case AmendResult():
            assert isinstance(seen, OrderSighting)
            assert (seen.quantity, seen.names[0]) == (answer.amended_order.qty, answer.amended_order.client_order_id)
        case CancelResult():
            assert isinstance(seen, OrderSighting)
            assert seen.names == (answer.orig_client_order_id or answer.client_order_id,)
        case OrderFull():
            assert isinstance(seen, OrderSighting)
            assert (seen.status, seen.quantity) == (answer.status, answer.orig_qty)
        case _:
            assert isinstance(seen, ListSighting)


@given(models(CancelledOrderList))
def test_a_cancelled_list_shows_each_of_its_orders(answer: CancelledOrderList) -> None:
    seen = sightings.of_cancelled_list(answer)
    assert [one.order_id for one in seen] == [one.order_id for one in answer.order_reports]


def test_sightings_are_told_in_words() -> None:
    assert str(order(OrderStatus.FILLED)) == "order 7 (mine) is FILLED"
    assert str(order(None)) == "order 7 (mine) is there"
    assert str(order_list()) == "order list 3 (list) is EXECUTING"


def test_a_list_has_ended_when_it_is_not_executing() -> None:
    assert not order_list().has_ended
    assert order_list(ListOrderStatus.ALL_DONE).has_ended


def test_a_sighting_is_found_by_all_its_names() -> None:
    seen = OrderSighting("BTCUSDT", 7, ("new", "old"), quantity=Decimal(1))
    assert {("order", "BTCUSDT", "new"), ("order", "BTCUSDT", "old"), ("id", "BTCUSDT", 7)} <= set(keys_of(seen))


# ---------------------------------------------------------------------------------------------------------- evidence


def test_the_same_thing_learned_again_is_counted() -> None:
    book = Notebook()
    for at in range(3):
        book.add(at, "not found")
    assert book.read() == Evidence((Note(2, "not found", 3),))


def test_of_much_the_beginning_and_the_end_are_kept() -> None:
    book = Notebook()
    for number in range(100):
        book.add(number, f"note {number}")
    lines = str(book.read()).splitlines()
    assert len(lines) == 33
    assert lines[0].endswith("note 0")
    assert lines[8].endswith("... 68 more ...")
    assert lines[-1].endswith("note 99")


def test_a_long_note_is_cut_short() -> None:
    book = Notebook()
    book.add(0, "x" * 1000)
    assert len(book.read().notes[0].text) < 300
