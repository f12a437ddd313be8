"""Cancellations, amendments and cancel-replaces: each by its own rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests._pure.intents.makers import (
    FENCE,
    START_MS,
    SYMBOL,
    cancellation,
    docket,
    lost,
    of,
    order,
    order_list,
    placement,
    sent,
    stamp,
    standing,
    verdict,
    wait,
)
from trio_binance._pure.intents import (
    Absent,
    Accepted,
    Alarm,
    Intent,
    ListQuery,
    NotSent,
    OpenOrdersQuery,
    OrderQuery,
    OrderSighting,
    Part,
    Query,
    Rejected,
    SendAgain,
    Settle,
    Unresolved,
    facts,
    many,
)
from trio_binance.errors import InvalidArgument
from trio_binance.models import ListOrderStatus, OrderStatus

GONE = facts.Refused(-2011, "Unknown order sent.", clashes=True)
CANCELED, FILLED, NEW, EXPIRED = OrderStatus.CANCELED, OrderStatus.FILLED, OrderStatus.NEW, OrderStatus.EXPIRED
BY_NAME = cancellation(origClientOrderId="mine")


def amendment(**ids: Any) -> Intent:
    params = {"symbol": SYMBOL, "newQty": Decimal("5.0"), "newClientOrderId": "new", **(ids or {"orderId": 7})}
    return Intent("i-amend", "PUT /api/v3/order/amend/keepPriority", params)


def cancel_all(*targets: int) -> Intent:
    return Intent("i-all", "DELETE /api/v3/openOrders", {"symbol": SYMBOL}, targets=targets)


def cancel_list(**params: Any) -> Intent:
    return Intent("i-list", "DELETE /api/v3/orderList", {"symbol": SYMBOL, "newClientOrderId": "c", **params})


REPLACEMENT = Intent(
    "i-replace",
    "POST /api/v3/order/cancelReplace",
    {
        "symbol": SYMBOL,
        "type": "LIMIT",
        "newClientOrderId": "mine",
        "cancelOrderId": 6,
        "cancelNewClientOrderId": "cancel",
    },
)

# ------------------------------------------------------------------------------------------------------ of one order


def test_the_cancellation_of_an_order_by_its_id_is_sent_again_when_its_answer_was_lost() -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    assert made.on_timer(made.deadline) == [SendAgain(intent.intent_id)]
    made.on_fact(intent.intent_id, facts.Sending(stamp(3.0)), 3.0)
    made.on_fact(intent.intent_id, facts.Left(), 3.0)
    assert isinstance(verdict(made.on_fact(intent.intent_id, facts.Done(order(CANCELED)), 3.1)), Accepted)


def test_it_is_sent_again_three_times_at_most_and_then_asked_for() -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    asked: list[object] = []
    while len(asked) < 4:
        now = made.deadline
        asked += made.on_timer(now)
        made.on_fact(intent.intent_id, facts.Lost("again"), now)
    assert [type(effect) for effect in asked] == [SendAgain] * 3 + [Query]


@pytest.mark.parametrize("fact", (facts.GaveUp(), facts.Restarted()))
def test_it_is_not_sent_again_for_nobody(fact: facts.Fact) -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    made.on_fact(intent.intent_id, fact, 2.1)
    assert made.on_timer(made.deadline) == [Query(intent.intent_id, Part.WHOLE, OrderQuery(SYMBOL, 7, ""))]


def test_by_a_client_id_it_is_not_sent_again() -> None:
    made = docket()
    lost(made, BY_NAME)
    assert made.on_timer(made.deadline) == [Query("i-cancel", Part.WHOLE, OrderQuery(SYMBOL, None, "mine"))]


@pytest.mark.parametrize(("intent", "quantity"), [(BY_NAME, None), (amendment(origClientOrderId="mine"), "5.0")])
def test_an_order_that_got_the_name_when_the_request_could_not_begin_any_more_says_nothing_of_it(
    intent: Intent, quantity: str | None
) -> None:
    for at, word in ((FENCE - 1, "accepted"), (FENCE + 1, "unresolved")):
        made = docket(stream=False)
        lost(made, intent)
        later = order(CANCELED, order_id=9, at=at, quantity=Decimal(quantity or 1))
        wait(made, FENCE + 100, lambda now, later=later: facts.Found(later, now))
        made.on_seen(later, FENCE + 101)
        assert standing(made, intent).word == word


def test_what_was_cancelled_under_the_requests_own_name_was_cancelled_by_it_whenever_it_was_made() -> None:
    made = docket(stream=False)
    lost(made, BY_NAME)
    later = order(CANCELED, order_id=9, at=FENCE + 1, cancel_id="cancel")
    assert isinstance(verdict(made.on_seen(later, FENCE + 2)), Accepted)


@pytest.mark.parametrize("intent", (BY_NAME, amendment(origClientOrderId="mine"), amendment(origClientOrderId="old")))
def test_a_name_is_not_placed_while_a_change_of_an_order_of_it_is_on_its_way(intent: Intent) -> None:
    made, name = docket(), "new" if intent.text("origClientOrderId") == "old" else "mine"
    lost(made, intent)
    with pytest.raises(InvalidArgument, match="on its way, and might hit this: i-"):
        made.open(placement(name), 3.0)
    wait(made, FENCE + 1)
    assert isinstance(standing(made, intent), Absent)
    assert made.open(placement(name), FENCE + 2) == []


def test_a_plain_unknown_order_is_a_refusal() -> None:
    made, intent = docket(), cancellation()
    sent(made, intent)
    told = verdict(made.on_fact(intent.intent_id, GONE, 1.2))
    assert isinstance(told, Rejected)
    assert told.code == -2011


@pytest.mark.parametrize("status,kind", ((CANCELED, Accepted), (FILLED, Rejected), (EXPIRED, Rejected)))
def test_an_unknown_order_after_a_lost_answer_is_looked_into(status: OrderStatus, kind: type) -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    assert made.on_fact(intent.intent_id, GONE, 2.5) == []
    told = verdict(wait(made, 5.0, lambda now: facts.Found(order(status), now)))
    assert isinstance(told, kind)
    assert told.sighting == order(status)  # type: ignore[union-attr]


def test_a_refusal_of_what_was_sent_again_says_nothing_of_the_first() -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    made.on_timer(made.deadline)
    assert made.on_fact(intent.intent_id, facts.Refused(-1003, "Too many requests."), 2.5) == []
    assert made.on_fact(intent.intent_id, facts.NeverLeft("no connection"), 2.6) == []
    assert isinstance(standing(made, intent), Unresolved)


@pytest.mark.parametrize("intent", (cancellation(), BY_NAME))
def test_a_fill_that_came_first_makes_it_absent_and_shows_the_fill(intent: Intent) -> None:
    made = docket()
    lost(made, intent)
    told = verdict(made.on_seen(order(FILLED, at=-100.0), 2.5))
    assert isinstance(told, Absent)
    assert told.sighting == order(FILLED, at=-100.0)


def test_a_fill_while_the_answer_is_waited_for_settles_nothing() -> None:
    made, intent = docket(), cancellation()
    sent(made, intent)
    assert made.on_seen(order(FILLED), 1.2) == []


def test_an_order_that_is_still_open_past_the_fence_was_not_cancelled() -> None:
    made, intent = docket(), cancellation(orderId=7)
    lost(made, intent)
    made.on_fact(intent.intent_id, facts.GaveUp(), 2.1)
    assert isinstance(verdict(wait(made, 30.0, lambda now: facts.Found(order(NEW), now))), Absent)


def test_an_order_that_shows_no_status_says_nothing() -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    assert made.on_seen(order(None), 2.5) == []
    assert made.on_seen(order_list(), 2.5) == []
    assert made.on_fact(intent.intent_id, facts.Found(order_list(), 2.4), 2.5) == []
    assert made.on_fact(intent.intent_id, facts.Found(order(order_id=9), 2.4), 2.5) == []


def test_a_refused_cancellation_is_not_revived_by_another() -> None:
    made, intent = docket(), cancellation()
    sent(made, intent)
    made.on_fact(intent.intent_id, facts.Refused(-2011, "Order was not canceled due to cancel restrictions."), 1.2)
    assert made.on_seen(order(CANCELED, cancel_id="other"), 5.0) == []
    assert len(of(Alarm, made.on_seen(order(CANCELED, cancel_id="cancel"), 5.0))) == 1


def test_sent_again_under_another_stream_nobody_has_watched_the_first_time() -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    made.on_watching(2, 2.1)
    made.on_timer(made.deadline)
    made.on_fact(intent.intent_id, facts.Sending(stamp(3.0)), 3.0)
    made.on_fact(intent.intent_id, facts.GaveUp(), 3.0)
    assert isinstance(verdict(wait(made, 100.0, lambda now: facts.Found(order(), now))), Unresolved)


# ------------------------------------------------------------------------------------------------- of many orders


def test_of_all_orders_the_known_ones_are_looked_after_one_by_one() -> None:
    made, intent = docket(), cancel_all(7, 8)
    lost(made, intent)
    assert made.on_timer(made.deadline) == [Query("i-all", Part.WHOLE, OrderQuery(SYMBOL, 7, ""))]
    assert made.on_seen(order(CANCELED), 2.5) == []
    assert made.on_seen(order(FILLED, order_id=8), 2.6) != []
    assert made.statistics().verdicts == {"accepted": 1}


def test_of_all_orders_it_is_absent_when_all_had_been_filled() -> None:
    made, intent = docket(), cancel_all(7)
    lost(made, intent)
    assert isinstance(verdict(made.on_seen(order(FILLED), 2.5)), Absent)


def test_an_order_of_the_same_second_that_was_cancelled_leaves_it_open_whether_all_were() -> None:
    made, intent = docket(), cancel_all()
    lost(made, intent)
    made.on_seen(order(CANCELED, order_id=7, at=0.9), 2.5)
    wait(made, 200.0, lambda now: facts.FoundOpen((), now))
    assert not isinstance(standing(made, intent), Absent)


def test_of_all_orders_without_targets_the_open_ones_are_asked_for() -> None:
    made, intent = docket(), cancel_all()
    lost(made, intent)
    assert made.on_timer(made.deadline) == [Query("i-all", Part.WHOLE, OpenOrdersQuery(SYMBOL))]
    made.on_fact("i-all", facts.FoundOpen((order(at=-50.0), order(order_id=9, at=1.5), order_list()), 2.5), 2.6)
    assert made.on_timer(made.deadline) == [Query("i-all", Part.WHOLE, OrderQuery(SYMBOL, 7, ""))]


def test_of_all_orders_the_stream_tells_which_were_cancelled() -> None:
    made, intent = docket(), cancel_all()
    lost(made, intent)
    assert made.on_seen(order(CANCELED, at=-50.0), 2.5) == []
    assert made.on_seen(order(NEW, order_id=9, at=2.0), 2.5) == []
    assert isinstance(verdict(wait(made, 30.0, lambda now: facts.FoundOpen((order(at=-50.0),), now))), Accepted)


def test_of_all_orders_it_is_absent_when_nothing_was_cancelled() -> None:
    made, intent = docket(), cancel_all()
    lost(made, intent)
    assert isinstance(verdict(wait(made, 30.0, lambda now: facts.FoundOpen((), now))), Absent)
    assert made.on_seen(order(CANCELED, at=-50.0), 40.0) == []
    assert made.on_fact("i-all", facts.FoundOpen((), 40.0), 40.1) == []


def test_of_all_orders_a_copy_that_cannot_lag_any_more_shows_that_none_is_left() -> None:
    made, intent = docket(stream=False), cancel_all()
    lost(made, intent)
    made.on_seen(order(CANCELED, at=-50.0), 2.5)
    made.on_seen(order(None, order_id=8, at=-50.0), 2.5)
    made.on_seen(order(EXPIRED, order_id=8, at=-50.0), 2.6)
    wait(made, 100.0, lambda now: facts.FoundOpen((), now))
    assert isinstance(standing(made, intent), Unresolved)
    assert isinstance(verdict(wait(made, 300.0, lambda now: facts.FoundOpen((), now))), Accepted)


def test_a_cancellation_of_all_is_never_sent_again() -> None:
    made, intent = docket(), cancel_all(7)
    lost(made, intent)
    assert of(SendAgain, wait(made, 1000.0)) == []


@pytest.mark.parametrize("ids", ({"orderListId": 3}, {"listClientOrderId": "list"}))
def test_of_a_list_the_orders_tell_whether_they_were_cancelled_or_filled(ids: dict[str, Any]) -> None:
    made, intent = docket(), cancel_list(**ids)
    lost(made, intent)
    question = ListQuery(ids.get("orderListId"), ids.get("listClientOrderId", ""))
    assert made.on_timer(made.deadline) == [Query("i-list", Part.WHOLE, question)]
    assert made.on_fact("i-list", facts.Found(order_list(ListOrderStatus.ALL_DONE), 2.5), 2.6) == []
    assert made.on_timer(made.deadline) == [Query("i-list", Part.WHOLE, OrderQuery(SYMBOL, 7, ""))]
    made.on_fact("i-list", facts.Found(order(CANCELED), 3.0), 3.1)
    assert isinstance(verdict(made.on_seen(order(EXPIRED, order_id=8), 3.2)), Accepted)


def test_of_a_list_its_orders_are_known_by_its_id() -> None:
    made, intent = docket(), cancel_list(orderListId=3)
    lost(made, intent)
    assert made.on_seen(order(CANCELED, order_list_id=3), 2.5) == []
    assert made.on_seen(order(CANCELED, order_id=8, order_list_id=3), 2.6) == []
    assert isinstance(verdict(made.on_seen(order_list(ListOrderStatus.ALL_DONE), 2.7)), Accepted)


def test_of_a_list_what_the_stream_told_before_its_orders_were_known_counts() -> None:
    made, intent = docket(), cancel_list(listClientOrderId="list")
    lost(made, intent)
    for order_id in (7, 8, 9):
        assert made.on_seen(order(CANCELED, order_id=order_id, order_list_id=3), 2.5) == []
    assert isinstance(verdict(made.on_fact("i-list", facts.Found(order_list(), 2.6), 2.7)), Accepted)


def test_of_a_list_whose_orders_are_not_known_silence_says_nothing() -> None:
    made, intent = docket(), cancel_list(listClientOrderId="list")
    lost(made, intent)
    assert isinstance(verdict(wait(made, 100.0)), Unresolved)


def test_of_a_list_silence_says_nothing_where_more_was_told_than_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "_MOST_HEARD", 1)
    made, intent = docket(), cancel_list(listClientOrderId="list")
    lost(made, intent)
    for order_id in (9, 8, 7):
        made.on_seen(order(CANCELED, order_id=order_id, order_list_id=3), 2.5)
    made.on_fact("i-list", facts.Found(order_list(), 2.6), 2.7)
    assert isinstance(verdict(wait(made, 100.0, lambda now: facts.Found(order(), now))), Unresolved)


def test_another_list_says_nothing() -> None:
    made, intent = docket(), cancel_list(listClientOrderId="list")
    lost(made, intent)
    assert made.on_fact("i-list", facts.Found(order_list(name="other"), 2.4), 2.5) == []
    assert made.on_fact("i-list", facts.Found(order(order_list_id=9), 2.4), 2.5) == []
    made = docket()
    lost(made, cancel_all(7))
    assert made.on_fact("i-all", facts.Found(order_list(), 2.4), 2.5) == []


# ------------------------------------------------------------------------------------------------------ amendments


@pytest.mark.parametrize(
    "intent,sighting",
    (
        (amendment(), order(quantity=Decimal("5.00"))),
        (amendment(origClientOrderId="mine"), OrderSighting(SYMBOL, 7, ("new", "mine"))),
        (amendment(origClientOrderId="mine"), order(name="new")),
        (amendment(origClientOrderId="mine", newClientOrderId="mine"), order(quantity=Decimal(5))),
    ),
)
def test_an_amendment_is_seen_by_the_new_name_or_the_new_quantity(intent: Intent, sighting: OrderSighting) -> None:
    made = docket()
    lost(made, intent)
    assert isinstance(verdict(made.on_seen(sighting, 2.5)), Accepted)


def test_an_order_that_ended_as_it_was_cannot_be_amended_any_more() -> None:
    made, intent = docket(), amendment()
    lost(made, intent)
    assert isinstance(verdict(made.on_seen(order(FILLED, quantity=Decimal(10)), 2.5)), Absent)


def test_an_order_that_stands_as_it_was_past_the_fence_was_not_amended() -> None:
    made, intent = docket(), amendment()
    lost(made, intent)
    told = verdict(wait(made, 30.0, lambda now: facts.Found(order(quantity=Decimal(10)), now)))
    assert isinstance(told, Absent)
    # Somebody else may bring it to this quantity later.
    assert made.on_seen(order(quantity=Decimal(5)), 40.0) == []


def test_an_amendment_is_asked_for_by_the_id_that_stays_or_the_name_that_comes() -> None:
    for intent, question in (
        (amendment(), OrderQuery(SYMBOL, 7, "new")),
        (amendment(origClientOrderId="mine"), OrderQuery(SYMBOL, None, "new")),
    ):
        made = docket()
        lost(made, intent)
        assert made.on_timer(made.deadline) == [Query("i-amend", Part.WHOLE, question)]


def test_an_amendment_is_never_sent_again_and_its_new_name_is_watched_for() -> None:
    made, intent = docket(), amendment(origClientOrderId="mine")
    lost(made, intent)
    effects = wait(made, 30.0)
    assert isinstance(verdict(effects), Absent)
    assert of(SendAgain, effects) == []
    assert made.on_fact("i-amend", facts.Found(order(name="other"), 31.0), 31.1) == []
    assert made.on_fact("i-amend", facts.Found(order_list(), 31.0), 31.1) == []
    assert len(of(Alarm, made.on_seen(order(name="new"), 40.0))) == 1


# -------------------------------------------------------------------------------------------------- cancel-replaces


def test_both_halves_of_a_cancel_replace_have_a_fate_of_their_own() -> None:
    made = docket()
    sent(made, REPLACEMENT)
    halves = facts.Halves(facts.Done(order(CANCELED, order_id=6)), facts.Refused(-2010, "Account has no funds."))
    first, second = of(Settle, made.on_fact("i-replace", halves, 1.2))
    assert (first.part, second.part) == (Part.CANCEL, Part.NEW_ORDER)
    assert isinstance(first.verdict, Accepted)
    assert isinstance(second.verdict, Rejected)


def test_a_half_that_is_unknown_is_found_out_alone() -> None:
    made = docket()
    sent(made, REPLACEMENT)
    made.on_fact("i-replace", facts.Halves(facts.Done(), facts.Lost("-1007")), 1.2)
    [settle] = of(Settle, wait(made, 30.0))
    assert settle.part is Part.NEW_ORDER
    assert isinstance(settle.verdict, Absent)


def test_a_lost_cancel_replace_is_two_questions_and_never_sent_again() -> None:
    made = docket()
    lost(made, REPLACEMENT)
    effects = made.on_timer(made.deadline)
    assert [effect.part for effect in of(Query, effects)] == [Part.CANCEL, Part.NEW_ORDER]
    made.on_fact("i-replace", facts.Found(order(CANCELED, order_id=6), 2.5), 2.6, Part.CANCEL)
    made.on_fact("i-replace", facts.Found(order(), 2.5), 2.6, Part.NEW_ORDER)
    assert {part: told.word for part, told in made.standing("i-replace").items()} == {
        Part.CANCEL: "accepted",
        Part.NEW_ORDER: "accepted",
    }
    assert wait(made, 90_000.0) != []
    assert made.standing("i-replace") == {}


def test_a_cancel_replace_that_never_left_left_neither_half() -> None:
    made = docket()
    made.open(REPLACEMENT, 1.0)
    made.on_fact("i-replace", facts.Sending(stamp()), 1.0)
    effects = of(Settle, made.on_fact("i-replace", facts.NeverLeft("refused"), 1.1))
    assert [type(settle.verdict) for settle in effects] == [NotSent, NotSent]


def test_the_fence_moves_with_each_time_that_it_is_sent() -> None:
    made, intent = docket(), cancellation()
    lost(made, intent)
    made.on_timer(made.deadline)
    made.on_fact(intent.intent_id, facts.Sending(stamp(15.0)), 15.0)
    made.on_fact(intent.intent_id, facts.GaveUp(), 15.0)
    assert wait(made, 15.0 + FENCE - 1.0, lambda now: facts.Found(order(), now)) == []
    assert isinstance(verdict(wait(made, 15.0 + FENCE, lambda now: facts.Found(order(), now))), Absent)


# --------------------------------------------------------------------------------------------- a name used before


def test_an_order_that_ended_before_a_cancellation_by_its_name_says_nothing_of_it() -> None:
    made, intent = docket(), cancellation(origClientOrderId="mine")
    lost(made, intent)
    before = order(CANCELED, moment_ms=START_MS - 60_000)
    assert of(Settle, made.on_fact(intent.intent_id, facts.Found(before, 2.5), 2.6)) == []
    after = order(CANCELED, order_id=8, moment_ms=START_MS + 1_200)
    assert isinstance(verdict(made.on_fact(intent.intent_id, facts.Found(after, 2.7), 2.8)), Accepted)


def test_what_was_cancelled_by_a_name_is_not_what_is_cancelled_by_it_next() -> None:
    made, intent = docket(), cancellation(origClientOrderId="mine")
    sent(made, intent)
    made.on_fact(intent.intent_id, facts.Done(order(CANCELED)), 1.1)
    again = attrs.evolve(intent, intent_id="i-again")
    lost(made, again)
    assert of(Settle, made.on_fact("i-again", facts.Found(order(CANCELED, moment_ms=START_MS + 1_100), 2.5), 2.6)) == []


def test_of_orders_placed_under_one_name_the_latest_is_cancelled_by_it() -> None:
    made = docket()
    for number in (7, 8):
        first = attrs.evolve(placement(), intent_id=f"i-{number}")
        sent(made, first)
        made.on_fact(first.intent_id, facts.Done(order(order_id=number)), 1.1)
    intent = cancellation(origClientOrderId="mine")
    lost(made, intent)
    assert of(Settle, made.on_fact(intent.intent_id, facts.Found(order(FILLED), 2.5), 2.6)) == []
    assert isinstance(verdict(made.on_seen(order(CANCELED, order_id=8), 2.7)), Accepted)
